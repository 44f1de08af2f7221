/* Variables in texts of a VM's template, with the values they have now.
 *
 *   $NAME   $VECTOR[ATTR]   $VECTOR[ATTR, KEY=VALUE]      VALUE is quoted or alphanumeric; \$ is no variable
 *   $FILE[IMAGE_ID=3]   $FILE[IMAGE="x", IMAGE_UNAME=y]   in KERNEL_DS, INITRD_DS and FILES_DS
 *
 * The language is OpenNebula's scanner and grammar, with its messages: what follows a variable must be one
 * character of text or another variable, so its scanner has three modes. */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "common/crypto.h"
#include "oned/auth/user.h"
#include "oned/objects/common.h"
#include "oned/objects/image.h"
#include "oned/objects/vm_priv.h"
#include "oned/objects/vnet.h"

#define MAX_VARIABLES 1024 /* each is looked up in the whole template */

/* ---- scanner ---- */

enum token { T_END, T_EQUAL, T_COMMA, T_OBRACKET, T_CBRACKET, T_EOA, T_STRING, T_VARIABLE, T_TEXT, TOKENS };

static const char *const token_names[TOKENS] = {
	[T_END] = "$end", [T_EQUAL] = "EQUAL", [T_COMMA] = "COMMA", [T_OBRACKET] = "OBRACKET",
	[T_CBRACKET] = "CBRACKET", [T_EOA] = "EOA", [T_STRING] = "STRING", [T_VARIABLE] = "VARIABLE",
	[T_TEXT] = "RSTRING",
};

struct scanner {
	const char *whole, *at;
	enum { IN_TEXT, IN_VARIABLE, IN_VALUE } mode;
	/* the last token: for T_EOA, STRING, VARIABLE and TEXT its text */
	enum token token;
	const char *text;
	size_t len;
	int line, from, to;  /* where it stands, in the reference's counting */
};

static void scanner_init(struct scanner *s, const char *text)
{
	*s = (struct scanner){ .whole = text, .at = text, .mode = IN_TEXT, .line = 1, .from = 1, .to = 1 };
}

static void advance(struct scanner *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		s->line += s->at[i] == '\n';
	s->from = s->to;
	s->to += (int)len;
	s->at += len;
}

static enum token found(struct scanner *s, enum token token, const char *text, size_t text_len, size_t len)
{
	advance(s, len);
	s->token = token;
	s->text = text;
	s->len = text_len;
	return token;
}

static size_t blanks(const char *text)
{
	return strspn(text, " \t");
}

/* Up to the next variable. */
static size_t text_run(const char *text)
{
	size_t len = 0;

	while (text[len] && text[len] != '$')
		len += text[len] == '\\' && text[len + 1] ? 2 : 1;
	return len;
}

static size_t word_run(const char *text, bool underscore)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || (underscore && text[len] == '_'))
		len++;
	return len;
}

static enum token next_in_variable(struct scanner *s)
{
	size_t space = blanks(s->at), len = word_run(s->at, true);
	const char *at = s->at, *mark = at + space;

	if (!*at) {
		s->mode = IN_TEXT;
		s->text = at;
		s->len = 0;
		return s->token = T_EOA;
	}
	if (*mark == '=') {
		s->mode = IN_VALUE;
		return found(s, T_EQUAL, at, 0, space + 1 + blanks(mark + 1));
	}
	if (*mark == ',')
		return found(s, T_COMMA, at, 0, space + 1 + blanks(mark + 1));
	if (*mark == ']')
		return found(s, T_CBRACKET, at, 0, space + 1);
	if (*at == '[')
		return found(s, T_OBRACKET, at, 0, 1 + blanks(at + 1));
	if (len)
		return found(s, T_VARIABLE, at, len, len);
	if (*at == '$') /* one variable right behind the other */
		return found(s, T_EOA, at, 0, 1);
	s->mode = IN_TEXT;
	return found(s, T_EOA, at, 1, 1);
}

/* false: nothing here is a value; the character is passed over. */
static bool next_value(struct scanner *s)
{
	const char *at = s->at, *end = *at == '"' ? strchr(at + 1, '"') : NULL;
	size_t len = word_run(at, false);

	if (!end && !len) {
		advance(s, 1);
		return false;
	}
	s->mode = IN_VARIABLE;
	if (end)
		found(s, T_STRING, at + 1, (size_t)(end - at) - 1, (size_t)(end - at) + 1);
	else
		found(s, T_STRING, at, len, len);
	return true;
}

