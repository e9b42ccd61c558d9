/* tcp_persist.c: when a closed window is probed, and until when (RFC 9293 3.8.6.1). What a probe is: tcp_output.c. */
#include "tcp/tcb.h"

enum { TOTAL_BACKOFF = 2559 /* tcp_totbackoff: 1 + 2 + ... + 256 + 4 * 512 */, CLOSED_PERSIST_MS = 60000 /* TCPTV_PERSMAX */ };

/* How often the probes' interval has doubled. */
static uint8_t *probe_shift(struct tcb *tcb)
{
    return tcb_params(tcb)->rto_policy == TCP_RTO_LINUX ? &tcb->backoff : &tcb->ext->persist_backoff;
}

/* RFC 9293 3.8.6.1 (MUST-36, SHLD-29, SHLD-30): probe a closed window for ever while the peer answers, backing off. */
static uint64_t persist_interval(const struct tcb *tcb, uint32_t shift)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint64_t interval = tcb->rto_us;
    if (params->persist_policy == TCP_PERSIST_SRTT) {
        interval = tcb->srtt_us ? (tcb->srtt_us / 250 / 4 + tcb->rttvar_us / 250) / 2 * 1000ull : 2000ull * params->rto_initial_ms;
        interval = (interval << min_u32(shift, 9)) + params->rto_slop_ms * 1000ull;
        return min_u64(max_u64(interval, params->persist_min_ms * 1000ull), params->persist_max_ms * 1000ull) * NS_PER_US;
    }
    if (params->rto_policy == TCP_RTO_LINUX) /* tcp_probe0_base() */
        interval = max_u64(interval, LINUX_RTO_MIN_MS * 1000ull);
    interval = min_u64(interval << min_u32(shift, 20), rtt_rto_max_us(tcb));
    if (params->persist_min_ms)
        interval = max_u64(interval, params->persist_min_ms * 1000ull);
    if (params->persist_max_ms)
        interval = min_u64(interval, params->persist_max_ms * 1000ull);
    return interval * NS_PER_US;
}

static void arm(struct tcb *tcb, uint32_t shift)
{
    uint64_t interval = persist_interval(tcb, shift), start = tcb->ext->probe_start_ns, most = tcb->opt->user_timeout_ms * NS_PER_MS;
    if (most && start && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX) { /* TCP_USER_TIMEOUT ends it in time */
        uint64_t elapsed = tcb_now(tcb) - start;
        interval = min_u64(interval, elapsed < most ? max_u64(most - elapsed, 2 * NS_PER_MS) : 2 * NS_PER_MS);
    }
    uint64_t deadline = timer_tick(tcb->tcp, tcb_now(tcb), bsd_until_stuck(tcb, interval));
    timer_set(tcb, TIMER_PERSIST, deadline + cwnd_pacing_delay_ns(tcb));
}

void persist_arm(struct tcb *tcb) { arm(tcb, *probe_shift(tcb)); }

void persist_note(struct tcb *tcb, uint32_t seq)
{
    struct tcb_ext *ext = tcb->ext;
    ext->probed.start_ns = ext->probe_start_ns;
    ext->probed.seq = seq;
    ext->probed.shift = *probe_shift(tcb);
    ext->probed.count = ext->keep_probes_out;
}

void persist_goes_on(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    ext->probe_start_ns = ext->probed.start_ns;
    ext->keep_probes_out = ext->probed.count;
    *probe_shift(tcb) = ext->probed.shift;
    persist_arm(tcb);
}

void persist_end(struct tcb *tcb)
{
    *probe_shift(tcb) = 0;
    tcb->ext->probe_start_ns = 0;
    if (tcb->timer == TIMER_PERSIST)
        timer_stop(tcb);
}

void persist_check(struct tcb *tcb)
{
    if (tcb_packets_out(tcb) || tcb->timer != TIMER_NONE || !tcb_is_synchronized(tcb) || !tcb_ext_get(tcb))
        return;
    if (tcb_params(tcb)->rto_policy != TCP_RTO_LINUX) { /* there the doublings of timeouts count from the second probe on */
        persist_end(tcb);
        tcb->ext->base.probes_anew = false;
        if (tcb_params(tcb)->byte_recovery)
            base_end_backoff(tcb);
    }
    arm(tcb, 0);
}

static bool gives_up_probing(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    const struct tcb_ext *ext = tcb->ext;
    uint32_t limit = params->retries2;
    if (params->persist_policy == TCP_PERSIST_SRTT) { /* FreeBSD: by silence; of a process that is gone a minute's is enough */
        uint64_t idle_ms = tcb_now_ms(tcb) - ext->rcv_last_ms,
                 rto_ms = tcb->rto_us / 1000 - min_u32(tcb->rto_us / 1000, params->rto_slop_ms);
        bool silent = ext->persist_backoff >= limit && idle_ms >= min_u64(7200000, rto_ms * TOTAL_BACKOFF);
        return silent || bsd_is_stuck(tcb) ||
               (tcb->state > TCPS_ESTABLISHED && tcb->state != TCPS_CLOSE_WAIT && idle_ms >= CLOSED_PERSIST_MS);
    }
    if (tcb->is_orphan) {
        bool alive = (uint64_t)tcb->rto_us << min_u32(*probe_shift(tcb), 20) < rtt_rto_max_us(tcb);
        limit = timer_orphan_retries(tcb, alive);
        if (!alive && *probe_shift(tcb) >= limit)
            return true;
    }
    return ext->keep_probes_out >= limit;
}

bool persist_on_timeout(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext || (!base_probes_again(tcb) && (tcb_packets_out(tcb) || !tcb_has_unsent(tcb)))) {
        if (ext && tcb_params(tcb)->rto_policy == TCP_RTO_LINUX) {
            ext->keep_probes_out = 0;
            ext->probe_start_ns = 0;
        }
        return timer_stop(tcb), true;
    }
    if (!ext->probe_start_ns)
        ext->probe_start_ns = tcb_now(tcb);
    else if (tcb->opt->user_timeout_ms && tcb_now(tcb) - ext->probe_start_ns >= tcb->opt->user_timeout_ms * NS_PER_MS)
        return timer_give_up(tcb), false;
    if (gives_up_probing(tcb))
        return timer_give_up(tcb), false;
    ext->keep_probes_out++;
    uint8_t *shift = probe_shift(tcb), most = tcb_params(tcb)->rto_policy == TCP_RTO_LINUX ? tcb_params(tcb)->retries2 : 20;
    if (ext->base.probes_anew)
        *shift = 0;
    else if (*shift < most)
        ++*shift;
    ext->base.probes_anew = false;
    tcb->want_probe = true;
    tcb_mark_due(tcb);
    persist_arm(tcb);
    return true;
}
