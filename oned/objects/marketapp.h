/* Apps of marketplaces (MARKETPLACEAPP): images and templates that are offered to other clouds. Their states are a table:
 *
 *   INIT --> LOCKED (the driver copies the image) --> READY <--> DISABLED, or ERROR; what is deleted is LOCKED until its contents are gone.
 *
 * An app that is LOCKED and not among those of its market any more is being deleted. */
#ifndef ONED_OBJECTS_MARKETAPP_H
#define ONED_OBJECTS_MARKETAPP_H

#include <stdbool.h>
#include "oned/core/object.h"
#include "oned/core/txn.h"
#include "oned/objects/market.h"

enum app_state { APP_INIT = 0, APP_READY, APP_LOCKED, APP_ERROR, APP_DISABLED, APP_STATES };
enum app_type { APP_UNKNOWN = 0, APP_IMAGE, APP_VMTEMPLATE, APP_SERVICE_TEMPLATE, APP_TYPES };
enum app_event {
	APP_EV_IMPORT,          /* the driver is asked for its contents */
	APP_EV_DONE,            /* they are there, or none are needed */
	APP_EV_FAILED,
	APP_EV_ENABLE, APP_EV_DISABLE,
	APP_EV_DELETE,          /* the driver is asked to remove them */
	APP_EVENTS
};

struct marketapp {
	struct object o;
	time_t regtime;
	const char *source, *md5, *description, *version, *format, *template64, *market; /* "" where there is none */
	long long size_mb;
	int market_id, zone_id, origin_id;
	enum app_state state;
	enum app_type type;
};

extern const struct obj_ops marketapp_ops;

const char *app_state_name(enum app_state state);        /* "READY" */
/* APP_STATES: the event means nothing in this state. */
enum app_state app_next_state(enum app_state state, enum app_event event);
/* Waits for the driver. */
bool app_state_transient(enum app_state state);
/* Any case; APP_IMAGE where nothing is said. */
enum app_type app_type_parse(const char *text);

/* Changes the state by the table, with its log line. false: the event means nothing in this state, nothing is changed. */
bool marketapp_event(struct txn *t, struct marketapp *app, enum app_event event);
/* Is it being deleted? */
bool marketapp_leaving(struct txn *t, const struct marketapp *app);

/* Makes an app of a template in a market, which lists it from now on: INIT, nothing asked of the driver yet. ONE_INTERNAL with the reason. */
struct marketapp *marketapp_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl, struct market *m);
/* The image that an app of this template is to be made of; -1: none. */
int marketapp_origin(const struct tmpl *tmpl);
/* Its image is copied for it. NULL; or the reason why it can't be. */
const char *marketapp_hold_origin(struct txn *t, const struct marketapp *app);
/* ... and isn't any more. */
void marketapp_release_origin(struct txn *t, const struct marketapp *app);
/* It goes: its market forgets it, its image is free. */
void marketapp_drop(struct txn *t, struct marketapp *app);
/* Its market doesn't list it any more. */
void marketapp_leave(struct txn *t, const struct marketapp *app);

/* What the driver of a market that others fill tells of one of its apps (base64 of a template): it is made, or follows when its version,
 * checksum or source changed. Its id; -1: it can't be (logged). */
int marketapp_reported(struct txn *t, struct market *m, const char *text64);

/* What an image gets of the app that it is to be a copy of (FROM_APP): PATH, FORMAT, FROM_APP_NAME and FROM_APP_MD5. */
void marketapp_to_image(const struct marketapp *app, struct tmpl *tmpl);

#endif
