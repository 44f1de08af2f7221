"""The life of VMs on the dummy drivers: every action, every failure and the ways out of it, and what must agree all the while."""
import base64
import os
import shutil
import signal
import socket
import time
import unittest
import zlib

from functest import ACTION, AUTHORIZATION, INTERNAL, LCM, NO_EXISTS, VM, Cloud, rests
from vmcase import RECOVER_DELETE, RECOVER_DELETE_DB, RECOVER_FAILURE, RECOVER_RECREATE, RECOVER_RETRY, RECOVER_SUCCESS, VmCase


class ActCase(VmCase):
    def act(self, verb, vm, state, lcm=None):
        self.call('one.vm.action', verb, vm)
        self.wait_vm(vm, state, lcm)
        self.agree()


class Life(ActCase):
    def test_a_vm_is_allocated_deployed_and_terminated(self):
        vm = self.cloud.allocate('NAME=one\nTIER=front')
        self.assertEqual(self.state(vm), (VM['PENDING'], 0))
        self.agree()
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        self.agree()
        x = self.vm(vm)
        self.assertEqual((x.findtext('NAME'), x.findtext('DEPLOY_ID'), x.findtext('USER_TEMPLATE/TIER')), ('one', 'node0:one:dummy', 'front'))
        self.act('terminate', vm, 'DONE')
        x = self.vm(vm)
        self.assertGreater(int(x.findtext('ETIME')), 0)
        self.assertEqual(self.xml('one.image.info', self.cloud.os).findtext('RUNNING_VMS'), '0')
        self.assertEqual(self.xml('one.vn.info', self.cloud.net).findtext('USED_LEASES'), '0')

    def test_it_goes_through_all_resting_states_and_back(self):
        vm = self.cloud.running('NAME=traveller')
        self.act('poweroff', vm, 'POWEROFF')
        self.act('resume', vm, 'RUNNING')
        self.act('poweroff-hard', vm, 'POWEROFF')
        self.act('resume', vm, 'RUNNING')
        self.act('suspend', vm, 'SUSPENDED')
        self.act('resume', vm, 'RUNNING')
        self.act('stop', vm, 'STOPPED')
        self.act('resume', vm, 'PENDING')
        self.cloud.deploy(vm, 1)
        self.wait_vm(vm, 'RUNNING')
        self.agree()
        self.act('undeploy', vm, 'UNDEPLOYED')
        self.act('resume', vm, 'PENDING')
        self.cloud.deploy(vm, 0)
        self.wait_vm(vm, 'RUNNING')
        self.act('undeploy-hard', vm, 'UNDEPLOYED')
        self.cloud.deploy(vm, 1)
        self.wait_vm(vm, 'RUNNING')
        self.act('terminate-hard', vm, 'DONE')

    def test_actions_of_a_running_vm_that_do_not_change_its_state(self):
        vm = self.cloud.running()
        for verb in ('reboot', 'reboot-hard', 'resched', 'unresched'):
            self.act(verb, vm, 'RUNNING')
        self.call('one.vm.action', 'resched', vm)
        self.assertEqual(self.vm(vm).findtext('RESCHED'), '1')
        self.call('one.vm.action', 'unresched', vm)
        self.assertEqual(self.vm(vm).findtext('RESCHED'), '0')

    def test_from_rest_to_rest(self):
        vm = self.cloud.running()
        self.act('suspend', vm, 'SUSPENDED')
        self.act('stop', vm, 'STOPPED')
        self.act('terminate', vm, 'DONE')
        vm = self.cloud.running()
        self.act('poweroff', vm, 'POWEROFF')
        self.act('undeploy', vm, 'UNDEPLOYED')
        self.act('terminate', vm, 'DONE')

    def test_it_is_terminated_from_every_resting_state(self):
        for verb, state in (('poweroff', 'POWEROFF'), ('suspend', 'SUSPENDED'), ('stop', 'STOPPED'), ('undeploy', 'UNDEPLOYED')):
            for end in ('terminate', 'terminate-hard'):
                vm = self.cloud.running()
                self.act(verb, vm, state)
                self.act(end, vm, 'DONE')

    def test_hold_and_release(self):
        vm = self.call('one.vm.allocate', self.cloud.template(), True)
        self.assertEqual(self.state(vm)[0], VM['HOLD'])
        self.act('release', vm, 'PENDING')
        self.act('hold', vm, 'HOLD')
        self.refused(ACTION, 'one.vm.action', 'hold', vm, text='not available for state HOLD')
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        self.refused(ACTION, 'one.vm.action', 'hold', vm, text='not available for state RUNNING')
        self.act('terminate', vm, 'DONE')

    def test_what_makes_no_sense_is_refused_with_the_state(self):
        vm = self.cloud.allocate()
        for verb in ('poweroff', 'suspend', 'stop', 'resume', 'reboot', 'undeploy', 'resched'):
            self.refused(ACTION, 'one.vm.action', verb, vm, text='not available for state PENDING')
        self.refused(ACTION, 'one.vm.action', 'fly', vm, text='Action "fly" is not supported')
        self.refused(NO_EXISTS, 'one.vm.action', 'hold', 99999)
        self.call('one.vm.action', 'terminate', vm)
        self.refused(ACTION, 'one.vm.deploy', vm, self.cloud.hosts[0], False, self.cloud.system_ds, '', text='not available for state DONE')
        self.refused(NO_EXISTS, 'one.vm.deploy', vm, 777, False, self.cloud.system_ds, '')

    def test_a_deploy_beyond_the_capacity_is_refused_when_it_is_tested(self):
        vm = self.cloud.allocate(cpu=9)
        self.refused(ACTION, 'one.vm.deploy', vm, self.cloud.hosts[0], True, self.cloud.system_ds, '')
        self.assertEqual(self.state(vm)[0], VM['PENDING'])
        self.agree()
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        self.agree()

    def test_an_offline_host_takes_no_vm(self):
        host = self.one.dummy_host('away')
        self.call('one.host.status', host, 2)
        vm = self.cloud.allocate()
        self.refused(ACTION, 'one.vm.deploy', vm, host, False, self.cloud.system_ds, '', text='offline')
        self.agree()

    def test_a_host_with_vms_stays(self):
        self.cloud.running()
        self.refused(ACTION, 'one.host.delete', self.cloud.hosts[0], text='running VMs')

    def test_only_system_datastores_take_vms(self):
        vm = self.cloud.allocate()
        self.refused(INTERNAL, 'one.vm.deploy', vm, self.cloud.hosts[0], False, self.cloud.images_ds, '', text='not of type system')

    def test_changes_of_a_vm_are_kept(self):
        vm = self.cloud.allocate('NAME=before')
        self.call('one.vm.rename', vm, 'after')
        self.call('one.vm.update', vm, 'COLOR=red', 1)
        self.call('one.vm.chmod', vm, -1, -1, -1, 1, -1, -1, -1, -1, -1)
        x = self.vm(vm)
        self.assertEqual((x.findtext('NAME'), x.findtext('USER_TEMPLATE/COLOR'), x.findtext('PERMISSIONS/GROUP_U')), ('after', 'red', '1'))
        self.call('one.vm.lock', vm, 2, False)
        self.refused(AUTHORIZATION, 'one.vm.action', 'hold', vm, text='VM is locked')
        self.call('one.vm.unlock', vm)
        self.act('hold', vm, 'HOLD')

    def test_a_template_is_instantiated(self):
        template = self.call('one.template.allocate', 'NAME=web\n' + self.cloud.template())
        first = self.call('one.template.instantiate', template, '', False, '', False)
        second = self.call('one.template.instantiate', template, 'named', True, 'TIER=back', False)
        self.assertEqual(self.vm(first).findtext('NAME'), f'web-{first}')
        x = self.vm(second)
        self.assertEqual((x.findtext('NAME'), x.findtext('STATE'), x.findtext('USER_TEMPLATE/TIER')), ('named', '2', 'back'))
        self.assertEqual(x.findtext('TEMPLATE/TEMPLATE_ID'), str(template))

    def test_pools_find_vms_by_their_state(self):
        pending, held = self.cloud.allocate(), self.call('one.vm.allocate', self.cloud.template(), True)
        running = self.cloud.running()
        done = self.cloud.allocate()
        self.call('one.vm.action', 'terminate', done)

        def pool(state, name='one.vmpool.info'):
            return {int(x.findtext('ID')) for x in self.xml(name, -2, -1, -1, state).findall('VM')}
        self.assertEqual((pool(1), pool(2), pool(3)), ({pending}, {held}, {running}))
        self.assertEqual(pool(-1), {pending, held, running})
        self.assertLessEqual({pending, held, running, done}, pool(-2))
        self.assertIn(done, pool(6))
        self.assertEqual(pool(-1, 'one.vmpool.infoextended'), {pending, held, running})

    def test_many_vms_at_once_all_arrive(self):
        vms = [self.cloud.allocate(cpu='0.1') for _ in range(60)]
        for i, vm in enumerate(vms):
            self.cloud.deploy(vm, i % 2)
        for vm in vms:
            self.wait_vm(vm, 'RUNNING')
        self.agree()
        for vm in vms:
            self.call('one.vm.action', 'terminate-hard', vm)
        for vm in vms:
            self.wait_vm(vm, 'DONE')


