/* one_vmm_dummy: a hypervisor driver without a hypervisor. Every action succeeds at once, unless a
 * directory of prepared answers says otherwise (script.h). For tests and for trying things out. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <poll.h>
#include <string.h>

#include "common/crypto.h"
#include "common/driver.h"
#include "common/xml.h"
#include "drivers/vmm_dummy/script.h"

#define MESSAGE_MAX (16u * 1024 * 1024)
#define ACTIONS_MAX 32

struct dummy {
	const char *answers; /* directory; NULL: everything succeeds */
	pthread_mutex_t lock;
	unsigned turns[ACTIONS_MAX]; /* by place in the table */
};

typedef const char *(*info_fn)(struct driver_call *call, const struct xnode *message);

static const char *deploy_id(struct driver_call *call, const struct xnode *message)
{
	const struct xnode *vm = xml_child(message, "VM");
	return arena_printf(&call->arena, "%s:%s:dummy", xml_text_or(message, "HOST", ""),
			    vm ? xml_text_or(vm, "NAME", "") : "");
}

static const char *security_group(struct driver_call *call, const struct xnode *message)
{
	(void)call;
	return xml_text_or(message, "SECURITY_GROUP_ID", "");
}

static const char *virtual_network(struct driver_call *call, const struct xnode *message)
{
	(void)call;
	return xml_text_or(message, "VIRTUAL_NETWORK_ID", "");
}

static const char *snapshot_name(struct driver_call *call, const struct xnode *message)
{
	(void)call;
	(void)message;
	return "dummy-snap";
}

static const char *backup_id(struct driver_call *call, const struct xnode *message)
{
	(void)call;
	(void)message;
	return "dummy-backup-id 1024";
}

/* clang-format off */
static const struct row { const char *action, *file; info_fn info; bool reads_message; } rows[] = {
	{ "DEPLOY",             "deploy",               deploy_id,       true },
	{ "SHUTDOWN",           "shutdown",             NULL,            false },
	{ "REBOOT",             "reboot",               NULL,            false },
	{ "RESET",              "reset",                NULL,            false },
	{ "CANCEL",             "cancel",               NULL,            false },
	{ "SAVE",               "save",                 NULL,            false },
	{ "RESTORE",            "restore",              NULL,            false },
	{ "MIGRATE",            "migrate",              NULL,            false },
	{ "ATTACHDISK",         "attach_disk",          NULL,            false },
	{ "DETACHDISK",         "detach_disk",          NULL,            false },
	{ "ATTACHNIC",          "attach_nic",           NULL,            false },
	{ "DETACHNIC",          "detach_nic",           NULL,            false },
	{ "SNAPSHOTCREATE",     "snapshot_create",      snapshot_name,   false },
	{ "SNAPSHOTREVERT",     "snapshot_revert",      NULL,            false },
	{ "SNAPSHOTDELETE",     "snapshot_delete",      NULL,            false },
	{ "DISKSNAPSHOTCREATE", "disk_snapshot_create", snapshot_name,   false },
	{ "CLEANUP",            "cleanup",              NULL,            false },
	{ "RESIZEDISK",         "resize_disk",          NULL,            false },
	{ "RESIZE",             "resize",               NULL,            false },
	{ "UPDATESG",           "update_sg",            security_group,  true },
	{ "UPDATECONF",         "update_conf",          NULL,            false },
	{ "UPDATENIC",          "update_nic",           virtual_network, true },
	{ "BACKUP",             "backup",               backup_id,       false },
	{ "BACKUPCANCEL",       "backup_cancel",        NULL,            false },
};
/* clang-format on */
#define ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROWS <= ACTIONS_MAX, "a counter for each action");

static size_t row_of(const char *action)
{
	size_t i = 0;
	while (i < ROWS && strcmp(rows[i].action, action) != 0)
		i++;
	return i;
}

static struct script_step next_step(struct dummy *dummy, size_t row)
{
	if (!dummy->answers)
		return (struct script_step){ SCRIPT_SUCCESS, 0 };
	pthread_mutex_lock(&dummy->lock);
	unsigned turn = dummy->turns[row]++;
	pthread_mutex_unlock(&dummy->lock);
	return script_next(dummy->answers, rows[row].file, turn);
}

/* false: the message can't be read; the call is answered. */
static bool read_message(struct driver_call *call, struct xnode **message)
{
	struct one_err err = ONE_ERR_INIT;
	struct strbuf text = STRBUF_INIT;
	bool ok = base64_decode(call->payload, strlen(call->payload), &text) &&
		  xml_parse(&call->arena, text.buf, text.len, XML_MAX_DEPTH, MESSAGE_MAX, message, &err) ==
			  ONE_OK;
	strbuf_done(&text);
	if (!ok)
		driver_failure(call, "Cannot read the message of %s: %s", call->action,
			       *err.text ? err.text : "not base64");
	return ok;
}

static void run(struct driver_call *call)
{
	size_t row = row_of(call->action);
	struct xnode *message = NULL;
	if (rows[row].reads_message && !read_message(call, &message))
		return;
	struct script_step step = next_step(call->ctx, row);
	if (step.delay_s) {
		struct pollfd cancelled = { .fd = driver_cancel_fd(call), .events = POLLIN };
		poll(&cancelled, 1, step.delay_s * 1000);
	}
	switch (step.answer) {
	case SCRIPT_SUCCESS:
		driver_success(call, rows[row].info ? rows[row].info(call, message) : "");
		break;
	case SCRIPT_FAILURE:
		driver_failure(call, "%s fails as asked", rows[row].file);
		break;
	case SCRIPT_SILENCE:
		break;
	}
}

static bool option(void *ctx, int opt, const char *arg)
{
	struct dummy *dummy = ctx;
	if (opt != 'd')
		return false;
	dummy->answers = arg;
	return true;
}

int main(int argc, char **argv)
{
	struct dummy dummy = { .answers = getenv("ONE_DUMMY_ACTIONS_DIR"),
			       .lock = PTHREAD_MUTEX_INITIALIZER };
	struct driver_action actions[ROWS + 1];
	for (size_t i = 0; i < ROWS; i++)
		actions[i] = (struct driver_action){ rows[i].action, run };
	actions[ROWS] = (struct driver_action){ NULL, NULL };
	const struct driver_config config = {
		.name = "one_vmm_dummy",
		.help = "A hypervisor driver that does nothing, successfully.\n"
			"  -d DIRECTORY     prepared answers, a file an action (default: $ONE_DUMMY_ACTIONS_DIR)\n",
		.actions = actions,
		.threads = 15,
		.ctx = &dummy,
		.options = "d:",
		.option = option,
	};
	return driver_main(&config, argc, argv);
}
