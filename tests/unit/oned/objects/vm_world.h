/* A small cloud for tests of VMs, in a core without a database: the first users and groups, alice (user 2 of
 * group 1), image datastore 100, system datastores 101 and 102, file datastore 103, images 0 os, 1 data
 * (persistent), 2 cd, 3 kernel, 4 ramdisk, 5 context, networks 0 net and 1 net2. */
#ifndef TESTS_VM_WORLD_H
#define TESTS_VM_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "oned/auth/group.h"
#include "oned/auth/quota.h"
#include "oned/auth/user.h"
#include "oned/config.h"
#include "oned/core/core_internal.h"
#include "oned/objects/cluster.h"
#include "oned/objects/datastore.h"
#include "oned/objects/image.h"
#include "oned/objects/market.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/vm.h"
#include "oned/objects/vnet.h"

static struct core *core;
static struct conf conf;
static const int gids_admin[] = { 0 }, gids_alice[] = { 1 };
static const struct identity oneadmin = { .uid = 0,
					  .gid = 0,
					  .gids = gids_admin,
					  .n_gids = 1,
					  .uname = "oneadmin",
					  .gname = "oneadmin",
					  .admin = true };
static const struct identity alice = {
	.uid = 2, .gid = 1, .gids = gids_alice, .n_gids = 1, .uname = "alice", .gname = "users"
};

static const char conf_text[] =
	"VM_MAD=[NAME=\"dummy\",EXECUTABLE=\"one_vmm_dummy\",TYPE=\"xml\"]\n"
	"VM_MAD=[NAME=\"kvm\",EXECUTABLE=\"one_vmm_exec\",TYPE=\"kvm\"]\n"
	"TM_MAD_CONF=[NAME=\"dummy\",LN_TARGET=\"NONE\",CLONE_TARGET=\"SYSTEM\",SHARED=\"YES\",DS_MIGRATE=\"YES\"]\n"
	"TM_MAD_CONF=[NAME=\"ssh\",LN_TARGET=\"SYSTEM\",CLONE_TARGET=\"SYSTEM\",SHARED=\"NO\"]\n"
	"TM_MAD_CONF=[NAME=\"lvm\",LN_TARGET=\"NONE\",CLONE_TARGET=\"SELF\",SHARED=\"YES\",DRIVER=\"raw\"]\n"
	"DS_MAD_CONF=[NAME=\"dummy\",REQUIRED_ATTRS=\"\",PERSISTENT_ONLY=\"NO\"]\n"
	"DS_MAD_CONF=[NAME=\"fs\",REQUIRED_ATTRS=\"\",PERSISTENT_ONLY=\"NO\"]\n"
	"INHERIT_DATASTORE_ATTR=\"ALLOW_ORPHANS\"\nINHERIT_DATASTORE_ATTR=\"DISK_TYPE\"\nINHERIT_VNET_ATTR=\"MTU\"\n"
	"INHERIT_VNET_ATTR=\"DNS\"\nINHERIT_VNET_ATTR=\"GATEWAY\"\n"
	"VN_MAD_CONF=[NAME=\"dummy\",BRIDGE_TYPE=\"linux\"]\nVN_MAD_CONF=[NAME=\"bridge\",BRIDGE_TYPE=\"linux\"]\n";

static struct tmpl *parsed(struct arena *arena, const char *text)
{
	struct tmpl *t = tmpl_new(arena);
	struct one_err err = ONE_ERR_INIT;

	if (tmpl_parse(t, text, &err))
		fail_msg("%s: %s", text, err.text);
	return t;
}

static struct object owned_by(const struct identity *who)
{
	return (struct object){ .uid = who->uid,
				.gid = who->gid,
				.uname = who->uname,
				.gname = who->gname,
				.name = "",
				.perm = PERM_OWNER_U | PERM_OWNER_M };
}

static void world_people(struct txn *t)
{
	group_create(t, "oneadmin");
	group_create(t, "users");
	user_create(t, "oneadmin", "x", "core", gids_admin, 1);
	user_create(t, "serveradmin", "x", "core", gids_admin, 1);
	user_create(t, "alice", "x", "core", gids_alice, 1);
	for (int i = 0; i < 2; i++) {
		struct quota *q = txn_new(t, OBJ_DEFAULT_QUOTA);

		q->o.id = i;
	}
}

static void world_datastores(struct txn *t)
{
	static const char *const texts[] = { "NAME=imgs\nTYPE=IMAGE_DS\nDS_MAD=dummy\nTM_MAD=dummy",
					     "NAME=sys\nTYPE=SYSTEM_DS\nTM_MAD=dummy",
					     "NAME=sys2\nTYPE=SYSTEM_DS\nTM_MAD=dummy",
					     "NAME=boot\nTYPE=FILE_DS\nDS_MAD=dummy\nTM_MAD=dummy" };
	static const int cluster[] = { 0 };
	struct object owner = owned_by(&oneadmin);

	for (size_t i = 0; i < 4; i++) {
		struct datastore *ds = datastore_create(t, &owner, parsed(t->arena, texts[i]), cluster, 1);

		if (!ds)
			fail_msg("%s", t->err.text);
		ds->total_mb = ds->free_mb = 20480;
	}
}

