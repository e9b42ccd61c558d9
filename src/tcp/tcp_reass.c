/* tcp_reass.c: segment text (RFC 9293 3.10.7.4 seventh): in-order bytes to the receive buffer, others to a bounded set of
 * out-of-order ranges. At most OOO_RANGES ranges: what more would cost is dropped (CVE-2018-5390). */
#include "base/truesize.h"
#include "tcp/tcb.h"

static void free_range(struct ooo_range *range)
{
    while (range->first) {
        struct lil_packet *next = range->first->next;
        packet_free(range->first);
        range->first = next;
    }
}

void reass_free(struct tcb *tcb)
{
    struct ooo_queue *ooo = tcb->ext->ooo;
    if (!ooo)
        return;
    for (uint32_t i = 0; i < ooo->count; i++)
        free_range(&ooo->r[i]);
    rmem_give(tcb, ooo->cost);
    pool_free(tcb->tcp->pool, ooo, sizeof *ooo);
    tcb->ext->ooo = NULL;
    if (tcb_params(tcb)->input_policy != TCP_INPUT_BSD)
        tcb->ext->recent_count = 0;
}

static void remove_range(struct ooo_queue *ooo, uint32_t i)
{
    memmove(&ooo->r[i], &ooo->r[i + 1], (ooo->count - i - 1) * sizeof ooo->r[0]);
    ooo->count--;
}

enum { /* a packet's ifindex here */
    COPIED = 0xffff, /* its text fitted into the buffer of the one before (tcp_ooo_try_coalesce) */
    PAGED = 0xfffe,  /* it was packed into a page of its own: gso_size is what that costs, in units */
    PAGED_UNIT = 64
};

static uint32_t ooo_cost(const struct tcb *tcb, const struct lil_packet *packet)
{
    if (!rmem_is_counted(tcb) || packet->ifindex == COPIED)
        return 0;
    return packet->ifindex == PAGED ? packet->gso_size * (uint32_t)PAGED_UNIT : rmem_cost(tcb, packet->length);
}

/* What is out of order counts, too. Returns what still fits behind PACKET's text. ROOM: behind that of the one before, where
 * it is copied to. */
static uint32_t count_in(struct tcb *tcb, struct lil_packet *packet, bool is_copied, uint32_t room)
{
    struct ooo_queue *ooo = tcb->ext->ooo;
    packet->ifindex = is_copied ? COPIED : 0;
    uint32_t cost = ooo_cost(tcb, packet);
    ooo->bytes += packet->length;
    ooo->cost += cost;
    ooo->is_packed = false;
    rmem_take(tcb, cost);
    return is_copied ? room - packet->length : rmem_room(tcb, packet->length);
}

static void count_out(struct tcb *tcb, const struct lil_packet *packet)
{
    struct ooo_queue *ooo = tcb->ext->ooo;
    uint32_t cost = ooo_cost(tcb, packet);
    ooo->bytes -= packet->length;
    ooo->cost -= cost;
    rmem_give(tcb, cost);
}

static uint32_t piece_end(const struct ooo_queue *ooo, const struct lil_packet *packet)
{
    uint32_t end = packet->mark + packet->length;
    return end + (ooo->has_fin && ooo->fin_seq == end);
}

static struct lil_packet *reversed(struct lil_packet *list)
{
    struct lil_packet *out = NULL;
    while (list) {
        struct lil_packet *next = list->next;
        list->next = out;
        out = list;
        list = next;
    }
    return out;
}

/* From RANGE's end, as long as they lie behind SEQ. GOAL: what must be won before memory is looked at again. True: it is enough. */
static bool prune_range(struct tcb *tcb, struct ooo_range *range, uint32_t seq, int64_t *goal)
{
    struct ooo_queue *ooo = tcb->ext->ooo;
    struct lil_packet *left = reversed(range->first), *last;
    bool enough = false;
    while ((last = left) != NULL && seq_le(seq, last->mark) && !enough) {
        left = last->next;
        *goal -= ooo_cost(tcb, last);
        count_out(tcb, last);
        ooo->has_fin = ooo->has_fin && seq_lt(ooo->fin_seq, last->mark);
        range->end = left ? piece_end(ooo, left) : range->start;
        packet_free(last);
        if ((ooo->count == 1 && !left) || *goal <= 0) {
            enough = !rmem_is_over(tcb);
            *goal = tcb->rcvbuf >> 3;
        }
    }
    range->last = left;
    range->room = 0;
    range->first = reversed(left);
    return enough;
}

