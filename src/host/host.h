/* host.h: who owns what. A host owns its interfaces (addresses, neighbour cache, transmit queue), routes, reassembly,
 * path-MTU table, TCP and UDP; sockets and processes (socket/) hang on it and are freed through a hook.
 * A received frame: lil_host_input -> link -> ip -> icmp | udp | tcp. A sent byte: poll -> tcp_output_next -> host_output (route, resolve,
 * emit) -> the interface's transmit. host alone knows the path. */
#ifndef HOST_HOST_H
#define HOST_HOST_H
#include "host/profile.h"
#include "lilliput/host.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

/* What rtnetlink(7) tells of: a link (IT: NULL), an address of it (struct prefix), a route, a neighbour. */
enum host_change { HOST_LINK, HOST_ADDRESS, HOST_ROUTE, HOST_NEIGHBOR };

/* What socket/ hangs on a host: set once by the first lil_proc_new (host never includes socket/). */
struct host_sockets {
    void *ctx;
    void (*free)(void *ctx);
    void (*tcp_event)(void *ctx, void *user, struct tcb *tcb, unsigned events);
    void (*tcp_acceptable)(void *ctx, void *user, struct tcp_listener *listener);
    void (*tcp_no_port)(void *ctx, const struct flow *flow); /* a SYN came for a port without a listener (hints) */
    void (*udp_event)(void *ctx, void *user, struct udp_pcb *pcb, unsigned events);
    uint32_t (*count)(void *ctx);
    void (*changed)(void *ctx, enum host_change what, const void *it, int ifindex, bool is_gone); /* before it goes, after it came */
    /* lil_syn_accept: a descriptor of PROC for TCB (made by TCP, not yet anyone's); -EMFILE ...: TCB is aborted. May be NULL. */
    int (*syn_accept)(void *ctx, struct lil_proc *proc, struct tcb *tcb);
};
void host_set_sockets(struct lil_host *host, const struct host_sockets *sockets);
void *host_get_sockets(struct lil_host *host); /* the ctx; NULL: none yet */

struct tcp *host_tcp(struct lil_host *host);
struct udp *host_udp(struct lil_host *host);
struct pool *host_pool(struct lil_host *host);
struct prng *host_prng(struct lil_host *host);
const struct profile *host_profile(const struct lil_host *host); /* the host's own copy */
uint64_t host_now(const struct lil_host *host);
void host_set_now(struct lil_host *host, uint64_t now_ns); /* the time alone, of a host that is not due and has no deadline until then */
void host_mark_due(struct lil_host *host);
/* Called when a host becomes due (a world or loop schedules a poll); NULL: none. */
void host_set_due_hook(struct lil_host *host, void (*due)(void *ctx, struct lil_host *host), void *ctx);
void host_trace(struct lil_host *host, struct lil_trace *event); /* fills host and now_ns */
bool host_is_traced(const struct lil_host *host);
/* Replaces the configuration's observer; NULL: none, and what only observers see costs nothing. */
void host_set_trace(struct lil_host *host, lil_trace_fn *trace, void *ctx);

/* Address questions that bind and connect ask. */
enum host_addr_kind { HOST_ADDR_NONE, HOST_ADDR_ANY, HOST_ADDR_LOCAL, HOST_ADDR_BROADCAST, HOST_ADDR_MULTICAST };
bool host_is_group(struct lil_host *host, const struct addr *addr); /* kind MULTICAST or BROADCAST: remembered with the way there */
enum host_addr_kind host_address_kind(struct lil_host *host, const struct addr *addr); /* 127/8 is LOCAL */
bool host_primary_address(struct lil_host *host, int family, struct addr *addr);       /* BSD: connect to INADDR_ANY */
/* A socket address's scope_id of OWN, an address of ours: the interface that has it when it is an IPv6 link-local one
 * (RFC 4007 6), else 0. */
uint16_t host_scope(struct lil_host *host, const struct addr *own);
/* The way to REMOTE, valid until the next call: source address (the outgoing interface's), ifindex, mtu.
 * -ENETUNREACH, -EHOSTUNREACH, -EACCES, -EINVAL. */
/* The host's rules (packet_filter.h) let SENT leave; they are not asked again when it does. */
bool host_may_send(struct lil_host *host, struct udp_sent *sent);
int host_path(struct lil_host *host, const struct addr *local, const struct addr *remote, const struct tcp_path **path);
/* For ioctl(SIOCGIF...), if_nameindex, ss and ip: visits interfaces and addresses. */
struct host_interface_view {
    int ifindex;
    const char *name;
    enum lil_interface_kind kind;
    unsigned mtu;
    bool up;
    struct mac mac;
    const struct prefix *addresses;
    unsigned address_count;
    uint64_t packets_in, packets_out, bytes_in, bytes_out;
};
/* Not the first IPv4 address of its net (IFA_F_SECONDARY). */
bool address_is_secondary(const struct prefix *addresses, unsigned index);
void host_each_interface(struct lil_host *host, bool (*visit)(void *ctx, const struct host_interface_view *view), void *ctx);
/* host_view.c: the same for routes and neighbours, and what the routing table says of one address now. */
struct route;
struct neighbor;
void host_each_route(const struct lil_host *host, bool (*visit)(void *ctx, const struct route *route, int ifindex), void *ctx);
void host_each_neighbor(const struct lil_host *host, bool (*visit)(void *ctx, const struct neighbor *neighbor), void *ctx);
/* The text of /proc/net/NAME ("snmp", "netstat", "snmp6"), to be freed; NULL: no such name, or no memory. */
char *host_counter_file(const struct lil_host *host, const char *name);
struct host_way_view {
    enum host_addr_kind kind; /* HOST_ADDR_NONE: unicast */
    int ifindex;
    bool has_gateway;
    struct addr gateway, source;
    uint32_t mtu;             /* below the interface's: of a route or a path; else 0 */
    uint64_t expires_ns;      /* of a path MTU; LIL_NEVER */
};
int host_look_up(struct lil_host *host, const struct addr *remote, int ifindex, struct host_way_view *view); /* -ENETUNREACH ... */

#endif
