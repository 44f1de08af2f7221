"""Who somebody is and what he may: users, groups, tokens, disabled users, permissions, rules, quotas, an external driver."""
import hashlib
import os
import signal
import threading
import time
import unittest

from functest import ACTION, AUTHENTICATION, AUTHORIZATION, INTERNAL, NO_EXISTS, XML_RPC_API, Cloud, OneCase

SMALL = 'CPU=1\nMEMORY=64'


class Users(OneCase):
    def test_a_user_logs_in_with_his_password_only(self):
        uid, ann = self.user('ann')
        x = self.xml('one.user.info', -1, auth=ann)
        self.assertEqual((x.findtext('ID'), x.findtext('NAME'), x.findtext('GNAME')), (str(uid), 'ann', 'users'))
        for wrong in ('ann:', 'ann:ann', 'ann:ann-secret ', 'Ann:ann-secret', 'an:ann-secret'):
            self.refused(AUTHENTICATION, 'one.user.info', -1, auth=wrong)

    def test_the_password_hash_is_no_password(self):
        self.user('hashed')
        digest = hashlib.sha256(b'hashed-secret').hexdigest()
        self.assertEqual(self.xml('one.user.info', self.id_of('hashed')).findtext('PASSWORD'), digest)
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth=f'hashed:{digest}')

    def id_of(self, name):
        return next(int(x.findtext('ID')) for x in self.xml('one.userpool.info').findall('USER') if x.findtext('NAME') == name)

    def test_a_new_password_replaces_the_old_one_at_once(self):
        uid, old = self.user('bob')
        self.call('one.user.info', -1, auth=old)
        self.call('one.user.passwd', uid, 'new-one')
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth=old)
        self.call('one.user.info', -1, auth='bob:new-one')

    def test_users_may_change_their_own_password_but_not_others(self):
        uid, carl = self.user('carl')
        other, _ = self.user('dora')
        self.call('one.user.passwd', uid, 'own', auth=carl)
        self.refused(AUTHORIZATION, 'one.user.passwd', other, 'taken', auth='carl:own')

    def test_names_are_unique_and_checked(self):
        self.user('eve')
        self.refused(INTERNAL, 'one.user.allocate', 'eve', 'x', 'core', [], text=r'NAME is already taken by USER \d+')
        self.refused(INTERNAL, 'one.user.allocate', '', 'x', 'core', [], text='cannot be empty')
        self.refused(INTERNAL, 'one.user.allocate', 'a:b', 'x', 'core', [], text="char ':' is not allowed")
        self.refused(INTERNAL, 'one.user.allocate', 'n' * 129, 'x', 'core', [], text='max length')
        self.refused(INTERNAL, 'one.user.allocate', 'blank', 'two words', 'core', [], text='not allowed')
        for name, first in (('a b&c', ' '), ('a&b c', '&'), ('n' * 129 + ' ', ' ')):
            self.refused(INTERNAL, 'one.user.allocate', name, 'x', 'core', [], text=f"NAME, char '{first}' is not allowed")

    def test_a_disabled_user_is_shut_out_until_he_is_enabled(self):
        uid, fred = self.user('fred')
        self.call('one.user.login', 'fred', 'fred-token', -1, auth=fred)
        self.call('one.user.enable', uid, False)
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth=fred)
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='fred:fred-token')
        self.call('one.user.enable', uid, True)
        self.call('one.user.info', -1, auth=fred)
        self.refused(ACTION, 'one.user.enable', 0, False, text='Cannot enable/disable oneadmin user')

    def test_a_deleted_user_is_gone_and_his_id_never_comes_back(self):
        uid, gina = self.user('gina')
        self.call('one.user.delete', uid)
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth=gina)
        self.refused(NO_EXISTS, 'one.user.info', uid)
        again, _ = self.user('gina')
        self.assertGreater(again, uid)
        self.refused(ACTION, 'one.user.delete', 0)

    def test_a_template_is_replaced_or_merged(self):
        uid, hans = self.user('hans')
        self.call('one.user.update', uid, 'A=1\nB=2', 0, auth=hans)
        self.call('one.user.update', uid, 'B=3\nC=4', 1, auth=hans)
        x = self.xml('one.user.info', uid)
        self.assertEqual([x.findtext(f'TEMPLATE/{k}') for k in 'ABC'], ['1', '3', '4'])
        self.call('one.user.update', uid, 'D=5', 0, auth=hans)
        x = self.xml('one.user.info', uid)
        self.assertEqual([x.findtext(f'TEMPLATE/{k}') for k in 'ABD'], [None, None, '5'])
        self.refused(XML_RPC_API, 'one.user.update', uid, 'E=6', 2, text='Wrong update type')

    def test_user_zero_is_found_by_minus_one_too(self):
        self.assertEqual(self.xml('one.user.info', -1).findtext('NAME'), 'oneadmin')

    def test_an_authentication_driver_that_is_not_there_lets_nobody_in(self):
        self.call('one.user.allocate', 'ldapuser', 'x', 'ldap', [])
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='ldapuser:x')


