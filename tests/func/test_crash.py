"""oned is killed at random moments while clients change everything they can; after each start the world must be in order:

  - every write that was acknowledged is there, and what was neither acknowledged nor asked for is not;
  - hosts, images, networks, datastores and quotas count what there is (invariants.py);
  - every VM and image comes to rest by itself within a time;
  - no id was given twice, and none comes back after its object is gone.

$PERIGEE_CRASH_ROUNDS: kills on SQLite (default 40; MariaDB has a quarter of it). $PERIGEE_CRASH_SEED: the seed, which is printed
(moments are chosen by it; what the machine does in them isn't).
"""
import collections
import os
import random
import sqlite3
import threading
import time
import unittest
import xml.etree.ElementTree as ET
import xmlrpc.client

import invariants
from functest import IMAGE, Cloud, OneCase, rests

ROUNDS = int(os.environ.get('PERIGEE_CRASH_ROUNDS', 40))
SEED = int(os.environ.get('PERIGEE_CRASH_SEED', time.time_ns() % 1000000))
CLIENTS = 5
REST_S = 60
UNKNOWN = object()      # the outcome of a call whose answer never came

KINDS = {       # pool, its arguments, element
    'user': ('one.userpool.info', (), 'USER'),
    'template': ('one.templatepool.info', (-2, -1, -1), 'VMTEMPLATE'),
    'host': ('one.hostpool.info', (), 'HOST'),
    'cluster': ('one.clusterpool.info', (), 'CLUSTER'),
    'image': ('one.imagepool.info', (-2, -1, -1), 'IMAGE'),
    'secgroup': ('one.secgrouppool.info', (-2, -1, -1), 'SECURITY_GROUP'),
    'vrouter': ('one.vrouterpool.info', (-2, -1, -1), 'VROUTER'),
    'marketapp': ('one.marketapppool.info', (-2, -1, -1), 'MARKETPLACEAPP'),
    'backupjob': ('one.backupjobpool.info', (-2, -1, -1), 'BACKUPJOB'),
}


class Ledger:
    """What was asked for and what was acknowledged, by all clients of all rounds."""

    def __init__(self):
        self.lock = threading.Lock()
        self.used = collections.defaultdict(set)        # kind -> ids that were ever acknowledged
        self.live = collections.defaultdict(dict)       # kind -> id -> name: acknowledged, and nobody asked to delete it
        self.doubtful = collections.defaultdict(dict)   # ... somebody asked to delete it, without an answer
        self.gone = collections.defaultdict(set)        # the deletion was acknowledged
        self.asked = collections.defaultdict(set)       # names of creations without an answer
        self.counters = {}                              # template -> [acknowledged, asked for]
        self.vms = {}                                   # id -> Vm
        self.writes = 0
        self.wrong = []

    def made(self, kind, name, id):
        with self.lock:
            self.asked[kind].discard(name)
            if id in self.used[kind]:
                self.wrong.append(f'{kind} {id} was given a second time, to {name}')
            self.used[kind].add(id)
            self.live[kind][id] = name
            self.writes += 1


class Vm:
    def __init__(self, name):
        self.name = name
        self.deploys = 0        # acknowledged
        self.end_asked = self.end_acknowledged = False


