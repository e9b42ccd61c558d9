/* tcp.h: TCP as the rest of the house sees it (host/ feeds and drains it, socket/ uses it). Pure: no I/O, no clock.
 * RFC 9293 3.10 is the map: tcp_user.c 3.10.1-5, tcp_status.c 3.10.6, tcp_input.c 3.10.7, tcp_timer.c 3.10.8, tcp_output.c 3.7,
 * tcp_retransmit.c 3.8.1. Input changes state, output reads it out, poll joins them. The variables (3.3.1) and invariants are in tcb.h. */
#ifndef TCP_TCP_H
#define TCP_TCP_H
#include <sys/uio.h>
#include "base/list.h"
#include "base/path.h"
#include "base/prng.h"
#include "base/slab.h"
#include "lilliput/trace.h"
#include "tcp/bsd/tcp_option_names.h"
#include "tcp/tcp_params.h"
#include "wire/ip_extra.h"
#include "wire/wire.h"

struct tcp;          /* one TCP: its tables, timers, counters */
struct tcb;          /* one connection; never held across calls by others: hold a handle */
struct tcp_listener; /* one LISTEN endpoint with its two queues */

enum tcp_state { /* RFC 9293 3.3.2, in the order of its figure 5 */
    TCPS_CLOSED, TCPS_LISTEN, TCPS_SYN_SENT, TCPS_SYN_RECEIVED, TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2,
    TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_LAST_ACK, TCPS_TIME_WAIT
};
const char *tcp_state_name(enum tcp_state state); /* "SYN_SENT" */

/* What the owner is told. Runs inside tcp_input, tcp_poll and user calls; must not call back into TCP for that tcb. */
enum tcp_event {
    TCP_EV_CONNECTED = 1, /* the handshake is done (active open) */
    TCP_EV_READABLE = 2,  /* new data or FIN or urgent mark */
    TCP_EV_WRITABLE = 4,  /* room in the send buffer after a shortage */
    TCP_EV_ERROR = 8,     /* tcp_error() says which; the state is CLOSED unless soft */
    TCP_EV_HUP = 16,      /* both directions are over */
    TCP_EV_URGENT = 32,   /* SIGURG's moment */
    TCP_EV_RDHUP = 64,    /* the peer's FIN */
    TCP_EV_CHANGED = 128  /* another step to the end: shutdown(), our FIN acknowledged */
};
/* What TCP needs to know of the way to a peer; host/ answers from routes, addresses, interface and path MTU. */
struct tcp_path {
    struct addr local;     /* for whom has none of his own */
    int ifindex;
    uint32_t mtu;          /* IP packet, bytes */
    uint32_t link_mtu;     /* the interface's, whatever was learnt of the way */
    uint32_t gso_max;      /* payload bytes of a segment handed down whole; 0: off */
    const struct path_metrics *metrics; /* what the route says, until the next call; NULL: nothing */
    bool is_local_net;     /* BSD: MSS of an off-net peer is 512/536 */
    bool csum_offload, is_loopback;
};
struct tcp_hooks {
    void *ctx;
    /* USER is what tcp_set_user gave; for a connection never accepted it is NULL and nothing is called. */
    void (*event)(void *ctx, void *user, struct tcb *tcb, unsigned events);
    /* A connection entered LISTENER's completed queue. */
    void (*acceptable)(void *ctx, void *listener_user, struct tcp_listener *listener);
    /* *PATH is valid until the next call. -ENETUNREACH, -EHOSTUNREACH ...: it is not touched. */
    int (*path)(void *ctx, const struct addr *local, const struct addr *remote, const struct tcp_path **path);
    void (*trace)(void *ctx, const struct lil_trace *event); /* STATE, QUEUES, TCP; host and now_ns are filled in above; NULL: none */
    void (*due)(void *ctx);        /* there is output or an earlier deadline: mark the host due */
    /* A SYN for nobody on an accept-any interface: true: held by tcp_hold_syn. */
    bool (*stray_syn)(void *ctx, const struct flow *flow, int ifindex, uint64_t id);
};
struct tcp_config {
    struct pool *pool;
    struct tcp_hooks hooks;
    uint64_t seed;
    uint32_t tcb_limit, syn_limit; /* 0: defaults (10 M, 1 M) */
};
struct tcp *tcp_new(const struct tcp_params *params /* copied */, const struct tcp_config *config);
void tcp_free(struct tcp *tcp);
void tcp_set_trace(struct tcp *tcp, void (*trace)(void *ctx, const struct lil_trace *event)); /* NULL: nobody observes any more */
/* The key of fast open cookies. Linux's cookie is siphash24(key, the peer's address then ours, 4 or 16 bytes each), its bytes in
 * little-endian order: key a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4, 192.0.2.1 to 192.168.0.1: 3021b9d889017eeb. */
