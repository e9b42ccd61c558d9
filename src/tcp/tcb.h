/* tcb.h: the transmission control block and all that src/tcp/ shares. Read beside RFC 9293 3.3; names are the RFC's.
 *
 * The state diagram (figure 5), a function per arrow; tcp_state.c alone writes tcb->state:
 *   CLOSED       -> SYN_SENT      tcp_connect            CLOSED   -> LISTEN         tcp_listen (a listener, not a tcb)
 *   LISTEN       -> SYN_RECEIVED  listen_on_syn (a small SYN entry, not a tcb)
 *   SYN_SENT     -> SYN_RECEIVED  synsent_simultaneous   SYN_SENT -> ESTABLISHED    synsent_established
 *   SYN_RECEIVED -> ESTABLISHED   listen_promote, tcp_step5_ack
 *   ESTABLISHED, SYN_RECEIVED -> FIN_WAIT_1, CLOSE_WAIT -> LAST_ACK   user_queue_fin (CLOSE)
 *   ESTABLISHED  -> CLOSE_WAIT, FIN_WAIT_1 -> CLOSING, FIN_WAIT_2 -> TIME_WAIT      tcp_step8_fin
 *   FIN_WAIT_1   -> FIN_WAIT_2, CLOSING -> TIME_WAIT, LAST_ACK -> CLOSED            tcp_step5_ack
 *   TIME_WAIT    -> CLOSED        timewait_poll (a small record, not a tcb)
 *
 * Sequence space of the sender:  snd_una .. snd_nxt sent (one txseg each, contiguous) .. write_seq in the buffer [FIN].
 * Invariants, asserted by number in debug builds (tcb_check):
 *   1  snd_una <= snd_nxt <= write_seq + FIN
 *   2  the ring's segments cover [snd_una, snd_nxt) without gaps (except an unacknowledged SYN, which has none)
 *   3  data sent or received, loss or exotic option => ext != NULL
 *   4  sacked_out + lost_out <= packets_out
 *   5  a tcb has at most one heap entry, at or before its earliest deadline
 *   6  rcv_wup <= rcv_nxt; the right edge rcv_wup + rcv_wnd never moves left (RFC 9293 3.8.6, SHLD-14)
 *   7  an orphan has no user; it always has a deadline
 */
#ifndef TCP_TCB_H
#define TCP_TCB_H
#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "base/stream.h"
#include "base/table.h"
#include "tcp/tcp.h"
#include "tcp/tcp_bsd_state.h"
#include "tcp/tcp_mib.h"
#include "tcp/tcp_reass.h"
#include "tcp/tcp_rmem.h"
#include "tcp/tcp_seq.h"

struct ack_state;
struct md5_keys; /* tcp_guard.c */
struct rx;
enum { TCP_NONE = 0xffffffff }; /* no slot */
enum tcb_timer { TIMER_NONE, TIMER_SYN, TIMER_REXMT, TIMER_TLP, TIMER_REO, TIMER_PERSIST, TIMER_FIN_WAIT_2, TIMER_RETRY };
enum ca_state { CA_OPEN, CA_DISORDER, CA_CWR, CA_RECOVERY, CA_LOSS };

/* One segment in flight. Records exist from transmission to acknowledgement, in sequence order. */
struct txseg {
    uint32_t start, end;  /* sequence space, FIN included */
    uint64_t sent_ns;     /* its last transmission */
    uint64_t first_tx_ns, delivered_ns; /* the tcb's then (rate samples, tcp_rate.c) */
    union {
        uint32_t delivered; /* tcb's count of delivered packets then (rate samples) */
        uint32_t run_end;   /* TX_SACKED: so are all that follow up to here */
    };
    uint32_t burst;       /* what left together has one number, and later bursts have larger ones: times may be equal */
    uint16_t mss;         /* packets = ceil(length / mss) */
    uint8_t flags;        /* TX_* */
    uint8_t retransmits;
    bool glued;           /* left in one chunk with the next */
    bool is_judged;       /* RACK has found it lost, and does not look at it again until it is sent again (undone or not) */
};
enum {
    TX_SACKED = 1, TX_LOST = 2,
    TX_RETRANS = 4, /* a retransmission is in flight */
    TX_EVER_RETRANS = 8, TX_FIN = 16, TX_APP_LIMITED = 32, TX_PSH = 64,
    TX_EOR = 128 /* MSG_EOR: never merged with the next */
};
struct txring {
    uint32_t head, count, mask; /* mask + 1 records */
    uint32_t packets_out;
    uint32_t glued;             /* records that left in one chunk with the next */
    struct txring *next_free;
    struct txseg seg[];
};
/* Socket and TCP level options: shared by reference count, copied at the first write. 0 means the profile's. */
struct tcb_opts {
    uint32_t refs;
    struct tcb_options socket;
    uint32_t keep_idle_ms, keep_interval_ms, user_timeout_ms;
    uint32_t keep_probes;
    uint32_t keep_init_ms; /* R2 of our SYN; 0: the schedule's */
    uint32_t syn_end_ms; /* the same, set while it was out */
    uint32_t max_unack_ms; /* TCP_MAXUNACKTIME */
    uint32_t notsent_lowat, window_clamp, tx_delay_us;
    uint32_t rto_min_ms; /* of route or socket */
    uint32_t rto_min_us; /* TCP_RTO_MIN_US */
    uint32_t rto_max_ms, delack_max_ms;
    int32_t linger2_ms;       /* < 0: at once */
    uint16_t user_mss;
    uint8_t syn_retries;
    uint8_t cc; /* + 1 */
    uint8_t reno_beta;
    uint8_t reno_beta_ecn; /* TCP_CCALGOOPT, percent */
    uint8_t defer_accept, thin_linear, thin_dupack;
    uint16_t fastopen_qlen, encaps_port /* TCP_REMOTE_UDP_ENCAPS_PORT */;
    uint8_t save_syn; /* 1: from the IP header on, 2: and the link's */
    bool has_fastopen_key, has_fastopen_backup, has_fastopen_psk; /* psk: [0] is what a FreeBSD client shares with the server */
    struct siphash_key fastopen_key[2];
    struct md5_keys *md5; /* NULL: none */
    struct path_metrics path; /* of a connection: what its route said when it began; goes before the host's */
    bool fastopen_connect, fastopen_no_cookie, cork, inq, no_options /* TCP_NOOPT */;
    bool has_path; /* a route said something */
};

enum { TLP_SLACK_US = 2000 /* Linux: two jiffies */ };
#include "tcp/tcb_ext.h"

