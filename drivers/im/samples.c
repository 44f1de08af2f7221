/* What messages carry (samples.h). */
#include "drivers/im/samples.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/crypto.h"
#include "common/map.h"
#include "common/tmpl.h"
#include "common/xml.h"

struct vm {
	struct vm *next; /* in the order they came */
	const char *id, *deploy_id;
	struct tmpl *sample;
};

struct merge {
	struct arena arena;
	struct smap by_key; /* "ID" or "-1 DEPLOY_ID" -> struct vm */
	struct vm *first, **tail;
	int bad;
};

static struct vm *vm_of(struct merge *m, const char *id, const char *deploy_id)
{
	const char *key = *id == '-' ? arena_printf(&m->arena, "%s %s", id, deploy_id) : id;
	struct vm *vm = smap_get(&m->by_key, key);
	if (!vm) {
		vm = arena_new(&m->arena, struct vm);
		vm->id = id;
		vm->deploy_id = deploy_id;
		vm->sample = tmpl_new(&m->arena);
		*m->tail = vm;
		m->tail = &vm->next;
		smap_put(&m->by_key, key, vm);
	}
	return vm;
}

static bool read_sample(struct arena *arena, const char *base64, struct tmpl *sample)
{
	struct strbuf text = STRBUF_INIT;
	bool ok = base64_decode(base64, strlen(base64), &text) &&
		  tmpl_parse(sample, arena_strndup(arena, text.buf, text.len), NULL) == ONE_OK;
	strbuf_done(&text);
	return ok;
}

static void add_vm(struct merge *m, const struct attr *entry)
{
	long long id;
	const char *monitor = attr_get(entry, "MONITOR"), *deploy_id = attr_get(entry, "DEPLOY_ID");
	struct tmpl *sample = tmpl_new(&m->arena);
	if (!entry->vector || !attr_get_int(entry, "ID", &id) || id < -1 || !monitor ||
	    !read_sample(&m->arena, monitor, sample)) {
		m->bad++;
		return;
	}
	struct vm *vm = vm_of(m, arena_printf(&m->arena, "%lld", id), deploy_id ? deploy_id : "");
	tmpl_merge(vm->sample, sample);
}

static void write_vm(const struct vm *vm, struct tmpl *out)
{
	struct strbuf text = STRBUF_INIT, packed = STRBUF_INIT;
	tmpl_to_text(vm->sample, &text);
	base64_encode(text.buf, text.len, &packed);
	struct attr *entry = tmpl_add_vector(out, "VM");
	attr_set(out->arena, entry, "ID", vm->id);
	attr_set(out->arena, entry, "DEPLOY_ID", vm->deploy_id);
	attr_set(out->arena, entry, "MONITOR", packed.buf);
	strbuf_done(&text);
	strbuf_done(&packed);
}

enum one_rc samples_merge_vms(const char *text, struct strbuf *out, int *bad, struct one_err *err)
{
	struct merge m = { .arena = ARENA_INIT, .by_key = SMAP_INIT };
	m.tail = &m.first;
	struct tmpl *in = tmpl_new(&m.arena), *merged = tmpl_new(&m.arena);
	enum one_rc rc = tmpl_parse(in, text, err);
	if (rc == ONE_OK) {
		for (const struct attr *a = tmpl_find(in, "VM"); a; a = tmpl_find_next(a))
			add_vm(&m, a);
		for (const struct vm *vm = m.first; vm; vm = vm->next)
			write_vm(vm, merged);
		tmpl_to_text(merged, out);
		*bad = m.bad;
	}
	smap_done(&m.by_key);
	arena_done(&m.arena);
	return rc;
}

enum one_rc samples_check(const char *text, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	enum one_rc rc = tmpl_parse(tmpl_new(&arena), text, err);
	arena_done(&arena);
	return rc;
}

static void give_message(const struct message *answer, enum message_type type, const struct xnode *root,
			 samples_message_fn fn, void *ctx)
{
	const char *base64 = xml_text(root, message_type_names[type]);
	struct message m = {
		.type = type, .ok = true, .level = 'S', .host = answer->host, .text = STRBUF_INIT
	};
	m.when = (time_t)xml_int(root, "TIMESTAMP", 0);
	if (base64 && base64_decode(base64, strlen(base64), &m.text))
		fn(ctx, &m);
	message_done(&m);
}

enum one_rc samples_first_report(const struct message *answer, samples_message_fn fn, void *ctx,
				 struct one_err *err)
{
	static const enum message_type types[] = {
		MESSAGE_SYSTEM_HOST, MESSAGE_MONITOR_HOST, MESSAGE_BEACON_HOST,
		MESSAGE_STATE_VM,    MESSAGE_MONITOR_VM,
	};
	if (strspn(answer->text.buf, " \t\r\n") == answer->text.len)
		return ONE_OK;
	struct arena arena = ARENA_INIT;
	struct xnode *root;
	enum one_rc rc = xml_parse(&arena, answer->text.buf, answer->text.len, XML_MAX_DEPTH,
				   MESSAGE_TEXT_MAX, &root, err);
	if (rc == ONE_OK && strcmp(root->name, "MONITOR_MESSAGES") != 0)
		rc = one_err_set(err, ONE_INTERNAL, "<%.40s> where <MONITOR_MESSAGES> was expected",
				 root->name);
	for (size_t i = 0; rc == ONE_OK && i < sizeof(types) / sizeof(types[0]); i++)
		give_message(answer, types[i], root, fn, ctx);
	arena_done(&arena);
	return rc;
}
