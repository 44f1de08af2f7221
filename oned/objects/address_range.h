/* Address ranges of networks: which addresses there are, and who holds which of them.
 *
 * An AR is kept as the vector OpenNebula stores (AR_ID, TYPE, SIZE, MAC, IP..., ALLOCATED); `struct address_range` is its parsed form.
 * ALLOCATED is " <index> <owner> ..." where an owner is an id in the low 32 bits and a bit for its type above. */
#ifndef ONED_OBJECTS_ADDRESS_RANGE_H
#define ONED_OBJECTS_ADDRESS_RANGE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"
#include "common/tmpl.h"
#include "oned/core/object.h"
#include "oned/objects/address.h"

enum ar_type { AR_ETHER, AR_IP4, AR_IP6, AR_IP6_STATIC, AR_IP4_6, AR_IP4_6_STATIC, AR_TYPES };

#define LEASE_VM      INT64_C(0x1000000000)
#define LEASE_NET     INT64_C(0x4000000000)
#define LEASE_VROUTER INT64_C(0x4000000000000)

/* owner of a lease: "LEASE_VM | id"; id -1 (VM): on hold. */
static inline int64_t lease_owner(int64_t type, int id) { return type | (uint32_t)id; }
static inline int lease_owner_id(int64_t owner) { return (int)(uint32_t)owner; }

struct lease { uint32_t index; int64_t owner; };

struct address_range {
	struct address_range *next;
	struct arena *arena;
	struct attr *attr;           /* the vector; ALLOCATED in it follows the leases */
	int id;
	enum ar_type type;
	uint64_t size;
	uint64_t mac;
	uint32_t ip;
	uint64_t global, ula;        /* /64 prefixes, 0: none */
	struct ip6 ip6;              /* the first static one */
	struct lease *leases;        /* ascending by index */
	int n_leases, cap_leases;
	struct idset secgroups;
	long long port_start, port_size;
};

/* Of a vector from a user: checks it, adds what is missing (a MAC from mac_prefix, 16 bits, and the IP or at random), removes what is internal.
 * ONE_INTERNAL with OpenNebula's texts. The vector becomes the range's own. */
enum one_rc address_range_make(struct address_range *ar, struct arena *arena, struct attr *vector, int id, unsigned mac_prefix,
			       struct one_err *err);
/* Of a stored vector. */
enum one_rc address_range_load(struct address_range *ar, struct arena *arena, struct attr *vector, struct one_err *err);
/* Takes over a changed vector of the same range: what a user may change (SIZE, prefixes, ports, security groups, free attributes). `fresh` is
 * completed from the old one. ONE_INTERNAL, then nothing is changed. */
enum one_rc address_range_update(struct address_range *ar, struct attr *fresh, struct one_err *err);

static inline bool ar_has_ip4(const struct address_range *ar) { return ar->type == AR_IP4 || ar->type == AR_IP4_6 || ar->type == AR_IP4_6_STATIC; }
static inline bool ar_has_ip6(const struct address_range *ar) { return ar->type == AR_IP6 || ar->type == AR_IP4_6; }
static inline bool ar_has_ip6_static(const struct address_range *ar) { return ar->type == AR_IP6_STATIC || ar->type == AR_IP4_6_STATIC; }

/* How somebody names one address of a network. */
enum address_kind { ADDRESS_NONE, ADDRESS_MAC, ADDRESS_IP4, ADDRESS_IP6 };
/* Index of an address in the range; false: not in it, or not of a kind it has. */
bool ar_index_of(const struct address_range *ar, enum address_kind kind, const char *text, uint32_t *index);

const struct lease *ar_lease_at(const struct address_range *ar, uint32_t index); /* NULL: free */
/* First of `n` free indexes in a row; false: there are none. */
bool ar_find_free(const struct address_range *ar, uint32_t n, uint32_t *index);
bool ar_lease_take(struct address_range *ar, uint32_t index, int64_t owner);     /* false: taken, or out of range */
/* n indexes in a row; false: not all are free, or in the range. */
bool ar_lease_take_range(struct address_range *ar, uint32_t first, uint32_t n, int64_t owner);
bool ar_lease_free(struct address_range *ar, uint32_t index, int64_t owner);     /* false: not the owner's */
int ar_lease_free_owner(struct address_range *ar, int64_t owner);                /* how many */
/* Those of `n` indexes from `first` that are the owner's; how many. */
int ar_lease_free_range(struct address_range *ar, uint32_t first, uint64_t n, int64_t owner);

/* Writes the addresses of an index into a NIC or lease: MAC, IP, IP6*, port ranges. */
void ar_address_fill(const struct address_range *ar, uint32_t index, struct attr *vector, struct arena *arena);
/* The AR element of vn.info: attributes, ends of the range, USED_LEASES, LEASES. show: which leases (NULL: all). */
typedef bool (*lease_show_fn)(void *ctx, int64_t owner);
void address_range_render(const struct address_range *ar, lease_show_fn show, void *ctx, struct strbuf *out);
/* Adds to a security group's rule what names this range: AR_ID, TYPE, SIZE, MAC, IP, IP6... */
void address_range_rule_fill(const struct address_range *ar, struct attr *rule, struct arena *arena);

#endif