struct tcb {
    struct flow flow;
    struct tcp *tcp;
    union {
        void *user;
        uint32_t accept_next; /* while is_unaccepted */
    };
    struct stream *snd_stream, *rcv_stream;
    struct txring *tx;
    struct tcb_ext *ext;
    struct tcb_opts *opt;
    uint64_t rexmt_ns;        /* what tcb->timer says; 0: not running */
    union {
        uint64_t delack_ns;   /* 0: none */
        uint64_t syn_start_ns; /* in SYN_SENT and SYN_RECEIVED: the first SYN */
    };
    uint32_t slot, heap_position, due_prev, due_next;
    /* send sequence (RFC 9293 3.3.1) */
    uint32_t snd_una, snd_nxt, snd_wnd, snd_wl1, write_seq, max_window;
    /* receive sequence */
    uint32_t rcv_nxt, rcv_wnd, rcv_wup; /* rcv_wup: RCV.NXT at the last ACK sent */
    uint32_t rcv_ssthresh, readable;
    /* round trip (RFC 6298), microseconds: srtt is kept times 8, rttvar and mdev times 4 */
    uint32_t srtt_us, mdev_us, mdev_max_us, rttvar_us, rto_us, min_rtt_us;
    uint32_t cwnd, ssthresh;  /* packets */
    uint32_t ts_recent, ts_recent_s, ts_offset;
    uint32_t sndbuf, rcvbuf;
    uint32_t last_rcv_ms, last_snd_ms; /* data */
    uint16_t mss, mss_clamp, advmss, rcv_mss; /* mss_clamp: the peer's */
    uint16_t ato_ms;
    uint8_t snd_wscale : 4, rcv_wscale : 4;
    uint8_t so_error, retransmits, backoff, quick;
    uint8_t gso_segs;         /* segments handed down as one; 0, 1: off */
    /* What nearly every segment changes, in bytes of their own: a wider load, which also has what follows, would wait for these stores. */
    uint8_t timer : 4, is_counted : 1, reuseaddr : 1, reuseport : 1, syn_ts_sent : 1;
    uint8_t is_due : 1, ack_sched : 1, ack_now : 1, ack_pushed : 1, ack_pushed2 : 1, want_space : 1, dont_nagle : 1, psh_end : 1;
    uint8_t acks_due : 3; /* pure ACKs owed whatever data goes out */
    uint8_t ack_want : 3; /* those that data may carry */
    uint8_t pingpong : 2; /* up to PINGPONG_MOST */
    uint8_t rcv_label; /* of the last data, one byte made of the flow label (Linux) */
    uint32_t : 0; /* the rest is one word, which is_ordinary compares whole */
    uint32_t state : 4, ca_state : 3, is_unaccepted : 1, is_orphan : 1, is_passive : 1, sack_ok : 1, ts_ok : 1, wscale_ok : 1, ecn_ok : 1,
        fin_queued : 1, fin_rcvd : 1, rcv_shutdown : 1, snd_shutdown : 1, want_syn : 1, want_probe : 1, want_keepalive : 1, want_tlp : 1,
        is_loopback : 1, csum_offload : 1, ecn_demand_cwr : 1, ecn_queue_cwr : 1, ecn_seen : 1, is_v4 : 1, is_local_net : 1,
        hp_on : 1 /* Linux's header prediction has been armed */,
        is_fin_waiter : 1 /* an orphan in FIN-WAIT-2, a record already on Linux */,
        is_guarded : 1 /* tcp_guard.c looks at what comes, and signs what goes; or its route sets IP's fields */;
};
_Static_assert(sizeof(struct tcb) <= 256, "a connection's hot part");

struct saved_syn { /* the headers of the SYN as they came, from IP's first byte on */
    uint32_t length;
    uint8_t bytes[];
};
/* A request in SYN_RECEIVED: RFC 4987's small entry. Lives in the listener's incomplete queue. */
struct syn_entry {
    struct flow flow;
    uint32_t hash;            /* of the flow */
    uint32_t iss, irs, ts_recent, ts_offset;
    uint32_t listener;        /* slot in tcp->listeners; TCP_NONE: held for an accept-any interface */
    uint32_t prev, next;      /* in the level's list, by deadline */
    uint32_t due_next;
    uint32_t snd_wnd;
    struct saved_syn *saved_syn;
    uint64_t start_ns;        /* first SYN/ACK */
    uint64_t deadline_ns;
    uint32_t window;
    uint16_t mss, advmss;
    uint8_t snd_wscale : 4, rcv_wscale : 4;
    uint8_t level;            /* list it is in = SYN/ACKs sent so far */
    uint8_t retransmits, resent /* SYN/ACKs, for whatever reason */, tos, hop_limit /* its route's; 0: the host's */;
    uint8_t accecn_seen : 2, accecn_fail : 2; /* RFC 9768 */
    uint8_t syn_again : 1; /* what resent the last: a SYN, not its timer */
    uint8_t keep_whole : 1; /* DF is clear: mtu lock */
    uint8_t is_migrated : 1; /* from a listener that closed, and no timeout since */
    uint16_t last_ms, oow_ack_ms; /* after the first SYN/ACK: the last one, the last ACK in answer to an invalid segment (+ 1; 0: none) */
    uint16_t accecn_ok : 1;
    uint16_t syn_ect : 2; /* RFC 9768 */
    uint16_t wscale_ok : 1, sack_ok : 1, ts_ok : 1, ecn_ok : 1, is_due : 1, acked : 1, is_held : 1;
    uint16_t is_loopback : 1, keep_reset : 1, offers_fastopen : 1, fastopen_exp : 1, no_options : 1;
    uint16_t unreachable : 1; /* FreeBSD: an ICMP error came */
    uint16_t ifindex;
    union {
        uint32_t flow_label; /* of its SYN, with flow_label_reflect (Linux) */
        uint32_t challenge_end_ms; /* with conn_challenge_count (FreeBSD): of this interval */
    };
    uint32_t challenge_count;
};
_Static_assert(sizeof(struct syn_entry) <= 136, "a SYN entry is small");

struct wait_record { /* TIME-WAIT (RFC 9293 3.6.1) */
    struct flow flow;
    uint32_t snd_nxt, rcv_nxt, ts_recent, ts_recent_s, ts_offset, rcv_wnd;
    uint64_t deadline_ns;
    uint32_t prev, next;
    uint8_t ts_ok : 1, reuseaddr : 1, reuseport : 1, is_signed : 1 /* guard_wait_*() have its keys */, rcv_wscale : 4;
    uint8_t tos;
    uint16_t answered;        /* when, in ANSWER_MS, a segment without text was answered; 0: never */
    uint32_t hash;            /* of the flow */
};
_Static_assert(sizeof(struct wait_record) <= 88, "a TIME-WAIT record is small");

