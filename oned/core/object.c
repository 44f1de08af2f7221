/* Objects and their published versions: making, loading, rendering what all types share. */
#include "oned/core/object.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void *obj_new(const struct obj_ops *ops)
{
	struct arena arena = ARENA_INIT;
	struct object *o = arena_alloc(&arena, ops->size);

	o->arena = arena;
	o->ops = ops;
	o->id = -1;
	o->name = o->uname = o->gname = "";
	o->lock.owner = -1;
	o->tmpl = tmpl_new(&o->arena);
	return o;
}

void obj_free(struct object *o)
{
	struct arena arena;

	if (!o)
		return;
	arena = o->arena; /* the arena holds o itself */
	arena_done(&arena);
}

/* ---- reading ---- */

uint16_t obj_load_permissions(const struct xnode *x)
{
	static const char *const names[] = { "OWNER_U", "OWNER_M", "OWNER_A", "GROUP_U", "GROUP_M",
					     "GROUP_A", "OTHER_U", "OTHER_M", "OTHER_A" };
	unsigned perm = 0;

	for (int i = 0; i < 9; i++)
		if (xml_int(x, names[i], 0) > 0)
			perm |= 0400u >> i;
	return (uint16_t)perm;
}

void obj_load_lock(struct obj_lock *lock, const struct xnode *x)
{
	long long level = xml_int(x, "LOCKED", 0);

	lock->level = level >= LOCK_USE && level <= LOCK_ADMIN ? (enum lock_level)level : LOCK_NONE;
	lock->owner = (int)xml_int(x, "OWNER", -1);
	lock->time = (time_t)xml_int(x, "TIME", 0);
	lock->req_id = (int)xml_int(x, "REQ_ID", -1);
}

static void load_head(struct object *o, const struct xnode *x)
{
	const struct xnode *part;

	o->uid = (int)xml_int(x, "UID", 0);
	o->gid = (int)xml_int(x, "GID", 0);
	o->name = arena_strdup(&o->arena, xml_text_or(x, "NAME", ""));
	o->uname = arena_strdup(&o->arena, xml_text_or(x, "UNAME", ""));
	o->gname = arena_strdup(&o->arena, xml_text_or(x, "GNAME", ""));
	part = xml_child(x, "PERMISSIONS");
	if (part)
		o->perm = obj_load_permissions(part);
	part = xml_child(x, "LOCK");
	if (part)
		obj_load_lock(&o->lock, part);
	part = xml_child(x, "TEMPLATE");
	if (part)
		tmpl_from_xml(o->tmpl, part);
}

enum one_rc obj_reload(struct object *o, const struct xnode *x, struct one_err *err)
{
	o->lock = (struct obj_lock){ .level = LOCK_NONE, .owner = -1, .req_id = -1 };
	o->tmpl = tmpl_new(&o->arena);
	load_head(o, x);
	return o->ops->load ? o->ops->load(o, x, err) : ONE_OK;
}

static enum one_rc load_id(struct object *o, const struct xnode *x, struct one_err *err)
{
	o->id = (int)xml_int(x, "ID", -1);
	if (o->id < 0 && !(o->ops->flags & OBJ_F_NO_HEAD))
		return one_err_set(err, ONE_INTERNAL, "%s without an ID", o->ops->root);
	return ONE_OK;
}

enum one_rc obj_load(const struct obj_ops *ops, const char *body, size_t len, struct object **out, struct one_err *err)
{
	struct arena scratch = ARENA_INIT;
	struct object *o = obj_new(ops);
	struct xnode *x;
	enum one_rc rc = xml_parse(&scratch, body, len, XML_MAX_DEPTH, SIZE_MAX, &x, err);

	if (!rc)
		rc = load_id(o, x, err);
	if (!rc)
		load_head(o, x);
	if (!rc && ops->load)
		rc = ops->load(o, x, err);
	arena_done(&scratch);
	if (rc) {
		one_err_prefix(err, "%s %d: ", ops->token, o->id);
		obj_free(o);
		return rc;
	}
	*out = o;
	return ONE_OK;
}

/* ---- versions ---- */

static char *put_bytes(char **at, const void *data, size_t len)
{
	char *to = *at;

	if (len)
		memcpy(to, data, len);
	to[len] = '\0';
	*at += len + 1;
	return to;
}

