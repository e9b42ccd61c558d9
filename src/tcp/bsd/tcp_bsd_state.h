/* tcp_bsd_state.h: FreeBSD's congestion window and recovery, in bytes (tcp_base.c, tcp_bsd_cc.c): a part of struct tcb_ext. */
#ifndef TCP_TCP_BSD_STATE_H
#define TCP_TCP_BSD_STATE_H
#include <stdbool.h>
#include <stdint.h>

struct base_cubic {
    int64_t k, undo_k;
    uint64_t sum_rtt_us;
    uint32_t w_max, epoch_window, epoch_ms, undo_w_max, undo_epoch_window, undo_epoch_ms;
    uint32_t min_rtt_us, mean_rtt_us, acks; /* min_rtt_us 0: none yet */
    bool begins;              /* congestion avoidance, with the next ACK */
    bool after_timeout, is_friendly;
};

struct base_htcp {
    uint32_t prior_cwnd, alpha, beta; /* beta in 1/256 */
    uint32_t min_rtt, max_rtt;        /* smoothed, in 1/32 ms; 0: none yet */
    uint32_t congested_ms;            /* when, last */
};

struct base_dctcp {
    uint32_t marked, total;           /* bytes acknowledged in this window */
    uint32_t alpha, end;              /* in 1/1024; of the window */
    uint32_t events;
    bool is_marked, had_ece, has_ece; /* the last segment; the last ACK, this one */
};

struct base_delay {                   /* Vegas, HD, CHD, CDG */
    uint32_t shadow;                  /* NewReno's window, had there been no delay; 0: not followed */
    int32_t most_rtt, prior_most_rtt, least_rtt, prior_least_rtt, backoff_delay;
    int32_t most_trend, least_trend, most_diff[8], least_diff[8]; /* in 1/128 ms */
    uint32_t samples, congested;      /* episodes in a row */
    uint8_t queue;
    bool grows, competes;
};

struct base_recovery {
    uint32_t cwnd, ssthresh;  /* cwnd 0: not begun */
    uint32_t recover;         /* snd_recover */
    uint32_t next;            /* its snd_nxt: after a timeout behind ours, which is its snd_max */
    uint32_t acked;           /* towards the next segment of congestion avoidance */
    uint32_t lag;             /* SND.UNA is so far behind ours: the burst of an ACK that is being looked at */
    uint32_t prior_wnd;       /* the window meanwhile */
    uint32_t owed;            /* and until the next ACK: this one began an episode */
    uint32_t most;
    uint32_t prr_delivered, prr_out, flight_size;
    uint32_t delivered;       /* by the last ACK that had blocks, or met holes (sackhint.delivered_data) */
    uint32_t once, once_start; /* the window of one burst; 0: cwnd */
    uint32_t undo_cwnd, undo_ssthresh, undo_recover, undo_ts;
    uint32_t saved_mtu;       /* of before bsd_black_hole(); 0: none is suspected */
    uint32_t zero_windows;    /* segments that told of none */
    uint32_t rtt_count;       /* samples of the round trip */
    uint32_t timed_ms, timed_seq; /* the segment that is timed; 0: none */
    uint64_t rto_ns;          /* t_rxtcur, where it is not what follows from the round trip; 0: it is */
    struct bsd_board *board;  /* NULL: no SACK was seen */
    struct bsd_blocks *blocks; /* what the receiver reports; NULL: nothing yet */
    struct bsd_ertt *ertt;    /* NULL: nothing was measured */
    union {
        struct base_cubic cubic;
        struct base_htcp htcp;
        struct base_dctcp dctcp;
        struct base_delay delay;
    } cc;
    uint8_t limited;          /* segments that limited transmit has sent */
    uint8_t hole_end;         /* the timeout that ends bsd_black_hole()'s tries */
    bool is_limited_by_cwnd;  /* the last ACK found the window used */
    bool is_ect1;
    bool is_forced;           /* urgent data: a byte beyond a shut window */
    bool sent_full;           /* a segment as large as the path lets it be */
    bool in_fast, in_cong, is_limited, is_hole, sent_a_window, can_undo, undo_fast, undo_cong;
    uint32_t skipped;         /* by base_next_lost(), when it moved NEXT: has_skipped */
    bool has_skipped;
    bool is_last;             /* nothing more goes in this call of tcp_output() */
    bool probes_anew;         /* the next probe of a shut window is as the first */
};

#endif
