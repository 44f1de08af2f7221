#include "oned/objects/vlan_ids.h"

#include <string.h>

#include "common/crypto.h"
#include "oned/objects/common.h"
#include "oned/objects/settings.h"

#define N_VLANS 4096
#define BITMAP_ROW 0

/* What the drivers of networks need, by name; others need nothing. */
static const struct driver {
	const char *name;
	bool phydev, bridge, vlan, outer;  /* must be given */
	bool gives_vlan, gives_vxlan, gives_outer;
} drivers[] = {
	{ .name = "dummy", .bridge = true },
	{ .name = "802.1Q", .phydev = true, .vlan = true, .gives_vlan = true },
	{ .name = "vxlan", .phydev = true, .vlan = true, .gives_vxlan = true },
	{ .name = "ovswitch", .gives_vlan = true },
	{ .name = "vcenter", .gives_vlan = true },
	{ .name = "ovswitch_vxlan", .outer = true, .gives_vlan = true, .gives_outer = true },
};

static const struct driver *find_driver(const char *name)
{
	static const struct driver other = { .name = "" };

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (!strcmp(drivers[i].name, name))
			return &drivers[i];
	return &other;
}

enum one_rc vlan_ids_check(struct txn *t, const struct vnet *vn)
{
	const struct driver *d = find_driver(vn->vn_mad);

	if (d->phydev && !*vn->phydev)
		return txn_fail(t, ONE_INTERNAL, "PHYDEV is mandatory for driver %s", vn->vn_mad);
	if (d->bridge && !*vn->bridge)
		return txn_fail(t, ONE_INTERNAL, "BRIDGE is mandatory for driver %s", vn->vn_mad);
	if (d->vlan && !*vn->vlan_id && !vn->vlan_automatic)
		return txn_fail(t, ONE_INTERNAL, "VLAN_ID (or AUTOMATIC_VLAN_ID) is mandatory for driver %s", vn->vn_mad);
	if (d->outer && !*vn->outer_vlan_id && !vn->outer_vlan_automatic)
		return txn_fail(t, ONE_INTERNAL, "OUTER_VLAN_ID (or AUTOMATIC) is mandatory for driver %s", vn->vn_mad);
	return ONE_OK;
}

/* ---- the bitmap: what the networks have, and the row that OpenNebula's tools read ---- */

static void mark_used(struct txn *t, int without, bool *used)
{
	int *ids, n = txn_ids(t, OBJ_NET, &ids);

	memset(used, 0, N_VLANS * sizeof(*used));
	for (int i = 0; i < n; i++) {
		const struct vnet *vn = txn_read(t, OBJ_NET, ids[i]);
		long long id;

		if (vn && vn->o.id != without && vn->vlan_automatic && value_int(vn->vlan_id, &id) && id >= 0 && id < N_VLANS &&
		    find_driver(vn->vn_mad)->gives_vlan)
			used[id] = true;
	}
}

static void write_bitmap(struct txn *t, const bool *used)
{
	struct strbuf packed = STRBUF_INIT, text = STRBUF_INIT;
	char bits[N_VLANS];

	for (int i = 0; i < N_VLANS; i++)
		bits[N_VLANS - 1 - i] = used[i] ? '1' : '0';
	zlib_pack(bits, sizeof(bits), &packed);
	base64_encode(packed.buf, packed.len, &text);
	txn_put(t, TABLE_VLAN_BITMAP, (struct sql_value[]){ SQL_INT(BITMAP_ROW), SQL_STRN(text.buf, text.len) }, 2);
	strbuf_done(&packed);
	strbuf_done(&text);
}

/* START of VLAN_IDS or VXLAN_IDS. */
static long long first_id(struct txn *t, const char *key)
{
	const struct attr *conf = settings_first(t, key);
	long long start;

	return conf && attr_get_int(conf, "START", &start) && start >= 0 ? start : 2;
}

/* RESERVED = "0, 1, 4095" or with ranges "10:20". */
static void mark_reserved(struct txn *t, bool *used)
{
	const struct attr *conf = settings_first(t, "VLAN_IDS");
	const char *list = conf ? attr_get(conf, "RESERVED") : "0, 1, 4095";
	char *item;

	while ((item = list_next(t->arena, &list, ','))) {
		char *colon = strchr(item, ':');
		long long from, to;

		if (colon)
			*colon = '\0';
		if (!value_int(item, &from))
			continue;
		if (!colon || !value_int(colon + 1, &to))
			to = from;
		for (long long i = from < 0 ? 0 : from; i <= to && i < N_VLANS; i++)
			used[i] = true;
	}
}

/* The id that would suit the network best, else the first free one; -1: none. */
static int pick_vlan(struct txn *t, int vnet_id)
{
	long long start = first_id(t, "VLAN_IDS"), hint;
	bool used[N_VLANS];

	mark_used(t, vnet_id, used);
	mark_reserved(t, used);
	if (start >= N_VLANS - 1)
		return -1;
	hint = start + vnet_id % (N_VLANS - 1 - start);
	if (hint && !used[hint])
		return (int)hint;
	for (long long i = start; i < N_VLANS; i++)
		if (!used[i])
			return (int)i;
	return -1;
}

static enum one_rc assign_vlan(struct txn *t, struct vnet *vn)
{
	bool used[N_VLANS];
	int id = pick_vlan(t, vn->o.id);

	if (id < 0)
		return txn_fail(t, ONE_INTERNAL, "Cannot automatically assign VLAN_ID to network.");
	vn->vlan_id = arena_printf(&vn->o.arena, "%d", id);
	mark_used(t, -1, used);
	used[id] = true;
	write_bitmap(t, used);
	return ONE_OK;
}

static const char *vxlan_id(struct txn *t, struct vnet *vn)
{
	return arena_printf(&vn->o.arena, "%lld", first_id(t, "VXLAN_IDS") + vn->o.id);
}

enum one_rc vlan_ids_assign(struct txn *t, struct vnet *vn)
{
	const struct driver *d = find_driver(vn->vn_mad);

	if (d->gives_outer && vn->outer_vlan_automatic && !*vn->outer_vlan_id)
		vn->outer_vlan_id = vxlan_id(t, vn);
	if (!vn->vlan_automatic || *vn->vlan_id)
		return ONE_OK;
	if (d->gives_vxlan)
		vn->vlan_id = vxlan_id(t, vn);
	return d->gives_vlan ? assign_vlan(t, vn) : ONE_OK;
}

void vlan_ids_release(struct txn *t, const struct vnet *vn)
{
	bool used[N_VLANS];

	if (!vn->vlan_automatic || !*vn->vlan_id || !find_driver(vn->vn_mad)->gives_vlan)
		return;
	mark_used(t, vn->o.id, used);
	write_bitmap(t, used);
}
