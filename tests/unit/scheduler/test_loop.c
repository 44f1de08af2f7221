/* Tests of the main loop: when the next cycle is due, and the whole scheduler over HTTP and ZeroMQ. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xmlrpc-c/base.h>
#include <zmq.h>

#include "common/timeutil.h"
#include "scheduler/loop.h"
#include "tests/lib/tsan_zmq.h"
#include "tests/unit/scheduler/fake_oned.h"

#define NEVER INT64_MAX

static void a_cycle_is_due_after_the_interval(void **state)
{
	(void)state;
	struct loop_clock clock = { .last_start = 1000, .last_end = 1200, .retry_at = NEVER };

	assert_true(loop_due_ms(&clock, 15000) == 16000);
}

static void an_event_makes_it_due_after_a_rest_as_long_as_the_cycle(void **state)
{
	(void)state;
	struct loop_clock clock = { .last_start = 1000, .last_end = 1200, .retry_at = NEVER, .wanted = true };

	assert_true(loop_due_ms(&clock, 15000) == 1400);
	assert_true(loop_due_ms(&clock, 300) == 1300);
	clock.last_end = 9000;
	assert_true(loop_due_ms(&clock, 15000) == 9000 + LOOP_REST_MS);
}

static void a_vm_that_may_be_tried_again_makes_it_due(void **state)
{
	(void)state;
	struct loop_clock clock = { .last_start = 1000, .last_end = 1200, .retry_at = 3000 };

	assert_true(loop_due_ms(&clock, 15000) == 3000);
	assert_true(loop_due_ms(&clock, 500) == 1500);
}

static void an_oned_that_is_away_is_asked_again_soon_but_not_for_each_event(void **state)
{
	(void)state;
	struct loop_clock clock = {
		.last_start = 1000, .last_end = 1200, .retry_at = NEVER, .failed = true, .wanted = true
	};

	assert_true(loop_due_ms(&clock, 15000) == 1200 + LOOP_AWAY_MS);
	assert_true(loop_due_ms(&clock, 1000) == 2000);
}

/* ---- over HTTP and ZeroMQ ---- */

#define MAX_CALL (1 << 20)

struct http {
	struct fake_oned *oned;
	int listener, port;
	pthread_t thread;
};

struct http_peer {
	struct fake_oned *oned;
	int fd;
};

/* Reads one request into buf; returns where its body begins, NULL when the peer is gone. */
static char *read_request(int fd, char *buf)
{
	size_t have = 0, want = 0;
	char *body = NULL;

	for (;;) {
		ssize_t n = read(fd, buf + have, MAX_CALL - 1 - have);

		if (n <= 0)
			return NULL;
		have += (size_t)n;
		buf[have] = '\0';
		if (!body && (body = strstr(buf, "\r\n\r\n"))) {
			char *length = strcasestr(buf, "content-length:");

			body += 4;
			want = length ? strtoul(length + 15, NULL, 10) : 0;
		}
		if (body && have >= (size_t)(body - buf) + want)
			return body;
	}
}

static int read_args(xmlrpc_env *env, xmlrpc_value *params, struct rpc_arg *args, int max)
{
	int n = 0;

	for (int i = 1; i < xmlrpc_array_size(env, params) && n < max - 1; i++) { /* 0 is the session */
		xmlrpc_value *v = NULL;
		xmlrpc_bool yes = 0;
		int number = 0;
		const char *s = NULL;

		xmlrpc_array_read_item(env, params, (unsigned int)i, &v);
		switch ((int)xmlrpc_value_type(v)) {
		case XMLRPC_TYPE_INT:
			xmlrpc_read_int(env, v, &number);
			args[n++] = RPC_INT(number);
			break;
		case XMLRPC_TYPE_BOOL:
			xmlrpc_read_bool(env, v, &yes);
			args[n++] = RPC_BOOL(yes);
			break;
		default:
			xmlrpc_read_string(env, v, &s);
			args[n++] = RPC_STR(s);
		}
		xmlrpc_DECREF(v);
	}
	args[n] = RPC_END;
	return n;
}

