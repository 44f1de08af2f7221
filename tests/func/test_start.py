"""Starting, stopping, and what stands between: the first boot, a second one, wrong configurations, programs' options."""
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import time
import unittest

from functest import OneCase, Perigee, bad_lines, build_dir, new_perigee, temporary_folder

BENCHES = {'onebench', 'bench_acl', 'bench_store'}


def run(one, program, *args, timeout=60, **environment):
    """Runs a program of an installation to its end; status, stdout, stderr."""
    env = dict(one.environment(), **environment)
    done = subprocess.run([build_dir() / 'bin' / program, *args], env=env, capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class Folder(unittest.TestCase):
    """Tests that start their oned themselves."""

    def setUp(self):
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, True)

    def installed(self, **options):
        one = Perigee(self.folder, **options)
        self.addCleanup(one.stop)
        return one


class FirstBoot(OneCase):
    def test_oneadmin_and_serveradmin_are_the_first_users(self):
        users = {int(x.findtext('ID')): (x.findtext('NAME'), x.findtext('AUTH_DRIVER'), x.findtext('GID'))
                 for x in self.xml('one.userpool.info').findall('USER')}
        self.assertEqual(users, {0: ('oneadmin', 'core', '0'), 1: ('serveradmin', 'server_cipher', '0')})

    def test_oneadmin_and_users_are_the_first_groups(self):
        groups = {int(x.findtext('ID')): x.findtext('NAME') for x in self.xml('one.grouppool.info').findall('GROUP')}
        self.assertEqual(groups, {0: 'oneadmin', 1: 'users'})

    def test_the_rules_are_those_every_opennebula_begins_with(self):
        rules = {x.findtext('STRING') for x in self.xml('one.acl.info').findall('ACL')}
        self.assertEqual(rules, {'@1 VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP+BACKUPJOB/* CREATE *', '* ZONE/* USE *',
                                 '* MARKETPLACE+MARKETPLACEAPP/* USE *', '@1 HOST/* MANAGE #0', '@1 NET/* USE #0',
                                 '@1 DATASTORE/* USE #0'})

    def test_datastores_cluster_zone_and_security_group_are_there(self):
        stores = {x.findtext('NAME') for x in self.xml('one.datastorepool.info').findall('DATASTORE')}
        self.assertEqual(stores, {'system', 'default', 'files'})
        self.assertEqual(self.xml('one.cluster.info', 0).findtext('NAME'), 'default')
        self.assertEqual(self.xml('one.secgroup.info', 0).findtext('NAME'), 'default')

    def test_files_with_secrets_are_only_oneds(self):
        secrets = self.folder / 'var' / '.one'
        self.assertEqual(stat.S_IMODE(secrets.stat().st_mode), 0o700)
        self.assertEqual({p.name for p in secrets.iterdir()}, {'one_key', 'sunstone_auth', 'onegate_auth', 'oneflow_auth'})
        for path in secrets.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path.name)
        for path in (self.folder / 'var' / 'one.db', self.folder / 'var' / 'oned.log'):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o007, 0, path.name)

    def test_the_three_server_files_hold_one_random_secret(self):
        texts = {(self.folder / 'var' / '.one' / f'{n}_auth').read_text() for n in ('sunstone', 'onegate', 'oneflow')}
        self.assertEqual(len(texts), 1)
        self.assertRegex(texts.pop(), r'^serveradmin:[0-9a-f]{64}\n$')


class FirstBootOnMariaDB(FirstBoot):
    backend = 'mysql'
    test_files_with_secrets_are_only_oneds = None


