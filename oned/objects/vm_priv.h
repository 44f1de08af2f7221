/* What the files of VMs share. */
#ifndef ONED_OBJECTS_VM_PRIV_H
#define ONED_OBJECTS_VM_PRIV_H

#include "oned/objects/vm.h"

#define VM_NO_BACKUPS "<BACKUPS><BACKUP_CONFIG></BACKUP_CONFIG><BACKUP_IDS></BACKUP_IDS></BACKUPS>"

/* The short forms: XML for pools, JSON for column body_json. */
void vm_brief(const struct object *o, struct strbuf *xml, struct strbuf *json);
/* HISTORY as pools show it. */
void vm_history_brief(const struct vm *vm, const struct vm_history *h, struct strbuf *out);
/* The current record of a body; NULL: there is none. */
struct vm_history *vm_history_load(struct arena *arena, const struct xnode *records);
/* The whole VM; its record of HISTORY_RECORDS can be left out. */
void vm_out(const struct vm *vm, bool with_history, struct strbuf *out);

#endif