void tcp_set_fastopen_key(struct tcp *tcp, const uint64_t words[4], unsigned keys /* 1, or 2: cookies of the second are good still */);
unsigned tcp_get_fastopen_key(const struct tcp *tcp, uint64_t words[4]); /* how many were set */
const struct tcp_params *tcp_get_params(const struct tcp *tcp);
bool tcp_cc_is_linux(const char *name); /* Linux has this algorithm (tcp_cc.c) */
void tcp_set_params(struct tcp *tcp, const struct tcp_params *params); /* copied: a sysctl was set */

/* --- packets (host/) --------------------------------------------------------------------------------------------------- */
struct tcp_in {               /* one received segment; the header is parsed, the checksum verified */
    struct flow flow;         /* local = destination */
    struct tcphdr_ header;
    uint32_t payload;         /* bytes */
    uint8_t ecn, ttl, tos;
    uint32_t flow_label;      /* of an IPv6 packet */
    uint16_t ifindex;
    uint16_t gso_size;        /* of the packet; 0: one wire segment */
    uint16_t ip_length;       /* of the IP header, which lies before the TCP header and the payload in the packet's head; 0: gone */
    bool accept_any;
};
/* Takes PACKET (payload only). Returns LIL_DROP_NONE or why it was dropped. A reply, if one is due, waits in tcp_reply_next. */
enum lil_drop tcp_input(struct tcp *tcp, const struct tcp_in *in, struct lil_packet *packet, uint64_t now_ns);

struct tcp_segment {          /* one segment to send */
    struct flow flow;
    struct tcphdr_ header;    /* checksum 0 */
    struct lil_packet *packet; /* payload attached; the receiver of this structure owns it; NULL: make an empty one */
    uint8_t tos, ttl;
    bool dont_fragment;
    uint8_t option_order;
    uint16_t gso_size;
    uint32_t flow_label;      /* IPv6; also the bits of FLOW_LABEL_* */
    const struct ip_extra *extra; /* IP options or extension headers to go with it; NULL: none; until the next call */
};
/* From now on each segment is asked whether it came the way of its connection (flow.encaps_port). */
void tcp_watch_all(struct tcp *tcp);
/* Runs timers due by NOW. */
void tcp_poll(struct tcp *tcp, uint64_t now_ns);
/* The next segment of any due connection or reply (round-robin with a quantum), false: nothing to send now. */
bool tcp_output_next(struct tcp *tcp, uint64_t now_ns, struct tcp_segment *segment);
/* The short cuts (tcp_fast.c), for segments of the one shape that nearly all have. Input: the connection that expects exactly IN, or
 * NULL; when its checksum is right too, tcp_input_predicted takes the payload. Output: asked before tcp_output_next. */
