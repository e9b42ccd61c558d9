/* frag.c: one datagram into pieces that share its payload by reference. IPv4 options are not repeated: only our own
 * headers and forwarded headers without options come here whole; a router drops the option bytes of later pieces (RFC 791:
 * options without the copy bit). */
#include "ip/frag.h"

void frag_init_take(struct frag *frag, const struct ip *ip, struct lil_packet *packet, uint32_t mtu)
{
    *frag = (struct frag){.ip = *ip, .packet = packet, .mtu = mtu, .base_offset = ip->frag_offset, .last_more = ip->more_fragments};
    frag->ip.is_fragment = true;
}

struct lil_packet *frag_next(struct frag *frag)
{
    struct lil_packet *payload = frag->packet;
    if (!payload)
        return NULL;
    uint32_t left = payload->length - frag->offset;
    uint32_t room = frag->mtu - (uint32_t)ip_header_size(&frag->ip);
    bool last = left <= room;
    uint32_t take = last ? left : room & ~7u;
    struct lil_packet *piece = take ? packet_clone(payload) : NULL;
    if (!piece) {
        frag->failed = true;
        packet_free(payload);
        frag->packet = NULL;
        return NULL;
    }
    packet_trim_front(piece, frag->offset);
    packet_trim_to(piece, take);
    frag->ip.frag_offset = frag->base_offset + frag->offset;
    frag->ip.more_fragments = !last || frag->last_more;
    frag->ip.payload_length = take;
    ip_emit(&frag->ip, packet_push(piece, ip_header_size(&frag->ip)));
    frag->offset += take;
    if (last) {
        packet_free(payload);
        frag->packet = NULL;
    }
    return piece;
}