struct tcp_listener {
    struct list node;
    struct tcp *tcp;
    struct addr local;
    uint16_t port;
    bool any_family, reuseport, is_v6;
    int backlog_given;
    uint32_t slot;
    uint32_t incomplete, complete, young;
    uint32_t accept_first, accept_last; /* completed queue, FIFO */
    uint32_t held;            /* those whom an accept filter keeps out of it */
    uint8_t filter;           /* enum tcp_filter */
    void *user;
    struct tcb_opts *opt;
    uint64_t overflow_ns;     /* cookies are honoured shortly after the last overflow */
    uint32_t fastopen_pending;
};

enum {
    DUE_TCB = 1, DUE_SYN = 2, DUE_REPLY = 4, RECENT_FLOWS = 64, REPLY_LIMIT = 1024, PORT_PAGE = 256, SYN_LEVELS = 24,
    TX_CLASSES = 20,
    TX_CLASS_MIN = 3 /* 8 records */
};
struct tcp_reply { /* a segment without a tcb: RST, TIME-WAIT's ACK, challenge ACK of an entry */
    struct flow flow;
    uint32_t seq, ack, ts_value, ts_echo;
    uint16_t flags, window;
    uint8_t tos, ttl /* 0: the host's */, wscale;
    bool has_ts, wscale_ok, sack_ok, has_md5;
    uint8_t sack_count, accecn; /* accecn: a SYN/ACK has the option; else 1 + the counters that it has */
    uint16_t mss;
    uint32_t counters[3];
    uint32_t flow_label;
    uint8_t md5[16];
    struct { uint32_t start, end; } sack[TCP_SACK_BLOCKS];
};
struct tcp {
    struct tcp_params params;
    uint32_t filters;         /* listeners with an accept filter */
    struct tcp_hooks hooks;
    struct pool *pool;
    struct prng prng;
    uint64_t now_ns, ms_start_ns; /* ms_start_ns: of the running millisecond */
    uint32_t now_s, now_ms, now_ts; /* of now_ns, kept because each segment asks: seconds, milliseconds, ticks of the timestamp clock */
    uint32_t rto_max_us;      /* of the parameters, as are the next two */
    bool has_short_way /* tcp_fast.c has their policies */, has_fastopen_key, has_fastopen_backup;
    int16_t rto_plain_most;   /* rto_us is the timeout as it stands after so many of them: 255 (Linux: it is doubled itself), 0, -1 */
    bool has_guards;          /* some socket has keys or a least TTL, or TCP comes in UDP, too: every segment is asked (tcp_guard.c) */
    uint32_t ext_count;       /* connections with an extension: no other can be predicted */
    struct tcb *cached;       /* where the last segment went; before it: recent */
    uint32_t freed;           /* tcbs freed so far */
    struct tcp_text { uint32_t start, end, prior_rcv_nxt; } text; /* FreeBSD: of the segment at hand */
    struct siphash_key flow_key, isn_key, offset_key, cookie_key, fastopen_key[2]; /* [1]: an older one, whose cookies are good still */
    struct table flows;       /* kind and slot by flow */
    struct flow hashed;       /* the flow hashed last and its hash (0: none) */
    uint32_t hash;
    struct port_use *port_uses[65536 / PORT_PAGE]; /* by local port; a page is made at first use */
    struct slab tcbs, syns, waits;
    struct heap heap;
    uint64_t heap_retry_ns;   /* some timer found no memory for its entry: all are armed again then; 0: none */
    struct tcb *recent[RECENT_FLOWS]; /* by flow: where its last segment went (tcp_recent) */
    struct tcb *due_first, *due_last; /* round robin; due_left: segments of the first so far */
    uint32_t due_left, due;   /* due: DUE_*, which of this list and the next two have entries */
    uint32_t syn_due_first, syn_due_last;
    struct tcp_reply *replies; /* ring of REPLY_LIMIT, made at first use */
    uint32_t reply_first, reply_count;
    struct list *listen_pages[65536 / PORT_PAGE]; /* a list a port; a page is made at first use */
    struct tcp_listener **listeners; /* by slot */
    uint32_t listener_count, listener_capacity, listener_free; /* no slot below the last is free */
    uint32_t wait_first, wait_last, wait_count;
    struct wait_keys *wait_keys; /* tcp_guard.c: of the few records that sign */
    uint64_t wait_deadline_ns; /* of the first; LIL_NEVER */
    struct { uint32_t first, last; } levels[SYN_LEVELS];
    uint32_t levels_used;     /* a bit each that has an entry */
    uint32_t syn_count, orphans, connections;
    struct txring *tx_free[TX_CLASSES];
    struct tcb_opts default_opts;
    struct tcb_options scratch_options;
    uint64_t challenge_s;
    uint32_t challenge_left;
    uint32_t tw_isn;          /* the ISS for a SYN that reuses a TIME-WAIT record; 0: none */
    uint32_t bsd_iss;
    uint64_t bsd_iss_ns;
    uint32_t fastopen_cache_next, fastopen_holes; /* black holes met, one after the other */
    uint64_t fastopen_hole_ns; /* the last */
    struct fastopen_memo {
        struct addr remote, local;
        uint64_t stamp_ns;
        uint64_t disabled_ns; /* FreeBSD: since when fast open is not tried with it; 0: it is */
        uint16_t mss;
        uint8_t length, cookie[16];
        uint8_t ask_exp; /* Linux: 1: asked in vain, the experimental option is tried next; 2: that, too */
        bool exp;
    } fastopen_cache[16];
    struct host_metrics {
        struct addr remote, local;
        uint32_t srtt_us, rttvar_us, ssthresh, cwnd, reordering;
        uint64_t from_ns, until_ns;
    } host_cache[16];
    uint32_t host_cache_used; /* entries, some of them over (until_ns) */
    uint64_t mib[MIB_COUNT];
};

