/* addr.c: addresses, prefixes, link addresses: predicates, text, sockets' structures. Read addr.h first. */
#include "wire/addr.h"
#include <stdio.h>
#include <stdlib.h>
#include "base/csum.h"
#include "wire/bytes.h"

struct addr addr_v4(uint32_t host_order)
{
    /* stored as one word: it is loaded as one, which would wait for two narrower stores */
    const uint32_t low[2] = {htonl(0xffff), htonl(host_order)};
    struct addr a = {.u64 = {0, 0}};
    memcpy(&a.u64[1], low, sizeof low);
    return a;
}

uint32_t addr_to_v4(const struct addr *a)
{
    return ntohl(a->u32[3]);
}

bool addr_is_v4(const struct addr *a)
{
    return a->u64[0] == 0 && a->u32[2] == htonl(0xffff);
}

bool addr_is_any(const struct addr *a)
{
    return a->u64[0] == 0 && a->u32[3] == 0 && (a->u32[2] == 0 || a->u32[2] == htonl(0xffff));
}

bool addr_is_loopback(const struct addr *a)
{
    if (addr_is_v4(a))
        return a->b[12] == 127;
    return a->u64[0] == 0 && a->u32[2] == 0 && a->u32[3] == htonl(1);
}

bool addr_is_multicast(const struct addr *a)
{
    return addr_is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

bool addr_is_link_local(const struct addr *a)
{
    if (addr_is_v4(a))
        return a->b[12] == 169 && a->b[13] == 254;
    return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool addr_is_limited_broadcast(const struct addr *a)
{
    return addr_is_v4(a) && a->u32[3] == 0xffffffff;
}

struct addr addr_any(int family)
{
    return family == AF_INET ? addr_v4(0) : (struct addr){0};
}

/* The mask of LENGTH leading ones as byte I of 16 has it. */
static uint8_t mask_byte(unsigned length, unsigned i)
{
    if (length >= 8 * (i + 1))
        return 0xff;
    return length <= 8 * i ? 0 : (uint8_t)(0xff00 >> (length - 8 * i));
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
    unsigned whole = p->length / 8, bits = p->length % 8;
    if (memcmp(p->addr.b, a->b, whole))
        return false;
    return !bits || !((p->addr.b[whole] ^ a->b[whole]) & mask_byte(bits, 0));
}

struct addr prefix_broadcast(const struct prefix *p)
{
    struct addr a = p->addr;
    for (unsigned i = 0; i < 16; i++)
        a.b[i] |= (uint8_t)~mask_byte(p->length, i);
    return a;
}

int addr_parse(const char *text, struct addr *a)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        *a = addr_v4(ntohl(v4.s_addr));
        return 0;
    }
    return inet_pton(AF_INET6, text, a->b) == 1 ? 0 : -EINVAL;
}

int prefix_parse(const char *text, struct prefix *p)
{
    char address[ADDR_TEXT];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    if (n >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, n);
    address[n] = 0;
    if (addr_parse(address, &p->addr))
        return -EINVAL;
    unsigned bits = addr_is_v4(&p->addr) && !strchr(address, ':') ? 32 : 128, length = bits;
    if (slash) {
        const char *digit = slash + 1;
        length = 0;
        if (!*digit || strlen(digit) > 3)
            return -EINVAL;
        for (; *digit; digit++) {
            if (*digit < '0' || *digit > '9')
                return -EINVAL;
            length = length * 10 + (unsigned)(*digit - '0');
        }
        if (length > bits)
            return -EINVAL;
    }
    p->length = (uint8_t)(length + 128 - bits);
    return 0;
}

const char *addr_print(const struct addr *a, char out[ADDR_TEXT])
{
    if (addr_is_v4(a))
        snprintf(out, ADDR_TEXT, "%u.%u.%u.%u", a->b[12], a->b[13], a->b[14], a->b[15]);
    else if (!inet_ntop(AF_INET6, a->b, out, ADDR_TEXT))
        out[0] = 0;
    return out;
}

const char *prefix_print(const struct prefix *p, char out[ADDR_TEXT + 4])
{
    char address[ADDR_TEXT];
    bool v4 = addr_is_v4(&p->addr) && p->length >= 96;
    snprintf(out, ADDR_TEXT + 4, "%.43s/%u", addr_print(&p->addr, address), (v4 ? p->length - 96u : p->length) & 0xff);
    return out;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int mac_parse(const char *text, struct mac *mac)
{
    struct mac result;
    for (int i = 0; i < 6; i++) {
        int digit = hex_digit(*text), value = digit;
        if (digit < 0)
            return -EINVAL;
        text++;
        if ((digit = hex_digit(*text)) >= 0) {
            value = value * 16 + digit;
            text++;
        }
        result.b[i] = (uint8_t)value;
        if (i < 5 ? *text != ':' && *text != '-' : *text != 0)
            return -EINVAL;
        text++;
    }
    *mac = result;
    return 0;
}

const char *mac_print(const struct mac *mac, char out[18])
{
    const uint8_t *b = mac->b;
    snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    return out;
}

int addr_from_sockaddr(const struct sockaddr *sa, socklen_t length, struct addr *a, uint16_t *port, uint32_t *scope)
{
    sa_family_t family;
    if (length < sizeof(family))
        return -EINVAL;
    memcpy(&family, &sa->sa_family, sizeof(family));
    if (family == AF_INET) {
        struct sockaddr_in in;
        if (length < sizeof(in))
            return -EINVAL;
        memcpy(&in, sa, sizeof(in));
        *a = addr_v4(ntohl(in.sin_addr.s_addr));
        *port = ntohs(in.sin_port);
        *scope = 0;
        return 0;
    }
    if (family == AF_INET6) {
        struct sockaddr_in6 in6 = {0};
        /* RFC 2133's structure had no scope: still accepted, as Linux does. */
        if (length < offsetof(struct sockaddr_in6, sin6_scope_id))
            return -EINVAL;
        memcpy(&in6, sa, min_u64(length, sizeof(in6)));
        memcpy(a->b, &in6.sin6_addr, 16);
        *port = ntohs(in6.sin6_port);
        *scope = in6.sin6_scope_id;
        return 0;
    }
    return -EAFNOSUPPORT;
}

socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port, uint32_t scope, int family, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = a->u32[3]};
        memcpy(out, &in, sizeof(in));
        return sizeof(in);
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope};
    memcpy(&in6.sin6_addr, a->b, 16);
    memcpy(out, &in6, sizeof(in6));
    return sizeof(in6);
}

uint32_t addr_pseudo_sum(const struct addr *source, const struct addr *dest, uint8_t protocol, uint32_t length)
{
    /* One formula for both families: a mapped address adds ffff to IPv4's sum, which is one's complement's zero; a
     * length below 65536 gives the same sum as a 16- or a 32-bit field. */
    uint64_t sum = (uint64_t)htonl(length) + htonl(protocol);
    const uint64_t words[] = {source->u64[0], source->u64[1], dest->u64[0], dest->u64[1]};
    for (int i = 0; i < 4; i++) {
        sum += words[i];
        sum += sum < words[i]; /* the carry comes round */
    }
    sum = (sum & 0xffffffff) + (sum >> 32);
    return (uint32_t)(sum + (sum >> 32));
}
