/* encap.c: encapsulations: read from a line, put in front of what the peer sends, found around what the host sends. See encap.h. */
#include "script/language/encap.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "script/language/big_endian.h"
#include "script/language/scan.h"
#include "wire/gre.h"

enum { MPLS_BOTTOM = 0x100 };

static size_t header_length(const struct spec_encap *encap)
{
    return encap->kind == ENCAP_IPV4   ? IPV4_LENGTH
           : encap->kind == ENCAP_IPV6 ? IPV6_LENGTH
                                       : encap->count * sizeof *encap->words + (encap->kind == ENCAP_GRE ? 4 : 0);
}

/* Of all headers in front. */
static size_t all_lengths(const struct spec_packet *spec)
{
    size_t length = 0;
    for (const struct spec_encap *encap = spec->encap; encap; encap = encap->next)
        length += header_length(encap);
    return length;
}

/* --- read -------------------------------------------------------------------------------------------------------------- */
/* An address ends at a blank; the last one's ':' may follow at once or behind the blank. */
static void scan_address(struct scan *scan, struct addr *addr, bool is_last)
{
    scan_space(scan);
    const char *begin = scan->at;
    while (*scan->at && !isspace((unsigned char)*scan->at) && *scan->at != '>')
        scan->at++;
    size_t length = (size_t)(scan->at - begin);
    if (is_last && !scan_char(scan, ':')) {
        if (!length || begin[length - 1] != ':')
            scan_fail(scan, "expected ':' behind the outer addresses before %s", scan_show(scan));
        length--;
        scan->at = begin + length + 1;
    }
    const char *text = arena_copy(scan->arena, begin, length);
    if (addr_parse(text, addr) < 0) {
        scan->at = begin;
        scan_fail(scan, "bad address %s", text);
    }
}

static void scan_outer_ip(struct scan *scan, struct spec_encap *encap, void (*ip_part)(struct scan *, struct spec_packet *))
{
    struct spec_packet part = {.ecn = ECN_ANY};
    ip_part(scan, &part);
    encap->ecn = part.ecn;
    encap->tos = (uint8_t)(part.tos | (part.ecn > 0 && part.ecn <= 3 ? part.ecn : 0));
    encap->ttl = part.ttl;
    scan_address(scan, &encap->source, false);
    scan_expect(scan, '>');
    scan_address(scan, &encap->dest, true);
    if (addr_is_v4(&encap->source) != (encap->kind == ENCAP_IPV4) || addr_is_v4(&encap->dest) != (encap->kind == ENCAP_IPV4))
        scan_fail(scan, "the outer addresses are of the other IP version");
}

static uint16_t scan_gre_flags(struct scan *scan)
{
    static const struct { const char *name; uint16_t flag; } names[] = {{"none", 0}, {"checksum", GRE_CHECKSUM}, {"key", GRE_KEY},
                                                                       {"sequence", GRE_SEQUENCE}, {"seq", GRE_SEQUENCE}};
    uint16_t flags = 0;
    if (!scan_char(scan, '['))
        return (uint16_t)scan_integer(scan);
    do {
        unsigned i = 0;
        while (i < ARRAY_COUNT(names) && !scan_keyword(scan, names[i].name))
            i++;
        if (i == ARRAY_COUNT(names))
            scan_fail(scan, "expected none, checksum present, key present or sequence# present before %s", scan_show(scan));
        flags |= names[i].flag;
        scan->at += *scan->at == '#';
        (void)scan_keyword(scan, "present");
    } while (scan_char(scan, ','));
    scan_expect(scan, ']');
    return flags;
}

/* Packetdrill lays sum and off, key, seq one behind the other and sends as many words as flags are set: so a key alone stands in sum
 * and off there. Where these are 0, each is taken for what it is called. */
static void scan_gre(struct scan *scan, struct spec_encap *encap)
{
    static const char *const names[] = {"flags", "sum", "off", "key", "seq"};
    uint32_t value[5] = {0};
    scan_char(scan, ',');
    while (!scan_char(scan, ':')) {
        unsigned i = 0;
        while (i < ARRAY_COUNT(names) && !scan_keyword(scan, names[i]))
            i++;
        if (i == ARRAY_COUNT(names))
            scan_fail(scan, "expected flags, sum, off, key, seq or ':' before %s", scan_show(scan));
        scan_char(scan, '=');
        value[i] = i ? (uint32_t)scan_integer(scan) : scan_gre_flags(scan);
        scan_char(scan, ',');
    }
    encap->flags = (uint16_t)value[0];
    const uint32_t words[] = {value[1] << 16 | (value[2] & 0xffff), value[3], value[4]};
    unsigned at = encap->flags & GRE_CHECKSUM || words[0] ? 0 : encap->flags & GRE_KEY ? 1 : 2;
    for (unsigned bits = encap->flags & (GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE); bits && at < 3; bits &= bits - 1)
        encap->words[encap->count++] = words[at++];
}

