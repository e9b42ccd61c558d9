/* tcp_state.c: the only writer of tcb->state (RFC 9293 3.3.2, figure 5 in tcb.h), and the ends of a connection. */
#include "tcp/tcb.h"

const char *tcp_state_name(enum tcp_state state)
{
    static const char *const names[] = {"CLOSED",     "LISTEN",     "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1",
                                        "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING",  "LAST_ACK",     "TIME_WAIT"};
    return (unsigned)state < ARRAY_COUNT(names) ? names[state] : "?";
}

/* RFC 4022's CurrEstab counts these two. */
static uint32_t is_open(enum tcp_state state)
{
    return (1u << TCPS_ESTABLISHED | 1u << TCPS_CLOSE_WAIT) >> state & 1;
}

COLD static void trace_state(struct tcb *tcb, enum tcp_state old)
{
    struct lil_trace event = {.kind = LIL_TRACE_STATE, .old_state = tcp_state_name(old), .new_state = tcp_state_name(tcb->state)};
    tcp_trace(tcb->tcp, &event, &tcb->flow);
}

void tcb_set_state(struct tcb *tcb, enum tcp_state state)
{
    struct tcp *tcp = tcb->tcp;
    enum tcp_state old = tcb->state;
    if (old == state)
        return;
    tcb->state = state;
    tcp->connections += is_open(state) - is_open(old);
    if (state == TCPS_CLOSED) {
        if (is_open(old)) /* RFC 4022: from ESTABLISHED or CLOSE-WAIT, whoever wished it */
            TCP_MIB(tcp, EstabResets);
        if ((old == TCPS_SYN_SENT || old == TCPS_SYN_RECEIVED) && tcb->so_error) /* not given up by the user */
            TCP_MIB(tcp, AttemptFails);
    }
    if (tcp->hooks.trace)
        trace_state(tcb, old);
}

void tcb_adopt_syn_received(struct tcb *tcb)
{
    tcb->state = TCPS_SYN_RECEIVED;
}

void tcb_event(struct tcb *tcb, unsigned events)
{
    if (!tcb->is_unaccepted && tcb->user && tcb->tcp->hooks.event)
        tcb->tcp->hooks.event(tcb->tcp->hooks.ctx, tcb->user, tcb, events);
    else if (__builtin_expect(tcb->is_unaccepted && tcb->tcp->filters, 0) && tcb->state != TCPS_CLOSED)
        filter_check(tcb);
}

static void tcb_release_flow(struct tcb *tcb)
{
    if (!tcb->is_counted)
        return;
    tcb->is_counted = false;
    flow_remove(tcb->tcp, &tcb->flow, 0, FLOW_TCB, tcb->slot, !tcb->reuseaddr);
}

/* Everything that a closed connection no longer needs; data received stays readable for its user. */
static void close_down(struct tcb *tcb)
{
    timer_stop(tcb);
    tcb->delack_ns = 0;
    if (tcb->ext) {
        tcb->ext->keep_ns = tcb->ext->compress_ns = tcb->ext->pacing_ns = 0;
        reass_free(tcb);
    }
    heap_remove(&tcb->tcp->heap, &tcb->heap_position);
    tcb_clear_due(tcb);
    if (tcb->snd_stream)
        stream_free(&tcb->snd_stream);
    txring_free(tcb);
    if (tcb_params(tcb)->call_policy == TCP_CALLS_LINUX) /* where it ended is told still (SIOCOUTQ, TCP_INFO) */
        tcb->write_seq += tcb->fin_queued;
    else
        tcb->snd_una = tcb->snd_nxt = tcb->write_seq;
    tcb->fin_queued = false;
    tcb->ack_sched = tcb->ack_now = tcb->want_syn = tcb->want_probe = tcb->want_keepalive = tcb->want_tlp = false;
    tcb->acks_due = 0;
    tcb->snd_shutdown = tcb->rcv_shutdown = true;
}

/* The end, for all but what a process may still ask for; of an orphan nothing is left. */
static void leave(struct tcb *tcb)
{
    fastopen_child_done(tcb);
    tcb_release_flow(tcb);
    if (tcb->is_orphan) {
        tcb->tcp->orphans--;
        tcb_free(tcb);
        return;
    }
    close_down(tcb);
    tcb_event(tcb, TCP_EV_HUP | TCP_EV_READABLE | TCP_EV_WRITABLE | TCP_EV_RDHUP | (tcb->so_error ? TCP_EV_ERROR : 0));
}

void tcb_done(struct tcb *tcb)
{
    if (tcb_params(tcb)->host_cache)
        hostcache_save(tcb, 0);
    else if (tcb->state == TCPS_LAST_ACK && !tcb->so_error && tcb->snd_una == tcb->snd_nxt)
        metrics_save(tcb);
    tcb_set_state(tcb, TCPS_CLOSED);
    leave(tcb);
}

void tcb_fail(struct tcb *tcb, int error)
{
    tcb->so_error = (uint8_t)error;
    tcb->backoff = 0; /* it went with the queue (Linux: tcp_write_queue_purge) */
    tcb_done(tcb);
}

/* RFC 9293 3.6.1 (MUST-13): 2MSL in a small record. With memory short the wait is skipped, as with a full table
 * (Linux's TimeWaitOverflow). */
void tcb_enter_time_wait(struct tcb *tcb)
{
    tcb_set_state(tcb, TCPS_TIME_WAIT);
    if (tcb_params(tcb)->host_cache)
        hostcache_save(tcb, tcb->tcp->params.time_wait_ms); /* FreeBSD keeps the block until then */
    else if (!tcb->is_fin_waiter)
        metrics_save(tcb);
    if (tcb->is_counted && timewait_new(tcb->tcp, tcb))
        tcb->is_counted = false;
    leave(tcb);
}
