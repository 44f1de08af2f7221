/* one_market_dummy: a market driver without a market, for tests and for trying things out. Imports get a source that doesn't exist, everything
 * succeeds at once, unless a directory of prepared answers says otherwise (vmm_dummy/script.h: market_import, market_delete,
 * market_monitor). What MONITOR answers is the file market_report there: a template, APP = base64 of an app. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/driver.h"
#include "common/xml.h"
#include "drivers/vmm_dummy/script.h"

#define MESSAGE_MAX (16u * 1024 * 1024)
#define REPORT_MAX (1024 * 1024)

struct dummy {
	const char *answers; /* directory; NULL: everything succeeds */
	bool keep;           /* imports go on for ever */
	pthread_mutex_t lock;
	unsigned turns[3];   /* by place in the table */
};

/* The template that is the answer; NULL: the message can't be read. */
typedef const char *(*info_fn)(struct driver_call *call, const struct xnode *message);

static const char *import_info(struct driver_call *call, const struct xnode *message)
{
	const struct xnode *img = xml_child(message, "IMAGE");
	if (!xml_child(message, "MARKETPLACEAPP") || !xml_child(message, "MARKETPLACE") || !img || !xml_child(message, "DATASTORE"))
		return NULL;
	return arena_printf(&call->arena, "SOURCE=\"dummy://app/%lld\"\nMD5=\"0123456789abcdef\"\nSIZE=\"%s\"\nFORMAT=\"%s\"", call->id,
			    xml_text_or(img, "SIZE", "0"), xml_text_or(img, "FORMAT", "raw"));
}

static const char *delete_info(struct driver_call *call, const struct xnode *message)
{
	const struct xnode *app = xml_child(message, "MARKETPLACEAPP");
	(void)call;
	return app && *xml_text_or(app, "SOURCE", "") ? "" : NULL;
}

/* What the file says. */
static const char *report(struct driver_call *call, const char *directory)
{
	FILE *f = fopen(arena_printf(&call->arena, "%s/market_report", directory), "re");
	char *text;
	size_t n;
	if (!f)
		return NULL;
	text = arena_alloc(&call->arena, REPORT_MAX);
	n = fread(text, 1, REPORT_MAX - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static const char *monitor_info(struct driver_call *call, const struct xnode *message)
{
	const struct dummy *dummy = call->ctx;
	const char *text = dummy->answers ? report(call, dummy->answers) : NULL;
	if (!xml_child(message, "MARKETPLACE"))
		return NULL;
	return text ? text : "TOTAL_MB=0\nFREE_MB=0\nUSED_MB=0";
}

static const struct row { const char *action, *file; info_fn info; } rows[] = {
	{ "IMPORT", "market_import", import_info },
	{ "DELETE", "market_delete", delete_info },
	{ "MONITOR", "market_monitor", monitor_info },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static size_t row_of(const char *action)
{
	size_t i = 0;
	while (i < ROWS - 1 && strcmp(rows[i].action, action) != 0)
		i++;
	return i;
}

static struct script_step next_step(struct dummy *dummy, size_t row)
{
	unsigned turn;
	if (!dummy->answers)
		return (struct script_step){ SCRIPT_SUCCESS, 0 };
	pthread_mutex_lock(&dummy->lock);
	turn = dummy->turns[row]++;
	pthread_mutex_unlock(&dummy->lock);
	return script_next(dummy->answers, rows[row].file, turn);
}

static const struct xnode *read_message(struct driver_call *call)
{
	struct one_err err = ONE_ERR_INIT;
	struct strbuf text = STRBUF_INIT;
	struct xnode *message = NULL;
	bool ok = base64_decode(call->payload, strlen(call->payload), &text) &&
		  !xml_parse(&call->arena, text.buf, text.len, XML_MAX_DEPTH, MESSAGE_MAX, &message, &err);
	strbuf_done(&text);
	return ok && !strcmp(message->name, "MARKET_DRIVER_ACTION_DATA") ? message : NULL;
}

static void succeed(struct driver_call *call, const char *info)
{
	struct strbuf answer = STRBUF_INIT;
	base64_encode(info, strlen(info), &answer);
	driver_success(call, answer.len ? answer.buf : "");
	strbuf_done(&answer);
}

static void run(struct driver_call *call)
{
	struct dummy *dummy = call->ctx;
	size_t row = row_of(call->action);
	const struct xnode *message = read_message(call);
	const char *info = message ? rows[row].info(call, message) : NULL;
	struct script_step step = next_step(dummy, row);
	if (dummy->keep && rows[row].info == import_info)
		return;
	if (step.delay_s) {
		struct pollfd cancelled = { .fd = driver_cancel_fd(call), .events = POLLIN };
		poll(&cancelled, 1, step.delay_s * 1000);
	}
	if (step.answer == SCRIPT_SUCCESS && info)
		succeed(call, info);
	else if (step.answer == SCRIPT_SUCCESS)
		driver_failure(call, "Wrong driver message format");
	else if (step.answer == SCRIPT_FAILURE)
		driver_failure(call, "%s fails as asked", rows[row].file);
}

static bool option(void *ctx, int opt, const char *arg)
{
	struct dummy *dummy = ctx;
	if (opt == 'd')
		dummy->answers = arg;
	else
		dummy->keep = opt == 'k';
	return opt == 'd' || opt == 'k';
}

int main(int argc, char **argv)
{
	struct dummy dummy = { .answers = getenv("ONE_DUMMY_ACTIONS_DIR"), .lock = PTHREAD_MUTEX_INITIALIZER };
	static const struct driver_action actions[] = { { "IMPORT", run }, { "DELETE", run }, { "MONITOR", run }, { NULL, NULL } };
	const struct driver_config config = {
		.name = "one_market_dummy",
		.help = "A market driver that keeps nothing, successfully.\n"
			"  -d DIRECTORY     prepared answers, a file an action (default: $ONE_DUMMY_ACTIONS_DIR)\n"
			"  -k               imports are never answered\n",
		.actions = actions,
		.threads = 4,
		.ctx = &dummy,
		.options = "d:k",
		.option = option,
	};
	return driver_main(&config, argc, argv);
}
