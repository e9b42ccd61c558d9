/* tcp_rmem.c: what received text costs, as Linux counts it: buffers, not bytes. A segment's cost is that of the buffer
 * that it came in (from a TUN device); text that fits behind the last one's is copied there and costs nothing. Buffers
 * wait in runs of equal ones, since a reader frees whole ones. When they come to more than the receive buffer, room is
 * made (tcp_prune_queue), or the segment is dropped and the window closed. */
#include "base/truesize.h"
#include "tcp/tcb.h"

enum { PAGE = TRUESIZE_PAGE, PACKED = PAGE - TRUESIZE_TAIL };

bool rmem_is_counted(const struct tcb *tcb) { return tcb_params(tcb)->adv_win_scale != 0; }

static uint32_t cost_of(const struct tcb *tcb, uint32_t length, uint32_t *room)
{
    return truesize_of(length + tcb_headers(tcb) + tcb_ts_bytes(tcb), room);
}

uint32_t rmem_cost(const struct tcb *tcb, uint32_t length)
{
    uint32_t room;
    return cost_of(tcb, length, &room);
}

uint32_t rmem_room(const struct tcb *tcb, uint32_t length)
{
    uint32_t room;
    (void)cost_of(tcb, length, &room);
    return room;
}

/* sk_forward_alloc: pages are taken from the protocol's account, and what is left of one waits for the next segment. */
void rmem_take(struct tcb *tcb, uint32_t cost)
{
    struct rmem *rmem = &tcb->ext->rmem;
    rmem->total += cost;
    rmem->forward = (uint16_t)((rmem->forward - cost) % PAGE);
}

void rmem_give(struct tcb *tcb, uint32_t cost)
{
    struct rmem *rmem = &tcb->ext->rmem;
    rmem->total -= min_u32(cost, rmem->total);
    rmem->forward = (uint16_t)((rmem->forward + cost) % PAGE);
}

/* What is sent and waits to be acknowledged, with its buffers; a FIN behind its last text is in the text's buffer. */
static uint32_t sent_cost(const struct tcb *tcb)
{
    if (seq_ge(tcb->snd_una, tcb->write_seq)) /* nothing, or a FIN alone: the buffer is left */
        return tcb_is_synchronized(tcb) && tcb->snd_una != tcb_snd_end(tcb) && tcb->snd_una == tcb->write_seq ? queue_cost(tcb, 0) : 0;
    return tcb->write_seq - tcb->snd_una + queue_cost(tcb, 0);
}

/* What is left of the page that was paid for last: for text that waits to be read and for what is sent. */
uint32_t rmem_paid(const struct tcb *tcb)
{
    return (tcb->ext->rmem.forward - sent_cost(tcb)) % PAGE;
}

struct tcp_memory tcp_get_memory(const struct tcb *tcb)
{
    if (!tcb->ext || !rmem_is_counted(tcb))
        return (struct tcp_memory){.received = (uint32_t)tcp_readable(tcb), .queued = (uint32_t)tcp_unacked(tcb)};
    return (struct tcp_memory){tcb->ext->rmem.total, sent_cost(tcb), rmem_paid(tcb)};
}

static struct rmem_run *run_at(struct rmem *rmem, unsigned i) { return &rmem->run[(rmem->first + i) % RMEM_PLACES]; }

/* A buffer behind the last. When there is no place for another run, the two oldest become one of their average. */
static void push_run(struct rmem *rmem, uint32_t length, uint32_t cost)
{
    if (rmem->runs >= 2) { /* the last one grew to the size of those before */
        struct rmem_run *last = run_at(rmem, rmem->runs - 1u), *before = run_at(rmem, rmem->runs - 2u);
        if (last->count == 1 && last->length == before->length && last->cost == before->cost) {
            before->count++;
            rmem->runs--;
        }
    }
    if (rmem->runs) {
        struct rmem_run *last = run_at(rmem, rmem->runs - 1u);
        if (last->length == length && last->cost == cost) {
            last->count++;
            return;
        }
    }
    if (rmem->runs == RMEM_RUNS) {
        struct rmem_run *a = run_at(rmem, 0), *b = run_at(rmem, 1);
        uint64_t length_sum = (uint64_t)a->count * a->length + (uint64_t)b->count * b->length,
                 cost_sum = (uint64_t)a->count * a->cost + (uint64_t)b->count * b->cost;
        b->count += a->count;
        b->length = max_u32((uint32_t)(length_sum / b->count), 1);
        b->cost = (uint32_t)(cost_sum / b->count);
        rmem->first = (uint8_t)((rmem->first + 1) % RMEM_PLACES);
        rmem->runs--;
    }
    *run_at(rmem, rmem->runs++) = (struct rmem_run){1, length, cost};
}

/* One more buffer waits, behind whose text ROOM bytes fit. */
static void charge_buffer(struct tcb *tcb, uint32_t length, uint32_t cost, uint32_t room)
{
    push_run(&tcb->ext->rmem, length, cost);
    tcb->ext->rmem.room = (uint16_t)room;
    rmem_take(tcb, cost);
}

/* The last buffer has LENGTH bytes more. */
static void grow_last(struct rmem *rmem, uint32_t length)
{
    struct rmem_run *last = run_at(rmem, rmem->runs - 1u);
    uint32_t whole = last->length + length, cost = last->cost;
    if (last->count == 1) {
        last->length = whole;
        return;
    }
    last->count--;
    push_run(rmem, whole, cost);
}

/* LENGTH bytes that were packed into a page out of order wait to be read now. */
void rmem_charge_packed(struct tcb *tcb, uint32_t length, uint32_t cost)
{
    uint32_t room;
    (void)rmem_packed_cost(length, &room);
    charge_buffer(tcb, length, cost, room);
}