class UsersOnMariaDB(Users):
    backend = 'mysql'


class Groups(OneCase):
    def test_users_enter_and_leave_groups(self):
        staff = self.call('one.group.allocate', 'staff')
        uid, ann = self.user('ann')
        self.call('one.user.addgroup', uid, staff)
        x = self.xml('one.user.info', uid)
        self.assertEqual(sorted(e.text for e in x.findall('GROUPS/ID')), ['1', str(staff)])
        self.assertIn(str(uid), [e.text for e in self.xml('one.group.info', staff).findall('USERS/ID')])
        self.refused(ACTION, 'one.user.addgroup', uid, staff, text='already in this group')
        self.refused(ACTION, 'one.user.delgroup', uid, 1, text='primary group')
        self.call('one.user.chgrp', uid, staff)
        self.assertEqual(self.xml('one.user.info', uid).findtext('GNAME'), 'staff')
        self.call('one.group.info', staff, auth=ann)

    def test_who_has_his_groups_of_a_driver_is_refused_before_anything_else(self):
        _, ann = self.user('curious')
        uid = self.call('one.user.allocate', 'directory', 'x', 'ldap', [])
        for method, gid, auth in (('addgroup', 999, None), ('addgroup', 0, ann), ('delgroup', 1, ann), ('delgroup', -1, None)):
            self.refused(ACTION, f'one.user.{method}', uid, gid, auth=auth, text='cannot be manually managed for auth driver ldap')
        self.refused(NO_EXISTS, 'one.user.addgroup', 999, 999, text=r'user \[999\]')
        self.refused(NO_EXISTS, 'one.user.addgroup', 0, 999, auth=ann, text=r'group \[999\]')

    def test_a_group_with_users_stays(self):
        group = self.call('one.group.allocate', 'full')
        uid, _ = self.user('member', group)
        self.refused(ACTION, 'one.group.delete', group, text=rf'Group {group} is not empty')
        self.call('one.user.delete', uid)
        self.call('one.group.delete', group)
        self.refused(NO_EXISTS, 'one.group.info', group)
        self.refused(ACTION, 'one.group.delete', 1, text='System Groups')

    def test_only_admins_make_groups(self):
        _, ann = self.user('plain')
        self.refused(AUTHORIZATION, 'one.group.allocate', 'mine', auth=ann, text='CREATE GROUP')

    def test_a_member_of_oneadmins_group_may_everything(self):
        _, boss = self.user('boss', 0)
        self.call('one.group.allocate', 'made-by-boss', auth=boss)
        self.call('one.userpool.info', auth=boss)


