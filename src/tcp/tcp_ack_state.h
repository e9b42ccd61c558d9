/* tcp_ack_state.h: what one ACK tells, gathered by tcp_ack.c, tcp_sack.c and tcp_clean.c for those that judge it. */
#ifndef TCP_TCP_ACK_STATE_H
#define TCP_TCP_ACK_STATE_H
#include <stdbool.h>
#include <stdint.h>

struct ack_state {
    uint32_t prior_una, prior_in_flight, prior_packets, prior_delivered, prior_lost;
    uint32_t acked_packets;   /* cumulatively */
    uint32_t newly_sacked, sacked_bytes;
    uint32_t reord;           /* lowest original SACKed or acked below highest: sequence */
    uint32_t first_sack_burst;
    uint64_t first_sack_ns, last_sack_ns; /* send times of never retransmitted ones */
    uint64_t rtt_us;          /* 0: no sample */
    bool has_rtt;
    bool data_acked, syn_acked, retrans_acked, orig_sack_acked, sacked_new, lost_retrans, dsack, dsacking_tlp,
        window_update, una_advanced, ece, has_data, set_xmit_timer, ts_ecr_ok;
    uint32_t prior_wl1;
    bool is_reneged;          /* the peer had taken SACKs back when it came */
    bool is_predicted;        /* FreeBSD: header prediction takes the ACK */
    bool is_taken_apart;      /* FreeBSD: a duplicate that recovery has used; the rest of the segment is dropped */
    uint32_t ts_ecr;
    uint32_t highest_before;  /* end of the highest SACKed before this ACK */
    uint64_t first_ack_ns, last_ack_ns;
    uint32_t rack_prior;      /* 1 + the delivered count when the latest sent of what was (S)ACKed left; 0: nothing was */
    bool app_limited;         /* and that left when the application had no more to send */
    bool is_delayed;          /* perhaps a delayed ACK: of one short segment */
    uint32_t rate_end, rate_burst; /* of that one */
    uint64_t rate_send_ns, rate_ack_ns; /* how long what was delivered since took to leave; when the ACK before it came */
    /* the sample (rate_make_sample), and what this ACK delivered and showed to be lost */
    uint32_t rate_delivered, newly_delivered, newly_lost;
    uint64_t rate_interval_ns; /* 0: none that is valid */
    bool window_changed, is_fin; /* is_fin: the first */
    uint8_t prior_backoff;
    uint32_t prior_wnd;
    const struct rx *rx;
};

#endif
