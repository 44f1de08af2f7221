"""What VMs stand on: hosts and their monitoring, clusters, datastores, images, networks and their leases."""
import os
import signal
import unittest

import invariants
from functest import ACTION, HOST, IMAGE, INTERNAL, NO_EXISTS, Cloud, OneCase, children

SMALL = 'CPU=1\nMEMORY=64'


class Hosts(OneCase):
    def host(self, host):
        return self.xml('one.host.info', host)

    def wait_state(self, host, state):
        self.one.wait(f'host {host} {state}', lambda: int(self.host(host).findtext('STATE')) == HOST[state])

    def test_a_host_becomes_monitored_and_has_its_capacity(self):
        host = self.one.dummy_host('first')
        share = self.host(host).find('HOST_SHARE')
        self.assertEqual((share.findtext('TOTAL_CPU'), share.findtext('MAX_CPU'), share.findtext('TOTAL_MEM'), share.findtext('MAX_MEM')),
                         ('800', '800', '16777216', '16777216'))
        self.assertEqual([share.findtext(k) for k in ('CPU_USAGE', 'MEM_USAGE', 'RUNNING_VMS')], ['0', '0', '0'])
        self.assertEqual(len(share.findall('PCI_DEVICES/PCI')), 3)
        self.assertEqual(len(share.findall('NUMA_NODES/NODE')), 2)
        self.assertEqual(self.host(host).findtext('TEMPLATE/HYPERVISOR'), 'dummy')

    def test_a_host_is_disabled_and_set_offline_and_comes_back(self):
        host = self.one.dummy_host('switched')
        self.call('one.host.status', host, 1)
        self.wait_state(host, 'DISABLED')
        self.call('one.host.status', host, 2)
        self.wait_state(host, 'OFFLINE')
        self.assertEqual(self.host(host).findtext('HOST_SHARE/TOTAL_CPU'), '0')
        self.call('one.host.status', host, 0)
        self.wait_state(host, 'MONITORED')
        self.assertEqual(self.host(host).findtext('HOST_SHARE/TOTAL_CPU'), '800')
        self.refused(INTERNAL, 'one.host.status', host, 9, text='Wrong status code')

    def test_a_reservation_makes_it_smaller(self):
        host = self.one.dummy_host('reserved')
        self.call('one.host.update', host, 'RESERVED_CPU=200\nRESERVED_MEM=1048576', 1)
        share = self.host(host).find('HOST_SHARE')
        self.assertEqual((share.findtext('MAX_CPU'), share.findtext('MAX_MEM')), ('600', '15728640'))
        self.assertEqual(share.findtext('TOTAL_CPU'), '800')

    def test_a_host_that_is_gone_is_gone(self):
        host = self.one.dummy_host('short')
        self.call('one.host.delete', host)
        self.refused(NO_EXISTS, 'one.host.info', host)
        self.assertNotIn(host, children(self.xml('one.cluster.info', 0), 'HOSTS/ID'))
        again = self.one.dummy_host('short')
        self.assertGreater(again, host)

    def test_names_are_checked(self):
        self.one.dummy_host('taken')
        self.refused(INTERNAL, 'one.host.allocate', 'taken', 'dummy', 'dummy', -1, text=r'NAME is already taken by HOST \d+')
        self.refused(INTERNAL, 'one.host.allocate', '', 'dummy', 'dummy', -1)
        self.refused(NO_EXISTS, 'one.host.allocate', 'lost', 'dummy', 'dummy', 77)

    def test_the_monitor_that_dies_comes_back_and_knows_the_hosts(self):
        host = self.one.dummy_host('patient')
        pid, = self.one.processes('onemonitord')
        os.kill(pid, signal.SIGKILL)
        self.one.wait('the monitor runs again', lambda: self.one.processes('onemonitord') not in ([], [pid]))
        later = self.call('one.host.allocate', 'later', 'dummy', 'dummy', -1)
        self.wait_state(later, 'MONITORED')
        self.assertEqual(int(self.host(host).findtext('STATE')), HOST['MONITORED'])

    def test_samples_are_kept(self):
        host = self.one.dummy_host('measured')
        self.one.wait('a sample', lambda: self.xml('one.host.monitoring', host).find('MONITORING') is not None)
        sample = self.xml('one.host.monitoring', host).find('MONITORING')
        self.assertEqual(sample.findtext('ID'), str(host))
        self.assertIsNotNone(sample.find('CAPACITY/FREE_MEMORY'))

    def test_a_host_of_an_unknown_monitor_driver_ends_in_error(self):
        host = self.call('one.host.allocate', 'strange', 'nosuch', 'dummy', -1)
        self.wait_state(host, 'ERROR')


