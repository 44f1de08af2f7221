#include "drivers/authn/claim.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/xml.h"

#define CLAIM_MAX_BYTES (1024 * 1024)

enum one_rc claim_parse(struct arena *arena, const char *xml, size_t len, struct claim *out, struct one_err *err)
{
	struct one_err why = ONE_ERR_INIT;
	struct xnode *root;

	/* The parser's own text may quote what it could not read. */
	if (xml_parse(arena, xml, len, 4, CLAIM_MAX_BYTES, &root, &why) || strcmp(root->name, "AUTHN") != 0)
		return claim_refuse(err, "The request is not the XML of a login");
	out->user = xml_text(root, "USERNAME");
	out->password = xml_text(root, "PASSWORD");
	out->secret = xml_text(root, "SECRET");
	if (!out->user || !out->password || !out->secret)
		return claim_refuse(err, "The request lacks USERNAME, PASSWORD or SECRET");
	return ONE_OK;
}

static enum one_rc read_stdin(struct strbuf *in, struct one_err *err)
{
	char step[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, step, sizeof(step))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || in->len + (size_t)n > CLAIM_MAX_BYTES)
			return claim_refuse(err, "The request cannot be read");
		strbuf_add(in, step, (size_t)n);
	}
	explicit_bzero(step, sizeof(step));
	return ONE_OK;
}

/* For people: --help, --version, and what is neither. */
static int explain(char **argv, const char *help)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];

	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("%s (Perigee), for OpenNebula 6.10\n", name);
		return 0;
	}
	printf("Usage: %s < CLAIM\n%s\nCLAIM is XML: <AUTHN><USERNAME/><PASSWORD/><SECRET/></AUTHN>. Exit code 0: he is who he says.\n", name, help);
	return strcmp(argv[1], "--help") && strcmp(argv[1], "-h") ? 2 : 0;
}

int claim_main(int argc, char **argv, const char *help, claim_check_fn check)
{
	struct strbuf in = STRBUF_INIT, reply = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	struct arena arena = ARENA_INIT;
	struct claim claim;
	enum one_rc rc;

	if (argc > 1)
		return explain(argv, help);
	rc = read_stdin(&in, &err);
	if (!rc)
		rc = claim_parse(&arena, in.buf, in.len, &claim, &err);
	if (!rc)
		rc = check(&arena, &claim, &reply, &err);
	if (!rc && reply.len)
		puts(reply.buf);
	if (rc)
		fprintf(stderr, "ERROR MESSAGE --8<------\n%s\nERROR MESSAGE ------>8--\n", err.text);
	strbuf_done(&in);
	strbuf_done(&reply);
	arena_done(&arena);
	return rc ? 1 : 0;
}

/* ---- percent signs ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *uri_unescape(struct arena *arena, const char *text)
{
	char *out = arena_strdup(arena, text), *to = out;

	for (const char *c = text; *c; c++) {
		int high = *c == '%' ? hex_digit(c[1]) : -1, low = high >= 0 ? hex_digit(c[2]) : -1;

		if (low < 0 || high * 16 + low == 0) {
			*to++ = *c;
			continue;
		}
		*to++ = (char)(high * 16 + low);
		c += 2;
	}
	*to = '\0';
	return out;
}

const char *uri_escape(struct arena *arena, const char *text)
{
	struct strbuf out = STRBUF_INIT;
	const char *escaped;

	for (const char *c = text; *c; c++) {
		if (isalnum((unsigned char)*c) || strchr("-_.!~*'();/?:@&=+$,[]", *c))
			strbuf_addc(&out, *c);
		else
			strbuf_addf(&out, "%%%02X", (unsigned)(unsigned char)*c);
	}
	escaped = arena_strdup(arena, out.buf);
	strbuf_done(&out);
	return escaped;
}
