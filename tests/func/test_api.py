"""The wire, as xmlrpc.client sees it: introspection, multicall, faults, parameters, and what each row of the method table promises."""
import itertools
import re
import socket
import subprocess
import threading
import unittest
import xml.etree.ElementTree as ET
import xmlrpc.client

from functest import AUTHENTICATION, AUTHORIZATION, INTERNAL, NO_EXISTS, XML_RPC_API, Cloud, OneCase, build_dir, fault_of

WRONG_TYPE, NO_METHOD = -501, -506
ROW = re.compile(r'^([a-zA-Z._]+)\((.*)\)$')


class Row:
    """A method of `oned --api`."""

    def __init__(self, name, params, right):
        self.name, self.right = name, right
        params = params.split()
        self.session = params[:1] == ['session:s']
        self.params = [(p.lstrip('*').split(':')[0], p.split(':')[1][0], '=' in p) for p in (params[1:] if self.session else params)]

    def values(self, id=0):
        """One plausible value a parameter: the id where it names the object."""
        given = []
        for name, kind, _ in self.params:
            if kind == 'i':
                given.append(id if name in ('id', 'uid', 'gid', 'cluster_id') or not given else 0)
            else:
                given.append({'s': 'hold' if name == 'action' else '0' if name == 'ids' else f'NAME="n{id}"\nCPU=1\nMEMORY=1\nSIZE=1',
                              'b': False, 'l': 0, 'A': [0]}[kind])
        return given


def rows():
    text = subprocess.run([build_dir() / 'bin' / 'oned', '--api'], capture_output=True, text=True, check=True).stdout
    found, lines = [], text.splitlines()
    for line, more in zip(lines, lines[1:]):
        match = ROW.match(line)
        if match:
            found.append(Row(match[1], match[2], more.strip().removeprefix('right: ').split(';')[0]))
    return found


class Introspection(OneCase):
    def proxy(self):
        return xmlrpc.client.ServerProxy(self.one.endpoint)

    def test_list_methods_names_every_row_of_the_reference(self):
        self.assertEqual(self.proxy().system.listMethods(), [row.name for row in rows()])

    def test_method_help_says_something_of_every_method(self):
        for name in self.proxy().system.listMethods():
            self.assertRegex(self.proxy().system.methodHelp(name), r'^\w.*\.$', name)

    def test_method_signature_is_what_the_reference_prints(self):
        words = {'i': 'int', 'l': 'i8', 'b': 'boolean', 's': 'string', 'A': 'array'}
        for row in rows():
            expected = ['array'] + ['string'] * row.session + [words[kind] for _, kind, _ in row.params]
            self.assertEqual(self.proxy().system.methodSignature(row.name), [expected], row.name)

    def test_an_unknown_method_is_a_fault(self):
        for name in ('one.nosuch.thing', 'nosuch', 'one.vm.Info'):
            fault = fault_of(getattr(self.proxy(), name), self.one.auth)
            self.assertEqual(fault.faultCode, NO_METHOD)
        self.assertEqual(fault_of(self.proxy().system.methodHelp, 'nosuch').faultCode, NO_METHOD)


class Multicall(OneCase):
    def test_reads_and_writes_are_answered_in_their_order(self):
        many, auth = xmlrpc.client.MultiCall(xmlrpc.client.ServerProxy(self.one.endpoint)), self.one.auth
        many.one.system.version(auth)
        many.one.cluster.allocate(auth, 'first')
        many.one.cluster.info(auth, 100)
        many.one.cluster.update(auth, 100, 'COLOR=blue', 1)
        many.one.cluster.info(auth, 100)
        many.one.cluster.info(auth, 999)
        many.one.clusterpool.info('oneadmin:wrong')
        many.system.listMethods()
        answers = list(many())
        self.assertRegex(answers[0][1], r'^6\.10\.')
        self.assertEqual(answers[1][:2], [True, 100])
        self.assertNotIn('blue', answers[2][1])
        self.assertEqual(answers[3][:2], [True, 100])
        self.assertEqual(ET.fromstring(answers[4][1]).findtext('TEMPLATE/COLOR'), 'blue')
        self.assertEqual(answers[5], [False, '[one.cluster.info] Error getting cluster [999].', NO_EXISTS, 999, -1])
        self.assertEqual(answers[6][2], AUTHENTICATION)
        self.assertIn('one.vm.info', answers[7])

    def test_a_fault_inside_is_only_that_parts_answer(self):
        proxy = xmlrpc.client.ServerProxy(self.one.endpoint)
        parts = [{'methodName': 'one.system.version', 'params': [self.one.auth]}, {'methodName': 'one.nosuch', 'params': []},
                 {'methodName': 'one.vm.info', 'params': [self.one.auth]}, {'methodName': 'one.vm.info'}, {}, 5,
                 {'methodName': 'system.multicall', 'params': [[]]}, {'methodName': 'one.system.version', 'params': [self.one.auth]}]
        answers = proxy.system.multicall(parts)
        self.assertEqual(len(answers), len(parts))
        self.assertTrue(answers[0][0][0] and answers[-1][0][0])
        self.assertEqual([a['faultCode'] for a in answers[1:-1]],
                         [NO_METHOD, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE, WRONG_TYPE])

    def test_an_empty_one_has_an_empty_answer(self):
        self.assertEqual(xmlrpc.client.ServerProxy(self.one.endpoint).system.multicall([]), [])

    def test_a_long_one_does_not_end_the_server(self):
        proxy = xmlrpc.client.ServerProxy(self.one.endpoint)
        part = {'methodName': 'one.system.version', 'params': [self.one.auth]}
        self.assertEqual(len(proxy.system.multicall([part] * 1000)), 1000)
        fault = fault_of(proxy.system.multicall, [part] * 1001)
        self.assertIn('Too many', fault.faultString)