class HostsOnMariaDB(Hosts):
    backend = 'mysql'


class Clusters(OneCase):
    def test_members_come_and_go(self):
        cluster = self.call('one.cluster.allocate', 'prod')
        host = self.call('one.host.allocate', 'h', 'dummy', 'dummy', cluster)
        other = self.call('one.host.allocate', 'g', 'dummy', 'dummy', -1)
        ds = self.one.dummy_system_ds()
        net = self.call('one.vn.allocate', 'NAME=n\nVN_MAD=dummy\nBRIDGE=b\nAR=[TYPE=ETHER,SIZE=2]', cluster)
        self.call('one.cluster.addhost', cluster, other)
        self.call('one.cluster.adddatastore', cluster, ds)
        x = self.xml('one.cluster.info', cluster)
        self.assertEqual(children(x, 'HOSTS/ID'), {host, other})
        self.assertEqual((children(x, 'DATASTORES/ID'), children(x, 'VNETS/ID')), ({ds}, {net}))
        self.assertEqual(self.xml('one.host.info', other).findtext('CLUSTER'), 'prod')
        self.assertEqual(children(self.xml('one.datastore.info', ds), 'CLUSTERS/ID'), {0, cluster})
        self.refused(ACTION, 'one.cluster.delete', cluster)
        for host_id in (host, other):
            self.call('one.cluster.delhost', cluster, host_id)
        self.call('one.cluster.deldatastore', cluster, ds)
        self.call('one.cluster.delvnet', cluster, net)
        self.call('one.cluster.delete', cluster)
        self.assertEqual(invariants.broken(self.one), [])
        self.assertEqual(children(self.xml('one.cluster.info', 0), 'HOSTS/ID'), {host, other})

    def test_the_default_cluster_stays(self):
        self.refused(ACTION, 'one.cluster.delete', 0, text='System Clusters')


class Datastores(OneCase):
    def test_a_datastore_is_measured(self):
        ds = self.call('one.datastore.allocate', 'NAME=imgs\nTYPE=IMAGE_DS\nDS_MAD=dummy\nTM_MAD=dummy', -1)
        self.one.wait('measured', lambda: self.xml('one.datastore.info', ds).findtext('TOTAL_MB') == '20480')
        self.assertEqual(self.xml('one.datastore.info', ds).findtext('FREE_MB'), '20480')

    def test_one_with_images_stays(self):
        ds = self.call('one.datastore.allocate', 'NAME=full\nTYPE=IMAGE_DS\nDS_MAD=dummy\nTM_MAD=dummy', -1)
        image = self.call('one.image.allocate', 'NAME=i\nTYPE=OS\nPATH=/x\nSIZE=1', ds, True)
        self.one.wait('the image is ready', lambda: self.xml('one.image.info', image).findtext('STATE') == '1')
        self.refused(ACTION, 'one.datastore.delete', ds, text=f'Datastore {ds} is not empty')
        self.call('one.image.delete', image)
        self.one.wait('the image is gone', lambda: self.one.raw('one.image.info', image)[2] == NO_EXISTS)
        self.call('one.datastore.delete', ds)
        self.refused(NO_EXISTS, 'one.datastore.info', ds)

    def test_templates_are_checked(self):
        self.refused(INTERNAL, 'one.datastore.allocate', 'NAME=x', -1)
        self.refused(INTERNAL, 'one.datastore.allocate', 'NAME=x\nDS_MAD=nosuch\nTM_MAD=dummy', -1)
        self.refused(INTERNAL, 'one.datastore.allocate', 'NAME=[', -1)

    def test_a_system_datastore_is_disabled_and_enabled(self):
        ds = self.one.dummy_system_ds()
        self.call('one.datastore.enable', ds, False)
        self.assertEqual(self.xml('one.datastore.info', ds).findtext('STATE'), '1')
        self.call('one.datastore.enable', ds, True)
        self.assertEqual(self.xml('one.datastore.info', ds).findtext('STATE'), '0')


