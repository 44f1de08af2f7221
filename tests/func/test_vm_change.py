"""Another size, another configuration of VMs on the dummy drivers: quotas, hosts and records follow, drivers fail, die and hang."""
import base64
import os
import signal
import xml.etree.ElementTree as ET

from functest import (ACTION, AUTHORIZATION, INTERNAL, LCM, NO_EXISTS, RESTING_LCM, VM, XML_RPC_API, Cloud, OneCase, new_perigee,
                      temporary_folder)
from vmcase import RECOVER_DELETE, RECOVER_DELETE_DB, RECOVER_FAILURE, RECOVER_RECREATE, RECOVER_RETRY, RECOVER_SUCCESS, VmCase

LCM.update(HOTPLUG=17, HOTPLUG_RESIZE=66)


class ChangeCase(VmCase):
    options = dict(conf='VM_MAD=[NAME="dummy",EXECUTABLE="one_vmm_dummy",TYPE="xml",LIVE_RESIZE="yes"]\n'
                        'VM_MAD=[NAME="stiff",EXECUTABLE="one_vmm_dummy",TYPE="xml"]')

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.uid, cls.ann = cls.call(cls, 'one.user.allocate', 'ann', 'secret', 'core', []), 'ann:secret'

    def tearDown(self):
        self.call('one.user.quota', self.uid, 'VM=[CPU=-1,MEMORY=-1,VMS=-1]')
        super().tearDown()

    def size(self, vm):
        x = self.vm(vm).find('TEMPLATE')
        return tuple(x.findtext(k) for k in ('CPU', 'MEMORY', 'VCPU'))

    def resize(self, vm, text, auth=None):
        self.assertEqual(self.call('one.vm.resize', vm, text, False, auth=auth), vm)

    def conf(self, vm, text, append=0, auth=None):
        self.assertEqual(self.call('one.vm.updateconf', vm, text, append, auth=auth), vm)

    def value(self, vm, path):
        return self.vm(vm).findtext('TEMPLATE/' + path)

    def hangs(self, action):
        """The driver begins it and doesn't end it before a minute has passed."""
        self.one.answers(action, 'success 60')