static void world_image(struct txn *t, const struct identity *who, const char *text, int ds_id,
			const char *source, const char *format)
{
	struct object owner = owned_by(who);
	struct image *img =
		image_create(t, &owner, parsed(t->arena, text), txn_read(t, OBJ_DATASTORE, ds_id), -1);

	if (!img)
		fail_msg("%s", t->err.text);
	img->state = img->prev_state = IMAGE_READY;
	img->source = source;
	img->format = format;
}

static void world_images(struct txn *t)
{
	world_image(t, &oneadmin, "NAME=os\nTYPE=OS\nSOURCE=/x/os\nSIZE=1024\nFORMAT=raw", 100, "/x/os",
		    "raw");
	world_image(t, &oneadmin, "NAME=data\nTYPE=DATABLOCK\nSIZE=512\nPERSISTENT=YES", 100, "dummy_path",
		    "raw");
	world_image(t, &oneadmin, "NAME=cd\nTYPE=CDROM\nPATH=/tmp/cd.iso\nSIZE=1024", 100, "dummy_path",
		    "dummy_format");
	world_image(t, &oneadmin, "NAME=krn\nTYPE=KERNEL\nPATH=/tmp/krn\nSIZE=1", 103, "dummy_path", "");
	world_image(t, &oneadmin, "NAME=ird\nTYPE=RAMDISK\nPATH=/tmp/ird\nSIZE=1", 103, "dummy_path", "");
	world_image(t, &oneadmin, "NAME=ctx\nTYPE=CONTEXT\nPATH=/tmp/ctx\nSIZE=1", 103, "dummy_path", "");
}

static void world_networks(struct txn *t)
{
	static const char *const texts[] = {
		"NAME=net\nVN_MAD=dummy\nBRIDGE=br0\nAR=[TYPE=IP4,IP=10.0.0.1,SIZE=20]\nDNS=10.0.0.53\nGATEWAY=10.0.0.254\n"
		"NETWORK_MASK=255.255.255.0",
		"NAME=net2\nVN_MAD=bridge\nBRIDGE=br1\nAR=[TYPE=IP4,IP=10.1.0.1,SIZE=20]",
	};
	static const int cluster[] = { 0 };
	struct object owner = owned_by(&oneadmin);

	for (int i = 0; i < 2; i++)
		if (!vnet_create(t, &owner, parsed(t->arena, texts[i]), -1, cluster, 1))
			fail_msg("%s", t->err.text);
}

static void world_make(struct txn *t, void *arg)
{
	(void)arg;
	world_people(t);
	cluster_bootstrap(t);
	secgroup_bootstrap(t);
	datastore_bootstrap(t);
	world_datastores(t);
	world_images(t);
	world_networks(t);
}

static int world_begin(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	conf_defaults(&conf, oned_keys);
	if (tmpl_parse(conf.values, conf_text, &err) || core_new(NULL, NULL, &conf, &core, &err) ||
	    core_run(core, world_make, NULL, &err)) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int world_end(void **state)
{
	(void)state;
	core_free(core);
	conf_done(&conf);
	return 0;
}

/* ---- VMs in it ---- */

struct making { const struct identity *who; const char *text; bool hold; int id; };

static void make_vm(struct txn *t, void *arg)
{
	struct making *m = arg;
	struct object owner = owned_by(m->who);
	struct vm *vm = vm_create(t, m->who, &owner, parsed(t->arena, m->text), m->hold);

	m->id = vm ? vm->o.id : -1;
}

/* The id of a VM of a template; -1: failed with *err. */
static int create_as(const struct identity *who, const char *text, struct one_err *err)
{
	struct making m = { .who = who, .text = text };

	core_run(core, make_vm, &m, err);
	return m.id;
}

__attribute__((unused)) static int create(const char *text)
{
	struct one_err err = ONE_ERR_INIT;
	int id = create_as(&oneadmin, text, &err);

	if (id < 0)
		fail_msg("%s", err.text);
	return id;
}

/* The parsed form of a published VM; obj_free. */
__attribute__((unused)) static struct vm *loaded(int id)
{
	struct version *v = pool_get(core, OBJ_VM, id);
	struct object *o = NULL;

	assert_non_null(v);
	assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, NULL), ONE_OK);
	version_unref(v);
	return (struct vm *)o;
}

/* The parsed form of a published object, good until the next call; NULL: it is gone. */
__attribute__((unused)) static struct object *reread(enum obj_type type, int id)
{
	static struct object *o;
	struct version *v = pool_get(core, type, id);

	if (o)
		obj_free(o);
	o = NULL;
	if (v)
		assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, NULL), ONE_OK);
	version_unref(v);
	return o;
}

/* ---- a marketplace in it ---- */

__attribute__((unused)) static void open_market(struct txn *t, void *arg)
{
	struct object owner = owned_by(&oneadmin);

	assert_non_null(market_create(t, &owner, parsed(t->arena, arg)));
}

#endif
