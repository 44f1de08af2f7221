"""Any sequence of operations by anybody leaves a cloud in order: each call was let through or refused as the rules say (rights.py), quotas,
leases and hosts count what there is (invariants.py), VDCs give what they list and no more, and nobody sees what the rules don't show him.
The same after a restart, and after a kill -9.

$PERIGEE_PROPERTY_OPERATIONS: how many (default 10000); $PERIGEE_PROPERTY_SEED: of the dice; it is printed.
"""
import collections
import itertools
import os
import random
import time
import unittest
import xmlrpc.client

import invariants
import property_world
import rights
from functest import AUTHENTICATION, AUTHORIZATION, IMAGE, Cloud, OneCase, rests
from property_world import ALL_OF_THEM, POOLS, User, World
from rights import ADMIN, ALL, CLUSTER, CREATE, EXEMPT, GROUP, LOCAL_ZONE, MANAGE, ONE, USE

OPERATIONS = int(os.environ.get('PERIGEE_PROPERTY_OPERATIONS', 10000))
SEED = int(os.environ.get('PERIGEE_PROPERTY_SEED', time.time_ns() % 1000000))
CHECKS = 8
MOST = dict(user=12, group=6, vdc=4, cluster=4, vn=12, image=40, template=30, secgroup=20, vm=60, document=20, vmgroup=15, vntemplate=15,
            vrouter=10, backupjob=10)
ALLOCATE = {    # kind: arguments for a name
    'template': lambda n: (f'NAME={n}\nCPU=1\nMEMORY=32',),
    'secgroup': lambda n: (f'NAME={n}',),
    'document': lambda n: (f'NAME={n}', 100),
    'vmgroup': lambda n: (f'NAME={n}\nROLE=[NAME=a]',),
    'vntemplate': lambda n: (f'NAME={n}\nVN_MAD=dummy\nBRIDGE=br0',),
    'vrouter': lambda n: (f'NAME={n}',),
    'backupjob': lambda n: (f'NAME={n}',),
}
LOCKABLE = ('template', 'image', 'vn', 'vm', 'document', 'vmgroup', 'vntemplate', 'vrouter', 'backupjob')
UNCHANGED = {'one.hostpool.info', 'one.datastorepool.info', 'one.vmpool.infoextended'}      # these hold samples of the monitor


