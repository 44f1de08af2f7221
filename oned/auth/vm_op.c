#include "oned/auth/vm_op.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct { const char *key; enum auth_op right; } classes[] = {
	{ "VM_ADMIN_OPERATIONS", AUTH_ADMIN }, { "VM_MANAGE_OPERATIONS", AUTH_MANAGE }, { "VM_USE_OPERATIONS", AUTH_USE },
};
#define N_CLASSES (sizeof(classes) / sizeof(*classes))

static const char *const operations[] = {
	"migrate", "delete", "recover", "retry", "deploy", "resched", "backup", "restore", "undeploy", "poweroff", "reboot", "terminate",
	"hold", "release", "stop", "suspend", "resume", "disk-attach", "nic-attach", "disk-snapshot", "disk-resize", "disk-saveas", "resize",
	"update", "updateconf", "rename", "snapshot", "sched-action", "sg-attach", "pci-attach",
};

struct word { const char *text; size_t len; };

/* The next item between commas, without blanks around it; false at the end. Items with nothing in them are left out. */
static bool next_word(const char **at, struct word *w)
{
	while (**at) {
		const char *begin = *at, *end = begin + strcspn(begin, ",");

		*at = *end ? end + 1 : end;
		while (begin < end && isspace((unsigned char)*begin))
			begin++;
		while (end > begin && isspace((unsigned char)end[-1]))
			end--;
		*w = (struct word){ begin, (size_t)(end - begin) };
		if (w->len)
			return true;
	}
	return false;
}

static bool is_word(const struct word *w, const char *op)
{
	return strlen(op) == w->len && !strncasecmp(w->text, op, w->len);
}

static bool lists(const char *list, const char *op)
{
	struct word w;

	while (list && next_word(&list, &w))
		if (is_word(&w, op))
			return true;
	return false;
}

enum auth_op vm_op_in_template(const struct tmpl *t, const char *op)
{
	for (size_t i = 0; i < N_CLASSES; i++)
		if (lists(tmpl_get(t, classes[i].key), op))
			return classes[i].right;
	return 0;
}

enum auth_op vm_op_in_conf(const struct conf *conf, const char *op)
{
	for (size_t i = 0; i < N_CLASSES; i++)
		if (lists(conf_string(conf, classes[i].key), op))
			return classes[i].right;
	return 0;
}

static bool known(const struct word *w)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (is_word(w, operations[i]))
			return true;
	return false;
}

enum one_rc vm_op_check_template(const struct tmpl *t, struct one_err *err)
{
	struct word w;

	for (size_t i = 0; i < N_CLASSES; i++)
		for (const char *list = tmpl_get(t, classes[i].key); list && next_word(&list, &w);)
			if (!known(&w))
				return one_err_set(err, ONE_INTERNAL, "Unknown vm operation: %.*s", (int)w.len, w.text);
	return ONE_OK;
}