class LifeOnMariaDB(Life):
    backend = 'mysql'


class Records(ActCase):
    def test_each_stay_is_a_record_with_its_times(self):
        vm = self.cloud.running()
        self.act('suspend', vm, 'SUSPENDED')
        self.act('resume', vm, 'RUNNING')
        self.act('stop', vm, 'STOPPED')
        self.cloud.deploy(vm, 1)
        self.wait_vm(vm, 'RUNNING')
        self.act('terminate', vm, 'DONE')
        records = self.history(vm)
        self.assertEqual([r.findtext('SEQ') for r in records], ['0', '1', '2'])
        self.assertEqual([int(r.findtext('HID')) for r in records], [self.cloud.hosts[0]] * 2 + [self.cloud.hosts[1]])
        self.assertEqual([r.findtext('HOSTNAME') for r in records], ['node0', 'node0', 'node1'])
        self.assertEqual(records[-1].findtext('ACTION'), '27')
        for r in records:
            self.assertGreater(int(r.findtext('ETIME')), 0)
            self.assertGreaterEqual(int(r.findtext('ETIME')), int(r.findtext('STIME')))
            self.assertLessEqual(int(r.findtext('RSTIME')), int(r.findtext('RETIME')))
        for before, after in zip(records, records[1:]):
            self.assertLessEqual(int(before.findtext('ETIME')), int(after.findtext('STIME')))

    def test_an_action_is_noted_with_who_asked_for_it(self):
        uid, ann = self.user('ann')
        vm = self.cloud.running(auth=ann)
        self.call('one.vm.action', 'poweroff', vm, auth=ann)
        self.wait_vm(vm, 'POWEROFF')
        record = self.history(vm)[-1]
        self.assertEqual((record.findtext('ACTION'), record.findtext('UID')), ('19', str(uid)))

    def test_accounting_has_the_records(self):
        vm = self.cloud.running()
        self.act('terminate', vm, 'DONE')
        found = [r for r in self.xml('one.vmpool.accounting', -2, -1, -1).findall('HISTORY') if r.findtext('OID') == str(vm)]
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0].findtext('VM/ID'), str(vm))


