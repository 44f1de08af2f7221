#include "oned/drivers/vm_transfer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- one disk ---- */

struct disk { const char *id, *tm_mad, *ds_id, *source, *type, *size, *format, *system; bool clone, save, is_volatile; };

static const char *text_of(const struct attr *a, const char *name)
{
	const char *value = attr_get(a, name);

	return value ? value : "";
}

static bool yes(const struct attr *a, const char *name)
{
	bool value;

	return attr_get_bool(a, name, &value) && value;
}

static struct disk read_disk(const struct attr *a)
{
	struct disk d = { .id = text_of(a, "DISK_ID"), .tm_mad = text_of(a, "TM_MAD"), .ds_id = text_of(a, "DATASTORE_ID"),
			  .source = text_of(a, "SOURCE"), .type = text_of(a, "TYPE"), .size = text_of(a, "SIZE"),
			  .format = text_of(a, "FORMAT"), .system = text_of(a, "TM_MAD_SYSTEM"), .clone = yes(a, "CLONE"),
			  .save = yes(a, "SAVE") };

	d.is_volatile = !strcasecmp(d.type, "SWAP") || !strcasecmp(d.type, "FS");
	return d;
}

/* "VERB[.<tm_mad_system>] <tm_mad> " */
static void begin_command(struct strbuf *out, const char *verb, const char *system, const char *tm_mad)
{
	strbuf_addf(out, "%s%s%s %s ", verb, *system ? "." : "", system, tm_mad);
}

/* "<host>:<dir>/disk.N " */
static void add_place(struct strbuf *out, const char *host, const char *dir, const char *disk)
{
	strbuf_addf(out, "%s:%s%s%s ", host, dir, disk ? "/disk." : "", disk ? disk : "");
}

static void end_command(const struct vm_job *j, struct strbuf *out, const char *ds_id)
{
	strbuf_addf(out, "%d %s\n", j->vm->o.id, ds_id);
}

static const char *own_ds(const struct vm_job *j)
{
	return arena_printf(&j->vm->o.arena, "%d", j->vm->history->ds_id);
}

/* ---- prolog ---- */

static void make_volatile(const struct vm_job *j, const struct disk *d, struct strbuf *out)
{
	const struct vm_history *h = j->vm->history;

	if (!strcasecmp(d->type, "SWAP")) {
		begin_command(out, "MKSWAP", "", h->tm_mad);
		strbuf_addf(out, "%s ", d->size);
	} else {
		begin_command(out, "MKIMAGE", "", h->tm_mad);
		strbuf_addf(out, "%s %s ", d->size, d->format);
	}
	add_place(out, h->hostname, j->system_dir, d->id);
	end_command(j, out, own_ds(j));
}

static void bring_image(const struct vm_job *j, const struct disk *d, struct strbuf *out)
{
	begin_command(out, d->clone ? "CLONE" : "LN", d->system, d->tm_mad);
	if (strchr(d->source, ':')) /* the driver's own way to name it */
		strbuf_addf(out, "%s ", d->source);
	else
		strbuf_addf(out, "%s:%s ", j->codec->hostname, d->source);
	add_place(out, j->vm->history->hostname, j->system_dir, d->id);
	end_command(j, out, d->ds_id);
}

static enum one_rc bring_disk(const struct vm_job *j, const struct disk *d, struct strbuf *out, struct one_err *err)
{
	if (d->is_volatile) {
		if (!*d->size)
			return one_err_set(err, ONE_ACTION, "Disk %s has no SIZE", d->id);
		make_volatile(j, d, out);
		return ONE_OK;
	}
	if (!*d->source || !*d->tm_mad || !*d->ds_id)
		return one_err_set(err, ONE_ACTION, "Disk %s lacks SOURCE, TM_MAD or DATASTORE_ID", d->id);
	bring_image(j, d, out);
	return ONE_OK;
}

