/* ioctl.c: requests on sockets and interfaces (UNP chapter 17; netdevice(7)). */
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include "socket/call_border.h"

struct lookup {
    const char *name; /* NULL: by index */
    int index;
    struct host_interface_view view;
    char found_name[IFNAMSIZ];
    struct prefix first_v4;
    bool is_found, has_v4;
};

static bool look_at(void *ctx, const struct host_interface_view *view)
{
    struct lookup *lookup = ctx;

    if (lookup->name ? strncmp(lookup->name, view->name, IFNAMSIZ) != 0 : lookup->index != view->ifindex)
        return true;
    lookup->is_found = true;
    lookup->view = *view;
    snprintf(lookup->found_name, sizeof lookup->found_name, "%s", view->name);
    for (unsigned i = 0; i < view->address_count && !lookup->has_v4; i++)
        if (addr_is_v4(&view->addresses[i].addr)) {
            lookup->first_v4 = view->addresses[i];
            lookup->has_v4 = true;
        }
    return false;
}

static void put_addr(struct sockaddr *out, const struct addr *addr)
{
    struct sockaddr_storage storage;

    addr_to_sockaddr(addr, 0, 0, AF_INET, &storage);
    memcpy(out, &storage, sizeof *out);
}

static int interface_address(const struct lookup *lookup, unsigned long request, struct ifreq *ifreq)
{
    struct addr addr;

    if (!lookup->has_v4)
        return -EADDRNOTAVAIL;
    addr = lookup->first_v4.addr;
    if (request == SIOCGIFBRDADDR)
        addr = prefix_broadcast(&lookup->first_v4);
    else if (request == SIOCGIFNETMASK)
        addr = addr_v4(lookup->first_v4.length > 96 ? ~0u << (128 - lookup->first_v4.length) : 0);
    put_addr(&ifreq->ifr_addr, &addr);
    return 0;
}

static short interface_flags(const struct host_interface_view *view)
{
    short flags = view->up ? IFF_UP | IFF_RUNNING : 0;

    if (view->kind == LIL_LOOPBACK)
        return (short)(flags | IFF_LOOPBACK);
    if (view->kind == LIL_IP)
        return (short)(flags | IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST);
    return (short)(flags | IFF_BROADCAST | IFF_MULTICAST);
}

static int interface_request(struct lil_host *host, unsigned long request, struct ifreq *ifreq)
{
    struct lookup lookup = {.name = request == SIOCGIFNAME ? NULL : ifreq->ifr_name, .index = ifreq->ifr_ifindex};

    host_each_interface(host, look_at, &lookup);
    if (!lookup.is_found)
        return -ENODEV;
    switch (request) {
    case SIOCGIFNAME:
        memcpy(ifreq->ifr_name, lookup.found_name, IFNAMSIZ);
        return 0;
    case SIOCGIFINDEX:
        ifreq->ifr_ifindex = lookup.view.ifindex;
        return 0;
    case SIOCGIFFLAGS:
        ifreq->ifr_flags = interface_flags(&lookup.view);
        return 0;
    case SIOCGIFMTU:
        ifreq->ifr_mtu = (int)lookup.view.mtu;
        return 0;
    case SIOCGIFMETRIC:
        ifreq->ifr_metric = 0;
        return 0;
    case SIOCGIFTXQLEN:
        ifreq->ifr_qlen = 1000;
        return 0;
    case SIOCGIFMAP:
        memset(&ifreq->ifr_map, 0, sizeof ifreq->ifr_map);
        return 0;
    case SIOCGIFHWADDR:
        memset(&ifreq->ifr_hwaddr, 0, sizeof ifreq->ifr_hwaddr);
        ifreq->ifr_hwaddr.sa_family = lookup.view.kind == LIL_ETHERNET   ? ARPHRD_ETHER
                                      : lookup.view.kind == LIL_LOOPBACK ? ARPHRD_LOOPBACK
                                                                         : ARPHRD_NONE;
        memcpy(ifreq->ifr_hwaddr.sa_data, lookup.view.mac.b, sizeof lookup.view.mac.b);
        return 0;
    default:
        return interface_address(&lookup, request, ifreq);
    }
}

/* As `ifconfig eth0 down` and `ifconfig eth0 mtu 1400` ask. */
static int interface_change(struct lil_host *host, unsigned long request, const struct ifreq *ifreq)
{
    struct lookup lookup = {.name = ifreq->ifr_name};

    host_each_interface(host, look_at, &lookup);
    if (!lookup.is_found)
        return -ENODEV;
    if (request == SIOCSIFMTU)
        return lil_interface_set_mtu(host, lookup.view.ifindex, (unsigned)ifreq->ifr_mtu);
    return lil_interface_set_up(host, lookup.view.ifindex, ifreq->ifr_flags & IFF_UP);
}