class Failures(ActCase):
    """What drivers refuse, and the ways out. The transfer scripts do nothing until a test breaks them."""

    @classmethod
    def prepare(cls):
        remotes = cls.folder / 'var' / 'remotes' / 'tm'
        shutil.rmtree(remotes / 'shared')
        shutil.copytree(remotes / 'dummy', remotes / 'shared')
        cls.cloud = Cloud(cls.one, tm='shared')

    def failed_deploy(self):
        self.one.answers('deploy', 'failure')
        vm = self.cloud.allocate()
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'BOOT_FAILURE')
        self.agree()
        self.assertIn('deploy fails as asked', self.error(vm))
        self.one.answers('deploy')
        return vm

    def test_a_failed_deploy_is_retried(self):
        vm = self.failed_deploy()
        self.call('one.vm.recover', vm, RECOVER_RETRY)
        self.wait_vm(vm, 'RUNNING')
        self.agree()

    def test_a_failed_deploy_is_declared_a_success(self):
        vm = self.failed_deploy()
        self.call('one.vm.recover', vm, RECOVER_SUCCESS)
        self.wait_vm(vm, 'RUNNING')
        self.assertEqual(self.vm(vm).findtext('DEPLOY_ID'), f'one-{vm}')

    def test_a_failed_deploy_is_deleted(self):
        vm = self.failed_deploy()
        self.call('one.vm.recover', vm, RECOVER_DELETE)
        self.wait_vm(vm, 'DONE')
        self.agree()

    def test_a_failed_deploy_is_terminated(self):
        vm = self.failed_deploy()
        self.call('one.vm.action', 'terminate', vm)
        self.wait_vm(vm, 'DONE')

    def test_a_failed_deploy_is_made_anew(self):
        vm = self.failed_deploy()
        self.call('one.vm.recover', vm, RECOVER_RECREATE)
        self.wait_vm(vm, 'PENDING')
        self.agree()
        self.assertEqual(self.vm(vm).findtext('DEPLOY_ID', ''), '')
        self.cloud.deploy(vm, 1)
        self.wait_vm(vm, 'RUNNING')
        self.agree()

    def test_a_failed_shutdown_leaves_it_running(self):
        for verb, file in (('terminate', 'shutdown'), ('terminate-hard', 'cancel'), ('poweroff', 'shutdown'), ('undeploy', 'shutdown'),
                           ('suspend', 'save'), ('stop', 'save')):
            with self.subTest(verb):
                vm = self.cloud.running()
                self.one.answers(file, 'failure 1')
                self.call('one.vm.action', verb, vm)
                self.assertNotEqual(self.state(vm), (VM['ACTIVE'], LCM['RUNNING']))
                self.wait_vm(vm, 'RUNNING')
                self.agree()
                self.one.answers(file)
                self.assertEqual(self.history(vm)[-1].findtext('ACTION'), '0')

    def test_a_failed_start_brings_it_back_to_its_rest(self):
        for verb, rest, file, failed in (('poweroff', 'POWEROFF', 'deploy', 'POWEROFF'), ('suspend', 'SUSPENDED', 'restore', 'SUSPENDED')):
            with self.subTest(verb):
                vm = self.cloud.running()
                self.act(verb, vm, rest)
                self.one.answers(file, 'failure 1')
                self.call('one.vm.action', 'resume', vm)
                self.assertEqual(self.state(vm)[0], VM['ACTIVE'])
                self.wait_vm(vm, failed)
                self.agree()
                self.one.answers(file)
                self.act('resume', vm, 'RUNNING')

    def test_a_failed_return_waits_for_a_person(self):
        for verb, rest, file, failed in (('stop', 'STOPPED', 'restore', 'BOOT_STOPPED_FAILURE'),
                                         ('undeploy', 'UNDEPLOYED', 'deploy', 'BOOT_UNDEPLOY_FAILURE')):
            with self.subTest(verb):
                vm = self.cloud.running()
                self.act(verb, vm, rest)
                self.one.answers(file, 'failure')
                self.cloud.deploy(vm, 1)
                self.wait_vm(vm, failed)
                self.agree()
                self.one.answers(file)
                self.call('one.vm.recover', vm, RECOVER_RETRY)
                self.wait_vm(vm, 'RUNNING')
                self.agree()

    def failing_transfers(self, *scripts):
        """Transfer scripts that fail from now on; a function that mends them."""
        folder = self.folder / 'var' / 'remotes' / 'tm' / 'shared'

        def replace(script, text):
            new = folder / f'{script}.new'
            new.write_text(f'#!/bin/sh\ncat >/dev/null\n{text}\n')
            new.chmod(0o755)
            new.rename(folder / script)

        for script in scripts:
            replace(script, 'echo "ERROR MESSAGE --8<------" >&2\necho "no room for it" >&2\necho "ERROR MESSAGE ------>8--" >&2\n'
                            'exit 1')

        def mend():
            for script in scripts:
                replace(script, '')
        self.addCleanup(mend)
        return mend

    def test_a_failed_prolog_is_retried_and_deleted(self):
        mend = self.failing_transfers('clone', 'ln')
        vms = [self.cloud.allocate() for _ in range(3)]
        for vm in vms:
            self.cloud.deploy(vm)
            self.wait_vm(vm, 'PROLOG_FAILURE')
        self.agree()
        self.assertIn('no room for it', self.error(vms[0]))
        mend()
        self.call('one.vm.recover', vms[0], RECOVER_RETRY)
        self.wait_vm(vms[0], 'RUNNING')
        self.call('one.vm.recover', vms[1], RECOVER_DELETE)
        self.wait_vm(vms[1], 'DONE')
        self.call('one.vm.recover', vms[2], RECOVER_SUCCESS)
        self.wait_vm(vms[2], 'RUNNING')
        self.agree()

    def test_a_failed_epilog_is_retried_and_declared_a_success(self):
        vms = [self.cloud.running() for _ in range(2)]
        mend = self.failing_transfers('delete')
        for vm in vms:
            self.call('one.vm.action', 'terminate', vm)
            self.wait_vm(vm, 'EPILOG_FAILURE')
        self.agree()
        mend()
        self.call('one.vm.recover', vms[0], RECOVER_RETRY)
        self.call('one.vm.recover', vms[1], RECOVER_SUCCESS)
        for vm in vms:
            self.wait_vm(vm, 'DONE')
        self.agree()

    def test_a_failed_undeploy_and_stop_are_retried(self):
        for verb, failed, rest in (('undeploy', 'EPILOG_UNDEPLOY_FAILURE', 'UNDEPLOYED'), ('stop', 'EPILOG_STOP_FAILURE', 'STOPPED')):
            with self.subTest(verb):
                vm = self.cloud.running()
                mend = self.failing_transfers('mv')
                self.call('one.vm.action', verb, vm)
                self.wait_vm(vm, failed)
                self.agree()
                mend()
                self.call('one.vm.recover', vm, RECOVER_RETRY)
                self.wait_vm(vm, rest)
                self.agree()

    def test_a_failed_cleanup_is_the_last_word_too(self):
        vm = self.cloud.running()
        self.one.answers('cleanup', 'failure')
        self.call('one.vm.recover', vm, RECOVER_DELETE)
        self.wait_vm(vm, 'DONE')
        self.agree()

    def test_steps_under_way_are_deleted_at_any_point(self):
        self.one.answers('deploy', 'success 20')
        self.one.answers('shutdown', 'success 20')
        self.one.answers('save', 'success 20')
        booting = self.cloud.allocate()
        self.cloud.deploy(booting)
        self.wait_vm(booting, 'BOOT')
        self.agree()
        self.one.answers('deploy')
        ending, saving = self.cloud.running(), self.cloud.running()
        self.call('one.vm.action', 'terminate', ending)
        self.wait_vm(ending, 'SHUTDOWN')
        self.call('one.vm.action', 'suspend', saving)
        self.wait_vm(saving, 'SAVE_SUSPEND')
        self.agree()
        for vm in (booting, ending, saving):
            self.call('one.vm.recover', vm, RECOVER_DELETE)
        self.one.wait('they are being cleaned or gone', lambda: all(
            self.state(vm)[0] == VM['DONE'] or self.state(vm)[1] == LCM['CLEANUP_DELETE'] for vm in (booting, ending, saving)))
        self.agree()
        for vm in (booting, ending, saving):
            self.call('one.vm.recover', vm, RECOVER_DELETE_DB)
        self.assertEqual({self.state(vm)[0] for vm in (booting, ending, saving)}, {VM['DONE']})

    def test_a_hanging_shutdown_is_made_hard(self):
        self.one.answers('shutdown', 'success 60')
        vm = self.cloud.running()
        self.call('one.vm.action', 'terminate', vm)
        self.wait_vm(vm, 'SHUTDOWN')
        self.call('one.vm.action', 'terminate-hard', vm)
        self.wait_vm(vm, 'DONE')
        self.agree()

    def test_recover_says_what_it_does_not_know(self):
        vm = self.cloud.allocate()
        self.refused(ACTION, 'one.vm.recover', vm, 17, text='Wrong recovery operation code')
        self.refused(ACTION, 'one.vm.recover', vm, RECOVER_SUCCESS, text='wrong state PENDING')
        self.refused(ACTION, 'one.vm.recover', vm, RECOVER_RETRY, text='wrong state PENDING')
        self.refused(NO_EXISTS, 'one.vm.recover', 99999, RECOVER_DELETE)

    def test_a_step_without_an_answer_is_ended_by_hand(self):
        self.one.answers('deploy', '-')
        good, bad = self.cloud.allocate(), self.cloud.allocate()
        for vm in (good, bad):
            self.cloud.deploy(vm)
            self.wait_vm(vm, 'BOOT')
        self.call('one.vm.recover', good, RECOVER_SUCCESS)
        self.call('one.vm.recover', bad, RECOVER_FAILURE)
        self.assertEqual(self.state(good), (VM['ACTIVE'], LCM['RUNNING']))
        self.assertEqual(self.state(bad), (VM['ACTIVE'], LCM['BOOT_FAILURE']))
        self.agree()

    def test_no_vm_goes_to_a_host_without_its_hypervisor_driver(self):
        host = self.call('one.host.allocate', 'odd', 'dummy', 'nosuch', -1)
        vm = self.cloud.allocate()
        self.refused(ACTION, 'one.vm.deploy', vm, host, False, self.cloud.system_ds, '', text='Cannot find vmm driver: nosuch$')
        self.wait_vm(vm, 'PENDING')
        self.agree()


