"""What comes from outside and means harm, or is just broken: while it does its worst, everybody else is served."""
import base64
import os
import random
import socket
import struct
import time
import unittest
import xmlrpc.client
import zlib

import invariants
from functest import Cloud, OneCase, new_perigee, temporary_folder

FUZZ_S = float(os.environ.get('PERIGEE_FUZZ_S', 8))
FUZZ_SEED = int(os.environ.get('PERIGEE_FUZZ_SEED', time.time_ns() % 1000000))


class HostileCase(OneCase):
    def tearDown(self):
        self.assertIsNone(self.one.oned.poll(), 'oned ended')
        self.served()

    def served(self):
        self.assertEqual(self.one.raw('one.system.version')[2], 0)

    def connect(self, timeout=20):
        s = socket.create_connection(('127.0.0.1', self.one.port), timeout)
        self.addCleanup(s.close)
        return s

    def send(self, data, timeout=20):
        """What comes back until the server closes, or the time is over; b'' when it just closes."""
        s = self.connect(timeout)
        got = b''
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while True:
                more = s.recv(65536)
                if not more:
                    break
                got += more
        except OSError:
            pass
        return got

    def post(self, body, **kwargs):
        return self.send(b'POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n' % len(body) + body, **kwargs)

    def call_xml(self, value, method='one.template.allocate'):
        return (f'<?xml version="1.0"?><methodCall><methodName>{method}</methodName><params><param><value><string>{self.one.auth}</string>'
                f'</value></param><param><value>{value}</value></param></params></methodCall>').encode()

    def fault(self, answer):
        """The fault code of an HTTP answer."""
        try:
            xmlrpc.client.loads(answer.partition(b'\r\n\r\n')[2])
        except xmlrpc.client.Fault as fault:
            return fault.faultCode
        self.fail(f'no fault but {answer[:300]}')

    def memory_kb(self, field='VmHWM'):
        for line in open(f'/proc/{self.one.oned.pid}/status'):
            if line.startswith(field + ':'):
                return int(line.split()[1])
        raise AssertionError(field)


