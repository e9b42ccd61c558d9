/* tcp_zerocopy.c: the end of MSG_ZEROCOPY sends (Linux's msg_zerocopy.rst): when the program may have its pages again, what they cost the
 * send buffer until then, and which text may not be moved meanwhile. Completions wait in tcp_stamp.c's queue. */
#include "base/truesize.h"
#include "tcp/sockopt/tcp_stamp_inner.h"

enum { OPTMEM_MOST = 131072 /* net.core.optmem_max */, OPTMEM_LEAST = 576 };

/* Linux (msg_zerocopy_realloc): a send that goes on in the last buffer, which has not left, shares its completion. */
bool tcp_zerocopy_shares(const struct tcb *tcb)
{
    const struct stamps *stamps = tcb->ext ? tcb->ext->stamps : NULL;
    return stamps && stamps->pinned.count &&
           seq_gt(pinned_of(stamps)[stamps->pinned.count - 1].end, seq_max(tcb->snd_nxt, queue_tail_start(tcb)));
}

/* Each completion costs optional memory until it is told of (sock_omalloc()). */
bool tcp_zerocopy_has_room(const struct tcb *tcb)
{
    const struct stamps *stamps = tcb->ext ? tcb->ext->stamps : NULL;
    uint32_t held = stamps ? stamps->pinned.count : 0;
    for (uint32_t i = 0; stamps && i < stamps->queue.count; i++)
        held += queue_of(stamps)[i].stamp.kind == TCP_STAMP_KIND_ZEROCOPY;
    return held * BUFFER_COST + OPTMEM_LEAST <= OPTMEM_MOST;
}

bool tcp_zerocopy_watch(struct tcp *tcp, struct tcb *tcb, uint32_t number, size_t size, bool shares)
{
    struct stamps *stamps = stamps_need(tcp, tcb);
    if (!stamps)
        return false;
    struct pinned *pinned = shares ? &pinned_of(stamps)[stamps->pinned.count - 1] : NULL;
    if (!pinned || pinned->first + pinned->count != number) {
        pinned = records_push(tcp, &stamps->pinned, sizeof *pinned);
        if (!pinned)
            return false;
        *pinned = (struct pinned){.start = tcb->write_seq - (uint32_t)size, .first = number};
    }
    uint32_t waste = (TRUESIZE_PAGE - (uint32_t)size % TRUESIZE_PAGE) % TRUESIZE_PAGE;
    pinned->end = tcb->write_seq;
    pinned->count++;
    pinned->waste += waste;
    stamps->waste += waste;
    tcb->ext->has_stamps = true;
    return true;
}

/* Whole pages of the program's are held (mm_account_pinned_pages), and paid for by the send buffer. */
uint32_t zerocopy_waste(const struct tcb *tcb)
{
    return tcb->ext->stamps->waste;
}

/* A write went on from BEFORE: a send whose last buffer took more of it is done when all of that buffer is. */
COLD void zerocopy_on_written(struct tcb *tcb, uint32_t before)
{
    struct stamps *stamps = tcb->ext->stamps;
    struct pinned *last = stamps->pinned.count ? &pinned_of(stamps)[stamps->pinned.count - 1] : NULL;
    if (last && last->end == before && seq_gt(before, tcb->snd_nxt))
        last->end = queue_end_of(tcb, before);
}

/* skb_zerocopy_notify_extend() */
static void tell_completion(struct tcb *tcb, const struct pinned *pinned)
{
    struct stamps *stamps = tcb->ext->stamps;
    struct entry *last = stamps->queue.count ? &queue_of(stamps)[stamps->queue.count - 1] : NULL;
    stamps->waste -= pinned->waste;
    if (last && last->stamp.kind == TCP_STAMP_KIND_ZEROCOPY && last->stamp.last + 1 == pinned->first) {
        last->stamp.last += pinned->count;
        return;
    }
    last = records_push(tcb->tcp, &stamps->queue, sizeof *last);
    if (last)
        *last = (struct entry){.stamp = {.kind = TCP_STAMP_KIND_ZEROCOPY,
                                         .first = pinned->first,
                                         .last = pinned->first + pinned->count - 1,
                                         .is_copied = seq_gt(fastopen_sent_end(tcb), pinned->start)}}; /* by the device */
}

/* A FIN that goes with the last text: their buffer stays until both are acknowledged. */
static bool waits_for_fin(const struct tcb *tcb, uint32_t seq)
{
    if (!tcb->fin_queued || seq != tcb->write_seq || tcb->state == TCPS_CLOSED || !tcb->tx || !tcb->tx->count)
        return false;
    const struct txseg *last = txring_at(tcb->tx, tcb->tx->count - 1);
    return last->flags & TX_FIN && seq_lt(last->start, seq);
}

bool zerocopy_complete(struct tcb *tcb, uint32_t seq)
{
    struct stamps *stamps = tcb->ext->stamps;
    uint32_t done = 0;
    seq -= waits_for_fin(tcb, seq);
    for (; done < stamps->pinned.count && seq_le(pinned_of(stamps)[done].end, seq); done++)
        tell_completion(tcb, &pinned_of(stamps)[done]);
    records_shift(&stamps->pinned, done, sizeof(struct pinned));
    return done != 0;
}

/* What had not left goes first, then what was in flight (tcp_write_queue_purge). */
void zerocopy_complete_all(struct tcb *tcb)
{
    struct stamps *stamps = tcb->ext->stamps;
    uint32_t first = 0;
    while (first < stamps->pinned.count && seq_lt(pinned_of(stamps)[first].start, fastopen_sent_end(tcb)))
        first++;
    for (uint32_t i = first; i < stamps->pinned.count; i++)
        tell_completion(tcb, &pinned_of(stamps)[i]);
    for (uint32_t i = 0; i < first; i++)
        tell_completion(tcb, &pinned_of(stamps)[i]);
    stamps->pinned.count = 0;
}

/* Text of MSG_ZEROCOPY is not moved to another buffer (skb_shift). */
COLD bool zerocopy_is_pinned(const struct tcb *tcb, uint32_t start, uint32_t end)
{
    const struct stamps *stamps = tcb->ext->stamps;
    for (uint32_t i = 0; i < stamps->pinned.count; i++)
        if (seq_lt(pinned_of(stamps)[i].start, end) && seq_gt(pinned_of(stamps)[i].end, start))
            return true;
    return false;
}
