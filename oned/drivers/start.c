#include "oned/drivers/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "oned/drivers/vm_codec.h"
#include "oned/lifecycle/datastore.h"
#include "oned/lifecycle/host.h"
#include "oned/lifecycle/hook.h"
#include "oned/lifecycle/image.h"
#include "oned/lifecycle/market.h"
#include "oned/lifecycle/vm_lifecycle.h"

#define MAD_START_TIMEOUT_MS 12000
#define MAD_STOP_GRACE_MS 3000
#define AUTH_TIMEOUT_MS 30000

/* ---- messages: from the I/O thread to the core ---- */

struct heard {
	char kind[16], name[64];
	struct driver_msg msg;
	char *line;
};

/* Who handles what in the core. */
static const struct {
	const char *kind;
	void (*message)(struct txn *t, const struct driver_msg *m);
	void (*up)(struct txn *t);
} handlers[] = {
	{ "vmm", vmm_message, NULL },
	{ "tm", tm_message, NULL },
	{ "datastore", datastore_message, image_recover_all },
	{ "im", im_message, im_driver_up },
	{ "market", market_message, market_recover_all },
	{ "hm", hook_message, NULL },
};

static void run_message(struct txn *t, void *arg)
{
	struct heard *h = arg;

	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (!strcmp(handlers[i].kind, h->kind))
			handlers[i].message(t, &h->msg);
}

static void run_up(struct txn *t, void *arg)
{
	struct heard *h = arg;

	if (!strcmp(h->kind, "vmm") || !strcmp(h->kind, "tm"))
		vm_resume_all(t, h->kind, h->name);
	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (!strcmp(handlers[i].kind, h->kind) && handlers[i].up)
			handlers[i].up(t);
}

static void free_heard(void *arg, const struct one_err *result)
{
	struct heard *h = arg;

	if (result->rc)
		log_error("ONE", "A message of %s driver %s could not be handled: %s", h->kind, h->name, result->text);
	free(h->line);
	free(h);
}

static struct heard *hear(const char *kind, const char *name, const struct driver_msg *m)
{
	struct heard *h = xcalloc(1, sizeof(*h));
	size_t action = 0, status = 0, payload = 0;

	snprintf(h->kind, sizeof(h->kind), "%s", kind);
	snprintf(h->name, sizeof(h->name), "%s", name);
	if (!m)
		return h;
	action = strlen(m->action) + 1;
	status = strlen(m->status) + 1;
	payload = strlen(m->payload) + 1;
	h->line = xmalloc(action + status + payload);
	memcpy(h->line, m->action, action);
	memcpy(h->line + action, m->status, status);
	memcpy(h->line + action + status, m->payload, payload);
	h->msg = (struct driver_msg){ .action = h->line, .status = h->line + action, .id = m->id, .payload = h->line + action + status };
	return h;
}

static void on_mad(void *ctx, const char *kind, const char *name, enum mad_event what, const struct driver_msg *m)
{
	struct drivers *d = ctx;

	switch (what) {
	case MAD_MESSAGE:
		if (!strcmp(kind, "auth") && d->external)
			auth_external_message(d->external, m);
		else if (!strcmp(kind, "im")) /* the monitor tells it again by itself */
			core_submit(d->core, run_message, free_heard, hear(kind, name, m));
		else
			core_submit_sure(d->core, run_message, free_heard, hear(kind, name, m));
		break;
	case MAD_UP:
		core_submit_sure(d->core, run_up, free_heard, hear(kind, name, NULL));
		break;
	case MAD_DOWN:
		if (!strcmp(kind, "auth") && d->external)
			auth_external_down(d->external);
		/* What the others had in hand is sent again when they are up. */
		break;
	}
}

/* ---- starting ---- */

/* Each key of oned.conf: kind, the name when the vector has none, attributes that become options. */
static const struct { const char *key, *kind, *name; const char *options[5]; } kinds[] = {
	{ "VM_MAD", "vmm", NULL, { NULL } },
	{ "TM_MAD", "tm", "tm", { NULL } },
	{ "DATASTORE_MAD", "datastore", "datastore", { NULL } },
	{ "IM_MAD", "im", NULL, { "THREADS", "-t", NULL } },
	{ "AUTH_MAD", "auth", "auth", { "AUTHN", "--authn", "AUTHZ", "--authz", NULL } },
	{ "HM_MAD", "hm", "hm", { NULL } },
	{ "MARKET_MAD", "market", "market", { NULL } },
};

#define MAX_ARGS 64