class Requests(HostileCase):
    def test_what_is_no_call_is_a_fault(self):
        for body in (b'', b'hello', b'<', b'<a/>', b'<methodCall/>', b'<methodCall><methodName/></methodCall>', b'\0' * 100, b'<?xml',
                     b'<methodCall><methodName>x</methodName><params><param></param></params></methodCall>',
                     b'<methodCall><methodName>one.vm.info</methodName><params><param><value><int>x</int></value></param></params></methodCall>',
                     b'<methodCall><methodName>one.vm.info</methodName><params><param><value><int>99999999999</int></value></param></params></methodCall>',
                     self.call_xml('<string>\x01</string>'), self.call_xml('x')[:-20], b'\xff\xfe' + self.call_xml('x'),
                     self.call_xml('<string>').replace(b'</value></param></params>', b'')):
            with self.subTest(body[:60]):
                answer = self.post(body)
                self.assertTrue(answer.startswith(b'HTTP/1.1 '), answer[:100])
                if answer.startswith(b'HTTP/1.1 200'):
                    self.assertLess(self.fault(answer), 0)

    def test_what_is_no_http_is_refused_or_closed(self):
        for data in (b'\r\n\r\n', b'GET / HTTP/1.1\r\n\r\n', b'\x16\x03\x01\x02\x00\x01\x00\x01', os.urandom(4096), b'POST /RPC2\r\n\r\n',
                     b'POST /RPC2 HTTP/1.1\r\nContent-Length: -1\r\n\r\n', b'POST /RPC2 HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n',
                     b'POST /RPC2 HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
                     b'POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
                     b'POST /RPC2 HTTP/1.1\r\n' + b'X-H: y\r\n' * 5000 + b'\r\n', b'POST /' + b'a' * 100000 + b' HTTP/1.1\r\n\r\n',
                     b'POST /RPC2 HTTP/1.1\r\nX: ' + b'a' * 1000000 + b'\r\n\r\n', b'POST /RPC2 HTTP/9.9\r\nContent-Length: 0\r\n\r\n'):
            with self.subTest(data[:60]):
                answer = self.send(data)
                self.assertFalse(answer.startswith(b'HTTP/1.1 200'), answer[:200])

    def test_a_body_of_a_hundred_megabytes_is_refused_and_never_kept(self):
        before = self.memory_kb('VmRSS')
        self.assertRegex(self.send(b'POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 104857600\r\n\r\n'),
                         rb'^HTTP/1\.1 413 ')
        s = self.connect()
        try:
            s.sendall(b'POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 104857600\r\n\r\n')
            for _ in range(1600):
                s.send(b'x' * 65536)
        except OSError:
            pass
        self.assertLess(self.memory_kb() - before, 40 * 1024)

    def test_large_texts_are_kept_or_refused_with_a_reason(self):
        big = 'x' * (20 * 1024 * 1024)
        try:
            answer = self.one.raw('one.template.allocate', f'NAME=big\nTEXT="{big}"')
            if answer[0]:
                self.assertEqual(self.xml('one.template.info', answer[1]).findtext('TEMPLATE/TEXT'), big)
        except xmlrpc.client.Fault as fault:
            self.assertLess(fault.faultCode, 0)

    def test_deep_nesting_is_a_fault(self):
        for n in (100, 10000, 1000000):
            body = self.call_xml('<array><data><value>' * n + '<int>1</int>' + '</value></data></array>' * n)
            self.assertLess(self.fault(self.post(body)), 0)
        self.assertLess(self.fault(self.post(b'<a>' * 1000000)), 0)

    def test_many_values_are_a_fault(self):
        body = self.call_xml('<array><data>' + '<value><int>1</int></value>' * 500000 + '</data></array>')
        self.assertLess(self.fault(self.post(body)), 0)

    def test_a_billion_laughs_are_a_fault(self):
        entities = '<!ENTITY l0 "lol">' + ''.join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 11))
        body = self.call_xml('<string>&l10;</string>').replace(b'<methodCall>', f'<!DOCTYPE x [{entities}]><methodCall>'.encode())
        self.assertLess(self.fault(self.post(body)), 0)

    def test_a_file_of_the_server_is_not_read(self):
        body = self.call_xml('<string>NAME="&secret;"</string>').replace(
            b'<methodCall>', b'<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]><methodCall>')
        answer = self.post(body)
        self.assertLess(self.fault(answer), 0)
        self.assertNotIn(b'root:', answer)

    def test_laughs_and_files_inside_a_template_are_refused_too(self):
        laughs = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><TEMPLATE><NAME>&b;</NAME></TEMPLATE>'
        file = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><TEMPLATE><NAME>f</NAME><TEXT>&a;</TEXT></TEMPLATE>'
        for text in (laughs, file):
            answer = self.one.raw('one.template.allocate', text)
            if answer[0]:
                self.assertNotIn('root:', self.call('one.template.info', answer[1]))
                self.assertNotIn('lollollol', self.call('one.template.info', answer[1]))

    def test_templates_without_end_are_refused(self):
        for text in ('A=[' * 100000, 'A="' + 'x' * 1000000, '<A>' * 100000, '\n'.join(f'A{i}={i}' for i in range(200000)), '=' * 100000,
                     'A=[B=[C=1]]', '#' * 1000000, 'A=[' + ','.join(f'B{i}=1' for i in range(100000)) + ']'):
            with self.subTest(text[:30]):
                try:
                    answer = self.one.raw('one.template.allocate', text)
                    self.assertEqual(len(answer), 3 if answer[0] else 5)
                except xmlrpc.client.Fault as fault:
                    self.assertLess(fault.faultCode, 0)
                self.served()

    def test_an_expression_without_end_harms_nobody(self):
        for text in ('(' * 50000, '!' * 50000, 'A=1 & ' * 20000 + 'A=1', '"' * 1001):
            quoted = text.replace('"', '\\"')
            try:
                self.one.raw('one.vm.allocate', f'CPU=1\nMEMORY=1\nSCHED_REQUIREMENTS="{quoted}"')
            except xmlrpc.client.Fault as fault:
                self.assertLess(fault.faultCode, 0)
            self.served()

    def test_random_bytes_end_nobody(self):
        dice = random.Random(7)
        body = self.call_xml('<string>NAME=x</string>')
        for _ in range(300):
            broken = bytearray(body)
            for _ in range(dice.randint(1, 20)):
                broken[dice.randrange(len(broken))] = dice.randrange(256)
            answer = self.post(bytes(broken))
            self.assertTrue(answer.startswith(b'HTTP/1.1 '), bytes(broken))


