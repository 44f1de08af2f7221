"""What must agree in a cloud at every moment: what hosts, images, networks, datastores, clusters and users count is the sum over
the objects they count. Everything is read through the API, so nothing may change meanwhile, but VMs may be in the middle of a
step that waits.

    invariants.broken(one)       a line for each thing that doesn't agree; nothing when all is well
"""
import collections
import decimal

from functest import LCM, VM

ON_HOST = {VM['ACTIVE'], VM['SUSPENDED'], VM['POWEROFF']}
CLEANING = {LCM['CLEANUP_DELETE'], LCM['CLEANUP_RESUBMIT']}
VM_LISTS = ('UPDATED_VMS', 'OUTDATED_VMS', 'UPDATING_VMS', 'ERROR_VMS')
LOCKED_APP = '2'
ENDING = {LCM['EPILOG'], LCM['EPILOG_FAILURE']}


class Machine:
    def __init__(self, x):
        self.id, self.uid, self.gid = (int(x.findtext(k)) for k in ('ID', 'UID', 'GID'))
        self.state, self.lcm = int(x.findtext('STATE')), int(x.findtext('LCM_STATE'))
        self.cpu, self.memory_mb = decimal.Decimal(x.findtext('TEMPLATE/CPU')), int(x.findtext('TEMPLATE/MEMORY'))
        self.images = [int(e.text) for e in x.findall('TEMPLATE/DISK/IMAGE_ID')]
        self.disks = x.findall('TEMPLATE/DISK')
        self.router = int(x.findtext('TEMPLATE/VROUTER_ID', '-1'))
        self.job = int(x.findtext('BACKUPS/BACKUP_CONFIG/BACKUP_JOB_ID', '-1'))
        self.nics = [(int(n.findtext('NETWORK_ID')), n.findtext('MAC')) for kind in ('NIC', 'NIC_ALIAS', 'PCI')
                     for n in x.findall(f'TEMPLATE/{kind}') if n.findtext('NETWORK_ID')]
        self.aliases = x.findall('TEMPLATE/NIC_ALIAS')
        self.cards = [n for kind in ('NIC', 'PCI') for n in x.findall(f'TEMPLATE/{kind}')]
        self.records = x.findall('HISTORY_RECORDS/HISTORY')

    def secgroups(self, aliases):
        """Of its NICs, and of their aliases."""
        return {int(id) for n in self.cards + (self.aliases if aliases else []) for id in n.findtext('SECURITY_GROUPS', '').split(',') if id}

    @property
    def host(self):
        """The host that has its capacity booked, or None."""
        if self.state not in ON_HOST or not self.records:
            return None
        # One that ended from STOPPED or UNDEPLOYED only has files left, and one that is cleaned away left already.
        if self.state == VM['ACTIVE'] and (self.lcm in CLEANING or self.lcm in ENDING and self.records[-1].findtext('ETIME') != '0'):
            return None
        return int(self.records[-1].findtext('HID'))


def machines(one):
    """All VMs that aren't DONE."""
    found = []
    for x in one.xml('one.vmpool.infoextended', -2, -1, -1, -1).findall('VM'):
        records = x.findall('HISTORY_RECORDS/HISTORY')
        records.sort(key=lambda r: int(r.findtext('SEQ')))
        found.append(Machine(x))
    return found


class Router:
    def __init__(self, x):
        self.id, self.uid, self.gid, self.vms = int(x.findtext('ID')), int(x.findtext('UID')), int(x.findtext('GID')), ids(x, 'VMS/ID')
        self.leases = [(int(n.findtext('NETWORK_ID')), n.findtext('VROUTER_MAC')) for n in x.findall('TEMPLATE/NIC')
                       if n.findtext('FLOATING_IP', '').upper() == 'YES']
        self.nets = {int(id.text) for id in x.findall('TEMPLATE/NIC/NETWORK_ID')}


def routers(one):
    return [Router(x) for x in one.xml('one.vrouterpool.info', -2, -1, -1).findall('VROUTER')]