static void scan_mpls(struct scan *scan, struct spec_encap *encap)
{
    while (!scan_char(scan, ':')) {
        uint32_t label = 0, tc = 0, ttl = 0, bottom = 0;
        scan_expect(scan, '(');
        while (!scan_char(scan, ')')) {
            if (scan_keyword(scan, "label"))
                label = (uint32_t)scan_integer(scan);
            else if (scan_keyword(scan, "tc"))
                tc = (uint32_t)scan_integer(scan);
            else if (scan_keyword(scan, "ttl"))
                ttl = (uint32_t)scan_integer(scan);
            else if (scan_char(scan, '[') && scan_keyword(scan, "S") && scan_char(scan, ']'))
                bottom = MPLS_BOTTOM;
            else
                scan_fail(scan, "expected label, tc, [S] or ttl before %s", scan_show(scan));
            scan_char(scan, ',');
        }
        if (label >> 20 || tc > 7 || ttl > 255 || encap->count == ENCAP_LABELS)
            scan_fail(scan, "no such label stack entry");
        encap->words[encap->count++] = label << 12 | tc << 9 | bottom | ttl;
    }
}

bool scan_encap(struct scan *scan, struct spec_packet *packet, void (*ip_part)(struct scan *scan, struct spec_packet *packet))
{
    static const struct { const char *name; enum encap_kind kind; } names[] = {
        {"ipv4", ENCAP_IPV4}, {"ipv6", ENCAP_IPV6}, {"gre", ENCAP_GRE}, {"GREv0", ENCAP_GRE}, {"mpls", ENCAP_MPLS}};
    unsigned i = 0;
    while (i < ARRAY_COUNT(names) && !scan_keyword(scan, names[i].name))
        i++;
    if (i == ARRAY_COUNT(names))
        return false;
    struct spec_encap *encap = arena_alloc(scan->arena, sizeof *encap), **last = &packet->encap;
    while (*last)
        last = &(*last)->next;
    *last = encap;
    encap->kind = names[i].kind;
    if (encap->kind == ENCAP_GRE)
        scan_gre(scan, encap);
    else if (encap->kind == ENCAP_MPLS)
        scan_mpls(scan, encap);
    else
        scan_outer_ip(scan, encap, ip_part);
    if (all_lengths(packet) > ENCAP_ROOM)
        scan_fail(scan, "more than %d bytes of headers in front", ENCAP_ROOM);
    return true;
}

/* --- sent by the peer --------------------------------------------------------------------------------------------------- */
static enum encap_kind kind_behind(const struct spec_encap *encap, int ip_version)
{
    return encap->next ? encap->next->kind : ip_version == 4 ? ENCAP_IPV4 : ENCAP_IPV6;
}

static void put_header(const struct spec_encap *encap, uint8_t *p, size_t behind, int ip_version)
{
    static const uint8_t protocols[] = {PROTOCOL_IPV4, PROTOCOL_IPV6, PROTOCOL_GRE, PROTOCOL_MPLS};
    static const uint16_t types[] = {ETHERTYPE_V4, ETHERTYPE_V6, 0, ETHERTYPE_MPLS};
    enum encap_kind next = kind_behind(encap, ip_version);
    if (encap->kind == ENCAP_IPV4 || encap->kind == ENCAP_IPV6) {
        struct ip ip = {.version = encap->kind == ENCAP_IPV4 ? 4 : 6, .source = encap->source, .dest = encap->dest, .tos = encap->tos,
                        .ttl = encap->ttl ? encap->ttl : 255, .protocol = protocols[next], .payload_length = (uint32_t)behind};
        ip_emit(&ip, p);
        return;
    }
    if (encap->kind == ENCAP_GRE)
        p = put16(put16(p, encap->flags), types[next]);
    for (unsigned i = 0; i < encap->count; i++)
        p = put32(p, encap->words[i]);
}

