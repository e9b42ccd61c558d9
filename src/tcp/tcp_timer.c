/* tcp_timer.c: timeouts (RFC 9293 3.8.1, 3.8.3, 3.10.8). Each deadline is a field of the tcb; the tcb has one heap entry at or before
 * the earliest, re-armed lazily when it comes up, so that an ACK costs one store. BSD's timers count ticks of the host. Window probes
 * are tcp_persist.c's, keep-alives and FIN-WAIT-2 tcp_keepalive.c's. */
#include "tcp/tcb.h"

/* A BSD timer of k ticks ends at the kth tick after its start: up to one tick early (FACTS 1); exact hosts add. */
uint64_t timer_tick(const struct tcp *tcp, uint64_t start_ns, uint64_t interval_ns)
{
    uint64_t tick_ns = tcp->params.tick_ms * NS_PER_MS;
    if (tick_ns == 0)
        return start_ns + interval_ns;
    uint64_t phase_ns = tcp->params.tick_phase_ms * NS_PER_MS, ticks = (interval_ns + tick_ns - 1) / tick_ns;
    uint64_t passed = start_ns < phase_ns ? 0 : (start_ns - phase_ns) / tick_ns + 1; /* ticks up to and at START */
    return phase_ns + (passed + (ticks ? ticks : 1) - 1) * tick_ns;
}

/* Linux's timer wheel (kernel/time/timer.c), ticks of a millisecond: a timer fires at the end of the bucket that it falls into, and those
 * are of 1, 8, 64 ... ticks, by how far off it is. */
