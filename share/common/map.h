/* Hash maps: by 64-bit integer and by string. Open addressing; not thread-safe.
 * Values are the caller's pointers and must not be NULL (NULL means "not there"). */
#ifndef COMMON_MAP_H
#define COMMON_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct imap { int64_t *keys; void **vals; size_t cap, n; };
struct smap { char **keys; void **vals; size_t cap, n; };   /* keys are copied; case-sensitive */

#define IMAP_INIT { NULL, NULL, 0, 0 }
#define SMAP_INIT { NULL, NULL, 0, 0 }

void imap_done(struct imap *m);
void *imap_get(const struct imap *m, int64_t key);
void *imap_put(struct imap *m, int64_t key, void *val); /* returns the value replaced, or NULL */
void *imap_del(struct imap *m, int64_t key);            /* returns the value removed, or NULL */
/* Iteration in no order: size_t it = 0; while (imap_next(m, &it, &key, &val)) ... No change meanwhile. */
bool imap_next(const struct imap *m, size_t *it, int64_t *key, void **val);

void smap_done(struct smap *m);
void *smap_get(const struct smap *m, const char *key);
void *smap_put(struct smap *m, const char *key, void *val);
void *smap_del(struct smap *m, const char *key);
bool smap_next(const struct smap *m, size_t *it, const char **key, void **val);

#endif
