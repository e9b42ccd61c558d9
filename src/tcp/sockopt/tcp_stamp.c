/* tcp_stamp.c: SO_TIMESTAMPING's three moments of a send's last byte (handed to the device's queue, sent, acknowledged; Linux's
 * timestamping.rst), with what the connection had counted then (OPT_STATS). Few connections have any: they leave tcp_fast.c's short
 * cuts while a send is watched (ext->has_stamps). What is to be told waits in one queue with the ends of MSG_ZEROCOPY sends
 * (tcp_zerocopy.c), in its order (sk_error_queue), and costs receive buffer; the socket layer takes it from there. */
#include <linux/netlink.h>
#include <linux/tcp.h>
#include "tcp/sockopt/tcp_stamp_inner.h"

enum { ROOM_LEAST = 8, ROOM_MOST = 8192 };
enum { STATS_REHASH = 27 }; /* TCP_NLA_REHASH: newer than Debian 12's headers */
void *records_push(struct tcp *tcp, struct records *records, size_t size)
{
    if (records->count == records->room) {
        uint32_t room = records->room ? records->room * 2 : ROOM_LEAST;
        void *items = room <= ROOM_MOST ? pool_alloc(tcp->pool, room * size) : NULL;
        if (!items)
            return NULL;
        if (records->room) {
            memcpy(items, records->items, records->count * size);
            pool_free(tcp->pool, records->items, records->room * size);
        }
        records->items = items;
        records->room = room;
    }
    return (char *)records->items + records->count++ * size;
}

void records_shift(struct records *records, uint32_t count, size_t size)
{
    records->count -= count;
    if (count)
        memmove(records->items, (char *)records->items + count * size, records->count * size);
}

static void records_free(struct tcp *tcp, struct records *records, size_t size)
{
    if (records->room)
        pool_free(tcp->pool, records->items, records->room * size);
}

struct stamps *stamps_need(struct tcp *tcp, struct tcb *tcb)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (ext && !ext->stamps)
        ext->stamps = pool_alloc(tcp->pool, sizeof *ext->stamps);
    return ext ? ext->stamps : NULL;
}

void tcp_stamp_set_style(struct tcb *tcb, const struct tcp_stamp_style *style)
{
    if (tcb->ext && tcb->ext->stamps)
        tcb->ext->stamps->style = *style;
}

void tcp_stamp_watch(struct tcp *tcp, struct tcb *tcb, unsigned want, bool is_part)
{
    struct stamps *stamps = stamps_need(tcp, tcb);
    if (!stamps)
        return;
    struct watch *watches = watches_of(stamps), *watch = stamps->watches.count ? &watches[stamps->watches.count - 1] : NULL;
    uint32_t tail = seq_max(tcb->snd_nxt, queue_tail_start(tcb));
    if (!watch || !seq_gt(watch->end, tail)) { /* else the last buffer has a key, which goes */
        watch = records_push(tcp, &stamps->watches, sizeof *watch);
        if (!watch)
            return;
        watch->want = 0;
    }
    watch->end = tcb->write_seq;
    watch->want |= want;
    watch->late_ns = is_part ? tcb_now(tcb) : 0;
    tcb->ext->has_stamps = true;
}

/* --- OPT_STATS: netlink attributes in Linux's order (tcp_get_timestamping_opt_stats) ------------------------------------- */
static void put(struct stats *stats, unsigned type, unsigned size, uint64_t value)
{
    struct nlattr head = {.nla_len = (uint16_t)(sizeof head + size), .nla_type = (uint16_t)type};
    if (stats->length + sizeof head + 8 > sizeof stats->bytes)
        return;
    memset(stats->bytes + stats->length, 0, sizeof head + 8);
    memcpy(stats->bytes + stats->length, &head, sizeof head);
    memcpy(stats->bytes + stats->length + sizeof head, &value, size);
    stats->length = (uint16_t)(stats->length + NLA_ALIGN(head.nla_len));
}

/* What the moment adds to the counts: a segment of PACKETS and BYTES that is leaving as part of the chunk from START on, or packets just
 * acknowledged. */
struct moment {
    uint32_t packets, bytes, delivered, next;
    uint64_t edt_ns;
    int ttl; /* of the ACK; -1: there is none */
};