struct conf { /* SIOCGIFCONF: as many as fit */
    struct ifconf *ifconf;
    int room;
};

static bool conf_add(void *ctx, const struct host_interface_view *view)
{
    struct conf *conf = ctx;

    for (unsigned i = 0; i < view->address_count; i++) {
        struct ifreq *to;

        if (!addr_is_v4(&view->addresses[i].addr))
            continue;
        if (conf->ifconf->ifc_buf) {
            if (conf->room < (int)sizeof *to)
                return false;
            to = (struct ifreq *)(void *)(conf->ifconf->ifc_buf + conf->ifconf->ifc_len);
            memset(to, 0, sizeof *to);
            snprintf(to->ifr_name, IFNAMSIZ, "%s", view->name);
            put_addr(&to->ifr_addr, &view->addresses[i].addr);
            conf->room -= (int)sizeof *to;
        }
        conf->ifconf->ifc_len += (int)sizeof *to;
    }
    return true;
}

static int interface_conf(struct lil_host *host, struct ifconf *ifconf)
{
    struct conf conf = {ifconf, ifconf->ifc_len};

    if (ifconf->ifc_buf && ifconf->ifc_len < 0)
        return -EINVAL;
    ifconf->ifc_len = 0;
    host_each_interface(host, conf_add, &conf);
    return 0;
}

static int do_ioctl(struct lil_proc *proc, int fd, unsigned long request, void *argument)
{
    struct file *file = proc_file(proc, fd);
    int result;

    if (!file)
        return -EBADF;
    switch (request) {
    case FIOCLEX:
    case FIONCLEX:
        proc_set_cloexec(proc, fd, request == FIOCLEX);
        return 0;
    default:
        break;
    }
    if (!argument)
        return -EFAULT;
    switch (request) {
    case FIONBIO:
        file->flags = (uint8_t)((file->flags & ~FILE_NONBLOCK) | (*(int *)argument ? FILE_NONBLOCK : 0));
        return 0;
    case FIOASYNC:
        file->flags = (uint8_t)((file->flags & ~FILE_ASYNC) | (*(int *)argument ? FILE_ASYNC : 0));
        return 0;
    case FIOGETOWN:
    case SIOCGPGRP:
        *(int *)argument = sock_owner(file, F_GETOWN, 0);
        return file->ops->is_socket ? 0 : -ENOTTY;
    case FIOSETOWN:
    case SIOCSPGRP:
        return file->ops->is_socket ? sock_owner(file, F_SETOWN, *(int *)argument) : -ENOTTY;
    case FIONREAD: /* SIOCINQ */
        result = file->ops->readable ? file->ops->readable(file) : -ENOTTY;
        if (result >= 0)
            *(int *)argument = result;
        return result < 0 ? result : 0;
    case SIOCGSTAMP: /* nobody reads a packet's time so here */
    case SIOCGSTAMPNS:
        return file->ops->is_socket && calls_are(file, CALLS_LINUX) ? -ENOENT : -ENOTTY;
    case SIOCGIFCONF:
        return file->ops->is_socket ? interface_conf(proc->sockets->host, argument) : -ENOTTY;
    case SIOCGIFNAME:
    case SIOCGIFINDEX:
    case SIOCGIFFLAGS:
    case SIOCGIFMTU:
    case SIOCGIFHWADDR:
    case SIOCGIFADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK:
    case SIOCGIFDSTADDR:
    case SIOCGIFMETRIC:
    case SIOCGIFTXQLEN:
    case SIOCGIFMAP:
        return file->ops->is_socket ? interface_request(proc->sockets->host, request, argument) : -ENOTTY;
    case SIOCSIFFLAGS:
    case SIOCSIFMTU:
        if (!file->ops->is_socket)
            return -ENOTTY;
        return proc_is_privileged(proc) ? interface_change(proc->sockets->host, request, argument) : -EPERM;
    default:
        return file->ops->ioctl ? file->ops->ioctl(proc, file, request, argument) : -ENOTTY;
    }
}

int lil_ioctl(struct lil_proc *proc, int fd, unsigned long request, void *argument)
{
    int result = do_ioctl(proc, fd, request, argument);

    if (call_is_traced(proc))
        call_trace(proc, result, "ioctl(%d, %#lx)", fd, request);
    return (int)call_result(result);
}
