"""The test case of tests about VMs: a cloud of two hosts; after each test everything must agree, and all VMs are ended."""
import invariants
from functest import Cloud, OneCase

RECOVER_FAILURE, RECOVER_SUCCESS, RECOVER_RETRY, RECOVER_DELETE, RECOVER_RECREATE, RECOVER_DELETE_DB = range(6)


class VmCase(OneCase):
    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one)

    def tearDown(self):
        for path in (self.folder / 'answers').iterdir():
            path.unlink()
        for x in self.xml('one.vmpool.info', -2, -1, -1, -1).findall('VM'):
            self.call('one.vm.recover', int(x.findtext('ID')), RECOVER_DELETE_DB)
        self.agree()

    def agree(self):
        self.assertEqual(invariants.broken(self.one), [])

    def history(self, vm):
        return sorted(self.vm(vm).findall('HISTORY_RECORDS/HISTORY'), key=lambda r: int(r.findtext('SEQ')))

    def error(self, vm):
        return self.vm(vm).findtext('USER_TEMPLATE/ERROR', '')
