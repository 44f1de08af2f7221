/* The driver's side of the protocol: main() of every driver program.
 *
 * The main thread reads lines and puts each into the queue of its id. An id with work is in the ready list at
 * most once, and only while no worker runs it; so actions of one id keep their order and never overlap, while
 * `threads` ids run at once. Workers are started when they are first needed. */
#include "common/driver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/driver_impl.h"
#include "common/map.h"

#define THREADS_MAX 256
#define READ_CHUNK (64u * 1024)

/* Everything asked of one id and not finished. Lives as long as it has a job queued or running. */
struct id_queue {
	struct id_queue *next; /* in the ready list */
	long long id;
	struct driver_job *running;
	struct driver_job *first, *last; /* waiting */
};

struct driver {
	const struct driver_config *config;
	int out; /* the protocol's stdout; descriptor 1 itself is joined to stderr */
	pthread_mutex_t out_lock;

	pthread_mutex_t lock; /* all below */
	pthread_cond_t work;  /* something is ready, or stopping */
	pthread_cond_t idle;  /* nothing is left */
	struct imap ids;      /* id -> struct id_queue */
	struct id_queue *ready_first, *ready_last;
	pthread_t workers[THREADS_MAX];
	int n_ready;          /* length of the ready list */
	int threads, started, waiting;
	bool stopping, initialised;

	int argc;
	char **argv; /* what getopt left over */
	char *split_text, **split_words; /* of arguments that came as one */
};

/* ---- Answers ---- */

static void write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return; /* oned is gone; the end of stdin will tell */
		data += n;
		len -= (size_t)n;
	}
}

void driver_send(struct driver *d, const char *action, const char *status, long long id, const char *info)
{
	struct strbuf line = STRBUF_INIT;
	driver_format_reply(&line, action, status, id, info);
	pthread_mutex_lock(&d->out_lock);
	write_all(d->out, line.buf, line.len);
	pthread_mutex_unlock(&d->out_lock);
	strbuf_done(&line);
}

void driver_log(struct driver *d, char level, long long id, const char *text)
{
	char status[2] = { strchr("EWID", level) ? level : 'I', '\0' };
	driver_send(d, "LOG", status, id, text);
}

static struct driver_job *job_of(struct driver_call *call)
{
	return (struct driver_job *)call;
}

bool driver_cancelled(const struct driver_call *call)
{
	return atomic_load(&((const struct driver_job *)call)->cancelled);
}

int driver_cancel_fd(const struct driver_call *call)
{
	return ((const struct driver_job *)call)->cancel_fd;
}

static void answer(struct driver_call *call, const char *status, const char *info)
{
	if (atomic_exchange(&job_of(call)->answered, true) || driver_cancelled(call))
		return;
	driver_send(call->driver, call->action, status, call->id, info);
}

void driver_success(struct driver_call *call, const char *info)
{
	answer(call, "SUCCESS", info);
}

void driver_failure(struct driver_call *call, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	answer(call, "FAILURE", text.buf);
	strbuf_done(&text);
}

/* ---- Queues and workers ---- */

static void job_free(struct driver_job *job)
{
	arena_done(&job->call.arena);
	free(job->line);
	free(job);
}

static void ready_push(struct driver *d, struct id_queue *q)
{
	q->next = NULL;
	if (d->ready_last)
		d->ready_last->next = q;
	else
		d->ready_first = q;
	d->ready_last = q;
	d->n_ready++;
	pthread_cond_signal(&d->work);
}

static struct id_queue *ready_pop(struct driver *d)
{
	struct id_queue *q = d->ready_first;
	d->ready_first = q->next;
	if (!d->ready_first)
		d->ready_last = NULL;
	d->n_ready--;
	return q;
}

static void queue_done(struct driver *d, struct id_queue *q)
{
	imap_del(&d->ids, q->id);
	free(q);
	if (d->ids.n == 0)
		pthread_cond_signal(&d->idle);
}

/* The worker's job of that id ended: its next one becomes ready. With the lock held. */
static void job_ended(struct driver *d, struct id_queue *q)
{
	q->running = NULL;
	if (q->first)
		ready_push(d, q);
	else
		queue_done(d, q);
}

static struct driver_job *job_take(struct id_queue *q)
{
	struct driver_job *job = q->first;
	q->first = job->next;
	if (!q->first)
		q->last = NULL;
	q->running = job;
	return job;
}

