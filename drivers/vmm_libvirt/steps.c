/* Runs the steps of an action in order, and backwards when one fails. */
#include "drivers/vmm_libvirt/vmm.h"

static void note(struct action *a, char level, const char *fmt, const char *step, const char *why)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s: %s%s%s", a->call->action, step, fmt, why);
	driver_log(a->call->driver, level, a->call->id, text.buf);
	strbuf_done(&text);
}

static void undo(struct action *a, const struct step *first, const struct step *failed)
{
	a->undoing = true;
	for (const struct step *s = failed; s-- > first;) {
		if (s->undo != NULL) {
			note(a, 'I', " is taken back", s->name, "");
			s->undo(a);
		}
	}
}

enum one_rc steps_run(struct action *a, const struct step *steps, struct one_err *err)
{
	for (const struct step *s = steps; s->name != NULL; s++) {
		struct one_err why = ONE_ERR_INIT;
		enum one_rc rc = s->run(a, &why);
		if (rc == ONE_OK) {
			note(a, 'I', " done", s->name, "");
			continue;
		}
		note(a, s->no_fail ? 'W' : 'E', " failed: ", s->name, why.text);
		if (s->no_fail)
			continue;
		undo(a, steps, s);
		return one_err_set(err, rc, "%s", why.text);
	}
	return ONE_OK;
}