static enum token next_token(struct scanner *s)
{
	for (;;) {
		if (s->mode == IN_TEXT && *s->at && *s->at != '$') {
			size_t len = text_run(s->at);

			return found(s, T_TEXT, s->at, len, len);
		}
		if (s->mode == IN_TEXT && *s->at) {
			advance(s, 1);
			s->mode = IN_VARIABLE;
		} else if (s->mode == IN_VARIABLE && *s->at == '\n') {
			advance(s, 1);
		} else if (s->mode == IN_VARIABLE) {
			return next_in_variable(s);
		} else if (!*s->at) {
			return s->token = T_END;
		} else if (next_value(s)) {
			return s->token;
		}
	}
}

/* ---- grammar ---- */

static enum one_rc fail_at(struct vm_making *m, const struct scanner *s, const char *expected)
{
	return vm_fail(m, "Error parsing: %s. syntax error, unexpected %s, expecting %s at line %d, columns %d:%d",
		       s->whole, token_names[s->token], expected, s->line, s->from, s->to);
}

static enum one_rc expect(struct vm_making *m, struct scanner *s, enum token token)
{
	return next_token(s) == token ? ONE_OK : fail_at(m, s, token_names[token]);
}

static char *token_copy(struct vm_making *m, const struct scanner *s)
{
	return arena_strndup(m->t->arena, s->text, s->len);
}

static enum one_rc expect_name(struct vm_making *m, struct scanner *s, const char **out)
{
	if (expect(m, s, T_VARIABLE))
		return m->t->err.rc;
	*out = text_upper(m->t->arena, token_copy(m, s));
	return ONE_OK;
}

/* KEY=VALUE; the name is read already. */
static enum one_rc expect_value(struct vm_making *m, struct scanner *s, const char **out)
{
	if (expect(m, s, T_EQUAL) || expect(m, s, T_STRING))
		return m->t->err.rc;
	*out = token_copy(m, s);
	return ONE_OK;
}

/* ---- values ---- */

static const char *base64_of(struct vm_making *m, const struct object *o)
{
	struct strbuf xml = STRBUF_INIT, encoded = STRBUF_INIT;
	const char *text;

	o->ops->render(o, &xml);
	base64_encode(xml.buf, xml.len, &encoded);
	text = arena_strdup(m->t->arena, encoded.buf);
	strbuf_done(&xml);
	strbuf_done(&encoded);
	return text;
}

static const char *of_object(struct vm_making *m, const struct object *o, const char *name)
{
	return strcmp(name, "TEMPLATE") != 0 ? tmpl_text(o->tmpl, name) : base64_of(m, o);
}

/* Of a user all but what he logs in with. */
static const char *user_value(struct vm_making *m, const char *name)
{
	const struct user *u = txn_read(m->t, OBJ_USER, m->vm->o.uid);
	struct user open;

	if (!u)
		return "";
	open = *u;
	open.password = "";
	open.tokens = NULL;
	return of_object(m, &open.o, name);
}

/* The first DISK or NIC with that value; only what the VM really uses can be asked about. */
static const struct attr *find_vector(const struct tmpl *tmpl, const char *name, const char *key,
				      const char *value)
{
	for (const struct attr *a = tmpl_find(tmpl, name); a; a = tmpl_find_next(a)) {
		const char *has = a->vector ? attr_get(a, key) : NULL;

		if (a->vector && !strcmp(has ? has : "", value))
			return a;
	}
	return NULL;
}

static const char *image_value(struct vm_making *m, const char *name, const char *key, const char *value)
{
	const struct attr *disk;
	const struct image *img;
	long long id;

	if (strcmp(key, "IMAGE") != 0 && strcmp(key, "IMAGE_ID") != 0)
		return "";
	disk = find_vector(m->vm->o.tmpl, "DISK", key, value);
	if (!disk || !attr_get_int(disk, "IMAGE_ID", &id))
		return "";
	img = txn_read(m->t, OBJ_IMAGE, (int)id);
	return img ? of_object(m, &img->o, name) : "";
}

/* The network and range a NIC is connected to. */
static const struct vnet *connection(struct vm_making *m, const struct attr *nic, int *ar_id)
{
	long long net, ar;

	if (!nic || !attr_get_int(nic, "NETWORK_ID", &net) || !attr_get_int(nic, "AR_ID", &ar))
		return NULL;
	*ar_id = (int)ar;
	return txn_read(m->t, OBJ_NET, (int)net);
}

const char *vm_vars_nic(struct vm_making *m, const struct attr *nic, const char *name)
{
	const struct address_range *ar;
	const struct vnet *vn;
	const char *text;
	int ar_id;

	vn = connection(m, nic, &ar_id);
	if (!vn)
		return "";
	if (!strcmp(name, "TEMPLATE"))
		return base64_of(m, &vn->o);
	ar = vnet_range(vn, ar_id);
	text = ar ? attr_get(ar->attr, name) : NULL;
	return text && *text ? text : tmpl_text(vn->o.tmpl, name);
}