static void *worker_main(void *arg)
{
	struct driver *d = arg;
	int cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_lock(&d->lock);
	for (;;) {
		d->waiting++;
		while (!d->ready_first && !d->stopping)
			pthread_cond_wait(&d->work, &d->lock);
		d->waiting--;
		if (!d->ready_first)
			break;
		struct id_queue *q = ready_pop(d);
		if (!q->first) { /* cancelled while it waited */
			queue_done(d, q);
			continue;
		}
		struct driver_job *job = job_take(q);
		eventfd_t drop;
		eventfd_read(cancel_fd, &drop);
		job->cancel_fd = cancel_fd;
		pthread_mutex_unlock(&d->lock);
		job->run(&job->call);
		pthread_mutex_lock(&d->lock);
		job_ended(d, q);
		job_free(job);
	}
	pthread_mutex_unlock(&d->lock);
	close(cancel_fd);
	return NULL;
}

static void start_worker(struct driver *d)
{
	if (d->n_ready <= d->waiting || d->started == d->threads)
		return;
	if (pthread_create(&d->workers[d->started], NULL, worker_main, d) == 0)
		d->started++;
	else
		assert(d->started > 0); /* with one worker it only gets slower */
}

static void job_enqueue(struct driver *d, struct driver_job *job)
{
	pthread_mutex_lock(&d->lock);
	struct id_queue *q = imap_get(&d->ids, job->call.id);
	bool is_new = !q;
	if (is_new) {
		q = xcalloc(1, sizeof(*q));
		q->id = job->call.id;
		imap_put(&d->ids, q->id, q);
	}
	if (q->last)
		q->last->next = job;
	else
		q->first = job;
	q->last = job;
	/* an id whose queue was emptied by a cancel is still in the ready list */
	if (is_new) {
		ready_push(d, q);
		start_worker(d);
	}
	pthread_mutex_unlock(&d->lock);
}

static void queue_drop_waiting(struct id_queue *q)
{
	while (q->first) {
		struct driver_job *job = q->first;
		q->first = job->next;
		job_free(job);
	}
	q->last = NULL;
}

static void queue_cancel(struct id_queue *q)
{
	queue_drop_waiting(q);
	if (q->running) {
		atomic_store(&q->running->cancelled, true);
		eventfd_write(q->running->cancel_fd, 1);
	}
}

static void cancel_id(struct driver *d, long long id)
{
	pthread_mutex_lock(&d->lock);
	struct id_queue *q = imap_get(&d->ids, id);
	bool found = q != NULL;
	if (found)
		queue_cancel(q);
	pthread_mutex_unlock(&d->lock);
	if (found)
		driver_log(d, 'I', id, "Driver command cancelled");
}

static void cancel_all(struct driver *d)
{
	size_t it = 0;
	int64_t id;
	void *q;
	while (imap_next(&d->ids, &it, &id, &q))
		queue_cancel(q);
}

/* What is queued and running gets DRIVER_END_MS, then it is cancelled. */
static void finish_work(struct driver *d)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += DRIVER_END_MS / 1000;
	pthread_mutex_lock(&d->lock);
	while (d->ids.n && pthread_cond_timedwait(&d->idle, &d->lock, &until) != ETIMEDOUT)
		continue;
	cancel_all(d);
	d->stopping = true;
	pthread_cond_broadcast(&d->work);
	pthread_mutex_unlock(&d->lock);
	for (int i = 0; i < d->started; i++)
		pthread_join(d->workers[i], NULL);
}

/* ---- Lines ---- */

static void answer_init(struct driver *d)
{
	const struct driver_config *config = d->config;
	struct one_err err = ONE_ERR_INIT;
	if (!d->initialised && config->init && config->init(config->ctx, d->argc, d->argv, &err) != ONE_OK) {
		driver_send(d, "INIT", "FAILURE", -1, err.text);
		return;
	}
	d->initialised = true;
	driver_send(d, "INIT", "SUCCESS", -1, "");
}

static const struct driver_action *find_action(const struct driver_config *config, const char *name)
{
	for (const struct driver_action *a = config->actions; a->name; a++)
		if (strcmp(a->name, name) == 0)
			return a;
	return NULL;
}

static void start_action(struct driver *d, char *line, const struct driver_msg *m)
{
	const struct driver_action *action = find_action(d->config, m->action);
	struct strbuf why = STRBUF_INIT;
	if (!d->initialised)
		strbuf_adds(&why, "The driver was not initialised");
	else if (!action)
		strbuf_addf(&why, "Action %.64s not supported by driver %s", m->action, d->config->name);
	if (why.len) {
		driver_send(d, m->action, "FAILURE", m->id, why.buf);
		strbuf_done(&why);
		free(line);
		return;
	}
	struct driver_job *job = xcalloc(1, sizeof(*job));
	job->line = line;
	job->run = action->run;
	job->call = (struct driver_call){ d, action->name, m->id, m->payload, ARENA_INIT, d->config->ctx };
	if (!d->config->ordered) {
		job_enqueue(d, job);
		return;
	}
	job->run(&job->call);
	job_free(job);
}

