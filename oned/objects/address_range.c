#include "oned/objects/address_range.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/crypto.h"
#include "oned/objects/common.h"
#include "oned/objects/secgroup.h"

static const char *const type_names[AR_TYPES] = {
	[AR_ETHER] = "ETHER", [AR_IP4] = "IP4", [AR_IP6] = "IP6", [AR_IP6_STATIC] = "IP6_STATIC", [AR_IP4_6] = "IP4_6",
	[AR_IP4_6_STATIC] = "IP4_6_STATIC",
};

static bool parse_type(const struct attr *v, enum ar_type *type)
{
	const char *text = attr_get(v, "TYPE");

	for (int i = 0; text && i < AR_TYPES; i++)
		if (!strcasecmp(text, type_names[i])) {
			*type = (enum ar_type)i;
			return true;
		}
	return false;
}

static bool parse_u64(const char *text, uint64_t *out)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return !errno && !*end;
}

static void parse_secgroups(struct address_range *ar, const struct attr *v)
{
	const char *list = attr_get(v, "SECURITY_GROUPS");

	ar->secgroups = (struct idset){ 0 };
	if (list)
		secgroup_ids_parse(list, &ar->secgroups, ar->arena);
}

static void parse_ports(struct address_range *ar, const struct attr *v)
{
	if (!attr_get_int(v, "PORT_START", &ar->port_start))
		ar->port_start = 0;
	if (!attr_get_int(v, "PORT_SIZE", &ar->port_size))
		ar->port_size = 0;
}

/* The upper half of a prefix; an empty or missing one is none. */
static bool parse_prefix(const struct attr *v, const char *name, uint64_t *prefix)
{
	const char *text = attr_get(v, name);
	struct ip6 ip;

	*prefix = 0;
	if (!text || !*text)
		return true;
	if (!ip6_parse(text, &ip))
		return false;
	*prefix = ip.hi;
	return true;
}

/* ---- of users ---- */

static enum one_rc make_ip4(struct address_range *ar, struct attr *v, struct one_err *err)
{
	if (!ar_has_ip4(ar)) {
		attr_remove(v, "IP");
		return ONE_OK;
	}
	return ip4_parse(attr_get(v, "IP"), &ar->ip) ? ONE_OK : one_err_set(err, ONE_INTERNAL, "Wrong or empty IP attribute");
}

static enum one_rc make_prefixes(struct address_range *ar, struct attr *v, struct one_err *err)
{
	if (!ar_has_ip6(ar)) {
		attr_remove(v, "GLOBAL_PREFIX");
		attr_remove(v, "ULA_PREFIX");
		ar->global = ar->ula = 0;
		return ONE_OK;
	}
	if (!parse_prefix(v, "GLOBAL_PREFIX", &ar->global))
		return one_err_set(err, ONE_INTERNAL, "Wrong format for IP6 global address prefix");
	if (!parse_prefix(v, "ULA_PREFIX", &ar->ula))
		return one_err_set(err, ONE_INTERNAL, "Wrong format for IP6 unique local address prefix");
	return ONE_OK;
}

/* A static range without a size goes to the end of its prefix. */
static void default_size(struct address_range *ar, struct attr *v, long long prefix_length)
{
	uint64_t all = prefix_length <= 64 ? UINT64_MAX : UINT64_C(1) << (128 - (prefix_length > 127 ? 127 : prefix_length));
	uint64_t mask = prefix_length <= 64 ? all : all - 1;

	attr_setf(ar->arena, v, "SIZE", "%llu", (unsigned long long)(all - (ar->ip6.lo & mask)));
}

static enum one_rc make_ip6_static(struct address_range *ar, struct attr *v, struct one_err *err)
{
	const char *size = attr_get(v, "SIZE");
	long long prefix_length;

