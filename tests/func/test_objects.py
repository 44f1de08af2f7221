"""Objects that are little more than a template with an owner: documents, network templates, VM groups, hooks, and what is made of them."""
import sqlite3
import tempfile
import unittest

from functest import ACTION, ALLOCATE, AUTHORIZATION, INTERNAL, NO_EXISTS, XML_RPC_API, OneCase, new_perigee

ALL = -2, -1, -1


class Documents(OneCase):
    options = {'conf': 'DOCUMENT_ENCRYPTED_ATTR = "HIDDEN"\nDOCUMENT_ENCRYPTED_ATTR = "BOX/KEY"\n'}

    def ids(self, type, *filter, auth=None):
        pool = self.xml('one.documentpool.info', *(filter or ALL), type, auth=auth)
        return [int(x.findtext('ID')) for x in pool.findall('DOCUMENT')]

    def test_a_pool_shows_the_documents_of_one_type_that_the_caller_may_see(self):
        _, ann = self.user('pool-ann')
        _, ben = self.user('pool-ben')
        first, other, second = (self.call('one.document.allocate', f'NAME=d{n}', 300 + n % 2, auth=ann) for n in range(3))
        self.assertEqual(self.ids(300, auth=ann), [second, first])
        self.assertEqual(self.ids(301, auth=ann), [other])
        self.assertEqual(self.ids(300, auth=ben), [])
        self.call('one.document.chmod', first, -1, -1, -1, -1, -1, -1, 1, -1, -1)
        self.assertEqual(self.ids(300, auth=ben), [first])
        self.assertEqual(self.ids(300, -3, -1, -1, auth=ben), [])
        self.refused(XML_RPC_API, 'one.documentpool.info', -5, -1, -1, 300, text='Incorrect filter_flag')

    def test_names_may_repeat_and_be_anything_that_is_not_too_long(self):
        ids = [self.call('one.document.allocate', 'NAME="same; <name>"', 5) for _ in range(2)]
        self.assertNotEqual(*ids)
        self.assertEqual(self.xml('one.document.info', ids[1]).findtext('NAME'), 'same; <name>')
        unnamed = self.call('one.document.allocate', '', 5)
        self.assertEqual(self.xml('one.document.info', unnamed).findtext('NAME'), f'document-{unnamed}')
        self.call('one.document.allocate', f'NAME={"n" * 128}', 5)
        self.refused(INTERNAL, 'one.document.allocate', f'NAME={"n" * 129}', 5, text='max length is 128')
        self.refused(ALLOCATE, 'one.document.clone', unnamed, 'n' * 129, text='max length is 128')

    def test_only_a_refused_first_document_uses_up_its_id(self):
        with tempfile.TemporaryDirectory() as folder, new_perigee(folder) as one:
            for expected in (1, 2):
                self.assertEqual(one.raw('one.document.allocate', f'NAME={"n" * 129}', 5)[2], INTERNAL)
                self.assertEqual(one.call('one.document.allocate', '', 5), expected)

    def test_listed_attributes_are_kept_encrypted_and_told_in_clear_to_admins_who_ask(self):
        _, ann = self.user('secret-ann')
        doc = self.call('one.document.allocate', 'NAME=safe\nHIDDEN=pearl\nBOX=[KEY=ruby,OPEN=yes]', 9, auth=ann)

        def shown(*more, auth=None):
            x = self.xml('one.document.info', doc, *more, auth=auth).find('TEMPLATE')
            return x.findtext('HIDDEN'), x.findtext('BOX/KEY'), x.findtext('BOX/OPEN')
        for args in ((), (False,)):
            self.assertFalse({'pearl', 'ruby'} & set(shown(*args)))
        self.assertEqual(shown(True), ('pearl', 'ruby', 'yes'))
        self.assertEqual(shown(True, auth=ann), shown())
        self.call('one.document.update', doc, 'HIDDEN=opal', 1, auth=ann)
        self.assertEqual(shown(True), ('opal', 'ruby', 'yes'))
        copy = self.call('one.document.clone', doc, 'copy', auth=ann)
        self.assertEqual(self.xml('one.document.info', copy, True).findtext('TEMPLATE/HIDDEN'), 'opal')
        for path in (self.one.folder / 'var').glob('one.db*'):
            self.assertNotIn(b'pearl', path.read_bytes(), path.name)

    def test_rules_and_locks_of_documents(self):
        uid, ann = self.user('rule-ann')
        doc = self.call('one.document.allocate', 'NAME=ruled', 1)
        self.refused(AUTHORIZATION, 'one.document.info', doc, auth=ann, text=rf'USE DOCUMENT \[{doc}\]')
        rule = self.call('one.acl.addrule', hex(0x100000000 + uid), hex(0x400100000000 + doc), '0x3')
        self.call('one.document.update', doc, 'A=1', 1, auth=ann)
        self.call('one.document.lock', doc, 2, auth=ann)
        self.refused(AUTHORIZATION, 'one.document.delete', doc, text='DOCUMENT is locked')
        self.call('one.document.unlock', doc)
        self.call('one.document.delete', doc, auth=ann)
        self.assertNotIn(str(rule), [x.findtext('ID') for x in self.xml('one.acl.info').findall('ACL')])
        self.refused(NO_EXISTS, 'one.document.info', doc, text=rf'Error getting document \[{doc}\]')


