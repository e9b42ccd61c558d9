/* arp.c: RFC 826 for Ethernet and IPv4. */
#include "wire/bytes.h"
#include "wire/wire.h"

int arp_parse(struct arp *arp, const uint8_t *bytes, size_t available)
{
    if (available < ARP_LENGTH)
        return -EMSGSIZE;
    if (get16(bytes) != 1 || get16(bytes + 2) != ETHERTYPE_V4 || bytes[4] != 6 || bytes[5] != 4)
        return -EINVAL;
    arp->operation = get16(bytes + 6);
    memcpy(arp->sender_mac.b, bytes + 8, 6);
    arp->sender = addr_v4(get32(bytes + 14));
    memcpy(arp->target_mac.b, bytes + 18, 6);
    arp->target = addr_v4(get32(bytes + 24));
    return ARP_LENGTH;
}

size_t arp_emit(const struct arp *arp, uint8_t *bytes)
{
    put16(bytes, 1);
    put16(bytes + 2, ETHERTYPE_V4);
    bytes[4] = 6;
    bytes[5] = 4;
    put16(bytes + 6, arp->operation);
    memcpy(bytes + 8, arp->sender_mac.b, 6);
    put32(bytes + 14, addr_to_v4(&arp->sender));
    memcpy(bytes + 18, arp->target_mac.b, 6);
    put32(bytes + 24, addr_to_v4(&arp->target));
    return ARP_LENGTH;
}

int arp_print(const struct arp *arp, char *text, size_t size)
{
    char sender[ADDR_TEXT], target[ADDR_TEXT], mac[18];
    addr_print(&arp->sender, sender);
    if (arp->operation == ARP_REQUEST)
        return snprintf(text, size, "arp who-has %s tell %s", addr_print(&arp->target, target), sender);
    if (arp->operation == ARP_REPLY)
        return snprintf(text, size, "arp reply %s is-at %s", sender, mac_print(&arp->sender_mac, mac));
    return snprintf(text, size, "arp operation %u", arp->operation);
}