class Parameters(OneCase):
    """What every method says of calls that are wrong in the same way."""

    @classmethod
    def prepare(cls):
        cls.rows = [row for row in rows() if row.session]

    def proxy(self, row):
        return getattr(xmlrpc.client.ServerProxy(self.one.endpoint), row.name)

    def test_the_reference_has_the_methods_that_clients_live_by(self):
        names = {row.name for row in self.rows}
        for name in ('vm.allocate', 'vm.deploy', 'vm.action', 'vm.info', 'vmpool.info', 'vmpool.infoextended', 'host.allocate',
                     'host.info', 'hostpool.info', 'image.allocate', 'image.info', 'imagepool.info', 'vn.allocate', 'vn.info',
                     'template.allocate', 'template.instantiate', 'templatepool.info', 'user.allocate', 'user.login',
                     'userpool.info', 'group.allocate', 'acl.addrule', 'cluster.allocate', 'datastore.allocate',
                     'datastorepool.info', 'secgroup.allocate', 'system.version', 'system.config'):
            self.assertIn(f'one.{name}', names)

    def test_a_call_without_parameters_is_a_fault(self):
        for row in self.rows:
            fault = fault_of(self.proxy(row))
            self.assertEqual((fault.faultCode, fault.faultString), (WRONG_TYPE, 'Not enough parameters'), row.name)

    def test_a_call_with_one_too_few_is_a_fault(self):
        for row in self.rows:
            required = [p for p in row.params if not p[2]]
            if required:
                fault = fault_of(self.proxy(row), self.one.auth, *row.values()[:len(required) - 1])
                self.assertEqual((fault.faultCode, fault.faultString), (WRONG_TYPE, 'Not enough parameters'), row.name)

    def test_a_parameter_of_another_type_is_a_fault(self):
        texts = {'i': 'integer is not', 'l': '64-bit integer is not', 'b': 'boolean is not', 's': 'a string is not', 'A': 'an array is not'}
        for row in self.rows:
            for i, (name, kind, _) in enumerate(row.params):
                wrong = row.values()
                wrong[i] = 1 if kind == 's' else 'x'
                fault = fault_of(self.proxy(row), self.one.auth, *wrong)
                self.assertEqual((fault.faultCode, fault.faultString),
                                 (WRONG_TYPE, f'Parameter that is supposed to be {texts[kind]}'), f'{row.name} {name}')

    def test_a_session_that_is_no_string_is_a_fault(self):
        for row in self.rows:
            self.assertEqual(fault_of(self.proxy(row), 5, *row.values()).faultCode, WRONG_TYPE, row.name)

    def test_a_wrong_session_is_refused_with_the_one_text(self):
        for row in self.rows:
            for session in ('oneadmin:wrong', 'nobody:x', 'oneadmin', '', ':', 'oneadmin:', 'x' * 2000):
                self.assertEqual(self.proxy(row)(session)[2], AUTHENTICATION, row.name)     # whatever else is wrong
                answer = self.proxy(row)(session, *row.values())
                self.assertEqual(answer, [False, f"[{row.name}] User couldn't be authenticated, aborting call.", AUTHENTICATION,
                                          -1, -1])

    def test_an_info_of_something_unknown_names_it(self):
        for row in self.rows:
            if row.name.endswith('.info') and row.params and row.params[0][0] == 'id':
                message = self.refused(NO_EXISTS, row.name, 9999)
                self.assertRegex(message, rf'^\[{re.escape(row.name)}\] Error getting [a-zA-Z ]+ \[9999\]\.$')

    def test_a_change_of_something_unknown_names_it(self):
        for row in self.rows:
            if row.params and row.params[0][0] == 'id' and not row.name.endswith(('.info', '.recover', '.delrule')) \
                    and not row.name.startswith('one.zone.'):
                # The host of a deploy is looked at first.
                values = [9999 if kind == 'i' and name == 'host' else v for (name, kind, _), v in zip(row.params, row.values(9999))]
                message = self.refused(NO_EXISTS, row.name, *values)
                # one.vn.reserve says "Pool", as OpenNebula does.
                self.assertRegex(message, rf'^\[{re.escape(row.name)}\] Error getting [a-zA-Z ]+ (\[9999\]|Pool)\.$')

    def test_extra_parameters_are_ignored(self):
        self.call('one.system.version', 1, 'two', [3], {'four': 4.0})
        self.call('one.hostpool.info', -2, -1, -1)
        self.call('one.userpool.info', 'x', 'y')
        self.call('one.vmpool.info', -2, -1, -1, -1, '', 'more')
        self.call('one.user.info', 0, False, 'more')

    def test_optional_parameters_may_be_left_out(self):
        for row in self.rows:
            if row.name.endswith('pool.info') and row.params:
                required = [p for p in row.params if not p[2]]
                self.call(row.name, *[-2, -1, -1, -1][:len(required)])

    def test_a_pool_with_an_unknown_filter_is_refused(self):
        for row in self.rows:
            if row.params[:1] == [('filter', 'i', False)] and row.name.endswith(('pool.info', 'pool.infoextended')):
                required = [p for p in row.params if not p[2]]
                self.refused(XML_RPC_API, row.name, *[-7, -1, -1, -1][:len(required)], text='Incorrect filter_flag')

    def test_a_large_integer_is_kept_or_refused_but_never_cut(self):
        answer = self.one.raw('one.vm.info', 2147483647)
        self.assertEqual((answer[2], answer[3]), (NO_EXISTS, 2147483647))
        answer = self.one.raw('one.vm.info', -2147483648)
        self.assertIn(answer[2], (NO_EXISTS, AUTHORIZATION))