/* One block of memory for a version and all its texts. */
static struct version *version_build(const struct object *o, const struct obj_index *index, const char *body, size_t body_len,
				     const char *brief, size_t brief_len)
{
	size_t name_len = strlen(o->name), clusters = (size_t)index->n_clusters * sizeof(int);
	struct version *v = xmalloc(sizeof(*v) + clusters + name_len + body_len + brief_len + 3);
	char *at = (char *)(v + 1) + clusters;

	*v = (struct version){ .ops = o->ops, .id = o->id, .uid = o->uid, .gid = o->gid, .perm = o->perm,
			       .lock = o->lock.level, .index = *index, .body_len = body_len, .brief_len = brief_len };
	atomic_init(&v->refs, 1);
	if (clusters)
		memcpy(v + 1, index->clusters, clusters);
	v->index.clusters = (const int *)(v + 1);
	v->name = put_bytes(&at, o->name, name_len);
	v->body = put_bytes(&at, body, body_len);
	if (o->ops->brief)
		v->brief = put_bytes(&at, brief, brief_len);
	return v;
}

struct version *version_make(const struct object *o, struct strbuf *body, struct strbuf *brief, struct strbuf *json)
{
	struct strbuf escaped = STRBUF_INIT;
	struct obj_index index = { 0 };
	struct version *v;

	strbuf_reset(body);
	strbuf_reset(brief);
	if (json)
		strbuf_reset(json);
	o->ops->render(o, body);
	if (o->ops->brief) {
		o->ops->brief(o, brief, json);
		xml_escape(&escaped, brief->buf, brief->len);
	}
	if (o->ops->index)
		o->ops->index(o, &index);
	v = version_build(o, &index, body->buf, body->len, escaped.buf, escaped.len);
	strbuf_done(&escaped);
	return v;
}

struct version *version_of_row(const struct object *head, const struct obj_index *index, const struct sql_value *body,
			       const struct sql_value *brief)
{
	struct strbuf escaped = STRBUF_INIT;
	struct version *v;

	xml_escape(&escaped, brief->s, brief->len);
	v = version_build(head, index, body->s, body->len, escaped.buf, escaped.len);
	strbuf_done(&escaped);
	return v;
}

void version_keep_obj(struct version *v, struct object *o)
{
	assert(!v->obj);
	if (v->ops->flags & OBJ_F_DROP)
		obj_free(o);
	else
		v->obj = o;
}

struct version *version_ref(struct version *v)
{
	if (v)
		atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	return v;
}

void version_unref(struct version *v)
{
	struct object *o;

	if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
		return;
	memcpy(&o, &v->obj, sizeof(o)); /* read-only while published; ours now */
	obj_free(o);
	free(v);
}

/* ---- writing ---- */

void obj_out_head(const struct object *o, struct strbuf *out)
{
	xml_out_int(out, "ID", o->id);
	xml_out_int(out, "UID", o->uid);
	xml_out_int(out, "GID", o->gid);
	xml_out_text(out, "UNAME", o->uname);
	xml_out_text(out, "GNAME", o->gname);
	xml_out_text(out, "NAME", o->name);
}

void obj_out_lock(const struct object *o, struct strbuf *out)
{
	if (o->lock.level == LOCK_NONE)
		return;
	xml_out_open(out, "LOCK");
	xml_out_int(out, "LOCKED", o->lock.level);
	xml_out_int(out, "OWNER", o->lock.owner);
	xml_out_int(out, "TIME", (long long)o->lock.time);
	xml_out_int(out, "REQ_ID", o->lock.req_id);
	xml_out_close(out, "LOCK");
}

void obj_out_permissions(const struct object *o, struct strbuf *out)
{
	/* The nine elements as one text; the digits stand before each "</". */
	char text[] = "<PERMISSIONS><OWNER_U>0</OWNER_U><OWNER_M>0</OWNER_M><OWNER_A>0</OWNER_A>"
		      "<GROUP_U>0</GROUP_U><GROUP_M>0</GROUP_M><GROUP_A>0</GROUP_A>"
		      "<OTHER_U>0</OTHER_U><OTHER_M>0</OTHER_M><OTHER_A>0</OTHER_A></PERMISSIONS>";
	char *at = text;

	for (unsigned bit = 0400; bit; bit >>= 1) {
		at = strstr(at, "0<");
		if (o->perm & bit)
			*at = '1';
		at++;
	}
	strbuf_add(out, text, sizeof(text) - 1);
}

