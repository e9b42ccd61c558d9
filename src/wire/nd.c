/* nd.c: neighbour solicitation and advertisement, RFC 4861 4.3, 4.4, with the link-layer address option 4.6.1. */
#include "wire/bytes.h"
#include "wire/wire.h"

enum { OPTION_SOURCE = 1, OPTION_TARGET = 2, OPTION_UNIT = 8, TARGET_LENGTH = 16 };

int nd_parse(struct nd *nd, uint8_t type, const uint8_t *body, size_t available)
{
    if (type != ICMP6_NEIGHBOR_SOLICIT && type != ICMP6_NEIGHBOR_ADVERT)
        return -EINVAL;
    if (available < TARGET_LENGTH)
        return -EMSGSIZE;
    memcpy(nd->target.b, body, TARGET_LENGTH);
    nd->has_mac = false;
    if (addr_is_multicast(&nd->target)) /* RFC 4861 7.1.1, 7.1.2 */
        return -EINVAL;
    uint8_t wanted = type == ICMP6_NEIGHBOR_SOLICIT ? OPTION_SOURCE : OPTION_TARGET;
    size_t at = TARGET_LENGTH;
    while (at < available) {
        if (available - at < 2)
            return -EMSGSIZE;
        size_t length = body[at + 1] * (size_t)OPTION_UNIT;
        if (!length) /* "MUST silently discard": 4.6 */
            return -EINVAL;
        if (length > available - at)
            return -EMSGSIZE;
        if (body[at] == wanted && length == OPTION_UNIT) {
            memcpy(nd->mac.b, body + at + 2, 6);
            nd->has_mac = true;
        }
        at += length;
    }
    return (int)at;
}

void nd_flags(struct nd *nd, uint32_t rest)
{
    nd->router = rest >> 31;
    nd->solicited = rest >> 30 & 1;
    nd->override_ = rest >> 29 & 1;
}

size_t nd_emit(const struct nd *nd, uint8_t type, uint8_t *icmp_message)
{
    uint8_t *m = icmp_message;
    uint32_t flags = (uint32_t)nd->router << 31 | (uint32_t)nd->solicited << 30 | (uint32_t)nd->override_ << 29;
    m[0] = type;
    m[1] = 0;
    put_csum(m + 2, 0);
    put32(m + 4, type == ICMP6_NEIGHBOR_ADVERT ? flags : 0);
    memcpy(m + 8, nd->target.b, TARGET_LENGTH);
    if (!nd->has_mac)
        return ICMP_LENGTH + TARGET_LENGTH;
    m[24] = type == ICMP6_NEIGHBOR_SOLICIT ? OPTION_SOURCE : OPTION_TARGET;
    m[25] = 1;
    memcpy(m + 26, nd->mac.b, 6);
    return ICMP_LENGTH + TARGET_LENGTH + OPTION_UNIT;
}