def ids(x, path):
    return sorted(int(e.text) for e in x.findall(path))


class Report:
    def __init__(self):
        self.lines = []

    def some(self, what, counted, least, most):
        if not least <= counted <= most:
            self.lines.append(f'{what}: it counts {sorted(counted)}, its objects make {sorted(least)} to {sorted(most)}')

    def same(self, what, counted, summed):
        if counted != summed:
            self.lines.append(f'{what}: it counts {counted}, its objects make {summed}')


def check_hosts(one, vms, report):
    for x in one.xml('one.hostpool.info').findall('HOST'):
        host = int(x.findtext('ID'))
        mine = [vm for vm in vms if vm.host == host]
        report.same(f'host {host} VMS', ids(x, 'VMS/ID'), sorted(vm.id for vm in mine))
        share = x.find('HOST_SHARE')
        report.same(f'host {host} RUNNING_VMS', int(share.findtext('RUNNING_VMS')), len(mine))
        report.same(f'host {host} CPU_USAGE', int(share.findtext('CPU_USAGE')), sum(int(vm.cpu * 100) for vm in mine))
        report.same(f'host {host} MEM_USAGE', int(share.findtext('MEM_USAGE')), sum(vm.memory_mb * 1024 for vm in mine))


def check_images(one, vms, report):
    for x in one.xml('one.imagepool.info', -2, -1, -1).findall('IMAGE'):
        image = int(x.findtext('ID'))
        users = sorted({vm.id for vm in vms if image in vm.images})
        report.same(f'image {image} VMS', ids(x, 'VMS/ID'), users)
        report.same(f'image {image} RUNNING_VMS', int(x.findtext('RUNNING_VMS')), len(users))


def check_networks(one, vms, vrouters, report):
    for brief in one.xml('one.vnpool.info', -2, -1, -1).findall('VNET'):
        net = int(brief.findtext('ID'))
        x = one.xml('one.vn.info', net)
        leased = sorted((int(e.findtext('VM')), e.findtext('MAC')) for e in x.findall('AR_POOL/AR/LEASES/LEASE')
                        if int(e.findtext('VM', '-1')) >= 0)
        report.same(f'network {net} leases', leased, sorted((vm.id, mac) for vm in vms for n, mac in vm.nics if n == net))
        floating = sorted((int(e.findtext('VROUTER')), e.findtext('MAC')) for e in x.findall('AR_POOL/AR/LEASES/LEASE')
                          if e.findtext('VROUTER') is not None)
        report.same(f'network {net} leases of routers', floating, sorted((r.id, mac) for r in vrouters for n, mac in r.leases if n == net))
        # As in OpenNebula, a router that gave back one NIC of several isn't listed any more.
        report.some(f'network {net} VROUTERS', set(ids(x, 'VROUTERS/ID')), set(), {r.id for r in vrouters if net in r.nets})
        states = [id for kind in VM_LISTS for id in ids(x, f'{kind}/ID')]
        report.some(f'network {net} lists of VMs', set(states), set(), {vm.id for vm in vms for n, _ in vm.nics if n == net})
        report.same(f'network {net} USED_LEASES', int(x.findtext('USED_LEASES')), len(x.findall('AR_POOL/AR/LEASES/LEASE')))


def check_secgroups(one, vms, report):
    there = {int(x.findtext('ID')): x for x in one.xml('one.secgrouppool.info', -2, -1, -1).findall('SECURITY_GROUP')}
    for id, x in there.items():
        listed = [vm for kind in VM_LISTS for vm in ids(x, f'{kind}/ID')]
        report.same(f'security group {id}: VMs that are listed twice', len(listed), len(set(listed)))
        report.some(f'security group {id} VMs', set(listed), {vm.id for vm in vms if id in vm.secgroups(False)}, {vm.id for vm in vms if id in vm.secgroups(True)})


