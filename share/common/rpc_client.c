/* A client of the XML-RPC API (rpc_client.h): xmlrpc-c writes the call and reads the answer, libcurl carries
 * them.
 *
 * xmlrpc-c's own client is not used: it knows no limit of an answer's size. */
#include "common/rpc_client.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xmlrpc-c/base.h>
#include "common/arena.h"
#include "common/rpc_text.h"
#include "common/rpc_wire.h"

enum {
	ANSWER_ELEMENTS = 1000000, /* system.multicall's and listMethods' answers are the longest */
	ANSWER_DEPTH = 200,
	ERROR_SHOWN = 200,         /* bytes of an HTTP error's text */
};

struct rpc_client {
	CURL *curl;
	struct curl_slist *headers;
	char *endpoint, *session;
	size_t max_bytes;
	bool too_long;
	struct strbuf answer;
	char reason[CURL_ERROR_SIZE];
};

static void set_up(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, (size_t)1 << 31); /* max_bytes limits before */
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct rpc_client *c = arg;
	size_t len = size * n;

	if (c->answer.len + len > c->max_bytes) {
		c->too_long = true;
		return 0;
	}
	strbuf_add(&c->answer, data, len);
	return len;
}

/* A proxy of the environment must not get what is meant for this machine. */
static bool is_local(const char *endpoint)
{
	static const char *const local[] = { "//localhost", "//127.", "//[::1]" };
	const char *host = strstr(endpoint, "//");

	for (size_t i = 0; host && i < sizeof(local) / sizeof(local[0]); i++)
		if (strncasecmp(host, local[i], strlen(local[i])) == 0)
			return true;
	return false;
}

static void set_options(struct rpc_client *c, int timeout_ms)
{
	c->headers = curl_slist_append(NULL, "Content-Type: text/xml");
	/* no round trip to ask whether a body may come */
	c->headers = curl_slist_append(c->headers, "Expect:");
	curl_easy_setopt(c->curl, CURLOPT_URL, c->endpoint);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c->curl, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(c->curl, CURLOPT_BUFFERSIZE, 512L * 1024);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->reason);
	if (is_local(c->endpoint))
		curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
}

enum one_rc rpc_client_new(const char *endpoint, const char *session, int timeout_ms, size_t max_bytes,
			   struct rpc_client **out, struct one_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct rpc_client *c;

	if (strncasecmp(endpoint, "http://", 7) != 0 && strncasecmp(endpoint, "https://", 8) != 0)
		return one_err_set(err, ONE_INTERNAL, "The endpoint must begin with http:// or https://: %s",
				   endpoint);
	pthread_once(&once, set_up);
	c = xcalloc(1, sizeof(*c));
	strbuf_init(&c->answer);
	c->endpoint = xstrdup(endpoint);
	c->session = xstrdup(session);
	c->max_bytes = max_bytes;
	c->curl = curl_easy_init();
	if (!c->curl) {
		rpc_client_free(c);
		return one_err_set(err, ONE_INTERNAL, "Cannot make an HTTP client");
	}
	set_options(c, timeout_ms);
	*out = c;
	return ONE_OK;
}

void rpc_client_free(struct rpc_client *c)
{
	if (!c)
		return;
	if (c->curl)
		curl_easy_cleanup(c->curl);
	curl_slist_free_all(c->headers);
	explicit_bzero(c->session, strlen(c->session));
	free(c->session);
	free(c->endpoint);
	strbuf_done(&c->answer);
	free(c);
}

/* ---- the call ---- */

/* After a failure xmlrpc-c may give a pointer to nothing. */
static void append(xmlrpc_env *env, xmlrpc_value *array, xmlrpc_value *item)
{
	if (env->fault_occurred)
		return;
	xmlrpc_array_append_item(env, array, item);
	xmlrpc_DECREF(item);
}

static xmlrpc_value *ints_value(xmlrpc_env *env, const struct rpc_arg *arg)
{
	xmlrpc_value *array = xmlrpc_array_new(env);

	for (size_t i = 0; array && i < arg->n; i++)
		append(env, array, xmlrpc_int_new(env, arg->ints[i]));
	return array;
}

