"""What every method of the API asks of its caller, as the specification says: the rows test_matrix.py plays. None of it comes from oned.

A row is a call to one method (a method may have several: what it asks can depend on its arguments). Its arguments:

    T                   the id of the object it is about, of the row's kind
    '=name'             the id of something else in the world (`Matrix.things` in test_matrix.py)
    'text {n} {name}'   {n}: a number nobody used; {name}, {password}: of the object; {net}...: an id of the world

and what it asks: (right, what), all of which the caller must have; what: 'T', the name of something in the world, or a type in capitals
(for CREATE, and for rights on no object).
"""
from functest import ACTION, ALLOCATE, INTERNAL, NO_EXISTS, XML_RPC_API
from rights import ADMIN, CREATE, EXEMPT, MANAGE, USE

REPLICATION = 0x10000

T = object()
THEN = None             # between checks: what follows is only looked at when what stands before is given
USE_X, MANAGE_X = USE | EXEMPT, MANAGE | EXEMPT
# Calls that only group 0 may make, as the primary group of the caller; that only user 0 may make.
PRIMARY_0, UID_0 = 'primary group 0', 'uid 0'


class Row:
    """ok: codes a call that was let through may end in, besides success; after: what a success spoils ('gone': the object; 'changed': its
    owner, bits, lock; a method: what undoes it, with `undo` as arguments or the answer); operation: of a VM, whose right may be moved to
    another; only: see above; text: how an `only` is refused; succeeds: whether one that is let through does, from caller and object."""

    def __init__(self, method, args=(), *checks, ok=(), after=None, undo=None, operation=None, only=None, text=None, succeeds=None):
        self.method, self.args, self.checks = method, list(args), checks
        self.ok = {ok} if isinstance(ok, int) else set(ok)
        self.after, self.undo, self.operation, self.only, self.text, self.succeeds = after, undo, operation, only, text, succeeds

    def __str__(self):
        return self.method + '(' + ', '.join('T' if a is T else repr(a) for a in self.args) + ')'


class Kind:
    """type: as in rules; owned: it has an owner, a group and bits; lockable; pool: its method, arguments and the element of one."""

    def __init__(self, type, rows, pool=None, owned=True, lockable=False, operations=False):
        self.type, self.rows, self.pool, self.owned, self.lockable, self.operations = type, rows, pool, owned, lockable, operations


KEEP = [-1] * 9
CHMOD_ADMIN = [-1, -1, -1, -1, -1, -1, -1, -1, 1]       # OTHER_A: the bit that no object here has


# ---- what is alike for many kinds ----

def info(m):
    return [Row(f'{m}.info', [T], (USE_X, 'T'))]


def update(m, right=MANAGE, text='NOTE=x{n}', **more):
    return [Row(f'{m}.update', [T, text, 1], (right, 'T'), **more)]


def rename(m, right=MANAGE, **more):
    return [Row(f'{m}.rename', [T, 'name{n}'], (right, 'T'), after='renamed', **more),
            Row(f'{m}.rename', [T, '{name}'])]          # the name it has: that needs no right


def delete(m, right=MANAGE, **more):
    return [Row(f'{m}.delete', [T], (right, 'T'), after='gone', **more)]


def owners(m, recursive=False, **more):
    last = [False] if recursive else []
    return [Row(f'{m}.chmod', [T, *KEEP, *last], (MANAGE, 'T'), **more),
            Row(f'{m}.chmod', [T, *CHMOD_ADMIN, *last], (ADMIN, 'T'), after='changed', **more),
            Row(f'{m}.chown', [T, -1, -1], (MANAGE, 'T'), **more),
            Row(f'{m}.chown', [T, '=heir', -1], (MANAGE, 'T'), (MANAGE, 'heir'), after='changed', **more),
            Row(f'{m}.chown', [T, -1, '=heirs'], (MANAGE, 'T'), (USE, 'heirs'), after='changed', **more),
            Row(f'{m}.chown', [T, '=heir', '=heirs'], (MANAGE, 'T'), (MANAGE, 'heir'), (USE, 'heirs'), after='changed', **more)]


