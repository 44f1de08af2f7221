/* The scheduler's life: cycles by event and by interval, until it is told to end. */
#ifndef SCHEDULER_LOOP_H
#define SCHEDULER_LOOP_H

#include <stdbool.h>
#include "scheduler/api.h"
#include "scheduler/events.h"
#include "scheduler/sched_conf.h"

/* Where no oned answers, it is asked again after that long, if SCHED_INTERVAL isn't shorter. */
#define LOOP_AWAY_MS 2000
/* A cycle that an event asks for starts at once, but the scheduler rests as long as the cycle before took, at
 * most this. */
#define LOOP_REST_MS 500

/* When the next cycle is due: a function of what happened, for the loop and its tests. Times in ms. */
struct loop_clock {
	int64_t last_start, last_end; /* of the cycle before */
	int64_t retry_at;             /* INT64_MAX: nobody waits for another try */
	bool failed;                  /* oned did not answer */
	bool wanted;                  /* an event asked for a cycle */
};

int64_t loop_due_ms(const struct loop_clock *clock, int interval_ms);

/* Runs until signal_fd (a signalfd) gives SIGTERM or SIGINT; SIGHUP opens the log anew. */
void loop_run(const struct sched_conf *conf, struct connections *connections, struct events *events,
	      int signal_fd);

#endif
