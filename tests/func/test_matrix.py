"""Every method x everybody x every lock: who is let through and who is refused, with which words, as matrix_rows.py (what a method asks)
and rights.py (who has it) say. A method without a row fails.

"Let through" is an answer that is a success or one of the codes its row names (a wrong state, a bad argument): what follows the right.
AUTHENTICATION and AUTHORIZATION never are. Refusals must have the exact words, which tell right and object.
"""
import concurrent.futures
import dataclasses
import itertools
import threading
import time
import unittest
import xml.etree.ElementTree as ET
import xmlrpc.client

import rights
from functest import AUTHENTICATION, AUTHORIZATION, IMAGE, OneCase
from matrix_rows import KINDS, OPERATIONS, THEN, T, UID_0
from rights import ADMIN, ALL, BITS, CREATE, GROUP, MANAGE, ONE, USE, Thing, Who

THREADS = 4
# Of the XML-RPC library: they need no session, and what system.multicall brings is looked at call by call.
LIBRARY = {'system.listMethods', 'system.methodSignature', 'system.methodHelp', 'system.multicall', 'system.methodExist',
           'system.getCapabilities', 'system.capabilities', 'system.shutdown'}
UNLOCKED, LOCKED = ('private', 'shared', 'open'), ('lock 1', 'lock 2', 'lock 3', 'lock 4')
PERM = {'private': 0o600, 'shared': 0o640}      # the others are open: what is refused there, the lock refuses
READY_IMAGE, READY_NET = str(IMAGE['READY']), '1'

MAKE = {        # what oneadmin calls for a new object; {n}: a number
    'vdc': ('NAME=name{n}',), 'document': ('NAME=name{n}', 100), 'cluster': ('name{n}',), 'host': ('name{n}', 'dummy', 'dummy', -1),
    'hook': ('NAME=name{n}\nTYPE=api\nCALL="one.vm.allocate"\nCOMMAND=x',),
    'datastore': ('NAME=name{n}\nTYPE=IMAGE_DS\nDS_MAD=dummy\nTM_MAD=dummy', 0),
    'image': ('NAME=name{n}\nTYPE=DATABLOCK\nSIZE=1', '=ds'),
    'vn': ('NAME=name{n}\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP="10.0.0.1",SIZE=200]', 0),
    'secgroup': ('NAME=name{n}',), 'vntemplate': ('NAME=name{n}\nVN_MAD=dummy\nBRIDGE=br0',), 'vrouter': ('NAME=name{n}',),
    'market': ('NAME=name{n}\nMARKET_MAD=http\nBASE_URL="http://127.0.0.1:1"\nPUBLIC_DIR="/nowhere"',),
    'marketapp': ('NAME=name{n}\nTYPE=VMTEMPLATE\nORIGIN_ID={template}', '=market'), 'backupjob': ('NAME=name{n}',),
    'template': ('NAME=name{n}\nCPU=1\nMEMORY=64',), 'vmgroup': ('NAME=name{n}\nROLE=[NAME=a]',),
    'vm': ('NAME=name{n}\nCPU=1\nMEMORY=64', True),
}


@dataclasses.dataclass
class Target(Thing):
    name: str = ''
    password: str = ''