class FailuresOnMariaDB(Failures):
    backend = 'mysql'


class Monitored(ActCase):
    """What the monitor of a host says of its VMs."""

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.sampled = cls.cloud.running()

    def tearDown(self):
        self.agree()

    def tell(self, host, text):
        packed = base64.b64encode(zlib.compress(text.encode())).decode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(f'STATE_VM SUCCESS {host} {int(time.time())} {packed}\n'.encode(), ('127.0.0.1', self.one.ports['monitor']))

    def tell_until(self, vm, word, state, lcm=None):
        end = time.time() + 60
        while time.time() < end:
            self.tell(self.cloud.hosts[0], f'VM=[ID="{vm}",DEPLOY_ID="{self.vm(vm).findtext("DEPLOY_ID")}",STATE="{word}"]')
            try:
                self.wait_vm(vm, state, lcm, 1)
                return
            except AssertionError:
                pass
        self.fail(f'VM {vm} never {state}: {self.state(vm)}\n' + self.one.log_tail())

    def test_reports_are_believed_once_they_cannot_be_older_than_the_last_step(self):
        vm, other = self.cloud.running(), self.cloud.running()
        self.tell(self.cloud.hosts[0], f'VM=[ID="{vm}",DEPLOY_ID="node0:one-{vm}:dummy",STATE="POWEROFF"]')
        self.tell(self.cloud.hosts[0], 'garbage = [')
        time.sleep(1)
        self.assertEqual(self.state(vm), (VM['ACTIVE'], LCM['RUNNING']))
        self.tell_until(vm, 'UNKNOWN', 'UNKNOWN')
        self.agree()
        self.tell_until(vm, 'RUNNING', 'RUNNING')
        self.tell_until(vm, 'POWEROFF', 'POWEROFF')
        self.agree()
        self.tell_until(other, 'UNKNOWN', 'UNKNOWN')
        self.call('one.vm.action', 'resume', other)
        self.wait_vm(other, 'RUNNING')
        self.agree()
        self.call('one.vm.action', 'terminate-hard', other)
        self.wait_vm(other, 'DONE')

    def test_samples_of_running_vms_are_kept(self):
        vm = self.sampled
        self.one.wait('a sample', lambda: self.xml('one.vm.monitoring', vm).find('MONITORING') is not None, 90)
        self.assertEqual(self.xml('one.vm.monitoring', vm).find('MONITORING').findtext('ID'), str(vm))


