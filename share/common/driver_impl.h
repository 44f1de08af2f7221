/* What the two halves of the driver runtime share: driver_main.c (queues, workers, answers) and
 * driver_script.c (running scripts). For these two only. */
#ifndef COMMON_DRIVER_IMPL_H
#define COMMON_DRIVER_IMPL_H

#include <stdatomic.h>
#include "common/driver.h"

/* One request, from the line to its answer. */
struct driver_job {
	struct driver_call call; /* first: a call is part of a job */
	struct driver_job *next; /* of the same id */
	char *line;              /* owns what call's strings point to */
	void (*run)(struct driver_call *call);
	int cancel_fd;           /* eventfd of the worker, readable once cancelled */
	atomic_bool cancelled, answered;
};

#endif
