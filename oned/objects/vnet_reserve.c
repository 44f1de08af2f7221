/* Reservations: networks whose address ranges are parts of another network's. What they take counts for their owner. */
#include <string.h>

#include "oned/auth/quota_count.h"
#include "oned/objects/vnet_priv.h"

#define MAX_RESERVED (1u << 20) /* at once: bounds the work of one call */

struct tmpl *vnet_reservation_template(const struct vnet *vn, const char *name, struct arena *arena)
{
	struct tmpl *t = tmpl_copy(arena, vn->o.tmpl);

	tmpl_set(t, *vn->vlan_id ? "VLAN_ID" : "AUTOMATIC_VLAN_ID", *vn->vlan_id ? vn->vlan_id : "NO");
	tmpl_set(t, *vn->outer_vlan_id ? "OUTER_VLAN_ID" : "AUTOMATIC_OUTER_VLAN_ID", *vn->outer_vlan_id ? vn->outer_vlan_id : "NO");
	tmpl_set(t, "NAME", name);
	return t;
}

/* ---- quotas ---- */

/* Of the network it was reserved from: a range that was added to the reservation itself takes nothing of that. */
static long long reserved(const struct address_range *ar)
{
	return attr_get(ar->attr, "PARENT_NETWORK_AR_ID") ? (long long)ar->size : 0;
}

static long long addresses(const struct vnet *vn)
{
	long long n = 0;

	for (const struct address_range *ar = vn->ranges; ar; ar = ar->next)
		n += reserved(ar);
	return n;
}

static enum one_rc count(struct txn *t, int uid, int gid, int network, long long n)
{
	return quota_add(t, uid, gid, QUOTA_NETWORK, network, &(struct quota_amount){ "LEASES", (double)n }, 1, true);
}

static void uncount(struct txn *t, int uid, int gid, int network, long long n)
{
	quota_del(t, uid, gid, QUOTA_NETWORK, network, &(struct quota_amount){ "LEASES", (double)n }, 1);
}

void vnet_reservation_count(struct txn *t, const struct vnet *vn)
{
	if (vn->parent >= 0)
		quota_add(t, vn->o.uid, vn->o.gid, QUOTA_NETWORK, vn->parent, &(struct quota_amount){ "LEASES", (double)addresses(vn) }, 1, false);
}

void vnet_reservation_given_back(struct txn *t, const struct vnet *vn, const struct address_range *ar)
{
	if (vn->parent >= 0)
		uncount(t, vn->o.uid, vn->o.gid, vn->parent, ar ? reserved(ar) : addresses(vn));
}

enum one_rc vnet_reservation_moved(struct txn *t, const struct vnet *vn, int old_uid, int old_gid)
{
	int uid = vn->o.uid == old_uid ? -1 : vn->o.uid, gid = vn->o.gid == old_gid ? -1 : vn->o.gid;

	if (vn->parent < 0)
		return ONE_OK;
	if (!count(t, uid, gid, vn->parent, addresses(vn)))
		uncount(t, uid < 0 ? -1 : old_uid, gid < 0 ? -1 : old_gid, vn->parent, addresses(vn));
	return t->err.rc;
}

/* ---- taking addresses ---- */

static bool take(struct address_range *ar, const struct vnet_part *part, int64_t owner, uint32_t *first)
{
	if (part->size > MAX_RESERVED || (part->ar_id >= 0 && ar->id != part->ar_id))
		return false;
	if (part->kind == ADDRESS_NONE ? !ar_find_free(ar, part->size, first) : !ar_index_of(ar, part->kind, part->address, first))
		return false;
	return ar_lease_take_range(ar, *first, part->size, owner);
}

/* A vector like the range's, that begins at `first`. */
static struct attr *part_of(const struct address_range *ar, uint32_t first, uint32_t n, struct arena *arena)
{
	static const char *const moved[] = { "MAC", "IP", "IP6", "EXTERNAL_PORT_RANGE", "INTERNAL_PORT_RANGE" };
	struct attr *v = attr_copy(arena, ar->attr), at = { .name = "NIC", .vector = true };

	ar_address_fill(ar, first, &at, arena);
	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
		if (attr_get(&at, moved[i]))
			attr_set(arena, v, moved[i], attr_get(&at, moved[i]));
	attr_setf(arena, v, "SIZE", "%u", n);
	attr_remove(v, "IPAM_MAD");
	return v;
}

enum one_rc vnet_reserve(struct txn *t, struct vnet *parent, struct vnet *reservation, const struct vnet_part *part)
{
	struct address_range *ar = parent->ranges;
	struct one_err err = ONE_ERR_INIT;
	uint32_t first = 0;

	if (count(t, reservation->o.uid, reservation->o.gid, parent->o.id, part->size))
		return t->err.rc;
	while (ar && !take(ar, part, lease_owner(LEASE_NET, reservation->o.id), &first))
		ar = ar->next;
	if (!ar && part->ar_id >= 0)
		return txn_fail(t, ONE_ACTION, "Not enough free addresses in address range %d, or it does not exist", part->ar_id);
	if (!ar)
		return txn_fail(t, ONE_ACTION, "Not enough free addresses in an address range");
	if (vnet_range_add(t, reservation, part_of(ar, first, part->size, t->arena), ar->id, &err))
		return txn_fail(t, ONE_ACTION, "%s", err.text);
	return ONE_OK;
}
