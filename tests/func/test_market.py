"""Marketplaces and their apps on the dummy market driver: offering, deleting, downloading, and the driver's and oned's death in between."""
import base64
import os
import re
import signal
import unittest
import xml.etree.ElementTree as ET

from functest import ACTION, AUTHORIZATION, INTERNAL, NO_EXISTS, Cloud, OneCase, children

APP = dict(INIT=0, READY=1, LOCKED=2, ERROR=3, DISABLED=4)
HTTP = 'MARKET_MAD=http\nBASE_URL="http://127.0.0.1:1"\nPUBLIC_DIR="/nowhere"'
FEED = 'MARKET_MAD=feed'


class MarketCase(OneCase):
    options = dict(conf='MONITORING_INTERVAL_MARKET = 1')

    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=0)
        cls.shop = cls.one.call('one.market.allocate', f'NAME=shop\n{HTTP}')

    def setUp(self):
        self.addCleanup(self.answer)

    def answer(self, **answers):
        for action in ('market_import', 'market_delete', 'market_monitor'):
            self.one.answers(action, *answers.get(action, ()))

    def offer(self, name, extra='', market=None):
        return self.call('one.marketapp.allocate', f'NAME="{name}"\nORIGIN_ID={self.cloud.os}\n{extra}', self.shop if market is None else market)

    def app(self, app):
        return self.xml('one.marketapp.info', app)

    def wait_app(self, app, state):
        self.one.wait(f'app {app} {state}', lambda: int(self.app(app).findtext('STATE')) == APP[state])

    def wait_gone(self, app):
        self.one.wait(f'app {app} gone', lambda: self.one.raw('one.marketapp.info', app)[2] == NO_EXISTS)

    def apps(self, market):
        return children(self.xml('one.market.info', market), 'MARKETPLACEAPPS/ID')

    def image_clones(self):
        return children(self.xml('one.image.info', self.cloud.os), 'APP_CLONES/ID')

    def die(self):
        pid, = self.one.processes('one_market_dummy')
        os.kill(pid, signal.SIGKILL)
        self.one.wait('the driver runs again', lambda: self.one.processes('one_market_dummy') not in ([], [pid]))


