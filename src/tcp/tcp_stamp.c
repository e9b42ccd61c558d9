/* tcp_stamp.c: what becomes of certain sends: SO_TIMESTAMPING's three moments of a send's last byte (handed to the device's queue, sent,
 * acknowledged; Linux's timestamping.rst), with what the connection had counted then (OPT_STATS), and the end of MSG_ZEROCOPY sends
 * (msg_zerocopy.rst). Few connections have any: they leave tcp_fast.c's short cuts while a send is watched (ext->has_stamps). The socket
 * layer takes the results and makes them an error queue. */
#include <linux/netlink.h>
#include <linux/tcp.h>
#include "tcp/tcp_stamp.h"

enum { STATS_REHASH = 27 }; /* TCP_NLA_REHASH: newer than Debian 12's headers */
enum { STAMPS_PENDING = 64, STAMPS_READY = 128, ZEROCOPY_PENDING = 128 };
struct stats {
    uint16_t length;
    uint8_t bytes[TCP_STAMP_STATS_MOST];
};
struct stamps {
    uint32_t pending_count, ready_count;
    struct { uint32_t end; unsigned want; } pending[STAMPS_PENDING];
    struct tcp_stamp ready[STAMPS_READY];
    struct stats *stats; /* of what is ready: as many; NULL: nobody wants any */
    uint32_t zerocopy_count, zerocopy_sends, zerocopy_done;
    struct { uint32_t end, sends; } zerocopy[ZEROCOPY_PENDING];
};

static struct stamps *need_stamps(struct tcp *tcp, struct tcb *tcb)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (ext && !ext->stamps)
        ext->stamps = pool_alloc(tcp->pool, sizeof *ext->stamps);
    return ext ? ext->stamps : NULL;
}

bool tcp_stamp_watch(struct tcp *tcp, struct tcb *tcb, unsigned want)
{
    struct stamps *stamps = need_stamps(tcp, tcb);
    if (!stamps || (want & TCP_STAMP_STATS && !stamps->stats &&
                    !(stamps->stats = pool_alloc(tcp->pool, STAMPS_READY * sizeof *stamps->stats))))
        return false;
    uint32_t n = stamps->pending_count, tail = seq_max(tcb->snd_nxt, queue_tail_start(tcb));
    if (n && seq_gt(stamps->pending[n - 1].end, tail)) /* Linux keeps one key a buffer: the last */
        want |= stamps->pending[--n].want;
    if (n == STAMPS_PENDING)
        return false;
    stamps->pending[n].end = tcb->write_seq;
    stamps->pending[n].want = want;
    stamps->pending_count = n + 1;
    tcb->ext->has_stamps = true;
    return true;
}

uint32_t tcp_zerocopy_watch(struct tcp *tcp, struct tcb *tcb)
{
    struct stamps *stamps = need_stamps(tcp, tcb);
    if (!stamps)
        return 0;
    uint32_t n = stamps->zerocopy_count;
    if (n == ZEROCOPY_PENDING) { /* too many: told of when the next is done */
        n--;
    } else {
        stamps->zerocopy[n].sends = 0;
        stamps->zerocopy_count++;
    }
    stamps->zerocopy[n].end = tcb->write_seq;
    stamps->zerocopy[n].sends++;
    tcb->ext->has_stamps = true;
    return ++stamps->zerocopy_sends;
}

uint32_t tcp_zerocopy_done(const struct tcb *tcb)
{
    const struct stamps *stamps = tcb->ext ? tcb->ext->stamps : NULL;
    return !stamps ? 0 : tcb->state == TCPS_CLOSED ? stamps->zerocopy_sends : stamps->zerocopy_done;
}

