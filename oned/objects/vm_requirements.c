/* Where a VM can run at all: the clusters that have its images and networks, as requirements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oned/objects/common.h"
#include "oned/objects/datastore.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/vm_priv.h"
#include "oned/objects/vnet.h"

/* What is left of places after each part of the VM was asked; any: nothing has been said yet. */
struct places {
	struct txn *t;
	struct vm *vm;
	struct idset clusters, datastores;
	bool any_cluster, any_datastore;
	bool shareable;
};

/* Keeps what both have; of what nothing was known yet, all. false: nothing would be left. */
static bool narrow(struct idset *left, bool *any, const struct idset *with, struct arena *arena)
{
	struct idset both = { 0 };

	for (int i = 0; i < with->n; i++)
		if (*any || idset_has(left, with->ids[i]))
			idset_add(&both, arena, with->ids[i]);
	if (!both.n)
		return false;
	*left = both;
	*any = false;
	return true;
}

enum verdict { FITS, NOWHERE, ELSEWHERE };

static enum verdict narrow_clusters(struct places *p, const struct attr *part, const char *name)
{
	const char *list = attr_get(part, name);
	struct idset clusters = { 0 };

	if (!list) /* a path or a bridge of the user's own */
		return FITS;
	secgroup_ids_parse(list, &clusters, p->t->arena);
	if (!clusters.n)
		return NOWHERE;
	return narrow(&p->clusters, &p->any_cluster, &clusters, p->t->arena) ? FITS : ELSEWHERE;
}

static const char *clusters_text(struct places *p)
{
	return secgroup_ids_format(&p->clusters, p->t->arena);
}

/* The clusters of the object whose id is in `id_name` now, into `name`. */
static void refresh(struct places *p, struct attr *part, const char *id_name, enum obj_type type,
		    const char *name)
{
	static const struct idset none;
	const struct idset *clusters = &none;
	const void *o;
	long long id;

	if (!attr_get_int(part, id_name, &id))
		return;
	o = txn_read(p->t, type, (int)id);
	if (o)
		clusters = type == OBJ_NET ? &((const struct vnet *)o)->clusters
					   : &((const struct datastore *)o)->clusters;
	attr_set(&p->vm->o.arena, part, name, secgroup_ids_format(clusters, p->t->arena));
}

/* ---- clusters ---- */

static enum one_rc ask_os_file(struct places *p, struct attr *os, const char *base)
{
	char id_name[32], name[32];

	snprintf(id_name, sizeof(id_name), "%s_DS_DSID", base);
	snprintf(name, sizeof(name), "%s_DS_CLUSTER_ID", base);
	refresh(p, os, id_name, OBJ_DATASTORE, name);
	switch (narrow_clusters(p, os, name)) {
	case FITS:
		return ONE_OK;
	case ELSEWHERE:
		return txn_fail(p->t, ONE_INTERNAL,
				"Incompatible cluster in %s datastore, it should be in cluster %s.", base,
				clusters_text(p));
	case NOWHERE:
		break;
	}
	return txn_fail(p->t, ONE_INTERNAL, "Missing clusters. %s datastore is not in any cluster.", base);
}

/* Disks and NICs: how the messages call them and what they come from. */
static enum one_rc ask_device(struct places *p, const struct attr *part, int number, const char *device,
			      const char *kind, const char *source)
{
	switch (narrow_clusters(p, part, "CLUSTER_ID")) {
	case FITS:
		return ONE_OK;
	case ELSEWHERE:
		return txn_fail(p->t, ONE_INTERNAL,
				"Incompatible clusters in %s. %s for %s %d is not in the same cluster as the one used "
				"by other VM elements (cluster %s)",
				kind, source, device, number, clusters_text(p));
	case NOWHERE:
		break;
	}
	return txn_fail(p->t, ONE_INTERNAL, "Missing clusters. %s for %s %d is not in any cluster", source,
			device, number);
}

static enum one_rc ask_devices(struct places *p, const char *device, const char *kind, const char *source,
			       const char *id_name, enum obj_type type)
{
	int number = 0;

	for (struct attr *a = tmpl_find(p->vm->o.tmpl, device); a; a = tmpl_find_next(a)) {
		if (!a->vector)
			continue;
		if (vm_nic_is_device(a)) {
			refresh(p, a, id_name, type, "CLUSTER_ID");
			if (ask_device(p, a, number, device, kind, source))
				return p->t->err.rc;
		}
		number++;
	}
	return ONE_OK;
}

static enum one_rc ask_clusters(struct places *p)
{
	struct attr *os = tmpl_vector(p->vm->o.tmpl, "OS");

	if (os && (ask_os_file(p, os, "KERNEL") || ask_os_file(p, os, "INITRD")))
		return p->t->err.rc;
	if (ask_devices(p, "DISK", "DISK", "Datastore", "DATASTORE_ID", OBJ_DATASTORE) ||
	    ask_devices(p, "NIC", "NIC", "Network", "NETWORK_ID", OBJ_NET))
		return p->t->err.rc;
	return ask_devices(p, "PCI", "PCI (TYPE=NIC)", "Network", "NETWORK_ID", OBJ_NET);
}

/* ---- system datastores that an image datastore can work with ---- */

static enum one_rc ask_disk(struct places *p, const struct attr *disk, int number)
{
	const struct datastore *ds;
	struct idset with = { 0 };
	bool shareable = false;
	long long id;