static const char *network_value(struct vm_making *m, const char *name, const char *key, const char *value)
{
	const struct attr *nic;

	if (strcmp(key, "NETWORK") != 0 && strcmp(key, "NETWORK_ID") != 0 && strcmp(key, "NIC_ID") != 0)
		return "";
	nic = find_vector(m->vm->o.tmpl, "NIC_ALIAS", key, value);
	if (!nic)
		nic = find_vector(m->vm->o.tmpl, "NIC", key, value);
	return vm_vars_nic(m, nic, name);
}

static const char *vector_value(struct vm_making *m, const char *name, const char *attr, const char *key,
				const char *value)
{
	const struct attr *vector;
	const char *text;

	if (!strcmp(name, "NETWORK"))
		return network_value(m, attr, key, value);
	if (!strcmp(name, "IMAGE"))
		return image_value(m, attr, key, value);
	if (!strcmp(name, "USER"))
		return user_value(m, attr);
	vector = *key ? find_vector(m->vm->o.tmpl, name, key, value) : tmpl_vector(m->vm->o.tmpl, name);
	text = vector ? attr_get(vector, attr) : NULL;
	return text ? text : "";
}

static const char *single_value(struct vm_making *m, const char *name)
{
	const struct vm *vm = m->vm;
	const char *text;

	if (!strcmp(name, "TEMPLATE"))
		return base64_of(m, &vm->o);
	if (!strcmp(name, "UID"))
		return arena_printf(m->t->arena, "%d", vm->o.uid);
	if (!strcmp(name, "GID"))
		return arena_printf(m->t->arena, "%d", vm->o.gid);
	if (!strcmp(name, "UNAME"))
		return vm->o.uname;
	if (!strcmp(name, "GNAME"))
		return vm->o.gname;
	if (!strcmp(name, "NAME"))
		return vm->o.name;
	text = tmpl_text(vm->o.tmpl, name);
	return *text ? text : tmpl_text(vm->user, name);
}

/* ---- expanding ---- */

/* Behind "$NAME[" */
static enum one_rc expand_vector(struct vm_making *m, struct scanner *s, const char *name, struct strbuf *out)
{
	const char *attr, *key = "", *value = "";

	if (expect_name(m, s, &attr))
		return m->t->err.rc;
	if (next_token(s) == T_COMMA) {
		if (expect_name(m, s, &key) || expect_value(m, s, &value) || expect(m, s, T_CBRACKET))
			return m->t->err.rc;
	} else if (s->token != T_CBRACKET) {
		return fail_at(m, s, "COMMA or CBRACKET");
	}
	if (expect(m, s, T_EOA))
		return m->t->err.rc;
	strbuf_adds(out, vector_value(m, name, attr, key, value));
	strbuf_add(out, s->text, s->len);
	return ONE_OK;
}

static enum one_rc expand_variable(struct vm_making *m, struct scanner *s, struct strbuf *out)
{
	const char *name = text_upper(m->t->arena, token_copy(m, s));

	if (++m->variables > MAX_VARIABLES)
		return vm_fail(m, "There are more than %d variables in the template", MAX_VARIABLES);
	if (next_token(s) == T_OBRACKET)
		return expand_vector(m, s, name, out);
	if (s->token != T_EOA)
		return fail_at(m, s, "OBRACKET or EOA");
	strbuf_adds(out, single_value(m, name));
	strbuf_add(out, s->text, s->len);
	return ONE_OK;
}

enum one_rc vm_vars_expand(struct vm_making *m, const char *text, struct strbuf *out)
{
	struct scanner s;

	scanner_init(&s, text);
	for (bool first = true;; first = false) {
		enum token token = next_token(&s);

		if (token == T_TEXT)
			strbuf_add(out, s.text, s.len);
		else if (token == T_VARIABLE && expand_variable(m, &s, out))
			return m->t->err.rc;
		else if (token == T_END && !first)
			return ONE_OK;
		else if (token != T_VARIABLE)
			return fail_at(m, &s, first ? "VARIABLE or RSTRING" : "$end or VARIABLE or RSTRING");
	}
}

enum one_rc vm_vars_expand_vector(struct vm_making *m, struct attr *vector)
{
	struct strbuf out = STRBUF_INIT;

	for (struct attr *kid = vector->kids; kid && txn_ok(m->t); kid = kid->next) {
		bool secret = !strcmp(kid->name, "PASSWORD");

		if (!strchr(kid->value, '$'))
			continue;
		strbuf_reset(&out);
		if (!vm_vars_expand(m, kid->value, &out))
			kid->value = arena_strdup(&m->vm->o.arena, out.buf);
		else if (secret) /* answers are logged */
			one_err_set(&m->t->err, m->t->err.rc,
				    "Error parsing: PASSWORD has a $ that begins no variable");
	}
	strbuf_done(&out);
	return m->t->err.rc;
}