uint64_t timer_on_wheel(const struct tcp *tcp, uint64_t deadline_ns)
{
    uint64_t phase_ns = tcp->params.wheel_phase_us * NS_PER_US, now = (tcp->now_ns + phase_ns) / NS_PER_MS;
    if (!phase_ns || deadline_ns == LIL_NEVER)
        return deadline_ns;
    uint64_t delay = deadline_ns > tcp->now_ns ? (deadline_ns - tcp->now_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
    unsigned shift = 0;
    for (uint64_t level_end = 63; delay >= level_end && shift < 24; level_end <<= 3)
        shift += 3;
    return (((now + delay) >> shift) + 1) * (NS_PER_MS << shift) - phase_ns;
}

uint64_t timer_fast_tick(const struct tcp *tcp, uint64_t start_ns)
{
    uint64_t tick_ns = (tcp->params.fast_tick_ms ? tcp->params.fast_tick_ms : 200) * NS_PER_MS,
             phase_ns = tcp->params.tick_phase_ms * NS_PER_MS % tick_ns;
    return ((start_ns + tick_ns - phase_ns) / tick_ns + 1) * tick_ns - (tick_ns - phase_ns);
}

/* The interval after the SENTth transmission (from 0). */
uint64_t timer_schedule(const struct tcp *tcp, const struct tcp_schedule *schedule, unsigned sent, uint32_t linear)
{
    uint32_t shift = min_u32(sent > linear ? sent - linear : 0, 20), last = schedule->count - 1u, most = tcp->params.rto_max_ms;
    uint64_t interval_ms = schedule->count ? schedule->interval_ms[min_u32(sent, last)] : (uint64_t)tcp->params.rto_initial_ms << shift;
    return min_u64(interval_ms, most ? most : 120000) * NS_PER_MS;
}

static uint64_t earliest(const struct tcb *tcb)
{
    uint64_t first = tcb->rexmt_ns ? tcb->rexmt_ns : LIL_NEVER;
    if (tcb->delack_ns && tcb->state != TCPS_SYN_SENT && tcb->state != TCPS_SYN_RECEIVED)
        first = min_u64(first, tcb->delack_ns);
    if (tcb->ext) {
        const uint64_t others[] = {tcb->ext->keep_ns, tcb->ext->compress_ns, tcb->ext->pacing_ns};
        for (unsigned i = 0; i < ARRAY_COUNT(others); i++)
            if (others[i])
                first = min_u64(first, others[i]);
    }
    return first;
}

void timer_rearm(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    uint64_t first = earliest(tcb);
    if (first == LIL_NEVER)
        return;
    if (heap_deadline(&tcp->heap, tcb->heap_position) <= first)
        return;
    bool is_next = first < heap_first(&tcp->heap);
    if (heap_set(&tcp->heap, &tcb->heap_position, first) < 0)
        tcp->heap_retry_ns = tcp->now_ns + 100 * NS_PER_MS; /* no memory for a timer */
    if (is_next && tcp->hooks.due && !tcp_is_due(tcp))
        tcp->hooks.due(tcp->hooks.ctx);
}

void timer_set(struct tcb *tcb, enum tcb_timer timer, uint64_t deadline_ns)
{
    tcb->timer = timer;
    tcb->rexmt_ns = timer_on_wheel(tcb->tcp, deadline_ns);
    timer_arm(tcb, tcb->rexmt_ns);
}

void timer_stop(struct tcb *tcb)
{
    tcb->timer = TIMER_NONE;
    tcb->rexmt_ns = 0;
}

/* Linux: what is sent again after a timeout is not waited for beyond TCP_USER_TIMEOUT. SINCE: when that began. */
uint64_t timer_clamp_to_user(const struct tcb *tcb, uint64_t interval_ns, uint64_t since_ns)
{
    uint64_t most_ns = tcb->opt->user_timeout_ms * NS_PER_MS, elapsed_ns = tcb_now(tcb) - since_ns;
    if (!most_ns || tcb_params(tcb)->rto_policy != TCP_RTO_LINUX)
        return interval_ns;
    return elapsed_ns >= most_ns ? NS_PER_MS : min_u64(interval_ns, most_ns - elapsed_ns);
}

/* The window shrank to nothing over what is in flight. */
static bool is_window_shrunk(const struct tcb *tcb)
{
    return tcb->ext && tcb->snd_wnd == 0 && !tcb->is_orphan && tcb->state >= TCPS_ESTABLISHED && !tcb_params(tcb)->byte_recovery;
}

static uint64_t rexmt_interval(const struct tcb *tcb)
{
    uint64_t interval = bsd_until_stuck(tcb, rtt_rto_ns(tcb)), since = tcb_ext_peek(tcb)->retrans_stamp_ns;
    return since && (tcb->retransmits || is_window_shrunk(tcb)) ? timer_clamp_to_user(tcb, interval, since) : interval;
}

/* RFC 6298 5.1-5.3; after a probe or reorder timer the RTO counts from the oldest segment's transmission (RFC 8985 7.3). */
void timer_rexmt(struct tcb *tcb)
{
    if (tcb->state == TCPS_SYN_SENT || tcb->state == TCPS_SYN_RECEIVED) /* the SYN's timer is running */
        return;
    if (tcb_packets_out(tcb) == 0) {
        timer_stop(tcb);
        return;
    }
    uint64_t now = tcb_now(tcb), rto = rtt_rto_ns(tcb), deadline;
    if (tcb->timer == TIMER_TLP || tcb->timer == TIMER_REO) {
        deadline = max_u64(txring_at(tcb->tx, 0)->sent_ns + rto, now + 1);
    } else {
        deadline = timer_tick(tcb->tcp, now, rexmt_interval(tcb));
    }
    timer_set(tcb, TIMER_REXMT, deadline + cwnd_pacing_delay_ns(tcb));
}

/* --- what a timeout does: true while the tcb is still there ----------------------------------------------------------- */

/* RFC 9293 3.9.1.8 (MUST-47): the soft error that was stored is what the process is told. */
void timer_give_up(struct tcb *tcb)
{
    if (tcb->ext)
        fastopen_on_timeout(tcb, true);
    int soft = tcb_ext_peek(tcb)->soft_error;
    TCP_MIB(tcb->tcp, AbortOnTimeout);
    if (tcb_params(tcb)->timeout_rst && tcb->state >= TCPS_SYN_RECEIVED)
        reset_send(tcb);
    tcb_fail(tcb, soft ? soft : ETIMEDOUT);
}

/* Linux: R2 is the time that RETRIES doublings of BASE take (tcp_retries2 15: 924.6 s). */
static uint64_t model_timeout_ms(const struct tcb *tcb, uint32_t retries, uint32_t base_ms)
{
    uint64_t max = rtt_rto_max_us(tcb) / 1000, timeout_ms = 0, step = base_ms;
    for (uint32_t i = 0; i <= retries; i++) {
        timeout_ms += min_u64(step, max);
        step = step < max ? step * 2 : max;
    }
    return timeout_ms;
}

static void count_timeout(struct tcb *tcb, struct tcb_ext *ext, bool takes_other_path)
{
    if (tcb->retransmits == 0) {
        ext->total_rto_recoveries++;
        ext->rto_since_ms = max_u32(tcb_now_ms(tcb), 1);
    }
    ext->total_rto++;
    if (takes_other_path)
        path_on_timeout(tcb, ext);
}

/* The user timeout, or, where some of the SYNs go at even intervals (Linux), as long as DOUBLINGS would take, whatever
 * was sent meanwhile. */
static bool is_syn_overdue(const struct tcb *tcb, uint32_t doublings, uint32_t linear)
{
    uint64_t most_ms = tcb->opt->user_timeout_ms;
    if (!most_ms && linear)
        most_ms = model_timeout_ms(tcb, doublings, tcb_params(tcb)->rto_initial_ms);
    return most_ms && tcb_now(tcb) - tcb_syn_start_ns(tcb) >= most_ms * NS_PER_MS;
}

/* Linux: its SYN/ACK has a timer of its own, which asks once more than a request's (tcp_fastopen_synack_timer). */
static bool is_fastopen_child(const struct tcb *tcb)
{
    return tcb_params(tcb)->input_policy == TCP_INPUT_LINUX && tcb_ext_peek(tcb)->fastopen_child;
}

/* The SYN's schedule is also that of a SYN/ACK to a crossing SYN, and of FreeBSD's fast open, which answers as a connection and not as an
 * entry of the SYN queue (tcp_timer_rexmt()). */
bool timer_goes_by_syn(const struct tcb *tcb)
{
    return tcb->state == TCPS_SYN_SENT || !tcb->is_passive ||
           (tcb_params(tcb)->input_policy == TCP_INPUT_BSD && tcb_ext_peek(tcb)->fastopen_child);
}

/* R2 of the SYN or SYN/ACK, from when the first went; 0: by the count. */
uint32_t timer_syn_end_ms(const struct tcb *tcb, bool active)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (!active && is_fastopen_child(tcb))
        return 0;
    uint32_t own = tcb->opt->syn_end_ms ? tcb->opt->syn_end_ms : tcb->opt->keep_init_ms;
    return active && own ? own : (active ? &params->syn : &params->synack)->give_up_ms;
}

