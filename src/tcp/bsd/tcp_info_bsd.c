/* tcp_info_bsd.c: TCP_INFO with FreeBSD's meanings (tcp_fill_info()) in Linux's structure, and behind it what only FreeBSD tells. */
#include <linux/tcp.h>
#include "tcp/tcb.h"

enum { OPT_FASTOPEN = 0x20, OPT_ACE = 0x40 };

/* What tcp_newtcpcb() gives: a connection to be, or a listener. */
void bsd_info_of_new(const struct tcp_params *params, uint32_t mss, struct tcp_info *info)
{
    info->tcpi_options |= params->offer_sack ? TCPI_OPT_SACK : 0;
    info->tcpi_rto = params->rto_initial_ms * 1000u;
    info->tcpi_rttvar = params->rto_initial_ms * 1000u / 4;
    info->tcpi_snd_mss = info->tcpi_rcv_mss = mss;
    info->tcpi_snd_cwnd = info->tcpi_snd_ssthresh = BSD_NO_THRESHOLD;
}

void bsd_info(struct tcb *tcb, struct tcp_info *info, struct bsd_info *more)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    const struct base_recovery *base = &ext->base;
    bool begun = base->cwnd != 0;
    info->tcpi_options &= TCPI_OPT_TIMESTAMPS | TCPI_OPT_SACK | TCPI_OPT_WSCALE;
    info->tcpi_options |= tcb->ecn_ok && tcb->state > TCPS_SYN_SENT ? (accecn_is_on(tcb) ? OPT_ACE : TCPI_OPT_ECN) : 0;
    info->tcpi_options |= (ext->syn_data && tcb->opt->fastopen_connect) || ext->fastopen_child ? OPT_FASTOPEN : 0;
    info->tcpi_snd_mss = info->tcpi_rcv_mss = tcb->mss + tcb_ts_bytes(tcb) + (tcb_is_signed(tcb) ? MD5_OPTION : 0);
    info->tcpi_snd_ssthresh = begun ? base->ssthresh : bsd_initial_threshold(tcb);
    info->tcpi_snd_cwnd = begun ? base->cwnd : tcb_is_synchronized(tcb) ? bsd_initial_window(tcb) : BSD_NO_THRESHOLD;
    if (tcb->state <= TCPS_SYN_SENT)
        bsd_info_of_new(tcb_params(tcb), bsd_segment_size(tcb->tcp, tcb, tcb->opt), info);
    if (tcb->state == TCPS_SYN_SENT)
        info->tcpi_rto = (uint32_t)(rtt_rto_ns(tcb) / NS_PER_US);
    info->tcpi_rcv_space = tcb->rcv_wnd;
    info->tcpi_last_data_recv = (tcb_now_ms(tcb) - (tcb->ext ? ext->rcv_last_ms : tcb->last_rcv_ms)) * 1000;
    *more = (struct bsd_info){.snd_nxt = begun ? base->next : tcb->snd_nxt,
                              .rcv_nxt = tcb->rcv_nxt,
                              .snd_rexmitpack = ext->total_retrans,
                              .snd_zerowin = base->zero_windows,
                              .snd_una = tcb->snd_una,
                              .snd_max = tcb->snd_nxt,
                              .rcv_numsacks = ext->recent_count,
                              .rcv_adv = tcb->rcv_wup + tcb->rcv_wnd,
                              .dupacks = ext->dupacks,
                              .rttmin = tcb->min_rtt_us == UINT32_MAX ? 0 : tcb->min_rtt_us / 1000 /* t_rttlow: in ticks */};
}
