"""VMs that ran before oned knew them (DEPLOY_ID): they are put on record where they are, and left alone."""
from functest import ACTION, INTERNAL, LCM, VM
from vmcase import RECOVER_DELETE, RECOVER_DELETE_DB, RECOVER_SUCCESS, VmCase


class Imported(VmCase):
    options = dict(conf='VM_MAD=[NAME="dummy",EXECUTABLE="one_vmm_dummy",TYPE="xml",IMPORTED_VMS_ACTIONS="poweroff-hard, resume, terminate-hard"]\n'
                        'VM_MAD=[NAME="strict",EXECUTABLE="one_vmm_dummy",TYPE="xml"]')

    def new(self, text='', deploy_id='wild-7'):
        vm = self.call('one.vm.allocate', f'NAME=wild\nCPU=1\nMEMORY=64\nDEPLOY_ID={deploy_id}\n{text}')
        self.assertEqual(self.state(vm), (VM['HOLD'], 0))
        return vm

    def untouched(self, vm, deploy_id='wild-7'):
        self.assertEqual(self.vm(vm).findtext('DEPLOY_ID'), deploy_id)
        self.assertFalse((self.folder / 'var' / 'vms' / str(vm) / 'deployment.0').exists())

    def test_one_that_runs_is_running_at_once(self):
        vm = self.new()
        self.cloud.deploy(vm)
        self.assertEqual(self.state(vm), (VM['ACTIVE'], LCM['RUNNING']))
        self.untouched(vm)
        record, = self.history(vm)
        times = [int(record.findtext(k)) for k in ('PSTIME', 'PETIME', 'RSTIME')]
        self.assertEqual(times, [int(self.vm(vm).findtext('STIME'))] * 3)
        self.assertEqual(record.findtext('RETIME'), '0')
        self.agree()
        self.refused(INTERNAL, 'one.vm.allocate', 'CPU=1\nMEMORY=64\nDEPLOY_ID=wild-7', text='Virtual Machine wild-7 already imported')

    def test_one_that_is_off_is_powered_off(self):
        vm = self.new('IMPORT_STATE=POWEROFF')
        self.cloud.deploy(vm)
        self.assertEqual(self.state(vm), (VM['POWEROFF'], 0))
        self.untouched(vm)
        self.agree()
        self.call('one.vm.action', 'resume', vm)
        self.wait_vm(vm, 'RUNNING')

    def test_only_what_its_driver_allows_is_done_with_it(self):
        vm = self.new()
        for verb in 'hold', 'release', 'terminate':
            self.refused(ACTION, 'one.vm.action', verb, vm, text=f'Action "{verb}" is not supported for imported VMs')
        self.refused(ACTION, 'one.vm.action', 'fly', vm, text='Action "fly" is not supported$')
        self.cloud.deploy(vm)
        for verb in 'poweroff', 'suspend', 'stop', 'undeploy', 'reboot', 'resched':
            self.refused(ACTION, 'one.vm.action', verb, vm, text=f'Action "{verb}" is not supported for imported VMs')
        for op, name in (RECOVER_SUCCESS, 'recover'), (RECOVER_DELETE, 'delete'), (RECOVER_DELETE_DB, 'delete'):
            self.refused(ACTION, 'one.vm.recover', vm, op, text=f'Action "{name}" is not supported for imported VMs')
        self.assertEqual(self.state(vm), (VM['ACTIVE'], LCM['RUNNING']))
        self.call('one.vm.action', 'poweroff-hard', vm)
        self.wait_vm(vm, 'POWEROFF')
        self.call('one.vm.action', 'resume', vm)
        self.wait_vm(vm, 'RUNNING')
        self.call('one.vm.action', 'terminate-hard', vm)
        self.wait_vm(vm, 'DONE')
        self.agree()
        self.call('one.vm.action', 'terminate-hard', self.new('HYPERVISOR=dummy'))  # the domain can be imported again

    def test_on_a_host_whose_driver_allows_nothing_it_stays(self):
        host = self.call('one.host.allocate', 'strict', 'dummy', 'strict', -1)
        vm = self.new('HYPERVISOR=strict', 'wild-8')
        self.call('one.vm.deploy', vm, host, False, self.cloud.system_ds, '')
        self.refused(ACTION, 'one.vm.action', 'terminate-hard', vm, text='not supported for imported VMs')
        self.agree()

    def test_it_is_known_after_a_restart(self):
        ids = 'wild-7', 'one-of-many'  # not one-NUMBER, which is oned's own
        vms = [self.new(deploy_id=id) for id in ids]
        for vm in vms:
            self.cloud.deploy(vm)
        self.one.kill()
        self.one.start()
        for vm, id in zip(vms, ids):
            self.assertEqual(self.state(vm), (VM['ACTIVE'], LCM['RUNNING']))
            self.untouched(vm, id)
            self.refused(INTERNAL, 'one.vm.allocate', f'CPU=1\nMEMORY=64\nDEPLOY_ID={id}', text='already imported')

    def tearDown(self):
        """Those that may be ended are; the others stay for good."""
        for x in self.xml('one.vmpool.info', -2, -1, -1, -1).findall('VM'):
            answer = self.one.raw('one.vm.action', 'terminate-hard', int(x.findtext('ID')))
            if answer[0]:
                self.wait_vm(int(x.findtext('ID')), 'DONE')
        self.agree()


class ImportedOnMariaDB(Imported):
    backend = 'mysql'
