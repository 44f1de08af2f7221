/* Small pools in XML, as oned would answer them, for the tests of the scheduler. */
#ifndef TESTS_SCHEDULER_POOLS_XML_H
#define TESTS_SCHEDULER_POOLS_XML_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/arena.h"
#include "common/strbuf.h"
#include "common/xml.h"
#include "scheduler/model.h"

/* Parses XML, which must be good. */
static inline struct xnode *parse_xml(struct arena *arena, const char *text)
{
	struct one_err err = ONE_ERR_INIT;
	struct xnode *root = NULL;

	if (xml_parse(arena, text, strlen(text), XML_MAX_DEPTH, 1 << 26, &root, &err) != ONE_OK)
		fail_msg("%s in: %s", err.text, text);
	return root;
}

/* clang-format off */
struct xml_host {
	int id, cluster, state;
	long long max_cpu, used_cpu, max_memory, used_memory, running, free_disk;
	const char *attributes; /* elements of TEMPLATE */
	const char *vms;        /* elements of VMS */
};

static inline void add_host(struct strbuf *out, const struct xml_host *h)
{
	strbuf_addf(out,
		    "<HOST><ID>%d</ID><NAME>rack%d</NAME><STATE>%d</STATE>"
		    "<CLUSTER_ID>%d</CLUSTER_ID><CLUSTER>c%d</CLUSTER>"
		    "<HOST_SHARE><MEM_USAGE>%lld</MEM_USAGE><CPU_USAGE>%lld</CPU_USAGE>"
		    "<MAX_MEM>%lld</MAX_MEM>"
		    "<MAX_CPU>%lld</MAX_CPU><RUNNING_VMS>%lld</RUNNING_VMS><DATASTORES>"
		    "<FREE_DISK>%lld</FREE_DISK>"
		    "</DATASTORES></HOST_SHARE><VMS>%s</VMS><TEMPLATE>%s</TEMPLATE><MONITORING/></HOST>",
		    h->id, h->id, h->state, h->cluster, h->cluster, h->used_memory, h->used_cpu,
		    h->max_memory,
		    h->max_cpu, h->running, h->free_disk, h->vms ? h->vms : "", h->attributes ?
		    h->attributes : "");
}

struct xml_store {
	int id, type, state;
	bool local;
	long long total, free;
	const char *clusters; /* elements of CLUSTERS */
	const char *attributes;
};

static inline void add_store(struct strbuf *out, const struct xml_store *s)
{
	strbuf_addf(out,
		    "<DATASTORE><ID>%d</ID><UID>0</UID><GID>0</GID><NAME>ds%d</NAME>"
		    "<PERMISSIONS><OWNER_U>1</OWNER_U>"
		    "<OWNER_M>1</OWNER_M><GROUP_U>1</GROUP_U><OTHER_U>0</OTHER_U></PERMISSIONS>"
		    "<TYPE>%d</TYPE><STATE>%d</STATE>"
		    "<CLUSTERS>%s</CLUSTERS><TOTAL_MB>%lld</TOTAL_MB><FREE_MB>%lld</FREE_MB>"
		    "<USED_MB>%lld</USED_MB>"
		    "<TEMPLATE><SHARED>%s</SHARED>%s</TEMPLATE></DATASTORE>",
		    s->id, s->id, s->type, s->state, s->clusters ? s->clusters : "<ID>0</ID>",
		    s->total, s->free,
		    s->total - s->free, s->local ? "NO" : "YES", s->attributes ? s->attributes : "");
}

struct xml_vm {
	int id, uid, gid;
	const char *cpu;
	long long memory;
	const char *attributes; /* elements of TEMPLATE */
	const char *user;       /* elements of USER_TEMPLATE */
	const char *history;    /* elements of HISTORY_RECORDS */
};

static inline void add_vm(struct strbuf *out, const struct xml_vm *v)
{
	strbuf_addf(out,
		    "<VM><ID>%d</ID><UID>%d</UID><GID>%d</GID><STATE>1</STATE>"
		    "<LCM_STATE>0</LCM_STATE><TEMPLATE>"
		    "<CPU>%s</CPU><MEMORY>%lld</MEMORY>%s</TEMPLATE><USER_TEMPLATE>%s</USER_TEMPLATE>"
		    "<HISTORY_RECORDS>%s</HISTORY_RECORDS></VM>",
		    v->id, v->uid, v->gid, v->cpu ? v->cpu : "1", v->memory, v->attributes ?
		    v->attributes : "",
		    v->user ? v->user : "", v->history ? v->history : "");
}

/* clang-format on */

#endif