def check_markets(one, report):
    """A market has its apps but those that leave it; an image is copied for those that come."""
    apps = one.xml('one.marketapppool.info', -2, -1, -1).findall('MARKETPLACEAPP')
    importing = collections.defaultdict(set)
    for x in one.xml('one.marketpool.info').findall('MARKETPLACE'):
        market, listed = int(x.findtext('ID')), set(ids(x, 'MARKETPLACEAPPS/ID'))
        mine = {int(a.findtext('ID')): a for a in apps if a.findtext('MARKETPLACE_ID') == str(market)}
        report.some(f'market {market} apps', listed, {id for id, a in mine.items() if a.findtext('STATE') != LOCKED_APP}, set(mine))
        for id, a in mine.items():
            if id in listed and a.findtext('STATE') == LOCKED_APP:
                importing[int(a.findtext('ORIGIN_ID'))].add(id)
    for x in one.xml('one.imagepool.info', -2, -1, -1).findall('IMAGE'):
        report.same(f'image {x.findtext("ID")} APP_CLONES', set(ids(x, 'APP_CLONES/ID')), importing[int(x.findtext('ID'))])


def check_routers(vms, vrouters, report):
    for router in vrouters:
        report.same(f'virtual router {router.id} VMS', router.vms, sorted(vm.id for vm in vms if vm.router == router.id and vm.id in router.vms))


def check_datastores(one, report):
    members = collections.defaultdict(list)
    for x in one.xml('one.imagepool.info', -2, -1, -1).findall('IMAGE'):
        members[int(x.findtext('DATASTORE_ID'))].append(int(x.findtext('ID')))
    for x in one.xml('one.datastorepool.info').findall('DATASTORE'):
        ds = int(x.findtext('ID'))
        report.same(f'datastore {ds} IMAGES', ids(x, 'IMAGES/ID'), sorted(members[ds]))


def check_clusters(one, report):
    hosts = [(int(x.findtext('CLUSTER_ID')), int(x.findtext('ID'))) for x in one.xml('one.hostpool.info').findall('HOST')]
    stores = [(cluster, int(x.findtext('ID'))) for x in one.xml('one.datastorepool.info').findall('DATASTORE')
              for cluster in ids(x, 'CLUSTERS/ID')]
    for x in one.xml('one.clusterpool.info').findall('CLUSTER'):
        cluster = int(x.findtext('ID'))
        report.same(f'cluster {cluster} HOSTS', ids(x, 'HOSTS/ID'), sorted(h for c, h in hosts if c == cluster))
        report.same(f'cluster {cluster} DATASTORES', ids(x, 'DATASTORES/ID'), sorted(d for c, d in stores if c == cluster))


def check_backup_jobs(one, vms, report):
    """A VM names the job that has it. (A job may have VMs that are gone.)"""
    jobs = one.xml('one.backupjobpool.info', -2, -1, -1).findall('BACKUPJOB')
    members = {int(x.findtext('ID')): x.findtext('TEMPLATE/BACKUP_VMS').split(',') for x in jobs}
    for vm in vms:
        report.same(f'VM {vm.id} backup jobs', [vm.job][:vm.job >= 0], [job for job, ids in members.items() if str(vm.id) in ids])


# ---- quotas ----

RUNNING = {VM[s] for s in ('INIT', 'PENDING', 'HOLD', 'ACTIVE', 'CLONING', 'CLONING_FAILURE')}