def locks(m):
    """After the right it counts whose lock it is: those here are oneadmin's, whom any administrator may take for."""
    return [Row(f'{m}.lock', [T, 3, False], (MANAGE_X, 'T'), after='changed', ok=ACTION, succeeds=lambda who, o: who.admin or not o.lock),
            Row(f'{m}.unlock', [T], (MANAGE_X, 'T'), after='changed', ok=ACTION, succeeds=lambda who, o: who.admin)]


def clone(m, type, **more):
    return [Row(f'{m}.clone', [T, 'copy{n}'], (USE, 'T'), (CREATE, type), after=f'{m}.delete', **more)]


def allocate(m, type, args, *checks, **more):
    return [Row(f'{m}.allocate', args, (CREATE, type), *checks, after=f'{m}.delete', **more)]


def usual(m):
    return info(m) + update(m) + rename(m) + delete(m) + owners(m)


RANGE = [-2, -1, -1]


# ---- identity ----

SYSTEM = [
    Row('one.system.version'),
    Row('one.system.config'),
    Row('one.system.sql', ['SELECT 1', False], only=UID_0, ok=ACTION),
    Row('one.system.sqlquery', ['SELECT 1'], only=UID_0),
    Row('one.userquota.info'),
    Row('one.groupquota.info'),
    Row('one.userquota.update', [''], only=PRIMARY_0, text='The default quotas can only be updated by users in the oneadmin group'),
    Row('one.groupquota.update', [''], only=PRIMARY_0, text='The default quotas can only be updated by users in the oneadmin group'),
    Row('one.hooklog.info', [-1, -1, -1, 0], only=PRIMARY_0),
    Row('one.vmpool.calculateshowback', [-1, -1, -1, -1], only=PRIMARY_0, text='Action reserved for group 0 only'),
    Row('one.acl.info', [], (MANAGE, 'ACL')),
    Row('one.acl.addrule', ['1{n:08x}', '1400000000', '1'], (MANAGE, 'ACL'), after='one.acl.delrule'),
    Row('one.acl.delrule', [99999999], (MANAGE, 'ACL'), ok=INTERNAL),
    Row('one.hook.allocate', ['NAME=hook{n}\nTYPE=api\nCALL="one.vm.allocate"\nCOMMAND=x'], (CREATE, 'HOOK'), after='one.hook.delete'),
    Row('one.market.allocate', ['NAME=market{n}\nMARKET_MAD=http\nBASE_URL="http://127.0.0.1:1"\nPUBLIC_DIR="/nowhere"'],
        (CREATE, 'MARKETPLACE'), after='one.market.delete'),
    Row('one.market.allocatedb', ['<x/>'], only=UID_0, ok=(INTERNAL, ACTION, ALLOCATE, XML_RPC_API)),
    Row('one.market.updatedb', [99999, '<x/>'], only=UID_0, ok=(INTERNAL, ACTION, NO_EXISTS, XML_RPC_API)),
    Row('one.marketapp.allocatedb', ['<x/>'], only=UID_0, ok=(INTERNAL, ACTION, ALLOCATE, XML_RPC_API)),
    Row('one.marketapp.updatedb', [99999, '<x/>'], only=UID_0, ok=(INTERNAL, ACTION, NO_EXISTS, XML_RPC_API)),
    Row('one.marketapp.dropdb', [99999], only=UID_0, ok=(INTERNAL, ACTION, NO_EXISTS)),
    Row('one.zone.replicate', [1, 0, 5, 1, 5, 0, 0, 0, 'DELETE FROM user_pool'], only=UID_0, ok=ACTION),
    Row('one.zone.voterequest', [5, 1, 9, 9], only=UID_0, ok=ACTION),
    Row('one.zone.fedreplicate', [1, 0, 'DELETE FROM user_pool'], only=UID_0, ok=REPLICATION),
    Row('one.zone.updatedb', [99999, '<x/>'], only=UID_0, ok=(INTERNAL, ACTION, NO_EXISTS, XML_RPC_API)),
]

