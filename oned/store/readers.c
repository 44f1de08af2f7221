#include "oned/store/readers.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/arena.h"

#define KEEP_MAX 8

struct readers {
	const struct sql_config *config;
	pthread_mutex_t lock;
	struct store *idle[KEEP_MAX];
	int n_idle;
};

struct readers *readers_new(const struct sql_config *config)
{
	struct readers *r = xcalloc(1, sizeof(*r));

	r->config = config;
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void readers_free(struct readers *r)
{
	if (!r)
		return;
	for (int i = 0; i < r->n_idle; i++)
		store_close(r->idle[i]);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

struct store *readers_take(struct readers *r, struct one_err *err)
{
	struct store *s = NULL;

	pthread_mutex_lock(&r->lock);
	if (r->n_idle)
		s = r->idle[--r->n_idle];
	pthread_mutex_unlock(&r->lock);
	if (!s && store_open(r->config, false, "", &s, err))
		return NULL;
	return s;
}

void readers_give(struct readers *r, struct store *s)
{
	pthread_mutex_lock(&r->lock);
	if (r->n_idle < KEEP_MAX) {
		r->idle[r->n_idle++] = s;
		s = NULL;
	}
	pthread_mutex_unlock(&r->lock);
	if (s)
		store_close(s);
}
