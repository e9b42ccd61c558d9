/* tcp_txring.c: the records of what is in flight, a ring per connection that exists only while something is. Rings come from
 * free lists of the tcp, so that a connection that sends now and then costs no allocation. */
#include "tcp/tcb.h"

static struct txring *ring_new(struct tcp *tcp, unsigned shift)
{
    struct txring *ring = tcp->tx_free[shift];
    if (ring) {
        tcp->tx_free[shift] = ring->next_free;
    } else {
        ring = pool_alloc(tcp->pool, sizeof *ring + sizeof ring->seg[0] * (1ul << shift));
        if (!ring)
            return NULL;
    }
    ring->head = ring->count = ring->packets_out = ring->glued = 0;
    ring->mask = (1u << shift) - 1;
    return ring;
}

static void ring_free(struct tcp *tcp, struct txring *ring)
{
    unsigned shift = 31u - (unsigned)__builtin_clz(ring->mask + 1);
    ring->next_free = tcp->tx_free[shift];
    tcp->tx_free[shift] = ring;
}

static bool grow(struct tcb *tcb)
{
    struct txring *old = tcb->tx;
    unsigned shift = old ? 32u - (unsigned)__builtin_clz(old->mask + 1) : max_u32(tcb_ext_peek(tcb)->tx_class, TX_CLASS_MIN);
    if (shift >= TX_CLASSES)
        return false;
    struct txring *ring = ring_new(tcb->tcp, shift);
    if (!ring)
        return false;
    if (old) {
        for (uint32_t i = 0; i < old->count; i++)
            ring->seg[i] = *txring_at(old, i);
        ring->count = old->count;
        ring->packets_out = old->packets_out;
        ring->glued = old->glued;
        ring_free(tcb->tcp, old);
    }
    tcb->tx = ring;
    return true;
}

struct txseg *txring_push(struct tcb *tcb)
{
    struct txring *small = tcb->tcp->tx_free[TX_CLASS_MIN];
    if (!tcb->tx && small && tcb_ext_peek(tcb)->tx_class <= TX_CLASS_MIN) { /* the common first record */
        tcb->tcp->tx_free[TX_CLASS_MIN] = small->next_free;
        small->head = small->packets_out = small->glued = 0;
        small->mask = (1u << TX_CLASS_MIN) - 1;
        small->count = 1;
        tcb->tx = small;
        return small->seg;
    }
    if ((!tcb->tx || tcb->tx->count > tcb->tx->mask) && !grow(tcb))
        return NULL;
    return txring_at(tcb->tx, tcb->tx->count++);
}

void txring_free(struct tcb *tcb)
{
    if (tcb->tx)
        ring_free(tcb->tcp, tcb->tx);
    tcb->tx = NULL;
    if (tcb->ext && tcb->ext->busy_ns && !tcb_has_unsent(tcb)) {
        tcb->ext->busy_total_ns += tcb_now(tcb) - (tcb->ext->busy_ns & ~1ull);
        tcb->ext->busy_ns = 0;
    }
}

void txring_release(struct tcb *tcb)
{
    txring_free(tcb);
    if (tcb->ext) /* nothing is out any more, whatever was thought of it (invariant 4) */
        tcb->ext->sacked_out = tcb->ext->lost_out = tcb->ext->retrans_out = 0;
}

void txring_pop(struct tcb *tcb)
{
    struct txring *ring = tcb->tx;
    ring->glued -= txring_at(ring, 0)->glued;
    ring->head = (ring->head + 1) & ring->mask;
    if (--ring->count == 0)
        txring_free(tcb);
}

/* Index of the segment that holds SEQ; count when none does. */
uint32_t txring_find(const struct tcb *tcb, uint32_t seq)
{
    struct txring *ring = tcb->tx;
    uint32_t low = 0, high = ring ? ring->count : 0, count = high;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (seq_le(txring_at(ring, middle)->end, seq))
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && seq_le(txring_at(ring, low)->start, seq) ? low : count;
}

/* SEG counts as MORE packets now (modulo 2^32: it may be less), wherever it is counted. */
static void count_more(struct tcb *tcb, const struct txseg *seg, uint32_t more)
{
    tcb->tx->packets_out += more;
    if (!tcb->ext || more == 0)
        return;
    tcb->ext->sacked_out += seg->flags & TX_SACKED ? more : 0;
    tcb->ext->lost_out += seg->flags & TX_LOST ? more : 0;
    tcb->ext->retrans_out += seg->flags & TX_RETRANS ? more : 0;
}

/* Splits segment INDEX at SEQ (inside it); packets_out and the caller's counts follow from txseg_packets. */
int txring_split(struct tcb *tcb, uint32_t index, uint32_t seq)
{
    if (tcb->tx->count > tcb->tx->mask && !grow(tcb))
        return -ENOMEM;
    struct txring *ring = tcb->tx;
    struct txseg *seg = txring_at(ring, index), whole = *seg;
    uint32_t before = txseg_packets(&whole);
    for (uint32_t i = ring->count; i > index + 1; i--)
        *txring_at(ring, i) = *txring_at(ring, i - 1);
    ring->count++;
    seg->end = seq;
    seg->flags &= (uint8_t)~(TX_FIN | TX_PSH | TX_EOR);
    struct txseg *rest = txring_at(ring, index + 1);
    *rest = whole;
    rest->start = seq;
    ring->glued += whole.glued;
    count_more(tcb, &whole, txseg_packets(seg) + txseg_packets(rest) - before);
    return 0;
}

/* The segment behind INDEX becomes a part of it. Returns how many packets it was. */
uint32_t txring_join(struct tcb *tcb, uint32_t index)
{
    struct txring *ring = tcb->tx;
    struct txseg *seg = txring_at(ring, index), *next = txring_at(ring, index + 1);
    uint32_t gone = txseg_packets(next), before = txseg_packets(seg);
    count_more(tcb, next, 0u - gone);
    seg->end = next->end;
    seg->flags |= next->flags & (TX_PSH | TX_EVER_RETRANS | TX_EOR | TX_FIN);
    count_more(tcb, seg, txseg_packets(seg) - before);
    ring->glued -= seg->glued;
    seg->glued = next->glued;
    for (uint32_t i = index + 1; i + 1 < ring->count; i++)
        *txring_at(ring, i) = *txring_at(ring, i + 1);
    ring->count--;
    return gone;
}

/* A record's segment size changes with the path: what it counts in packets changes everywhere it is counted. */
void txring_set_mss(struct tcb *tcb, struct txseg *seg, uint16_t mss)
{
    uint32_t before = txseg_packets(seg);
    seg->mss = mss;
    count_more(tcb, seg, txseg_packets(seg) - before);
}

/* INDEX and what follows it meet at SEQ now. */
void txring_move_edge(struct tcb *tcb, uint32_t index, uint32_t seq)
{
    struct txseg *seg = txring_at(tcb->tx, index), *next = txring_at(tcb->tx, index + 1);
    uint32_t before = txseg_packets(seg), next_before = txseg_packets(next);
    seg->end = next->start = seq;
    count_more(tcb, seg, txseg_packets(seg) - before);
    count_more(tcb, next, txseg_packets(next) - next_before);
}
