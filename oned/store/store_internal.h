/* What the files of the store share. */
#ifndef ONED_STORE_STORE_INTERNAL_H
#define ONED_STORE_STORE_INTERNAL_H

#include "oned/store/store.h"

enum store_text { STORE_UPSERT, STORE_INSERT, STORE_UPDATE, STORE_DELETE, STORE_TEXTS };

struct store {
	struct sql *db;
	char *comment;
	char *texts[TABLE_COUNT][STORE_TEXTS]; /* made when first used */
	size_t failed_row;
};

/* Makes what is missing, or reports it; checks the schema version. */
enum one_rc store_bootstrap(struct store *s, bool create, struct one_err *err);

#endif
