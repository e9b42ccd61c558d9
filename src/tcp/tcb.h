/* tcb.h: the transmission control block and the structures around it (tcp_shared.h: the functions). Read beside RFC 9293 3.3; names are
 * the RFC's.
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
 *   6  rcv_wup <= rcv_nxt; the right edge rcv_wup + rcv_wnd does not move left (RFC 9293 3.8.6, SHLD-14) but by window_retract()
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
#include "tcp/bsd/tcp_bsd_state.h"
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
    bool is_judged;       /* RACK found it lost, or it was SACKed: not looked at until it is sent again (undone, reneged or not) */
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
    uint8_t defer_accept, thin_linear;
    uint16_t fastopen_qlen, encaps_port /* TCP_REMOTE_UDP_ENCAPS_PORT */;
    uint8_t save_syn; /* 1: from the IP header on, 2: and the link's */
    bool has_fastopen_key, has_fastopen_backup, has_fastopen_psk; /* psk: [0] is what a FreeBSD client shares with the server */
    struct siphash_key fastopen_key[2];
    struct md5_keys *md5; /* NULL: none */
    struct path_metrics path; /* of a connection: what its route said when it began; goes before the host's */
    bool fastopen_connect, fastopen_no_cookie, cork, inq, no_options /* TCP_NOOPT */;
    bool has_path; /* a route said something */
    bool is_pingpong; /* a Linux listener was told TCP_QUICKACK 0: its connections begin so */
};

enum { TLP_SLACK_US = 2000 /* Linux: two jiffies */ };
#include "tcp/tcb_ext.h"

/* What most functions ask lies in the first 128 bytes, which an instruction reaches with an offset of one byte: shorter code, and how
 * much of it there is bounds the making and the end of connections (docs/decisions/0403). */
struct tcb {
    uint32_t state : 4, ca_state : 3, is_unaccepted : 1, is_orphan : 1, is_passive : 1, sack_ok : 1, ts_ok : 1, wscale_ok : 1, ecn_ok : 1,
        fin_queued : 1, fin_rcvd : 1, rcv_shutdown : 1, snd_shutdown : 1, want_syn : 1, want_probe : 1, want_keepalive : 1, want_tlp : 1,
        is_loopback : 1, csum_offload : 1, ecn_demand_cwr : 1, ecn_queue_cwr : 1, ecn_seen : 1, is_v4 : 1, is_local_net : 1,
        hp_on : 1 /* Linux's header prediction has been armed */,
        is_fin_waiter : 1 /* an orphan in FIN-WAIT-2, a record already on Linux */,
        is_guarded : 1 /* tcp_guard.c looks at what comes, and signs what goes; or its route sets IP's fields */;
    uint32_t : 0; /* that was one word, which is_ordinary compares whole */
    uint8_t snd_wscale : 4, rcv_wscale : 4;
    uint8_t so_error, retransmits, backoff; /* seldom changed: a wider load may have them, too */
    struct tcp *tcp;
    struct tcb_ext *ext;
    struct tcb_opts *opt;
    struct txring *tx;
    /* send sequence (RFC 9293 3.3.1) */
    uint32_t snd_una, snd_nxt, write_seq, snd_wnd;
    /* receive sequence */
    uint32_t rcv_nxt, rcv_wup, rcv_wnd; /* rcv_wup: RCV.NXT at the last ACK sent */
    uint32_t slot, heap_position;
    uint16_t mss, advmss;
    uint64_t rexmt_ns;        /* what tcb->timer says; 0: not running */
    union {
        uint64_t delack_ns;   /* 0: none */
        uint64_t syn_start_ns; /* in SYN_SENT and SYN_RECEIVED: the first SYN */
    };
    uint16_t mss_clamp, rcv_mss; /* mss_clamp: the peer's */
    /* What nearly every segment changes, in bytes of their own: a wider load, which has what lies beside, would wait for these stores. */
    uint8_t timer : 4, is_counted : 1, reuseaddr : 1, reuseport : 1, syn_ts_sent : 1;
    uint8_t is_due : 1, ack_sched : 1, ack_now : 1, ack_pushed : 1, ack_pushed2 : 1, want_space : 1, dont_nagle : 1, psh_end : 1;
    uint8_t acks_due : 3; /* pure ACKs owed whatever data goes out */
    uint8_t ack_want : 3; /* those that data may carry */
    uint8_t pingpong : 2; /* up to PINGPONG_MOST */
    uint8_t rcv_label; /* of the last data, one byte made of the flow label (Linux) */
    union {
        void *user;
        uint32_t accept_next; /* while is_unaccepted */
    };
    /* --- 128 --- */
    struct stream *snd_stream, *rcv_stream;
    uint32_t due_prev, due_next;
    uint32_t snd_wl1, max_window;
    uint32_t rcv_ssthresh, readable;
    /* round trip (RFC 6298), microseconds: srtt is kept times 8, rttvar and mdev times 4 */
    uint32_t srtt_us, mdev_us, mdev_max_us, rttvar_us, rto_us, min_rtt_us;
    uint32_t cwnd, ssthresh;  /* packets */
    uint32_t ts_recent, ts_recent_s, ts_offset;
    uint32_t sndbuf, rcvbuf;
    uint32_t last_rcv_ms, last_snd_ms; /* data */
    uint16_t ato_ms;
    uint8_t quick;
    uint8_t gso_segs;         /* segments handed down as one; 0, 1: off */
    struct flow flow;
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
    uint8_t retransmits, resent /* SYN/ACKs, for whatever reason */, tos;
    uint8_t accecn_seen : 2, accecn_fail : 2; /* RFC 9768 */
    uint8_t syn_again : 1; /* what resent the last: a SYN, not its timer */
    uint8_t keep_whole : 1; /* DF is clear: mtu lock */
    uint8_t is_migrated : 1; /* from a listener that closed, and no timeout since */
    uint8_t is_cookie : 1; /* made of one: what it sent before, and when, nobody knows */
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
    uint32_t snd_nxt, rcv_nxt, ts_recent, ts_recent_s, ts_offset;
    uint16_t window;          /* as its ACKs have it, scaled */
    uint8_t tos, ttl;         /* ttl 0: the host's */
    uint64_t deadline_ns;
    uint32_t prev, next;
    uint8_t ts_ok : 1, reuseaddr : 1, reuseport : 1, is_signed : 1 /* guard_wait_*() have its keys */;
    uint16_t answered;        /* when, in ANSWER_MS, a segment without text was answered; 0: never */
    uint32_t hash;            /* of the flow */
};
_Static_assert(sizeof(struct wait_record) <= 88, "a TIME-WAIT record is small");

