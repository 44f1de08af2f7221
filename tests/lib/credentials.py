"""Keys, certificates and login tokens as OpenNebula's clients make them, with the openssl program; and a private LDAP server."""
import base64
import hashlib
import os
import pathlib
import subprocess
import time

from perigee import free_port


def openssl(*args, data=None, cwd=None):
    done = subprocess.run(['openssl', *map(str, args)], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd)
    if done.returncode:
        raise AssertionError(f'openssl {args}: {done.stderr.decode()}')
    return done.stdout


def b64(data):
    return base64.b64encode(data).decode()


def soon(seconds=600):
    return int(time.time()) + seconds


# ---- services ----

def cipher(password, text):
    """What server_cipher encrypts: AES-256-CBC, key and first block from the password's hash."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    return b64(openssl('enc', '-aes-256-cbc', '-K', digest[:32].encode().hex(), '-iv', digest[:16].encode().hex(), data=text.encode()))


def cipher_session(server, password, target, expires=None, egid=None):
    token = cipher(password, f'{server}:{target}:{soon() if expires is None else expires}')
    return f'{server}:{target}:' + ('' if egid is None else f'{egid}:') + token


# ---- RSA keys ----

class Key:
    def __init__(self, path, bits=2048):
        self.path = pathlib.Path(path)
        openssl('genrsa', '-out', self.path, bits)

    def public(self):
        """As stored with a user of the driver ssh."""
        return b64(openssl('pkey', '-in', self.path, '-pubout', '-outform', 'DER'))

    def encrypt(self, text):
        return b64(openssl('pkeyutl', '-sign', '-inkey', self.path, '-pkeyopt', 'rsa_padding_mode:pkcs1', data=text.encode()))

    def session(self, user, expires=None, named=None):
        return f'{user}:' + self.encrypt(f'{named or user}:{soon() if expires is None else expires}')


# ---- certificates ----

class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder, name, issuer=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.key = Key(self.folder / 'ca.key')
        self.cert = self.folder / 'ca.pem'
        (self.folder / 'index.txt').touch()
        (self.folder / 'serial').write_text('1000\n')
        (self.folder / 'crlnumber').write_text('1000\n')
        (self.folder / 'ca.conf').write_text(f'''
[ca]
default_ca = this
[this]
dir = {self.folder}
database = $dir/index.txt
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
serial = $dir/serial
crlnumber = $dir/crlnumber
default_md = sha256
default_crl_days = 30
policy = any
unique_subject = no
[any]
countryName = optional
organizationName = optional
commonName = supplied
[user]
basicConstraints = critical,CA:FALSE
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
''')
        subject = f'/O=Test/CN={name}'
        if issuer:
            issuer.sign(self.key, subject, self.cert, 'authority')
        else:
            openssl('req', '-x509', '-new', '-key', self.key.path, '-subj', subject, '-days', 30, '-out', self.cert)

    def sign(self, key, subject, out, kind='user', dates=()):
        request = pathlib.Path(f'{out}.csr')
        openssl('req', '-new', '-key', key.path, '-subj', subject, '-out', request)
        dates = dates or ('-days', 20)
        openssl('ca', '-batch', '-notext', '-config', self.folder / 'ca.conf', '-extensions', kind, '-in', request, '-out', out, *dates)

    def revoke(self, cert):
        openssl('ca', '-config', self.folder / 'ca.conf', '-revoke', cert)

    def name(self):
        return openssl('x509', '-in', self.cert, '-noout', '-hash').decode().strip()

    def trust(self, folder, crl=False):
        """Puts it where the driver looks."""
        (folder / f'{self.name()}.0').write_text(self.cert.read_text())
        if crl:
            openssl('ca', '-config', self.folder / 'ca.conf', '-gencrl', '-out', folder / f'{self.name()}.r0')


class Person:
    """Somebody with a certificate."""

    def __init__(self, authority, folder, name, subject=None, kind='user', dates=()):
        self.subject = subject or f'/O=Test/CN={name}'
        self.key = Key(folder / f'{name}.key')
        self.cert = folder / f'{name}.pem'
        authority.sign(self.key, self.subject, self.cert, kind, dates)

    def password(self):
        return self.subject.replace(' ', '\\20')

    def session(self, user, expires=None, chain=(), key=None):
        signed = (key or self.key).encrypt(f'{user}:{soon() if expires is None else expires}')
        pems = [p.read_text() for p in (self.cert, *chain)]
        return f'{user}:' + b64(':'.join([signed, *pems]).encode())


# ---- LDAP ----

SCHEMAS = ('core', 'cosine', 'nis', 'inetorgperson')


class Directory:
    """slapd on the loopback, with an empty dc=example,dc=org; users and groups are added as LDIF."""

    suffix, root, password = 'dc=example,dc=org', 'cn=root,dc=example,dc=org', 'rootpw'

    def __init__(self, folder, tls=None):
        """tls: (certificate, key) files; then also ldaps."""
        self.folder = pathlib.Path(folder)
        (self.folder / 'db').mkdir(parents=True)
        self.port, self.tls_port = free_port(), free_port()
        conf = ''.join(f'include /etc/ldap/schema/{s}.schema\n' for s in SCHEMAS)
        conf += 'modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload memberof\n'
        conf += f'pidfile {self.folder}/pid\n'
        if tls:
            conf += f'TLSCertificateFile {tls[0]}\nTLSCertificateKeyFile {tls[1]}\n'
        conf += (f'database mdb\nmaxsize 10485760\nsuffix "{self.suffix}"\nrootdn "{self.root}"\nrootpw {self.password}\n'
                 f'directory {self.folder}/db\noverlay memberof\n')
        (self.folder / 'slapd.conf').write_text(conf)
        self.urls = f'ldap://127.0.0.1:{self.port}' + (f' ldaps://127.0.0.1:{self.tls_port}' if tls else '')
        self.process = None
        self.start()
        self.add(f'dn: {self.suffix}\nobjectClass: domain\ndc: example\n\n'
                 f'dn: ou=people,{self.suffix}\nobjectClass: organizationalUnit\nou: people\n\n'
                 f'dn: ou=groups,{self.suffix}\nobjectClass: organizationalUnit\nou: groups\n')

    def start(self):
        self.process = subprocess.Popen(['/usr/sbin/slapd', '-f', self.folder / 'slapd.conf', '-h', self.urls, '-d', '0'],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.time() + 30
        while subprocess.run([*self.client('ldapwhoami')], capture_output=True).returncode:
            if self.process.poll() is not None or time.time() > limit:
                raise AssertionError('slapd does not answer')
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def client(self, program):
        return [program, '-x', '-H', f'ldap://127.0.0.1:{self.port}', '-D', self.root, '-w', self.password]

    def add(self, ldif, program='ldapadd'):
        done = subprocess.run(self.client(program), input=ldif, text=True, capture_output=True)
        if done.returncode:
            raise AssertionError(f'{program}: {done.stderr}\n{ldif}')

    def user(self, name, password, uid=None):
        self.add(f'dn: cn={name},ou=people,{self.suffix}\nobjectClass: inetOrgPerson\nsn: x\ncn: {name}\nuid: {uid or name}\n'
                 f'userPassword: {password}\n')
        return self.dn(name)

    def dn(self, name):
        return f'cn={name},ou=people,{self.suffix}'

    def group(self, name, *members):
        self.add(f'dn: {self.group_dn(name)}\nobjectClass: groupOfNames\ncn: {name}\n' + ''.join(f'member: {m}\n' for m in members))

    def posix_group(self, name, *uids):
        self.add(f'dn: {self.group_dn(name)}\nobjectClass: posixGroup\ncn: {name}\ngidNumber: 5\n' + ''.join(f'memberUid: {u}\n' for u in uids))

    def group_dn(self, name):
        return f'cn={name},ou=groups,{self.suffix}'

    def change(self, name, verb, member):
        self.add(f'dn: {self.group_dn(name)}\nchangetype: modify\n{verb}: member\nmember: {member}\n', 'ldapmodify')


def replace_program(path, text):
    """Another program at the place of a driver's: at once, as programs are run meanwhile."""
    fresh = pathlib.Path(f'{path}.new')
    fresh.parent.mkdir(parents=True, exist_ok=True)
    fresh.write_text(text)
    fresh.chmod(0o755)
    os.replace(fresh, path)
