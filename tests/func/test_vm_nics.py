"""NICs of VMs that are there: attached, detached and updated, running and powered off, with every failure and way out."""
import os
import signal
import unittest

from functest import ACTION, AUTHORIZATION, INTERNAL, LCM, NO_EXISTS, VM
from vmcase import RECOVER_DELETE, RECOVER_DELETE_DB, RECOVER_FAILURE, RECOVER_RECREATE, RECOVER_RETRY, RECOVER_SUCCESS, VmCase

ATTACH, DETACH, ALIAS_ATTACH, ALIAS_DETACH, UPDATE = '23', '24', '46', '47', '51'
MAD = 'VM_MAD = [ NAME = "{}", SUNSTONE_NAME = "Testing", EXECUTABLE = "one_vmm_dummy", TYPE = "xml"{} ]\n'


class NicCase(VmCase):
    options = {'conf': MAD.format('dummy', '') + MAD.format('cold', ', COLD_NIC_ATTACH = "yes"')}

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.wan = cls.one.call('one.vn.allocate', 'NAME=wan\nVN_MAD=dummy\nBRIDGE=br1\nAR=[TYPE=IP4,IP=10.1.0.1,SIZE=3]', -1)

    def tearDown(self):
        super().tearDown()
        self.assertEqual((self.used(self.wan), self.used(self.cloud.net)), (0, 0))

    def used(self, net):
        return int(self.xml('one.vn.info', net).findtext('USED_LEASES'))

    def nics(self, vm):
        """NIC_ID -> address, of all that are some."""
        return {x.findtext('NIC_ID'): x.findtext('IP', '') for kind in ('NIC', 'NIC_ALIAS', 'PCI')
                for x in self.vm(vm).findall(f'TEMPLATE/{kind}')}

    def marks(self, vm):
        return [mark for mark in ('ATTACH', 'DETACH', 'UPDATE') for kind in ('NIC', 'NIC_ALIAS', 'PCI')
                for _ in self.vm(vm).findall(f'TEMPLATE/{kind}/{mark}')]

    def actions(self, vm):
        return [r.findtext('ACTION') for r in self.history(vm)]

    def attach(self, vm, text=None, auth=None):
        self.call('one.vm.attachnic', vm, text or f'NIC=[NETWORK_ID={self.wan}]', auth=auth)

    def context(self, vm):
        return (self.folder / 'var' / 'vms' / str(vm) / 'context.sh').read_text()

    def at_rest(self, vm, state='RUNNING'):
        self.wait_vm(vm, state)
        self.assertEqual(self.marks(vm), [])
        self.agree()


