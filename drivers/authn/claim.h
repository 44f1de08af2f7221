/* What the programs remotes/auth/DRIVER/authenticate share: their input, their answer.
 *
 *   stdin   <AUTHN><USERNAME/><PASSWORD/><SECRET/></AUTHN>
 *           USERNAME and SECRET as in the session "name:secret", PASSWORD as stored with the user, "-" for nobody known
 *   yes     exit code 0; stdout is what oned is told (oned/auth/auth_reply.h)
 *   no      exit code 1; the reason for the log, between OpenNebula's markers, on stderr
 *
 * Nothing of a password or secret is ever printed. */
#ifndef AUTHN_CLAIM_H
#define AUTHN_CLAIM_H

#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"

struct claim { const char *user, *password, *secret; };

/* Reads a claim from XML. */
enum one_rc claim_parse(struct arena *arena, const char *xml, size_t len, struct claim *out, struct one_err *err);
/* main(): reads a claim from stdin and answers what `check` says of it; the exit status. argc > 1: prints the help text. */
typedef enum one_rc (*claim_check_fn)(struct arena *arena, const struct claim *claim, struct strbuf *reply, struct one_err *err);
int claim_main(int argc, char **argv, const char *help, claim_check_fn check);

/* ---- YES and NO ---- */

/* Every refusal is ONE_AUTHENTICATION. */
#define claim_refuse(err, ...) one_err_set((err), ONE_AUTHENTICATION, __VA_ARGS__)

/* %XX as in URIs; what isn't hexadecimal stays. */
const char *uri_unescape(struct arena *arena, const char *text);
/* The other way, all but letters, digits and -_.!~*'();/?:@&=+$,[] */
const char *uri_escape(struct arena *arena, const char *text);

#endif
