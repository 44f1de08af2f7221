/* Virtual networks (VNET): address ranges, leases and how a NIC gets connected. */
#ifndef ONED_OBJECTS_VNET_H
#define ONED_OBJECTS_VNET_H

#include <stdbool.h>
#include "oned/auth/identity.h"
#include "oned/core/object.h"
#include "oned/core/txn.h"
#include "oned/objects/address_range.h"

enum vnet_state {
	VNET_INIT = 0, VNET_READY, VNET_LOCK_CREATE, VNET_LOCK_DELETE, VNET_DONE, VNET_ERROR, VNET_UPDATE_FAILURE, VNET_STATES
};

struct vnet {
	struct object o;
	enum vnet_state state, prev_state;
	const char *bridge, *bridge_type, *vn_mad, *phydev, *vlan_id, *outer_vlan_id; /* "" where there is none */
	bool vlan_automatic, outer_vlan_automatic;
	int parent;                    /* the network it is a reservation of; -1: it is none */
	struct idset clusters, vrouters, updated, outdated, updating, error, secgroups;
	struct tmpl *ar_pool;          /* the AR vectors as stored */
	struct address_range *ranges;  /* the same, parsed; ascending by id */
};

extern const struct obj_ops vnet_ops;

const char *vnet_state_name(enum vnet_state s);          /* "READY", as hooks and messages have it */
struct address_range *vnet_range(const struct vnet *vn, int ar_id); /* NULL */
int vnet_used_leases(const struct vnet *vn);
/* The security groups of a network and its ranges, added to `out`. */
void vnet_secgroups(const struct vnet *vn, struct idset *out, struct arena *arena);
/* The body of vn.info: with LEASES. show: which leases and virtual routers to show, by lease_owner(); NULL: all. */
void vnet_render_extended(const struct vnet *vn, lease_show_fn show, void *ctx, struct strbuf *out);

/* ---- NICs (vnet_nic.c) ---- */

/* Takes an address for a NIC: finds the network by NETWORK_ID, or NETWORK with NETWORK_UID, NETWORK_UNAME or the caller's own, takes the
 * asked IP, IP6 or MAC or the next free one, and fills the NIC (NIC_ID must be set; TARGET is made of vm_id and it). vrouter_id >= 0: for a
 * virtual router (only FLOATING_IP nics lease), vm_id then -1. ONE_ACTION with OpenNebula's text. A NIC that names no network: ONE_OK and
 * nothing done. */
enum one_rc vnet_nic_acquire(struct txn *t, const struct identity *who, struct attr *nic, struct arena *arena, int vm_id, int vrouter_id);
/* Gives it back; ar_id -1: whichever range has it. What isn't there is no error. */
void vnet_nic_release(struct txn *t, int vnet_id, int ar_id, const char *mac, int vm_id);
/* The same for a virtual router; mac NULL: the NIC has no lease. The network doesn't list the router any more, whatever other NICs it has there. */
void vnet_vrouter_release(struct txn *t, int vnet_id, int ar_id, const char *mac, int vrouter_id);
/* The network a NIC names, seen by this user; -1: none. */
int vnet_nic_id(struct txn *t, const struct identity *who, const struct attr *nic);
/* Only fills the NIC with what it would inherit (template.info extended); nothing is taken. */
void vnet_nic_show(struct txn *t, const struct identity *who, struct attr *nic, struct arena *arena);

/* ---- making and changing (vnet_make.c); all ONE_INTERNAL with the reason ---- */

/* Makes a network of a template, in these clusters (both sides), with its ranges and VLAN ids: READY, or ERROR with the reason on it when
 * only a range is wrong. */
struct vnet *vnet_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl, int parent, const int *clusters, int n_clusters);
/* Takes the network away: clusters, VDCs, addresses of its parent, VLAN id. ONE_ACTION with the reason. */
enum one_rc vnet_destroy(struct txn *t, struct vnet *vn);
/* After *.update: the fields follow the template. before: the template as it was. */
enum one_rc vnet_template_changed(struct txn *t, struct vnet *vn, const struct tmpl *before);
/* The VMs with the network have to be told again. recover: only those where it failed. */
void vnet_commit(struct vnet *vn, bool recover);

/* A person decides what became of a network: ONE_INTERNAL where that makes no sense in its state. */
enum vnet_verdict { VNET_FAILED, VNET_SUCCEEDED, VNET_REMOVED, VNET_AGAIN, VNET_VERDICTS };
enum one_rc vnet_recover(struct txn *t, struct vnet *vn, enum vnet_verdict verdict);

enum one_rc vnet_ar_add(struct txn *t, struct vnet *vn, const struct tmpl *tmpl);
enum one_rc vnet_ar_update(struct txn *t, struct vnet *vn, const struct tmpl *tmpl, bool admin);
/* Of a reservation the addresses go back to the parent. */
enum one_rc vnet_ar_remove(struct txn *t, struct vnet *vn, int ar_id, bool force);
/* Holds (or releases what is held) the address in LEASES=[IP=..., AR_ID=...]. */
enum one_rc vnet_hold(struct txn *t, struct vnet *vn, const struct tmpl *tmpl);
enum one_rc vnet_unhold(struct txn *t, struct vnet *vn, const struct tmpl *tmpl);

/* ---- reservations (vnet_reserve.c) ---- */

/* Which addresses: `size` in a row of the range ar_id (-1: of any), from an address on (ADDRESS_NONE: the first that are free). */
struct vnet_part { uint32_t size; int ar_id; enum address_kind kind; const char *address; };

/* What a reservation takes counts for its owner, whatever the limits. */
void vnet_reservation_count(struct txn *t, const struct vnet *vn);
/* The template of a reservation of a network. */
struct tmpl *vnet_reservation_template(const struct vnet *vn, const char *name, struct arena *arena);
/* Takes the addresses out of the parent into a range of the reservation, and counts them for its owner. ONE_ACTION with the reason. */
enum one_rc vnet_reserve(struct txn *t, struct vnet *parent, struct vnet *reservation, const struct vnet_part *part);
/* A network has other owners now: what it has reserved counts for them. */
enum one_rc vnet_reservation_moved(struct txn *t, const struct vnet *vn, int old_uid, int old_gid);

#endif
