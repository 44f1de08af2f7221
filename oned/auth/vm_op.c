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

/* Without the blanks around it. `item` is the text with them. */
struct word { const char *text; size_t len; const char *item; };

/* The next item between commas; false at the end. Nothing at all between two of them is no item, blanks alone are one. */
static bool next_word(const char **at, struct word *w)
{
	const char *begin, *end;

	*at += strspn(*at, ",");
	if (!**at)
		return false;
	w->item = begin = *at;
	*at = end = begin + strcspn(begin, ",");
	while (begin < end && isspace((unsigned char)*begin))
		begin++;
	while (end > begin && isspace((unsigned char)end[-1]))
		end--;
	w->text = begin;
	w->len = (size_t)(end - begin);
	return true;
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

static bool stands_before(const struct word *a, const struct word *b)
{
	size_t len_a = strcspn(a->item, ","), len_b = strcspn(b->item, ",");
	int order = memcmp(a->item, b->item, len_a < len_b ? len_a : len_b);

	return order ? order < 0 : len_a < len_b;
}

/* Of several that are unknown, the first in the alphabet is told. */
static enum one_rc check_list(const char *list, struct one_err *err)
{
	struct word w, told = { .text = NULL };
	char lower[128];
	size_t n = 0;

	while (list && next_word(&list, &w))
		if (!known(&w) && (!told.text || stands_before(&w, &told)))
			told = w;
	if (!told.text)
		return ONE_OK;
	for (; n < told.len && n < sizeof(lower) - 1; n++)
		lower[n] = (char)tolower((unsigned char)told.text[n]);
	return one_err_set(err, ONE_INTERNAL, "Unknown vm operation: %.*s", (int)n, lower);
}

enum one_rc vm_op_check_template(const struct tmpl *t, struct one_err *err)
{
	enum one_rc rc = ONE_OK;

	for (size_t i = 0; !rc && i < N_CLASSES; i++)
		rc = check_list(tmpl_get(t, classes[i].key), err);
	return rc;
}
