/* A load generator for the XML-RPC API of Perigee or OpenNebula:
 *
 *   onebench http://localhost:2633/RPC2 oneadmin:password vm-info 7 -c 16 -n 100000
 *
 * Hand-rolled sockets and epoll on one thread, so that on a small machine the generator leaves the processor
 * to the server: answers are only looked at as far as needed to know whether they say success. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/arena.h"
#include "common/rpc_text.h"
#include "common/strbuf.h"
#include "common/timeutil.h"

enum {
	HEAD_MOST = 8192,
	PREFIX = 1024,            /* bytes of an answer that are looked at */
	READ_MOST = 512 * 1024,
	RETRIES = 100,            /* of one request, when the server closed a kept connection */
	TEMPLATE_BYTES = 6 * 1024,
	POLL_LEAST_US = 20000,
};

struct link {
	int fd;
	struct strbuf out;        /* the request */
	size_t out_at;
	char head[HEAD_MOST];     /* of the answer, then its body's beginning */
	size_t head_len;          /* in head[] so far */
	bool busy;                /* a request is under way */
	bool in_body, closes;
	size_t body_left;
	struct strbuf body;
	int64_t started_us;
	int retries;
	size_t index;
};

struct bench {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	char *host, *path;
	const char *auth, *name;
	const char *const *args;  /* of the work */
	int n_args;
	int clients;
	size_t requests;
	int timeout_s;
	const char *cpu, *memory;
	bool hold;

	int epoll_fd;
	struct link *links;
	char *scratch;
	struct strbuf template;

	/* one run */
	void (*make)(struct bench *b, size_t index, struct strbuf *xml);
	void (*done)(struct bench *b, const struct link *l);
	size_t total, next, finished, failed;
	size_t body_most;         /* bytes of a body that are kept */
	uint32_t *latency_us;
	uint64_t bytes;
	double seconds;
	long long *ids;           /* what the answers of vm-allocate say */
	size_t running;
	long long lcm_state;
};

static void die(const char *what)
{
	fprintf(stderr, "onebench: %s\n", what);
	exit(2);
}

/* ---- calls ---- */

static void begin_call(struct bench *b, const char *method, struct strbuf *xml)
{
	strbuf_adds(xml, "<?xml version=\"1.0\"?><methodCall>");
	strbuf_addf(xml, "<methodName>%s</methodName><params><param><value><string>", method);
	rpc_escape(xml, b->auth, strlen(b->auth));
	strbuf_adds(xml, "</string></value></param>");
}

static void add_int(struct strbuf *xml, long long value)
{
	strbuf_addf(xml, "<param><value><i4>%lld</i4></value></param>", value);
}

static void add_string(struct strbuf *xml, const char *text)
{
	strbuf_adds(xml, "<param><value><string>");
	rpc_escape(xml, text, strlen(text));
	strbuf_adds(xml, "</string></value></param>");
}

static void add_bool(struct strbuf *xml, bool value)
{
	strbuf_addf(xml, "<param><value><boolean>%d</boolean></value></param>", value);
}

static void end_call(struct strbuf *xml)
{
	strbuf_adds(xml, "</params></methodCall>");
}

static void make_version(struct bench *b, size_t index, struct strbuf *xml)
{
	(void)index;
	begin_call(b, "one.system.version", xml);
	end_call(xml);
}

static void make_vm_info(struct bench *b, size_t index, struct strbuf *xml)
{
	(void)index;
	begin_call(b, "one.vm.info", xml);
	add_int(xml, atoll(b->args[0]));
	end_call(xml);
}

static void make_pool(struct bench *b, const char *method, long long from, long long to, int state,
		      struct strbuf *xml)
{
	begin_call(b, method, xml);
	add_int(xml, -2);
	add_int(xml, from);
	add_int(xml, to);
	add_int(xml, state);
	end_call(xml);
}

static void make_vmpool_info(struct bench *b, size_t index, struct strbuf *xml)
{
	(void)index;
	make_pool(b, "one.vmpool.info", -1, -1, -1, xml);
}

static void make_vmpool_infoextended(struct bench *b, size_t index, struct strbuf *xml)
{
	(void)index;
	make_pool(b, "one.vmpool.infoextended", -1, -1, -1, xml);
}

static void make_allocate(struct bench *b, size_t index, struct strbuf *xml)
{
	char name[64];

	begin_call(b, "one.vm.allocate", xml);
	strbuf_adds(xml, "<param><value><string>");
	snprintf(name, sizeof(name), "NAME = \"bench-%zu\"\n", index);
	rpc_escape(xml, name, strlen(name));
	strbuf_add(xml, b->template.buf, b->template.len);
	strbuf_adds(xml, "</string></value></param>");
	add_bool(xml, b->hold);
	end_call(xml);
}

