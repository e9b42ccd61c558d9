/* tcp_keepalive.c: keep-alives (RFC 9293 3.8.4), and how long FIN-WAIT-2 lasts, which FreeBSD counts in their intervals. */
#include "tcp/tcb.h"

#define LINUX_TIME_WAIT_NS (60 * NS_PER_S) /* TCP_TIMEWAIT_LEN */

/* RFC 9293 3.8.4: the socket's, else the profile's: two hours (MUST-27, MUST-28), but in 4.2BSD, which predates the rule. */
static uint64_t keep_ns(const struct tcb *tcb, bool interval)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint32_t ms = interval ? tcb->opt->keep_interval_ms : tcb->opt->keep_idle_ms;
    if (ms == 0)
        ms = interval ? params->keepalive_interval_ms : params->keepalive_idle_ms;
    return (ms ? ms : interval ? 75000 : 7200000) * NS_PER_MS;
}

static uint32_t keep_count(const struct tcb *tcb)
{
    uint32_t probes = tcb->opt->keep_probes ? tcb->opt->keep_probes : tcb_params(tcb)->keepalive_probes;
    return probes ? probes : 9;
}

/* Since when nothing came: Linux counts text and ACKs that were good, others any segment. */
static uint64_t idle_ns(const struct tcb *tcb)
{
    uint32_t now = tcb_now_ms(tcb), idle_ms = now - tcb_ext_peek(tcb)->rcv_last_ms;
    if (tcb_params(tcb)->input_policy != TCP_INPUT_BSD)
        idle_ms = min_u32(idle_ms, now - tcb->last_rcv_ms);
    return idle_ms * NS_PER_MS;
}

static bool wants_keepalive(const struct tcb *tcb) { return tcb->opt->socket.keepalive || tcb_params(tcb)->keepalive_always; }

static uint64_t keep_at(const struct tcp *tcp, uint64_t start_ns, uint64_t interval_ns)
{
    return timer_on_wheel(tcp, timer_tick(tcp, start_ns, interval_ns));
}

/* RFC 9293 3.8.4: for each connection (MUST-24), off unless asked for (MUST-25). Linux has one timer for this and for
 * an orphan in FIN-WAIT-2. */
void keepalive_arm(struct tcb *tcb, bool activity)
{
    enum tcp_input_policy policy = tcb_params(tcb)->input_policy;
    if (!(wants_keepalive(tcb) || policy == TCP_INPUT_BSD) ||
        (policy == TCP_INPUT_LINUX && tcb->is_orphan && tcb->state == TCPS_FIN_WAIT_2)) {
        if (tcb->ext)
            tcb->ext->keep_ns = 0;
        return;
    }
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext || tcb->state < TCPS_ESTABLISHED || tcb->state == TCPS_TIME_WAIT)
        return;
    if (activity || ext->keep_ns == 0) {
        ext->keep_ns = keep_at(tcb->tcp, tcb_now(tcb), keep_ns(tcb, false));
        timer_rearm(tcb);
    }
}

/* TCP_KEEPIDLE of a connection whose timer runs: counted from when something came last (Linux), or anew. */
void keepalive_changed(struct tcb *tcb)
{
    if (!tcb->ext || !tcb->ext->keep_ns)
        return;
    uint64_t wait = keep_ns(tcb, false), passed = tcb_params(tcb)->input_policy == TCP_INPUT_BSD ? 0 : min_u64(idle_ns(tcb), wait);
    tcb->ext->keep_ns = keep_at(tcb->tcp, tcb_now(tcb), wait - passed);
    timer_rearm(tcb);
}

/* tcp_timer_keep(): the timer always runs, whatever is in flight; only how long the peer was silent counts. */
static bool on_keepalive_bsd(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    uint64_t now = tcb_now(tcb), idle = idle_ns(tcb), wait = keep_ns(tcb, false), again = keep_ns(tcb, true);
    bool may_probe = wants_keepalive(tcb) && tcb->state != TCPS_LAST_ACK && tcb->state != TCPS_FIN_WAIT_2;
    if (idle < wait || !may_probe) {
        ext->keep_ns = keep_at(tcb->tcp, now, idle < wait ? wait - idle : wait);
        return true;
    }
    if (idle >= wait + again * keep_count(tcb))
        return timer_give_up(tcb), false;
    ext->keep_probes_out++;
    tcb->want_keepalive = true;
    tcb_mark_due(tcb);
    ext->keep_ns = keep_at(tcb->tcp, now, again);
    return true;
}