static void take_stats(struct tcb *tcb, struct stats *stats, const struct moment *moment)
{
    struct tcp_info info;
    unsigned length = sizeof info;
    memset(&info, 0, sizeof info);
    (void)info_get(tcb, &info, &length);
    stats->length = 0;
    put(stats, TCP_NLA_BUSY, 8, info.tcpi_busy_time);
    put(stats, TCP_NLA_RWND_LIMITED, 8, info.tcpi_rwnd_limited);
    put(stats, TCP_NLA_SNDBUF_LIMITED, 8, info.tcpi_sndbuf_limited);
    put(stats, TCP_NLA_DATA_SEGS_OUT, 8, info.tcpi_data_segs_out + moment->packets);
    put(stats, TCP_NLA_TOTAL_RETRANS, 8, info.tcpi_total_retrans);
    put(stats, TCP_NLA_PACING_RATE, 8, info.tcpi_pacing_rate);
    put(stats, TCP_NLA_DELIVERY_RATE, 8, info.tcpi_delivery_rate);
    put(stats, TCP_NLA_SND_CWND, 4, info.tcpi_snd_cwnd);
    put(stats, TCP_NLA_REORDERING, 4, info.tcpi_reordering);
    put(stats, TCP_NLA_MIN_RTT, 4, info.tcpi_min_rtt ? info.tcpi_min_rtt : UINT32_MAX);
    put(stats, TCP_NLA_RECUR_RETRANS, 1, info.tcpi_retransmits);
    put(stats, TCP_NLA_DELIVERY_RATE_APP_LMT, 1, info.tcpi_delivery_rate_app_limited);
    put(stats, TCP_NLA_SND_SSTHRESH, 4, info.tcpi_snd_ssthresh);
    put(stats, TCP_NLA_DELIVERED, 4, info.tcpi_delivered + moment->delivered);
    put(stats, TCP_NLA_DELIVERED_CE, 4, info.tcpi_delivered_ce);
    put(stats, TCP_NLA_SNDQ_SIZE, 4, tcb->write_seq - seq_min(tcb->snd_una, tcb->write_seq));
    put(stats, TCP_NLA_CA_STATE, 1, info.tcpi_ca_state);
    put(stats, TCP_NLA_BYTES_SENT, 8, info.tcpi_bytes_sent + moment->bytes);
    put(stats, TCP_NLA_BYTES_RETRANS, 8, info.tcpi_bytes_retrans);
    put(stats, TCP_NLA_DSACK_DUPS, 4, info.tcpi_dsack_dups);
    put(stats, TCP_NLA_REORD_SEEN, 4, info.tcpi_reord_seen);
    put(stats, TCP_NLA_SRTT, 4, info.tcpi_rtt);
    put(stats, TCP_NLA_TIMEOUT_REHASH, 2, tcb->ext->rehash);
    put(stats, TCP_NLA_BYTES_NOTSENT, 4, tcb->write_seq - seq_min(moment->next, tcb->write_seq));
    put(stats, TCP_NLA_EDT, 8, moment->edt_ns);
    if (moment->ttl >= 0)
        put(stats, TCP_NLA_TTL, 1, (uint64_t)moment->ttl);
    put(stats, STATS_REHASH, 4, tcb->ext->rehash);
}

/* sock_queue_err_skb(): a message of SIZE bytes of text, while the receive buffer has room for it. */
static void tell(struct tcb *tcb, enum tcp_stamp_kind kind, const struct watch *watch, uint32_t start, uint32_t size,
                 const struct moment *moment)
{
    struct stamps *stamps = tcb->ext->stamps;
    const struct tcp_stamp_style *style = &stamps->style;
    uint32_t cost = BUFFER_COST + (style->is_bare ? 0 : size);
    if (tcb->ext->rmem.total + cost >= tcb->rcvbuf)
        return;
    struct entry *entry = records_push(tcb->tcp, &stamps->queue, sizeof *entry);
    if (!entry)
        return;
    *entry = (struct entry){.stamp = {.kind = kind, .size = size, .time_ns = tcb_now(tcb)}, .cost = cost};
    if (style->has_ids)
        entry->stamp.id = watch->end - 1 - style->base;
    if (style->has_stats)
        entry->stats = pool_alloc(tcb->tcp->pool, sizeof *entry->stats);
    if (entry->stats)
        take_stats(tcb, entry->stats, moment);
    if (style->is_bare)
        entry->stamp.size = entry->stats ? entry->stats->length : 0;
    else {
        entry->start = start;
        entry->end = watch->end;
    }
    tcb->ext->rmem.total += cost;
}

/* Where the chunk began whose next segment starts at SEQ: the ring's last record is that segment's, still to be filled. */
static uint32_t chunk_start(const struct tcb *tcb, uint32_t seq)
{
    for (uint32_t i = tcb->tx ? tcb->tx->count - 1 : 0; i > 0; i--) {
        const struct txseg *seg = txring_at(tcb->tx, i - 1);
        if (!seg->glued)
            break;
        seq = seg->start;
    }
    return seq;
}

