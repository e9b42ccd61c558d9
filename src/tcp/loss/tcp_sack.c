/* tcp_sack.c: selective acknowledgement (RFC 2018), both sides. The sender's half marks the ring's segments and keeps the
 * counters of RFC 6675 in packets; duplicate SACKs (RFC 2883) feed undo and RACK. The receiver's half keeps the most recent
 * blocks first (RFC 2018 4). Work for an ACK is bounded by what its blocks say that the last ACK's did not (sack_cache). */
#include "tcp/tcb.h"
#include "tcp/sockopt/tcp_stamp.h"

enum { SACK_EXPECTED = 2 };
struct sack_block {
    uint32_t start, end;
    bool is_dup;
};
struct tagger {
    struct tcb *tcb;
    struct ack_state *state;
    uint32_t reord, delivered;
    bool is_shifted; /* the chunk at hand became part of the buffer before it */
};

/* One past the highest SACKed byte. */
uint32_t sack_highest(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return ext->sacked_out && tcb->sack_ok ? ext->highest_sack : tcb->snd_una; /* duplicate ACKs do not say what arrived */
}

/* Something never resent at LOW arrived though later data had arrived before: the path reorders (RFC 8985 6.2, step 3). */
void sack_check_reordering(struct tcb *tcb, uint32_t low, bool by_timestamp)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t high = sack_highest(tcb), mss = max_u32(tcb->mss, 1);
    if (!seq_lt(low, high))
        return;
    uint32_t distance = high - low;
    if (distance > (uint64_t)ext->reordering * mss)
        ext->reordering = min_u32((distance + mss - 1) / mss, recovery_max_reordering(tcb));
    ext->reord_seen++;
    if (by_timestamp)
        TCP_MIB(tcb->tcp, TSReorder);
    else
        TCP_MIB(tcb->tcp, SACKReorder);
}

/* --- the sender's half ------------------------------------------------------------------------------------------------ */

static void tag_new(struct tagger *tagger, struct txseg *seg, uint32_t packets)
{
    struct tcb *tcb = tagger->tcb;
    struct tcb_ext *ext = tcb->ext;
    struct ack_state *state = tagger->state;
    recovery_rack_advance(tcb, seg);
    if (seg->flags & TX_RETRANS) {
        /* One resent without having been lost: the copy is still believed to be in flight. */
        if (seg->flags & TX_LOST) {
            seg->flags &= (uint8_t)~(TX_LOST | TX_RETRANS);
            ext->lost_out -= packets;
            ext->retrans_out -= packets;
        }
    } else {
        if (!(seg->flags & TX_EVER_RETRANS)) {
            if (seq_lt(seg->start, sack_highest(tcb)) && seq_lt(seg->start, tagger->reord))
                tagger->reord = seg->start; /* it was in a hole and arrived by itself */
            if (seq_le(seg->end, ext->high_seq))
                state->orig_sack_acked = true;
            if (!state->first_sack_ns) {
                state->first_sack_ns = seg->sent_ns;
                state->first_sack_burst = seg->burst;
            }
            state->last_sack_ns = seg->sent_ns;
        }
        if (seg->flags & TX_LOST) {
            seg->flags &= (uint8_t)~TX_LOST;
            ext->lost_out -= packets;
        }
    }
    if (ext->sacked_out == 0 || seq_gt(seg->end, ext->highest_sack))
        ext->highest_sack = seg->end;
    seg->flags |= TX_SACKED;
    seg->is_judged = true;
    ext->sacked_out += packets;
    tagger->delivered += packets;
    state->sacked_new = true;
    state->newly_sacked += packets;
    state->sacked_bytes += seg->end - seg->start;
    rate_on_delivered(ext, state, seg);
    seg->run_end = seg->end;
    if (ext->has_stamps)
        stamp_on_sacked(tcb, txring_find(tcb, seg->start));
}

/* The segment size of the buffer that RECORD ends or begins (tcp_skb_seglen). */
static uint32_t size_of(const struct txseg *record, const struct txseg *beside)
{
    uint32_t own = min_u32(txseg_text(record), record->mss);
    return beside ? max_u32(own, min_u32(txseg_text(beside), beside->mss)) : own;
}

