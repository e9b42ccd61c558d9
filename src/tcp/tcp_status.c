/* tcp_status.c: STATUS (RFC 9293 3.10.6): what a socket asks of its connection, poll(2) with it, and the options that both share. */
#include <poll.h>
#include "tcp/sockopt/tcp_repair.h"

enum tcp_state tcp_get_state(const struct tcb *tcb) { return tcb->state; }
const struct flow *tcp_get_flow(const struct tcb *tcb) { return &tcb->flow; }
void tcp_buffers(const struct tcb *tcb, uint32_t *sndbuf, uint32_t *rcvbuf) { *sndbuf = tcb->sndbuf, *rcvbuf = tcb->rcvbuf; }
uint32_t tcp_window_space(const struct tcb *tcb, uint32_t rcvbuf) { return window_space(tcb, rcvbuf); }

void tcp_set_rcvlowat(struct tcb *tcb, uint32_t bytes)
{
    uint32_t ratio = tcb_ext_peek(tcb)->scaling_ratio ? tcb_ext_peek(tcb)->scaling_ratio : 128,
             space = (uint32_t)((uint64_t)bytes * 256 / ratio);
    if (!tcb->opt->socket.rcvbuf && space > tcb->rcvbuf)
        tcb->rcvbuf = space;
}
/* Linux counts a FIN that waits, too. */
static uint32_t counted_end(const struct tcb *tcb)
{
    return tcb_params(tcb)->call_policy == TCP_CALLS_LINUX && tcb_is_synchronized(tcb) ? tcb_snd_end(tcb) : tcb->write_seq;
}
/* Linux: nothing that has gone with a SYN counts yet. */
static bool counts_nothing(const struct tcb *tcb)
{
    return tcb_params(tcb)->call_policy == TCP_CALLS_LINUX && (tcb->state == TCPS_SYN_SENT || tcb->state == TCPS_SYN_RECEIVED);
}
size_t tcp_unsent(const struct tcb *tcb)
{
    return counts_nothing(tcb) ? 0 : counted_end(tcb) - seq_min(fastopen_sent_end(tcb), counted_end(tcb));
}
size_t tcp_unacked(const struct tcb *tcb)
{
    if (counts_nothing(tcb))
        return 0;
    if (tcb->state == TCPS_CLOSED)
        return tcb->write_seq - tcb->snd_una;
    bool has_fin = counted_end(tcb) != tcb->write_seq && seq_lt(tcb->snd_una, tcb_snd_end(tcb));
    return stream_length(tcb->snd_stream) + has_fin;
}
bool tcp_has_fin(const struct tcb *tcb) { return tcb->fin_rcvd; }
bool tcp_has_urgent(const struct tcb *tcb) { return tcb->ext && tcb->ext->rcv_urgent && !tcb->ext->urg_taken; }

bool tcp_is_accept_aborted(const struct tcp *tcp) { return tcp->params.accept_aborted; }

int tcp_error(struct tcb *tcb, bool clear)
{
    int error = tcb->so_error;
    if (clear)
        tcb->so_error = 0;
    if (error || !clear || !tcb_ext_peek(tcb)->soft_error || tcb_params(tcb)->call_policy != TCP_CALLS_LINUX)
        return error;
    if (tcb->state >= TCPS_ESTABLISHED || tcb->state == TCPS_CLOSED || fastopen_is_pending_child(tcb)) { /* SO_ERROR: the soft one */
        error = tcb->ext->soft_error;
        tcb->ext->soft_error = 0;
    }
    return error;
}

size_t tcp_queued(const struct tcb *tcb) { return tcb->readable; }

uint32_t tcp_write_seq(const struct tcb *tcb)
{
    return tcb->write_seq;
}

uint32_t tcp_end_seq(const struct tcb *tcb)
{
    return seq_max(counted_end(tcb), tcb->snd_una);
}

uint32_t tcp_unread_seq(const struct tcb *tcb)
{
    bool has_fin = tcb->fin_rcvd && tcb_params(tcb)->call_policy == TCP_CALLS_LINUX && (tcb->readable || tcb_ext_peek(tcb)->fin_waits);
    return tcb->readable + has_fin;
}