/* tcp_prune_ofo_queue(): from the highest down, an eighth of the buffer at a time, as long as they lie behind SEQ. Each
 * packet is passed twice at most, however many a range has (CVE-2018-5390). */
void reass_prune(struct tcb *tcb, uint32_t seq)
{
    struct ooo_queue *ooo = tcb->ext->ooo;
    int64_t goal = tcb->rcvbuf >> 3;
    uint32_t before = ooo ? ooo->bytes : 0;
    bool enough = false;
    while (ooo && ooo->count && !enough) {
        struct ooo_range *range = &ooo->r[ooo->count - 1];
        if (!range->last || seq_gt(seq, range->last->mark))
            break;
        enough = prune_range(tcb, range, seq, &goal);
        if (range->first)
            break;
        ooo->count--;
    }
    if (!ooo || ooo->bytes == before)
        return;
    TCP_MIB(tcb->tcp, OfoPruned);
    tcb->ext->recent_count = 0;
    tcb->ext->has_dsack = false;
    if (ooo->count == 0)
        reass_free(tcb);
}

/* Moves PACKET's bytes behind the receive buffer; OLD more came with them. IS_PACKED: into a page. The packet is consumed. */
static bool deliver(struct tcb *tcb, struct lil_packet *packet, uint32_t old, bool is_packed)
{
    uint32_t length = packet->length, cost = is_packed ? ooo_cost(tcb, packet) : 0;
    /* nobody reads: acknowledged and forgotten */
    if (length == 0 || (tcb->rcv_shutdown && tcb_params(tcb)->input_policy == TCP_INPUT_BSD)) {
        packet_free(packet);
        return true;
    }
    if (stream_append_take(&tcb->rcv_stream, packet) < 0)
        return false;
    tcb->readable += length;
    if (is_packed)
        rmem_charge_packed(tcb, length, cost);
    else if (old)
        rmem_charge_overlap(tcb, length, old);
    else
        (void)rmem_charge(tcb, length);
    return true;
}

/* What had waited out of order and is now next. True when a FIN was among it. */
static bool deliver_ranges(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    struct ooo_queue *ooo = ext->ooo;
    uint32_t known = tcb->rcv_nxt; /* what of it waited has come again */
    bool fin = false;
    while (!fin && ooo->count && seq_le(ooo->r[0].start, tcb->rcv_nxt)) { /* what lies behind the FIN is forgotten with it */
        struct ooo_range *range = &ooo->r[0];
        if (!range->first && seq_lt(range->start, tcb->rcv_nxt) && tcb->sack_ok && tcb_params(tcb)->dsack)
            sack_dsack(tcb, range->start, seq_min(tcb->rcv_nxt, range->end)); /* a bare FIN before the text's end */
        while (range->first) {
            struct lil_packet *packet = range->first;
            range->first = packet->next;
            uint32_t start = packet->mark, length = packet->length;
            packet->next = NULL;
            count_out(tcb, packet);
            uint32_t old = seq_gt(tcb->rcv_nxt, start) ? tcb->rcv_nxt - start : 0;
            if (seq_lt(start, known))
                sack_dsack_more(tcb, start, seq_min(known, start + length));
            packet_trim_front(packet, min_u32(old, length));
            length = packet->length;
            if (!deliver(tcb, packet, old, packet->ifindex == PAGED)) { /* no memory: the rest is forgotten, the peer sends it again */
                for (struct lil_packet *p = range->first; p; p = p->next)
                    count_out(tcb, p);
                free_range(range);
                remove_range(ooo, 0);
                return false;
            }
            tcb->rcv_nxt += length;
            ext->bytes_received += length;
        }
        if (ooo->has_fin && ooo->fin_seq == tcb->rcv_nxt && range->end == ooo->fin_seq + 1) {
            tcb->rcv_nxt++;
            fin = true;
        }
        remove_range(ooo, 0);
    }
    if (fin && tcb->state == TCPS_FIN_WAIT_2 && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX)
        return true; /* acknowledged before what waited is forgotten: the last block is told once more */
    sack_trim(tcb);
    if (ooo->count == 0 || fin) {
        reass_free(tcb);
        tcb->ack_now = true; /* RFC 5681 4.2: a segment that fills a gap is acknowledged at once */
    }
    return fin;
}

