/* Templates that come from outside: restricted attributes, and replacing or merging an object's template. */
#ifndef ONED_API_RESTRICTED_H
#define ONED_API_RESTRICTED_H

#include "oned/api/call.h"

/* ONE_AUTHORIZATION-free check: the first attribute of the type's *_RESTRICTED_ATTR list that stands in t (inside vectors of any
 * depth and name form too), or NULL. The name is of the list. */
const char *restricted_find(const struct conf *conf, enum obj_type type, const struct tmpl *t);
/* May `extra` be merged into a template (instantiate)? What is restricted has to be as it is there. ONE_INTERNAL with the reason. */
enum one_rc restricted_check_extra(const struct conf *conf, enum obj_type type, const struct tmpl *base, const struct tmpl *extra,
				   struct one_err *err);
/* one.vm.updateconf: does what is asked (vm_conf_asked) change, or replacing take away, what is restricted? ONE_AUTHORIZATION with OpenNebula's
 * text. */
enum one_rc restricted_check_conf(const struct conf *conf, const struct tmpl *old, const struct tmpl *asked, bool append,
				  struct one_err *err);
/* *.update: replaces (append false) or merges; restricted attributes keep their values for those who are not admins; the type's
 * check_update has its say; encrypts. Reasons as OpenNebula's, without "Cannot update template. ". */
enum one_rc object_update_template(struct txn *t, struct object *o, struct tmpl *fresh, bool append, const struct identity *who,
				   struct one_err *err);
/* The body of v with its encrypted attributes in clear. */
void api_out_decrypted(struct call *c, const struct version *v, struct strbuf *out);
/* A version of the same object with those attributes in clear; NULL: the call failed. */
struct version *version_decrypted(struct call *c, const struct version *v);
/* Changes permission bits of an object by the parameters 1 to 9 of a chmod. Fails before it changes anything. */
void object_chmod(struct txn *t, struct call *c, enum obj_type type, int id);
/* Rights on the object, on its new owner and on its new group (-1: keeps), told together. false: failed. */
bool object_may_chown(struct txn *t, struct call *c, enum obj_type type, int id, int uid, int gid);
/* Gives o to another owner (-1: keeps). Fails where the name is taken. */
void object_chown(struct txn *t, struct object *o, int uid, int gid);

#endif
