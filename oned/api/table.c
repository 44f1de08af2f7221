/* The table of methods: all rows, found by name, and the reference printed from it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "oned/api/dispatch.h"
#include "oned/api/vm_api.h"

static const struct method *const tables[] = {
	system_methods, user_methods, group_methods, acl_methods, zone_methods, cluster_methods, host_methods,
	datastore_methods, image_methods, vn_methods, secgroup_methods, template_methods, vdc_methods,
	quota_methods, document_methods, vntemplate_methods, vmgroup_methods, hook_methods, market_methods,
	vrouter_methods, backup_job_methods, vm_read_methods, vm_write_methods, vm_change_methods, vm_nic_methods,
};
#define N_TABLES (sizeof(tables) / sizeof(*tables))

/* Made once by api_init, read-only after it. */
static struct { struct method_spec *specs; int n; struct smap by_name; } all;

static void parse_param(struct arena *a, const char *text, struct param_spec *p)
{
	char *copy = arena_strdup(a, text), *colon = strchr(copy, ':'), *dflt;

	p->secret = *copy == '*';
	assert(colon);
	*colon = '\0';
	p->name = copy + p->secret;
	p->type = colon[1];
	dflt = colon[2] == '=' ? colon + 3 : NULL;
	p->optional = dflt != NULL;
	switch (p->type) {
	case 'i':
		p->dflt = (struct rpc_value){ .type = RPC_INT, .i = dflt ? atoll(dflt) : 0 };
		break;
	case 'l':
		p->dflt = (struct rpc_value){ .type = RPC_I8, .i = dflt ? atoll(dflt) : 0 };
		break;
	case 'b':
		p->dflt = (struct rpc_value){ .type = RPC_BOOL, .i = dflt && !strcmp(dflt, "true") };
		break;
	case 's':
		p->dflt = (struct rpc_value){ .type = RPC_STRING, .s = dflt ? dflt : "", .len = dflt ? strlen(dflt) : 0 };
		break;
	case 'A':
		p->dflt = (struct rpc_value){ .type = RPC_ARRAY };
		break;
	default:
		assert(!"type of a parameter in the method table");
	}
}

static void parse_row(struct arena *a, const struct method *row, struct method_spec *spec)
{
	char *copy = arena_strdup(a, row->params), *save = NULL;

	spec->row = row;
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert(spec->n_params < METHOD_MAX_PARAMS);
		parse_param(a, word, &spec->params[spec->n_params]);
		if (!spec->params[spec->n_params].optional)
			spec->n_required = spec->n_params + 1;
		spec->n_params++;
	}
}

static struct arena table_arena;

enum one_rc api_init(struct api *a, struct one_err *err)
{
	int n = 0;

	(void)err;
	for (size_t i = 0; i < N_TABLES; i++)
		for (const struct method *m = tables[i]; m->name; m++)
			n++;
	all.specs = xcalloc((size_t)n, sizeof(*all.specs));
	for (size_t i = 0; i < N_TABLES; i++)
		for (const struct method *m = tables[i]; m->name; m++) {
			parse_row(&table_arena, m, &all.specs[all.n]);
			smap_put(&all.by_name, m->name, &all.specs[all.n]);
			all.n++;
		}
	a->bulk = bulk_new(2);
	return ONE_OK;
}

void api_done(struct api *a)
{
	bulk_free(a->bulk);
	strbuf_done(&a->config_xml[0]);
	strbuf_done(&a->config_xml[1]);
	free(all.specs);
	all.specs = NULL;
	all.n = 0;
	smap_done(&all.by_name);
	arena_done(&table_arena);
}

const struct method_spec *api_method_spec(const char *name)
{
	return smap_get(&all.by_name, name);
}

const struct method *api_method(const char *name)
{
	const struct method_spec *spec = api_method_spec(name);

	return spec ? spec->row : NULL;
}

const struct method *api_method_at(int i)
{
	return i < all.n ? all.specs[i].row : NULL;
}

static void print_right(const struct method *m, struct strbuf *out)
{
	const struct obj_ops *ops = obj_ops(m->object);

	if (m->flags & M_NO_AUTH)
		strbuf_lit(out, "no session");
	else if ((m->flags & M_NO_RIGHT) || !m->right)
		strbuf_lit(out, "any user");
	else
		strbuf_addf(out, "%s %s%s%s%s", auth_op_name(m->right), ops ? ops->token : "-", m->op_class ? " or class of " : "",
			    m->op_class ? m->op_class : "", m->flags & M_LOCK_EXEMPT ? " (locks don't block it)" : "");
}

void api_print(struct strbuf *out)
{
	for (int i = 0; i < all.n; i++) {
		const struct method *m = all.specs[i].row;

		strbuf_addf(out, "%s(%s%s%s)\n    right: ", m->name, m->flags & M_NO_AUTH ? "" : "session:s",
			    *m->params && !(m->flags & M_NO_AUTH) ? " " : "", m->params);
		print_right(m, out);
		strbuf_addf(out, "; %s\n    %s\n", m->write ? "write" : "read", m->doc);
	}
}
