/* onecall: one call of the XML-RPC API from the command line, for scripts and for looking.
 *
 *   onecall [-e ENDPOINT] [-a AUTH_FILE] [-t SECONDS] METHOD [ARGUMENT...]
 *   ARGUMENT: i:NUMBER, b:true, b:false, s:TEXT, f:FILE (its text; "-": standard input), or TEXT without a prefix
 *
 * Prints what the method answers; exit code 0. A failure goes to standard error, exit code 1. Endpoint and session are found as
 * OpenNebula's tools find them (ONE_XMLRPC, ONE_AUTH, ~/.one). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/rpc_client.h"
#include "common/tmpl.h"

#define ARGS_MAX 32
#define ANSWER_MAX_BYTES (1024u * 1024 * 1024)
#define FILE_MAX_BYTES (16u * 1024 * 1024)

static const char usage[] =
	"Usage: onecall [-e ENDPOINT] [-a AUTH_FILE] [-t SECONDS] METHOD [ARGUMENT...]\n"
	"Calls a method of the XML-RPC API and prints its answer.\n\n"
	"ARGUMENT  i:NUMBER, b:true, b:false, s:TEXT, f:FILE (its text; - is standard input), or TEXT\n"
	"  -e      API, default $ONE_XMLRPC, ~/.one/one_endpoint or http://localhost:2633/RPC2\n"
	"  -a      file with name:password, default $ONE_AUTH or ~/.one/one_auth\n"
	"  -t      seconds a call may take (60)\n"
	"For example: onecall one.vm.info i:7 b:false\n";

struct options { const char *endpoint, *auth; long long timeout_s; };

static bool read_file(const char *path, struct strbuf *out)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char buf[65536];
	size_t n;

	if (f == NULL)
		return false;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0 && out->len <= FILE_MAX_BYTES)
		strbuf_add(out, buf, n);
	bool ok = ferror(f) == 0 && out->len <= FILE_MAX_BYTES;
	if (f != stdin)
		fclose(f);
	return ok;
}

/* false: not that kind of value. */
static bool parse_argument(const char *text, struct rpc_arg *arg, struct arena *arena)
{
	long long number;
	bool flag;

	if (strncmp(text, "i:", 2) == 0) {
		bool ok = value_int(text + 2, &number);
		*arg = RPC_INT(ok ? number : 0);
		return ok;
	}
	if (strncmp(text, "b:", 2) == 0) {
		bool ok = value_bool(text + 2, &flag);
		*arg = RPC_BOOL(ok && flag);
		return ok;
	}
	if (strncmp(text, "f:", 2) == 0) {
		struct strbuf content = STRBUF_INIT;
		bool ok = read_file(text + 2, &content);
		*arg = RPC_STR(arena_strdup(arena, content.buf));
		strbuf_done(&content);
		return ok;
	}
	*arg = RPC_STR(strncmp(text, "s:", 2) == 0 ? text + 2 : text);
	return true;
}

static enum one_rc call(const struct options *o, const char *method, const struct rpc_arg *args, struct one_err *err)
{
	struct strbuf endpoint = STRBUF_INIT, session = STRBUF_INIT, text = STRBUF_INIT;
	struct rpc_client *client = NULL;
	long long number = 0;
	enum one_rc rc = rpc_find_endpoint(o->endpoint, &endpoint, err);

	if (rc == ONE_OK)
		rc = rpc_find_session(o->auth, &session, err);
	if (rc == ONE_OK)
		rc = rpc_client_new(endpoint.buf, session.buf, (int)o->timeout_s * 1000, ANSWER_MAX_BYTES, &client, err);
	if (rc == ONE_OK)
		rc = rpc_call(client, method, args, &text, &number, err);
	if (rc == ONE_OK && text.len > 0)
		printf("%s\n", text.buf);
	else if (rc == ONE_OK)
		printf("%lld\n", number);
	rpc_client_free(client);
	strbuf_done(&text);
	strbuf_done(&session);
	strbuf_done(&endpoint);
	return rc;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "+e:a:t:hV", longs, NULL)) != -1) {
		switch (opt) {
		case 'e':
			o->endpoint = optarg;
			break;
		case 'a':
			o->auth = optarg;
			break;
		case 't':
			if (!value_int(optarg, &o->timeout_s) || o->timeout_s < 1 || o->timeout_s > 86400)
				return false;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		case 'V':
			puts("onecall (Perigee), for OpenNebula 6.10");
			exit(0);
		default:
			return false;
		}
	}
	return optind < argc && argc - optind - 1 <= ARGS_MAX;
}

int main(int argc, char **argv)
{
	struct options o = { .timeout_s = 60 };
	struct rpc_arg args[ARGS_MAX + 1];
	struct arena arena = ARENA_INIT;
	struct one_err err = ONE_ERR_INIT;

	if (!parse_options(argc, argv, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	const char *method = argv[optind++];
	int n = 0;
	for (; optind < argc; optind++) {
		if (!parse_argument(argv[optind], &args[n++], &arena)) {
			fprintf(stderr, "onecall: not a value: %s\n", argv[optind]);
			return 2;
		}
	}
	args[n] = RPC_END;
	enum one_rc rc = call(&o, method, args, &err);
	if (rc != ONE_OK)
		fprintf(stderr, "%s\n", err.text);
	arena_done(&arena);
	return rc == ONE_OK && fflush(stdout) == 0 ? 0 : 1;
}