class Running(NicCase):
    def test_nics_come_and_go(self):
        vm = self.cloud.running('CONTEXT=[NETWORK=YES]')
        self.attach(vm)
        self.at_rest(vm)
        self.attach(vm, f'NIC_ALIAS=[NETWORK_ID={self.wan},PARENT=NIC1]')
        self.at_rest(vm)
        self.assertEqual(self.nics(vm), {'0': '10.0.0.1', '1': '10.1.0.1', '2': '10.1.0.2'})
        self.assertIn("ETH1_ALIAS0_IP='10.1.0.2'", self.context(vm))
        self.call('one.vm.detachnic', vm, 1)
        self.at_rest(vm)
        self.assertEqual(self.nics(vm), {'0': '10.0.0.1'})
        self.assertNotIn('ETH1', self.context(vm))
        self.assertIn("ETH0_IP='10.0.0.1'", self.context(vm))
        self.assertIsNone(self.vm(vm).find('TEMPLATE/CONTEXT/ETH1_IP'))
        self.assertEqual(self.actions(vm), [ATTACH, ALIAS_ATTACH, DETACH, '0'])
        self.assertEqual(self.used(self.wan), 0)

    def test_what_the_driver_cannot_attach_is_taken_back(self):
        self.one.answers('attach_nic', 'failure')
        vm = self.cloud.running('CONTEXT=[NETWORK=YES]')
        self.attach(vm)
        self.at_rest(vm)
        self.assertEqual((self.nics(vm), self.used(self.wan)), ({'0': '10.0.0.1'}, 0))
        self.assertIn('attach_nic fails as asked', self.error(vm))
        self.assertIsNone(self.vm(vm).find('TEMPLATE/CONTEXT/ETH1_IP'))
        self.attach(vm, f'NIC_ALIAS=[NETWORK_ID={self.wan},PARENT=NIC0]')
        self.at_rest(vm)
        self.assertEqual(self.vm(vm).findtext('TEMPLATE/NIC/ALIAS_IDS'), '')
        self.assertEqual(self.used(self.wan), 0)

    def test_what_the_driver_cannot_detach_stays_whole(self):
        self.one.answers('detach_nic', 'failure')
        vm = self.cloud.running(f'NIC_ALIAS=[NETWORK_ID={self.wan},PARENT=NIC0]\nCONTEXT=[NETWORK=YES]')
        for nic in 0, 1:
            self.call('one.vm.detachnic', vm, nic)
            self.at_rest(vm)
            self.assertEqual(self.nics(vm), {'0': '10.0.0.1', '1': '10.1.0.1'})
        self.assertEqual(self.vm(vm).findtext('TEMPLATE/NIC/ALIAS_IDS'), '1')
        self.assertEqual(self.vm(vm).findtext('TEMPLATE/CONTEXT/ETH0_IP'), '10.0.0.1')
        self.assertIn('detach_nic fails as asked', self.error(vm))

    def test_one_at_a_time(self):
        self.one.answers('attach_nic', 'success 3')
        vm = self.cloud.running()
        self.attach(vm)
        self.wait_vm(vm, 'HOTPLUG_NIC')
        self.assertEqual(self.marks(vm), ['ATTACH'])
        self.refused(ACTION, 'one.vm.attachnic', vm, f'NIC=[NETWORK_ID={self.wan}]',
                     text=f'Could not add a new NIC to VM {vm}, wrong state HOTPLUG_NIC')
        self.refused(ACTION, 'one.vm.detachnic', vm, 0, text=f'Could not detach NIC from VM {vm}, wrong state HOTPLUG_NIC')
        self.refused(ACTION, 'one.vm.updatenic', vm, 0, 'NIC=[INBOUND_AVG_BW=1]', text='Wrong state HOTPLUG_NIC')
        self.refused(ACTION, 'one.vm.action', 'poweroff', vm, text='HOTPLUG_NIC')
        self.assertEqual(self.used(self.wan), 1)
        self.at_rest(vm)

    def test_an_address_comes_back_when_the_driver_says_so(self):
        self.one.answers('detach_nic', 'success 2')
        vm = self.cloud.running(f'NIC=[NETWORK_ID={self.wan}]')
        self.call('one.vm.detachnic', vm, 1)
        self.wait_vm(vm, 'HOTPLUG_NIC')
        self.assertEqual((self.used(self.wan), self.nics(vm)['1']), (1, '10.1.0.1'))
        self.agree()
        self.at_rest(vm)
        self.assertEqual(self.used(self.wan), 0)

    def test_a_step_without_an_answer_is_ended_by_hand(self):
        self.one.answers('attach_nic', '-')
        self.one.answers('detach_nic', '-')
        for op, verdict, there in (('attach', RECOVER_SUCCESS, True), ('attach', RECOVER_FAILURE, False),
                                   ('detach', RECOVER_SUCCESS, False), ('detach', RECOVER_FAILURE, True)):
            with self.subTest(op=op, verdict=verdict):
                vm = self.cloud.running('' if op == 'attach' else f'NIC=[NETWORK_ID={self.wan}]')
                self.call('one.vm.attachnic', vm, f'NIC=[NETWORK_ID={self.wan}]') if op == 'attach' else \
                    self.call('one.vm.detachnic', vm, 1)
                self.wait_vm(vm, 'HOTPLUG_NIC')
                self.call('one.vm.recover', vm, verdict)
                self.at_rest(vm)
                self.assertEqual('1' in self.nics(vm), there)
                self.call('one.vm.recover', vm, RECOVER_DELETE_DB)

    def test_it_is_tried_again_by_hand(self):
        self.one.answers('attach_nic', '-')
        vm = self.cloud.running()
        self.attach(vm)
        self.wait_vm(vm, 'HOTPLUG_NIC')
        self.one.answers('attach_nic')
        self.call('one.vm.recover', vm, RECOVER_RETRY)
        self.at_rest(vm)
        self.assertIn('1', self.nics(vm))

    def test_the_answer_to_what_was_given_up_ends_nothing_else(self):
        self.one.answers('attach_nic', 'failure 2')
        self.one.answers('detach_nic', 'success 5')
        vm = self.cloud.running()
        self.attach(vm)
        self.wait_vm(vm, 'HOTPLUG_NIC')
        self.call('one.vm.recover', vm, RECOVER_SUCCESS)
        self.call('one.vm.detachnic', vm, 0)
        self.one.wait('the late answer came', lambda: 'nothing waits for' in self.one.log_tail(100))
        self.assertEqual(self.state(vm), (VM['ACTIVE'], LCM['HOTPLUG_NIC']))
        self.assertEqual(self.error(vm), '')
        self.at_rest(vm)
        self.assertEqual(self.nics(vm), {'1': '10.1.0.1'})

    def test_it_is_deleted_or_made_anew_meanwhile(self):
        self.one.answers('attach_nic', 'success 20')
        self.one.answers('detach_nic', 'success 20')
        gone, anew = self.cloud.running(), self.cloud.running()
        self.attach(gone)
        self.call('one.vm.detachnic', anew, 0)
        for vm in gone, anew:
            self.wait_vm(vm, 'HOTPLUG_NIC')
        self.call('one.vm.recover', gone, RECOVER_DELETE)
        self.wait_vm(gone, 'DONE')
        self.call('one.vm.recover', anew, RECOVER_RECREATE)
        self.at_rest(anew, 'PENDING')
        self.assertEqual(self.used(self.wan), 0)

    def test_only_vms_that_run_or_are_powered_off(self):
        vm = self.cloud.allocate()
        wrong = f'Could not add a new NIC to VM {vm}, wrong state '
        self.refused(ACTION, 'one.vm.attachnic', vm, f'NIC=[NETWORK_ID={self.wan}]', text=wrong + 'PENDING')
        self.refused(ACTION, 'one.vm.detachnic', vm, 0, text='wrong state PENDING')
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        self.call('one.vm.action', 'suspend', vm)
        self.wait_vm(vm, 'SUSPENDED')
        self.refused(ACTION, 'one.vm.attachnic', vm, f'NIC=[NETWORK_ID={self.wan}]', text=wrong + 'SUSPENDED')
        self.refused(NO_EXISTS, 'one.vm.attachnic', 99999, 'NIC=[')
        self.refused(NO_EXISTS, 'one.vm.detachnic', -1, 0)
        self.refused(INTERNAL, 'one.vm.attachnic', vm, 'NIC=[', text='Parse error')

    def test_a_network_of_another_cluster_is_refused(self):
        cluster = self.call('one.cluster.allocate', 'far')
        net = self.call('one.vn.allocate', 'NAME=far\nVN_MAD=dummy\nBRIDGE=br2\nAR=[TYPE=IP4,IP=10.2.0.1,SIZE=3]', cluster)
        vm = self.cloud.running()
        self.refused(ACTION, 'one.vm.attachnic', vm, f'NIC=[NETWORK_ID={net}]', text=r'Virtual network is not part of cluster \[0\]')
        self.assertEqual((self.used(net), self.nics(vm)), (0, {'0': '10.0.0.1'}))
        self.call('one.vn.delete', net)