class Tokens(OneCase):
    def test_a_token_works_like_a_password_until_it_is_removed(self):
        _, ann = self.user('ann')
        token = self.call('one.user.login', 'ann', '', 3600, auth=ann)
        self.assertGreaterEqual(len(token), 32)
        self.call('one.user.info', -1, auth=f'ann:{token}')
        self.call('one.user.login', 'ann', token, 0, auth=ann)
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth=f'ann:{token}')
        self.refused(XML_RPC_API, 'one.user.login', 'ann', token, 0, auth=ann, text='Could not find token')

    def test_tokens_differ(self):
        _, bob = self.user('bob')
        self.assertEqual(len({self.call('one.user.login', 'bob', '', 60, auth=bob) for _ in range(10)}), 10)
        self.refused(XML_RPC_API, 'one.user.login', 'bob', '', 60, auth=bob, text='Max number of tokens')
        self.call('one.user.login', 'bob', '', 0, auth=bob)
        self.call('one.user.login', 'bob', '', 60, auth=bob)

    def test_tokens_are_listed_by_their_texts_and_the_eleventh_is_one_too_many(self):
        uid, eve = self.user('listed-eve')
        for token in ('day', 'zz', 'DAY', '1', 'a', 'day'):
            self.call('one.user.login', 'listed-eve', token, 600, auth=eve)
        tokens = [e.text for e in self.xml('one.user.info', uid).findall('LOGIN_TOKEN/TOKEN')]
        self.assertEqual(tokens, ['1', 'DAY', 'a', 'day', 'zz'])
        for n in range(5):
            self.call('one.user.login', 'listed-eve', f'n{n}', 600, auth=eve)
        for token in ('new', 'day'):                                    # even one that is there
            self.refused(XML_RPC_API, 'one.user.login', 'listed-eve', token, 600, auth=eve, text='Max number of tokens')

    def test_a_token_expires(self):
        _, carl = self.user('carl')
        self.call('one.user.login', 'carl', 'short', 1, auth=carl)
        self.call('one.user.info', -1, auth='carl:short')
        self.one.wait('the token expired', lambda: not self.one.raw('one.user.info', -1, auth='carl:short')[0])

    def test_a_token_of_a_group_is_that_groups_eyes(self):
        group = self.call('one.group.allocate', 'narrow')
        self.call('one.acl.addrule', f'2{group:08x}', '20400000000', '8')
        uid, dora = self.user('dora')
        self.call('one.user.addgroup', uid, group)
        self.call('one.user.login', 'dora', 'narrow-token', -1, group, auth=dora)
        made = self.call('one.template.allocate', 'NAME=t', auth='dora:narrow-token')
        self.assertEqual(self.xml('one.template.info', made).findtext('GNAME'), 'narrow')
        self.refused(XML_RPC_API, 'one.user.login', 'dora', '', -1, 0, auth=dora, text='EGID is not in user group list')
        self.refused(XML_RPC_API, 'one.user.login', 'dora', '', 60, -1, auth='dora:narrow-token', text='full token')

    def tokens(self, uid):
        return [x.findtext('TOKEN') for x in self.xml('one.user.info', uid).findall('LOGIN_TOKEN')]

    def test_a_token_for_a_group_that_was_left_goes_when_it_is_tried(self):
        group = self.call('one.group.allocate', 'left')
        uid, hans = self.user('hugo')
        self.call('one.user.addgroup', uid, group)
        self.call('one.user.login', 'hugo', 'kept', -1, auth=hans)
        self.call('one.user.login', 'hugo', 'of-group', -1, group, auth=hans)
        self.call('one.user.delgroup', uid, group)
        self.assertEqual(self.tokens(uid), ['kept', 'of-group'])
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='hugo:of-group')
        self.assertEqual(self.tokens(uid), ['kept'])
        self.call('one.user.addgroup', uid, group)
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='hugo:of-group')

    def test_a_token_of_a_group_works_again_for_who_comes_back(self):
        group = self.call('one.group.allocate', 'again')
        uid, ida = self.user('ida')
        self.call('one.user.addgroup', uid, group)
        self.call('one.user.login', 'ida', 'of-again', -1, group, auth=ida)
        self.call('one.user.delgroup', uid, group)
        self.call('one.user.addgroup', uid, group)
        self.call('one.user.info', -1, auth='ida:of-again')

    def test_nobody_makes_tokens_for_others(self):
        _, eve = self.user('eve')
        self.user('victim')
        self.refused(AUTHORIZATION, 'one.user.login', 'victim', '', 60, auth=eve)
        self.refused(NO_EXISTS, 'one.user.login', 'nobody-at-all', '', 60)

    def test_a_new_password_ends_all_tokens(self):
        uid, fred = self.user('fred')
        self.call('one.user.login', 'fred', 'his-token', -1, auth=fred)
        self.call('one.user.passwd', uid, 'changed')
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='fred:his-token')

    def test_tokens_are_shown_only_to_their_owner_and_admins(self):
        uid, gina = self.user('gina')
        other, hans = self.user('hilda')
        self.call('one.user.login', 'gina', 'ginas-secret-token', -1, auth=gina)
        self.call('one.acl.addrule', f'1{other:08x}', f'101{uid:08x}', '1')
        shown = self.call('one.user.info', uid, auth=hans)
        self.assertNotIn('ginas-secret-token', shown)
        self.assertNotIn(hashlib.sha256(b'gina-secret').hexdigest(), shown)
        self.assertIn('ginas-secret-token', self.call('one.user.info', uid))