/* The first range that ends at START or behind it: it touches what begins there, or is the next. */
static uint32_t find_range(const struct ooo_queue *ooo, uint32_t start)
{
    uint32_t i = ooo->count;
    while (i > 0 && seq_ge(ooo->r[i - 1].end, start)) /* the newest are at the end as a rule */
        i--;
    return i;
}

/* A buffer among a range's: its own text and what was copied behind it; BEFORE: the piece before it, NULL: none. */
struct buffer {
    struct lil_packet *before, *first, *last;
    uint32_t end;
};

static struct buffer buffer_at(const struct ooo_queue *ooo, struct lil_packet *before, struct lil_packet *first)
{
    struct buffer buffer = {before, first, first, 0};
    while (buffer.last->next && buffer.last->next->ifindex == COPIED)
        buffer.last = buffer.last->next;
    buffer.end = piece_end(ooo, buffer.last);
    return buffer;
}

/* The last of RANGE's buffers that begins at SEQ or before. So many are looked at; those behind count as one. */
static struct buffer find_buffer(const struct ooo_queue *ooo, const struct ooo_range *range, uint32_t seq)
{
    enum { MOST = 256 };
    struct buffer found = {.end = range->end};
    struct lil_packet *before = NULL, *next = range->first;
    for (uint32_t i = 0; next && seq_le(next->mark, seq); i++) {
        if (i == MOST)
            return (struct buffer){before, next, range->last, range->end};
        found = buffer_at(ooo, before, next);
        before = found.last;
        next = before->next;
    }
    return found;
}

/* BUFFER of RANGE holds nothing that newer text has not. */
static void drop_buffer(struct tcb *tcb, struct ooo_range *range, const struct buffer *buffer)
{
    struct lil_packet **link = buffer->before ? &buffer->before->next : &range->first, *rest = buffer->last->next;
    if (!rest)
        range->last = buffer->before;
    sack_dsack_more(tcb, buffer->first->mark, buffer->end);
    TCP_MIB(tcb->tcp, OFOMerge);
    while (*link != rest) {
        struct lil_packet *packet = *link;
        *link = packet->next;
        count_out(tcb, packet);
        packet_free(packet);
    }
}

/* Range I ends at END or behind it: those that it meets now become parts of it. */
static void join_ranges(struct ooo_queue *ooo, uint32_t i, uint32_t end)
{
    struct ooo_range *range = &ooo->r[i];
    range->end = seq_max(range->end, end);
    while (i + 1 < ooo->count && seq_le(range[1].start, end)) {
        if (range->last)
            range->last->next = range[1].first;
        else
            range->first = range[1].first;
        if (range[1].last) {
            range->last = range[1].last;
            range->room = range[1].room;
        }
        range->end = seq_max(range->end, range[1].end);
        remove_range(ooo, i + 1);
    }
}

/* Where the piece goes that begins at START in RANGE: behind *BEFORE, NULL: first of all. A buffer that begins with it and has
 * no more goes. False: one has all of it. */
static bool find_place(struct tcb *tcb, struct ooo_range *range, uint32_t start, uint32_t end, struct lil_packet **before)
{
    struct buffer buffer = find_buffer(tcb->ext->ooo, range, start);
    if (seq_le(end, buffer.end)) {
        sack_dsack(tcb, start, end);
        return false;
    }
    if (buffer.first && buffer.first->mark == start) {
        *before = buffer.before;
        drop_buffer(tcb, range, &buffer);
    } else {
        *before = buffer.last;
        sack_dsack(tcb, start, buffer.end);
    }
    return true;
}

