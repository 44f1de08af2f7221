/* Where agents send their messages: one UDP and one TCP socket of the same port. A datagram is a message;
 * a TCP connection carries one, or several parted by newlines, and is closed by the agent. Sizes, times
 * and the number of connections are limited. */
#ifndef IM_NET_H
#define IM_NET_H

#include "common/err.h"

struct net;

/* line is NUL-terminated, without its newline, and may be changed. Several threads at once. */
typedef void (*net_line_fn)(void *ctx, char *line);

/* address: of this machine, "0.0.0.0" or "::" for all. `threads` read UDP, one more serves TCP. */
enum one_rc net_start(const char *address, int port, int threads, net_line_fn fn, void *ctx, struct net **out,
		      struct one_err *err);
void net_stop(struct net *net);

#endif
