/* What oned sends with an action: base64 of <VMM_DRIVER_ACTION_DATA>, with the hosts, the deploy id, the files, the
 * transfer command, the VM and its datastore. Missing values are "". */
#ifndef VMM_LIBVIRT_MESSAGE_H
#define VMM_LIBVIRT_MESSAGE_H

#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"
#include "common/xml.h"

struct message {
	struct arena *arena;
	const char *host, *migr_host;      /* where the VM is (or goes to), and the other host of a migration */
	const char *deploy_id;
	const char *local_dfile, *remote_dfile;
	const char *checkpoint;            /* file on the host */
	const char *tm_command, *tm_rollback;
	const char *disk_path;             /* DISK_TARGET_PATH */
	const char *sg_id, *vnet_id;       /* what UPDATESG and UPDATENIC are about */
	const struct xnode *vm, *tmpl;     /* <VM> and its <TEMPLATE>; never NULL */
	const struct xnode *datastore;     /* may be NULL */
	const char *text;                  /* the whole document */
	size_t text_len;
};

/* Everything lives in the arena. ONE_ACTION when it isn't such a message or names no host. */
enum one_rc message_parse(struct arena *arena, const char *payload, struct message *m, struct one_err *err);

/* Text of a child of the first TEMPLATE/<vector> whose <flag> is YES (flag NULL: of the first), "" when there is none. */
const char *message_value(const struct message *m, const char *vector, const char *flag, const char *name);

/* An element as text again. */
void message_print(const struct xnode *n, struct strbuf *out);

/* The network drivers that the VM's interfaces name, each once; NULL-terminated. */
const char *const *message_network_mads(const struct message *m);
/* What the network scripts get on stdin, before base64: the VM with what concerns its networks only. */
void message_network_xml(const struct message *m, struct strbuf *out);

#endif
