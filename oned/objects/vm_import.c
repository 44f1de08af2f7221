/* VMs that ran before oned knew them: DEPLOY_ID says which domain of the hypervisor they are. They are made on hold, and "deployed" to the host where
 * they run. */
#include <string.h>

#include "oned/objects/common.h"
#include "oned/objects/vm_priv.h"

bool vm_is_imported(const struct vm *vm)
{
	bool imported;

	return tmpl_get_bool(vm->o.tmpl, "IMPORTED", &imported) && imported;
}

bool vm_import_is_off(const struct vm *vm)
{
	return !strcmp(tmpl_text(vm->user, "IMPORT_STATE"), "POWEROFF");
}

bool vm_may_be_imported(const char *body)
{
	const char *id = strstr(body, "<DEPLOY_ID>"), *user;

	if (!id || id[strlen("<DEPLOY_ID>")] == '<')
		return false;
	user = strstr(id, "<USER_TEMPLATE>"); /* where it would be the user's own */
	return memmem(id, user ? (size_t)(user - id) : strlen(id), "<IMPORTED>", strlen("<IMPORTED>")) != NULL;
}

void vm_imported(struct txn *t, const int *ids, int n, struct smap *out)
{
	for (int i = 0; i < n; i++) {
		const struct version *v = txn_version(t, OBJ_VM, ids[i]);
		const struct vm *vm = v && v->index.parent && v->index.state != VM_DONE ? txn_read(t, OBJ_VM, ids[i]) : NULL;

		if (vm && vm_is_imported(vm))
			smap_put(out, vm->deploy_id, (void *)(intptr_t)(ids[i] + 1));
	}
}

enum one_rc vm_begin_import(struct vm_making *m)
{
	struct vm *vm = m->vm;
	const char *deploy_id = tmpl_text(vm->user, "DEPLOY_ID");
	struct smap imported = { 0 };
	int *ids, n;

	if (!*deploy_id)
		return ONE_OK;
	n = txn_ids(m->t, OBJ_VM, &ids);
	vm_imported(m->t, ids, n, &imported);
	if (smap_get(&imported, deploy_id))
		vm_fail(m, "Virtual Machine %s already imported.", deploy_id);
	smap_done(&imported);
	vm->state = VM_HOLD;
	return m->t->err.rc;
}

static bool is_own_deploy_id(const char *text)
{
	return !strncmp(text, "one-", 4) && text[4] && !text[4 + strspn(text + 4, "0123456789")];
}

enum one_rc vm_take_import(struct vm_making *m)
{
	struct vm *vm = m->vm;
	const char *deploy_id = vm_take_text(vm, "DEPLOY_ID");
	struct sql_value cols[2];

	if (!*deploy_id)
		return ONE_OK;
	if (is_own_deploy_id(deploy_id))
		return vm_fail(m, "Trying to import an OpenNebula VM: 'one-*'.");
	tmpl_add(vm->o.tmpl, "IMPORTED", "YES");
	vm->deploy_id = deploy_id;
	cols[0] = SQL_STR(deploy_id);
	cols[1] = SQL_INT(vm->o.id);
	txn_put(m->t, TABLE_VM_IMPORT, cols, 2);
	return ONE_OK;
}

void vm_forget_import(struct txn *t, const struct vm *vm)
{
	struct sql_value cols[2] = { SQL_STR(vm->deploy_id), SQL_INT(vm->o.id) };

	if (vm_is_imported(vm))
		txn_remove(t, TABLE_VM_IMPORT, cols, 2);
}
