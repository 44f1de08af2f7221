"""A database that refuses: nobody is told that something was done, nobody sees it, and when it works again so does oned."""
import concurrent.futures
import os
import shutil
import sqlite3
import subprocess
import time
import unittest

import invariants
from functest import INTERNAL, SERVER, Cloud, OneCase, temporary_folder


class DatabaseCase(OneCase):
    def while_it_refuses(self):
        """What clients see meanwhile: writes fail, reads go on, nothing shows that wasn't done."""
        running = self.running
        before = self.call('one.templatepool.info', -2, -1, -1), self.call('one.vm.info', running)
        calls = [('one.template.allocate', 'NAME=never'), ('one.user.allocate', 'never', 'x', 'core', []),
                 ('one.vm.action', 'poweroff', running), ('one.template.update', self.template, 'COLOR=never', 1)]
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            for answer in pool.map(lambda call: self.one.raw(*call), calls):
                self.assertEqual((answer[0], answer[2]), (False, INTERNAL), answer)
                self.assertIn('database', answer[1])
        self.assertEqual((self.call('one.templatepool.info', -2, -1, -1), self.call('one.vm.info', running)), before)

    def prepare_objects(self):
        self.template = self.call('one.template.allocate', f'NAME="t{time.time()}"')
        self.running = self.cloud.running()

    def works_again(self):
        self.one.wait('writes succeed', lambda: self.one.raw('one.template.update', self.template, 'COLOR=blue', 1)[0], 60)
        self.assertEqual(self.xml('one.template.info', self.template).findtext('TEMPLATE/COLOR'), 'blue')
        self.call('one.vm.action', 'poweroff', self.running)
        self.wait_vm(self.running, 'POWEROFF')
        self.assertNotIn('never', self.call('one.templatepool.info', -2, -1, -1) + self.call('one.userpool.info'))
        self.assertEqual(invariants.broken(self.one), [])
        # What is on disk is what was seen.
        before = self.call('one.templatepool.info', -2, -1, -1), self.call('one.vmpool.info', -2, -1, -1, -2)
        self.assertEqual(self.one.stop(), 0)
        self.one.start()
        self.assertEqual((self.call('one.templatepool.info', -2, -1, -1), self.call('one.vmpool.info', -2, -1, -1, -2)), before)


class BusySqlite(DatabaseCase):
    options = dict(conf='DB = [ BACKEND = "sqlite", TIMEOUT = 300 ]\nMONITORING_INTERVAL_DATASTORE = 1')

    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=1)

    def test_a_file_that_another_process_has_locked(self):
        self.prepare_objects()
        other = sqlite3.connect(self.folder / 'var' / 'one.db', isolation_level=None)
        self.addCleanup(other.close)
        other.execute('BEGIN IMMEDIATE')
        try:
            self.while_it_refuses()
        finally:
            other.execute('ROLLBACK')
        self.works_again()

    def test_what_drivers_answer_meanwhile_is_not_lost_and_timers_go_on(self):
        self.prepare_objects()
        self.one.answers('shutdown', 'success 5')
        self.call('one.vm.action', 'poweroff', self.running)
        other = sqlite3.connect(self.folder / 'var' / 'one.db', isolation_level=None)
        self.addCleanup(other.close)
        other.execute('BEGIN IMMEDIATE')
        # The answer comes after five seconds; a refusal takes about four, with all attempts.
        log = self.folder / 'var' / 'oned.log'
        refusals = lambda: log.read_text().count('Database refused a batch')  # noqa: E731
        before = refusals()
        self.one.wait('two refusals', lambda: refusals() >= before + 2)
        other.execute('ROLLBACK')
        self.one.answers('shutdown')
        self.wait_vm(self.running, 'POWEROFF')
        self.assertEqual(invariants.broken(self.one), [])
        measured = log.read_text().count('Monitoring datastore')
        self.one.wait('datastores are measured again', lambda: log.read_text().count('Monitoring datastore') > measured + 3)


class DeadMariaDB(DatabaseCase):
    """A server of its own, which is killed."""

    @classmethod
    def setUpClass(cls):
        cls.server = temporary_folder('pg-db-')
        os.chmod(cls.server, 0o755)
        cls.server_verb('start')
        cls.options = dict(db=f'BACKEND="mysql", SOCKET="{cls.server}/socket", USER="root", PASSWD="", DB_NAME="one"')
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        try:
            super().tearDownClass()
        finally:
            cls.server_verb('remove')
            shutil.rmtree(cls.server, ignore_errors=True)

    @classmethod
    def server_verb(cls, *verb):
        subprocess.run([SERVER, verb[0], cls.server, *verb[1:]], check=True, stdout=subprocess.DEVNULL)

    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=1)

    def test_a_server_that_is_killed_and_comes_back(self):
        self.prepare_objects()
        self.server_verb('stop', 'KILL')
        self.while_it_refuses()
        self.server_verb('start')
        self.works_again()

    def test_a_server_that_restarts_between_two_writes_is_not_noticed(self):
        self.prepare_objects()
        self.server_verb('stop')
        self.server_verb('start')
        self.call('one.template.update', self.template, 'COLOR=red', 1)
        self.works_again()


if __name__ == '__main__':
    unittest.main()
