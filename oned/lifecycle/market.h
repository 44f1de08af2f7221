/* What the market driver does to apps: taking in images, removing them, telling what a market has; and what becomes of apps by its answers,
 * after a failure and after a restart. Their states are a table: objects/marketapp.h.
 *
 *   oned -> driver   IMPORT APP_ID BASE64    <MARKET_DRIVER_ACTION_DATA> the app, its market, the image, the image's datastore
 *                    DELETE APP_ID BASE64    the app, its market
 *                    MONITOR MARKET_ID BASE64  the market
 *   driver -> oned   IMPORT SUCCESS APP_ID BASE64     SOURCE, MD5, SIZE (MB), FORMAT
 *                    DELETE SUCCESS APP_ID
 *                    MONITOR SUCCESS MARKET_ID BASE64  TOTAL_MB, FREE_MB, USED_MB; APP: base64 of an app, for each (where others fill the market)
 *                    ... FAILURE ID reason; LOG LEVEL ID text */
#ifndef ONED_LIFECYCLE_MARKET_H
#define ONED_LIFECYCLE_MARKET_H

#include "common/driver.h"
#include "oned/core/txn.h"
#include "oned/objects/marketapp.h"

#define MARKET_KIND "market"
#define MARKET_NAME "market"

/* Asks the driver for the contents of a new app; templates have none and are READY at once. NULL; or the reason why it can't be, and the app is
 * in ERROR with it. */
const char *marketapp_import(struct txn *t, struct marketapp *app);
/* Starts deleting it: the driver removes its contents, then it goes; without contents it goes at once. ONE_ACTION with the reason. */
enum one_rc marketapp_delete(struct txn *t, struct marketapp *app);
/* The driver is asked what a market has, where it is told to. */
void market_monitor(struct txn *t, int id);

/* A message of the driver. */
void market_message(struct txn *t, const struct driver_msg *m);
/* What was sent didn't reach it. */
void market_send_failed(struct txn *t, const char *action, long long id, const char *reason);
/* After a restart of oned or of the driver: what apps wait for is asked again. */
void market_recover_all(struct txn *t);
/* Once, from main: the monitoring begins. */
void market_monitor_start(struct txn *t);

#endif
