"""Quotas: limits of users and groups are set and hold, and what is counted is what there is, whatever happens to the objects."""
import decimal
import pathlib
import re
import sqlite3

import invariants
from functest import ACTION, AUTHORIZATION, NO_EXISTS, Cloud, OneCase

WRONG = re.compile(r'Quotas of (user|group) \d+: \S+_USED')


def wrong_lines(one):
    """What the check at the start found, in the log."""
    return [line for line in (pathlib.Path(one.folder) / 'var' / 'oned.log').read_text().splitlines() if WRONG.search(line)]


class QuotaCase(OneCase):
    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=1)

    def used(self, uid, section, metric, record=None, pool='user'):
        x = self.xml(f'one.{pool}.info', uid)
        for e in x.findall(f'{section}_QUOTA/{section}'):
            if record is None or e.findtext('ID') == str(record):
                return decimal.Decimal(e.findtext(f'{metric}_USED'))
        return 0

    def limit(self, uid, text, pool='user'):
        self.assertEqual(self.call(f'one.{pool}.quota', uid, text), uid)

    def over(self, limit, metric, section, method, *args, auth, party='user', record=None, code=AUTHORIZATION):
        where = '' if record is None else rf' with ID: {record}'
        self.refused(code, method, *args, auth=auth, text=rf'{party} \[\d+\] limit of {limit} reached for {metric} quota in {section}{where}\.?$')

    def in_order(self):
        self.assertEqual(invariants.broken(self.one), [])


class Limits(QuotaCase):
    def test_who_may_set_limits(self):
        uid, ann = self.user('who-ann')
        self.refused(AUTHORIZATION, 'one.user.quota', uid, 'VM=[VMS=9]', auth=ann, text='ADMIN USER')
        self.refused(AUTHORIZATION, 'one.group.quota', 1, 'VM=[VMS=9]', auth=ann, text='ADMIN GROUP')
        self.refused(AUTHORIZATION, 'one.userquota.update', 'VM=[VMS=9]', auth=ann, text='only be updated by users in the oneadmin group')
        self.refused(AUTHORIZATION, 'one.groupquota.update', 'VM=[VMS=9]', auth=ann, text='only be updated by users in the oneadmin group')
        self.refused(ACTION, 'one.user.quota', 0, 'VM=[VMS=9]', text='Cannot set quotas for oneadmin user')
        self.refused(ACTION, 'one.group.quota', 0, 'VM=[VMS=9]', auth=ann, text='Cannot set quotas for oneadmin group')
        self.refused(NO_EXISTS, 'one.user.quota', 9999, 'VM=[VMS=9]')
        self.refused(NO_EXISTS, 'one.group.quota', 9999, 'VM=[VMS=9]')

    def test_a_wrong_section_sets_none(self):
        uid, _ = self.user('all-or-none')
        self.refused(ACTION, 'one.user.quota', uid, 'DATASTORE=[ID=1,SIZE=5]\nVM=[VMS=-7]', text=r'quota VM = \[ VMS=-7 \]$')
        x = self.xml('one.user.info', uid)
        self.assertEqual((x.find('DATASTORE_QUOTA/DATASTORE'), x.find('VM_QUOTA/VM')), (None, None))

    def test_bad_texts_are_refused_and_change_nothing(self):
        uid, _ = self.user('bad-texts')
        self.limit(uid, 'VM=[VMS=3]')
        for text in ('VM=[', 'VM=[VMS=-1.5]', 'IMAGE=[RVMS=1]', 'NETWORK=[ID="",LEASES=1]', 'DATASTORE=[ID=99999999999,SIZE=1]', '<A', 'x' * 5000):
            self.refused(ACTION, 'one.user.quota', uid, text)
        self.assertEqual(self.xml('one.user.info', uid).findtext('VM_QUOTA/VM/VMS'), '3')

    def test_limits_may_be_for_what_is_not_there(self):
        uid, _ = self.user('far')
        self.limit(uid, 'DATASTORE=[ID=-1,SIZE=5]\nDATASTORE=[ID=-1,IMAGES=2]\nNETWORK=[ID=2147483647,LEASES=1]')
        x = self.xml('one.user.info', uid)
        self.assertEqual([[d.findtext(k) for k in ('ID', 'SIZE', 'IMAGES')] for d in x.findall('DATASTORE_QUOTA/DATASTORE')],
                         [['-1', '-1', '2']])
        self.assertEqual(x.findtext('NETWORK_QUOTA/NETWORK/ID'), '2147483647')

    def test_a_deleted_users_limits_go_with_him(self):
        uid, _ = self.user('gone')
        self.limit(uid, 'VM=[VMS=3]')
        self.call('one.user.delete', uid)
        self.assertNotIn(str(uid), [q.findtext('ID') for q in self.xml('one.userpool.info').findall('QUOTAS')])

    def test_defaults_hold_for_all_who_have_none_of_their_own(self):
        uid, ann = self.user('dflt-ann')
        other, bob = self.user('dflt-bob')
        answer = self.xml('one.userquota.update', 'VM=[MEMORY=200]')
        self.addCleanup(self.call, 'one.userquota.update', 'VM=[MEMORY=-2]')
        self.assertEqual((answer.tag, answer.findtext('VM_QUOTA/VM/MEMORY'), answer.findtext('VM_QUOTA/VM/CPU')),
                         ('DEFAULT_USER_QUOTAS', '200', '-2'))
        self.over(200, 'MEMORY', 'VM', 'one.vm.allocate', 'CPU=1\nMEMORY=201', auth=ann)
        self.limit(other, 'VM=[MEMORY=-2]')
        self.call('one.vm.allocate', 'CPU=1\nMEMORY=201', auth=bob)
        self.assertEqual(self.xml('one.user.info', uid).findtext('DEFAULT_USER_QUOTAS/VM_QUOTA/VM/MEMORY'), '200')

    def test_oneadmin_has_no_limits(self):
        self.call('one.userquota.update', 'VM=[VMS=0]')
        self.addCleanup(self.call, 'one.userquota.update', 'VM=[VMS=-2]')
        vm = self.call('one.vm.allocate', 'CPU=1\nMEMORY=1')
        self.call('one.vm.action', 'terminate', vm)
        self.assertIsNone(self.xml('one.user.info', 0).find('VM_QUOTA/VM'))