def vm_usage(vm):
    """(section, id of what is counted, metric) and how much."""
    yield ('VM', '', 'VMS'), 1
    yield ('VM', '', 'CPU'), vm.cpu
    yield ('VM', '', 'MEMORY'), vm.memory_mb
    if vm.state in RUNNING and not (vm.state == VM['ACTIVE'] and vm.lcm == LCM['HOTPLUG_NIC_POWEROFF']):
        yield ('VM', '', 'RUNNING_VMS'), 1
        yield ('VM', '', 'RUNNING_CPU'), vm.cpu
        yield ('VM', '', 'RUNNING_MEMORY'), vm.memory_mb
    for disk in vm.disks:
        if disk.findtext('IMAGE_ID') is not None:
            yield ('IMAGE', disk.findtext('IMAGE_ID'), 'RVMS'), 1
        where = disk.findtext('CLONE_TARGET' if disk.findtext('CLONE') == 'YES' else 'LN_TARGET')
        size = int(disk.findtext('SIZE', '0'))
        if disk.findtext('IMAGE_ID') is None or where == 'SYSTEM':
            yield ('VM', '', 'SYSTEM_DISK_SIZE'), size
        elif where == 'SELF':
            yield ('DATASTORE', disk.findtext('DATASTORE_ID'), 'SIZE'), size
    for net, _ in vm.nics:
        yield ('NETWORK', str(net), 'LEASES'), 1


def usage(one, vms, vrouters):
    """What everybody uses: ('USER' or 'GROUP', id) -> what is counted -> how much. oneadmin and its group are never counted."""
    used = collections.defaultdict(collections.Counter)

    def count(uid, gid, what, amount):
        for party in (('USER', uid), ('GROUP', gid)):
            if party[1] > 0:
                used[party][what] += amount
    for vm in vms:
        for what, amount in vm_usage(vm):
            count(vm.uid, vm.gid, what, amount)
    for router in vrouters:
        for net, _ in router.leases:
            count(router.uid, router.gid, ('NETWORK', str(net), 'LEASES'), 1)
    for x in one.xml('one.imagepool.info', -2, -1, -1).findall('IMAGE'):
        owners = int(x.findtext('UID')), int(x.findtext('GID'))
        count(*owners, ('DATASTORE', x.findtext('DATASTORE_ID'), 'IMAGES'), 1)
        count(*owners, ('DATASTORE', x.findtext('DATASTORE_ID'), 'SIZE'), int(x.findtext('SIZE')))
    for x in one.xml('one.vnpool.info', -2, -1, -1).findall('VNET'):
        if x.findtext('PARENT_NETWORK_ID'):     # a reservation
            size = sum(int(ar.findtext('SIZE')) for ar in x.findall('AR_POOL/AR') if ar.findtext('PARENT_NETWORK_AR_ID') is not None)
            count(int(x.findtext('UID')), int(x.findtext('GID')), ('NETWORK', x.findtext('PARENT_NETWORK_ID'), 'LEASES'), size)
    return used


def counted(quotas):
    """What a QUOTAS element says is used, without noughts."""
    found = collections.Counter()
    for section in ('DATASTORE', 'NETWORK', 'VM', 'IMAGE'):
        for record in quotas.findall(f'{section}_QUOTA/{section}'):
            for metric in record:
                if metric.tag.endswith('_USED') and decimal.Decimal(metric.text) != 0:
                    found[section, record.findtext('ID', ''), metric.tag.removesuffix('_USED')] = decimal.Decimal(metric.text)
    return found


def check_quotas(one, vms, vrouters, report):
    used = usage(one, vms, vrouters)
    for party, pool in (('USER', 'one.userpool.info'), ('GROUP', 'one.grouppool.info')):
        for quotas in one.xml(pool).findall('QUOTAS'):
            id = int(quotas.findtext('ID'))
            has, wants = counted(quotas), used[party, id]
            for what in sorted(set(has) | {k for k, v in wants.items() if v}):
                report.same(f'{party} {id} {what[0]} {what[1]} {what[2]}_USED', has[what], wants[what])


def broken(one):
    vms, vrouters, report = machines(one), routers(one), Report()
    check_hosts(one, vms, report)
    check_images(one, vms, report)
    check_networks(one, vms, vrouters, report)
    check_routers(vms, vrouters, report)
    check_secgroups(one, vms, report)
    check_markets(one, report)
    check_datastores(one, report)
    check_clusters(one, report)
    check_quotas(one, vms, vrouters, report)
    check_backup_jobs(one, vms, report)
    return report.lines
