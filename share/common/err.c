/* Error values and texts: filling, prefixing and cutting the caller's struct one_err. */
#include "common/err.h"

#include <stdio.h>
#include <string.h>

/* Length of the longest prefix of text[0..len) that doesn't end inside a UTF-8 character. */
static size_t utf8_cut(const char *text, size_t len)
{
	size_t lead = len;

	for (int back = 0; back < 4 && lead > 0; back++) {
		unsigned char c = (unsigned char)text[--lead];

		if ((c & 0xC0) == 0x80)
			continue;
		size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
		return len - lead >= need ? len : lead;
	}
	return len; /* not UTF-8 at all: nothing to protect */
}

/* Formats into out[ONE_ERR_TEXT]; the arguments may point into a struct one_err. */
static void format_text(char *out, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void format_text(char *out, const char *fmt, va_list ap)
{
	int n = vsnprintf(out, ONE_ERR_TEXT, fmt, ap);

	if (n < 0)
		out[0] = '\0';
	else if (n >= ONE_ERR_TEXT)
		out[utf8_cut(out, ONE_ERR_TEXT - 1)] = '\0';
}

enum one_rc one_err_vset(struct one_err *err, enum one_rc rc, const char *fmt, va_list ap)
{
	if (!err)
		return rc;

	char text[ONE_ERR_TEXT];

	format_text(text, fmt, ap);
	strcpy(err->text, text);
	err->rc = rc;
	return rc;
}

enum one_rc one_err_set(struct one_err *err, enum one_rc rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	one_err_vset(err, rc, fmt, ap);
	va_end(ap);
	return rc;
}

void one_err_prefix(struct one_err *err, const char *fmt, ...)
{
	if (!err)
		return;

	char text[ONE_ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	format_text(text, fmt, ap);
	va_end(ap);

	size_t head = strlen(text), tail = strlen(err->text);

	if (head + tail >= ONE_ERR_TEXT)
		tail = utf8_cut(err->text, ONE_ERR_TEXT - 1 - head);
	memmove(err->text + head, err->text, tail);
	memcpy(err->text, text, head);
	err->text[head + tail] = '\0';
}

void one_err_clear(struct one_err *err)
{
	if (!err)
		return;
	err->rc = ONE_OK;
	err->object_id = -1;
	err->text[0] = '\0';
}
