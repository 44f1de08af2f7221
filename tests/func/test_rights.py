"""Who may what, in depth: administrators of groups, what pools show, restricted and encrypted attributes, the calls that are oneadmin's own."""
import base64
import re

from functest import ACTION, AUTHENTICATION, AUTHORIZATION, INTERNAL, NO_EXISTS, Cloud, OneCase

SMALL = 'CPU=1\nMEMORY=64'
ALL, ONE, OF = 0x400000000, 0x100000000, 0x200000000
USER, TEMPLATE, GROUP, VDC, HOST = (0x1000000000 << n for n in (4, 5, 6, 13, 1))
USE, MANAGE = 1, 2


def words(*numbers):
    return [f'{n:x}' for n in numbers]


class GroupAdmins(OneCase):
    def setUp(self):
        name = self.id().rsplit('.', 1)[1][-40:]
        self.red = self.call('one.group.allocate', f'red-{name}')
        self.uid, self.boss = self.user(f'boss-{name}', self.red)
        self.worker, self.workers = self.user(f'worker-{name}', self.red)

    def rules(self):
        return re.findall(rf'<STRING>(#{self.uid} [^<]*)', self.call('one.acl.info'))

    def test_an_administrator_rules_his_group_and_no_other(self):
        self.call('one.group.addadmin', self.red, self.uid)
        hired = self.call('one.user.allocate', f'hired-{self.uid}', 'pw', 'core', [], auth=self.boss)
        self.assertEqual(self.xml('one.user.info', hired).findtext('GID'), str(self.red))
        self.call('one.user.passwd', self.worker, 'other', auth=self.boss)
        self.call('one.group.update', self.red, 'A=1', 1, auth=self.boss)
        self.refused(AUTHORIZATION, 'one.user.allocate', 'alien', 'pw', 'core', [1], auth=self.boss, text=r'MANAGE GROUP \[1\]')
        self.refused(AUTHORIZATION, 'one.user.passwd', 1, 'x', auth=self.boss)
        self.refused(AUTHORIZATION, 'one.group.addadmin', self.red, self.worker, auth=self.boss, text='ADMIN GROUP')
        listed = {x.text for x in self.xml('one.userpool.info', auth=self.boss).findall('USER/ID')}
        self.assertEqual(listed, {str(self.uid), str(self.worker), str(hired)})

    def test_nothing_stays_when_he_is_no_more(self):
        self.call('one.group.addadmin', self.red, self.uid)
        self.assertEqual(len(self.rules()), 4)
        self.call('one.group.deladmin', self.red, self.uid)
        self.assertEqual(self.rules(), [])
        self.assertEqual(self.xml('one.group.info', self.red).findall('ADMINS/ID'), [])
        self.refused(AUTHORIZATION, 'one.user.info', self.worker, auth=self.boss)
        self.refused(INTERNAL, 'one.group.deladmin', self.red, self.uid, text='is not an administrator')

    def test_nothing_stays_when_he_leaves_or_goes(self):
        for leave in (lambda: self.call('one.user.chgrp', self.uid, 1), lambda: self.call('one.user.delete', self.uid)):
            self.call('one.user.chgrp', self.uid, self.red)
            self.call('one.group.addadmin', self.red, self.uid)
            leave()
            self.assertEqual(self.rules(), [])
            self.assertEqual(self.xml('one.group.info', self.red).findall('ADMINS/ID'), [])

    def test_a_restart_keeps_what_he_may(self):
        self.call('one.group.addadmin', self.red, self.uid)
        self.one.stop()
        self.one.start()
        self.call('one.user.info', self.worker, auth=self.boss)
        self.call('one.group.deladmin', self.red, self.uid)
        self.one.stop()
        self.one.start()
        self.refused(AUTHORIZATION, 'one.user.info', self.worker, auth=self.boss)