struct tcp_plain {
    struct plain header;
    const struct flow *flow;   /* until the next call */
    struct lil_packet *packet; /* the payload; with its sum where that is known */
};
bool tcp_may_predict(const struct tcp *tcp); /* false: tcp_predict would say no whatever came */
struct tcb *tcp_predict(struct tcp *tcp, const struct plain *in, uint64_t now_ns);
uint64_t *tcp_host_note(struct tcb *tcb); /* of one that was predicted: what host/ keeps with it; 0 at first */
enum lil_drop tcp_input_predicted(struct tcb *tcb, const struct plain *in, struct lil_packet *packet);
bool tcp_output_plain(struct tcp *tcp, uint64_t now_ns, struct tcp_plain *out);
/* The earliest deadline of all timers (may be early, never late); LIL_NEVER. */
uint64_t tcp_deadline(const struct tcp *tcp);
bool tcp_is_due(const struct tcp *tcp); /* tcp_output_next may have something */
/* SEGMENT did not leave, for a rule of this host forbids it: new text is unsent again, and is tried again when a window would be probed. */
void tcp_on_refused(struct tcp *tcp, const struct tcp_segment *segment, uint64_t now_ns);
/* IN, which a rule refuses, is answered with a reset. */
void tcp_refuse(struct tcp *tcp, const struct tcp_in *in, uint64_t now_ns);
/* A segment of FLOW could not be sent (no route, EHOSTUNREACH of a silent neighbour ...): ERROR is a positive errno. */
void tcp_on_send_error(struct tcp *tcp, const struct flow *flow, uint32_t seq, int error, uint64_t now_ns);
/* What an ICMP message means to a connection, and which error it is to any socket. */
const struct tcp_icmp_row *tcp_icmp_row(const struct tcp_params *params, int version, uint8_t type, uint8_t code);
/* An ICMP message quoting a segment of FLOW (as sent: local = source) with sequence SEQ. */
struct tcp_icmp {
    uint8_t version, type, code; /* VERSION 4 or 6 */
    uint8_t ttl, tos;            /* of the message itself, and the interface that it came by */
    uint8_t guard_ttl;           /* what IP_MINTTL looks at: the quoted header's (IPv4) or the message's; 0: a host's own error */
    uint16_t ifindex;
    uint32_t mtu;                /* of "too big" */
};
/* Routes or an interface's MTU are about to change: connections look at their way again when they send next. */
void tcp_path_moves(struct tcp *tcp);
uint8_t tcp_default_ttl(const struct tcp *tcp, bool is_v4); /* of a segment that has none of its own */
void tcp_on_icmp(struct tcp *tcp, const struct flow *flow, uint32_t seq, const struct tcp_icmp *icmp, uint64_t now_ns);
/* The interface that took -EAGAIN is writable, or an address went away (ERROR != 0: aborts its connections). */
void tcp_on_path_change(struct tcp *tcp, const struct addr *local, int error, uint64_t now_ns);

/* --- user calls (socket/), RFC 9293 3.10.1-6. None blocks. ---------------------------------------------------------------- */
/* A tcb in CLOSED. NULL: limit or memory. */
struct tcb *tcp_open(struct tcp *tcp);
struct tcb *tcp_find(struct tcp *tcp, struct handle handle); /* NULL: gone */
struct handle tcp_handle(struct tcp *tcp, const struct tcb *tcb);
void tcp_set_user(struct tcb *tcb, void *user);
/* Active open: 0 (SYN queued), or -EADDRINUSE (this flow exists), -ENETUNREACH ..., -ENOBUFS. */
int tcp_connect(struct tcp *tcp, struct tcb *tcb, const struct flow *flow, uint64_t now_ns) MUST_CHECK;
/* The same in two steps, for who tries several local ports: the way, and with it the local address if FLOW has none; then a port. */
int tcp_connect_way(struct tcp *tcp, struct tcb *tcb, const struct flow *flow, uint64_t now_ns) MUST_CHECK;
/* IS_SEARCH: none was asked for: one port after the other is tried */
int tcp_connect_from(struct tcb *tcb, uint16_t local_port, bool is_search) MUST_CHECK;
/* Passive open. ANY_FAMILY: a dual-stack `::` takes IPv4 too. The backlog is passed as the caller gave it. */
int tcp_listen(struct tcp *tcp, const struct addr *local, uint16_t port, bool any_family, int backlog, bool reuseport,
               void *user, struct tcp_listener **out) MUST_CHECK;
void tcp_listener_inherit(struct tcp_listener *listener, const struct tcb *tcb); /* the options of the socket that listens */
void tcp_listener_set_backlog(struct tcp_listener *listener, int backlog);
enum tcp_filter { TCP_FILTER_NONE, TCP_FILTER_DATA, TCP_FILTER_HTTP, TCP_FILTER_DNS }; /* FreeBSD's accept filters */
void tcp_listener_set_filter(struct tcp_listener *listener, uint8_t kind);
uint8_t tcp_listener_filter(const struct tcp_listener *listener);
unsigned tcp_listener_held(const struct tcp_listener *listener); /* connections that wait for it */
void tcp_listener_queues(const struct tcp_listener *listener, unsigned *incomplete, unsigned *complete, unsigned *backlog);
/* Options that accepted connections inherit (the listener's own template). */
struct tcb_options *tcp_listener_options(struct tcp_listener *listener);
/* The oldest completed connection (FIFO), or NULL. Its user is NULL: set one. */
struct tcb *tcp_accept(struct tcp *tcp, struct tcp_listener *listener);
/* Ends it: incomplete entries vanish, completed ones are reset (RFC 9293 3.10.4). */
void tcp_listener_close(struct tcp *tcp, struct tcp_listener *listener, uint64_t now_ns);

