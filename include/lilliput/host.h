/* host.h: one TCP/IP host: made from a profile, given interfaces, addresses and routes, fed packets, polled.
 *
 * No I/O, no clock, no threads inside. now_ns is the caller's clock, never going back. A host belongs to one thread
 * at a time. Everything that returns int returns 0 or positive, or -Exxx. Read examples/tap_host.c for the
 * whole of an embedder's loop. */
#ifndef LILLIPUT_HOST_H
#define LILLIPUT_HOST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lilliput/packet.h"
#include "lilliput/trace.h"

#define LIL_NEVER UINT64_MAX

struct lil_host;
struct lil_proc;

struct lil_allocator { /* all NULL: malloc and free */
    void *(*allocate)(void *ctx, size_t size);
    void (*release)(void *ctx, void *memory, size_t size);
    void *ctx;
};

struct lil_host_config {
    const char *profile;  /* "linux" when NULL; see lil_profile_names */
    uint64_t seed;        /* all randomness comes from it; secret and fresh on a real network */
    const char *name;     /* for traces; copied; may be NULL */
    bool router;          /* forwards packets */
    struct lil_allocator allocator;
    uint64_t memory_limit_bytes; /* 0: none */
    struct lil_host *share_pool; /* hosts of one thread that exchange packets by reference; NULL: a pool of its own */
    lil_trace_fn *trace;  /* may be NULL; see trace.h */
    void *trace_ctx;
    uint64_t now_ns;      /* the clock's value at birth */
    bool unpooled;        /* every object is a call of the allocator, no free lists: for fault tests */
};
/* Returns NULL and sets errno (EINVAL: unknown profile; ENOMEM). */
LIL_API struct lil_host *lil_host_new(const struct lil_host_config *config);
/* Frees the host with its sockets and processes; connections vanish without a word (a crash). */
LIL_API void lil_host_free(struct lil_host *host);

/* Takes PACKET, always. 0, or the negative enum lil_drop is never returned: a dropped packet is counted, not an error. */
LIL_API int lil_host_input(struct lil_host *host, int ifindex, struct lil_packet *packet, uint64_t now_ns);
/* Runs due timers and transmits what is due. Returns the next deadline (may be early, never late), or LIL_NEVER. */
LIL_API uint64_t lil_host_poll(struct lil_host *host, uint64_t now_ns);
/* True when a socket call or an input has left work for lil_host_poll. */
LIL_API bool lil_host_is_due(const struct lil_host *host);
/* The driver of IFINDEX, which answered -EAGAIN, takes packets again. */
LIL_API void lil_host_writable(struct lil_host *host, int ifindex);
LIL_API uint64_t lil_host_now(const struct lil_host *host);
LIL_API const char *lil_host_name(const struct lil_host *host);
/* milliseconds from NOW to DEADLINE, rounded up, as epoll_wait wants it (-1 for LIL_NEVER). */
LIL_API int lil_timeout_ms(uint64_t deadline_ns, uint64_t now_ns);

/* --- interfaces, addresses, routes ------------------------------------------------------------------------------- */
enum lil_interface_kind { LIL_ETHERNET, LIL_IP /* TUN: frames begin at the IP header */, LIL_LOOPBACK };
/* 0: taken; -EAGAIN: stays with the host until lil_host_writable. Runs only inside lil_host_poll; must not re-enter. */
typedef int lil_transmit_fn(void *ctx, int ifindex, struct lil_packet *packet);

struct lil_interface_config {
    enum lil_interface_kind kind;
    const char *name;        /* "eth0" ...; NULL: made up */
    unsigned mtu;            /* 0: 1500 */
    unsigned gso_max;        /* largest TCP payload handed down whole (65,535 at most); 0: off */
    bool csum_offload;       /* the driver fills partial checksums */
    uint8_t mac[6];          /* all zero: made from the seed */
    lil_transmit_fn *transmit;
    void *ctx;
    bool accept_any;         /* addresses not its own are accepted as local (tun2socks; with lil_listen_any) */
    unsigned queue_limit;    /* packets held while transmit says -EAGAIN; 0: 1000 */
};
/* Returns the ifindex (1 is the loopback, made at birth). */
LIL_API int lil_interface_add(struct lil_host *host, const struct lil_interface_config *config);
LIL_API int lil_interface_set_up(struct lil_host *host, int ifindex, bool up);
LIL_API int lil_interface_set_mtu(struct lil_host *host, int ifindex, unsigned mtu);
LIL_API int lil_interface_index(const struct lil_host *host, const char *name); /* -ENODEV */
/* "192.0.2.2/24" or "2001:db8::2/64". Adds the connected route. IPv6 link-local addresses are made by
 * themselves. With sysctl ip.dad_transmits an IPv6 address of an
 * Ethernet interface is used only when nobody else has answered for it, a second a probe later (RFC 4862 5.4). */
