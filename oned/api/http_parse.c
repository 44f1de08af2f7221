/* The head of a request: request line and headers, of which few matter to us.
 *
 *   POST /RPC2 HTTP/1.1 CRLF  Name: value CRLF ...  CRLF
 *
 * Strict where leniency would let two parties disagree on where a request ends (lengths, folded lines,
 * controls). */
#include "oned/api/http_priv.h"

#include <string.h>
#include <strings.h>

struct line { const char *at, *end; };

struct parse {
	struct http_head *out;
	bool has_length, chunked, encoded, other_expect;
	int minor;
};

static void refuse(struct parse *p, int status, const char *why)
{
	if (p->out->status == 0) {
		p->out->status = status;
		p->out->why = why;
	}
}

static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool value_is(struct line v, const char *text)
{
	return (size_t)(v.end - v.at) == strlen(text) && strncasecmp(v.at, text, strlen(text)) == 0;
}

/* Is `word` one of the values of a comma-separated list? */
static bool list_has(struct line v, const char *word)
{
	size_t n = strlen(word);

	while (v.at < v.end) {
		const char *comma = memchr(v.at, ',', (size_t)(v.end - v.at));
		struct line one = { v.at, comma ? comma : v.end };
		while (one.at < one.end && (*one.at == ' ' || *one.at == '\t'))
			one.at++;
		while (one.end > one.at && (one.end[-1] == ' ' || one.end[-1] == '\t'))
			one.end--;
		if ((size_t)(one.end - one.at) == n && strncasecmp(one.at, word, n) == 0)
			return true;
		v.at = comma ? comma + 1 : v.end;
	}
	return false;
}

static void on_content_length(struct parse *p, struct line v)
{
	size_t n = 0;

	if (v.at == v.end || v.end - v.at > 15)
		refuse(p, 400, "Bad Content-Length.");
	for (const char *c = v.at; c < v.end; c++) {
		if (*c < '0' || *c > '9') {
			refuse(p, 400, "Bad Content-Length.");
			return;
		}
		n = n * 10 + (size_t)(*c - '0');
	}
	if (p->has_length && n != p->out->content_length)
		refuse(p, 400, "Two values of Content-Length.");
	p->has_length = true;
	p->out->content_length = n;
}

static void on_transfer_encoding(struct parse *p, struct line v)
{
	(void)v;
	p->chunked = true;
}

static void on_content_encoding(struct parse *p, struct line v)
{
	p->encoded = p->encoded || !value_is(v, "identity");
}

static void on_connection(struct parse *p, struct line v)
{
	if (list_has(v, "close"))
		p->out->keep_alive = false;
	else if (list_has(v, "keep-alive"))
		p->out->keep_alive = true;
}

static void on_expect(struct parse *p, struct line v)
{
	if (value_is(v, "100-continue"))
		p->out->expect_continue = p->minor >= 1;
	else
		p->other_expect = true;
}

static const struct {
	const char *name;
	void (*on)(struct parse *p, struct line value);
} headers[] = {
	{ "Content-Length", on_content_length },
	{ "Transfer-Encoding", on_transfer_encoding },
	{ "Content-Encoding", on_content_encoding },
	{ "Connection", on_connection },
	{ "Expect", on_expect },
};

static void parse_header(struct parse *p, struct line l)
{
	const char *colon = l.at;

	while (colon < l.end && is_token(*colon))
		colon++;
	if (colon == l.at || colon == l.end || *colon != ':') {
		refuse(p, 400, "Bad header.");
		return;
	}
	struct line name = { l.at, colon }, value = { colon + 1, l.end };
	while (value.at < value.end && (*value.at == ' ' || *value.at == '\t'))
		value.at++;
	while (value.end > value.at && (value.end[-1] == ' ' || value.end[-1] == '\t'))
		value.end--;
	for (const char *c = value.at; c < value.end; c++)
		if ((unsigned char)*c < 32 && *c != '\t')
			refuse(p, 400, "Bad header.");
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (value_is(name, headers[i].name))
			headers[i].on(p, value);
}

/* METHOD SP target SP HTTP/1.x */
static void parse_request_line(struct parse *p, struct line l)
{
	const char *method_end = memchr(l.at, ' ', (size_t)(l.end - l.at));
	const char *target = method_end ? method_end + 1 : l.end;
	const char *target_end = memchr(target, ' ', (size_t)(l.end - target));

	if (!method_end || !target_end || target_end == target || l.end - target_end != 9 ||
	    memcmp(target_end, " HTTP/", 6) != 0 || target_end[7] != '.') {
		refuse(p, 400, "Bad request line.");
		return;
	}
	for (const char *c = l.at; c < target_end; c++)
		if ((unsigned char)*c < 32 || (c < method_end && !is_token(*c)))
			refuse(p, 400, "Bad request line.");
	if (target_end[6] != '1' || target_end[8] < '0' || target_end[8] > '9')
		refuse(p, 505, "Only HTTP/1.0 and HTTP/1.1.");
	else if (method_end - l.at != 4 || memcmp(l.at, "POST", 4) != 0)
		refuse(p, 405, "Only POST.");
	p->minor = target_end[8] - '0';
	p->out->keep_alive = p->minor >= 1;
}

static void conclude(struct parse *p)
{
	if (p->chunked)
		refuse(p, p->has_length ? 400 : 411, "A Content-Length is needed.");
	if (p->encoded)
		refuse(p, 415, "Compressed bodies are not accepted.");
	if (!p->has_length)
		refuse(p, 411, "A Content-Length is needed.");
	if (p->other_expect)
		refuse(p, 417, "Unknown expectation.");
}

/* The end of the head: an empty line (LF alone ends a line too). */
static const char *find_end(const char *buf, size_t len, size_t *from)
{
	const char *end = buf + len;
	const char *at = buf + *from;

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (end - at >= 2 && at[1] == '\n')
			return at + 2;
		if (end - at >= 3 && at[1] == '\r' && at[2] == '\n')
			return at + 3;
		if (end - at < 3) {
			*from = (size_t)(at - buf); /* its last line feed may be the first of two */
			return NULL;
		}
		at++;
	}
	*from = len;
	return NULL;
}

bool http_parse_head(const char *buf, size_t len, size_t *from, struct http_head *out)
{
	struct parse p = { .out = out };
	const char *end = find_end(buf, len, from);
	const char *at = buf;
	int lines = 0;

	*out = (struct http_head){ .status = 0 };
	if (!end) {
		if (len < HTTP_HEAD_MAX)
			return false;
		refuse(&p, 431, "The request's head is too long.");
		return true;
	}
	out->length = (size_t)(end - buf);
	while (at < end && out->status == 0) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		struct line l = { at, nl > at && nl[-1] == '\r' ? nl - 1 : nl };
		if (lines == 0)
			parse_request_line(&p, l);
		else if (lines > HTTP_HEADERS_MAX)
			refuse(&p, 431, "Too many headers.");
		else if (l.at < l.end)
			parse_header(&p, l);
		lines++;
		at = nl + 1;
	}
	conclude(&p);
	return true;
}

const char *http_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		/* clang-format off */
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
		/* clang-format on */
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Error";
}