USER = info('one.user') + update('one.user') + [
    Row('one.user.allocate', ['user{n}', 'x', 'core', []], (CREATE, 'USER'), after='one.user.delete'),
    Row('one.user.allocate', ['user{n}', 'x', 'core', ['=heirs']], (CREATE, 'USER'), (MANAGE, 'heirs'), after='one.user.delete'),
    Row('one.user.passwd', [T, '{password}'], (MANAGE, 'T')),
    Row('one.user.chauth', [T, 'core', ''], (ADMIN, 'T')),
    Row('one.user.enable', [T, True], (ADMIN, 'T')),
    Row('one.user.quota', [T, ''], (ADMIN, 'T')),
    Row('one.user.login', ['{name}', 'no-such-token', 0, -1], (MANAGE, 'T'), ok=XML_RPC_API),
    Row('one.user.chgrp', [T, '=heirs'], (MANAGE, 'T'), (USE, 'heirs'), after='gone'),
    Row('one.user.addgroup', [T, '=heirs'], (MANAGE, 'T'), (MANAGE, 'heirs'), after='one.user.delgroup', undo=[T, '=heirs']),
    Row('one.user.delgroup', [T, '=heirs'], (MANAGE, 'T'), (MANAGE, 'heirs'), ok=ACTION),
    Row('one.user.delete', [T], (ADMIN, 'T'), after='gone'),
]

GROUP = info('one.group') + update('one.group') + [
    Row('one.group.allocate', ['group{n}'], (CREATE, 'GROUP'), after='one.group.delete'),
    Row('one.group.quota', [T, ''], (ADMIN, 'T')),
    Row('one.group.quota', [0, ''], ok=ACTION),        # told before any right
    Row('one.group.addadmin', [T, '=heir'], (ADMIN, 'T'), (ADMIN, 'heir'), ok=INTERNAL),
    Row('one.group.deladmin', [T, '=heir'], (ADMIN, 'T'), (ADMIN, 'heir'), ok=INTERNAL),
    Row('one.group.vlan', [T, ''], (ADMIN, 'T'), ok=INTERNAL),
    Row('one.group.delete', [T], (ADMIN, 'T'), ok=ACTION),     # it has users
]

ZONE = info('one.zone') + update('one.zone') + [
    Row('one.zone.rename', [T, 'zone{n}'], (MANAGE, 'T'), after='renamed'),
    Row('one.zone.rename', [T, '{name}']),
    Row('one.zone.allocate', ['NAME=zone{n}\nENDPOINT="http://127.0.0.1:1/RPC2"'], (CREATE, 'ZONE'), ok=ALLOCATE, after='one.zone.delete'),
    Row('one.zone.delete', [T], (ADMIN, 'T'), ok=ACTION),
    Row('one.zone.enable', [T, True], (ADMIN, 'T')),
    Row('one.zone.raftstatus', [], (ADMIN, 'T')),
    Row('one.zone.addserver', [T, ''], (ADMIN, 'T'), ok=(ACTION, INTERNAL)),
    Row('one.zone.delserver', [T, 99], (ADMIN, 'T'), ok=(ACTION, INTERNAL, NO_EXISTS)),
    Row('one.zone.resetserver', [T, 99], (ADMIN, 'T'), ok=(ACTION, INTERNAL, NO_EXISTS)),
]


def vdc_member(what, zone=True):
    """Adding and taking out one: ADMIN of it too, and of the zone."""
    args = [T, 0, f'={what}'] if zone else [T, f'={what}']
    checks = [(ADMIN, 'T')] + ([(ADMIN, 'zone')] if zone else []) + [(ADMIN, what)]
    word = {'ds': 'datastore', 'net': 'vnet', 'heirs': 'group'}.get(what, what)
    return [Row(f'one.vdc.add{word}', args, *checks, after=f'one.vdc.del{word}', undo=args),
            Row(f'one.vdc.del{word}', args, *checks, ok=INTERNAL)]


VDC = info('one.vdc') + update('one.vdc') + rename('one.vdc') + delete('one.vdc', ADMIN) + vdc_member('heirs', zone=False) + \
    vdc_member('cluster') + vdc_member('host') + vdc_member('ds') + vdc_member('net') + [
        Row('one.vdc.addhost', [T, 0, -10], (ADMIN, 'T'), (ADMIN, 'zone'), after='one.vdc.delhost', undo=[T, 0, -10])] + \
    allocate('one.vdc', 'VDC', ['NAME=vdc{n}'])