class FirstObjects(OneCase):
    def test_objects_of_users_have_ids_from_100_on_where_opennebula_keeps_the_first(self):
        self.assertEqual(self.call('one.group.allocate', 'first'), 100)
        self.assertEqual(self.call('one.cluster.allocate', 'first'), 100)
        self.assertEqual(self.call('one.datastore.allocate', 'NAME=first\nDS_MAD=dummy\nTM_MAD=dummy', -1), 100)

    def test_drivers_of_opennebula_find_the_configuration_without_its_secrets(self):
        lines = dict(line.split('=', 1) for line in (self.folder / 'var' / 'config').read_text().splitlines())
        self.assertEqual(lines['SCRIPTS_REMOTE_DIR'], '/var/tmp/one')
        self.assertEqual(lines['PORT'], str(self.one.port))
        self.assertIn('EXECUTABLE=one_hm', lines['HM_MAD'])
        self.assertNotIn('DB', lines)
        self.assertNotIn('ONE_KEY', lines)
        self.assertEqual((self.folder / 'var' / 'config').stat().st_mode & 0o007, 0)

    def test_no_secret_is_logged(self):
        self.call('one.user.allocate', 'careful', 'a-secret-nobody-sees', 'core')
        self.one.raw('one.user.info', 0, auth='oneadmin:a-wrong-secret')
        log = ''.join(p.read_text(errors='replace') for p in (self.folder / 'var').glob('*.log'))
        for secret in ('a-secret-nobody-sees', 'a-wrong-secret', self.one.auth.split(':')[1] + '"'):
            self.assertNotIn(secret, log)


class Programs(Folder):
    def test_every_program_explains_itself(self):
        one = self.installed()
        for path in sorted((build_dir() / 'bin').iterdir()):
            if path.name in BENCHES:
                continue
            with self.subTest(path.name):
                status, out, err = run(one, path.name, '--help')
                self.assertEqual((status, err), (0, ''))
                self.assertRegex(out, r'(?i)usage: ' + path.name)

    def test_every_program_tells_its_version(self):
        one = self.installed()
        for path in sorted((build_dir() / 'bin').iterdir()):
            if path.name in BENCHES:
                continue
            with self.subTest(path.name):
                status, out, err = run(one, path.name, '--version')
                self.assertEqual((status, err), (0, ''))
                self.assertRegex(out, rf'^{path.name} .*OpenNebula 6\.10')

    def test_an_unknown_option_is_refused(self):
        one = self.installed()
        for program in ('oned', 'mm_sched'):
            status, out, err = run(one, program, '--nonsense')
            self.assertEqual((status, out), (2, ''), program)
            self.assertIn('Usage', err)

    def test_the_api_is_printed_as_a_reference(self):
        status, out, _ = run(self.installed(), 'oned', '--api')
        self.assertEqual(status, 0)
        self.assertIn('one.vm.deploy(session:s id:i host:i enforce:b=false ds:i=-1 extra:s=)', out)

    def test_the_shipped_configuration_passes_its_own_check_silently(self):
        one = self.installed()
        status, out, err = run(one, 'oned', '-t', str(self.folder / 'etc' / 'oned.conf'))
        self.assertEqual((status, err), (0, ''))
        self.assertRegex(out, rf'(?m)^PORT = "?{one.port}"?')

    def test_what_the_check_prints_is_a_configuration_that_means_the_same(self):
        one = self.installed()
        _, first, _ = run(one, 'oned', '-t', str(self.folder / 'etc' / 'oned.conf'))
        (self.folder / 'printed.conf').write_text(first)
        status, second, err = run(one, 'oned', '-t', str(self.folder / 'printed.conf'))
        self.assertEqual((status, err), (0, ''))

        def values(text):
            return [line for line in text.splitlines() if line and not line.startswith('#')]
        self.assertEqual(values(first), values(second))

    def test_the_schedulers_configuration_is_checked_too(self):
        one = self.installed()
        path = self.folder / 'etc' / 'sched.conf'
        self.assertEqual(run(one, 'mm_sched', '-t', str(path))[0], 0)
        path.write_text(path.read_text() + 'MAX_VM = many\n')
        status, _, err = run(one, 'mm_sched', '-t', str(path))
        self.assertNotEqual(status, 0)
        self.assertIn('MAX_VM', err)