class Job:
    """The rows of one kind on objects of one variant."""

    def __init__(self, case, kind, variant):
        self.case, self.kind, self.row_kind, self.variant = case, kind, KINDS[kind], variant
        self.cells, self.wrong, self.refused = 0, [], []

    # ---- the object ----

    def make(self):
        n, case = next(case_numbers), self.case
        if self.kind == 'system':
            return None
        if self.kind == 'zone':
            return Target('ZONE', 0, name='OpenNebula')
        if self.kind == 'group':
            return Target('GROUP', case.group, 0, case.group, 0o040, name='staff')
        if self.kind == 'user':
            uid = case.call('one.user.allocate', f'name{n}', 'pw', 'core', [case.group])
            return Target('USER', uid, uid, case.group, 0o600, name=f'name{n}', password='pw')
        id = case.oneadmin(f'one.{self.kind}.allocate', *case.fill(MAKE[self.kind], None, n))
        target = Target(self.row_kind.type, id, name=f'name{n}')
        if self.kind == 'image':
            case.one.wait('image ready', lambda: case.oneadmin_xml('one.image.info', id).findtext('STATE') == READY_IMAGE)
        if self.kind == 'vn':
            case.one.wait('network ready', lambda: case.oneadmin_xml('one.vn.info', id).findtext('STATE') == READY_NET)
        self.set(target)
        return target

    def set(self, target):
        """Owner, bits and lock as the variant says."""
        case, method = self.case, f'one.{self.kind}'
        if self.row_kind.lockable:
            case.oneadmin(f'{method}.unlock', target.id)
        if self.row_kind.owned:
            target.uid, target.gid, target.perm = case.who['owner'].uid, case.group, PERM.get(self.variant, 0o776)
            bits = [target.perm >> i & 1 for i in range(8, -1, -1)]
            case.oneadmin(f'{method}.chown', target.id, target.uid, target.gid)
            case.oneadmin(f'{method}.chmod', target.id, *bits, *[False][:self.kind == 'template'])
        if self.variant in LOCKED:
            target.lock = int(self.variant[-1])
            case.oneadmin(f'{method}.lock', target.id, target.lock, False)

    # ---- one cell ----

    def everybody(self, target):
        people = dict(self.case.who)
        if self.kind == 'user':
            people['owner'] = Who(target.id, self.case.group, frozenset({self.case.group}), f'{target.name}:{target.password}')
        if not self.row_kind.operations:
            people = {name: who for name, who in people.items() if not who.operations}
        if self.variant in UNLOCKED[:1]:
            people.update(self.case.nobody)
        return people

    def expected(self, row, who, target):
        """The text of a refusal after the method's name, or None."""
        if who is None:
            return "User couldn't be authenticated, aborting call."
        if row.only:
            if (who.uid if row.only == UID_0 else who.gid) == 0:
                return None
            return f'User [{who.uid}] : {row.text}.' if row.text else f'User [{who.uid}] not authorized to perform action on '
        for checks in self.steps(row, who, target):
            told = rights.refusals(self.case.rules, who, checks)
            if told:
                return f'User [{who.uid}] : ' + '; '.join(told) + '.'
        return None

    def steps(self, row, who, target):
        """The row's checks, those that are told together in one list."""
        steps = [[]]
        for check in row.checks:
            if check is THEN:
                steps.append([])
                continue
            right, what = check
            if what == 'T':
                right, thing = who.operations.get(row.operation, right), target
            elif what.isupper():
                thing = rights.creation(who, what) if right == CREATE else rights.type_alone(what)
            else:
                thing = self.case.world[what]
            steps[-1].append((right, thing))
        return steps

    def cell(self, row, name, who, target):
        self.cells += 1
        n = next(case_numbers)
        args = self.case.fill(row.args, target, n)
        expected = self.expected(row, who, target)
        session = who.session if who else self.case.sessions[name]
        try:
            answer = self.case.raw(row.method, *args, auth=session)
        except xmlrpc.client.Fault as fault:
            answer = [False, f'fault {fault.faultString}', fault.faultCode]
        if expected is None:
            right = answer[0] or answer[2] in row.ok
            if row.succeeds:
                right = right and answer[0] == bool(row.succeeds(who, target))
        else:
            right = not answer[0] and answer[2] == (AUTHORIZATION if who else AUTHENTICATION) and \
                answer[1].startswith(f'[{row.method}] {expected}')
            self.refused.append((row, name, [session, *args], answer))
        if not right:
            self.wrong.append(f'{self.kind}, {self.variant}: {row} as {name}: expected {expected or "let through"}, '
                              f'got {str(answer[1])[:150]!r} {answer[2]}')
        return answer, n

    def clear(self, row, answer, target, n):
        """Undoes what a success changed; the object to go on with."""
        case = self.case
        if row.after == 'gone':
            self.refused.clear()        # they were about it
            return self.make()
        if row.after == 'changed':
            self.set(target)
        elif row.after == 'renamed':
            target.name = row.args[1].format(n=n)
        elif row.after == 'ended':
            case.oneadmin('one.vm.recover', answer[1], 3)
        elif row.after:
            case.raw(row.after, *(case.fill(row.undo, target, n) if row.undo else [answer[1]]))
        return target

    def run(self):
        target = self.make()
        for row in self.row_kind.rows:
            if row.method not in self.case.methods:
                continue
            for name, who in self.everybody(target).items():
                answer, n = self.cell(row, name, who, target)
                if answer[0]:
                    target = self.clear(row, answer, target, n)
        self.pool(target)
        self.all_at_once()

    # ---- beside the rows ----

    def pool(self, target):
        """The object is in the pool of those whom it shows itself."""
        if not self.row_kind.pool:
            return
        method, args, element = self.row_kind.pool
        for name, who in self.everybody(target).items():
            self.cells += 1
            answer = self.case.raw(method, *args, auth=who.session if who else self.case.sessions[name])
            if who is None:
                right = answer[2] == AUTHENTICATION
            else:
                shown = str(target.id) in [x.findtext('ID') for x in ET.fromstring(answer[1]).findall(element)] if answer[0] else None
                right = shown == rights.listed(self.case.rules, who, -2, target)
            if not right:
                self.wrong.append(f'{self.kind}, {self.variant}: {method} as {name}: {target.id} should '
                                  f'{"" if who and rights.listed(self.case.rules, who, -2, target) else "not "}be there')

    def all_at_once(self):
        """What was refused is refused in the same words when it comes through system.multicall."""
        calls = [{'methodName': row.method, 'params': args} for row, _, args, _ in self.refused]
        answers = self.case.proxy().system.multicall(calls) if calls else []
        for (row, name, _, before), now in zip(self.refused, answers, strict=True):
            if now[0][1:3] != before[1:3] and not before[0]:
                self.wrong.append(f'{self.kind}, {self.variant}: {row} as {name}, in a multicall: {now[0]} after {before}')


