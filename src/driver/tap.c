/* tap.c: the kernel's TAP and TUN interfaces (Documentation/networking/tuntap.rst), with virtio_net_hdr when asked. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "driver/driver_inner.h"

struct lil_driver *lil_driver_tap(const char *name, bool ethernet, bool vnet)
{
    struct ifreq request = {0};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    request.ifr_flags = (short)((ethernet ? IFF_TAP : IFF_TUN) | IFF_NO_PI | (vnet ? IFF_VNET_HDR : 0));
    if (name)
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    unsigned offloads = vnet ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;
    if (ioctl(fd, TUNSETIFF, &request) < 0 || (vnet && ioctl(fd, TUNSETOFFLOAD, offloads) < 0)) {
        int error = errno;
        close(fd);
        errno = error;
        return NULL;
    }
    struct lil_driver *driver = driver_new(fd);
    if (driver) {
        driver->vnet = vnet;
        snprintf(driver->name, sizeof driver->name, "%s", request.ifr_name);
    }
    return driver;
}
