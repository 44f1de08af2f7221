"""Logins over authentication drivers: services, RSA keys, certificates, LDAP, users nobody knows yet, drivers that are slow or dead."""
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest

from credentials import (Authority, Directory, Key, Person, b64, cipher, cipher_session, openssl, replace_program, soon)
from functest import AUTHENTICATION, AUTHORIZATION, NO_EXISTS, OneCase, children, temporary_folder

ALL_DRIVERS = 'AUTH_MAD = [ EXECUTABLE="one_auth_mad", AUTHN="ssh,x509,ldap,server_cipher,server_x509,plain,dummy,default,slow" ]\n'
REFUSED = r"User couldn't be authenticated, aborting call"


class LoginCase(OneCase):
    options = dict(conf=ALL_DRIVERS)

    def who(self, session):
        return self.xml('one.user.info', -1, auth=session).findtext('NAME')

    def no_login(self, session):
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth=session, text=REFUSED)

    def new_user(self, name, driver, password):
        return self.call('one.user.allocate', name, password, driver, [])

    @classmethod
    def program(cls, driver):
        return cls.folder / 'var' / 'remotes' / 'auth' / driver / 'authenticate'

    def logged(self, text):
        """Logs are written a moment later."""
        self.one.wait(f'{text} in the log', lambda: text in (self.folder / 'var' / 'oned.log').read_text())

    def logs(self):
        """All that was written to logs until now."""
        LoginCase.marks += 1
        self.refused(NO_EXISTS, 'one.group.info', LoginCase.marks)
        self.logged(f'Error getting group [{LoginCase.marks}]')
        return '\n'.join(p.read_text(errors='replace') for pattern in ('*.log', '*.out') for p in (self.folder / 'var').glob(pattern))

    marks = 900000


# ---- services ----

class Services(LoginCase):
    """serveradmin, as Sunstone, OneFlow and OneGate use it."""

    @classmethod
    def prepare(cls):
        cls.secret = (cls.folder / 'var' / '.one' / 'sunstone_auth').read_text().strip().split(':', 1)[1]
        cls.one.call('one.user.allocate', 'ann', 'ann-pw', 'core', [])

    def session(self, target='ann', **more):
        return cipher_session('serveradmin', self.secret, target, **more)

    def test_a_service_logs_in_for_a_user(self):
        self.assertEqual(self.who(self.session()), 'ann')
        self.assertEqual(self.who(self.session('serveradmin')), 'serveradmin')
        self.assertEqual(self.who(self.session('oneadmin')), 'oneadmin')
        self.refused(AUTHORIZATION, 'one.host.allocate', 'h', 'dummy', 'dummy', -1, auth=self.session())

    def test_an_expired_login_is_refused(self):
        self.no_login(self.session(expires=soon(-1)))
        self.no_login(self.session(expires=0))
        self.no_login(self.session(expires='soon'))

    def test_a_login_that_was_good_is_refused_after_its_end(self):
        end = soon(3)
        session = self.session(expires=end)
        self.who(session)
        while time.time() < end + 0.05:  # seconds begin some milliseconds later for time()
            time.sleep(0.05)
        self.no_login(session)

    def test_a_login_for_one_user_is_none_for_another(self):
        self.new_user('mallory', 'core', 'pw')
        token = self.session('mallory').split(':')[2]
        self.assertEqual(self.who(f'serveradmin:mallory:{token}'), 'mallory')
        self.no_login(f'serveradmin:ann:{token}')
        self.no_login(f'serveradmin:oneadmin:{token}')
        self.no_login(f'mallory:{token}')

    def test_a_login_with_another_password_or_name_is_refused(self):
        self.no_login(cipher_session('serveradmin', 'guess', 'ann'))
        self.no_login('serveradmin:ann:' + cipher(self.secret, f'ann:ann:{soon()}'))
        self.no_login('serveradmin:ann:' + cipher(self.secret, f'serveradmin:{soon()}'))
        self.no_login(f'serveradmin:ann:{self.secret}')
        self.no_login(f'serveradmin:{self.secret}')
        for damaged in ('', ':', 'ann', 'ann:', 'ann:!!', ':x', 'ann:1:', 'nobody:' + 'A' * 64, 'ann:' + b64(b'x' * 15)):
            self.no_login(f'serveradmin:{damaged}')

    def test_a_damaged_login_is_refused(self):
        token = self.session().split(':')[2]
        for i in range(0, len(token) - 2, 7):
            other = token[:i] + ('B' if token[i] == 'A' else 'A') + token[i + 1:]
            answer = self.one.raw('one.user.info', -1, auth=f'serveradmin:ann:{other}')
            self.assertFalse(answer[0], f'character {i} changed')

    def test_a_user_who_is_disabled_or_gone_is_not_let_in(self):
        uid = self.new_user('fred', 'core', 'pw')
        session = self.session('fred')
        self.assertEqual(self.who(session), 'fred')
        self.call('one.user.enable', uid, False)
        self.no_login(session)
        self.no_login(self.session('fred', expires=soon(700)))
        self.call('one.user.enable', uid, True)
        self.assertEqual(self.who(session), 'fred')
        self.call('one.user.delete', uid)
        self.no_login(session)

    def test_a_service_that_is_disabled_logs_nobody_in(self):
        session = self.session()
        self.who(session)
        self.call('one.user.enable', 1, False)
        self.no_login(session)
        self.call('one.user.enable', 1, True)
        self.who(session)

    def test_a_login_for_a_group_has_its_rights_only(self):
        group = self.call('one.group.allocate', 'team')
        other = self.call('one.group.allocate', 'others')
        uid = self.new_user('gina', 'core', 'pw')
        self.call('one.user.addgroup', uid, group)
        self.call('one.acl.addrule', f'{0x200000000 + group:x}', '20400000000', '8')    # @team TEMPLATE/* CREATE
        template = self.call('one.template.allocate', 'NAME=t\nCPU=1\nMEMORY=64', auth=self.session('gina', egid=group))
        self.assertEqual(self.xml('one.template.info', template).findtext('GNAME'), 'team')
        self.assertEqual(self.who(self.session('gina', egid=-1)), 'gina')
        self.no_login(self.session('gina', egid=other))
        self.no_login(self.session('gina', egid=0))
        self.no_login(self.session('gina', egid=4711))
        self.no_login(self.session('gina', egid='x'))
        self.no_login(self.session('gina', egid='1x'))
        good = self.session('gina', egid=group)
        self.who(good)
        self.call('one.user.delgroup', uid, group)
        self.no_login(good)

    def test_a_login_is_remembered_until_the_user_changes(self):
        uid = self.new_user('hans', 'core', 'pw')
        session, fresh = self.session('hans'), self.session('hans', expires=soon(1000))
        self.who(session)
        stock = os.readlink(self.program('server_cipher'))
        replace_program(self.program('server_cipher'), '#!/bin/sh\nexit 1\n')
        try:
            self.assertEqual(self.who(session), 'hans')
            self.no_login(fresh)
            self.call('one.user.passwd', uid, 'another')
            self.no_login(session)
        finally:
            self.program('server_cipher').unlink()
            self.program('server_cipher').symlink_to(stock)
        self.assertEqual(self.who(session), 'hans')

    def test_no_secret_is_in_any_log(self):
        session = self.session()
        self.who(session)
        wrong = cipher_session('serveradmin', 'guess', 'ann')
        self.no_login(wrong)
        logs = self.logs()
        for secret in (self.secret, session.split(':')[2], wrong.split(':')[2], 'ann-pw'):
            self.assertNotIn(secret, logs)