enum { FASTOPEN_RESETS = 16 };
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
    uint64_t fastopen_reset_ns[FASTOPEN_RESETS]; /* until when children that were reset keep their places, the oldest first */
    uint8_t fastopen_resets;
};

enum {
    DUE_TCB = 1, DUE_SYN = 2, DUE_REPLY = 4, RECENT_FLOWS = 64, REPLY_LIMIT = 1024, PORT_PAGE = 256, SYN_LEVELS = 24,
    TX_CLASSES = 20,
    TX_CLASS_MIN = 3 /* 8 records */
};
struct tcp_reply { /* a segment without a tcb: RST, TIME-WAIT's ACK, challenge ACK of an entry */
    struct flow flow;
    uint32_t seq, ack, ts_value, ts_echo;
    uint16_t flags, window, urgent;
    uint8_t tos, ttl /* 0: the host's */, wscale;
    bool has_ts, wscale_ok, sack_ok, has_md5;
    uint8_t sack_count, accecn; /* accecn: a SYN/ACK has the option; else 1 + the counters that it has */
    uint16_t mss;
    uint32_t counters[3];
    uint32_t flow_label;
    uint8_t md5[16];
    struct { uint32_t start, end; } sack[TCP_SACK_BLOCKS];
};
struct tcp { /* what each segment asks comes first, and of the parameters those that are asked most */
    uint64_t now_ns;
    uint32_t due;             /* DUE_*: which of the lists of connections, requests and replies have entries */
    uint32_t hash;            /* of the flow hashed last; 0: none */
    uint32_t connections, syn_count;
    struct slab tcbs;
    struct heap heap;
    struct tcp_params params;
    uint32_t filters;         /* listeners with an accept filter */
    struct tcp_hooks hooks;
    struct pool *pool;
    struct prng prng;
    uint64_t ms_start_ns;     /* of the running millisecond */
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
    struct flow hashed;       /* the flow hashed last */
    struct port_use *port_uses[65536 / PORT_PAGE]; /* by local port; a page is made at first use */
    struct slab syns, waits;
    uint64_t heap_retry_ns;   /* some timer found no memory for its entry: all are armed again then; 0: none */
    struct tcb *recent[RECENT_FLOWS]; /* by flow: where its last segment went (tcp_recent) */
    struct tcb *due_first, *due_last; /* round robin */
    uint32_t due_left;        /* segments of the first so far */
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
    uint32_t orphans;
    struct txring *tx_free[TX_CLASSES];
    struct tcb_opts default_opts;
    struct tcb_options scratch_options;
    uint64_t challenge_s;
    uint32_t challenge_left;
    uint32_t resets;          /* in answer, in the second that began then */
    uint64_t resets_since_ns;
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
    uint64_t host_cache_purged_ns; /* FreeBSD: hostcache.purgenow */
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
/* What remains of the most that ever was: a peer may have sent it before it heard of less (RFC 7323 2.4). */
static inline uint32_t tcb_largest_window(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    int32_t window = ext->is_retracted ? (int32_t)(ext->told_edge - tcb->rcv_nxt) : (int32_t)tcb_receive_window(tcb);
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
    bool is_text_first;       /* it fits, so the text is taken before the ACK is looked at */
    bool finds_ack_now;       /* FreeBSD: TF_ACKNOW was set before it came */
    bool is_answered;         /* FreeBSD: by a challenge ACK, which leaves all else as it is */
    bool is_discarded;        /* by a check of steps 1 to 5: Linux sends its own answer and nothing else */
    bool is_expected_ack;     /* Linux's header prediction takes it, and there is no text: ACKs of ours that wait go on waiting */
};

#include "tcp/tcp_shared.h"
#ifdef NDEBUG
static inline void tcb_check(const struct tcb *tcb) { (void)tcb; }
#else
void tcb_check(const struct tcb *tcb);
#endif
#endif