class Permissions(OneCase):
    """What the owner, his group and all others may do with an object."""

    @classmethod
    def prepare(cls):
        one = cls.one
        cls.staff = one.call('one.group.allocate', 'staff')
        cls.sessions = {}
        for name, group in (('owner', cls.staff), ('peer', cls.staff), ('other', 1)):
            one.call('one.user.allocate', name, name, 'core', [group])
            cls.sessions[name] = f'{name}:{name}'
        # Members of "users" may create; those of a new group get that from a rule of their own.
        one.call('one.acl.addrule', f'2{cls.staff:08x}', '20400000000', '8')

    def allocate(self, name):
        return self.call('one.template.allocate', f'NAME={name}\n{SMALL}', auth=self.sessions['owner'])

    def may(self, who, template):
        use = self.one.raw('one.template.info', template, auth=self.sessions[who])[0]
        manage = self.one.raw('one.template.update', template, f'BY={who}', 1, auth=self.sessions[who])[0]
        return use, manage

    def test_a_new_object_is_its_owners_alone(self):
        t = self.allocate('mine')
        self.assertEqual([self.may(w, t) for w in ('owner', 'peer', 'other')], [(True, True), (False, False), (False, False)])

    def test_bits_open_it_to_the_group_and_to_all(self):
        t = self.allocate('shared')
        chmod = lambda *bits: self.call('one.template.chmod', t, *bits, False, auth=self.sessions['owner'])  # noqa: E731
        chmod(-1, -1, -1, 1, 0, -1, 0, 0, -1)
        self.assertEqual([self.may(w, t) for w in ('peer', 'other')], [(True, False), (False, False)])
        chmod(-1, -1, -1, 1, 1, -1, 1, 0, -1)
        self.assertEqual([self.may(w, t) for w in ('peer', 'other')], [(True, True), (True, False)])
        chmod(-1, -1, -1, 0, 0, -1, 0, 0, -1)
        self.assertEqual([self.may(w, t) for w in ('peer', 'other')], [(False, False), (False, False)])

    def test_bits_are_minus_one_zero_or_one(self):
        t = self.allocate('bits')
        self.refused(INTERNAL, 'one.template.chmod', t, 2, -1, -1, -1, -1, -1, -1, -1, -1, False, text='must be -1, 0 or 1')
        # What is no value asks for a change, so that the right to it is looked at first.
        for bits, right in (((-1, -1, 2, -1, -1, -1, -1, -1, -1), 'ADMIN'), ((-1, -1, -1, -1, -1, -2, -1, -1, -1), 'ADMIN'),
                            ((-1, -1, -1, -1, -1, 1, 2, 0, 0), 'ADMIN')):
            self.refused(AUTHORIZATION, 'one.template.chmod', t, *bits, auth=self.sessions['owner'], text=f'perform {right} TEMPLATE')
        self.refused(AUTHORIZATION, 'one.template.chmod', t, 2, 2, -1, 2, 2, -1, 2, 2, -1, auth=self.sessions['peer'],
                     text='perform MANAGE TEMPLATE')
        self.call('one.template.chmod', t, 1, 0, 1, 0, 1, 0, 1, -1, 0)
        self.assertEqual(''.join(e.text for e in self.xml('one.template.info', t).find('PERMISSIONS')), '101010100')

    def test_pools_follow_the_bits(self):
        t = self.allocate('listed')
        seen = lambda who, flag: t in {int(x.findtext('ID')) for x in self.xml(  # noqa: E731
            'one.templatepool.info', flag, -1, -1, auth=self.sessions[who]).findall('VMTEMPLATE')}
        self.assertEqual([seen(w, -2) for w in ('owner', 'peer', 'other')], [True, False, False])
        self.call('one.template.chmod', t, -1, -1, -1, 1, -1, -1, -1, -1, -1, False)
        self.assertEqual([seen(w, -2) for w in ('owner', 'peer', 'other')], [True, True, False])
        self.assertEqual([seen(w, -3) for w in ('owner', 'peer')], [True, False])

    def test_a_new_owner_takes_it_over(self):
        t = self.allocate('given')
        other = self.xml('one.user.info', -1, auth=self.sessions['other']).findtext('ID')
        self.refused(AUTHORIZATION, 'one.template.chown', t, int(other), -1, auth=self.sessions['owner'])
        self.call('one.template.chown', t, int(other), 1)
        self.assertEqual([self.may(w, t) for w in ('owner', 'other')], [(False, False), (True, True)])

    def test_vms_and_documents_of_one_name_may_come_to_one_owner(self):
        mine, his = self.user('namesake'), self.user('namesake2')
        for kind, args in (('document', ('NAME=twin', 7)), ('vm', (f'NAME=twin\n{SMALL}', True))):
            first, second = (self.call(f'one.{kind}.allocate', *args, auth=auth) for _, auth in (mine, his))
            self.call(f'one.{kind}.chown', first, his[0], -1)
            self.assertEqual(*(self.xml(f'one.{kind}.info', oid).findtext('UNAME') for oid in (first, second)))
        first, second = (self.call('one.vrouter.allocate', 'NAME=twin') for _ in range(2))
        self.call('one.vrouter.chown', second, his[0], -1)
        self.refused(INTERNAL, 'one.vrouter.chown', first, his[0], -1,
                     text=rf'user \[{his[0]}\] already owns virtual router \[{second}\] with NAME twin$')

    def test_a_rule_gives_what_the_bits_do_not(self):
        t = self.allocate('ruled')
        peer = int(self.xml('one.user.info', -1, auth=self.sessions['peer']).findtext('ID'))
        rule = self.call('one.acl.addrule', f'1{peer:08x}', f'201{t:08x}', '3')
        self.assertEqual(self.may('peer', t), (True, True))
        self.call('one.acl.delrule', rule)
        self.assertEqual(self.may('peer', t), (False, False))
        self.refused(INTERNAL, 'one.acl.delrule', rule, text='does not exist')

    def test_a_lock_stops_even_oneadmin(self):
        t = self.allocate('locked')
        if not self.one.raw('one.template.lock', t, 2, False, auth=self.sessions['owner'])[0]:
            self.fail('the owner could not lock it')
        self.refused(AUTHORIZATION, 'one.template.update', t, 'A=1', 1, text='TEMPLATE is locked')
        self.refused(AUTHORIZATION, 'one.template.update', t, 'A=1', 1, auth=self.sessions['owner'])
        self.call('one.template.unlock', t, auth=self.sessions['owner'])
        self.call('one.template.update', t, 'A=1', 1)

    def test_a_wrong_level_of_a_lock_is_told_last(self):
        t = self.allocate('level')
        for level in (0, 5, -1):
            self.refused(ACTION, 'one.template.lock', t, level, auth=self.sessions['owner'], text='Wrong lock level specified')
            self.refused(AUTHORIZATION, 'one.template.lock', t, level, auth=self.sessions['other'], text='MANAGE TEMPLATE')
            self.refused(NO_EXISTS, 'one.template.lock', 99999, level, auth=self.sessions['other'])

    def test_ids_that_nothing_has(self):
        """-1 stands for the pool; a right is asked for first where the object is changed, but not where it is deleted."""
        other = self.sessions['other']
        for kind, word in (('template', 'virtual machine template'), ('document', 'document'), ('image', 'image'), ('group', 'group'),
                           ('vdc', 'VDC'), ('zone', 'zone'), ('secgroup', 'security group'), ('hook', 'hook')):
            for method, *args in (('info',), ('delete',), ('update', 'A=1', 1)):
                if (kind, method) != ('group', 'info'):
                    self.refused(NO_EXISTS, f'one.{kind}.{method}', -1, *args, text=f'Error getting {word} Pool\\.$')
                self.refused(NO_EXISTS, f'one.{kind}.{method}', -2, *args, text=rf'Error getting {word} \[-2\]\.$')
            self.refused(NO_EXISTS, f'one.{kind}.delete', -1, auth=other, text=f'{word} Pool')
            self.refused(AUTHORIZATION, f'one.{kind}.update', -1, 'A=1', 1, auth=other, text='MANAGE')
        for kind in ('template', 'vntemplate'):
            self.refused(NO_EXISTS, f'one.{kind}.info', -1, auth=other)

    def test_a_restricted_attribute_is_for_admins(self):
        self.refused(AUTHORIZATION, 'one.template.allocate', f'NAME=r\n{SMALL}\nNIC=[MAC="02:00:00:00:00:01"]', auth=self.sessions['owner'],
                     text='restricted attribute MAC')
        self.refused(AUTHORIZATION, 'one.vm.allocate', f'{SMALL}\nRAW=[TYPE=kvm,DATA="<x/>"]', auth=self.sessions['owner'],
                     text='restricted attribute DATA')
        self.call('one.template.allocate', f'NAME=r\n{SMALL}\nNIC=[MAC="02:00:00:00:00:01"]')

    def test_a_umask_shapes_new_objects(self):
        self.call('one.user.update', int(self.xml('one.user.info', -1, auth=self.sessions['owner']).findtext('ID')), 'UMASK=077', 1)
        self.addCleanup(self.call, 'one.user.update', int(self.xml('one.user.info', -1, auth=self.sessions['owner']).findtext('ID')),
                        'UMASK=177', 1)
        t = self.allocate('masked')
        bits = self.xml('one.template.info', t).find('PERMISSIONS')
        self.assertEqual(''.join(e.text for e in bits), '110000000')
        self.call('one.user.update', int(self.xml('one.user.info', -1, auth=self.sessions['owner']).findtext('ID')), 'UMASK=137', 1)
        t = self.allocate('masked2')
        self.assertEqual(''.join(e.text for e in self.xml('one.template.info', t).find('PERMISSIONS')), '110100000')