void tcp_new_ms(struct tcp *tcp, uint64_t now_ns); /* private to tcp_set_now */
static inline void tcp_set_now(struct tcp *tcp, uint64_t now_ns)
{
    tcp->now_ns = now_ns;
    if (now_ns - tcp->ms_start_ns >= NS_PER_MS)
        tcp_new_ms(tcp, now_ns);
}
/* The timestamp clock at TIME, without a connection's offset; now_ts is that of now. */
static inline uint32_t tcp_ts_at(const struct tcp *tcp, uint64_t time_ns)
{
    uint64_t ms = time_ns / NS_PER_MS;
    return (uint32_t)(tcp->params.timestamp_hz_ms > 1 ? ms / tcp->params.timestamp_hz_ms : ms);
}
#define TCP_MIB(tcp, name) ((tcp)->mib[MIB_##name]++)
static inline uint64_t tcb_now(const struct tcb *tcb) { return tcb->tcp->now_ns; }
static inline uint32_t tcb_now_ms(const struct tcb *tcb) { return tcb->tcp->now_ms; }
static inline uint8_t tcp_ttl(const struct tcp *tcp, bool is_v4)
{
    return !is_v4 && tcp->params.hop_limit ? tcp->params.hop_limit : tcp->params.ttl;
}
static inline const struct tcp_params *tcb_params(const struct tcb *tcb) { return &tcb->tcp->params; }
static inline bool tcb_is_synchronized(const struct tcb *tcb) { return tcb->state >= TCPS_ESTABLISHED; }
static inline uint32_t tcb_packets_out(const struct tcb *tcb) { return tcb->tx ? tcb->tx->packets_out : 0; }
extern const struct tcb_ext tcb_ext_none; /* all zero */
static inline const struct tcb_ext *tcb_ext_peek(const struct tcb *tcb) { return tcb->ext ? tcb->ext : &tcb_ext_none; }
static inline struct txseg *txring_at(struct txring *ring, uint32_t i) { return &ring->seg[(ring->head + i) & ring->mask]; }
static inline void txring_glue(struct txring *ring, uint32_t i, bool glued)
{
    struct txseg *seg = txring_at(ring, i);
    ring->glued += (uint32_t)glued - seg->glued;
    seg->glued = glued;
}
static inline uint32_t txseg_text(const struct txseg *seg) { return seg->end - seg->start - !!(seg->flags & TX_FIN); }
static inline uint32_t txseg_packets(const struct txseg *seg)
{
    uint32_t length = txseg_text(seg); /* a FIN rides along */
    return length <= seg->mss ? 1 : (length + seg->mss - 1) / seg->mss;
}
static inline uint32_t tcb_in_flight(const struct tcb *tcb) /* Linux's tcp_packets_in_flight, RFC 6675's pipe */
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return tcb_packets_out(tcb) - (ext->sacked_out + ext->lost_out) + ext->retrans_out;
}
static inline uint32_t tcb_data_base(const struct tcb *tcb) /* sequence number of the stream's first byte */
{
    return tcb->snd_una + (tcb->state == TCPS_SYN_SENT || tcb->state == TCPS_SYN_RECEIVED);
}
static inline uint32_t tcb_snd_end(const struct tcb *tcb) { return tcb->write_seq + tcb->fin_queued; }
static inline uint64_t tcb_syn_start_ns(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return ext->fastopen_child ? ext->fastopen_start_ns : tcb->syn_start_ns;
}
static inline bool tcb_has_unsent(const struct tcb *tcb) { return tcb->snd_nxt != tcb_snd_end(tcb); }
static inline uint32_t tcb_receive_window(const struct tcb *tcb) /* what remains of what was advertised */
{
    int32_t window = (int32_t)(tcb->rcv_wup + tcb->rcv_wnd - tcb->rcv_nxt);
    return window < 0 ? 0 : (uint32_t)window;
}
static inline uint32_t tcb_ts_now(const struct tcb *tcb) { return tcb->tcp->now_ts + tcb->ts_offset; }
/* One received segment on its way through the steps. The packet is freed at the end unless a step took it. */
struct rx {
    const struct tcp_in *in;
    struct lil_packet *packet;
    uint32_t seq, end_seq, ack, length; /* end_seq counts SYN and FIN; length is text */
    uint16_t flags;
    uint32_t window;          /* scaled */
    uint32_t ts_echo;         /* 0: none */
    uint16_t gso_size;        /* of the packet; 0: one wire segment */
    uint8_t options_length;   /* as on the wire */
    uint32_t prior_una, prior_in_flight, prior_delivered, prior_lost;
    bool ts_progress;         /* its timestamp was newer than TS.Recent */
    bool is_expected;         /* Linux's header prediction takes it, if its text fits what memory is paid for */
    bool tells_window;        /* SND.WND was updated, be it to what it was */
    bool is_expected_ack;     /* Linux's header prediction takes it, and there is no text: ACKs of ours that wait go on waiting */
};

/* tcp_flow.c: tables */
enum flow_kind { FLOW_NONE, FLOW_TCB, FLOW_SYN, FLOW_WAIT };
uint32_t flow_hash(struct tcp *tcp, const struct flow *flow); /* never 0 */
uint32_t flow_find(struct tcp *tcp, const struct flow *flow, enum flow_kind *kind); /* slot */
/* IS_STRICT: its socket did not say SO_REUSEADDR. Whoever holds the flow next (flow_replace) is as strict; a request, and its connection
 * before accept() says so, is not. */
int flow_insert(struct tcp *tcp, const struct flow *flow, enum flow_kind kind, uint32_t slot, bool is_strict) MUST_CHECK;
void flow_remove(struct tcp *tcp, const struct flow *flow, uint32_t hash /* 0: to be made */, enum flow_kind kind, uint32_t slot,
                 bool is_strict);
void flow_replace(struct tcp *tcp, uint32_t hash, enum flow_kind kind, uint32_t slot, enum flow_kind new_kind, uint32_t new_slot);
static inline struct tcb *tcp_tcb(const struct tcp *tcp, uint32_t slot) { return slab_get(&tcp->tcbs, slot); }
static inline struct syn_entry *tcp_syn(const struct tcp *tcp, uint32_t slot) { return slab_get(&tcp->syns, slot); }
static inline struct wait_record *tcp_wait(const struct tcp *tcp, uint32_t slot) { return slab_get(&tcp->waits, slot); }
/* REMOTE: the last word */
static inline struct tcb **tcp_recent(struct tcp *tcp, uint32_t remote, uint16_t local_port, uint16_t remote_port)
{
    uint64_t hash = ((uint64_t)remote << 32 | (uint32_t)local_port << 16 | remote_port) * 0x9e3779b97f4a7c15ull;
    return &tcp->recent[hash >> 58];
}
static inline struct tcb **tcp_recent_of(struct tcp *tcp, const struct flow *flow)
{
    return tcp_recent(tcp, flow->remote.u32[3], flow->local_port, flow->remote_port);
}
struct tcb_ext *tcb_ext_get(struct tcb *tcb); /* makes it; NULL: memory */
void tcb_ext_free(struct tcb *tcb);
struct tcb_opts *opts_own(struct tcp *tcp, struct tcb_opts **opts); /* a private copy in the place of what is shared; NULL: memory */
struct tcb_opts *tcb_opts_own(struct tcb *tcb);
void tcb_opts_unref(struct tcp *tcp, struct tcb_opts *opts);
struct tcb *tcb_new(struct tcp *tcp, struct tcb_opts *opts);
void tcb_free(struct tcb *tcb); /* frees at once; tcp_state.c's tcb_done decides */
void tcb_mark_due(struct tcb *tcb);
void tcb_clear_due(struct tcb *tcb);
void tcb_note_turn(struct tcb *tcb); /* it has sent a segment: others may be next */
COLD void tcp_trace(struct tcp *tcp, struct lil_trace *event, const struct flow *flow);
COLD void tcp_trace_text(struct tcb *tcb, const char *text);

