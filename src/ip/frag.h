/* frag.h: fragmentation at the sender and (IPv4) at a router: RFC 791 3.2, RFC 8200 4.5. */
#ifndef IP_FRAG_H
#define IP_FRAG_H
#include "base/buf.h"
#include "wire/wire.h"

struct frag {
    struct ip ip;              /* of the datagram; id must be set */
    struct lil_packet *packet; /* payload only; owned */
    uint32_t offset, base_offset, mtu;
    bool last_more;            /* the datagram was itself a fragment with more to follow */
    bool failed;               /* memory ran out */
};
/* Takes PACKET, the payload only, whose checksum is complete. */
void frag_init_take(struct frag *frag, const struct ip *ip, struct lil_packet *packet, uint32_t mtu);
/* The next fragment with its IP header; NULL: no more (or FAILED). */
struct lil_packet *frag_next(struct frag *frag);

#endif
