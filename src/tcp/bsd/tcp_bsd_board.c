/* tcp_bsd_board.c: the scoreboard of FreeBSD's base stack (RFC 2018, RFC 6675): a list of holes in bytes, each with how far it was resent.
 * The marks of the ring (tcp_sack.c) are kept beside it for those who count packets. */
#include "tcp/tcb.h"

enum { DUP_THRESH = 3, HOLES = 128 /* as net.inet.tcp.sack.maxholes */, NOWHERE = HOLES };
struct bsd_hole {
    uint32_t start, end, again; /* resent up to here; beyond END: entirely, when what lay below that had been sent */
};
struct bsd_board {
    uint32_t count, most, next; /* the hole to resend from, NOWHERE: none */
    uint32_t fack;            /* one past the highest that was SACKed */
    uint32_t sacked, missing, lost, resent; /* bytes */
    struct bsd_hole hole[HOLES];
};
struct sacked_block {
    uint32_t start, end;
};

void board_free(struct tcb *tcb)
{
    if (tcb->ext->base.board)
        pool_free(tcb->tcp->pool, tcb->ext->base.board, sizeof *tcb->ext->base.board);
    tcb->ext->base.board = NULL;
}

static struct bsd_board *board_get(struct tcb *tcb)
{
    struct bsd_board **board = &tcb->ext->base.board;
    if (!*board && (*board = pool_alloc(tcb->tcp->pool, sizeof **board)) != NULL) {
        memset(*board, 0, offsetof(struct bsd_board, hole));
        (*board)->next = NOWHERE;
        (*board)->most = min_u32(tcb_params(tcb)->sack_max_holes, HOLES);
    }
    return *board;
}

bool board_has_holes(const struct tcb *tcb) { return tcb->ext->base.board && tcb->ext->base.board->count; }
uint32_t board_sacked(const struct tcb *tcb) { return tcb->ext->base.board ? tcb->ext->base.board->sacked : 0; }
uint32_t board_resent(const struct tcb *tcb) { return tcb->ext->base.board ? tcb->ext->base.board->resent : 0; }

/* RFC 6675's pipe, from UNA on. */
uint32_t board_pipe(const struct tcb *tcb, uint32_t una)
{
    const struct bsd_board *board = tcb->ext->base.board;
    int32_t bytes = (int32_t)(tcb->snd_nxt - una);
    if (board && tcb_params(tcb)->sack_revised)
        bytes += (int32_t)(board->resent - board->sacked - board->lost);
    else if (board) /* awnd as it was before RFC 6675 */
        bytes = (int32_t)(tcb->ext->base.next - seq_max(board->fack, una) + board->resent);
    return bytes > 0 ? (uint32_t)bytes : 0;
}

static uint32_t resent_of(const struct bsd_hole *hole) { return seq_min(hole->again, hole->end) - hole->start; }

static struct bsd_hole *insert(struct bsd_board *board, uint32_t at, uint32_t start, uint32_t end)
{
    if (board->count >= board->most)
        return NULL;
    memmove(&board->hole[at + 1], &board->hole[at], (board->count - at) * sizeof board->hole[0]);
    board->count++;
    if (board->next == NOWHERE)
        board->next = at;
    else if (board->next >= at)
        board->next++;
    board->hole[at] = (struct bsd_hole){start, end, start};
    return &board->hole[at];
}

static void remove_hole(struct bsd_board *board, uint32_t at)
{
    memmove(&board->hole[at], &board->hole[at + 1], (board->count - at - 1) * sizeof board->hole[0]);
    board->count--;
    if (board->next != NOWHERE && board->next > at)
        board->next--;
    if (board->next >= board->count)
        board->next = NOWHERE;
}

/* A hole that was resent to its end: when all of the episode is sent and later data SACKed, the retransmission itself was lost. */
static void note_whole(const struct tcb *tcb, struct bsd_hole *hole, bool at_least)
{
    uint32_t recover = tcb->ext->base.recover;
    if (!tcb_params(tcb)->lost_retransmission || !seq_ge(hole->again, hole->end))
        return;
    hole->again = at_least ? seq_max(hole->again, recover) : recover;
}

struct cutter {
    struct tcb *tcb;
    struct bsd_board *board;
    uint32_t delivered;
    enum board_change change;
};