	if (!ar_has_ip6_static(ar)) {
		attr_remove(v, "IP6");
		return ONE_OK;
	}
	if (!ip6_parse(attr_get(v, "IP6"), &ar->ip6))
		return one_err_set(err, ONE_INTERNAL, "Wrong or empty IP6 attribute");
	if (!attr_get_int(v, "PREFIX_LENGTH", &prefix_length))
		return one_err_set(err, ONE_INTERNAL, "Wrong or empty PREFIX_LENGTH");
	if (!size || !*size)
		default_size(ar, v, prefix_length);
	return ONE_OK;
}

static enum one_rc make_mac(struct address_range *ar, struct attr *v, unsigned mac_prefix, struct one_err *err)
{
	const char *text = attr_get(v, "MAC");
	char mac[MAC_TEXT];
	uint32_t low = ar->ip;

	if (text && *text)
		return mac_parse(text, &ar->mac) ? ONE_OK : one_err_set(err, ONE_INTERNAL, "Wrong format for MAC attribute");
	if (!ar_has_ip4(ar))
		random_bytes(&low, sizeof(low));
	ar->mac = (uint64_t)mac_prefix << 32 | low;
	mac_format(ar->mac, mac);
	attr_set(ar->arena, v, "MAC", mac);
	return ONE_OK;
}

enum one_rc address_range_make(struct address_range *ar, struct arena *arena, struct attr *v, int id, unsigned mac_prefix,
			       struct one_err *err)
{
	static const char *const internal[] = { "ALLOCATED", "USED_LEASES", "LEASES", "PARENT_NETWORK_AR_ID", "PARENT_NETWORK" };
	enum one_rc rc;

	*ar = (struct address_range){ .arena = arena, .attr = v, .id = id };
	if (!parse_type(v, &ar->type))
		return one_err_set(err, ONE_INTERNAL, "Unknown or missing address range TYPE.");
	rc = make_ip4(ar, v, err);
	if (!rc)
		rc = make_prefixes(ar, v, err);
	if (!rc)
		rc = make_ip6_static(ar, v, err);
	if (!rc)
		rc = make_mac(ar, v, mac_prefix, err);
	if (rc)
		return rc;
	if (!parse_u64(attr_get(v, "SIZE"), &ar->size))
		return one_err_set(err, ONE_INTERNAL, "Wrong SIZE for address range");
	parse_secgroups(ar, v);
	parse_ports(ar, v);
	attr_setf(arena, v, "AR_ID", "%d", id);
	for (size_t i = 0; i < sizeof(internal) / sizeof(internal[0]); i++)
		attr_remove(v, internal[i]);
	return ONE_OK;
}

/* ---- stored ---- */

/* Makes room for n leases at a position. */
static void leases_open(struct address_range *ar, int at, int n)
{
	if (ar->n_leases + n > ar->cap_leases) {
		int cap = ar->cap_leases * 2 > ar->n_leases + n ? ar->cap_leases * 2 : ar->n_leases + n + 8;
		struct lease *grown = arena_array(ar->arena, cap, struct lease);

		if (ar->n_leases)
			memcpy(grown, ar->leases, (size_t)ar->n_leases * sizeof(*grown));
		ar->leases = grown;
		ar->cap_leases = cap;
	}
	memmove(ar->leases + at + n, ar->leases + at, (size_t)(ar->n_leases - at) * sizeof(*ar->leases));
	ar->n_leases += n;
}

static void lease_insert(struct address_range *ar, int at, struct lease lease)
{
	leases_open(ar, at, 1);
	ar->leases[at] = lease;
}