/* Puts PACKET behind BEFORE; what it covers of the next goes. */
static void place(struct tcb *tcb, struct ooo_range *range, struct lil_packet *packet, struct lil_packet *before, uint32_t start,
                  uint32_t end, bool is_copied)
{
    struct ooo_queue *ooo = tcb->ext->ooo;
    struct lil_packet **link = before ? &before->next : &range->first;
    while (!is_copied && *link && seq_lt((*link)->mark, end)) {
        struct buffer next = buffer_at(ooo, before, *link);
        if (seq_lt(end, next.end)) {
            sack_dsack_more(tcb, next.first->mark, end);
            break;
        }
        drop_buffer(tcb, range, &next);
    }
    window_on_new_text(tcb, packet->length);
    packet->mark = start;
    packet->next = *link;
    *link = packet;
    uint32_t room = count_in(tcb, packet, is_copied, range->room);
    if (!packet->next) {
        range->last = packet;
        range->room = room;
    }
}

/* PART bytes at SEQ, as a packet of their own; *SOURCE is the first that has some of them, and then the last. */
static struct lil_packet *copy_text(struct tcb *tcb, struct lil_packet **source, uint32_t seq, uint32_t part)
{
    uint8_t bytes[TRUESIZE_PAGE - TRUESIZE_TAIL];
    struct lil_packet *packet = packet_new(tcb->tcp->pool);
    for (uint32_t done = 0; done < part;) {
        while (seq_le((*source)->mark + (*source)->length, seq + done))
            *source = (*source)->next;
        uint32_t offset = seq + done - (*source)->mark, n = min_u32((*source)->length - offset, part - done);
        packet_read(*source, offset, bytes + done, n);
        done += n;
    }
    if (packet && !packet_append(packet, bytes, part)) {
        packet_free(packet);
        packet = NULL;
    }
    return packet;
}

/* What it wins to pack the BYTES of the pieces from PACKET on. */
static int64_t packing_gain(const struct tcb *tcb, const struct lil_packet *packet, uint32_t bytes)
{
    enum { MOST = TRUESIZE_PAGE - TRUESIZE_TAIL };
    uint32_t room;
    int64_t gain = -(int64_t)(bytes / MOST) * (TRUESIZE_PAGE + TRUESIZE_HEAD) - (bytes % MOST ? rmem_packed_cost(bytes % MOST, &room) : 0);
    for (; packet; packet = packet->next)
        gain += ooo_cost(tcb, packet);
    return gain;
}

/* From the first buffer on that costs more than the window's share of it, RANGE's text is packed into pages. */
static void pack_range(struct tcb *tcb, struct ooo_range *range)
{
    struct ooo_queue *ooo = tcb->ext->ooo;
    struct lil_packet **link = &range->first;
    while (*link && window_space(tcb, ooo_cost(tcb, *link)) <= buffer_at(ooo, NULL, *link).end - (*link)->mark)
        link = &buffer_at(ooo, NULL, *link).last->next;
    struct lil_packet *old = *link, *source = old, *packet;
    uint32_t at = old ? old->mark : 0, end = range->end - (ooo->has_fin && range->end == ooo->fin_seq + 1);
    if (!old || packing_gain(tcb, old, end - at) < (int64_t)tcb->rcvbuf >> 6) /* else each segment might cost a copy of all */
        return;
    while (at != end) {
        uint32_t part = min_u32(end - at, TRUESIZE_PAGE - TRUESIZE_TAIL), cost = rmem_packed_cost(part, &range->room);
        packet = copy_text(tcb, &source, at, part);
        if (!packet)
            break;
        packet->mark = at;
        packet->ifindex = PAGED;
        packet->gso_size = (uint16_t)(cost / PAGED_UNIT);
        ooo->bytes += part;
        ooo->cost += cost;
        rmem_take(tcb, cost);
        *link = range->last = packet;
        link = &packet->next;
        at += part;
    }
    while (old && seq_le(old->mark + old->length, at)) {
        struct lil_packet *next = old->next;
        tcb->tcp->mib[MIB_RcvCollapsed] += old->ifindex != COPIED;
        count_out(tcb, old);
        packet_free(old);
        old = next;
    }
    *link = old; /* what there was no memory for */
    for (; old; old = old->next)
        range->last = old;
}

