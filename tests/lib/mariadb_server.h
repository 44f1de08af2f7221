/* A private MariaDB server for one test program or benchmark: tests/lib/mariadb-server behind two calls. */
#ifndef TESTS_LIB_MARIADB_SERVER_H
#define TESTS_LIB_MARIADB_SERVER_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sql.h"

struct mariadb_server {
	char dir[48];     /* its data, log and socket */
	char socket[64];
	pid_t keeper;     /* removes all of it when this program ends, however it ends */
	int keeper_pipe;
};

/* Runs "mariadb-server <verb> <dir> [option...]" with its stdout in out (may be NULL). */
static inline bool mariadb_server_call(const char *verb, const char *dir, const char *const *options, char *out, size_t size)
{
	const char *argv[16] = { "tests/lib/mariadb-server", verb, dir };
	int pipes[2], status, n = 3;
	ssize_t got;
	pid_t pid;

	while (options && *options && n < 15)
		argv[n++] = *options++;
	if (pipe(pipes) != 0)
		return false;
	pid = fork();
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execv(argv[0], (char *const *)(void *)argv);
		_exit(127);
	}
	close(pipes[1]);
	got = out ? read(pipes[0], out, size - 1) : 0;
	close(pipes[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return false;
	if (out)
		out[got > 0 ? got : 0] = 0;
	return true;
}

/* Starts (again) the server of s->dir. */
static inline bool mariadb_server_start_again(struct mariadb_server *s, const char *const *options)
{
	if (!mariadb_server_call("start", s->dir, options, s->socket, sizeof(s->socket)))
		return false;
	s->socket[strcspn(s->socket, "\n")] = 0;
	return s->socket[0] == '/';
}

/* A child that waits until nobody holds the other end of the pipe. */
static inline void mariadb_server_keep(struct mariadb_server *s)
{
	const char *const argv[] = { "tests/lib/mariadb-server", "remove", s->dir, NULL };
	int pipes[2];
	char c;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		abort();
	s->keeper = fork();
	if (s->keeper == 0) {
		setsid(); /* Ctrl-C ends the test, not this */
		close(pipes[1]);
		while (read(pipes[0], &c, 1) > 0)
			;
		execv(argv[0], (char *const *)(void *)argv);
		_exit(127);
	}
	close(pipes[0]);
	s->keeper_pipe = pipes[1];
}

static inline bool mariadb_server_start_in(struct mariadb_server *s, const char *folder, const char *const *options)
{
	int n = snprintf(s->dir, sizeof(s->dir), "%s/mariadb-XXXXXX", folder);

	if (n < 0 || (size_t)n >= sizeof(s->dir) || !mkdtemp(s->dir))
		return false;
	mariadb_server_keep(s);
	return mariadb_server_start_again(s, options);
}

static inline bool mariadb_server_start(struct mariadb_server *s, const char *const *options)
{
	return mariadb_server_start_in(s, "/tmp", options);
}

static inline bool mariadb_server_stop(struct mariadb_server *s)
{
	return mariadb_server_call("stop", s->dir, NULL, NULL, 0);
}

static inline void mariadb_server_done(struct mariadb_server *s)
{
	close(s->keeper_pipe);
	waitpid(s->keeper, NULL, 0);
}

static inline struct sql_config mariadb_server_config(const struct mariadb_server *s, const char *database)
{
	return (struct sql_config){ .backend = SQL_MARIADB, .socket = s->socket, .user = "root", .database = database };
}

#endif
