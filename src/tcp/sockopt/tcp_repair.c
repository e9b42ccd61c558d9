/* tcp_repair.c: Linux's checkpoints of connections (TCP_REPAIR; no RFC): a socket under repair tells and takes sequence numbers, queues,
 * options and the window; its connect() says nothing, what is written into its send queue counts as sent, its close() is silent. */
#include <linux/tcp.h>
#include "tcp/sockopt/tcp_repair.h"

enum { QUEUE_NONE, QUEUE_RECEIVE, QUEUE_SEND, QUEUES };

bool repair_has(int name)
{
    return name == TCP_REPAIR || name == TCP_REPAIR_QUEUE || name == TCP_QUEUE_SEQ || name == TCP_REPAIR_OPTIONS ||
           name == TCP_REPAIR_WINDOW || name == TCP_TIMESTAMP;
}

int repair_listener_setopt(int name)
{
    return name == TCP_REPAIR_OPTIONS ? -EINVAL : -EPERM;
}

/* On; off with a probe, so that the peer's window is heard; off without. */
static int turn(struct tcb *tcb, int number)
{
    if (number < -1 || number > 1)
        return -EINVAL;
    if (number == 1 && !tcb_ext_get(tcb))
        return -ENOBUFS;
    if (tcb->ext) {
        tcb->ext->repair = number == 1;
        tcb->ext->repair_queue = QUEUE_NONE;
    }
    tcb->is_guarded = opts_are_guarded(tcb->opt) || number == 1;
    if (number == 0 && tcb->state == TCPS_ESTABLISHED) {
        tcb->want_keepalive = true;
        tcb_mark_due(tcb);
    }
    return 0;
}

static int set_sequence(struct tcb *tcb, uint32_t seq)
{
    uint8_t queue = tcb_ext_peek(tcb)->repair_queue;
    if (tcb->state != TCPS_CLOSED)
        return -EPERM;
    if (queue == QUEUE_SEND)
        tcb->snd_una = tcb->snd_nxt = tcb->write_seq = seq;
    else if (queue == QUEUE_RECEIVE)
        tcb->rcv_nxt = tcb->rcv_wup = seq;
    return queue == QUEUE_NONE ? -EINVAL : 0;
}

/* What the handshakes agreed on (tcp_repair_options_est()). */
static int set_negotiated(struct tcb *tcb, const uint8_t *value, unsigned length)
{
    struct tcp_repair_opt option;
    if (tcb->state != TCPS_ESTABLISHED || tcb_ext_peek(tcb)->bytes_sent)
        return -EPERM;
    for (; length >= sizeof option; value += sizeof option, length -= (unsigned)sizeof option) {
        memcpy(&option, value, sizeof option);
        switch (option.opt_code) {
        case 2: /* TCPOPT_MSS */
            tcb->mss_clamp = (uint16_t)option.opt_val; /* from the next change of the path on */
            break;
        case 3: /* TCPOPT_WINDOW */
            if ((option.opt_val & 0xffff) > 14 || option.opt_val >> 16 > 14)
                return -EFBIG;
            tcb->snd_wscale = option.opt_val & 15;
            tcb->rcv_wscale = option.opt_val >> 16 & 15;
            tcb->wscale_ok = true;
            break;
        case 4: /* TCPOPT_SACK_PERM */
            if (option.opt_val)
                return -EINVAL;
            tcb->sack_ok = true;
            break;
        case 8: /* TCPOPT_TIMESTAMP */
            if (option.opt_val)
                return -EINVAL;
            tcb->ts_ok = true;
            break;
        default:
            break;
        }
    }
    return 0;
}

static int set_window(struct tcb *tcb, const void *value, unsigned length)
{
    struct tcp_repair_window window;
    if (length != sizeof window)
        return -EINVAL;
    memcpy(&window, value, sizeof window);
    if (window.max_window < window.snd_wnd || seq_gt(window.snd_wl1, tcb->rcv_nxt + window.rcv_wnd) || seq_gt(window.rcv_wup, tcb->rcv_nxt))
        return -EINVAL;
    tcb->snd_wl1 = window.snd_wl1;
    tcb->snd_wnd = window.snd_wnd;
    tcb->max_window = window.max_window;
    tcb->rcv_wnd = window.rcv_wnd;
    tcb->rcv_wup = window.rcv_wup;
    tcb->ext->is_retracted = false;
    return 0;
}