class Player:
    """Plays operations and tells where the cloud answered otherwise than the rules say."""

    def __init__(self, one, cloud, seed):
        self.one, self.cloud, self.dice = one, cloud, random.Random(seed)
        self.proxy = xmlrpc.client.ServerProxy(one.endpoint)
        self.methods = set(self.proxy.system.listMethods())
        kinds = [kind for kind, pool in POOLS.items() if pool[1] in self.methods]
        self.owned = [kind for kind in kinds if f'one.{kind}.chown' in self.methods and kind != 'datastore']
        self.world = World(one, kinds)
        self.oneadmin = rights.Who(0, 0, frozenset([0]), one.auth)
        self.numbers = itertools.count(1)
        self.outcomes = collections.Counter()
        self.last = collections.deque(maxlen=25)
        self.plays = [(getattr(self, name), weight) for name, weight in WEIGHTS.items()]

    # ---- calls ----

    def raw(self, method, *args, auth=None):
        return getattr(self.proxy, method)(auth or self.one.auth, *args)

    def attempt(self, who, method, args, checks, tolerate=None):
        """The answer of a call that was let through and succeeded; None otherwise. AssertionError when it wasn't as the rules say.
        tolerate: what may be told instead of a missing right, as OpenNebula does."""
        if method not in self.methods:
            return None
        told = rights.refusals(self.world.rules, who, checks)
        answer = self.raw(method, *args, auth=who.session)
        self.last.append(f'{method}{tuple(args)} as {who.uid} of {who.gid}: {answer[1]}')
        outcome = 'done' if answer[0] else 'refused' if answer[2] == AUTHORIZATION else 'failed'
        if told:
            right = answer[2] == AUTHORIZATION and answer[1] == f'[{method}] User [{who.uid}] : ' + '; '.join(told) + '.'
            right = right or tolerate is not None and not answer[0] and tolerate in answer[1]
        elif outcome == 'refused':
            outcome, right = 'over quota', 'limit of' in answer[1]
        else:
            right = answer[2] != AUTHENTICATION
        self.outcomes[method, outcome] += 1
        if not right:
            raise AssertionError(f'{method}{tuple(args)} as {who}: expected {told or "to be let through"}, got {answer}')
        return answer[1] if answer[0] else None

    # ---- choosing ----

    def name(self):
        return f'n{next(self.numbers)}'

    def user(self):
        """Somebody but oneadmin, or None."""
        users = [u for u in self.world.users.values() if u.id]
        return self.dice.choice(users) if users else None

    def who(self, often=0.3):
        """Who calls: oneadmin so often, else anybody who can, with his password or a token."""
        user = self.user()
        if self.dice.random() < often or not user or not user.enabled:
            return self.oneadmin
        if user.tokens and self.dice.random() < 0.4:
            return user.who(self.dice.choice(user.tokens))
        return user.who()

    def any(self, kind):
        things = self.world.things[kind]
        return self.dice.choice(list(things.values())) if things else None

    def owned_thing(self):
        kind = self.dice.choice(self.owned)
        return kind, self.any(kind)

    def thing(self, user):
        """A user as an object."""
        return self.world.things['user'][user.id]

    def room(self, kind):
        return len(self.world.things.get(kind, ())) < MOST[kind]

    def step(self):
        operation, = self.dice.choices([p[0] for p in self.plays], [p[1] for p in self.plays])
        operation()

    # ---- users and groups ----

    def user_new(self):
        who, name = self.who(0.8), self.name()
        if not self.room('user'):
            return
        there = self.world.things['group']
        groups = self.dice.sample(sorted(there.keys() - {0}), min(self.dice.choice([0, 1, 1, 2]), len(there) - 1))
        checks = [(CREATE, rights.creation(who, 'USER'))] + [(MANAGE, there[g]) for g in groups if g != who.gid]
        uid = self.attempt(who, 'one.user.allocate', [name, 'pw', 'core', groups], checks)
        if uid is not None:
            gid = groups[0] if groups else who.gid if who.gid else 1
            self.world.users[uid] = User(uid, name, gid, set(groups) | {gid})
            self.world.things['user'][uid] = rights.Thing('USER', uid, uid, gid, 0o600)

    def user_end(self):
        who, user = self.who(0.8), self.user()
        if user and len(self.world.users) > 5 and self.attempt(who, 'one.user.delete', [user.id], [(ADMIN, self.thing(user))]) is not None:
            self.world.user_removed(user.id)

    def administers(self, user):
        return any(uid == user.id for uid, _ in self.world.admins)

    def user_moves(self):
        who, user, group = self.who(0.6), self.user(), self.any('group')
        if not user or self.administers(user) or group.id == 0 and self.dice.random() < 0.9:
            return
        if self.attempt(who, 'one.user.chgrp', [user.id, group.id], [(MANAGE, self.thing(user)), (USE, group)]) is None:
            return
        if group.id not in user.groups:
            user.groups = user.groups - {user.gid} | {group.id}
        user.gid = group.id
        self.world.groups_changed(user)

    def user_joins(self):
        who, user, group = self.who(0.6), self.user(), self.any('group')
        if not user or group.id == 0 and self.dice.random() < 0.9:
            return
        if self.attempt(who, 'one.user.addgroup', [user.id, group.id],
                        [(MANAGE, self.thing(user)), (MANAGE, group)]) is not None:
            user.groups.add(group.id)

    def user_leaves(self):
        who, user = self.who(0.6), self.user()
        if not user or self.administers(user):
            return
        group = self.world.things['group'][self.dice.choice(sorted(user.groups))]
        if self.attempt(who, 'one.user.delgroup', [user.id, group.id],
                        [(MANAGE, self.thing(user)), (MANAGE, group)]) is not None:
            user.groups.discard(group.id)
            self.world.groups_changed(user)

    def user_changes(self):
        who, user, umask = self.who(), self.user(), self.dice.choice(['177', '137', '133', '077', '000', '022'])
        if user and self.attempt(who, 'one.user.update', [user.id, f'UMASK={umask}', 1], [(MANAGE, self.thing(user))]) is not None:
            user.umask = int(umask, 8)

    def user_password(self):
        who, user, password = self.who(), self.user(), self.name()
        if not user or user.enabled is False:
            return
        before = user.who().session
        if self.attempt(who, 'one.user.passwd', [user.id, password], [(MANAGE, self.thing(user))]) is not None:
            user.password = password
            self.world.dead.append(before)
            self.world.tokens_dropped(user)

    def user_switched(self):
        who, user = self.who(0.8), self.user()
        on = self.dice.random() < 0.7 or user and user.enabled is False
        if user and self.attempt(who, 'one.user.enable', [user.id, on], [(ADMIN, self.thing(user))]) is not None:
            user.enabled = on
            if not on:
                self.world.tokens_dropped(user)

    def user_token(self):
        user = self.user()
        if not user or not user.enabled or len(user.tokens) > 3:
            return
        group = self.dice.choice(sorted(user.groups))
        token = self.attempt(user.who(), 'one.user.login', [user.name, '', -1, group], [(MANAGE, self.thing(user))])
        if token is not None:
            user.tokens.append((token, group))

    def dead_session(self):
        """Who is gone, left a group, or is disabled."""
        world = self.world
        sessions = world.dead[-20:] + [s for s, user, group in world.asleep[-20:] if group not in user.groups] + \
            [u.who().session for u in world.users.values() if not u.enabled] + ['nobody:pw', 'oneadmin:pw']
        session = self.dice.choice(sessions)
        answer = self.raw('one.templatepool.info', -2, -1, -1, auth=session)
        if answer[2] != AUTHENTICATION:
            raise AssertionError(f'the session {session} should be none: {answer}')

    def group_new(self):
        who, name = self.who(0.8), self.name()
        gid = self.attempt(who, 'one.group.allocate', [name], [(CREATE, rights.creation(who, 'GROUP'))]) if self.room('group') else None
        if gid is not None:
            self.world.things['group'][gid] = rights.Thing('GROUP', gid, 0, gid, 0o040)
            self.world.vdcs[0]['group'].add(gid)
            self.world.changed()

    def group_end(self):
        who, group, users = self.who(0.8), self.any('group'), self.world.users.values()
        empty = [g for id, g in self.world.things['group'].items() if id > 1 and not any(id in u.groups for u in users)]
        if empty and self.dice.random() < 0.7:
            group = self.dice.choice(empty)
        if group.id and self.attempt(who, 'one.group.delete', [group.id], [(ADMIN, group)]) is not None:
            self.world.group_removed(group.id)

    def group_admin(self):
        who, user = self.who(0.8), self.user()
        if not user or self.administers(user):
            return
        group = self.world.things['group'][self.dice.choice(sorted(user.groups))]
        if self.attempt(who, 'one.group.addadmin', [group.id, user.id], [(ADMIN, group), (ADMIN, self.thing(user))]) is not None:
            self.world.admins.add((user.id, group.id))
            self.world.changed()

    def group_admin_end(self):
        if not self.world.admins:
            return
        who, (uid, gid) = self.who(0.8), self.dice.choice(sorted(self.world.admins))
        if self.attempt(who, 'one.group.deladmin', [gid, uid],
                        [(ADMIN, self.world.things['group'][gid]), (ADMIN, self.world.things['user'][uid])]) is not None:
            self.world.admins.discard((uid, gid))
            self.world.changed()

    def quota(self):
        who, party = self.who(0.8), self.dice.choice(['user', 'group'])
        thing, most = self.any(party), self.dice.choice([-2, -1, 2, 8, 30])
        text = self.dice.choice([f'VM=[VMS={most},RUNNING_VMS={most},CPU={most},MEMORY={most * 32 if most > 0 else most}]',
                                 f'DATASTORE=[ID={self.cloud.images_ds},IMAGES={most},SIZE={most}]',
                                 f'NETWORK=[ID={self.cloud.net},LEASES={most}]', f'IMAGE=[ID={self.cloud.os},RVMS={most}]'])
        if thing.id > 1:
            self.attempt(who, f'one.{party}.quota', [thing.id, text], [(ADMIN, thing)])

    def default_quota(self):
        most = self.dice.choice([-2, -2, 40])
        self.attempt(self.oneadmin, f'one.{self.dice.choice(["user", "group"])}quota.update', [f'VM=[VMS={most}]'], [])

    # ---- rules and VDCs ----

    def rule_new(self):
        who, dice, world = self.who(0.9), self.dice, self.world
        user = dice.choice([ALL, GROUP | self.any('group').id, ONE | dice.choice(list(world.users)), ONE | dice.choice(list(world.users))])
        kinds = dice.sample(self.owned + ['datastore', 'host', 'user'], dice.choice([1, 1, 2, 3]))
        types = {POOLS[kind][0] for kind in kinds}
        options = [ALL]
        if 'HOST' not in types:
            options += [GROUP | self.any('group').id] * 2
        if types <= set(rights.IN_CLUSTERS):
            options += [CLUSTER | self.any('cluster').id] * 3
        thing = self.any(kinds[0])
        if thing and types != {'USER'}:
            options += [ONE | thing.id] * 2
        resource = dice.choice(options)
        zone = ALL if not resource & (ONE | CLUSTER) and dice.random() < 0.5 else LOCAL_ZONE
        rule = rights.Rule(user, frozenset(types), resource, dice.choice([1, 1, 1, 2, 3, 4, 7, 8, 15]), zone)
        # What a VDC gives is no rule of its own.
        if len(world.explicit) > 12 or rule in world.rules or user & GROUP and len(types) == 1 and types <= set(rights.IN_CLUSTERS):
            return
        id = self.attempt(who, 'one.acl.addrule', rule.arguments, [(MANAGE, rights.type_alone('ACL'))])
        if id is not None:
            world.explicit[id] = rule
            world.changed()

    def rule_end(self):
        if self.world.explicit:
            id = self.dice.choice(sorted(self.world.explicit))
            if self.attempt(self.who(0.9), 'one.acl.delrule', [id], [(MANAGE, rights.type_alone('ACL'))]) is not None:
                del self.world.explicit[id]
                self.world.changed()

    def vdc_new(self):
        who, name = self.who(0.9), self.name()
        id = self.attempt(who, 'one.vdc.allocate', [f'NAME={name}'], [(CREATE, rights.creation(who, 'VDC'))]) if self.room('vdc') else None
        if id is not None:
            self.world.things['vdc'][id] = rights.Thing('VDC', id)
            self.world.vdcs[id] = {kind: set() for kind in ('group', *property_world.MEMBERS)}

    def vdc_end(self):
        vdc = self.any('vdc')
        if self.attempt(self.who(0.9), 'one.vdc.delete', [vdc.id], [(ADMIN, vdc)]) is not None:
            self.world.removed('vdc', vdc.id)
            del self.world.vdcs[vdc.id]
            self.world.changed()

    def vdc_group(self):
        verb, vdc, group = self.dice.choice(['add', 'add', 'del']), self.any('vdc'), self.any('group')
        if self.attempt(self.who(0.9), f'one.vdc.{verb}group', [vdc.id, group.id], [(ADMIN, vdc), (ADMIN, group)]) is not None:
            (set.add if verb == 'add' else set.remove)(self.world.vdcs[vdc.id]['group'], group.id)
            self.world.changed()

    def vdc_member(self):
        verb, vdc, kind = self.dice.choice(['add', 'add', 'del']), self.any('vdc'), self.dice.choice(list(property_world.MEMBERS))
        members = self.world.vdcs[vdc.id][kind]
        thing = None if self.dice.random() < 0.15 else self.any(kind)
        if verb == 'del' and members and self.dice.random() < 0.8:
            thing = self.world.things[kind].get(self.dice.choice(sorted(members)))
        id = thing.id if thing else ALL_OF_THEM
        checks = [(ADMIN, vdc), (ADMIN, self.world.things['zone'][0])] + ([(ADMIN, thing)] if thing else [])
        if self.attempt(self.who(0.9), f'one.vdc.{verb}{"vnet" if kind == "vn" else kind}', [vdc.id, 0, id], checks) is None:
            return
        if verb == 'del':
            members.remove(id)
        else:
            if id == ALL_OF_THEM:
                members.clear()
            members.add(id)
        self.world.changed()

    # ---- clusters ----

    def cluster_new(self):
        who, name = self.who(0.9), self.name()
        if not self.room('cluster'):
            return
        id = self.attempt(who, 'one.cluster.allocate', [name], [(CREATE, rights.creation(who, 'CLUSTER'))])
        if id is not None:
            self.world.things['cluster'][id] = rights.Thing('CLUSTER', id)

    def cluster_end(self):
        cluster = self.any('cluster')
        used = {c for kind in ('host', 'datastore', 'vn') for thing in self.world.things[kind].values() for c in thing.clusters}
        empty = [thing for id, thing in self.world.things['cluster'].items() if id not in used]
        if empty and self.dice.random() < 0.7:
            cluster = self.dice.choice(empty)
        if self.attempt(self.who(0.9), 'one.cluster.delete', [cluster.id], [(ADMIN, cluster)]) is not None:
            self.world.cluster_removed(cluster.id)

    def cluster_member(self):
        verb, kind, cluster = self.dice.choice(['add', 'add', 'del']), self.dice.choice(['host', 'datastore', 'vn']), self.any('cluster')
        thing = self.any(kind)
        method = f'one.cluster.{verb}{"vnet" if kind == "vn" else kind}'
        if self.attempt(self.who(0.9), method, [cluster.id, thing.id], [(ADMIN, cluster), (ADMIN, thing)]) is None:
            return
        if kind == 'host':
            thing.clusters = frozenset([cluster.id if verb == 'add' else 0])
        else:
            thing.clusters = thing.clusters | {cluster.id} if verb == 'add' else thing.clusters - {cluster.id}

    # ---- objects ----

    def allocate(self):
        who, kind = self.who(0.15), self.dice.choice([k for k in ALLOCATE if k in self.world.things])
        if not self.room(kind):
            return
        id = self.attempt(who, f'one.{kind}.allocate', ALLOCATE[kind](self.name()), [(CREATE, rights.creation(who, POOLS[kind][0]))])
        if id is not None:
            self.world.added(kind, id, who)

    def image_new(self):
        who, ds = self.who(0.15), self.cloud.images_ds
        text = f'NAME={self.name()}\nTYPE=DATABLOCK\nSIZE={self.dice.randint(1, 5)}'
        checks = [(CREATE, rights.creation(who, 'IMAGE')), (USE, self.world.things['datastore'][ds])]
        id = self.attempt(who, 'one.image.allocate', [text, ds], checks) if self.room('image') else None
        if id is not None:
            self.world.added('image', id, who)

    def net_new(self):
        who = self.who(0.7)
        text = f'NAME={self.name()}\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP="10.1.0.1",SIZE=20]'
        checks = [(CREATE, rights.creation(who, 'NET')), (ADMIN, self.world.things['cluster'][0])]
        id = self.attempt(who, 'one.vn.allocate', [text, -1], checks) if self.room('vn') else None
        if id is not None:
            self.world.added('vn', id, who, clusters=frozenset([0]))

    def net_reserve(self):
        who, net = self.who(0.15), self.any('vn')
        if not net or not self.room('vn'):
            return
        id = self.attempt(who, 'one.vn.reserve', [net.id, f'NAME={self.name()}\nSIZE={self.dice.randint(1, 3)}'], [(USE, net)])
        if id is not None:
            self.world.added('vn', id, who, clusters=net.clusters, reservation=True)

    def net_hold(self):
        who, net, verb = self.who(), self.any('vn'), self.dice.choice(['hold', 'release'])
        if net:
            self.attempt(who, f'one.vn.{verb}', [net.id, f'LEASES=[IP="10.1.0.{self.dice.randint(1, 25)}"]'], [(MANAGE, net)])

    def net_ranges(self):
        who, net = self.who(), self.any('vn')
        if net and net.id != self.cloud.net:
            verb, right, what = self.dice.choice([('add_ar', ADMIN, 'AR=[TYPE=ETHER,SIZE=2]'), ('rm_ar', ADMIN, self.dice.randint(1, 3)),
                                                  ('update_ar', MANAGE, 'AR=[AR_ID=0,NOTE=x]')])
            self.attempt(who, f'one.vn.{verb}', [net.id, what], [(right, net)])

    def nic_checks(self, net):
        """All networks here have the first security group."""
        return [(USE, net), (USE, self.world.things['secgroup'][0])]

    def router_nic(self):
        """One more NIC, or one less."""
        who, router, net = self.who(0.5), self.any('vrouter') if 'vrouter' in self.world.things else None, self.any('vn')
        if not router or not net:
            return
        if self.dice.random() < 0.3:
            self.attempt(who, 'one.vrouter.detachnic', [router.id, self.dice.randint(0, 5)], [(MANAGE, router)])
            return
        nic = f'NIC=[NETWORK_ID={net.id},FLOATING_IP={self.dice.choice(["YES", "YES", "NO"])}]'
        self.attempt(who, 'one.vrouter.attachnic', [router.id, nic], [(MANAGE, router)] + self.nic_checks(net))

    def delete(self):
        who, (kind, thing) = self.who(0.3), self.owned_thing()
        if not thing or kind == 'vm' or thing.id in (self.cloud.os, self.cloud.net) and kind in ('image', 'vn'):
            return
        if self.attempt(who, f'one.{kind}.delete', [thing.id], [(MANAGE, thing)], tolerate='Image locked') is not None:
            self.world.removed(kind, thing.id)

    def chmod(self):
        who, (kind, thing) = self.who(0.2), self.owned_thing()
        if not thing:
            return
        change = [self.dice.choice([-1, -1, 0, 1] if i % 3 < 2 else [-1, -1, -1, -1, -1, -1, -1, 0, 1]) for i in range(9)]
        perm = thing.perm
        for i, bit in enumerate(change):
            if bit >= 0:
                perm = perm & ~(0o400 >> i) | (0o400 >> i) * bit
        right = ADMIN if (perm ^ thing.perm) & 0o111 else MANAGE
        if self.attempt(who, f'one.{kind}.chmod', [thing.id, *change, *[False][:kind == 'template']], [(right, thing)]) is not None:
            thing.perm = perm

    def chown(self):
        who, (kind, thing) = self.who(0.5), self.owned_thing()
        if not thing:
            return
        user = self.dice.choice([None, self.user(), self.world.users[who.uid]])
        group = self.dice.choice([None, self.any('group'), self.world.things['group'].get(who.gid)])
        checks = [(MANAGE, thing)]
        if user and user.id != thing.uid:
            checks.append((MANAGE, self.thing(user)))
        if group and group.id != thing.gid:
            checks.append((USE, group))
        if self.attempt(who, f'one.{kind}.chown', [thing.id, user.id if user else -1, group.id if group else -1], checks) is not None:
            thing.uid, thing.gid = user.id if user else thing.uid, group.id if group else thing.gid

    def lock(self):
        who, (kind, thing) = self.who(0.3), self.owned_thing()
        if not thing or kind not in LOCKABLE:
            return
        level = self.dice.choice([0, 0, 1, 2, 3, 4])
        method, args = ('lock', [thing.id, level, False]) if level else ('unlock', [thing.id])
        if self.attempt(who, f'one.{kind}.{method}', args, [(MANAGE | EXEMPT, thing)]) is None:
            return
        if thing.lock and self.world.lockers[kind, thing.id] != who.uid and not who.admin:
            raise AssertionError(f'{kind} {thing.id} was locked by {self.world.lockers[kind, thing.id]}, and {who} could {method} it')
        thing.lock = 1 if level == 4 else level
        self.world.lockers[kind, thing.id] = who.uid

    def change(self):
        who, (kind, thing) = self.who(0.1), self.owned_thing()
        if thing:
            text, append = f'N{self.dice.randint(1, 3)}={self.name()}', 1 if kind in ('secgroup', 'vn') else self.dice.choice([0, 1])
            method, args = self.dice.choice([('update', [text, append]), ('rename', [self.name()])])
            self.attempt(who, f'one.{kind}.{method}', [thing.id, *args], [(MANAGE, thing)])

    def look(self):
        who, kind = self.who(0.05), self.dice.choice([k for k in self.world.things if k not in ('user', 'group')])
        thing = self.any(kind)
        if thing:
            self.attempt(who, f'one.{kind}.info', [thing.id], [(USE | EXEMPT, thing)])

    def look_around(self):
        kind = self.dice.choice([k for k in self.world.things if k not in ('image', 'vn')])     # those go when their driver is done
        wrong = property_world.wrongly_shown(self.raw, self.world, self.who(0.05), [kind])
        if wrong:
            raise AssertionError('\n'.join(wrong))

    # ---- virtual machines ----

    def vm_new(self):
        who = self.who(0.1)
        if not self.room('vm'):
            return
        text = f'NAME={self.name()}\nCPU={self.dice.choice([0.1, 0.25, 1])}\nMEMORY={self.dice.choice([16, 32])}\n'
        checks = [(CREATE, rights.creation(who, 'VM'))]
        image = self.dice.choice([None, self.any('image'), self.world.things['image'][self.cloud.os]])
        net = self.dice.choice([None, self.any('vn')])
        if image:
            text += f'DISK=[IMAGE_ID={image.id}]\n'
            checks.append((USE, image))
        if net:
            text += f'NIC=[NETWORK_ID={net.id}]\n'
            checks += self.nic_checks(net)
        id = self.attempt(who, 'one.vm.allocate', [text, self.dice.random() < 0.3], checks)
        if id is not None:
            self.world.added('vm', id, who)
            self.within_limits(who)

    def vm_of_template(self):
        who, template = self.who(0.1), self.any('template')
        if not template or not self.room('vm'):
            return
        id = self.attempt(who, 'one.template.instantiate', [template.id, self.name(), False, '', False], [(USE, template)])
        if id is not None:
            self.world.added('vm', id, who)
            self.within_limits(who)

    def within_limits(self, who):
        """A VM that was let in is within the limits of its owner and of his group."""
        for party, id in (('user', who.uid), ('group', who.gid)):
            if not id:
                continue
            x = self.one.xml(f'one.{party}.info', id)
            own, default = x.find('VM_QUOTA/VM'), x.find(f'DEFAULT_{party.upper()}_QUOTAS/VM_QUOTA/VM')
            for metric in ('VMS', 'RUNNING_VMS', 'CPU', 'MEMORY'):
                limit = float(own.findtext(metric))
                if limit == -1 and default is not None:
                    limit = float(default.findtext(metric))
                if 0 <= limit < float(own.findtext(f'{metric}_USED')):
                    raise AssertionError(f'{party} {id} has a VM over his limit: {metric} {own.findtext(metric + "_USED")} of {limit}')

    def vm_deploy(self):
        who, vm, host = self.who(0.8), self.any('vm'), self.any('host')
        if vm:
            ds = self.world.things['datastore'][self.cloud.system_ds]
            self.attempt(who, 'one.vm.deploy', [vm.id, host.id, False, ds.id, ''], [(ADMIN, vm), (MANAGE, host), (USE, ds)],
                         tolerate='are not in the same cluster')

    def vm_action(self):
        who, vm = self.who(0.3), self.any('vm')
        verb = self.dice.choice(['terminate', 'terminate-hard', 'poweroff', 'poweroff-hard', 'resume', 'suspend', 'stop', 'undeploy',
                                 'hold', 'release', 'resched'])
        if vm:
            self.attempt(who, 'one.vm.action', [verb, vm.id], [(ADMIN if verb == 'resched' else MANAGE, vm)])

    def vm_resize(self):
        who, vm = self.who(0.3), self.any('vm')
        if vm:
            text = self.dice.choice(['CPU=0.5', 'CPU=2', 'CPU=9', 'MEMORY=24', 'MEMORY=48', 'VCPU=2', 'CPU=0.1\nMEMORY=16\nVCPU=4'])
            self.attempt(who, 'one.vm.resize', [vm.id, text, False], [(MANAGE, vm)])

    def vm_updateconf(self):
        who, vm = self.who(0.3), self.any('vm')
        if vm:
            text = self.dice.choice(['', 'GRAPHICS=[TYPE=vnc]', 'FEATURES=[ACPI=yes]', 'OS=[ARCH=x86_64]', 'BACKUP_CONFIG=[KEEP_LAST=2]'])
            self.attempt(who, 'one.vm.updateconf', [vm.id, text, self.dice.choice([0, 1])], [(MANAGE, vm)])

    def vm_nic(self):
        """One more NIC, one less, or another bandwidth."""
        who, vm, net = self.who(0.5), self.any('vm'), self.any('vn')
        what = self.dice.choice(['attach', 'attach', 'alias', 'detach', 'update'])
        if not vm or not net:
            return
        if what == 'detach':
            self.attempt(who, 'one.vm.detachnic', [vm.id, self.dice.randint(0, 3)], [(MANAGE, vm)])
        elif what == 'update':
            # Bandwidths are restricted.
            text = f'NIC=[INBOUND_AVG_BW={self.dice.randint(1, 3)}]' if who.admin else 'NIC=[NOTE=x]'
            self.attempt(who, 'one.vm.updatenic', [vm.id, self.dice.randint(0, 2), text, 1], [(MANAGE, vm)])
        else:
            nic = f'NIC=[NETWORK_ID={net.id}]' if what == 'attach' else f'NIC_ALIAS=[NETWORK_ID={net.id},PARENT=NIC{self.dice.randint(0, 2)}]'
            self.attempt(who, 'one.vm.attachnic', [vm.id, nic], [(MANAGE, vm)] + self.nic_checks(net))

    def vm_recover(self):
        who, vm = self.who(0.7), self.any('vm')
        if vm:
            self.attempt(who, 'one.vm.recover', [vm.id, self.dice.choice([0, 1, 2, 3, 3, 3, 5])], [(ADMIN, vm)])

    def backup_vms(self):
        """Another set of VMs in a backup job, which counts who comes."""
        who, job, vms = self.who(0.4), self.any('backupjob'), sorted(self.world.things['vm'])
        if not job:
            return
        there = self.one.xml('one.backupjob.info', job.id).findtext('TEMPLATE/BACKUP_VMS')
        chosen = sorted(self.dice.sample(vms, min(len(vms), self.dice.randint(0, 3))))
        come = [self.world.things['vm'][id] for id in chosen if str(id) not in there.split(',')]
        checks = [(MANAGE, job)]
        if not rights.refusals(self.world.rules, who, checks):
            checks += [(MANAGE | EXEMPT, vm) for vm in come]
        self.attempt(who, 'one.backupjob.update', [job.id, f'BACKUP_VMS="{",".join(map(str, chosen))}"', 1], checks)


