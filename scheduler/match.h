/* Does a VM fit a host, a datastore? One verdict for each, with the reason why not.
 *
 * VMs of one owner that ask for the same are a class: their expressions are compiled once, and what they say
 * of a host is kept until the host changes. So a thousand equal VMs cost one evaluation a host and one more
 * each time a host is chosen. */
#ifndef SCHEDULER_MATCH_H
#define SCHEDULER_MATCH_H

#include <stdbool.h>
#include "scheduler/model.h"

/* In the order in which they are checked. */
enum host_verdict {
	HOST_FITS,
	HOST_NOT_PUBLIC, /* the VM can only run in a public cloud and this is no such host */
	HOST_DENIED,
	HOST_NO_CPU,
	HOST_NO_MEMORY,
	HOST_BAD_REQUIREMENTS,
	HOST_UNMET,
	HOST_VERDICTS
};

enum store_verdict {
	STORE_FITS,
	STORE_DENIED,
	STORE_NOT_MEASURED,
	STORE_NO_SPACE,
	STORE_BAD_REQUIREMENTS,
	STORE_UNMET,
	STORE_VERDICTS
};

struct matcher;
struct match_class;

/* The default ranks hold for VMs without one of their own; "" for none. The model must outlive it. */
struct matcher *matcher_new(struct model *m, const char *default_rank, const char *default_store_rank);
void matcher_free(struct matcher *mr);

/* The class of a VM. A rank that can't be compiled is logged once a class and ranks everything 0. */
struct match_class *match_class_of(struct matcher *mr, const struct sched_vm *vm);

/* index: of the model's table. public_only: local hosts don't do. */
enum host_verdict match_host(struct matcher *mr, struct match_class *c, const struct sched_vm *vm, int index,
			     bool public_only);
/* A datastore that is not shared always has room here: its space is that of each host, see
 * match_store_on_host. */
enum store_verdict match_store(struct matcher *mr, struct match_class *c, const struct sched_vm *vm,
			       int index);
/* Can the VM have that datastore on that host: same cluster, and space on the host if it is not shared? */
bool match_store_on_host(const struct sched_vm *vm, const struct sched_host *h, const struct sched_store *s);
double match_host_rank(struct matcher *mr, struct match_class *c, int index);
double match_store_rank(struct matcher *mr, struct match_class *c, int index);

/* The first image datastore without room for the VM's clones; -1 when all have. */
int match_images(const struct model *m, const struct sched_vm *vm);

/* What is wrong with the requirements (BAD_REQUIREMENTS): the text of the compiler. */
const char *match_requirements_error(const struct match_class *c);
const char *match_store_requirements_error(const struct match_class *c);

#endif
