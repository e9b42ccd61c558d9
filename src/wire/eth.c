/* eth.c: the Ethernet II header. */
#include "wire/bytes.h"
#include "wire/wire.h"

int eth_parse(struct eth *eth, const uint8_t *bytes, size_t available)
{
    if (available < ETH_LENGTH)
        return -EMSGSIZE;
    memcpy(eth->dest.b, bytes, 6);
    memcpy(eth->source.b, bytes + 6, 6);
    eth->type = get16(bytes + 12);
    return ETH_LENGTH;
}

size_t eth_emit(const struct eth *eth, uint8_t *bytes)
{
    memcpy(bytes, eth->dest.b, 6);
    memcpy(bytes + 6, eth->source.b, 6);
    put16(bytes + 12, eth->type);
    return ETH_LENGTH;
}

int eth_print(const struct eth *eth, char *text, size_t size)
{
    char source[18], dest[18];
    return snprintf(text, size, "%s > %s type 0x%04x", mac_print(&eth->source, source), mac_print(&eth->dest, dest),
                    eth->type);
}
