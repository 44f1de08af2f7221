/* An oned that fits into a test: a few pools, deployments and messages. Behind struct api, or over HTTP (see
 * test_loop.c). */
#ifndef TESTS_SCHEDULER_FAKE_ONED_H
#define TESTS_SCHEDULER_FAKE_ONED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/tmpl.h"
#include "scheduler/api.h"
#include "tests/unit/scheduler/pools_xml.h"

#define FAKE_VMS 2000

struct fake_vm {
	bool pending, refused;
	int host, store, deploys, updates;
	char user[256];
	char message[512];
};

struct fake_oned {
	pthread_mutex_t lock;
	struct strbuf hosts, stores;
	struct fake_vm vms[FAKE_VMS];
	int n_vms;
	int order[FAKE_VMS], n_order; /* deployments as they came */
	int raft_state, zone;
	enum one_rc down;          /* what every call answers, if not ONE_OK */
	const char *broken_method; /* answers something that is no XML */
	int reads;                 /* calls of pools */
	atomic_bool stopping;
};

static inline void fake_init(struct fake_oned *f)
{
	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	strbuf_init(&f->hosts);
	strbuf_init(&f->stores);
	atomic_init(&f->stopping, false);
}

static inline void fake_done(struct fake_oned *f)
{
	strbuf_done(&f->hosts);
	strbuf_done(&f->stores);
	pthread_mutex_destroy(&f->lock);
}

/* Hosts 0..n-1 of `cpus` CPUs, and the shared datastore 100. */
static inline void fake_site(struct fake_oned *f, int n, long long cpus)
{
	for (int id = 0; id < n; id++)
		add_host(&f->hosts,
			 &(struct xml_host){
				 .id = id, .state = 2, .max_cpu = cpus * 100, .max_memory = 1 << 30 });
	add_store(&f->stores, &(struct xml_store){ .id = 100, .type = 1, .total = 10000, .free = 9000 });
}

static inline int fake_add_vm(struct fake_oned *f, const char *user)
{
	struct fake_vm *v = &f->vms[f->n_vms];

	memset(v, 0, sizeof(*v));
	v->pending = true;
	v->host = v->store = -2;
	strncpy(v->user, user, sizeof(v->user) - 1);
	return f->n_vms++;
}

static inline void fake_vm_pool(struct fake_oned *f, struct strbuf *out)
{
	strbuf_lit(out, "<VM_POOL>");
	for (int id = 0; id < f->n_vms; id++) {
		struct fake_vm *v = &f->vms[id];
		struct strbuf user = STRBUF_INIT;

		if (!v->pending)
			continue;
		strbuf_adds(&user, v->user);
		if (v->updates)
			xml_out_cdata(&user, "SCHED_MESSAGE", v->message);
		add_vm(out, &(struct xml_vm){ .id = id, .memory = 64, .user = user.buf });
		strbuf_done(&user);
	}
	strbuf_lit(out, "</VM_POOL>");
}

static inline enum one_rc fake_update(struct fake_oned *f, const struct rpc_arg *args, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct tmpl *t = tmpl_new(&arena);
	struct fake_vm *v = &f->vms[args[0].i];

	if (tmpl_parse(t, args[1].s, err) == ONE_OK && args[2].i == 1) {
		strncpy(v->message, tmpl_get_or(t, "SCHED_MESSAGE", "?"), sizeof(v->message) - 1);
		v->updates++;
	}
	arena_done(&arena);
	return ONE_OK;
}

static inline enum one_rc fake_deploy(struct fake_oned *f, const struct rpc_arg *args, struct one_err *err)
{
	struct fake_vm *v = &f->vms[args[0].i];

	v->deploys++;
	v->host = (int)args[1].i;
	v->store = (int)args[3].i;
	if (v->refused)
		return one_err_set(err, ONE_ACTION, "[one.vm.deploy] the host has no \"engine\".");
	if (!v->pending)
		return one_err_set(err, ONE_ACTION, "[one.vm.deploy] wrong state.");
	v->pending = false;
	f->order[f->n_order++] = (int)args[0].i;
	return ONE_OK;
}

static inline enum one_rc fake_answer(struct fake_oned *f, const char *method, const struct rpc_arg *args,
				      struct strbuf *text, struct one_err *err)
{
	if (f->down != ONE_OK)
		return one_err_set(err, f->down, "down");
	if (f->broken_method && !strcmp(method, f->broken_method))
		strbuf_lit(text, "<VM_POOL><VM>");
	else if (!strcmp(method, "one.vm.update"))
		return fake_update(f, args, err);
	else if (!strcmp(method, "one.vm.deploy"))
		return fake_deploy(f, args, err);
	else if (!strcmp(method, "one.zone.raftstatus"))
		strbuf_addf(text, "<RAFT><STATE>%d</STATE></RAFT>", f->raft_state);
	else if (!strcmp(method, "one.system.config"))
		strbuf_addf(text,
			    "<OPENNEBULA_CONFIGURATION><FEDERATION><ZONE_ID>%d</ZONE_ID></FEDERATION></"
			    "OPENNEBULA_CONFIGURATION>",
			    f->zone);
	else if (!strcmp(method, "one.vmpool.infoextended"))
		fake_vm_pool(f, text);
	else if (!strcmp(method, "one.hostpool.info"))
		strbuf_addf(text, "<HOST_POOL>%s</HOST_POOL>", f->hosts.buf);
	else if (!strcmp(method, "one.datastorepool.info"))
		strbuf_addf(text, "<DATASTORE_POOL>%s</DATASTORE_POOL>", f->stores.buf);
	else if (!strcmp(method, "one.clusterpool.info"))
		strbuf_lit(text, "<CLUSTER_POOL><CLUSTER><ID>0</ID><TEMPLATE><TIER>gold</TIER></TEMPLATE></"
				 "CLUSTER></CLUSTER_POOL>");
	else if (!strcmp(method, "one.hostpool.monitoring"))
		strbuf_lit(text, "<MONITORING_DATA/>");
	else if (!strcmp(method, "one.acl.info"))
		strbuf_lit(text, "<ACL_POOL/>");
	else if (!strcmp(method, "one.userpool.info"))
		strbuf_lit(text, "<USER_POOL/>");
	else
		return one_err_set(err, ONE_API, "no method %s", method);
	f->reads++;
	return ONE_OK;
}

/* struct api's call. */
static inline enum one_rc fake_call(void *ctx, int lane, const char *method, const struct rpc_arg *args,
				    struct strbuf *text, long long *number, struct one_err *err)
{
	struct fake_oned *f = ctx;
	struct strbuf unwanted = STRBUF_INIT;
	enum one_rc rc;

	(void)number;
	if (lane < 0 || lane >= API_LANES)
		abort();
	pthread_mutex_lock(&f->lock);
	rc = fake_answer(f, method, args, text ? text : &unwanted, err);
	pthread_mutex_unlock(&f->lock);
	strbuf_done(&unwanted);
	return rc;
}

static inline bool fake_stopping(void *ctx)
{
	return atomic_load(&((struct fake_oned *)ctx)->stopping);
}

static inline struct api fake_api(struct fake_oned *f)
{
	return (struct api){ fake_call, fake_stopping, f };
}

#endif
