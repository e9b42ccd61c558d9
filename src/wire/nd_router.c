/* nd_router.c: router solicitation and advertisement, RFC 4861 4.1, 4.2, with their options 4.6: link-layer address,
 * prefix information, MTU. Unknown options are skipped; one of length 0 spoils the message. */
#include "wire/bytes.h"
#include "wire/wire.h"

enum { OPTION_SOURCE = 1, OPTION_PREFIX = 3, OPTION_MTU = 5, OPTION_UNIT = 8, PREFIX_LENGTH = 32, ADVERT_BODY = 8 };

static void prefix_option(struct nd_router *router, const uint8_t *option)
{
    struct nd_prefix *prefix = &router->prefixes[router->prefix_count];
    if (router->prefix_count == ND_PREFIXES || option[2] > 128)
        return;
    prefix->prefix.length = option[2];
    prefix->on_link = option[3] & 0x80;
    prefix->autonomous = option[3] & 0x40;
    prefix->valid_s = get32(option + 4);
    prefix->preferred_s = get32(option + 8);
    memcpy(prefix->prefix.addr.b, option + 16, 16);
    for (unsigned i = 0; i < 16; i++) { /* "bits after the prefix length ... MUST be ignored" */
        unsigned kept = option[2] > i * 8 ? min_u32(option[2] - i * 8, 8) : 0;
        prefix->prefix.addr.b[i] &= (uint8_t)(0xff00u >> kept);
    }
    router->prefix_count++;
}

int nd_router_parse(struct nd_router *router, uint8_t type, uint32_t rest, const uint8_t *body, size_t available)
{
    size_t at = type == ICMP6_ROUTER_ADVERT ? ADVERT_BODY : 0;
    *router = (struct nd_router){0};
    if (type != ICMP6_ROUTER_ADVERT && type != ICMP6_ROUTER_SOLICIT)
        return -EINVAL;
    if (available < at)
        return -EMSGSIZE;
    if (at) {
        router->hop_limit = (uint8_t)(rest >> 24);
        router->managed = rest >> 23 & 1;
        router->other = rest >> 22 & 1;
        router->lifetime_s = (uint16_t)rest;
        router->reachable_ms = get32(body);
        router->retrans_ms = get32(body + 4);
    }
    while (at < available) {
        if (available - at < 2)
            return -EMSGSIZE;
        size_t length = body[at + 1] * (size_t)OPTION_UNIT;
        if (!length) /* 6.1.1, 6.1.2 */
            return -EINVAL;
        if (length > available - at)
            return -EMSGSIZE;
        if (body[at] == OPTION_SOURCE && length == OPTION_UNIT) {
            memcpy(router->mac.b, body + at + 2, 6);
            router->has_mac = true;
        } else if (body[at] == OPTION_PREFIX && length == PREFIX_LENGTH) {
            prefix_option(router, body + at);
        } else if (body[at] == OPTION_MTU && length == OPTION_UNIT) {
            router->mtu = get32(body + at + 4);
        }
        at += length;
    }
    return (int)at;
}

size_t nd_router_emit(const struct nd_router *router, uint8_t type, uint8_t *message)
{
    bool advert = type == ICMP6_ROUTER_ADVERT;
    size_t at = ICMP_LENGTH;
    memset(message, 0, ND_ROUTER_LENGTH_MAX);
    message[0] = type;
    if (advert) {
        message[4] = router->hop_limit;
        message[5] = (uint8_t)(router->managed << 7 | router->other << 6);
        put16(message + 6, router->lifetime_s);
        put32(message + 8, router->reachable_ms);
        put32(message + 12, router->retrans_ms);
        at += ADVERT_BODY;
    }
    if (router->has_mac) {
        message[at] = OPTION_SOURCE;
        message[at + 1] = 1;
        memcpy(message + at + 2, router->mac.b, 6);
        at += OPTION_UNIT;
    }
    if (advert && router->mtu) {
        message[at] = OPTION_MTU;
        message[at + 1] = 1;
        put32(message + at + 4, router->mtu);
        at += OPTION_UNIT;
    }
    for (unsigned i = 0; advert && i < router->prefix_count; i++, at += PREFIX_LENGTH) {
        const struct nd_prefix *prefix = &router->prefixes[i];
        uint8_t *option = message + at;
        option[0] = OPTION_PREFIX;
        option[1] = PREFIX_LENGTH / OPTION_UNIT;
        option[2] = prefix->prefix.length;
        option[3] = (uint8_t)(prefix->on_link << 7 | prefix->autonomous << 6);
        put32(option + 4, prefix->valid_s);
        put32(option + 8, prefix->preferred_s);
        memcpy(option + 16, prefix->prefix.addr.b, 16);
    }
    return at;
}
