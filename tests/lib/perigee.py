"""A private Perigee for tests: its own folder (ONE_LOCATION), ports and processes, with the dummy drivers.

    with Perigee(folder) as one:         # oned runs, SQLite
        one.call('one.host.allocate', 'h', 'dummy', 'dummy', -1)
        one.scheduler()                  # mm_sched beside it

Processes are ended by their id. Built programs are taken from $PERIGEE_BUILD, else build/release or build/debug.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import xml.etree.ElementTree as ET
import xmlrpc.client

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PASSWORD = 'opennebula'


def build_dir():
    if 'PERIGEE_BUILD' in os.environ:
        return pathlib.Path(os.environ['PERIGEE_BUILD']).resolve()
    kinds = [ROOT / 'build' / kind for kind in ('release', 'debug')]
    return next((folder for folder in kinds if (folder / 'bin' / 'oned').exists()), kinds[0])


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def replace_vectors(text, key, new):
    """The configuration without its `KEY = [ ... ]` vectors, and `new` at the end instead."""
    return re.sub(rf'^{key}\s*=\s*\[[^\]]*\]\n?', '', text, flags=re.M) + new


class CallFailed(Exception):
    def __init__(self, answer):
        super().__init__(f'{answer[1]} (code {answer[2]})')
        self.message, self.code = answer[1], answer[2]


class StartFailed(Exception):
    pass


class Perigee:
    def __init__(self, folder, db=None, port=None, conf='', monitord='', sched_interval=1, keep=False):
        """db: the DB vector's inside, e.g. 'BACKEND="mysql", SOCKET="..."'; conf: text for oned.conf instead of what the shipped one has
        of the same keys."""
        self.folder = pathlib.Path(folder)
        self.port = port or free_port()
        self.keep = keep
        self.oned = self.sched = None
        self.ports = {k: free_port() for k in ('hm', 'hm_log', 'monitor')}
        self.endpoint = f'http://127.0.0.1:{self.port}/RPC2'
        self.auth = f'oneadmin:{PASSWORD}'
        self._install((f'DB = [ {db} ]\n' if db else '') + conf, monitord, sched_interval)

    # ---- files ----

    def _install(self, conf, monitord, sched_interval):
        bin_dir = build_dir() / 'bin'
        if not (bin_dir / 'oned').exists():
            raise SystemExit(f'{bin_dir}/oned is not built: run scons first, or set PERIGEE_BUILD')
        for sub in ('etc', 'var', 'lib/mads', 'home', 'answers'):
            (self.folder / sub).mkdir(parents=True, exist_ok=True)
        for program in bin_dir.iterdir():
            link = self.folder / 'lib' / 'mads' / program.name
            if not link.exists():
                link.symlink_to(program)
        shutil.copytree(ROOT / 'share' / 'remotes', self.folder / 'var' / 'remotes', dirs_exist_ok=True)
        xpath = self.folder / 'var' / 'remotes' / 'datastore' / 'xpath.rb'
        if not xpath.exists():
            xpath.symlink_to(bin_dir / 'onexpath')
        for program in bin_dir.glob('authn_*'):
            link = self.folder / 'var' / 'remotes' / 'auth' / program.name.removeprefix('authn_') / 'authenticate'
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(program)
        shutil.copytree(ROOT / 'share' / 'etc', self.folder / 'etc', dirs_exist_ok=True)
        (self.folder / 'home' / 'one_auth').write_text(self.auth + '\n')
        self._write_oned_conf(conf)
        self._write_monitord_conf(monitord)
        text = (self.folder / 'etc' / 'sched.conf').read_text()
        text = re.sub(r'^(ONE_XMLRPC|SCHED_INTERVAL|HM_ENDPOINT)\s*=.*\n', '', text, flags=re.M)
        text += f'ONE_XMLRPC = "{self.endpoint}"\nSCHED_INTERVAL = {sched_interval}\n'
        text += f'HM_ENDPOINT = "tcp://127.0.0.1:{self.ports["hm"]}"\n'
        (self.folder / 'etc' / 'sched.conf').write_text(text)

    def _write_oned_conf(self, conf):
        text = (ROOT / 'share' / 'etc' / 'oned.conf').read_text()
        text = re.sub(r'^(PORT|LISTEN_ADDRESS)\s*=.*\n', '', text, flags=re.M)
        text = replace_vectors(text, 'VM_MAD', '\nVM_MAD = [ NAME = "dummy", SUNSTONE_NAME = "Testing", '
                               'EXECUTABLE = "one_vmm_dummy", TYPE = "xml" ]\n')
        text = replace_vectors(text, 'HM_MAD', 'HM_MAD = [ EXECUTABLE = "one_hm", '
                               f'ARGUMENTS = "-p {self.ports["hm"]} -l {self.ports["hm_log"]} -b 127.0.0.1" ]\n')
        text += 'MARKET_MAD = [ EXECUTABLE = "one_market_dummy" ]\n'
        for key in re.findall(r'^(\w+)\s*=', conf, flags=re.M):     # keys given in conf replace the stock ones
            text = re.sub(rf'^{key}\s*=\s*[^\[\n]*\n', '', replace_vectors(text, key, ''), flags=re.M)
        text += f'PORT = {self.port}\nLISTEN_ADDRESS = "127.0.0.1"\n{conf}\n'
        (self.folder / 'etc' / 'oned.conf').write_text(text)

    def _write_monitord_conf(self, monitord):
        text = (ROOT / 'share' / 'etc' / 'monitord.conf').read_text()
        text = replace_vectors(text, 'IM_MAD', '\nIM_MAD = [ NAME = "dummy", EXECUTABLE = "one_im_dummy", THREADS = 0 ]\n')
        text = replace_vectors(text, 'NETWORK', 'NETWORK = [ ADDRESS = "127.0.0.1", MONITOR_ADDRESS = "127.0.0.1", '
                               f'PORT = {self.ports["monitor"]}, THREADS = 2 ]\n')
        (self.folder / 'etc' / 'monitord.conf').write_text(text + monitord + '\n')

    def environment(self):
        return dict(os.environ, ONE_LOCATION=str(self.folder), ONE_AUTH=str(self.folder / 'home' / 'one_auth'),
                    ONE_XMLRPC=self.endpoint, ONE_DUMMY_ACTIONS_DIR=str(self.folder / 'answers'))

    def answers(self, action, *lines):
        """What one_vmm_dummy or one_market_dummy answers to an action ("deploy", "market_import"...), in turn (script.h); without lines:
        success."""
        path = self.folder / 'answers' / action
        if not lines:
            path.unlink(missing_ok=True)
            return
        path.with_suffix('.new').write_text('\n'.join(lines) + '\n')
        path.with_suffix('.new').rename(path)

    def _spawn(self, program, *args):
        log = open(self.folder / 'var' / f'{program}.out', 'ab')
        return subprocess.Popen([build_dir() / 'bin' / program, *args], env=self.environment(), stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log, start_new_session=True)

    # ---- processes ----

    def start(self, timeout=60):
        self.oned = self._spawn('oned', '-f')
        end = time.time() + timeout
        while time.time() < end:
            if self.oned.poll() is not None:
                raise StartFailed('oned ended at its start:\n' + self.log_tail())
            try:
                self.call('one.system.version')
                return self
            except (OSError, xmlrpc.client.ProtocolError):
                time.sleep(0.01)
        raise StartFailed('oned does not answer:\n' + self.log_tail())

    def scheduler(self):
        self.sched = self._spawn('mm_sched', '-c', str(self.folder / 'etc' / 'sched.conf'))

    def _end(self, process, timeout=30):
        """Ends a process orderly; its exit status. Whatever is left of its session is killed."""
        if process is None:
            return None
        if process.poll() is None:
            process.terminate()
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        return status

    def stop(self):
        """Stops both; the exit status of oned."""
        self._end(self.sched)
        status = self._end(self.oned)
        self.sched = self.oned = None
        return status

    def kill(self):
        """SIGKILL to oned, as a power cut would; its drivers end when their input ends."""
        self.oned.send_signal(signal.SIGKILL)
        self.oned.wait()
        self.oned = None

    def processes(self, name=''):
        """Ids of the processes of this installation (oned's and its drivers'), of one program or all."""
        mine = f'ONE_LOCATION={self.folder}'.encode()
        found = []
        for entry in pathlib.Path('/proc').iterdir():
            try:
                if entry.name.isdigit() and mine in (entry / 'environ').read_bytes().split(b'\0') \
                        and name in os.readlink(entry / 'exe').rsplit('/', 1)[1]:
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def log_tail(self, lines=30):
        """The end of the logs, without the calls that only ask."""
        out = []
        for name in ('oned.log', 'oned.out'):
            path = self.folder / 'var' / name
            if path.exists():
                told = [line for line in path.read_text(errors='replace').splitlines() if not re.search(r'\[ReM\]\[D\].*(info|infoextended|version) ', line)]
                out += [f'--- {name}', *told[-lines:]]
        return '\n'.join(out)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        status = self.stop()
        if not self.keep and kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        if kind is None and status != 0:
            raise StartFailed(f'oned ended with status {status}:\n' + self.log_tail())

    # ---- calls ----

    def raw(self, method, *args, auth=None):
        proxy = xmlrpc.client.ServerProxy(self.endpoint, allow_none=True)
        return getattr(proxy, method)(auth or self.auth, *args)

    def call(self, method, *args, auth=None):
        answer = self.raw(method, *args, auth=auth)
        if not answer[0]:
            raise CallFailed(answer)
        return answer[1]

    def xml(self, method, *args, auth=None):
        return ET.fromstring(self.call(method, *args, auth=auth))

    def wait(self, what, probe, timeout=30):
        end = time.time() + timeout
        while time.time() < end:
            if probe():
                return
            time.sleep(0.02)
        raise AssertionError(f'{what}: not within {timeout} s\n' + self.log_tail())

    def wait_vm(self, vm, state, lcm=None, timeout=30):
        def probe():
            x = self.xml('one.vm.info', vm)
            return int(x.findtext('STATE')) == state and (lcm is None or int(x.findtext('LCM_STATE')) == lcm)
        self.wait(f'VM {vm} in state {state} {lcm if lcm is not None else ""}', probe, timeout)

    def dummy_host(self, name='host01'):
        host = self.call('one.host.allocate', name, 'dummy', 'dummy', -1)
        self.wait(f'host {name} monitored', lambda: self.xml('one.host.info', host).findtext('STATE') == '2')
        return host

    def dummy_system_ds(self):
        """A system datastore whose transfers are the dummy's."""
        return self.call('one.datastore.allocate', 'NAME="dummy_system"\nTYPE="SYSTEM_DS"\nTM_MAD="dummy"', -1)