/* METHOD then arguments: a number, true or false, anything else is a string; "%d" stands for the request's
 * number. */
static void make_any(struct bench *b, size_t index, struct strbuf *xml)
{
	begin_call(b, b->args[0], xml);
	for (int i = 1; i < b->n_args; i++) {
		char *end;
		long long n = strtoll(b->args[i], &end, 10);
		if (strcmp(b->args[i], "%d") == 0)
			add_int(xml, (long long)index);
		else if (*b->args[i] && !*end)
			add_int(xml, n);
		else if (strcmp(b->args[i], "true") == 0 || strcmp(b->args[i], "false") == 0)
			add_bool(xml, b->args[i][0] == 't');
		else
			add_string(xml, b->args[i]);
	}
	end_call(xml);
}

/* About what a VM template made by a web front-end looks like. */
static void make_template(struct bench *b)
{
	struct strbuf t = STRBUF_INIT;

	strbuf_addf(&t, "CPU = \"%s\"\nVCPU = \"1\"\nMEMORY = \"%s\"\n", b->cpu, b->memory);
	strbuf_adds(&t, "OS = [ ARCH = \"x86_64\", BOOT = \"\" ]\n"
			"FEATURES = [ ACPI = \"yes\", GUEST_AGENT = \"yes\" ]\n"
			"GRAPHICS = [ TYPE = \"VNC\", LISTEN = \"0.0.0.0\" ]\n"
			"INPUT = [ TYPE = \"tablet\", BUS = \"usb\" ]\n"
			"CONTEXT = [ NETWORK = \"YES\",\n"
			"  SSH_PUBLIC_KEY = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBenchBenchBench bench\",\n"
			"  START_SCRIPT = \"hostnamectl set-hostname edge; systemctl restart agent\" ]\n"
			"DESCRIPTION = \"Made by the load generator <onebench> & thrown away\"\n"
			"LOGO = \"images/logos/linux.png\"\n");
	for (int i = 0; t.len < TEMPLATE_BYTES; i++) {
		strbuf_addf(&t, "BENCH_LABEL_%03d = \"site-%d & rack %d\"\n", i, i * 7, i % 11);
		strbuf_addf(&t, "BENCH_GROUP_%03d = [ OWNER = \"team-%d\", COST = \"%d.25\", NOTE = \"year %d\" ]\n",
			    i, i % 9, i * 3, 2000 + i);
	}
	rpc_escape(&b->template, t.buf, t.len);
	strbuf_done(&t);
}

/* ---- connections ---- */

static void watch(struct bench *b, struct link *l, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = l };

	if (epoll_ctl(b->epoll_fd, op, l->fd, &ev) < 0)
		die("epoll_ctl failed");
}

static void connect_link(struct bench *b, struct link *l)
{
	int one = 1;

	l->fd = socket(b->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&b->addr, b->addr_len) < 0) {
		fprintf(stderr, "onebench: cannot connect: %s\n", strerror(errno));
		exit(2);
	}
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	watch(b, l, EPOLL_CTL_ADD, EPOLLIN);
}

