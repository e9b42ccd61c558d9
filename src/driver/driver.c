/* driver.c: frames over a descriptor that keeps their bounds: transmit and input for all drivers. With vnet the kernel's
 * virtio_net_hdr carries what a packet knows of its checksum and segments (linux/virtio_net.h). */
#include "driver/driver_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/buf.h"

enum { FRAME_MAX = 65536 + 256, IOV_MAX_PIECES = PACKET_SLICES + 2 };

struct lil_driver *driver_new(int fd)
{
    struct lil_driver *driver = calloc(1, sizeof *driver);
    if (driver)
        driver->buffer = malloc(FRAME_MAX);
    int flags = fcntl(fd, F_GETFL);
    if (!driver || !driver->buffer || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        int error = driver && driver->buffer ? errno : ENOMEM;
        if (driver)
            free(driver->buffer);
        free(driver);
        close(fd);
        errno = error;
        return NULL;
    }
    driver->fd = fd;
    return driver;
}

struct lil_driver *lil_driver_from_fd(int fd)
{
    return driver_new(fd);
}

int lil_driver_fd(const struct lil_driver *driver)
{
    return driver->fd;
}

const char *lil_driver_name(const struct lil_driver *driver)
{
    return driver->name;
}

void lil_driver_close(struct lil_driver *driver)
{
    if (!driver)
        return;
    close(driver->fd);
    if (driver->unlink_path)
        unlink(driver->unlink_path);
    free(driver->unlink_path);
    free(driver->buffer);
    free(driver);
}

/* The version nibble of the IP header at OFFSET of the frame (0 or behind Ethernet's). */
static bool is_v6(const struct lil_packet *packet)
{
    uint8_t first = 0, type[2] = {0};
    /* a TUN frame begins with the version; Ethernet's type tells otherwise */
    packet_read(packet, 12, type, 2);
    packet_read(packet, 0, &first, 1);
    return (type[0] == 0x86 && type[1] == 0xdd) || (first >> 4 == 6 && packet->csum_start >= 40 && packet->csum_start < 54);
}

static void vnet_fill(const struct lil_packet *packet, struct virtio_net_hdr *header)
{
    memset(header, 0, sizeof *header);
    if (packet->csum == CSUM_PARTIAL) {
        header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        header->csum_start = packet->csum_start;
        header->csum_offset = packet->csum_offset;
    }
    if (packet->gso_size && packet->csum == CSUM_PARTIAL) {
        uint8_t offset = 0;
        packet_read(packet, packet->csum_start + 12u, &offset, 1);
        header->gso_type = is_v6(packet) ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
        header->gso_size = packet->gso_size;
        header->hdr_len = (uint16_t)(packet->csum_start + (offset >> 4) * 4u);
    }
}

int lil_driver_transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct lil_driver *driver = ctx;
    struct virtio_net_hdr header;
    struct iovec iov[IOV_MAX_PIECES + 1] = {{.iov_base = &header, .iov_len = sizeof header}};
    (void)ifindex;
    if (driver->vnet)
        vnet_fill(packet, &header);
    int first = driver->vnet ? 0 : 1;
    int count = driver->vnet ? packet_iov(packet, iov + 1, IOV_MAX_PIECES) : lil_packet_iov(packet, iov + 1, IOV_MAX_PIECES);
    ssize_t n;
    struct msghdr message = {.msg_name = &driver->peer, .msg_namelen = sizeof driver->peer, .msg_iov = iov + first,
                             .msg_iovlen = (size_t)(count + 1 - first)};
    do {
        n = driver->has_peer ? sendmsg(driver->fd, &message, MSG_NOSIGNAL) : writev(driver->fd, iov + first, count + 1 - first);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS))
        return -EAGAIN; /* the host keeps it until lil_host_writable */
    lil_packet_free(packet); /* a peer that is gone or a frame it refuses: lost, as on a wire */
    return 0;
}

static void vnet_note(struct lil_packet *packet, const struct virtio_net_hdr *header)
{
    if (header->flags & VIRTIO_NET_HDR_F_DATA_VALID)
        packet->csum = CSUM_VOUCHED;
    if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && header->csum_start + header->csum_offset + 2u <= packet->length) {
        packet->csum = CSUM_PARTIAL;
        packet->csum_start = header->csum_start;
        packet->csum_offset = header->csum_offset;
    }
    unsigned type = header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
    if ((type == VIRTIO_NET_HDR_GSO_TCPV4 || type == VIRTIO_NET_HDR_GSO_TCPV6) && packet->csum == CSUM_PARTIAL)
        packet->gso_size = header->gso_size;
}

int lil_driver_input(struct lil_driver *driver, struct lil_host *host, int ifindex, int max, uint64_t now_ns)
{
    size_t skip = driver->vnet ? sizeof(struct virtio_net_hdr) : 0;
    for (int got = 0; got < max; got++) {
        ssize_t n = read(driver->fd, driver->buffer, FRAME_MAX);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || got ? got : -errno;
        if ((size_t)n <= skip)
            return got; /* the peer closed, or sent nothing */
        struct lil_packet *packet = lil_packet_copy(host, driver->buffer + skip, (size_t)n - skip);
        if (!packet)
            continue; /* no memory: lost */
        if (driver->vnet) {
            struct virtio_net_hdr header;
            memcpy(&header, driver->buffer, sizeof header);
            vnet_note(packet, &header);
        }
        int error = lil_host_input(host, ifindex, packet, now_ns);
        if (error < 0)
            return error;
    }
    return max;
}
