/* packetdrill.h: the structure that packetdrill's --so_filename wants filled, in its order. Every function takes userdata
 * first and is otherwise POSIX's. */
#ifndef PLUGIN_PACKETDRILL_H
#define PLUGIN_PACKETDRILL_H
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct packetdrill_interface {
    void *userdata;
    void (*free)(void *userdata);
    int (*socket)(void *userdata, int domain, int type, int protocol);
    int (*bind)(void *userdata, int fd, const struct sockaddr *address, socklen_t length);
    int (*listen)(void *userdata, int fd, int backlog);
    int (*accept)(void *userdata, int fd, struct sockaddr *address, socklen_t *length);
    int (*connect)(void *userdata, int fd, const struct sockaddr *address, socklen_t length);
    ssize_t (*read)(void *userdata, int fd, void *buffer, size_t size);
    ssize_t (*readv)(void *userdata, int fd, const struct iovec *iov, int count);
    ssize_t (*recv)(void *userdata, int fd, void *buffer, size_t size, int flags);
    ssize_t (*recvfrom)(void *userdata, int fd, void *buffer, size_t size, int flags, struct sockaddr *address, socklen_t *length);
    ssize_t (*recvmsg)(void *userdata, int fd, struct msghdr *message, int flags);
    ssize_t (*write)(void *userdata, int fd, const void *buffer, size_t size);
    ssize_t (*writev)(void *userdata, int fd, const struct iovec *iov, int count);
    ssize_t (*send)(void *userdata, int fd, const void *buffer, size_t size, int flags);
    ssize_t (*sendto)(void *userdata, int fd, const void *buffer, size_t size, int flags, const struct sockaddr *address, socklen_t length);
    ssize_t (*sendmsg)(void *userdata, int fd, const struct msghdr *message, int flags);
    int (*fcntl)(void *userdata, int fd, int command, ...);
    int (*ioctl)(void *userdata, int fd, unsigned long request, ...);
    int (*close)(void *userdata, int fd);
    int (*shutdown)(void *userdata, int fd, int how);
    int (*getsockopt)(void *userdata, int fd, int level, int name, void *value, socklen_t *length);
    int (*setsockopt)(void *userdata, int fd, int level, int name, const void *value, socklen_t length);
    int (*poll)(void *userdata, struct pollfd *fds, nfds_t count, int timeout);
    int (*netdev_send)(void *userdata, const void *buffer, size_t count);
    int (*netdev_receive)(void *userdata, void *buffer, size_t *count, long long *time_usecs);
    int (*usleep)(void *userdata, useconds_t usecs);
    int (*gettimeofday)(void *userdata, struct timeval *time, struct timezone *zone);
    int (*epoll_create)(void *userdata, int size);
    int (*epoll_ctl)(void *userdata, int epfd, int operation, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *userdata, int epfd, struct epoll_event *events, int most, int timeout);
    int (*pipe)(void *userdata, int fds[2]);
    int (*splice)(void *userdata, int in, loff_t *in_offset, int out, loff_t *out_offset, size_t length, unsigned flags);
};
/* FLAGS: packetdrill's --so_flags: the local address, bare or as local_ip=A, and profile=P, seed=N, mtu=N, "defaults"
 * (what the defaults.sh of Linux's collections sets) and parameters by Linux's names or FreeBSD's (net.ipv4.tcp_sack=0,
 * a ":" for a blank), separated by blanks or commas. What is written to the machine's own net.ipv4 parameters after this call (a
 * script's `sysctl ...`) counts for the host, too, but with "machine=off". */
__attribute__((visibility("default"))) void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface);
#endif
