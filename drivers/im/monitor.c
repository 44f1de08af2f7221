/* What onemonitord does with the messages of agents and monitor drivers (monitor.h). */
#include "drivers/im/monitor.h"

#include <string.h>

#include "common/log.h"
#include "common/timeutil.h"
#include "drivers/im/samples.h"

#define COMPLAINTS_MAX 20
#define COMPLAINTS_MS 60000

void monitor_send(struct monitor *m, const char *action, const char *status, long long host, const char *text)
{
	struct strbuf packed = STRBUF_INIT;
	driver_pack(text, strlen(text), &packed);
	m->send(m->ctx, action, status, host, packed.buf);
	strbuf_done(&packed);
}

static void on_vm_samples(struct monitor *m, const struct message *msg)
{
	struct strbuf merged = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	int bad = 0;
	if (samples_merge_vms(msg->text.buf, &merged, &bad, &err) != ONE_OK) {
		log_error("MDP", "Samples of VMs from host %lld: %s", msg->host, err.text);
		hosts_failed(m->hosts, msg->host, "Error parsing monitor information", time_now());
	} else if (m->with_samples && merged.len) {
		monitor_send(m, "MONITOR_VM", "-", msg->host, merged.buf);
	}
	if (bad)
		log_warn("MDP", "%d samples of VMs from host %lld cannot be read", bad, msg->host);
	strbuf_done(&merged);
}

static void on_host_sample(struct monitor *m, const struct message *msg)
{
	struct one_err err = ONE_ERR_INIT;
	if (samples_check(msg->text.buf, &err) != ONE_OK) {
		log_error("MDP", "The sample of host %lld: %s", msg->host, err.text);
		hosts_failed(m->hosts, msg->host, "Error parsing monitor information", time_now());
		return;
	}
	hosts_sampled(m->hosts, msg->host, time_now());
	if (m->with_samples)
		monitor_send(m, "MONITOR_HOST", "-", msg->host, msg->text.buf);
}

static void on_system(struct monitor *m, const struct message *msg)
{
	monitor_send(m, "HOST_SYSTEM", "SUCCESS", msg->host, msg->text.buf);
}

static void on_vm_states(struct monitor *m, const struct message *msg)
{
	monitor_send(m, "VM_STATE", "-", msg->host, msg->text.buf);
}

static void on_beacon(struct monitor *m, const struct message *msg)
{
	hosts_heard(m->hosts, msg->host, time_now());
}

static void handle(struct monitor *m, const struct message *msg);

static void first_message(void *ctx, struct message *msg)
{
	handle(ctx, msg);
}

static void on_started(struct monitor *m, const struct message *msg)
{
	struct one_err err = ONE_ERR_INIT;
	bool ok = samples_first_report(msg, first_message, m, &err) == ONE_OK;
	if (!ok)
		log_warn("MDP", "The first report of host %lld: %s", msg->host, err.text);
	hosts_started(m->hosts, msg->host, ok, "The answer to START_MONITOR cannot be read", time_now());
}

static void on_stopped(struct monitor *m, const struct message *msg)
{
	(void)m;
	log_debug("MDP", "Monitoring of host %lld stopped", msg->host);
}

static void on_log(struct monitor *m, const struct message *msg)
{
	enum log_level level = msg->level == 'E' ? LOG_L_ERROR : msg->level == 'W' ? LOG_L_WARNING
			     : msg->level == 'D' ? LOG_L_DEBUG : LOG_L_INFO;
	(void)m;
	log_msg(level, "MDP", "Host %lld: %s", msg->host, msg->text.buf);
}

static void failed_to_start(struct monitor *m, const struct message *msg)
{
	hosts_started(m->hosts, msg->host, false, msg->text.buf, time_now());
}

static void failed(struct monitor *m, const struct message *msg)
{
	hosts_failed(m->hosts, msg->host, msg->text.buf, time_now());
}

/* What VM probes say when they fail is no verdict on the host. */
static void failed_vms(struct monitor *m, const struct message *msg)
{
	(void)m;
	log_warn("MDP", "%s failed on host %lld: %s", message_type_names[msg->type], msg->host,
		 msg->text.buf);
}

/* clang-format off */
static const struct row {
	void (*success)(struct monitor *m, const struct message *msg);
	void (*failure)(struct monitor *m, const struct message *msg);
	bool from_network; /* agents may send it */
	bool in_order;     /* an older one than the last is dropped */
} rows[MESSAGE_TYPES] = {
	[MESSAGE_MONITOR_VM]    = { on_vm_samples,  failed_vms,      true,  true  },
	[MESSAGE_BEACON_HOST]   = { on_beacon,      failed,          true,  true  },
	[MESSAGE_MONITOR_HOST]  = { on_host_sample, failed,          true,  true  },
	[MESSAGE_SYSTEM_HOST]   = { on_system,      failed,          true,  true  },
	[MESSAGE_STATE_VM]      = { on_vm_states,   failed_vms,      true,  true  },
	[MESSAGE_START_MONITOR] = { on_started,     failed_to_start, false, false },
	[MESSAGE_STOP_MONITOR]  = { on_stopped,     failed_vms,      false, false },
	[MESSAGE_LOG]           = { on_log,         on_log,          false, false },
};
/* clang-format on */

static void handle(struct monitor *m, const struct message *msg)
{
	const struct row *row = &rows[msg->type];
	if (row->in_order && !hosts_accepts(m->hosts, msg))
		return;
	if (msg->ok)
		row->success(m, msg);
	else
		row->failure(m, msg);
}

static void complain(struct monitor *m, const char *text)
{
	int64_t now = time_mono_ms();
	if (now - atomic_load(&m->complaints_since_ms) > COMPLAINTS_MS) {
		atomic_store(&m->complaints_since_ms, now);
		atomic_store(&m->complaints, 0);
	}
	if (atomic_fetch_add(&m->complaints, 1) < COMPLAINTS_MAX)
		log_warn("MDP", "From the network: %s", text);
}

void monitor_network_line(struct monitor *m, char *line)
{
	struct driver_msg pieces;
	struct message msg;
	struct one_err err = ONE_ERR_INIT;
	if (!driver_parse_reply(line, &pieces)) {
		complain(m, "what is no message");
	} else if (message_read(&pieces, m->key, &msg, &err) != ONE_OK) {
		complain(m, err.text);
	} else {
		if (rows[msg.type].from_network)
			handle(m, &msg);
		else
			complain(m, "what only drivers may say");
		message_done(&msg);
	}
}

void monitor_driver_message(struct monitor *m, const char *mad, const struct driver_msg *pieces)
{
	struct message msg;
	struct one_err err = ONE_ERR_INIT;
	/* drivers run on this machine and speak to us alone: nothing is encrypted */
	if (message_read(pieces, NULL, &msg, &err) != ONE_OK) {
		log_warn("MDP", "From driver %s: %s", mad, err.text);
		return;
	}
	handle(m, &msg);
	message_done(&msg);
}
