/* one.vn.reserve: addresses of a network become a network of the caller's own, or are added to one. */
#include "oned/api/api.h"
#include "oned/api/infra.h"
#include "oned/objects/common.h"
#include "oned/objects/vnet.h"

enum one_rc api_vn_prepare_reserve(struct call *c, struct one_err *err)
{
	enum one_rc rc = api_prepare_template1(c, err);

	return rc ? err->rc = ONE_ACTION : ONE_OK;
}

/* What is wanted: which addresses, and into which network (-1: a new one). false: it makes no sense. */
struct wish { struct vnet_part part; long long into; const char *name; };

static bool read_wish(struct txn *t, const struct tmpl *tmpl, struct wish *w)
{
	static const struct { const char *name; enum address_kind kind; } addresses[] = {
		{ "IP", ADDRESS_IP4 }, { "IP6", ADDRESS_IP6 }, { "MAC", ADDRESS_MAC },
	};
	bool with_range;
	long long size, ar_id;

	*w = (struct wish){ .part.ar_id = -1, .into = -1, .name = tmpl_text(tmpl, "NAME") };
	if (!tmpl_get_int(tmpl, "SIZE", &size) || size <= 0 || size > INT32_MAX) {
		txn_fail(t, ONE_ACTION, "Reservation SIZE must be a greater than 0");
		return false;
	}
	w->part.size = (uint32_t)size;
	if (tmpl_get_int(tmpl, "NETWORK_ID", &w->into) && (w->into < 0 || w->into > INT32_MAX))
		txn_fail(t, ONE_ACTION, "NETWORK_ID must be equal or greater than 0");
	with_range = tmpl_get_int(tmpl, "AR_ID", &ar_id);
	if (with_range && (ar_id < 0 || ar_id > INT32_MAX))
		txn_fail(t, ONE_ACTION, "AR_ID must be equal or greater than 0");
	else if (with_range)
		w->part.ar_id = (int)ar_id;
	for (size_t i = sizeof(addresses) / sizeof(addresses[0]); i-- > 0;)
		if (*tmpl_text(tmpl, addresses[i].name)) {
			w->part.kind = addresses[i].kind;
			w->part.address = tmpl_text(tmpl, addresses[i].name);
		}
	if (!with_range && w->part.kind != ADDRESS_NONE)
		txn_fail(t, ONE_ACTION, "AR_ID must be specified for IP/MAC based reservations");
	return txn_ok(t);
}

static bool check_target(struct txn *t, int id, const struct wish *w)
{
	const struct vnet *target;

	if (w->into < 0) {
		if (!*w->name)
			txn_fail(t, ONE_ACTION, "NAME for reservation has to be set");
		return txn_ok(t);
	}
	target = txn_read(t, OBJ_NET, (int)w->into);
	if (w->into == id)
		txn_fail(t, ONE_ACTION, "Cannot add a reservation from the same network");
	else if (!target)
		txn_no_object(t, OBJ_NET, (int)w->into);
	else if (target->parent < 0)
		txn_fail(t, ONE_ACTION, "Cannot add reservations to a non-reservation VNET");
	else if (target->parent != id)
		txn_fail(t, ONE_ACTION, "New reservations for virtual network %d have to be from network %d", target->o.id, target->parent);
	return txn_ok(t);
}

static bool may_reserve(struct txn *t, struct call *c, int id, const struct wish *w)
{
	struct authz a;

	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_USE, false, txn_version(t, OBJ_NET, id));
	if (w->into >= 0)
		authz_check_version(&a, AUTH_MANAGE, false, txn_version(t, OBJ_NET, (int)w->into));
	return call_checks_end(t, &a);
}

void api_vn_reserve(struct txn *t, struct call *c)
{
	int id = call_int(c, 0);
	const struct vnet *seen = txn_read(t, OBJ_NET, id);
	struct vnet *parent, *reservation;
	struct object owner = infra_owner(c);
	struct wish w;

	if (!read_wish(t, c->prepared, &w) || !check_target(t, id, &w))
		return;
	if (!seen) {
		txn_no_object(t, OBJ_NET, -1);
		return;
	}
	if (!may_reserve(t, c, id, &w))
		return;
	if (seen->parent >= 0) {
		txn_fail(t, ONE_ACTION, "Cannot reserve addresses from a reserved VNET");
		return;
	}
	reservation = w.into >= 0 ? txn_edit(t, OBJ_NET, (int)w.into) :
				    vnet_create(t, &owner, vnet_reservation_template(seen, w.name, t->arena), id, seen->clusters.ids,
						seen->clusters.n);
	txn_keep_ids(t, OBJ_NET);
	parent = reservation ? txn_edit(t, OBJ_NET, id) : NULL;
	if (parent && !vnet_reserve(t, parent, reservation, &w.part))
		call_ok_int(c, reservation->o.id);
}
