"""What test_property.py knows of a cloud: who there is, what there is, whose it is, and from that the rules there must be. Only calls that
succeeded change it; that the cloud agrees is what is tested."""
import dataclasses
import xml.etree.ElementTree as ET

import rights
from rights import ALL, CLUSTER, GROUP, ONE, Thing, Who

# kind -> type of it, its pool, what follows the filter, element of one
POOLS = {
    'template': ('TEMPLATE', 'one.templatepool.info', (-1, -1), 'VMTEMPLATE'),
    'image': ('IMAGE', 'one.imagepool.info', (-1, -1), 'IMAGE'),
    'vn': ('NET', 'one.vnpool.info', (-1, -1), 'VNET'),
    'secgroup': ('SECGROUP', 'one.secgrouppool.info', (-1, -1), 'SECURITY_GROUP'),
    'vm': ('VM', 'one.vmpool.infoextended', (-1, -1, -2), 'VM'),
    'document': ('DOCUMENT', 'one.documentpool.info', (-1, -1, 100), 'DOCUMENT'),
    'vmgroup': ('VMGROUP', 'one.vmgrouppool.info', (-1, -1), 'VM_GROUP'),
    'vntemplate': ('VNTEMPLATE', 'one.vntemplatepool.info', (-1, -1), 'VNTEMPLATE'),
    'vrouter': ('VROUTER', 'one.vrouterpool.info', (-1, -1), 'VROUTER'),
    'backupjob': ('BACKUPJOB', 'one.backupjobpool.info', (-1, -1), 'BACKUPJOB'),
    # These have no filter: it is -2.
    'datastore': ('DATASTORE', 'one.datastorepool.info', None, 'DATASTORE'),
    'host': ('HOST', 'one.hostpool.info', None, 'HOST'),
    'cluster': ('CLUSTER', 'one.clusterpool.info', None, 'CLUSTER'),
    'vdc': ('VDC', 'one.vdcpool.info', None, 'VDC'),
    'zone': ('ZONE', 'one.zonepool.info', None, 'ZONE'),
    'user': ('USER', 'one.userpool.info', None, 'USER'),
    'group': ('GROUP', 'one.grouppool.info', None, 'GROUP'),
}
MEMBERS = {'cluster': 'CLUSTERS/CLUSTER/CLUSTER_ID', 'host': 'HOSTS/HOST/HOST_ID', 'datastore': 'DATASTORES/DATASTORE/DATASTORE_ID',
           'vn': 'VNETS/VNET/VNET_ID'}
ALL_OF_THEM = -10


def ids(x, path):
    return {int(e.text) for e in x.findall(path)}


def thing_of(kind, x):
    """An object as its XML says."""
    type, id = POOLS[kind][0], int(x.findtext('ID'))
    if kind == 'user':
        return Thing(type, id, id, int(x.findtext('GID')), 0o600)
    if kind == 'group':
        return Thing(type, id, 0, id, 0o040)
    thing = Thing(type, id)
    if x.find('PERMISSIONS') is not None:
        thing.uid, thing.gid = int(x.findtext('UID')), int(x.findtext('GID'))
        thing.perm = int(''.join(e.text for e in x.find('PERMISSIONS')), 2)
    thing.lock = int(x.findtext('LOCK/LOCKED', '0'))
    if kind in ('datastore', 'vn'):
        thing.clusters = frozenset(ids(x, 'CLUSTERS/ID'))
    if kind == 'host':
        thing.clusters = frozenset([int(x.findtext('CLUSTER_ID'))])
    thing.reservation = kind == 'vn' and bool(x.findtext('PARENT_NETWORK_ID'))
    return thing


@dataclasses.dataclass
class User:
    id: int
    name: str
    gid: int
    groups: set
    password: str = 'pw'
    umask: int = 0o177
    enabled: bool = True
    tokens: list = dataclasses.field(default_factory=list)      # (token, the group it is limited to)

    def who(self, token=None):
        if token:
            return Who(self.id, token[1], frozenset([token[1]]), f'{self.name}:{token[0]}')
        return Who(self.id, self.gid, frozenset(self.groups), f'{self.name}:{self.password}')


