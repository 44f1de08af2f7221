"""Virtual routers: floating addresses that networks lease them and quotas count, the VMs they are made of, and what follows their changes."""
import os
import signal
import unittest

import invariants
from functest import ACTION, ALLOCATE, AUTHORIZATION, INTERNAL, NO_EXISTS, VM, Cloud, OneCase, children
from test_quota import wrong_lines

KEEP = [-1] * 9


class RouterCase(OneCase):
    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=1)
        cls.net = cls.cloud.net
        cls.template = cls.one.call('one.template.allocate', 'NAME=router\nCPU=1\nMEMORY=16\nVROUTER=YES\nCONTEXT=[NETWORK=YES]')
        cls.one.call('one.template.chmod', cls.template, 1, 1, 0, 1, 0, 0, 1, 0, 0, False)

    def tearDown(self):
        self.assertEqual(invariants.broken(self.one), [])

    def router(self, *nics, auth=None, name='r'):
        return self.call('one.vrouter.allocate', '\n'.join([f'NAME={name}', *(f'NIC=[{nic}]' for nic in nics)]), auth=auth)

    def floating(self):
        return f'NETWORK_ID={self.net},FLOATING_IP=YES'

    def nics(self, router):
        return {n.findtext('NIC_ID'): n for n in self.xml('one.vrouter.info', router).findall('TEMPLATE/NIC')}

    def vms(self, router):
        return sorted(children(self.xml('one.vrouter.info', router), 'VMS/ID'))

    def leases(self, net=None, auth=None):
        """Which addresses of a network routers have."""
        x = self.xml('one.vn.info', self.net if net is None else net, auth=auth)
        return {int(e.findtext('VROUTER')): e.findtext('IP') for e in x.findall('AR_POOL/AR/LEASES/LEASE') if e.find('VROUTER') is not None}

    def instantiate(self, router, n=1, template=None, name='', hold=True, extra='', auth=None):
        self.call('one.vrouter.instantiate', router, n, self.template if template is None else template, name, hold, extra, auth=auth)
        return self.vms(router)

    def used(self, uid, pool='user'):
        """LEASES_USED of the network."""
        return {e.findtext('ID'): e.findtext('LEASES_USED')
                for e in self.xml(f'one.{pool}.info', uid).findall('NETWORK_QUOTA/NETWORK')}.get(str(self.net), '0')