class GroupTokens(OneCase):
    def test_a_groups_token_ends_with_the_membership(self):
        group = self.call('one.group.allocate', 'left')
        uid, ann = self.user('ann')
        self.call('one.user.addgroup', uid, group)
        self.call('one.user.login', 'ann', 'of-the-group', -1, group, auth=ann)
        self.call('one.user.info', -1, auth='ann:of-the-group')
        self.call('one.user.delgroup', uid, group)
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='ann:of-the-group')
        self.call('one.user.addgroup', uid, group)
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='ann:of-the-group')


class WhatPoolsShow(OneCase):
    """Every filter, for those who see a part."""

    @classmethod
    def prepare(cls):
        one = cls.one
        cls.group = one.call('one.group.allocate', 'team')
        cls.names, cls.uids = {}, {}
        for name, groups in (('ann', [1, cls.group]), ('bob', [cls.group]), ('cat', [1])):
            cls.uids[name] = one.call('one.user.allocate', name, name, 'core', groups)
            cls.names[name] = f'{name}:{name}'
        one.call('one.acl.addrule', *words(OF | cls.group, TEMPLATE | ALL, 8))
        made = lambda who, n: one.call('one.template.allocate', f'NAME=t{n}\n{SMALL}', auth=cls.names[who])  # noqa: E731
        cls.anns, cls.bobs, cls.cats = [made('ann', n) for n in range(3)], [made('bob', n) for n in range(3)], [made('cat', n) for n in range(3)]
        one.call('one.template.chmod', cls.bobs[0], -1, -1, -1, 1, -1, -1, -1, -1, -1)
        one.call('one.template.chmod', cls.bobs[1], -1, -1, -1, -1, -1, -1, 1, -1, -1)
        one.call('one.template.chmod', cls.cats[0], -1, -1, -1, -1, -1, -1, 1, -1, -1)
        # and many that nobody but oneadmin sees, so that the index is what finds the few
        for n in range(60):
            one.call('one.template.allocate', f'NAME=o{n}\n{SMALL}')

    def ids(self, who, *filter, pool='one.templatepool.info', child='VMTEMPLATE'):
        return [int(x.text) for x in self.xml(pool, *filter, auth=self.names.get(who)).findall(f'{child}/ID')]

    def test_each_flag_shows_what_it_says(self):
        newest = lambda *lists: sorted(sum(lists, []), reverse=True)  # noqa: E731
        self.assertEqual(self.ids('ann', -3, -1, -1), newest(self.anns))
        self.assertEqual(self.ids('ann', -2, -1, -1), newest(self.anns, self.bobs[:2], self.cats[:1]))
        self.assertEqual(self.ids('ann', -1, -1, -1), newest(self.anns, self.bobs[:2], self.cats[:1]))
        self.assertEqual(self.ids('ann', self.uids['bob'], -1, -1), newest(self.bobs[:2]))
        self.assertEqual(self.ids('cat', self.uids['bob'], -1, -1), newest(self.bobs[1:2]))
        self.assertEqual(self.ids('cat', -2, -1, -1), newest(self.cats, self.bobs[1:2]))
        # the primary group: only what he may see of it
        self.assertEqual(self.ids('ann', -4, -1, -1), newest(self.anns, self.cats[:1]))
        self.assertEqual(len(self.ids(None, -2, -1, -1)), 69)
        self.assertEqual(self.ids(None, self.uids['ann'], -1, -1), newest(self.anns))

    def test_ranges_and_pages_cut_what_is_seen(self):
        seen = self.ids('ann', -2, -1, -1)
        self.assertEqual(self.ids('ann', -2, 2, -1), [i for i in seen if i >= 2])
        self.assertEqual(self.ids('ann', -2, 1, 4), [i for i in seen if 1 <= i <= 4])
        for first in (-1, -5):
            self.assertEqual(self.ids('ann', -2, first, -1), seen)
        self.assertEqual(self.ids('ann', -2, -1, 4), seen)              # -1 is no beginning
        self.assertEqual(self.ids('ann', -2, -5, 4), [i for i in seen if i <= 4])
        self.assertEqual(self.ids('ann', -2, 4, 1), [])
        self.assertEqual(self.ids('ann', -2, -5, -3), seen[:3])
        self.assertEqual(self.ids('ann', -2, 0, -2), seen[:2])
        self.assertEqual(self.ids('ann', -2, 2, -3), seen[2:5])
        self.assertEqual(self.ids('ann', -2, 5, -100), seen[5:])
        self.assertEqual(self.ids('ann', -2, 100, -2), [])

    def test_rules_show_more(self):
        cat = self.uids['cat']
        before = self.ids('cat', -2, -1, -1)
        for resource, more in ((TEMPLATE | ONE | self.anns[1], [self.anns[1]]), (TEMPLATE | OF | self.group, self.bobs),
                               (TEMPLATE | ALL, list(range(69)))):
            rule = self.call('one.acl.addrule', *words(ONE | cat, resource, USE))
            self.assertEqual(self.ids('cat', -2, -1, -1), sorted({*before, *more}, reverse=True))
            self.call('one.acl.delrule', rule)
            self.assertEqual(self.ids('cat', -2, -1, -1), before)

    def test_a_change_of_owner_moves_it_between_lists(self):
        t = self.call('one.template.allocate', f'NAME=moving\n{SMALL}', auth=self.names['ann'])
        self.addCleanup(self.call, 'one.template.delete', t, False)
        self.call('one.template.chown', t, self.uids['cat'], -1)
        self.assertNotIn(t, self.ids('ann', -2, -1, -1))
        self.assertIn(t, self.ids('cat', -3, -1, -1))

    def test_pools_of_people_show_oneself(self):
        self.assertEqual(self.ids('ann', pool='one.userpool.info', child='USER'), [self.uids['ann']])
        self.assertEqual(self.ids('ann', pool='one.grouppool.info', child='GROUP'), [self.group, 1])
        self.assertEqual(self.ids('ann', pool='one.zonepool.info', child='ZONE'), [0])
        self.assertEqual(self.ids('ann', pool='one.vdcpool.info', child='VDC'), [])
        self.assertEqual(self.ids('ann', pool='one.clusterpool.info', child='CLUSTER'), [])
        rule = self.call('one.acl.addrule', *words(ONE | self.uids['ann'], VDC | ALL, USE))
        self.assertEqual(self.ids('ann', pool='one.vdcpool.info', child='VDC'), [0])
        self.call('one.acl.delrule', rule)
        self.refused(AUTHORIZATION, 'one.acl.info', auth=self.names['ann'])

    def test_using_a_user_shows_none_of_his_secrets(self):
        rule = self.call('one.acl.addrule', *words(ONE | self.uids['cat'], USER | ALL, USE))
        self.addCleanup(self.call, 'one.acl.delrule', rule)
        for x in self.xml('one.userpool.info', auth=self.names['cat']).findall('USER'):
            own = x.findtext('NAME') == 'cat'
            self.assertEqual(bool(x.findtext('PASSWORD')), own, x.findtext('NAME'))
            self.assertEqual(x.find('TEMPLATE/TOKEN_PASSWORD') is not None, own, x.findtext('NAME'))