class ServiceCertificate(LoginCase):
    @classmethod
    def prepare(cls):
        cls.files = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, cls.files)
        authority = Authority(cls.files / 'ca', 'CA')
        cls.server = Person(authority, cls.files, 'server', '/O=Test/CN=The Server')
        (cls.folder / 'etc' / 'auth' / 'server_x509_auth.conf').write_text(
            f':srv_user: serveradmin\n:one_cert: "{cls.server.cert}"\n:one_key: "{cls.server.key.path}"\n')
        cls.one.call('one.user.chauth', 1, 'server_x509', cls.server.password())
        cls.one.call('one.user.allocate', 'ann', 'ann-pw', 'core', [])

    def session(self, target='ann', expires=None, key=None, server='serveradmin', named=None):
        signed = (key or self.server.key).encrypt(f'{server}:{named or target}:{soon() if expires is None else expires}')
        return f'serveradmin:{target}:' + b64(signed.encode())

    def test_a_service_logs_in_for_a_user(self):
        self.assertEqual(self.who(self.session()), 'ann')

    def test_what_is_expired_forged_or_for_another_is_refused(self):
        self.no_login(self.session(expires=soon(-5)))
        self.no_login(self.session(key=Key(self.files / 'other.key')))
        self.no_login(self.session(server='oneadmin'))
        self.no_login(self.session('oneadmin', named='ann'))
        self.no_login('serveradmin:ann:' + self.session().split(':')[2][:-8])
        self.call('one.user.chauth', 1, 'server_x509', '/O=Test/CN=Other')
        self.no_login(self.session(expires=soon(601)))
        self.call('one.user.chauth', 1, 'server_x509', self.server.password())
        self.who(self.session())


# ---- keys ----

