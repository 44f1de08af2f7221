/* Attributes that are stored and shown encrypted: those that the *_ENCRYPTED_ATTR lists of oned.conf name for a type, under the key ONE_KEY
 * (permissions.md section 12). Drivers get them in clear. */
#ifndef ONED_OBJECTS_ENCRYPTED_H
#define ONED_OBJECTS_ENCRYPTED_H

#include "common/conf.h"
#include "common/tmpl.h"
#include "oned/core/object.h"

/* The name of the key among the configuration's values: set once, before anything is encrypted. */
#define ENCRYPTION_KEY "ONE_KEY"

/* In place; what is (isn't) encrypted already stays, and so does everything without a key (conf NULL: none). */
void attributes_encrypt(const struct conf *conf, enum obj_type type, struct tmpl *t);
void attributes_decrypt(const struct conf *conf, enum obj_type type, struct tmpl *t);
/* The body of an object that isn't OBJ_F_DROP, in clear, for a driver. */
void object_render_clear(const struct conf *conf, const struct object *o, struct strbuf *out);

#endif
