/* Asks a hypervisor what it is, how loaded it is and what runs on it. The answers are lines of plain values, so that
 * reports are made of them elsewhere (report.h), without a connection:
 *
 *   node    HOSTNAME|MODEL text...       one "KEY value" a line, see probe.c
 *   load    "TOTAL_KB FREE_KB BUSY_NS IDLE_NS CPUS"
 *   domains "UUID NAME STATE REASON VCPUS CPU_NS RSS_KB RX TX RD_BYTES WR_BYTES RD_OPS WR_OPS", a domain a line */
#ifndef IM_LIBVIRT_PROBE_H
#define IM_LIBVIRT_PROBE_H

#include "drivers/vmm_libvirt/hosts.h"

/* For struct virt_op: each appends to `out`. ONE_ACTION with libvirt's reason. */
enum one_rc probe_node(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err);
enum one_rc probe_load(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err);
enum one_rc probe_domains(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err);

#endif