/* tcp_isn.c */
struct isn {
    uint32_t iss, ts_offset;
};
struct isn isn_make(struct tcp *tcp, const struct flow *flow); /* of a new connection */
uint32_t isn_ts_offset(struct tcp *tcp, const struct flow *flow);

/* tcp_state.c */
void tcb_set_state(struct tcb *tcb, enum tcp_state state);
void tcb_adopt_syn_received(struct tcb *tcb); /* made from a SYN entry, whose state was traced already */
void tcb_event(struct tcb *tcb, unsigned events);
COLD void tcb_fail(struct tcb *tcb, int error);   /* to CLOSED with so_error; an orphan is freed */
void tcb_done(struct tcb *tcb);              /* to CLOSED; frees an orphan */
void tcb_enter_time_wait(struct tcb *tcb);   /* becomes a record; the tcb stays only for its user */
void tcb_release_flow(struct tcb *tcb);      /* leaves the flow table */

/* tcp_listen.c, tcp_synq.c */
struct tcp_listener *listener_find(struct tcp *tcp, const struct flow *flow, uint32_t ifindex);
void listeners_fini(struct tcp *tcp);
void listener_trace(struct tcp_listener *listener);
bool listener_is_full(const struct tcp_listener *listener);
uint32_t listener_backlog(const struct tcp_listener *listener);
void listener_enqueue(struct tcp_listener *listener, struct tcb *tcb);
enum lil_drop listen_input(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet *packet);
enum lil_drop synq_input(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet **packet);
bool synq_has_listener(struct tcp *tcp, uint32_t slot);
void synq_migrate(struct syn_entry *entry, struct tcp_listener *listener);
void saved_syn_free(struct tcp *tcp, struct saved_syn **saved);
void synq_save(struct tcp *tcp, struct syn_entry *entry, const struct tcp_in *in, const struct lil_packet *packet);
uint32_t synq_new(struct tcp *tcp, const struct tcp_in *in); /* slot or TCP_NONE */
void synq_remove(struct tcp *tcp, uint32_t slot);
void synq_schedule(struct tcp *tcp, uint32_t slot); /* SYN/ACK sent: next deadline */
void synq_mark_due(struct tcp *tcp, uint32_t slot);
void synq_poll(struct tcp *tcp);
uint64_t synq_deadline(const struct tcp *tcp);
bool synq_output(struct tcp *tcp, struct tcp_segment *segment);
void synq_fill(struct tcp *tcp, struct syn_entry *entry, struct tcp_listener *listener, const struct tcp_in *in);
struct tcb *synq_promote(struct tcp *tcp, uint32_t slot, struct tcp_listener *listener);
struct tcb *synq_make_tcb(struct tcp *tcp, const struct syn_entry *entry, struct tcp_listener *listener);
void synq_segment(struct tcp *tcp, const struct syn_entry *entry, struct tcp_segment *segment);
void synq_on_icmp(struct tcp *tcp, uint32_t slot, uint32_t seq, int error);
enum lil_drop synq_hold(struct tcp *tcp, const struct tcp_in *in);
static inline bool may_ask_ecn(const struct tcp *tcp, unsigned retransmits) /* RFC 3168 6.1.1.1: a path may swallow such SYNs */
{
    return retransmits <= tcp->params.ecn_syn_retries || (tcp->params.ecn_syn_retries == 0 && !tcp->params.byte_recovery);
}
/* tcp_cookie.c */
bool cookie_send(struct tcp_listener *listener, const struct tcp_in *in);
/* An ACK that may carry a cookie: the new connection, or NULL; DROP says when it was one but could not be taken. */
struct tcb *cookie_accept(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet, enum lil_drop *drop);
struct tcb_opts *listener_opts_own(struct tcp_listener *listener);

/* tcp_input.c */
enum lil_drop tcp_input_tcb(struct tcb *tcb, const struct tcp_in *in, struct lil_packet **packet);
enum lil_drop synsent_input(struct tcb *tcb, struct rx *rx); /* 3.10.7.3 */

enum lil_drop tcp_step5_ack(struct tcb *tcb, struct rx *rx);
void tcp_step6_urgent(struct tcb *tcb, struct rx *rx);
void tcp_establish(struct tcb *tcb, const struct rx *rx);
bool tcp_step8_fin(struct tcb *tcb);
/* tcp_ack.c */
enum lil_drop ack_process(struct tcb *tcb, struct rx *rx, bool *acceptable);
void ack_update_window(struct tcb *tcb, struct rx *rx);
bool ack_is_just_old(const struct tcb *tcb, const struct rx *rx); /* below SND.UNA, and Linux's fast path does not mind */
void ack_wake_writer(struct tcb *tcb); /* the send buffer has room again */
static inline void tcb_note_less_unsent(struct tcb *tcb) /* a segment left: TCP_NOTSENT_LOWAT's writer may go on (tcp_check_space) */
{
    if (tcb->want_space && (tcb->opt->notsent_lowat || tcb->tcp->params.notsent_lowat))
        ack_wake_writer(tcb);
}
/* tcp_reset.c */
COLD void reset_reply(struct tcp *tcp, const struct tcp_in *in); /* RFC 9293 3.10.7.1 */
void reset_send(struct tcb *tcb); /* <SEQ=SND.NXT><CTL=RST> as tcp_abort sends */
struct tcp_reply *reply_push(struct tcp *tcp); /* NULL: full */
bool reply_output(struct tcp *tcp, struct tcp_segment *segment);
void reply_old_ack(struct tcb *tcb, uint32_t ack); /* of less than RCV.NXT */
void reply_here(struct tcb *tcb, uint32_t seq, uint16_t flags); /* BSD's tcp_respond(): an ACK that leaves the window as it was */
void reply_ack(struct tcb *tcb); /* an ACK of a tcb that is about to go */
COLD bool challenge_ack(struct tcb *tcb); /* false: none is due, they are limited */
bool challenge_allowed(struct tcp *tcp);
COLD bool oow_ack_allowed(struct tcb *tcb); /* rate limit of ACKs in answer to invalid segments */