/* tcp_collapse_ofo_queue(): ranges of several buffers are packed; but where what is small adds up to an eighth of the
 * receive buffer, the rest stays as it is. Nothing is looked at twice (CVE-2018-5390). */
void reass_collapse(struct tcb *tcb)
{
    struct ooo_queue *ooo = tcb->ext->ooo;
    uint32_t small = 0;
    if (!ooo || ooo->is_packed)
        return;
    for (uint32_t i = 0; i < ooo->count && small <= tcb->rcvbuf >> 3; i++) {
        struct ooo_range *range = &ooo->r[i];
        bool is_one = range->first && !buffer_at(ooo, NULL, range->first).last->next;
        if (is_one && range->end - range->start < TRUESIZE_PAGE - TRUESIZE_TAIL)
            small += ooo_cost(tcb, range->first);
        else
            pack_range(tcb, range);
    }
    ooo->is_packed = true;
}

/* Puts [START, END) into the ranges; PACKET (NULL or empty: a bare FIN) is consumed. Pieces may overlap, as Linux's buffers do:
 * what one alone has goes not in again, and what is covered goes. */
static bool insert_range(struct tcb *tcb, uint32_t start, uint32_t end, struct lil_packet *packet)
{
    struct ooo_queue *ooo = tcb->ext->ooo;
    uint32_t i = find_range(ooo, start);
    struct ooo_range *range = &ooo->r[i];
    struct lil_packet *before = NULL;
    bool extends = i < ooo->count && seq_le(range->start, start), has_text = packet && packet->length, is_copied = false, is_new = true;
    if (!extends && ooo->count == OOO_RANGES) {
        packet_free(packet);
        TCP_MIB(tcb->tcp, OFODrop);
        return false;
    }
    if (!extends) {
        memmove(range + 1, range, (ooo->count - i) * sizeof *range);
        ooo->count++;
        *range = (struct ooo_range){start, start, NULL, NULL, 0};
    } else if (start == range->end) {
        before = range->last;
        is_copied = before && has_text && packet->length <= range->room;
    } else {
        is_new = find_place(tcb, range, start, end, &before);
    }
    if (is_new) {
        join_ranges(ooo, i, end);
        if (has_text)
            place(tcb, range, packet, before, start, end, is_copied);
        else
            window_on_new_text(tcb, 0); /* a bare FIN */
    } else {
        TCP_MIB(tcb->tcp, OFOMerge);
    }
    if (!is_new || !has_text)
        packet_free(packet);
    sack_note(tcb, start, end); /* its block is the newest, again if it is not new */
    return is_new;
}

/* FreeBSD (tcp_reass()): text that joins nothing is kept while there are fewer pieces than a receive buffer has
 * segments, and than reass_pieces. */
static bool has_place(const struct tcb *tcb, const struct rx *rx)
{
    const struct ooo_queue *ooo = tcb->ext->ooo;
    uint32_t limit = tcb_params(tcb)->reass_pieces, size = max_u32(tcb->mss + tcb_ts_bytes(tcb), 1);
    if (!limit || ooo->count < min_u32(tcb->rcvbuf / size + 1, limit))
        return true;
    for (uint32_t i = 0; i < ooo->count; i++)
        if (seq_le(ooo->r[i].start, rx->end_seq) && seq_ge(ooo->r[i].end, rx->seq))
            return true;
    return false;
}