class WhatPoolsShowOnMariaDB(WhatPoolsShow):
    backend = 'mysql'


class Attributes(OneCase):
    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=1)

    def test_restricted_attributes_are_refused_in_every_form(self):
        _, ann = self.user('ann')
        for bad, told in (('EMULATOR=/bin/sh', 'EMULATOR'), ('PCI=[VENDOR="10de"]', 'PCI'), ('cpu_cost=1', 'CPU_COST'),
                          ('NIC=[NETWORK=n,mac="02:00:00:00:00:01"]', 'MAC'), ('TOPOLOGY=[PIN_POLICY=CORE]', 'PIN_POLICY')):
            for method in ('one.vm.allocate', 'one.template.allocate'):
                self.refused(AUTHORIZATION, method, f'NAME=x\n{SMALL}\n{bad}', auth=ann, text=f'restricted attribute {told}')

    def test_a_template_keeps_them_whoever_updates_it(self):
        _, bob = self.user('bob')
        t = self.call('one.template.allocate', f'NAME=kept\n{SMALL}\nCPU_COST=2\nNIC=[NETWORK=n,MAC="02:00:00:00:00:01"]')
        self.call('one.template.chmod', t, -1, -1, -1, -1, -1, -1, 1, 1, -1)
        for text, append in (('CPU_COST=0', 1), ('CPU_COST=0', 0), ('NIC=[NETWORK=n]', 1), (SMALL, 0),
                             ('CPU_COST=2\nCPU_COST=0\nNIC=[NETWORK=n,MAC="02:00:00:00:00:01"]', 0), ('CPU_COST=[]', 1)):
            self.refused(INTERNAL, 'one.template.update', t, text, append, auth=bob, text='restricted attribute')
        self.call('one.template.update', t, f'{SMALL}\nNIC=[NETWORK=m,MAC="02:00:00:00:00:01"]', 0, auth=bob)
        self.assertEqual(self.xml('one.template.info', t).findtext('TEMPLATE/CPU_COST'), '2')
        self.call('one.template.update', t, 'CPU_COST=0', 1)

    def test_a_range_of_anybodys_network_keeps_them(self):
        uid, frank = self.user('frank')
        net = self.call('one.vn.allocate', 'NAME=frank\nVN_MAD=dummy\nBRIDGE=b\nAR=[TYPE=IP4,IP=10.0.0.1,SIZE=4,BRIDGE=kept]', -1)
        self.one.wait('the network is ready', lambda: self.xml('one.vn.info', net).findtext('STATE') == '1')
        self.call('one.vn.chown', net, uid, -1)
        self.call('one.vn.update_ar', net, 'AR=[AR_ID=0,SIZE=4,BRIDGE=other,NOTE=x]', auth=frank)
        ar = self.xml('one.vn.info', net).find('AR_POOL/AR')
        self.assertEqual((ar.findtext('BRIDGE'), ar.findtext('NOTE')), ('kept', 'x'))

    def test_operations_are_checked_by_name(self):
        uid, _ = self.user('carl')
        self.refused(INTERNAL, 'one.user.update', uid, 'VM_USE_OPERATIONS="hold, fly"', 1, text='Unknown vm operation: fly$')
        self.refused(INTERNAL, 'one.user.update', uid, 'VM_USE_OPERATIONS="Swim,FLY"', 1, text='Unknown vm operation: fly$')
        self.refused(INTERNAL, 'one.user.update', uid, 'VM_USE_OPERATIONS=" "', 1, text='Unknown vm operation: $')
        self.refused(INTERNAL, 'one.group.update', 1, 'VM_ADMIN_OPERATIONS="x"', 1, text='Unknown vm operation: x')

    def test_a_users_template_has_a_name_once(self):
        uid, dora = self.user('dora')
        self.call('one.user.update', uid, 'A=1\nA=2', 0, auth=dora)
        self.assertEqual([x.text for x in self.xml('one.user.info', uid).findall('TEMPLATE/A')], ['2'])

    def test_encrypted_attributes_reach_the_machine_in_clear(self):
        vm = self.cloud.running('CONTEXT=[PASSWORD="of the guest",OTHER="x"]')
        stored = self.xml('one.vm.info', vm).findtext('TEMPLATE/CONTEXT/PASSWORD')
        self.assertNotIn('guest', stored)
        self.assertEqual(self.xml('one.vm.info', vm, True).findtext('TEMPLATE/CONTEXT/PASSWORD'), 'of the guest')
        context = next(self.one.folder.rglob(f'vms/{vm}/context.sh'))
        self.assertIn("PASSWORD='of the guest'\n", context.read_text())

    def test_only_admins_read_them_decrypted(self):
        uid, eve = self.user('eve')
        self.call('one.user.update', uid, 'SSH_PRIVATE_KEY="the key"', 1, auth=eve)
        self.assertEqual(self.xml('one.user.info', uid, True).findtext('TEMPLATE/SSH_PRIVATE_KEY'), 'the key')
        self.assertNotIn('the key', self.call('one.user.info', uid, True, auth=eve))
        self.assertNotIn('the key', self.call('one.user.info', uid))