/* ---- files ---- */

struct file_name { const char *variable, *key, *value, *key2, *value2; };

/* Whose image it is; -1: nobody known. */
static int file_owner(struct vm_making *m, const struct file_name *f)
{
	long long uid;

	if (!strcmp(f->key2, "IMAGE_UID"))
		return value_int(f->value2, &uid) && uid >= 0 && uid <= INT32_MAX ? (int)uid : -1;
	if (!strcmp(f->key2, "IMAGE_UNAME"))
		return txn_find(m->t, OBJ_USER, f->value2, -1);
	return m->vm->o.uid;
}

static bool may_use(struct vm_making *m, const struct version *v)
{
	const struct identity *who = m->who;

	if (who->admin)
		return true;
	if (m->may_use)
		return m->may_use(m->may_ctx, v);
	return (v->uid == who->uid && (v->perm & PERM_OWNER_U)) ||
	       (identity_in_group(who, v->gid) && (v->perm & PERM_GROUP_U)) || (v->perm & PERM_OTHER_U);
}

__attribute__((format(printf, 3, 4)))
static enum one_rc fail_file(struct vm_making *m, const struct scanner *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vm_fail(m, "Error parsing: %s. %s", s->whole, arena_vprintf(m->t->arena, fmt, ap));
	va_end(ap);
	return m->t->err.rc;
}

/* *id -1: failed. */
static enum one_rc find_file(struct vm_making *m, const struct scanner *s, const struct file_name *f, int *id)
{
	long long number = 0;

	*id = -1;
	if (strcmp(f->variable, "FILE") != 0)
		return fail_file(m, s, "Must use FILE variable for attribute.");
	if (!strcmp(f->key, "IMAGE")) {
		int uid = file_owner(m, f);

		*id = uid >= 0 ? txn_find(m->t, OBJ_IMAGE, f->value, uid) : -1;
		if (*id < 0)
			return fail_file(m, s,
					 "User %d does not own an image with name: %s . Set IMAGE_UNAME or IMAGE_UID "
					 "of owner.", uid, f->value);
	} else if (!strcmp(f->key, "IMAGE_ID")) {
		if (!value_int(f->value, &number) || number < 0 || number > INT32_MAX ||
		    !txn_exists(m->t, OBJ_IMAGE, (int)number))
			return fail_file(m, s, "Image with ID: %lld does not exist", number);
		*id = (int)number;
	} else {
		return fail_file(m, s, "Cannot get image, set IMAGE_ID or IMAGE.");
	}
	if (!may_use(m, txn_version(m->t, OBJ_IMAGE, *id)))
		return fail_file(m, s, "User not authorize to use image.");
	return ONE_OK;
}

/* Behind "$" and the name. */
static enum one_rc read_file(struct vm_making *m, struct scanner *s, int *id)
{
	struct file_name f = { .key2 = "", .value2 = "" };

	f.variable = text_upper(m->t->arena, token_copy(m, s));
	if (expect(m, s, T_OBRACKET) || expect_name(m, s, &f.key) || expect_value(m, s, &f.value))
		return m->t->err.rc;
	if (next_token(s) == T_COMMA) {
		if (expect_name(m, s, &f.key2) || expect_value(m, s, &f.value2) || expect(m, s, T_CBRACKET))
			return m->t->err.rc;
	} else if (s->token != T_CBRACKET) {
		return fail_at(m, s, "COMMA or CBRACKET");
	}
	if (expect(m, s, T_EOA))
		return m->t->err.rc;
	return find_file(m, s, &f, id);
}

enum one_rc vm_vars_files(struct vm_making *m, const char *text, int **ids, int *n)
{
	struct scanner s;
	int cap = 8;

	scanner_init(&s, text + strspn(text, " \t\n\v\f\r"));
	*n = 0;
	*ids = arena_array(m->t->arena, cap, int);
	for (bool first = true;; first = false) {
		enum token token = next_token(&s);

		if (token == T_END && !first)
			return ONE_OK;
		if (token != T_VARIABLE)
			return fail_at(m, &s, first ? "VARIABLE" : "$end or VARIABLE");
		if (*n == cap) {
			int *more = arena_array(m->t->arena, cap *= 2, int);

			memcpy(more, *ids, (size_t)*n * sizeof(int));
			*ids = more;
		}
		if (read_file(m, &s, &(*ids)[*n]))
			return m->t->err.rc;
		++*n;
	}
}
