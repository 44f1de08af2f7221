"""Scheduled actions of VMs on the dummy drivers: who may make them, that they are done when they are due, once, again or not at all."""
import time

from functest import AUTHORIZATION, INTERNAL, NO_EXISTS
from vmcase import RECOVER_DELETE_DB, RECOVER_RECREATE, VmCase

LATER = 4000000000


class ScheduleCase(VmCase):
    options = dict(conf='MANAGER_TIMER = 2')

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.uid, cls.ann = cls.call(cls, 'one.user.allocate', 'ann', 'secret', 'core', []), 'ann:secret'
        cls.call(cls, 'one.user.allocate', 'bob', 'secret', 'core', [])

    def add(self, vm, text, auth=None):
        return self.call('one.vm.schedadd', vm, f'SCHED_ACTION=[{text}]', auth=auth)

    def schedules(self, vm):
        return {int(s.findtext('ID')): {e.tag: e.text or '' for e in s} for s in self.vm(vm).findall('TEMPLATE/SCHED_ACTION')}

    def ids(self, vm):
        return [int(e.text) for e in self.vm(vm).findall('SCHED_ACTIONS/ID')]

    def running(self):
        vm = self.cloud.allocate()
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        return vm

    def now(self, vm, plus=0):
        """A time with '+' that is `plus` seconds from now: they are counted from the VM's start."""
        return f'"+{int(time.time()) - int(self.vm(vm).findtext("STIME")) + plus}"'

    def wait_done(self, vm, id):
        self.one.wait(f'schedule {id} of VM {vm} done', lambda: int(self.schedules(vm)[id]['DONE']) > 0)


class Keeping(ScheduleCase):
    def test_they_come_with_the_vm_and_go_with_it(self):
        vm = self.call('one.vm.allocate', f'CPU=1\nMEMORY=64\nSCHED_ACTION=[ACTION=hold,TIME="+7200"]\nSCHED_ACTION=[ACTION=stop,TIME={LATER}]')
        first, second = self.ids(vm)
        stime = int(self.vm(vm).findtext('STIME'))
        self.assertEqual([self.schedules(vm)[i]['TIME'] for i in (first, second)], [str(stime + 7200), str(LATER)])
        self.assertIsNone(self.vm(vm).find('USER_TEMPLATE/SCHED_ACTION'))
        self.call('one.vm.recover', vm, RECOVER_DELETE_DB)
        self.assertEqual((self.ids(vm), self.schedules(vm)), ([first, second], {}))
        self.refused(NO_EXISTS, 'one.vm.scheddelete', vm, first, text=rf'scheduled action \[{first}\]')
        self.refused(INTERNAL, 'one.vm.schedupdate', vm, first, f'SCHED_ACTION=[TIME={LATER}]', text="doesn't exist or is malformed")
        self.refused(INTERNAL, 'one.vm.schedadd', vm, f'SCHED_ACTION=[ACTION=stop,TIME={LATER}]', text="it's in DONE state")

    def test_a_wrong_one_leaves_no_vm_and_no_template(self):
        before = self.xml('one.vmpool.info', -2, -1, -1, -2).findall('VM')
        self.refused(INTERNAL, 'one.vm.allocate', 'CPU=1\nMEMORY=64\nSCHED_ACTION=[ACTION=fly,TIME="+1"]', text='fly is not supported')
        self.refused(INTERNAL, 'one.template.allocate', 'NAME=x\nCPU=1\nMEMORY=64\nSCHED_ACTION=[ACTION=stop]', text='Unable to parse the time')
        template = self.call('one.template.allocate', f'NAME=timed\nCPU=1\nMEMORY=64\nSCHED_ACTION=[ACTION=stop,TIME="+90"]')
        self.refused(INTERNAL, 'one.template.update', template, 'SCHED_ACTION=[ACTION=stop,TIME=soon]', 1,
                     text='Cannot update template. Unable to parse the time value or value is empty: soon')
        self.refused(INTERNAL, 'one.template.instantiate', template, 'x', False, 'SCHED_ACTION=[ACTION=fly,TIME=1]', text='fly is not supported')
        self.assertEqual(len(self.xml('one.vmpool.info', -2, -1, -1, -2).findall('VM')), len(before))
        vm = self.call('one.template.instantiate', template, 'x', False, '', False)
        self.assertEqual([s['ACTION'] for s in self.schedules(vm).values()], ['stop'])

    def test_what_one_may_not_do_one_may_not_schedule(self):
        vm = self.cloud.allocate(auth=self.ann)
        id = self.add(vm, f'ACTION=stop,TIME={LATER}', auth=self.ann)
        self.refused(AUTHORIZATION, 'one.vm.schedadd', vm, f'SCHED_ACTION=[ACTION=stop,TIME={LATER}]', auth='bob:secret')
        self.refused(AUTHORIZATION, 'one.vm.scheddelete', vm, id, auth='bob:secret')
        self.call('one.user.update', self.uid, 'VM_ADMIN_OPERATIONS="terminate"', 1)
        try:
            terminate = f'SCHED_ACTION=[ACTION=terminate-hard,TIME={LATER}]'
            self.refused(AUTHORIZATION, 'one.vm.schedadd', vm, terminate, auth=self.ann, text=rf'ADMIN VM \[{vm}\]')
            self.refused(AUTHORIZATION, 'one.vm.schedupdate', vm, id, terminate, auth=self.ann, text=rf'ADMIN VM \[{vm}\]')
            self.refused(AUTHORIZATION, 'one.vm.allocate', f'CPU=1\nMEMORY=64\n{terminate}', auth=self.ann, text='ADMIN VM')
            self.call('one.vm.schedupdate', vm, id, 'SCHED_ACTION=[ACTION=hold]', auth=self.ann)
        finally:
            self.call('one.user.update', self.uid, '', 0)
        self.call('one.vm.schedupdate', vm, id, terminate, auth=self.ann)


