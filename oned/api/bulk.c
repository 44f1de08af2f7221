/* A few threads for what may take long (large calls to parse, whole pools, accounting), so that it never holds up a loop. */
#include <pthread.h>
#include <stdlib.h>

#include "oned/api/dispatch.h"

struct bulk {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct call *queue, **tail;
	pthread_t threads[8];
	int n_threads;
	bool stopping;
};

static void *bulk_thread(void *arg)
{
	struct bulk *b = arg;
	struct call *c;

	pthread_setname_np(pthread_self(), "bulk");
	pthread_mutex_lock(&b->lock);
	for (;;) {
		while (!b->queue && !b->stopping)
			pthread_cond_wait(&b->wake, &b->lock);
		c = b->queue;
		if (!c)
			break;
		b->queue = c->next;
		if (!b->queue)
			b->tail = &b->queue;
		pthread_mutex_unlock(&b->lock);
		c->run(c);
		pthread_mutex_lock(&b->lock);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

struct bulk *bulk_new(int threads)
{
	struct bulk *b = xcalloc(1, sizeof(*b));

	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->wake, NULL);
	b->tail = &b->queue;
	while (b->n_threads < threads && !pthread_create(&b->threads[b->n_threads], NULL, bulk_thread, b))
		b->n_threads++;
	return b;
}

void bulk_submit(struct bulk *b, struct call *c, void (*run)(struct call *c))
{
	c->run = run;
	c->next = NULL;
	pthread_mutex_lock(&b->lock);
	*b->tail = c;
	b->tail = &c->next;
	pthread_mutex_unlock(&b->lock);
	pthread_cond_signal(&b->wake);
}

void bulk_free(struct bulk *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	pthread_mutex_unlock(&b->lock);
	pthread_cond_broadcast(&b->wake);
	for (int i = 0; i < b->n_threads; i++)
		pthread_join(b->threads[i], NULL);
	pthread_cond_destroy(&b->wake);
	pthread_mutex_destroy(&b->lock);
	free(b);
}
