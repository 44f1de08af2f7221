#include "oned/drivers/outlet.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "oned/drivers/event.h"
#include "oned/lifecycle/datastore.h"
#include "oned/lifecycle/market.h"
#include "oned/lifecycle/vm_lifecycle.h"

enum item_kind { ITEM_SEND, ITEM_EVENT, ITEM_LOG };

struct item {
	struct item *next;
	enum item_kind kind;
	long long id;
	int level;
	struct version *version;      /* of the VM of a command about VMs, and of an event's object */
	const char *mad_kind, *name, *action, *text; /* behind the struct */
};

struct outlet {
	struct outlet_config config;
	struct core *core;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct item *queue, **tail;
	bool started, stopping;
};

/* ---- the core's side ---- */

static char *copy_text(char **at, const char *s)
{
	size_t len = strlen(s) + 1;
	char *to = *at;

	memcpy(to, s, len);
	*at += len;
	return to;
}

static void put(struct outlet *o, enum item_kind kind, long long id, int level, struct version *version, const char *mad_kind,
		const char *name, const char *action, const char *text)
{
	struct item *it = xmalloc(sizeof(*it) + strlen(mad_kind) + strlen(name) + strlen(action) + strlen(text) + 4);
	char *at = (char *)(it + 1);

	*it = (struct item){ .kind = kind, .id = id, .level = level, .version = version };
	it->mad_kind = copy_text(&at, mad_kind);
	it->name = copy_text(&at, name);
	it->action = copy_text(&at, action);
	it->text = copy_text(&at, text);
	pthread_mutex_lock(&o->lock);
	*o->tail = it;
	o->tail = &it->next;
	pthread_mutex_unlock(&o->lock);
	pthread_cond_signal(&o->wake);
}

static void on_send(void *ctx, const char *kind, const char *name, const char *action, long long id, const char *payload)
{
	struct outlet *o = ctx;
	bool about_vm = (!strcmp(kind, "vmm") || !strcmp(kind, "tm")) && strcmp(action, "DRIVER_CANCEL") != 0;
	/* The version as it was committed: what comes later changes nothing in this command. */
	struct version *v = about_vm ? pool_get(o->core, OBJ_VM, (int)id) : NULL;

	put(o, ITEM_SEND, id, 0, v, kind, name, action, payload);
}

static void on_event(void *ctx, enum obj_type type, int id)
{
	struct outlet *o = ctx;
	struct version *v = pool_get(o->core, type, id);

	if (v) /* else it is gone by now */
		put(o, ITEM_EVENT, id, 0, v, "", "", "", "");
}

static void on_vm_log(void *ctx, int vm_id, int level, const char *module, const char *text)
{
	put(ctx, ITEM_LOG, vm_id, level, NULL, "", module, "", text);
}

void outlet_set_core(struct outlet *o, struct core *core)
{
	o->core = core;
}

void outlet_callbacks(struct outlet *o, struct core_outlets *out)
{
	*out = (struct core_outlets){ .ctx = o, .send = on_send, .event = on_event, .vm_log = on_vm_log };
}

/* ---- the thread's side ---- */

struct failed { char kind[16], action[32], reason[ONE_ERR_TEXT]; long long id; };

/* Who hears of what couldn't be sent and isn't about a VM. */
static const struct { const char *kind; void (*failed)(struct txn *t, const char *action, long long id, const char *reason); } others[] = {
	{ DATASTORE_KIND, datastore_send_failed }, { MARKET_KIND, market_send_failed },
};
#define OTHERS (sizeof(others) / sizeof(*others))

static size_t other_kind(const char *kind)
{
	size_t i = 0;

	while (i < OTHERS && strcmp(others[i].kind, kind) != 0)
		i++;
	return i;
}

static void tell_failed(struct txn *t, void *arg)
{
	struct failed *f = arg;
	size_t i = other_kind(f->kind);

	if (i < OTHERS)
		others[i].failed(t, f->action, f->id, f->reason);
	else
		vm_send_failed(t, (int)f->id, f->kind, f->action, f->reason);
}

static void free_failed(void *arg, const struct one_err *result)
{
	(void)result;
	free(arg);
}

