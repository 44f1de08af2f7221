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
ENDING = {LCM['EPILOG'], LCM['EPILOG_FAILURE']}


class Machine:
    def __init__(self, x):
        self.id, self.uid = int(x.findtext('ID')), int(x.findtext('UID'))
        self.state, self.lcm = int(x.findtext('STATE')), int(x.findtext('LCM_STATE'))
        self.cpu, self.memory_mb = decimal.Decimal(x.findtext('TEMPLATE/CPU')), int(x.findtext('TEMPLATE/MEMORY'))
        self.images = [int(e.text) for e in x.findall('TEMPLATE/DISK/IMAGE_ID')]
        self.nics = [(int(n.findtext('NETWORK_ID')), n.findtext('MAC')) for n in x.findall('TEMPLATE/NIC')]
        self.records = x.findall('HISTORY_RECORDS/HISTORY')

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


def ids(x, path):
    return sorted(int(e.text) for e in x.findall(path))


class Report:
    def __init__(self):
        self.lines = []

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


def check_networks(one, vms, report):
    for brief in one.xml('one.vnpool.info', -2, -1, -1).findall('VNET'):
        net = int(brief.findtext('ID'))
        x = one.xml('one.vn.info', net)
        leased = sorted((int(e.findtext('VM')), e.findtext('MAC')) for e in x.findall('AR_POOL/AR/LEASES/LEASE')
                        if int(e.findtext('VM', '-1')) >= 0)
        report.same(f'network {net} leases', leased, sorted((vm.id, mac) for vm in vms for n, mac in vm.nics if n == net))
        report.same(f'network {net} USED_LEASES', int(x.findtext('USED_LEASES')), len(x.findall('AR_POOL/AR/LEASES/LEASE')))


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


def check_quotas(one, vms, report):
    """Users but oneadmin, whom no quota counts."""
    for x in one.xml('one.userpool.info').findall('USER'):
        uid = int(x.findtext('ID'))
        if uid == 0:
            continue
        quota = one.xml('one.user.info', uid).find('VM_QUOTA/VM')
        mine = [vm for vm in vms if vm.uid == uid]
        if quota is None:
            report.same(f'user {uid} without VM_QUOTA', [], [vm.id for vm in mine])
            continue
        report.same(f'user {uid} VMS_USED', int(quota.findtext('VMS_USED')), len(mine))
        report.same(f'user {uid} CPU_USED', decimal.Decimal(quota.findtext('CPU_USED')), sum(vm.cpu for vm in mine))
        report.same(f'user {uid} MEMORY_USED', int(quota.findtext('MEMORY_USED')), sum(vm.memory_mb for vm in mine))


def broken(one):
    vms, report = machines(one), Report()
    check_hosts(one, vms, report)
    check_images(one, vms, report)
    check_networks(one, vms, report)
    check_datastores(one, report)
    check_clusters(one, report)
    check_quotas(one, vms, report)
    return report.lines
