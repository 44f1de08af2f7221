/* Transfer scripts: what oned wants done to a VM's disks, a line a step.
 *
 *   CLONE qcow2 frontend:/path/of/image host1:/var/lib/one/datastores/0/7/disk.0 7 1
 *   verb  TM_MAD arguments...                                 # blank and comment lines are skipped
 *
 * A step is the program remotes/tm/TM_MAD/verb (in lower case) with these arguments. A verb with a
 * suffix, e.g. CLONE.ssh, names the system datastore's driver; without such a program the verb alone is
 * run. */
#ifndef TM_TRANSFER_H
#define TM_TRANSFER_H

#include "common/arena.h"
#include "common/err.h"

struct transfer_step {
	struct transfer_step *next;
	const char *verb;        /* lower case */
	const char *mad;
	const char *const *args; /* NULL at the end */
	int n_args;
};

/* Takes the text (changed in place, and pointed into) apart. ONE_ACTION with the line number where a step
 * has no TM_MAD or a name that could leave the directory of drivers. */
enum one_rc transfer_parse(struct arena *arena, char *text, struct transfer_step **first,
			   struct one_err *err);
/* Reads and parses the file. */
enum one_rc transfer_load(struct arena *arena, const char *path, struct transfer_step **first,
			  struct one_err *err);

/* The program of a step below `base` (remotes/tm); ONE_ACTION when there is none. */
enum one_rc transfer_program(struct arena *arena, const char *base, const struct transfer_step *step,
			     const char **path, struct one_err *err);

/* The dummy driver's answer, which needs no program. */
enum one_rc transfer_dummy(const struct transfer_step *step, struct one_err *err);

#endif
