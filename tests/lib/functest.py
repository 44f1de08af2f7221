"""What the functional tests share: a test case with an oned of its own for the whole class, states by their names, and small
objects to work with.

    class Hosts(OneCase):
        def test_a_new_host_becomes_monitored(self):
            self.one.dummy_host('a')

A class with `backend = 'mysql'` gets a new database on a private MariaDB server that all files of a run share.
"""
import atexit
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ET
import xmlrpc.client

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from perigee import ROOT, CallFailed, Perigee, build_dir  # noqa: E402,F401

VM = dict(INIT=0, PENDING=1, HOLD=2, ACTIVE=3, STOPPED=4, SUSPENDED=5, DONE=6, POWEROFF=8, UNDEPLOYED=9, CLONING=10,
          CLONING_FAILURE=11)
LCM = dict(LCM_INIT=0, PROLOG=1, BOOT=2, RUNNING=3, SAVE_STOP=5, SAVE_SUSPEND=6, PROLOG_RESUME=9, EPILOG_STOP=10, EPILOG=11,
           SHUTDOWN=12, CLEANUP_RESUBMIT=15, UNKNOWN=16, HOTPLUG_NIC=25, SHUTDOWN_POWEROFF=18, BOOT_UNKNOWN=19, BOOT_POWEROFF=20,
           BOOT_SUSPENDED=21, BOOT_STOPPED=22, CLEANUP_DELETE=23, SHUTDOWN_UNDEPLOY=29, EPILOG_UNDEPLOY=30, PROLOG_UNDEPLOY=31,
           BOOT_UNDEPLOY=32, BOOT_FAILURE=36, PROLOG_FAILURE=39, EPILOG_FAILURE=40, EPILOG_STOP_FAILURE=41,
           EPILOG_UNDEPLOY_FAILURE=42, BOOT_UNDEPLOY_FAILURE=47, BOOT_STOPPED_FAILURE=48, PROLOG_RESUME_FAILURE=49,
           PROLOG_UNDEPLOY_FAILURE=50, HOTPLUG_NIC_POWEROFF=65)
# States in which a VM rests: until somebody asks for something, or the monitor sees something.
RESTING_LCM = {LCM['RUNNING'], LCM['UNKNOWN']} | {n for name, n in LCM.items() if name.endswith('_FAILURE')}
HOST = dict(INIT=0, MONITORED=2, ERROR=3, DISABLED=4, OFFLINE=8)
IMAGE = dict(INIT=0, READY=1, USED=2, DISABLED=3, LOCKED=4, ERROR=5, CLONE=6, DELETE=7, USED_PERS=8, LOCKED_USED=9,
             LOCKED_USED_PERS=10)

AUTHENTICATION, AUTHORIZATION, NO_EXISTS, ACTION, XML_RPC_API, INTERNAL, ALLOCATE = 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000

SERVER = ROOT / 'tests' / 'lib' / 'mariadb-server'


def temporary_folder(prefix='pg-'):
    """A new folder with a short path (sockets lie in some)."""
    return pathlib.Path(tempfile.mkdtemp(prefix=prefix))


# ---- MariaDB ----

def mariadb_folder():
    """The folder of this run's server: the runner's, else one of this process that goes with it."""
    folder = os.environ.get('PERIGEE_MARIADB')
    if not folder:
        folder = str(temporary_folder('pg-db-'))
        os.environ['PERIGEE_MARIADB'] = folder
        atexit.register(mariadb_remove, folder)
    return pathlib.Path(folder)