class NetworkTemplates(OneCase):
    def test_a_network_is_made_of_the_template_and_of_what_the_caller_adds(self):
        uid, ann = self.user('net-ann')
        vt = self.call('one.vntemplate.allocate', 'NAME=base\nVN_MAD=bridge\nNOTE=a\nAR=[TYPE=IP4,IP="10.0.0.1",SIZE=4]')
        self.refused(AUTHORIZATION, 'one.vntemplate.instantiate', vt, 'hers', '', auth=ann)
        self.call('one.vntemplate.chmod', vt, 1, 1, 0, 0, 0, 0, 1, 0, 0)
        for extra in ('BRIDGE=x', 'VN_MAD=dummy', 'CLUSTER_IDS="0"', 'AR=[TYPE=IP4,IP="10.0.0.1",SIZE=4,BRIDGE=x]'):
            self.refused(AUTHORIZATION, 'one.vntemplate.instantiate', vt, 'hers', extra, auth=ann, text='restricted attribute')
        net = self.call('one.vntemplate.instantiate', vt, '', 'NOTE=b', auth=ann)
        x = self.xml('one.vn.info', net, auth=ann)
        self.assertEqual((x.findtext('NAME'), x.findtext('UID'), x.findtext('TEMPLATE/NOTE'), x.findtext('TEMPLATE/TEMPLATE_ID')),
                         (f'base-{net}', str(uid), 'b', str(vt)))
        self.assertEqual(x.findtext('AR_POOL/AR/SIZE'), '4')
        self.refused(ALLOCATE, 'one.vntemplate.instantiate', vt, f'base-{net}', '', auth=ann, text='NAME is already taken by NET')
        self.refused(AUTHORIZATION, 'one.vntemplate.clone', vt, 'mine', auth=ann, text='CREATE VNTEMPLATE')

    def test_the_template_names_the_clusters(self):
        west = self.call('one.cluster.allocate', 'west')
        vt = self.call('one.vntemplate.allocate', f'NAME=wide\nVN_MAD=dummy\nBRIDGE=b\nCLUSTER_IDS="{west},77"')
        net = self.call('one.vntemplate.instantiate', vt, 'wide', '')
        self.assertEqual([x.text for x in self.xml('one.vn.info', net).findall('CLUSTERS/ID')], [str(west)])
        self.assertIn(str(net), [x.text for x in self.xml('one.cluster.info', west).findall('VNETS/ID')])


class VmGroups(OneCase):
    def roles(self, group):
        return {r.findtext('NAME'): {x.tag: x.text for x in r} for r in self.xml('one.vmgroup.info', group).findall('ROLES/ROLE')}

    def test_roles_and_rules_change_together_or_not_at_all(self):
        group = self.call('one.vmgroup.allocate', 'NAME=app\nROLE=[NAME=web]\nROLE=[NAME=db]\nANTI_AFFINED="web,db"')
        self.refused(INTERNAL, 'one.vmgroup.update', group, 'AFFINED="web,db"', 1, text='AFFINED and ANTI_AFFINED rules: web db')
        self.refused(ACTION, 'one.vmgroup.roledelete', group, 0, text='are not defined')
        self.refused(ACTION, 'one.vmgroup.roleadd', group, 'ROLE=[NAME=web]', text='Role already exists')
        self.call('one.vmgroup.update', group, 'AFFINED="web,db"', 0)
        self.call('one.vmgroup.roleadd', group, 'ROLE=[NAME=log,POLICY=AFFINED]')
        self.call('one.vmgroup.roleupdate', group, 2, 'ROLE=[NAME=logs]')
        self.assertEqual(self.roles(group), {'web': {'ID': '0', 'NAME': 'web'}, 'db': {'ID': '1', 'NAME': 'db'},
                                             'logs': {'ID': '2', 'NAME': 'logs', 'POLICY': 'AFFINED'}})

    def test_roles_are_only_for_who_manages_the_group(self):
        _, ann = self.user('role-ann')
        _, ben = self.user('role-ben')
        group = self.call('one.vmgroup.allocate', 'NAME=hers\nROLE=[NAME=a]', auth=ann)
        for method, *args in (('roleadd', 'ROLE=[NAME=b]'), ('roleupdate', 0, 'ROLE=[NAME=b]'), ('roledelete', 0)):
            self.refused(AUTHORIZATION, f'one.vmgroup.{method}', group, *args, auth=ben, text='MANAGE VMGROUP')
        self.call('one.vmgroup.roledelete', group, 0, auth=ann)
        self.assertEqual(self.roles(group), {})


