/* What a dummy host says of itself: the same facts for every host, loads at random within them. */
#ifndef IM_DUMMY_FACTS_H
#define IM_DUMMY_FACTS_H

#include "common/strbuf.h"

/* All append text in the template language, as OpenNebula's probes print it. */
void facts_system(const char *host_name, struct strbuf *out);
void facts_monitor(struct strbuf *out);
/* A VM's sample; memory in KB, cpu in percent of a core, both as the most that is used. */
void facts_vm(long long memory_kb, long long cpu_percent, struct strbuf *out);

/* From 0 to below - 1. */
long long facts_random(long long below);

#endif
