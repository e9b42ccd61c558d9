/* tcp_stamp.c: what becomes of certain sends: SO_TIMESTAMPING's three moments of a send's last byte (handed to the device's queue, sent,
 * acknowledged; Linux's timestamping.rst) and the end of a MSG_ZEROCOPY send. Few connections have any: they leave tcp_fast.c's
 * short cuts while a send is watched (ext->has_stamps). The socket layer takes the results and makes them an error queue. */
#include "tcp/tcb.h"

enum { STAMPS_PENDING = 64, STAMPS_READY = 128 };
struct stamps {
    uint32_t pending_count, ready_count;
    struct { uint32_t end; unsigned want; } pending[STAMPS_PENDING];
    struct tcp_stamp ready[STAMPS_READY];
};

bool tcp_stamp_watch(struct tcp *tcp, struct tcb *tcb, unsigned want)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext || (!ext->stamps && !(ext->stamps = pool_alloc(tcp->pool, sizeof *ext->stamps))))
        return false;
    struct stamps *stamps = ext->stamps;
    uint32_t n = stamps->pending_count;
    /* Linux keeps one key a buffer: what waits unsent in the same one is replaced */
    if (n && seq_gt(stamps->pending[n - 1].end, tcb->snd_nxt) && !(want & TCP_STAMP_ZEROCOPY) && !(stamps->pending[n - 1].want & TCP_STAMP_ZEROCOPY) &&
        !ext->eor_count)
        n--;
    if (n == STAMPS_PENDING)
        return false;
    stamps->pending[n].end = tcb->write_seq;
    stamps->pending[n].want = want;
    stamps->pending_count = n + 1;
    ext->has_stamps = true;
    return true;
}

static void make_ready(struct tcb *tcb, enum tcp_stamp_kind kind, uint32_t end, uint32_t size)
{
    struct stamps *stamps = tcb->ext->stamps;
    if (stamps->ready_count < STAMPS_READY)
        stamps->ready[stamps->ready_count++] = (struct tcp_stamp){.kind = kind, .seq = end - 1, .size = size, .time_ns = tcb_now(tcb)};
}

/* A segment leaves, for the first time or again. */
COLD void stamp_on_sent(struct tcb *tcb, uint32_t start, uint32_t end, uint32_t size)
{
    struct stamps *stamps = tcb->ext->stamps;
    bool any = false;
    for (uint32_t i = 0; i < stamps->pending_count; i++) {
        uint32_t mark = stamps->pending[i].end;
        if (!seq_gt(mark, start) || seq_gt(mark, end))
            continue;
        any |= (stamps->pending[i].want & (TCP_STAMP_SCHEDULED | TCP_STAMP_SENT)) != 0;
        if (stamps->pending[i].want & TCP_STAMP_SCHEDULED)
            make_ready(tcb, TCP_STAMP_KIND_SCHEDULED, mark, size);
        if (stamps->pending[i].want & TCP_STAMP_SENT)
            make_ready(tcb, TCP_STAMP_KIND_SENT, mark, size);
    }
    if (any)
        tcb_event(tcb, TCP_EV_ERROR);
}

/* Linux's error queue has the text of what is acknowledged, as far as it was still in the retransmission queue. */
static uint32_t text_around(const struct tcb *tcb, uint32_t seq)
{
    uint32_t i = tcb->tx ? txring_find(tcb, seq) : 0;
    return tcb->tx && i < tcb->tx->count ? txring_at(tcb->tx, i)->end - txring_at(tcb->tx, i)->start : 1;
}

/* SND.UNA moved. */
COLD void stamp_on_acked(struct tcb *tcb)
{
    struct stamps *stamps = tcb->ext->stamps;
    uint32_t done = 0;
    bool any = false;
    for (; done < stamps->pending_count && seq_le(stamps->pending[done].end, tcb->snd_una); done++) {
        any |= (stamps->pending[done].want & (TCP_STAMP_ACKED | TCP_STAMP_ZEROCOPY)) != 0;
        if (stamps->pending[done].want & TCP_STAMP_ACKED)
            make_ready(tcb, TCP_STAMP_KIND_ACKED, stamps->pending[done].end, text_around(tcb, stamps->pending[done].end - 1));
    }
    stamps->pending_count -= done;
    memmove(stamps->pending, stamps->pending + done, stamps->pending_count * sizeof stamps->pending[0]);
    if (stamps->pending_count == 0)
        tcb->ext->has_stamps = false;
    if (any)
        tcb_event(tcb, TCP_EV_ERROR);
}

bool tcp_stamp_peek(const struct tcb *tcb, struct tcp_stamp *stamp)
{
    const struct stamps *stamps = tcb->ext ? tcb->ext->stamps : NULL;
    if (!stamps || !stamps->ready_count)
        return false;
    if (stamp)
        *stamp = stamps->ready[0];
    return true;
}

void tcp_stamp_drop(struct tcb *tcb)
{
    struct stamps *stamps = tcb->ext->stamps;
    memmove(stamps->ready, stamps->ready + 1, --stamps->ready_count * sizeof stamps->ready[0]);
}

void stamp_free(struct tcb *tcb)
{
    pool_free(tcb->tcp->pool, tcb->ext->stamps, sizeof *tcb->ext->stamps);
    tcb->ext->stamps = NULL;
    tcb->ext->has_stamps = false;
}