/* Takes a copy of the line. false: FINALIZE. */
static bool handle_line(struct driver *d, const char *text, size_t len)
{
	char *line = xmalloc(len + 1);
	memcpy(line, text, len);
	line[len] = '\0';
	struct driver_msg m;
	bool more = true;
	if (!driver_parse_request(line, &m)) {
		if (len)
			fprintf(stderr, "%s: not a message: %.100s\n", d->config->name, line);
	} else if (strcmp(m.action, "INIT") == 0) {
		answer_init(d);
	} else if (strcmp(m.action, "FINALIZE") == 0) {
		more = false;
	} else if (strcmp(m.action, "DRIVER_CANCEL") == 0) {
		cancel_id(d, m.id);
	} else {
		start_action(d, line, &m);
		return true;
	}
	free(line);
	return more;
}

struct reader {
	struct strbuf buf;
	size_t scanned;  /* no newline before this */
	bool skipping;   /* the rest of a line that was too long */
};

/* A line over the limit: its beginning says whom to tell, the rest is skipped. */
static void refuse_long_line(struct driver *d, struct reader *r)
{
	struct driver_msg m;
	strbuf_setlen(&r->buf, 256);
	if (!r->skipping && driver_parse_request(r->buf.buf, &m))
		driver_send(d, m.action, "FAILURE", m.id, "The message is too long");
	r->skipping = true;
	strbuf_reset(&r->buf);
	r->scanned = 0;
}

/* Handles the complete lines in the buffer. false: FINALIZE. */
static bool take_lines(struct driver *d, struct reader *r)
{
	size_t start = 0;
	bool more = true;
	char *nl;
	while (more && (nl = memchr(r->buf.buf + r->scanned, '\n', r->buf.len - r->scanned))) {
		size_t end = (size_t)(nl - r->buf.buf);
		if (r->skipping)
			r->skipping = false;
		else
			more = handle_line(d, r->buf.buf + start, end - start);
		start = r->scanned = end + 1;
	}
	size_t left = r->buf.len - start;
	if (start) {
		memmove(r->buf.buf, r->buf.buf + start, left);
		strbuf_setlen(&r->buf, left);
	}
	r->scanned = left;
	if (left > DRIVER_LINE_MAX)
		refuse_long_line(d, r);
	if (start && d->config->handled)
		d->config->handled(d->config->ctx);
	return more;
}

static volatile sig_atomic_t terminated;

static void on_term(int sig)
{
	(void)sig;
	terminated = 1;
}

static void read_requests(struct driver *d)
{
	struct reader r = { .buf = STRBUF_INIT };
	sigset_t unblocked;
	sigprocmask(SIG_SETMASK, NULL, &unblocked);
	sigdelset(&unblocked, SIGTERM);
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	while (!terminated) {
		/* SIGTERM is blocked but here, so it can't slip in between the test and the wait */
		if (ppoll(&in, 1, NULL, &unblocked) < 0)
			continue;
		strbuf_grow(&r.buf, READ_CHUNK);
		ssize_t n = read(STDIN_FILENO, r.buf.buf + r.buf.len, READ_CHUNK);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			break;
		r.buf.len += (size_t)n;
		r.buf.buf[r.buf.len] = '\0';
		if (!take_lines(d, &r))
			break;
	}
	strbuf_done(&r.buf);
}

/* ---- Start ---- */

static void print_help(const struct driver_config *config)
{
	printf("Usage: %s [OPTION...]\n%s%s", config->name, config->help ? config->help : "",
	       config->help && *config->help && config->help[strlen(config->help) - 1] != '\n' ? "\n" : "");
	if (config->ordered)
		printf("  -t, --threads N  is accepted for compatibility: actions run one after the other\n");
	else
		printf("  -t, --threads N  actions that run at the same time (default %d)\n", config->threads);
	printf("      --help       this text\n"
	       "  -V, --version    the version\n"
	       "Speaks OpenNebula's driver protocol on standard input and output; oned starts it.\n");
}