class PermissionsOnMariaDB(Permissions):
    backend = 'mysql'


class Rules(OneCase):
    def test_malformed_rules_are_refused(self):
        for user, resource, rights in (('', '2400000000', '1'), ('100000000', '400000000', '1'), ('100000000', '2400000000', '0'),
                                       ('zz', '2400000000', '1')):
            self.refused(INTERNAL, 'one.acl.addrule', user, resource, rights)
        zones = (('300000000', r'#0 is malformed: \[zone\] GROUP \(@\) bit is not supported$'),
                 ('700000001', r'GROUP \(@\) bit is not supported; \[zone\] INDIVIDUAL \(#\) and ALL \(\*\) bits are exclusive; '
                               r'when using the ALL bit, \[zone\] ID must be 0$'))
        for zone, text in zones:
            self.refused(INTERNAL, 'one.acl.addrule', '100000000', '2400000000', '1', zone, text=text)
        self.refused(INTERNAL, 'one.acl.addrule', '100000000', '2400000000', '0', '300000000', text=r'it cannot be 0\[zone\] GROUP')

    def test_the_same_rule_twice_is_refused(self):
        self.call('one.acl.addrule', '100000005', '2400000000', '1')
        self.refused(INTERNAL, 'one.acl.addrule', '100000005', '2400000000', '1', text='already exists')

    def test_rules_are_for_admins(self):
        _, ann = self.user('ann')
        self.refused(AUTHORIZATION, 'one.acl.info', auth=ann)
        self.refused(AUTHORIZATION, 'one.acl.addrule', '100000005', '2400000000', '1', auth=ann)

    def test_rules_of_a_deleted_user_go_with_him(self):
        uid, _ = self.user('gone')
        self.call('one.acl.addrule', f'1{uid:08x}', '2400000000', '1')
        self.assertIn(f'#{uid} ', self.call('one.acl.info'))
        self.call('one.user.delete', uid)
        self.assertNotIn(f'#{uid} ', self.call('one.acl.info'))