uint64_t timer_syn_interval(const struct tcb *tcb, bool active, unsigned sent)
{
    const struct tcp_params *params = tcb_params(tcb);
    const struct tcp_schedule *schedule = active ? &params->syn : &params->synack;
    if (active && params->rto_policy == TCP_RTO_LINUX)
        return rtt_rto_ns(tcb);
    bool is_longer = timer_syn_end_ms(tcb, active) > schedule->give_up_ms || (!active && is_fastopen_child(tcb));
    if (is_longer && sent + 1u >= schedule->count) /* the schedule's end is no longer the end */
        return min_u64((uint64_t)params->rto_initial_ms << min_u32(sent, 20), params->rto_max_ms) * NS_PER_MS;
    return timer_schedule(tcb->tcp, schedule, sent, active ? params->syn_linear_timeouts : 0);
}

/* FreeBSD: TCP_KEEPINIT and TCP_KEEPIDLE while the SYN is out (tcp_default_ctloutput()): it is given up WAIT_MS from now. */
void timer_syn_end_changed(struct tcb *tcb, uint32_t wait_ms)
{
    struct tcb_opts *own = tcb->state == TCPS_SYN_SENT && tcb->timer == TIMER_SYN ? tcb_opts_own(tcb) : NULL;
    uint64_t next = tcb_syn_start_ns(tcb), end = tcb_now(tcb) + wait_ms * NS_PER_MS;
    if (!own)
        return;
    own->syn_end_ms = (uint32_t)((end - next) / NS_PER_MS);
    for (unsigned i = 0; i <= tcb->retransmits; i++)
        next += timer_syn_interval(tcb, true, i);
    timer_set(tcb, TIMER_SYN, min_u64(next, end));
}

/* The next timeout is twice as long (RFC 6298 5.5), but for a thin stream's first six (Linux: tcp_thin_linear_timeouts). Linux has the
 * timeout itself (icsk_rto) beside the count of its doublings, which window probes share (icsk_backoff). */
