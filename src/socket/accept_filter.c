/* accept_filter.c: SO_ACCEPTFILTER (FreeBSD's setsockopt(2), accf_data(9), accf_http(9), accf_dns(9)); the filters are
 * tcp/bsd/tcp_filter.c's. */
#include <string.h>
#include "socket/sock.h"

enum { NAME = 16, SIZE = 256 }; /* struct accept_filter_arg */
static const char *const names[] = {[TCP_FILTER_DATA] = "dataready", [TCP_FILTER_HTTP] = "httpready", [TCP_FILTER_DNS] = "dnsready"};

int accept_filter_set(struct sock *sock, const void *value, socklen_t length)
{
    if (!(sock->flags & SF_LISTENING))
        return -EINVAL;
    if (!value || length == 0) {
        tcp_listener_set_filter(sock->listener, TCP_FILTER_NONE);
        return 0;
    }
    if (length < SIZE)
        return -EINVAL;
    for (unsigned i = 1; i < ARRAY_COUNT(names); i++) {
        if (strncmp(value, names[i], NAME) != 0)
            continue;
        if (tcp_listener_filter(sock->listener))
            return -EBUSY;
        tcp_listener_set_filter(sock->listener, (uint8_t)i);
        return 0;
    }
    return -ENOENT;
}

int accept_filter_get(const struct sock *sock, void *value, socklen_t *length)
{
    char bytes[SIZE] = {0};
    unsigned kind = sock->flags & SF_LISTENING ? tcp_listener_filter(sock->listener) : 0;
    if (!kind)
        return -EINVAL;
    strcpy(bytes, names[kind]);
    if (*length > sizeof bytes)
        *length = sizeof bytes;
    memcpy(value, bytes, *length);
    return 0;
}