/* May the SACKed text behind INDEX come into the buffer that ends there, which is SACKed, too? */
static bool may_shift(const struct tcb *tcb, uint32_t index)
{
    enum { TAGS = TX_SACKED | TX_LOST | TX_RETRANS };
    struct txring *ring = tcb->tx;
    const struct txseg *seg = txring_at(ring, index), *next = txring_at(ring, index + 1);
    if ((seg->flags & TAGS) != TX_SACKED || (next->flags & TAGS) != TX_SACKED || seg->flags & (TX_EOR | TX_FIN))
        return false;
    const struct txseg *before = index && txring_at(ring, index - 1)->glued ? txring_at(ring, index - 1) : NULL;
    return size_of(seg, before) == size_of(next, NULL) && !(tcb->ext->has_stamps && zerocopy_is_pinned(tcb, seg->start, next->end));
}

/* Linux keeps what is SACKed in few buffers: a chunk that a block covers joins the SACKed one before it, and then the one
 * behind it; a part is cut off (tcp_shift_skb_data, tcp_match_skb_to_sack). It shows when the peer reneges. WAS: record
 * I's flags before. */
static void regroup(struct tagger *tagger, uint32_t i, uint32_t block_end, uint8_t was)
{
    struct tcb *tcb = tagger->tcb;
    struct txring *ring = tcb->tx;
    if (tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX)
        return;
    struct txseg *seg = txring_at(ring, i);
    bool is_cut = seg->glued && seq_gt(txring_at(ring, i + 1)->end, block_end);
    if (is_cut)
        txring_glue(ring, i, false);
    if (!i || !(txring_at(ring, i - 1)->flags & TX_SACKED) || !txring_at(ring, i - 1)->glued) { /* its chunk begins here, now */
        tagger->is_shifted = i && (was & (TX_LOST | TX_RETRANS)) != TX_RETRANS && may_shift(tcb, i - 1);
        if (i)
            txring_glue(ring, i - 1, tagger->is_shifted);
    }
    if (tagger->is_shifted && !is_cut && !seg->glued && i + 1 < ring->count && may_shift(tcb, i))
        txring_glue(ring, i, true);
}

static void tag_one(struct tagger *tagger, struct txseg *seg, bool is_dup)
{
    struct tcb *tcb = tagger->tcb;
    struct tcb_ext *ext = tcb->ext;
    uint32_t packets = txseg_packets(seg);
    if (is_dup && (seg->flags & (TX_RETRANS | TX_EVER_RETRANS))) { /* a resent one arrived twice */
        if (ext->undo_marker && ext->undo_retrans > 0 && seq_gt(seg->end, ext->undo_marker))
            ext->undo_retrans = ext->undo_retrans > (int32_t)packets ? ext->undo_retrans - (int32_t)packets : 0;
        if ((seg->flags & TX_SACKED) && seq_lt(seg->start, tagger->reord))
            tagger->reord = seg->start;
    }
    if (seq_le(seg->end, tcb->snd_una)) /* about to be dropped from the ring */
        return;
    if (!(seg->flags & TX_SACKED))
        tag_new(tagger, seg, packets);
    if (is_dup && (seg->flags & TX_RETRANS)) {
        seg->flags &= (uint8_t)~TX_RETRANS;
        ext->retrans_out -= packets;
    }
}

/* Is segment I within the block? One of several packets that lies across an edge is split at a packet's edge first. */
static bool match(struct tcb *tcb, uint32_t i, uint32_t start, uint32_t end)
{
    struct txseg *seg = txring_at(tcb->tx, i);
    bool inside = seq_le(start, seg->start) && seq_ge(end, seg->end);
    if (inside || txseg_packets(seg) == 1)
        return inside;
    uint32_t mss = seg->mss, length;
    inside = seq_le(start, seg->start);
    if (!inside) { /* the first part stays outside */
        length = max_u32(start - seg->start, mss);
        length = (length + mss - 1) / mss * mss;
    } else {
        length = (end - seg->start) / mss * mss;
        if (length == 0)
            return false;
    }
    if (length >= seg->end - seg->start)
        return false;
    return txring_split(tcb, i, seg->start + length) == 0 && inside;
}