static void answer(struct http_peer *peer, const char *body)
{
	struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	struct rpc_arg args[8];
	const char *method = NULL;
	xmlrpc_value *params = NULL, *result;
	xmlrpc_mem_block *xml;
	xmlrpc_env env;
	int n;

	xmlrpc_env_init(&env);
	xmlrpc_parse_call(&env, body, strlen(body), &method, &params);
	n = read_args(&env, params, args, 8);
	if (fake_call(peer->oned, 0, method, args, &text, NULL, &err) == ONE_OK)
		result = xmlrpc_build_value(&env, "(bsi)", 1, text.buf, 0);
	else
		result = xmlrpc_build_value(&env, "(bsi)", 0, err.text, (xmlrpc_int32)err.rc);
	xml = XMLRPC_MEMBLOCK_NEW(char, &env, 0);
	xmlrpc_serialize_response(&env, xml, result);
	strbuf_addf(&out, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n\r\n",
		    XMLRPC_MEMBLOCK_SIZE(char, xml));
	strbuf_add(&out, XMLRPC_MEMBLOCK_CONTENTS(char, xml), XMLRPC_MEMBLOCK_SIZE(char, xml));
	if (write(peer->fd, out.buf, out.len) < 0)
		abort();
	XMLRPC_MEMBLOCK_FREE(char, xml);
	xmlrpc_DECREF(result);
	xmlrpc_DECREF(params);
	for (int i = 0; i < n; i++)
		if (args[i].type == RPC_ARG_STRING)
			free((void *)(uintptr_t)args[i].s);
	free((void *)(uintptr_t)method);
	xmlrpc_env_clean(&env);
	strbuf_done(&text);
	strbuf_done(&out);
}

static void *serve_peer(void *arg)
{
	struct http_peer *peer = arg;
	char *buf = xmalloc(MAX_CALL), *body;

	while ((body = read_request(peer->fd, buf)))
		answer(peer, body);
	close(peer->fd);
	free(buf);
	free(peer);
	return NULL;
}

static void *serve(void *arg)
{
	struct http *h = arg;
	pthread_t peers[64];
	int n = 0, fd;

	while (n < 64 && (fd = accept(h->listener, NULL, NULL)) >= 0) {
		struct http_peer *peer = xcalloc(1, sizeof(*peer));

		peer->oned = h->oned;
		peer->fd = fd;
		if (pthread_create(&peers[n++], NULL, serve_peer, peer) != 0)
			abort();
	}
	while (n > 0)
		pthread_join(peers[--n], NULL);
	return NULL;
}

static void http_open(struct http *h, struct fake_oned *oned)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);

	h->oned = oned;
	h->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(h->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(h->listener, 16), 0);
	assert_int_equal(getsockname(h->listener, (struct sockaddr *)&at, &len), 0);
	h->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&h->thread, NULL, serve, h), 0);
}

static void http_close(struct http *h)
{
	shutdown(h->listener, SHUT_RDWR);
	pthread_join(h->thread, NULL);
	close(h->listener);
}

/* A scheduler in a thread of its own, that wakes by events only: its interval is an hour. */
struct daemon {
	struct fake_oned oned;
	struct http http;
	void *context, *publisher;
	struct sched_conf conf;
	struct connections connections;
	struct events *events;
	int signals[2];
	char endpoint[64], auth_file[64], events_at[64];
	pthread_t thread;
};

static void *run_daemon(void *arg)
{
	struct daemon *d = arg;

	loop_run(&d->conf, &d->connections, d->events, d->signals[0]);
	return NULL;
}

static void write_auth(struct daemon *d)
{
	int fd;

	strcpy(d->auth_file, "/tmp/test_loop_XXXXXX");
	fd = mkstemp(d->auth_file);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "oneadmin:secret\n", 16), 16);
	close(fd);
}

static void open_publisher(struct daemon *d)
{
	size_t len = sizeof(d->events_at);

	d->context = zmq_ctx_new();
	d->publisher = zmq_socket(d->context, ZMQ_PUB);
	assert_int_equal(zmq_bind(d->publisher, "tcp://127.0.0.1:*"), 0);
	assert_int_equal(zmq_getsockopt(d->publisher, ZMQ_LAST_ENDPOINT, d->events_at, &len), 0);
}

