/* Typed values of templates: what counts as a number and as a boolean. */
#include "common/tmpl.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *skip_spaces(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static const char *skip_digits(const char *s)
{
	while (isdigit((unsigned char)*s))
		s++;
	return s;
}

/* Blanks may stand in front but not behind, as in OpenNebula. */
bool value_int(const char *s, long long *out)
{
	const char *digits;
	long long value;

	s = skip_spaces(s);
	digits = s + (*s == '-' || *s == '+');
	if (!isdigit((unsigned char)*digits) || *skip_digits(digits) != '\0')
		return false;
	errno = 0;
	value = strtoll(s, NULL, 10);
	if (errno != 0)
		return false;
	*out = value;
	return true;
}

/* strtod() would take more: hexadecimal, "inf", "nan". */
static bool is_decimal(const char *s)
{
	const char *from;
	bool digits;

	s += *s == '-' || *s == '+';
	from = s;
	s = skip_digits(s);
	digits = s > from;
	if (*s == '.') {
		from = ++s;
		s = skip_digits(s);
		digits = digits || s > from;
	}
	if (!digits)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		if (!isdigit((unsigned char)*s))
			return false;
		s = skip_digits(s);
	}
	return *s == '\0';
}

bool value_float(const char *s, double *out)
{
	double value;

	s = skip_spaces(s);
	if (!is_decimal(s))
		return false;
	value = strtod(s, NULL);
	if (!isfinite(value))
		return false;
	*out = value;
	return true;
}

bool value_bool(const char *s, bool *out)
{
	static const char *const words[2][3] = { { "NO", "FALSE", "0" }, { "YES", "TRUE", "1" } };

	for (int value = 0; value < 2; value++) {
		for (size_t i = 0; i < 3; i++) {
			if (strcasecmp(s, words[value][i]) == 0) {
				*out = value == 1;
				return true;
			}
		}
	}
	return false;
}

bool tmpl_get_int(const struct tmpl *t, const char *name, long long *out)
{
	const char *value = tmpl_get(t, name);

	return value && value_int(value, out);
}

bool tmpl_get_float(const struct tmpl *t, const char *name, double *out)
{
	const char *value = tmpl_get(t, name);

	return value && value_float(value, out);
}

bool tmpl_get_bool(const struct tmpl *t, const char *name, bool *out)
{
	const char *value = tmpl_get(t, name);

	return value && value_bool(value, out);
}

bool attr_get_int(const struct attr *vector, const char *name, long long *out)
{
	const char *value = attr_get(vector, name);

	return value && value_int(value, out);
}

bool attr_get_float(const struct attr *vector, const char *name, double *out)
{
	const char *value = attr_get(vector, name);

	return value && value_float(value, out);
}

bool attr_get_bool(const struct attr *vector, const char *name, bool *out)
{
	const char *value = attr_get(vector, name);

	return value && value_bool(value, out);
}