class Addresses(RouterCase):
    def test_a_floating_address_is_the_routers_until_it_goes(self):
        router = self.router(self.floating() + ',IP=10.0.0.77', f'NETWORK_ID={self.net}')
        first, second = self.nics(router)['0'], self.nics(router)['1']
        self.assertEqual((first.findtext('VROUTER_IP'), first.findtext('VROUTER_MAC'), first.find('IP')), ('10.0.0.77', '02:00:0a:00:00:4d', None))
        self.assertIsNone(second.find('VROUTER_IP'))
        self.assertEqual(self.leases(), {router: '10.0.0.77'})
        self.assertIn(router, children(self.xml('one.vn.info', self.net), 'VROUTERS/ID'))
        self.refused(INTERNAL, 'one.vrouter.allocate', f'NAME=x\nNIC=[{self.floating()}]\nNIC=[{self.floating()},IP=10.0.0.77]',
                     text=rf'Cannot get IP/MAC lease from virtual network {self.net}\.$')
        self.assertEqual(self.leases(), {router: '10.0.0.77'})
        self.call('one.vrouter.delete', router)
        self.assertEqual(self.leases(), {})
        self.assertEqual(self.xml('one.vn.info', self.net).findall('VROUTERS/ID'), [])
        self.refused(NO_EXISTS, 'one.vrouter.delete', router, text=rf'Error getting virtual router \[{router}\]')

    def test_a_network_with_a_router_stays(self):
        net = self.call('one.vn.allocate', 'NAME=own\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP=10.9.0.1,SIZE=2]', -1)
        router = self.router(f'NETWORK_ID={net}')
        self.refused(ACTION, 'one.vn.delete', net, text='leases in use')
        self.call('one.vrouter.delete', router)
        self.call('one.vn.delete', net)

    def test_who_may_connect_what(self):
        # Of no VDC: else they may use all networks.
        outside = self.call('one.group.allocate', 'outside')
        self.call('one.vdc.delgroup', 0, outside)
        uid, ann = self.user('connect-ann', outside)
        net = self.call('one.vn.allocate', 'NAME=closed\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP=10.9.0.1,SIZE=9]', -1)
        group = self.call('one.secgroup.allocate', 'NAME=closed')
        guarded = self.call('one.vn.allocate', f'NAME=guarded\nVN_MAD=dummy\nBRIDGE=br0\nSECURITY_GROUPS="{group}"\nAR=[TYPE=IP4,IP=10.9.1.1,SIZE=9]', -1)
        self.call('one.vn.chmod', guarded, *KEEP[:6], 1, 0, 0)
        router = self.router()
        self.call('one.vrouter.chown', router, uid, -1)
        create = rf'CREATE VROUTER.*USE NET \[{net}\]'
        self.refused(AUTHORIZATION, 'one.vrouter.allocate', f'NAME=x\nNIC=[NETWORK_ID={net}]', auth=ann, text=create)
        for nic, text in ((f'NETWORK_ID={net}', rf'USE NET \[{net}\]'), ('NETWORK=closed,NETWORK_UNAME=oneadmin', rf'USE NET \[{net}\]'),
                          (f'NETWORK_ID={guarded}', rf'USE SECGROUP \[{group}\]'),
                          (f'NETWORK_ID={self.net},SECURITY_GROUPS="0,{group}"', rf'USE SECGROUP \[{group}\]')):
            self.refused(AUTHORIZATION, 'one.vrouter.attachnic', router, f'NIC=[{nic}]', auth=ann, text=text)
        # An automatic NIC asks for no right: it must not connect anything either.
        self.refused(ACTION, 'one.vrouter.attachnic', router, f'NIC=[NETWORK_MODE=auto,NETWORK_ID={net},FLOATING_IP=YES]', auth=ann, text='auto mode')
        # Names are looked for among the networks of the caller, not of the router's owner.
        _, ben = self.user('connect-ben', outside)
        self.call('one.vn.chown', net, self.call('one.user.allocate', 'connect-cat', 'x', 'core', []), -1)
        self.refused(ACTION, 'one.vrouter.attachnic', router, 'NIC=[NETWORK=closed]', text='User 0 does not own a network with name: closed')
        self.refused(AUTHORIZATION, 'one.vrouter.attachnic', router, 'NIC=[]', auth=ben, text=rf'MANAGE VROUTER \[{router}\]')
        self.assertEqual(self.leases(net), {})

    def test_restricted_attributes_of_vms_nics_do_not_come_by_a_router(self):
        _, ann = self.user('restrict-ann', self.makers())
        for nic in (f'NETWORK_ID={self.net},MAC="02:00:0a:00:00:09"', f'NETWORK_ID={self.net},FLOATING_IP=NO,BRIDGE=br9'):
            self.refused(AUTHORIZATION, 'one.vrouter.allocate', f'NAME=x\nNIC=[{nic}]', auth=ann, text='NIC includes a restricted attribute')
        # Of a floating one the MAC names the lease, and the rest is dropped.
        router = self.router(self.floating() + ',MAC="02:00:0a:00:00:09",FILTER=none', auth=ann)
        nic = self.nics(router)['0']
        self.assertEqual((nic.findtext('VROUTER_MAC'), nic.find('FILTER'), nic.find('MAC')), ('02:00:0a:00:00:09', None, None))
        self.call('one.vrouter.update', router, f'NIC=[NETWORK_ID={self.net},BRIDGE=br9]\nTEXT=new', 1, auth=ann)
        self.assertEqual(list(self.nics(router)), ['0'])
        self.assertIsNone(self.nics(router)['0'].find('BRIDGE'))
        self.call('one.vrouter.delete', router, auth=ann)

    def makers(self):
        """A group whose members may make routers and templates."""
        group = self.call('one.group.allocate', f'makers-{self.id().rpartition(".")[2]}')
        self.call('one.acl.addrule', hex(0x200000000 + group), '0x4020400000000', '0x8')
        return group

    def test_addresses_are_counted_for_the_owner_and_limited(self):
        group = self.makers()
        uid, ann = self.user('count-ann', group)
        other, _ = self.user('count-ben', group)
        self.call('one.user.quota', uid, f'NETWORK=[ID={self.net},LEASES=2]')
        router = self.router(self.floating(), f'NETWORK_ID={self.net}', auth=ann)
        self.assertEqual((self.used(uid), self.used(group, 'group')), ('1', '1'))
        limit = rf'user \[{uid}\] limit of 2 reached for LEASES quota in NETWORK with ID: {self.net}'
        self.refused(AUTHORIZATION, 'one.vrouter.allocate', f'NAME=x\nNIC=[{self.floating()}]\nNIC=[{self.floating()}]', auth=ann, text=limit)
        self.assertEqual(self.used(uid), '1')
        self.call('one.vrouter.attachnic', router, f'NIC=[{self.floating()}]')
        self.refused(AUTHORIZATION, 'one.vrouter.attachnic', router, f'NIC=[{self.floating()}]', text=limit)
        self.call('one.vrouter.attachnic', router, f'NIC=[NETWORK_ID={self.net}]', auth=ann)
        self.assertEqual((self.used(uid), sorted(self.nics(router))), ('2', ['0', '1', '2', '3']))
        self.call('one.vrouter.detachnic', router, 1)
        self.assertEqual(self.used(uid), '2')
        self.call('one.user.quota', other, f'NETWORK=[ID={self.net},LEASES=1]')
        self.refused(AUTHORIZATION, 'one.vrouter.chown', router, other, -1, text=rf'user \[{other}\] limit of 1 reached for LEASES')
        self.assertEqual(self.xml('one.vrouter.info', router).findtext('UID'), str(uid))
        self.call('one.vrouter.detachnic', router, 2)
        self.call('one.vrouter.chown', router, other, -1)
        self.assertEqual((self.used(uid), self.used(other), self.used(group, 'group')), ('0', '1', '1'))
        self.refused(AUTHORIZATION, 'one.vrouter.info', router, auth=ann)
        self.call('one.vrouter.delete', router)
        self.assertEqual((self.used(other), self.used(group, 'group')), ('0', '0'))

    def test_names_repeat_but_not_by_getting_an_owner(self):
        uid, _ = self.user('names-ann')
        first, second = self.router(name='same'), self.router(name='same')
        self.call('one.vrouter.rename', second, 'other')
        self.call('one.vrouter.rename', second, 'same')
        self.call('one.vrouter.chown', first, uid, -1)
        self.refused(INTERNAL, 'one.vrouter.chown', second, uid, -1, text=rf'user \[{uid}\] already owns virtual router \[{first}\] with NAME same$')
        self.call('one.vrouter.chown', first, uid, -1)
        self.refused(NO_EXISTS, 'one.vrouter.chown', 9999, uid, 9998, text=r'Error getting group \[9998\]')

    def test_a_lock_stops_changes_but_not_looking(self):
        router = self.router(self.floating())
        self.call('one.vrouter.lock', router, 2)
        for method, *args in (('update', 'A=b', 1), ('delete',), ('attachnic', f'NIC=[{self.floating()}]'), ('detachnic', 0),
                              ('instantiate', 1, self.template, '', True, '')):
            self.refused(AUTHORIZATION, f'one.vrouter.{method}', router, *args, text=rf'VROUTER is locked\. \[{router}\]')
        self.assertEqual(self.xml('one.vrouter.info', router).findtext('LOCK/LOCKED'), '2')
        self.call('one.vrouter.unlock', router)
        self.call('one.vrouter.delete', router)


