/* The VMs of dummy hosts. Nothing runs, so what is "on" a host is what oned believes: its API is asked. */
#ifndef IM_DUMMY_VMS_H
#define IM_DUMMY_VMS_H

#include <stddef.h>
#include "common/err.h"
#include "common/map.h"
#include "common/strbuf.h"

/* Reads a VM pool (XML) and adds a sample of each VM to the text of its host: by_host is host id ->
 * struct strbuf *, which this makes where there is none. ONE_INTERNAL: not a pool. */
enum one_rc vms_sample(const char *pool, size_t len, struct imap *by_host, struct one_err *err);
/* Asks oned for the pool, and does so. */
enum one_rc vms_ask(struct imap *by_host, struct one_err *err);
void vms_free(struct imap *by_host);

#endif
