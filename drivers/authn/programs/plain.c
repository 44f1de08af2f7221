/* authenticate of the driver "plain": the secret is the stored password, both plain text. For tests and small installations. */
#include "common/crypto.h"
#include "drivers/authn/claim.h"

static enum one_rc check(struct arena *arena, const struct claim *claim, struct strbuf *reply, struct one_err *err)
{
	(void)arena;
	(void)reply;
	return secret_equal(claim->secret, claim->password) ? ONE_OK : claim_refuse(err, "Invalid credentials");
}

int main(int argc, char **argv)
{
	return claim_main(argc, argv, "Compares the secret with the stored password.", check);
}
