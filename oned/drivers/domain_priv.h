/* What the parts of the domain renderer share: the state of one rendering and the look-up of values. */
#ifndef ONED_DRIVERS_DOMAIN_PRIV_H
#define ONED_DRIVERS_DOMAIN_PRIV_H

#include "oned/drivers/domain.h"
#include "oned/drivers/domain_xml.h"

/* Where a value may come from, beside the defaults; the first that has it wins, in this order. */
enum domain_scope {
	DOM_VM = 1,
	DOM_HOST = 2,
	DOM_CLUSTER = 4,
	DOM_SITE = DOM_HOST | DOM_CLUSTER,
	DOM_ANY = DOM_VM | DOM_SITE,
};

struct dom {
	const struct domain_input *in;
	struct xw w;
	struct arena arena;
	struct one_err *err;
	const char *vcpu, *arch, *machine; /* never NULL */
	const struct attr *topology;       /* may be NULL */
	bool uefi, secure_boot, memory_hotplug;
	long long memory_mb;
	int iothreads;      /* how many the domain has */
	int iothread_next;  /* who serves the next disk that names none, from 1 */
	int sata_index;     /* controller of the next SATA disk */
};

static inline bool has_text(const char *s)
{
	return s != NULL && *s != '\0';
}

/* VECTOR/NAME (vector NULL: the single attribute NAME); NULL when nobody has it. */
const char *dom_get(const struct dom *d, unsigned scope, const char *vector, const char *name);
/* "" instead of NULL. */
const char *dom_text(const struct dom *d, unsigned scope, const char *vector, const char *name);
/* The first that is a number / a boolean; dflt when none. */
long long dom_int(const struct dom *d, unsigned scope, const char *vector, const char *name, long long dflt);
bool dom_bool(const struct dom *d, unsigned scope, const char *vector, const char *name);
/* "auto" gives the number of virtual CPUs; what is no number gives NULL. */
const char *dom_queues(const struct dom *d, const char *value);
/* Content that must be well-formed; `what` names it in the error. */
enum one_rc dom_raw(struct dom *d, const char *what, const char *xml);

enum one_rc dom_disks(struct dom *d);   /* disks, context, their controllers */
void dom_nics(struct dom *d);
enum one_rc dom_graphics(struct dom *d);
void dom_other_devices(struct dom *d);  /* video, input, PCI */
void dom_cpu(struct dom *d);            /* model, topology, NUMA cells, hugepages */
void dom_cputune(struct dom *d);        /* shares and pinning */

#endif