class Large(HostileCase):
    """Texts as large as they may be: what is made of them neither ends oned nor keeps everybody waiting. The CPU time counts: this machine may
    be busy with other things."""

    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one)
        cls.one.call('one.user.allocate', 'someone', 'pw', 'core', [])

    def cpu_s(self):
        fields = open(f'/proc/{self.one.oned.pid}/stat').read().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def takes_little(self, method, *args, most_s=3):
        before = self.cpu_s()
        answer = self.one.raw(method, *args, auth='someone:pw')
        self.assertLess(self.cpu_s() - before, most_s, f'{method}: {str(answer)[:200]}')
        return answer

    def owned_vm(self, extra):
        return self.call('one.vm.allocate', self.cloud.template(extra), auth='someone:pw')

    def test_what_grew_by_appending_can_be_read_again_and_has_an_end(self):
        """Each piece is as small as a template must be; all of them aren't."""
        id = self.call('one.template.allocate', 'NAME=grows', auth='someone:pw')
        for i in range(3):
            self.call('one.template.update', id, '\n'.join(f'A{i}_{n}=x' for n in range(30000)), 1, auth='someone:pw')
        self.call('one.template.rename', id, 'grew', auth='someone:pw')
        self.assertEqual(len(self.xml('one.template.info', id).find('TEMPLATE')), 90000)
        text = 'x' * 1900000
        answers = [self.one.raw('one.template.update', id, f'B{i}="{text}"', 1, auth='someone:pw') for i in range(10)]
        self.assertTrue(answers[0][0])
        self.assertRegex(answers[-1][1], r"^\[one.template.update\] TEMPLATE \d+ can't have more than \d+ bytes$")
        self.assertEqual(self.one.stop(), 0)
        self.one.start()
        self.assertEqual(self.xml('one.template.info', id).findtext('NAME'), 'grew')
        self.call('one.template.delete', id, auth='someone:pw')

    def test_nics_with_many_attributes_do_not_make_a_vm_that_cannot_be_read(self):
        vm = self.owned_vm('')
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        self.call('one.vm.action', 'poweroff-hard', vm)
        self.wait_vm(vm, 'POWEROFF')
        nic = f'NIC=[NETWORK_ID={self.cloud.net},' + ','.join(f'A{i}=x' for i in range(40000)) + ']'
        for _ in range(2):
            self.assertTrue(self.one.raw('one.vm.attachnic', vm, nic, auth='someone:pw')[0])
        self.call('one.vm.rename', vm, 'again')
        self.call('one.vm.recover', vm, 3)

    def test_security_groups_in_descending_order_take_no_longer(self):
        groups = ','.join(str(i) for i in range(250000, 0, -1))
        self.assertTrue(self.takes_little('one.vm.allocate', f'CPU=1\nMEMORY=1\nNIC=[NETWORK_ID={self.cloud.net},SECURITY_GROUPS="{groups}"]')[0])

    def test_a_context_has_a_limit(self):
        values = ','.join(f'A{i}=x' for i in range(60000))
        vm = self.owned_vm('CONTEXT=[B=x]')
        self.assertRegex(self.takes_little('one.vm.updateconf', vm, f'CONTEXT=[{values}]', 1)[1], "can't have more than 8192 values")
        self.assertRegex(self.takes_little('one.vm.allocate', self.cloud.template(f'CONTEXT=[{values}]'))[1], "can't have more than 8192 values")
        for i in range(2):
            values = ','.join(f'A{i}_{n}=x' for n in range(5000))
            answer = self.takes_little('one.vm.updateconf', vm, f'CONTEXT=[{values}]', 1)
        self.assertRegex(answer[1], "can't have more than 8192 values")

    def test_a_router_gets_many_vms_or_large_ones(self):
        router = self.call('one.vrouter.allocate', 'NAME=r')
        self.call('one.vrouter.chown', router, self.uid(), -1)
        text = 'x' * 1900000
        large = self.call('one.template.allocate', f'NAME=large\nCPU=1\nMEMORY=1\nVROUTER=YES\nA="{text}"', auth='someone:pw')
        small = self.call('one.template.allocate', 'NAME=small\nCPU=1\nMEMORY=1\nVROUTER=YES', auth='someone:pw')
        self.assertRegex(self.takes_little('one.vrouter.instantiate', router, 100, large, '', True, '')[1], r"can't get 100 VMs of \d+ bytes at once")
        self.assertTrue(self.takes_little('one.vrouter.instantiate', router, 2, large, '', True, '')[0])
        self.assertRegex(self.takes_little('one.vrouter.instantiate', router, 100, small, '', True, f'A="{text}"')[1], "can't get 100 VMs")
        self.assertTrue(self.takes_little('one.vrouter.instantiate', router, 100, small, '', True, '')[0])
        nics = '\n'.join(f'NIC=[NETWORK_ID={self.cloud.net}]' for _ in range(250))
        self.assertRegex(self.takes_little('one.vrouter.instantiate', router, 100, small, '', True, nics)[1], "can't get 100 VMs of 250 NICs at once")

    def uid(self):
        return next(int(x.findtext('ID')) for x in self.xml('one.userpool.info').findall('USER') if x.findtext('NAME') == 'someone')