/* Kernel and initrd that are files of a datastore (OS/KERNEL_DS...). */
static void bring_os_file(const struct vm_job *j, const char *what, struct strbuf *out)
{
	const struct attr *os = tmpl_vector(j->vm->o.tmpl, "OS");
	const char *source = os ? attr_get(os, arena_printf(&j->vm->o.arena, "%s_DS_SOURCE", what)) : NULL;
	const char *tm_mad = os ? attr_get(os, arena_printf(&j->vm->o.arena, "%s_DS_TM_MAD", what)) : NULL;
	const char *ds_id = os ? attr_get(os, arena_printf(&j->vm->o.arena, "%s_DS_DSID", what)) : NULL;

	if (!source || !tm_mad || !ds_id)
		return;
	begin_command(out, "CLONE", "", tm_mad);
	strbuf_addf(out, "%s:%s %s:%s/%s ", j->codec->hostname, source, j->vm->history->hostname, j->system_dir,
		    !strcmp(what, "KERNEL") ? "kernel" : "initrd");
	end_command(j, out, ds_id);
}

static enum one_rc prolog(const struct vm_job *j, struct strbuf *out, struct one_err *err)
{
	enum one_rc rc = ONE_OK;

	for (const struct attr *a = tmpl_find(j->vm->o.tmpl, "DISK"); a && !rc; a = tmpl_find_next(a)) {
		struct disk d = read_disk(a);

		rc = bring_disk(j, &d, out, err);
	}
	bring_os_file(j, "KERNEL", out);
	bring_os_file(j, "INITRD", out);
	return rc;
}

/* ---- moving all: to the front-end (stop, undeploy), or back ---- */

struct move { const char *from, *from_dir, *to, *to_dir; };

static void move_all(const struct vm_job *j, const struct move *m, struct strbuf *out)
{
	const struct vm_history *h = j->vm->history;

	for (const struct attr *a = tmpl_find(j->vm->o.tmpl, "DISK"); a; a = tmpl_find_next(a)) {
		struct disk d = read_disk(a);
		const char *tm_mad = d.is_volatile ? h->tm_mad : d.tm_mad, *ds_id = d.is_volatile ? own_ds(j) : d.ds_id;

		if (!*tm_mad || !*ds_id)
			continue;
		begin_command(out, "MV", d.system, tm_mad);
		add_place(out, m->from, m->from_dir, d.id);
		add_place(out, m->to, m->to_dir, d.id);
		end_command(j, out, ds_id);
	}
	begin_command(out, "MV", "", h->tm_mad);
	add_place(out, m->from, m->from_dir, NULL);
	add_place(out, m->to, m->to_dir, NULL);
	end_command(j, out, own_ds(j));
}

static bool read_ds_id(void *ctx, const struct sql_value *cols, int n)
{
	const char *at = strstr(cols[2].s, "<DS_ID>");

	(void)n;
	if (at)
		*(int *)ctx = atoi(at + strlen("<DS_ID>"));
	return false;
}

/* Where stop or undeploy left the files: the folder of the system datastore of the record before. */
static enum one_rc previous_dir(const struct vm_job *j, const char **dir, struct one_err *err)
{
	struct sql_value params[2] = { SQL_INT(j->vm->o.id), SQL_INT(j->vm->history->seq - 1) };
	struct store *s = readers_take(j->codec->readers, err);
	enum one_rc rc;
	int ds_id = -1;

	if (!s)
		return err->rc;
	rc = store_select(s, TABLE_HISTORY, "vid = ? AND seq = ?", params, 2, read_ds_id, &ds_id, err);
	readers_give(j->codec->readers, s);
	if (rc)
		return rc;
	if (ds_id < 0)
		return one_err_set(err, ONE_ACTION, "VM %d has no earlier history record to resume from", j->vm->o.id);
	*dir = arena_printf(&j->vm->o.arena, "%s/%d/%d", j->codec->paths->datastores, ds_id, j->vm->o.id);
	return ONE_OK;
}

static enum one_rc resume(const struct vm_job *j, struct strbuf *out, struct one_err *err)
{
	struct move m = { .from = j->codec->hostname, .to = j->vm->history->hostname, .to_dir = j->system_dir };

	if (previous_dir(j, &m.from_dir, err))
		return err->rc;
	move_all(j, &m, out);
	return ONE_OK;
}