void reply_sign(struct tcp_reply *reply, const struct tcb_opts *opts);

/* tcp_window.c */
void window_init(struct tcb *tcb, uint32_t mss);
uint32_t window_first_buffer(const struct tcp_params *params, const struct tcb_opts *opts);
/* PATH NULL: none */
uint32_t window_initial(struct tcp *tcp, const struct tcb_opts *opts, const struct path_metrics *path, uint32_t mss,
                        bool wscale_ok, uint8_t *wscale);
uint32_t window_offer(struct tcb *tcb); /* __tcp_select_window */
void window_on_disorder(struct tcb *tcb, const struct rx *rx);    /* text out of order came: measures */
void window_on_new_text(struct tcb *tcb, uint32_t length);        /* and is about to be queued: the window grows */
void window_hold_clamp(struct tcb *tcb); /* the buffer is about to change: how far the window may open does not */
void window_set_clamp(struct tcb *tcb, uint32_t clamp);
void window_on_data(struct tcb *tcb, const struct rx *rx);   /* measures, grows, decides quick ACK or delayed */
void window_ack_check(struct tcb *tcb, bool ooo);
void window_on_read(struct tcb *tcb, size_t copied), window_on_peek(struct tcb *tcb);
void window_note_echo(struct tcb *tcb, const struct rx *rx); /* an acceptable segment in ESTABLISHED, its text not yet taken */
void window_on_ack_sent(struct tcb *tcb);
void window_on_ecn(struct tcb *tcb, const struct rx *rx);    /* data's ECN marks; also out of order */
void window_on_cwr(struct tcb *tcb, const struct rx *rx), window_on_queued(struct tcb *tcb); /* text was queued out of order */
void window_on_data_sent(struct tcb *tcb);
void window_enter_quickack(struct tcb *tcb, unsigned max);
void window_schedule_ack(struct tcb *tcb);
void window_ack_now(struct tcb *tcb);
uint32_t window_delack_max_ms(const struct tcb *tcb);
void window_delack_timer(struct tcb *tcb);
enum { PINGPONG_MOST = 3 };
bool window_is_pingpong(const struct tcb *tcb);
void window_guess_mss(struct tcb *tcb);
void window_enter_quickack_keep(struct tcb *tcb, unsigned max); /* without leaving ping-pong */
void window_delay_ack(struct tcb *tcb, uint32_t ms);
void window_compressed_timer(struct tcb *tcb);
uint32_t window_room(const struct tcb *tcb); /* BSD: what the buffer still takes */
void window_round_buffers(struct tcb *tcb);   /* BSD: to whole segments */

/* tcp_mss.c */
int mss_init(struct tcb *tcb, uint32_t peer_mss); /* asks for the path; advmss and mss; PEER_MSS 0: not known yet */
void mss_follow_route(struct tcb *tcb);
bool opts_are_guarded(const struct tcb_opts *opts); /* what goes out or comes in is to be looked at one by one (is_guarded) */
void mss_sync(struct tcb *tcb, uint32_t pmtu);
void mss_refresh(struct tcb *tcb);
void mss_negotiated(struct tcb *tcb, const struct tcp_options *options); /* the path's MTU */
uint32_t mss_of_syn(const struct tcp_params *params, bool is_v4, const struct tcp_options *options);
uint32_t mss_without_option(const struct tcp_params *params, bool is_v4);
uint32_t mss_of_mtu(const struct tcp *tcp, bool is_v4, uint32_t mtu);
const struct tcp_path *mss_path(struct tcp *tcp, const struct flow *flow, int *error); /* valid until the next call */
uint32_t mss_path_mtu(const struct tcb *tcb);
uint32_t mss_offer(const struct tcp *tcp, const struct tcp_path *path, const struct flow *flow, const struct tcb_opts *opts);
uint32_t mss_current(const struct tcb *tcb);
uint32_t mss_options(const struct tcb *tcb);
uint32_t mss_by_mtu(const struct tcb *tcb, uint32_t mtu);
/* tcp_plpmtud.c */
void plpmtud_init(struct tcb *tcb, uint32_t options);
COLD void plpmtud_black_hole(struct tcb *tcb);
COLD uint32_t plpmtud_next(struct tcb *tcb, uint32_t unsent, bool *wait);
COLD void plpmtud_on_sent(struct tcb *tcb, uint32_t start, uint32_t length);
COLD void plpmtud_on_ack(struct tcb *tcb);
bool plpmtud_on_loss(struct tcb *tcb);

/* tcp_queue.c */
uint32_t queue_cost(const struct tcb *tcb, size_t size);
uint32_t queue_room(struct tcb *tcb, size_t limit, bool urgent);
void queue_note(struct tcb *tcb, uint32_t bytes, bool more, bool urgent);
bool queue_pass_push(struct tcb *tcb, uint32_t end);
bool queue_pass_marks(struct tcb *tcb, uint32_t end);
uint32_t queue_grow(struct tcb *tcb, uint32_t bytes);
uint32_t queue_first_end(struct tcb *tcb);
COLD void queue_end_record(struct tcb *tcb);
uint32_t queue_tail_start(const struct tcb *tcb);
uint32_t queue_end_of(const struct tcb *tcb, uint32_t seq);
uint32_t queue_until_eor(const struct tcb *tcb, uint32_t seq, uint32_t length);
COLD bool queue_pass_eor(struct tcb_ext *ext, uint32_t end);

/* tcp_output.c, tcp_txring.c */
bool output_tcb(struct tcb *tcb, struct tcp_segment *segment);
struct txseg *txring_push(struct tcb *tcb); /* NULL: memory */
void txring_release(struct tcb *tcb);
void txring_free(struct tcb *tcb); /* an empty one, back to the free list */
void txring_set_mss(struct tcb *tcb, struct txseg *seg, uint16_t mss); /* the counts of packets follow */
void txring_move_edge(struct tcb *tcb, uint32_t index, uint32_t seq);
int txring_split(struct tcb *tcb, uint32_t index, uint32_t seq);
uint32_t txring_join(struct tcb *tcb, uint32_t index);
uint32_t txring_find(const struct tcb *tcb, uint32_t seq); /* index of the segment that holds SEQ; count if none */
void txring_pop(struct tcb *tcb);
void output_fill(struct tcb *tcb, struct tcp_segment *segment, uint16_t flags, uint32_t seq);
size_t output_options_size(const struct tcb *tcb);