/* A write went on from BEFORE: a send whose last buffer took more of it is done when all of that buffer is. */
COLD void stamp_on_written(struct tcb *tcb, uint32_t before)
{
    struct stamps *stamps = tcb->ext->stamps;
    if (!seq_gt(before, tcb->snd_nxt))
        return;
    for (uint32_t i = stamps->zerocopy_count; i > 0 && stamps->zerocopy[i - 1].end == before; i--)
        stamps->zerocopy[i - 1].end = queue_end_of(tcb, before);
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

static void make_ready(struct tcb *tcb, enum tcp_stamp_kind kind, uint32_t end, uint32_t size, unsigned want, const struct moment *moment)
{
    struct stamps *stamps = tcb->ext->stamps;
    uint32_t n = stamps->ready_count;
    if (n == STAMPS_READY)
        return;
    stamps->ready[n] = (struct tcp_stamp){.kind = kind, .seq = end - 1, .size = size, .time_ns = tcb_now(tcb)};
    if (stamps->stats)
        stamps->stats[n].length = 0;
    if (want & TCP_STAMP_STATS)
        take_stats(tcb, &stamps->stats[n], moment);
    stamps->ready_count++;
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

/* A segment leaves, for the first time or again. */
COLD void stamp_on_sent(struct tcb *tcb, uint32_t start, uint32_t end, uint32_t size)
{
    struct stamps *stamps = tcb->ext->stamps;
    bool any = false, is_first = seq_ge(start, tcb->snd_nxt);
    for (uint32_t i = 0; i < stamps->pending_count; i++) {
        uint32_t mark = stamps->pending[i].end;
        unsigned want = stamps->pending[i].want;
        if (!seq_gt(mark, start) || seq_gt(mark, end))
            continue;
        struct moment moment = {.next = is_first ? chunk_start(tcb, start) : tcb->snd_nxt,
                                .packets = 1,
                                .bytes = end - start,
                                .edt_ns = tcb_now(tcb),
                                .ttl = -1};
        any |= (want & (TCP_STAMP_SCHEDULED | TCP_STAMP_SENT)) != 0;
        if (want & TCP_STAMP_SCHEDULED)
            make_ready(tcb, TCP_STAMP_KIND_SCHEDULED, mark, size, want, &moment);
        if (want & TCP_STAMP_SENT)
            make_ready(tcb, TCP_STAMP_KIND_SENT, mark, size, want, &moment);
    }
    if (any)
        tcb_event(tcb, TCP_EV_ERROR);
}

/* The segment at INDEX was just SACKed: Linux puts it into one buffer with a SACKed one before it, and the later key stays
 * (tcp_shift_skb_data, tcp_skb_collapse_tstamp). */
COLD void stamp_on_sacked(struct tcb *tcb, uint32_t index)
{
    struct stamps *stamps = tcb->ext->stamps;
    const struct txseg *seg = txring_at(tcb->tx, index), *before = index ? txring_at(tcb->tx, index - 1) : NULL;
    uint32_t kept = 0;
    if (!before || !(before->flags & TX_SACKED) || before->flags & (TX_EOR | TX_FIN) ||
        min_u32(txseg_text(seg), seg->mss) != min_u32(txseg_text(before), before->mss))
        return;
    bool has_later = false;
    for (uint32_t i = 0; i < stamps->pending_count; i++)
        has_later |= seq_gt(stamps->pending[i].end, seg->start) && seq_le(stamps->pending[i].end, seg->end);
    for (uint32_t i = 0; i < stamps->pending_count; i++)
        if (!has_later || !seq_gt(stamps->pending[i].end, before->start) || seq_gt(stamps->pending[i].end, before->end))
            stamps->pending[kept++] = stamps->pending[i];
    stamps->pending_count = kept;
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
    return txring_at(tcb->tx, last)->end - txring_at(tcb->tx, first)->start;
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

/* SND.UNA moved. */
COLD void stamp_on_acked(struct tcb *tcb, int ttl)
{
    struct stamps *stamps = tcb->ext->stamps;
    uint32_t done = 0, free = 0;
    bool any = false;
    for (; done < stamps->pending_count && seq_le(stamps->pending[done].end, tcb->snd_una); done++) {
        uint32_t end = stamps->pending[done].end;
        if (!(stamps->pending[done].want & TCP_STAMP_ACKED))
            continue;
        struct moment moment = moment_of_ack(tcb, end, ttl);
        make_ready(tcb, TCP_STAMP_KIND_ACKED, end, text_around(tcb, end - 1), stamps->pending[done].want, &moment);
        any = true;
    }
    stamps->pending_count -= done;
    memmove(stamps->pending, stamps->pending + done, stamps->pending_count * sizeof stamps->pending[0]);
    for (; free < stamps->zerocopy_count && seq_le(stamps->zerocopy[free].end, tcb->snd_una); free++)
        stamps->zerocopy_done += stamps->zerocopy[free].sends;
    stamps->zerocopy_count -= free;
    memmove(stamps->zerocopy, stamps->zerocopy + free, stamps->zerocopy_count * sizeof stamps->zerocopy[0]);
    tcb->ext->has_stamps = stamps->pending_count || stamps->zerocopy_count;
    if (any || free)
        tcb_event(tcb, TCP_EV_ERROR);
}

bool tcp_stamp_peek(const struct tcb *tcb, struct tcp_stamp *stamp)
{
    const struct stamps *stamps = tcb->ext ? tcb->ext->stamps : NULL;
    if (!stamps || !stamps->ready_count)
        return false;
    if (stamp) {
        *stamp = stamps->ready[0];
        stamp->stats = stamps->stats ? stamps->stats[0].bytes : NULL;
        stamp->stats_length = stamps->stats ? stamps->stats[0].length : 0;
    }
    return true;
}

void tcp_stamp_drop(struct tcb *tcb)
{
    struct stamps *stamps = tcb->ext->stamps;
    stamps->ready_count--;
    memmove(stamps->ready, stamps->ready + 1, stamps->ready_count * sizeof stamps->ready[0]);
    if (stamps->stats)
        memmove(stamps->stats, stamps->stats + 1, stamps->ready_count * sizeof stamps->stats[0]);
}

void stamp_free(struct tcb *tcb)
{
    struct stamps *stamps = tcb->ext->stamps;
    if (stamps->stats)
        pool_free(tcb->tcp->pool, stamps->stats, STAMPS_READY * sizeof *stamps->stats);
    pool_free(tcb->tcp->pool, stamps, sizeof *stamps);
    tcb->ext->stamps = NULL;
    tcb->ext->has_stamps = false;
}