void obj_out_ids(struct strbuf *out, const char *root, const int *ids, int n)
{
	xml_out_open(out, root);
	for (int i = 0; i < n; i++)
		xml_out_int(out, "ID", ids[i]);
	xml_out_close(out, root);
}

int obj_row_usual(const struct object *o, const struct version *v, struct sql_value *cols)
{
	cols[0] = SQL_INT(o->id);
	cols[1] = SQL_STR(v->name);
	cols[2] = SQL_STRN(v->body, v->body_len);
	cols[3] = SQL_INT(o->uid);
	cols[4] = SQL_INT(o->gid);
	cols[5] = SQL_INT(!!(o->perm & PERM_OWNER_U));
	cols[6] = SQL_INT(!!(o->perm & PERM_GROUP_U));
	cols[7] = SQL_INT(!!(o->perm & PERM_OTHER_U));
	return 8;
}

int obj_row_parent(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
		   struct sql_value *cols)
{
	int n = obj_row_usual(o, v, cols);

	(void)brief;
	(void)json;
	cols[n] = SQL_INT(v->index.parent);
	return n + 1;
}

/* ---- sets of ids ---- */

static int idset_place(const struct idset *s, int id)
{
	int lo = 0, hi = s->n;

	while (lo < hi) {
		int mid = (lo + hi) / 2;

		if (s->ids[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool idset_has(const struct idset *s, int id)
{
	int i = idset_place(s, id);

	return i < s->n && s->ids[i] == id;
}

/* Room for so many more. */
static void idset_reserve(struct idset *s, struct arena *a, int more)
{
	int cap = s->cap * 2 > s->n + more ? s->cap * 2 : s->n + more, *ids;

	if (s->n + more <= s->cap)
		return;
	ids = arena_array(a, cap, int);
	if (s->n)
		memcpy(ids, s->ids, (size_t)s->n * sizeof(int));
	s->ids = ids;
	s->cap = cap;
}

bool idset_add(struct idset *s, struct arena *a, int id)
{
	int i = idset_place(s, id);

	if (i < s->n && s->ids[i] == id)
		return false;
	if (s->n == s->cap)
		idset_reserve(s, a, s->cap ? 1 : 8);
	memmove(s->ids + i + 1, s->ids + i, (size_t)(s->n - i) * sizeof(int));
	s->ids[i] = id;
	s->n++;
	return true;
}

static int by_id(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

void idset_add_all(struct idset *s, struct arena *a, int *ids, int n)
{
	int all = s->n + n, old = s->n - 1, kept = 0;

	if (!n)
		return;
	qsort(ids, (size_t)n, sizeof(int), by_id);
	idset_reserve(s, a, n);
	for (int at = all - 1, k = n - 1; k >= 0; at--)
		s->ids[at] = old >= 0 && s->ids[old] > ids[k] ? s->ids[old--] : ids[k--];
	for (int i = 0; i < all; i++)
		if (!kept || s->ids[kept - 1] != s->ids[i])
			s->ids[kept++] = s->ids[i];
	s->n = kept;
}

bool idset_del(struct idset *s, int id)
{
	int i = idset_place(s, id);

	if (i >= s->n || s->ids[i] != id)
		return false;
	memmove(s->ids + i, s->ids + i + 1, (size_t)(s->n - i - 1) * sizeof(int));
	s->n--;
	return true;
}

void idset_load(struct idset *s, struct arena *a, const struct xnode *x)
{
	long long id;

	for (const struct xnode *n = x ? xml_child(x, "ID") : NULL; n; n = xml_next(n))
		if (value_int(n->text, &id))
			idset_add(s, a, (int)id);
}

enum one_rc obj_check_name(const char *name, struct one_err *err)
{
	size_t len = strlen(name);

	if (!len)
		return one_err_set(err, ONE_INTERNAL, "Invalid NAME, it cannot be empty");
	for (const char *c = name; *c; c++)
		if (strchr(OBJ_NAME_FORBIDDEN, *c))
			return one_err_set(err, ONE_INTERNAL, "Invalid NAME, char '%c' is not allowed", *c);
	if (len > 128)
		return one_err_set(err, ONE_INTERNAL, "Invalid NAME, max length is 128 chars");
	return ONE_OK;
}
