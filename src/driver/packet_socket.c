/* packet_socket.c: a packet socket on an interface of the kernel (packet(7)): all its frames, promiscuous. */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "driver/driver_inner.h"

static int set_up(int fd, const char *name)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
    struct packet_mreq promiscuous = {.mr_type = PACKET_MR_PROMISC};
    int one = 1;
    if (!address.sll_ifindex)
        return -1;
    address.sll_protocol = __builtin_bswap16(ETH_P_ALL); /* packet(7): in network order */
    promiscuous.mr_ifindex = address.sll_ifindex;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) < 0)
        return -1;
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one); /* since 4.20; without it we hear ourselves */
    return 0;
}

struct lil_driver *lil_driver_packet(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return NULL;
    if (set_up(fd, name) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return NULL;
    }
    struct lil_driver *driver = driver_new(fd);
    if (driver)
        snprintf(driver->name, sizeof driver->name, "%s", name);
    return driver;
}