static xmlrpc_value *arg_value(xmlrpc_env *env, const struct rpc_arg *arg)
{
	switch (arg->type) {
	case RPC_ARG_INT: return xmlrpc_int_new(env, (int)arg->i);
	case RPC_ARG_BOOL: return xmlrpc_bool_new(env, arg->i != 0);
	case RPC_ARG_STRING: return xmlrpc_string_new(env, arg->s ? arg->s : "");
	case RPC_ARG_INTS: return ints_value(env, arg);
	case RPC_ARG_END: break;
	}
	return NULL;
}

/* A failed step leaves its reason in env, and the later ones do nothing. */
static xmlrpc_mem_block *encode(xmlrpc_env *env, const struct rpc_client *c, const char *method,
				const struct rpc_arg *args)
{
	xmlrpc_mem_block *xml = XMLRPC_MEMBLOCK_NEW(char, env, 0);
	xmlrpc_value *params = xmlrpc_array_new(env);

	append(env, params, xmlrpc_string_new(env, c->session));
	for (; args->type != RPC_ARG_END && !env->fault_occurred; args++)
		append(env, params, arg_value(env, args));
	if (!env->fault_occurred)
		xmlrpc_serialize_call(env, xml, method, params);
	xmlrpc_DECREF(params);
	return xml;
}

static enum one_rc post(struct rpc_client *c, const char *body, size_t len, struct one_err *err)
{
	CURLcode failed;
	long status = 0;

	strbuf_reset(&c->answer);
	c->too_long = false;
	c->reason[0] = '\0';
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
	failed = curl_easy_perform(c->curl);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, "");
	if (c->too_long)
		return one_err_set(err, ONE_INTERNAL, "The answer of %s is longer than %zu bytes",
				   c->endpoint, c->max_bytes);
	if (failed)
		return one_err_set(err, ONE_INTERNAL, "Cannot call %s: %s", c->endpoint,
				   c->reason[0] ? c->reason : curl_easy_strerror(failed));
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		return one_err_set(err, ONE_INTERNAL, "%s answered with HTTP status %ld: %.*s", c->endpoint,
				   status, ERROR_SHOWN, c->answer.buf);
	return ONE_OK;
}

/* ---- the answer ---- */

static void read_number(xmlrpc_env *env, xmlrpc_value *v, long long *number)
{
	xmlrpc_int64 i8 = 0;
	xmlrpc_bool b = 0;
	int i = 0;

	switch ((int)xmlrpc_value_type(v)) { /* their enumeration */
	case XMLRPC_TYPE_INT:
		xmlrpc_read_int(env, v, &i);
		*number = i;
		break;
	case XMLRPC_TYPE_I8:
		xmlrpc_read_i8(env, v, &i8);
		*number = i8;
		break;
	case XMLRPC_TYPE_BOOL:
		xmlrpc_read_bool(env, v, &b);
		*number = b;
		break;
	default:
		xmlrpc_env_set_fault(env, XMLRPC_TYPE_ERROR, "neither a text nor a number");
	}
}

static void read_payload(xmlrpc_env *env, xmlrpc_value *v, struct strbuf *text, long long *number)
{
	const char *s = NULL;
	long long unwanted;
	size_t len = 0;

	if (xmlrpc_value_type(v) != XMLRPC_TYPE_STRING) {
		read_number(env, v, number ? number : &unwanted);
		return;
	}
	if (!text)
		return;
	xmlrpc_read_string_lp(env, v, &len, &s);
	if (env->fault_occurred)
		return;
	strbuf_reset(text);
	strbuf_add(text, s, len);
	free((void *)(uintptr_t)s);
}

static void read_item(xmlrpc_env *env, xmlrpc_value *array, unsigned int i, xmlrpc_value **item)
{
	if (!env->fault_occurred)
		xmlrpc_array_read_item(env, array, i, item);
}

/* [true, payload, 0] or [false, message, code, ...] */
static enum one_rc read_array(xmlrpc_env *env, xmlrpc_value *array, struct strbuf *text, long long *number,
			      struct one_err *err)
{
	xmlrpc_value *ok = NULL, *payload = NULL, *code = NULL;
	struct strbuf message = STRBUF_INIT;
	enum one_rc rc = ONE_OK;
	xmlrpc_bool good = 0;
	long long n = 0;