class SshKeys(LoginCase):
    @classmethod
    def prepare(cls):
        cls.files = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, cls.files)
        cls.key, cls.other = Key(cls.files / 'ann.key'), Key(cls.files / 'other.key')
        cls.uid = cls.one.call('one.user.allocate', 'ann', cls.key.public(), 'ssh', [])

    def test_the_owner_of_the_key_logs_in(self):
        self.assertEqual(self.who(self.key.session('ann')), 'ann')

    def test_who_has_another_key_is_refused(self):
        self.no_login(self.other.session('ann'))
        self.no_login(f'ann:{self.key.public()}')
        self.no_login('ann:' + b64(f'ann:{soon()}'.encode()))
        for text in ('', 'x', 'AAAA', 'A' * 344):
            self.no_login(f'ann:{text}')

    def test_an_expired_login_is_refused_even_if_it_was_good(self):
        end = soon(3)
        session = self.key.session('ann', end)
        self.who(session)
        self.no_login(self.key.session('ann', soon(-1)))
        while time.time() < end + 0.05:  # seconds begin some milliseconds later for time()
            time.sleep(0.05)
        self.no_login(session)

    def test_a_login_for_another_name_is_refused(self):
        self.no_login(self.key.session('ann', named='oneadmin'))
        self.no_login(self.key.session('ann', named='an'))
        self.no_login(self.key.session('ann', named='x:ann'))

    def test_a_stored_text_that_is_no_key_lets_nobody_in(self):
        self.new_user('ben', 'ssh', 'nokey')
        self.no_login(self.key.session('ben'))
        short = Key(self.files / 'short.key', 512)
        self.new_user('bea', 'ssh', short.public())
        self.no_login(short.session('bea'))

    def test_a_new_key_ends_what_the_old_one_opened(self):
        new = Key(self.files / 'new.key')
        uid = self.new_user('carl', 'ssh', self.key.public())
        session = self.key.session('carl')
        self.who(session)
        self.call('one.user.passwd', uid, new.public())
        self.no_login(session)
        self.assertEqual(self.who(new.session('carl')), 'carl')

    def test_nobody_known_gets_in_with_a_key(self):
        self.no_login(self.key.session('stranger'))

    def test_no_token_is_in_any_log(self):
        session = self.key.session('ann')
        self.who(session)
        self.no_login(self.other.session('ann'))
        self.assertNotIn(session.split(':')[1], self.logs())


# ---- certificates ----

class Certificates(LoginCase):
    @classmethod
    def prepare(cls):
        cls.files = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, cls.files)
        cls.trusted = cls.folder / 'etc' / 'auth' / 'certificates'
        cls.trusted.mkdir()
        cls.ca = Authority(cls.files / 'ca', 'CA')
        cls.ca.trust(cls.trusted)
        cls.ann = Person(cls.ca, cls.files, 'ann', '/O=Test/CN=Ann Smith')
        cls.one.call('one.user.allocate', 'ann', cls.ann.password(), 'x509', [])

    def setUp(self):
        self.conf('')

    def conf(self, text):
        (self.folder / 'etc' / 'auth' / 'x509_auth.conf').write_text(text)

    def test_the_owner_of_a_certificate_logs_in(self):
        self.assertEqual(self.who(self.ann.session('ann')), 'ann')

    def test_one_of_several_subjects_is_enough(self):
        self.new_user('anna', 'x509', f'/CN=Other|{self.ann.password()}')
        self.assertEqual(self.who(self.ann.session('anna')), 'anna')

    def test_what_is_expired_or_made_with_another_key_is_refused(self):
        self.no_login(self.ann.session('ann', soon(-1)))
        self.no_login(self.ann.session('ann', key=Key(self.files / 'other.key')))
        self.no_login(f'ann:{b64(self.ann.cert.read_bytes())}')
        self.no_login(f'ann:{b64(b"x:y:z")}')
        self.no_login('ann:')

    def test_a_login_ends_when_it_says(self):
        end = soon(3)
        session = self.ann.session('ann', end)
        self.who(session)
        while time.time() < end + 0.05:  # seconds begin some milliseconds later for time()
            time.sleep(0.05)
        self.no_login(session)

    def test_another_subject_is_refused(self):
        bob = Person(self.ca, self.files, 'bob')
        self.no_login(bob.session('ann'))

    def test_another_authority_is_refused(self):
        other = Authority(self.files / 'other', 'CA')
        self.no_login(Person(other, self.files, 'twin', self.ann.subject).session('ann'))
        self.no_login(Person(other, self.files, 'twin2', self.ann.subject).session('ann', chain=[other.cert]))

    def test_a_user_is_no_authority(self):
        """Whoever has a certificate could sign one for the name of somebody else."""
        eve = Person(self.ca, self.files, 'eve')
        fake = Key(self.files / 'fake.key')
        openssl('req', '-new', '-key', fake.path, '-subj', self.ann.subject, '-out', self.files / 'fake.csr')
        openssl('x509', '-req', '-in', self.files / 'fake.csr', '-CA', eve.cert, '-CAkey', eve.key.path, '-CAcreateserial',
                '-out', self.files / 'fake.pem')
        forged = Person.__new__(Person)
        forged.key, forged.cert = fake, self.files / 'fake.pem'
        self.no_login(forged.session('ann', chain=[eve.cert]))

    def test_the_subject_of_an_authority_is_nobodys(self):
        self.new_user('ca', 'x509', '/O=Test/CN=CA')
        self.no_login(self.ann.session('ca', chain=[self.ca.cert]))

    def test_an_authority_below_a_trusted_one_is_trusted(self):
        below = Authority(self.files / 'below', 'Below', self.ca)
        tim = Person(below, self.files, 'tim')
        self.new_user('tim', 'x509', tim.password())
        self.no_login(tim.session('tim'))
        self.assertEqual(self.who(tim.session('tim', chain=[below.cert])), 'tim')

    def test_a_certificate_outside_its_dates_is_refused(self):
        old = Person(self.ca, self.files, 'old', dates=('-startdate', '20200101000000Z', '-enddate', '20210101000000Z'))
        early = Person(self.ca, self.files, 'early', dates=('-startdate', '20400101000000Z', '-enddate', '20410101000000Z'))
        for name, person in (('old', old), ('early', early)):
            self.new_user(name, 'x509', person.password())
            self.no_login(person.session(name))

    def test_a_revoked_certificate_is_refused(self):
        ca = Authority(self.files / 'crl', 'CRL CA')
        lost, kept = Person(ca, self.files, 'lost'), Person(ca, self.files, 'kept')
        ca.trust(self.trusted)
        for name, person in (('lost', lost), ('kept', kept)):
            self.new_user(name, 'x509', person.password())
        self.assertEqual(self.who(lost.session('lost')), 'lost')
        ca.revoke(lost.cert)
        ca.trust(self.trusted, crl=True)
        self.no_login(lost.session('lost', soon(601)))
        self.assertEqual(self.who(kept.session('kept')), 'kept')

    def test_a_site_can_insist_on_revocation_lists(self):
        self.conf(f':ca_dir: "{self.trusted}"\n:check_crl: true\n')
        self.no_login(self.ann.session('ann', soon(900)))
        strict = Authority(self.files / 'strict', 'Strict CA')
        strict.trust(self.trusted, crl=True)
        uma = Person(strict, self.files, 'uma')
        self.new_user('uma', 'x509', uma.password())
        self.assertEqual(self.who(uma.session('uma')), 'uma')

    def test_without_authorities_nobody_gets_in(self):
        self.conf(':ca_dir: /nowhere\n')
        self.no_login(self.ann.session('ann', soon(901)))
        self.conf('- not a mapping\n')
        self.no_login(self.ann.session('ann', soon(902)))