class Restarts(NicCase):
    """oned or its driver ends while a NIC is worked on."""

    def under_way(self, how):
        for action in 'attach_nic', 'detach_nic', 'update_nic':
            self.one.answers(action, how)
        vms = {'attach': self.cloud.running(), 'detach': self.cloud.running(f'NIC=[NETWORK_ID={self.wan}]'), 'update': self.cloud.running()}
        self.attach(vms['attach'])
        self.call('one.vm.detachnic', vms['detach'], 1)
        self.call('one.vm.updatenic', vms['update'], 0, 'NIC=[INBOUND_AVG_BW=7]', 1)
        for vm in vms.values():
            self.wait_vm(vm, 'HOTPLUG_NIC')
        return vms

    def went_on(self, vms):
        for vm in vms.values():
            self.at_rest(vm)
        self.assertEqual(sorted(self.nics(vms['attach'])), ['0', '1'])
        self.assertEqual(sorted(self.nics(vms['detach'])), ['0'])
        x = self.vm(vms['update'])
        self.assertEqual((x.findtext('TEMPLATE/NIC/INBOUND_AVG_BW'), x.find('TEMPLATE/VNET_UPDATE')), ('7', None))
        self.assertEqual(self.used(self.wan), 1)

    def restart(self, how):
        how()
        for action in 'attach_nic', 'detach_nic', 'update_nic':
            self.one.answers(action)
        self.one.start()

    def test_after_an_orderly_stop_it_goes_on(self):
        vms = self.under_way('-')
        self.restart(lambda: self.assertEqual(self.one.stop(), 0))
        self.went_on(vms)

    def test_after_a_restart_it_may_fail(self):
        vms = self.under_way('-')
        self.assertEqual(self.one.stop(), 0)
        for action in 'attach_nic', 'detach_nic', 'update_nic':
            self.one.answers(action, 'failure')
        self.one.start()
        for vm in vms.values():
            self.at_rest(vm)
        self.assertEqual(sorted(self.nics(vms['attach'])), ['0'])
        self.assertEqual(sorted(self.nics(vms['detach'])), ['0', '1'])
        self.assertIsNotNone(self.vm(vms['update']).find('TEMPLATE/VNET_UPDATE/INBOUND_AVG_BW'))

    def test_after_its_driver_died_it_goes_on(self):
        vms = self.under_way('-')
        for action in 'attach_nic', 'detach_nic', 'update_nic':
            self.one.answers(action)
        for pid in self.one.processes('one_vmm_dummy'):
            os.kill(pid, signal.SIGKILL)
        self.went_on(vms)