class Due(ScheduleCase):
    def test_one_that_is_due_is_done_once(self):
        vm = self.running()
        id = self.add(vm, f'ACTION=suspend,TIME={self.now(vm)}')
        self.wait_vm(vm, 'SUSPENDED')
        self.wait_done(vm, id)
        self.assertEqual(self.history(vm)[-1].findtext('UID'), '0')
        self.call('one.vm.action', 'resume', vm)
        self.wait_vm(vm, 'RUNNING')
        time.sleep(2.5)
        self.wait_vm(vm, 'RUNNING')

    def test_one_that_fails_says_why_and_holds_up_the_next(self):
        vm = self.running()
        now = self.now(vm)
        first, second = self.add(vm, f'ACTION=release,TIME={now}'), self.add(vm, f'ACTION=poweroff-hard,TIME={self.now(vm, 1)}')
        self.one.wait('a reason', lambda: self.schedules(vm)[first]['MESSAGE'])
        self.assertRegex(self.schedules(vm)[first]['MESSAGE'],
                         r'^\w{3} \w{3} [ \d]\d [\d:]{8} \d{4} : \[release\] Error performing action "release": '
                         r'This action is not available for state RUNNING$')
        time.sleep(3)
        self.assertEqual(self.schedules(vm)[second]['DONE'], '-1')
        self.call('one.vm.schedupdate', vm, first, 'SCHED_ACTION=[ACTION=reboot]')
        self.wait_done(vm, first)
        self.wait_done(vm, second)
        self.assertEqual(self.schedules(vm)[first]['MESSAGE'], '')
        self.wait_vm(vm, 'POWEROFF')

    def test_what_is_not_there_yet_says_so(self):
        vm = self.running()
        id = self.add(vm, f'ACTION=snapshot-create,TIME={self.now(vm)},ARGS=x')
        self.one.wait('a reason', lambda: 'Action "snapshot-create" is not supported' in self.schedules(vm)[id]['MESSAGE'])
        self.call('one.vm.scheddelete', vm, id)
        self.assertEqual(self.schedules(vm), {})

    def test_one_that_repeats_is_due_again(self):
        vm = self.running()
        id = self.add(vm, f'ACTION=reboot,TIME={self.now(vm)},REPEAT=3,DAYS=2,END_TYPE=1,END_VALUE=2')
        begin = int(self.schedules(vm)[id]['TIME'])
        self.wait_done(vm, id)
        s = self.schedules(vm)[id]
        self.assertEqual((int(s['TIME']), s['END_VALUE']), (begin + 7200, '1'))

    def test_the_limits_of_quotas_hold(self):
        vm = self.cloud.allocate(auth=self.ann)
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        self.call('one.vm.action', 'poweroff-hard', vm)
        self.wait_vm(vm, 'POWEROFF')
        other = self.cloud.allocate(auth=self.ann)
        self.call('one.user.quota', self.uid, 'VM=[RUNNING_VMS=1]')
        id = self.add(vm, f'ACTION=resume,TIME={self.now(vm)}', auth=self.ann)
        self.one.wait('a reason', lambda: 'RUNNING_VMS' in self.schedules(vm)[id]['MESSAGE'])
        self.call('one.vm.recover', other, RECOVER_DELETE_DB)
        self.wait_done(vm, id)
        self.wait_vm(vm, 'RUNNING')
        self.call('one.user.quota', self.uid, 'VM=[RUNNING_VMS=-1]')

    def test_a_vm_made_anew_keeps_its_schedules(self):
        vm = self.running()
        id = self.add(vm, f'ACTION=stop,TIME={LATER}')
        self.call('one.vm.recover', vm, RECOVER_RECREATE)
        self.one.wait('made anew', lambda: self.vm(vm).findtext('STATE') == '1')
        self.assertEqual(list(self.schedules(vm)), [id])

    def test_what_came_due_while_oned_was_down_is_done_at_its_start(self):
        vm = self.running()
        id = self.add(vm, f'ACTION=suspend,TIME={self.now(vm, 2)}')
        self.one.kill()
        time.sleep(3)
        self.one.start()
        self.wait_done(vm, id)
        self.wait_vm(vm, 'SUSPENDED')


class DueOnMariaDB(Due):
    backend = 'mysql'
