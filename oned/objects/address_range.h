/* Address ranges of networks: the arithmetic of MAC, IPv4 and IPv6 addresses, and who holds which of them.
 *
 * An AR is kept as the vector OpenNebula stores (AR_ID, TYPE, SIZE, MAC, IP..., ALLOCATED); `struct address_range` is its parsed form.
 * ALLOCATED is " <index> <owner> ..." where owner = id in the low 32 bits, and a bit for its type. */
#ifndef ONED_OBJECTS_ADDRESS_RANGE_H
#define ONED_OBJECTS_ADDRESS_RANGE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"
#include "common/tmpl.h"
#include "oned/core/object.h"

enum ar_type { AR_ETHER, AR_IP4, AR_IP6, AR_IP6_STATIC, AR_IP4_6, AR_IP4_6_STATIC, AR_TYPES };

#define LEASE_VM      INT64_C(0x1000000000)
#define LEASE_NET     INT64_C(0x4000000000)
#define LEASE_VROUTER INT64_C(0x4000000000000)

struct lease { uint32_t index; int64_t owner; }; /* owner: LEASE_* | id (32 bits; a VM of -1: on hold) */

struct address_range {
	struct address_range *next;
	struct arena *arena;
	struct attr *attr;             /* the vector; ALLOCATED is kept up to date in it */
	int id;
	enum ar_type type;
	uint64_t size;
	uint64_t mac;                  /* 48 bits */
	uint32_t ip;
	uint64_t global6, ula6;        /* upper halves of IP6 prefixes, 0: none */
	uint64_t ip6_hi, ip6_lo;       /* first static IP6 */
	struct lease *leases;          /* ascending by index */
	int n_leases, cap_leases;
	struct idset secgroups;
	unsigned port_start, port_size;
};

bool mac_parse(const char *text, uint64_t *mac);       /* "02:00:0a:00:00:01" */
void mac_format(uint64_t mac, char out[18]);
bool ip4_parse(const char *text, uint32_t *ip);
void ip4_format(uint32_t ip, char out[16]);
bool ip6_parse(const char *text, uint64_t *hi, uint64_t *lo);
void ip6_format(uint64_t hi, uint64_t lo, char out[46]);

/* Of a vector from a user: checks, fills in (MAC from the prefix and IP, or random), removes what is internal. mac_prefix: 16 bits.
 * ONE_INTERNAL with OpenNebula's texts. The vector becomes the range's own. */
enum one_rc address_range_make(struct address_range *ar, struct arena *arena, struct attr *vector, int id, unsigned mac_prefix,
			       struct one_err *err);
/* Of a stored vector. */
enum one_rc address_range_load(struct address_range *ar, struct arena *arena, struct attr *vector, struct one_err *err);

static inline bool ar_has_ip4(const struct address_range *ar) { return ar->type == AR_IP4 || ar->type == AR_IP4_6 || ar->type == AR_IP4_6_STATIC; }
static inline bool ar_has_ip6(const struct address_range *ar) { return ar->type == AR_IP6 || ar->type == AR_IP4_6; }
static inline bool ar_has_ip6_static(const struct address_range *ar) { return ar->type == AR_IP6_STATIC || ar->type == AR_IP4_6_STATIC; }

/* Index of an address in the range; false: not in it (or not of its kind). */
bool ar_index_of_mac(const struct address_range *ar, const char *mac, uint32_t *index);
bool ar_index_of_ip4(const struct address_range *ar, const char *ip, uint32_t *index);
bool ar_index_of_ip6(const struct address_range *ar, const char *ip6, uint32_t *index);

const struct lease *ar_lease_at(const struct address_range *ar, uint32_t index); /* NULL: free */
/* First of `n` free indexes in a row; false: none. */
bool ar_find_free(const struct address_range *ar, uint32_t n, uint32_t *index);
bool ar_lease_take(struct address_range *ar, uint32_t index, int64_t owner);     /* false: taken, or out of range */
bool ar_lease_free(struct address_range *ar, uint32_t index, int64_t owner);     /* false: not the owner's */
int ar_lease_free_owner(struct address_range *ar, int64_t owner);                /* how many */

/* Writes the addresses of an index into a NIC or lease vector: MAC, IP, IP6*, port ranges. */
void ar_address_fill(const struct address_range *ar, uint32_t index, struct attr *vector, struct arena *arena);
/* The AR element of vn.info: the vector's attributes, ends of the range, USED_LEASES, LEASES. show: which leases to show (NULL: all); with
 * leases false no LEASES element. */
typedef bool (*lease_show_fn)(void *ctx, int64_t owner);
void address_range_render(const struct address_range *ar, bool leases, lease_show_fn show, void *ctx, struct strbuf *out);
/* Adds to a security group's rule what names this range: AR_ID, TYPE, SIZE, MAC, IP, IP6... */
void address_range_rule_fill(const struct address_range *ar, struct attr *rule, struct arena *arena);

#endif