/* A segment leaves, for the first time or again. Linux hands down its chunk as one packet, and the device sends segments. */
COLD void stamp_on_sent(struct tcb *tcb, uint32_t start, uint32_t end, uint32_t headers)
{
    struct stamps *stamps = tcb->ext->stamps;
    bool any = false, is_first = seq_ge(start, tcb->snd_nxt);
    uint32_t chunk = is_first ? chunk_start(tcb, start) : start,
             chunk_end = is_first ? start + max_u32(tcb->ext->chunk_left, end - start) : end;
    for (uint32_t i = 0; i < stamps->watches.count; i++) {
        const struct watch *watch = &watches_of(stamps)[i];
        if (!seq_gt(watch->end, start) || seq_gt(watch->end, end) || (is_first && watch->late_ns == tcb_now(tcb)))
            continue;
        struct moment moment = {.next = is_first ? chunk : tcb->snd_nxt,
                                .packets = 1,
                                .bytes = end - start,
                                .edt_ns = tcb_now(tcb),
                                .ttl = -1};
        any |= (watch->want & (TCP_STAMP_SCHEDULED | TCP_STAMP_SENT)) != 0;
        if (watch->want & TCP_STAMP_SCHEDULED)
            tell(tcb, TCP_STAMP_KIND_SCHEDULED, watch, start, headers + chunk_end - chunk, &moment);
        if (watch->want & TCP_STAMP_SENT)
            tell(tcb, TCP_STAMP_KIND_SENT, watch, start, headers + end - start, &moment);
    }
    if (any)
        tcb_event(tcb, TCP_EV_ERROR);
}

/* [START, MIDDLE) and [MIDDLE, END) become one buffer, which keeps the later key (tcp_skb_collapse_tstamp). */
COLD void stamp_on_joined(struct tcb *tcb, uint32_t start, uint32_t middle, uint32_t end)
{
    struct stamps *stamps = tcb->ext->stamps;
    struct watch *watches = watches_of(stamps), *later = NULL;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < stamps->watches.count; i++)
        if (seq_gt(watches[i].end, middle) && seq_le(watches[i].end, end))
            later = &watches[i];
    if (!later)
        return;
    for (uint32_t i = 0; i < stamps->watches.count; i++)
        if (seq_gt(watches[i].end, start) && seq_le(watches[i].end, middle))
            later->want |= watches[i].want;
    for (uint32_t i = 0; i < stamps->watches.count; i++)
        if (!seq_gt(watches[i].end, start) || seq_gt(watches[i].end, middle))
            watches[kept++] = watches[i];
    stamps->watches.count = kept;
}

/* Text of MSG_ZEROCOPY goes with no other text (skb_shift), nor with a bare FIN (skb_pure_zcopy_same). A message that
 * nobody has read shares the text that it tells of, and what is shared is not joined (tcp_can_collapse). */
COLD bool stamp_forbids_join(const struct tcb *tcb, uint32_t start, uint32_t end)
{
    const struct stamps *stamps = tcb->ext->stamps;
    if (zerocopy_is_pinned(tcb, start, seq_min(end, tcb->write_seq)))
        return true;
    for (uint32_t i = 0; i < stamps->queue.count; i++) {
        const struct entry *entry = &queue_of(stamps)[i];
        if (entry->start != entry->end && seq_lt(entry->start, end) && seq_gt(entry->end, start))
            return true;
    }
    return false;
}

/* The segment at INDEX was just SACKed: Linux puts it into one buffer with a SACKed one before it (tcp_shift_skb_data). */
COLD void stamp_on_sacked(struct tcb *tcb, uint32_t index)
{
    const struct txseg *seg = txring_at(tcb->tx, index), *before = index ? txring_at(tcb->tx, index - 1) : NULL;
    if (before && before->flags & TX_SACKED && !(before->flags & (TX_EOR | TX_FIN)) &&
        min_u32(txseg_text(seg), seg->mss) == min_u32(txseg_text(before), before->mss) && !zerocopy_is_pinned(tcb, before->start, seg->end))
        stamp_on_joined(tcb, before->start, seg->start, seg->end);
}

/* Linux's error queue has the text of what is acknowledged, as far as it was still in the retransmission queue: the whole chunk's. */
static uint32_t text_around(const struct tcb *tcb, uint32_t seq)
{
    uint32_t first = tcb->tx ? txring_find(tcb, seq) : 0, last = first;
    if (!tcb->tx || first >= tcb->tx->count)
        return 1;
    while (first && txring_at(tcb->tx, first - 1)->glued)
        first--;
    while (last + 1 < tcb->tx->count && txring_at(tcb->tx, last)->glued)
        last++;
    return txring_at(tcb->tx, last)->end - txring_at(tcb->tx, first)->start - !!(txring_at(tcb->tx, last)->flags & TX_FIN);
}

