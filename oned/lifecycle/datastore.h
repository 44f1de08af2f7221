/* The datastore driver: its messages, and the monitoring of datastores. */
#ifndef ONED_LIFECYCLE_DATASTORE_H
#define ONED_LIFECYCLE_DATASTORE_H

#include "common/driver.h"
#include "oned/core/txn.h"
#include "oned/objects/datastore.h"

#define DATASTORE_KIND "datastore"
#define DATASTORE_NAME "datastore"

/* A command with an image's XML ("" none), that of its datastore, and more. */
void datastore_send(struct txn *t, const char *action, long long id, const char *image_xml, const struct datastore *ds, const char *extra);
/* The driver is asked how full the datastore is. */
void datastore_monitor(struct txn *t, int ds_id);

/* A message of the driver. */
void datastore_message(struct txn *t, const struct driver_msg *m);
/* What was sent didn't reach it. */
void datastore_send_failed(struct txn *t, const char *action, long long id, const char *reason);
/* Once, from main: paths follow DATASTORE_LOCATION, and the monitoring begins. */
void datastore_monitor_start(struct txn *t);

#endif
