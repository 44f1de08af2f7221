/* one.template.*, without instantiate (vm_write.c). */
#include "oned/objects/template.h"

#include "oned/api/api.h"
#include "oned/api/image_api.h"
#include "oned/api/infra.h"
#include "oned/api/restricted.h"
#include "oned/api/template_api.h"
#include "oned/api/vm_api.h"
#include "oned/auth/acl_rule.h"
#include "oned/objects/common.h"
#include "oned/objects/encrypted.h"
#include "oned/objects/image.h"
#include "oned/objects/sched_action.h"

/* The image that a DISK names, whether it is there or not; -1: it names none. */
static int image_of(struct txn *t, const struct call *c, const struct attr *disk)
{
	long long id;

	if (disk->vector && attr_get_int(disk, "IMAGE_ID", &id) && id >= 0 && id <= INT32_MAX)
		return (int)id;
	return disk->vector ? image_disk_id(t, &c->who, disk) : -1;
}

/* The images of a template, each once. */
static int images_of(struct txn *t, const struct call *c, const struct tmpl *tmpl, int **ids)
{
	struct idset set = { .n = 0 };

	for (const struct attr *disk = tmpl_find(tmpl, "DISK"); disk; disk = tmpl_find_next(disk)) {
		int id = image_of(t, c, disk);

		if (id >= 0)
			idset_add(&set, t->arena, id);
	}
	*ids = set.ids;
	return set.n;
}

/* ---- making ---- */

static struct template *make(struct txn *t, struct call *c, const struct tmpl *tmpl)
{
	struct object owner = infra_owner(c);
	struct template *made = txn_new(t, OBJ_TEMPLATE);

	if (!made)
		return NULL;
	object_take(&made->o, &owner, tmpl);
	made->regtime = t->now;
	return object_name_of_template(t, &made->o, "TEMPLATE") ? NULL : made;
}

/* What its VMs are to do at a time. prefix: of the message. */
static bool schedules_are_right(struct txn *t, const struct tmpl *tmpl, const char *prefix)
{
	struct one_err err = ONE_ERR_INIT;

	if (sched_actions_check(tmpl, &err))
		txn_fail(t, ONE_INTERNAL, "%s%s", prefix, err.text);
	return txn_ok(t);
}

static void api_template_allocate(struct txn *t, struct call *c)
{
	struct template *made;

	if (!infra_may_set(t, c, OBJ_VM, c->prepared, "VM Template"))
		return;
	attributes_encrypt(txn_conf(t), OBJ_TEMPLATE, c->prepared);
	made = make(t, c, c->prepared);
	if (made && schedules_are_right(t, made->o.tmpl, ""))
		call_ok_int(c, made->o.id);
}

static void api_template_update(struct txn *t, struct call *c)
{
	const struct template *tp;

	api_update(t, c);
	tp = txn_ok(t) ? txn_read(t, OBJ_TEMPLATE, call_int(c, 0)) : NULL;
	if (tp)
		schedules_are_right(t, tp->o.tmpl, "Cannot update template. ");
}

/* ---- copying ---- */