class Apps(MarketCase):
    def test_an_offered_image_becomes_ready_and_goes_again(self):
        app = self.offer('a')
        self.wait_app(app, 'READY')
        x = self.app(app)
        self.assertEqual((x.findtext('SOURCE'), x.findtext('SIZE'), x.findtext('FORMAT'), x.findtext('MARKETPLACE')),
                         (f'dummy://app/{app}', '1024', 'dummy_format', 'shop'))
        self.assertIn(app, self.apps(self.shop))
        self.assertEqual(self.image_clones(), set())
        self.cloud.wait_image(self.cloud.os)
        self.refused(ACTION, 'one.market.delete', self.shop)
        self.call('one.marketapp.enable', app, False)
        self.wait_app(app, 'DISABLED')
        self.assertEqual(self.call('one.marketapp.delete', app), app)
        self.wait_gone(app)
        self.assertNotIn(app, self.apps(self.shop))

    def test_what_the_driver_refuses_is_told(self):
        self.answer(market_import=['failure'], market_delete=['failure'])
        app = self.offer('refused')
        self.wait_app(app, 'ERROR')
        self.assertIn('Error importing app into marketplace: market_import fails as asked', self.app(app).findtext('TEMPLATE/ERROR'))
        self.cloud.wait_image(self.cloud.os)
        self.call('one.marketapp.delete', app)
        self.wait_gone(app)
        self.answer(market_delete=['failure'])
        app = self.offer('stubborn')
        self.wait_app(app, 'READY')
        self.call('one.marketapp.delete', app)
        self.wait_gone(app)

    def test_what_waits_for_a_driver_that_died_is_asked_again(self):
        self.answer(market_import=['-'], market_delete=['-'])
        app = self.offer('waiting')
        self.wait_app(app, 'LOCKED')
        self.assertEqual(self.image_clones(), {app})
        self.refused(ACTION, 'one.image.delete', self.cloud.os)
        self.answer(market_delete=['-'])
        self.die()
        self.wait_app(app, 'READY')
        self.assertEqual(self.image_clones(), set())
        self.call('one.marketapp.delete', app)
        self.assertEqual(self.app(app).findtext('STATE'), str(APP['LOCKED']))
        self.answer()
        self.die()
        self.wait_gone(app)

    def test_an_app_that_waits_can_be_deleted(self):
        self.answer(market_import=['-'])
        app = self.offer('short')
        self.call('one.marketapp.delete', app)
        self.wait_gone(app)
        self.cloud.wait_image(self.cloud.os)
        self.answer(market_import=['-'])
        app = self.offer('dropped')
        self.assertEqual(self.call('one.marketapp.dropdb', app), app)
        self.assertNotIn(app, self.apps(self.shop))
        self.cloud.wait_image(self.cloud.os)

    def test_an_image_is_made_of_an_app(self):
        app = self.offer('download')
        self.wait_app(app, 'READY')
        image = self.call('one.image.allocate', f'NAME=copy\nFROM_APP={app}', self.cloud.images_ds)
        self.cloud.wait_image(image)
        x = self.xml('one.image.info', image)
        self.assertEqual((x.findtext('PATH'), x.findtext('SIZE'), x.findtext('TEMPLATE/FROM_APP'), x.findtext('TEMPLATE/FROM_APP_NAME')),
                         (f'dummy://app/{app}', '1024', str(app), 'download'))
        self.refused(INTERNAL, 'one.image.allocate', 'NAME=none\nFROM_APP=999', self.cloud.images_ds, text='Cannot determine image SIZE')
        empty = self.offer('no contents', 'TYPE=VMTEMPLATE')
        self.refused(INTERNAL, 'one.image.allocate', f'NAME=none\nFROM_APP={empty}', self.cloud.images_ds, text='Cannot determine image SIZE')

    def test_only_what_one_may_use_is_offered_and_downloaded(self):
        uid, eve = self.user('eve')
        self.refused(AUTHORIZATION, 'one.marketapp.allocate', f'NAME=x\nORIGIN_ID={self.cloud.os}', self.shop, auth=eve, text='CREATE MARKETPLACEAPP')
        self.call('one.acl.addrule', hex(0x100000000 | uid), hex(1 << 52 | 0x400000000), '0x8', '0x400000000')
        secret = self.call('one.image.allocate', 'NAME=secret\nTYPE=DATABLOCK\nSIZE=1', self.cloud.images_ds)
        self.cloud.wait_image(secret)
        self.refused(AUTHORIZATION, 'one.marketapp.allocate', f'NAME=x\nORIGIN_ID={secret}', self.shop, auth=eve, text=rf'USE IMAGE \[{secret}\]')
        app = self.call('one.marketapp.allocate', f'NAME=x\nORIGIN_ID={self.cloud.os}', self.shop, auth=eve)
        self.wait_app(app, 'READY')
        self.call('one.acl.delrule', max(int(x.findtext('ID')) for x in self.xml('one.acl.info')))
        everybody, = [x.findtext('ID') for x in self.xml('one.acl.info') if 'MARKETPLACEAPP' in x.findtext('STRING')]
        self.call('one.acl.delrule', int(everybody))
        mine = self.offer('mine')
        self.wait_app(mine, 'READY')
        self.refused(AUTHORIZATION, 'one.image.allocate', f'NAME=x\nFROM_APP={mine}', self.cloud.images_ds, auth=eve,
                     text=rf'USE MARKETPLACEAPP \[{mine}\]')

    def test_a_disabled_market_drops_its_apps_and_frees_their_images(self):
        market = self.call('one.market.allocate', f'NAME=closing\n{HTTP}')
        self.answer(market_import=['-'])
        app = self.offer('left', market=market)
        self.assertEqual(self.image_clones(), {app})
        self.call('one.market.enable', market, False)
        self.wait_gone(app)
        self.cloud.wait_image(self.cloud.os)
        self.call('one.market.delete', market)