class RestartsOnMariaDB(Restarts):
    backend = 'mysql'


class PoweredOff(NicCase):
    def off(self, extra='', host=0):
        vm = self.cloud.running(extra, host)
        self.call('one.vm.action', 'poweroff', vm)
        self.wait_vm(vm, 'POWEROFF')
        return vm

    def test_the_record_changes_at_once_and_the_guest_learns_of_it_when_it_starts(self):
        self.one.answers('attach_nic', 'failure')   # isn't asked
        vm = self.off('CONTEXT=[NETWORK=YES]')
        self.attach(vm)
        self.assertEqual(self.state(vm)[0], VM['POWEROFF'])
        self.at_rest(vm, 'POWEROFF')
        self.assertEqual(self.nics(vm), {'0': '10.0.0.1', '1': '10.1.0.1'})
        self.assertEqual(self.actions(vm), [ATTACH, '19'])
        self.call('one.vm.detachnic', vm, 0)
        self.at_rest(vm, 'POWEROFF')
        self.call('one.vm.action', 'resume', vm)
        self.at_rest(vm)
        self.assertIn("ETH1_IP='10.1.0.1'", self.context(vm))
        self.assertNotIn('ETH0', self.context(vm))

    def test_a_driver_that_works_on_such_vms_is_asked(self):
        host = self.call('one.host.allocate', 'colder', 'dummy', 'cold', -1)
        self.cloud.wait_host(host)
        self.cloud.hosts.append(host)
        uid, auth = self.user('ann')
        self.call('one.user.quota', uid, 'VM=[RUNNING_VMS=1]')
        vm = self.off(host=2)
        self.call('one.vm.chown', vm, uid, -1)
        self.call('one.vm.allocate', 'CPU=1\nMEMORY=64', True, auth=auth)     # all that may run
        self.one.answers('detach_nic', 'success 1')
        for there, answer in (False, 'failure 1'), (True, 'success 1'):
            self.one.answers('attach_nic', answer)
            self.attach(vm)
            self.wait_vm(vm, 'HOTPLUG_NIC_POWEROFF')
            self.assertEqual(self.xml('one.user.info', uid).findtext('VM_QUOTA/VM/RUNNING_VMS_USED'), '1')
            self.at_rest(vm, 'POWEROFF')
            self.assertEqual('1' in self.nics(vm), there)
        self.call('one.vm.detachnic', vm, 1)
        self.wait_vm(vm, 'HOTPLUG_NIC_POWEROFF')
        self.at_rest(vm, 'POWEROFF')
        self.assertEqual(self.used(self.wan), 0)