	read_item(env, array, 0, &ok);
	read_item(env, array, 1, &payload);
	if (!env->fault_occurred)
		xmlrpc_read_bool(env, ok, &good);
	if (!env->fault_occurred && good)
		read_payload(env, payload, text, number);
	if (!env->fault_occurred && !good) {
		read_payload(env, payload, &message, NULL);
		read_item(env, array, 2, &code);
		if (!env->fault_occurred)
			read_number(env, code, &n);
		if (!env->fault_occurred)
			rc = one_err_set(err, n > 0 && n <= ONE_REPLICATION ? (enum one_rc)n : ONE_INTERNAL,
					 "%s", message.buf);
	}
	if (ok)
		xmlrpc_DECREF(ok);
	if (payload)
		xmlrpc_DECREF(payload);
	if (code)
		xmlrpc_DECREF(code);
	strbuf_done(&message);
	return rc;
}

/* xmlrpc-c reads 40 MB a second, and a pool may be longer. So a successful text as every server with xmlrpc-c
 * writes it is taken from its place; false: it isn't one. */
static bool take_text(const struct strbuf *answer, struct strbuf *text)
{
	const size_t head = sizeof(WIRE_SUCCESS_STRING) - 1, tail = sizeof(WIRE_SUCCESS_STRING_END) - 1;

	if (!text || answer->len < head + tail || memcmp(answer->buf, WIRE_SUCCESS_STRING, head) != 0 ||
	    memcmp(answer->buf + answer->len - tail, WIRE_SUCCESS_STRING_END, tail) != 0)
		return false;
	strbuf_reset(text);
	return rpc_unescape(text, answer->buf + head, answer->len - head - tail);
}

static enum one_rc decode(struct rpc_client *c, struct strbuf *text, long long *number, struct one_err *err)
{
	const char *why = rpc_xml_refused(c->answer.buf, c->answer.len, ANSWER_ELEMENTS, ANSWER_DEPTH);
	const char *fault = NULL;
	xmlrpc_value *result = NULL;
	enum one_rc rc = ONE_OK;
	xmlrpc_env env;
	int code = 0;

	if (why)
		return one_err_set(err, ONE_INTERNAL, "%s does not speak XML-RPC: %s", c->endpoint, why);
	if (take_text(&c->answer, text))
		return ONE_OK;
	xmlrpc_env_init(&env);
	xmlrpc_parse_response2(&env, c->answer.buf, c->answer.len, &result, &code, &fault);
	if (!env.fault_occurred && fault) {
		rc = one_err_set(err, ONE_INTERNAL, "%s", fault);
		free((void *)(uintptr_t)fault);
	} else if (!env.fault_occurred) {
		rc = read_array(&env, result, text, number, err);
		xmlrpc_DECREF(result);
	}
	if (env.fault_occurred)
		rc = one_err_set(err, ONE_INTERNAL, "%s does not speak XML-RPC: %s", c->endpoint,
				 env.fault_string);
	xmlrpc_env_clean(&env);
	return rc;
}

enum one_rc rpc_call(struct rpc_client *c, const char *method, const struct rpc_arg *args,
		     struct strbuf *text, long long *number, struct one_err *err)
{
	xmlrpc_mem_block *xml;
	xmlrpc_env env;
	enum one_rc rc;

	xmlrpc_env_init(&env);
	xml = encode(&env, c, method, args);
	if (env.fault_occurred)
		rc = one_err_set(err, ONE_INTERNAL, "Cannot write the call of %s: %s", method,
				 env.fault_string);
	else
		rc = post(c, XMLRPC_MEMBLOCK_CONTENTS(char, xml), XMLRPC_MEMBLOCK_SIZE(char, xml), err);
	XMLRPC_MEMBLOCK_FREE(char, xml);
	xmlrpc_env_clean(&env);
	return rc == ONE_OK ? decode(c, text, number, err) : rc;
}
