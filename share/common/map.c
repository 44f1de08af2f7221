/* Hash maps with linear probing and deletion by shifting back, so there are no tombstones and a
 * map that lives long never slows down. At most three quarters full. */
#include "common/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

#define FIRST_CAP 16

static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

static uint64_t hash_int(int64_t key)
{
	return mix((uint64_t)key);
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_string(const char *key)
{
	/* Names come from users: where the process was loaded (it is a random place) keeps them
	 * from choosing names that collide. */
	uint64_t seed = mix((uint64_t)(uintptr_t)smap_put);
	uint64_t h = seed;
	size_t len = strlen(key), left = len;

	for (; left >= 8; key += 8, left -= 8) {
		uint64_t word;

		memcpy(&word, key, 8);
		h = fold(h ^ word, 0x9e3779b97f4a7c15ULL ^ seed);
	}

	uint64_t tail = 0;

	memcpy(&tail, key, left);
	return mix(fold(h ^ tail, 0xa0761d6478bd642fULL ^ seed) ^ len);
}

static bool is_full(size_t n, size_t cap)
{
	return (n + 1) * 4 > cap * 3;
}

/* Whether an entry whose home is `home` may move from `at` back to `hole`. */
static bool may_fill(size_t hole, size_t at, size_t home, size_t mask)
{
	return ((at - home) & mask) >= ((at - hole) & mask);
}

/* Where key is, or the free slot where it would go. Never called on a map without slots. */
static size_t imap_slot(const struct imap *m, int64_t key)
{
	size_t mask = m->cap - 1, i = hash_int(key) & mask;

	while (m->vals[i] && m->keys[i] != key)
		i = (i + 1) & mask;
	return i;
}

static void imap_grow(struct imap *m)
{
	struct imap old = *m;

	m->cap = old.cap ? old.cap * 2 : FIRST_CAP;
	m->keys = xcalloc(m->cap, sizeof(*m->keys));
	m->vals = xcalloc(m->cap, sizeof(*m->vals));
	for (size_t i = 0; i < old.cap; i++) {
		if (!old.vals[i])
			continue;
		size_t slot = imap_slot(m, old.keys[i]);

		m->keys[slot] = old.keys[i];
		m->vals[slot] = old.vals[i];
	}
	free(old.keys);
	free(old.vals);
}

void imap_done(struct imap *m)
{
	free(m->keys);
	free(m->vals);
	*m = (struct imap)IMAP_INIT;
}

void *imap_get(const struct imap *m, int64_t key)
{
	return m->cap ? m->vals[imap_slot(m, key)] : NULL;
}

void *imap_put(struct imap *m, int64_t key, void *val)
{
	assert(val);
	if (is_full(m->n, m->cap))
		imap_grow(m);

	size_t i = imap_slot(m, key);
	void *replaced = m->vals[i];

	m->keys[i] = key;
	m->vals[i] = val;
	m->n += !replaced;
	return replaced;
}

void *imap_del(struct imap *m, int64_t key)
{
	if (!m->cap)
		return NULL;

	size_t mask = m->cap - 1, hole = imap_slot(m, key);
	void *removed = m->vals[hole];

	if (!removed)
		return NULL;
	for (size_t i = (hole + 1) & mask; m->vals[i]; i = (i + 1) & mask) {
		if (!may_fill(hole, i, hash_int(m->keys[i]) & mask, mask))
			continue;
		m->keys[hole] = m->keys[i];
		m->vals[hole] = m->vals[i];
		hole = i;
	}
	m->vals[hole] = NULL;
	m->n--;
	return removed;
}

bool imap_next(const struct imap *m, size_t *it, int64_t *key, void **val)
{
	while (*it < m->cap) {
		size_t i = (*it)++;

		if (!m->vals[i])
			continue;
		*key = m->keys[i];
		*val = m->vals[i];
		return true;
	}
	return false;
}

static size_t smap_slot(const struct smap *m, const char *key)
{
	size_t mask = m->cap - 1, i = hash_string(key) & mask;

	while (m->vals[i] && strcmp(m->keys[i], key) != 0)
		i = (i + 1) & mask;
	return i;
}

static void smap_grow(struct smap *m)
{
	struct smap old = *m;

	m->cap = old.cap ? old.cap * 2 : FIRST_CAP;
	m->keys = xcalloc(m->cap, sizeof(*m->keys));
	m->vals = xcalloc(m->cap, sizeof(*m->vals));
	for (size_t i = 0; i < old.cap; i++) {
		if (!old.vals[i])
			continue;
		size_t slot = smap_slot(m, old.keys[i]);

		m->keys[slot] = old.keys[i];
		m->vals[slot] = old.vals[i];
	}
	free(old.keys);
	free(old.vals);
}

void smap_done(struct smap *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->keys[i]);
	free(m->keys);
	free(m->vals);
	*m = (struct smap)SMAP_INIT;
}

void *smap_get(const struct smap *m, const char *key)
{
	return m->cap ? m->vals[smap_slot(m, key)] : NULL;
}

void *smap_put(struct smap *m, const char *key, void *val)
{
	assert(val);
	if (is_full(m->n, m->cap))
		smap_grow(m);

	size_t i = smap_slot(m, key);
	void *replaced = m->vals[i];

	if (!replaced) {
		m->keys[i] = xstrdup(key);
		m->n++;
	}
	m->vals[i] = val;
	return replaced;
}

void *smap_del(struct smap *m, const char *key)
{
	if (!m->cap)
		return NULL;

	size_t mask = m->cap - 1, hole = smap_slot(m, key);
	void *removed = m->vals[hole];

	if (!removed)
		return NULL;
	free(m->keys[hole]);
	for (size_t i = (hole + 1) & mask; m->vals[i]; i = (i + 1) & mask) {
		if (!may_fill(hole, i, hash_string(m->keys[i]) & mask, mask))
			continue;
		m->keys[hole] = m->keys[i];
		m->vals[hole] = m->vals[i];
		hole = i;
	}
	m->keys[hole] = NULL;
	m->vals[hole] = NULL;
	m->n--;
	return removed;
}

bool smap_next(const struct smap *m, size_t *it, const char **key, void **val)
{
	while (*it < m->cap) {
		size_t i = (*it)++;

		if (!m->vals[i])
			continue;
		*key = m->keys[i];
		*val = m->vals[i];
		return true;
	}
	return false;
}