class Client(threading.Thread):
    """Does what it likes, to objects of its own, until the connection breaks or it is told to stop."""

    def __init__(self, one, cloud, ledger, number, seed, owner):
        super().__init__()
        self.one, self.cloud, self.ledger, self.number, self.owner = one, cloud, ledger, number, owner
        self.dice = random.Random(seed)
        self.proxy = xmlrpc.client.ServerProxy(one.endpoint)
        self.mine = collections.defaultdict(list)
        self.vms = []
        self.stopping = False
        self.serial = 0

    def call(self, method, *args, auth=None):
        """The payload; None when it was refused; UNKNOWN when the answer never came."""
        try:
            answer = getattr(self.proxy, method)(auth or self.one.auth, *args)
        except (OSError, xmlrpc.client.ProtocolError, ConnectionError, EOFError):
            self.stopping = True
            return UNKNOWN
        except Exception as error:      # half an answer
            if type(error).__module__.startswith(('http', 'xml')):
                self.stopping = True
                return UNKNOWN
            raise
        return answer[1] if answer[0] else None

    def name(self, kind):
        self.serial += 1
        return f'{kind}-{self.ident}-{self.number}-{self.serial}'

    # ---- objects that are made, changed and deleted ----

    def make(self, kind, method, arguments):
        name = self.name(kind)
        self.ledger.asked[kind].add(name)
        id = self.call(method, *arguments(name))
        if id is UNKNOWN:
            return None
        if id is None:
            self.ledger.asked[kind].discard(name)
            return None
        self.ledger.made(kind, name, id)
        self.mine[kind].append(id)
        return id

    def make_something(self):
        kind, method, arguments = self.dice.choice([
            ('user', 'one.user.allocate', lambda n: (n, 'secret', 'core', [])),
            ('template', 'one.template.allocate', lambda n: (f'NAME="{n}"\nCPU=1\nMEMORY=1\nCOUNTER=0',)),
            ('host', 'one.host.allocate', lambda n: (n, 'dummy', 'dummy', -1)),
            ('cluster', 'one.cluster.allocate', lambda n: (n,)),
            ('secgroup', 'one.secgroup.allocate', lambda n: (f'NAME="{n}"',)),
            ('image', 'one.image.allocate', lambda n: (f'NAME="{n}"\nTYPE=DATABLOCK\nSIZE=1', self.cloud.images_ds)),
            ('vrouter', 'one.vrouter.allocate', lambda n: (f'NAME="{n}"\n{self.nic("FLOATING_IP=YES")}',)),
            ('marketapp', 'one.marketapp.allocate', lambda n: (f'NAME="{n}"\nORIGIN_ID={self.cloud.os}', self.cloud.market)),
            ('backupjob', 'one.backupjob.allocate', lambda n: (f'NAME="{n}"\nBACKUP_VMS="{self.some_vm()}"\nSCHED_ACTION=[TIME=1]',)),
        ])
        if len(self.mine[kind]) > 8:
            self.delete(kind)
        else:
            id = self.make(kind, method, arguments)
            if kind == 'template' and id is not None:
                self.ledger.counters[id] = [0, 0]

    def delete(self, kind):
        ids = self.mine[kind]
        id = ids.pop(self.dice.randrange(len(ids)))
        name = self.ledger.live[kind].pop(id)
        answer = self.call(f'one.{kind}.delete', id)
        if answer is UNKNOWN:
            self.ledger.doubtful[kind][id] = name
        elif answer is None:
            self.ledger.live[kind][id] = name
        else:
            self.ledger.gone[kind].add(id)
            self.ledger.writes += 1

    def delete_something(self):
        kinds = [k for k in self.mine if self.mine[k]]
        if kinds:
            self.delete(self.dice.choice(kinds))

    def count(self):
        if not self.mine['template']:
            return
        counter = self.ledger.counters[self.dice.choice(self.mine['template'])]
        id = next(i for i, c in self.ledger.counters.items() if c is counter)
        counter[1] += 1
        if self.call('one.template.update', id, f'COUNTER={counter[1]}', 1) not in (None, UNKNOWN):
            counter[0] = counter[1]
            self.ledger.writes += 1

    # ---- VMs ----

    def new_vm(self):
        name = self.name('vm')
        self.ledger.asked['vm'].add(name)
        auth = self.dice.choice([None, self.owner])
        id = self.call('one.vm.allocate', self.cloud.template(f'NAME="{name}"\nCONTEXT=[NETWORK=YES]', cpu='0.1', memory=self.dice.choice([16, 32])),
                       self.dice.random() < 0.1, auth=auth)
        if id is UNKNOWN:
            return
        if id is None:
            self.ledger.asked['vm'].discard(name)
            return
        self.ledger.made('vm', name, id)
        self.ledger.vms[id] = Vm(name)
        self.vms.append(id)
        if self.dice.random() < 0.8:
            self.deploy(id)

    def deploy(self, id):
        answer = self.call('one.vm.deploy', id, self.dice.choice(self.cloud.hosts), False, self.cloud.system_ds, '')
        if answer not in (None, UNKNOWN):
            self.ledger.vms[id].deploys += 1
            self.ledger.writes += 1

    def end(self, id):
        vm = self.ledger.vms[id]
        vm.end_asked = True
        how = self.dice.choice(['terminate', 'terminate-hard', 'delete'])
        answer = self.call('one.vm.recover', id, 3) if how == 'delete' else self.call('one.vm.action', how, id)
        if answer is None:
            if how != 'delete':
                vm.end_asked = False
            return
        if answer is not UNKNOWN:
            vm.end_acknowledged = how != 'delete'   # "nothing to delete here" is a success too
            self.ledger.writes += 1
        self.vms.remove(id)

    def nic(self, extra=''):
        return f'NIC=[NETWORK_ID={self.cloud.net},{extra or "NAME=n"}]'

    def some_vm(self):
        return self.dice.choice(self.vms) if self.vms else ''

    def change_nic(self):
        if not self.vms:
            return
        id, what = self.dice.choice(self.vms), self.dice.choice(['attach', 'attach', 'alias', 'detach', 'update', 'resize', 'configure'])
        method, *args = {
            'attach': ('one.vm.attachnic', id, self.nic()),
            'alias': ('one.vm.attachnic', id, f'NIC_ALIAS=[NETWORK_ID={self.cloud.net},PARENT=NIC0]'),
            'detach': ('one.vm.detachnic', id, self.dice.randint(0, 3)),
            'update': ('one.vm.updatenic', id, self.dice.randint(0, 2), f'NIC=[INBOUND_AVG_BW={self.dice.randint(1, 9)}]', 1),
            'resize': ('one.vm.resize', id, f'CPU=0.{self.dice.randint(1, 3)}\nMEMORY={self.dice.choice([16, 32, 48])}', True),
            'configure': ('one.vm.updateconf', id, f'CONTEXT=[N={self.dice.randint(1, 9)}]', 1),
        }[what]
        if self.call(method, *args) not in (None, UNKNOWN):
            self.ledger.writes += 1

    def route(self):
        """VMs of a router; they go with it."""
        if not self.mine['vrouter']:
            return
        name = self.name('vm')
        self.ledger.asked['vm'] |= {f'{name}-0', f'{name}-1'}
        router = self.dice.choice(self.mine['vrouter'])
        if self.call('one.vrouter.instantiate', router, 2, self.cloud.router_template, f'{name}-%i', False, '') not in (None, UNKNOWN):
            self.ledger.writes += 1

    def change_vm(self):
        if not self.vms:
            return
        id = self.dice.choice(self.vms)
        verb = self.dice.choice(['poweroff', 'poweroff-hard', 'resume', 'suspend', 'stop', 'undeploy', 'hold', 'release', 'reboot',
                                 'deploy', 'deploy', 'resume', 'retry', 'recreate', 'end', 'end'])
        if len(self.vms) > 12:
            verb = 'end'
        if verb == 'end':
            self.end(id)
        elif verb == 'deploy':
            self.deploy(id)
        elif verb in ('retry', 'recreate'):
            self.call('one.vm.recover', id, 2 if verb == 'retry' else 4)
        elif self.call('one.vm.action', verb, id) not in (None, UNKNOWN):
            self.ledger.writes += 1

    def run(self):
        try:
            while not self.stopping:
                self.dice.choice([self.make_something, self.delete_something, self.count, self.new_vm, self.new_vm, self.change_vm,
                                  self.change_vm, self.change_vm, self.change_nic, self.change_nic, self.route])()
        except Exception as error:
            with self.ledger.lock:
                self.ledger.wrong.append(f'a client stopped: {type(error).__name__}: {error}')