class Images(OneCase):
    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=1)

    def image(self, image):
        return self.xml('one.image.info', image)

    def snapshots(self, image):
        return [(part.tag, part.text) for part in self.image(image).find('SNAPSHOTS')]

    def new(self, template):
        image = self.call('one.image.allocate', template, self.cloud.images_ds)
        self.cloud.wait_image(image)
        return image

    def gone(self, image):
        self.one.wait(f'image {image} is gone', lambda: self.one.raw('one.image.info', image)[2] == NO_EXISTS)
        self.assertNotIn(image, children(self.xml('one.datastore.info', self.cloud.images_ds), 'IMAGES/ID'))

    def test_an_image_is_copied_then_ready_then_deleted(self):
        image = self.new('NAME=os1\nTYPE=OS\nPATH=/x/os.img\nSIZE=64')
        x = self.image(image)
        self.assertEqual((x.findtext('SOURCE'), x.findtext('FORMAT')), ('dummy_path', 'dummy_format'))
        self.assertIn(image, children(self.xml('one.datastore.info', self.cloud.images_ds), 'IMAGES/ID'))
        self.call('one.image.delete', image)
        self.gone(image)

    def test_an_empty_disk_is_made(self):
        image = self.new('NAME=data1\nTYPE=DATABLOCK\nSIZE=512')
        self.assertEqual(self.image(image).findtext('SIZE'), '512')

    def test_a_used_image_is_counted_and_stays(self):
        image = self.new('NAME=used\nTYPE=OS\nPATH=/x\nSIZE=1')
        vms = [self.call('one.vm.allocate', f'{SMALL}\nDISK=[IMAGE_ID={image}]') for _ in range(3)]
        x = self.image(image)
        self.assertEqual((int(x.findtext('STATE')), x.findtext('RUNNING_VMS'), children(x, 'VMS/ID')), (IMAGE['USED'], '3', set(vms)))
        self.assertFalse(self.one.raw('one.image.delete', image)[0])
        for vm in vms:
            self.call('one.vm.action', 'terminate', vm)
        x = self.image(image)
        self.assertEqual((int(x.findtext('STATE')), x.findtext('RUNNING_VMS')), (IMAGE['READY'], '0'))
        self.call('one.image.delete', image)
        self.gone(image)

    def test_a_persistent_image_is_for_one_vm(self):
        image = self.new('NAME=own\nTYPE=DATABLOCK\nSIZE=8\nPERSISTENT=YES')
        vm = self.call('one.vm.allocate', f'{SMALL}\nDISK=[IMAGE_ID={image}]')
        self.assertEqual(int(self.image(image).findtext('STATE')), IMAGE['USED_PERS'])
        self.assertFalse(self.one.raw('one.vm.allocate', f'{SMALL}\nDISK=[IMAGE_ID={image}]')[0])
        before = self.snapshots(image)
        self.call('one.vm.action', 'terminate', vm)
        self.assertEqual(int(self.image(image).findtext('STATE')), IMAGE['READY'])
        self.assertEqual(self.snapshots(image), before)

    def test_a_copy_is_made(self):
        image = self.new('NAME=source\nTYPE=OS\nPATH=/x\nSIZE=1')
        copy = self.call('one.image.clone', image, 'copy', -1)
        self.cloud.wait_image(copy)
        self.cloud.wait_image(image)
        self.assertEqual(self.image(copy).findtext('NAME'), 'copy')

    def test_types_are_changed_and_images_disabled(self):
        image = self.new('NAME=typed\nTYPE=OS\nPATH=/x\nSIZE=1')
        self.call('one.image.chtype', image, 'CDROM')
        self.assertEqual(self.image(image).findtext('TYPE'), '1')
        self.call('one.image.enable', image, False)
        self.assertEqual(int(self.image(image).findtext('STATE')), IMAGE['DISABLED'])
        self.assertFalse(self.one.raw('one.vm.allocate', f'{SMALL}\nDISK=[IMAGE_ID={image}]')[0])
        self.call('one.image.enable', image, True)
        self.assertEqual(int(self.image(image).findtext('STATE')), IMAGE['READY'])

    def test_a_vm_waits_for_an_image_that_is_being_copied(self):
        os.kill(self.one.processes('one_datastore')[0], signal.SIGSTOP)
        stopped = self.one.processes('one_datastore')[0]
        try:
            # Its size is given, so nobody asks the driver before it is made.
            image = self.one.raw('one.image.allocate', 'NAME=slow\nTYPE=DATABLOCK\nSIZE=16', self.cloud.images_ds)[1]
            self.assertEqual(int(self.image(image).findtext('STATE')), IMAGE['LOCKED'])
            vm = self.call('one.vm.allocate', f'{SMALL}\nDISK=[IMAGE_ID={image}]')
            self.wait_vm(vm, 'CLONING')
        finally:
            os.kill(stopped, signal.SIGCONT)
        self.wait_vm(vm, 'PENDING')
        self.call('one.vm.action', 'terminate', vm)
        self.cloud.wait_image(image)

    def test_a_datastore_driver_that_dies_in_the_middle_is_asked_again(self):
        pid, = self.one.processes('one_datastore')
        os.kill(pid, signal.SIGSTOP)
        image = self.call('one.image.allocate', 'NAME=unlucky\nTYPE=DATABLOCK\nSIZE=16', self.cloud.images_ds)
        doomed = self.call('one.image.allocate', 'NAME=doomed\nTYPE=OS\nSOURCE=/x\nSIZE=1\nFORMAT=raw', self.cloud.images_ds)
        self.call('one.image.delete', doomed)
        os.kill(pid, signal.SIGKILL)
        self.cloud.wait_image(image)
        self.gone(doomed)


