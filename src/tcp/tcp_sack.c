/* tcp_sack.c: selective acknowledgement, both ways: blocks received mark the records in flight (RFC 2018, 6675), blocks to
 * send describe what waits out of order, a duplicate first (RFC 2883). */
#include "tcp/tcb.h"

/* --- receiving ------------------------------------------------------------------------------------------------------------ */

struct block_ {
    uint32_t start, end;
};

static uint32_t highest_sack(const struct tcb *tcb)
{
    return tcb->ext->sacked_out ? tcb->ext->highest_sack : tcb->snd_una;
}

/* Is the first block a DSACK: below the ACK, or inside the second? */
static bool check_dsack(struct tcb *tcb, const struct rx *rx, struct ack_state *state)
{
    const struct tcp_options *options = &rx->in->header.options;
    struct tcb_ext *ext = tcb->ext;
    uint32_t start = options->sack[0].start, end = options->sack[0].end;
    if (seq_lt(start, rx->ack)) {
        TCP_MIB(tcb->tcp, DSACKRecv);
    } else if (options->sack_count > 1 && seq_le(end, options->sack[1].end) && seq_ge(start, options->sack[1].start)) {
        TCP_MIB(tcb->tcp, DSACKOfoRecv);
    } else {
        return false;
    }
    if (!seq_lt(start, end) || seq_gt(end, tcb->snd_nxt) || end - start > max_u32(tcb->max_window, 65535))
        return false;
    uint32_t packets = max_u32((end - start + tcb->mss - 1) / tcb->mss, 1);
    state->dsack = true;
    ext->rack_dsack_seen = true;
    ext->dsack_dups += packets;
    if (ext->tlp_high_seq && ext->tlp_retrans && end == ext->tlp_high_seq)
        state->dsacking_tlp = true;
    /* data already forgotten: count */
    if (ext->undo_marker && ext->undo_retrans > 0 && seq_le(end, state->prior_una) && seq_gt(end, ext->undo_marker))
        ext->undo_retrans = ext->undo_retrans > (int32_t)packets ? ext->undo_retrans - (int32_t)packets : 0;
    return true;
}

static bool is_valid(const struct tcb *tcb, bool dsack, uint32_t start, uint32_t end)
{
    if (seq_gt(end, tcb->snd_nxt) || !seq_lt(start, end))
        return false;
    if (!seq_lt(start, tcb->snd_nxt))
        return false;
    if (seq_gt(start, tcb->snd_una))
        return true;
    return dsack && tcb->ext->undo_marker && seq_gt(end, tcb->snd_una);
}

static void tag(struct tcb *tcb, struct txseg *seg, bool dup, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t packets = txseg_packets(seg);
    if (dup && (seg->flags & TX_EVER_RETRANS)) {
        if (ext->undo_marker && ext->undo_retrans > 0 && seq_gt(seg->end, ext->undo_marker))
            ext->undo_retrans = ext->undo_retrans > (int32_t)packets ? ext->undo_retrans - (int32_t)packets : 0;
        if ((seg->flags & TX_SACKED) && seq_lt(seg->start, state->reord))
            state->reord = seg->start;
    }
    if (!seq_gt(seg->end, tcb->snd_una))
        return;
    if (!(seg->flags & TX_SACKED)) {
        recovery_rack_advance(tcb, seg);
        if (seg->flags & TX_RETRANS) {
            if (seg->flags & TX_LOST) {
                ext->lost_out -= packets;
                ext->retrans_out -= packets;
                seg->flags &= (uint8_t)~(TX_LOST | TX_RETRANS);
            }
        } else {
            if (!(seg->flags & TX_EVER_RETRANS)) { /* an original in a hole: reordering */
                if (seq_lt(seg->start, highest_sack(tcb)) && seq_lt(seg->start, state->reord))
                    state->reord = seg->start;
                if (seq_le(seg->end, ext->high_seq))
                    state->orig_sack_acked = true;
                if (!state->first_sack_ns)
                    state->first_sack_ns = seg->sent_ns ? seg->sent_ns : 1;
                state->last_sack_ns = seg->sent_ns;
            }
            if (seg->flags & TX_LOST) {
                seg->flags &= (uint8_t)~TX_LOST;
                ext->lost_out -= packets;
            }
        }
        seg->flags |= TX_SACKED;
        state->sacked_new = true;
        if (ext->sacked_out == 0 || seq_gt(seg->end, ext->highest_sack))
            state->new_highest = state->new_highest_set ? seq_max(state->new_highest, seg->end) : seg->end, state->new_highest_set = true;
        ext->sacked_out += packets;
        ext->delivered += packets;
    }
    if (dup && (seg->flags & TX_RETRANS)) {
        seg->flags &= (uint8_t)~TX_RETRANS;
        ext->retrans_out -= packets;
    }
}

/* Marks what [start, end) covers; records are split at whole segments only, so that a peer cannot shatter them (CVE-2019-11478). */
static void tag_block(struct tcb *tcb, uint32_t start, uint32_t end, bool dup, struct ack_state *state)
{
    start = seq_max(start, tcb->snd_una);
    uint32_t i = txring_find(tcb, start);
    while (tcb->tx && i < tcb->tx->count) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if (!seq_lt(seg->start, end))
            break;
        if (seq_lt(seg->start, start)) { /* begins inside: up to the next segment boundary is not covered */
            uint32_t skip = start - seg->start;
            skip = (skip + seg->mss - 1) / seg->mss * seg->mss;
            if (seq_lt(seg->start + skip, seg->end) && !(seg->flags & TX_SACKED))
                (void)!txring_split(tcb, i, seg->start + skip); /* no memory: the record stays unmarked */
            i++;
            continue;
        }
        if (seq_gt(seg->end, end)) {
            uint32_t keep = (end - seg->start) / seg->mss * seg->mss;
            if (keep == 0 || (seg->flags & TX_SACKED) || txring_split(tcb, i, seg->start + keep) < 0)
                break;
            seg = txring_at(tcb->tx, i);
        }
        tag(tcb, seg, dup, state);
        i++;
    }
}

