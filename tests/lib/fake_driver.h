/* A driver that misbehaves on request, for tests of what supervises drivers. The test program starts
 * itself as one: main() calls fake_driver_main() when its first argument is FAKE_DRIVER; the others are
 * steps:
 *
 *   init       waits for INIT, answers SUCCESS      refuse     waits for INIT, answers FAILURE
 *   echo       answers every request with its       twice      the same, two answers each
 *              payload until the input ends         line:TEXT  sends TEXT as a line
 *   garbage:N  N lines that are no messages         long:MB    one answer with so many MB
 *   stderr:KB  so much to standard error            read:N     reads N lines without answering
 *   sleep:MS   does nothing, reads nothing          close:FD   closes a descriptor
 *   exit:CODE  ends
 * When all steps are done it ends. */
#ifndef TESTS_FAKE_DRIVER_H
#define TESTS_FAKE_DRIVER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/driver.h"

#define FAKE_DRIVER "--fake-driver"

static char *fake_read_line(void)
{
	static char *line;
	static size_t room;
	ssize_t n = getline(&line, &room, stdin);
	if (n <= 0)
		exit(0);
	line[n - 1] = '\0';
	return line;
}

static void fake_echo(int times)
{
	for (;;) {
		struct driver_msg m;
		if (!driver_parse_request(fake_read_line(), &m))
			continue;
		if (strcmp(m.action, "FINALIZE") == 0)
			exit(0);
		for (int i = 0; i < times; i++)
			printf("%s SUCCESS %lld %s\n", m.action, m.id, m.payload);
		fflush(stdout);
	}
}

static void fake_fill(FILE *to, size_t n)
{
	char block[1024];
	memset(block, 'x', sizeof(block));
	block[sizeof(block) - 1] = to == stderr ? '\n' : 'x';
	for (size_t i = 0; i < n / sizeof(block); i++)
		fwrite(block, 1, sizeof(block), to);
}

static void fake_wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
	nanosleep(&t, NULL);
}

static void fake_step(const char *step)
{
	const char *colon = strchr(step, ':');
	const char *text = colon ? colon + 1 : "";
	long n = atol(text);
	if (strcmp(step, "init") == 0 || strcmp(step, "refuse") == 0) {
		while (strncmp(fake_read_line(), "INIT", 4) != 0)
			continue;
		puts(*step == 'i' ? "INIT SUCCESS" : "INIT FAILURE - not today");
	} else if (strcmp(step, "echo") == 0) {
		fake_echo(1);
	} else if (strcmp(step, "twice") == 0) {
		fake_echo(2);
	} else if (strncmp(step, "line:", 5) == 0) {
		puts(text);
	} else if (strncmp(step, "garbage:", 8) == 0) {
		while (n-- > 0)
			puts("sh: 1: what: not found");
	} else if (strncmp(step, "long:", 5) == 0) {
		fputs("SAVE SUCCESS 1 ", stdout);
		fake_fill(stdout, (size_t)n * 1024 * 1024);
		puts("");
	} else if (strncmp(step, "stderr:", 7) == 0) {
		fake_fill(stderr, (size_t)n * 1024);
	} else if (strncmp(step, "read:", 5) == 0) {
		while (n-- > 0)
			fake_read_line();
	} else if (strncmp(step, "sleep:", 6) == 0) {
		fake_wait_ms(n);
	} else if (strncmp(step, "close:", 6) == 0) {
		close((int)n);
	} else {
		exit(strncmp(step, "exit:", 5) == 0 ? (int)n : 99);
	}
	fflush(stdout);
}

static int fake_driver_main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		fake_step(argv[i]);
	return 0;
}

#endif
