/* Marketplaces (MARKETPLACE): where images and templates are offered to other clouds as apps (marketapp.h). */
#ifndef ONED_OBJECTS_MARKET_H
#define ONED_OBJECTS_MARKET_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

enum market_state { MARKET_ENABLED = 0, MARKET_DISABLED = 1 };

struct market {
	struct object o;
	enum market_state state;
	const char *market_mad;
	int zone_id;
	long long total_mb, free_mb, used_mb;
	struct idset apps;
};

extern const struct obj_ops market_ops;

/* ONE_INTERNAL with the reason. */
struct market *market_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl);
/* Gives a new market or app the NAME of its template. ONE_INTERNAL: none, or taken. */
enum one_rc market_take_name(struct txn *t, struct object *o);
/* After its template changed: MARKET_MAD and what that needs. ONE_INTERNAL with the reason. */
enum one_rc market_template_changed(struct txn *t, struct market *m);
/* After it was renamed: its apps follow. */
void market_renamed(struct txn *t, const struct market *m);
/* Disabling drops its apps here; they stay where they are kept. */
void market_enable(struct txn *t, struct market *m, bool enable);
/* What can be done with its apps, by APP_ACTIONS: "create", "delete", "monitor". */
bool market_allows(struct txn *t, const struct market *m, const char *action);
/* Others fill it (PUBLIC). */
bool market_is_public(struct txn *t, const struct market *m);
/* One that others fill (PUBLIC) goes with its apps; else ONE_ACTION while there are any. */
enum one_rc market_delete(struct txn *t, struct market *m);
/* The first start: those of OpenNebula and of Linux Containers. */
void market_bootstrap(struct txn *t);

#endif
