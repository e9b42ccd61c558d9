/* ip_extra.c: IPv4 options and IPv6 extension headers of a socket's packets. Read ip_extra.h first; RFC 791 3.1, RFC 8200 4. */
#include "wire/ip_extra.h"

enum { END = 0, NOP = 1, RECORD_ROUTE = 7, TIMESTAMP = 68, LOOSE_ROUTE = 131, STRICT_ROUTE = 137, ROUTER_ALERT = 148 };
enum { STAMP_TIME_ONLY = 0, STAMP_AND_ADDRESS = 1, STAMP_PRESPECIFIED = 3 };

static struct ip_extra *extra_new(struct pool *pool, uint8_t version, size_t length)
{
    struct ip_extra *extra = pool_alloc(pool, sizeof *extra + length);
    if (extra) {
        extra->refs = 1;
        extra->version = version;
        extra->length = (uint8_t)length;
    }
    return extra;
}

struct ip_extra *ip_extra_ref(struct ip_extra *extra)
{
    if (extra)
        extra->refs++;
    return extra;
}

void ip_extra_unref(struct pool *pool, struct ip_extra *extra)
{
    if (extra && --extra->refs == 0)
        pool_free(pool, extra, sizeof *extra + extra->length);
}

/* --- IPv4's options: O is one of LENGTH bytes at AT ----------------------------------------------------------------------------- */

/* A source route (RFC 9293 MUST-51): the first hop is where the packet goes; the last place is the destination's. */
static int compile_route(struct ip_extra *extra, uint8_t *o, unsigned length, unsigned at)
{
    if (length < 7 || o[2] != 4 || (length - 3) % 4 || extra->route)
        return -EINVAL;
    extra->first_hop = addr_v4((uint32_t)o[3] << 24 | (uint32_t)o[4] << 16 | (uint32_t)o[5] << 8 | o[6]);
    memmove(o + 3, o + 7, length - 7);
    extra->route = (uint8_t)(at + 1);
    return 0;
}

static int compile_record(struct ip_extra *extra, uint8_t *o, unsigned length, unsigned at)
{
    if (length < 3 || o[2] < 4 || extra->record || (o[2] <= length && o[2] + 3u > length))
        return -EINVAL;
    extra->record = (uint8_t)(at + 1);
    extra->record_address = o[2] <= length; /* else it is full */
    o[2] = (uint8_t)(o[2] + (extra->record_address ? 4 : 0));
    return 0;
}

static int compile_stamp(struct ip_extra *extra, uint8_t *o, unsigned length, unsigned at, bool privileged)
{
    unsigned kind = length < 4 ? 0 : o[3] & 15, size = kind == STAMP_TIME_ONLY ? 4 : 8;
    if (length < 4 || o[2] < 5 || extra->stamp)
        return -EINVAL;
    extra->stamp = (uint8_t)(at + 1);
    if (o[2] > length)
        return o[3] >> 4 == 15 ? -EINVAL : 0;
    if (kind != STAMP_TIME_ONLY && kind != STAMP_AND_ADDRESS && kind != STAMP_PRESPECIFIED)
        return privileged ? 0 : -EINVAL;
    if (o[2] + size - 1 > length)
        return -EINVAL;
    extra->stamp_address = kind == STAMP_AND_ADDRESS;
    extra->stamp_time = kind != STAMP_PRESPECIFIED; /* a place that waits for another host */
    o[2] = (uint8_t)(o[2] + (extra->stamp_time ? size : 0));
    return 0;
}

static int compile_one(struct ip_extra *extra, uint8_t *o, unsigned length, unsigned at, bool privileged)
{
    switch (o[0]) {
    case NOP:
        return 0;
    case LOOSE_ROUTE:
    case STRICT_ROUTE:
        return compile_route(extra, o, length, at);
    case RECORD_ROUTE:
        return compile_record(extra, o, length, at);
    case TIMESTAMP:
        return compile_stamp(extra, o, length, at, privileged);
    case ROUTER_ALERT:
        return length < 4 ? -EINVAL : 0;
    default:
        return privileged ? 0 : -EINVAL;
    }
}