class Machines(QuotaCase):
    options = dict(conf='QUOTA_VM_ATTRIBUTE = "LICENSES"\nVM_RESTRICTED_ATTR = "CONTEXT/FILES"')

    def test_a_refused_vm_leaves_nothing(self):
        uid, ann = self.user('refused')
        self.limit(uid, f'IMAGE=[ID={self.cloud.os},RVMS=0]\nVM=[VMS=5]')
        self.over(0, 'RVMS', 'IMAGE', 'one.vm.allocate', self.cloud.template(), auth=ann, record=self.cloud.os)
        self.limit(uid, f'IMAGE=[ID={self.cloud.os}]')
        self.refused(0x2000, 'one.vm.allocate', self.cloud.template('RAW=[TYPE=nosuch]'), auth=ann)
        self.assertEqual(self.used(uid, 'VM', 'VMS'), 0)
        self.in_order()

    def test_running_limits_at_resume_and_deploy(self):
        uid, ann = self.user('running')
        self.limit(uid, 'VM=[RUNNING_VMS=1]')
        vm = self.cloud.running(auth=ann)
        self.call('one.vm.action', 'undeploy-hard', vm, auth=ann)
        self.wait_vm(vm, 'UNDEPLOYED')
        second = self.cloud.allocate(auth=ann)
        self.over(1, 'RUNNING_VMS', 'VM', 'one.vm.action', 'resume', vm, auth=ann, code=ACTION)
        self.over(1, 'RUNNING_VMS', 'VM', 'one.vm.deploy', vm, self.cloud.hosts[0], False, self.cloud.system_ds, '', auth=None, code=ACTION)
        self.call('one.vm.action', 'terminate', second, auth=ann)
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        self.assertEqual(self.used(uid, 'VM', 'RUNNING_VMS'), 1)
        self.call('one.vm.action', 'poweroff-hard', vm, auth=ann)
        self.wait_vm(vm, 'POWEROFF')
        self.assertEqual(self.used(uid, 'VM', 'RUNNING_VMS'), 0)
        self.in_order()

    def test_a_vm_changes_hands_with_all_it_uses(self):
        uid, ann = self.user('from')
        other, _ = self.user('to')
        group = self.call('one.group.allocate', 'to-group')
        vm = self.cloud.allocate(auth=ann)
        self.limit(other, f'NETWORK=[ID={self.cloud.net},LEASES=0]')
        self.over(0, 'LEASES', 'NETWORK', 'one.vm.chown', vm, other, -1, auth=None, record=self.cloud.net)
        self.assertEqual((self.used(uid, 'VM', 'VMS'), self.used(other, 'VM', 'VMS')), (1, 0))
        self.limit(other, f'NETWORK=[ID={self.cloud.net},LEASES=1]')
        self.limit(group, 'VM=[CPU=0]', pool='group')
        self.over(0, 'CPU', 'VM', 'one.vm.chown', vm, other, group, auth=None, party='group')
        self.call('one.vm.chown', vm, other, -1)
        self.limit(group, 'VM=[CPU=1]', pool='group')
        self.call('one.vm.chown', vm, -1, group)
        self.assertEqual((self.used(uid, 'NETWORK', 'LEASES', self.cloud.net), self.used(other, 'NETWORK', 'LEASES', self.cloud.net)), (0, 1))
        self.assertEqual(self.used(group, 'VM', 'VMS', pool='group'), 1)
        self.in_order()

    def test_what_oned_conf_names_is_counted(self):
        uid, ann = self.user('licenses')
        self.limit(uid, 'VM=[LICENSES=3,RUNNING_LICENSES=3]')
        self.refused(AUTHORIZATION, 'one.vm.allocate', self.cloud.template('LICENSES=2'), auth=ann, text='LICENSES')
        vm = self.call('one.vm.allocate', self.cloud.template('LICENSES=2'))
        self.call('one.vm.chown', vm, uid, 1)
        self.assertEqual(self.used(uid, 'VM', 'LICENSES'), 2)
        self.assertEqual(self.used(uid, 'VM', 'RUNNING_LICENSES'), 2)
        self.over(3, 'LICENSES', 'VM', 'one.vm.update', vm, 'LICENSES=4', 1, auth=None, code=ACTION)
        self.assertEqual(self.used(uid, 'VM', 'LICENSES'), 2)
        self.call('one.vm.update', vm, 'LICENSES=2.5', 1)
        self.assertEqual(self.used(uid, 'VM', 'LICENSES'), decimal.Decimal('2.5'))
        self.call('one.vm.action', 'terminate', vm)
        self.assertEqual(self.used(uid, 'VM', 'LICENSES'), 0)

    def test_recover_delete_and_recreate_count(self):
        uid, ann = self.user('recover')
        vm = self.cloud.running(auth=ann)
        self.call('one.vm.action', 'poweroff-hard', vm, auth=ann)
        self.wait_vm(vm, 'POWEROFF')
        self.call('one.vm.recover', vm, 4)
        self.wait_vm(vm, 'PENDING')
        self.assertEqual(self.used(uid, 'VM', 'RUNNING_VMS'), 1)
        self.in_order()
        self.call('one.vm.recover', vm, 5)
        self.assertEqual((self.used(uid, 'VM', 'VMS'), self.used(uid, 'VM', 'RUNNING_VMS')), (0, 0))
        self.in_order()

    def test_networks_chosen_at_deploy_count(self):
        uid, ann = self.user('auto')
        self.limit(uid, f'NETWORK=[ID={self.cloud.net},LEASES=0]')
        vm = self.call('one.vm.allocate', 'CPU=1\nMEMORY=64\nNIC=[NETWORK_MODE=auto]', auth=ann)
        deploy = ['one.vm.deploy', vm, self.cloud.hosts[0], False, self.cloud.system_ds, f'NIC=[NIC_ID=0,NETWORK_ID={self.cloud.net}]']
        self.over(0, 'LEASES', 'NETWORK', *deploy, auth=None, record=self.cloud.net)
        self.limit(uid, f'NETWORK=[ID={self.cloud.net},LEASES=1]')
        self.call(*deploy)
        self.wait_vm(vm, 'RUNNING')
        self.assertEqual(self.used(uid, 'NETWORK', 'LEASES', self.cloud.net), 1)
        self.call('one.vm.action', 'terminate-hard', vm)
        self.wait_vm(vm, 'DONE')
        self.assertEqual(self.used(uid, 'NETWORK', 'LEASES', self.cloud.net), 0)


