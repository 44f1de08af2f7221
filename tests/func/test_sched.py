"""mm_sched beside oned: it places what is pending where it may go, says why when it can't, and doesn't wait for its interval."""
import signal
import unittest

import invariants
from functest import VM, Cloud, OneCase


# The shipped configuration measures no system datastore of the dummy driver (as OpenNebula's), so no disk would fit.
MEASURED = 'DATASTORE_MAD=[ EXECUTABLE="one_datastore", ARGUMENTS="-t 15 -d dummy -s dummy,shared,ssh" ]'


class Scheduler(OneCase):
    """An interval that no test waits for: what happens, happens because of an event."""

    options = dict(sched_interval=120, conf=MEASURED)

    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one)
        cls.one.scheduler()
        # Its first cycle begins at once; when it placed something it is surely listening.
        vm = cls.cloud.allocate()
        cls.one.wait_vm(vm, VM['ACTIVE'], 3, 150)
        cls.one.call('one.vm.recover', vm, 5)

    def tearDown(self):
        for x in self.xml('one.vmpool.info', -2, -1, -1, -1).findall('VM'):
            self.call('one.vm.recover', int(x.findtext('ID')), 5)
        self.assertEqual(invariants.broken(self.one), [])

    def host_of(self, vm):
        return int(self.vm(vm).findall('HISTORY_RECORDS/HISTORY')[-1].findtext('HID'))

    def message(self, vm):
        return self.vm(vm).findtext('USER_TEMPLATE/SCHED_MESSAGE', '')

    def test_a_pending_vm_is_placed_long_before_the_interval(self):
        vm = self.cloud.allocate()
        self.wait_vm(vm, 'RUNNING')
        self.assertIn(self.host_of(vm), self.cloud.hosts)

    def test_requirements_decide(self):
        for i in range(4):
            host = self.cloud.hosts[i % 2]
            vm = self.cloud.allocate(f'SCHED_REQUIREMENTS="ID = {host}"')
            self.wait_vm(vm, 'RUNNING')
            self.assertEqual(self.host_of(vm), host)

    def test_a_rank_decides_among_those_that_fit(self):
        for i in range(4):
            rank, host = [('ID', max(self.cloud.hosts)), ('0 - ID', min(self.cloud.hosts))][i % 2]
            vm = self.cloud.allocate(f'SCHED_RANK="{rank}"')
            self.wait_vm(vm, 'RUNNING')
            self.assertEqual(self.host_of(vm), host, rank)

    def test_a_vm_that_fits_nowhere_is_told_why(self):
        vm = self.cloud.allocate('SCHED_REQUIREMENTS="NAME = \\"nowhere\\""')
        self.one.wait('a message', lambda: self.message(vm))
        self.assertEqual(self.state(vm)[0], VM['PENDING'])
        self.assertRegex(self.message(vm), r'(?i)requirement')
        large = self.cloud.allocate(cpu=1000)
        self.one.wait('a message', lambda: self.message(large))
        self.assertRegex(self.message(large), r'(?i)cpu|capacity')

    def test_a_vm_that_did_not_fit_goes_when_there_is_room(self):
        blockers = [self.cloud.allocate(f'SCHED_REQUIREMENTS="ID = {host}"', cpu=8) for host in self.cloud.hosts]
        for vm in blockers:
            self.wait_vm(vm, 'RUNNING')
        waiting = self.cloud.allocate(cpu=8)
        self.one.wait('it is told why', lambda: self.message(waiting))
        self.call('one.vm.action', 'terminate-hard', blockers[0])
        self.wait_vm(waiting, 'RUNNING', timeout=60)
        self.assertEqual(self.message(waiting), '')

    def test_a_vm_on_hold_is_left_alone(self):
        held = self.call('one.vm.allocate', self.cloud.template(), True)
        other = self.cloud.allocate()
        self.wait_vm(other, 'RUNNING')
        self.assertEqual(self.state(held)[0], VM['HOLD'])
        self.call('one.vm.action', 'release', held)
        self.wait_vm(held, 'RUNNING')

    def test_hosts_are_never_overcommitted(self):
        vms = [self.cloud.allocate(cpu=3) for _ in range(6)]
        self.one.wait('four run and two are told why', lambda: sorted(self.state(vm)[0] for vm in vms) == [1, 1, 3, 3, 3, 3]
                      and all(self.message(vm) for vm in vms if self.state(vm)[0] == 1))
        for x in self.xml('one.hostpool.info').findall('HOST'):
            self.assertLessEqual(int(x.findtext('HOST_SHARE/CPU_USAGE')), 800)

    def test_a_disabled_host_gets_nothing(self):
        self.call('one.host.status', self.cloud.hosts[0], 1)
        try:
            for _ in range(3):
                vm = self.cloud.allocate()
                self.wait_vm(vm, 'RUNNING')
                self.assertEqual(self.host_of(vm), self.cloud.hosts[1])
        finally:
            self.call('one.host.status', self.cloud.hosts[0], 0)
            self.cloud.wait_host(self.cloud.hosts[0])

    def test_a_stopped_vm_comes_back(self):
        vm = self.cloud.allocate()
        self.wait_vm(vm, 'RUNNING')
        self.call('one.vm.action', 'stop', vm)
        self.wait_vm(vm, 'STOPPED')
        self.call('one.vm.action', 'resume', vm)
        self.wait_vm(vm, 'RUNNING')

    def test_a_burst_is_placed(self):
        vms = [self.cloud.allocate(cpu='0.05') for _ in range(100)]
        for vm in vms:
            self.wait_vm(vm, 'RUNNING')
        self.assertEqual(invariants.broken(self.one), [])
        self.assertEqual({self.host_of(vm) for vm in vms}, set(self.cloud.hosts))


class SchedulerOnMariaDB(Scheduler):
    backend = 'mysql'


class Together(OneCase):
    """The two of them ending and starting."""

    options = dict(sched_interval=1, conf=MEASURED)

    def test_the_scheduler_waits_for_oned_and_goes_on_after_its_restart(self):
        cloud = Cloud(self.one)
        self.one.scheduler()
        first = cloud.allocate()
        self.wait_vm(first, 'RUNNING')
        self.one.kill()
        self.one.start()
        self.assertIsNone(self.one.sched.poll())
        second = cloud.allocate()
        self.wait_vm(second, 'RUNNING')
        self.one.sched.send_signal(signal.SIGTERM)
        self.assertEqual(self.one.sched.wait(20), 0)
        self.assertEqual(invariants.broken(self.one), [])


if __name__ == '__main__':
    unittest.main()
