/* runner_packet.h: what kernel_host.c and plugin_host.c share: packets as the script runner handles them, and a host
 * without parameters of its own. */
#ifndef ORACLE_RUNNER_PACKET_H
#define ORACLE_RUNNER_PACKET_H
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lilliput/lilliput.h"

struct lil_packet {
    size_t length;
    uint8_t bytes[];
};

/* Parameters are set by commands, or by the plug-in's flags, alone. */
int lil_sysctl_set(struct lil_host *host, const char *name, const char *value)
{
    (void)host, (void)name, (void)value;
    return -ENOENT;
}

int lil_sysctl_get(const struct lil_host *host, const char *name, char *value, size_t size)
{
    (void)host, (void)name, (void)value, (void)size;
    return -ENOENT;
}

struct lil_packet *lil_packet_copy(struct lil_host *host, const void *frame, size_t length)
{
    struct lil_packet *packet = malloc(sizeof *packet + length);
    (void)host;
    packet->length = length;
    memcpy(packet->bytes, frame, length);
    return packet;
}

size_t lil_packet_length(const struct lil_packet *packet)
{
    return packet->length;
}

size_t lil_packet_read(struct lil_packet *packet, size_t offset, void *buffer, size_t size)
{
    size = size < packet->length - offset ? size : packet->length - offset;
    memcpy(buffer, packet->bytes + offset, size);
    return size;
}

void lil_packet_free(struct lil_packet *packet)
{
    free(packet);
}
#endif