/* oned hands all arguments over as one string: split it at blanks. */
static void split_arguments(struct driver *d, int *argc, char ***argv)
{
	if (*argc != 2 || (*(*argv)[1] && !strpbrk((*argv)[1], " \t")))
		return;
	d->split_text = xstrdup((*argv)[1]);
	d->split_words = xcalloc(strlen(d->split_text) / 2 + 3, sizeof(char *));
	int n = 0;
	d->split_words[n++] = (*argv)[0];
	char *save = NULL;
	for (char *w = strtok_r(d->split_text, " \t", &save); w; w = strtok_r(NULL, " \t", &save))
		d->split_words[n++] = w;
	*argc = n;
	*argv = d->split_words;
}

bool driver_option_seconds(const char *arg, int *timeout_ms)
{
	char *end;
	long n = strtol(arg, &end, 10);
	if (end == arg || *end || n < 0 || n > 1000000)
		return false;
	*timeout_ms = (int)n * 1000;
	return true;
}

static bool parse_threads(struct driver *d, const char *arg)
{
	char *end;
	long n = strtol(arg, &end, 10);
	if (end == arg || *end || n < 1 || n > THREADS_MAX) {
		fprintf(stderr, "%s: -t: a number from 1 to %d is wanted\n", d->config->name, THREADS_MAX);
		return false;
	}
	d->threads = (int)n;
	return true;
}

#define LONG_OPTIONS_MAX 16

/* Ours and the program's, one after the other. */
static void join_long_options(const struct option *more, struct option all[LONG_OPTIONS_MAX])
{
	static const struct option ours[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'H' },
		{ "version", no_argument, NULL, 'V' },
	};
	size_t n = sizeof(ours) / sizeof(ours[0]);
	memcpy(all, ours, sizeof(ours));
	for (; more && more->name && n < LONG_OPTIONS_MAX - 1; more++)
		all[n++] = *more;
	memset(&all[n], 0, sizeof(all[n]));
}

/* -1: go on; otherwise the exit status. */
static int take_option(struct driver *d, int opt)
{
	const struct driver_config *config = d->config;
	switch (opt) {
	case 'H':
		print_help(config);
		return 0;
	case 'V':
		printf("%s (Perigee, OpenNebula 6.10 driver protocol)\n", config->name);
		return 0;
	case 't':
		return parse_threads(d, optarg) ? -1 : 2;
	case '?':
		break;
	default:
		if (config->option && config->option(config->ctx, opt, optarg))
			return -1;
		fprintf(stderr, "%s: the value of option -%c is not valid\n", config->name, opt);
	}
	fprintf(stderr, "Try '%s --help'.\n", config->name);
	return 2;
}

static int parse_options(struct driver *d, int argc, char **argv)
{
	const char *more = d->config->options ? d->config->options : "";
	bool own_h = strchr(more, 'h') != NULL;
	char *letters = xasprintf("t:V%s%s", own_h ? "" : "h", more);
	struct option long_options[LONG_OPTIONS_MAX];
	int status = -1, opt;
	join_long_options(d->config->long_options, long_options);
	split_arguments(d, &argc, &argv);
	optind = 1;
	while (status < 0 && (opt = getopt_long(argc, argv, letters, long_options, NULL)) != -1)
		status = take_option(d, opt == 'h' && !own_h ? 'H' : opt);
	free(letters);
	d->argc = argc - optind;
	d->argv = argv + optind;
	return status;
}

/* A stock oned closes our stderr before exec; a file opened later must not become descriptor 2. */
static void open_standard_fds(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* The protocol gets a descriptor of its own, so that no stray printf of a library can break a line. */
static void take_stdout(struct driver *d)
{
	d->out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(STDERR_FILENO, STDOUT_FILENO);
}

static void catch_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	struct sigaction term = { .sa_handler = on_term };
	sigaction(SIGTERM, &term, NULL);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void init_locks(struct driver *d)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->idle, &attr);
	pthread_cond_init(&d->work, NULL);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&d->lock, NULL);
	pthread_mutex_init(&d->out_lock, NULL);
}

int driver_main(const struct driver_config *config, int argc, char **argv)
{
	struct driver *d = xcalloc(1, sizeof(*d));
	d->config = config;
	d->threads = config->threads > 0 ? config->threads : 1;
	open_standard_fds();
	init_locks(d);
	int status = parse_options(d, argc, argv);
	if (status < 0) {
		catch_signals();
		take_stdout(d);
		if (config->attach)
			config->attach(config->ctx, d);
		read_requests(d);
		finish_work(d);
		if (config->finalize && d->initialised)
			config->finalize(config->ctx);
		close(d->out);
		status = 0;
	}
	imap_done(&d->ids);
	free(d->split_text);
	free(d->split_words);
	free(d);
	return status;
}
