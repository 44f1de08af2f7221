/* The main loop. */
#include "scheduler/loop.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "common/log.h"
#include "common/timeutil.h"
#include "scheduler/cycle.h"

struct loop {
	const struct sched_conf *conf;
	struct connections *connections;
	struct events *events;
	int signal_fd;
	struct cycle cycle;
	struct loop_clock clock;
	bool away, met; /* oned did not answer (said once); it answered at least once */
	bool waiting;   /* VMs wait for room */
	bool stop;
};

int64_t loop_due_ms(const struct loop_clock *clock, int interval_ms)
{
	int64_t due = clock->last_start + interval_ms, rest = clock->last_end - clock->last_start;

	if (clock->failed) {
		int64_t again = clock->last_end + LOOP_AWAY_MS;

		return again < due ? again : due;
	}
	if (clock->retry_at < due)
		due = clock->retry_at;
	if (clock->wanted) {
		int64_t rested = clock->last_end + (rest < LOOP_REST_MS ? rest : LOOP_REST_MS);

		due = rested < due ? rested : due;
	}
	return due;
}

static void note_failure(struct loop *l, enum one_rc rc, const struct one_err *err)
{
	if (rc == ONE_AUTHENTICATION) {
		log_info("SCHED", "Trying to reinit the authentication");
		connections_reset(l->connections);
	}
	if (!l->away)
		log_error("SCHED", "Cannot contact oned, will retry... Error: %s", err->text);
	l->away = true;
}

static void run_cycle(struct loop *l)
{
	struct one_err err = ONE_ERR_INIT;
	struct cycle_result result = { 0 };
	enum one_rc rc;

	l->clock.wanted = false;
	l->clock.last_start = time_mono_ms();
	rc = connections_ready(l->connections, &err);
	if (rc == ONE_OK)
		rc = cycle_run(&l->cycle, &result, &err);
	if (rc != ONE_OK) {
		note_failure(l, rc, &err);
	} else {
		if (l->away || !l->met)
			log_info("SCHED", "oned successfully contacted.");
		l->away = false;
		l->met = true;
		l->waiting = result.waiting > 0;
		l->clock.wanted = result.left > 0;
	}
	l->clock.failed = rc != ONE_OK;
	l->clock.retry_at = rc == ONE_OK ? result.next_ms : INT64_MAX;
	l->clock.last_end = time_mono_ms();
}

static void take_signal(struct loop *l)
{
	struct signalfd_siginfo info;

	if (read(l->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		log_reopen();
	else
		l->stop = true;
}

/* Waits for what comes first: an event, a signal, or the time of the next cycle. */
static void wait_for_work(struct loop *l)
{
	int64_t left_ms = loop_due_ms(&l->clock, l->conf->interval_ms) - time_mono_ms();
	struct events_seen seen;

	events_wait(l->events, l->signal_fd, left_ms > 0 ? (int)left_ms : 0, &seen);
	if (seen.fd_ready)
		take_signal(l);
	if (seen.pending || (seen.freed && l->waiting))
		l->clock.wanted = true;
}

void loop_run(const struct sched_conf *conf, struct connections *connections, struct events *events,
	      int signal_fd)
{
	struct loop l = {
		.conf = conf, .connections = connections, .events = events, .signal_fd = signal_fd
	};
	struct api api = connections_api(connections);

	cycle_init(&l.cycle, conf, &api);
	while (!l.stop) {
		run_cycle(&l);
		do
			wait_for_work(&l);
		while (!l.stop && time_mono_ms() < loop_due_ms(&l.clock, conf->interval_ms));
	}
	cycle_done(&l.cycle);
}