/* Position of the index, or where it would go. */
static int lease_place(const struct address_range *ar, uint32_t index)
{
	int lo = 0, hi = ar->n_leases;

	while (lo < hi) {
		int mid = (lo + hi) / 2;

		if (ar->leases[mid].index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool parse_allocated(struct address_range *ar, const char *text)
{
	char *end;

	while (text && *(text += strspn(text, " "))) {
		unsigned long long index, owner;
		int at;

		errno = 0;
		index = strtoull(text, &end, 10);
		if (end == text || index > UINT32_MAX)
			return false;
		text = end;
		owner = strtoull(text, &end, 10);
		if (end == text || errno)
			return false;
		text = end;
		at = lease_place(ar, (uint32_t)index);
		if (at == ar->n_leases || ar->leases[at].index != index)
			lease_insert(ar, at, (struct lease){ (uint32_t)index, (int64_t)owner });
	}
	return true;
}

enum one_rc address_range_load(struct address_range *ar, struct arena *arena, struct attr *v, struct one_err *err)
{
	long long id;
	bool ok;

	*ar = (struct address_range){ .arena = arena, .attr = v };
	ok = parse_type(v, &ar->type) && attr_get_int(v, "AR_ID", &id) && parse_u64(attr_get(v, "SIZE"), &ar->size) &&
	     mac_parse(attr_get(v, "MAC"), &ar->mac) && parse_allocated(ar, attr_get(v, "ALLOCATED"));
	ok = ok && (!ar_has_ip4(ar) || ip4_parse(attr_get(v, "IP"), &ar->ip));
	ok = ok && (!ar_has_ip6_static(ar) || ip6_parse(attr_get(v, "IP6"), &ar->ip6));
	ok = ok && parse_prefix(v, "GLOBAL_PREFIX", &ar->global) && parse_prefix(v, "ULA_PREFIX", &ar->ula);
	if (!ok)
		return one_err_set(err, ONE_INTERNAL, "Address range %s is damaged", attr_get(v, "AR_ID") ? attr_get(v, "AR_ID") : "?");
	ar->id = (int)id;
	parse_secgroups(ar, v);
	parse_ports(ar, v);
	return ONE_OK;
}

/* ---- leases ---- */

static void leases_to_attr(struct address_range *ar)
{
	struct strbuf text = STRBUF_INIT;

	for (int i = 0; i < ar->n_leases; i++) {
		strbuf_addc(&text, ' ');
		strbuf_addi(&text, ar->leases[i].index);
		strbuf_addc(&text, ' ');
		strbuf_addi(&text, ar->leases[i].owner);
	}
	attr_set(ar->arena, ar->attr, "ALLOCATED", text.buf);
	strbuf_done(&text);
}

const struct lease *ar_lease_at(const struct address_range *ar, uint32_t index)
{
	int at = lease_place(ar, index);

	return at < ar->n_leases && ar->leases[at].index == index ? &ar->leases[at] : NULL;
}

bool ar_find_free(const struct address_range *ar, uint32_t n, uint32_t *index)
{
	uint64_t from = 0, end = ar->size < UINT32_MAX ? ar->size : UINT32_MAX;

	for (int i = 0; i <= ar->n_leases; i++) {
		uint64_t until = i < ar->n_leases ? ar->leases[i].index : end;

		if (until > from && until - from >= n && from + n <= end) {
			*index = (uint32_t)from;
			return true;
		}
		from = until + 1;
	}
	return false;
}

bool ar_lease_take(struct address_range *ar, uint32_t index, int64_t owner)
{
	int at = lease_place(ar, index);

	if (index >= ar->size || (at < ar->n_leases && ar->leases[at].index == index))
		return false;
	lease_insert(ar, at, (struct lease){ index, owner });
	leases_to_attr(ar);
	return true;
}

bool ar_lease_take_range(struct address_range *ar, uint32_t first, uint32_t n, int64_t owner)
{
	int at = lease_place(ar, first);

	if (n > ar->size || first > ar->size - n || (at < ar->n_leases && ar->leases[at].index < (uint64_t)first + n))
		return false;
	leases_open(ar, at, (int)n);
	for (uint32_t i = 0; i < n; i++)
		ar->leases[at + (int)i] = (struct lease){ first + i, owner };
	leases_to_attr(ar);
	return true;
}

/* Keeps the leases for which it isn't (in the span and the owner's). */
static int leases_drop(struct address_range *ar, uint64_t first, uint64_t end, int64_t owner)
{
	int kept = 0, freed;

	for (int i = 0; i < ar->n_leases; i++) {
		const struct lease *l = &ar->leases[i];

		if (l->index < first || l->index >= end || l->owner != owner)
			ar->leases[kept++] = *l;
	}
	freed = ar->n_leases - kept;
	ar->n_leases = kept;
	if (freed)
		leases_to_attr(ar);
	return freed;
}

bool ar_lease_free(struct address_range *ar, uint32_t index, int64_t owner)
{
	return leases_drop(ar, index, (uint64_t)index + 1, owner) != 0;
}

int ar_lease_free_owner(struct address_range *ar, int64_t owner)
{
	return leases_drop(ar, 0, UINT64_MAX, owner);
}

int ar_lease_free_range(struct address_range *ar, uint32_t first, uint64_t n, int64_t owner)
{
	return leases_drop(ar, first, n > UINT64_MAX - first ? UINT64_MAX : first + n, owner);
}

/* ---- addresses ---- */

/* Only the low 32 bits of a MAC count on. */
static uint64_t mac_at(const struct address_range *ar, uint64_t index)
{
	return (ar->mac & ~UINT64_C(0xffffffff)) | (uint32_t)(ar->mac + index);
}

static bool index_of_mac(const struct address_range *ar, const char *text, uint32_t *index)
{
	uint64_t mac;

	if (!mac_parse(text, &mac) || mac >> 32 != ar->mac >> 32 || mac < ar->mac)
		return false;
	*index = (uint32_t)(mac - ar->mac);
	return true;
}

static bool index_of_ip4(const struct address_range *ar, const char *text, uint32_t *index)
{
	uint32_t ip;

	if (!ar_has_ip4(ar) || !ip4_parse(text, &ip) || ip < ar->ip)
		return false;
	*index = ip - ar->ip;
	return true;
}

static bool index_of_ip6(const struct address_range *ar, const char *text, uint32_t *index)
{
	struct ip6 ip;

	if (!ar_has_ip6_static(ar) || !ip6_parse(text, &ip) || ip.hi != ar->ip6.hi || ip.lo < ar->ip6.lo ||
	    ip.lo - ar->ip6.lo > UINT32_MAX)
		return false;
	*index = (uint32_t)(ip.lo - ar->ip6.lo);
	return true;
}

bool ar_index_of(const struct address_range *ar, enum address_kind kind, const char *text, uint32_t *index)
{
	uint32_t found = 0;
	bool ok = false;

	switch (kind) {
	case ADDRESS_NONE:
		break;
	case ADDRESS_MAC:
		ok = index_of_mac(ar, text, &found);
		break;
	case ADDRESS_IP4:
		ok = index_of_ip4(ar, text, &found);
		break;
	case ADDRESS_IP6:
		ok = index_of_ip6(ar, text, &found);
		break;
	}
	if (!ok || found >= ar->size)
		return false;
	*index = found;
	return true;
}

static void set_ip6(struct attr *v, const char *name, struct ip6 ip, struct arena *arena)
{
	char text[IP6_TEXT];

	ip6_format(ip, text);
	attr_set(arena, v, name, text);
}

static void fill_ports(const struct address_range *ar, uint32_t index, struct attr *v, struct arena *arena)
{
	long long first = ar->port_start + (long long)index * ar->port_size + 1;

	if (!ar->port_start || !ar->port_size)
		return;
	attr_setf(arena, v, "EXTERNAL_PORT_RANGE", "%lld:%lld", first, first + ar->port_size - 1);
	attr_setf(arena, v, "INTERNAL_PORT_RANGE", "1-%lld/%lld", ar->port_size, first);
}

void ar_address_fill(const struct address_range *ar, uint32_t index, struct attr *v, struct arena *arena)
{
	uint64_t mac = mac_at(ar, index);
	char text[IP6_TEXT];

	mac_format(mac, text);
	attr_set(arena, v, "MAC", text);
	fill_ports(ar, index, v, arena);
	if (ar_has_ip4(ar)) {
		ip4_format(ar->ip + index, text);
		attr_set(arena, v, "IP", text);
	}
	if (ar_has_ip6(ar)) {
		set_ip6(v, "IP6_LINK", ip6_of_mac(UINT64_C(0xfe80) << 48, mac), arena);
		if (ar->ula)
			set_ip6(v, "IP6_ULA", ip6_of_mac(ar->ula, mac), arena);
		if (ar->global)
			set_ip6(v, "IP6_GLOBAL", ip6_of_mac(ar->global, mac), arena);
	}
	if (ar_has_ip6_static(ar))
		set_ip6(v, "IP6", (struct ip6){ ar->ip6.hi, ar->ip6.lo + index }, arena);
}

/* ---- out ---- */

static void out_ip6(struct strbuf *out, const char *name, struct ip6 ip)
{
	char text[IP6_TEXT];

	ip6_format(ip, text);
	xml_out_text(out, name, text);
}

static void render_prefix(const struct address_range *ar, uint64_t prefix, const char *name, const char *end, struct strbuf *out)
{
	if (!prefix)
		return;
	out_ip6(out, name, ip6_of_mac(prefix, ar->mac));
	out_ip6(out, end, ip6_of_mac(prefix, mac_at(ar, ar->size - 1)));
}

static void render_ends(const struct address_range *ar, struct strbuf *out)
{
	char text[IP6_TEXT];

	mac_format(mac_at(ar, ar->size - 1), text);
	xml_out_text(out, "MAC_END", text);
	if (ar_has_ip4(ar)) {
		ip4_format((uint32_t)(ar->ip + ar->size - 1), text);
		xml_out_text(out, "IP_END", text);
	}
	if (ar_has_ip6(ar)) {
		render_prefix(ar, ar->ula, "IP6_ULA", "IP6_ULA_END", out);
		render_prefix(ar, ar->global, "IP6_GLOBAL", "IP6_GLOBAL_END", out);
	}
	if (ar_has_ip6_static(ar))
		out_ip6(out, "IP6_END", (struct ip6){ ar->ip6.hi, ar->ip6.lo + ar->size - 1 });
}

static void render_lease(const struct address_range *ar, const struct lease *l, struct strbuf *out)
{
	struct arena scratch = ARENA_INIT;
	struct attr v = { .name = "LEASE", .vector = true };
	const char *what = l->owner & LEASE_VM ? "VM" : l->owner & LEASE_NET ? "VNET" : "VROUTER";

	attr_setf(&scratch, &v, what, "%d", lease_owner_id(l->owner));
	ar_address_fill(ar, l->index, &v, &scratch);
	attr_to_xml(&v, out);
	arena_done(&scratch);
}

void address_range_render(const struct address_range *ar, lease_show_fn show, void *ctx, struct strbuf *out)
{
	xml_out_open(out, "AR");
	for (const struct attr *kid = ar->attr->kids; kid; kid = kid->next)
		if (strcmp(kid->name, "ALLOCATED") != 0)
			xml_out_text(out, kid->name, kid->value);
	render_ends(ar, out);
	xml_out_int(out, "USED_LEASES", ar->n_leases);
	xml_out_open(out, "LEASES");
	for (int i = 0; i < ar->n_leases; i++)
		if (!show || show(ctx, ar->leases[i].owner))
			render_lease(ar, &ar->leases[i], out);
	xml_out_close(out, "LEASES");
	xml_out_close(out, "AR");
}

void address_range_rule_fill(const struct address_range *ar, struct attr *rule, struct arena *arena)
{
	static const char *const names[] = { "AR_ID", "TYPE", "SIZE", "MAC", "IP", "IP6" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = attr_get(ar->attr, names[i]);

		if (value && *value)
			attr_set(arena, rule, names[i], value);
	}
	if (ar->ula)
		set_ip6(rule, "IP6_ULA", ip6_of_mac(ar->ula, ar->mac), arena);
	if (ar->global)
		set_ip6(rule, "IP6_GLOBAL", ip6_of_mac(ar->global, ar->mac), arena);
}

/* ---- changes by users ---- */

/* What stays as it is, whatever the new vector says. */
static void keep_fixed(const struct address_range *ar, struct attr *fresh)
{
	static const char *const kept[] = { "TYPE", "MAC", "AR_ID", "ALLOCATED", "IPAM_MAD", "PARENT_NETWORK_AR_ID", "IP", "IP6" };
	static const char *const made[] = { "USED_LEASES", "LEASES", "MAC_END", "IP_END", "IP6_END", "IP6_ULA", "IP6_ULA_END",
					    "IP6_GLOBAL", "IP6_GLOBAL_END" };

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		attr_remove(fresh, made[i]);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const char *value = attr_get(ar->attr, kept[i]);

		if (value)
			attr_set(ar->arena, fresh, kept[i], value);
		else
			attr_remove(fresh, kept[i]);
	}
	if (!ar_has_ip6_static(ar))
		attr_remove(fresh, "PREFIX_LENGTH");
	else if (!attr_get(fresh, "PREFIX_LENGTH") && attr_get(ar->attr, "PREFIX_LENGTH"))
		attr_set(ar->arena, fresh, "PREFIX_LENGTH", attr_get(ar->attr, "PREFIX_LENGTH"));
	if (!attr_get(fresh, "ALLOCATED"))
		attr_set(ar->arena, fresh, "ALLOCATED", "");
}

static enum one_rc new_size(const struct address_range *ar, struct attr *fresh, uint64_t *size, struct one_err *err)
{
	const char *text = attr_get(fresh, "SIZE");

	*size = ar->size;
	if (text && *text) {
		if (!parse_u64(text, size))
			return one_err_set(err, ONE_INTERNAL, "Unable to read the SIZE attribute, it must be number >= 0");
		if (attr_get(ar->attr, "PARENT_NETWORK_AR_ID") && *size != ar->size)
			return one_err_set(err, ONE_INTERNAL, "The SIZE of a reservation cannot be changed.");
		if (ar->n_leases && ar->leases[ar->n_leases - 1].index >= *size)
			return one_err_set(err, ONE_INTERNAL,
					   "New SIZE cannot be applied. There are used leases that would fall outside the range.");
	}
	attr_setf(ar->arena, fresh, "SIZE", "%llu", (unsigned long long)*size);
	return ONE_OK;
}

enum one_rc address_range_update(struct address_range *ar, struct attr *fresh, struct one_err *err)
{
	struct address_range next = *ar;
	long long port;
	enum one_rc rc;

	keep_fixed(ar, fresh);
	rc = make_prefixes(&next, fresh, err);
	if (!rc)
		rc = new_size(ar, fresh, &next.size, err);
	if (rc)
		return rc;
	if (ar_has_ip6(ar) && !attr_get(fresh, "GLOBAL_PREFIX"))
		attr_set(ar->arena, fresh, "GLOBAL_PREFIX", "");
	if (ar_has_ip6(ar) && !attr_get(fresh, "ULA_PREFIX"))
		attr_set(ar->arena, fresh, "ULA_PREFIX", "");
	if (!attr_get_int(fresh, "PORT_START", &port))
		attr_remove(fresh, "PORT_START");
	if (!attr_get_int(fresh, "PORT_SIZE", &port))
		attr_remove(fresh, "PORT_SIZE");
	parse_secgroups(&next, fresh);
	parse_ports(&next, fresh);
	next.attr->kids = fresh->kids;
	*ar = next;
	return ONE_OK;
}