# ---- LDAP ----

class Ldap(LoginCase):
    options = dict(conf=ALL_DRIVERS + 'DEFAULT_AUTH = "ldap"\nSESSION_EXPIRATION_TIME = 0\n')

    @classmethod
    def prepare(cls):
        cls.files = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, cls.files)
        authority = Authority(cls.files / 'ca', 'LDAP CA')
        host = Person(authority, cls.files, 'host', '/CN=127.0.0.1')
        cls.ca = authority.cert
        cls.ldap = Directory(cls.files / 'ldap', tls=(host.cert, host.key.path))
        cls.addClassCleanup(cls.ldap.stop)
        for name in ('ann', 'bob', 'carla', 'dan'):
            cls.ldap.user(name, f'{name}-pw')
        cls.ldap.user('Two Words', 'a b%c')
        cls.ldap.user('star*', 'star-pw')
        cls.ldap.group('devs', cls.ldap.dn('ann'), cls.ldap.dn('bob'))
        cls.ldap.group('ops', cls.ldap.dn('ann'))
        cls.ldap.group('bosses', cls.ldap.dn('bob'))
        cls.ldap.posix_group('posix', 'dan')
        cls.gids = {}
        for name in ('devs', 'ops', 'posix'):
            gid = cls.one.call('one.group.allocate', name)
            cls.one.call('one.group.update', gid, f'GROUP_DN="{cls.ldap.group_dn(name)}"', 1)
            cls.gids[name] = gid

    def setUp(self):
        self.conf()

    def conf(self, order=':order:\n  - main\n', more='', default=':mapping_default: 1\n', **servers):
        """The configuration of one server "main" (and others), and which of them are asked."""
        main = (f':host: 127.0.0.1\n:port: {self.ldap.port}\n:base: "{self.ldap.suffix}"\n:user: "{self.ldap.root}"\n'
                f':password: "{self.ldap.password}"\n:auth_method: :simple\n:user_field: cn\n:mapping_timeout: -1\n'
                f':mapping_generate: true\n{default}{more}')
        text = ''
        for name, inside in dict(main=main, **servers).items():
            text += f'{name}:\n' + ''.join(f'    {line}\n' for line in (inside or main).splitlines())
        (self.folder / 'etc' / 'auth' / 'ldap_auth.conf').write_text(text + order)

    def groups(self, session):
        x = self.xml('one.user.info', -1, auth=session)
        return x.findtext('GNAME'), children(x, 'GROUPS/ID')

    def test_somebody_the_directory_knows_becomes_a_user(self):
        x = self.xml('one.user.info', -1, auth='ann:ann-pw')
        self.assertEqual([x.findtext(k) for k in ('NAME', 'AUTH_DRIVER', 'PASSWORD', 'ENABLED')], ['ann', 'ldap', self.ldap.dn('ann'), '1'])
        self.assertEqual(children(x, 'GROUPS/ID'), {self.gids['devs'], self.gids['ops']})
        self.assertIn(int(x.findtext('ID')), children(self.xml('one.group.info', self.gids['ops']), 'USERS/ID'))
        self.assertEqual(self.xml('one.user.info', -1, auth='ann:ann-pw').findtext('ID'), x.findtext('ID'))

    def test_a_wrong_password_makes_nobody(self):
        for session in ('carla:wrong', 'carla:', 'carla:carla-pw ', 'nobody:x', '*:carla-pw', 'c*:carla-pw', 'carla)(cn=*:carla-pw',
                        'star:star-pw', f'{self.ldap.dn("carla")}:carla-pw'):
            self.no_login(session)
        self.assertNotIn('carla', [x.text for x in self.xml('one.userpool.info').findall('USER/NAME')])

    def test_names_and_passwords_may_be_percent_encoded(self):
        x = self.xml('one.user.info', -1, auth='two%20words:a%20b%25c')
        self.assertEqual((x.findtext('NAME'), x.findtext('PASSWORD')), ('two%20words', f'cn=Two%20Words,ou=people,{self.ldap.suffix}'))
        self.assertEqual(self.who('star*:star-pw'), 'star*')

    def test_groups_follow_the_directory_at_each_login(self):
        self.ldap.user('eve', 'eve-pw')
        self.assertEqual(self.groups('eve:eve-pw'), ('users', {1}))
        uid = int(self.xml('one.user.info', -1, auth='eve:eve-pw').findtext('ID'))
        self.ldap.change('ops', 'add', self.ldap.dn('eve'))
        self.assertEqual(self.groups('eve:eve-pw'), ('ops', {self.gids['ops']}))
        self.assertNotIn(uid, children(self.xml('one.group.info', 1), 'USERS/ID'))
        self.ldap.change('devs', 'add', self.ldap.dn('eve'))
        self.assertEqual(self.groups('eve:eve-pw'), ('ops', {self.gids['ops'], self.gids['devs']}))
        self.ldap.change('ops', 'delete', self.ldap.dn('eve'))
        self.assertEqual(self.groups('eve:eve-pw'), ('devs', {self.gids['devs']}))
        self.assertNotIn(uid, children(self.xml('one.group.info', self.gids['ops']), 'USERS/ID'))
        self.ldap.change('devs', 'delete', self.ldap.dn('eve'))

    def test_the_directory_names_administrators(self):
        self.conf(more=f':group_admin_group_dn: "{self.ldap.group_dn("bosses").upper()}"\n')
        uid = int(self.xml('one.user.info', -1, auth='bob:bob-pw').findtext('ID'))
        self.assertIn(uid, children(self.xml('one.group.info', self.gids['devs']), 'ADMINS/ID'))
        member, _ = self.user('member', self.gids['devs'])
        self.call('one.user.update', member, 'BY="bob"', 1, auth='bob:bob-pw')
        self.conf()
        self.refused(AUTHORIZATION, 'one.user.update', member, 'BY="bob"', 1, auth='bob:bob-pw')
        self.assertNotIn(uid, children(self.xml('one.group.info', self.gids['devs']), 'ADMINS/ID'))

    def test_without_a_mapped_group_nobody_gets_in_unless_there_is_a_default(self):
        self.conf(default='')
        self.no_login('dan:dan-pw')
        self.conf()
        self.assertEqual(self.who('dan:dan-pw'), 'dan')

    def test_only_members_of_a_group_when_the_site_says_so(self):
        self.ldap.user('fay', 'fay-pw')
        self.conf(more=f':group: "{self.ldap.group_dn("devs")}"\n')
        self.no_login('fay:fay-pw')
        self.assertEqual(self.who('ann:ann-pw'), 'ann')

    def test_posix_groups_name_their_members(self):
        self.ldap.user('gus', 'gus-pw')
        more = ':rfc2307bis: false\n:user_group_field: uid\n:group_field: memberUid\n'
        self.conf(more=more)
        self.assertEqual(self.groups('dan:dan-pw'), ('posix', {self.gids['posix']}))
        self.conf(more=more + f':group: "{self.ldap.group_dn("posix")}"\n')
        self.assertEqual(self.who('dan:dan-pw'), 'dan')
        self.no_login('gus:gus-pw')

    def test_servers_are_asked_in_order(self):
        dead = ':host: 127.0.0.1\n:port: 1\n:base: "dc=x"\n'
        self.conf(order=':order:\n  - dead\n  - missing\n  - main\n', dead=dead)
        self.assertEqual(self.who('ann:ann-pw'), 'ann')
        self.conf(order=':order:\n  - [dead, main]\n', dead=dead)
        self.assertEqual(self.who('ann:ann-pw'), 'ann')
        self.conf(order=':order:\n  - [other, main]\n', other=self.other_base())
        self.no_login('ann:ann-pw')     # the first that answers decides for the group
        self.conf(order=':order:\n  - other\n  - main\n', other=self.other_base())
        self.assertEqual(self.who('ann:ann-pw'), 'ann')
        self.conf(order=':order:\n  - dead\n', dead=dead)
        self.no_login('ann:ann-pw')

    def other_base(self):
        return f':host: 127.0.0.1\n:port: {self.ldap.port}\n:base: "ou=groups,{self.ldap.suffix}"\n:user: "{self.ldap.root}"\n' \
               f':password: "{self.ldap.password}"\n'

    def test_the_domain_of_a_name_chooses_the_server(self):
        self.conf(order=":match_user_regex:\n  '^(.*)@berlin$': main\n  '^\\w+@paris$': main\n")
        self.ldap.user('kim', 'kim-pw')
        x = self.xml('one.user.info', -1, auth='kim@BERLIN:kim-pw')
        self.assertEqual((x.findtext('NAME'), x.findtext('PASSWORD')), ('kim@berlin', self.ldap.dn('kim')))
        self.no_login('kim@paris:kim-pw')
        self.no_login('kim@rome:kim-pw')
        self.no_login('@berlin:kim-pw')

    def test_a_configuration_that_is_wrong_lets_nobody_in(self):
        for wrong in (':order:\n  - main\n:match_user_regex:\n  x: main\n', ':order: main\n', '', ":match_user_regex:\n  '(': main\n", '\t: ['):
            self.conf(order=wrong)
            self.no_login('ann:ann-pw')

    def test_an_encrypted_server_is_asked_when_its_certificate_is_good(self):
        tls = f':encryption:\n    :method: :simple_tls\n    :tls_options:\n        :ca_file: "{self.ca}"\n'
        port = f':port: {self.ldap.port}\n'
        for more in (tls.replace('simple_tls', 'start_tls'), tls):
            self.conf(more=more)
            path = self.folder / 'etc' / 'auth' / 'ldap_auth.conf'
            if 'simple_tls' in more:
                path.write_text(path.read_text().replace(port, f':port: {self.ldap.tls_port}\n'))
            self.assertEqual(self.who('ann:ann-pw'), 'ann', more)
            path.write_text(path.read_text().replace(str(self.ca), '/etc/ssl/certs/nothing.pem'))
            self.no_login('ann:ann-pw')
        self.conf(more=':encryption: :start_tls\n')
        self.no_login('ann:ann-pw')     # nobody vouches for the certificate
        self.conf(more=':encryption:\n    :method: :start_tls\n    :tls_options:\n        :verify_mode: none\n')
        self.assertEqual(self.who('ann:ann-pw'), 'ann')

    def test_a_server_that_is_down_refuses_and_comes_back(self):
        self.who('ann:ann-pw')
        self.ldap.stop()
        try:
            self.no_login('ann:ann-pw')
        finally:
            self.ldap.start()
        self.assertEqual(self.who('ann:ann-pw'), 'ann')

    def test_a_name_that_is_taken_is_not_taken_over(self):
        self.user('local')
        self.ldap.user('local', 'ldap-pw')
        self.no_login('local:ldap-pw')
        self.no_login('LOCAL:ldap-pw')
        self.assertEqual(self.who('local:local-secret'), 'local')

    def test_a_disabled_user_stays_out(self):
        self.ldap.user('ida', 'ida-pw')
        uid = int(self.xml('one.user.info', -1, auth='ida:ida-pw').findtext('ID'))
        self.call('one.user.enable', uid, False)
        self.no_login('ida:ida-pw')
        self.call('one.user.enable', uid, True)
        self.assertEqual(self.who('ida:ida-pw'), 'ida')

    def test_the_mapping_is_a_file_the_site_can_write_itself(self):
        self.ldap.user('jan', 'jan-pw')
        self.ldap.group('hand', self.ldap.dn('jan'))
        (self.folder / 'var' / 'hand.yaml').write_text(f'---\n"{self.ldap.group_dn("HAND")}": {self.gids["ops"]}\n')
        self.conf(more=':mapping_filename: hand.yaml\n')
        path = self.folder / 'etc' / 'auth' / 'ldap_auth.conf'
        path.write_text(path.read_text().replace(':mapping_generate: true', ':mapping_generate: false'))
        self.assertEqual(self.groups('jan:jan-pw'), ('ops', {self.gids['ops']}))

    def test_a_group_that_is_not_there_lets_nobody_in(self):
        self.ldap.user('leo', 'leo-pw')
        self.conf(default=':mapping_default: 4711\n')
        self.no_login('leo:leo-pw')
        self.logged('One or more group IDs do not exist')

    def test_no_password_is_in_any_log(self):
        self.ldap.user('mia', 'Mia-Password')
        self.who('mia:Mia-Password')
        self.no_login('mia:Mias-Guess')
        logs = self.logs()
        for secret in ('Mia-Password', 'Mias-Guess', b64(b'Mia-Password'), b64(b'Mias-Guess'), self.ldap.password):
            self.assertNotIn(secret, logs)


