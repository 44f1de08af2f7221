/* One libvirt connection a host, kept, and every operation over it with a deadline.
 *
 * libvirt's calls cannot be interrupted. So each runs in a thread of its own, and the one who asked stops waiting at the
 * deadline (or when cancelled). An operation that ends well after nobody waited for it any more is told so (`late`) and can
 * take back what it did; the connection is given up meanwhile, so that the next one doesn't queue behind a dead host. */
#ifndef VMM_LIBVIRT_HOSTS_H
#define VMM_LIBVIRT_HOSTS_H

#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdatomic.h>
#include "common/err.h"
#include "common/map.h"
#include "common/strbuf.h"

struct hosts {
	pthread_mutex_t lock;   /* of the map */
	struct smap by_name;    /* struct host */
	const char *local_uri;  /* for this machine */
	const char *remote_uri; /* for others; %h stands for the host's name */
};

/* The strings stay the caller's and must outlive it. */
void hosts_init(struct hosts *h, const char *local_uri, const char *remote_uri);
/* Nothing may run any more. */
void hosts_done(struct hosts *h);
/* Is this the machine we run on? */
bool host_is_local(const char *host);
/* The letters of host names and addresses only, and no option ("-x"). */
bool host_name_ok(const char *host);
/* Appends the URI to connect to. */
void hosts_uri(const struct hosts *h, const char *host, struct strbuf *out);

/* One operation: what to do and the values it needs. hosts_run() copies it, texts included. */
struct virt_op {
	enum one_rc (*run)(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err);
	void (*late)(const struct virt_op *op, virConnectPtr c); /* may be NULL */
	const char *id;      /* deploy id */
	const char *text;    /* XML, path or name, as the operation needs */
	const char *text2;
	const char *to_host; /* of a migration: `to` is the connection to it; else NULL */
	long long number, number2;
	bool flag, flag2;
	const atomic_bool *stop; /* set once nobody waits any more; given by hosts_run() */
};

/* Runs op on the host. ONE_ACTION: it failed, timeout_ms passed or cancel_fd (-1: none) became readable.
 * `out` (may be NULL) gets what the operation says. */
enum one_rc hosts_run(struct hosts *h, const char *host, const struct virt_op *op, int timeout_ms, int cancel_fd,
		      struct strbuf *out, struct one_err *err);

#endif