class OthersMachines(OneCase):
    """VMs between users; what a user has stays his when he is not the one who runs it."""

    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=1)

    def test_a_user_may_not_deploy_but_ends_his_own(self):
        _, ann = self.user('ann')
        vm = self.cloud.allocate(auth=ann)
        self.refused(AUTHORIZATION, 'one.vm.deploy', vm, self.cloud.hosts[0], False, -1, '', auth=ann, text='ADMIN VM')
        self.cloud.deploy(vm)
        self.wait_vm(vm, 'RUNNING')
        _, bob = self.user('bob')
        for verb in ('poweroff', 'terminate-hard', 'resched'):
            self.refused(AUTHORIZATION, 'one.vm.action', verb, vm, auth=bob)
        self.refused(AUTHORIZATION, 'one.vm.info', vm, auth=bob)
        self.refused(AUTHORIZATION, 'one.vm.action', 'resched', vm, auth=ann)
        self.call('one.vm.action', 'terminate-hard', vm, auth=ann)
        self.wait_vm(vm, 'DONE')

    def test_an_operation_can_be_moved_to_another_right(self):
        uid, carl = self.user('carl')
        vm = self.cloud.allocate(auth=carl)
        self.call('one.user.update', uid, 'VM_USE_OPERATIONS="hold, release"\nVM_ADMIN_OPERATIONS="terminate"', 1)
        self.call('one.vm.action', 'hold', vm, auth=carl)
        self.refused(AUTHORIZATION, 'one.vm.action', 'terminate', vm, auth=carl, text='ADMIN VM')
        self.call('one.vm.action', 'terminate', vm)

    def test_an_update_that_can_not_be_read_is_told_after_the_right(self):
        _, ed = self.user('ed')
        _, other = self.user('not-ed')
        vm = self.cloud.allocate(auth=ed)
        self.refused(ACTION, 'one.vm.update', vm, 'Y=[', 0, auth=ed, text=r'^\[one.vm.update\] Parse error')
        self.refused(XML_RPC_API, 'one.vm.update', vm, 'Y=[', 2, auth=ed, text='Wrong update type')
        self.refused(AUTHORIZATION, 'one.vm.update', vm, 'Y=[', 2, auth=other)
        self.refused(NO_EXISTS, 'one.vm.update', 9999, 'Y=[', 0, auth=ed)

    def test_a_user_cannot_take_an_image_he_may_not_use(self):
        _, dora = self.user('dora')
        secret = self.call('one.image.allocate', 'NAME=secret\nTYPE=OS\nPATH=/x\nSIZE=1', self.cloud.images_ds)
        self.cloud.wait_image(secret)
        self.refused(AUTHORIZATION, 'one.vm.allocate', f'{SMALL}\nDISK=[IMAGE_ID={secret}]', auth=dora, text=rf'USE IMAGE \[{secret}\]')
        self.assertEqual(self.xml('one.image.info', secret).findtext('RUNNING_VMS'), '0')


