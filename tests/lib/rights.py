"""Who may do what: OpenNebula's rules written down once more, without a look at oned, for tests to compare with.

A check is a right (an operation's number, plus EXEMPT for those that no lock stops) and an object, or a type alone. Here are: operations and
how a check is evaluated, rules and their numbers, locks, group administrators, virtual data centres, and which rows a pool's filter leaves.
"""
import dataclasses

USE, MANAGE, ADMIN, CREATE, EXEMPT = 1, 2, 4, 8, 0x10
WORDS = {USE: 'USE', MANAGE: 'MANAGE', ADMIN: 'ADMIN', CREATE: 'CREATE'}
TYPES = ('VM', 'HOST', 'NET', 'IMAGE', 'USER', 'TEMPLATE', 'GROUP', 'ACL', 'DATASTORE', 'CLUSTER', 'DOCUMENT', 'ZONE', 'SECGROUP', 'VDC',
         'VROUTER', 'MARKETPLACE', 'MARKETPLACEAPP', 'VMGROUP', 'VNTEMPLATE', 'HOOK', 'BACKUPJOB')
BITS = {word: 0x1000000000 << i for i, word in enumerate(TYPES)}
ONE, GROUP, ALL, CLUSTER = 0x100000000, 0x200000000, 0x400000000, 0x800000000
LOCAL_ZONE = ONE
IN_CLUSTERS = ('HOST', 'NET', 'DATASTORE')      # what a % rule may name
# What a lock of a level of the API blocks from: USE, MANAGE, ADMIN, and USE again.
LOCKS_FROM = {0: 99, 1: USE, 2: MANAGE, 3: ADMIN, 4: USE}


@dataclasses.dataclass
class Who:
    uid: int
    gid: int
    groups: frozenset
    session: str = ''
    operations: dict = dataclasses.field(default_factory=dict)      # VM operation -> right, where he has another than usual

    @property
    def admin(self):
        return self.uid == 0 or 0 in self.groups


@dataclasses.dataclass
class Thing:
    """An object as far as rights go; perm is octal, as of files; lock a level of the API, 0 for none."""
    type: str
    id: int
    uid: int = 0
    gid: int = 0
    perm: int = 0o400
    lock: int = 0
    clusters: frozenset = frozenset()
    reservation: bool = False


@dataclasses.dataclass(frozen=True)
class Rule:
    """As numbers: a selector is one of ONE, GROUP, CLUSTER with an id, or ALL."""
    user: int
    types: frozenset
    resource: int
    rights: int
    zone: int = ALL

    @property
    def numbers(self):
        return self.user, sum(BITS[t] for t in self.types) | self.resource, self.rights, self.zone

    @property
    def arguments(self):
        return [f'{n:x}' for n in self.numbers]

    def of(self, who):
        return self.user == ALL or self.user == ONE | who.uid or any(self.user == GROUP | g for g in who.groups)

    def gives(self, right, thing):
        if not self.rights & right or thing.type not in self.types:
            return False
        kind, id = self.resource & (ONE | GROUP | ALL | CLUSTER), self.resource & 0xffffffff
        if kind == ALL:
            return not thing.reservation
        if kind == CLUSTER:
            return id in thing.clusters and not thing.reservation
        return id == (thing.gid if kind == GROUP else thing.id)


def rule(user, types, resource, rights, zone=ALL):
    return Rule(user, frozenset(types.split('+')), resource, rights, zone)


# The rules of a new database; the last three are those of VDC 0, whose one group is "users".
BOOTSTRAP = [
    rule(GROUP | 1, 'VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP+BACKUPJOB', ALL, CREATE),
    rule(ALL, 'ZONE', ALL, USE),
    rule(ALL, 'MARKETPLACE+MARKETPLACEAPP', ALL, USE),
]


def vdc_rules(group, types='HOST+NET+DATASTORE', resource=ALL):
    """What a VDC gives a group on one resource; a cluster is HOST+NET+DATASTORE with CLUSTER | id."""
    return [rule(GROUP | group, t, resource, MANAGE if t == 'HOST' else USE, LOCAL_ZONE) for t in types.split('+')]


def group_admin_rules(uid, gid):
    return [
        rule(ONE | uid, 'USER', GROUP | gid, USE | MANAGE | ADMIN | CREATE),
        rule(ONE | uid, 'VM+NET+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VROUTER+VMGROUP+BACKUPJOB', GROUP | gid, USE | MANAGE),
        rule(ONE | uid, 'VROUTER', ALL, CREATE),
        rule(ONE | uid, 'GROUP', ONE | gid, MANAGE),
    ]


def stored(pool):
    """The numbers of the rules in an ACL_POOL."""
    return {tuple(int(x.findtext(k), 16) for k in ('USER', 'RESOURCE', 'RIGHTS', 'ZONE')) for x in pool.findall('ACL')}


def bits_give(who, right, thing):
    """The nine bits; CREATE is never among them."""
    if right == CREATE or thing.id < 0:
        return False
    bit = {USE: 4, MANAGE: 2, ADMIN: 1}[right]
    return bool(who.uid == thing.uid and thing.perm & bit << 6 or thing.gid in who.groups and thing.perm & bit << 3 or thing.perm & bit)


def locked(right, thing):
    return not right & EXEMPT and thing.lock > 0 and LOCKS_FROM[thing.lock] <= right


def may(rules, who, right, thing):
    if locked(right, thing):
        return False
    right &= ~EXEMPT
    return who.admin or bits_give(who, right, thing) or any(r.of(who) and r.gives(right, thing) for r in rules)


def creation(who, type):
    return Thing(type, -1, who.uid, who.gid)


def type_alone(type):
    return Thing(type, -1, -1, -1)


def refusals(rules, who, checks):
    """The reasons of the checks [(right, thing), ...] that fail, as they are told."""
    told = []
    for right, thing in checks:
        if may(rules, who, right, thing):
            continue
        at = f' [{thing.id}]' if thing.id >= 0 else ''
        told.append(f'{thing.type} is locked.{at}' if who.admin else f'Not authorized to perform {WORDS[right & ~EXEMPT]} {thing.type}{at}')
    return told


def listed(rules, who, flag, thing):
    """Whether a pool shows it; flag as of the API. -4 is filtered by permission (OpenNebula 6.10 doesn't)."""
    usable = bool(thing.perm & 0o004 or thing.gid in who.groups and thing.perm & 0o040
                  or any(r.of(who) and r.gives(USE, thing) for r in rules))
    if flag == -3:
        return thing.uid == who.uid
    if flag >= 0:
        return thing.uid == flag and (flag == who.uid or who.admin or usable)
    if flag == -1:
        return thing.uid == who.uid or thing.gid in who.groups and (who.admin or usable)
    if flag == -4:
        return thing.gid == who.gid and (who.admin or thing.uid == who.uid or usable)
    return who.admin or thing.uid == who.uid or usable
