#include "oned/objects/common.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/crypto.h"
#include "common/timeutil.h"
#include "oned/auth/user.h"

void object_take(struct object *o, const struct object *from, const struct tmpl *tmpl)
{
	o->uid = from->uid;
	o->gid = from->gid;
	o->uname = arena_strdup(&o->arena, from->uname);
	o->gname = arena_strdup(&o->arena, from->gname);
	o->perm = from->perm;
	o->tmpl = tmpl_copy(&o->arena, tmpl);
	if (o->ops->flags & OBJ_F_ATTR_ONCE)
		tmpl_keep_last(o->tmpl);
}

void object_owner_oneadmin(struct txn *t, struct object *from, uint16_t perm)
{
	const struct user *admin = txn_read(t, OBJ_USER, 0);

	from->uid = from->gid = 0;
	from->uname = admin ? admin->o.name : "oneadmin";
	from->gname = "oneadmin";
	from->perm = perm;
}

void object_own_none(struct object *o)
{
	o->uid = o->gid = 0;
	o->perm = PERM_OWNER_U | PERM_OWNER_M;
}

enum one_rc object_name(struct txn *t, struct object *o, const char *name, const char *label)
{
	struct one_err err = ONE_ERR_INIT;
	int taken;

	if (!txn_ok(t))
		return t->err.rc;
	if (obj_check_name(name, &err))
		return txn_fail(t, err.rc, "%s", err.text);
	o->name = ""; /* or it would find itself */
	taken = txn_find(t, o->ops->type, name, o->uid);
	if (taken >= 0)
		return txn_fail(t, ONE_INTERNAL, "NAME is already taken by %s %d.", label, taken);
	o->name = arena_strdup(&o->arena, name);
	return ONE_OK;
}

enum one_rc object_name_of_template(struct txn *t, struct object *o, const char *label)
{
	return object_name(t, o, tmpl_take(o->tmpl, "NAME"), label);
}

void object_set_error(struct txn *t, struct object *o, const char *fmt, ...)
{
	char when[32];
	va_list ap;

	time_text(t->now, when, sizeof(when));
	va_start(ap, fmt);
	tmpl_setf(o->tmpl, "ERROR", "%s : %s", when, arena_vprintf(t->arena, fmt, ap));
	va_end(ap);
}

void object_clear_error(struct object *o)
{
	tmpl_remove(o->tmpl, "ERROR");
}

const char *tmpl_text(const struct tmpl *tmpl, const char *name)
{
	return tmpl_get_or(tmpl, name, "");
}

const char *tmpl_take(struct tmpl *tmpl, const char *name)
{
	const char *value = tmpl_text(tmpl, name);

	tmpl_remove(tmpl, name);
	return value;
}

enum one_rc tmpl_parse64(struct tmpl *tmpl, const char *text64, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;

	if (!base64_decode(text64, strlen(text64), &text))
		one_err_set(err, ONE_INTERNAL, "not base64");
	else
		tmpl_parse(tmpl, text.len ? text.buf : "", err);
	strbuf_done(&text);
	return err->rc;
}

bool text_leading_int(const char *text, int *out)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (end == text || errno || value < INT_MIN || value > INT_MAX)
		return false;
	*out = (int)value;
	return true;
}

const char *text_choice(const char *text, const char *const *choices)
{
	for (const char *const *c = choices; *c; c++)
		if (!strcasecmp(text, *c))
			return *c;
	return choices[0];
}

const char *text_upper(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *c = copy; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return copy;
}

char *list_next(struct arena *arena, const char **at, char separator)
{
	const char *from = *at, *end;
	size_t len;

	if (!from || !*from)
		return NULL;
	end = strchr(from, separator);
	len = end ? (size_t)(end - from) : strlen(from);
	*at = end ? end + 1 : from + len;
	while (len && isspace((unsigned char)*from)) {
		from++;
		len--;
	}
	while (len && isspace((unsigned char)from[len - 1]))
		len--;
	return arena_strndup(arena, from, len);
}
