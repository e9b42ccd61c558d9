/* segment.c: cutting the headers of a GSO segment. RFC 9293 3.1, RFC 791 3.1, RFC 8200 3. Read segment.h. */
#include "wire/segment.h"
#include <arpa/inet.h>
#include "base/csum.h"

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

int segment_layout_parse(struct segment_layout *layout, const uint8_t *frame, size_t length)
{
    struct ip ip;
    *layout = (struct segment_layout){0};
    if (length >= ETH_LENGTH && (get16(frame + 12) == ETHERTYPE_V4 || get16(frame + 12) == ETHERTYPE_V6))
        layout->ip_offset = ETH_LENGTH;
    size_t at = layout->ip_offset;
    if (length < at + IPV4_LENGTH)
        return -EINVAL;
    layout->version = frame[at] >> 4;
    if (layout->version == 4) {
        ip.header_length = (uint16_t)((frame[at] & 15) * 4);
        ip.protocol = frame[at + 9];
    } else if (layout->version != 6 || ipv6_parse(&ip, frame + at, length - at) < 0) {
        return -EINVAL;
    }
    layout->transport_offset = (uint16_t)(at + ip.header_length);
    if (ip.protocol != IPPROTO_TCP || length < layout->transport_offset + (size_t)TCP_LENGTH)
        return -EINVAL;
    layout->header_length = (uint16_t)(layout->transport_offset + (frame[layout->transport_offset + 12] >> 4) * 4);
    layout->csum_offset = 16;
    return layout->header_length <= length ? 0 : -EINVAL;
}

void segment_header_cut(uint8_t *headers, const struct segment_layout *layout, uint32_t at, uint32_t size,
                        uint16_t index, bool last)
{
    uint8_t *ip = headers + layout->ip_offset, *tcp = headers + layout->transport_offset;
    uint32_t transport = layout->header_length - layout->transport_offset + size;
    uint32_t sequence = (uint32_t)get16(tcp + 4) << 16 | get16(tcp + 6);
    uint32_t sum = htons(IPPROTO_TCP);
    sequence += at;
    put16(tcp + 4, (uint16_t)(sequence >> 16));
    put16(tcp + 6, (uint16_t)sequence);
    if (at > 0)
        tcp[13] &= (uint8_t)~TCP_CWR;
    if (!last)
        tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (layout->version == 4) {
        put16(ip + 2, (uint16_t)(layout->transport_offset - layout->ip_offset + transport));
        put16(ip + 4, (uint16_t)(get16(ip + 4) + index));
        put16(ip + 10, 0);
        uint16_t header_sum = (uint16_t)~csum_fold(csum_partial(ip, (ip[0] & 15) * 4u, 0));
        memcpy(ip + 10, &header_sum, 2);
        sum = csum_partial(ip + 12, 8, sum);
    } else {
        put16(ip + 4, (uint16_t)(layout->transport_offset - layout->ip_offset - IPV6_LENGTH + transport));
        sum = csum_partial(ip + 8, 32, sum);
    }
    sum = csum_add(sum, htonl(transport));
    uint16_t field = csum_fold(sum);
    memcpy(tcp + 16, &field, 2);
}