/* tcp_timer.c */
void timer_set(struct tcb *tcb, enum tcb_timer timer, uint64_t deadline_ns);
void timer_stop(struct tcb *tcb);
void timer_rearm(struct tcb *tcb);           /* after any deadline field changed */
static inline void timer_arm(struct tcb *tcb, uint64_t deadline_ns) /* after one was set to this: its entry may be early enough */
{
    if (heap_deadline(&tcb->tcp->heap, tcb->heap_position) > deadline_ns)
        timer_rearm(tcb);
}
void timer_rexmt(struct tcb *tcb);           /* (re)starts the retransmission timer */
uint64_t timer_tick(const struct tcp *tcp, uint64_t start_ns, uint64_t interval_ns); /* the end of an interval on this host's clock */
uint64_t timer_fast_tick(const struct tcp *tcp, uint64_t start_ns);
/* interval in ns after the nth */
uint64_t timer_schedule(const struct tcp *tcp, const struct tcp_schedule *schedule, unsigned sent, uint32_t linear);
void timer_keepalive(struct tcb *tcb, bool activity);
uint64_t timer_clamp_to_user(const struct tcb *tcb, uint64_t interval_ns, uint64_t since_ns);
bool timer_revert_backoff(struct tcb *tcb, uint32_t seq);
void timer_keepalive_changed(struct tcb *tcb);
uint32_t timer_syn_end_ms(const struct tcb *tcb, bool active);
bool timer_goes_by_syn(const struct tcb *tcb);
uint64_t timer_syn_interval(const struct tcb *tcb, bool active, unsigned sent);
COLD void timer_syn_end_changed(struct tcb *tcb, uint32_t wait_ms);
COLD void timer_fin_wait_2_changed(struct tcb *tcb);
bool timer_orphan(struct tcb *tcb, bool may_be_record);
void timer_persist(struct tcb *tcb);
COLD void timer_check_probe(struct tcb *tcb);
void timer_note_probing(struct tcb *tcb, uint32_t seq); /* text goes instead of a probe */
void timer_probe_goes_on(struct tcb *tcb);              /* it did not leave: as it was noted */
void timer_end_probing(struct tcb *tcb);     /* nothing in flight, data waits, window closed: persist */
void tcb_run_timers(struct tcb *tcb);

/* tcp_rtt.c */
void rtt_init(struct tcb *tcb);
uint32_t rtt_rto_min_us(const struct tcb *tcb);
void rtt_sample(struct tcb *tcb, uint64_t rtt_us);
void rtt_set_rto(struct tcb *tcb);
void rtt_revert_rto(struct tcb *tcb);
void rtt_begin_min(struct tcb *tcb, uint32_t since_ms); /* of the time window: the handshake has measured min_rtt_us */
void rtt_on_established(struct tcb *tcb, const struct rx *rx, uint64_t syn_start_ns); /* the handshake's round trip */

/* tcp_sack.c */
void sack_receive(struct tcb *tcb, const struct rx *rx, struct ack_state *state);
void sack_generate(struct tcb *tcb, struct tcp_options *options);
void sack_note(struct tcb *tcb, uint32_t start, uint32_t end);
COLD void sack_dsack(struct tcb *tcb, uint32_t start, uint32_t end);      /* RFC 2883: it arrived again */
COLD void sack_dsack_more(struct tcb *tcb, uint32_t start, uint32_t end); /* so did this, in the same segment */
void sack_trim(struct tcb *tcb);

/* tcp_recovery.c, tcp_rack.c; tcp_cwnd.c: tcp_cc.h */
void recovery_begin(struct tcb *tcb, struct ack_state *state);
void recovery_on_ack(struct tcb *tcb, struct ack_state *state);
COLD void recovery_on_rto(struct tcb *tcb, bool is_failure);
void recovery_enter(struct tcb *tcb, bool ece);
void recovery_mark_lost(struct tcb *tcb, struct txseg *seg);
void recovery_begin_blameless(struct tcb *tcb);
void recovery_on_synack_rto(struct tcb *tcb);
void recovery_on_syn_rto(struct tcb *tcb);
void recovery_on_syn_acked(struct tcb *tcb);
COLD void recovery_resegment(struct tcb *tcb);
COLD void recovery_join_head(struct tcb *tcb);
static inline uint32_t recovery_max_reordering(const struct tcb *tcb)
{
    return tcb_params(tcb)->max_reordering ? tcb_params(tcb)->max_reordering : 300;
}
void recovery_on_retransmit(struct tcb *tcb, struct txseg *seg);
void recovery_set_state(struct tcb *tcb, enum ca_state state);
void recovery_keep_open(struct tcb *tcb);
void recovery_remove_reno_sacks(struct tcb *tcb, uint32_t acked, bool ece);
void recovery_clean(struct tcb *tcb, struct ack_state *state);      /* pops what SND.UNA passed, counts it, samples the RTT */
void recovery_on_old_ack(struct tcb *tcb, struct ack_state *state); /* SEG.ACK < SND.UNA but with SACK blocks */
uint32_t recovery_next_lost(struct tcb *tcb);                       /* index of what to retransmit now, cwnd allowing; TCP_NONE */
void recovery_on_probe(struct tcb *tcb, struct txseg *seg);         /* the tail loss probe left; SEG NULL: it was new data */
static inline void recovery_end_rto_time(struct tcb *tcb) /* what a timeout began is over */
{
    if (!tcb->ext || !tcb->ext->rto_since_ms)
        return;
    tcb->ext->total_rto_time_ms += tcb_now_ms(tcb) - tcb->ext->rto_since_ms;
    tcb->ext->rto_since_ms = 0;
}
static inline bool recovery_is_reducing(const struct tcb *tcb) { return tcb->ca_state == CA_CWR || tcb->ca_state == CA_RECOVERY; }
/* A stack from before SACK, PRR and RACK: BSD's own code for duplicate ACKs and timeouts (tcp_classic.c). */
static inline bool recovery_is_classic(const struct tcb *tcb)
{
    return !tcb_params(tcb)->sack && !tcb_params(tcb)->rack && !tcb_params(tcb)->prr;
}
void classic_on_ack(struct tcb *tcb, struct ack_state *state);
void classic_on_rto(struct tcb *tcb);
bool output_may_send_partial(const struct tcb *tcb);
/* tcp_undo.c */
void undo_init(struct tcb *tcb);
bool undo_recovery(struct tcb *tcb, const struct ack_state *state);
bool undo_dsack(struct tcb *tcb);
bool undo_loss(struct tcb *tcb, const struct ack_state *state, bool frto);
bool undo_partial(struct tcb *tcb, const struct ack_state *state, bool *force_lost);
bool undo_any_retrans(const struct tcb *tcb);
void undo_forget_stamp(struct tcb *tcb);
void recovery_rack_advance(struct tcb *tcb, const struct txseg *seg);
bool recovery_rack_mark_lost(struct tcb *tcb); /* true: the reorder timer runs */
void recovery_rack_update(struct tcb *tcb, const struct ack_state *state);
bool recovery_rack_is_recent(const struct tcb *tcb, const struct txseg *seg);
void recovery_rack_timeout(struct tcb *tcb);
void recovery_send_tlp(struct tcb *tcb);
bool recovery_schedule_tlp(struct tcb *tcb, bool advancing);
void recovery_tlp_ack(struct tcb *tcb, const struct ack_state *state);
uint32_t output_chunk_segs(struct tcb *tcb, uint32_t bytes, bool last, uint32_t flight, bool *by_window);
/* The number of the burst that a transmission belongs to: retransmissions for one event leave together, then new data together. */
static inline uint32_t output_burst(struct tcb *tcb, bool is_new)
{
    struct tcb_ext *ext = tcb->ext;
    ext->last_burst += !ext->burst_open || (is_new && !ext->in_burst);
    ext->burst_open = true;
    return ext->last_burst;
}
bool output_data(struct tcb *tcb, struct tcp_segment *segment, uint32_t seq, uint32_t length, bool fin);
void output_note_ack(struct tcb *tcb);
COLD void output_note_rare(struct tcb *tcb, struct tcphdr_ *header, uint32_t length);
/* SEGMENT gets LENGTH bytes of the send buffer from SEQ on, in segments of MSS; false: no memory. */
bool output_attach(struct tcb *tcb, struct tcp_segment *segment, uint32_t seq, uint32_t length, uint16_t mss);
/* tcp_retransmit.c */
bool output_again(struct tcb *tcb, struct tcp_segment *segment, uint32_t index, bool is_probe); /* is_probe: a tail loss probe */
bool output_lost(struct tcb *tcb, struct tcp_segment *segment);
void output_note_early(struct tcb *tcb);
COLD bool output_tail(struct tcb *tcb, struct tcp_segment *segment);
void output_collapse(struct tcb *tcb, uint32_t index, uint32_t mss);
void sack_check_reordering(struct tcb *tcb, uint32_t low, bool by_timestamp);
uint32_t sack_highest(const struct tcb *tcb);