class Machines(RouterCase):
    def test_vms_get_the_routers_nics(self):
        router = self.router(self.floating(), f'NETWORK_ID={self.net}', name='gate')
        first, second = self.instantiate(router, 2, extra='MEMORY=32\nNIC=[NETWORK_ID=77]')
        self.assertEqual([self.vm(vm).findtext('NAME') for vm in (first, second)], ['vr-gate-0', 'vr-gate-1'])
        address = self.leases()[router]
        for vm in (first, second):
            x = self.vm(vm)
            self.assertEqual((x.findtext('STATE'), x.findtext('TEMPLATE/VROUTER_ID'), x.findtext('TEMPLATE/MEMORY')), ('2', str(router), '32'))
            self.assertEqual([n.findtext('VROUTER_IP') for n in x.findall('TEMPLATE/NIC')], [address, None])
            self.assertEqual(x.findtext('TEMPLATE/CONTEXT/ETH0_VROUTER_IP'), address)
        self.assertEqual(self.xml('one.vrouter.info', router).findtext('TEMPLATE/TEMPLATE_ID'), str(self.template))
        third = self.instantiate(router, template=-1, name='%i-%i', hold=False)[-1]
        self.assertEqual((self.vm(third).findtext('NAME'), self.state(third)), ('0-0', (VM['PENDING'], 0)))
        self.call('one.vm.action', 'terminate', third)
        self.assertEqual(self.vms(router), [first, second])
        self.call('one.vrouter.delete', router)
        self.assertEqual([self.state(vm)[0] for vm in (first, second)], [VM['DONE']] * 2)

    def test_what_can_not_be_instantiated(self):
        router = self.router()
        plain = self.call('one.template.allocate', 'NAME=plain\nCPU=1\nMEMORY=16')
        broken = self.call('one.template.allocate', 'NAME=broken\nCPU=1\nMEMORY=16\nVROUTER=YES\nDISK=[IMAGE_ID=77]')

        def wrong(code, text, template, n=1, extra='', which=router):
            self.refused(code, 'one.vrouter.instantiate', which, n, template, '', True, extra, text=text)
        wrong(ACTION, 'A template ID was not provided', -1)
        wrong(ACTION, 'Only virtual router templates are allowed', plain)
        wrong(NO_EXISTS, r'Error getting virtual machine template \[9999\]', 9999)
        wrong(NO_EXISTS, r'Error getting virtual machine template \[-7\]', -7)
        wrong(NO_EXISTS, r'Error getting virtual router \[9999\]', self.template, which=9999)
        wrong(INTERNAL, 'Parse error', self.template, extra='A=[')
        wrong(ACTION, "can't get more than 255", self.template, n=256)
        wrong(ALLOCATE, 'Image with ID: 77 does not exist', broken)
        self.refused(ALLOCATE, 'one.vrouter.instantiate', router, 255, self.template, '%i' * 500000, True, '', text='max length is 128 chars')
        self.assertEqual(self.vms(router), [])
        for n in (0, -5):
            self.call('one.vrouter.instantiate', router, n, self.template, '', True, '')
        self.assertEqual(self.vms(router), [])

    def test_all_are_made_or_none(self):
        uid, ann = self.user('none-ann')
        router = self.router(self.floating())
        self.call('one.vrouter.chown', router, uid, -1)
        self.call('one.user.quota', uid, 'VM=[VMS=2]')
        before = len(self.xml('one.vmpool.info', -2, -1, -1, -2).findall('VM'))
        self.refused(AUTHORIZATION, 'one.vrouter.instantiate', router, 3, self.template, '', True, '', auth=ann, text='limit of 2 reached for VMS')
        self.assertEqual((self.vms(router), len(self.xml('one.vmpool.info', -2, -1, -1, -2).findall('VM'))), ([], before))
        self.assertEqual(self.used(uid), '1')
        self.assertIsNone(self.xml('one.vrouter.info', router).find('TEMPLATE/TEMPLATE_ID'))
        self.assertEqual(len(self.instantiate(router, 2, auth=ann)), 2)
        self.call('one.vrouter.delete', router, auth=ann)
        self.assertEqual(self.used(uid), '0')

    def test_who_may_have_vms_of_a_router(self):
        uid, ann = self.user('have-ann')
        router = self.router()
        private = self.call('one.template.allocate', 'NAME=private\nCPU=1\nMEMORY=16\nVROUTER=YES')
        call = 'one.vrouter.instantiate', router, 1
        self.refused(AUTHORIZATION, *call, self.template, '', True, '', auth=ann, text=rf'MANAGE VROUTER \[{router}\]')
        self.call('one.vrouter.chown', router, uid, -1)
        self.refused(AUTHORIZATION, *call, private, '', True, '', auth=ann, text=rf'USE TEMPLATE \[{private}\]')
        self.refused(AUTHORIZATION, *call, self.template, '', True, 'CPU_COST=0', auth=ann, text='restricted attribute CPU_COST')
        self.refused(ACTION, 'one.template.instantiate', self.template, '', True, '', auth=ann, text='Virtual router templates cannot be instantiated')

    def test_vms_follow_bits_and_owners(self):
        uid, ann = self.user('follow-ann')
        router = self.router(self.floating())
        vms = self.instantiate(router, 2)
        self.call('one.vrouter.chmod', router, *KEEP[:6], 1, 0, 0)
        self.assertEqual([self.vm(vm).findtext('PERMISSIONS/OTHER_U') for vm in vms], ['1', '1'])
        self.call('one.vrouter.chmod', router, *KEEP[:6], 0, 0, 0)
        # The limit says no to the second: nothing changes hands.
        self.call('one.user.quota', uid, 'VM=[VMS=1]')
        self.refused(AUTHORIZATION, 'one.vrouter.chown', router, uid, 1, text='limit of 1 reached for VMS')
        self.assertEqual([self.xml('one.vrouter.info', router).findtext('UID')] + [self.vm(vm).findtext('UID') for vm in vms], ['0'] * 3)
        self.call('one.user.quota', uid, 'VM=[VMS=2]')
        self.call('one.vrouter.chown', router, uid, 1)
        self.assertEqual([(self.vm(vm).findtext('UID'), self.vm(vm).findtext('GID')) for vm in vms], [(str(uid), '1')] * 2)
        # The bits of a VM that somebody else took are his.
        self.call('one.vm.chown', vms[0], 0, 0)
        self.refused(AUTHORIZATION, 'one.vrouter.chmod', router, -1, -1, -1, 1, *KEEP[:5], auth=ann, text=rf'MANAGE VM \[{vms[0]}\]')
        self.assertEqual([self.vm(vm).findtext('PERMISSIONS/GROUP_U') for vm in vms], ['0', '1'])
        self.assertEqual(self.xml('one.vrouter.info', router).findtext('PERMISSIONS/GROUP_U'), '1')
        self.call('one.vrouter.delete', router)

    def test_deleting_a_router_ends_vms_that_run(self):
        router = self.router(self.floating())
        running, stuck = self.instantiate(router, 2)
        self.cloud.deploy(running)
        self.wait_vm(running, 'RUNNING')
        self.one.answers('deploy', '-')
        try:
            self.cloud.deploy(stuck)
            self.wait_vm(stuck, 'BOOT')
            self.call('one.vrouter.delete', router)
        finally:
            self.one.answers('deploy')
        for vm in (running, stuck):
            self.wait_vm(vm, 'DONE')
        self.assertEqual(self.leases(), {})

    def vm_nics(self, vm):
        return {n.findtext('NIC_ID'): n.findtext('VROUTER_IP') for n in self.vm(vm).findall('TEMPLATE/NIC')}

    def test_nics_come_to_vms_that_run_and_go_from_them(self):
        router = self.router(self.floating())
        vms = self.instantiate(router, 2, hold=False)
        for vm in vms:
            self.cloud.deploy(vm)
            self.wait_vm(vm, 'RUNNING')
        self.call('one.vrouter.attachnic', router, f'NIC=[{self.floating()},IP=10.0.0.99]')
        for vm in vms:
            self.wait_vm(vm, 'RUNNING')
            self.assertEqual(self.vm_nics(vm).get('1'), '10.0.0.99')
        self.assertEqual(sorted(self.nics(router)), ['0', '1'])
        self.refused(ACTION, 'one.vm.detachnic', vms[0], 1, text='not supported for virtual router VMs')
        self.call('one.vrouter.detachnic', router, 1)
        for vm in vms:
            self.wait_vm(vm, 'RUNNING')
            self.assertEqual(list(self.vm_nics(vm)), ['0'])
        self.refused(ACTION, 'one.vrouter.detachnic', router, 1, text='NIC with NIC_ID 1 does not exist')
        self.call('one.vrouter.delete', router)
        for vm in vms:
            self.wait_vm(vm, 'DONE')

    def test_a_nic_that_a_driver_could_not_attach_moves_no_other_ones_number(self):
        router = self.router(self.floating())
        vm, = self.instantiate(router, hold=False)
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        self.one.answers('attach_nic', 'failure')
        try:
            self.call('one.vrouter.attachnic', router, f'NIC=[{self.floating()}]')
            self.wait_vm(vm, 'RUNNING')
        finally:
            self.one.answers('attach_nic')
        self.assertEqual((sorted(self.nics(router)), list(self.vm_nics(vm))), (['0', '1'], ['0']))
        self.call('one.vrouter.attachnic', router, f'NIC=[{self.floating()},IP=10.0.0.98]')
        self.wait_vm(vm, 'RUNNING')
        self.assertEqual(self.vm_nics(vm).get('2'), '10.0.0.98')
        self.call('one.vrouter.detachnic', router, 1)
        self.wait_vm(vm, 'RUNNING')
        self.assertEqual(self.vm_nics(vm).get('2'), '10.0.0.98')
        self.call('one.vrouter.delete', router)
        self.wait_vm(vm, 'DONE')

    def test_all_vms_get_a_nic_or_none(self):
        router = self.router(self.floating())
        running, stuck = self.instantiate(router, 2, hold=False)
        for vm in (running, stuck):
            self.cloud.deploy(vm)
            self.wait_vm(vm, 'RUNNING')
        self.call('one.vm.action', 'suspend', stuck)
        self.wait_vm(stuck, 'SUSPENDED')
        before = self.leases()
        self.refused(ACTION, 'one.vrouter.attachnic', router, f'NIC=[{self.floating()}]', text='wrong state SUSPENDED')
        self.refused(ACTION, 'one.vrouter.detachnic', router, 0, text='wrong state SUSPENDED')
        self.assertEqual((self.leases(), list(self.nics(router)), list(self.vm_nics(running))), (before, ['0'], ['0']))
        self.call('one.vrouter.delete', router)
        for vm in (running, stuck):
            self.wait_vm(vm, 'DONE')

    def test_who_may_not_change_its_vms_changes_no_nics(self):
        _, ann = self.user('nicann')
        self.call('one.vn.chmod', self.net, -1, -1, -1, -1, -1, -1, 1, -1, -1)
        router = self.router(self.floating())
        vm, = self.instantiate(router)
        self.call('one.vrouter.chmod', router, -1, -1, -1, -1, -1, -1, 1, 1, -1)
        self.call('one.vm.chmod', vm, -1, -1, -1, -1, -1, -1, 0, 0, -1)
        for method, what in (('attachnic', f'NIC=[{self.floating()}]'), ('detachnic', 0)):
            self.refused(AUTHORIZATION, f'one.vrouter.{method}', router, what, auth=ann, text=rf'MANAGE VM \[{vm}\]')
        self.call('one.vrouter.delete', router)

    def test_a_vm_that_only_says_it_is_a_routers_is_none_of_it(self):
        router = self.router()
        mine, = self.instantiate(router)
        other = self.cloud.allocate(f'VROUTER_ID={router}')
        self.call('one.vm.action', 'terminate', other)
        self.assertEqual(self.vms(router), [mine])
        last = self.cloud.allocate(f'VROUTER_ID={router}')
        self.call('one.vrouter.delete', router)
        self.assertEqual(self.state(last)[0], VM['PENDING'])
        self.call('one.vm.action', 'terminate', last)

    def test_vms_that_wait_for_an_image_go_on_by_themselves(self):
        pid, = self.one.processes('one_datastore')
        os.kill(pid, signal.SIGSTOP)
        try:
            image = self.call('one.image.allocate', 'NAME=slow\nTYPE=DATABLOCK\nSIZE=16', self.cloud.images_ds)
            template = self.call('one.template.allocate', f'NAME=slow\nCPU=1\nMEMORY=16\nVROUTER=YES\nDISK=[IMAGE_ID={image}]')
            router = self.router()
            self.instantiate(router, template=template, hold=False)
            goes, waits = self.instantiate(router, template=template)
            self.wait_vm(goes, 'CLONING')
        finally:
            os.kill(pid, signal.SIGCONT)
        self.wait_vm(goes, 'PENDING')
        self.wait_vm(waits, 'HOLD')
        self.call('one.vrouter.delete', router)