/* Marks the segments that touch [FROM, UPTO) and lie within BLOCK. */
static void walk(struct tagger *tagger, const struct sack_block *block, uint32_t from, uint32_t upto)
{
    struct tcb *tcb = tagger->tcb;
    if (!tcb->tx || tcb->tx->count == 0)
        return;
    uint32_t first = txring_at(tcb->tx, 0)->start;
    uint32_t i = seq_le(from, first) ? 0 : txring_find(tcb, from);
    for (; i < tcb->tx->count && seq_lt(txring_at(tcb->tx, i)->start, upto); i++) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if (!block->is_dup && (seg->flags & TX_SACKED))
            continue;
        if (!match(tcb, i, block->start, block->end))
            continue;
        seg = txring_at(tcb->tx, i);
        uint8_t was = seg->flags;
        tag_one(tagger, seg, block->is_dup);
        if (seg->flags & TX_SACKED & ~was)
            regroup(tagger, i, block->end, was);
    }
}

/* Walks what of BLOCK the last ACK's blocks did not cover. */
static void tag_block(struct tagger *tagger, const struct sack_block *block)
{
    const struct tcb_ext *ext = tagger->tcb->ext;
    uint32_t from = block->start;
    while (seq_lt(from, block->end)) {
        uint32_t upto = block->end, skip = from;
        for (unsigned i = 0; i < TCP_SACK_BLOCKS && !block->is_dup; i++) {
            uint32_t start = ext->sack_cache[i].start, end = ext->sack_cache[i].end;
            if (start == end)
                continue;
            if (seq_le(start, from) && seq_lt(from, end))
                skip = seq_max(skip, end);
            else if (seq_gt(start, from) && seq_lt(start, upto))
                upto = start;
        }
        if (skip == from) {
            walk(tagger, block, from, upto);
            skip = upto;
        }
        from = skip;
    }
}

/* RFC 2018 and 2883 with Linux's care for what is nonsense, too old or from the future. */
static bool block_is_valid(const struct tcb *tcb, bool is_dup, uint32_t start, uint32_t end)
{
    const struct tcb_ext *ext = tcb->ext;
    if (seq_gt(end, tcb->snd_nxt) || !seq_lt(start, end) || !seq_lt(start, tcb->snd_nxt))
        return false;
    if (seq_gt(start, tcb->snd_una))
        return true;
    if (!is_dup || !ext->undo_marker || seq_gt(end, tcb->snd_una))
        return false;
    if (seq_ge(start, ext->undo_marker))
        return true;
    return seq_gt(end, ext->undo_marker) && seq_ge(start, end - tcb->max_window);
}

/* How many segments a DSACK block tells of; 0: not to be believed. */
static uint32_t dsack_seen(struct tagger *tagger, uint32_t start, uint32_t end)
{
    struct tcb *tcb = tagger->tcb;
    struct tcb_ext *ext = tcb->ext;
    uint32_t length = end - start, segments = 1, mss = max_u32(tcb->mss, 1);
    if (!seq_lt(start, end) || length > tcb->max_window)
        return 0;
    if (length > mss)
        segments = (length + mss - 1) / mss;
    else if (ext->tlp_high_seq && ext->tlp_high_seq == end)
        tagger->state->dsacking_tlp = true;
    ext->dsack_dups += segments;
    if (ext->dsack_dups > ext->total_retrans) /* more duplicates than ever were resent: the network's own */
        return 0;
    /* RFC 8985 7.4: a probe's duplicate says nothing of the reordering window. */
    if (ext->reord_seen && !tagger->state->dsacking_tlp)
        ext->rack_dsack_seen = true;
    tagger->state->dsack = true;
    tagger->delivered += segments;
    return segments;
}

