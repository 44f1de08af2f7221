"""Backup jobs: who may make and change them, the VMs they name, their schedules, and that all of it is kept."""
import sqlite3
import unittest

from functest import ACTION, AUTHORIZATION, INTERNAL, NO_EXISTS, OneCase

ALL = -2, -1, -1
LATER = 4000000000      # beyond 32 bits


class Jobs(OneCase):
    def new_vm(self, name, auth=None):
        return self.call('one.vm.allocate', f'NAME={name}\nCPU=0.1\nMEMORY=16', True, auth=auth)

    def job(self, text, auth=None):
        return self.call('one.backupjob.allocate', text, auth=auth)

    def job_of(self, vm):
        id = self.xml('one.vm.info', vm).findtext('BACKUPS/BACKUP_CONFIG/BACKUP_JOB_ID')
        return None if id is None else int(id)

    def vms_of(self, job):
        return self.xml('one.backupjob.info', job).findtext('TEMPLATE/BACKUP_VMS')

    def schedules(self, job):
        x = self.xml('one.backupjob.info', job)
        told = {int(s.findtext('ID')): {f.tag: f.text for f in s} for s in x.findall('TEMPLATE/SCHED_ACTION')}
        self.assertEqual(sorted(told), [int(i.text) for i in x.findall('SCHED_ACTIONS/ID')])
        return told

    def test_a_vm_is_in_one_job_and_leaves_it_when_the_job_does(self):
        a, b = self.new_vm('one-a'), self.new_vm('one-b')
        first = self.job(f'NAME=one-first\nBACKUP_VMS="{b},{a},{a}"')
        second = self.job('NAME=one-second')
        self.assertEqual((self.vms_of(first), self.job_of(a), self.job_of(b)), (f'{b},{a}', first, first))
        before = self.call('one.backupjob.info', second)
        self.refused(INTERNAL, 'one.backupjob.update', second, f'NOTE=x\nBACKUP_VMS="{a}"', 1,
                     text=f"Cannot update template. Unable to add VM {a} to Backup Job {second}. It's already in Backup Job {first}")
        self.assertEqual(self.call('one.backupjob.info', second), before)
        self.call('one.backupjob.update', first, f'BACKUP_VMS="{b}"', 1)
        self.call('one.backupjob.update', second, f'BACKUP_VMS="{a}"', 1)
        self.assertEqual((self.job_of(a), self.job_of(b)), (second, first))
        self.call('one.backupjob.update', first, 'NOTE=alone', 0)
        self.assertEqual((self.vms_of(first), self.job_of(b)), ('', None))
        self.call('one.backupjob.delete', second)
        self.assertIsNone(self.job_of(a))

    def test_one_puts_vms_into_a_job_that_one_may_manage(self):
        """Not so in OpenNebula, which backs up anybody's VM for anybody."""
        _, ann = self.user('vms-ann')
        _, ben = self.user('vms-ben')
        hers, his = self.new_vm('hers', auth=ann), self.new_vm('his', auth=ben)
        text = rf'MANAGE VM \[{his}\]'
        self.refused(AUTHORIZATION, 'one.backupjob.allocate', f'NAME=grab\nBACKUP_VMS="{hers},{his}"', auth=ann, text=text)
        job = self.job(f'NAME=grab\nBACKUP_VMS="{hers},999"', auth=ann)
        self.refused(AUTHORIZATION, 'one.backupjob.update', job, f'BACKUP_VMS="{hers},{his}"', 1, auth=ann, text=text)
        self.assertEqual((self.vms_of(job), self.job_of(his)), (f'{hers},999', None))
        # Those that are in it already are no question, nor is it one that a VM leaves.
        self.call('one.backupjob.update', job, f'BACKUP_VMS="{hers},{his}"', 1)
        self.call('one.backupjob.update', job, f'BACKUP_VMS="{his},{hers}"\nNOTE=x', 1, auth=ann)
        self.call('one.backupjob.update', job, f'BACKUP_VMS="{hers}"', 1, auth=ann)
        self.assertIsNone(self.job_of(his))
        # A lock keeps a VM from being managed, not from being backed up.
        self.call('one.vm.lock', his, 4)
        self.job(f'NAME=locked\nBACKUP_VMS="{his}"', auth=ben)

    def test_a_high_priority_is_for_administrators(self):
        uid, ann = self.user('prio-ann')
        self.refused(AUTHORIZATION, 'one.backupjob.allocate', 'NAME=high\nPRIORITY=51', auth=ann, text='not authorized to perform action on backup job')
        self.refused(AUTHORIZATION, 'one.backupjob.allocate', 'NAME=high\nPRIORITY="60 "', auth=ann)
        for wrong in ('100', '-1', '99999'):
            self.refused(INTERNAL, 'one.backupjob.allocate', f'NAME=high\nPRIORITY={wrong}', text='Wrong priority value')
            self.refused(ACTION, 'one.backupjob.priority', 999, int(wrong), text='Wrong priority value')
        job = self.job('NAME=high\nPRIORITY=50', auth=ann)
        self.call('one.backupjob.priority', job, 49, auth=ann)
        self.refused(AUTHORIZATION, 'one.backupjob.priority', job, 50, auth=ann, text=rf'ADMIN BACKUPJOB \[{job}\]')
        self.call('one.backupjob.chmod', job, -1, -1, 1, *[-1] * 6)
        self.call('one.backupjob.priority', job, 99, auth=ann)
        self.call('one.backupjob.update', job, 'PRIORITY=3', 1, auth=ann)
        x = self.xml('one.backupjob.info', job)
        self.assertEqual((x.findtext('PRIORITY'), x.find('TEMPLATE/PRIORITY')), ('99', None))
        self.refused(NO_EXISTS, 'one.backupjob.priority', 999, 3, text=r'Error getting backup job \[999\]')

    def test_schedules_belong_to_their_job(self):
        first = self.job(f'NAME=plan-a\nSCHED_ACTION=[TIME={LATER}]')
        other = self.job('NAME=plan-b')
        id = self.call('one.backupjob.schedadd', other, f'SCHED_ACTION=[TIME={LATER},REPEAT=0,DAYS="1,5"]')
        for job in (first, 999):
            error, text = (INTERNAL, f'SCHED_ACTION with id = {id}') if job == first else (NO_EXISTS, r'backup job \[999\]')
            self.refused(error, 'one.backupjob.schedupdate', job, id, 'SCHED_ACTION=[TIME=7]', text=text)
            text = rf'scheduled action \[{id}\]' if job == first else text
            self.refused(NO_EXISTS, 'one.backupjob.scheddelete', job, id, text=text)
        self.refused(INTERNAL, 'one.backupjob.schedupdate', other, id, 'SCHED_ACTION=[TIME=7,DAYS=9]', text='Days in a week')
        self.assertEqual(self.schedules(other)[id]['TIME'], str(LATER))
        self.call('one.backupjob.schedupdate', other, id, 'SCHED_ACTION=[TIME=7]')
        self.assertEqual(self.schedules(other)[id]['TIME'], '7')
        self.refused(INTERNAL, 'one.backupjob.schedupdate', other, -1, 'SCHED_ACTION=[TIME=7]', text='id = -1')
        self.refused(ACTION, 'one.backupjob.schedadd', first, 'SCHED_ACTION=x', text='No SCHED_ACTION attribute')
        self.assertIsNone(self.xml('one.backupjobpool.info', *ALL).find('BACKUPJOB/TEMPLATE/SCHED_ACTION'))
        self.call('one.backupjob.scheddelete', other, id)
        self.assertEqual(self.schedules(other), {})

    def test_schedules_are_for_who_manages_the_job(self):
        _, ann = self.user('sched-ann')
        _, ben = self.user('sched-ben')
        job = self.job('NAME=hers', auth=ann)
        id = self.call('one.backupjob.schedadd', job, 'SCHED_ACTION=[TIME=5]', auth=ann)
        for method, *args in (('schedadd', 'SCHED_ACTION=[TIME=6]'), ('schedadd', '['), ('schedupdate', id, 'SCHED_ACTION=[TIME=6]'),
                              ('schedupdate', 999, 'SCHED_ACTION=[TIME=6]'), ('scheddelete', id), ('scheddelete', 999)):
            self.refused(AUTHORIZATION, f'one.backupjob.{method}', job, *args, auth=ben, text=rf'MANAGE BACKUPJOB \[{job}\]')
        self.call('one.backupjob.lock', job, 2, auth=ann)
        self.refused(AUTHORIZATION, 'one.backupjob.schedadd', job, 'SCHED_ACTION=[TIME=6]', text='BACKUPJOB is locked')
        self.call('one.backupjob.unlock', job, auth=ann)
        self.assertEqual(list(self.schedules(job)), [id])

    def test_all_is_kept(self):
        a, b = self.new_vm('kept-a'), self.new_vm('kept-b')
        job = self.job(f'NAME=kept\nPRIORITY=7\nBACKUP_VMS="{b},{a}"\nMODE=INCREMENT\nSCHED_ACTION=[TIME={LATER},REPEAT=1,DAYS="1"]')
        id = self.call('one.backupjob.schedadd', job, 'SCHED_ACTION=[TIME=99,ARGS="<a> & b",END_TYPE=1,END_VALUE=3]')
        gone = self.call('one.backupjob.schedadd', job, 'SCHED_ACTION=[TIME=98]')
        self.call('one.backupjob.scheddelete', job, gone)
        self.call('one.backupjob.lock', job, 3)
        before = self.call('one.backupjob.info', job), self.call('one.vm.info', a)
        self.assertEqual(self.schedules(job)[id]['ARGS'], '<a> & b')
        self.one.kill()
        self.assert_rows(f'select name, uid, gid, owner_u, group_u, other_u, priority, outdated_vms from backupjob_pool where oid = {job}',
                         [('kept', 0, 0, 1, 0, 0, 7, 0)])
        self.assert_rows(f'select oid, type, time, done from schedaction_pool where parent_id = {job} order by oid',
                         [(id - 1, 'BACKUPJOB', 2**31 - 1, -1), (id, 'BACKUPJOB', 99, -1)])
        self.one.start()
        self.assertEqual((self.call('one.backupjob.info', job), self.call('one.vm.info', a)), before)
        self.assertEqual((self.job_of(a), self.job_of(b)), (job, job))
        self.call('one.backupjob.unlock', job)
        self.assertEqual(self.call('one.backupjob.schedadd', job, 'SCHED_ACTION=[TIME=97]'), gone + 1)
        self.call('one.backupjob.delete', job)
        self.refused(NO_EXISTS, 'one.backupjob.info', job)
        self.assertEqual((self.job_of(a), self.job_of(b)), (None, None))
        self.assertGreater(self.job('NAME=kept'), job)
        self.one.kill()
        self.assert_rows(f'select count(*) from schedaction_pool where parent_id = {job}', [(0,)])
        self.one.start()

    def assert_rows(self, query, rows):
        if self.backend != 'sqlite':
            return
        db = sqlite3.connect(self.one.folder / 'var' / 'one.db')
        self.assertEqual(db.execute(query).fetchall(), rows)
        db.close()


class JobsOnMariaDB(Jobs):
    backend = 'mysql'


if __name__ == '__main__':
    unittest.main()
