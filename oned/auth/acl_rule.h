/* One ACL rule: a row of the table acl. Its XML form is only for answers. */
#ifndef ONED_AUTH_ACL_RULE_H
#define ONED_AUTH_ACL_RULE_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

struct acl_rule {
	struct object o;
	uint64_t user, resource, rights, zone;
};

extern const struct obj_ops acl_rule_ops;

/* Adds a rule; ONE_INTERNAL "Rule ... already exists" / "... is malformed: ...". */
struct acl_rule *acl_rule_add(struct txn *t, uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone);
/* The id of the rule that says exactly this, -1. */
int acl_rule_find(struct txn *t, uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone);
/* For rules that come and go with something else: adds it unless an equal one is there; removes it if it is there. */
void acl_rule_ensure(struct txn *t, uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone);
void acl_rule_drop(struct txn *t, uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone);
/* The printed form: user, types and selector, rights, zone. */
void acl_rule_text(uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone, struct strbuf *out);
/* Deletes all rules for which `match` says so. */
void acl_rules_delete(struct txn *t, bool (*match)(const struct acl_rule *r, void *ctx), void *ctx);
/* What a deletion takes along: rules that name exactly this object; that speak of this user; of or about this group; that hold in this zone. */
void acl_object_gone(struct txn *t, enum obj_type type, int id);
void acl_user_gone(struct txn *t, int uid);
void acl_group_gone(struct txn *t, int gid);
void acl_zone_gone(struct txn *t, int zone);

#endif