/* What BLOCK tells of hole AT. */
static void cut(struct cutter *cutter, uint32_t at, const struct sacked_block *block)
{
    struct bsd_board *board = cutter->board;
    struct bsd_hole *hole = &board->hole[at], *rest;
    bool from_start = seq_le(block->start, hole->start), to_end = seq_ge(block->end, hole->end);
    uint32_t gone = seq_min(block->end, hole->end) - seq_max(block->start, hole->start);
    board->resent -= resent_of(hole);
    cutter->change = BOARD_CHANGED;
    if (from_start && to_end) {
        cutter->delivered += gone;
        board->missing -= gone;
        remove_hole(board, at);
        return;
    }
    if (from_start) {
        hole->start = block->end;
        hole->again = seq_max(hole->again, hole->start);
    } else if (to_end) {
        hole->end = block->start;
        hole->again = seq_min(hole->again, hole->end);
        note_whole(cutter->tcb, hole, false);
    } else {
        cutter->change = BOARD_NEW_LOSS;
        rest = insert(board, at + 1, block->end, hole->end);
        if (!rest) {
            board->resent += resent_of(hole);
            return;
        }
        if (seq_gt(hole->again, rest->again)) {
            rest->again = hole->again;
            board->resent += resent_of(rest);
        }
        hole->end = block->start;
        hole->again = seq_min(hole->again, hole->end);
        note_whole(cutter->tcb, hole, false);
    }
    cutter->delivered += gone;
    board->missing -= gone;
    board->resent += resent_of(&board->hole[at]);
}

/* The highest block reaches beyond all before. False: there was no room for the hole below it. */
static void raise_top(struct cutter *cutter, const struct sacked_block *block, uint32_t left)
{
    struct bsd_board *board = cutter->board;
    struct bsd_hole *last = board->count ? &board->hole[board->count - 1] : NULL;
    if (!seq_lt(board->fack, block->start)) {
        if (!seq_lt(board->fack, block->end))
            return;
        cutter->delivered += block->end - board->fack;
        cutter->change = BOARD_CHANGED;
    } else if (last && seq_le(board->fack, last->end)) { /* a rescue that arrived: what is missing lies before it */
        board->missing -= last->end - last->start;
        last->start = seq_max(board->fack, left);
        last->end = block->start;
        last->again = last->start;
        board->missing += last->end - last->start;
        cutter->delivered += block->end - block->start;
        cutter->change = BOARD_NEW_LOSS;
    } else if (insert(board, board->count, board->fack, block->start)) {
        board->missing += block->start - board->fack;
        cutter->delivered += block->end - block->start;
        cutter->change = BOARD_CHANGED;
    } else {
        return;
    }
    board->fack = block->end;
}

/* RFC 6675 4: lost is what has three blocks SACKed above, or more than two segments. */
static void count_lost(struct tcb *tcb, struct bsd_board *board)
{
    uint32_t whole = tcb->mss + tcb_ts_bytes(tcb) + (tcb_is_signed(tcb) ? MD5_OPTION : 0);
    uint32_t above = 0, blocks = 0, high = board->fack, in_doubt = 0;
    for (uint32_t i = board->count; i-- > 0;) {
        struct bsd_hole *hole = &board->hole[i];
        above += high - hole->end;
        high = hole->start;
        if (++blocks >= DUP_THRESH || above > (DUP_THRESH - 1) * whole)
            break;
        in_doubt += hole->end - hole->start;
    }
    board->lost = board->missing - in_doubt;
}

static uint32_t collect(const struct tcb *tcb, const struct rx *rx, uint32_t prior_una, struct sacked_block *blocks)
{
    const struct tcp_options *options = &rx->in->header.options;
    uint32_t count = 0;
    if (seq_lt(prior_una, rx->ack) && board_has_holes(tcb))
        blocks[count++] = (struct sacked_block){prior_una, rx->ack};
    for (unsigned i = 0; i < options->sack_count && i < TCP_SACK_BLOCKS; i++) {
        struct sacked_block block = {options->sack[i].start, options->sack[i].end};
        if (!seq_gt(block.end, block.start) || !seq_gt(block.start, prior_una) || !seq_gt(block.start, rx->ack) ||
            seq_gt(block.end, tcb->snd_nxt))
            continue;
        uint32_t at = count++;
        for (; at > 0 && seq_gt(blocks[at - 1].end, block.end); at--)
            blocks[at] = blocks[at - 1];
        blocks[at] = block;
    }
    return count;
}