static void send_failed(struct outlet *o, const struct item *it, const struct one_err *err)
{
	struct failed *f;

	log_error("LCM", "%s for %s %lld can't be sent to %s driver %s: %s", it->action, it->mad_kind, it->id, it->mad_kind, it->name, err->text);
	if (!it->version && other_kind(it->mad_kind) == OTHERS)
		return;
	f = xcalloc(1, sizeof(*f));
	f->id = it->id;
	snprintf(f->kind, sizeof(f->kind), "%s", it->mad_kind);
	snprintf(f->action, sizeof(f->action), "%s", it->action);
	snprintf(f->reason, sizeof(f->reason), "%s", err->text);
	core_submit_sure(o->core, tell_failed, free_failed, f);
}

static enum one_rc make_payload(struct outlet *o, const struct item *it, struct strbuf *payload, struct one_err *err)
{
	if (!it->version) {
		strbuf_adds(payload, it->text);
		return ONE_OK;
	}
	if (!strcmp(it->mad_kind, "vmm"))
		return vm_codec_vmm(o->config.codec, it->version, it->action, payload, err);
	return vm_codec_tm(o->config.codec, it->version, it->text, payload, err);
}

static void do_send(struct outlet *o, const struct item *it)
{
	struct strbuf payload = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;

	if (!mads_has(o->config.mads, it->mad_kind, it->name)) {
		one_err_set(&err, ONE_ACTION, "there is no %s driver '%s'", it->mad_kind, it->name);
		send_failed(o, it, &err);
	} else if (make_payload(o, it, &payload, &err)) {
		send_failed(o, it, &err);
	} else if (mads_send(o->config.mads, it->mad_kind, it->name, it->action, it->id, payload.buf, &err)) {
		/* Down: when it is up again, all that waits for it is sent again. */
		log_warn("LCM", "%s %lld waits for driver %s: %s", it->action, it->id, it->name, err.text);
	}
	strbuf_done(&payload);
}

static void do_event(struct outlet *o, const struct item *it)
{
	struct strbuf payload = STRBUF_INIT;

	if (!mads_has(o->config.mads, "hm", "hm"))
		return;
	event_message(it->version, &payload);
	mads_send(o->config.mads, "hm", "hm", "EXECUTE", 0, payload.buf, NULL);
	strbuf_done(&payload);
}

static void do_log(struct outlet *o, const struct item *it)
{
	const struct paths *p = o->config.codec->paths;
	char path[4096];

	if (o->config.vms_location)
		snprintf(path, sizeof(path), "%s/%lld/vm.log", p->vms, it->id);
	else
		snprintf(path, sizeof(path), "%s/%lld.log", p->log, it->id);
	log_file_line(path, (enum log_level)it->level, it->name, it->text);
}

static void handle(struct outlet *o, struct item *it)
{
	switch (it->kind) {
	case ITEM_SEND:
		do_send(o, it);
		break;
	case ITEM_EVENT:
		do_event(o, it);
		break;
	case ITEM_LOG:
		do_log(o, it);
		break;
	}
	version_unref(it->version);
	free(it);
}

static struct item *take_all(struct outlet *o)
{
	struct item *all;

	pthread_mutex_lock(&o->lock);
	while (!o->queue && !o->stopping)
		pthread_cond_wait(&o->wake, &o->lock);
	all = o->queue;
	o->queue = NULL;
	o->tail = &o->queue;
	pthread_mutex_unlock(&o->lock);
	return all;
}

static void *outlet_thread(void *arg)
{
	struct outlet *o = arg;
	struct item *it, *next;

	pthread_setname_np(pthread_self(), "outlet");
	while ((it = take_all(o)))
		for (; it; it = next) {
			next = it->next;
			handle(o, it);
		}
	return NULL;
}

struct outlet *outlet_new(void)
{
	struct outlet *o = xcalloc(1, sizeof(*o));

	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->wake, NULL);
	o->tail = &o->queue;
	return o;
}

enum one_rc outlet_start(struct outlet *o, const struct outlet_config *config, struct one_err *err)
{
	int rc;

	o->config = *config;
	rc = pthread_create(&o->thread, NULL, outlet_thread, o);
	if (rc)
		return one_err_set(err, ONE_INTERNAL, "Cannot start the outlet's thread: %s", strerror(rc));
	o->started = true;
	return ONE_OK;
}

void outlet_stop(struct outlet *o)
{
	struct item *next;

	if (o->started) {
		pthread_mutex_lock(&o->lock);
		o->stopping = true;
		pthread_mutex_unlock(&o->lock);
		pthread_cond_signal(&o->wake);
		pthread_join(o->thread, NULL);
	}
	for (struct item *it = o->queue; it; it = next) {
		next = it->next;
		version_unref(it->version);
		free(it);
	}
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
