/* authenticate of the driver "dummy": believes everybody, and makes users of those nobody knows. For tests only. */
#include "drivers/authn/claim.h"

static enum one_rc check(struct arena *arena, const struct claim *claim, struct strbuf *reply, struct one_err *err)
{
	(void)arena;
	(void)err;
	strbuf_addf(reply, "dummy %s %s", claim->user, claim->secret);
	return ONE_OK;
}

int main(int argc, char **argv)
{
	return claim_main(argc, argv, "Believes everybody: for tests only.", check);
}