static void disconnect(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* A request is short next to a socket's buffer; a longer one waits for the server here. */
static void send_request(struct bench *b, struct link *l)
{
	if (l->fd < 0)
		connect_link(b, l);
	l->head_len = 0;
	l->in_body = l->closes = false;
	strbuf_reset(&l->body);
	for (l->out_at = 0; l->out_at < l->out.len;) {
		ssize_t n = send(l->fd, l->out.buf + l->out_at, l->out.len - l->out_at, MSG_NOSIGNAL);
		if (n <= 0)
			break; /* the answer's reader sees the closed connection and tries again */
		l->out_at += (size_t)n;
	}
}

static void next_request(struct bench *b, struct link *l)
{
	struct strbuf xml = STRBUF_INIT;

	l->busy = true;
	l->index = b->next++;
	l->retries = 0;
	b->make(b, l->index, &xml);
	strbuf_reset(&l->out);
	strbuf_addf(&l->out,
		    "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: onebench\r\n"
		    "Content-Type: text/xml\r\nContent-Length: %zu\r\n\r\n",
		    b->path, b->host, xml.len);
	strbuf_add(&l->out, xml.buf, xml.len);
	strbuf_done(&xml);
	l->started_us = time_mono_us();
	send_request(b, l);
}

static void complain(struct bench *b, const struct link *l, const char *what)
{
	if (b->failed++ == 0)
		fprintf(stderr, "onebench: first failure: %s\n%.*s\n", what, 600, l->body.buf);
}

static void finish(struct bench *b, struct link *l)
{
	l->busy = false;
	b->latency_us[b->finished++] = (uint32_t)(time_mono_us() - l->started_us);
	if (!memmem(l->body.buf, l->body.len < PREFIX ? l->body.len : PREFIX, "<boolean>1</boolean>", 20))
		complain(b, l, l->head);
	else if (b->done)
		b->done(b, l);
	if (l->closes)
		disconnect(l);
	if (b->next < b->total)
		next_request(b, l);
}

static void retry(struct bench *b, struct link *l)
{
	disconnect(l);
	if (++l->retries > RETRIES)
		die("the server keeps closing the connection");
	send_request(b, l);
}

static void keep_body(struct bench *b, struct link *l, const char *data, size_t len)
{
	size_t room = b->body_most - l->body.len;

	b->bytes += len;
	strbuf_add(&l->body, data, len < room ? len : room);
	l->body_left -= len < l->body_left ? len : l->body_left;
}

/* Returns how much of the data belongs to the head. */
static size_t take_head(struct bench *b, struct link *l, const char *data, size_t len)
{
	size_t before = l->head_len, take = len < HEAD_MOST - 1 - before ? len : HEAD_MOST - 1 - before;
	const char *end, *length;

	memcpy(l->head + before, data, take);
	l->head_len += take;
	l->head[l->head_len] = '\0';
	end = strstr(l->head, "\r\n\r\n");
	if (!end) {
		if (take < len)
			die("the answer's head is too long");
		return len;
	}
	l->head_len = (size_t)(end - l->head) + 4;
	l->head[l->head_len] = '\0';
	length = strcasestr(l->head, "\r\nContent-Length:");
	l->closes = strcasestr(l->head, "\r\nConnection: close") != NULL;
	if (!length)
		die("an answer without Content-Length");
	l->body_left = (size_t)strtoull(length + 17, NULL, 10);
	l->in_body = true;
	b->bytes += l->head_len;
	return l->head_len - before;
}

static void on_readable(struct bench *b, struct link *l)
{
	ssize_t n = recv(l->fd, b->scratch, READ_MOST, 0);
	const char *data = b->scratch;

	if (!l->busy) {
		disconnect(l); /* the server has ended an idle connection */
		return;
	}
	if (n <= 0) {
		retry(b, l);
		return;
	}
	if (!l->in_body) {
		size_t used = take_head(b, l, data, (size_t)n);
		data += used;
		n -= (ssize_t)used;
	}
	if (n > 0)
		keep_body(b, l, data, (size_t)n);
	if (l->in_body && l->body_left == 0)
		finish(b, l);
}

static void run(struct bench *b, size_t total, void (*make)(struct bench *, size_t, struct strbuf *),
		void (*done)(struct bench *, const struct link *), size_t body_most)
{
	struct epoll_event events[64];
	int64_t start = time_mono_us();

	b->make = make;
	b->done = done;
	b->total = total;
	b->body_most = body_most;
	b->next = b->finished = 0;
	b->latency_us = xrealloc(b->latency_us, (total + 1) * sizeof(*b->latency_us));
	for (int i = 0; i < b->clients && b->next < total; i++)
		next_request(b, &b->links[i]);
	while (b->finished < total) {
		int n = epoll_wait(b->epoll_fd, events, 64, b->timeout_s * 1000);
		if (n == 0)
			die("no answer in time");
		for (int i = 0; i < n; i++)
			on_readable(b, events[i].data.ptr);
	}
	b->seconds = (double)(time_mono_us() - start) / 1e6;
}

/* ---- results ---- */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void print_latency(uint32_t *us, size_t n)
{
	static const double percents[] = { 50, 90, 99 };

	if (n == 0)
		return;
	qsort(us, n, sizeof(*us), compare);
	printf("latency");
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++)
		printf(" p%.0f %.3f ms,", percents[i],
		       us[(size_t)((double)(n - 1) * percents[i] / 100)] / 1000.0);
	printf(" max %.3f ms\n", us[n - 1] / 1000.0);
}

static void print_rate(struct bench *b)
{
	printf("%s: %zu requests, %d clients, %.3f s, %.1f requests/s, %.1f MB/s, %zu failed\n", b->name,
	       b->finished, b->clients, b->seconds, (double)b->finished / b->seconds,
	       (double)b->bytes / b->seconds / 1e6, b->failed);
	print_latency(b->latency_us, b->finished);
}

/* ---- works ---- */

