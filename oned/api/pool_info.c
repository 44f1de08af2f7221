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

void api_pool_info(struct call *c)
{
	struct pool_filter f = { .flag = -2, .first = -1, .last = -1 };
	const struct obj_ops *ops = obj_ops(c->method->object);
	struct version **list;
	size_t n;

	if (*c->method->params) {
		f.flag = call_int(c, 0);
		f.first = call_int(c, 1);
		f.last = call_int(c, 2);
	}
	if (filter_collect(c, ops->type, &f, &list, &n))
		return;
	out_bodies(c, ops->pool_root, list, n);
	pool_release(list, n);
}