uint64_t tcp_last_received_ns(const struct tcb *tcb)
{
    uint64_t ago_ms = (uint32_t)(tcb_now_ms(tcb) - tcb->last_rcv_ms);
    return tcb->ext && tcb->ext->bytes_received ? tcb_now(tcb) - ago_ms * NS_PER_MS : 0;
}

uint32_t tcp_acked_seq(const struct tcb *tcb)
{
    return tcb->snd_una + (tcb->state == TCPS_SYN_RECEIVED); /* Linux's child has no SYN out */
}

unsigned tcp_poll_events(const struct tcb *tcb)
{
    if (tcb_params(tcb)->input_policy == TCP_INPUT_BSD)
        return bsd_poll_events(tcb);
    unsigned events = 0;
    if (tcb->so_error)
        events |= POLLERR;
    if ((tcb->rcv_shutdown || tcb->fin_rcvd) && tcb->snd_shutdown)
        events |= POLLHUP;
    if (tcb->state == TCPS_CLOSED || tcb->state == TCPS_TIME_WAIT)
        events |= POLLHUP;
    if (tcb->rcv_shutdown || tcb->fin_rcvd)
        events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (tcb->state == TCPS_SYN_SENT || (tcb->state == TCPS_SYN_RECEIVED && !tcb_ext_peek(tcb)->fastopen_child))
        return events;
    uint32_t lowat = tcb->opt->socket.rcvlowat ? tcb->opt->socket.rcvlowat : 1;
    if (tcb_has_text(tcb, lowat + (tcp_at_mark(tcb, 0) && !tcb->opt->socket.oob_inline))) /* the urgent byte is no text of the stream's */
        events |= POLLIN | POLLRDNORM;
    if (tcb->snd_shutdown || tcp_is_writeable(tcb) || tcb->state == TCPS_CLOSED)
        events |= POLLOUT | POLLWRNORM;
    if (tcp_has_urgent(tcb) && tcb->ext->urg_valid)
        events |= POLLPRI;
    return events;
}

/* Whoever looks and finds no room is told when there is some again (Linux: tcp_poll sets SOCK_NOSPACE): a writer whose last write just
 * fitted has met no shortage that would say so. */
unsigned tcp_poll_watch(struct tcb *tcb)
{
    unsigned events = tcp_poll_events(tcb);
    if (!(events & POLLOUT) && tcb->state >= TCPS_ESTABLISHED)
        tcb->want_space = true;
    return events;
}

struct tcb_options *tcp_options(struct tcb *tcb)
{
    struct tcb_opts *own = tcb_opts_own(tcb);
    if (own)
        return &own->socket;
    tcb->tcp->scratch_options = tcb->opt->socket; /* no memory: what is written is lost */
    return &tcb->tcp->scratch_options;
}

bool tcp_is_passive(const struct tcb *tcb)
{
    return tcb->is_passive;
}

void tcp_hold_pacing_rate(struct tcb *tcb)
{
    if (tcb->ext && tcb_is_synchronized(tcb) && tcb_params(tcb)->pacing_ss_ratio)
        tcb->ext->rate = cwnd_pacing_rate(tcb);
}

const struct tcb_options *tcp_options_peek(const struct tcb *tcb)
{
    return &tcb->opt->socket;
}

void tcp_options_changed(struct tcp *tcp, struct tcb *tcb, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    const struct tcb_options *options = &tcb->opt->socket;
    if (options->sndbuf)
        tcb->sndbuf = options->sndbuf;
    if (options->rcvbuf && options->rcvbuf != tcb->rcvbuf) {
        window_hold_clamp(tcb);
        tcb->rcvbuf = options->rcvbuf;
    }
    tcb->dont_nagle = options->nodelay;
    tcb->is_guarded = opts_are_guarded(tcb->opt) || repair_is_on(tcb);
    tcb->tcp->has_guards |= options->min_ttl[0] || options->min_ttl[1];
    keepalive_arm(tcb, false);
    if (options->most_mtu6 && tcb->state >= TCPS_SYN_SENT) /* tcp6_use_min_mtu() */
        mss_refresh(tcb);
    if (tcb->state != TCPS_CLOSED)
        tcb_mark_due(tcb);
}