class Resize(ChangeCase):
    def test_in_every_state_that_allows_it(self):
        vm = self.cloud.allocate(auth=self.ann)
        self.resize(vm, 'CPU=2\nMEMORY=256\nVCPU=2', auth=self.ann)
        self.agree()
        self.call('one.vm.action', 'hold', vm)
        self.resize(vm, '<X><CPU>1.5</CPU></X>', auth=self.ann)
        self.assertEqual(self.size(vm), ('1.5', '256', '2'))
        self.agree()
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        self.resize(vm, 'CPU=0.5\nVCPU=3', auth=self.ann)
        self.wait_vm(vm, 'RUNNING')
        self.assertEqual(self.size(vm), ('0.5', '256', '3'))
        self.assertIsNone(self.vm(vm).find('TEMPLATE/RESIZE'))
        self.agree()
        for verb, state in (('poweroff', 'POWEROFF'), ('undeploy', 'UNDEPLOYED')):
            self.call('one.vm.action', verb, vm)
            self.wait_vm(vm, state)
            self.resize(vm, f'MEMORY={300 + len(verb)}', auth=self.ann)
            self.agree()
        self.cloud.deploy(vm, 1)        # it still knows where its files are
        self.wait_vm(vm, 'RUNNING')
        self.agree()
        open_records = [r.findtext('SEQ') for r in self.vm(vm).findall('HISTORY_RECORDS/HISTORY') if r.findtext('ETIME') == '0']
        self.assertEqual(len(open_records), 1)
        for verb, state in (('suspend', 'SUSPENDED'), ('stop', 'STOPPED')):
            self.call('one.vm.action', verb, vm)
            self.wait_vm(vm, state)
            self.refused(ACTION, 'one.vm.resize', vm, 'CPU=1', False, text=f'Cannot resize a VM in state {state}$')
        self.call('one.vm.action', 'terminate', vm)
        self.wait_vm(vm, 'DONE')
        self.refused(ACTION, 'one.vm.resize', vm, 'CPU=1', False, text='Cannot resize a VM in state DONE$')

    def test_records_tell_who_did_it_and_how_large_it_was(self):
        vm = self.cloud.running(auth=self.ann)
        self.resize(vm, 'CPU=2', auth=self.ann)
        self.wait_vm(vm, 'RUNNING')
        records = sorted(self.vm(vm).findall('HISTORY_RECORDS/HISTORY'), key=lambda r: int(r.findtext('SEQ')))
        self.assertEqual([r.findtext('ACTION') for r in records], ['35', '0'])
        self.assertEqual(records[0].findtext('UID'), str(self.uid))
        self.assertNotEqual(records[0].findtext('ETIME'), '0')
        self.assertEqual(records[1].findtext('ETIME'), '0')
        sizes = {r.findtext('SEQ'): r.findtext('VM/TEMPLATE/CPU') for r in self.xml('one.vmpool.accounting', -2, -1, -1).findall('HISTORY')
                 if r.findtext('OID') == str(vm)}
        self.assertEqual(sizes, {'0': '1', '1': '2'})

    def test_quotas_and_hosts_have_the_last_word(self):
        self.call('one.user.quota', self.uid, 'VM=[CPU=3,MEMORY=512]')
        vm = self.cloud.running(auth=self.ann)
        for text, metric in (('CPU=3.1', 'CPU'), ('MEMORY=513', 'MEMORY')):
            self.refused(AUTHORIZATION, 'one.vm.resize', vm, text, False, text=f'limit of .* reached for {metric} quota in VM')
        self.resize(vm, 'CPU=3\nMEMORY=512', auth=self.ann)
        self.wait_vm(vm, 'RUNNING')
        self.agree()
        self.call('one.user.quota', self.uid, 'VM=[CPU=-2,MEMORY=-2]')
        for state in ('RUNNING', 'POWEROFF'):
            self.refused(ACTION, 'one.vm.resize', vm, 'CPU=9', False, text='Not enough CPU: 900/800')
            self.refused(ACTION, 'one.vm.resize', vm, 'MEMORY=99999999', True, text='Not enough memory')
            self.assertEqual(self.size(vm)[:2], ('3', '512'))
            self.agree()
            if state == 'RUNNING':
                self.call('one.vm.action', 'poweroff', vm)
                self.wait_vm(vm, 'POWEROFF')

    def test_who_may_and_what_he_may(self):
        vm = self.cloud.allocate(auth=self.ann)
        _, bob = self.user('resize-bob')
        self.refused(AUTHORIZATION, 'one.vm.resize', vm, 'CPU=1', False, auth=bob, text='MANAGE VM')
        self.refused(INTERNAL, 'one.vm.resize', vm, 'CPU=[', False, auth=bob, text='Parse error')
        self.refused(AUTHORIZATION, 'one.vm.resize', vm, 'CPU=1\nCPU_COST=1', False, auth=self.ann, text='restricted attribute CPU_COST')
        self.refused(AUTHORIZATION, 'one.vm.resize', vm, 'NIC=[MAC=a]', False, auth=self.ann, text='restricted attribute MAC')
        self.refused(NO_EXISTS, 'one.vm.resize', 99999, 'CPU=1', False)
        for text in ('CPU=-1', 'MEMORY=-1', 'VCPU=-1'):
            self.refused(INTERNAL, 'one.vm.resize', vm, text, False, auth=self.ann, text='must be a positive')
        self.resize(vm, 'CPU=2\nCPU_COST=1')
        self.assertIsNone(self.value(vm, 'CPU_COST'))
        self.assertEqual(self.size(vm)[0], '2')

    def test_a_driver_that_cannot_isnt_asked(self):
        host = self.call('one.host.allocate', 'rigid', 'dummy', 'stiff', -1)
        self.cloud.wait_host(host)
        vm = self.cloud.allocate()
        self.call('one.vm.deploy', vm, host, False, self.cloud.system_ds, '')
        self.wait_vm(vm, 'RUNNING')
        self.refused(ACTION, 'one.vm.resize', vm, 'CPU=2', False, text='Hotplug resize not supported by driver stiff$')
        self.assertEqual(len(self.vm(vm).findall('HISTORY_RECORDS/HISTORY')), 1)
        self.agree()

    def test_a_failed_one_leaves_everything_as_it_was(self):
        self.one.answers('resize', 'failure')
        vm = self.cloud.running('VCPU=2', auth=self.ann)
        self.resize(vm, 'CPU=2\nMEMORY=512\nVCPU=4')
        self.wait_vm(vm, 'RUNNING')
        self.assertEqual(self.size(vm), ('1', '128', '2'))
        self.assertIsNone(self.vm(vm).find('TEMPLATE/RESIZE'))
        self.assertIn('Error executing RESIZE: resize fails as asked', self.vm(vm).findtext('USER_TEMPLATE/ERROR'))
        self.agree()
        bare = self.cloud.running(auth=self.ann)
        self.resize(bare, 'VCPU=4')
        self.wait_vm(bare, 'RUNNING')
        self.assertEqual(self.size(bare), ('1', '128', None))
        self.agree()

    def test_one_that_hangs_is_ended_by_hand(self):
        self.one.answers('resize', '-')
        ends = ((RECOVER_SUCCESS, 'RUNNING', '2'), (RECOVER_FAILURE, 'RUNNING', '1'), (RECOVER_DELETE, 'DONE', '2'),
                (RECOVER_RECREATE, 'PENDING', '2'))
        for op, state, cpu in ends:
            vm = self.cloud.running(auth=self.ann)
            self.resize(vm, 'CPU=2')
            self.assertEqual(self.state(vm), (VM['ACTIVE'], LCM['HOTPLUG_RESIZE']))
            self.agree()
            self.refused(ACTION, 'one.vm.resize', vm, 'CPU=1', False, text='Cannot resize a VM in state HOTPLUG_RESIZE')
            self.call('one.vm.recover', vm, op)
            self.wait_vm(vm, state)
            self.assertEqual(self.size(vm)[0], cpu)
            self.assertIsNone(self.vm(vm).find('TEMPLATE/RESIZE'))
            self.agree()
            self.call('one.vm.recover', vm, RECOVER_DELETE_DB)
        vm = self.cloud.running()
        self.resize(vm, 'CPU=2')
        self.one.answers('resize')
        self.call('one.vm.recover', vm, RECOVER_RETRY)
        self.wait_vm(vm, 'RUNNING')


