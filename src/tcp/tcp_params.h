/* tcp_params.h: what a profile says of TCP: data only, copied into each host, changed by sysctls, overridden by socket
 * options. Where stacks differ in algorithm the value names a policy (an enum here, implemented in the leaf).
 * The table of all profiles is host/profile.c; sources are in FACTS.md. Times in milliseconds unless the name says more. */
#ifndef TCP_TCP_PARAMS_H
#define TCP_TCP_PARAMS_H
#include <stdbool.h>
#include <stdint.h>

/* A retransmission schedule by intervals: the nth transmission (from 0) is followed by interval_ms[min(n, count-1)]; ends at
 * give_up_ms after the first transmission. With tick_ms set, an interval of k ticks ends at the kth tick after its start. */
struct tcp_schedule {
    uint32_t interval_ms[20];
    uint8_t count;       /* 0: rto_initial_ms, doubled each time up to rto_max_ms (syn: after syn_linear_timeouts equal ones) */
    uint32_t give_up_ms; /* 0: when the retries are used up (retries, then one more interval) */
    uint8_t retries;     /* retransmissions; 0: no limit but give_up_ms. With count 0 the syn's linear ones come on top */
};
enum tcp_icmp_policy { /* an ICMP error during SYN_SENT (FACTS 2); the errno comes from the icmp tables below */
    TCP_ICMP_SOFT,          /* remembered, reported at the timeout (Reno, 4.4, FreeBSD) */
    TCP_ICMP_ABORT,         /* connect() returns at once (Linux) */
    TCP_ICMP_ABORT_ALL,     /* 4.2BSD: every TCP to that destination, ESTABLISHED too */
    TCP_ICMP_STORE,         /* 4.3BSD: stores so_error but wakes nobody */
    TCP_ICMP_WAKE,          /* Tahoe: wakes connect(), TCP keeps trying */
    TCP_ICMP_SOFT_4S        /* macOS: a soft error is reported at about 4 s */
};
enum tcp_icmp_action { TCP_ICMP_IGNORE, TCP_ICMP_BY_POLICY, TCP_ICMP_NOW, TCP_ICMP_PMTU, TCP_ICMP_SOFTLY };
enum { FLOW_LABEL_CONNECTIONS = 1, FLOW_LABEL_RESETS = 2, FLOW_LABEL_ECHO = 4 };
/* Where no label is given, the host makes one of the flow (ip.auto_flow_labels): what a socket says of that, and the how many-th it is. */
enum { FLOW_LABEL_BITS = 0xfffff, FLOW_LABEL_ON = 1 << 20, FLOW_LABEL_OFF = 1 << 21, FLOW_LABEL_PATH_SHIFT = 22 };
struct tcp_icmp_row { /* one ICMP code's meaning */
    uint8_t action;  /* enum tcp_icmp_action */
    uint8_t error;   /* errno; 0 with NOW: 4.2's "errno 0" quirk */
};
enum { TCP_ICMP4_CODES = 16, TCP_ICMP6_CODES = 9 };
enum tcp_backlog_count { TCP_COUNT_BOTH, TCP_COUNT_COMPLETE, TCP_COUNT_LINUX24 };
enum tcp_backlog_rule { /* how many are admitted, as a function of backlog b (FACTS 4) */
    TCP_BACKLOG_B, TCP_BACKLOG_B_PLUS_1, TCP_BACKLOG_B_PLUS_3, TCP_BACKLOG_3B_2_PLUS_1, TCP_BACKLOG_MAX_1_3B_2, TCP_BACKLOG_SOLARIS29
};
enum tcp_full_policy { TCP_FULL_DROP, TCP_FULL_RST };             /* a SYN at a full queue */
enum tcp_full_ack_policy { TCP_FULL_ACK_IGNORE, TCP_FULL_ACK_RST, TCP_FULL_ACK_QUEUE /* BSD: counted at the SYN, always room */ };
enum tcp_syn_rst_policy { TCP_RST_REFUSE, TCP_RST_RETRY /* Windows: the SYN again at 500 ms, 3 times */ };
enum tcp_isn_policy { TCP_ISN_6528, TCP_ISN_BSD /* += 64,000 each half second and connection (4.2 to 4.4) */ };
enum tcp_rto_policy {
    TCP_RTO_6298,
    TCP_RTO_BSD, /* ticks, Van Jacobson 1988 */
    TCP_RTO_BSD42, /* RFC 793: beta * srtt */
    TCP_RTO_LINUX, /* rttvar floor 200 ms */
    TCP_RTO_FREEBSD /* whole milliseconds, slop added */
};
enum tcp_cc_name {
    TCP_CC_NONE, /* 4.2, 4.3: the whole window */
    TCP_CC_TAHOE, TCP_CC_RENO, TCP_CC_NEWRENO, TCP_CC_CUBIC, TCP_CC_DCTCP, TCP_CC_BBR,
    TCP_CC_HTCP, TCP_CC_VEGAS, TCP_CC_HD, TCP_CC_CHD, TCP_CC_CDG, /* FreeBSD's */
    TCP_CC_COUNT
};
enum tcp_hystart { TCP_HYSTART_OFF, TCP_HYSTART_LINUX /* ACK train, delay */, TCP_HYSTART_RFC9406 /* HyStart++ */ };
enum tcp_ack_policy {
    TCP_ACK_BSD, /* 200 ms fast timer with a phase, every second segment */
    TCP_ACK_RFC1122, /* delack_ms after the segment */
    TCP_ACK_LINUX /* quickack first, 40..200 ms ato */
};
/* Three questions that the stacks answer each in a way of its own: in which order a segment is checked and what is answered, how what was
 * written is cut into segments, and what calls, options and TCP_INFO say. */
