/* segment.h: the headers of a large TCP segment cut into wire packets (GSO): what changes in each. For links and
 * drivers. */
#ifndef WIRE_SEGMENT_H
#define WIRE_SEGMENT_H
#include "wire/wire.h"

struct segment_layout {
    uint16_t ip_offset, transport_offset; /* from the frame's first byte */
    uint16_t header_length;               /* all headers */
    uint16_t csum_offset;                 /* of the checksum in the transport header */
    uint8_t version;
};
/* FRAME begins with Ethernet or with IP (told by its first bytes: an Ethernet type at 12, else the version nibble).
 * -EINVAL: not TCP. */
int segment_layout_parse(struct segment_layout *layout, const uint8_t *frame, size_t length) MUST_CHECK;
/* Mends a copy of the headers for the piece number INDEX, [at, at + size) of the payload: lengths, IPv4 id and
 * checksum, sequence number, flags; the transport checksum field is left as CSUM_PARTIAL wants it. */
void segment_header_cut(uint8_t *headers, const struct segment_layout *layout, uint32_t at, uint32_t size,
                        uint16_t index, bool last);

#endif