static int split_args(struct arena *a, const char *text, const char **argv, int n)
{
	char *copy = arena_strdup(a, text), *save = NULL;

	for (char *word = strtok_r(copy, " \t\n", &save); word && n < MAX_ARGS; word = strtok_r(NULL, " \t\n", &save))
		argv[n++] = word;
	return n;
}

static enum one_rc add_mad(struct drivers *d, const struct attr *v, size_t k, struct one_err *err)
{
	const char *name = kinds[k].name ? kinds[k].name : attr_get(v, "NAME"), *exe = attr_get(v, "EXECUTABLE");
	const char *argv[MAX_ARGS + 4];
	struct mad_config config = { .kind = kinds[k].kind, .name = name, .argv = argv };
	int n = 0;

	if (!name || !*name || !exe || !*exe)
		return one_err_set(err, ONE_INTERNAL, "oned.conf line %d: %s needs %sEXECUTABLE", v->line, kinds[k].key,
				   kinds[k].name ? "" : "NAME and ");
	argv[n++] = *exe == '/' ? exe : arena_printf(&d->arena, "%s/%s", d->paths->mads, exe);
	if (attr_get(v, "ARGUMENTS"))
		n = split_args(&d->arena, attr_get(v, "ARGUMENTS"), argv, n);
	for (const char *const *o = kinds[k].options; *o; o += 2) {
		const char *value = attr_get(v, o[0]);

		if (value && *value && n < MAX_ARGS) {
			argv[n++] = o[1];
			argv[n++] = value;
		}
	}
	argv[n] = NULL;
	return mads_add(d->mads, &config, err);
}

/* The defaults of a VM_MAD: a template of its own file, relative to ETC. */
static struct tmpl *read_defaults(struct drivers *d, const char *file, struct one_err *err)
{
	struct tmpl *t = tmpl_new(&d->arena);
	char path[4096], *text;
	FILE *f;
	size_t n;

	if (!file || !*file)
		return t;
	snprintf(path, sizeof(path), "%s%s%s", *file == '/' ? "" : d->paths->etc, *file == '/' ? "" : "/", file);
	f = fopen(path, "re");
	if (!f) {
		log_warn("VMM", "The defaults %s can't be read; none are used", path);
		return t;
	}
	text = arena_alloc(&d->arena, TMPL_MAX_BYTES);
	n = fread(text, 1, TMPL_MAX_BYTES - 1, f);
	fclose(f);
	text[n] = '\0';
	if (tmpl_parse(t, text, err))
		one_err_prefix(err, "%s: ", path);
	return t;
}

static enum one_rc add_vm_mad_defaults(struct drivers *d, const struct attr *v, struct one_err *err)
{
	struct vm_mad *mad = arena_new(&d->arena, struct vm_mad);

	mad->name = attr_get(v, "NAME");
	mad->type = attr_get(v, "TYPE") ? attr_get(v, "TYPE") : "xml";
	mad->defaults = read_defaults(d, attr_get(v, "DEFAULT"), err);
	smap_put(&d->vm_mads, mad->name, mad);
	return err->rc;
}

static enum one_rc add_all(struct drivers *d, struct one_err *err)
{
	enum one_rc rc = ONE_OK;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		for (const struct attr *v = conf_first(d->conf, kinds[k].key); v && !rc; v = conf_next(v)) {
			rc = add_mad(d, v, k, err);
			if (!rc && !strcmp(kinds[k].kind, "vmm"))
				rc = add_vm_mad_defaults(d, v, err);
		}
	return rc;
}

static bool send_auth(void *ctx, const char *action, long long id, const char *payload)
{
	struct drivers *d = ctx;

	return !mads_send(d->mads, "auth", "auth", action, id, payload, NULL);
}

enum one_rc drivers_start(struct drivers *d, struct core *core, const struct conf *conf, const struct paths *paths, struct one_err *err)
{
	struct one_err slow = ONE_ERR_INIT;
	enum one_rc rc;

	*d = (struct drivers){ .core = core, .conf = conf, .paths = paths };
	if (conf_first(conf, "AUTH_MAD"))
		d->external = auth_external_new(send_auth, d, AUTH_TIMEOUT_MS, conf_int(conf, "SESSION_EXPIRATION_TIME"));
	rc = mads_new(on_mad, d, &d->mads, err);
	if (!rc)
		rc = add_all(d, err);
	if (!rc && mads_wait_up(d->mads, MAD_START_TIMEOUT_MS, &slow))
		log_error("ONE", "Drivers that didn't start: %s", slow.text);
	return rc;
}

void drivers_stop(struct drivers *d)
{
	if (d->mads)
		mads_stop(d->mads, MAD_STOP_GRACE_MS);
	auth_external_free(d->external);
	smap_done(&d->vm_mads);
	arena_done(&d->arena);
}