def mariadb_remove(folder):
    subprocess.run([SERVER, 'remove', folder], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def mariadb_socket():
    """The socket of the server, which is started when it is first needed."""
    folder = mariadb_folder()
    os.chmod(folder, 0o755)
    with open(f'{folder}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        atexit.register(pathlib.Path(lock.name).unlink, missing_ok=True)
        if not (folder / 'pid').exists():
            subprocess.run([SERVER, 'start', folder], check=True, stdout=subprocess.DEVNULL, close_fds=True)
    return folder / 'socket'


_databases = 0


def new_database():
    """The inside of a DB vector that names a database nobody used before."""
    global _databases
    _databases += 1
    return (f'BACKEND="mysql", SOCKET="{mariadb_socket()}", USER="root", PASSWD="", '
            f'DB_NAME="one_{os.getpid()}_{_databases}"')


def new_perigee(folder, backend='sqlite', **options):
    return Perigee(folder, **(dict(options, db=new_database()) if backend == 'mysql' else options))


# ---- what must not be in logs ----

BAD_LINES = re.compile(r'AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|Assertion .* failed|\[F\]')
# libzmq isn't built for ThreadSanitizer, which then sees races in it.
KNOWN_LINES = re.compile(r'Driver hm/hm: .*ThreadSanitizer')


def bad_lines(one):
    """Lines of an installation's logs that no run may write."""
    found = []
    for pattern in ('*.log', '*.out'):
        for path in (one.folder / 'var').glob(pattern):
            found += [f'{path.name}: {line}' for line in path.read_text(errors='replace').splitlines()
                      if BAD_LINES.search(line) and not KNOWN_LINES.search(line)]
    return found


# ---- the test case ----

class OneCase(unittest.TestCase):
    backend = 'sqlite'
    options = {}
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = temporary_folder()
        cls.failed = False
        cls.one = new_perigee(cls.folder, cls.backend, **cls.options)
        try:
            cls.one.start()
            cls.prepare()
        except BaseException:
            cls.one.stop()
            raise

    @classmethod
    def prepare(cls):
        """What the tests of a class find in their oned."""

    @classmethod
    def tearDownClass(cls):
        pids = cls.one.processes()
        status = cls.one.stop()
        limit = time.time() + 10
        while cls.one.processes() and time.time() < limit:
            time.sleep(0.05)
        left, bad = cls.one.processes(), bad_lines(cls.one)
        if cls.failed or status != 0 or left or bad:
            print(f'  {cls.__name__}: its folder is kept: {cls.folder}', flush=True)
        else:
            shutil.rmtree(cls.folder, ignore_errors=True)
        if status != 0:
            raise AssertionError(f'oned ended with status {status}\n' + cls.one.log_tail())
        if left:
            raise AssertionError(f'of the processes {pids} there are left {left}')
        if bad:
            raise AssertionError('in the logs: ' + '\n'.join(bad[:20]))

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            type(self).failed = True
        return result

    # ---- calls ----

    def call(self, method, *args, auth=None):
        return self.one.call(method, *args, auth=auth)

    def xml(self, method, *args, auth=None):
        return self.one.xml(method, *args, auth=auth)

    def refused(self, code, method, *args, auth=None, text=None):
        """The call must fail with this code, and this text (a regular expression) in the message; the message."""
        answer = self.one.raw(method, *args, auth=auth)
        self.assertFalse(answer[0], f'{method}{args} succeeded: {answer[1]}')
        self.assertEqual(answer[2], code, f'{method}{args}: {answer}')
        self.assertEqual(len(answer), 5)
        if text is not None:
            self.assertRegex(answer[1], text)
        return answer[1]

    def user(self, name, group=None):
        """A new user: his id and session."""
        uid = self.call('one.user.allocate', name, f'{name}-secret', 'core', [] if group is None else [group])
        return uid, f'{name}:{name}-secret'

    def vm(self, vm):
        return self.xml('one.vm.info', vm)

    def state(self, vm):
        x = self.vm(vm)
        return int(x.findtext('STATE')), int(x.findtext('LCM_STATE'))

    def wait_vm(self, vm, state, lcm=None, timeout=30):
        """States by name; an LCM state alone means an active VM."""
        if state in LCM and state not in VM:
            state, lcm = 'ACTIVE', state
        self.one.wait_vm(vm, VM[state], None if lcm is None else LCM[lcm], timeout)


def rests(x):
    """A VM (its XML) that waits for nothing that oned or a driver must do."""
    state = int(x.findtext('STATE'))
    return state not in (VM['INIT'], VM['CLONING'], VM['ACTIVE']) or state == VM['ACTIVE'] and int(x.findtext('LCM_STATE')) in RESTING_LCM


def fault_of(function, *args):
    """The fault a call ends in."""
    try:
        answer = function(*args)
    except xmlrpc.client.Fault as fault:
        return fault
    raise AssertionError(f'no fault but {str(answer)[:200]}')


class Cloud:
    """Small infrastructure on the dummy drivers, in any running Perigee."""

    def __init__(self, one, hosts=2, tm='dummy'):
        self.one = one
        self.hosts = [one.call('one.host.allocate', f'node{i}', 'dummy', 'dummy', -1) for i in range(hosts)]
        self.images_ds = one.call('one.datastore.allocate', f'NAME=imgs\nTYPE=IMAGE_DS\nDS_MAD=dummy\nTM_MAD={tm}', -1)
        self.system_ds = one.call('one.datastore.allocate', f'NAME=sys\nTYPE=SYSTEM_DS\nTM_MAD={tm}', -1)
        one.wait('the image datastore measured',
                 lambda: int(one.xml('one.datastore.info', self.images_ds).findtext('TOTAL_MB')) > 0)
        self.os = one.call('one.image.allocate', 'NAME=os\nTYPE=OS\nPATH=/x/os.img\nSIZE=64\nFORMAT=raw', self.images_ds)
        self.net = one.call('one.vn.allocate', 'NAME=lan\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP=10.0.0.1,SIZE=250]', -1)
        for user_readable in (('image', self.os), ('vn', self.net)):
            one.call(f'one.{user_readable[0]}.chmod', user_readable[1], -1, -1, -1, 1, -1, -1, 1, -1, -1)
        self.wait_image(self.os)
        for host in self.hosts:
            self.wait_host(host)

    def wait_host(self, host, state='MONITORED'):
        self.one.wait(f'host {host} {state}',
                      lambda: int(self.one.xml('one.host.info', host).findtext('STATE')) == HOST[state])

    def wait_image(self, image, state='READY'):
        self.one.wait(f'image {image} {state}',
                      lambda: int(self.one.xml('one.image.info', image).findtext('STATE')) == IMAGE[state])

    def template(self, extra='', cpu=1, memory=128):
        return f'CPU={cpu}\nMEMORY={memory}\nDISK=[IMAGE_ID={self.os}]\nNIC=[NETWORK_ID={self.net}]\n{extra}'

    def allocate(self, extra='', auth=None, **size):
        return self.one.call('one.vm.allocate', self.template(extra, **size), auth=auth)

    def deploy(self, vm, host=0):
        self.one.call('one.vm.deploy', vm, self.hosts[host], False, self.system_ds, '')

    def running(self, extra='', host=0, auth=None, **size):
        """A new VM that runs."""
        vm = self.allocate(extra, auth, **size)
        self.deploy(vm, host)
        self.one.wait_vm(vm, VM['ACTIVE'], LCM['RUNNING'])
        return vm


def children(x, path):
    """The ids at a path of an XML document."""
    return {int(e.text) for e in x.findall(path)}


def parse(text):
    return ET.fromstring(text)