WEIGHTS = dict(
    user_new=3, user_end=1, user_moves=3, user_joins=3, user_leaves=2, user_changes=2, user_password=1, user_switched=2,
    user_token=2, dead_session=1, group_new=2, group_end=2, group_admin=2, group_admin_end=1, quota=3, default_quota=1,
    rule_new=4, rule_end=2, vdc_new=1, vdc_end=1, vdc_group=3, vdc_member=5, cluster_new=1, cluster_end=1, cluster_member=3,
    allocate=10, image_new=4, net_new=2, net_reserve=3, net_hold=2, net_ranges=3, router_nic=4, delete=6, chmod=12, chown=8, lock=5,
    change=6, look=8, look_around=2, vm_new=6, vm_of_template=3, vm_deploy=5, vm_action=8, vm_recover=3, vm_resize=4,
    vm_updateconf=2, vm_nic=10, backup_vms=4)


class Property(OneCase):
    options = dict(conf='VM_MAD=[NAME="dummy",EXECUTABLE="one_vmm_dummy",TYPE="xml",LIVE_RESIZE="yes"]')
    operations = OPERATIONS

    @classmethod
    def prepare(cls):
        print(f'  PERIGEE_PROPERTY_SEED={SEED}, {cls.operations} operations', flush=True)
        cls.player = Player(cls.one, Cloud(cls.one), SEED)

    # ---- looking ----

    def settle(self):
        """Until nothing waits for a driver."""
        def quiet():
            vms = self.xml('one.vmpool.infoextended', -2, -1, -1, -1).findall('VM')
            images = self.xml('one.imagepool.info', -2, -1, -1).findall('IMAGE')
            nets = self.xml('one.vnpool.info', -2, -1, -1).findall('VNET')
            resting = {str(IMAGE[s]) for s in ('READY', 'USED', 'DISABLED', 'ERROR', 'USED_PERS')}
            return all(rests(x) for x in vms) and all(x.findtext('STATE') in resting for x in images) and \
                all(x.findtext('STATE') in ('1', '4') for x in nets)       # ready, error
        self.one.wait('the cloud comes to rest', quiet, 60)

    def look(self):
        player, world = self.player, self.player.world
        self.settle()
        wrong = property_world.disagreements(self.one, world) + invariants.broken(self.one)
        people = [u.who(t) for u in world.users.values() if u.enabled for t in (None, *u.tokens) if u.id]
        for who in people:
            wrong += property_world.wrongly_shown(player.raw, world, who, world.things)
        for _ in range(100):
            player.look()
        self.assertEqual(wrong, [], '\n'.join(wrong[:30]))

    def dump(self):
        return {method: self.call(method, *(() if args is None else (-2, *args))) for _, method, args, _ in POOLS.values()
                if method in self.player.methods and method not in UNCHANGED} | {'acl': self.call('one.acl.info')}

    # ---- the test ----

    def test_whatever_is_done_the_cloud_stays_in_order(self):
        player, every = self.player, max(1, self.operations // CHECKS)
        for n in range(1, self.operations + 1):
            try:
                player.step()
                if n % every == 0 or n == self.operations:
                    self.look()
                if n == self.operations // 3 or n == self.operations:
                    self.restart()
                if n == self.operations * 2 // 3:
                    self.one.kill()         # whatever runs at this moment
                    self.one.start()
                    self.look()
            except AssertionError as error:
                raise AssertionError(f'seed {SEED}, operation {n}: {error}\nbefore it:\n  ' + '\n  '.join(player.last)) from None
        if self.operations >= 5000:
            self.assertLessEqual(len(self.never()), 3, 'hardly anything succeeds: the dice are no use')

    def restart(self):
        self.settle()
        before = self.dump()
        self.assertEqual(self.one.stop(), 0)
        self.one.start()
        after = self.dump()
        self.assertEqual([m for m in before if before[m] != after[m]], [], 'pools that changed in a restart')
        self.look()

    def never(self):
        """Methods that were tried and never succeeded."""
        tried = {method for method, _ in self.player.outcomes}
        return sorted(m for m in tried if not self.player.outcomes[m, 'done'])


class PropertyOnMariaDB(Property):
    backend = 'mysql'
    operations = OPERATIONS // 8


if __name__ == '__main__':
    unittest.main()