static void work_version(struct bench *b)
{
	run(b, b->requests, make_version, NULL, PREFIX);
	print_rate(b);
}

static void work_vm_info(struct bench *b)
{
	run(b, b->requests, make_vm_info, NULL, PREFIX);
	print_rate(b);
}

static void work_vmpool_info(struct bench *b)
{
	run(b, b->requests, make_vmpool_info, NULL, PREFIX);
	print_rate(b);
}

static void work_vmpool_infoextended(struct bench *b)
{
	run(b, b->requests, make_vmpool_infoextended, NULL, PREFIX);
	print_rate(b);
}

static void work_any(struct bench *b)
{
	run(b, b->requests, make_any, NULL, PREFIX);
	print_rate(b);
}

static void on_allocated(struct bench *b, const struct link *l)
{
	const char *id = strstr(l->body.buf, "<i4>");

	b->ids[l->index] = id ? atoll(id + 4) : -1;
}

static void work_vm_allocate(struct bench *b)
{
	run(b, b->requests, make_allocate, on_allocated, PREFIX);
	print_rate(b);
}

/* Counts the VMs of the answer (all ACTIVE) whose LCM_STATE is RUNNING; bodies are escaped on the wire. */
static void on_pool(struct bench *b, const struct link *l)
{
	static const char running[] = "LCM_STATE&gt;3&lt;";
	const char *at = l->body.buf, *end = at + l->body.len;

	b->running = 0;
	while ((at = memmem(at, (size_t)(end - at), running, sizeof(running) - 1)) != NULL) {
		b->running++;
		at += sizeof(running) - 1;
	}
}

static void make_pool_of_ours(struct bench *b, size_t index, struct strbuf *xml)
{
	long long low = b->ids[0], high = b->ids[0];

	(void)index;
	for (size_t i = 1; i < b->requests; i++) {
		low = b->ids[i] < low ? b->ids[i] : low;
		high = b->ids[i] > high ? b->ids[i] : high;
	}
	make_pool(b, "one.vmpool.info", low, high, 3, xml);
}

static void work_alloc_to_running(struct bench *b)
{
	int64_t start = time_mono_us(), all;

	work_vm_allocate(b);
	if (b->failed)
		return;
	for (;;) {
		int64_t before = time_mono_us(), took;
		run(b, 1, make_pool_of_ours, on_pool, SIZE_MAX);
		all = time_mono_us();
		took = all - before;
		if (b->failed || b->running >= b->requests)
			break;
		if (all - start > (int64_t)b->timeout_s * 1000000) {
			fprintf(stderr, "onebench: only %zu of %zu are running\n", b->running, b->requests);
			b->failed++;
			break;
		}
		usleep((useconds_t)(took * 4 > POLL_LEAST_US
					    ? took * 4
					    : POLL_LEAST_US)); /* the server has better things to do */
	}
	printf("%zu of %zu VMs running after %.3f s\n", b->running, b->requests, (double)(all - start) / 1e6);
}

static void make_info_of_first(struct bench *b, size_t index, struct strbuf *xml)
{
	(void)index;
	begin_call(b, "one.vm.info", xml);
	add_int(xml, b->ids[0]);
	end_call(xml);
}

static void on_info(struct bench *b, const struct link *l)
{
	const char *at = strstr(l->body.buf, "LCM_STATE&gt;");

	b->lcm_state = at ? atoll(at + 13) : -1;
}

/* How long from one.vm.allocate until one.vm.info says RUNNING, one VM after the other. */
static void work_one_vm(struct bench *b)
{
	uint32_t *us = xcalloc(b->requests, sizeof(*us));
	size_t n;

	for (n = 0; n < b->requests && !b->failed; n++) {
		int64_t start = time_mono_us();
		run(b, 1, make_allocate, on_allocated, PREFIX);
		for (b->lcm_state = 0; !b->failed && b->lcm_state != 3; usleep(1000)) {
			run(b, 1, make_info_of_first, on_info, SIZE_MAX);
			if (time_mono_us() - start > (int64_t)b->timeout_s * 1000000)
				die("the VM does not run in time");
		}
		us[n] = (uint32_t)(time_mono_us() - start);
	}
	printf("%s: %zu VMs from allocate to RUNNING\n", b->name, n);
	print_latency(us, n);
	free(us);
}

