"""Events on the hook manager's socket, as a subscriber sees them."""
import base64
import os
import signal
import time
import unittest
import xml.etree.ElementTree as ET

from functest import INTERNAL, Cloud, OneCase
from zmtp import Requester, Subscriber


class EventCase(OneCase):
    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=1)

    def subscriber(self, *keys):
        subscriber = Subscriber(self.one.ports['hm'], *keys)
        self.addCleanup(subscriber.close)
        # A subscription is on its way until the first event of it arrives.
        probe = Subscriber(self.one.ports['hm'], 'EVENT STATE VM/HOLD/')
        self.addCleanup(probe.close)
        end = time.time() + 20
        while time.time() < end:
            vm = self.call('one.vm.allocate', 'CPU=1\nMEMORY=1', True)
            self.call('one.vm.action', 'terminate', vm)
            if probe.receive(0.5):
                time.sleep(0.1)
                return subscriber
        self.fail('no event at all came')


class Events(EventCase):
    def states(self, subscriber, vm, last):
        seen = []
        while not seen or seen[-1] != last:
            message = subscriber.receive(15)
            self.assertIsNotNone(message, f'{seen} and then nothing')
            key, content = message[0].decode(), ET.fromstring(base64.b64decode(message[1]))
            if content.findtext('RESOURCE_ID') == str(vm):
                seen.append((content.findtext('STATE'), content.findtext('LCM_STATE')))
                self.assertIn('/'.join(seen[-1]), key)
                self.assertEqual(content.findtext('HOOK_TYPE'), 'STATE')
                self.assertEqual(content.findtext('HOOK_OBJECT'), 'VM')
                self.assertEqual(content.findtext('VM/ID'), str(vm))
        return seen

    def test_every_change_of_a_vm_is_told_once_and_in_order(self):
        subscriber = self.subscriber('EVENT STATE VM/')
        vm = self.cloud.running()
        seen = self.states(subscriber, vm, ('ACTIVE', 'RUNNING'))
        self.assertEqual(seen[-3:], [('ACTIVE', 'PROLOG'), ('ACTIVE', 'BOOT'), ('ACTIVE', 'RUNNING')])
        self.assertEqual(len(seen), len(set(seen)))
        self.call('one.vm.action', 'terminate', vm)
        seen = self.states(subscriber, vm, ('DONE', 'LCM_INIT'))
        self.assertEqual(seen, [('ACTIVE', 'SHUTDOWN'), ('ACTIVE', 'EPILOG'), ('DONE', 'LCM_INIT')])

    def objects(self, subscriber, kind, oid, last):
        """The states of one host, image or network, up to the last."""
        seen = []
        while not seen or seen[-1] != last:
            message = subscriber.receive(15)
            self.assertIsNotNone(message, f'{seen} and then nothing')
            content = ET.fromstring(base64.b64decode(message[1]))
            if (content.findtext('HOOK_OBJECT'), content.findtext('RESOURCE_ID')) == (kind, str(oid)):
                seen.append(content.findtext('STATE'))
                self.assertEqual(message[0].decode(), f'EVENT STATE {kind}/{seen[-1]}//{oid} ')
                self.assertEqual(content.findtext('REMOTE_HOST'), content.findtext('HOST/NAME'))
                self.assertEqual(content.findtext({'NET': 'VNET'}.get(kind, kind) + '/ID'), str(oid))
        return seen

    def test_hosts_images_and_networks_tell_their_states(self):
        subscriber = self.subscriber('EVENT STATE HOST/', 'EVENT STATE IMAGE/', 'EVENT STATE NET/')
        host = self.call('one.host.allocate', 'told', 'dummy', 'dummy', -1)
        self.assertEqual(self.objects(subscriber, 'HOST', host, 'MONITORED'), ['INIT', 'MONITORED'])
        self.call('one.host.rename', host, 'renamed')
        self.call('one.host.status', host, 1)
        self.assertEqual(self.objects(subscriber, 'HOST', host, 'DISABLED'), ['DISABLED'])
        image = self.call('one.image.allocate', 'NAME=told\nTYPE=DATABLOCK\nSIZE=1', self.cloud.images_ds)
        self.assertEqual(self.objects(subscriber, 'IMAGE', image, 'READY'), ['READY'])
        net = self.call('one.vn.allocate', 'NAME=told\nVN_MAD=dummy\nBRIDGE=b', -1)
        self.assertEqual(self.objects(subscriber, 'NET', net, 'READY'), ['READY'])

    def test_a_subscriber_gets_only_what_he_asked_for(self):
        vm = self.cloud.allocate()
        subscriber = self.subscriber(f'EVENT VM {vm}/ACTIVE/RUNNING ')
        other = self.cloud.running()
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        message = subscriber.receive()
        self.assertEqual(message[0], f'EVENT VM {vm}/ACTIVE/RUNNING '.encode())
        self.assertIsNone(subscriber.receive(0.5))
        self.call('one.vm.action', 'terminate-hard', other)

    def test_an_event_is_not_told_before_it_is_true(self):
        subscriber = self.subscriber('EVENT STATE VM/ACTIVE/RUNNING/')
        vms = [self.cloud.allocate() for _ in range(20)]
        for vm in vms:
            self.cloud.deploy(vm)
        waiting = set(vms)
        while waiting:
            message = subscriber.receive(15)
            self.assertIsNotNone(message, f'{waiting} left')
            vm = int(ET.fromstring(base64.b64decode(message[1])).findtext('RESOURCE_ID'))
            self.assertEqual(self.state(vm), (3, 3))
            waiting.discard(vm)

    def test_a_subscriber_is_found_again_after_the_hook_manager_died(self):
        pid, = self.one.processes('one_hm')
        os.kill(pid, signal.SIGKILL)
        self.one.wait('it runs again', lambda: self.one.processes('one_hm') not in ([], [pid]))
        end = time.time() + 10
        while True:
            try:
                subscriber = self.subscriber('EVENT STATE VM/')
                break
            except OSError:
                self.assertLess(time.time(), end)
                time.sleep(0.1)
        vm = self.cloud.running()
        self.states(subscriber, vm, ('ACTIVE', 'RUNNING'))