enum { TCP_SEND_IMPLIED = 0x800000 /* beside the MSG_ flags: also in SYN_SENT (FreeBSD's implied connect) */ };
/* FLAGS: MSG_OOB, MSG_MORE, MSG_EOR. -EAGAIN, -EPIPE, -ENOTCONN, so_error */
ssize_t tcp_send(struct tcp *tcp, struct tcb *tcb, const struct iovec *iov, int count, size_t limit, int flags,
                 uint64_t now_ns);
/* FLAGS: MSG_PEEK, MSG_OOB, MSG_TRUNC. 0: EOF */
ssize_t tcp_receive(struct tcp *tcp, struct tcb *tcb, const struct iovec *iov, int count, size_t limit, int flags,
                    uint64_t now_ns);
/* MSG_PEEK from AHEAD bytes behind what would be read next (SO_PEEK_OFF). */
ssize_t tcp_peek(struct tcb *tcb, const struct iovec *iov, int count, size_t limit, uint32_t ahead, int flags);
/* The same for one buffer and no flags (tcp_fast.c). */
ssize_t tcp_write(struct tcp *tcp, struct tcb *tcb, const void *buffer, size_t size, uint64_t now_ns);
ssize_t tcp_read(struct tcp *tcp, struct tcb *tcb, void *buffer, size_t size, uint64_t now_ns);
bool tcp_is_disconnected(const struct tcb *tcb); /* closed or as good as that; FreeBSD: soisdisconnected() has been */
int tcp_shutdown(struct tcp *tcp, struct tcb *tcb, int how, uint64_t now_ns); /* -ENOTCONN */
/* close(): the tcb lives on as an orphan and dies by itself; SO_LINGER 0 or unread data: an RST as the profile says. */
void tcp_close(struct tcp *tcp, struct tcb *tcb, uint64_t now_ns);
void tcp_abort(struct tcp *tcp, struct tcb *tcb, uint64_t now_ns); /* RST, gone */
void tcp_kill(struct tcp *tcp, struct tcb *tcb, int error, uint64_t now_ns); /* RST; its user finds ERROR (`ss -K`) */
/* connect(AF_UNSPEC): back to CLOSED with an RST where one is due; the tcb stays. */
void tcp_disconnect(struct tcp *tcp, struct tcb *tcb, bool was_deferred, uint64_t now_ns);

/* A call that has text waits for the handshake of TCB to end, or no longer: the ACK of a SYN/ACK goes with that text, on Linux. */
void tcp_await_text(struct tcb *tcb, bool waits);

/* Fast open (RFC 7413): before tcp_connect; then what the SYN may carry of IOV (0 without a cookie). -EOPNOTSUPP: off. */
bool tcp_fastopen_is_asked(const struct tcb *tcb);
int tcp_fastopen_request(struct tcp *tcp, struct tcb *tcb) MUST_CHECK;
ssize_t tcp_fastopen_send(struct tcp *tcp, struct tcb *tcb, const struct iovec *iov, int count, size_t limit);
void tcp_fastopen_ask(struct tcb *tcb); /* no data could be read: the SYN asks for a cookie */
bool tcp_fastopen_has_cookie(struct tcp *tcp, const struct tcb *tcb, const struct addr *remote);
/* What Linux's `ip tcp_metrics` tells of a peer (tcp_metrics.c); round trips times 8, their variation times 4, in microseconds. */
struct tcp_metrics {
    struct addr remote, local;
    uint64_t stamp_ns;
    uint32_t srtt_us, rttvar_us, ssthresh, cwnd, reordering; /* 0: not known */
    uint16_t fastopen_mss;
    uint8_t cookie_length, cookie[16];
};
void tcp_metrics_each(struct tcp *tcp, void (*tell)(void *ctx, const struct tcp_metrics *metrics), void *ctx);
unsigned tcp_metrics_forget(struct tcp *tcp, const struct addr *remote); /* NULL: all; how many entries went */
unsigned tcp_host_cache_count(const struct tcp *tcp, uint64_t now_ns); /* FreeBSD's hostcache.count */
void tcp_flush_host_cache(struct tcp *tcp, uint64_t now_ns);