/* RFC 2883 4: the first block is a DSACK when it lies below the ACK or within the second. */
static bool check_dsack(struct tagger *tagger, const struct rx *rx, uint32_t prior_una)
{
    const struct tcp_options *options = &rx->in->header.options;
    struct tcb *tcb = tagger->tcb;
    struct tcb_ext *ext = tcb->ext;
    uint32_t start = options->sack[0].start, end = options->sack[0].end;
    if (seq_lt(start, rx->ack)) {
        TCP_MIB(tcb->tcp, DSACKRecv);
    } else if (options->sack_count > 1) {
        if (seq_gt(end, options->sack[1].end) || seq_lt(start, options->sack[1].start))
            return false;
        TCP_MIB(tcb->tcp, DSACKOfoRecv);
    } else {
        return false;
    }
    uint32_t segments = dsack_seen(tagger, start, end);
    if (segments == 0) {
        TCP_MIB(tcb->tcp, DSACKIgnoredDubious);
        return false;
    }
    tcb->tcp->mib[MIB_DSACKRecvSegs] += segments;
    if (ext->undo_marker && ext->undo_retrans > 0 && seq_le(end, prior_una) && seq_gt(end, ext->undo_marker))
        ext->undo_retrans = ext->undo_retrans > (int32_t)segments ? ext->undo_retrans - (int32_t)segments : 0;
    return true;
}

/* Linux: blocks that a late ACK has are no fault. */
COLD static void count_invalid(struct tcb *tcb, const struct sack_block *block, uint32_t ack)
{
    if (block->is_dup && !tcb->ext->undo_marker)
        TCP_MIB(tcb->tcp, DSACKIgnoredNoUndo);
    else if (block->is_dup)
        TCP_MIB(tcb->tcp, DSACKIgnoredOld);
    else if (ack == tcb->snd_una || seq_gt(block->end, tcb->snd_una))
        TCP_MIB(tcb->tcp, SACKDiscard);
}

static unsigned collect(struct tagger *tagger, const struct rx *rx, uint32_t prior_una, bool has_dsack, struct sack_block *blocks)
{
    const struct tcp_options *options = &rx->in->header.options;
    unsigned count = 0;
    for (unsigned i = 0; i < options->sack_count && i < TCP_SACK_BLOCKS; i++) {
        struct sack_block block = {options->sack[i].start, options->sack[i].end, i == 0 && has_dsack};
        if (!block_is_valid(tagger->tcb, block.is_dup, block.start, block.end)) {
            count_invalid(tagger->tcb, &block, rx->ack);
            continue;
        }
        if (seq_le(block.end, prior_una))
            continue;
        unsigned at = count++; /* by insertion: ascending, so that a lower block is not taken for reordering */
        for (; at > 0 && seq_lt(block.start, blocks[at - 1].start); at--)
            blocks[at] = blocks[at - 1];
        blocks[at] = block;
    }
    return count;
}

void sack_receive(struct tcb *tcb, const struct rx *rx, struct ack_state *state)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext || rx->in->header.options.sack_count == 0)
        return;
    struct tagger tagger = {.tcb = tcb, .state = state, .reord = tcb->snd_nxt};
    bool has_dsack = check_dsack(&tagger, rx, state->prior_una);
    if (!seq_lt(rx->ack, state->prior_una - tcb->max_window) && tcb_packets_out(tcb)) { /* not too old */
        struct sack_block blocks[TCP_SACK_BLOCKS];
        unsigned count = collect(&tagger, rx, state->prior_una, has_dsack, blocks);
        for (unsigned i = 0; i < count; i++)
            tag_block(&tagger, &blocks[i]);
        memset(ext->sack_cache, 0, sizeof ext->sack_cache);
        for (unsigned i = 0, n = 0; i < count; i++) {
            if (!blocks[i].is_dup) {
                ext->sack_cache[n].start = blocks[i].start;
                ext->sack_cache[n++].end = blocks[i].end;
            }
        }
        if (tcb->ca_state != CA_LOSS || ext->undo_marker)
            sack_check_reordering(tcb, tagger.reord, false);
    }
    if (rx->ack != tcb->snd_una) /* an old ACK's blocks count for recovery alone (Linux) */
        return;
    ext->delivered += tagger.delivered;
    if (state->ece)
        ext->delivered_ce += tagger.delivered;
}

/* --- the receiver's half ------------------------------------------------------------------------------------------------- */

static bool extend(uint32_t *at_start, uint32_t *at_end, uint32_t start, uint32_t end)
{
    if (seq_gt(start, *at_end) || seq_gt(*at_start, end))
        return false;
    *at_start = seq_min(*at_start, start);
    *at_end = seq_max(*at_end, end);
    return true;
}

