/* Kept connections and operations with deadlines; see hosts.h. */
#include "drivers/vmm_libvirt/hosts.h"

#include <poll.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "common/arena.h"
#include "common/timeutil.h"
#include "drivers/vmm_libvirt/virt.h"

struct host {
	pthread_mutex_t lock;    /* held while connecting */
	virConnectPtr conn;      /* our reference; NULL: none */
	atomic_uint attempts;    /* how often connecting was tried */
	struct one_err failed;   /* how the last attempt ended, when conn is NULL */
};

/* A copy of what was asked for, shared by the asking thread and the one that does it; the last of the two frees it. */
struct job {
	struct virt_op op;
	struct hosts *hosts;
	char *host;
	struct arena arena;
	atomic_int users;
	atomic_bool abandoned;
	pthread_mutex_t lock;    /* of finished against abandoned */
	bool finished;
	int done_fd;
	enum one_rc rc;
	struct one_err err;
	struct strbuf out;
};

void hosts_init(struct hosts *h, const char *local_uri, const char *remote_uri)
{
	*h = (struct hosts){ .by_name = SMAP_INIT, .local_uri = local_uri, .remote_uri = remote_uri };
	pthread_mutex_init(&h->lock, NULL);
}

void hosts_done(struct hosts *h)
{
	const char *name;
	size_t it = 0;
	void *val;

	while (smap_next(&h->by_name, &it, &name, &val)) {
		struct host *host = val;
		if (host->conn != NULL)
			virConnectClose(host->conn);
		pthread_mutex_destroy(&host->lock);
		free(host);
	}
	smap_done(&h->by_name);
	pthread_mutex_destroy(&h->lock);
}

bool host_is_local(const char *host)
{
	char own[256] = "";

	if (strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0)
		return true;
	return gethostname(own, sizeof(own) - 1) == 0 && strcasecmp(host, own) == 0;
}

bool host_name_ok(const char *host)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";

	return *host != '\0' && *host != '-' && host[strspn(host, letters)] == '\0' && strlen(host) < 256;
}

void hosts_uri(const struct hosts *h, const char *host, struct strbuf *out)
{
	const char *pattern = host_is_local(host) ? h->local_uri : h->remote_uri;
	const char *at = strstr(pattern, "%h");

	if (at == NULL) {
		strbuf_adds(out, pattern);
		return;
	}
	strbuf_add(out, pattern, (size_t)(at - pattern));
	strbuf_adds(out, host);
	strbuf_adds(out, at + 2);
}

static struct host *get_host(struct hosts *h, const char *name)
{
	pthread_mutex_lock(&h->lock);
	struct host *host = smap_get(&h->by_name, name);
	if (host == NULL) {
		host = xcalloc(1, sizeof(*host));
		pthread_mutex_init(&host->lock, NULL);
		smap_put(&h->by_name, name, host);
	}
	pthread_mutex_unlock(&h->lock);
	return host;
}

/* Connects unless it is; with host->lock held. */
static enum one_rc connect_host(struct hosts *h, struct host *host, const char *name, struct one_err *err)
{
	struct strbuf uri = STRBUF_INIT;

	if (host->conn != NULL && virConnectIsAlive(host->conn) == 1)
		return ONE_OK;
	if (host->conn != NULL)
		virConnectClose(host->conn);
	host->conn = NULL;
	hosts_uri(h, name, &uri);
	atomic_fetch_add(&host->attempts, 1);
	enum one_rc rc = virt_open(uri.buf, &host->conn, err);
	if (rc != ONE_OK) {
		one_err_prefix(err, "Host %s: ", name);
		host->failed = *err;
	}
	strbuf_done(&uri);
	return rc;
}

/* A reference of the caller's own. Those who waited while another failed to connect fail with it, rather than trying a
 * dead host one after the other. */
static enum one_rc take_connection(struct hosts *h, const char *name, virConnectPtr *out, struct one_err *err)
{
	struct host *host = get_host(h, name);
	unsigned before = atomic_load(&host->attempts);
	enum one_rc rc;

	pthread_mutex_lock(&host->lock);
	if (host->conn == NULL && atomic_load(&host->attempts) != before)
		rc = one_err_set(err, host->failed.rc, "%s", host->failed.text);
	else
		rc = connect_host(h, host, name, err);
	if (rc == ONE_OK) {
		virConnectRef(host->conn);
		*out = host->conn;
	}
	pthread_mutex_unlock(&host->lock);
	return rc;
}

/* Somebody hangs on this connection: the next one gets a new one. Not waited for: who holds the lock is connecting anew. */
static void forget_connection(struct hosts *h, const char *name)
{
	struct host *host = get_host(h, name);

	if (pthread_mutex_trylock(&host->lock) != 0)
		return;
	if (host->conn != NULL)
		virConnectClose(host->conn);
	host->conn = NULL;
	pthread_mutex_unlock(&host->lock);
}

