/* tcb_ext.h: the rest of a connection's control block: loss recovery, congestion control, ECN, options and statistics;
 * a part of tcb.h, which includes it. tcp_clean.c frees it. */
#ifndef TCP_TCB_EXT_H
#define TCP_TCB_EXT_H
#include "tcp/tcp.h"

enum { SACK_RECENT = 4, CC_PRIVATE = 26 /* words */ };

struct rcv_told { /* of the receiver by a segment: RCV.NXT, how far the window may open, the blocks */
    uint32_t rcv_nxt, rcv_ssthresh, dsack_start, dsack_end, recent[SACK_RECENT][2];
    uint8_t recent_count;
    bool has_dsack;
};

/* What only some connections need: allocated at the first data, loss, option or statistic. */
struct tcb_ext {
    /* statistics for TCP_INFO */
    uint64_t bytes_acked, bytes_received, bytes_sent, bytes_retrans;
    uint32_t segs_in, segs_out, data_segs_in, data_segs_out, delivered, delivered_ce, total_retrans, dsack_dups, reord_seen, ooo_packets;
    /* sender's scoreboard, in packets (RFC 6675) */
    union {
        struct {
            uint32_t sacked_out, lost_out, retrans_out;
            uint32_t tlp_high_seq;
        };
        uint64_t unsettled[2]; /* any of these: tcp_fast.c leaves the connection alone */
    };
    uint32_t high_seq;        /* recovery point */
    uint32_t prior_ssthresh, prior_cwnd, undo_marker;
    int32_t undo_retrans;     /* -1: unknown */
    uint32_t reordering;      /* packets */
    uint32_t prr_delivered, prr_out;
    uint32_t retrans_hint;    /* nothing to retransmit lies before it */
    uint32_t highest_sack;    /* end of the highest SACKed segment */
    uint64_t retrans_stamp_ns; /* when the first retransmission of the episode went; 0: none did */
    uint64_t busy_ns, busy_total_ns;     /* since when something is out or waits, 0: nothing; and before */
    uint64_t rwnd_ns, rwnd_total_ns;     /* the peer's window holds data back (rwnd_limited) */
    uint64_t sndbuf_ns, sndbuf_total_ns; /* the buffer was too small: all is sent, the writer waits */
    uint32_t app_limited;     /* delivery-rate samples below this count of delivered are the application's; 0: none */
    bool rate_is_network;     /* the rate below is of a sample that was not application-limited */
    uint32_t lost_total, total_rto_time_ms; /* in recovery from timeouts, for TCP_INFO */
    uint32_t rto_since_ms; /* when the present one began; 0: there is none */
    uint32_t rehash;          /* timeouts, and marks (PLB), that would have chosen another path (Linux: sk_rethink_txhash) */
    struct { uint64_t start_ns; uint32_t seq; uint8_t shift, count; } probed; /* before the last probe that was text */
    uint16_t path;            /* which of its flow labels it goes by now */
    uint16_t total_rto, total_rto_recoveries;
    uint8_t dupacks;
    union { /* any of these: tcp_fast.c leaves the connection alone */
        struct {
            bool frto, frto_new, is_sack_reneg, fast_rexmit, rack_dsack_seen, snd_urgent, rcv_urgent;
            bool probe_byte; /* a window probe carried the byte at SND.NXT */
            bool msg_more, has_dsack, has_stamps, rwnd_limited, nagle_push /* TCP_NODELAY was set: what waits goes, corked or not */;
            uint8_t recent_count : 3, eor_count : 5;
            uint8_t soft_error;
            bool urgent_probed : 1; /* the first of two probes went */
            bool route_moved : 1; /* route_mtu is not followed yet */
            bool path_moved : 1;  /* a route or a device's MTU has changed since (mss_follow_path()) */
            bool nothing_new : 1; /* what is due brings out no new data */
            bool is_paced : 1; /* the algorithm has, or had, a rate of its own */
            bool mtu_probing : 1; /* RFC 4821 (tcp_plpmtud.c) */
        };
        uint64_t rare[2];
    };
    uint8_t mark_count, tx_class /* of the next ring: as many records as the last one had at its end */;
    bool chunk_push, tlp_retrans, cwnd_limited, is_cwnd_limited, in_burst;
    bool burst_idle; /* nothing was in flight before it */
    bool fin_pushes; /* the persist timer took the text from the FIN's buffer: both have PSH (Linux: tcp_write_wakeup()) */
    bool cc_ready, rack_advanced;
    uint32_t nagle_end;       /* with nagle_push: up to here it waited then */
    uint32_t snd_sml;         /* end of the last small segment (Minshall's Nagle) */
    uint32_t again_next;      /* the same for what is sent again: where the chunk goes on, and how many segments of it are left */
    uint16_t again_left;
    bool again_push;
    uint32_t chunk_left;      /* Linux hands several segments to the device as one: bytes of this one not sent yet */
    uint32_t paced_bytes;     /* of a chunk that leaves */
    uint64_t paced_credit_ns; /* how late it left */
    uint64_t wstamp_ns;       /* the last data segment left; paced: the earliest departure of the next */
    uint32_t rtt_seq;         /* the deviation's maximum is taken anew when this is acknowledged */
    /* RACK (RFC 8985) */
    uint64_t rack_sent_ns, rack_rtt_ns;
    uint32_t rack_burst, rack_end, rack_last_delivered; /* of the latest sent that was delivered */
    uint32_t rack_rtt_burst, last_burst; /* of what rack_rtt_ns was measured with; of the last transmission */
    uint8_t rack_reo_steps, rack_reo_persist;
    struct min_rtt { uint32_t next_us[2], since_ms[3]; } min_rtt; /* beside tcb->min_rtt_us (rtt_take_min) */
    struct { uint32_t start, end; } sack_cache[TCP_SACK_BLOCKS]; /* what the last ACK's blocks marked */
    bool rexmit_hold;         /* nothing lost is resent before the next ACK */
    bool leaves_early;        /* output_early() */
    struct rcv_told early;        /* what a segment told then */
    bool timer_resends;       /* what is sent again next is what the timer had gone off for */
    uint32_t last_reduction_seq; /* NewReno: the last recovery ended there */
    /* congestion control */
    uint32_t cwnd_cnt, cwnd_used, max_packets_out, max_packets_seq, cwnd_clamp;
    _Alignas(8) uint32_t cc_private[CC_PRIVATE];
    uint64_t cwnd_stamp_ns, rate_delivered, rate_interval_ns;
    uint64_t delivered_ns, first_tx_ns; /* of the last delivery: when, and when the latest sent of it had left */
    uint64_t rate;            /* bytes a second; 0: what the window makes of it (cwnd_pacing_rate) */
    uint64_t pacing_ns;       /* nothing leaves before; 0: now */
    /* receiver: reassembly and SACK generation (RFC 2018, 2883) */
    struct ooo_queue *ooo;
    struct { uint32_t start, end; } recent[SACK_RECENT]; /* as in struct rcv_told */
    uint32_t dsack_start, dsack_end;
    uint32_t ooo_ack_rcv_nxt; /* ACK compression */
    struct rmem rmem;         /* Linux: what received text costs of the receive buffer (tcp_rmem.c) */
    uint32_t window_clamp;    /* Linux: how far the window may open; 0: as the buffer has it */
    uint32_t told_edge;       /* the rightmost edge ever told, while is_retracted */
    bool is_retracted;        /* Linux: the window's right edge went back (RFC 7323 2.4), or will with the next ACK */
    bool no_memory;           /* Linux: a segment was dropped for want of room; the next ACK closes the window */
    bool fin_waits;           /* a FIN that came when nothing waited to be read, and that no read has told of: a buffer of its own */
    uint8_t scaling_ratio;    /* Linux: text in 256 bytes of receive buffer; 0: half */
    uint16_t ooo_dupacks, compressed, last_seg_size;
    uint64_t compress_ns;
    /* receive window autotuning (DRS) */
    uint64_t rtt_probe_ns, space_ns;
    uint32_t rtt_probe_seq, rcv_rtt_us /* times 8 */, rcv_last_echo, space_seq, space_bytes;
    uint32_t acked_ms;        /* when an ACK went last */
    /* urgent data (RFC 6093): mark = sequence number of the urgent byte */
    uint32_t snd_up, rcv_up;
    uint8_t urg_byte;
    bool urg_valid, urg_taken;
    /* timers beside the retransmission timer */
    uint64_t keep_ns, probe_start_ns;
    uint32_t rcv_last_ms;     /* last segment of any kind (Linux: that acknowledged anything that was sent) */
    uint8_t keep_probes_out, persist_backoff, syn_rst_count;
    uint16_t head_cut; /* bytes that an ACK within the head, one packet, took of it: in Linux's queue it begins where it did */
    /* path MTU */
    uint32_t route_mtu;       /* what was not heeded at once (IP_PMTUDISC_DONT ...) */
    uint32_t pmtu, probe_size /* its MTU; 0: none is out */, probe_start, probe_end, mtu_high, mtu_low, probe_stamp_ms;
    uint16_t burst_mss;       /* what the segments of this burst carry */
    bool push_first; /* a write hands down its first chunk while the rest is copied */
    bool probe_checked;
    bool space_due;  /* an ACK made room; the writer hears of it behind what the ACK lets out */
    bool burst_open; /* what leaves next leaves with the last */
    /* fast open (RFC 7413) */
    uint64_t fastopen_start_ns; /* the child's syn_start_ns: it delays ACKs already */
    uint32_t fastopen_irs; /* a child's */
    uint32_t fastopen_length, fastopen_listener; /* bytes in the SYN; the listener slot + 1 while in SYN_RECEIVED */
    uint8_t repair_queue;
    bool repair; /* tcp_repair.c */
    uint8_t fastopen_fail;    /* why the client's data did not go with the SYN: tcpi_fastopen_client_fail */
    bool fastopen_tried; /* with an option or text in the SYN */
    bool fastopen_request, fastopen_renew, fastopen_cookie_asked, fastopen_exp, syn_data, syn_data_acked;
    bool syn_fastopen, fastopen_child, fastopen_unreadable;
    bool writer_waits; /* a call waits for the handshake to write: its text takes the ACK along (Linux: sk_write_pending) */
    bool fastopen_held, fastopen_burst; /* FreeBSD's child: its SYN/ACK waits for an answer; what did not fit into that follows */
    bool fastopen_answered;   /* FreeBSD: the SYN/ACK had the option */
    bool fastopen_offered; /* its SYN had a cookie or asked for one */
    bool fastopen_trial; /* the first after a black hole */
    bool synack_again; /* its SYN came again */
    uint8_t sent_ecn;  /* the IP field's ECN bits as the last segment had them: Linux keeps them in the socket's TOS */
    /* ECN: received CE bookkeeping; AccECN counters */
    struct {
        bool on, pending /* our SYN asked */, reflect, again /* the next segment goes on with a chunk */,
            sent_with_dsack /* the last option, beside a DSACK */, crossed_plain /* our SYN that crossed asked no more */;
        int8_t chunk_fields; /* the option of a chunk's segments; -1: none */
        uint8_t syn_sent, syn_received, seen, fail, demand, least, previous, estimate, ce_pending;
        uint16_t packets_ewma;  /* acknowledged by an ACK, times 64 */
        uint32_t received_ce, received[3], delivered[3]; /* bytes, by IP field - 1 */
        uint64_t option_ns;
    } accecn;
    uint32_t tail_start, pushed_seq; /* where the last buffer that waits began, the last PSH (tcp_queue.c) */
    uint32_t alone_end;       /* what goes before this went down by the chunk while a write was copied: none of it is put off */
    uint32_t hurried_end;     /* what goes before this is sent while the rest of a write is copied: Nagle does not hold it */
    struct { uint32_t end; bool push, sealed /* it leaves before the next is there */; } marks[32]; /* of the buffers before it */
    struct { uint32_t start, end, count; } unmarked; /* buffers that found no place there: how many in what sequence space */
    uint32_t eor_marks[16];   /* MSG_EOR at these ends, not sent yet */
    struct stamps *stamps;    /* tcp_stamp.c */
    struct tcp_icmp_note icmp; /* of a message while connecting, not read yet; version 0: none */
    struct saved_syn *saved_syn; /* TCP_SAVED_SYN: not read yet */
    uint32_t challenge_end_ms, challenge_count; /* conn_challenge_count: of this interval */
    struct base_recovery base;
    uint64_t host_note;       /* tcp_host_note() */
    uint64_t progress_ns;     /* since when an ACK is owed (bsd_note_owed); 0: none is */
    uint64_t oow_ack_ns;      /* last challenge or out-of-window ACK (invalid_ratelimit_ms) */
};

#endif
