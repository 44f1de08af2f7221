#include "oned/core/tally.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/map.h"
#include "oned/core/core_internal.h"

struct tallies { struct imap counts; };

static int64_t key(enum tally of, int id)
{
	return (int64_t)of << 32 | (uint32_t)id;
}

struct tallies *tallies_new(void)
{
	return xcalloc(1, sizeof(struct tallies));
}

void tallies_free(struct tallies *all)
{
	imap_done(&all->counts);
	free(all);
}

void tally_set(struct txn *t, enum tally of, int id, int count)
{
	if (count)
		imap_put(&t->core->tallies->counts, key(of, id), (void *)(intptr_t)count);
	else
		imap_del(&t->core->tallies->counts, key(of, id));
}

int tally_get(struct txn *t, enum tally of, int id)
{
	return (int)(intptr_t)imap_get(&t->core->tallies->counts, key(of, id));
}

int tally_add(struct txn *t, enum tally of, int id)
{
	int count = tally_get(t, of, id) + 1;

	tally_set(t, of, id, count);
	return count;
}