class Hooks(OneCase):
    def test_hooks_are_for_administrators(self):
        _, ann = self.user('hook-ann')
        hook = self.call('one.hook.allocate', 'NAME=watch\nTYPE=state\nRESOURCE=HOST\nSTATE=ERROR\nCOMMAND=x')
        self.refused(AUTHORIZATION, 'one.hook.info', hook, auth=ann, text='USE HOOK')
        self.refused(AUTHORIZATION, 'one.hook.allocate', 'NAME=hers\nTYPE=api\nCALL=one.vm.allocate\nCOMMAND=x', auth=ann, text='CREATE HOOK')
        self.assertEqual(self.xml('one.hookpool.info', *ALL, auth=ann).findall('HOOK'), [])
        self.refused(AUTHORIZATION, 'one.hooklog.info', -1, -1, -1, 0, auth=ann)

    def test_a_refused_update_leaves_the_hook_as_it_was(self):
        api = self.call('one.hook.allocate', 'NAME=api\nTYPE=api\nCALL=one.vm.allocate\nCOMMAND=x')
        state = self.call('one.hook.allocate', 'NAME=state\nTYPE=state\nRESOURCE=NET\nSTATE=READY\nCOMMAND=x')
        before = [self.call('one.hook.info', id) for id in (api, state)]
        for id, text in ((api, 'CALL=one.vm.info'), (api, 'CALL=system.listMethods'), (api, 'CALL=""'), (state, 'STATE=BUSY'),
                         (state, 'RESOURCE=USER')):
            self.refused(INTERNAL, 'one.hook.update', id, text, 1, text='Cannot update template')
        self.assertEqual([self.call('one.hook.info', id) for id in (api, state)], before)

    def test_the_log_tells_what_was_asked_for(self):
        hook = self.call('one.hook.allocate', 'NAME=logged\nTYPE=api\nCALL=one.vm.allocate\nCOMMAND=x')
        self.one.stop()
        db = sqlite3.connect(self.one.folder / 'var' / 'one.db')
        for n, rc in enumerate((0, 1, 0)):
            body = f'<HOOK_EXECUTION_RECORD><HOOK_ID>{hook}</HOOK_ID><EXECUTION_ID>{n}</EXECUTION_ID></HOOK_EXECUTION_RECORD>'
            db.execute('insert into hook_log values (?, ?, ?, ?, ?)', (hook, n, 100 + n, rc, body))
        db.commit()
        db.close()
        self.one.start()

        def ids(x):
            return [int(r.findtext('EXECUTION_ID')) for r in x.findall('HOOK_EXECUTION_RECORD')]
        self.assertEqual(ids(self.xml('one.hook.info', hook).find('HOOKLOG')), [0, 1, 2])
        for asked, told in (((-1, -1, -1, 0), [0, 1, 2]), ((100, -1, -1, 0), [1, 2]), ((-1, 102, hook, 0), [0, 1]), ((-1, -1, hook, -1), [1]),
                            ((-1, -1, hook, 1), [0, 2]), ((-1, -1, hook + 1, 0), [])):
            self.assertEqual(ids(self.xml('one.hooklog.info', *asked)), told, asked)