# ---- users nobody knows ----

class Strangers(LoginCase):
    options = dict(conf=ALL_DRIVERS)

    def reply(self, text):
        replace_program(self.program('default'), f'#!/bin/sh\ncat >/dev/null\necho "{text}"\n')

    def test_the_default_driver_says_who_he_is(self):
        self.reply('plain una una-pw 1')
        x = self.xml('one.user.info', -1, auth='una:anything')
        self.assertEqual([x.findtext(k) for k in ('NAME', 'AUTH_DRIVER', 'PASSWORD', 'GID')], ['una', 'plain', 'una-pw', '1'])
        self.assertTrue(x.findtext('TEMPLATE/TOKEN_PASSWORD'))
        self.no_login('una:anything')
        self.assertEqual(self.who('una:una-pw'), 'una')

    def test_his_groups_come_with_him_and_users_is_the_group_of_those_without(self):
        first, second = self.call('one.group.allocate', 'first'), self.call('one.group.allocate', 'second')
        self.reply(f'plain two pw {second} *{first} {second}')
        x = self.xml('one.user.info', -1, auth='two:x')
        self.assertEqual((x.findtext('GNAME'), children(x, 'GROUPS/ID')), ('second', {first, second}))
        self.reply('plain none pw')
        self.assertEqual(self.xml('one.user.info', -1, auth='none:x').findtext('GNAME'), 'users')

    def test_a_core_users_password_is_hashed(self):
        self.reply('core cora cora-pw')
        self.call('one.user.info', -1, auth='cora:x')
        self.assertEqual(self.who('cora:cora-pw'), 'cora')

    def test_an_answer_that_makes_no_user_refuses(self):
        for i, text in enumerate(('', 'plain', 'plain x{0}', 'plain x{0} pw 4711', 'plain x{0} pw one', 'plain x{0} pw *', 'plain a:b pw',
                                  'plain oneadmin pw', f'plain {"n" * 200} pw', 'plain serveradmin pw 0')):
            self.reply(text.format(i))
            self.no_login(f'x{i}:y')
        self.assertEqual({x.text for x in self.xml('one.userpool.info').findall('USER/NAME')} & {f'x{i}' for i in range(10)}, set())

    def test_many_at_once_make_one_user(self):
        self.reply('plain herd pw')
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.one.raw('one.user.info', -1, auth='herd:pw'))) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([a[0] for a in answers], [True] * 8)
        self.assertEqual(len([x for x in self.xml('one.userpool.info').findall('USER/NAME') if x.text == 'herd']), 1)

    def test_names_that_cannot_be_are_refused_without_asking(self):
        self.reply('plain odd pw')
        for name in ('', 'a b', 'a/b', 'a"b', "a'b", 'a<b', 'a;b', 'a$b', 'x' * 300, '\N{SNOWMAN} x'):
            self.no_login(f'{name}:x')
        self.no_login('nocolon')

    def test_what_the_driver_answers_is_in_no_log(self):
        self.reply('plain logs Secret-Of-Logs 4711')
        self.no_login('logs:Guess-Of-Logs')
        logs = self.logs()
        for secret in ('Secret-Of-Logs', 'Guess-Of-Logs', b64(b'Guess-Of-Logs')):
            self.assertNotIn(secret, logs)