/* STATUS */
enum tcp_state tcp_get_state(const struct tcb *tcb);
uint8_t tcp_get_ecn(const struct tcb *tcb); /* Linux: the ECN bits that IP_TOS tells */
const struct flow *tcp_get_flow(const struct tcb *tcb);
bool tcp_is_over(struct tcp *tcp, const struct tcb *tcb); /* closed, the wait of TIME-WAIT included */
int tcp_error(struct tcb *tcb, bool clear);       /* so_error, a positive errno */
bool tcp_is_accept_aborted(const struct tcp *tcp); /* does accept() tell of a connection that was reset before? */
/* tcp_stamp.c, tcp_zerocopy.c: the moments of the last byte written (SO_TIMESTAMPING), and the end of a MSG_ZEROCOPY send. */
enum { TCP_STAMP_SCHEDULED = 1, TCP_STAMP_SENT = 2, TCP_STAMP_ACKED = 4, TCP_STAMP_STATS_MOST = 288 };
enum tcp_stamp_kind { TCP_STAMP_KIND_SENT, TCP_STAMP_KIND_SCHEDULED, TCP_STAMP_KIND_ACKED /* as SCM_TSTAMP_* */, TCP_STAMP_KIND_ZEROCOPY };
struct tcp_stamp { /* what the error queue tells of */
    enum tcp_stamp_kind kind;
    uint32_t id, size;    /* of the byte; bytes of the packet that are told, or of the statistics */
    uint32_t first, last; /* TCP_STAMP_KIND_ZEROCOPY: the sends that are done */
    bool is_copied;       /* of those: their text has left */
    uint64_t time_ns;
    const uint8_t *stats; /* netlink attributes, until tcp_stamp_drop; NULL: none */
};
struct tcp_stamp_style { /* how it is told when it happens: without text, with statistics, with numbers that count from BASE */
    bool is_bare, has_stats, has_ids;
    uint32_t base;
};
bool tcp_zerocopy_shares(const struct tcb *tcb);   /* before tcp_send: it will have the last watched send's completion */
bool tcp_zerocopy_has_room(const struct tcb *tcb); /* for one of its own */
/* After tcp_send, which took SIZE bytes: send NUMBER; false: memory. */
bool tcp_zerocopy_watch(struct tcp *tcp, struct tcb *tcb, uint32_t number, size_t size, bool shares);
/* After tcp_send; IS_PART: of what was written there was no room for all. */
void tcp_stamp_watch(struct tcp *tcp, struct tcb *tcb, unsigned want, bool is_part);
void tcp_stamp_set_style(struct tcb *tcb, const struct tcp_stamp_style *style); /* of a connection that watches */
bool tcp_stamp_peek(struct tcb *tcb, struct tcp_stamp *stamp); /* the oldest; STAMP may be NULL */
void tcp_stamp_drop(struct tcb *tcb);
uint64_t tcp_last_received_ns(const struct tcb *tcb); /* when data came; 0: never, to the millisecond */
struct tcp_icmp_note { /* what ended a connect(): Linux's error queue has it, asked for or not */
    struct tcp_icmp icmp;
    uint8_t error;
};
bool tcp_icmp_note(struct tcb *tcb, struct tcp_icmp_note *note); /* NOTE NULL: is there one? else it is taken */
uint32_t tcp_write_seq(const struct tcb *tcb); /* behind the last byte written */
uint32_t tcp_end_seq(const struct tcb *tcb);   /* the same, or behind the FIN (Linux) */
uint32_t tcp_unread_seq(const struct tcb *tcb); /* sequence numbers not read yet: a FIN is one (Linux) */
uint32_t tcp_acked_seq(const struct tcb *tcb); /* SND.UNA */
size_t tcp_readable(const struct tcb *tcb);       /* bytes in order (FIONREAD) */
size_t tcp_queued(const struct tcb *tcb);         /* with an urgent one among them and what is behind it */
void tcp_buffers(const struct tcb *tcb, uint32_t *sndbuf, uint32_t *rcvbuf); /* as large as they are now */
uint32_t tcp_window_space(const struct tcb *tcb, uint32_t rcvbuf); /* how much window a receive buffer of that size makes */
void tcp_set_rcvlowat(struct tcb *tcb, uint32_t bytes); /* Linux: the buffer grows for it, where nobody has set its size */
/* POLLOUT: enough of the buffer is free that a writer is worth waking. */
bool tcp_is_writeable(const struct tcb *tcb);
size_t tcp_unsent(const struct tcb *tcb);         /* SIOCOUTQNSD */
struct tcp_memory {
    uint32_t received, queued, forward; /* buffers that wait to be read, and to be acknowledged; what is paid for beside them */
};
struct tcp_memory tcp_get_memory(const struct tcb *tcb); /* SO_MEMINFO, as Linux counts */
size_t tcp_unacked(const struct tcb *tcb);        /* SIOCOUTQ: not acknowledged */
bool tcp_has_fin(const struct tcb *tcb);          /* the peer's FIN is in order */
bool tcp_at_mark(const struct tcb *tcb, uint32_t ahead); /* SIOCATMARK, or as if AHEAD bytes had been read */
bool tcp_has_urgent(const struct tcb *tcb);
unsigned tcp_poll_events(const struct tcb *tcb);  /* POLLIN ... as poll(2) says for TCP */
unsigned tcp_poll_watch(struct tcb *tcb);        /* the same; TCP_EV_WRITABLE follows when there is no room now */
/* IPPROTO_TCP level, incl. TCP_INFO */
int tcp_getopt(struct tcp *tcp, struct tcb *tcb, int name, void *value, unsigned *length, uint64_t now_ns);
int tcp_setopt(struct tcp *tcp, struct tcb *tcb, int name, const void *value, unsigned length, uint64_t now_ns);
int tcp_listener_getopt(struct tcp *tcp, struct tcp_listener *listener, int name, void *value, unsigned *length, uint64_t now_ns);
int tcp_listener_setopt(struct tcp *tcp, struct tcp_listener *listener, int name, const void *value, unsigned length);