static enum lil_drop out_of_order(struct tcb *tcb, struct rx *rx)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    bool is_counted = rmem_is_counted(tcb);
    if (!is_counted)
        delack_schedule(tcb);
    ecn_on_text(tcb, rx);
    path_note_label(tcb, rx);
    if (!ext)
        return LIL_DROP_TCP_MEMORY;
    if (!ext->ooo)
        ext->ooo = pool_alloc(tcb->tcp->pool, sizeof *ext->ooo);
    if (!ext->ooo)
        return LIL_DROP_TCP_MEMORY;
    bool fits = is_counted ? rmem_schedule(tcb, rx->seq) : ext->ooo->bytes + rx->length <= tcb->rcvbuf;
    if (fits && !ext->ooo) /* making room took all that waited */
        ext->ooo = pool_alloc(tcb->tcp->pool, sizeof *ext->ooo);
    if (!fits || !ext->ooo || !has_place(tcb, rx)) {
        TCP_MIB(tcb->tcp, OFODrop); /* Linux: and nothing is said of it */
        return LIL_DROP_TCP_WINDOW;
    }
    tcb->hp_on = false;
    delack_schedule(tcb);
    TCP_MIB(tcb->tcp, OFOQueue);
    bool is_bsd = tcb_params(tcb)->input_policy == TCP_INPUT_BSD;
    uint32_t ranges = ext->ooo->count;
    ext->ooo_packets += !is_bsd;
    window_on_disorder(tcb, rx);
    if (rx->flags & TCP_FIN) {
        ext->ooo->has_fin = true;
        ext->ooo->fin_seq = rx->end_seq - 1;
    }
    struct lil_packet *packet = rx->packet;
    rx->packet = NULL;
    bool is_new = insert_range(tcb, rx->seq, rx->end_seq, packet);
    ext->ooo_packets += is_bsd && ext->ooo && ext->ooo->count > ranges; /* t_rcvoopack: what touches none that waits */
    window_on_queued(tcb);
    return is_new ? LIL_DROP_NONE : LIL_DROP_TCP_DUPLICATE;
}

/* Linux: is there room for the segment? One that header prediction takes, and a page paid for has room for, is not
 * asked. False: dropped, and the ACK closes the window. */
static bool has_room(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext || !rmem_is_counted(tcb))
        return true;
    if (rx->is_text_first) {
        TCP_MIB(tcb->tcp, HPHits);
        return true;
    }
    if (rmem_schedule(tcb, rx->seq))
        return true;
    if (rx->is_expected) /* not predicted after all */
        ext->has_dsack = false;
    window_retract(tcb);
    ext->no_memory = true;
    tcb->ack_now = true;
    delack_schedule(tcb);
    tcb_event(tcb, TCP_EV_READABLE);
    return !tcb->readable || !rx->length;
}

static enum lil_drop in_order(struct tcb *tcb, struct rx *rx)
{
    uint32_t old = tcb->rcv_nxt - rx->seq, length = rx->length > old ? rx->length - old : 0;
    bool fin = rx->flags & TCP_FIN;
    if (length) {
        struct lil_packet *packet = rx->packet;
        if (!tcb_ext_get(tcb))
            return LIL_DROP_TCP_MEMORY;
        if (!has_room(tcb, rx)) {
            TCP_MIB(tcb->tcp, RcvQDrop);
            return LIL_DROP_TCP_WINDOW;
        }
        packet_trim_front(packet, old);
        rx->packet = NULL;
        if (!deliver(tcb, packet, old, false))
            return LIL_DROP_TCP_MEMORY;
        tcb->ext->bytes_received += length;
    } else if (fin) { /* taken whatever room there is; the ACK tells of it */
        (void)has_room(tcb, rx);
    }
    tcb->tcp->mib[MIB_RcvCoalesce] += fin && !length && tcb->readable && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX;
    tcb->rcv_nxt = rx->end_seq;
    if (length) {
        window_on_data(tcb, rx);
        ecn_on_text(tcb, rx);
    }
    if (!fin && tcb->ext && tcb->ext->ooo)
        fin = deliver_ranges(tcb);
    if (length)
        tcb_arm_prediction(tcb);
    if (fin && !tcp_step8_fin(tcb))
        return LIL_DROP_NONE;
    if (length && tcb_has_text(tcb, tcb->opt->socket.rcvlowat))
        tcb_event(tcb, TCP_EV_READABLE);
    return LIL_DROP_NONE;
}

/* What a SYN brought: its SYN/ACK acknowledges it, and all estimates begin with what comes next (tcp_fastopen_add_skb). */
void reass_syn_text(struct tcb *tcb, struct lil_packet *packet)
{
    uint32_t length = packet->length;
    if (!deliver(tcb, packet, 0, false))
        return;
    tcb->rcv_nxt += length;
    tcb->ext->bytes_received += length;
}