class HookLog(OneCase):
    """What the executor of hooks reports is kept, and can be done again."""
    options = dict(conf='HOOK_LOG_CONF = [ LOG_RETENTION = 3 ]')

    @classmethod
    def prepare(cls):
        cls.hook = cls.new_hook('logged')

    @classmethod
    def new_hook(cls, name):
        return cls.one.call('one.hook.allocate', f'NAME={name}\nTYPE=api\nCALL="one.vm.allocate"\nCOMMAND=x')

    def report(self, hook, code, inside):
        executor = Requester(self.one.ports['hm_log'])
        self.addCleanup(executor.close)
        self.assertEqual(executor.ask(f'{code} {hook} {base64.b64encode(inside.encode()).decode()}'), 'ACK')

    def log(self, hook):
        return [(int(r.findtext('EXECUTION_ID')), r.findtext('ARGUMENTS')) for r in self.xml('one.hook.info', hook).iter('HOOK_EXECUTION_RECORD')]

    def wait_log(self, hook, *expected):
        self.one.wait(f'the log of hook {hook} is {expected}', lambda: self.log(hook) == list(expected))

    def test_the_last_executions_are_kept_and_counted_on_after_a_restart(self):
        hook, other = self.new_hook('kept'), self.new_hook('other')
        for i in range(4):
            self.report(hook, i, f'<ARGUMENTS>{i}</ARGUMENTS>')
            self.wait_log(hook, *[(k, str(k)) for k in range(max(0, i - 2), i + 1)])
        self.report(other, 0, '<ARGUMENTS>o</ARGUMENTS>')
        self.wait_log(other, (0, 'o'))
        self.assertEqual(self.one.stop(), 0)
        self.one.start()
        self.report(hook, 0, '<ARGUMENTS>4</ARGUMENTS>')
        self.wait_log(hook, (2, '2'), (3, '3'), (4, '4'))
        record = self.xml('one.hook.info', hook).findall('.//HOOK_EXECUTION_RECORD')[-1]
        self.assertEqual(record.findtext('HOOK_ID'), str(hook))
        self.assertLess(abs(int(record.findtext('TIMESTAMP')) - time.time()), 60)
        failed = ET.fromstring(self.call('one.hooklog.info', -1, -1, hook, -1))
        self.assertEqual([r.findtext('EXECUTION_ID') for r in failed], ['2', '3'])
        self.call('one.hook.delete', hook)
        self.assertEqual(len(ET.fromstring(self.call('one.hooklog.info', -1, -1, hook, 0))), 0)

    def test_a_report_that_cannot_be_read_or_is_about_nothing_is_not_kept(self):
        self.report(99, 0, '<ARGUMENTS/>')
        self.report(self.hook, 0, '<ARGUMENTS>')
        self.report(self.hook, 0, '</HOOK_EXECUTION_RECORD><HOOK_EXECUTION_RECORD>')
        self.report(self.hook, 0, '<ARGUMENTS>good</ARGUMENTS>')
        self.wait_log(self.hook, (0, 'good'))
        self.assertEqual(len(ET.fromstring(self.call('one.hooklog.info', -1, -1, 99, 0))), 0)

    def test_an_execution_is_run_again_with_what_it_was_given(self):
        hook = self.new_hook('again')
        self.report(hook, 1, '<ARGUMENTS>a &amp; b</ARGUMENTS><REMOTE_HOST>node</REMOTE_HOST>')
        self.report(hook, 1, '<EXECUTION_RESULT/>')
        self.one.wait('both logged', lambda: len(self.log(hook)) == 2)
        executor = Subscriber(self.one.ports['hm'], 'RETRY')
        self.addCleanup(executor.close)
        self.assertEqual(self.call('one.hook.retry', hook, 0), hook)
        key, content = executor.receive()
        self.assertEqual(key, b'RETRY')
        message = ET.fromstring(base64.b64decode(content.split()[0]))
        self.assertEqual(base64.b64decode(message.findtext('ARGUMENTS')), b'a & b')
        self.assertEqual((message.findtext('HOOK_ID'), message.findtext('REMOTE_HOST')), (str(hook), 'node'))
        for missing in (1, 7):
            self.refused(INTERNAL, 'one.hook.retry', hook, missing, text='Invalid HookLog body. Arguments not found.')
        self.assertEqual(self.call('one.hook.retry', hook, -1), hook)