static void daemon_start(struct daemon *d)
{
	struct one_err err = ONE_ERR_INIT;

	http_open(&d->http, &d->oned);
	snprintf(d->endpoint, sizeof(d->endpoint), "http://127.0.0.1:%d/RPC2", d->http.port);
	write_auth(d);
	d->conf = (struct sched_conf){ .message_size = 1 << 24,
				       .timeout_ms = 60000,
				       .interval_ms = 3600 * 1000,
				       .host_rank = "- RUNNING_VMS",
				       .store_rank = "FREE_MB" };
	assert_int_equal(pipe(d->signals), 0);
	connections_init(&d->connections, d->endpoint, d->auth_file, d->conf.timeout_ms, 1 << 24,
			 d->signals[0]);
	assert_int_equal(events_open(d->events_at, &d->events, &err), ONE_OK);
	log_open("file", "/dev/null", "", LOG_L_DEBUG, NULL); /* every line is made, none shown */
	assert_int_equal(pthread_create(&d->thread, NULL, run_daemon, d), 0);
}

static void daemon_stop(struct daemon *d)
{
	struct signalfd_siginfo info = { .ssi_signo = SIGTERM };

	assert_int_equal(write(d->signals[1], &info, sizeof(info)), sizeof(info));
	pthread_join(d->thread, NULL);
	connections_done(&d->connections);
	events_close(d->events);
	http_close(&d->http);
	zmq_close(d->publisher);
	zmq_ctx_term(d->context);
	close(d->signals[0]);
	close(d->signals[1]);
	unlink(d->auth_file);
	fake_done(&d->oned);
}

static void publish(struct daemon *d, const char *key)
{
	assert_true(zmq_send(d->publisher, key, strlen(key), ZMQ_SNDMORE) >= 0);
	assert_true(zmq_send(d->publisher, "PHhtbC8+", 8, 0) >= 0);
}

/* Publishes until so many VMs are deployed (a subscriber may connect late); fails after a minute. */
static void publish_until(struct daemon *d, const char *key, int deployed)
{
	int64_t end = time_mono_ms() + 60000;
	int n = -1;

	while (n < deployed && time_mono_ms() < end) {
		publish(d, key);
		usleep(2000);
		pthread_mutex_lock(&d->oned.lock);
		n = d->oned.n_order;
		pthread_mutex_unlock(&d->oned.lock);
	}
	assert_int_equal(n, deployed);
}

static void events_start_cycles_over_the_wire(void **state)
{
	(void)state;
	static struct daemon d;

	memset(&d, 0, sizeof(d));
	fake_init(&d.oned);
	fake_site(&d.oned, 4, 200);
	open_publisher(&d);
	daemon_start(&d);
	pthread_mutex_lock(&d.oned.lock);
	for (int i = 0; i < 500; i++)
		fake_add_vm(&d.oned, "");
	pthread_mutex_unlock(&d.oned.lock);
	publish_until(&d, "EVENT STATE VM/PENDING/LCM_INIT/7 ", 500);
	pthread_mutex_lock(&d.oned.lock);
	fake_add_vm(&d.oned, "");
	pthread_mutex_unlock(&d.oned.lock);
	publish_until(&d, "EVENT STATE VM/PENDING/LCM_INIT/501 ", 501);
	daemon_stop(&d);
}

static void room_that_appears_lets_waiting_vms_in(void **state)
{
	(void)state;
	static struct daemon d;
	int64_t end = time_mono_ms() + 60000;
	bool told = false;

	memset(&d, 0, sizeof(d));
	fake_init(&d.oned);
	fake_add_vm(&d.oned, "");
	open_publisher(&d);
	daemon_start(&d);
	while (!told && time_mono_ms() < end) {
		usleep(2000);
		pthread_mutex_lock(&d.oned.lock);
		told = d.oned.vms[0].updates > 0;
		pthread_mutex_unlock(&d.oned.lock);
	}
	assert_true(told);
	pthread_mutex_lock(&d.oned.lock);
	fake_site(&d.oned, 1, 8);
	pthread_mutex_unlock(&d.oned.lock);
	publish_until(&d, "EVENT STATE HOST/MONITORED//0 ", 1);
	daemon_stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cycle_is_due_after_the_interval),
		cmocka_unit_test(an_event_makes_it_due_after_a_rest_as_long_as_the_cycle),
		cmocka_unit_test(a_vm_that_may_be_tried_again_makes_it_due),
		cmocka_unit_test(an_oned_that_is_away_is_asked_again_soon_but_not_for_each_event),
		cmocka_unit_test(events_start_cycles_over_the_wire),
		cmocka_unit_test(room_that_appears_lets_waiting_vms_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
