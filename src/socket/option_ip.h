/* option_ip.h: what the levels IPPROTO_IP and IPPROTO_IPV6 have in common (option_ip.c), and headers of a socket's own
 * (option_extra.c). */
#ifndef SOCKET_OPTION_IP_H
#define SOCKET_OPTION_IP_H
#include "socket/sock.h"

/* LEVEL: IPPROTO_IP or IPPROTO_IPV6. An AF_INET6 stream of Linux has a value for each, of the path's MTU and the least TTL any socket. */
int ip_set_ttl(struct sock *sock, int level, int value);
int ip_get_ttl(struct sock *sock, int level);
int ip_set_tos(struct sock *sock, int level, int value);
int ip_get_tos(struct sock *sock, int level);
int ip_set_pmtudisc(struct sock *sock, int level, int value);
int ip_get_pmtudisc(const struct sock *sock, int level);
int ip_get_multicast_ttl(const struct sock *sock);
int ip_get_mtu(struct sock *sock); /* of the way to the peer; -ENOTCONN */
int ip_set_group(struct sock *sock, const void *value, socklen_t length, bool is_join);
int ip_join(struct sock *sock, const struct addr *group, int ifindex, bool is_join);
int ip_set_multicast_ttl(struct sock *sock, int value);
void ip_set_loop(struct sock *sock, int on);
int ip_set_plain(struct sock *sock, int level, int name, int number);
int ip_set_min_ttl(struct sock *sock, int level, int number);
int ip_get_min_ttl(const struct sock *sock, int level);
bool ip_interface_exists(struct sock *sock, int ifindex);
int ip_set_unicast_if(struct sock *sock, int level, int name, const void *value, socklen_t length);
/* option_extra.c */
int extra_set_options(struct sock *sock, const void *value, socklen_t length); /* IP_OPTIONS */
int extra_get_options(struct sock *sock, void *value, socklen_t *length);
bool extra_is_header(int name);                                                /* IPV6_HOPOPTS, RTHDRDSTOPTS, RTHDR, DSTOPTS */
int extra_set_header(struct sock *sock, int name, const void *value, socklen_t length);
int extra_get_header(struct sock *sock, int name, void *value, socklen_t *length);

#endif