class Calls(EventCase):
    def calls(self, *keys):
        """A subscriber whose subscription oned has heard of: until then, calls without a hook aren't told."""
        subscriber = self.subscriber(*keys, 'EVENT API one.system.version ')
        end = time.time() + 20
        while time.time() < end:
            self.call('one.system.version')
            if subscriber.receive(0.3):
                while subscriber.receive(0.3):
                    pass
                return subscriber
        self.fail('no call at all was told')

    def told(self, subscriber, key):
        message = subscriber.receive(10)
        self.assertIsNotNone(message, f'{key} was not told')
        self.assertEqual(message[0].decode(), key)
        return ET.fromstring(base64.b64decode(message[1]))

    def parameters(self, event, kind):
        found = event.findall('CALL_INFO/PARAMETERS/PARAMETER')
        return [p.findtext('VALUE') for p in found if p.findtext('TYPE') == kind]

    def test_a_call_is_told_with_what_was_given_answered_and_made(self):
        subscriber = self.calls('EVENT API one.vm.allocate 1', 'EVENT API one.vm.allocate 0')
        text = 'NOTE="<a> & b"\nCPU=1\nMEMORY=1'
        vm = self.call('one.vm.allocate', text, True)
        event = self.told(subscriber, 'EVENT API one.vm.allocate 1')
        self.assertEqual([event.findtext(k) for k in ('HOOK_TYPE', 'CALL', 'CALL_INFO/RESULT')], ['API', 'one.vm.allocate', '1'])
        self.assertEqual(self.parameters(event, 'IN'), ['****', text, '1'])
        self.assertEqual(self.parameters(event, 'OUT'), ['true', str(vm), '0'])
        self.assertEqual([p.findtext('POSITION') for p in event.findall('CALL_INFO/PARAMETERS/PARAMETER')], ['1', '2', '3', '1', '2', '3'])
        self.assertEqual(event.findtext('CALL_INFO/EXTRA/VM/ID'), str(vm))
        answer = self.one.raw('one.vm.allocate', 'MEMORY=1')
        event = self.told(subscriber, 'EVENT API one.vm.allocate 0')
        self.assertEqual(self.parameters(event, 'OUT'), ['false', answer[1], str(answer[2]), str(answer[3])])
        self.assertEqual(list(event.find('CALL_INFO/EXTRA')), [])
        self.call('one.vm.action', 'terminate', vm)

    def test_what_is_deleted_is_part_of_it(self):
        subscriber = self.calls('EVENT API one.template.')
        template = self.call('one.template.allocate', 'NAME=gone\nCPU=1\nMEMORY=1')
        self.told(subscriber, 'EVENT API one.template.allocate 1')
        self.call('one.template.info', template)  # only tells what there is
        self.call('one.template.delete', template, False)
        event = self.told(subscriber, 'EVENT API one.template.delete 1')
        self.assertEqual(event.findtext('CALL_INFO/EXTRA/VMTEMPLATE/NAME'), 'gone')
        self.one.raw('one.template.delete', template, False)
        self.assertEqual(list(self.told(subscriber, 'EVENT API one.template.delete 0').find('CALL_INFO/EXTRA')), [])

    def test_secrets_are_not_told(self):
        subscriber = self.calls('EVENT API one.user.')
        uid = self.call('one.user.allocate', 'told', 'pass-word', 'core', [])
        first = self.told(subscriber, 'EVENT API one.user.allocate 1')
        self.assertEqual(self.parameters(first, 'IN'), ['****', 'told', '****', 'core', ''])
        self.call('one.user.passwd', uid, 'other-word')
        self.assertEqual(self.parameters(self.told(subscriber, 'EVENT API one.user.passwd 1'), 'IN'), ['****', str(uid), '****'])
        token = self.call('one.user.login', 'told', '', 600, -1, auth='told:other-word')
        event = ET.tostring(self.told(subscriber, 'EVENT API one.user.login 1')).decode()
        self.assertNotIn(token, event)
        self.assertFalse(self.one.raw('one.user.info', -1, auth='told:wrong')[0])
        self.assertFalse(self.one.raw('one.user.update', uid, 'A=1', 1, auth='told:wrong')[0])
        self.assertIsNone(subscriber.receive(1))  # of who isn't known nothing is told

    def test_a_hook_of_a_call_is_told_of_it_though_nobody_subscribes_to_all(self):
        hook = self.call('one.hook.allocate', 'NAME=renames\nTYPE=API\nCALL="one.vm.rename"\nCOMMAND="/bin/true"')
        vm = self.call('one.vm.allocate', 'CPU=1\nMEMORY=1', True)
        self.call('one.vm.rename', vm, 'kept')
        executor = Subscriber(self.one.ports['hm'], 'EVENT API one.vm.rename 1', 'RETRY')
        self.addCleanup(executor.close)
        event = self.told(executor, 'EVENT API one.vm.rename 1')  # it was kept until somebody came
        self.assertEqual(self.parameters(event, 'IN'), ['****', str(vm), 'kept'])
        self.call('one.hook.delete', hook)
        self.call('one.vm.action', 'terminate', vm)


if __name__ == '__main__':
    unittest.main()