/* LENGTH bytes wait to be read now, in a buffer with BEFORE bytes that were there already. */
void rmem_charge_overlap(struct tcb *tcb, uint32_t length, uint32_t before)
{
    uint32_t room, cost = cost_of(tcb, before + length, &room);
    if (rmem_is_counted(tcb))
        charge_buffer(tcb, length, cost, room);
}

/* LENGTH bytes wait to be read now. */
bool rmem_charge(struct tcb *tcb, uint32_t length)
{
    if (!tcb->ext || !rmem_is_counted(tcb))
        return false;
    struct rmem *rmem = &tcb->ext->rmem;
    uint32_t room, cost = cost_of(tcb, length, &room);
    bool was_paid = cost <= rmem->forward;
    if (length <= rmem->room && rmem->runs) { /* tcp_try_coalesce() */
        rmem->room = (uint16_t)(rmem->room - length);
        TCP_MIB(tcb->tcp, RcvCoalesce);
        grow_last(rmem, length);
        return was_paid;
    }
    charge_buffer(tcb, length, cost, room);
    return was_paid;
}

uint32_t rmem_first(const struct tcb *tcb)
{
    const struct rmem *rmem = &tcb->ext->rmem;
    return rmem->runs ? rmem->run[rmem->first].length - rmem->head_read : 0;
}

/* COPIED bytes were read: buffers that are read whole are free. */
void rmem_release(struct tcb *tcb, size_t copied)
{
    struct rmem *rmem = &tcb->ext->rmem;
    if (tcb->readable == 0 && rmem->runs == 1) { /* all that waited */
        const struct rmem_run *run = run_at(rmem, 0);
        rmem_give(tcb, run->count * run->cost);
        rmem->first = rmem->runs = 0;
        rmem->room = 0;
        rmem->head_read = 0;
        return;
    }
    rmem->head_read += (uint32_t)copied;
    while (rmem->runs && (tcb->readable == 0 || rmem->head_read >= run_at(rmem, 0)->length)) {
        struct rmem_run *run = run_at(rmem, 0);
        uint32_t count = tcb->readable == 0 ? run->count : min_u32(rmem->head_read / run->length, run->count);
        rmem_give(tcb, count * run->cost);
        rmem->head_read -= min_u32(rmem->head_read, count * run->length);
        run->count -= count;
        if (run->count)
            break;
        rmem->first = (uint8_t)((rmem->first + 1) % RMEM_PLACES);
        rmem->runs--;
    }
    if (rmem->runs == 0)
        rmem->room = rmem->head_read = 0;
}

/* --- when it is too much ------------------------------------------------------------------------------------------------- */
bool rmem_is_over(const struct tcb *tcb)
{
    return tcb->ext->rmem.total > tcb->rcvbuf;
}

/* PART bytes, of a page at most, in a buffer of their own. ROOM: what fits behind them. */
uint32_t rmem_packed_cost(uint32_t part, uint32_t *room)
{
    uint32_t size = part <= TRUESIZE_SMALL - TRUESIZE_TAIL ? TRUESIZE_SMALL : 1024;
    while (size < (part + 63) / 64 * 64 + TRUESIZE_TAIL)
        size *= 2;
    *room = size - TRUESIZE_TAIL - part;
    return size + TRUESIZE_HEAD;
}

/* tcp_collapse(): from the first buffer that costs more than the window's share of it, text is packed into whole pages. */
static void collapse(struct tcb *tcb)
{
    struct rmem *rmem = &tcb->ext->rmem;
    uint32_t from = 0, bytes = 0;
    while (from < rmem->runs && window_space(tcb, run_at(rmem, from)->cost) <= run_at(rmem, from)->length &&
           !(from == 0 && rmem->head_read))
        from++;
    if (from == rmem->runs || (from == rmem->runs - 1u && run_at(rmem, from)->count == 1))
        return;
    for (; rmem->runs > from; rmem->runs--) {
        const struct rmem_run *run = run_at(rmem, rmem->runs - 1u);
        bytes += run->count * run->length;
        rmem_give(tcb, run->count * run->cost);
        tcb->tcp->mib[MIB_RcvCollapsed] += run->count;
    }
    if (from == 0) {
        bytes -= min_u32(rmem->head_read, bytes);
        rmem->head_read = 0;
    }
    for (rmem->room = 0; bytes;) {
        uint32_t part = min_u32(bytes, PACKED), room, cost = rmem_packed_cost(part, &room);
        charge_buffer(tcb, part, cost, room);
        bytes -= part;
    }
}

/* tcp_clamp_window(): the buffer follows what came, where it may; else the window shrinks to two segments. */
static void clamp_window(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    tcb->quick = 0;
    if (tcb->rcvbuf < params->rcvbuf_max && !tcb->opt->socket.rcvbuf) {
        window_hold_clamp(tcb);
        tcb->rcvbuf = min_u32(tcb->ext->rmem.total, params->rcvbuf_max);
    }
    if (rmem_is_over(tcb))
        tcb->rcv_ssthresh = min_u32(window_clamp(tcb), 2u * (tcb->advmss - tcb_ts_bytes(tcb)));
}

/* Is there, or can there be made, room for a segment that begins at SEQ? (tcp_try_rmem_schedule) */
bool rmem_schedule(struct tcb *tcb, uint32_t seq)
{
    if (!rmem_is_over(tcb))
        return true;
    TCP_MIB(tcb->tcp, PruneCalled);
    clamp_window(tcb);
    if (!rmem_is_over(tcb))
        return true;
    reass_collapse(tcb);
    collapse(tcb);
    if (rmem_is_over(tcb))
        reass_prune(tcb, seq);
    if (!rmem_is_over(tcb))
        return true;
    TCP_MIB(tcb->tcp, RcvPruned);
    return false;
}
