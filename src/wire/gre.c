/* gre.c: GRE, MPLS labels and their like. See gre.h. */
#include "wire/gre.h"
#include "wire/bytes.h"

enum { GRE_CHECKSUM_BIT = 0x8000, GRE_ROUTING_BIT = 0x4000, GRE_KEY_BIT = 0x2000, GRE_SEQUENCE_BIT = 0x1000, GRE_VERSION_BITS = 7 };

int gre_parse(struct gre *gre, const uint8_t *bytes, size_t available)
{
    if (available < 4)
        return -EMSGSIZE;
    unsigned flags = get16(bytes);
    *gre = (struct gre){.type = get16(bytes + 2), .has_checksum = flags & GRE_CHECKSUM_BIT, .has_key = flags & GRE_KEY_BIT,
                        .has_sequence = flags & GRE_SEQUENCE_BIT};
    size_t length = gre_length(gre), at = gre->has_checksum ? 8 : 4;
    if (flags & (GRE_ROUTING_BIT | GRE_VERSION_BITS))
        return -EINVAL;
    if (available < length)
        return -EMSGSIZE;
    if (gre->has_key)
        gre->key = get32(bytes + at);
    if (gre->has_sequence)
        gre->sequence = get32(bytes + length - 4);
    return (int)length;
}

size_t gre_length(const struct gre *gre)
{
    return 4 + 4 * ((size_t)gre->has_checksum + gre->has_key + gre->has_sequence);
}

size_t gre_emit(const struct gre *gre, uint8_t *bytes)
{
    uint8_t *p = bytes + 4;
    put16(bytes, (gre->has_checksum ? GRE_CHECKSUM_BIT : 0) | (gre->has_key ? GRE_KEY_BIT : 0) |
                     (gre->has_sequence ? GRE_SEQUENCE_BIT : 0));
    put16(bytes + 2, gre->type);
    if (gre->has_checksum) {
        put32(p, 0);
        p += 4;
    }
    if (gre->has_key) {
        put32(p, gre->key);
        p += 4;
    }
    if (gre->has_sequence)
        put32(p, gre->sequence);
    return gre_length(gre);
}

void gre_set_checksum(uint8_t *bytes, uint16_t checksum)
{
    put_csum(bytes + 4, checksum);
}

int mpls_parse(struct mpls *mpls, const uint8_t *bytes, size_t available)
{
    if (available < MPLS_LENGTH)
        return -EMSGSIZE;
    uint32_t entry = get32(bytes);
    *mpls = (struct mpls){.label = entry >> 12, .traffic_class = entry >> 9 & 7, .is_last = entry >> 8 & 1, .ttl = (uint8_t)entry};
    return MPLS_LENGTH;
}

size_t mpls_emit(const struct mpls *mpls, uint8_t *bytes)
{
    put32(bytes, mpls->label << 12 | (uint32_t)mpls->traffic_class << 9 | (uint32_t)mpls->is_last << 8 | mpls->ttl);
    return MPLS_LENGTH;
}

size_t encap_limit_emit(uint8_t next_header, uint8_t limit, uint8_t *bytes)
{
    const uint8_t header[ENCAP_LIMIT_LENGTH] = {next_header, 0, 4, 1, limit, 1 /* PadN */, 1, 0};
    memcpy(bytes, header, sizeof header);
    return sizeof header;
}

size_t encap_limit_find(const uint8_t *bytes, size_t length)
{
    enum { HOP_BY_HOP = 0, ROUTING = 43, OPTION_LIMIT = 4, OPTION_PAD1 = 0 };
    size_t at = IPV6_LENGTH, end;
    for (uint8_t next = length >= IPV6_LENGTH ? bytes[6] : PROTOCOL_IPV6;
         at + 8 <= length && (next == HOP_BY_HOP || next == ROUTING || next == PROTOCOL_DEST_OPTIONS); next = bytes[at], at = end) {
        end = at + (bytes[at + 1] + 1u) * 8;
        for (size_t o = at + 2; next == PROTOCOL_DEST_OPTIONS && o + 2 < end && o + 2 < length;
             o += bytes[o] == OPTION_PAD1 ? 1 : bytes[o + 1] + 2u)
            if (bytes[o] == OPTION_LIMIT && bytes[o + 1] == 1)
                return o + 2;
    }
    return 0;
}

uint8_t ecn_encapsulate(uint8_t tos, uint8_t inner)
{
    uint8_t ecn = inner & 3;
    return (uint8_t)((tos & ~3) | (ecn == 3 ? 2 : ecn));
}

int ecn_decapsulate(uint8_t outer, uint8_t inner)
{
    outer &= 3;
    inner &= 3;
    if (inner == 0)
        return outer == 3 ? -1 : 0;
    return outer == 3 ? 3 : outer == 1 && inner == 2 ? 1 : inner;
}
