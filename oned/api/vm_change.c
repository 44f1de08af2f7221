/* Changes of a VM that may reach its running domain: one.vm.resize, one.vm.updateconf. */
#include "oned/api/infra.h"
#include "oned/api/restricted.h"
#include "oned/api/vm_api.h"
#include "oned/lifecycle/vm_change.h"
#include "oned/objects/vm_conf.h"

/* id:i template:s enforce:b=true; whether there is room on the host is looked at in any case, as OpenNebula does. */
static void vm_resize_method(struct txn *t, struct call *c)
{
	struct one_err err = ONE_ERR_INIT;
	struct vm_size asked;
	struct vm *vm;

	if (!infra_may_set(t, c, OBJ_VM, c->prepared, "Template"))
		return;
	if (vm_size_asked(c->prepared, &asked, &err)) {
		txn_fail(t, err.rc, "%s", err.text);
		return;
	}
	vm = txn_edit(t, OBJ_VM, call_int(c, 0));
	if (vm && !vm_import_allows(t, vm, "resize") && !vm_resize(t, vm, &asked))
		call_ok_int(c, vm->o.id);
}

static enum one_rc prepare_updateconf(struct call *c, struct one_err *err)
{
	struct tmpl *given = tmpl_new(&c->arena);

	if (api_check_append(c, 2, err) || tmpl_parse(given, call_str(c, 1), err))
		return err->rc;
	c->prepared = vm_conf_asked(&c->arena, given);
	return ONE_OK;
}

/* id:i template:s append:i=0 */
static void vm_updateconf(struct txn *t, struct call *c)
{
	struct vm *vm = txn_edit(t, OBJ_VM, call_int(c, 0));
	bool append = call_int(c, 2) == 1;
	struct one_err err = ONE_ERR_INIT;

	if (!vm || vm_import_allows(t, vm, "updateconf"))
		return;
	if (!c->who.admin && restricted_check_conf(txn_conf(t), vm->o.tmpl, c->prepared, append, &err)) {
		txn_fail(t, err.rc, "%s", err.text);
		return;
	}
	if (!vm_configure(t, vm, &c->who, c->prepared, append, vm_may_use_file, c))
		call_ok_int(c, vm->o.id);
}

const struct method vm_change_methods[] = {
	/* clang-format off */
	{ .name = "one.vm.resize", .params = "id:i template:s enforce:b=true", .object = OBJ_VM, .right = AUTH_MANAGE,
	  .flags = M_OP_CLASS | M_PARSE_FIRST, .op_class = "resize", .prepare = api_prepare_template1, .write = vm_resize_method,
	  .doc = "Gives a VM another CPU, MEMORY, VCPU; a running one where its driver can." },
	{ .name = "one.vm.updateconf", .params = "id:i template:s append:i=0", .object = OBJ_VM, .right = AUTH_MANAGE,
	  .flags = M_OP_CLASS | M_PARSE_FIRST, .op_class = "updateconf", .prepare = prepare_updateconf, .write = vm_updateconf,
	  .doc = "Replaces OS, FEATURES, INPUT, GRAPHICS, VIDEO, RAW, CPU_MODEL, BACKUP_CONFIG and CONTEXT, or changes what is named." },
	{ .name = NULL },
	/* clang-format on */
};