static void back_off(struct tcb *tcb)
{
    bool is_thin = (tcb->opt->thin_linear || tcb_params(tcb)->thin_linear_timeouts) && tcb_packets_out(tcb) < 4 && tcb->retransmits <= 6;
    if (is_thin && tcb->state == TCPS_ESTABLISHED) {
        tcb->backoff = 0;
        rtt_revert_rto(tcb);
        return;
    }
    if (tcb->backoff < 60)
        tcb->backoff++;
    if (tcb_params(tcb)->rto_policy == TCP_RTO_LINUX)
        tcb->rto_us = (uint32_t)min_u64(tcb->rto_us * 2ull, rtt_rto_max_us(tcb));
}

/* How often the SYN may go again; LINEAR of them without a backoff. 0: as often as there is time. */
static uint32_t syn_retries(const struct tcb *tcb, uint32_t linear)
{
    const struct tcp_params *params = tcb_params(tcb);
    const struct tcp_schedule *schedule = timer_goes_by_syn(tcb) ? &params->syn : &params->synack;
    bool active = tcb->state == TCPS_SYN_SENT;
    uint32_t retries = schedule->retries, own = tcb->opt->syn_retries;
    if (active && own)
        retries = own;
    if (!active && is_fastopen_child(tcb))
        retries = own ? own : retries + 1;
    if (retries && (schedule->count == 0 || own))
        retries += linear;
    return retries;
}

/* RFC 9293 3.8.3 (MUST-22, MUST-23): R2 for a SYN, as the profile's schedule says; an ICMP error that was kept makes 4.4BSD and others
 * give up sooner. */
static bool is_syn_hopeless(const struct tcb *tcb, uint32_t linear)
{
    const struct tcp_params *params = tcb_params(tcb);
    bool active = tcb->state == TCPS_SYN_SENT;
    uint32_t give_up_ms = timer_syn_end_ms(tcb, active || (params->input_policy == TCP_INPUT_BSD && timer_goes_by_syn(tcb)));
    uint32_t retries = syn_retries(tcb, linear);
    if (give_up_ms && !(active && tcb->opt->syn_retries) &&
        tcb_now(tcb) >= timer_tick(tcb->tcp, tcb_syn_start_ns(tcb), give_up_ms * NS_PER_MS))
        return true;
    if (retries && tcb->retransmits >= retries)
        return true;
    if (tcb->retransmits && is_syn_overdue(tcb, retries - min_u32(retries, linear), linear))
        return true;
    if (!tcb_ext_peek(tcb)->soft_error)
        return false;
    if (params->icmp_policy == TCP_ICMP_SOFT_4S)
        return tcb_now(tcb) - tcb_syn_start_ns(tcb) >= 4 * NS_PER_S;
    return params->icmp_policy == TCP_ICMP_SOFT && params->tick_ms && tcb->retransmits > 3; /* 4.4: t_rxtshift > 3 */
}

static void count_syn_timeout(struct tcb *tcb, struct tcb_ext *ext, uint32_t linear)
{
    bool is_child = is_fastopen_child(tcb);
    if (is_child && !ext->retrans_stamp_ns)
        ext->retrans_stamp_ns = tcb_now(tcb);
    count_timeout(tcb, ext, !is_child);
    ext->total_retrans++;
    if (tcb->is_passive)
        return;
    recovery_on_syn_rto(tcb);
    if (tcb->state != TCPS_SYN_SENT || ext->total_rto > linear)
        back_off(tcb);
}

static bool on_syn_timeout(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    bool active = tcb->state == TCPS_SYN_SENT, is_linux = params->input_policy == TCP_INPUT_LINUX;
    uint32_t linear = active ? params->syn_linear_timeouts : 0;
    if (active && bsd_is_stuck(tcb))
        return timer_give_up(tcb), false;
    if (tcb_ext_peek(tcb)->fastopen_held)
        return fastopen_release_synack(tcb), true;
    if (is_linux)
        TCP_MIB(tcb->tcp, Timeouts);
    if (is_syn_hopeless(tcb, linear))
        return timer_give_up(tcb), false;
    struct tcb_ext *ext = is_linux ? tcb_ext_get(tcb) : NULL;
    if (ext)
        fastopen_on_timeout(tcb, false);
    if (!active && is_fastopen_child(tcb) && tcb->retransmits == 1)
        recovery_on_synack_rto(tcb);
    if (ext)
        count_syn_timeout(tcb, ext, linear);
    if (tcb->retransmits < 255)
        tcb->retransmits++;
    tcb->want_syn = true;
    TCP_MIB(tcb->tcp, SynRetrans);
    TCP_MIB(tcb->tcp, RetransSegs);
    timer_stop(tcb);
    tcb_mark_due(tcb);
    return true;
}