static void use_copy(struct tmpl *tmpl, struct attr *disk, int image_id)
{
	static const char *const others[] = { "IMAGE", "IMAGE_UNAME", "IMAGE_UID", "OPENNEBULA_MANAGED" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		attr_remove(disk, others[i]);
	attr_setf(tmpl->arena, disk, "IMAGE_ID", "%d", image_id);
}

static bool clone_images(struct txn *t, struct call *c, struct tmpl *tmpl, const char *name, bool persistent)
{
	int n = 0;

	for (struct attr *disk = tmpl_find(tmpl, "DISK"); disk; disk = tmpl_find_next(disk), n++) {
		int id = image_of(t, c, disk), copy;

		if (id < 0)
			continue;
		copy = image_api_clone(t, c, id, arena_printf(t->arena, "%s-disk-%d", name, n), -1, persistent);
		if (copy < 0) {
			if (t->err.rc == ONE_NO_EXISTS)
				one_err_clear(&t->err);
			one_err_prefix(&t->err, "Failed to clone images: ");
			t->err.rc = ONE_ACTION;
			return false;
		}
		use_copy(tmpl, disk, copy);
	}
	return true;
}

int template_api_clone(struct txn *t, struct call *c, int id, const char *name, const struct tmpl *extra, bool recursive, bool persistent)
{
	const struct template *source = txn_read(t, OBJ_TEMPLATE, id);
	struct template *made;
	struct tmpl *tmpl;

	if (!source) {
		txn_no_object(t, OBJ_TEMPLATE, id);
		return -1;
	}
	if (!call_may_clone(t, c, OBJ_TEMPLATE, id))
		return -1;
	tmpl = tmpl_copy(t->arena, source->o.tmpl);
	if (extra)
		tmpl_merge(tmpl, extra);
	tmpl_set(tmpl, "NAME", name);
	made = make(t, c, tmpl);
	if (!made) {
		t->err.rc = ONE_ALLOCATE;
		return -1;
	}
	if (recursive && !clone_images(t, c, made->o.tmpl, name, persistent))
		return -1;
	return made->o.id;
}

static void api_template_clone(struct txn *t, struct call *c)
{
	int id = template_api_clone(t, c, call_int(c, 0), call_str(c, 1), NULL, call_bool(c, 2), false);

	if (id >= 0)
		call_ok_int(c, id);
}

/* ---- info ---- */

static void api_template_info(struct call *c)
{
	struct version *v = call_object(c);

	if (!v)
		return;
	if (c->who.admin && call_bool(c, 2))
		api_out_decrypted(c, v, call_ok_buffer(c));
	else
		rpc_escape(call_ok_wire(c), v->body, v->body_len);
	version_unref(v);
}

static bool is_extended(const struct call *c)
{
	return call_bool(c, 1);
}

/* With what its disks would get from their images, as they are at one moment: so it looks on the core thread. */
static void api_template_info_extended(struct txn *t, struct call *c)
{
	const struct template *tp = txn_read(t, OBJ_TEMPLATE, call_int(c, 0));
	struct template shown;
	int n = 0;

	if (!tp) {
		txn_no_object(t, OBJ_TEMPLATE, call_int(c, 0));
		return;
	}
	if (!call_may(t, c, AUTH_USE, OBJ_TEMPLATE, tp->o.id) || !vm_may_use_parts(t, c, tp->o.tmpl))
		return;
	shown = *tp;
	shown.o.tmpl = tmpl_copy(t->arena, tp->o.tmpl);
	for (struct attr *disk = tmpl_find(shown.o.tmpl, "DISK"); disk; disk = tmpl_find_next(disk)) {
		if (!disk->vector)
			continue;
		image_disk_show(t, &c->who, disk, t->arena);
		attr_setf(t->arena, disk, "DISK_ID", "%d", n++);
	}
	shown.o.ops->render(&shown.o, call_ok_buffer(c));
}

/* ---- changing ---- */

static void api_template_chmod(struct txn *t, struct call *c)
{
	const struct template *tp;
	struct strbuf failed = STRBUF_INIT;
	int *ids, n;

	api_chmod(t, c);
	tp = txn_ok(t) && call_bool(c, 10) ? txn_read(t, OBJ_TEMPLATE, call_int(c, 0)) : NULL;
	if (!tp)
		return;
	n = images_of(t, c, tp->o.tmpl, &ids);
	for (int i = 0; i < n; i++) {
		object_chmod(t, c, OBJ_IMAGE, ids[i]);
		if (infra_step_failed(t))
			strbuf_addf(&failed, "%s%d", failed.len ? "," : "", ids[i]);
	}
	if (failed.len)
		call_fail(c, ONE_ACTION, "Cannot chmod image: %s", failed.buf);
	call_ok_int(c, tp->o.id);
	strbuf_done(&failed);
}

/* Images that can't be deleted stay, and are no failure. */
static void api_template_delete(struct txn *t, struct call *c)
{
	struct template *tp = call_edit(t, c);
	int *ids = NULL, n, id = call_int(c, 0);

	if (!tp)
		return;
	n = call_bool(c, 1) ? images_of(t, c, tp->o.tmpl, &ids) : 0;
	txn_delete(t, &tp->o);
	acl_object_gone(t, OBJ_TEMPLATE, id);
	for (int i = 0; i < n; i++) {
		image_api_delete(t, c, ids[i], false);
		infra_step_failed(t);
	}
	call_ok_int(c, id);
}

const struct method template_methods[] = {
	/* clang-format off */
	{ .name = "one.template.allocate", .params = "template:s", .object = OBJ_TEMPLATE, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = api_template_allocate, .doc = "Makes a template of VMs." },
	{ .name = "one.template.clone", .params = "id:i name:s recursive:b=false", .object = OBJ_TEMPLATE, .right = AUTH_USE,
	  .flags = M_NO_RIGHT, .write = api_template_clone, .doc = "Copies a template, and its images if wanted; needs CREATE too." },
	{ .name = "one.template.info", .params = "id:i extended:b=false decrypt:b=false", .object = OBJ_TEMPLATE, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED | M_ID_FIRST, .read = api_template_info, .write = api_template_info_extended, .by_write = is_extended,
	  .doc = "A template; extended: with what its disks get from their images, of which the caller needs USE." },
	{ .name = "one.templatepool.info", .params = "filter:i start:i end:i", .object = OBJ_TEMPLATE, .right = AUTH_USE,
	  .flags = M_ZONE_DISABLED, .read = api_pool_info, .doc = "The visible templates." },
	{ .name = "one.template.update", .params = "id:i template:s append:i=0", .object = OBJ_TEMPLATE, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_template_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.template.delete", .params = "id:i recursive:b=false", .object = OBJ_TEMPLATE, .right = AUTH_MANAGE,
	  .flags = M_ID_FIRST, .write = api_template_delete, .doc = "Deletes a template, and its images if wanted and possible." },
	{ .name = "one.template.rename", .params = "id:i name:s", .object = OBJ_TEMPLATE, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_rename, .doc = "Gives another name." },
	{ .name = "one.template.chmod", .params = "id:i uu:i um:i ua:i gu:i gm:i ga:i ou:i om:i oa:i recursive:b=false",
	  .object = OBJ_TEMPLATE, .right = AUTH_MANAGE, .flags = M_NO_RIGHT, .write = api_template_chmod,
	  .doc = "Changes permission bits, of its images too if wanted; -1 keeps one." },
	{ .name = "one.template.chown", .params = "id:i uid:i gid:i", .object = OBJ_TEMPLATE, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_chown, .doc = "Changes owner and group; -1 keeps one." },
	{ .name = "one.template.lock", .params = "id:i level:i test:b=false", .object = OBJ_TEMPLATE, .right = AUTH_MANAGE,
	  .flags = M_LOCK_EXEMPT, .write = api_lock, .doc = "Locks: 1 USE, 2 MANAGE, 3 ADMIN, 4 ALL." },
	{ .name = "one.template.unlock", .params = "id:i", .object = OBJ_TEMPLATE, .right = AUTH_MANAGE, .flags = M_LOCK_EXEMPT,
	  .write = api_unlock, .doc = "Unlocks." },
	{ .name = NULL },
	/* clang-format on */
};