class Restarts(ChangeCase):
    def test_a_driver_that_dies_and_an_oned_that_stops_lose_nothing(self):
        self.hangs('resize')
        self.hangs('update_conf')
        resized, told = self.cloud.running(auth=self.ann), self.cloud.running('CONTEXT=[A=1]', auth=self.ann)
        self.resize(resized, 'CPU=2')
        self.conf(told, 'CONTEXT=[A=2]')
        before = self.one.processes('one_vmm_dummy')
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        self.one.wait('the driver runs again', lambda: len(set(self.one.processes('one_vmm_dummy')) - set(before)) == len(before))
        self.assertEqual(self.state(resized)[1], LCM['HOTPLUG_RESIZE'])
        self.assertEqual(self.state(told)[1], LCM['HOTPLUG'])
        self.agree()
        self.assertEqual(self.one.stop(), 0)
        self.one.answers('resize', 'failure')
        self.one.answers('update_conf')
        self.one.start()
        for vm in (resized, told):
            self.wait_vm(vm, 'RUNNING')
        self.assertEqual(self.size(resized)[0], '1')
        self.assertEqual(self.value(told, 'CONTEXT/A'), '2')
        self.agree()


class RestartsOnMariaDB(Restarts):
    backend = 'mysql'


class UpdateConf(ChangeCase):
    def test_a_running_vm_goes_on_when_its_driver_fails(self):
        self.one.answers('update_conf', 'failure')
        vm = self.cloud.running('CONTEXT=[A=1]')
        self.conf(vm, 'CONTEXT=[A=2]')
        self.wait_vm(vm, 'RUNNING')
        self.assertEqual(self.value(vm, 'CONTEXT/A'), '2')
        self.assertIn('update_conf fails as asked', self.vm(vm).findtext('USER_TEMPLATE/ERROR'))
        self.conf(vm, 'FEATURES=[PAE=yes]', 1)      # no context: the driver isn't asked
        self.assertEqual(self.state(vm), (VM['ACTIVE'], LCM['RUNNING']))

    def test_one_that_hangs_is_ended_by_hand(self):
        self.one.answers('update_conf', '-')
        for op, state in ((RECOVER_SUCCESS, 'RUNNING'), (RECOVER_FAILURE, 'RUNNING'), (RECOVER_DELETE, 'DONE')):
            vm = self.cloud.running('CONTEXT=[A=1]')
            self.conf(vm, 'CONTEXT=[A=2]')
            self.assertEqual(self.state(vm), (VM['ACTIVE'], LCM['HOTPLUG']))
            self.refused(INTERNAL, 'one.vm.updateconf', vm, '', 0, text='configuration cannot be updated in state HOTPLUG$')
            self.call('one.vm.recover', vm, op)
            self.wait_vm(vm, state)
            self.agree()

    def test_who_may_and_what_he_may(self):
        vm = self.cloud.allocate('CONTEXT=[A=1]', auth=self.ann)
        _, bob = self.user('conf-bob')
        self.refused(AUTHORIZATION, 'one.vm.updateconf', vm, 'OS=[ARCH=x]', 0, auth=bob, text='MANAGE VM')
        self.refused(XML_RPC_API, 'one.vm.updateconf', vm, 'OS=[', 2, auth=bob, text='Wrong update type')
        self.refused(XML_RPC_API, 'one.vm.updateconf', 99999, '', -1, text='Wrong update type')
        self.refused(NO_EXISTS, 'one.vm.updateconf', 99999, '', 0)
        for text, name in (('RAW=[TYPE=dummy,DATA=x]', 'RAW'), ('CONTEXT=[FILES="/etc/passwd"]', 'CONTEXT'),
                           ('<T><CONTEXT><files>/etc/passwd</files></CONTEXT></T>', 'CONTEXT')):
            for append in (0, 1):
                self.refused(AUTHORIZATION, 'one.vm.updateconf', vm, text, append, auth=self.ann, text=f'restricted attribute {name}')
        self.conf(vm, 'RAW=[TYPE=dummy,DATA=x]', 1)
        self.conf(vm, 'RAW=[TYPE=dummy,DATA=x]\nFEATURES=[PAE=yes]', 0, auth=self.ann)      # as it is
        self.refused(AUTHORIZATION, 'one.vm.updateconf', vm, 'FEATURES=[PAE=no]', 0, auth=self.ann, text='restricted attribute RAW')
        self.conf(vm, 'FEATURES=[PAE=no]', 1, auth=self.ann)
        self.assertEqual(self.value(vm, 'RAW/DATA'), 'x')
        self.conf(vm, '')
        self.assertIsNone(self.vm(vm).find('TEMPLATE/RAW'))

    def test_files_of_a_context_are_for_those_who_may_use_them(self):
        files = self.call('one.datastore.allocate', 'NAME=parts\nTYPE=FILE_DS\nDS_MAD=dummy\nTM_MAD=dummy', -1)
        mine = self.call('one.image.allocate', 'NAME=mine\nTYPE=CONTEXT\nPATH=/x/a', files)
        self.cloud.wait_image(mine)
        vm = self.cloud.allocate('CONTEXT=[A=1]', auth=self.ann)
        text = f'CONTEXT=[FILES_DS="$FILE[IMAGE_ID={mine}]"]'
        self.refused(INTERNAL, 'one.vm.updateconf', vm, text, 1, auth=self.ann, text='not authorize to use image')
        self.refused(INTERNAL, 'one.vm.updateconf', vm, text.replace(str(mine), str(self.cloud.os)), 1, text='Only images of type CONTEXT')
        self.call('one.image.chmod', mine, -1, -1, -1, -1, -1, -1, 1, -1, -1)
        self.conf(vm, text, 1, auth=self.ann)
        self.assertIn("'mine'", self.value(vm, 'CONTEXT/FILES_DS'))
        self.conf(vm, 'CONTEXT=[B=1]', 1, auth=self.ann)
        self.assertIn("'mine'", self.value(vm, 'CONTEXT/FILES_DS'))
        self.conf(vm, f'CONTEXT=[FILES_DS="{self.value(vm, "CONTEXT/FILES_DS")}"]', 0, auth=self.ann)
        self.assertIn("'mine'", self.value(vm, 'CONTEXT/FILES_DS'))
        self.refused(INTERNAL, 'one.vm.updateconf', vm, 'CONTEXT=[FILES_DS="/etc/passwd:\'x\'"]', 1, auth=self.ann, text='Error parsing')

    def test_passwords_stay_secret(self):
        vm = self.cloud.allocate('CONTEXT=[PASSWORD=first]')
        self.conf(vm, 'CONTEXT=[PASSWORD=second]\nGRAPHICS=[TYPE=vnc,PASSWD=abcdefghijk]', 1)
        self.assertNotEqual(self.value(vm, 'CONTEXT/PASSWORD'), 'second')
        clear = self.xml('one.vm.info', vm, True)
        self.assertEqual(clear.findtext('TEMPLATE/CONTEXT/PASSWORD'), 'second')
        self.assertEqual(clear.findtext('TEMPLATE/GRAPHICS/PASSWD'), 'abcdefgh')
        self.conf(vm, f'CONTEXT=[PASSWORD="{self.value(vm, "CONTEXT/PASSWORD")}",A=2]')
        self.assertEqual(self.xml('one.vm.info', vm, True).findtext('TEMPLATE/CONTEXT/PASSWORD'), 'second')