/* Packets acknowledged up to the buffer of END, which the counts do not have yet, and when that left. */
static struct moment moment_of_ack(const struct tcb *tcb, uint32_t end, int ttl)
{
    struct moment moment = {.next = tcb->snd_nxt, .ttl = ttl};
    for (uint32_t i = 0; tcb->tx && i < tcb->tx->count; i++) {
        const struct txseg *seg = txring_at(tcb->tx, i);
        if (!seq_lt(seg->start, end) && !(i && txring_at(tcb->tx, i - 1)->glued && seq_le(seg->end, tcb->snd_una)))
            break;
        moment.delivered += seg->flags & TX_SACKED || seq_gt(seg->end, tcb->snd_una) ? 0 : txseg_packets(seg);
        moment.edt_ns = seg->sent_ns;
    }
    return moment;
}

/* SND.UNA moved: of each buffer that goes its key is told first, then the sends that it was the last of. */
COLD void stamp_on_acked(struct tcb *tcb, int ttl)
{
    struct stamps *stamps = tcb->ext->stamps;
    uint32_t done = 0;
    bool any = false;
    for (; done < stamps->watches.count && seq_le(watches_of(stamps)[done].end, tcb->snd_una); done++) {
        const struct watch *watch = &watches_of(stamps)[done];
        if (!(watch->want & TCP_STAMP_ACKED))
            continue;
        struct moment moment = moment_of_ack(tcb, watch->end, ttl);
        any |= zerocopy_complete(tcb, watch->end - 1);
        tell(tcb, TCP_STAMP_KIND_ACKED, watch, watch->end, text_around(tcb, watch->end - 1), &moment);
        any = true;
    }
    any |= zerocopy_complete(tcb, tcb->snd_una);
    records_shift(&stamps->watches, done, sizeof(struct watch));
    tcb->ext->has_stamps = stamps->watches.count || stamps->pinned.count;
    if (any)
        tcb_event(tcb, TCP_EV_ERROR);
}

bool tcp_stamp_peek(struct tcb *tcb, struct tcp_stamp *stamp)
{
    struct stamps *stamps = tcb->ext ? tcb->ext->stamps : NULL;
    if (stamps && tcb->state == TCPS_CLOSED)
        zerocopy_complete_all(tcb);
    if (!stamps || !stamps->queue.count)
        return false;
    if (stamp) {
        const struct entry *entry = queue_of(stamps);
        *stamp = entry->stamp;
        stamp->stats = entry->stats ? entry->stats->bytes : NULL;
    }
    return true;
}

static void forget(struct tcb *tcb, const struct entry *entry)
{
    if (entry->stats)
        pool_free(tcb->tcp->pool, entry->stats, sizeof *entry->stats);
    tcb->ext->rmem.total -= min_u32(entry->cost, tcb->ext->rmem.total);
}

void tcp_stamp_drop(struct tcb *tcb)
{
    struct stamps *stamps = tcb->ext->stamps;
    forget(tcb, queue_of(stamps));
    records_shift(&stamps->queue, 1, sizeof(struct entry));
}

struct stamps *stamp_detach(struct tcb *tcb)
{
    struct stamps *stamps = tcb->ext->stamps;
    zerocopy_complete_all(tcb);
    stamps->watches.count = 0;
    tcb->ext->stamps = NULL;
    return stamps;
}

void stamp_attach(struct tcb *tcb, struct stamps *stamps)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    struct tcb_ext nowhere = {.stamps = stamps};
    if (!ext) { /* memory: they are lost */
        tcb->ext = &nowhere;
        stamp_free(tcb);
        tcb->ext = NULL;
        return;
    }
    ext->stamps = stamps;
    for (uint32_t i = 0; i < stamps->queue.count; i++)
        ext->rmem.total += queue_of(stamps)[i].cost;
}

void stamp_free(struct tcb *tcb)
{
    struct stamps *stamps = tcb->ext->stamps;
    for (uint32_t i = 0; i < stamps->queue.count; i++)
        forget(tcb, &queue_of(stamps)[i]);
    records_free(tcb->tcp, &stamps->watches, sizeof(struct watch));
    records_free(tcb->tcp, &stamps->pinned, sizeof(struct pinned));
    records_free(tcb->tcp, &stamps->queue, sizeof(struct entry));
    pool_free(tcb->tcp->pool, stamps, sizeof *stamps);
    tcb->ext->stamps = NULL;
    tcb->ext->has_stamps = false;
}
