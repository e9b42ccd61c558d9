/* udphdr.c: the UDP header, RFC 768. */
#include "wire/bytes.h"
#include "wire/wire.h"

int udphdr_parse(struct udphdr_ *udp, const uint8_t *bytes, size_t available)
{
    if (available < UDP_LENGTH)
        return -EMSGSIZE;
    udp->source_port = get16(bytes);
    udp->dest_port = get16(bytes + 2);
    udp->length = get16(bytes + 4);
    udp->checksum = get_csum(bytes + 6);
    return udp->length < UDP_LENGTH ? -EINVAL : UDP_LENGTH;
}

size_t udphdr_emit(const struct udphdr_ *udp, uint8_t *bytes)
{
    put16(bytes, udp->source_port);
    put16(bytes + 2, udp->dest_port);
    put16(bytes + 4, udp->length);
    put_csum(bytes + 6, udp->checksum);
    return UDP_LENGTH;
}

int udphdr_print(const struct udphdr_ *udp, char *text, size_t size)
{
    return snprintf(text, size, "udp %d", udp->length - UDP_LENGTH);
}
