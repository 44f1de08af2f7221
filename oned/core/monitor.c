#include "oned/core/monitor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/map.h"
#include "common/timeutil.h"
#include "oned/core/core_internal.h"

#define EXPIRATION_DEFAULT_S 43200
#define EXPIRE_IDS 50 /* objects looked at in one go: bounds how long the writer is busy with it */

struct sample { time_t when; size_t len; char xml[]; };

struct monitor {
	pthread_mutex_t lock;
	struct imap latest[MONITOR_KINDS];  /* id -> struct sample */
	int expiration_s[MONITOR_KINDS];
	int next_expired[MONITOR_KINDS];    /* where the next round begins; the writer's only */
	atomic_bool expiring;
};

static const struct { enum obj_type type; enum store_table table; const char *expired; } kinds[MONITOR_KINDS] = {
	[MONITOR_HOST] = { OBJ_HOST, TABLE_HOST_MONITORING, "hid >= ? AND hid < ? AND last_mon_time < ?" },
	[MONITOR_VM] = { OBJ_VM, TABLE_VM_MONITORING, "vmid >= ? AND vmid < ? AND last_poll < ?" },
};

struct monitor *monitor_new(void)
{
	struct monitor *m = xcalloc(1, sizeof(*m));

	pthread_mutex_init(&m->lock, NULL);
	for (int i = 0; i < MONITOR_KINDS; i++)
		m->expiration_s[i] = EXPIRATION_DEFAULT_S;
	return m;
}

void monitor_free(struct monitor *m)
{
	if (!m)
		return;
	for (int i = 0; i < MONITOR_KINDS; i++) {
		size_t it = 0;
		int64_t id;
		void *sample;

		while (imap_next(&m->latest[i], &it, &id, &sample))
			free(sample);
		imap_done(&m->latest[i]);
	}
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* ---- the latest ---- */

bool monitor_put(struct monitor *m, enum monitor_kind kind, int id, time_t when, const char *xml, size_t len)
{
	struct sample *fresh = xmalloc(sizeof(*fresh) + len + 1), *old;
	bool later;

	fresh->when = when;
	fresh->len = len;
	memcpy(fresh->xml, xml, len);
	fresh->xml[len] = '\0';
	pthread_mutex_lock(&m->lock);
	old = imap_get(&m->latest[kind], id);
	later = old && old->when > when;
	if (!later)
		imap_put(&m->latest[kind], id, fresh);
	pthread_mutex_unlock(&m->lock);
	free(later ? fresh : old);
	return !later;
}

void monitor_drop(struct monitor *m, enum monitor_kind kind, int id)
{
	void *old;

	pthread_mutex_lock(&m->lock);
	old = imap_del(&m->latest[kind], id);
	pthread_mutex_unlock(&m->lock);
	free(old);
}

bool monitor_get(struct monitor *m, enum monitor_kind kind, int id, time_t *when, struct strbuf *out)
{
	const struct sample *s;
	bool found;

	pthread_mutex_lock(&m->lock);
	s = imap_get(&m->latest[kind], id);
	found = s != NULL;
	if (s) {
		strbuf_add(out, s->xml, s->len);
		if (when)
			*when = s->when;
	}
	pthread_mutex_unlock(&m->lock);
	return found;
}

void monitor_set_expiration(struct monitor *m, enum monitor_kind kind, int seconds)
{
	pthread_mutex_lock(&m->lock);
	m->expiration_s[kind] = seconds;
	pthread_mutex_unlock(&m->lock);
}

int monitor_expiration(struct monitor *m, enum monitor_kind kind)
{
	int seconds;

	pthread_mutex_lock(&m->lock);
	seconds = m->expiration_s[kind];
	pthread_mutex_unlock(&m->lock);
	return seconds;
}

/* ---- rows ---- */

void monitor_record(struct txn *t, enum monitor_kind kind, int id, time_t when, const char *xml, size_t len)
{
	struct monitor *m = core_monitor(t->core);

	if (!monitor_put(m, kind, id, when, xml, len) || monitor_expiration(m, kind) <= 0)
		return;
	txn_put(t, kinds[kind].table, (struct sql_value[]){ SQL_INT(id), SQL_INT((int64_t)when), SQL_STRN(xml, len) }, 3);
}

void monitor_forget(struct txn *t, enum monitor_kind kind, int id)
{
	monitor_drop(core_monitor(t->core), kind, id);
}

static void expire_some(struct core *c, enum monitor_kind kind)
{
	struct monitor *m = core_monitor(c);
	struct one_err err = ONE_ERR_INIT;
	int from = m->next_expired[kind], seconds = monitor_expiration(m, kind);
	struct sql_value params[] = { SQL_INT(from), SQL_INT(from + EXPIRE_IDS), SQL_INT((int64_t)time_now() - seconds) };

	m->next_expired[kind] = from + EXPIRE_IDS < pool_size(c, kinds[kind].type) ? from + EXPIRE_IDS : 0;
	if (store_delete_where(c->store, kinds[kind].table, kinds[kind].expired, params, 3, &err))
		log_warn("ONE", "Old samples can't be deleted: %s", err.text);
}

void monitor_expire(struct core *c)
{
	if (!c->store || !atomic_load(&core_monitor(c)->expiring))
		return;
	for (int i = 0; i < MONITOR_KINDS; i++)
		expire_some(c, (enum monitor_kind)i);
}

void monitor_expire_start(struct monitor *m)
{
	atomic_store(&m->expiring, true);
}