size_t encap_wrap(const struct spec_packet *spec, uint8_t *bytes, size_t length, int ip_version)
{
    size_t room = all_lengths(spec), at = 0;
    if (!room)
        return length;
    memmove(bytes + room, bytes, length);
    for (const struct spec_encap *encap = spec->encap; encap; encap = encap->next) {
        size_t header = header_length(encap);
        put_header(encap, bytes + at, room + length - at - header, ip_version);
        at += header;
    }
    return room + length;
}

/* --- sent by the host ------------------------------------------------------------------------------------------------------ */
struct walk { /* one header of a packet */
    const uint8_t *bytes;
    size_t length;
    enum encap_kind kind;
    struct ip ip;
    size_t header;             /* its length */
    int next;                  /* enum encap_kind, -1: something else */
};

static int kind_of_protocol(uint8_t protocol)
{
    switch (protocol) {
    case PROTOCOL_IPV4:
        return ENCAP_IPV4;
    case PROTOCOL_IPV6:
        return ENCAP_IPV6;
    case PROTOCOL_GRE:
        return ENCAP_GRE;
    case PROTOCOL_MPLS:
        return ENCAP_MPLS;
    default:
        return -1;
    }
}

static bool read_gre(struct walk *walk)
{
    if (walk->length < 4)
        return false;
    unsigned flags = get16(walk->bytes), type = get16(walk->bytes + 2);
    walk->header = 4 + 4 * (size_t)__builtin_popcount(flags & (GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE));
    walk->next = type == ETHERTYPE_V4 ? ENCAP_IPV4 : type == ETHERTYPE_V6 ? ENCAP_IPV6 : type == ETHERTYPE_MPLS ? ENCAP_MPLS : -1;
    return walk->header <= walk->length;
}

/* What is behind the last label is what its first bits say (RFC 4928). */
static bool read_mpls(struct walk *walk)
{
    do {
        walk->header += 4;
        if (walk->header >= walk->length)
            return false;
    } while (!(walk->bytes[walk->header - 2] & 1));
    walk->next = walk->bytes[walk->header] >> 4 == 6 ? ENCAP_IPV6 : ENCAP_IPV4;
    return true;
}

static bool read_header(struct walk *walk)
{
    walk->header = 0;
    walk->next = -1;
    if (walk->kind == ENCAP_GRE)
        return read_gre(walk);
    if (walk->kind == ENCAP_MPLS)
        return read_mpls(walk);
    int length = ip_parse(&walk->ip, walk->bytes, walk->length);
    if (length < 0 || walk->ip.is_fragment || walk->ip.version != (walk->kind == ENCAP_IPV4 ? 4 : 6))
        return false;
    walk->header = walk->ip.header_length;
    walk->next = kind_of_protocol(walk->ip.protocol);
    return true;
}

static bool step(struct walk *walk)
{
    if (walk->next < 0 || walk->header >= walk->length)
        return false;
    walk->bytes += walk->header;
    walk->length -= walk->header;
    walk->kind = (enum encap_kind)walk->next;
    return read_header(walk);
}

static struct walk walk_of(const uint8_t *bytes, size_t length)
{
    return (struct walk){.bytes = bytes, .length = length, .kind = length && bytes[0] >> 4 == 6 ? ENCAP_IPV6 : ENCAP_IPV4};
}

size_t encap_offset(const uint8_t *bytes, size_t length)
{
    struct walk walk = walk_of(bytes, length);
    size_t innermost = 0;
    for (bool is_good = read_header(&walk); is_good; is_good = step(&walk))
        if (walk.kind == ENCAP_IPV4 || walk.kind == ENCAP_IPV6)
            innermost = (size_t)(walk.bytes - bytes);
    return innermost;
}

/* As packetdrill compares: TTL where it is given, the TOS or the ECN bits where the innermost header's are asked for; the addresses. */
static bool ip_differs(const struct spec_packet *spec, const struct spec_encap *encap, const struct ip *ip, char *what, size_t size)
{
    char source[ADDR_TEXT], dest[ADDR_TEXT];
    if (!addr_equal(&encap->source, &ip->source) || !addr_equal(&encap->dest, &ip->dest))
        snprintf(what, size, "the outer header is %s > %s", addr_print(&ip->source, source), addr_print(&ip->dest, dest));
    else if (encap->ttl && encap->ttl != ip->ttl)
        snprintf(what, size, "the outer TTL is %u, not %u", ip->ttl, encap->ttl);
    else if (spec->has_tos ? ip->tos != encap->tos : spec->ecn >= 0 && (ip->tos ^ encap->tos) & 3)
        snprintf(what, size, "the outer TOS is 0x%02x, not 0x%02x", ip->tos, encap->tos);
    else
        return false;
    return true;
}