/* RFC 2018 4: out-of-order data [START, END) arrived; the block that holds it is reported first. */
void sack_note(struct tcb *tcb, uint32_t start, uint32_t end)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext || !tcb->sack_ok || tcb_params(tcb)->input_policy == TCP_INPUT_BSD)
        return;
    unsigned kept = 0, found = ext->recent_count;
    for (unsigned i = 0; i < ext->recent_count; i++) { /* what touches the new block becomes part of it */
        if (!extend(&start, &end, ext->recent[i].start, ext->recent[i].end))
            ext->recent[kept++] = ext->recent[i];
        else
            found = min_u32(found, i);
    }
    if (found >= SACK_EXPECTED && ext->compressed)
        tcb->ack_now = true; /* a compressed ACK has room for so many changes only: it goes at once */
    kept = min_u32(kept, SACK_RECENT - 1);
    memmove(&ext->recent[1], &ext->recent[0], kept * sizeof ext->recent[0]);
    ext->recent[0].start = start;
    ext->recent[0].end = end;
    ext->recent_count = (uint8_t)(kept + 1);
}

/* RFC 2883: [START, END) arrived again. */
void sack_dsack(struct tcb *tcb, uint32_t start, uint32_t end)
{
    bool is_told = tcb->sack_ok && tcb_params(tcb)->dsack && tcb_params(tcb)->input_policy != TCP_INPUT_BSD; /* BSD: tcp_bsd_blocks.c */
    struct tcb_ext *ext = is_told ? tcb_ext_get(tcb) : NULL;
    if (!ext)
        return;
    if (seq_lt(start, tcb->rcv_nxt))
        TCP_MIB(tcb->tcp, DSACKOldSent);
    else
        TCP_MIB(tcb->tcp, DSACKOfoSent);
    ext->has_dsack = true;
    ext->dsack_start = start;
    ext->dsack_end = end;
}

/* More of the same segment was there already: what joins the block. */
void sack_dsack_more(struct tcb *tcb, uint32_t start, uint32_t end)
{
    struct tcb_ext *ext = tcb->ext;
    if (ext && ext->has_dsack)
        (void)extend(&ext->dsack_start, &ext->dsack_end, start, end);
    else
        sack_dsack(tcb, start, end);
}

/* RCV.NXT moved: blocks that it passed go. */
void sack_trim(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext || ext->recent_count == 0 || tcb_params(tcb)->input_policy == TCP_INPUT_BSD)
        return;
    unsigned kept = 0;
    for (unsigned i = 0; i < ext->recent_count; i++) {
        if (seq_lt(tcb->rcv_nxt, ext->recent[i].start))
            ext->recent[kept++] = ext->recent[i];
    }
    ext->recent_count = (uint8_t)kept;
}

/* The blocks of a segment about to leave: a DSACK first, once, then as many recent ones as there is room for. */
void sack_generate(struct tcb *tcb, struct tcp_options *options)
{
    struct tcb_ext *ext = tcb->ext;
    options->sack_count = 0;
    if (!ext || !tcb->sack_ok || (ext->recent_count == 0 && !ext->has_dsack))
        return;
    unsigned room = 40 - (options->has_timestamp ? 12 : 0) - (tcb_is_signed(tcb) ? MD5_OPTION : 0), count = 0;
    if (room < 12)
        return;
    room = (room - 4) / 8;
    room = min_u32(room, TCP_SACK_BLOCKS);
    if (tcb_params(tcb)->input_policy == TCP_INPUT_BSD) {
        blocks_generate(tcb, room, options);
        return;
    }
    if (ext->has_dsack) {
        options->sack[0].start = ext->dsack_start;
        options->sack[0].end = ext->dsack_end;
        count = 1;
        ext->has_dsack = false;
    }
    for (unsigned i = 0; i < ext->recent_count && count < room; i++, count++) {
        options->sack[count].start = ext->recent[i].start;
        options->sack[count].end = ext->recent[i].end;
    }
    options->sack_count = (uint8_t)count;
}
