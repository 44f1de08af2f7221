#include "oned/objects/vnc_ports.h"

#include <string.h>

#include "common/crypto.h"
#include "oned/objects/common.h"
#include "oned/objects/settings.h"

/* ---- the row: base64(zlib(text)), a character a port, the highest port first ---- */

static bool port_used(const struct vnc_ports *p, int port)
{
	return p->used[port / 64] >> (port % 64) & 1;
}

static void port_mark(struct vnc_ports *p, int port, bool used)
{
	uint64_t bit = UINT64_C(1) << (port % 64);

	p->used[port / 64] = used ? p->used[port / 64] | bit : p->used[port / 64] & ~bit;
}

static enum one_rc ports_load_row(struct object *o, const struct sql_value *cols, int n, struct one_err *err)
{
	struct vnc_ports *p = (struct vnc_ports *)o;
	struct strbuf packed = STRBUF_INIT, bits = STRBUF_INIT;
	bool ok = n == 2 && base64_decode(cols[1].s, cols[1].len, &packed) && zlib_unpack(packed.buf, packed.len, VNC_PORTS, &bits) &&
		  bits.len == VNC_PORTS;

	o->id = (int)cols[0].i;
	for (int i = 0; ok && i < VNC_PORTS; i++)
		port_mark(p, VNC_PORTS - 1 - i, bits.buf[i] == '1');
	strbuf_done(&packed);
	strbuf_done(&bits);
	return ok ? ONE_OK : one_err_set(err, ONE_INTERNAL, "The ports of cluster %d can't be read", o->id);
}

static void ports_render(const struct object *o, struct strbuf *out)
{
	const struct vnc_ports *p = (const struct vnc_ports *)o;
	struct strbuf bits = STRBUF_INIT, packed = STRBUF_INIT;

	strbuf_grow(&bits, VNC_PORTS);
	for (int i = VNC_PORTS - 1; i >= 0; i--)
		strbuf_addc(&bits, port_used(p, i) ? '1' : '0');
	zlib_pack(bits.buf, bits.len, &packed);
	base64_encode(packed.buf, packed.len, out);
	strbuf_done(&bits);
	strbuf_done(&packed);
}

static int ports_row(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
		     struct sql_value *cols)
{
	(void)brief;
	(void)json;
	cols[0] = SQL_INT(o->id);
	cols[1] = SQL_STRN(v->body, v->body_len);
	return 2;
}

const struct obj_ops vnc_ports_ops = {
	.type = OBJ_VNC_PORTS, .token = "VNC", .word = "ports", .root = "", .pool_root = "", .table = TABLE_VNC_BITMAP,
	.size = sizeof(struct vnc_ports), .flags = OBJ_F_NO_COUNTER, .render = ports_render, .row = ports_row,
	.load_row = ports_load_row,
};

/* ---- taking and giving back ---- */

static struct vnc_ports *ports_of(struct txn *t, int cluster_id)
{
	struct vnc_ports *p;

	if (txn_exists(t, OBJ_VNC_PORTS, cluster_id))
		return txn_edit(t, OBJ_VNC_PORTS, cluster_id);
	p = txn_new(t, OBJ_VNC_PORTS);
	if (p)
		p->o.id = cluster_id;
	return p;
}

static bool reserved(struct txn *t, long long port)
{
	const struct attr *conf = settings_first(t, "VNC_PORTS");
	const char *list = conf ? attr_get(conf, "RESERVED") : NULL;
	char *item;

	while (list && (item = list_next(t->arena, &list, ','))) {
		char *colon = strchr(item, ':');
		long long from, to;

		if (colon)
			*colon = '\0';
		if (!value_int(item, &from))
			continue;
		if (!colon || !value_int(colon + 1, &to))
			to = from;
		if (port >= from && port <= to)
			return true;
	}
	return false;
}

/* The port that goes with the VM's id, else the next free one. */
static int pick_port(struct txn *t, const struct vnc_ports *p, int vm_id)
{
	const struct attr *conf = settings_first(t, "VNC_PORTS");
	long long start = 5900, n;

	if (conf)
		attr_get_int(conf, "START", &start);
	if (start < 1 || start >= VNC_PORTS)
		return -1;
	n = VNC_PORTS - start;
	for (long long i = 0; i < n; i++) {
		long long port = start + (vm_id + i) % n;

		if (!port_used(p, (int)port) && !reserved(t, port))
			return (int)port;
	}
	return -1;
}

enum one_rc vnc_port_take(struct txn *t, struct vm *vm, int cluster_id)
{
	struct attr *graphics = tmpl_vector(vm->o.tmpl, "GRAPHICS");
	struct vnc_ports *p;
	long long port;

	if (!graphics)
		return ONE_OK;
	p = ports_of(t, cluster_id);
	if (!p)
		return t->err.rc;
	if (!attr_get_int(graphics, "PORT", &port)) {
		port = pick_port(t, p, vm->o.id);
		if (port < 0)
			return txn_fail(t, ONE_ACTION, "No free VNC ports available in the cluster");
		attr_setf(&vm->o.arena, graphics, "PORT", "%lld", port);
	} else if (port < 0 || port >= VNC_PORTS || port_used(p, (int)port)) {
		return txn_fail(t, ONE_ACTION, "Requested VNC port already assigned to a VM");
	}
	port_mark(p, (int)port, true);
	return ONE_OK;
}

void vnc_port_release(struct txn *t, struct vm *vm)
{
	struct attr *graphics = tmpl_vector(vm->o.tmpl, "GRAPHICS");
	struct vnc_ports *p;
	long long port;

	if (!graphics || !vm->history || !attr_get_int(graphics, "PORT", &port) || port < 0 || port >= VNC_PORTS)
		return;
	p = ports_of(t, vm->history->cid);
	if (p)
		port_mark(p, (int)port, false);
	attr_remove(graphics, "PORT");
}
