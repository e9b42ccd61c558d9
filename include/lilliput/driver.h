/* driver.h: ways out of the process for a host's interface: a TAP or TUN of the kernel, a packet socket on one of its interfaces, frames
 * over a UNIX socket (vde, qemu, another lilliput). Each is a descriptor for your own poll loop, a transmit function for
 * lil_interface_config, and a call that feeds the host. Linux only. Read examples/tap_host.c for a loop by hand. */
#ifndef LILLIPUT_DRIVER_H
#define LILLIPUT_DRIVER_H
#include <stdbool.h>
#include "lilliput/host.h"

struct lil_driver;

/* The kernel's TAP (Ethernet) or TUN (IP) interface NAME ("" or NULL: the kernel chooses). VNET: checksums and segments up to 64 KiB are
 * left to the other side (virtio_net_hdr); give the interface csum_offload and gso_max then. NULL and errno: EPERM, ENOENT ... */
LIL_API struct lil_driver *lil_driver_tap(const char *name, bool ethernet, bool vnet);
/* All frames of the kernel's interface NAME (AF_PACKET; needs CAP_NET_RAW). Turn its own offloads off first (ethtool -K). */
LIL_API struct lil_driver *lil_driver_packet(const char *name);
/* Frames as datagrams: LOCAL is bound (and removed first when it is a socket), PEER is where frames go; either may be NULL. */
LIL_API struct lil_driver *lil_driver_unix(const char *local, const char *peer);
/* Frames over a descriptor that keeps their bounds (socketpair SOCK_DGRAM or SOCK_SEQPACKET, ...); closed with the driver. */
LIL_API struct lil_driver *lil_driver_from_fd(int fd);

/* The descriptor to wait on (nonblocking). */
LIL_API int lil_driver_fd(const struct lil_driver *driver);
/* The interface's name in the kernel; "" when it has none. */
LIL_API const char *lil_driver_name(const struct lil_driver *driver);
/* For lil_interface_config: transmit = lil_driver_transmit, ctx = the driver. */
LIL_API int lil_driver_transmit(void *driver, int ifindex, struct lil_packet *packet);
/* Reads at most MAX frames and gives them to the host (then poll it). Returns how many; 0: none waits; -Exxx: the descriptor failed. */
LIL_API int lil_driver_input(struct lil_driver *driver, struct lil_host *host, int ifindex, int max, uint64_t now_ns);
LIL_API void lil_driver_close(struct lil_driver *driver);

#endif
