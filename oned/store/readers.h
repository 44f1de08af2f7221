/* Database connections for readers: tables that aren't in memory (history, monitoring). A worker takes one for a call. */
#ifndef ONED_STORE_READERS_H
#define ONED_STORE_READERS_H

#include "common/err.h"
#include "common/sql.h"
#include "oned/store/store.h"

struct readers;

struct readers *readers_new(const struct sql_config *config);
void readers_free(struct readers *r);
/* A connection that was given back, or a new one. NULL with err. Any thread. */
struct store *readers_take(struct readers *r, struct one_err *err);
void readers_give(struct readers *r, struct store *s);

#endif