/* RFC 9293 3.8.4: only after silence (MUST-26); several unanswered probes end a connection, never one (MUST-29). */
bool keepalive_on_timeout(struct tcb *tcb)
{
    if (tcb_params(tcb)->input_policy == TCP_INPUT_BSD)
        return on_keepalive_bsd(tcb);
    struct tcb_ext *ext = tcb->ext;
    uint64_t now = tcb_now(tcb), idle = idle_ns(tcb), wait = keep_ns(tcb, false);
    if (tcb_packets_out(tcb) || tcb_has_unsent(tcb)) {
        ext->keep_ns = keep_at(tcb->tcp, now, wait);
        return true;
    }
    if (idle < wait) {
        ext->keep_ns = keep_at(tcb->tcp, now, wait - idle);
        return true;
    }
    bool expired = ext->keep_probes_out >= keep_count(tcb);
    if (tcb->opt->user_timeout_ms)
        expired = idle >= tcb->opt->user_timeout_ms * NS_PER_MS && ext->keep_probes_out > 0;
    if (expired) {
        if (!tcb_params(tcb)->timeout_rst)
            reset_send(tcb);
        return timer_give_up(tcb), false;
    }
    ext->keep_probes_out++;
    tcb->want_keepalive = true;
    tcb_mark_due(tcb);
    ext->keep_ns = keep_at(tcb->tcp, now, keep_ns(tcb, true));
    return true;
}

/* An orphan in FIN_WAIT_2 waits only so long for the peer's FIN; on Linux as a record, unless the segment that brings it here has more
 * to tell. False: there is no place for a record, it is over. */
bool fin_wait_2_start(struct tcb *tcb, bool may_be_record)
{
    const struct tcp_params *params = tcb_params(tcb);
    bool receives = !tcb->is_orphan && !(tcb->rcv_shutdown && params->input_policy == TCP_INPUT_BSD);
    if (receives || tcb->state != TCPS_FIN_WAIT_2)
        return true;
    uint64_t wait = (params->fin_wait2_recycle ? params->fin_wait2_recycle_ms : params->fin_wait2_ms) * NS_PER_MS;
    if (params->fin_wait2_by_keepalive && !params->fin_wait2_recycle)
        wait = keep_ns(tcb, true) * keep_count(tcb);
    if (tcb->opt->linger2_ms > 0)
        wait = tcb->opt->linger2_ms * NS_PER_MS;
    if (!params->fin_wait2_by_keepalive)
        wait = max_u64(wait, tcb->rto_us * 7ull / 2 * NS_PER_US);
    tcb->is_fin_waiter = may_be_record && tcb->is_orphan && params->input_policy == TCP_INPUT_LINUX &&
                         (wait <= LINUX_TIME_WAIT_NS || tcb->timer == TIMER_FIN_WAIT_2);
    if (tcb->is_fin_waiter && timewait_refuses(tcb->tcp)) {
        TCP_MIB(tcb->tcp, TimeWaitOverflow);
        tcb_done(tcb);
        return false;
    }
    /* what is beyond 60 s as a connection, and again as a record */
    if (params->input_policy == TCP_INPUT_LINUX && wait > LINUX_TIME_WAIT_NS)
        wait -= LINUX_TIME_WAIT_NS;
    if (tcb->is_fin_waiter && tcb->ext) { /* a record has nothing to take text with */
        tcb->ext->oow_ack_ns = 0;
        reass_free(tcb);
    }
    if (tcb->is_fin_waiter)
        tcb->tcp->mib[wait <= 4 * NS_PER_S ? MIB_TWKilled : MIB_TW]++; /* by how long it waits */
    keepalive_arm(tcb, false);
    timer_set(tcb, TIMER_FIN_WAIT_2, timer_tick(tcb->tcp, tcb_now(tcb), wait));
    return true;
}

/* FreeBSD: TCP_KEEPINTVL and TCP_KEEPCNT make the wait, which a connection that may receive has not, anew. */
void fin_wait_2_changed(struct tcb *tcb)
{
    if (tcb->state == TCPS_FIN_WAIT_2)
        timer_set(tcb, TIMER_FIN_WAIT_2, timer_tick(tcb->tcp, tcb_now(tcb), keep_ns(tcb, true) * keep_count(tcb)));
}

/* FreeBSD asks again a keepalive interval later, as long as the peer was not silent for all of them. */
bool fin_wait_2_on_timeout(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint64_t idle = (uint64_t)(tcb_now_ms(tcb) - tcb_ext_peek(tcb)->rcv_last_ms) * NS_PER_MS;
    if (params->input_policy == TCP_INPUT_LINUX && !tcb->is_fin_waiter) {
        if (!fin_wait_2_start(tcb, true))
            return false;
        metrics_save_of_waiter(tcb);
        return true;
    }
    if (!params->fin_wait2_by_keepalive || params->fin_wait2_recycle || idle > keep_ns(tcb, true) * keep_count(tcb))
        return tcb_done(tcb), false;
    timer_set(tcb, TIMER_FIN_WAIT_2, timer_tick(tcb->tcp, tcb_now(tcb), keep_ns(tcb, true)));
    return true;
}
