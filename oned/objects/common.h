/* What making an object has in common for all types: its name, its owner, its template. */
#ifndef ONED_OBJECTS_COMMON_H
#define ONED_OBJECTS_COMMON_H

#include <stdbool.h>
#include "oned/core/object.h"
#include "oned/core/txn.h"

/* Takes over owner, group and permission bits (of `from`, a stack object that only carries them) and a copy of the template. */
void object_take(struct object *o, const struct object *from, const struct tmpl *tmpl);
/* An owner for object_take: oneadmin, as the objects of the first start have it. */
void object_owner_oneadmin(struct txn *t, struct object *from, uint16_t perm);
/* Objects without an owner of their own (hosts, clusters, zones, VDCs): oneadmin's, with mode 600. */
void object_own_none(struct object *o);
/* Gives a new object the name: checks it and that no other has it. label: what stands in "NAME is already taken by LABEL 3." ONE_INTERNAL. */
enum one_rc object_name(struct txn *t, struct object *o, const char *name, const char *label);
/* The same with NAME of its template, which is taken out of it. */
enum one_rc object_name_of_template(struct txn *t, struct object *o, const char *label);

/* ERROR of its template becomes "<now> : <text>"; or goes. */
void object_set_error(struct txn *t, struct object *o, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void object_clear_error(struct object *o);

/* A single attribute of a template, "" when there is none or it is a vector. */
const char *tmpl_text(const struct tmpl *tmpl, const char *name);
/* Takes a single attribute out; its value ("" when there was none) stays valid in the template's arena. */
const char *tmpl_take(struct tmpl *tmpl, const char *name);
/* Adds what base64 text says, as drivers send templates. ONE_INTERNAL: it can't be read. */
enum one_rc tmpl_parse64(struct tmpl *tmpl, const char *text64, struct one_err *err);
/* The whole number a text begins with, whatever follows it. false: none, or too large; then *out stays. */
bool text_leading_int(const char *text, int *out);
/* Which of a list (NULL-terminated) a text is, in any case; the first of them when it is none. */
const char *text_choice(const char *text, const char *const *choices);
/* Upper-case copy. */
const char *text_upper(struct arena *arena, const char *text);
/* The next item of a list separated by `separator`, blanks around it removed; NULL at the end. *at starts as the text. */
char *list_next(struct arena *arena, const char **at, char separator);

#endif
