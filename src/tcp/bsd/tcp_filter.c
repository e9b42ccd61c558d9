/* tcp_filter.c: FreeBSD's accept filters (accept_filter(9)): a connection whose handshake is done waits outside the completed queue until
 * its peer has said enough: anything (dataready), a whole GET or HEAD request (httpready), a whole query (dnsready). */
#include <string.h>
#include "tcp/tcb.h"

enum { LOOK = 4096 };

static bool has_request(const char *text, size_t length)
{
    if (memcmp(text, "GET ", length < 4 ? length : 4) != 0 && memcmp(text, "HEAD ", length < 5 ? length : 5) != 0)
        return true; /* nothing that the filter knows: let the program see */
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\n' && ((i + 1 < length && text[i + 1] == '\n') || (i + 2 < length && text[i + 1] == '\r' && text[i + 2] == '\n')))
            return true;
    return length == LOOK;
}

static bool is_ready(const struct tcp_listener *listener, const struct tcb *tcb)
{
    uint8_t text[LOOK];
    if (tcb->state >= TCPS_CLOSE_WAIT || tcb->so_error)
        return true;
    struct iovec iov = {text, sizeof text};
    size_t length = tcb->rcv_stream ? stream_peek(tcb->rcv_stream, 0, &iov, 1, sizeof text) : 0;
    switch (listener->filter) {
    case TCP_FILTER_HTTP: return length && has_request((const char *)text, length);
    case TCP_FILTER_DNS: return length > 1 && length >= 2u + text[0] * 256u + text[1];
    default: return length > 0;
    }
}

unsigned tcp_listener_held(const struct tcp_listener *listener)
{
    unsigned count = 0;
    for (uint32_t slot = listener->held; slot != TCP_NONE; slot = tcp_tcb(listener->tcp, slot)->accept_next)
        count++;
    return count;
}

/* The one that has waited longest, the last of the list. */
static void drop_oldest(struct tcp_listener *listener)
{
    uint32_t *at = &listener->held;
    while (tcp_tcb(listener->tcp, *at)->accept_next != TCP_NONE)
        at = &tcp_tcb(listener->tcp, *at)->accept_next;
    struct tcb *tcb = tcp_tcb(listener->tcp, *at);
    *at = TCP_NONE;
    tcb->is_unaccepted = false;
    tcb->user = NULL;
    tcp_abort(listener->tcp, tcb, listener->tcp->now_ns);
}

/* True: TCB has to wait. Those that wait are no more than the backlog allows, and one (solisten_enqueue()). */
bool filter_holds(struct tcp_listener *listener, struct tcb *tcb)
{
    if (!listener->filter || is_ready(listener, tcb))
        return false;
    while (tcp_listener_held(listener) > listener_backlog(listener))
        drop_oldest(listener);
    tcb->accept_next = listener->held;
    listener->held = tcb->slot;
    return true;
}

/* Something came for a connection that nobody has accepted. */
void filter_check(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    struct tcp_listener *listener = listener_find(tcp, &tcb->flow, 0);
    if (!listener || !listener->filter || !is_ready(listener, tcb))
        return;
    for (uint32_t before = TCP_NONE, slot = listener->held; slot != TCP_NONE; before = slot, slot = tcp_tcb(tcp, slot)->accept_next) {
        if (slot != tcb->slot)
            continue;
        if (before == TCP_NONE)
            listener->held = tcb->accept_next;
        else
            tcp_tcb(tcp, before)->accept_next = tcb->accept_next;
        listener_enqueue(listener, tcb);
        return;
    }
}

/* KIND TCP_FILTER_NONE: all that waited are let in. */
void tcp_listener_set_filter(struct tcp_listener *listener, uint8_t kind)
{
    struct tcp *tcp = listener->tcp;
    tcp->filters += (kind != 0) - (listener->filter != 0);
    listener->filter = kind;
    while (kind == TCP_FILTER_NONE && listener->held != TCP_NONE) {
        struct tcb *tcb = tcp_tcb(tcp, listener->held);
        listener->held = tcb->accept_next;
        listener_enqueue(listener, tcb);
    }
}

uint8_t tcp_listener_filter(const struct tcp_listener *listener) { return listener->filter; }