class ManagedGroups(LoginCase):
    """DRIVER_MANAGED_GROUPS with any driver, and how long an answer is remembered."""

    options = dict(conf=ALL_DRIVERS + 'AUTH_MAD_CONF = [ NAME="default", DRIVER_MANAGED_GROUPS="YES", DRIVER_MANAGED_GROUP_ADMIN="NO" ]\n'
                   'SESSION_EXPIRATION_TIME = -1\n')

    def reply(self, text):
        replace_program(self.program('default'), f'#!/bin/sh\ncat >/dev/null\n{text}\n')

    def test_groups_are_set_at_real_logins_only(self):
        group = self.call('one.group.allocate', 'real')
        uid = self.call('one.user.allocate', 'ann', 'x', 'default', [])
        self.reply(f'echo default ann x 1 *{group}')
        self.assertEqual(children(self.xml('one.user.info', -1, auth='ann:pw'), 'GROUPS/ID'), {1, group})
        self.assertEqual(children(self.xml('one.group.info', group), 'ADMINS/ID'), set())
        self.call('one.user.info', -1, auth='ann:pw')       # since the user changed the driver was asked once more
        self.reply('echo default ann x 1')
        self.assertEqual(children(self.xml('one.user.info', -1, auth='ann:pw'), 'GROUPS/ID'), {1, group})
        self.assertEqual(children(self.xml('one.user.info', -1, auth='ann:other'), 'GROUPS/ID'), {1})
        self.assertNotIn(uid, children(self.xml('one.group.info', group), 'USERS/ID'))

    def test_groups_that_make_no_sense_refuse_and_change_nothing(self):
        self.call('one.user.allocate', 'bob', 'x', 'default', [])
        for text in ('echo default bob x 4711', 'echo default bob x 1 none', 'exit 1'):
            self.reply(text)
            self.no_login('bob:pw')
        self.reply('echo default bob x')
        self.assertEqual(children(self.xml('one.user.info', -1, auth='bob:pw'), 'GROUPS/ID'), {1})

    def test_an_answer_is_forgotten_when_the_user_changes(self):
        uid = self.call('one.user.allocate', 'cem', 'x', 'default', [])
        changes = (lambda: self.call('one.user.passwd', uid, 'x'), lambda: self.call('one.user.chauth', uid, 'default', ''),
                   lambda: (self.call('one.user.enable', uid, False), self.call('one.user.enable', uid, True)))
        for change in changes:
            self.reply('echo default cem x 1')
            self.who('cem:pw')
            self.reply('exit 1')
            self.assertEqual(self.who('cem:pw'), 'cem')
            change()
            self.no_login('cem:pw')


