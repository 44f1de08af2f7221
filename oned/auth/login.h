/* What a driver's yes changes: somebody new becomes a user, and with DRIVER_MANAGED_GROUPS a user is in the groups that the driver
 * says. In transactions of their own, before the call that logged in runs. */
#ifndef ONED_AUTH_LOGIN_H
#define ONED_AUTH_LOGIN_H

#include "common/conf.h"
#include "oned/auth/auth_reply.h"
#include "oned/core/txn.h"

/* An attribute of a driver's AUTH_MAD_CONF; NULL without one. conf NULL: there is none. */
const char *login_driver_conf(const struct conf *conf, const char *driver, const char *name);
bool login_driver_flag(const struct conf *conf, const char *driver, const char *name, bool dflt);

/* The user of the reply, made if need be: he may have been since somebody asked. -1: the transaction failed. */
int login_create(struct txn *t, const char *name, const struct auth_reply *reply);
/* Membership, the primary group (if he is no more in the one he had) and, if the driver manages them, whose administrator he is. */
void login_sync_groups(struct txn *t, int uid, const char *driver, const struct auth_reply *reply);

#endif