class Resources(QuotaCase):
    def test_images_are_counted_until_they_are_gone(self):
        ds = self.cloud.images_ds
        uid, ann = self.user('images')
        other, bob = self.user('images-to')
        self.limit(uid, f'DATASTORE=[ID={ds},SIZE=100,IMAGES=2]')
        image = self.call('one.image.allocate', 'NAME=a\nTYPE=DATABLOCK\nSIZE=40', ds, auth=ann)
        self.cloud.wait_image(image)
        self.over(100, 'SIZE', 'DATASTORE', 'one.image.allocate', 'NAME=b\nTYPE=DATABLOCK\nSIZE=61', ds, auth=ann, record=ds)
        copy = self.call('one.image.clone', image, 'copy', -1, auth=ann)
        self.over(2, 'IMAGES', 'DATASTORE', 'one.image.allocate', 'NAME=b\nTYPE=DATABLOCK\nSIZE=1', ds, auth=ann, record=ds)
        self.cloud.wait_image(copy)
        self.limit(other, f'DATASTORE=[ID={ds},SIZE=39]')
        self.over(39, 'SIZE', 'DATASTORE', 'one.image.chown', copy, other, -1, auth=None, record=ds)
        self.assertEqual((self.used(uid, 'DATASTORE', 'SIZE', ds), self.used(other, 'DATASTORE', 'SIZE', ds)), (80, 0))
        self.limit(other, f'DATASTORE=[ID={ds}]')
        self.call('one.image.chown', copy, other, -1)
        self.assertEqual((self.used(uid, 'DATASTORE', 'IMAGES', ds), self.used(other, 'DATASTORE', 'SIZE', ds)), (1, 40))
        for which in (image, copy):
            self.call('one.image.delete', which)
            self.one.wait('it is gone', lambda: not self.one.raw('one.image.info', which)[0])
        self.assertEqual((self.used(uid, 'DATASTORE', 'IMAGES', ds), self.used(other, 'DATASTORE', 'IMAGES', ds)), (0, 0))
        self.in_order()

    def test_reservations_are_counted(self):
        net = self.cloud.net
        uid, ann = self.user('reserves')
        other, _ = self.user('reserves-to')
        self.limit(uid, f'NETWORK=[ID={net},LEASES=5]')
        self.over(5, 'LEASES', 'NETWORK', 'one.vn.reserve', net, 'NAME=much\nSIZE=6', auth=ann, record=net)
        mine = self.call('one.vn.reserve', net, 'NAME=mine\nSIZE=3', auth=ann)
        self.over(5, 'LEASES', 'NETWORK', 'one.vn.reserve', net, f'NETWORK_ID={mine}\nSIZE=3', auth=ann, record=net)
        self.call('one.vn.reserve', net, f'NETWORK_ID={mine}\nSIZE=2', auth=ann)
        self.assertEqual(self.used(uid, 'NETWORK', 'LEASES', net), 5)
        self.limit(other, f'NETWORK=[ID={net},LEASES=4]')
        self.over(4, 'LEASES', 'NETWORK', 'one.vn.chown', mine, other, -1, auth=None, record=net)
        self.call('one.vn.rm_ar', mine, 1)
        self.call('one.vn.chown', mine, other, -1)
        self.assertEqual((self.used(uid, 'NETWORK', 'LEASES', net), self.used(other, 'NETWORK', 'LEASES', net)), (0, 3))
        self.call('one.vn.delete', mine)
        self.one.wait('it is gone', lambda: not self.one.raw('one.vn.info', mine)[0])
        self.assertEqual(self.used(other, 'NETWORK', 'LEASES', net), 0)
        self.in_order()

    def test_held_addresses_count_for_nobody(self):
        uid, ann = self.user('holds')
        mine = self.call('one.vn.reserve', self.cloud.net, 'NAME=held\nSIZE=2', auth=ann)
        ip = self.xml('one.vn.info', mine, auth=ann).findtext('AR_POOL/AR/IP')
        self.one.wait('it is ready', lambda: self.one.raw('one.vn.hold', mine, f'LEASES=[IP={ip}]', auth=ann)[0])
        self.assertEqual(self.used(uid, 'NETWORK', 'LEASES', mine), 0)
        self.assertEqual(self.used(uid, 'NETWORK', 'LEASES', self.cloud.net), 2)
        self.in_order()