class InstantiateAs(OneCase):
    """AS_UID and AS_GID: for somebody, and in a group, that one may manage."""

    def setUp(self):
        name = self.id().rsplit('.', 1)[1][-30:]
        self.red = self.call('one.group.allocate', f'red-{name}')
        self.boss_id, self.boss = self.user(f'boss-{name}', self.red)
        self.worker, _ = self.user(f'worker-{name}', self.red)
        self.call('one.group.addadmin', self.red, self.boss_id)
        self.call('one.acl.addrule', *words(OF | self.red, TEMPLATE | ALL, 8))
        self.template = self.call('one.template.allocate', f'NAME=t\n{SMALL}', auth=self.boss)
        self.call('one.template.chmod', self.template, -1, -1, -1, 1, -1, -1, -1, -1, -1, auth=self.boss)

    def owner(self, vm):
        x = self.xml('one.vm.info', vm)
        self.assertIsNone(x.find('USER_TEMPLATE/AS_UID'))
        return int(x.findtext('UID')), int(x.findtext('GID'))

    def test_for_somebody_of_ones_group(self):
        vm = self.call('one.template.instantiate', self.template, 'v', True, f'AS_UID={self.worker}', False, auth=self.boss)
        self.assertEqual(self.owner(vm), (self.worker, self.red))
        vm = self.call('one.template.instantiate', self.template, 'v', True, f'AS_UID={self.worker}\nAS_GID={self.red}', False)
        self.assertEqual(self.owner(vm), (self.worker, self.red))

    def test_a_network_for_somebody_of_ones_group(self):
        t = self.call('one.vntemplate.allocate', 'NAME=nt\nVN_MAD=dummy\nBRIDGE=b')
        self.call('one.vntemplate.chown', t, self.boss_id, self.red)
        net = self.call('one.vntemplate.instantiate', t, 'n', f'AS_UID={self.worker}', auth=self.boss)
        x = self.xml('one.vn.info', net)
        self.assertEqual((x.findtext('UID'), x.findtext('GID'), x.find('TEMPLATE/AS_UID')), (str(self.worker), str(self.red), None))
        self.refused(AUTHORIZATION, 'one.vntemplate.instantiate', t, 'n2', 'AS_UID=1', auth=self.boss, text='MANAGE USER')

    def test_not_for_anybody_else(self):
        other, others = self.user('other-as')
        self.addCleanup(self.call, 'one.user.delete', other)
        for extra, told in ((f'AS_UID={other}', r'MANAGE USER'), ('AS_GID=1', r'MANAGE GROUP \[1\]'), ('AS_UID=1', r'MANAGE USER \[1\]')):
            self.refused(AUTHORIZATION, 'one.template.instantiate', self.template, 'v', True, extra, False, auth=self.boss, text=told)
        self.refused(NO_EXISTS, 'one.template.instantiate', self.template, 'v', True, 'AS_UID=9999', False, auth=self.boss)
        self.call('one.template.instantiate', self.template, 'v', True, 'AS_UID=0\nAS_GID=0', False, auth=self.boss)  # nobody's
        self.assertEqual(self.xml('one.vmpool.info', 0, -1, -1, -1).findall('VM'), [])

    def test_a_template_that_says_so_asks_the_same(self):
        self.call('one.template.update', self.template, f'AS_UID={self.worker}', 1)
        vm = self.call('one.template.instantiate', self.template, 'v', True, '', False, auth=self.boss)
        self.assertEqual(self.owner(vm), (self.worker, self.red))
        peer, peers = self.user(f'peer-{self.red}', self.red)
        self.refused(AUTHORIZATION, 'one.template.instantiate', self.template, 'v', True, '', False, auth=peers, text='MANAGE USER')


