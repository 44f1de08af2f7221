/* Failed deployments. */
#include "scheduler/retry.h"

#include <stdlib.h>
#include "common/arena.h"

struct retry {
	int64_t until_ms, wait_ms;
	int hosts[RETRY_HOSTS]; /* a ring */
	int n_hosts;
};

void retries_done(struct retries *r)
{
	size_t it = 0;
	int64_t id;
	void *entry;

	while (imap_next(&r->vms, &it, &id, &entry))
		free(entry);
	imap_done(&r->vms);
}

void retries_failed(struct retries *r, int vm_id, int host_id, int64_t now_ms)
{
	struct retry *e = imap_get(&r->vms, vm_id);

	if (!e) {
		e = xcalloc(1, sizeof(*e));
		imap_put(&r->vms, vm_id, e);
	}
	e->wait_ms = e->wait_ms ? e->wait_ms * 2 : RETRY_FIRST_MS;
	if (e->wait_ms > RETRY_LAST_MS)
		e->wait_ms = RETRY_LAST_MS;
	e->until_ms = now_ms + e->wait_ms;
	e->hosts[e->n_hosts++ % RETRY_HOSTS] = host_id;
	if (e->n_hosts == 2 * RETRY_HOSTS)
		e->n_hosts = RETRY_HOSTS;
}

void retries_forget(struct retries *r, int vm_id)
{
	free(imap_del(&r->vms, vm_id));
}

bool retries_waiting(const struct retries *r, int vm_id, int64_t now_ms)
{
	const struct retry *e = imap_get(&r->vms, vm_id);

	return e && e->until_ms > now_ms;
}

int retries_refused(const struct retries *r, int vm_id, int host_id)
{
	const struct retry *e = imap_get(&r->vms, vm_id);
	int n = e ? e->n_hosts : 0;

	for (int age = 1; age <= n && age <= RETRY_HOSTS; age++)
		if (e->hosts[(n - age) % RETRY_HOSTS] == host_id)
			return RETRY_HOSTS + 1 - age;
	return 0;
}

void retries_sweep(struct retries *r, bool (*keep)(const void *ctx, int vm_id), const void *ctx)
{
	size_t it = 0;
	int n = 0;
	int *gone = xmalloc(r->vms.n * sizeof(*gone) + 1);
	int64_t id;
	void *entry;

	while (imap_next(&r->vms, &it, &id, &entry))
		if (!keep(ctx, (int)id))
			gone[n++] = (int)id;
	while (n > 0)
		retries_forget(r, gone[--n]);
	free(gone);
}

int64_t retries_next_ms(const struct retries *r, int64_t now_ms)
{
	int64_t next = INT64_MAX, id;
	size_t it = 0;
	void *entry;

	while (imap_next(&r->vms, &it, &id, &entry)) {
		const struct retry *e = entry;

		if (e->until_ms > now_ms && e->until_ms < next)
			next = e->until_ms;
	}
	return next;
}