case_numbers = itertools.count(1)


class Matrix(OneCase):
    @classmethod
    def prepare(cls):
        cls.local = threading.local()
        cls.methods = set(xmlrpc.client.ServerProxy(cls.one.endpoint).system.listMethods())
        cls.people()
        cls.things()

    # ---- calls: a connection a thread ----

    @classmethod
    def proxy(cls):
        if not hasattr(cls.local, 'proxy'):
            cls.local.proxy = xmlrpc.client.ServerProxy(cls.one.endpoint)
        return cls.local.proxy

    @classmethod
    def raw(cls, method, *args, auth=None):
        return getattr(cls.proxy(), method)(auth or cls.one.auth, *args)

    @classmethod
    def oneadmin(cls, method, *args):
        answer = cls.raw(method, *args)
        if not answer[0]:
            raise AssertionError(f'{method}{args}: {answer[1]}')
        return answer[1]

    @classmethod
    def oneadmin_xml(cls, method, *args):
        return ET.fromstring(cls.oneadmin(method, *args))

    @classmethod
    def call(cls, method, *args, auth=None):
        return cls.one.call(method, *args, auth=auth)

    @classmethod
    def fill(cls, args, target, n):
        """The arguments of a row, or of something to make."""
        words = {name.replace(' ', '_'): thing.id for name, thing in cls.world.items()}
        if target is not None:
            words.update(name=target.name, password=target.password)

        def one(arg):
            if arg is T:
                return target.id
            if isinstance(arg, list):
                return [one(a) for a in arg]
            if not isinstance(arg, str):
                return arg
            return cls.world[arg[1:]].id if arg.startswith('=') else arg.format(n=n, **words)
        return [one(a) for a in args]

    # ---- who there is ----

    @classmethod
    def person(cls, name, group, *more, operations=()):
        uid = cls.call('one.user.allocate', name, 'pw', 'core', [group, *more])
        return Who(uid, group, frozenset([group, *more]), f'{name}:pw', dict(operations))

    @classmethod
    def people(cls):
        call, who = cls.call, {}
        cls.group = group = call('one.group.allocate', 'staff')
        call('one.vdc.delgroup', 0, group)
        heirs = call('one.group.allocate', 'heirs')
        bound = call('one.group.allocate', 'bound')
        call('one.vdc.delgroup', 0, bound)
        who['owner'], who['member'], who['other'] = cls.person('owner', group), cls.person('member', group), cls.person('other', 1)
        who['group admin'] = admin = cls.person('gadmin', group)
        # Limited to a group he has beside his own; a member of oneadmin's group, and the same limited to another group.
        for name, own, beside, limit in (('token', 1, group, group), ('group 0 beside', 1, 0, None), ('group 0 limited', 0, 1, 1)):
            person = who[name] = cls.person(name.replace(' ', '-'), own, beside)
            if limit is not None:
                user = person.session.partition(':')[0]
                token = call('one.user.login', user, '', 3600, limit, auth=person.session)
                person.session, person.gid, person.groups = f'{user}:{token}', limit, frozenset([limit])
        who['oneadmin'] = Who(0, 0, frozenset([0]), cls.one.auth)
        cls.rules = rights.BOOTSTRAP + rights.vdc_rules(1) + rights.vdc_rules(heirs) + rights.group_admin_rules(admin.uid, group)
        # One right on everything, and nothing else.
        everything = '+'.join(t for t in BITS if t != 'HOOK')
        for right in (USE, MANAGE, ADMIN, CREATE):
            person = who[rights.WORDS[right]] = cls.person(rights.WORDS[right], bound)
            cls.rules.append(rights.rule(ONE | person.uid, everything, ALL, right))
            call('one.acl.addrule', *cls.rules[-1].arguments)
        if 'one.group.addadmin' in cls.methods:
            call('one.group.addadmin', group, admin.uid)
        else:
            for rule in rights.group_admin_rules(admin.uid, group):
                call('one.acl.addrule', *rule.arguments)
        # VM operations that need another right than usual: by his own template, by that of his primary group.
        who['operations at USE'] = low = cls.person('low', group, operations=dict.fromkeys(OPERATIONS, USE))
        call('one.user.update', low.uid, f'VM_USE_OPERATIONS="{",".join(OPERATIONS)}"', 1)
        strict = call('one.group.allocate', 'strict')
        call('one.group.update', strict, f'VM_ADMIN_OPERATIONS="{",".join(OPERATIONS)}"', 1)
        who['operations at ADMIN'] = high = cls.person('high', strict, group, operations=dict.fromkeys(OPERATIONS, ADMIN))
        cls.rules += rights.vdc_rules(strict) + [rights.rule(ONE | high.uid, 'VM', ALL, MANAGE)]
        call('one.acl.addrule', *cls.rules[-1].arguments)
        cls.heir = cls.person('heir', heirs)
        cls.heirs = Thing('GROUP', heirs, 0, heirs, 0o040)
        off = cls.person('off', group)
        token = call('one.user.login', 'off', '', 3600, -1, auth=off.session)
        call('one.user.enable', off.uid, False)
        cls.who = who
        cls.sessions = {'unknown': 'no-such-user:pw', 'wrong password': 'owner:wrong', 'no password': 'owner:', 'disabled': off.session}
        cls.nobody = dict.fromkeys(cls.sessions)
        cls.more_sessions = ['', ':', 'owner', 'oneadmin', 'oneadmin:', f'off:{token}', 'serveradmin:x', 'serveradmin:oneadmin:x']

    # ---- what methods refer to ----

    @classmethod
    def shared(cls, kind, *args, type=None, method=None):
        """An object of oneadmin that "staff" may use."""
        if f'one.{kind}.allocate' not in cls.methods:
            return Thing(type or KINDS[kind].type, 99999)
        thing = Thing(type or KINDS[kind].type, cls.call(f'one.{kind}.allocate', *args), 0, 0, 0o400)
        if KINDS[kind].owned:
            cls.call(f'one.{kind}.chown', thing.id, 0, cls.group)
            cls.call(f'one.{kind}.chmod', thing.id, 1, 1, 0, 1, 0, 0, 0, 0, 0, *[False][:kind == 'template'])
            thing.gid, thing.perm = cls.group, 0o640
        return thing

    @classmethod
    def things(cls):
        ds = 'NAME={}\nTYPE=IMAGE_DS\nDS_MAD=dummy\nTM_MAD=dummy'
        cls.world = world = {'heir': Thing('USER', cls.heir.uid, cls.heir.uid, cls.heir.gid, 0o600), 'heirs': cls.heirs,
                             'zone': Thing('ZONE', 0), 'cluster 0': Thing('CLUSTER', 0)}
        for name in ('host', 'clusterhost'):
            world[name] = cls.shared('host', name, 'dummy', 'dummy', -1)
        for name in ('ds', 'ds2', 'clusterds'):
            world[name] = cls.shared('datastore', ds.format(name), 0)
        world['sysds'] = cls.shared('datastore', 'NAME=sysds\nTYPE=SYSTEM_DS\nTM_MAD=dummy', 0)
        world['backupds'] = world['sysds']
        world['cluster'] = cls.shared('cluster', 'cluster')
        for name in ('net', 'clusternet'):
            world[name] = cls.shared('vn', f'NAME={name}\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP="10.0.0.1",SIZE=200]', 0)
        for id in (world['ds'].id, world['ds2'].id):
            cls.one.wait('datastore measured', lambda id=id: int(cls.oneadmin_xml('one.datastore.info', id).findtext('TOTAL_MB')) > 0)
        world['image'] = cls.shared('image', 'NAME=image\nTYPE=DATABLOCK\nSIZE=1', world['ds'].id)
        world['sg'] = cls.shared('secgroup', 'NAME=sg')
        world['template'] = cls.shared('template', 'NAME=template\nCPU=1\nMEMORY=64')
        world['vrtemplate'] = cls.shared('template', 'NAME=vrtemplate\nCPU=1\nMEMORY=64\nVROUTER=YES')
        world['ended'] = cls.shared('vm', 'CPU=1\nMEMORY=64', True)
        cls.call('one.vm.action', 'terminate-hard', world['ended'].id)
        world['vmgroup'] = cls.shared('vmgroup', *cls.fill(MAKE['vmgroup'], None, 'vmgroup'))
        world['market'] = cls.shared('market', *cls.fill(MAKE['market'], None, 'market'))

    # ---- the tests ----

    def test_every_method_has_a_row(self):
        known = {row.method for kind in KINDS.values() for row in kind.rows} | {kind.pool[0] for kind in KINDS.values() if kind.pool}
        self.assertEqual(self.methods - known - LIBRARY, set(), 'methods nobody said the rights of: add rows to matrix_rows.py')

    def test_the_rules_are_those_that_the_model_knows(self):
        self.assertEqual(rights.stored(self.xml('one.acl.info')), {rule.numbers for rule in self.rules})

    def test_sessions_that_are_none(self):
        for session in self.more_sessions:
            for method in ('one.system.version', 'one.user.info', 'one.userpool.info'):
                answer = self.raw(method, *[-1][:method == 'one.user.info'], auth=session or ' ')
                self.assertEqual((answer[0], answer[2]), (False, AUTHENTICATION), f'{method} of "{session}": {answer}')

    def test_who_may_do_what_to_what(self):
        jobs = [Job(type(self), kind, variant) for kind, row_kind in KINDS.items()
                for variant in (UNLOCKED if row_kind.owned else UNLOCKED[:1]) + (LOCKED if row_kind.lockable else ())
                if kind not in MAKE or f'one.{kind}.allocate' in self.methods]
        jobs.sort(key=lambda job: -len(job.row_kind.rows))
        began = time.time()
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            for future in [pool.submit(job.run) for job in jobs]:
                future.result()
        wrong = [line for job in jobs for line in job.wrong]
        print(f'  {sum(job.cells for job in jobs)} cells in {time.time() - began:.0f} s', flush=True)
        (self.folder / 'wrong').write_text('\n'.join(wrong) + '\n')
        self.assertEqual(len(wrong), 0, f'cells are wrong (all of them: {self.folder}/wrong):\n' + '\n'.join(wrong[:40]))


if __name__ == '__main__':
    unittest.main()