/* IP_PMTUDISC_*, plus one; 0: as the profile has it */
enum tcp_pmtudisc { PMTUDISC_PROFILES, PMTUDISC_DONT, PMTUDISC_WANT, PMTUDISC_DO, PMTUDISC_PROBE, PMTUDISC_INTERFACE, PMTUDISC_OMIT };
static inline bool pmtudisc_sets_df(uint8_t pmtudisc, bool by_profile)
{
    return pmtudisc ? pmtudisc == PMTUDISC_WANT || pmtudisc == PMTUDISC_DO : by_profile;
}

/* SOL_SOCKET options that TCP keeps a copy of. */
struct tcb_options {
    uint32_t sndbuf, rcvbuf;       /* limits; 0: the profile's with autotuning */
    uint32_t rcvlowat, sndlowat;
    bool keepalive, oob_inline, linger_on, nodelay;
    int32_t linger_s;
    uint8_t tos[2], ttl[2];        /* of IPv4's packets, of IPv6's (a socket may send either); 0: the profile's */
    uint8_t min_ttl[2];            /* of what is received (RFC 5082), IPv4 and IPv6; 0: any */
    bool own_ip;                   /* any of extra and flow_label is set: its IP headers are its own */
    uint8_t pmtudisc[2];           /* enum tcp_pmtudisc: of IPv4's packets, of IPv6's */
    bool no_rehash;                /* SO_TXREHASH 0 */
    uint8_t auto_flow_label;       /* IPV6_AUTOFLOWLABEL + 1; 0: as the host has it */
    uint16_t most_mtu6;            /* IPV6_USE_MIN_MTU: an IPv6 path has no more; 0: whatever it has */
    bool recverr, recverr6;        /* IP_RECVERR, IPV6_RECVERR: Linux: ICMP errors are hard when established */
    uint64_t max_pacing_rate;      /* bytes a second; 0: none; UINT64_MAX: a rate of 0, which Linux tells and does not pace by */
    bool is_paced;                 /* a limit was set: by the window's rate since, whatever became of it (Linux's sk_pacing_status) */
    uint32_t bind_ifindex, mark;
    bool is_inet6;                 /* an AF_INET6 socket: noted by FreeBSD's, and of listeners */
    struct ip_extra *extra;        /* NULL: none; tcp_set_extra() */
    uint32_t flow_label;           /* IPv6 (RFC 6437); tcp_set_flow_label() */
    uint8_t extra_v4_bytes, extra_v6_bytes; /* by how much it makes segments smaller */
};
struct tcb_options *tcp_options(struct tcb *tcb); /* call tcp_options_changed after writing */
void tcp_hold_pacing_rate(struct tcb *tcb);       /* before SO_MAX_PACING_RATE: a higher one counts from the next ACK on */
const struct tcb_options *tcp_options_peek(const struct tcb *tcb); /* to read: makes no copy */
bool tcp_is_passive(const struct tcb *tcb); /* its SYN was the peer's */
void tcp_options_changed(struct tcp *tcp, struct tcb *tcb, uint64_t now_ns);
/* IP_OPTIONS and IPv6's sticky headers of TCB, or of LISTENER when TCB is NULL: EXTRA is taken; segments are smaller by it. */
int tcp_set_flow_label(struct tcb *tcb, uint32_t label) MUST_CHECK; /* of what it sends; 0: none */
int tcp_set_extra(struct tcp *tcp, struct tcb *tcb, struct tcp_listener *listener, struct ip_extra *extra, uint64_t now_ns) MUST_CHECK;