DOCUMENT = usual('one.document') + locks('one.document') + clone('one.document', 'DOCUMENT') + \
    allocate('one.document', 'DOCUMENT', ['NAME=doc{n}', 100])

HOOK = info('one.hook') + update('one.hook') + rename('one.hook') + delete('one.hook') + locks('one.hook') + [
    Row('one.hook.retry', [T, 99999], (MANAGE, 'T'), ok=(ACTION, INTERNAL, NO_EXISTS))]


# ---- infrastructure ----

def cluster_member(what, word):
    args, checks = [T, f'={what}'], [(ADMIN, 'T'), (ADMIN, what)]
    return [Row(f'one.cluster.add{word}', args, *checks, after=f'one.cluster.del{word}', undo=args),
            Row(f'one.cluster.del{word}', args, *checks)]


CLUSTER = info('one.cluster') + update('one.cluster') + rename('one.cluster') + delete('one.cluster', ADMIN) + \
    cluster_member('clusterhost', 'host') + cluster_member('clusterds', 'datastore') + cluster_member('clusternet', 'vnet') + \
    allocate('one.cluster', 'CLUSTER', ['cluster{n}']) + [
        Row('one.cluster.optimize', [T], (ADMIN, 'T'), ok=(ACTION, INTERNAL)),
        Row('one.cluster.planexecute', [T], (ADMIN, 'T'), ok=(ACTION, INTERNAL)),
        Row('one.cluster.plandelete', [T], (ADMIN, 'T'), ok=(ACTION, INTERNAL))]

HOST = info('one.host') + update('one.host', ADMIN) + rename('one.host', ADMIN) + delete('one.host', ADMIN) + \
    allocate('one.host', 'HOST', ['host{n}', 'dummy', 'dummy', -1], (ADMIN, 'cluster 0')) + [
        Row('one.host.status', [T, 0], (ADMIN, 'T')),
        Row('one.host.monitoring', [T], (USE, 'T')),
        Row('one.hostpool.monitoring', [0])]

DATASTORE = info('one.datastore') + update('one.datastore') + rename('one.datastore') + delete('one.datastore', ADMIN) + \
    owners('one.datastore') + \
    allocate('one.datastore', 'DATASTORE', ['NAME=ds{n}\nTYPE=IMAGE_DS\nDS_MAD=dummy\nTM_MAD=dummy', 0], (ADMIN, 'cluster 0')) + [
        Row('one.datastore.enable', [T, True], (MANAGE, 'T'), ok=INTERNAL)]    # an image datastore