class Drivers(ActCase):
    """Drivers that die or hang while VMs wait for them."""

    def die(self, program):
        pid, = self.one.processes(program)
        os.kill(pid, signal.SIGKILL)
        self.one.wait(f'{program} runs again', lambda: self.one.processes(program) not in ([], [pid]))

    def test_a_hypervisor_driver_that_dies_comes_back_and_every_vm_goes_on(self):
        self.one.answers('deploy', 'success 4')
        self.one.answers('shutdown', 'success 4')
        self.one.answers('save', 'success 4')
        self.one.answers('deploy')
        ending, saving, leaving = self.cloud.running(), self.cloud.running(), self.cloud.running()
        self.one.answers('deploy', 'success 4')
        booting = [self.cloud.allocate() for _ in range(10)]
        for vm in booting:
            self.cloud.deploy(vm, 1)
            self.wait_vm(vm, 'BOOT')
        self.call('one.vm.action', 'terminate', ending)
        self.call('one.vm.action', 'suspend', saving)
        self.call('one.vm.action', 'undeploy', leaving)
        self.agree()
        self.die('one_vmm_dummy')
        for vm in booting:
            self.wait_vm(vm, 'RUNNING')
        self.wait_vm(ending, 'DONE')
        self.wait_vm(saving, 'SUSPENDED')
        self.wait_vm(leaving, 'UNDEPLOYED')
        self.agree()

    def test_a_transfer_driver_that_dies_comes_back_and_every_vm_goes_on(self):
        pid, = self.one.processes('one_tm')
        starting = [self.cloud.running() for _ in range(3)]
        os.kill(pid, signal.SIGSTOP)
        vms = [self.cloud.allocate() for _ in range(10)]
        for vm in vms:
            self.cloud.deploy(vm)
        for vm in starting:
            self.call('one.vm.action', 'terminate-hard', vm)
            self.wait_vm(vm, 'EPILOG')
        self.agree()
        os.kill(pid, signal.SIGKILL)
        for vm in vms:
            self.wait_vm(vm, 'RUNNING')
        for vm in starting:
            self.wait_vm(vm, 'DONE')
        self.agree()

    def test_all_drivers_at_once(self):
        vms = [self.cloud.running() for _ in range(4)]
        for program in ('one_vmm_dummy', 'one_tm', 'one_datastore', 'onemonitord', 'one_hm', 'one_auth_mad'):
            for pid in self.one.processes(program):
                os.kill(pid, signal.SIGKILL)
        for vm in vms:
            self.call('one.vm.action', 'poweroff', vm)
        for vm in vms:
            self.one.wait(f'VM {vm} rests', lambda: rests(self.vm(vm)))
        self.agree()

    def test_what_is_under_way_at_an_orderly_stop_goes_on_at_the_next_start(self):
        self.one.answers('deploy', 'success 3')
        vms = [self.cloud.allocate() for _ in range(5)]
        for vm in vms:
            self.cloud.deploy(vm)
        self.assertEqual(self.one.stop(), 0)
        self.one.answers('deploy')
        self.one.start()
        for vm in vms:
            self.wait_vm(vm, 'RUNNING')
        self.agree()


class DriversOnMariaDB(Drivers):
    backend = 'mysql'


if __name__ == '__main__':
    unittest.main()