class Start(QuotaCase):
    """Counters that somebody else left wrong, and a start when all is well."""

    def everything(self):
        uid, ann = self.user('ann')
        self.limit(uid, 'VM=[VMS=7]')
        self.cloud.running('DISK=[TYPE=fs,SIZE=10]', auth=ann)
        poweroff = self.cloud.running(auth=ann, cpu='0.25')
        self.call('one.vm.action', 'poweroff-hard', poweroff)
        self.wait_vm(poweroff, 'POWEROFF')
        self.cloud.wait_image(self.call('one.image.allocate', 'NAME=hers\nTYPE=DATABLOCK\nSIZE=9', self.cloud.images_ds, auth=ann))
        self.call('one.vn.reserve', self.cloud.net, 'NAME=hers\nSIZE=4', auth=ann)
        return uid

    def spoil(self, uid):
        """What is used is written as if nothing were."""
        with sqlite3.connect(pathlib.Path(self.one.folder) / 'var' / 'one.db') as db:
            body = db.execute('SELECT body FROM user_quotas WHERE user_oid = ?', (uid,)).fetchone()[0]
            body = re.sub(r'<(VMS|LEASES)_USED><!\[CDATA\[\d+\]\]>', r'<\1_USED><![CDATA[0]]>', body)
            db.execute('UPDATE user_quotas SET body = ? WHERE user_oid = ?', (body, uid))

    def test_counters_are_checked_at_the_start(self):
        uid = self.everything()
        right = self.xml('one.user.info', uid)
        self.assertEqual(self.one.stop(), 0)
        self.one.start()
        self.assertEqual(wrong_lines(self.one), [])
        self.one.stop()
        self.spoil(uid)
        self.one.start()
        lines = wrong_lines(self.one)
        self.assertEqual(len(lines), 2, lines)
        self.assertRegex(lines[0], rf'Quotas of user {uid}: LEASES_USED in NETWORK with ID: {self.cloud.net} was 0, put right to 6$')
        self.assertRegex(lines[1], rf'Quotas of user {uid}: VMS_USED in VM was 0, put right to 2$')
        self.assertEqual(self.xml('one.user.info', uid).findtext('VM_QUOTA/VM/VMS'), '7')
        for section in ('VM', 'NETWORK', 'DATASTORE', 'IMAGE'):
            self.assertEqual([[k.text for k in e] for e in self.xml('one.user.info', uid).findall(f'{section}_QUOTA/{section}')],
                             [[k.text for k in e] for e in right.findall(f'{section}_QUOTA/{section}')])
        self.in_order()
        self.one.kill()
        self.one.start()
        self.assertEqual(wrong_lines(self.one), lines)