class Quotas(OneCase):
    @classmethod
    def prepare(cls):
        cls.cloud = Cloud(cls.one, hosts=1)

    def used(self, uid, metric):
        return float(self.xml('one.user.info', uid).findtext(f'VM_QUOTA/VM/{metric}_USED', '0'))

    def test_usage_follows_allocation_and_end(self):
        uid, ann = self.user('ann')
        first, second = self.cloud.allocate(auth=ann), self.cloud.allocate(auth=ann, cpu=2, memory=256)
        self.assertEqual([self.used(uid, m) for m in ('VMS', 'CPU', 'MEMORY')], [2, 3, 384])
        self.call('one.vm.action', 'terminate', first, auth=ann)
        self.assertEqual([self.used(uid, m) for m in ('VMS', 'CPU', 'MEMORY')], [1, 2, 256])
        self.cloud.deploy(second)
        self.wait_vm(second, 'RUNNING')
        self.call('one.vm.recover', second, 3)
        self.wait_vm(second, 'DONE')
        self.assertEqual([self.used(uid, m) for m in ('VMS', 'CPU', 'MEMORY')], [0, 0, 0])

    def test_running_counters_follow_the_state(self):
        uid, bob = self.user('bob')
        vm = self.cloud.running(auth=bob)
        self.assertEqual(self.used(uid, 'RUNNING_VMS'), 1)
        self.call('one.vm.action', 'poweroff', vm)
        self.wait_vm(vm, 'POWEROFF')
        self.assertEqual((self.used(uid, 'VMS'), self.used(uid, 'RUNNING_VMS')), (1, 0))
        self.call('one.vm.action', 'resume', vm)
        self.wait_vm(vm, 'RUNNING')
        self.assertEqual(self.used(uid, 'RUNNING_VMS'), 1)
        self.call('one.vm.action', 'terminate-hard', vm)
        self.wait_vm(vm, 'DONE')
        self.assertEqual((self.used(uid, 'VMS'), self.used(uid, 'RUNNING_VMS')), (0, 0))