class Slow(HostileCase):
    options = dict(conf='TIMEOUT = 3\nKEEPALIVE_TIMEOUT = 3')

    def still_served(self):
        for i in range(20):
            self.assertEqual(self.one.raw('one.user.update', 0, f'N={i}', 1)[2], 0)

    def test_fifty_that_send_a_byte_a_second_keep_nobody_waiting(self):
        slow = [self.connect() for _ in range(50)]
        head = b'POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 100000\r\n\r\n'
        for i in range(5):
            for s in slow:
                try:
                    s.send(head[i:i + 1])
                except OSError:
                    pass
            self.still_served()
            time.sleep(0.5)
        self.closed(slow)

    def test_fifty_that_send_half_a_body_keep_nobody_waiting(self):
        slow = [self.connect() for _ in range(50)]
        for s in slow:
            s.sendall(b'POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 100000\r\n\r\n<methodCall>')
        self.still_served()
        # There was room for all of them beside the new one.
        for s in slow:
            s.setblocking(False)
            self.assertRaises(BlockingIOError, s.recv, 1)
        self.closed(slow)

    def test_more_slow_ones_than_there_are_places_keep_nobody_waiting_for_long(self):
        slow = [self.connect() for _ in range(400)]
        for s in slow:
            try:
                s.sendall(b'POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 100000\r\n\r\n<methodCall>')
            except OSError:
                pass
        # 271 have places at once and lose them after two seconds, while others wait.
        self.still_served()
        self.closed(slow)

    def test_fifty_that_say_nothing_keep_nobody_waiting(self):
        slow = [self.connect() for _ in range(50)]
        self.still_served()
        self.closed(slow)

    def test_readers_of_large_answers_who_do_not_read_keep_nobody_waiting(self):
        for i in range(20):
            self.call('one.template.allocate', f'NAME="large{i}"\nTEXT="{"x" * 200000}"')
        body = xmlrpc.client.dumps((self.one.auth, -2, -1, -1), 'one.templatepool.info').encode()
        deaf = [self.connect() for _ in range(20)]
        for s in deaf:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            try:
                s.sendall(b'POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
            except OSError:
                pass
        self.still_served()

    def closed(self, sockets):
        """The server closes them all after its timeout."""
        end = time.time() + 30
        for s in sockets:
            s.settimeout(max(0.1, end - time.time()))
            try:
                while s.recv(4096):
                    pass
            except TimeoutError:
                self.fail('a silent connection was not closed')
            except OSError:
                pass

    def test_connections_that_come_and_go_leave_nothing_behind(self):
        fds = lambda: len(os.listdir(f'/proc/{self.one.oned.pid}/fd'))  # noqa: E731
        self.served()
        before = fds()
        for _ in range(1000):
            s = socket.create_connection(('127.0.0.1', self.one.port), 5)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            s.close()
        self.one.wait('the descriptors are closed', lambda: fds() <= before + 5)


GARBAGE = r'''#!/bin/sh
# Answers INIT, then writes what no driver would, and dies.
read -r line
echo "INIT SUCCESS"
head -c 200000 /dev/urandom
echo
echo "DEPLOY SUCCESS 99999 x"
echo "DEPLOY MAYBE 1"
echo "LOG X 5 text"
echo "TRANSFER SUCCESS -7 -"
echo "DEPLOY SUCCESS 0"
echo "noise on stderr" >&2
sleep 0.2
exit 3
'''


class BadDrivers(HostileCase):
    """A hypervisor driver of each bad kind beside the good one."""

    options = dict(conf='\n'.join(['VM_MAD=[NAME="dummy",EXECUTABLE="one_vmm_dummy",TYPE="xml"]',
                                   *(f'VM_MAD=[NAME="{n}",EXECUTABLE="{n}_driver",TYPE="xml"]' for n in ('garbage', 'mute', 'deaf', 'gone'))]))

    @classmethod
    def setUpClass(cls):
        cls.folder = temporary_folder()
        cls.failed = False
        cls.one = new_perigee(cls.folder, **cls.options)
        mads = cls.folder / 'lib' / 'mads'
        scripts = dict(garbage=GARBAGE, mute='#!/bin/sh\nexec cat >/dev/null\n',
                       deaf='#!/bin/sh\nread -r line\necho "INIT SUCCESS"\nexec sleep 100000\n')
        for name, text in scripts.items():
            (mads / f'{name}_driver').write_text(text)
            (mads / f'{name}_driver').chmod(0o755)
        cls.one.start(timeout=90)
        cls.cloud = Cloud(cls.one, hosts=1)

    def vm_on(self, driver):
        host = self.call('one.host.allocate', f'h-{driver}-{time.time()}', 'dummy', driver, -1)
        vm = self.cloud.allocate()
        self.call('one.vm.deploy', vm, host, False, self.cloud.system_ds, '')
        return vm

    def test_the_good_driver_works_beside_all_of_them(self):
        bad = [self.vm_on(d) for d in ('garbage', 'mute', 'deaf', 'gone') for _ in range(3)]
        for _ in range(5):
            vm = self.cloud.running()
            self.call('one.vm.action', 'terminate-hard', vm)
            self.wait_vm(vm, 'DONE')
        self.assertEqual(invariants.broken(self.one), [])
        for vm in bad:
            self.call('one.vm.recover', vm, 5)
        self.assertEqual(invariants.broken(self.one), [])

    def test_a_vm_of_a_driver_that_never_answers_can_be_ended(self):
        vm = self.vm_on('deaf')
        self.wait_vm(vm, 'BOOT')
        self.call('one.vm.recover', vm, 0)
        self.wait_vm(vm, 'BOOT_FAILURE')
        self.call('one.vm.recover', vm, 5)
        self.assertEqual(invariants.broken(self.one), [])

    def test_what_a_mad_driver_says_is_limited_in_the_log(self):
        self.one.wait('it was tried again', lambda: (self.folder / 'var' / 'oned.log').read_text(errors='replace').count('garbage') > 2, 60)
        self.assertLess((self.folder / 'var' / 'oned.log').stat().st_size, 20 * 1024 * 1024)


# A driver that answers what it likes, when it likes, also what nobody asked for.
MAD = r'''#!/usr/bin/env python3
import base64, os, random, sys
dice = random.Random(int(sys.argv[1]))
ACTIONS = ['DEPLOY', 'SHUTDOWN', 'CANCEL', 'SAVE', 'RESTORE', 'CLEANUP', 'RESIZE', 'UPDATECONF', 'ATTACHNIC', 'DETACHNIC', 'UPDATENIC',
           'IMPORT', 'DELETE', 'MONITOR', 'EXECUTE', 'LOG', 'WHAT', '']
TEXTS = [b'', b'SOURCE="a"\nMD5="b"\nFORMAT="c"\nSIZE="%d"' % dice.choice([0, -1, 2 ** 63, 7]), b'SOURCE="\x01\xff"\nMD5="]]>"\nFORMAT="<&"\nSIZE="1"',
         b'TOTAL_MB=1e400\nFREE_MB=-inf\nUSED_MB=nan', b'<X>', b'A=[', b'\0' * 9, b'APP="%s"' % base64.b64encode(b'NAME="a\x02"\nSOURCE="s"\nSIZE=x'),
         b'APP="%s"\nAPP="!"' % base64.b64encode(b'NAME="feed"\nSOURCE="s"\nMD5="m"\nSIZE=99999999999999999999\nREGTIME=-5'),
         b'\n'.join(b'APP="%s"' % base64.b64encode(b'NAME="f%d"\nVERSION="%d"' % (i, dice.randint(0, 9))) for i in range(50))]

def say(*words):
    os.write(1, b' '.join(w if isinstance(w, bytes) else str(w).encode() for w in words) + b'\n')

for line in sys.stdin.buffer:
    action, _, rest = line.strip().decode(errors='replace').partition(' ')
    id = rest.partition(' ')[0]
    if action == 'INIT':
        say('INIT SUCCESS')
        continue
    if action == 'FINALIZE':
        break
    for _ in range(dice.choice([0, 1, 1, 1, 1, 2, 3])):
        said = action if dice.random() < 0.7 else dice.choice(ACTIONS)
        who = id if dice.random() < 0.8 else dice.choice([-1, 0, 1, 2, 99999, 2 ** 31, 2 ** 63, '', 'x', '-'])
        text = base64.b64encode(dice.choice(TEXTS)) if dice.random() < 0.7 else \
            dice.choice([b'-', b'', b'one-1', b'12 reason', b'999999999999 r', bytes(dice.choices([b for b in range(256) if b != 10], k=dice.choice([3, 300])))])
        say(said, dice.choice(['SUCCESS', 'SUCCESS', 'SUCCESS', 'FAILURE', 'MAYBE', '']), who, text)
    if dice.random() < 0.01:
        sys.exit(dice.choice([0, 3]))
'''
NAMES = ['NAME', 'NIC', 'NIC', 'NIC', 'NIC_ALIAS', 'PCI', 'DISK', 'CONTEXT', 'GRAPHICS', 'OS', 'RAW', 'BACKUP_CONFIG', 'BACKUP_VMS', 'SCHED_ACTION', 'KEEP_LAST',
         'PRIORITY', 'MODE', 'TYPE', 'ORIGIN_ID', 'APPTEMPLATE64', 'MARKET_MAD', 'STATE', 'CPU', 'MEMORY', 'VCPU', 'TOPOLOGY', 'VROUTER_ID', 'TEMPLATE_ID',
         'KEEPALIVED_ID', 'VROUTER', 'USER_INPUTS', 'NIC_DEFAULT', 'SECURITY_GROUP_RULE', 'VNET_UPDATE', 'RESIZE', 'NUMA_NODE', 'FEATURES', 'ERROR']
KIDS = ['NETWORK_ID', 'NETWORK', 'NETWORK_UID', 'NETWORK_UNAME', 'NETWORK_MODE', 'IP', 'MAC', 'IP6', 'NAME', 'PARENT', 'NIC_ID', 'PARENT_ID', 'ALIAS_IDS', 'ALIAS_ID',
        'SECURITY_GROUPS', 'CLUSTER_ID', 'AR_ID', 'ATTACH', 'DETACH', 'UPDATE', 'FLOATING_IP', 'FLOATING_ONLY', 'TARGET', 'TYPE', 'SHORT_ADDRESS', 'DEVICE', 'PCI_ID',
        'INBOUND_AVG_BW', 'OUTBOUND_PEAK_KB', 'TIME', 'REPEAT', 'DAYS', 'END_TYPE', 'END_VALUE', 'ACTION', 'WARNING', 'ARGS', 'IMAGE_ID', 'SIZE', 'NETWORK_X', 'TOKEN',
        'FILES', 'FILES_DS', 'ETH0_IP', 'PORT', 'PASSWD', 'LISTEN', 'ARCH', 'BOOT', 'UUID', 'DATA', 'VALIDATE', 'KEEP_LAST', 'CORES', 'SOCKETS', 'THREADS', 'NODE_ID',
        'VROUTER_MAC', 'CPU', 'MEMORY', 'VCPU', 'PIN_POLICY', 'START_SCRIPT']
VALUES = ['', '0', '1', '2', '-1', '100', '101', '2147483647', '2147483648', '-2147483648', '4294967296', '9223372036854775807', '99999999999999999999', '1e400', 'nan',
          '-inf', '0x10', 'YES', 'NO', 'AUTO', 'NIC', 'lan', 'oneadmin', 'NIC0', 'NIC0_ALIAS1', '10.0.0.5', '999.1.1.1', '02:00:0a:00:00:05', '::1', 'vnc', 'kvm', '%i%i',
          ',', '0,1,2', '2,1,0,0,-5', '1,,x,', '+5', '$NAME', '$NIC[IP]', '${X}', "'; touch /x; '", 'a\nb', '\\\\"', ']]>', '<A>&', '\u00e9\U0001f600', 'x' * 300, '00:00.0', 'NONE', 'CORE']


class RandomCalls(HostileCase):
    """Calls of all that changes VMs, routers, jobs and apps, with arguments that are mostly wrong, beside drivers that are wrong too."""

    conf = ['VM_MAD=[NAME="dummy",EXECUTABLE="one_vmm_dummy",TYPE="xml",LIVE_RESIZE="yes"]',
            f'VM_MAD=[NAME="mad",EXECUTABLE="mad",ARGUMENTS="{FUZZ_SEED}",TYPE="xml",LIVE_RESIZE="yes",COLD_NIC_ATTACH="yes"]',
            f'MARKET_MAD=[EXECUTABLE="mad",ARGUMENTS="{FUZZ_SEED}"]', 'MONITORING_INTERVAL_MARKET = 1', 'MARKET_MAD_CONF=[NAME="feed",APP_ACTIONS="monitor",PUBLIC="yes"]',
            'MARKET_MAD_CONF=[NAME="http",APP_ACTIONS="create, monitor, delete"]']
    options = dict(conf='\n'.join(conf))

    @classmethod
    def setUpClass(cls):
        cls.folder = temporary_folder()
        cls.failed = False
        cls.one = new_perigee(cls.folder, **cls.options)
        (cls.folder / 'lib' / 'mads' / 'mad').write_text(MAD)
        (cls.folder / 'lib' / 'mads' / 'mad').chmod(0o755)
        cls.one.start()
        cls.cloud = Cloud(cls.one)
        cls.mad_host = cls.one.call('one.host.allocate', 'madhouse', 'dummy', 'mad', -1)
        cls.one.call('one.user.allocate', 'someone', 'pw', 'core', [])
        cls.dice = random.Random(FUZZ_SEED)
        cls.templates = [cls.one.call('one.template.allocate', f'NAME=t{i}\nCPU=0.1\nMEMORY=1\nVROUTER=YES\n{extra}') for i, extra in
                         enumerate(['', f'NIC=[NETWORK_ID={cls.cloud.net}]', 'CONTEXT=[NETWORK=YES,TOKEN=YES]'])]
        for i, mad in enumerate(['http', 'feed']):
            cls.one.raw('one.market.allocate', f'NAME=m{i}\nMARKET_MAD={mad}\nBASE_URL="http://x"\nPUBLIC_DIR="/x"')

    def value(self):
        return self.dice.choice(VALUES).replace('"', '\\"')

    def template(self):
        dice = self.dice
        if dice.random() < 0.1:
            return dice.choice(['', '<', '<A>', '=', 'A=[', 'NIC=', 'NIC=[]', '<T><NIC><NETWORK_ID>0</NETWORK_ID></NIC></T>', 'NIC=[A=[B=1]]', *VALUES])
        lines = []
        for _ in range(dice.choice([1, 1, 2, 5])):
            name = dice.choice(NAMES)
            if dice.random() < 0.65:
                kids = [f'{dice.choice(KIDS)}="{self.value()}"' for _ in range(dice.choice([1, 2, 5]))]
                if name.startswith('NIC') and dice.random() < 0.6:
                    kids.append(f'NETWORK_ID={self.cloud.net}')
                lines.append(f'{name}=[{",".join(kids)}]')
            else:
                lines.append(f'{name}="{self.value()}"')
        return '\n'.join(lines)

    def argument(self, kind):
        dice = self.dice
        if kind == 'i':
            return dice.choice([0, 0, 1, 1, 2, 3, 4, 5, dice.randint(0, 60), dice.randint(0, 60), -1, -2, 2 ** 31 - 1, -2 ** 31])
        return dice.choice([True, False]) if kind == 'b' else self.template()

    vms = []
    CALLS = {       # method: what its parameters are; weights by repetition
        'one.vrouter.allocate': 's', 'one.vrouter.delete': 'ib', 'one.vrouter.update': 'isi', 'one.vrouter.instantiate': 'iiisbs', 'one.vrouter.attachnic': 'is',
        'one.vrouter.detachnic': 'ii', 'one.vrouter.chown': 'iii', 'one.vrouter.chmod': 'iiiiiiiiii', 'one.vrouter.rename': 'is', 'one.vrouter.lock': 'iib',
        'one.vrouter.unlock': 'i', 'one.vrouter.info': 'ib', 'one.vrouterpool.info': 'iii', 'one.backupjob.allocate': 's', 'one.backupjob.delete': 'ib',
        'one.backupjob.update': 'isi', 'one.backupjob.priority': 'ii', 'one.backupjob.schedadd': 'is', 'one.backupjob.schedupdate': 'iis',
        'one.backupjob.scheddelete': 'ii', 'one.backupjob.info': 'ib', 'one.backupjobpool.info': 'iii', 'one.backupjob.chown': 'iii', 'one.market.allocate': 's',
        'one.market.update': 'isi', 'one.market.enable': 'ib', 'one.market.info': 'i', 'one.market.delete': 'i', 'one.marketapp.allocate': 'si',
        'one.marketapp.delete': 'i', 'one.marketapp.enable': 'ib', 'one.marketapp.update': 'isi', 'one.marketapp.chown': 'iii', 'one.marketapp.info': 'i',
        'one.marketapp.rename': 'is', 'one.marketapp.allocatedb': 's', 'one.marketapp.updatedb': 'is', 'one.marketapp.dropdb': 'i', 'one.market.allocatedb': 's',
        'one.market.updatedb': 'is', 'one.hook.allocate': 's', 'one.hook.retry': 'ii', 'one.hook.delete': 'i', 'one.hooklog.info': 'iiii', 'one.vm.resize': 'isb',
        'one.vm.updateconf': 'isi', 'one.vm.attachnic': 'is', 'one.vm.detachnic': 'ii', 'one.vm.updatenic': 'iisi', 'one.vm.update': 'isi', 'one.vm.recover': 'ii',
        'one.vm.info': 'ib', 'one.vm.chown': 'iii', 'one.image.allocate': 'si', 'one.template.instantiate': 'isbsb', 'one.vm.allocate': 'sb', 'one.user.login': 'ssii',
    }

    def likely(self):
        """What makes that there is something to be wrong about."""
        dice = self.dice
        if dice.random() < 0.05 or not self.vms:
            self.vms = [int(x.findtext('ID')) for x in self.xml('one.vmpool.info', -2, -1, -1, -1).findall('VM')]
        vms = self.vms
        vm = dice.choice(vms) if vms else 0
        nic = f'NETWORK_ID={self.cloud.net},' + dice.choice(['', 'FLOATING_IP=YES', 'NAME=a', 'INBOUND_AVG_BW=5', 'SECURITY_GROUPS="0,1"'])
        if len(vms) > 40:
            return 'one.vm.recover', vm, dice.choice([3, 3, 5])
        return dice.choice([
            ('one.vm.allocate', self.cloud.template('CONTEXT=[NETWORK=YES]\nGRAPHICS=[TYPE=VNC]', cpu='0.1', memory=1), False),
            ('one.vm.deploy', vm, dice.choice([*self.cloud.hosts, self.mad_host]), False, self.cloud.system_ds, ''),
            ('one.vm.action', dice.choice(['poweroff', 'poweroff-hard', 'resume', 'terminate', 'terminate-hard', 'suspend', 'undeploy']), vm),
            ('one.vm.attachnic', vm, f'{dice.choice(["NIC", "NIC", "NIC_ALIAS"])}=[{nic},PARENT=NIC{dice.randint(0, 2)}]'),
            ('one.vm.detachnic', vm, dice.randint(0, 3)),
            ('one.vm.updatenic', vm, dice.randint(0, 3), f'NIC=[OUTBOUND_AVG_BW={dice.randint(1, 9)}]', dice.randint(0, 1)),
            ('one.vm.resize', vm, f'CPU=0.{dice.randint(1, 9)}\nVCPU={dice.randint(1, 4)}', False),
            ('one.vm.updateconf', vm, f'CONTEXT=[A={dice.randint(1, 9)}]', 1), ('one.vm.recover', vm, dice.choice([0, 1, 2, 3, 4, 5])),
            ('one.vrouter.allocate', f'NAME=r\nNIC=[{nic}]'), ('one.vrouter.instantiate', dice.randint(0, 5), dice.randint(0, 3), dice.choice(self.templates), '', False, ''),
            ('one.marketapp.allocate', f'NAME=a{dice.randint(0, 99)}\nORIGIN_ID={self.cloud.os}\nTYPE=IMAGE', dice.choice([100, 101])),
            ('one.marketapp.delete', dice.randint(0, 60)), ('one.image.allocate', f'NAME=i{dice.random()}\nFROM_APP={dice.randint(0, 60)}', self.cloud.images_ds),
            ('one.backupjob.allocate', f'NAME=j{dice.random()}\nBACKUP_VMS="{vm},{dice.randint(0, 9)}"\nSCHED_ACTION=[TIME=1,REPEAT=1,DAYS="1,2"]')])

    def test_no_call_and_no_driver_ends_it_or_leaves_it_in_disorder(self):
        print(f'  PERIGEE_FUZZ_SEED={FUZZ_SEED}, {FUZZ_S:g} s', flush=True)
        end, calls = time.time() + FUZZ_S, list(self.CALLS.items())
        while time.time() < end:
            if self.dice.random() < 0.4:
                method, *args = self.likely()
            else:
                method, kinds = self.dice.choice(calls)
                args = [self.argument(k) for k in kinds]
                if method == 'one.user.login':
                    args[0] = 'someone'
            try:
                answer = self.one.raw(method, *args, auth=self.dice.choice([None, 'someone:pw']))
            except xmlrpc.client.Fault as fault:
                self.assertLess(fault.faultCode, 0)
                continue
            except OSError:
                self.fail(f'seed {FUZZ_SEED}: no answer to {method}{tuple(args)}\n{self.one.log_tail()}')
            self.assertEqual(len(answer), 3 if answer[0] else 5, f'{method}{tuple(args)}')
        self.end_vms()
        self.assertEqual(invariants.broken(self.one), [], f'seed {FUZZ_SEED}')
        self.assertEqual(self.one.stop(), 0)
        self.one.start()
        self.assertEqual(invariants.broken(self.one), [], f'seed {FUZZ_SEED}, after a restart')

    def end_vms(self):
        for x in self.xml('one.vmpool.info', -2, -1, -1, -1).findall('VM'):
            self.one.raw('one.vm.unlock', int(x.findtext('ID')))
            self.call('one.vm.recover', int(x.findtext('ID')), 5)


class StrangersAtTheMonitor(HostileCase):
    """Datagrams and connections from anybody at onemonitord's port."""

    @classmethod
    def prepare(cls):
        cls.host = cls.one.dummy_host('watched')

    def test_noise_changes_nothing(self):
        address = ('127.0.0.1', self.one.ports['monitor'])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for data in (b'', b'x', os.urandom(1400), b'MONITOR_HOST SUCCESS 0 1 notbase64', b'STATE_VM SUCCESS 99999999999999999999 1 eJw=',
                         b'SYSTEM_HOST FAILURE 0 1 eJw=', b'BEACON_HOST SUCCESS 77 1 ', b'A' * 60000):
                for _ in range(50):
                    s.sendto(data, address)
        bomb = base64.b64encode(zlib.compress(b'\0' * 200_000_000))
        with socket.create_connection(address, 5) as t:
            try:
                t.sendall(b'SYSTEM_HOST SUCCESS 0 1 ' + bomb + b'\n')
            except OSError:
                pass
        connections = [socket.create_connection(address, 5) for _ in range(100)]
        later = self.one.dummy_host('later')
        for c in connections:
            c.close()
        x = self.xml('one.host.info', self.host)
        self.assertEqual((x.findtext('STATE'), x.findtext('HOST_SHARE/TOTAL_CPU')), ('2', '800'))
        self.assertGreater(later, self.host)
        pid, = self.one.processes('onemonitord')
        with open(f'/proc/{pid}/status') as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))
        self.assertLess(peak, 150 * 1024)


if __name__ == '__main__':
    unittest.main()