/* --- tables: for bind, ss, tests --------------------------------------------------------------------------------------------- */
/* Whether an ICMP error quotes what a connection has in flight; one that says how large a packet may be, and would make
 * its segments smaller. */
bool tcp_is_quoted(struct tcp *tcp, const struct flow *flow, uint32_t seq, const struct tcp_icmp *icmp);
/* Visits every connection (tcb or TIME-WAIT record) with this local port; port 0: all. Return false to stop. */
struct tcp_seen {
    const struct flow *flow;
    enum tcp_state state;
    struct tcb *tcb;   /* NULL for a SYN entry or TIME-WAIT record */
    void *user;
    bool reuseaddr, reuseport; /* as tcp_set_reuse noted on the connection */
    uint64_t deadline_ns;      /* of a SYN entry or TIME-WAIT record */
    uint8_t retransmits;       /* of a SYN entry */
};
/* How many connections, requests and TIME-WAIT records have this local port; STRICT: those whose socket did not say SO_REUSEADDR. */
struct port_use {
    uint32_t users, strict;
};
struct port_use tcp_port_use(const struct tcp *tcp, uint16_t port);
/* The timer that ss -o shows: Linux's numbers: 0 none, 1 retransmission, 2 keepalive or FIN-WAIT-2, 4 window probes. */
struct tcp_timer_view {
    uint8_t kind, retransmits;
    uint64_t expires_ns;
};
void tcp_get_timer(const struct tcb *tcb, struct tcp_timer_view *view);
/* All timers of a connection that run, by what they are for; how many. */
struct tcp_running_timer {
    const char *name; /* "retransmission": static */
    uint64_t expires_ns;
};
enum { TCP_RUNNING_TIMERS = 5 };
unsigned tcp_get_timers(const struct tcb *tcb, struct tcp_running_timer timers[TCP_RUNNING_TIMERS]);
void tcp_each(struct tcp *tcp, uint16_t local_port, bool (*visit)(void *ctx, const struct tcp_seen *seen), void *ctx);
void tcp_set_reuse(struct tcb *tcb, bool reuseaddr, bool reuseport); /* kept into TIME-WAIT for bind's rules */
void tcp_hold_answer(struct tcp *tcp, uint64_t id, bool accept, struct tcb **out, uint64_t now_ns); /* accept-any; refuse sends an RST */
struct tcp_counts {
    uint32_t connections, time_waits, syn_entries, listeners, orphans;
};
void tcp_get_counts(const struct tcp *tcp, struct tcp_counts *counts);
void tcp_each_counter(const struct tcp *tcp, void (*visit)(void *ctx, const char *name, uint64_t value), void *ctx); /* nstat names */

#endif