class Updates(NicCase):
    def test_a_running_nic_is_updated_by_its_driver(self):
        self.one.answers('update_nic', 'failure')
        vm = self.cloud.running()
        self.call('one.vm.updatenic', vm, 0, 'NIC=[INBOUND_AVG_BW=5,MODEL=virtio]', 1)
        self.at_rest(vm)
        self.assertIn('update_nic fails as asked', self.error(vm))
        self.assertEqual(self.vm(vm).findtext('TEMPLATE/VNET_UPDATE/INBOUND_AVG_BW'), '')
        self.one.answers('update_nic')
        self.call('one.vm.updatenic', vm, 0, 'NIC=[INBOUND_AVG_BW=6]', 0)
        self.at_rest(vm)
        x = self.vm(vm)
        self.assertEqual((x.findtext('TEMPLATE/NIC/INBOUND_AVG_BW'), x.find('TEMPLATE/VNET_UPDATE'), x.find('TEMPLATE/NIC/MODEL')),
                         ('6', None, None))
        self.call('one.vm.updatenic', vm, 0, 'NIC=[INBOUND_AVG_BW=6,IP=1.2.3.4]', 0)      # nothing to do
        self.assertEqual(self.actions(vm), [UPDATE, UPDATE, '0'])
        self.assertEqual(self.nics(vm), {'0': '10.0.0.1'})

    def test_elsewhere_the_record_alone_changes(self):
        vm = self.cloud.allocate(f'NIC_ALIAS=[NETWORK_ID={self.wan},PARENT=NIC0]')
        self.call('one.vm.updatenic', vm, 0, 'NIC=[OUTBOUND_AVG_BW=5]')
        self.assertEqual(self.vm(vm).findtext('TEMPLATE/NIC/OUTBOUND_AVG_BW'), '5')
        self.call('one.vm.updatenic', vm, 0, 'NIC=[]')
        self.assertIsNone(self.vm(vm).find('TEMPLATE/NIC/OUTBOUND_AVG_BW'))
        self.refused(ACTION, 'one.vm.updatenic', vm, 1, 'NIC=[INBOUND_AVG_BW=1]', text='Action not supported for NIC_ALIAS')
        self.refused(ACTION, 'one.vm.updatenic', vm, 7, 'NIC=[INBOUND_AVG_BW=1]', text=f'VM {vm}: NIC 7 does not exists')