SPY = '''#!/bin/sh
# Notes what it is told, and does it.
while read -r action id payload; do
	case $action in
	INIT) echo "INIT SUCCESS" ;;
	FINALIZE) exit 0 ;;
	*) echo "$action $payload" >>"$ONE_LOCATION/told"; echo "$action SUCCESS $id x" ;;
	esac
done
'''


class Told(OneCase):
    """What a driver gets to hear."""

    options = dict(conf='VM_MAD=[NAME="dummy",EXECUTABLE="spy",TYPE="xml",LIVE_RESIZE="yes"]')

    @classmethod
    def setUpClass(cls):
        cls.folder = temporary_folder()
        cls.failed = False
        cls.one = new_perigee(cls.folder, **cls.options)
        spy = cls.folder / 'lib' / 'mads' / 'spy'
        spy.write_text(SPY)
        spy.chmod(0o755)
        cls.one.start()
        cls.cloud = Cloud(cls.one, hosts=1)

    def told(self, action):
        """The last message of that action."""
        lines = [line.split(' ', 1) for line in (self.folder / 'told').read_text().splitlines()]
        return ET.fromstring(base64.b64decode([payload for name, payload in lines if name == action][-1]))

    def test_of_a_resize_the_size_before_and_after(self):
        vm = self.cloud.running('VCPU=2')
        self.call('one.vm.resize', vm, 'CPU=2\nMEMORY=256\nVCPU=4', False)
        self.wait_vm(vm, 'RUNNING')
        x = self.told('RESIZE')
        self.assertEqual((x.findtext('DEPLOY_ID'), x.findtext('HOST')), ('x', 'node0'))
        self.assertEqual([x.findtext(f'VM/TEMPLATE/{k}') for k in ('CPU', 'MEMORY', 'VCPU', 'RESIZE/CPU', 'RESIZE/MEMORY', 'RESIZE/VCPU')],
                         ['2', '256', '4', '1', '128', '2'])

    def test_of_another_context_how_its_disk_is_made(self):
        files = self.call('one.datastore.allocate', 'NAME=parts\nTYPE=FILE_DS\nDS_MAD=dummy\nTM_MAD=dummy', -1)
        image = self.call('one.image.allocate', 'NAME="a file"\nTYPE=CONTEXT\nPATH=/x/a', files)
        self.cloud.wait_image(image)
        source = self.xml('one.image.info', image).findtext('SOURCE')
        vm = self.cloud.running('CONTEXT=[FILES="/x/b /x/c"]')
        self.call('one.vm.updateconf', vm, f'CONTEXT=[FILES_DS="$FILE[IMAGE_ID={image}]",START="it\'s"]', 1)
        self.wait_vm(vm, 'RUNNING')
        x = self.told('UPDATECONF')
        disk = f"{self.folder}/var/datastores/{self.cloud.system_ds}/{vm}/disk.1"
        self.assertEqual(x.findtext('DISK_TARGET_PATH'), disk)
        self.assertEqual(x.findtext('TM_COMMAND').split(), f"CONTEXT dummy {self.folder}/var/vms/{vm}/context.sh /x/b /x/c "
                         f"{source}:'a file' node0:{disk} {vm} {self.cloud.system_ds}".split())
        self.assertIn("START='it'\\''s'", (self.folder / 'var' / 'vms' / str(vm) / 'context.sh').read_text())


assert LCM['HOTPLUG'] not in RESTING_LCM
