#include "oned/drivers/vm_codec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/map.h"
#include "oned/drivers/domain.h"
#include "oned/drivers/vm_transfer.h"
#include "oned/objects/cluster.h"
#include "oned/objects/datastore.h"
#include "oned/objects/encrypted.h"
#include "oned/objects/host.h"
#include "oned/version.h"

/* ---- files of the VM ---- */

enum one_rc vm_file_write(const char *path, const struct strbuf *text, mode_t mode, struct one_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	size_t done = 0;

	while (fd >= 0 && done < text->len) {
		ssize_t n = write(fd, text->buf + done, text->len - done);

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	if (fd < 0 || done < text->len) {
		one_err_set(err, ONE_ACTION, "Cannot write %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return ONE_ACTION;
	}
	close(fd);
	return ONE_OK;
}

enum one_rc vm_job_begin(const struct vm_codec *c, const struct version *v, struct vm_job *j, struct one_err *err)
{
	struct object *o;
	enum one_rc rc;

	*j = (struct vm_job){ .codec = c, .version = v };
	rc = obj_load(v->ops, v->body, v->body_len, &o, err);
	if (rc)
		return rc;
	j->vm = (struct vm *)o;
	attributes_decrypt(c->conf, OBJ_VM, o->tmpl);
	if (!j->vm->history) {
		vm_job_end(j);
		return one_err_set(err, ONE_ACTION, "VM %d has no history", v->id);
	}
	j->dir = arena_printf(&o->arena, "%s/%d", c->paths->vms, v->id);
	j->system_dir = arena_printf(&o->arena, "%s/%d/%d", c->paths->datastores, j->vm->history->ds_id, v->id);
	if (mkdir(j->dir, 0750) && errno != EEXIST) {
		one_err_set(err, ONE_ACTION, "Cannot make the folder %s: %s", j->dir, strerror(errno));
		vm_job_end(j);
		return ONE_ACTION;
	}
	return ONE_OK;
}

void vm_job_end(struct vm_job *j)
{
	if (j->vm)
		obj_free(&j->vm->o);
	j->vm = NULL;
}

/* ---- the deployment file ---- */

static const struct tmpl *template_of(const struct version *v)
{
	return v && v->obj ? v->obj->tmpl : NULL;
}

static enum one_rc render_domain(struct vm_job *j, const struct vm_mad *mad, struct strbuf *out, struct one_err *err)
{
	const struct vm *vm = j->vm;
	struct version *host = pool_get(j->codec->core, OBJ_HOST, vm->history->hid);
	struct version *cluster = pool_get(j->codec->core, OBJ_CLUSTER, vm->history->cid);
	struct version *ds = pool_get(j->codec->core, OBJ_DATASTORE, vm->history->ds_id);
	struct domain_input in = {
		.hypervisor = mad->type, .vm_id = vm->o.id, .vm_name = vm->o.name, .uid = vm->o.uid, .gid = vm->o.gid,
		.uname = vm->o.uname, .gname = vm->o.gname, .system_dir = j->system_dir, .version = ONE_VERSION,
		.start_time = (time_t)vm->stime, .deploy_time = (time_t)vm->history->stime, .vm = vm->o.tmpl,
		.host = template_of(host), .cluster = template_of(cluster), .defaults = mad->defaults,
		.context_is_block = ds && ((const struct datastore *)ds->obj)->disk_type == DISK_BLOCK,
	};
	enum one_rc rc = domain_render(&in, out, err);

	version_unref(host);
	version_unref(cluster);
	version_unref(ds);
	return rc;
}

static enum one_rc write_deployment(struct vm_job *j, struct one_err *err)
{
	const struct vm_mad *mad = smap_get(j->codec->vm_mads, j->vm->history->vm_mad);
	struct strbuf text = STRBUF_INIT;
	enum one_rc rc = ONE_OK;

	if (!mad)
		return one_err_set(err, ONE_ACTION, "There is no VM_MAD %s", j->vm->history->vm_mad);
	if (!strcasecmp(mad->type, "xml"))
		strbuf_add(&text, j->version->body, j->version->body_len);
	else
		rc = render_domain(j, mad, &text, err);
	if (!rc)
		rc = vm_file_write(arena_printf(&j->vm->o.arena, "%s/deployment.%d", j->dir, j->vm->history->seq), &text, 0640, err);
	strbuf_done(&text);
	return rc;
}

/* ---- the context ---- */

/* NAME='value' lines for a shell: the only character that matters in single quotes is the quote. */
static void add_shell_line(struct strbuf *out, const char *name, const char *value)
{
	strbuf_adds(out, name);
	strbuf_lit(out, "='");
	for (; *value; value++) {
		if (*value == '\'')
			strbuf_lit(out, "'\\''");
		else
			strbuf_addc(out, *value);
	}
	strbuf_lit(out, "'\n");
}

static bool is_shell_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!((*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || *c == '_' || (*c >= '0' && *c <= '9' && c > name)))
			return false;
	return *name != '\0';
}

static enum one_rc write_context(struct vm_job *j, const struct attr *context, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	enum one_rc rc;

	strbuf_lit(&text, "# The context of this VM, for its start scripts\n");
	for (const struct attr *a = context->kids; a; a = a->next)
		if (a->value && is_shell_name(a->name) && strcmp(a->name, "FILES") != 0)
			add_shell_line(&text, a->name, a->value);
	rc = vm_file_write(arena_printf(&j->vm->o.arena, "%s/context.sh", j->dir), &text, 0640, err);
	strbuf_done(&text);
	return rc;
}

/* Words of one line. */
static void add_files(struct strbuf *command, const struct attr *context, const char *name)
{
	const char *files = attr_get(context, name);

	if (!files || !*files)
		return;
	for (; *files; files++)
		strbuf_addc(command, *files == '\n' ? ' ' : *files);
	strbuf_addc(command, ' ');
}

/* The transfer command that puts the context disk in its place; nothing when the VM has none. */
static enum one_rc context_command(struct vm_job *j, struct strbuf *command, struct strbuf *target, struct one_err *err)
{
	const struct vm_history *h = j->vm->history;
	const struct attr *context = tmpl_vector(j->vm->o.tmpl, "CONTEXT");
	const char *disk = context ? attr_get(context, "DISK_ID") : NULL;

	if (!disk)
		return ONE_OK;
	if (write_context(j, context, err))
		return err ? err->rc : ONE_ACTION;
	strbuf_addf(target, "%s/disk.%s", j->system_dir, disk);
	strbuf_addf(command, "CONTEXT %s %s/context.sh ", h->tm_mad, j->dir);
	add_files(command, context, "FILES");
	add_files(command, context, "FILES_DS");
	strbuf_addf(command, "%s:%s/disk.%s %d %d", h->hostname, j->system_dir, disk, j->vm->o.id, h->ds_id);
	return ONE_OK;
}

/* ---- the message ---- */

static void out_or_empty(struct strbuf *out, const char *name, const char *value)
{
	if (value && *value)
		xml_out_text(out, name, value);
	else
		strbuf_addf(out, "<%s/>", name);
}

struct message {
	const char *deploy_id, *checkpoint, *network;
	bool deployment;
	struct strbuf command, target;
};

static void format_message(struct vm_job *j, const struct message *m, struct strbuf *out)
{
	const struct vm_history *h = j->vm->history;
	struct version *ds = pool_get(j->codec->core, OBJ_DATASTORE, h->ds_id);
	struct arena *a = &j->vm->o.arena;

	xml_out_open(out, "VMM_DRIVER_ACTION_DATA");
	xml_out_text(out, "HOST", h->hostname);
	strbuf_lit(out, "<MIGR_HOST/>");
	out_or_empty(out, "DEPLOY_ID", m->deploy_id);
	out_or_empty(out, "LOCAL_DEPLOYMENT_FILE", m->deployment ? arena_printf(a, "%s/deployment.%d", j->dir, h->seq) : NULL);
	out_or_empty(out, "REMOTE_DEPLOYMENT_FILE", m->deployment ? arena_printf(a, "%s/deployment.%d", j->system_dir, h->seq) : NULL);
	out_or_empty(out, "CHECKPOINT_FILE", m->checkpoint);
	out_or_empty(out, "TM_COMMAND", m->command.buf);
	strbuf_lit(out, "<TM_COMMAND_ROLLBACK/>");
	out_or_empty(out, "DISK_TARGET_PATH", m->target.buf);
	strbuf_add(out, j->version->body, j->version->body_len);
	if (ds)
		object_render_clear(j->codec->conf, ds->obj, out);
	if (m->network)
		xml_out_text(out, "VIRTUAL_NETWORK_ID", m->network);
	xml_out_close(out, "VMM_DRIVER_ACTION_DATA");
	version_unref(ds);
}

/* What each action's message holds besides host and VM. */
enum { NEEDS_DEPLOYMENT = 1, NEEDS_DEPLOY_ID = 2, NEEDS_CHECKPOINT = 4, NEEDS_CONTEXT = 8, NEEDS_DELETE = 16, NEEDS_NETWORK = 32 };
static const struct { const char *action; unsigned needs; } actions[] = {
	{ "DEPLOY", NEEDS_DEPLOYMENT | NEEDS_CONTEXT }, { "RESTORE", NEEDS_DEPLOY_ID | NEEDS_CHECKPOINT | NEEDS_CONTEXT },
	{ "SHUTDOWN", NEEDS_DEPLOY_ID }, { "CANCEL", NEEDS_DEPLOY_ID }, { "SAVE", NEEDS_DEPLOY_ID | NEEDS_CHECKPOINT },
	{ "REBOOT", NEEDS_DEPLOY_ID }, { "RESET", NEEDS_DEPLOY_ID }, { "CLEANUP", NEEDS_DEPLOY_ID | NEEDS_DELETE },
	{ "RESIZE", NEEDS_DEPLOY_ID }, { "UPDATECONF", NEEDS_DEPLOY_ID | NEEDS_CONTEXT },
	{ "ATTACHNIC", NEEDS_DEPLOY_ID | NEEDS_CONTEXT }, { "DETACHNIC", NEEDS_DEPLOY_ID | NEEDS_CONTEXT },
	{ "UPDATENIC", NEEDS_DEPLOY_ID | NEEDS_NETWORK },
};

/* Of the NIC that is updated. */
static enum one_rc network_id(const struct vm_job *j, const char **id, struct one_err *err)
{
	struct attr *nic;

	*id = vm_nic_work(j->vm, &nic) == VM_NIC_UPDATES ? attr_get(nic, "NETWORK_ID") : NULL;
	return *id && **id ? ONE_OK : one_err_set(err, ONE_ACTION, "No NIC of VM %d is being updated", j->vm->o.id);
}

static enum one_rc fill_message(struct vm_job *j, unsigned needs, struct message *m, struct one_err *err)
{
	enum one_rc rc = ONE_OK;

	if (needs & NEEDS_DEPLOY_ID)
		m->deploy_id = j->vm->deploy_id;
	if (needs & NEEDS_CHECKPOINT)
		m->checkpoint = arena_printf(&j->vm->o.arena, "%s/checkpoint", j->system_dir);
	if (needs & NEEDS_DELETE)
		vm_transfer_delete(j, &m->command);
	if (needs & NEEDS_DEPLOYMENT) {
		m->deployment = true;
		rc = write_deployment(j, err);
	}
	if (!rc && (needs & NEEDS_NETWORK))
		rc = network_id(j, &m->network, err);
	if (!rc && (needs & NEEDS_CONTEXT))
		rc = context_command(j, &m->command, &m->target, err);
	return rc;
}

enum one_rc vm_codec_vmm(const struct vm_codec *c, const struct version *v, const char *action, struct strbuf *payload, struct one_err *err)
{
	struct message m = { .command = STRBUF_INIT, .target = STRBUF_INIT };
	struct strbuf xml = STRBUF_INIT;
	unsigned needs = 0;
	struct vm_job j;
	enum one_rc rc = vm_job_begin(c, v, &j, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (!strcmp(actions[i].action, action))
			needs = actions[i].needs;
	if (!strcmp(action, "DETACHNIC"))
		vm_context_without_leaving(j.vm);
	rc = fill_message(&j, needs, &m, err);
	if (!rc) {
		format_message(&j, &m, &xml);
		base64_encode(xml.buf, xml.len, payload);
	}
	strbuf_done(&xml);
	strbuf_done(&m.command);
	strbuf_done(&m.target);
	vm_job_end(&j);
	return rc;
}
