/* What the methods of hosts, clusters, storage and networks share. */
#ifndef ONED_API_INFRA_H
#define ONED_API_INFRA_H

#include "oned/api/call.h"

/* May the caller make an object of the row's type, in the cluster given (-1: the default one, then set): CREATE, and ADMIN of the cluster?
 * false: the transaction failed. */
bool infra_may_create(struct txn *t, struct call *c, int *cluster_id);
/* The caller as an owner of something new. Texts are of the call. */
struct object infra_owner(struct call *c);
/* "<attribute> is restricted" for those who are no admins. what: "VM Template", "Template". false: the transaction failed. */
bool infra_may_set(struct txn *t, struct call *c, enum obj_type type, const struct tmpl *tmpl, const char *what);
/* AS_UID and AS_GID of a template that is instantiated (extra before base): the caller, who has to have MANAGE on them, acts as that user and
 * in that group for the rest of the call. false: the transaction failed. */
bool infra_act_as(struct txn *t, struct call *c, const struct tmpl *base, const struct tmpl *extra);
/* A failed deletion reads "Cannot delete <word>. <reason>". */
void infra_delete_failed(struct txn *t, struct call *c);
/* A failed change after the template was taken reads "Cannot update template. <reason>". */
void infra_update_failed(struct txn *t);

/* vn_reserve.c */
enum one_rc api_vn_prepare_reserve(struct call *c, struct one_err *err);
void api_vn_reserve(struct txn *t, struct call *c);  /* id:i template:s */

/* One of several steps failed (before it changed anything), and the others go on: what failed is logged and the transaction fine again. */
bool infra_step_failed(struct txn *t);

#endif