/* R2 from the episode's first retransmission on: TCP_USER_TIMEOUT (RFC 5482), else RETRIES as a time (Linux) or a count. */
static bool is_timed_out(const struct tcb *tcb, uint32_t retries, bool by_user)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint64_t start = tcb_ext_peek(tcb)->retrans_stamp_ns, most_ms = by_user ? tcb->opt->user_timeout_ms : 0;
    if (!most_ms && params->rto_policy != TCP_RTO_LINUX)
        return tcb->retransmits >= retries || bsd_is_stuck(tcb);
    if (!tcb->retransmits || !start)
        return false;
    if (!most_ms)
        most_ms = model_timeout_ms(tcb, retries, LINUX_RTO_MIN_MS);
    return tcb_now(tcb) - start >= most_ms * NS_PER_MS;
}

/* R2 of a connection that no process has any more. ALIVE: timeouts have not reached their maximum; 0 (Linux) is then 8, and else what an
 * ICMP error says. */
uint32_t timer_orphan_retries(const struct tcb *tcb, bool alive)
{
    uint32_t retries = tcb_params(tcb)->orphan_retries;
    if (tcb_params(tcb)->rto_policy != TCP_RTO_LINUX)
        return retries ? retries : 8;
    if (!alive && tcb_ext_peek(tcb)->soft_error)
        return 0;
    return retries || !alive ? retries : 8;
}

static uint32_t data_retries(const struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (!tcb->is_orphan)
        return params->retries2;
    uint32_t retries = timer_orphan_retries(tcb, rtt_rto_ns(tcb) < rtt_rto_max_us(tcb) * NS_PER_US);
    return params->rto_policy == TCP_RTO_LINUX ? retries : min_u32(params->retries2, retries);
}

/* What is sent again probes the window then, and a live peer must not be given up (MUST-37, RFC 9293 3.8.6), until it has been silent
 * for twice the longest timeout or the user's patience ends. */
static bool is_shrunk_overdue(const struct tcb *tcb)
{
    uint64_t start = tcb->ext->retrans_stamp_ns ? tcb->ext->retrans_stamp_ns : txring_at(tcb->tx, 0)->sent_ns;
    uint64_t since_ms = (tcb_now(tcb) - start) / NS_PER_MS, silent_ms = tcb_now_ms(tcb) - tcb->ext->rcv_last_ms;
    uint64_t most_ms = 2ull * rtt_rto_max_us(tcb) / 1000;
    if (tcb->opt->user_timeout_ms) {
        if (since_ms >= tcb->opt->user_timeout_ms)
            return true;
        most_ms = min_u64(most_ms, tcb->opt->user_timeout_ms);
    }
    return silent_ms > most_ms && since_ms > most_ms;
}

/* RFC 9293 3.8.3 (MUST-20): after R1 (retries1) a black hole is looked for where the profile does; a next hop that confirms nothing more is
 * probed by its neighbour cache (RFC 4861 7.3); after R2 (is_timed_out) the connection ends. False: it did. */
static bool count_retry(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    TCP_MIB(tcb->tcp, Timeouts);
    if (is_timed_out(tcb, data_retries(tcb), true))
        return timer_give_up(tcb), false;
    if (!tcb->ext)
        return true;
    fastopen_on_timeout(tcb, false);
    bool past_r1 = params->rto_policy == TCP_RTO_LINUX ? is_timed_out(tcb, params->retries1, false) : tcb->retransmits == params->retries1;
    if (params->byte_recovery)
        bsd_black_hole(tcb);
    else if (past_r1 && params->mtu_probing)
        plpmtud_black_hole(tcb);
    return true;
}

