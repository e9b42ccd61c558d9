/* gso.c: a segment of up to 64 KiB becomes the wire packets it stands for: payload by reference, headers copied and
 * mended (wire/segment.c). RFC 9293 3.7: FIN and PSH only on the last, CWR only on the first (RFC 3168 6.1.2). */
#include "sim/sim_node.h"
#include "wire/segment.h"

/* Attaches [offset, offset + length) of the payload slices of SOURCE. */
static int attach(struct lil_packet *packet, const struct lil_packet *source, uint32_t offset, uint32_t length)
{
    for (unsigned i = 0; i < source->slice_count && length; i++) {
        const struct slice *slice = &source->slices[i];
        if (offset >= slice->len) {
            offset -= slice->len;
            continue;
        }
        uint32_t take = min_u32(slice->len - offset, length);
        if (!packet_add_slice(packet, slice->block, slice->off + offset, take))
            return -ENOMEM;
        offset = 0;
        length -= take;
    }
    return length ? -ENOMEM : 0;
}

static struct lil_packet *cut(const struct lil_packet *source, const uint8_t *header,
                              const struct segment_layout *layout, uint32_t at, uint32_t size)
{
    struct lil_packet *packet = packet_new(source->pool);
    if (!packet)
        return NULL;
    uint32_t payload_in_head =
        source->head_len - layout->header_length; /* payload bytes that follow the headers directly */
    uint32_t from_head = at < payload_in_head ? min_u32(size, payload_in_head - at) : 0;
    uint8_t *front = packet_push(packet, layout->header_length);
    memcpy(front, header, layout->header_length);
    bool ok =
        !from_head || packet_append(packet, source->head + source->head_off + layout->header_length + at, from_head);
    uint32_t slice_at = at > payload_in_head ? at - payload_in_head : 0;
    if (!ok || attach(packet, source, slice_at, size - from_head) < 0) {
        packet_free(packet);
        return NULL;
    }
    segment_header_cut(front, layout, at, size, (uint16_t)(at / source->gso_size),
                       at + size == source->length - layout->header_length);
    packet->csum = CSUM_PARTIAL;
    packet->csum_start = layout->transport_offset;
    packet->csum_offset = layout->csum_offset;
    packet->ecn = source->ecn;
    packet->flags = source->flags & (uint8_t)~PACKET_HAS_SUM;
    packet->ifindex = source->ifindex;
    packet->time_ns = source->time_ns;
    packet->mark = source->mark;
    wire_csum_fill(packet);
    return packet;
}

int gso_split(struct lil_packet *packet, struct packet_queue *queue)
{
    struct segment_layout layout;
    const uint8_t *header = packet->head + packet->head_off;
    unsigned unit = packet->gso_size;
    if (!unit || segment_layout_parse(&layout, header, packet->head_len) < 0 ||
        packet->length - layout.header_length <= unit) {
        packet->gso_size = 0;
        wire_csum_fill(packet);
        packet_queue_push(queue, packet);
        return 0;
    }
    uint32_t payload = packet->length - layout.header_length;
    for (uint32_t at = 0; at < payload; at += unit) {
        struct lil_packet *wire = cut(packet, header, &layout, at, min_u32(unit, payload - at));
        if (!wire) {
            packet_queue_clear(queue);
            packet_free(packet);
            return -ENOMEM;
        }
        packet_queue_push(queue, wire);
    }
    packet_free(packet);
    return 0;
}
