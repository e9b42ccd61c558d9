/* driver_inner.h: what the drivers share: a descriptor that keeps frame bounds, with or without virtio_net_hdr. */
#ifndef DRIVER_DRIVER_INNER_H
#define DRIVER_DRIVER_INNER_H
#include <sys/un.h>
#include "lilliput/driver.h"

struct lil_driver {
    int fd;
    bool vnet;          /* each frame has a struct virtio_net_hdr in front */
    char name[32];      /* of the kernel's interface */
    struct sockaddr_un peer; /* frames go there, whether or not it exists yet */
    bool has_peer;
    char *unlink_path;  /* of a bound UNIX socket */
    uint8_t *buffer;    /* one frame */
};
/* Takes FD on every path. NULL and errno: memory. */
struct lil_driver *driver_new(int fd);

#endif
