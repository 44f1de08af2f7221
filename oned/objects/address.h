/* Addresses as numbers and as text: MAC, IPv4, IPv6. */
#ifndef ONED_OBJECTS_ADDRESS_H
#define ONED_OBJECTS_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#define MAC_TEXT 18
#define IP4_TEXT 16
#define IP6_TEXT 46

struct ip6 { uint64_t hi, lo; };

/* All parse the whole text; false: not such an address, *out unchanged. NULL is no address. */
bool mac_parse(const char *text, uint64_t *mac); /* "02:00:0a:00:00:01", 48 bits */
bool ip4_parse(const char *text, uint32_t *ip);
bool ip6_parse(const char *text, struct ip6 *ip);
void mac_format(uint64_t mac, char out[MAC_TEXT]);
void ip4_format(uint32_t ip, char out[IP4_TEXT]);
void ip6_format(struct ip6 ip, char out[IP6_TEXT]);
/* The address that a card gives itself in a /64 (modified EUI-64). */
struct ip6 ip6_of_mac(uint64_t prefix, uint64_t mac);

#endif
