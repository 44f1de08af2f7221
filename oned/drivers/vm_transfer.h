/* The commands of the transfer driver for a VM's disks; and what both codecs of a VM share while they work on one. */
#ifndef ONED_DRIVERS_VM_TRANSFER_H
#define ONED_DRIVERS_VM_TRANSFER_H

#include <sys/types.h>
#include "oned/drivers/vm_codec.h"

struct vm_job {
	const struct vm_codec *codec;
	const struct version *version;
	struct vm *vm;               /* parsed anew; its arena is the job's */
	const char *dir;             /* vms/<id> on the front-end */
	const char *system_dir;      /* <datastores>/<ds>/<id> on the host */
};

/* Parses the VM and makes its folder. */
enum one_rc vm_job_begin(const struct vm_codec *c, const struct version *v, struct vm_job *j, struct one_err *err);
void vm_job_end(struct vm_job *j);
enum one_rc vm_file_write(const char *path, const struct strbuf *text, mode_t mode, struct one_err *err);

/* DELETE commands for all its disks and its folder, one a line (CLEANUP). */
void vm_transfer_delete(const struct vm_job *j, struct strbuf *out);

#endif
