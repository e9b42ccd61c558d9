/* tcp_bsd_blocks.c: the blocks that FreeBSD's receiver reports (RFC 2018, RFC 2883): one list, the newest first, in
 * which a block at or below RCV.NXT, or inside another, is a duplicate's. Such a one is told once. What a segment
 * brings goes through blocks_on_text(), what is trimmed off its front through blocks_add(). */
#include "tcp/tcb.h"

enum { MAX_BLOCKS = 6 };
struct told {
    uint32_t start, end;
};
struct bsd_blocks {
    uint32_t count;
    struct told b[MAX_BLOCKS];
};

static bool is_empty(const struct told *block) { return !seq_lt(block->start, block->end); }
static bool is_same(const struct told *a, const struct told *b) { return a->start == b->start && a->end == b->end; }

static struct told common(const struct told *a, const struct told *b)
{
    return (struct told){seq_max(a->start, b->start), seq_min(a->end, b->end)};
}

static struct told both(const struct told *a, const struct told *b)
{
    return (struct told){seq_min(a->start, b->start), seq_max(a->end, b->end)};
}

void blocks_free(struct tcb *tcb)
{
    if (tcb->ext->base.blocks)
        pool_free(tcb->tcp->pool, tcb->ext->base.blocks, sizeof *tcb->ext->base.blocks);
    tcb->ext->base.blocks = NULL;
}

static struct bsd_blocks *blocks_get(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext)
        return NULL;
    if (!ext->base.blocks && (ext->base.blocks = pool_alloc(tcb->tcp->pool, sizeof *ext->base.blocks)) != NULL)
        ext->base.blocks->count = 0;
    return ext->base.blocks;
}

static void store(struct tcb *tcb, const struct told *from, uint32_t count)
{
    struct bsd_blocks *blocks = tcb->ext->base.blocks;
    blocks->count = 0;
    for (uint32_t i = 0; i < count && blocks->count < MAX_BLOCKS; i++)
        if (!is_empty(&from[i]))
            blocks->b[blocks->count++] = from[i];
    tcb->ext->recent_count = blocks->count & 7;
}

/* What lies within the one put before it takes its place. */
static uint32_t put(struct told *list, uint32_t count, struct told block)
{
    if (count && seq_ge(list[count - 1].start, block.start) && seq_le(list[count - 1].end, block.end))
        count--;
    list[count] = block;
    return count + 1;
}

/* [START, END) is told first. Where it meets another block they are one; where they overlap, what they have in common is the duplicate. */
void blocks_add(struct tcb *tcb, uint32_t start, uint32_t end)
{
    struct bsd_blocks *blocks = blocks_get(tcb);
    struct told head = {start, end}, list[MAX_BLOCKS + 1];
    uint32_t count = 1;
    if (!blocks)
        return;
    for (uint32_t i = 0; i < blocks->count; i++) {
        struct told old = blocks->b[i], all;
        if (is_empty(&old) || seq_le(old.start, tcb->rcv_nxt))
            continue;
        if (seq_gt(head.start, old.end) || seq_lt(head.end, old.start)) {
            count = 1 + put(list + 1, count - 1, old);
            continue;
        }
        all = both(&head, &old);
        if (head.start == old.end || head.end == old.start) {
            head = all;
            continue;
        }
        head = common(&head, &old);
        if (!is_same(&head, &all))
            count = 1 + put(list + 1, count - 1, all);
    }
    list[0] = head;
    store(tcb, list, min_u32(count, MAX_BLOCKS));
}

/* [START, END) arrived: what of it was there already comes first, then the block that holds it, if it lies beyond RCV.NXT. */
static void note(struct tcb *tcb, struct bsd_blocks *blocks, struct told text)
{
    uint32_t rcv_nxt = tcb->rcv_nxt - tcb->fin_rcvd; /* a FIN behind it is not yet counted */
    struct told list[MAX_BLOCKS + 2], again = {0, 0}, first = {0, 0}, all = text;
    bool has_again = false, is_old = false;
    if (seq_lt(text.end, rcv_nxt) || (text.end == rcv_nxt && blocks->count && blocks->b[0].end == rcv_nxt))
        again = text;
    for (uint32_t i = 0; i < blocks->count; i++) {
        const struct told *old = &blocks->b[i];
        if (seq_lt(text.end, old->start) || seq_gt(text.start, old->end))
            continue;
        struct told part = common(&text, old);
        if (seq_gt(rcv_nxt, old->end)) {
            if (part.start != part.end && (!has_again || seq_gt(first.start, part.start))) {
                first = part;
                has_again = true;
            }
            continue;
        }
        if ((!has_again || seq_gt(first.start, old->start)) && seq_gt(old->end, text.start)) {
            first = *old; /* the leftmost block that is touched, though a later one may hold more of it */
            has_again = true;
        }
        all = both(&all, old);
        is_old |= is_same(&all, old);
    }
    uint32_t count = 1;
    list[0] = has_again ? common(&text, &first) : again;
    if ((seq_lt(rcv_nxt, all.end) && !is_same(&all, &list[0])) || is_old)
        list[count++] = all;
    for (uint32_t i = 0; i < blocks->count && count < MAX_BLOCKS; i++) {
        const struct told *old = &blocks->b[i];
        if ((seq_lt(old->end, all.start) || seq_gt(old->start, all.end)) && seq_gt(old->start, rcv_nxt))
            list[count++] = *old;
    }
    store(tcb, list, count);
}

void blocks_on_text(struct tcb *tcb, uint32_t start, uint32_t end, uint32_t prior_rcv_nxt)
{
    struct bsd_blocks *blocks = tcb->ext && (tcb->ext->base.blocks || tcb->ext->ooo) ? blocks_get(tcb) : NULL;
    if (!tcb->sack_ok || !blocks || start == end)
        return;
    if (seq_gt(tcb->rcv_nxt, prior_rcv_nxt) && blocks->count && blocks->b[0].end == start)
        blocks_add(tcb, blocks->b[0].start, blocks->b[0].end); /* what was trimmed off this very segment */
    else
        note(tcb, blocks, (struct told){start, end});
}

/* A segment leaves: as many as there is ROOM for; duplicates have been told. */
void blocks_generate(struct tcb *tcb, unsigned room, struct tcp_options *options)
{
    struct bsd_blocks *blocks = tcb->ext->base.blocks;
    struct told list[MAX_BLOCKS];
    uint32_t count = 0, told = blocks ? min_u32(blocks->count, room) : 0;
    for (uint32_t i = 0; i < told; i++) {
        options->sack[i].start = blocks->b[i].start;
        options->sack[i].end = blocks->b[i].end;
    }
    options->sack_count = (uint8_t)told;
    for (uint32_t i = 0; blocks && i < blocks->count; i++)
        if (seq_gt(blocks->b[i].start, tcb->rcv_nxt))
            list[count++] = blocks->b[i];
    if (blocks)
        store(tcb, list, count);
}