static bool words_differ(const struct spec_encap *encap, const struct walk *walk, char *what, size_t size)
{
    const uint8_t *p = walk->bytes + (encap->kind == ENCAP_GRE ? 4 : 0);
    const char *name = encap->kind == ENCAP_GRE ? "GRE" : "MPLS";
    if (encap->kind == ENCAP_GRE && get16(walk->bytes) != encap->flags)
        snprintf(what, size, "the GRE flags are 0x%04x, not 0x%04x", get16(walk->bytes), encap->flags);
    else if (header_length(encap) != walk->header)
        snprintf(what, size, "the %s header has %zu bytes, not %zu", name, walk->header, header_length(encap));
    else
        for (unsigned i = 0; i < encap->count; i++)
            if (get32(p + 4 * i) != encap->words[i]) {
                snprintf(what, size, "word %u of the %s header is 0x%08x, not 0x%08x", i, name, get32(p + 4 * i), encap->words[i]);
                return true;
            }
    return *what != 0;
}

bool encap_differs(const struct spec_packet *spec, const uint8_t *bytes, size_t length, size_t offset, char *what, size_t size)
{
    struct walk walk = walk_of(bytes, length);
    const struct spec_encap *encap = spec->encap;
    char is[200];
    *what = 0;
    for (bool more = offset && read_header(&walk); more && walk.bytes < bytes + offset && encap; more = step(&walk), encap = encap->next) {
        if (walk.kind != encap->kind)
            break;
        if (walk.kind == ENCAP_GRE || walk.kind == ENCAP_MPLS ? words_differ(encap, &walk, what, size)
                                                              : ip_differs(spec, encap, &walk.ip, what, size))
            return true;
    }
    if (!encap && (!offset || walk.bytes == bytes + offset))
        return false;
    encap_print(bytes, length, offset, is, sizeof is);
    snprintf(what, size, offset ? "it comes in %s" : "it is not encapsulated%s", offset ? is : "");
    return true;
}

/* --- in words ---------------------------------------------------------------------------------------------------------------- */
static void print_one(enum encap_kind kind, const struct addr *source, const struct addr *dest, unsigned flags, unsigned count,
                      const uint32_t *words, char *text, size_t size)
{
    char a[ADDR_TEXT], b[ADDR_TEXT];
    size_t used = strlen(text);
    text += used;
    size -= used;
    if (kind == ENCAP_IPV4 || kind == ENCAP_IPV6) {
        snprintf(text, size, "ipv%d %s > %s: ", kind == ENCAP_IPV4 ? 4 : 6, addr_print(source, a), addr_print(dest, b));
        return;
    }
    int n = snprintf(text, size, kind == ENCAP_MPLS ? "mpls" : flags ? "gre, flags 0x%x" : "gre", flags);
    for (unsigned i = 0; i < count && (size_t)n < size; i++)
        n += kind == ENCAP_GRE ? snprintf(text + n, size - (size_t)n, " 0x%x", words[i])
                               : snprintf(text + n, size - (size_t)n, " (label %u, tc %u, %sttl %u)", words[i] >> 12, words[i] >> 9 & 7,
                                          words[i] & MPLS_BOTTOM ? "[S], " : "", words[i] & 0xff);
    if ((size_t)n < size)
        snprintf(text + n, size - (size_t)n, ": ");
}

void encap_print(const uint8_t *bytes, size_t length, size_t offset, char *text, size_t size)
{
    struct walk walk = walk_of(bytes, length);
    *text = 0;
    for (bool more = offset && read_header(&walk); more && walk.bytes < bytes + offset; more = step(&walk)) {
        uint32_t words[ENCAP_LABELS] = {0};
        unsigned skip = walk.kind == ENCAP_GRE ? 4 : 0, count = min_u32((uint32_t)(walk.header - skip) / 4, ENCAP_LABELS);
        for (unsigned i = 0; walk.kind >= ENCAP_GRE && i < count; i++)
            words[i] = get32(walk.bytes + skip + 4 * i);
        print_one(walk.kind, &walk.ip.source, &walk.ip.dest, walk.kind == ENCAP_GRE ? get16(walk.bytes) : 0, count, words, text, size);
    }
}

void encap_print_spec(const struct spec_packet *spec, char *text, size_t size)
{
    *text = 0;
    for (const struct spec_encap *encap = spec->encap; encap; encap = encap->next)
        print_one(encap->kind, &encap->source, &encap->dest, encap->flags, encap->count, encap->words, text, size);
}