class Rights(OneCase):
    """Each row's right, tried by somebody who has none on objects of oneadmin."""

    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=1)
        one = cls.one
        cls.ids = dict(
            VM=one.call('one.vm.allocate', 'NAME=x\nCPU=1\nMEMORY=1'), HOST=cls.cloud.hosts[0], CLUSTER=0, DATASTORE=cls.cloud.images_ds,
            USER=0, GROUP=0, ZONE=0, VDC=0, SECGROUP=one.call('one.secgroup.allocate', 'NAME=sg'),
            TEMPLATE=one.call('one.template.allocate', 'NAME=t\nCPU=1\nMEMORY=1'),
            IMAGE=one.call('one.image.allocate', 'NAME=secret\nTYPE=DATABLOCK\nSIZE=1', cls.cloud.images_ds),
            NET=one.call('one.vn.allocate', 'NAME=secret\nVN_MAD=dummy\nBRIDGE=b\nAR=[TYPE=ETHER,SIZE=4]', -1), ACL=-1)
        cls.cloud.wait_image(cls.ids['IMAGE'])
        # The default VDC would let the members of any group see hosts, datastores and networks.
        group = one.call('one.group.allocate', 'outside')
        for rule in one.xml('one.acl.info').findall('ACL'):
            if rule.findtext('STRING').startswith(f'@{group} '):
                one.call('one.acl.delrule', int(rule.findtext('ID')))
        one.call('one.user.allocate', 'outsider', 'outsider-secret', 'core', [group])
        cls.outsider = 'outsider:outsider-secret'

    def state(self):
        return [self.call(f'one.{kind}.info', self.ids[token]) for kind, token in
                (('vm', 'VM'), ('secgroup', 'SECGROUP'), ('template', 'TEMPLATE'), ('image', 'IMAGE'), ('vn', 'NET'), ('user', 'USER'),
                 ('host', 'HOST'))]

    def test_without_a_right_no_method_reads_or_changes_anything(self):
        before, tried = self.state(), 0
        for row in rows():
            words = row.right.split()
            if words[0] not in ('USE', 'MANAGE', 'ADMIN') or not row.params or row.params[0][0] not in ('id', 'action'):
                continue
            # Everybody has the right on zones by a rule; that on rules is checked on the type.
            if words[:2] in (['USE', 'ZONE'], ['MANAGE', 'ACL']) or words[1] not in self.ids:
                continue
            values = ['hold', self.ids['VM']] if row.params[0][0] == 'action' else row.values(self.ids[words[1]])
            with self.subTest(row.name):
                message = self.refused(AUTHORIZATION, row.name, *values, auth=self.outsider)
                self.assertRegex(message, rf'Not authorized to perform {words[0]} {words[1]} \[{self.ids[words[1]]}\]')
            tried += 1
        self.assertGreater(tried, 40)
        self.assertEqual(self.state(), before)

    def test_methods_that_check_by_themselves_do_check(self):
        tokens = dict(vm='VM', host='HOST', cluster='CLUSTER', datastore='DATASTORE', user='USER', group='GROUP', zone='ZONE',
                      secgroup='SECGROUP', template='TEMPLATE', image='IMAGE', vn='NET')
        before = self.state()
        for row in rows():
            if row.right != 'any user' or not row.params or row.params[0][0] not in ('id', 'uid') \
                    or row.name.split('.')[1] not in tokens:
                continue
            with self.subTest(row.name):
                values = row.values(self.ids[tokens[row.name.split('.')[1]]])
                answer = self.one.raw(row.name, *values, auth=self.outsider)
                self.assertFalse(answer[0], f'{row.name}{values}: {answer}')
                self.assertNotEqual(answer[2], AUTHENTICATION)
        self.assertEqual(self.state(), before)

    def test_without_the_right_to_create_nothing_is_created(self):
        for row in rows():
            words = row.right.split()
            if words[0] == 'CREATE':
                with self.subTest(row.name):
                    self.refused(AUTHORIZATION, row.name, *row.values(), auth=self.outsider, text=f'CREATE {words[1]}')

    def test_pools_show_an_outsider_only_what_he_may_use(self):
        for pool in ('vmpool', 'imagepool', 'templatepool', 'vnpool', 'secgrouppool', 'hostpool', 'datastorepool', 'userpool'):
            names = [n for n in (row.name for row in rows()) if n == f'one.{pool}.info']
            if not names:
                continue
            args = {'hostpool': (), 'datastorepool': (), 'userpool': ()}.get(pool, (-2, -1, -1, -1) if pool == 'vmpool' else (-2, -1, -1))
            seen = [x.findtext('NAME') for x in self.xml(f'one.{pool}.info', *args, auth=self.outsider) if x.find('NAME') is not None]
            self.assertLessEqual(set(seen), {'outsider', 'os', 'lan', 'default'}, pool)