static const struct {
	const char *name, *args;
	int min_args;
	void (*work)(struct bench *b);
	size_t requests; /* default */
	const char *doc;
} works[] = {
	{ "version", "", 0, work_version, 10000, "one.system.version" },
	{ "vm-info", "ID", 1, work_vm_info, 10000, "one.vm.info" },
	{ "vmpool-info", "", 0, work_vmpool_info, 20, "one.vmpool.info of all VMs" },
	{ "vmpool-infoextended", "", 0, work_vmpool_infoextended, 20, "one.vmpool.infoextended of all VMs" },
	{ "vm-allocate", "", 0, work_vm_allocate, 1000, "one.vm.allocate with a template of 6 KB" },
	{ "alloc-to-running", "", 0, work_alloc_to_running, 100, "allocates and waits until all are RUNNING" },
	{ "one-vm", "", 0, work_one_vm, 20, "one VM after the other from allocate to RUNNING" },
	{ "call", "METHOD [ARG...]", 1, work_any, 1000, "any method; %d is the request's number" },
};

static void usage(FILE *out)
{
	fprintf(out, "onebench ENDPOINT USER:PASSWORD WORK [ARG...] [-c clients] [-n requests]\n"
			"         [-t timeout in s] [-H (on hold)] [-C cpu] [-M memory in MB]\n");
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		fprintf(out, "  %-20s %-16s %s (-n %zu)\n", works[i].name, works[i].args, works[i].doc,
			works[i].requests);
	exit(out == stderr ? 2 : 0);
}

/* http://host[:port][/path] */
static void parse_endpoint(struct bench *b, const char *endpoint)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai;
	char host[256], port[16] = "2633";
	const char *rest = strncmp(endpoint, "http://", 7) == 0 ? endpoint + 7 : NULL;
	size_t n = rest ? strcspn(rest, ":/") : 0;

	if (n == 0 || n >= sizeof(host))
		usage(stderr);
	memcpy(host, rest, n);
	host[n] = '\0';
	if (rest[n] == ':')
		snprintf(port, sizeof(port), "%.*s", (int)strcspn(rest + n + 1, "/"), rest + n + 1);
	if (getaddrinfo(host, port, &hints, &ai) != 0)
		die("cannot resolve the endpoint");
	memcpy(&b->addr, ai->ai_addr, ai->ai_addrlen);
	b->addr_len = ai->ai_addrlen;
	freeaddrinfo(ai);
	b->host = xasprintf("%s:%s", host, port);
	b->path = xstrdup(strchr(rest, '/') ? strchr(rest, '/') : "/RPC2");
}

static void prepare(struct bench *b)
{
	strbuf_init(&b->template);
	make_template(b);
	b->ids = xcalloc(b->requests, sizeof(*b->ids));
	b->scratch = xmalloc(READ_MOST);
	b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	b->links = xcalloc((size_t)b->clients, sizeof(*b->links));
	for (int i = 0; i < b->clients; i++) {
		b->links[i].fd = -1;
		strbuf_init(&b->links[i].out);
		strbuf_init(&b->links[i].body);
	}
}

static void done(struct bench *b)
{
	for (int i = 0; i < b->clients; i++) {
		disconnect(&b->links[i]);
		strbuf_done(&b->links[i].out);
		strbuf_done(&b->links[i].body);
	}
	close(b->epoll_fd);
	strbuf_done(&b->template);
	free(b->links);
	free(b->scratch);
	free(b->ids);
	free(b->latency_us);
	free(b->host);
	free(b->path);
}

int main(int argc, char **argv)
{
	struct bench b = { .clients = 16, .timeout_s = 600, .cpu = "0.01", .memory = "8" };
	size_t w = 0, n_works = sizeof(works) / sizeof(works[0]);
	int o;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		usage(stdout);
	while ((o = getopt(argc, argv, "c:n:t:HC:M:")) != -1) {
		switch (o) {
		case 'c': b.clients = atoi(optarg); break;
		case 'n': b.requests = (size_t)atoll(optarg); break;
		case 't': b.timeout_s = atoi(optarg); break;
		case 'H': b.hold = true; break;
		case 'C': b.cpu = optarg; break;
		case 'M': b.memory = optarg; break;
		default: usage(stderr);
		}
	}
	if (argc - optind < 3 || b.clients < 1)
		usage(stderr);
	while (w < n_works && strcmp(works[w].name, argv[optind + 2]) != 0)
		w++;
	b.args = (const char *const *)(argv + optind + 3);
	b.n_args = argc - optind - 3;
	if (w == n_works || b.n_args < works[w].min_args)
		usage(stderr);
	b.name = works[w].name;
	b.auth = argv[optind + 1];
	b.requests = b.requests ? b.requests : works[w].requests;
	parse_endpoint(&b, argv[optind]);
	prepare(&b);
	works[w].work(&b);
	done(&b);
	return b.failed ? 1 : 0;
}