static void check_reordering(struct tcb *tcb, uint32_t low)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t fack = highest_sack(tcb), metric = fack - low;
    if (!seq_lt(low, fack) || tcb->mss == 0)
        return;
    if (metric > ext->reordering * tcb->mss) {
        ext->reordering = min_u32((metric + tcb->mss - 1) / tcb->mss, 300);
        TCP_MIB(tcb->tcp, SACKReorder);
    }
    ext->reord_seen++;
}

void sack_check_reordering(struct tcb *tcb, uint32_t low)
{
    check_reordering(tcb, low);
}

void sack_receive(struct tcb *tcb, const struct rx *rx, struct ack_state *state)
{
    const struct tcp_options *options = &rx->in->header.options;
    struct tcb_ext *ext = tcb->ext;
    uint32_t count = min_u32(options->sack_count, TCP_SACK_BLOCKS);
    if (!tcb->sack_ok || count == 0)
        return;
    bool dsack = check_dsack(tcb, rx, state);
    if (!tcb->tx || seq_lt(rx->ack, state->prior_una - max_u32(tcb->max_window, 1)))
        return;
    struct block_ blocks[TCP_SACK_BLOCKS];
    bool dups[TCP_SACK_BLOCKS];
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool dup = dsack && i == 0;
        if (!is_valid(tcb, dup, options->sack[i].start, options->sack[i].end) || !seq_gt(options->sack[i].end, state->prior_una))
            continue;
        uint32_t at = used++;
        while (at > 0 && seq_gt(blocks[at - 1].start, options->sack[i].start)) {
            blocks[at] = blocks[at - 1];
            dups[at] = dups[at - 1];
            at--;
        }
        blocks[at] = (struct block_){options->sack[i].start, options->sack[i].end};
        dups[at] = dup;
    }
    if (ext->sacked_out == 0)
        ext->highest_sack = tcb->snd_una;
    uint32_t old_sacked = ext->sacked_out;
    for (uint32_t i = 0; i < used; i++)
        tag_block(tcb, blocks[i].start, blocks[i].end, dups[i], state);
    if (state->new_highest_set)
        ext->highest_sack = old_sacked ? seq_max(ext->highest_sack, state->new_highest) : state->new_highest;
    state->newly_sacked = ext->sacked_out - old_sacked;
    if (tcb->ca_state != CA_LOSS || ext->undo_marker)
        check_reordering(tcb, state->reord);
}

/* --- sending ---------------------------------------------------------------------------------------------------------------- */

/* RFC 2018 4: the most recent block first, then the ones reported before. */
void sack_note(struct tcb *tcb, uint32_t start, uint32_t end)
{
    struct tcb_ext *ext = tcb->ext;
    if (!tcb->sack_ok)
        return;
    uint32_t kept = 0;
    struct block_ old[SACK_RECENT];
    for (uint32_t i = 0; i < ext->recent_count; i++) {
        uint32_t s = ext->recent[i].start, e = ext->recent[i].end;
        if (seq_le(s, end) && seq_ge(e, start)) /* part of the new one */
            continue;
        old[kept++] = (struct block_){s, e};
    }
    ext->recent[0].start = start;
    ext->recent[0].end = end;
    ext->recent_count = 1;
    for (uint32_t i = 0; i < kept && ext->recent_count < SACK_RECENT; i++) {
        ext->recent[ext->recent_count].start = old[i].start;
        ext->recent[ext->recent_count++].end = old[i].end;
    }
}

/* RFC 2883 4: says once that [start, end) came twice. */
void sack_dsack(struct tcb *tcb, uint32_t start, uint32_t end)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext || !seq_lt(start, end))
        return;
    if (seq_lt(start, tcb->rcv_nxt))
        TCP_MIB(tcb->tcp, DSACKOldSent);
    else
        TCP_MIB(tcb->tcp, DSACKOfoSent);
    if (ext->has_dsack && seq_le(start, ext->dsack_end) && seq_ge(end, ext->dsack_start)) {
        ext->dsack_start = seq_min(ext->dsack_start, start);
        ext->dsack_end = seq_max(ext->dsack_end, end);
        return;
    }
    ext->has_dsack = true;
    ext->dsack_start = start;
    ext->dsack_end = end;
}

/* Blocks that RCV.NXT has passed. */
void sack_trim(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ext->recent_count; i++)
        if (seq_gt(ext->recent[i].start, tcb->rcv_nxt))
            ext->recent[kept++] = ext->recent[i];
    ext->recent_count = (uint8_t)kept;
}

void sack_generate(struct tcb *tcb, struct tcp_options *options)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t most = tcb->ts_ok ? 3 : 4, n = 0;
    if (ext->has_dsack) {
        options->sack[n].start = ext->dsack_start;
        options->sack[n++].end = ext->dsack_end;
        ext->has_dsack = false;
    }
    for (uint32_t i = 0; i < ext->recent_count && n < most; i++) {
        options->sack[n].start = ext->recent[i].start;
        options->sack[n++].end = ext->recent[i].end;
    }
    options->sack_count = (uint8_t)n;
}