# ---- drivers that are slow or dead ----

class SlowDriver(LoginCase):
    options = dict(conf=ALL_DRIVERS + 'MAX_CONN = 15\n')

    @classmethod
    def prepare(cls):
        """The driver "slow" says no as soon as there is a file "go"."""
        cls.go = cls.folder / 'go'
        replace_program(cls.program('slow'), f'#!/bin/sh\ncat >/dev/null\nwhile [ ! -e {cls.go} ]; do sleep 0.1; done\nexit 1\n')
        for i in range(30):
            cls.one.call('one.user.allocate', f'slow{i}', 'x', 'slow', [])
        cls.one.call('one.user.allocate', 'ann', 'ann-pw', 'core', [])

    def flood(self, n, users):
        """n logins with wrong passwords that wait; who waits."""
        self.go.unlink(missing_ok=True)
        answers = []
        threads = [threading.Thread(target=lambda i=i: answers.append(self.one.raw('one.user.info', -1, auth=f'slow{i % users}:wrong{i}')))
                   for i in range(n)]
        for t in threads:
            t.start()
        return threads, answers

    def end(self, threads):
        self.go.touch()
        for t in threads:
            t.join()

    def test_a_flood_of_logins_leaves_the_others_served(self):
        threads, answers = self.flood(150, 30)
        try:
            self.one.wait('some of them are refused because too many wait', lambda: len(answers) >= 80)
            for _ in range(50):
                self.assertEqual(self.who('ann:ann-pw'), 'ann')
            self.call('one.user.update', 0, 'A=1', 1)
        finally:
            self.end(threads)
        self.assertEqual([a for a in answers if a[0] or a[2] != AUTHENTICATION], [])
        self.logged('Too many logins wait for the authentication driver')

    def test_a_flood_for_one_user_leaves_places_for_others(self):
        threads, answers = self.flood(40, 1)
        try:
            self.one.wait('most of them are refused', lambda: len(answers) >= 32)
            self.call('one.user.allocate', 'pat', 'pat-pw', 'plain', [])
            self.assertEqual(self.who('pat:pat-pw'), 'pat')
        finally:
            self.end(threads)

    def test_a_driver_that_dies_refuses_those_who_wait_and_comes_back(self):
        threads, answers = self.flood(5, 5)
        try:
            pid = min(self.one.processes('one_auth_mad'))       # the others are on their way to become programs
            self.one.wait('the driver asks', lambda: subprocess.run(['pgrep', '-P', str(pid)], capture_output=True).stdout.count(b'\n') >= 5)
            os.kill(pid, signal.SIGKILL)
            self.one.wait('they are refused', lambda: len(answers) == 5)
            self.assertEqual({a[2] for a in answers}, {AUTHENTICATION})
            self.assertEqual(self.who('ann:ann-pw'), 'ann')
        finally:
            self.end(threads)
        self.call('one.user.allocate', 'quin', 'quin-pw', 'plain', [])
        self.one.wait('the driver is there again', lambda: self.one.raw('one.user.info', -1, auth='quin:quin-pw')[0])

    def test_the_same_login_over_many_connections_is_asked_once(self):
        count = self.folder / 'asked'
        replace_program(self.program('default'), f'#!/bin/sh\ncat >/dev/null\necho x >>{count}\nwhile [ ! -e {self.go} ]; do sleep 0.1; done\n')
        self.go.unlink(missing_ok=True)
        self.call('one.user.allocate', 'rita', 'x', 'default', [])
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.one.raw('one.user.info', -1, auth='rita:pw'))) for _ in range(10)]
        for t in threads:
            t.start()
        self.one.wait('it is asked', count.exists)
        self.end(threads)
        self.assertEqual([a[0] for a in answers], [True] * 10)
        self.assertLessEqual(len(re.findall('x', count.read_text())), 2)


if __name__ == '__main__':
    unittest.main()