class System(OneCase):
    def test_oneadmin_asks_the_database(self):
        answer = self.xml('one.system.sqlquery', 'SELECT oid, name, body FROM user_pool WHERE oid < 2 ORDER BY oid')
        rows = answer.findall('RESULT/ROW')
        self.assertEqual([(x.findtext('oid'), x.findtext('name')) for x in rows], [('0', 'oneadmin'), ('1', 'serveradmin')])
        self.assertIn(b'<NAME>serveradmin</NAME>', base64.b64decode(rows[1].findtext('body64')))
        self.refused(ACTION, 'one.system.sqlquery', 'SELECT nothing FROM nowhere')

    def test_an_answer_of_the_database_has_a_limit(self):
        million = 'hex(zeroblob(1000000))' if self.backend == 'sqlite' else "REPEAT('x', 2000000)"
        pools = ', '.join(f'user_pool {x}' for x in 'abcdef')
        self.refused(ACTION, 'one.system.sqlquery', f'SELECT {million} FROM {pools}', text='larger than 64 MB')

    def test_nothing_changes_the_database_behind_oned(self):
        for text in ('DELETE FROM user_pool', ' DROP TABLE user_pool', 'UPDATE user_pool SET name = 1', ''):
            self.refused(ACTION, 'one.system.sqlquery', text, text='Only SELECT')
            self.refused(ACTION, 'one.system.sql', text, False)
        self.call('one.system.sqlquery', 'SELECT 1; DELETE FROM user_pool') if self.backend == 'sqlite' else None
        self.assertEqual(self.xml('one.system.sqlquery', 'SELECT COUNT(*) AS n FROM user_pool').findtext('RESULT/ROW/n'), '2')

    def test_the_database_is_oneadmins_alone(self):
        _, boss = self.user('boss', 0)
        self.addCleanup(self.call, 'one.user.delete', int(self.xml('one.user.info', -1, auth=boss).findtext('ID')))
        self.refused(AUTHORIZATION, 'one.system.sqlquery', 'SELECT 1', auth=boss)
        self.refused(AUTHORIZATION, 'one.system.sql', 'SELECT 1', False, auth=boss)
        self.refused(AUTHORIZATION, 'one.zone.updatedb', 0, '<ZONE/>', auth=boss)

    def test_the_key_is_shown_to_oneadmins_group_only(self):
        uid, ann = self.user('ann')
        self.addCleanup(self.call, 'one.user.delete', uid)
        key = self.xml('one.system.config').findtext('ONE_KEY')
        self.assertRegex(key, '^[0-9a-f]{64}$')
        self.assertNotIn(key, self.call('one.system.config', auth=ann))

    def test_a_zone_is_taken_over_as_its_xml_says(self):
        xml = self.call('one.zone.info', 0)
        for bad in ('<ZONE/>', 'x', '', xml.replace('<ID>0</ID>', '<ID>7</ID>'), xml.replace('OpenNebula', 'semi;colon')):
            self.refused(INTERNAL, 'one.zone.updatedb', 0, bad, text='Cannot update object from XML')
        self.call('one.zone.updatedb', 0, xml.replace('OpenNebula', 'elsewhere'))
        self.assertEqual(self.xml('one.zone.info', 0).findtext('NAME'), 'elsewhere')
        self.call('one.zone.updatedb', 0, xml)

    def test_a_server_of_the_zone_is_told_what_is_wrong_in_order(self):
        uid, ann = self.user('server-ann')
        self.addCleanup(self.call, 'one.user.delete', uid)
        self.refused(ACTION, 'one.zone.addserver', 7, 'NO TEMPLATE', auth=ann, text='through the target zone endpoints$')
        self.refused(AUTHORIZATION, 'one.zone.addserver', 0, 'NO TEMPLATE', auth=ann)
        self.refused(ACTION, 'one.zone.addserver', 0, 'NO TEMPLATE', text='Parse error')
        self.refused(ACTION, 'one.zone.addserver', 0, 'A=1', text=r'^\[one.zone.addserver\] $')
        self.refused(ACTION, 'one.zone.addserver', 0, 'SERVER=[ENDPOINT="x"]', text='Missing NAME in SERVER$')
        self.refused(ACTION, 'one.zone.addserver', 0, 'SERVER=[NAME="x"]', text='Missing ENDPOINT in SERVER$')
        self.assertEqual(self.xml('one.zone.info', 0).findall('SERVER_POOL/SERVER'), [])


class SystemOnMariaDB(System):
    backend = 'mysql'
