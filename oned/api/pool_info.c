/* *pool.info: the bodies of all objects a caller may see. */
#include "oned/api/api.h"
#include "oned/api/filter.h"

static void out_bodies(struct call *c, const char *root, struct version **list, size_t n)
{
	struct strbuf *out = call_ok_wire(c);

	strbuf_addf(out, "&lt;%s&gt;", root);
	for (size_t i = 0; i < n; i++)
		rpc_escape(out, list[i]->body, list[i]->body_len);
	strbuf_addf(out, "&lt;/%s&gt;", root);
}

void filter_answer(struct call *c, enum obj_type type, const struct pool_filter *f)
{
	struct version **list;
	size_t n;

	if (filter_collect(c, type, f, &list, &n))
		return;
	out_bodies(c, obj_ops(type)->pool_root, list, n);
	pool_release(list, n);
}

void api_pool_info(struct call *c)
{
	struct pool_filter f = { .flag = -2, .first = -1, .last = -1 };

	if (*c->method->params) {
		f.flag = call_int(c, 0);
		f.first = call_int(c, 1);
		f.last = call_int(c, 2);
	}
	filter_answer(c, c->method->object, &f);
}