static bool on_rexmt_timeout(struct tcb *tcb)
{
    if (tcb_packets_out(tcb) == 0)
        return timer_stop(tcb), true;
    struct tcb_ext *ext = tcb_ext_get(tcb);
    bool shrunk = is_window_shrunk(tcb);
    if (shrunk && is_shrunk_overdue(tcb))
        return timer_give_up(tcb), false;
    if (!shrunk && !count_retry(tcb))
        return false;
    if (!ext) { /* no memory to recover with: try again a little later */
        timer_set(tcb, TIMER_REXMT, tcb_now(tcb) + 200 * NS_PER_MS);
        return true;
    }
    ext->base.rto_ns = 0;
    recovery_on_rto(tcb, !shrunk);
    ext->nothing_new = tcb_params(tcb)->rto_policy == TCP_RTO_LINUX; /* nor is the window found to be the limit (tcp_cwnd_validate) */
    if (!ext->retrans_stamp_ns)
        ext->retrans_stamp_ns = tcb_now(tcb);
    if (!shrunk) {
        count_timeout(tcb, ext, true);
        if (tcb->retransmits < 255)
            tcb->retransmits++;
    }
    back_off(tcb);
    tcp_trace_text(tcb, "rto");
    timer_set(tcb, TIMER_REXMT, timer_tick(tcb->tcp, tcb_now(tcb), rexmt_interval(tcb)));
    if (tcb_params(tcb)->byte_recovery)
        base_check_shut(tcb);
    tcb_mark_due(tcb);
    return true;
}

/* RFC 6069 4: the timeout of the segment that ICMP tells of said nothing of congestion: one doubling is taken back, and
 * what is then due goes. False: it was the last. */
bool timer_revert_backoff(struct tcb *tcb, uint32_t seq)
{
    if (seq != tcb->snd_una || !tcb->retransmits || !tcb->backoff || tcb_packets_out(tcb) == 0)
        return true;
    tcb->backoff--;
    rtt_revert_rto(tcb);
    uint64_t due_ns = txring_at(tcb->tx, 0)->sent_ns + rtt_rto_ns(tcb);
    if (due_ns <= tcb_now(tcb))
        return on_rexmt_timeout(tcb);
    timer_set(tcb, TIMER_REXMT, due_ns);
    return true;
}

static bool on_main_timeout(struct tcb *tcb)
{
    switch ((enum tcb_timer)tcb->timer) {
    case TIMER_SYN:
        return on_syn_timeout(tcb);
    case TIMER_REXMT:
        return on_rexmt_timeout(tcb);
    case TIMER_PERSIST:
        return persist_on_timeout(tcb);
    case TIMER_TLP:
        recovery_send_tlp(tcb);
        return true;
    case TIMER_REO:
        recovery_rack_timeout(tcb);
        return true;
    case TIMER_FIN_WAIT_2:
        return fin_wait_2_on_timeout(tcb);
    default:
        timer_stop(tcb);
        tcb_mark_due(tcb);
        return true;
    }
}

/* The tcb's heap entry came up: run what is due by now and put the entry at the next deadline. */
void tcb_run_timers(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    struct handle self = slab_handle(&tcp->tcbs, tcb->slot);
    uint64_t now = tcp->now_ns;
    if (tcb->rexmt_ns && tcb->rexmt_ns <= now && !on_main_timeout(tcb) && !slab_find(&tcp->tcbs, self))
        return;
    bool syn = tcb->state == TCPS_SYN_SENT || tcb->state == TCPS_SYN_RECEIVED;
    if (!syn && tcb->delack_ns && tcb->delack_ns <= now) {
        tcb->delack_ns = 0;
        delack_on_timer(tcb);
    }
    if (tcb->ext && tcb->ext->compress_ns && tcb->ext->compress_ns <= now) {
        tcb->ext->compress_ns = 0;
        delack_on_compressed_timer(tcb);
    }
    if (tcb->ext && tcb->ext->pacing_ns && tcb->ext->pacing_ns <= now) {
        cwnd_pacing_timer(tcb);
    }
    if (tcb->ext && tcb->ext->keep_ns && tcb->ext->keep_ns <= now && !keepalive_on_timeout(tcb) && !slab_find(&tcp->tcbs, self))
        return;
    uint64_t next = earliest(tcb);
    if (next == LIL_NEVER) {
        heap_remove(&tcp->heap, &tcb->heap_position);
    } else if (tcb->heap_position != HEAP_NONE) {
        (void)!heap_set(&tcp->heap, &tcb->heap_position, max_u64(next, now + 1));
    }
}
