#include "oned/objects/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One or two hexadecimal digits. */
static int parse_byte(const char **at)
{
	int high = hex_digit(**at), low;

	if (high < 0)
		return -1;
	low = hex_digit(*++*at);
	if (low < 0)
		return high;
	++*at;
	return high * 16 + low;
}

bool mac_parse(const char *text, uint64_t *mac)
{
	uint64_t value = 0;

	if (!text)
		return false;
	for (int i = 0; i < 6; i++) {
		int byte;

		if (i && *text++ != ':')
			return false;
		byte = parse_byte(&text);
		if (byte < 0)
			return false;
		value = value << 8 | (unsigned)byte;
	}
	if (*text)
		return false;
	*mac = value;
	return true;
}

void mac_format(uint64_t mac, char out[MAC_TEXT])
{
	unsigned b[6];

	for (int i = 0; i < 6; i++)
		b[i] = (unsigned)(mac >> (40 - 8 * i)) & 0xff;
	snprintf(out, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

bool ip4_parse(const char *text, uint32_t *ip)
{
	uint32_t value = 0;

	if (!text)
		return false;
	for (int i = 0; i < 4; i++) {
		unsigned part = 0;
		int digits = 0;

		if (i && *text++ != '.')
			return false;
		for (; isdigit((unsigned char)*text) && digits < 4; digits++)
			part = part * 10 + (unsigned)(*text++ - '0');
		if (!digits || part > 255)
			return false;
		value = value << 8 | part;
	}
	if (*text)
		return false;
	*ip = value;
	return true;
}

void ip4_format(uint32_t ip, char out[IP4_TEXT])
{
	snprintf(out, IP4_TEXT, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 0xff, ip >> 8 & 0xff, ip & 0xff);
}

bool ip6_parse(const char *text, struct ip6 *ip)
{
	uint64_t halves[2];

	if (!text || inet_pton(AF_INET6, text, halves) != 1)
		return false;
	ip->hi = be64toh(halves[0]);
	ip->lo = be64toh(halves[1]);
	return true;
}

void ip6_format(struct ip6 ip, char out[IP6_TEXT])
{
	uint64_t halves[2] = { htobe64(ip.hi), htobe64(ip.lo) };

	inet_ntop(AF_INET6, halves, out, IP6_TEXT);
}

struct ip6 ip6_of_mac(uint64_t prefix, uint64_t mac)
{
	uint64_t flipped = mac ^ UINT64_C(0x020000000000);

	return (struct ip6){ .hi = prefix, .lo = (flipped >> 24) << 40 | UINT64_C(0xfffe) << 24 | (flipped & 0xffffff) };
}