class Restart(RouterCase):
    def test_routers_their_leases_and_vms_outlive_a_kill(self):
        uid, ann = self.user('restart-ann')
        router = self.router(self.floating(), f'NETWORK_ID={self.net}')
        vms = self.instantiate(router, 2)
        self.call('one.vrouter.chown', router, uid, 1)
        self.call('one.vrouter.update', router, 'TEXT="a & <b>"', 1)
        self.call('one.vrouter.lock', router, 3)

        def everything():
            return [self.one.raw(method, id)[1] for method, id in (('one.vrouter.info', router), ('one.vn.info', self.net), ('one.user.info', uid))]
        before = everything()
        self.one.kill()
        self.one.start()
        self.assertEqual(everything(), before)
        self.assertEqual(wrong_lines(self.one), [])
        self.assertEqual(invariants.broken(self.one), [])
        self.assertEqual(self.vms(router), vms)
        self.call('one.vrouter.unlock', router)
        self.call('one.vrouter.delete', router, auth=ann)
        self.one.stop()
        self.one.start()
        self.refused(NO_EXISTS, 'one.vrouter.info', router)
        self.assertEqual((self.leases(), self.used(uid), wrong_lines(self.one)), ({}, '0', []))


class RestartOnMariaDB(Restart):
    backend = 'mysql'


if __name__ == '__main__':
    unittest.main()
