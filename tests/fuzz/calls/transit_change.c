/* transit_change.c: what an enemy on the way makes of a packet (RFC 5961's, CVE-2018-5390's, CVE-2019-11477's and
 * worse). See transit.h. */
#include "transit.h"
#include <string.h>

enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMP6 = 58, TCP_HEADER = 20 };
struct view { /* a packet's parts */
    uint8_t *ip, *transport;
    size_t length, header; /* header: IP's */
    uint8_t protocol;
    bool is_v4;
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void put32(uint8_t *p, uint32_t value)
{
    put16(p, value >> 16);
    put16(p + 2, value & 0xffff);
}

static bool view_of(uint8_t *bytes, size_t length, struct view *view)
{
    *view = (struct view){.ip = bytes, .length = length, .is_v4 = length && bytes[0] >> 4 == 4};
    view->header = view->is_v4 ? (bytes[0] & 15u) * 4 : 40;
    if (length < view->header || view->header < 20)
        return false;
    view->protocol = view->is_v4 ? bytes[9] : bytes[6];
    view->transport = bytes + view->header;
    return true;
}

static uint32_t sum_of(const uint8_t *p, size_t length, uint32_t sum)
{
    for (size_t i = 0; i + 1 < length; i += 2)
        sum += get16(p + i);
    sum += length & 1 ? (uint32_t)p[length - 1] << 8 : 0;
    return (sum & 0xffff) + (sum >> 16);
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Lengths and checksums as they should be. */
static void set_right(struct view *view)
{
    size_t text = view->length - view->header;
    static const uint8_t places[256] = {
        [PROTOCOL_ICMP] = 2, [PROTOCOL_TCP] = 16, [PROTOCOL_UDP] = 6, [PROTOCOL_ICMP6] = 2};
    uint8_t place = places[view->protocol];
    uint32_t sum = view->protocol == PROTOCOL_ICMP ? 0 : (uint32_t)text + view->protocol;
    put16(view->ip + (view->is_v4 ? 2 : 4), (unsigned)(view->is_v4 ? view->length : text));
    if (view->is_v4) {
        put16(view->ip + 10, 0);
        put16(view->ip + 10, fold(sum_of(view->ip, view->header, 0)));
    }
    if (!place || text < place + 2u)
        return;
    if (view->protocol == PROTOCOL_UDP)
        put16(view->transport + 4, (unsigned)text);
    if (view->protocol != PROTOCOL_ICMP)
        sum = sum_of(view->ip + (view->is_v4 ? 12 : 8), view->is_v4 ? 8 : 32, sum);
    put16(view->transport + place, 0);
    put16(view->transport + place, fold(sum_of(view->transport, text, sum)));
}

static uint32_t draw_distance(struct choices *c)
{
    static const int distances[] = {1, -1, 2, 536, -536, 1460, 2920, -1460, 65535, 0x10000, 0x7fffffff, -0x7fffffff};
    return (uint32_t)(choose(c, 3) ? distances[choose(c, 12)] : (int)choose(c, 6000) - 3000);
}

/* TCP's options become SACK blocks about what the receiver has sent, or nearly. */
static void put_sacks(struct choices *c, struct view *view, size_t options)
{
    uint8_t *p = view->transport + TCP_HEADER, *end = p + options;
    uint32_t ack = get32(view->transport + 8);
    memset(p, 1, options);
    unsigned blocks = options >= 12 ? 1 + choose(c, (unsigned)((options - 4) / 8)) : 0;
    if (blocks == 0)
        return;
    p[2] = 5;
    p[3] = (uint8_t)(2 + 8 * blocks);
    for (p += 4; blocks && p + 8 <= end; blocks--, p += 8) {
        uint32_t left = ack + (choose(c, 4) ? 100 * choose(c, 100) : draw_distance(c));
        put32(p, left);
        put32(p + 4, left + (choose(c, 6) ? 100 * (1 + choose(c, 30)) : draw_distance(c)));
    }
}

static void change_tcp(struct choices *c, struct view *view)
{
    uint8_t *tcp = view->transport;
    size_t room = view->length - view->header, header = room < TCP_HEADER ? 0 : (tcp[12] >> 4) * 4u;
    if (header < TCP_HEADER || header > room)
        return;
    switch (choose(c, 9)) {
    case 0:
        tcp[13] ^= (uint8_t)(1 << choose(c, 8));
        break;
    case 1:
        put32(tcp + 4, get32(tcp + 4) + draw_distance(c));
        break;
    case 2:
        put32(tcp + 8, get32(tcp + 8) + draw_distance(c));
        break;
    case 3:
        put16(tcp + 14, choose(c, 3) ? choose(c, 4) : choose(c, 65536));
        break;
    case 4:
        if (header > TCP_HEADER)
            tcp[TCP_HEADER + choose(c, (unsigned)header - TCP_HEADER)] =
                (uint8_t)(choose(c, 2) ? choose(c, 12) : choose(c, 256));
        break;
    case 5:
        put_sacks(c, view, header - TCP_HEADER);
        break;
    case 6:
        view->length -= choose(c, (unsigned)(room - header) + 1);
        break;
    case 7:
        tcp[13] |= 0x20;
        put16(tcp + 18, choose(c, 4) ? choose(c, 2000) : choose(c, 65536));
        break;
    default:
        tcp[12] = (uint8_t)(tcp[12] + (1 << (4 * choose(c, 2))));
    }
}

/* An error about the packet, from where it went: the packet itself, quoted. */
static size_t make_error(struct choices *c, uint8_t *bytes, const struct view *view, size_t size)
{
    static const uint8_t types4[] = {3, 3, 3, 11, 12, 4, 5}, types6[] = {1, 1, 2, 3, 4};
    uint8_t quote[600], ip[40];
    size_t quoted = view->length < sizeof quote ? view->length : sizeof quote, header = view->is_v4 ? 20 : 40;
    quoted = choose(c, 4) ? quoted : choose(c, (unsigned)quoted + 1);
    memcpy(quote, bytes, quoted);
    memcpy(ip, bytes, header);
    if (header + 8 + quoted > size)
        return view->length;
    memcpy(bytes, ip, header);
    if (view->is_v4) {
        bytes[0] = 0x45;
        bytes[9] = PROTOCOL_ICMP;
        put16(bytes + 6, 0);
        memcpy(bytes + 12, ip + 16, 4);
        memcpy(bytes + 16, ip + 12, 4);
    } else {
        bytes[6] = PROTOCOL_ICMP6;
        memcpy(bytes + 8, ip + 24, 16);
        memcpy(bytes + 24, ip + 8, 16);
    }
    uint8_t *icmp = bytes + header;
    icmp[0] = view->is_v4 ? types4[choose(c, 7)] : types6[choose(c, 5)];
    icmp[1] = (uint8_t)(choose(c, 3) ? choose(c, 5) : choose(c, 20));
    put32(icmp + 4, choose(c, 2) ? 68 + choose(c, 1500) : choose(c, 100000));
    memcpy(icmp + 8, quote, quoted);
    return header + 8 + quoted;
}

size_t transit_change(struct choices *c, uint8_t *bytes, size_t length, size_t size, bool *back)
{
    struct view view;
    if (!view_of(bytes, length, &view))
        return length;
    unsigned how = choose(c, 12);
    if (how == 0 || (how < 3 && view.protocol != PROTOCOL_TCP)) {
        *back = true;
        view.length = make_error(c, bytes, &view, size);
        view.protocol = view.is_v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6;
        view.header = view.is_v4 ? 20 : 40;
        view.transport = bytes + view.header;
    } else if (how == 1) {
        bytes[1] = (uint8_t)(bytes[1] ^ (view.is_v4 ? choose(c, 4) : choose(c, 4) << 4)); /* ECN */
    } else if (how == 2) {
        bytes[choose(c, (unsigned)length)] = (uint8_t)choose(c, 256);
        if (!view_of(bytes, length, &view))
            return length;
    } else if (view.protocol == PROTOCOL_TCP) {
        change_tcp(c, &view);
    }
    set_right(&view);
    return view.length;
}