	attr_get_bool(disk, "SHAREABLE", &shareable);
	p->shareable = p->shareable || shareable;
	if (!attr_get_int(disk, "DATASTORE_ID", &id))
		return ONE_OK;
	ds = txn_read(p->t, OBJ_DATASTORE, (int)id);
	if (ds)
		secgroup_ids_parse(tmpl_text(ds->o.tmpl, "COMPATIBLE_SYS_DS"), &with, p->t->arena);
	if (!with.n || narrow(&p->datastores, &p->any_datastore, &with, p->t->arena))
		return ONE_OK;
	return txn_fail(p->t, ONE_INTERNAL,
			"Incompatible system datastore in DISK. Images Datastore for DISK %d has not the same "
			"complatible system datastore(system datastores %s)",
			number, secgroup_ids_format(&p->datastores, p->t->arena));
}

static enum one_rc ask_datastores(struct places *p)
{
	int number = 0;

	for (const struct attr *a = tmpl_find(p->vm->o.tmpl, "DISK"); a; a = tmpl_find_next(a))
		if (a->vector && ask_disk(p, a, number++))
			return p->t->err.rc;
	return ONE_OK;
}

/* ---- the requirements ---- */

/* "(X = 0 | X = 1)", X with its operator. */
static void add_choice(struct strbuf *out, const char *what, const struct idset *ids)
{
	for (int i = 0; i < ids->n; i++)
		strbuf_addf(out, "%s%s %d", i ? " | " : "(", what, ids->ids[i]);
	strbuf_addc(out, ')');
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The kinds of clouds the VM may go to, sorted, each once. */
static void add_clouds(const struct places *p, struct strbuf *out)
{
	const struct tmpl *user = p->vm->user;
	const char **types, *last = NULL;
	size_t n = 0;

	for (const struct attr *a = tmpl_find(user, "PUBLIC_CLOUD"); a; a = tmpl_find_next(a))
		n += a->vector;
	types = arena_array(p->t->arena, n + 1, const char *);
	n = 0;
	for (const struct attr *a = tmpl_find(user, "PUBLIC_CLOUD"); a; a = tmpl_find_next(a)) {
		const char *type = a->vector ? attr_get(a, "TYPE") : NULL;

		if (type && *type)
			types[n++] = type;
	}
	if (!n)
		return;
	qsort(types, n, sizeof(*types), compare_texts);
	strbuf_lit(out, " | (PUBLIC_CLOUD = YES & (");
	for (size_t i = 0; i < n; i++) {
		if (last && !strcmp(last, types[i]))
			continue;
		strbuf_addf(out, "%sHYPERVISOR = %s", last ? " | " : "", types[i]);
		last = types[i];
	}
	strbuf_lit(out, "))");
}

static void add_cpu_features(const struct places *p, struct strbuf *out)
{
	const struct attr *model = tmpl_vector(p->vm->o.tmpl, "CPU_MODEL");
	const char *list = model ? attr_get(model, "FEATURES") : NULL;

	while (list && *list) {
		size_t len = strcspn(list, ",");

		if (len)
			strbuf_addf(out, " & (KVM_CPU_FEATURES = \"*%.*s*\")", (int)len, list);
		list += len;
		list += *list == ',';
	}
}

static void set_host_requirements(const struct places *p)
{
	struct tmpl *tmpl = p->vm->o.tmpl;
	struct strbuf out = STRBUF_INIT;

	if (p->clusters.n) {
		add_choice(&out, "CLUSTER_ID =", &p->clusters);
		strbuf_lit(&out, " & ");
	}
	strbuf_lit(&out, "!(PUBLIC_CLOUD = YES)");
	strbuf_adds(&out, vm_is_pinned(tmpl) ? " & (PIN_POLICY = PINNED)" : " & !(PIN_POLICY = PINNED)");
	add_clouds(p, &out);
	add_cpu_features(p, &out);
	tmpl_set(tmpl, "AUTOMATIC_REQUIREMENTS", out.buf);
	strbuf_done(&out);
}

static void set_datastore_requirements(const struct places *p)
{
	struct tmpl *tmpl = p->vm->o.tmpl;
	const char *system = tmpl_get(tmpl, "TM_MAD_SYSTEM");
	struct strbuf out = STRBUF_INIT;

	if (p->clusters.n) {
		add_choice(&out, "\"CLUSTERS/ID\" @>", &p->clusters);
		tmpl_set(tmpl, "AUTOMATIC_NIC_REQUIREMENTS", out.buf);
	}
	if (p->datastores.n) {
		if (out.len)
			strbuf_lit(&out, " & ");
		add_choice(&out, "\"ID\" @>", &p->datastores);
	}
	if (out.len && system)
		strbuf_addf(&out, " & (TM_MAD = \"%s\")", system + strspn(system, " \t\r\n"));
	if (p->shareable)
		strbuf_adds(&out, out.len ? " & (SHARED = \"YES\")" : "(SHARED = \"YES\")");
	if (out.len)
		tmpl_set(tmpl, "AUTOMATIC_DS_REQUIREMENTS", out.buf);
	strbuf_done(&out);
}

enum one_rc vm_set_requirements(struct txn *t, struct vm *vm)
{
	static const char *const names[] = { "AUTOMATIC_REQUIREMENTS", "AUTOMATIC_DS_REQUIREMENTS",
					     "AUTOMATIC_NIC_REQUIREMENTS" };
	struct places p = { .t = t, .vm = vm, .any_cluster = true, .any_datastore = true };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		tmpl_remove(vm->o.tmpl, names[i]);
	if (ask_clusters(&p) || ask_datastores(&p))
		return t->err.rc;
	set_host_requirements(&p);
	set_datastore_requirements(&p);
	return ONE_OK;
}