class WrongStarts(Folder):
    def start_fails(self, one, text, *args, **environment):
        status, _, err = run(one, 'oned', '-f', *args, **environment)
        self.assertEqual(status, 1, err)
        self.assertRegex(err, text)
        self.assertEqual(bad_lines(one), [])
        return err

    def line_of(self, text):
        lines = (self.folder / 'etc' / 'oned.conf').read_text().splitlines()
        return next(i for i, line in enumerate(lines, 1) if text in line)

    def test_a_wrong_value_stops_with_file_and_line(self):
        one = self.installed(conf='MAX_BACKUPS_HOST_X = 1\nMANAGER_TIMER = soon')
        at = self.line_of('MANAGER_TIMER = soon')
        self.start_fails(one, rf'oned\.conf:{at}: MANAGER_TIMER')
        self.assertFalse((self.folder / 'var' / 'one.db').exists())

    def test_a_value_out_of_range_stops_with_file_and_line(self):
        one = self.installed()
        path = self.folder / 'etc' / 'oned.conf'
        path.write_text(re.sub(r'(?m)^PORT = .*', 'PORT = 70000', path.read_text()))
        self.start_fails(one, rf'oned\.conf:{self.line_of("PORT = 70000")}: PORT')

    def test_an_unclosed_bracket_stops_with_file_and_line(self):
        one = self.installed(conf='VM_MAD = [ NAME = "x"')
        self.start_fails(one, r'oned\.conf: .*at line \d+')

    def test_an_unknown_key_only_warns_with_its_line(self):
        one = self.installed(conf='NO_SUCH_KEY = 1')
        status, _, err = run(one, 'oned', '-t', str(self.folder / 'etc' / 'oned.conf'))
        self.assertEqual(status, 0)
        self.assertRegex(err, rf'oned\.conf:{self.line_of("NO_SUCH_KEY")}: .*NO_SUCH_KEY')

    def test_a_missing_configuration_is_named(self):
        one = self.installed()
        self.start_fails(one, r'/no/such/oned\.conf', '-c', '/no/such/oned.conf')

    def test_a_missing_one_auth_is_named(self):
        self.start_fails(self.installed(), r'Error reading /no/such/auth', ONE_AUTH='/no/such/auth')

    def test_a_one_auth_without_password_is_refused(self):
        one = self.installed()
        (self.folder / 'home' / 'one_auth').write_text('oneadmin\n')
        err = self.start_fails(one, r'<username>:<password>')
        self.assertNotIn('oneadmin', err)

    def test_the_first_user_cannot_be_serveradmin(self):
        one = self.installed()
        (self.folder / 'home' / 'one_auth').write_text('serveradmin:secret\n')
        self.start_fails(one, "The name 'serveradmin' is reserved")

    def test_an_unknown_database_is_refused(self):
        self.start_fails(self.installed(db='BACKEND="oracle"'), 'oracle')

    def test_a_database_that_does_not_answer_is_named(self):
        one = self.installed(db='BACKEND="mysql", SOCKET="/no/such/socket", USER="x", PASSWD="hush-hush", DB_NAME="y"')
        err = self.start_fails(one, r'(?i)socket|connect')
        self.assertNotIn('hush-hush', err)

    def test_a_port_that_is_taken_is_named(self):
        one = self.installed()
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(('127.0.0.1', one.port))
            taken.listen()
            self.start_fails(one, rf'{one.port}')
        self.assertEqual(one.processes(), [])

    def test_a_database_of_another_version_is_left_alone(self):
        one = self.installed()
        self.assertEqual(run(one, 'oned', '-i')[0], 0)
        db = sqlite3.connect(self.folder / 'var' / 'one.db')
        db.execute("UPDATE db_versioning SET version = '5.12.0'")
        db.commit()
        before = [list(db.execute('SELECT * FROM user_pool'))]
        db.close()
        self.start_fails(one, r"Database version mismatch.*needs DB version '6\.10\.0', and existing DB version is '5\.12\.0'")
        db = sqlite3.connect(self.folder / 'var' / 'one.db')
        self.assertEqual([list(db.execute('SELECT * FROM user_pool'))], before)
        db.close()

    def test_a_damaged_database_stops_with_a_reason(self):
        one = self.installed()
        (self.folder / 'var' / 'one.db').write_bytes(b'this is no database' * 1000)
        self.start_fails(one, r'(?i)database')

    def test_two_oneds_never_work_in_one_folder(self):
        one = self.installed()
        one.start()
        self.start_fails(one, r'(?i)another oned')
        one.call('one.system.version')