static enum one_rc stop(const struct vm_job *j, struct strbuf *out, struct one_err *err)
{
	struct move m = { .from = j->vm->history->hostname, .from_dir = j->system_dir, .to = j->codec->hostname, .to_dir = j->system_dir };

	(void)err;
	move_all(j, &m, out);
	return ONE_OK;
}

/* ---- epilog ---- */

/* Where the VM's files are: on its host, or, after stop and undeploy (the record has ended), here. */
static const char *where_files_are(const struct vm_job *j)
{
	const struct vm_history *h = j->vm->history;
	bool here = h->etime && h->eetime;

	return here ? j->codec->hostname : h->hostname;
}

static void delete_disk(const struct vm_job *j, const struct disk *d, struct strbuf *out)
{
	const char *tm_mad = d->is_volatile ? j->vm->history->tm_mad : d->tm_mad;
	const char *ds_id = d->is_volatile ? own_ds(j) : d->ds_id;

	if (!*tm_mad || !*ds_id)
		return;
	begin_command(out, "DELETE", d->system, tm_mad);
	add_place(out, where_files_are(j), j->system_dir, d->id);
	end_command(j, out, ds_id);
}

static void delete_folder(const struct vm_job *j, struct strbuf *out)
{
	begin_command(out, "DELETE", "", j->vm->history->tm_mad);
	add_place(out, where_files_are(j), j->system_dir, NULL);
	end_command(j, out, own_ds(j));
}

static void save_disk(const struct vm_job *j, const struct disk *d, struct strbuf *out)
{
	begin_command(out, "MVDS", d->system, d->tm_mad);
	add_place(out, where_files_are(j), j->system_dir, d->id);
	strbuf_addf(out, "%s ", d->source);
	end_command(j, out, d->ds_id);
}

static enum one_rc epilog(const struct vm_job *j, struct strbuf *out, struct one_err *err)
{
	for (const struct attr *a = tmpl_find(j->vm->o.tmpl, "DISK"); a; a = tmpl_find_next(a)) {
		struct disk d = read_disk(a);

		if (!d.save) {
			delete_disk(j, &d, out);
			continue;
		}
		/* Without these the folder must not be deleted: it holds the only copy. */
		if (!*d.source || !*d.tm_mad || !*d.ds_id)
			return one_err_set(err, ONE_ACTION, "Disk %s is to be saved, but lacks SOURCE, TM_MAD or DATASTORE_ID", d.id);
		save_disk(j, &d, out);
	}
	delete_folder(j, out);
	return ONE_OK;
}

void vm_transfer_delete(const struct vm_job *j, struct strbuf *out)
{
	for (const struct attr *a = tmpl_find(j->vm->o.tmpl, "DISK"); a; a = tmpl_find_next(a)) {
		struct disk d = read_disk(a);

		delete_disk(j, &d, out);
	}
	delete_folder(j, out);
}

static enum one_rc delete_all(const struct vm_job *j, struct strbuf *out, struct one_err *err)
{
	(void)err;
	vm_transfer_delete(j, out);
	return ONE_OK;
}

static const struct {
	const char *which;
	enum one_rc (*commands)(const struct vm_job *j, struct strbuf *out, struct one_err *err);
} transfers[] = { { "prolog", prolog }, { "resume", resume }, { "epilog", epilog }, { "stop", stop }, { "delete", delete_all } };

enum one_rc vm_codec_tm(const struct vm_codec *c, const struct version *v, const char *which, struct strbuf *payload, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	enum one_rc rc = ONE_INTERNAL;
	const char *path;
	struct vm_job j;

	if (vm_job_begin(c, v, &j, err))
		return err->rc;
	path = arena_printf(&j.vm->o.arena, "%s/transfer.%d.%s", j.dir, j.vm->history->seq, which);
	for (size_t i = 0; i < sizeof(transfers) / sizeof(*transfers); i++)
		if (!strcmp(transfers[i].which, which))
			rc = transfers[i].commands(&j, &text, err);
	if (!rc)
		rc = vm_file_write(path, &text, 0640, err);
	if (!rc)
		strbuf_adds(payload, path);
	strbuf_done(&text);
	vm_job_end(&j);
	return rc;
}
