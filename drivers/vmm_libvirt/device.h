/* libvirt's XML of a device that is plugged into a running domain: the disk or interface marked ATTACH=YES. */
#ifndef VMM_LIBVIRT_DEVICE_H
#define VMM_LIBVIRT_DEVICE_H

#include "common/err.h"
#include "common/strbuf.h"
#include "drivers/vmm_libvirt/message.h"

/* ONE_ACTION when the disk has no TARGET, or lies where only the front-end's own deployment files can reach. */
enum one_rc device_disk_xml(const struct message *m, struct strbuf *out, struct one_err *err);
/* ONE_ACTION when the interface lacks VN_MAD, BRIDGE, TARGET or MAC. */
enum one_rc device_nic_xml(const struct message *m, struct strbuf *out, struct one_err *err);

#endif