int repair_setopt(struct tcb *tcb, int name, int number, const void *value, unsigned length)
{
    if (name == TCP_REPAIR)
        return turn(tcb, number);
    if (name == TCP_QUEUE_SEQ) /* asks for the queue alone */
        return set_sequence(tcb, (uint32_t)number);
    if (!repair_is_on(tcb))
        return name == TCP_REPAIR_OPTIONS ? -EINVAL : -EPERM;
    switch (name) {
    case TCP_REPAIR_QUEUE:
        if (number < 0 || number >= QUEUES)
            return -EINVAL;
        tcb->ext->repair_queue = (uint8_t)number;
        return 0;
    case TCP_REPAIR_OPTIONS:
        return set_negotiated(tcb, value, length);
    case TCP_REPAIR_WINDOW:
        return set_window(tcb, value, length);
    default: /* TCP_TIMESTAMP */
        tcb->ts_offset = (uint32_t)number - tcb->tcp->now_ts;
        return 0;
    }
}

int repair_getopt(struct tcb *tcb, int name, void *value, unsigned *length)
{
    struct tcp_repair_window window = {.snd_wl1 = tcb->snd_wl1, .snd_wnd = tcb->snd_wnd, .max_window = tcb->max_window,
                                       .rcv_wnd = tcb->rcv_wnd, .rcv_wup = tcb->rcv_wup};
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    uint32_t number = 0;
    switch (name) {
    case TCP_REPAIR:
        number = ext->repair;
        break;
    case TCP_REPAIR_QUEUE:
        if (!ext->repair)
            return -EINVAL;
        number = ext->repair_queue;
        break;
    case TCP_QUEUE_SEQ:
        if (ext->repair_queue == QUEUE_NONE)
            return -EINVAL;
        number = ext->repair_queue == QUEUE_SEND ? tcb->write_seq : tcb->rcv_nxt;
        break;
    case TCP_REPAIR_WINDOW:
        if (*length != sizeof window)
            return -EINVAL;
        if (!ext->repair)
            return -EPERM;
        memcpy(value, &window, sizeof window);
        return 0;
    default:
        return -EAGAIN;
    }
    *length = min_u32(*length, sizeof number);
    memcpy(value, &number, *length);
    return 0;
}

void repair_connect(struct tcb *tcb)
{
    uint8_t wscale;
    tcb->snd_una = tcb->snd_nxt = tcb->write_seq;
    tcb->mss_clamp = (uint16_t)mss_without_option(tcb_params(tcb), tcb->is_v4);
    tcb->ts_ok = tcb_params(tcb)->offer_timestamps; /* room for them */
    mss_refresh(tcb);
    tcb->ts_ok = false;
    tcb->rcv_wnd = window_of_open(tcb, tcb->advmss, &wscale);
    tcb->rcv_wscale = wscale & 15;
    tcb->rcv_wup = tcb->rcv_nxt;
    tcb->ext->pushed_seq = tcb->write_seq;
    tcb->last_snd_ms = tcb->last_rcv_ms = tcb->ext->rcv_last_ms = tcb_now_ms(tcb);
    tcb_set_state(tcb, TCPS_SYN_SENT);
    tcb_set_state(tcb, TCPS_ESTABLISHED);
    window_init(tcb);
    tcb->rto_us = tcb->mdev_us = tcb->mdev_max_us = tcb->rttvar_us = 3000000; /* nothing was measured (RFC 6298 5.7) */
    tcb->rcv_mss = 88; /* TCP_MIN_MSS, as before any SYN */
    tcb_event(tcb, TCP_EV_CONNECTED | TCP_EV_WRITABLE);
}

ssize_t repair_send(struct tcb *tcb, const struct iovec *iov, int count, size_t limit)
{
    if (tcb->ext->repair_queue == QUEUE_SEND)
        return -EAGAIN; /* written as ever; guard_output() keeps it here */
    if (tcb->ext->repair_queue != QUEUE_RECEIVE)
        return -EINVAL;
    ssize_t taken = stream_write(&tcb->rcv_stream, tcb->tcp->pool, iov, count, limit, tcb->mss);
    if (taken < 0)
        return -ENOMEM;
    tcb->ext->bytes_received += (uint64_t)taken;
    tcb->rcv_nxt += (uint32_t)taken;
    tcb->readable += (uint32_t)taken;
    (void)rmem_charge(tcb, (uint32_t)taken);
    return taken;
}

ssize_t repair_receive(struct tcb *tcb, const struct iovec *iov, int count, size_t limit, bool peek)
{
    if (!peek)
        return -EPERM;
    if (tcb->ext->repair_queue == QUEUE_NONE)
        return -EINVAL;
    if (tcb->ext->repair_queue == QUEUE_SEND)
        return (ssize_t)stream_peek(tcb->snd_stream, 0, iov, count, limit);
    return (ssize_t)stream_peek(tcb->rcv_stream, 0, iov, count, limit);
}