LIL_API int lil_address_add(struct lil_host *host, int ifindex, const char *address);
/* IPv6 configures itself on this Ethernet interface (RFC 4862): its link-local address is probed first, then what routers
 * advertise: default routers, on-link prefixes, an address in each prefix. -EOPNOTSUPP: not Ethernet; -EALREADY. */
LIL_API int lil_interface_autoconf(struct lil_host *host, int ifindex);
/* A router: advertises itself and the /64 prefixes of the interface's addresses (RFC 4861 6.2), from now on for ever. */
LIL_API int lil_interface_advertise(struct lil_host *host, int ifindex);
LIL_API int lil_address_delete(struct lil_host *host, int ifindex, const char *address);
/* "default", "192.0.2.0/24"; VIA: "192.0.2.1", "dev eth0", "192.0.2.1 dev eth0 mtu [lock] 1400 initcwnd 10 src A metric N"
 * (also initrwnd, window, advmss, rto_min 20ms, hoplimit, quickack, fastopen_no_cookie, congctl NAME, features ecn),
 * or "unreachable [net|host|port|protocol|admin]", "prohibit", "blackhole". As in ip-route(8). */
LIL_API int lil_route_add(struct lil_host *host, const char *destination, const char *via);
LIL_API int lil_route_delete(struct lil_host *host, const char *destination);
/* A permanent neighbour entry. */
LIL_API int lil_neighbor_add(struct lil_host *host, int ifindex, const char *address, const uint8_t mac[6]);
LIL_API void lil_neighbor_flush(struct lil_host *host);

/* --- accept any: what tun2socks, VPNs and slirp need ------------------------------------------------------------- */
struct sockaddr;
struct lil_syn {           /* a held SYN, until the embedder answers */
    uint64_t id;
    int family;
    uint8_t local[16], remote[16]; /* IPv4 mapped */
    uint16_t local_port, remote_port;
};
/* Called when a SYN arrives for which no listener is bound on an accept_any interface. */
typedef void lil_syn_fn(void *ctx, const struct lil_syn *syn);
LIL_API int lil_listen_any(struct lil_host *host, int ifindex, lil_syn_fn *on_syn, void *ctx);
/* Answers with SYN/ACK; returns a connected (or connecting) descriptor of PROC. */
LIL_API int lil_syn_accept(struct lil_host *host, struct lil_proc *proc, uint64_t id);
/* ECONNREFUSED: RST; EHOSTUNREACH, ENETUNREACH, EACCES: the ICMP; 0: silence. */
LIL_API int lil_syn_refuse(struct lil_host *host, uint64_t id, int error);

/* --- parameters and figures ----------------------------------------------------------------------------------------- */
/* Linux's names ("net.ipv4.tcp_syn_retries") and our own ("tcp.msl_ms"); values as text. -ENOENT, -EINVAL. */
LIL_API int lil_sysctl_set(struct lil_host *host, const char *name, const char *value);
LIL_API int lil_sysctl_get(const struct lil_host *host, const char *name, char *value, size_t size);
LIL_API int lil_sysctl_each(const struct lil_host *host, void (*visit)(void *ctx, const char *name, const char *value), void *ctx);
/* MIB counters under nstat's names ("TcpActiveOpens", "TcpExtListenOverflows"). */
LIL_API int lil_counter_each(const struct lil_host *host, void (*visit)(void *ctx, const char *name, uint64_t value), void *ctx);
LIL_API uint64_t lil_counter_get(const struct lil_host *host, const char *name); /* 0 when unknown */
LIL_API uint64_t lil_drop_count(const struct lil_host *host, enum lil_drop reason);
struct lil_host_stats {
    uint64_t memory_bytes, memory_peak_bytes;
    uint32_t connections, time_waits, syn_entries, listeners, sockets, fragments, neighbors, routes;
    uint64_t packets_in, packets_out, drops;
};
LIL_API void lil_host_get_stats(const struct lil_host *host, struct lil_host_stats *stats);

/* NULL-terminated, in FACTS order. */
LIL_API const char *const *lil_profile_names(void);
/* Every value of a profile: name, value, source ("C", "T1 18.3", "assumed: 4.4bsd"), confidence (H, M, L). -ENOENT. */
LIL_API int lil_profile_each(const char *profile,
                             void (*visit)(void *ctx, const char *name, const char *value, const char *source,
                                           const char *confidence),
                             void *ctx);

#endif