class ImagesOnMariaDB(Images):
    backend = 'mysql'


class Networks(OneCase):
    def net(self, net):
        return self.xml('one.vn.info', net)

    def new(self, name, ar='TYPE=IP4,IP=10.0.0.1,SIZE=4'):
        return self.call('one.vn.allocate', f'NAME={name}\nVN_MAD=dummy\nBRIDGE=br0\nAR=[{ar}]', -1)

    def leases(self, net):
        return {e.findtext('IP'): int(e.findtext('VM')) for e in self.net(net).findall('AR_POOL/AR/LEASES/LEASE')}

    def test_vms_get_addresses_and_give_them_back(self):
        net = self.new('lan')
        vms = [self.call('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={net}]') for _ in range(4)]
        self.assertEqual(self.leases(net), {f'10.0.0.{i + 1}': vm for i, vm in enumerate(vms)})
        self.assertFalse(self.one.raw('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={net}]')[0])
        self.assertFalse(self.one.raw('one.vn.delete', net)[0])
        self.call('one.vm.action', 'terminate', vms[1])
        again = self.call('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={net}]')
        self.assertEqual(self.leases(net)['10.0.0.2'], again)
        for vm in (vms[0], again, *vms[2:]):
            self.call('one.vm.action', 'terminate', vm)
        self.assertEqual(self.leases(net), {})
        self.assertEqual(self.net(net).findtext('USED_LEASES'), '0')
        self.call('one.vn.delete', net)
        self.one.wait('the network is gone', lambda: self.one.raw('one.vn.info', net)[2] == NO_EXISTS)

    def test_an_address_can_be_asked_for_once(self):
        net = self.new('wanted')
        vm = self.call('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={net},IP=10.0.0.3]')
        self.assertEqual(self.leases(net), {'10.0.0.3': vm})
        self.assertFalse(self.one.raw('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={net},IP=10.0.0.3]')[0])
        self.assertFalse(self.one.raw('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={net},IP=10.9.0.3]')[0])
        self.assertEqual(len(self.leases(net)), 1)

    def test_an_address_on_hold_is_not_given(self):
        net = self.new('held')
        self.call('one.vn.hold', net, 'LEASES=[IP=10.0.0.1]')
        vm = self.call('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={net}]')
        self.assertEqual(self.leases(net)['10.0.0.2'], vm)
        self.call('one.vn.release', net, 'LEASES=[IP=10.0.0.1]')
        self.assertEqual(set(self.leases(net)), {'10.0.0.2'})

    def test_ranges_are_added_and_removed(self):
        net = self.new('grown')
        self.call('one.vn.add_ar', net, 'AR=[TYPE=IP4,IP=10.1.0.1,SIZE=2]')
        self.assertEqual(len(self.net(net).findall('AR_POOL/AR')), 2)
        vm = self.call('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={net},IP=10.1.0.2]')
        self.assertFalse(self.one.raw('one.vn.rm_ar', net, 1)[0])
        self.call('one.vm.action', 'terminate', vm)
        self.call('one.vn.rm_ar', net, 1)
        self.assertEqual(len(self.net(net).findall('AR_POOL/AR')), 1)

    def test_a_refused_vm_leaves_no_lease_behind(self):
        net, full = self.new('good'), self.new('tiny', 'TYPE=ETHER,SIZE=1')
        self.call('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={full}]')
        self.assertFalse(self.one.raw('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={net}]\nNIC=[NETWORK_ID={full}]')[0])
        self.assertEqual(self.leases(net), {})

    def test_six_byte_and_ipv6_ranges(self):
        ether = self.new('ether', 'TYPE=ETHER,SIZE=2,MAC="02:11:22:33:44:55"')
        six = self.new('six', 'TYPE=IP6,SIZE=2,GLOBAL_PREFIX="2001:db8::"')
        vm = self.call('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={ether}]\nNIC=[NETWORK_ID={six}]')
        nics = self.vm(vm).findall('TEMPLATE/NIC')
        self.assertEqual(nics[0].findtext('MAC'), '02:11:22:33:44:55')
        self.assertTrue(nics[1].findtext('IP6_GLOBAL').startswith('2001:db8:'))

    def test_a_security_group_knows_who_uses_it(self):
        net = self.new('guarded')
        group = self.call('one.secgroup.allocate', 'NAME=web\nRULE=[PROTOCOL=TCP,RULE_TYPE=inbound,RANGE="80,443"]')
        vm = self.call('one.vm.allocate', f'{SMALL}\nNIC=[NETWORK_ID={net},SECURITY_GROUPS="{group}"]')
        self.assertIn(group, [int(i) for i in self.vm(vm).findtext('TEMPLATE/NIC/SECURITY_GROUPS').split(',')])
        self.refused(ACTION, 'one.secgroup.delete', group, text='has VMs using it')
        self.call('one.vm.action', 'terminate', vm)
        self.call('one.secgroup.delete', group)


class NetworksOnMariaDB(Networks):
    backend = 'mysql'


if __name__ == '__main__':
    unittest.main()