IMAGE = info('one.image') + update('one.image') + rename('one.image') + owners('one.image') + locks('one.image') + [
    Row('one.image.delete', [T], (MANAGE, 'T'), after='gone', ok=(ACTION, INTERNAL)),
    Row('one.image.allocate', ['NAME=image{n}\nTYPE=DATABLOCK\nSIZE=1', '=ds'], (CREATE, 'IMAGE'), (USE, 'ds')),
    Row('one.image.clone', [T, 'copy{n}'], (CREATE, 'IMAGE'), (USE, 'T'), (USE, 'ds'), after='gone', ok=(ACTION, ALLOCATE)),
    Row('one.image.clone', [T, 'copy{n}', '=ds2'], (CREATE, 'IMAGE'), (USE, 'T'), (USE, 'ds2'), (USE, 'ds'), after='gone',
        ok=(ACTION, ALLOCATE)),
    Row('one.image.chtype', [T, 'DATABLOCK'], (MANAGE, 'T')),
    Row('one.image.enable', [T, True], (MANAGE, 'T'), ok=ACTION),
    Row('one.image.persistent', [T, False], (MANAGE, 'T'), ok=ACTION),
    Row('one.image.snapshotdelete', [T, 0], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
    Row('one.image.snapshotrevert', [T, 0], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
    Row('one.image.snapshotflatten', [T, 0], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
    Row('one.image.restore', [T, '=ds', 'NAME=back{n}'], (USE, 'T'), (USE, 'ds'), ok=(ACTION, INTERNAL)),
]

NET = usual('one.vn') + locks('one.vn') + \
    allocate('one.vn', 'NET', ['NAME=net{n}\nVN_MAD=dummy\nBRIDGE=br0', 0], (ADMIN, 'cluster 0')) + [
        Row('one.vn.add_ar', [T, 'AR=[TYPE=ETHER,SIZE=1]'], (ADMIN, 'T')),
        Row('one.vn.rm_ar', [T, 99], (ADMIN, 'T'), ok=(ACTION, INTERNAL)),
        # Giving a range of a network that is no reservation back is taking it away.
        Row('one.vn.free_ar', [T, 99], (MANAGE, 'T'), THEN, (ADMIN, 'T'), ok=(ACTION, INTERNAL)),
        Row('one.vn.update_ar', [T, 'AR=[AR_ID=0,NOTE=x]'], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
        Row('one.vn.hold', [T, 'LEASES=[IP="192.0.2.1"]'], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
        Row('one.vn.release', [T, 'LEASES=[IP="192.0.2.1"]'], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
        Row('one.vn.recover', [T, 1], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
        Row('one.vn.recover', [T, 9], ok=ACTION),       # told before any right
        Row('one.vn.reserve', [T, 'SIZE=1\nNAME=part{n}'], (USE, 'T'), after='one.vn.delete'),
    ]

SECGROUP = usual('one.secgroup') + clone('one.secgroup', 'SECGROUP') + allocate('one.secgroup', 'SECGROUP', ['NAME=sg{n}']) + [
    Row('one.secgroup.commit', [T, True], (MANAGE, 'T'))]

VNTEMPLATE = usual('one.vntemplate') + locks('one.vntemplate') + clone('one.vntemplate', 'VNTEMPLATE') + \
    allocate('one.vntemplate', 'VNTEMPLATE', ['NAME=vnt{n}\nVN_MAD=dummy\nBRIDGE=br0']) + [
        Row('one.vntemplate.instantiate', [T, 'net{n}', ''], (USE, 'T'), after='one.vn.delete')]

VROUTER = usual('one.vrouter') + locks('one.vrouter') + allocate('one.vrouter', 'VROUTER', ['NAME=vr{n}']) + \
    allocate('one.vrouter', 'VROUTER', ['NAME=vr{n}\nNIC=[NETWORK_ID={net},FLOATING_IP=YES,SECURITY_GROUPS="{sg}"]'], (USE, 'net'), (USE, 'sg')) + [
    Row('one.vrouter.attachnic', [T, 'NIC=[NETWORK_ID={net}]'], (MANAGE, 'T'), (USE, 'net'), after='gone'),
    Row('one.vrouter.detachnic', [T, 99], (MANAGE, 'T'), ok=(ACTION, INTERNAL, NO_EXISTS)),
    Row('one.vrouter.instantiate', [T, 1, '=vrtemplate', 'vr{n}', True, ''], (MANAGE, 'T'), THEN, (USE, 'vrtemplate'), after='gone'),
    Row('one.vrouter.instantiate', [T, 1, '=vrtemplate', 'vr{n}', True, 'NOTE=x'], (MANAGE, 'T'), THEN, (USE, 'vrtemplate'),
        (CREATE, 'TEMPLATE'), after='gone'),
]

MARKET = usual('one.market') + [Row('one.market.enable', [T, True], (MANAGE, 'T'))]

MARKETAPP = info('one.marketapp') + update('one.marketapp') + rename('one.marketapp') + owners('one.marketapp') + locks('one.marketapp') + [
    Row('one.marketapp.delete', [T], (MANAGE, 'T'), after='gone', ok=ACTION),
    Row('one.marketapp.allocate', ['NAME=app{n}\nTYPE=VMTEMPLATE\nORIGIN_ID={template}', '=market'], (CREATE, 'MARKETPLACEAPP'), THEN,
        (USE, 'market'), after='one.marketapp.delete'),
    # Unlike in OpenNebula the image has to be his to use.
    Row('one.marketapp.allocate', ['NAME=app{n}\nORIGIN_ID={image}', '=market'], (CREATE, 'MARKETPLACEAPP'), THEN, (USE, 'market'),
        (USE, 'image'), after='one.marketapp.delete'),
    Row('one.marketapp.enable', [T, True], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
]

BACKUPJOB = usual('one.backupjob') + locks('one.backupjob') + allocate('one.backupjob', 'BACKUPJOB', ['NAME=job{n}']) + [
    # A VM is in one job only: the first that is let through takes it.
    Row('one.backupjob.allocate', ['NAME=job{n}\nBACKUP_VMS={ended}'], (CREATE, 'BACKUPJOB'), THEN, (MANAGE_X, 'ended'),
        ok=INTERNAL, after='one.backupjob.delete'),
    Row('one.backupjob.update', [T, 'BACKUP_VMS={ended}', 1], (MANAGE, 'T'), THEN, (MANAGE_X, 'ended'), ok=INTERNAL, after='gone'),
    Row('one.backupjob.backup', [T], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
    Row('one.backupjob.cancel', [T], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
    Row('one.backupjob.retry', [T], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
    Row('one.backupjob.priority', [T, 10], (MANAGE, 'T')),
    Row('one.backupjob.priority', [T, 60], (ADMIN, 'T')),
    Row('one.backupjob.priority', [T, 200], ok=ACTION),       # told before any right
    Row('one.backupjob.schedadd', [T, 'SCHED_ACTION=[TIME=4000000000]'], (MANAGE, 'T'), after='gone', ok=(ACTION, INTERNAL)),
    Row('one.backupjob.schedupdate', [T, 99, 'SCHED_ACTION=[TIME=4000000000]'], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
    Row('one.backupjob.scheddelete', [T, 99], (MANAGE, 'T'), ok=NO_EXISTS),
]


# ---- virtual machines ----

TEMPLATE = info('one.template') + [Row('one.template.info', [T, True], (USE_X, 'T'))] + update('one.template') + rename('one.template') + \
    delete('one.template') + owners('one.template', recursive=True) + locks('one.template') + clone('one.template', 'TEMPLATE') + \
    allocate('one.template', 'TEMPLATE', ['NAME=template{n}\nCPU=1\nMEMORY=64']) + [
        # No CREATE on VM: who may use a template may have VMs of it. His own words in it are another thing.
        Row('one.template.instantiate', [T, 'vm{n}', True, '', False], (USE, 'T'), after='ended'),
        Row('one.template.instantiate', [T, 'vm{n}', True, 'NOTE=x', False], (USE, 'T'), (CREATE, 'TEMPLATE'), after='ended'),
        Row('one.template.instantiate', [T, 'vm{n}', True, '', True], (USE, 'T'), THEN, (USE, 'T'), (CREATE, 'TEMPLATE'), after='ended'),
    ]

VMGROUP = usual('one.vmgroup') + locks('one.vmgroup') + allocate('one.vmgroup', 'VMGROUP', ['NAME=vmg{n}\nROLE=[NAME=a]']) + [
    Row('one.vmgroup.roleadd', [T, 'ROLE=[NAME="r{n}"]'], (MANAGE, 'T')),
    Row('one.vmgroup.roleupdate', [T, 0, 'POLICY=AFFINED'], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
    Row('one.vmgroup.roledelete', [T, 99], (MANAGE, 'T'), ok=(ACTION, INTERNAL)),
]


def vm(method, args, *more, operation, right=MANAGE, ok=(ACTION, INTERNAL), after=None):
    return Row(f'one.vm.{method}', [T, *args], (right, 'T'), *more, ok=ok, operation=operation, after=after)


def action(verb, operation=None, right=MANAGE, after=None):
    return Row('one.vm.action', [verb, T], (right, 'T'), ok=ACTION, operation=operation or verb.removesuffix('-hard'), after=after)


# The VMs here wait on hold: what needs a running one ends in ACTION, after the right was looked at.
VM = info('one.vm') + owners('one.vm') + locks('one.vm') + [
    Row('one.vm.rename', [T, 'name{n}'], (MANAGE, 'T'), after='renamed', operation='rename'),
    Row('one.vm.rename', [T, '{name}']),
    Row('one.vm.update', [T, 'NOTE=x{n}', 1], (MANAGE, 'T'), operation='update'),
    Row('one.vm.monitoring', [T], (USE_X, 'T')),
    Row('one.vm.allocate', ['NAME=vm{n}\nCPU=1\nMEMORY=64', True], (CREATE, 'VM'), after='ended'),
    Row('one.vm.allocate', ['NAME=vm{n}\nCPU=1\nMEMORY=64\nDISK=[IMAGE_ID={image}]\nNIC=[NETWORK_ID={net},SECURITY_GROUPS="{sg}"]', True],
        (CREATE, 'VM'), (USE, 'image'), (USE, 'net'), (USE, 'sg'), after='ended'),
    action('terminate', after='gone'), action('terminate-hard', after='gone'), action('hold'), action('release'),
    action('stop'), action('suspend'), action('resume'), action('reboot'), action('reboot-hard'), action('poweroff'),
    action('poweroff-hard'), action('undeploy'), action('undeploy-hard'), action('resched', 'resched', ADMIN),
    action('unresched', 'resched', ADMIN),
    vm('deploy', ['=host', False, '=sysds', ''], (MANAGE, 'host'), (USE, 'sysds'), operation='deploy', right=ADMIN, after='gone'),
    vm('migrate', ['=host', False, False, -1, 0], (MANAGE, 'host'), operation='migrate', right=ADMIN),
    vm('migrate', ['=host', False, False, '=sysds', 0], (MANAGE, 'host'), (USE, 'sysds'), operation='migrate', right=ADMIN),
    vm('recover', [0], operation='recover', right=ADMIN), vm('recover', [1], operation='recover', right=ADMIN),
    vm('recover', [2], operation='retry', right=ADMIN),
    vm('recover', [3], operation='delete', right=ADMIN, after='gone'), vm('recover', [4], operation='delete', right=ADMIN, after='gone'),
    vm('recover', [5], operation='delete', right=ADMIN, after='gone'),
    Row('one.vm.recover', [T, 9], ok=ACTION),           # told before any right
    Row('one.vm.chown', ['=ended', '=heir', -1], (MANAGE, 'ended'), (MANAGE, 'heir'), ok=ACTION),
    vm('attach', ['DISK=[IMAGE_ID={image}]'], (USE, 'image'), operation='disk-attach'),
    vm('detach', [0], operation='disk-attach'),
    vm('attachnic', ['NIC=[NETWORK_ID={net}]'], (USE, 'net'), operation='nic-attach', after='gone'),
    vm('detachnic', [0], operation='nic-attach'),
    vm('updatenic', [0, 'NIC=[NOTE=x]', 1], operation='nic-attach'),
    vm('attachpci', ['PCI=[CLASS="0300"]'], operation='pci-attach', ok=(ACTION, INTERNAL), after='gone'),
    vm('detachpci', [0], operation='pci-attach'),
    vm('attachsg', [0, '=sg'], (USE, 'sg'), operation='sg-attach', ok=(ACTION, INTERNAL, NO_EXISTS)),
    vm('detachsg', [0, '=sg'], operation='sg-attach', ok=(ACTION, INTERNAL, NO_EXISTS)),
    vm('diskresize', [0, '10'], operation='disk-resize'),
    vm('disksnapshotcreate', [0, 'snap'], operation='disk-snapshot'),
    vm('disksnapshotdelete', [0, 0], operation='disk-snapshot'),
    vm('disksnapshotrename', [0, 0, 'snap'], operation='disk-snapshot'),
    vm('disksnapshotrevert', [0, 0], operation='disk-snapshot'),
    vm('snapshotcreate', ['snap'], operation='snapshot'), vm('snapshotdelete', [0], operation='snapshot'),
    vm('snapshotrevert', [0], operation='snapshot'),
    Row('one.vm.disksaveas', [T, 0, 'saved{n}', '', -1], ok=(ACTION, INTERNAL)),       # the disk is looked for before any right
    vm('resize', ['MEMORY=65', False], operation='resize'),
    vm('updateconf', ['GRAPHICS=[TYPE=vnc]', 1], operation='updateconf'),
    vm('schedadd', ['SCHED_ACTION=[ACTION=hold,TIME=4000000000]'], operation='sched-action', after='gone'),
    vm('schedupdate', [99, 'SCHED_ACTION=[ACTION=hold,TIME=4000000000]'], operation='sched-action'),
    vm('scheddelete', [99], operation='sched-action', ok=NO_EXISTS),
    vm('backup', ['=backupds', False], (USE, 'backupds'), operation='backup', right=ADMIN),
    vm('backupcancel', [], operation='backup', right=ADMIN),
    vm('restore', ['=image', -1, -1], (USE, 'image'), operation='restore', right=ADMIN),
    vm('exec', ['true', ''], operation='exec'), vm('retryexec', [], operation='exec'), vm('cancelexec', [], operation='exec'),
    vm('vmgroupadd', ['=vmgroup', 'a'], (USE, 'vmgroup'), operation='vmgroup'), vm('vmgroupdel', [], operation='vmgroup'),
    Row('one.vmpool.info', [*RANGE, -1]), Row('one.vmpool.infoextended', [*RANGE, -1]), Row('one.vmpool.infoset', ['0,1', False]),
    Row('one.vmpool.accounting', RANGE), Row('one.vmpool.monitoring', [-2, 0]), Row('one.vmpool.showback', [-2, -1, -1, -1, -1]),
]
OPERATIONS = sorted({r.operation for r in VM if r.operation} - {'exec', 'vmgroup'})     # those are younger than 6.10

KINDS = {
    'system': Kind(None, SYSTEM, owned=False),
    'user': Kind('USER', USER, ('one.userpool.info', (), 'USER'), owned=False),
    'group': Kind('GROUP', GROUP, ('one.grouppool.info', (), 'GROUP'), owned=False),
    'zone': Kind('ZONE', ZONE, ('one.zonepool.info', (), 'ZONE'), owned=False),
    'vdc': Kind('VDC', VDC, ('one.vdcpool.info', (), 'VDC'), owned=False),
    'document': Kind('DOCUMENT', DOCUMENT, ('one.documentpool.info', (*RANGE, 100), 'DOCUMENT'), lockable=True),
    'hook': Kind('HOOK', HOOK, ('one.hookpool.info', RANGE, 'HOOK'), owned=False, lockable=True),
    'cluster': Kind('CLUSTER', CLUSTER, ('one.clusterpool.info', (), 'CLUSTER'), owned=False),
    'host': Kind('HOST', HOST, ('one.hostpool.info', (), 'HOST'), owned=False),
    'datastore': Kind('DATASTORE', DATASTORE, ('one.datastorepool.info', (), 'DATASTORE')),
    'image': Kind('IMAGE', IMAGE, ('one.imagepool.info', RANGE, 'IMAGE'), lockable=True),
    'vn': Kind('NET', NET, ('one.vnpool.info', RANGE, 'VNET'), lockable=True),
    'secgroup': Kind('SECGROUP', SECGROUP, ('one.secgrouppool.info', RANGE, 'SECURITY_GROUP')),
    'vntemplate': Kind('VNTEMPLATE', VNTEMPLATE, ('one.vntemplatepool.info', RANGE, 'VNTEMPLATE'), lockable=True),
    'vrouter': Kind('VROUTER', VROUTER, ('one.vrouterpool.info', RANGE, 'VROUTER'), lockable=True),
    'market': Kind('MARKETPLACE', MARKET, ('one.marketpool.info', (), 'MARKETPLACE')),
    'marketapp': Kind('MARKETPLACEAPP', MARKETAPP, ('one.marketapppool.info', RANGE, 'MARKETPLACEAPP'), lockable=True),
    'backupjob': Kind('BACKUPJOB', BACKUPJOB, ('one.backupjobpool.info', RANGE, 'BACKUPJOB'), lockable=True),
    'template': Kind('TEMPLATE', TEMPLATE, ('one.templatepool.info', RANGE, 'VMTEMPLATE'), lockable=True),
    'vmgroup': Kind('VMGROUP', VMGROUP, ('one.vmgrouppool.info', RANGE, 'VM_GROUP'), lockable=True),
    'vm': Kind('VM', VM, ('one.vmpool.info', (*RANGE, -1), 'VM'), lockable=True, operations=True),
}