class World:
    def __init__(self, one, kinds):
        self.things = {kind: read(one, kind) for kind in kinds}
        self.users = {0: User(0, 'oneadmin', 0, {0})}
        self.admins = set()                     # (user, group he is an administrator of)
        self.vdcs = read_vdcs(one)
        self.explicit = {}                      # id -> rule
        self.lockers = {}                       # (kind, id) -> user
        self.dead = []                          # sessions that are no more
        self.asleep = []                        # (session, user, group): limited to a group that he left
        self._rules = None

    # ---- rules ----

    @property
    def rules(self):
        if self._rules is None:
            self._rules = rights.BOOTSTRAP + sorted(self.vdc_rules(), key=lambda r: r.numbers) + list(self.explicit.values())
            for uid, gid in sorted(self.admins):
                self._rules += rights.group_admin_rules(uid, gid)
        return self._rules

    def changed(self):
        self._rules = None

    def vdc_rules(self):
        found = set()
        for vdc in self.vdcs.values():
            for group in vdc['group']:
                for kind, types in (('cluster', 'HOST+NET+DATASTORE'), ('host', 'HOST'), ('datastore', 'DATASTORE'), ('vn', 'NET')):
                    for id in vdc[kind]:
                        where = ALL if id == ALL_OF_THEM else (CLUSTER if kind == 'cluster' else ONE) | id
                        found.update(rights.vdc_rules(group, types, where))
        return found

    def forget_rules(self, gone):
        self.explicit = {id: rule for id, rule in self.explicit.items() if not gone(rule)}
        self.changed()

    # ---- coming and going ----

    def added(self, kind, id, who, **more):
        base = 0o777 if who.uid == 0 or who.gid == 0 else 0o666
        self.things[kind][id] = Thing(POOLS[kind][0], id, who.uid, who.gid, base & ~self.users[who.uid].umask, **more)

    def removed(self, kind, id):
        thing = self.things[kind].pop(id)
        self.forget_rules(lambda r: r.types == frozenset([thing.type]) and r.resource == ONE | id)
        for vdc in self.vdcs.values():
            vdc.get(kind, set()).discard(id)

    def user_removed(self, uid):
        user = self.users.pop(uid)
        self.dead += [user.who().session] + [user.who(t).session for t in user.tokens]
        self.admins = {a for a in self.admins if a[0] != uid}
        self.removed('user', uid)
        self.forget_rules(lambda r: r.user == ONE | uid)

    def group_removed(self, gid):
        self.removed('group', gid)
        self.forget_rules(lambda r: r.user == GROUP | gid or r.resource == GROUP | gid)

    def cluster_removed(self, id):
        self.removed('cluster', id)
        self.forget_rules(lambda r: r.resource == CLUSTER | id)

    def groups_changed(self, user):
        """A token limited to a group he left is no session while he isn't in it."""
        self.things['user'][user.id].gid = user.gid
        self.asleep += [(user.who(t).session, user, t[1]) for t in user.tokens if t[1] not in user.groups]
        user.tokens = [t for t in user.tokens if t[1] in user.groups]

    def tokens_dropped(self, user):
        self.dead += [user.who(t).session for t in user.tokens]
        user.tokens = []


# ---- what the cloud says ----

def read(one, kind):
    _, method, args, element = POOLS[kind]
    x = one.xml(method, *(() if args is None else (-2, *args)))
    return {int(e.findtext('ID')): thing_of(kind, e) for e in x.findall(element)}


def read_vdcs(one):
    return {int(x.findtext('ID')): {'group': ids(x, 'GROUPS/ID'), **{kind: ids(x, path) for kind, path in MEMBERS.items()}}
            for x in one.xml('one.vdcpool.info').findall('VDC')}


def disagreements(one, world):
    """Where the cloud isn't as the world says."""
    lines = []

    def same(what, has, wants):
        if has != wants:
            lines.append(f'{what}: there is {has}, there should be {wants}')
    for kind, things in world.things.items():
        there = read(one, kind)
        same(f'the {kind}s', sorted(there), sorted(things))
        for id in there.keys() & things.keys():
            same(f'{kind} {id}', there[id], things[id])
    for x in one.xml('one.userpool.info').findall('USER'):
        user = world.users.get(int(x.findtext('ID')))
        if user:
            same(f'user {user.id}', (int(x.findtext('GID')), ids(x, 'GROUPS/ID'), x.findtext('ENABLED')),
                 (user.gid, user.groups, '1' if user.enabled else '0'))
    for x in one.xml('one.grouppool.info').findall('GROUP'):
        gid = int(x.findtext('ID'))
        same(f'users of group {gid}', ids(x, 'USERS/ID') - {1}, {u.id for u in world.users.values() if gid in u.groups})
        same(f'administrators of group {gid}', ids(x, 'ADMINS/ID'), {u for u, g in world.admins if g == gid})
    same('VDCs', read_vdcs(one), world.vdcs)
    stored, wanted = rights.stored(one.xml('one.acl.info')), {rule.numbers for rule in world.rules}
    text = lambda rules: sorted(' '.join(f'{n:x}' for n in r) for r in rules)  # noqa: E731
    same('rules beside', text(stored - wanted), [])
    same('missing rules', [], text(wanted - stored))
    return lines


def wrongly_shown(raw, world, who, kinds):
    """Where a pool isn't what the rules let this caller see."""
    lines = []
    for kind in kinds:
        _, method, args, element = POOLS[kind]
        flags = (-2,) if args is None else (-4, -3, -2, -1, who.uid, 0)
        for flag in flags:
            answer = raw(method, *(() if args is None else (flag, *args)), auth=who.session)
            if not answer[0]:
                lines.append(f'{method} {flag} as {who}: {answer[1]}')
                continue
            shown = ids(ET.fromstring(answer[1]), f'{element}/ID')
            wanted = {t.id for t in world.things[kind].values() if rights.listed(world.rules, who, flag, t)}
            if shown != wanted:
                lines.append(f'{method} {flag} as {who}: shows {sorted(shown - wanted)} too much, misses {sorted(wanted - shown)}')
    return lines