/* FreeBSD's tcp_reass() before the handshake's end: text waits for that, not acknowledged; a FIN does not wait. */
enum lil_drop reass_hold(struct tcb *tcb, struct rx *rx)
{
    bool ack_sched = tcb->ack_sched;
    rx->end_seq = rx->seq + rx->length;
    rx->flags &= (uint16_t)~TCP_FIN;
    enum lil_drop drop = rx->length ? out_of_order(tcb, rx) : LIL_DROP_NONE;
    tcb->ack_sched = ack_sched;
    return drop;
}

/* And when it has ended by a bare ACK: no ACK is due for what was held. */
void reass_present(struct tcb *tcb)
{
    bool ack_now = tcb->ack_now;
    if (!tcb->ext || !tcb->ext->ooo)
        return;
    (void)deliver_ranges(tcb);
    tcb->ack_now = ack_now;
    if (tcb_has_text(tcb, tcb->opt->socket.rcvlowat))
        tcb_event(tcb, TCP_EV_READABLE);
}

static enum lil_drop outside(struct tcb *tcb, enum lil_drop drop)
{
    delack_enter_quickack(tcb, 16);
    delack_schedule(tcb);
    return drop;
}

static enum lil_drop at_closed_window(struct tcb *tcb)
{
    TCP_MIB(tcb->tcp, ZeroWindowDrop);
    return outside(tcb, LIL_DROP_TCP_WINDOW);
}

void reass_text(struct tcb *tcb, struct rx *rx, enum lil_drop *drop)
{
    uint32_t window = tcb_params(tcb)->input_policy == TCP_INPUT_BSD ? bsd_receive_room(tcb) : tcb_receive_window(tcb);
    bool dsack = tcb->sack_ok && tcb_params(tcb)->dsack;
    bool fastopen = tcb->state == TCPS_SYN_RECEIVED && tcb_ext_peek(tcb)->fastopen_child;
    if (tcb->ext && tcb->ext->has_dsack && !rx->is_expected)
        /* RFC 2883 4: a block reports the segment that brings the ACK out; what waited with a compressed ACK is not
         * told */
        tcb->ext->has_dsack = false;
    if (tcb->state != TCPS_ESTABLISHED && tcb->state != TCPS_FIN_WAIT_1 && tcb->state != TCPS_FIN_WAIT_2 && !fastopen) {
        if (seq_lt(rx->seq, tcb->rcv_nxt)) { /* the FIN again: acknowledged again */
            bool is_told = tcb_params(tcb)->input_policy == TCP_INPUT_LINUX && seq_le(rx->end_seq, tcb->rcv_nxt);
            tcb->tcp->mib[MIB_DelayedACKLost] += is_told;
            if (dsack && is_told)
                sack_dsack(tcb, rx->seq, rx->end_seq);
            delack_ack_now(tcb);
        }
        *drop = LIL_DROP_TCP_AFTER_CLOSE;
        return;
    }
    if (rx->seq == tcb->rcv_nxt) {
        *drop = window == 0 && rx->length ? at_closed_window(tcb) : in_order(tcb, rx);
    } else if (seq_le(rx->end_seq, tcb->rcv_nxt)) {
        TCP_MIB(tcb->tcp, DelayedACKLost);
        path_on_old_data(tcb, rx);
        accecn_on_old_data(tcb, rx->seq);
        if (dsack)
            sack_dsack(tcb, rx->seq, rx->end_seq);
        *drop = outside(tcb, LIL_DROP_TCP_DUPLICATE);
    } else if (seq_ge(rx->seq, tcb->rcv_nxt + window)) {
        TCP_MIB(tcb->tcp, BeyondWindow);
        *drop = outside(tcb, LIL_DROP_TCP_WINDOW);
    } else if (seq_lt(rx->seq, tcb->rcv_nxt)) {
        if (dsack)
            sack_dsack(tcb, rx->seq, tcb->rcv_nxt);
        *drop = window == 0 ? at_closed_window(tcb) : in_order(tcb, rx);
    } else {
        *drop = out_of_order(tcb, rx);
    }
}
