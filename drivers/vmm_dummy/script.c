/* Prepared answers of the dummy hypervisor (format: script.h). */
#include "drivers/vmm_dummy/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

#define DELAY_MAX_S 86400
#define ANSWERS_MAX 10000
#define LINE_MAX_BYTES 128

struct script_step script_parse_line(const char *line)
{
	struct script_step step = { SCRIPT_SUCCESS, 0 };
	char word[16] = "";
	long delay = 0;
	if (sscanf(line, "%15s %ld", word, &delay) < 1)
		return step;
	if (strcmp(word, "failure") == 0 || strcmp(word, "0") == 0)
		step.answer = SCRIPT_FAILURE;
	else if (strcmp(word, "-") == 0)
		step.answer = SCRIPT_SILENCE;
	if (delay > 0 && step.answer != SCRIPT_SILENCE)
		step.delay_s = delay < DELAY_MAX_S ? (int)delay : DELAY_MAX_S;
	return step;
}

static unsigned count_lines(FILE *f)
{
	char line[LINE_MAX_BYTES];
	unsigned n = 0;
	while (n < ANSWERS_MAX && fgets(line, sizeof(line), f))
		n++;
	rewind(f);
	return n;
}

static struct script_step nth_line(FILE *f, unsigned turn)
{
	char line[LINE_MAX_BYTES] = "";
	unsigned n = count_lines(f);
	for (unsigned i = 0; n && i <= turn % n; i++)
		if (!fgets(line, sizeof(line), f))
			break;
	return script_parse_line(line);
}

struct script_step script_next(const char *directory, const char *action, unsigned turn)
{
	const struct script_step success = { SCRIPT_SUCCESS, 0 };
	char *path = xasprintf("%s/%s", directory, action);
	FILE *f = fopen(path, "re");
	free(path);
	if (!f)
		return success;
	struct script_step step = nth_line(f, turn);
	fclose(f);
	return step;
}