class Rights(NicCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.one.call('one.vdc.delgroup', 0, 1)      # through which its users may USE all networks
        cls.uid, cls.auth = cls.one.call('one.user.allocate', 'bob', 'bob-secret', 'core', []), 'bob:bob-secret'

    def setUp(self):
        self.call('one.user.quota', self.uid, f'NETWORK=[ID={self.wan},LEASES=-2]')
        self.mine = self.cloud.running(auth=self.auth)

    def tearDown(self):
        self.call('one.vn.chmod', self.wan, -1, -1, -1, 0, -1, -1, 0, -1, -1)
        super().tearDown()

    def may_use(self, others=1):
        self.call('one.vn.chmod', self.wan, -1, -1, -1, -1, -1, -1, others, -1, -1)

    def test_the_network_has_to_be_usable(self):
        for text in (f'NIC=[NETWORK_ID={self.wan}]', 'NIC=[NETWORK=wan,NETWORK_UNAME=oneadmin]', 'NIC=[NETWORK=wan,NETWORK_UID=0]',
                     f'NIC=[NETWORK_MODE=auto,NETWORK_ID={self.wan}]', f'NIC_ALIAS=[NETWORK_ID={self.wan},PARENT=NIC0]'):
            self.refused(AUTHORIZATION, 'one.vm.attachnic', self.mine, text, auth=self.auth,
                         text=rf'Not authorized to perform USE NET \[{self.wan}\]')
        self.may_use()
        self.attach(self.mine, 'NIC=[NETWORK=wan,NETWORK_UNAME=oneadmin]', auth=self.auth)
        self.at_rest(self.mine)
        self.refused(ACTION, 'one.vm.attachnic', self.mine, 'NIC=[NETWORK=wan]', auth=self.auth, text='does not own a network')

    def test_a_network_of_the_owner_is_no_way_in(self):
        owner, his = self.user('carl')
        hidden = self.call('one.vn.allocate', 'NAME=hidden\nVN_MAD=dummy\nBRIDGE=br3\nAR=[TYPE=IP4,IP=10.3.0.1,SIZE=3]', -1)
        self.call('one.vn.chown', hidden, owner, -1)
        vm = self.cloud.running(auth=his)
        self.call('one.vm.chmod', vm, -1, -1, -1, -1, -1, -1, 1, 1, -1)
        self.refused(AUTHORIZATION, 'one.vm.attachnic', vm, 'NIC=[NETWORK=hidden]', auth=self.auth, text=rf'USE NET \[{hidden}\]')
        self.attach(vm, 'NIC=[NETWORK=hidden]', auth=his)
        self.at_rest(vm)
        self.call('one.vm.recover', vm, RECOVER_DELETE_DB)
        self.call('one.vn.delete', hidden)

    def test_groups_of_the_network_and_of_the_nic_have_to_be_usable(self):
        self.may_use()
        sg = self.call('one.secgroup.allocate', 'NAME=shut\nRULE=[PROTOCOL=TCP,RULE_TYPE=inbound,RANGE=80]')
        self.refused(AUTHORIZATION, 'one.vm.attachnic', self.mine, f'NIC=[NETWORK_ID={self.wan},SECURITY_GROUPS="{sg}"]', auth=self.auth,
                     text=rf'USE SECGROUP \[{sg}\]')
        net = self.call('one.vn.allocate', f'NAME=guarded\nVN_MAD=dummy\nBRIDGE=br4\nSECURITY_GROUPS="{sg}"\n'
                        'AR=[TYPE=IP4,IP=10.4.0.1,SIZE=3]', -1)
        self.call('one.vn.chmod', net, -1, -1, -1, -1, -1, -1, 1, -1, -1)
        self.refused(AUTHORIZATION, 'one.vm.attachnic', self.mine, f'NIC=[NETWORK_ID={net}]', auth=self.auth, text=rf'USE SECGROUP \[{sg}\]')
        self.call('one.secgroup.chmod', sg, -1, -1, -1, -1, -1, -1, 1, -1, -1)
        self.attach(self.mine, f'NIC=[NETWORK_ID={net}]', auth=self.auth)
        self.at_rest(self.mine)
        self.assertEqual(self.xml('one.secgroup.info', sg).findtext('UPDATED_VMS/ID'), str(self.mine))
        self.assertEqual(len(self.vm(self.mine).findall('TEMPLATE/SECURITY_GROUP_RULE')), 3)
        self.call('one.vm.detachnic', self.mine, 1, auth=self.auth)
        self.at_rest(self.mine)
        self.assertIsNone(self.xml('one.secgroup.info', sg).find('UPDATED_VMS/ID'))
        self.assertEqual(len(self.vm(self.mine).findall('TEMPLATE/SECURITY_GROUP_RULE')), 2)
        self.call('one.vn.delete', net)
        self.call('one.secgroup.delete', sg)

    def test_limits_hold_and_failures_give_back(self):
        self.may_use()
        self.call('one.user.quota', self.uid, f'NETWORK=[ID={self.wan},LEASES=1]')
        for there, answer in (False, 'failure'), (True, 'success'):
            self.one.answers('attach_nic', answer)
            self.attach(self.mine, auth=self.auth)
            self.at_rest(self.mine)
            self.assertEqual('1' in self.nics(self.mine), there)
        self.refused(AUTHORIZATION, 'one.vm.attachnic', self.mine, f'NIC=[NETWORK_ID={self.wan}]', auth=self.auth,
                     text=f'limit of 1 reached for LEASES quota in NETWORK with ID: {self.wan}')
        self.refused(ACTION, 'one.vm.attachnic', self.mine, f'NIC=[NETWORK_ID={self.cloud.net},IP=10.9.9.9]', auth=self.auth,
                     text='Cannot get IP/MAC lease')
        self.refused(ACTION, 'one.vm.attachnic', self.mine, f'NIC=[NETWORK_ID={self.wan + 2 ** 32}]', auth=self.auth, text='does not exist')
        self.agree()
        self.call('one.vm.detachnic', self.mine, 1, auth=self.auth)
        self.at_rest(self.mine)
        self.attach(self.mine, f'NIC_ALIAS=[NETWORK_ID={self.wan},PARENT=NIC0]', auth=self.auth)
        self.at_rest(self.mine)
        self.call('one.vm.detachnic', self.mine, 0, auth=self.auth)     # its alias goes with it
        self.at_rest(self.mine)
        self.assertEqual(self.nics(self.mine), {})

    def test_restricted_attributes(self):
        self.may_use()
        for text in (f'NIC=[NETWORK_ID={self.wan},MAC="02:00:0a:01:00:02"]', 'PCI=[TYPE=NIC,CLASS="0300"]'):
            self.refused(AUTHORIZATION, 'one.vm.attachnic', self.mine, text, auth=self.auth, text='NIC includes a restricted attribute')
        self.refused(AUTHORIZATION, 'one.vm.updatenic', self.mine, 0, 'NIC=[INBOUND_AVG_BW=9]', auth=self.auth,
                     text='NIC includes a restricted attribute INBOUND_AVG_BW')

    def test_somebody_elses_vm_tells_nothing(self):
        vm = self.cloud.running()
        for method, args in (('attachnic', ['NIC=[NETWORK_ID=99]']), ('detachnic', [77]), ('updatenic', [77, 'NIC=[A=1]'])):
            self.refused(AUTHORIZATION, f'one.vm.{method}', vm, *args, auth=self.auth, text=rf'Not authorized to perform MANAGE VM \[{vm}\]')


class Pci(NicCase):
    """Network interfaces that are devices of the host."""

    def owner(self, address):
        return [x.findtext('VMID') for x in self.xml('one.host.info', self.cloud.hosts[0]).findall('HOST_SHARE/PCI_DEVICES/PCI')
                if x.findtext('SHORT_ADDRESS') == address][0]

    def test_the_device_is_taken_and_given_back(self):
        card = f'PCI=[TYPE=NIC,NETWORK_ID={self.wan},VENDOR="10de",DEVICE="0863",CLASS="0300"]'
        vm = self.cloud.running('CONTEXT=[NETWORK=YES]')
        self.attach(vm, card)
        self.at_rest(vm)
        pci = self.vm(vm).find('TEMPLATE/PCI')
        self.assertEqual((pci.findtext('PCI_ID'), pci.findtext('NIC_ID'), pci.findtext('SHORT_ADDRESS')), ('0', '1', '02:00.0'))
        self.assertEqual(self.owner('02:00.0'), str(vm))
        self.assertIn("PCI0_IP='10.1.0.1'", self.context(vm))
        self.refused(ACTION, 'one.vm.attachnic', vm, card, text='Cannot assign PCI device in host. Check address and free devices')
        self.refused(ACTION, 'one.vm.attachnic', vm, 'PCI=[CLASS="0300"]', text='PCI device is not of type NIC')
        self.call('one.vm.detachnic', vm, 1)
        self.at_rest(vm)
        self.assertEqual(self.owner('02:00.0'), '-1')
        self.assertIsNone(self.vm(vm).find('TEMPLATE/CONTEXT/PCI0_IP'))
        self.one.answers('attach_nic', 'failure')
        self.attach(vm, card)
        self.at_rest(vm)
        self.assertEqual(self.owner('02:00.0'), '-1')


if __name__ == '__main__':
    unittest.main()
