/* What messages carry: texts in OpenNebula's template language. */
#ifndef IM_SAMPLES_H
#define IM_SAMPLES_H

#include "common/err.h"
#include "common/strbuf.h"
#include "drivers/im/message.h"

/* Samples of VMs, several of one VM (from several probes) become one; a later value wins. In and out:
 *   VM = [ ID = "3", DEPLOY_ID = "one-3", MONITOR = "<base64 of template text>" ]
 * VMs with ID -1 (not ours) stay apart by their DEPLOY_ID. Entries without ID, or whose MONITOR can't be
 * read, are left out (how many: *bad). ONE_INTERNAL: the text is no template. */
enum one_rc samples_merge_vms(const char *text, struct strbuf *out, int *bad, struct one_err *err);

/* ONE_INTERNAL: the text is no template. */
enum one_rc samples_check(const char *text, struct one_err *err);

/* The answer to START_MONITOR is the agent's first report:
 *   <MONITOR_MESSAGES><SYSTEM_HOST>base64 of text</SYSTEM_HOST>...<TIMESTAMP>seconds</TIMESTAMP>...
 * Calls fn for each of its messages. An empty text has none. ONE_INTERNAL: it is something else. */
typedef void (*samples_message_fn)(void *ctx, struct message *m);
enum one_rc samples_first_report(const struct message *answer, samples_message_fn fn, void *ctx,
				 struct one_err *err);

#endif