class Kept(OneCase):
    """What a restart finds again, and what stands in the columns of the tables."""
    MADE = {
        'document': ('NAME=kept\nNOTE="a <b>"\nV=[A=1]', 300),
        'vntemplate': ('NAME=kept\nVN_MAD=dummy\nBRIDGE=b\nAR=[TYPE=ETHER,SIZE=3]',),
        'vmgroup': ('NAME=kept\nROLE=[NAME=a,POLICY=AFFINED]\nROLE=[NAME=b]\nAFFINED="a,b"',),
        'hook': ('NAME=kept\nTYPE=state\nRESOURCE=VM\nON=RUNNING\nCOMMAND="x y"',),
    }
    ORDINARY = {'document': 'document_pool', 'vntemplate': 'vn_template_pool', 'vmgroup': 'vmgroup_pool'}

    def bodies(self):
        return {kind: self.call(f'one.{kind}.info', id) for kind, id in self.ids.items()}

    def test_objects_are_the_same_after_a_restart(self):
        self.ids = {kind: self.call(f'one.{kind}.allocate', *args) for kind, args in self.MADE.items()}
        for kind, id in self.ids.items():
            self.call(f'one.{kind}.rename', id, 'renamed')
            self.call(f'one.{kind}.lock', id, 3)
        for kind in self.ORDINARY:
            self.call(f'one.{kind}.chmod', self.ids[kind], 1, 1, 0, 1, 0, 0, 1, 0, 0)
        before = self.bodies()
        self.one.stop()
        self.look_at_tables()
        self.one.start()
        self.assertEqual(self.bodies(), before)
        for kind, id in self.ids.items():
            self.call(f'one.{kind}.unlock', id)
            self.call(f'one.{kind}.delete', id)
            self.refused(NO_EXISTS, f'one.{kind}.info', id)
            self.assertEqual(self.call(f'one.{kind}.allocate', *self.MADE[kind]), id + 1)

    def look_at_tables(self):
        if self.backend != 'sqlite':
            return
        db = sqlite3.connect(self.one.folder / 'var' / 'one.db')
        for kind, table in self.ORDINARY.items():
            row = db.execute(f'select name, uid, gid, owner_u, group_u, other_u from {table} where oid = ?', (self.ids[kind],)).fetchone()
            self.assertEqual(row, ('renamed', 0, 0, 1, 1, 1), table)
        self.assertEqual(db.execute('select type from document_pool').fetchall(), [(300,)])
        self.assertEqual(db.execute('select name, uid, gid, owner_u, group_u, other_u, type from hook_pool').fetchall(), [('renamed', 0, 0, 1, 0, 0, 0)])
        db.close()


class KeptOnMariaDB(Kept):
    backend = 'mysql'


class Markets(OneCase):
    SHOP = 'NAME={}\nMARKET_MAD=http\nBASE_URL="http://127.0.0.1:1"\nPUBLIC_DIR="/nowhere"'

    def test_those_of_the_first_start_are_there(self):
        found = {x.findtext('NAME'): x for x in self.xml('one.marketpool.info').findall('MARKETPLACE')}
        self.assertEqual([(x.findtext('ID'), x.findtext('STATE')) for x in (found['OpenNebula Public'], found['Linux Containers'])],
                         [('0', '0'), ('1', '1')])

    def test_a_market_is_made_changed_and_deleted(self):
        market = self.call('one.market.allocate', self.SHOP.format('shop'))
        self.assertGreaterEqual(market, 100)
        self.refused(INTERNAL, 'one.market.allocate', self.SHOP.format('shop'), text=f'taken by MARKETPLACE {market}')
        self.refused(INTERNAL, 'one.market.update', market, 'MARKET_MAD=s3', 1, text='missing the "ACCESS_KEY_ID"')
        self.call('one.market.update', market, 'NOTE=a', 1)
        self.call('one.market.enable', market, False)
        self.call('one.market.rename', market, 'mall')
        self.one.kill()
        self.one.start()
        x = self.xml('one.market.info', market)
        self.assertEqual([x.findtext(k) for k in ('NAME', 'STATE', 'TEMPLATE/NOTE', 'TEMPLATE/MARKET_MAD')], ['mall', '1', 'a', 'http'])
        self.call('one.market.delete', market)
        self.refused(NO_EXISTS, 'one.market.info', market)

    def test_everybody_sees_markets_and_their_owner_changes_them(self):
        uid, ann = self.user('market-ann')
        market = self.call('one.market.allocate', self.SHOP.format('hers'))
        self.refused(AUTHORIZATION, 'one.market.update', market, 'A=1', 1, auth=ann)
        self.refused(AUTHORIZATION, 'one.market.allocate', self.SHOP.format('own'), auth=ann)
        self.call('one.market.chown', market, uid, -1)
        self.call('one.market.update', market, 'A=1', 1, auth=ann)
        self.assertEqual(self.call('one.marketapppool.info', *ALL, auth=ann), '<MARKETPLACEAPP_POOL></MARKETPLACEAPP_POOL>')


class MarketsOnMariaDB(Markets):
    backend = 'mysql'


if __name__ == '__main__':
    unittest.main()
