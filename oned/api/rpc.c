/* XML-RPC calls in: xmlrpc-c parses, this copies what it found into the caller's arena.
 *
 * xmlrpc-c's values cost an allocation and a lock each, so they are let go at once; the rest of oned only
 * sees struct rpc_value. What comes from outside is looked over first (common/rpc_text.h). */
#include "oned/api/rpc.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <xmlrpc-c/base.h>

enum {
	NESTING = 64,              /* arrays and structures inside one another, as xmlrpc-c's default */
	ELEMENTS_A_VALUE = 5,      /* member, name, value, the type, and data or param */
	ELEMENTS_A_CALL = 16,
	DEPTH_A_VALUE = 3,         /* value, array, data */
	DEPTH_A_CALL = 8,
};
#define NOT_A_CALL "Call XML not a proper XML-RPC call.  "

struct copy {
	struct arena *arena;
	xmlrpc_env *env;
	size_t left; /* values that may still come */
};

/* Both limits are the process's and not safe to change while somebody parses; how long a call may be is
 * decided before, by who receives it. */
static void set_limits(void)
{
	xmlrpc_limit_set(XMLRPC_NESTING_LIMIT_ID, NESTING);
	xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, (size_t)1 << 31);
}

static void copy_value(struct copy *c, xmlrpc_value *from, struct rpc_value *to);

static const char *copy_text(struct copy *c, xmlrpc_value *from, size_t *len)
{
	const char *text = NULL, *copied;

	xmlrpc_read_string_lp(c->env, from, len, &text);
	if (c->env->fault_occurred)
		return "";
	if (memchr(text, 0, *len))
		xmlrpc_env_set_fault(c->env, RPC_FAULT_PARSE,
				     NOT_A_CALL "A zero byte is not allowed in a string.");
	copied = arena_strndup(c->arena, text, *len);
	free((void *)(uintptr_t)text);
	return copied;
}

static void copy_array(struct copy *c, xmlrpc_value *from, struct rpc_value *to)
{
	int n = xmlrpc_array_size(c->env, from);

	to->n = n > 0 ? (size_t)n : 0;
	to->items = arena_array(c->arena, to->n, struct rpc_value);
	for (int i = 0; i < n && !c->env->fault_occurred; i++) {
		xmlrpc_value *item = NULL;
		xmlrpc_array_read_item(c->env, from, (unsigned int)i, &item);
		if (item) {
			copy_value(c, item, &to->items[i]);
			xmlrpc_DECREF(item);
		}
	}
}

static void copy_struct(struct copy *c, xmlrpc_value *from, struct rpc_value *to)
{
	int n = xmlrpc_struct_size(c->env, from);

	to->n = n > 0 ? (size_t)n : 0;
	to->members = arena_array(c->arena, to->n, struct rpc_member);
	for (int i = 0; i < n && !c->env->fault_occurred; i++) {
		xmlrpc_value *key = NULL, *value = NULL;
		size_t len;
		xmlrpc_struct_read_member(c->env, from, (unsigned int)i, &key, &value);
		if (key) {
			to->members[i].name = copy_text(c, key, &len);
			xmlrpc_DECREF(key);
		}
		if (value) {
			copy_value(c, value, &to->members[i].value);
			xmlrpc_DECREF(value);
		}
	}
}

static void copy_value(struct copy *c, xmlrpc_value *from, struct rpc_value *to)
{
	int i = 0;
	xmlrpc_bool b = 0;
	xmlrpc_int64 i8 = 0;

	if (c->env->fault_occurred)
		return;
	if (c->left == 0) {
		xmlrpc_env_set_fault(c->env, RPC_FAULT_LIMIT, NOT_A_CALL "Too many values.");
		return;
	}
	c->left--;
	to->type = RPC_OTHER;
	to->s = "";
	switch ((int)xmlrpc_value_type(
		from)) { /* their enumeration: the rest (dates, base64, nil) is RPC_OTHER */
	case XMLRPC_TYPE_INT:
		to->type = RPC_INT;
		xmlrpc_read_int(c->env, from, &i);
		to->i = i;
		break;
	case XMLRPC_TYPE_I8:
		to->type = RPC_I8;
		xmlrpc_read_i8(c->env, from, &i8);
		to->i = i8;
		break;
	case XMLRPC_TYPE_BOOL:
		to->type = RPC_BOOL;
		xmlrpc_read_bool(c->env, from, &b);
		to->i = b;
		break;
	case XMLRPC_TYPE_DOUBLE:
		to->type = RPC_DOUBLE;
		xmlrpc_read_double(c->env, from, &to->d);
		break;
	case XMLRPC_TYPE_STRING:
		to->type = RPC_STRING;
		to->s = copy_text(c, from, &to->len);
		break;
	case XMLRPC_TYPE_ARRAY:
		to->type = RPC_ARRAY;
		copy_array(c, from, to);
		break;
	case XMLRPC_TYPE_STRUCT:
		to->type = RPC_STRUCT;
		copy_struct(c, from, to);
		break;
	}
}

static void parse(struct copy *c, const char *xml, size_t len, struct rpc_request *out)
{
	const char *method = NULL;
	xmlrpc_value *params = NULL;
	struct rpc_value all = { .type = RPC_ARRAY };

	xmlrpc_parse_call(c->env, xml, len, &method, &params);
	if (c->env->fault_occurred) {
		char *why = xstrdup(c->env->fault_string);
		int code = c->env->fault_code;
		xmlrpc_env_clean(c->env);
		xmlrpc_env_init(c->env);
		xmlrpc_env_set_fault_formatted(c->env, code, NOT_A_CALL "%s", why);
		free(why);
		return;
	}
	copy_array(c, params, &all);
	out->method = arena_strdup(c->arena, method);
	out->params = all.items;
	out->n = all.n;
	free((void *)(uintptr_t)method);
	xmlrpc_DECREF(params);
}

int rpc_parse(struct arena *arena, const char *xml, size_t len, size_t max_values, struct rpc_request *out,
	      struct one_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	xmlrpc_env env;
	struct copy c = { .arena = arena, .env = &env, .left = max_values };
	const char *why;
	int code = 0;

	pthread_once(&once, set_limits);
	*out = (struct rpc_request){ .method = "" };
	why = rpc_xml_refused(xml, len, max_values * ELEMENTS_A_VALUE + ELEMENTS_A_CALL,
			      NESTING * DEPTH_A_VALUE + DEPTH_A_CALL);
	if (why) {
		one_err_set(err, ONE_API, NOT_A_CALL "%s", why);
		return RPC_FAULT_PARSE;
	}
	xmlrpc_env_init(&env);
	parse(&c, xml, len, out);
	if (env.fault_occurred) {
		one_err_set(err, ONE_API, "%s", env.fault_string);
		code = env.fault_code;
		*out = (struct rpc_request){ .method = "" };
	}
	xmlrpc_env_clean(&env);
	return code;
}