/* tcp_timewait.c */
bool timewait_new(struct tcp *tcp, const struct tcb *tcb);
bool timewait_refuses(const struct tcp *tcp); /* the table is full, and nothing goes for a newer one */
enum lil_drop timewait_input(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet *packet);
void timewait_remove(struct tcp *tcp, uint32_t slot);
bool timewait_paws(const struct tcp *tcp, uint32_t ts_recent, uint32_t ts_recent_s, const struct tcphdr_ *header);
void timewait_poll(struct tcp *tcp);
bool timewait_may_reuse(struct tcp *tcp, const struct wait_record *record, bool is_search /* the host chooses the port */);

/* tcp_user.c */
void user_queue_fin(struct tcb *tcb);

#include "tcp/tcp_ack_state.h"

#include "tcp/tcp_cc.h"

/* tcp_metrics.c */
void metrics_save(struct tcb *tcb);
void metrics_save_of_waiter(struct tcb *tcb); /* an orphan in FIN-WAIT-2 is a record on Linux, as TIME-WAIT is */
void metrics_apply(struct tcb *tcb);
COLD bool metrics_are_known(struct tcp *tcp, const struct addr *remote);

/* tcp_hostcache.c */
struct host_metrics *host_metrics_find(struct tcp *tcp, const struct addr *remote);
/* at the cost of the oldest; until_ns is the caller's */
struct host_metrics *host_metrics_make(struct tcp *tcp, const struct addr *remote);
COLD void hostcache_save(struct tcb *tcb, uint64_t wait_ms); /* the connection is over, TIME-WAIT in WAIT_MS */
COLD const struct host_metrics *hostcache_find(struct tcp *tcp, const struct addr *remote); /* NULL: nothing is known, or may be used */

/* tcp_fastopen.c (RFC 7413) */
bool fastopen_on_syn(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet, uint32_t slot, bool *taken);
void fastopen_add_to_syn(struct tcb *tcb, struct tcp_segment *segment);
void fastopen_on_synack(struct tcb *tcb, const struct rx *rx);
void fastopen_syn_acked(struct tcb *tcb, const struct rx *rx);
/* how many; the first makes cookies */
unsigned fastopen_keys(const struct tcp *tcp, const struct tcb_opts *opts, struct siphash_key keys[2]);
void fastopen_remember(struct tcp *tcp, const struct addr *local, const struct addr *remote, const struct tcp_options *options,
                       uint16_t mss, uint8_t ask_exp);
const struct fastopen_memo *fastopen_recall(struct tcp *tcp, const struct addr *remote);
uint32_t fastopen_syn_end(const struct tcb *tcb);
void fastopen_crossed(struct tcb *tcb);
void fastopen_child_done(struct tcb *tcb);
COLD bool fastopen_admits(struct tcb *tcb, const struct rx *rx);
COLD void fastopen_child_migrate(struct tcb *tcb, struct tcp_listener *listener);
COLD void fastopen_on_timeout(struct tcb *tcb, bool is_over); /* the client's retransmission timer; IS_OVER: it gives up */
COLD void fastopen_on_end(struct tcb *tcb);                   /* of a client's connection */
COLD void fastopen_release_synack(struct tcb *tcb);
COLD bool fastopen_child_may_send(struct tcb *tcb);
void fastopen_fill_synack(struct tcb *tcb, struct tcp_segment *segment);
void fastopen_renew_cookie(struct tcb *tcb, struct tcp_options *options);
void fastopen_add_to_synack(struct tcp *tcp, const struct syn_entry *entry, struct tcp_options *options);

uint32_t window_clamp(const struct tcb *tcb); /* TCP_WINDOW_CLAMP as Linux tells it */
/* tcp_icmp.c */
/* tcp_info.c */
int info_get(struct tcb *tcb, void *value, unsigned *length);
uint32_t info_early_segs_out(const struct tcb *tcb);
enum { INFO_SIZE = 280 }; /* of TCP_INFO, as Linux 6.18 has it */
uint32_t info_early_segs_in(const struct tcb *tcb);
uint32_t info_opening_mss(const struct tcb *tcb);

#include "tcp/tcp_bsd.h"
#include "tcp/tcp_feedback.h"
#include "tcp/tcp_path.h"
#include "tcp/tcp_guard.h"
#ifdef NDEBUG
static inline void tcb_check(const struct tcb *tcb) { (void)tcb; }
#else
void tcb_check(const struct tcb *tcb);
#endif
#endif