class Again(Folder):
    def test_oned_i_makes_the_database_and_ends(self):
        one = self.installed()
        self.assertEqual(run(one, 'oned', '-i')[0], 0)
        self.assertTrue((self.folder / 'var' / 'one.db').exists())
        self.assertEqual(one.processes(), [])
        self.assertEqual(run(one, 'oned', '-i')[0], 0)
        one.start()
        self.assertEqual(len(one.xml('one.userpool.info').findall('USER')), 2)

    def test_oned_goes_to_the_background_and_ends_by_a_signal(self):
        one = self.installed()
        self.assertEqual(run(one, 'oned')[0], 0)
        pid = int((self.folder / 'var' / '.lock_oned').read_text() or 0) if (self.folder / 'var' / '.lock_oned').exists() else 0
        limit = time.time() + 20
        while not pid and time.time() < limit:
            pids = one.processes('oned')
            pid = pids[0] if pids else 0
        one.wait('it answers', lambda: self.answers(one))
        self.assertIn(pid, one.processes('oned'))
        os.kill(pid, signal.SIGTERM)
        one.wait('all its processes end', lambda: not one.processes())

    @staticmethod
    def answers(one):
        try:
            return one.call('one.system.version')
        except OSError:
            return False

    def test_a_log_that_was_moved_is_opened_anew_by_hup(self):
        one = self.installed().start()
        log = self.folder / 'var' / 'oned.log'
        log.rename(log.with_suffix('.old'))
        one.oned.send_signal(signal.SIGHUP)
        one.wait('a new log', lambda: one.call('one.system.version') and log.exists() and log.stat().st_size > 0)

    def test_a_second_start_keeps_everything(self):
        self.second_start(self.installed())

    def test_a_second_start_on_mariadb_keeps_everything(self):
        self.second_start(new_perigee(self.folder, 'mysql'))

    @staticmethod
    def lasting(text):
        """An answer without what is measured."""
        return re.sub(r'<MONITORING>.*?</MONITORING>|<MONITORING/>|<(TOTAL|FREE|USED)_MB>\d+</\1_MB>', '', text, flags=re.S)

    def second_start(self, one):
        self.addCleanup(one.stop)
        one.start()
        group = one.call('one.group.allocate', 'staff')
        user = one.call('one.user.allocate', 'ann', 'ann-secret', 'core', [group])
        one.call('one.user.update', user, 'COLOR="blue <&> \\"green\\""\nLANG="日本語"', 1)
        one.call('one.user.login', 'ann', 'a-token', -1, auth='ann:ann-secret')
        one.call('one.acl.addrule', '100000002', '2400000000', '1')
        cluster = one.call('one.cluster.allocate', 'prod')
        host = one.call('one.host.allocate', 'h', 'dummy', 'dummy', cluster)
        one.call('one.host.status', host, 2)
        template = one.call('one.template.allocate', 'NAME=web\nCPU=1\nMEMORY=64')
        vm = one.call('one.vm.allocate', 'NAME=held\nCPU=0.5\nMEMORY=64', True)
        one.call('one.vm.lock', vm, 4, False)
        gone = one.call('one.template.allocate', 'NAME=gone')
        one.call('one.template.delete', gone)
        asked = [('one.user.info', user), ('one.group.info', group), ('one.acl.info',), ('one.cluster.info', cluster),
                 ('one.host.info', host), ('one.template.info', template), ('one.vm.info', vm), ('one.userpool.info',),
                 ('one.vmpool.info', -2, -1, -1, -2), ('one.secgroup.info', 0), ('one.datastorepool.info',)]
        before = [self.lasting(one.call(*call)) for call in asked]
        self.assertEqual(one.stop(), 0)
        one.start()
        for call, was in zip(asked, before):
            self.assertEqual(self.lasting(one.call(*call)), was, call)
        one.call('one.user.info', -1, auth='ann:a-token')
        self.assertGreater(one.call('one.template.allocate', 'NAME=next'), gone)
        self.assertEqual(one.stop(), 0)


if __name__ == '__main__':
    unittest.main()