enum tcp_input_policy {
    TCP_INPUT_RFC9293,
    TCP_INPUT_BSD, /* 4.4BSD's descendants (tcp_bsd.c) */
    TCP_INPUT_LINUX /* tcp_rcv_established(), tcp_rcv_state_process() */
};
enum tcp_output_policy {
    TCP_OUTPUT_PLAIN,
    TCP_OUTPUT_LINUX /* chunks as tcp_sendmsg() makes them and tcp_write_xmit() sends them, PSH at their ends */
};
enum tcp_call_policy {
    TCP_CALLS_PLAIN,
    TCP_CALLS_BSD, /* FreeBSD's limits, errors and values (tcp_options_bsd.c) */
    TCP_CALLS_LINUX
};
enum tcp_persist_policy { TCP_PERSIST_RTO /* as the retransmission timer */, TCP_PERSIST_SRTT /* FreeBSD: 4 * SRTT + 8 * RTTVAR */ };
enum tcp_ephemeral { TCP_PORTS_SEQUENTIAL, TCP_PORTS_RANDOM, TCP_PORTS_LINUX /* bind odd, connect even */ };

struct tcp_params {
    /* what the most lines ask (tcb.h: struct tcp) */
    uint8_t input_policy;         /* enum tcp_input_policy */
    uint8_t output_policy;        /* enum tcp_output_policy */
    uint8_t call_policy;          /* enum tcp_call_policy */
    bool byte_recovery;           /* FreeBSD's base stack: windows in bytes, duplicate ACKs counted (tcp_base.c) */
    uint8_t rto_policy;
    uint8_t cc;                   /* enum tcp_cc_name */
    uint8_t ecn;                  /* tcp_ecn: 0, 1, 2 as Linux; 3+ AccECN */
    uint8_t option_order;         /* enum tcp_option_order (wire.h) */
    bool offer_wscale, offer_sack, offer_timestamps, offer_ecn;
    bool pmtu_discovery;
    uint8_t mtu_probing;
    uint8_t ttl, hop_limit /* of IPv6; 0: as ttl */;
    uint32_t min_snd_mss;         /* CVE-2019-11479: 48 */
    uint16_t mss_off_net;         /* BSD: MSS offered and used to a peer off the net: 512; 0: as on it */
    uint8_t adv_win_scale;        /* Linux 1: half of rcvbuf is window, half bookkeeping; 0: all of it */
    /* time base */
    uint32_t tick_ms;             /* 500 on BSD: slow timer grain; 0: exact */
    uint32_t fast_tick_ms;        /* 200 on BSD: delayed ACK timer grain */
    uint32_t tick_phase_ms;       /* when after time 0 the ticks fall; UINT32_MAX: drawn from the seed */
    uint32_t wheel_phase_us;      /* timers are as late as on Linux's wheel, whose ticks count from so long before time 0; 0: exact */
    /* connection establishment */
    struct tcp_schedule syn;      /* FACTS 1 */
    struct tcp_schedule synack;   /* FACTS 1, second table */
    uint32_t syn_linear_timeouts; /* Linux >= 6.5: of the syn schedule's first intervals */
    bool synack_expiry_rst;       /* 4.4: an RST when the incomplete entry is removed */
    bool synrcvd_keep_reset;      /* 4.4-Lite quirk: any segment for a SYN_RCVD pcb sets its timer to 2 h */
    uint8_t syn_rst_policy;       /* enum tcp_syn_rst_policy */
    uint8_t isn_policy;
    /* ICMP (FACTS 2) */
    uint8_t icmp_policy;
    bool icmp_check_seq;          /* RFC 5927 */
    bool icmp_established_soft;   /* once synchronized errors are soft */
    bool icmp_soft_only;          /* icmp_may_rst=0: nothing ends a connect() at once */
    struct tcp_icmp_row icmp4[TCP_ICMP4_CODES], icmp4_time_exceeded, icmp4_parameter, icmp4_quench;
    struct tcp_icmp_row icmp6[TCP_ICMP6_CODES], icmp6_time_exceeded, icmp6_reassembly, icmp6_parameter, icmp6_next_header, icmp6_unknown;
    uint8_t flow_label_reflect; /* IPv6: connections have the label that came (1), resets (2); echo replies (4) */
    /* listening (FACTS 4) */
    uint8_t backlog_count, backlog_rule, full_policy, full_ack_policy;
    int32_t backlog_negative;     /* the backlog used for a negative one (0, 128, 4096) */
    int32_t backlog_zero;         /* the backlog used for 0 (128 on macOS); 0 otherwise */
    int32_t somaxconn;            /* cap; -1: none */
    uint8_t syncookies;           /* 0 off, 1 when full, 2 always */
    uint32_t max_syn_backlog;     /* entries a listener at most when cookies are off */
    bool syn_queue_by_backlog;    /* Linux today: requests are limited by the backlog too */
    bool abort_on_overflow;
    bool migrate_requests;        /* what waits at a listener that closes goes to another of its SO_REUSEPORT group */
    /* options offered */
    uint16_t mss_default6;        /* over IPv6; 0: 1220 */
    uint16_t mss_default;         /* with no MSS option received: 536 (1024 on 4.2/4.3) */
    bool mss_512_multiple;        /* 4.2-4.4: rounded down to a multiple of the cluster size off the net: data as assumed */
    /* AccECN: 0 no option, 1 when it must and so often a round trip, 2 on each segment, 3 whatever is lost */
    uint8_t ecn_option, ecn_option_beacon;
    uint8_t ecn_synack_retries;   /* so many repeated SYN/ACKs still say ECE; 0: as ecn_syn_retries */
    bool ecn_no_fallback;         /* Linux's tcp_ecn_fallback turned round: each SYN asks, and what is told of a handshake is believed */
    /* tcp_fastopen bits: 1 client, 2 server, 4 data without a cookie, 0x200 no cookie wanted, 0x400 listeners by
     * themselves */
    uint32_t fastopen;
    bool timestamp_offsets;       /* random per connection */
    uint32_t timestamp_hz_ms;     /* clock granularity: 1 ms Linux, 500 BSD */
    /* buffers and windows, bytes */
    uint32_t rcvbuf_min, rcvbuf, rcvbuf_max, sndbuf_min, sndbuf, sndbuf_max;
    uint32_t reass_pieces; /* so many pieces of text wait out of order, and no more than segments fit into the buffer; 0: as much as fits */
    uint32_t send_lowat; /* so much of the send buffer must be free for who waits to write; 0: a third of it (Linux) */
    bool moderate_rcvbuf, autotune_sndbuf;
    bool shrink_window;           /* tcp_shrink_window: a scaled window may close from the right */
    bool signed_windows;          /* tcp_workaround_signed_windows: an unscaled window ends at 32,767 */
    bool stdurg;                  /* tcp_stdurg: the urgent pointer names the urgent byte (RFC 1122), not the one behind */
    bool thin_linear_timeouts;    /* a stream with little in flight backs off late, as TCP_THIN_LINEAR_TIMEOUTS asks for one */
    uint32_t window_clamp;        /* 65,535 where no scaling; 0: none */
    uint8_t app_win;              /* tcp_app_win: so much (1/2^n, a segment at least) of the first buffer is not offered; 0: all is */
    /* retransmission */
    uint32_t rto_initial_ms, rto_min_ms, rto_max_ms;
    bool icmp_reverts_backoff;    /* RFC 6069 */
    uint8_t retries1, retries2;   /* R1, R2 (Linux: 3, 15); BSD TCP_MAXRXTSHIFT 12 in retries2 */
    uint8_t backoff[16];          /* BSD: multiplier by shift; 0 first: powers of two */
    uint8_t orphan_retries;
    uint8_t initial_window;       /* segments */
    bool sack, dsack, rack, tlp, prr, frto, limited_transmit, early_retransmit;
    uint8_t rack_bits;            /* tcp_recovery: 2 the reordering window stays, 4 three SACKs do not close it; 1 has no effect any more */
    uint8_t hystart;              /* enum tcp_hystart: how CUBIC leaves its first slow start */
    uint8_t reordering;           /* 3 */
    uint32_t max_reordering;      /* 0: 300 */
    bool plb;                     /* DCTCP: protective load balancing (tcp_plb_*): leave a path after so many marked windows */
    uint32_t plb_threshold, plb_rounds, plb_idle_rounds, plb_suspend_s;
    uint32_t min_rtt_wlen;        /* seconds that the smallest round trip is remembered */
    bool retrans_collapse;        /* Linux: small neighbours are sent again as one */
    bool slow_start_after_idle;
    bool metrics, no_metrics_save, no_ssthresh_save; /* Linux's: new connections begin with what old ones left (tcp_metrics.c) */
    uint32_t tlp_min_ms;
    bool pacing;
    uint32_t pacing_ss_ratio, pacing_ca_ratio; /* percent */
    /* acknowledgement */
    uint8_t ack_policy;
    uint32_t delack_ms, delack_min_ms;
    uint8_t delack_segments;      /* 2 */
    uint8_t pingpong_thresh;      /* Linux: replies until a connection counts as interactive (1) */
    uint32_t comp_sack_delay_us;
    uint32_t comp_sack_percent; /* of a round trip, at most */
    uint32_t comp_sack_slack_us; /* and so much more */
    uint32_t rcvbuf_low_rtt_us; /* Linux: below this round trip the receive buffer grows by that share of it; 0: never */
    uint32_t comp_sack_nr; /* Linux: dup ACKs beyond three are compressed; nr 0: off */
    uint32_t challenge_ack_limit; /* per second; 0: none */
    uint32_t reset_limit;         /* resets in answer to segments, per second; 0: no limit */
    uint32_t invalid_ratelimit_ms;
    bool rfc5961, rfc1337;
    /* ends */
    uint32_t time_wait_ms;        /* 2MSL: 60 s Linux, 60 s BSD (2 x 30) */
    uint8_t time_wait_reuse;      /* tcp_tw_reuse / RFC 6191; 2: of loopback addresses */
    uint32_t time_wait_reuse_delay_ms;
    uint32_t fin_wait2_ms;        /* after close: 60 s Linux, 675 s BSD */
    /* FreeBSD: as long as keepalive's probes take, 600 s, and then interval by interval while the peer talks */
    bool fin_wait2_by_keepalive;
    uint32_t time_wait_limit;     /* records */
    /* a full table takes no more (Linux), none at all when the limit is 0; else the oldest is recycled, 0: no limit */
    bool time_wait_refuse;
    uint32_t min_tso_segs, tso_rtt_log, tso_win_divisor; /* Linux's chunks (cwnd_chunk_segs, cwnd_defers_chunk) */
    /* for how long the client does without fast open after a black hole, twice as long each time
     * (tcp_fastopen_blackhole_timeout_sec); 0: off */
    uint32_t fastopen_hole_ms;
    uint16_t sack_max_holes;      /* FreeBSD: of a sender's scoreboard */
    uint32_t fastopen_disable_s;  /* FreeBSD: a server whose SYN/ACK has no option is asked for none so long */
    bool reflect_tos;             /* the SYN's DSCP is the connection's (tcp_reflect_tos) */
    uint32_t orphan_limit;
    bool rst_on_unread_close;     /* RFC 2525 2.17 */
    /* keepalive */
    uint32_t keepalive_idle_ms, keepalive_interval_ms;
    uint8_t keepalive_probes;
    bool keepalive_garbage_byte;  /* 4.2BSD compatible probes */
    uint32_t persist_min_ms, persist_max_ms;
    bool persist_data;            /* BSD: a window probe carries the next byte; Linux: an old sequence number and nothing */
    /* path MTU */
    /* RFC 4821: where the search begins, ends, begins again */
    uint32_t base_mss, mtu_probe_floor, mtu_probe_threshold, mtu_probe_interval_ms;
    uint32_t base_mss6;           /* 0: as for IPv4 */
    uint32_t notsent_lowat;
    /* what BSD's descendants do otherwise; all 0 on Linux */
    uint32_t max_unack_ms;        /* maxunacktime: a connection without progress for this long is given up; 0: no limit */
    uint8_t persist_policy;       /* enum tcp_persist_policy */
    uint8_t backoff_shift_max;    /* FreeBSD: doubling ends at 512 (9); 0: no end but rto_max_ms */
    uint32_t rto_slop_ms;         /* FreeBSD rexmit_slop: added to every timeout but the first of an unmeasured path */
    uint32_t scale_buffer;        /* kern.ipc.maxsockbuf, net.core.rmem_max: the window scale is chosen for it; 0: for rcvbuf_max */
    bool buffers_round_mss;       /* both buffers are rounded up to whole segments when the MSS is known */
    bool drop_missing_ts;         /* tolerate_missing_ts=0: a segment without the timestamp that was agreed on is dropped */
    bool insecure_rst, insecure_syn, drop_synfin;
    bool listen_ignores_synack;   /* FreeBSD 15: a SYN/ACK to a listener, or to what is half open there, is nothing; else it is refused */
    bool synrcvd_challenge;       /* FreeBSD 15: a final ACK outside the window is challenged; else refused */
    bool ghost_ack_check;         /* an ACK of what is before ISS + 1 is challenged, not only one too far below SND.UNA */
    bool drop_options_on_rexmit;  /* rexmit_drop_options: the fourth SYN has the MSS alone */
    uint8_t blackhole;            /* no RST: 1 for a SYN to a closed port, 2 for anything there, 3 for open ports too */
    uint8_t ecn_syn_retries;      /* ecn.maxretries: so many repeated SYNs still ask for ECN */
    uint32_t conn_challenge_count, conn_challenge_ms; /* ack_war_cnt, ack_war_timewindow: challenge ACKs of a connection; 0: no limit */
    bool timeout_rst;             /* a connection that is given up says so with an RST */
    bool keepalive_always;        /* always_keepalive */
    bool fin_wait2_recycle;       /* fast_finwait2_recycle: FIN-WAIT-2 lasts fin_wait2_recycle_ms */
    uint32_t fin_wait2_recycle_ms;
    bool shutdown_before_error;   /* send: EPIPE although an error is pending; receive: the error before the end of the data */
    bool accept_aborted;          /* accept(): ECONNABORTED for a connection that was reset while it waited */
    bool syn_sent_close_waits;    /* shutdown() before the SYN/ACK: the FIN follows it; Linux ends at once */
    bool rtt_by_data;             /* a passive open without timestamps measures nothing at the handshake */
    bool no_delayed_ack;
    uint16_t udp_tunneling_port;  /* TCP in UDP goes out from this port, and what comes there is TCP; 0: neither */
    uint32_t udp_tunneling_overhead; /* bytes that it takes from the MSS */
    bool syncache;                /* half-open connections are the host's: they outlive their listener (FreeBSD's syncache) */
    /* RFC 6675 2: with SACK what tells of new bytes is a duplicate ACK, nothing else; before, any without data */
    bool dupack_by_sack;
    bool sack_revised;            /* RFC 6675's pipe, entry by bytes and rescue; else in flight is what lies above what is SACKed */
    bool lost_retransmission;     /* sack.lrd: a retransmission that was itself lost is found by what is SACKed beyond the episode */
    bool fastopen_psk;            /* fastopen.psk_enable: a cookie counts only as what a pre-shared key makes of it, and there is no key */
    bool fastopen_any_cookie;     /* fastopen.acceptany: whatever a SYN's cookie is, and none is told */
    bool host_cache;              /* new connections begin with what closed ones learnt of the host (tcp_hostcache.c) */
    uint32_t host_cache_s;        /* an entry's life */
    bool byte_counting;           /* rfc3465 */
    bool rfc3390;                 /* the initial window where initial_window is 0 */
    bool newcwv;                  /* the window grows only while half of it is used */
    bool last_ack_tells_all;      /* the ACK that leads to TIME-WAIT is output as any other: with SACK blocks and ECN's flags */
    bool reduces_each_rto;        /* each timeout sets the threshold anew, by the window; else the first of a row, by what is in flight */
    bool ecn_abe;                 /* RFC 8511: NewReno's window falls to reno_beta_ecn percent for a mark */
    uint8_t reno_beta, reno_beta_ecn;
    bool htcp_adaptive_backoff, htcp_rtt_scaling;
    bool dctcp_slowstart, dctcp_ect1; /* the first mark halves the window; data is ECT(1) */
    uint8_t dctcp_shift_g;        /* 4: alpha moves by 1/16 */
    uint32_t dctcp_alpha;         /* at first, in 1/1024 */
    uint32_t vegas_alpha, vegas_beta; /* segments in the queue: fewer, and the window grows; more, and it falls */
    uint8_t abc_limit;            /* RFC 3465: segments of growth for one ACK in slow start */
    bool cookie_options;          /* a SYN cookie holds the scale and SACK itself, not the timestamp beside it */
    /* ports */
    uint16_t port_first, port_last;
    uint8_t ephemeral;            /* enum tcp_ephemeral */
};

#endif