/* An ACK that moves SND.UNA on from PRIOR_UNA or tells of blocks. *DELIVERED: bytes that were not known to have arrived. */
enum board_change board_update(struct tcb *tcb, const struct rx *rx, uint32_t prior_una, uint32_t *delivered)
{
    struct bsd_board *board = board_get(tcb);
    struct sacked_block blocks[TCP_SACK_BLOCKS + 1];
    if (!board)
        return BOARD_SAME;
    struct cutter cutter = {.tcb = tcb, .board = board};
    uint32_t count = collect(tcb, rx, prior_una, blocks), left = seq_lt(prior_una, rx->ack) && board->count ? rx->ack - prior_una : 0;
    if (left && seq_lt(board->fack, rx->ack)) {
        cutter.delivered += left;
        board->fack = rx->ack;
        cutter.change = BOARD_CHANGED;
    }
    if (count == 0)
        return cutter.change;
    if (board->count == 0) {
        board->fack = seq_max(prior_una, rx->ack);
        board->sacked = board->missing = 0;
    }
    raise_top(&cutter, &blocks[count - 1], seq_max(prior_una, rx->ack));
    for (uint32_t at = board->count, b = count; at > 0 && b > 0;) {
        const struct bsd_hole *hole = &board->hole[at - 1];
        const struct sacked_block *block = &blocks[b - 1];
        if (seq_ge(block->start, hole->end)) {
            b--;
        } else if (seq_le(block->end, hole->start)) {
            at--;
        } else {
            bool goes_on = seq_le(block->start, hole->start);
            cut(&cutter, at - 1, block);
            at -= goes_on; /* the block may reach into the next hole below; else the next block into what is left of this one */
            b -= !goes_on;
        }
    }
    *delivered = cutter.delivered;
    board->sacked += cutter.delivered - left;
    count_lost(tcb, board);
    return rx->in->header.options.sack_count ? cutter.change : BOARD_SAME;
}

/* All holes are to be resent (a new episode, a first timeout). */
void board_resend(struct tcb *tcb)
{
    struct bsd_board *board = tcb->ext->base.board;
    if (!board)
        return;
    for (uint32_t i = 0; i < board->count; i++)
        board->hole[i].again = board->hole[i].start;
    board->next = board->count ? 0 : NOWHERE;
    board->resent = 0;
}

void board_clear(struct tcb *tcb)
{
    struct bsd_board *board = tcb->ext->base.board;
    if (!board)
        return;
    board->count = board->sacked = board->missing = board->lost = board->resent = 0;
    board->next = NOWHERE;
}

void board_forget_sacked(struct tcb *tcb)
{
    if (tcb->ext->base.board)
        tcb->ext->base.board->sacked = 0;
}

void board_set_top(struct tcb *tcb, uint32_t seq)
{
    if (tcb->ext->base.board)
        tcb->ext->base.board->fack = seq;
}

/* RFC 6675's rescue: nothing tells of a hole, but the episode is not over: the last segment of it goes again. */
void board_rescue(struct tcb *tcb, uint32_t start, uint32_t end, uint32_t una)
{
    struct bsd_board *board = board_get(tcb);
    if (!board || board->count)
        return;
    board->fack = una;
    if (insert(board, 0, start, end))
        board->missing += end - start;
}

/* A retransmission was itself lost: all has been resent, and what was sent after that is SACKed. */
bool board_lost_again(struct tcb *tcb)
{
    struct bsd_board *board = tcb->ext->base.board;
    if (!board || !board->count || !seq_gt(board->fack, tcb->ext->base.recover))
        return false;
    const struct bsd_hole *first = &board->hole[0];
    if (!seq_ge(first->again, first->end) || !seq_ge(board->fack, first->again))
        return false;
    board->next = 0;
    for (uint32_t i = 0; i < board->count; i++) {
        struct bsd_hole *hole = &board->hole[i];
        if (seq_ge(board->fack, hole->again) && seq_ge(hole->again, hole->end))
            hole->again = hole->start;
    }
    return true;
}

/* Where the next retransmission begins and the hole ends. */
bool board_next(struct tcb *tcb, uint32_t *start, uint32_t *end)
{
    struct bsd_board *board = tcb->ext->base.board;
    if (!board)
        return false;
    for (uint32_t i = board->next; i < board->count; i++) {
        if (!seq_lt(board->hole[i].again, board->hole[i].end))
            continue;
        board->next = i;
        *start = board->hole[i].again;
        *end = board->hole[i].end;
        return true;
    }
    return false;
}

bool board_waits(const struct tcb *tcb) { return tcb->ext->base.board && tcb->ext->base.board->next != NOWHERE; }

void board_sent(struct tcb *tcb, uint32_t end)
{
    struct bsd_board *board = tcb->ext->base.board;
    struct bsd_hole *hole = &board->hole[board->next];
    board->resent += end - hole->again;
    hole->again = end;
    note_whole(tcb, hole, true);
}

/* After a timeout: where to go on from *NEXT, past what is SACKed; how much of that lies below. */
uint32_t board_skip(const struct tcb *tcb, uint32_t *next)
{
    const struct bsd_board *board = tcb->ext->base.board;
    uint32_t sacked = 0;
    if (!board || !board->count)
        return 0;
    if (seq_ge(*next, board->fack))
        return board->sacked;
    for (uint32_t i = 0; i < board->count; i++) {
        uint32_t above = i + 1 < board->count ? board->hole[i + 1].start : board->fack;
        if (seq_lt(*next, board->hole[i].end))
            return sacked;
        sacked += above - board->hole[i].end;
        if (seq_lt(*next, above)) {
            *next = above;
            return sacked;
        }
    }
    return sacked;
}
