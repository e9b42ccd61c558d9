/* tunnel.h: interfaces whose packets go inside other packets of this host: IP in IP (RFC 2003, RFC 2473, RFC 4213), GRE (RFC 2784,
 * RFC 2890), and below both MPLS labels (RFC 3032). A tunnel is an interface like any other; a host without one pays nothing. */
#ifndef HOST_TUNNEL_H
#define HOST_TUNNEL_H
#include "lilliput/host.h"

struct interface;
struct ip;
struct tunnels; /* of a host */
/* "gre local A remote B key 5 ttl 64", in ip-tunnel(8)'s words: ipip, sit, gre, ip6gre, ip6tnl (also ipip6, ip6ip6, any), then local,
 * remote, ttl, hoplimit, tos, dsfield, nopmtudisc, [i|o]key, [i|o]csum, [i|o]seq, encaplimit, mtu. Or "labels 100/200 dev gre1": what
 * goes out there gets these labels. Returns the ifindex (it is up), -EEXIST, -EINVAL (also what is not known). */
int host_tunnel_add(struct lil_host *host, const char *name, const char *words);
/* A label of this host's own: what comes with it goes on without (`ip -f mpls route add LABEL dev lo`). */
int host_label_add(struct lil_host *host, uint32_t label);

/* PACKET, behind IP, is of a protocol of tunnels. False: this host has none for it, and it is not taken. */
bool tunnel_input(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet);
void tunnels_free(struct lil_host *host);

#endif