class Peers(MarketCase):
    """What servers of a federation tell each other."""

    def test_a_market_and_an_app_are_taken_over_whole(self):
        market = self.call('one.market.info', self.shop)
        new = self.call('one.market.allocatedb', market.replace('>shop<', '>far<').replace(f'<ID>{self.shop}<', '<ID>-1<', 1)
                        .replace('<ZONE_ID>0', '<ZONE_ID>100'))
        x = self.xml('one.market.info', new)
        self.assertEqual((x.findtext('ID'), x.findtext('NAME'), x.findtext('ZONE_ID')), (str(new), 'far', '100'))
        self.refused(ACTION, 'one.marketapp.allocate', f'NAME=x\nORIGIN_ID={self.cloud.os}', new, text='not in this OpenNebula zone')
        app = self.offer('template', 'TYPE=VMTEMPLATE')
        text = self.call('one.marketapp.info', app)
        copy = self.call('one.marketapp.allocatedb', text.replace('>template<', '>copied<').replace('<ZONE_ID>0', '<ZONE_ID>100'))
        self.assertEqual(self.call('one.marketapp.updatedb', copy, self.call('one.marketapp.info', copy).replace('>copied<', '>changed<')), copy)
        self.assertEqual(self.app(copy).findtext('NAME'), 'changed')
        self.refused(ACTION, 'one.marketapp.delete', copy, text='can only be deleted from zone 100')
        self.assertEqual(self.one.stop(), 0)
        self.one.start()
        self.assertEqual(self.app(copy).findtext('NAME'), 'changed')
        self.call('one.marketapp.dropdb', copy)

    def test_what_is_no_object_is_refused(self):
        app = self.offer('whole', 'TYPE=VMTEMPLATE')
        text, market = self.call('one.marketapp.info', app), self.call('one.market.info', self.shop)
        name = re.search('<NAME>.*?</NAME>', text)[0]
        bad = ['', '<', '<MARKETPLACEAPP/>', text.replace(name, ''), text.replace('MARKETPLACEAPP', 'MARKETPLACE'), market,
               text.replace(name, '<NAME>a/b</NAME>'), text.replace('<UID>0', '<UID>-1'), text.replace('<STATE>1', '<STATE>9'),
               text.replace('<TYPE>2', '<TYPE>-1'), '<!DOCTYPE x [<!ENTITY a "b">]>' + text]
        for xml in bad:
            self.refused(INTERNAL, 'one.marketapp.updatedb', app, xml, text='Cannot update object from XML$')
            self.refused(INTERNAL, 'one.marketapp.allocatedb', xml, text='Cannot allocate object from XML$')
        self.refused(INTERNAL, 'one.marketapp.updatedb', app, text.replace(f'<ID>{app}<', '<ID>77<'), text='Consistency check failed')
        self.refused(INTERNAL, 'one.marketapp.allocatedb', text)       # the name is taken
        self.refused(INTERNAL, 'one.market.allocatedb', market)
        self.refused(INTERNAL, 'one.market.allocatedb', text)
        self.refused(NO_EXISTS, 'one.marketapp.updatedb', 999, text)
        self.refused(NO_EXISTS, 'one.marketapp.dropdb', -1)
        self.assertEqual(self.call('one.marketapp.info', app), text)