class ExternalDriver(OneCase):
    """one_auth_mad, with the driver that believes everybody and one that is slow."""

    options = dict(conf='AUTH_MAD = [ EXECUTABLE="one_auth_mad", AUTHN="dummy,plain,slow,angry,lax" ]\n'
                        'AUTH_MAD_CONF = [ NAME="lax", PASSWORD_REQUIRED="NO" ]')

    @classmethod
    def prepare(cls):
        for name, text in (('lax', 'cat >/dev/null; echo "lax x y"'), ('slow', 'sleep 2; echo "slow x y"'),
                           ('angry', 'cat >/dev/null; echo "ERROR MESSAGE --8<------" >&2; echo no >&2; exit 1')):
            path = cls.folder / 'var' / 'remotes' / 'auth' / name / 'authenticate'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'#!/bin/sh\n{text}\n')
            path.chmod(0o755)
        for driver in ('dummy', 'plain', 'slow', 'angry', 'notlisted'):
            cls.one.call('one.user.allocate', f'u-{driver}', 'stored', driver, [])

    def test_the_driver_decides(self):
        self.call('one.user.info', -1, auth='u-dummy:whatever')
        self.call('one.user.info', -1, auth='u-plain:stored')
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='u-plain:other')
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='u-angry:stored')
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='u-notlisted:stored')

    def test_an_answer_is_remembered(self):
        self.call('one.user.info', -1, auth='u-slow:first')
        began = time.time()
        for _ in range(5):
            self.call('one.user.info', -1, auth='u-slow:first')
        self.assertLess(time.time() - began, 2)

    def test_what_stands_for_no_password_is_nobodys(self):
        for name, stored in (('u-none', ''), ('u-blanks', 'two words')):
            self.call('one.user.allocate', name, stored, 'lax', [])
        self.call('one.user.info', -1, auth='u-none:whatever')
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='u-none:-')
        for secret in ('-', 'two words', 'whatever'):
            self.refused(AUTHENTICATION, 'one.user.info', -1, auth=f'u-blanks:{secret}')

    def test_who_waits_for_a_slow_driver_waits_alone(self):
        slow = threading.Thread(target=self.one.raw, args=('one.user.info', -1), kwargs=dict(auth='u-slow:another'))
        slow.start()
        served = 0
        while slow.is_alive():
            self.call('one.user.update', 0, f'N={served}', 1)
            served += 1
        slow.join()
        self.assertGreater(served, 20)

    def test_a_dead_driver_comes_back(self):
        pid, = self.one.processes('one_auth_mad')
        os.kill(pid, signal.SIGKILL)
        self.one.wait('the driver answers again', lambda: self.one.raw('one.user.info', -1, auth='u-dummy:after the crash')[0])
        self.assertNotEqual(self.one.processes('one_auth_mad'), [pid])

    def test_a_user_nobody_knows_is_refused_by_the_default_driver(self):
        self.refused(AUTHENTICATION, 'one.user.info', -1, auth='unheard-of:x')


if __name__ == '__main__':
    unittest.main()
