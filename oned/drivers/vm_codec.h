/* What is told to hypervisor and transfer drivers about a VM: made of the committed version of the VM, on the outlet's thread.
 *
 *   vmm   ACTION ID <base64 of VMM_DRIVER_ACTION_DATA>
 *   tm    TRANSFER ID <path of a file of transfer commands>
 *
 * Files (deployment file, context, transfer commands) lie in the VM's folder on the front-end, vms/<id>. */
#ifndef ONED_DRIVERS_VM_CODEC_H
#define ONED_DRIVERS_VM_CODEC_H

#include "oned/config.h"
#include "oned/core/core.h"
#include "oned/objects/vm.h"
#include "oned/store/readers.h"

struct vm_codec {
	struct core *core;          /* to read hosts, clusters, datastores */
	const struct conf *conf;
	const struct paths *paths;
	struct readers *readers;    /* to read a VM's earlier records */
	const char *hostname;       /* of this front-end */
	struct smap *vm_mads;       /* NAME -> struct vm_mad */
};

/* A VM_MAD of oned.conf. */
struct vm_mad { const char *name, *type; struct tmpl *defaults; };

/* Writes what files the command needs and appends its payload. ONE_ACTION with the reason when the VM or its surroundings lack something. */
enum one_rc vm_codec_vmm(const struct vm_codec *c, const struct version *v, const char *action, struct strbuf *payload, struct one_err *err);
/* which: "prolog", "resume", "epilog", "stop", "delete". */
enum one_rc vm_codec_tm(const struct vm_codec *c, const struct version *v, const char *which, struct strbuf *payload, struct one_err *err);

#endif