class Restart(MarketCase):
    def test_what_waits_goes_on_after_a_restart(self):
        self.answer(market_import=['success', '-'], market_delete=['-'])
        gone = self.offer('going')
        self.wait_app(gone, 'READY')
        self.call('one.marketapp.delete', gone)
        app = self.offer('waiting')
        self.wait_app(app, 'LOCKED')
        self.one.kill()
        self.answer()
        self.one.start()
        self.wait_app(app, 'READY')
        self.wait_gone(gone)
        self.cloud.wait_image(self.cloud.os)

    def test_without_a_driver_what_waits_ends(self):
        self.answer(market_import=['-'])
        app = self.offer('lost')
        self.assertEqual(self.one.stop(), 0)
        conf = self.one.folder / 'etc' / 'oned.conf'
        text = conf.read_text()
        conf.write_text(re.sub(r'^MARKET_MAD = .*\n', '', text, flags=re.M))
        self.one.start()
        try:
            self.wait_app(app, 'ERROR')
            self.assertIn('Error getting MarketPlaceManagerDriver', self.app(app).findtext('TEMPLATE/ERROR'))
            self.cloud.wait_image(self.cloud.os)
            self.refused(INTERNAL, 'one.marketapp.allocate', f'NAME=y\nTYPE=VMTEMPLATE\nORIGIN_ID={self.cloud.os}', self.shop,
                         text='Error getting MarketPlaceManagerDriver')
            self.refused(ACTION, 'one.marketapp.delete', app, text='Cannot delete marketplaceapp. Error getting MarketPlaceManagerDriver')
        finally:
            self.assertEqual(self.one.stop(), 0)
            conf.write_text(text)
            self.one.start()
        self.call('one.marketapp.delete', app)
        self.wait_gone(app)


class Feed(MarketCase):
    """A market that others fill: its apps come and go by what the driver reports."""
    options = dict(conf='MONITORING_INTERVAL_MARKET = 1\nMARKET_MAD_CONF = [ NAME = "feed", APP_ACTIONS = "monitor", PUBLIC = "yes" ]')

    @classmethod
    def prepare(cls):
        cls.one.call('one.market.enable', 0, False)     # or it would have the apps of the same report

    def report(self, *apps):
        lines = [f'APP="{base64.b64encode(app.encode()).decode()}"\n' for app in apps]
        path = self.one.folder / 'answers' / 'market_report'
        path.with_suffix('.new').write_text('TOTAL_MB=10\nFREE_MB=4\nUSED_MB=6\n' + ''.join(lines))
        path.with_suffix('.new').rename(path)

    def names(self):
        return sorted(x.findtext('NAME') for x in self.xml('one.marketapppool.info', -2, -1, -1))

    def test_apps_come_change_and_go_with_the_reports(self):
        a, b = 'NAME=a\nSOURCE="http://x/a"\nMD5=1\nSIZE=5\nFORMAT=raw\nVERSION=1', 'NAME=b\nVERSION=1\nTYPE=VMTEMPLATE'
        self.report(a, b, 'NAME=[broken')
        market = self.call('one.market.allocate', f'NAME=feed\n{FEED}')
        self.one.wait('both apps', lambda: self.names() == ['a', 'b'])
        x = self.xml('one.market.info', market)
        self.assertEqual((x.findtext('TOTAL_MB'), x.findtext('FREE_MB'), x.findtext('USED_MB')), ('10', '4', '6'))
        app = min(self.apps(market))
        self.refused(ACTION, 'one.marketapp.delete', app, text='Delete disabled for market: feed')
        self.refused(ACTION, 'one.marketapp.allocate', 'NAME=x\nORIGIN_ID=0', market, text='Create disabled for market: feed')
        uid, _ = self.user('owner')
        self.refused(INTERNAL, 'one.marketapp.chown', app, uid, -1, text='Changing the ownership for an App from the public Marketplace is not permitted')
        self.report(a.replace('VERSION=1', 'VERSION=2'))
        self.one.wait('a is new', lambda: self.app(app).findtext('VERSION') == '2')
        self.one.wait('b is gone', lambda: self.names() == ['a'])
        self.assertEqual(self.apps(market), {app})
        self.call('one.market.enable', market, False)
        self.assertEqual(self.names(), [])
        self.call('one.market.enable', market, True)
        self.one.wait('a is back', lambda: self.names() == ['a'])
        self.call('one.market.delete', market)
        self.assertEqual(self.names(), [])


if __name__ == '__main__':
    unittest.main()