class Crash(OneCase):
    rounds = ROUNDS
    label = 'SQLite'
    options = dict(conf='VM_MAD=[NAME="dummy",EXECUTABLE="one_vmm_dummy",TYPE="xml",LIVE_RESIZE="yes",COLD_NIC_ATTACH="yes"]')

    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one)
        cls.one.call('one.vn.add_ar', cls.cloud.net, 'AR=[TYPE=IP4,IP=10.4.0.1,SIZE=20000]')
        cls.one.call('one.user.allocate', 'owner', 'owner-secret', 'core', [])
        cls.one.answers('deploy', 'success', 'success', 'success 1', 'success', 'success', 'failure', 'success', 'success')
        cls.cloud.market = cls.one.call('one.market.allocate', 'NAME=shop\nMARKET_MAD=http\nBASE_URL="http://127.0.0.1:1"\nPUBLIC_DIR="/nowhere"')
        cls.cloud.router_template = cls.one.call('one.template.allocate', 'NAME=router\nCPU=0.1\nMEMORY=16\nVROUTER=YES')
        for action in ('attach_nic', 'detach_nic', 'update_nic', 'resize', 'update_conf', 'market_import', 'market_delete'):
            cls.one.answers(action, 'success', 'failure', 'success 1', 'success', 'success')
        cls.one.answers('save', 'success', 'success 1', 'success')
        cls.one.answers('shutdown', 'success', 'success', 'success 1')
        cls.ledger = Ledger()
        cls.settled = 0.0

    # ---- one round ----

    def load_and_kill(self, dice):
        clients = [Client(self.one, self.cloud, self.ledger, n, dice.random(), 'owner:owner-secret') for n in range(CLIENTS)]
        for client, before in zip(clients, getattr(self, 'before', [])):    # they go on with what they had
            client.mine, client.vms = before.mine, before.vms
        for client in clients:
            client.start()
        time.sleep(dice.uniform(0.02, 0.7))
        self.one.kill()
        for client in clients:
            client.stopping = True
            client.join(60)
            self.assertFalse(client.is_alive(), 'a client hangs')
        self.before = clients

    def restart(self, dice):
        while dice.random() < 0.15:     # it is killed while it recovers
            self.one.oned = self.one._spawn('oned', '-f')
            time.sleep(dice.uniform(0.0, 0.5))
            self.one.kill()
        self.one.start()

    def unrest(self):
        found = [f'VM {x.findtext("ID")} {x.findtext("STATE")}/{x.findtext("LCM_STATE")}'
                 for x in self.xml('one.vmpool.infoextended', -2, -1, -1, -1).findall('VM') if not rests(x)]
        found += [f'image {x.findtext("ID")} {x.findtext("STATE")}' for x in self.xml('one.imagepool.info', -2, -1, -1).findall('IMAGE')
                  if int(x.findtext('STATE')) not in (IMAGE['READY'], IMAGE['USED'], IMAGE['ERROR'])]
        found += [f'app {x.findtext("ID")} {x.findtext("STATE")}' for x in self.xml('one.marketapppool.info', -2, -1, -1).findall('MARKETPLACEAPP')
                  if x.findtext('STATE') in ('0', '2')]
        return found

    def settle(self):
        began = time.time()
        while True:
            found = self.unrest()
            if not found:
                break
            if time.time() - began > REST_S:
                self.fail(f'after {REST_S} s there is no rest for ' + ', '.join(found[:10]) + '\n' + self.one.log_tail(60))
            time.sleep(0.05)
        type(self).settled = max(self.settled, time.time() - began)

    # ---- what must be true ----

    def names(self, kind):
        pool, args, element = KINDS[kind]
        return {int(x.findtext('ID')): x.findtext('NAME') for x in self.xml(pool, *args).findall(element)}

    def check_objects(self, wrong):
        ledger = self.ledger
        for kind in KINDS:
            there = self.names(kind)
            if not ledger.used[kind] and not ledger.asked[kind]:
                continue
            for id, name in ledger.live[kind].items():
                if there.get(id) != name:
                    wrong.append(f'{kind} {id} {name} was acknowledged; now there is {there.get(id)}')
            for id in ledger.gone[kind] & set(there):
                wrong.append(f'the end of {kind} {id} was acknowledged, but it is there')
            self.adopt(kind, there, wrong)

    def adopt(self, kind, there, wrong):
        """What was asked for without an answer either happened or didn't; from now on it is known."""
        ledger = self.ledger
        for id, name in ledger.doubtful[kind].items():
            if id in there and there[id] != name:
                wrong.append(f'{kind} {id} was {name} and is {there[id]}')
            (ledger.used if id in there else ledger.gone)[kind].add(id)
        known = set(ledger.live[kind]) | set(ledger.doubtful[kind]) | self.others[kind]
        for id in set(there) - known:
            if there[id] not in ledger.asked[kind]:
                wrong.append(f'nobody asked for {kind} {id} {there[id]}')
            if id in ledger.used[kind]:
                wrong.append(f'{kind} {id} came back as {there[id]}')
            ledger.used[kind].add(id)
        self.others[kind] |= set(there) - set(ledger.live[kind])
        ledger.doubtful[kind].clear()
        ledger.asked[kind].clear()

    def check_counters(self, wrong):
        values = {int(x.findtext('ID')): int(x.findtext('TEMPLATE/COUNTER', '0'))
                  for x in self.xml('one.templatepool.info', -2, -1, -1).findall('VMTEMPLATE')}
        for id, (acknowledged, asked) in self.ledger.counters.items():
            if id in values and not acknowledged <= values[id] <= asked:
                wrong.append(f'template {id} counts {values[id]}: {acknowledged} was acknowledged, {asked} asked for')
            if id in values:
                self.ledger.counters[id] = [values[id], asked]

    def check_vms(self, wrong):
        alive = {int(x.findtext('ID')): x for x in self.xml('one.vmpool.infoextended', -2, -1, -1, -1).findall('VM')}
        ledger = self.ledger
        for id, vm in list(ledger.vms.items()):
            x = alive.get(id)
            if x is None:
                del ledger.vms[id]
                answer = self.one.raw('one.vm.info', id)
                if not answer[0]:
                    wrong.append(f'VM {id} {vm.name} was acknowledged; now: {answer[1]}')
                    continue
                if not vm.end_asked:
                    wrong.append(f'VM {id} is DONE, and nobody asked for it')
                self.ended.add(id)
                x = ET.fromstring(answer[1])
            elif vm.end_acknowledged:
                wrong.append(f'the end of VM {id} was acknowledged; it is {x.findtext("STATE")}/{x.findtext("LCM_STATE")}')
            if x.findtext('NAME') != vm.name:
                wrong.append(f'VM {id} was {vm.name} and is {x.findtext("NAME")}')
            # Pools show the last record only.
            records = max((int(r.findtext('SEQ')) + 1 for r in x.findall('HISTORY_RECORDS/HISTORY')), default=0)
            if records < vm.deploys:
                wrong.append(f'VM {id} was deployed {vm.deploys} times and has {records} records')
        for id in set(alive) & self.ended:
            wrong.append(f'VM {id} was DONE and lives again')
        for id in set(alive) - set(ledger.vms) - self.others['vm']:
            if alive[id].findtext('NAME') not in ledger.asked['vm']:
                wrong.append(f'nobody asked for VM {id} {alive[id].findtext("NAME")}')
            if id in ledger.used['vm']:
                wrong.append(f'VM {id} came back')
            self.others['vm'].add(id)
            ledger.used['vm'].add(id)
        ledger.asked['vm'].clear()
        # Those that nobody owns any more are ended; so are those that failed, now and then.
        for id in set(alive) & self.others['vm']:
            self.call('one.vm.recover', id, 5)

    def check(self):
        self.settle()
        wrong = self.ledger.wrong
        self.check_objects(wrong)
        self.check_counters(wrong)
        self.check_vms(wrong)
        wrong += invariants.broken(self.one)
        newest = max(self.ledger.used['template'], default=-1)
        fresh = self.call('one.template.allocate', 'NAME=fresh')
        if fresh <= newest:
            wrong.append(f'template {fresh} was made after {newest}')
        self.call('one.template.delete', fresh)
        self.ledger.used['template'].add(fresh)
        return wrong

    def test_nothing_is_lost_or_left_hanging_when_oned_is_killed(self):
        self.others, self.ended = collections.defaultdict(set), set()
        for kind in KINDS:
            self.others[kind] = set(self.names(kind))
        dice = random.Random(SEED)
        for number in range(self.rounds):
            self.load_and_kill(dice)
            self.restart(dice)
            wrong = self.check()
            if wrong:
                self.fail(f'{self.label}, seed {SEED}, kill {number + 1}:\n' + '\n'.join(wrong[:30]) + '\n' + self.one.log_tail(40))
        print(f'         {self.label}: {self.rounds} kills, {self.ledger.writes} acknowledged writes, none lost, '
              f'{len(self.ledger.used["vm"])} VMs, longest way to rest {self.settled:.1f} s, seed {SEED}', flush=True)
        if self.backend == 'sqlite':
            self.assertEqual(self.one.stop(), 0)
            db = sqlite3.connect(self.folder / 'var' / 'one.db')
            self.assertEqual(db.execute('PRAGMA integrity_check').fetchone(), ('ok',))
            db.close()
            self.one.start()


class CrashOnMariaDB(Crash):
    backend = 'mysql'
    rounds = max(1, ROUNDS // 4)
    label = 'MariaDB'


if __name__ == '__main__':
    unittest.main()