static int compile(struct ip_extra *extra, bool privileged)
{
    for (unsigned at = 0; at < extra->length;) {
        uint8_t *o = extra->bytes + at;
        unsigned left = extra->length - at, length = o[0] == NOP ? 1 : left > 1 ? o[1] : 0;
        if (o[0] == END) {
            memset(o, END, left);
            return 0;
        }
        if (length > left || length < (o[0] == NOP ? 1u : 2u) || compile_one(extra, o, length, at, privileged))
            return -EINVAL;
        at += length;
    }
    return 0;
}

int ip_extra_options(struct pool *pool, const uint8_t *bytes, size_t length, bool privileged, struct ip_extra **out)
{
    *out = NULL;
    if (length == 0)
        return 0;
    if (length > IP_OPTIONS_MAX)
        return -EINVAL;
    struct ip_extra *extra = extra_new(pool, 4, (length + 3) & ~(size_t)3);
    if (!extra)
        return -ENOMEM;
    memcpy(extra->bytes, bytes, length);
    memset(extra->bytes + length, END, extra->length - length);
    int error = compile(extra, privileged);
    if (error)
        ip_extra_unref(pool, extra);
    else
        *out = extra;
    return error;
}

size_t ip_extra_told(const struct ip_extra *extra, uint8_t *bytes)
{
    if (!extra || extra->version != 4)
        return 0;
    memcpy(bytes, extra->bytes, extra->length);
    if (extra->route) {
        uint8_t *o = bytes + extra->route - 1;
        memmove(o + 7, o + 3, o[1] - 7u);
        memcpy(o + 3, extra->first_hop.b + 12, 4);
    }
    if (extra->record_address)
        bytes[extra->record + 1] -= 4;
    if (extra->stamp)
        bytes[extra->stamp + 1] = (uint8_t)(bytes[extra->stamp + 1] - (extra->stamp_time ? 4 : 0) - (extra->stamp_address ? 4 : 0));
    return extra->length;
}

/* --- IPv6's headers: each begins with what follows it and its length -------------------------------------------------------------- */

int ip_extra_chain(struct pool *pool, const uint8_t *const headers[IP_EXTRA_HEADERS], const uint16_t lengths[IP_EXTRA_HEADERS],
                   struct ip_extra **out)
{
    static const uint8_t types[IP_EXTRA_HEADERS] = {0, 60, 43, 60};
    size_t total = 0;
    *out = NULL;
    for (int i = 0; i < IP_EXTRA_HEADERS; i++)
        total += lengths[i];
    if (!total)
        return 0;
    if (total > IP_EXTRA_MAX)
        return -ENOBUFS;
    struct ip_extra *extra = extra_new(pool, 6, total);
    if (!extra)
        return -ENOMEM;
    uint8_t *names = &extra->first, at = 0;
    for (int i = 0; i < IP_EXTRA_HEADERS; i++) {
        if (!lengths[i])
            continue;
        *names = types[i];
        names = extra->bytes + at;
        memcpy(names, headers[i], lengths[i]);
        extra->last = at;
        at = (uint8_t)(at + lengths[i]);
    }
    *out = extra;
    return 0;
}

/* --- on the way out ------------------------------------------------------------------------------------------------------------ */

void ip_extra_push(const struct ip_extra *extra, struct ip *ip, struct lil_packet *packet, const struct addr *source, uint32_t day_ms)
{
    uint8_t *bytes = packet_push(packet, extra->length);
    memcpy(bytes, extra->bytes, extra->length);
    ip->payload_length += extra->length;
    if (extra->version == 6) {
        bytes[extra->last] = ip->protocol;
        ip->protocol = extra->first;
        return;
    }
    if (extra->route) {
        uint8_t *o = bytes + extra->route - 1;
        memcpy(o + o[1] - 4, ip->dest.b + 12, 4);
        ip->dest = extra->first_hop;
    }
    if (extra->record_address)
        memcpy(bytes + extra->record - 1 + bytes[extra->record + 1] - 5, source->b + 12, 4);
    const uint8_t time[4] = {(uint8_t)(day_ms >> 24), (uint8_t)(day_ms >> 16), (uint8_t)(day_ms >> 8), (uint8_t)day_ms};
    uint8_t *stamp = extra->stamp ? bytes + extra->stamp - 1 : NULL;
    if (stamp && extra->stamp_address)
        memcpy(stamp + stamp[2] - 9, source->b + 12, 4);
    if (stamp && extra->stamp_time)
        memcpy(stamp + stamp[2] - 5, time, 4);
}