class Wire(OneCase):
    """Bytes as other clients send and expect them."""

    def post(self, body, head='', read=True):
        with socket.create_connection(('127.0.0.1', self.one.port), 10) as s:
            s.sendall(f'POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{head}'
                      '\r\n'.encode() + body)
            data = b''
            while read:
                got = s.recv(65536)
                if not got:
                    break
                data += got
        head, _, body = data.partition(b'\r\n\r\n')
        return head.decode(), body

    def request(self, *params):
        return xmlrpc.client.dumps(params, 'one.system.version').encode()

    def test_answers_are_what_the_pickiest_clients_want(self):
        head, body = self.post(self.request(self.one.auth))
        self.assertRegex(head, r'^HTTP/1\.[01] 200 ')
        self.assertRegex(head, r'(?i)\r\ncontent-type: text/xml')
        length = int(re.search(r'(?i)\r\ncontent-length: (\d+)', head)[1])
        self.assertEqual(length, len(body))
        self.assertTrue(body.startswith(b'<?xml'))

    def test_an_answer_has_three_elements_and_a_refusal_five(self):
        self.assertEqual(len(self.one.raw('one.system.version')), 3)
        self.assertEqual(self.one.raw('one.system.version')[2], 0)
        self.assertEqual(self.one.raw('one.host.info', 77), [False, '[one.host.info] Error getting host [77].', NO_EXISTS, 77, -1])

    def test_a_connection_serves_many_calls(self):
        proxy = xmlrpc.client.ServerProxy(self.one.endpoint)
        for _ in range(100):
            self.assertTrue(proxy.one.system.version(self.one.auth)[0])

    def test_calls_that_come_at_once_on_one_connection_are_all_answered_in_order(self):
        first, second = self.request(self.one.auth), xmlrpc.client.dumps((self.one.auth, 77), 'one.host.info').encode()
        with socket.create_connection(('127.0.0.1', self.one.port), 10) as s:
            head = 'POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n%sContent-Length: %d\r\n\r\n'
            s.sendall((head % ('', len(first))).encode() + first + (head % ('Connection: close\r\n', len(second))).encode() + second)
            data = b''
            while True:
                got = s.recv(65536)
                if not got:
                    break
                data += got
        self.assertEqual(data.count(b'HTTP/1.'), 2)
        self.assertLess(data.index(b'6.10.'), data.index(b'Error getting host [77]'))

    def test_texts_come_back_as_they_went(self):
        texts = ['plain', '<&>"\'', 'ünïcödé 日本語', 'a\ttab', 'two\nlines', ' blanks ', '&amp;', '%s%n', 'back\\slash', "'; DROP TABLE user_pool; --"]
        for i, text in enumerate(texts):
            quoted = text.replace('"', '\\"')
            with self.subTest(text):
                template = self.call('one.template.allocate', f'NAME="t{i}"\nTEXT="{quoted}"')
                self.assertEqual(self.xml('one.template.info', template).findtext('TEMPLATE/TEXT'), text)

    def test_what_would_break_the_xml_of_an_object_is_refused(self):
        for text in (']]>', 'bell\x07'):
            answer = None
            try:
                answer = self.one.raw('one.template.allocate', f'NAME=x\nTEXT="{text}"')
            except xmlrpc.client.Fault:
                pass
            self.assertFalse(answer and answer[0], text)

    def test_a_template_may_come_as_xml(self):
        template = self.call('one.template.allocate', '<TEMPLATE><NAME>x</NAME><A>1 &lt; 2</A><V><B>2</B></V></TEMPLATE>')
        x = self.xml('one.template.info', template)
        self.assertEqual((x.findtext('TEMPLATE/A'), x.findtext('TEMPLATE/V/B')), ('1 < 2', '2'))

    def test_many_clients_at_once_are_all_served(self):
        wrong = []

        def client(n):
            proxy = xmlrpc.client.ServerProxy(self.one.endpoint)
            for i in range(20):
                answer = proxy.one.template.allocate(self.one.auth, f'NAME="c{n}-{i}"\nN={n}')
                if not answer[0] or f'<N><![CDATA[{n}]]></N>' not in proxy.one.template.info(self.one.auth, answer[1])[1]:
                    wrong.append((n, i, answer))

        threads = [threading.Thread(target=client, args=(n,)) for n in range(30)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])
        names = {x.findtext('NAME') for x in self.xml('one.templatepool.info', -2, -1, -1).findall('VMTEMPLATE')}
        self.assertGreaterEqual(names, {f'c{n}-{i}' for n, i in itertools.product(range(30), range(20))})

    def test_pages_of_a_pool_follow_each_other(self):
        for i in range(25):
            self.call('one.secgroup.allocate', f'NAME="page{i:02}"')

        def page(start, size):
            return [int(x.findtext('ID')) for x in self.xml('one.secgrouppool.info', -2, start, -size).findall('SECURITY_GROUP')]
        got, start = [], 0
        while True:
            part = page(start, 10)
            got += part
            start += 10
            if len(part) < 10:
                break
        self.assertEqual(got, sorted(set(got), reverse=True))   # API_LIST_ORDER
        self.assertEqual(got, page(0, 10000))


class MultiUse(OneCase):
    def test_the_configuration_shows_secrets_only_to_oneadmins_group(self):
        self.call('one.user.allocate', 'plain', 'plain-secret', 'core')
        mine, his = self.xml('one.system.config'), self.xml('one.system.config', auth='plain:plain-secret')
        self.assertEqual((mine.findtext('DB/BACKEND'), his.findtext('DB/BACKEND')), ('sqlite', '***'))
        self.assertEqual(mine.findtext('PORT'), his.findtext('PORT'))

    def test_a_disabled_zone_answers_only_what_still_makes_sense(self):
        self.call('one.zone.enable', 0, False)
        self.refused(INTERNAL, 'one.cluster.allocate', 'x', text='zone disabled')
        self.call('one.zone.info', 0)
        self.call('one.zone.enable', 0, True)
        self.call('one.cluster.allocate', 'x')


if __name__ == '__main__':
    unittest.main()
