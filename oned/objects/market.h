/* Marketplaces (MARKETPLACE) and their appliances (MARKETPLACEAPP): images and templates offered to other clouds. */
#ifndef ONED_OBJECTS_MARKET_H
#define ONED_OBJECTS_MARKET_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

enum market_state { MARKET_ENABLED = 0, MARKET_DISABLED = 1 };

struct market {
	struct object o;
	enum market_state state;
	const char *market_mad, *zone_id;
	long long total_mb, free_mb, used_mb;
	struct idset apps;
};

struct marketapp {
	struct object o;
	time_t regtime;
	const char *zone_id, *origin_id, *source, *md5, *description, *version, *format, *template64, *market;
	long long size_mb;
	int market_id, state, type;
};

extern const struct obj_ops market_ops, marketapp_ops;

/* ONE_INTERNAL with the reason. */
struct market *market_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl);
/* After its template changed: MARKET_MAD and what that needs. ONE_INTERNAL with the reason. */
enum one_rc market_template_changed(struct txn *t, struct market *m);
/* After it was renamed: its apps follow. */
void market_renamed(struct txn *t, const struct market *m);
/* Disabling drops its apps here; they stay where they are kept. */
void market_enable(struct txn *t, struct market *m, bool enable);
/* One that others fill (PUBLIC) goes with its apps; else ONE_ACTION while there are any. */
enum one_rc market_delete(struct txn *t, struct market *m);
/* The first start: those of OpenNebula and of Linux Containers. */
void market_bootstrap(struct txn *t);

#endif