static void job_unref(struct job *j)
{
	if (atomic_fetch_sub(&j->users, 1) != 1)
		return;
	close(j->done_fd);
	pthread_mutex_destroy(&j->lock);
	strbuf_done(&j->out);
	arena_done(&j->arena);
	free(j->host);
	free(j);
}

static enum one_rc connect_and_run(struct job *j, virConnectPtr *c)
{
	virConnectPtr to = NULL;
	enum one_rc rc = take_connection(j->hosts, j->host, c, &j->err);

	if (rc == ONE_OK && j->op.to_host != NULL)
		rc = take_connection(j->hosts, j->op.to_host, &to, &j->err);
	/* Connecting can take long; who has gone away meanwhile must not be surprised by it happening after all. */
	if (rc == ONE_OK && atomic_load(&j->abandoned))
		rc = one_err_set(&j->err, ONE_ACTION, "Given up");
	if (rc == ONE_OK)
		rc = j->op.run(&j->op, *c, to, &j->out, &j->err);
	if (to != NULL)
		virConnectClose(to);
	return rc;
}

static void *job_main(void *arg)
{
	struct job *j = arg;
	virConnectPtr c = NULL;
	enum one_rc rc = connect_and_run(j, &c);

	pthread_mutex_lock(&j->lock);
	bool late = atomic_load(&j->abandoned);
	j->rc = rc;
	j->finished = true;
	pthread_mutex_unlock(&j->lock);
	eventfd_write(j->done_fd, 1);
	if (late && rc == ONE_OK && j->op.late != NULL)
		j->op.late(&j->op, c);
	if (c != NULL)
		virConnectClose(c);
	job_unref(j);
	return NULL;
}

static struct job *job_new(struct hosts *h, const char *host, const struct virt_op *op)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->op = *op;
	j->hosts = h;
	j->host = xstrdup(host);
	arena_init(&j->arena);
	j->op.id = arena_strdup(&j->arena, op->id);
	j->op.text = arena_strdup(&j->arena, op->text);
	j->op.text2 = arena_strdup(&j->arena, op->text2);
	j->op.to_host = arena_strdup(&j->arena, op->to_host);
	j->op.stop = &j->abandoned;
	atomic_init(&j->users, 2);
	pthread_mutex_init(&j->lock, NULL);
	j->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	j->err = (struct one_err)ONE_ERR_INIT;
	strbuf_init(&j->out);
	return j;
}

enum job_end { JOB_DONE, JOB_TIMEOUT, JOB_CANCELLED };

static enum job_end job_wait(struct job *j, int timeout_ms, int cancel_fd)
{
	int64_t deadline = time_mono_ms() + timeout_ms;
	enum job_end end = JOB_TIMEOUT;

	for (int64_t left = timeout_ms; left > 0; left = deadline - time_mono_ms()) {
		struct pollfd fds[] = { { j->done_fd, POLLIN, 0 }, { cancel_fd, POLLIN, 0 } };
		if (poll(fds, 2, (int)left) <= 0)
			continue;
		end = fds[0].revents != 0 ? JOB_DONE : JOB_CANCELLED;
		break;
	}
	pthread_mutex_lock(&j->lock);
	if (j->finished)
		end = JOB_DONE;
	else
		atomic_store(&j->abandoned, true);
	pthread_mutex_unlock(&j->lock);
	return end;
}

static enum one_rc job_result(struct job *j, enum job_end end, int timeout_ms, struct strbuf *out, struct one_err *err)
{
	switch (end) {
	case JOB_DONE:
		if (j->rc != ONE_OK)
			return one_err_set(err, j->rc, "%s", j->err.text);
		if (out != NULL)
			strbuf_add(out, j->out.buf, j->out.len);
		return ONE_OK;
	case JOB_TIMEOUT:
		return one_err_set(err, ONE_ACTION, "Host %s: no answer from the hypervisor within %d s", j->host,
				   timeout_ms / 1000);
	case JOB_CANCELLED:
		return one_err_set(err, ONE_ACTION, "Cancelled");
	}
	return ONE_INTERNAL;
}

enum one_rc hosts_run(struct hosts *h, const char *host, const struct virt_op *op, int timeout_ms, int cancel_fd,
		      struct strbuf *out, struct one_err *err)
{
	pthread_t thread;

	if (!host_name_ok(host) || (op->to_host != NULL && !host_name_ok(op->to_host)))
		return one_err_set(err, ONE_ACTION, "'%s' is not the name of a host", host);
	struct job *j = job_new(h, host, op);
	int failed = pthread_create(&thread, NULL, job_main, j);
	if (failed != 0) {
		job_unref(j);
		job_unref(j);
		return one_err_set(err, ONE_ACTION, "Cannot start a thread: %s", strerror(failed));
	}
	pthread_detach(thread);
	enum job_end end = job_wait(j, timeout_ms, cancel_fd);
	if (end == JOB_TIMEOUT)
		forget_connection(h, host);
	enum one_rc rc = job_result(j, end, timeout_ms, out, err);
	job_unref(j);
	return rc;
}
