/* tcp_accecn.c: accurate ECN feedback (RFC 9768, the Accurate ECN option of its 3.2.3), with Linux's choices (ip-sysctl tcp_ecn 3 to 5,
 * tcp_ecn_option, tcp_ecn_option_beacon). The SYN asks with AE|CWR|ECE; the SYN/ACK and the last ACK of the handshake each reflect
 * the IP field that the other's segment came with (table 2, table 3); from then on the three bits, ACE, count the CE marks that
 * arrived, from 5 on, and the option counts bytes of each mark. What the peer counts goes into state->ece, one mark or many: the
 * window is reduced as for ECN-Echo, once a round trip. */
#include "tcp/tcb.h"

enum {
    CEP_INIT = 5, ACE_MASK = 7,
    ACE_MAX_DELTA = 6, /* CE marks that must be told before they wrap */
    ECN_OPTION_FULL = 2, ECN_OPTION_PERSIST = 3
};
enum { EWMA_BITS = 6, THIN_ACKS = 4 << EWMA_BITS /* packets an ACK from which on ACKs are thinned on the way as a rule */ };
enum { ECT1 = 1, ECT0 = 2, CE = 3 };
enum { OPT_NOT_SEEN, OPT_EMPTY_SEEN, OPT_COUNTER_SEEN, OPT_FAIL_SEEN };
enum { FAIL_ACE_SEND = ACCECN_ACE_FAIL_SEND, FAIL_ACE_RECV = ACCECN_ACE_FAIL_RECV, FAIL_OPT_SEND = 4, FAIL_OPT_RECV = 8 };

static uint16_t flags_of(unsigned ace)
{
    return (uint16_t)(((ace & 4) ? TCP_AE : 0) | ((ace & 2) ? TCP_CWR : 0) | ((ace & 1) ? TCP_ECE : 0));
}

/* Table 2: Not-ECT 010, ECT(1) 011, ECT(0) 100, CE 110. */
uint16_t accecn_reflect(uint8_t ecn)
{
    return flags_of((ecn & 3) + 2u + ((ecn & 3) == CE));
}

bool accecn_is_asked(uint16_t flags)
{
    unsigned ace = accecn_ace(flags);
    return ace && ace != 3;
}

/* RFC 9768 5.1: the last ACK of a handshake of which nothing was kept shows that it agreed on AccECN. */
bool accecn_is_told(uint16_t flags) { return accecn_ace(flags) > 1; }

/* What the reflected value says that our segment arrived with. */
static uint8_t arrived_as(unsigned ace)
{
    static const uint8_t map[8] = {ECT0, ECT1, 0, ECT1, ECT0, ECT1, CE, ECT1};
    return map[ace & 7];
}

/* RFC 9768 3.2.2.3: a field that nothing on the path may have made of what was sent shows that the path mangles ECN. */
static bool is_plausible(struct tcb *tcb, unsigned ace)
{
    uint8_t got = arrived_as(ace), sent = tcb->ext->accecn.syn_sent;
    if (got == sent || (got && sent && sent != CE) || tcb_params(tcb)->ecn_no_fallback)
        return true;
    tcb->ext->accecn.fail |= FAIL_ACE_RECV;
    return false;
}

/* RFC 9768 3.2.3.2.4: counters begin at 1 (e0b, e1b): a zero was made by a middlebox. */
uint8_t accecn_look_at_option(const struct tcp_options *options)
{
    if (options->accecn_fields == 0)
        return OPT_EMPTY_SEEN;
    if (options->accecn[0] == 0 || (options->accecn_fields == 3 && options->accecn[2] == 0))
        return OPT_FAIL_SEEN;
    return OPT_COUNTER_SEEN;
}

static void saw_option(struct tcb_ext *ext, uint8_t seen)
{
    ext->accecn.seen = seen;
    if (seen == OPT_FAIL_SEEN)
        ext->accecn.fail |= FAIL_OPT_RECV;
}

/* The option's counters, 24 bits each (RFC 9768 3.2.3): which field grew; true: the bytes of this ACK are known. */
static bool take_option(struct tcb *tcb, const struct tcp_options *options, uint32_t bytes)
{
    struct tcb_ext *ext = tcb->ext;
    uint8_t estimate = ext->accecn.estimate;
    bool ambiguous = false, changed = false, known = estimate != 0;
    if (ext->accecn.fail & FAIL_OPT_RECV)
        return false;
    if (!options->has_accecn) {
        if (!ext->accecn.seen) {
            if (ext->bytes_sent >= (1u << 23) - 1)
                saw_option(ext, OPT_FAIL_SEEN);
            return false;
        }
        if (estimate)
            ext->accecn.delivered[estimate - 1] += bytes;
        return known;
    }
    if (ext->accecn.seen < OPT_COUNTER_SEEN)
        saw_option(ext, accecn_look_at_option(options));
    for (unsigned i = 0; i < options->accecn_fields; i++) {
        static const uint8_t order0[3] = {ECT0, CE, ECT1}, order1[3] = {ECT1, CE, ECT0};
        uint8_t field = options->accecn_order ? order1[i] : order0[i];
        uint32_t *count = &ext->accecn.delivered[field - 1], start = field == CE ? 0 : 1;
        int32_t delta = (int32_t)((((options->accecn[i] - start) & 0xffffff) - *count) << 8) >> 8;
        *count += (uint32_t)delta;
        if (delta < 0)
            ambiguous = true, known = false;
        if (delta && field != estimate) {
            if (changed)
                ambiguous = true, known = false;
            else
                ext->accecn.estimate = field;
            changed = true;
        }
    }
    if (ambiguous)
        ext->accecn.estimate = 0;
    return known;
}

/* Linux: many packets an ACK, on the average, are ACKs thinned on the way rather than an ACK of many marks. */
static void note_packets(struct tcb_ext *ext, uint32_t packets)
{
    uint32_t ewma = ext->accecn.packets_ewma, now = packets << EWMA_BITS;
    ext->accecn.packets_ewma = (uint16_t)min_u32(ewma ? ((ewma << EWMA_BITS) - ewma + now) >> EWMA_BITS : now, 0xffff);
}

/* --- the handshake ------------------------------------------------------------------------------------------------------------- */

/* A connection that comes of a SYN that asked; IN is the ACK that makes it, or (fast open) that SYN. */
void accecn_on_child(struct tcb *tcb, const struct tcp_in *in)
{
    tcb->ext->accecn.previous = tcb->ext->accecn.syn_received;
    tcb->ext->accecn.demand = 1;
    accecn_on_segment(tcb, in, in->payload);
}

/* RX is the ACK that ends the handshake: what it reflects (table 4). */
void accecn_on_third_ack(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    unsigned ace = accecn_ace(rx->flags);
    bool is_request = tcb->is_passive && !ext->fastopen_child; /* SACK blocks on a request's ACK are not read */
    bool first = is_request || !rx->in->header.options.sack_count;
    if (ace == 0) {
        if (first)
            ext->accecn.fail |= FAIL_ACE_RECV | FAIL_OPT_RECV;
    } else if (ace != 7 && ace != 5 && ace != 1) {
        if (rx->seq == rx->end_seq && first && is_plausible(tcb, ace) && arrived_as(ace) == CE && ext->delivered_ce == 0)
            ext->delivered_ce++;
    }
}

/* RFC 9768 3.1.5: of the option on a SYN/ACK, or on a SYN that comes again. */
static void see_option(struct tcb *tcb, const struct tcp_options *options, uint8_t demand)
{
    struct tcb_ext *ext = tcb->ext;
    if (!options->has_accecn || ext->accecn.seen >= OPT_COUNTER_SEEN)
        return;
    saw_option(ext, accecn_look_at_option(options));
    if (ext->accecn.demand < demand)
        ext->accecn.demand = demand;
}

/* The answer to a SYN that asked for ECN of either kind (table 2). Linux: who asked for RFC 3168's takes AccECN, too; 101, reserved, is
 * AccECN's where that was asked for. */
void accecn_on_synack(struct tcb *tcb, const struct rx *rx)
{
    unsigned ace = accecn_ace(rx->flags);
    bool asked = tcb_ext_peek(tcb)->accecn.pending, is_marked = (rx->in->ecn & 3) == CE;
    tcb->ecn_ok = ace != 0 && ace != 7;
    if (tcb->ext)
        tcb->ext->accecn.pending = false;
    if (!tcb->ecn_ok || ace == 1 || (ace == 5 && !asked))
        return;
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext || (!asked && tcb_params(tcb)->input_policy != TCP_INPUT_LINUX)) {
        tcb->ecn_ok = false;
        return;
    }
    ext->accecn.on = true;
    ext->accecn.syn_received = rx->in->ecn & 3;
    see_option(tcb, &rx->in->header.options, 2);
    if (is_marked && (ace == 5 || is_plausible(tcb, ace))) {
        ext->accecn.received_ce++;
        ext->accecn.ce_pending++;
    }
    accecn_on_syn_acked(tcb, rx);
}

/* The ACK of our SYN is progress: its option counts, its three bits are no counter. */
void accecn_on_syn_acked(struct tcb *tcb, const struct rx *rx)
{
    if (tcb_params(tcb)->byte_recovery) /* FreeBSD reads no option */
        return;
    (void)take_option(tcb, &rx->in->header.options, 0);
    note_packets(tcb->ext, 1);
}

/* A SYN that crossed ours: if both asked for AccECN they have it, if both for RFC 3168's at least that. */
void accecn_on_crossed_syn(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = output_syn_asks(tcb) ? tcb->ext : tcb_ext_get(tcb);
    if (ext)
        ext->accecn.crossed_plain = !output_syn_asks(tcb);
    if (ext && ext->accecn.pending && accecn_is_asked(rx->flags)) {
        ext->accecn.on = true;
        ext->accecn.syn_received = ext->accecn.previous = rx->in->ecn & 3;
    } else if (accecn_ace(rx->flags) != 3 && accecn_ace(rx->flags) != 7) {
        tcb->ecn_ok = false;
    }
}

/* The SYN/ACK that answers it: it reflects that SYN's field, and has the counters as they begin. What Linux's SYN had
 * asked for besides and is not taken back stays in its flags. */
uint16_t accecn_crossed_flags(struct tcb *tcb, struct tcp_options *options)
{
    struct tcb_ext *ext = tcb->ext;
    uint16_t flags = tcb->ecn_ok ? TCP_ECE : 0;
    if (!accecn_is_on(tcb))
        return ext && ext->accecn.crossed_plain ? 0 : (uint16_t)(flags | (ext && ext->accecn.pending ? TCP_AE : 0));
    flags = accecn_reflect(ext->accecn.syn_received);
    if (tcb->retransmits < 2 && tcb_params(tcb)->ecn_option) {
        accecn_put_opening(options);
        ext->accecn.option_ns = tcb_now(tcb);
        ext->accecn.demand -= ext->accecn.demand != 0;
    }
    return tcb->retransmits && (flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR) && !tcb_params(tcb)->ecn_no_fallback ? 0 : flags;
}

/* The SYN/ACK of a fast open child (RFC 9768 3.1.4.2): lost twice, it may be for its flags; sent again, it has no option. */
uint16_t accecn_synack_flags(const struct tcb *tcb, struct tcp_options *options)
{
    if (!accecn_is_on(tcb) || output_synacks_lost(tcb) > 1)
        return 0;
    if (tcb->retransmits == 0 && tcb->ext->total_retrans == 0 && tcb_params(tcb)->ecn_option)
        accecn_put_opening(options);
    return accecn_reflect(tcb->ext->accecn.syn_received);
}

/* RFC 9768 3.1.5: a SYN or SYN/ACK that comes again: the challenge ACK that answers it reflects how it came. */
void accecn_on_syn_again(struct tcb *tcb, const struct rx *rx)
{
    tcb->ext->accecn.syn_received = rx->in->ecn & 3;
    see_option(tcb, &rx->in->header.options, 1);
}

/* --- what comes ------------------------------------------------------------------------------------------------------------- */

/* Each segment of an established connection, pure ACKs too (RFC 9768 3.2.2): marks are counted (Linux: whatever was agreed on); a change
 * of the field is told at once, that of a pure ACK, which asks for none, with the next (delack_check()). */
void accecn_on_segment(struct tcb *tcb, const struct tcp_in *in, uint32_t length)
{
    uint8_t ecn = in->ecn & 3;
    struct tcb_ext *ext = tcb->ext;
    if (tcb_params(tcb)->byte_recovery) /* bsd_ecn_on_segment() */
        return;
    if (!accecn_is_on(tcb) && !(ecn && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX && (ext = tcb_ext_get(tcb))))
        return;
    bool is_edge = ecn != ext->accecn.previous;
    if (ecn) {
        tcb->ecn_seen |= !tcb->ecn_ok || accecn_is_on(tcb);
        if (ecn == CE) {
            uint32_t count = in->gso_size ? (length + in->gso_size - 1) / in->gso_size : 1;
            ext->accecn.received_ce += max_u32(count, 1);
            ext->accecn.ce_pending = (uint8_t)min_u32(ext->accecn.ce_pending + max_u32(count, 1), 15);
        }
        if (length) {
            static const uint8_t field[4] = {0, 1, 3, 2};
            uint32_t before = ext->accecn.received[ecn - 1];
            ext->accecn.received[ecn - 1] += length;
            if (field[ecn] > ext->accecn.least)
                ext->accecn.least = field[ecn];
            if ((before ^ ext->accecn.received[ecn - 1]) >> 22 && ext->accecn.demand < 1)
                ext->accecn.demand = 1;
        }
    }
    if (is_edge || ecn == CE) {
        ext->accecn.previous = ecn;
        if (accecn_is_on(tcb)) {
            ext->accecn.demand = 2;
            tcb->ack_now |= is_edge;
        }
    }
}

/* RFC 9768 3.2.3.2.2: data comes a third time, that a DSACK beside an option has told of: the path drops ACKs with the option. */
void accecn_on_old_data(struct tcb *tcb, uint32_t seq)
{
    if (accecn_is_on(tcb) && tcb->ext->accecn.sent_with_dsack && seq == tcb->ext->dsack_start)
        tcb->ext->accecn.fail |= FAIL_OPT_SEND;
}

/* --- what the peer counts ------------------------------------------------------------------------------------------------------ */

/* How many CE marks an ACK for PACKETS (BYTES) tells of: the counter has three bits, so many packets may hide a wrap
 * (RFC 9768 3.2.2.5.2). */
static uint32_t new_marks(struct tcb *tcb, const struct rx *rx, uint32_t packets, uint32_t bytes)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t ceb_before = ext->accecn.delivered[CE - 1];
    bool known = take_option(tcb, &rx->in->header.options, bytes);
    if (packets)
        note_packets(ext, packets);
    if ((rx->flags & TCP_SYN) || (rx->is_expected && packets <= ACE_MASK)) /* of a SYN/ACK the three bits are no counter */
        return 0;
    if (ext->accecn.ce_pending >= ACE_MAX_DELTA)
        tcb->ack_now = true;
    uint32_t delta = (accecn_ace(rx->flags) - CEP_INIT - ext->delivered_ce) & ACE_MASK;
    if (packets <= ACE_MASK)
        return delta;
    uint32_t safe = packets - ((packets - delta) & ACE_MASK);
    if (known) {
        uint32_t marked = ext->accecn.delivered[CE - 1] - ceb_before;
        if (marked == 0)
            return delta;
        if (packets >= 2 * (ACE_MASK + 1) && (tcb->sack_ok || tcb->ca_state == CA_OPEN || tcb->ca_state == CA_CWR)) {
            if (bytes <= marked)
                return safe;
            uint32_t estimate = (uint32_t)(((uint64_t)marked * packets + bytes - 1) / bytes);
            return min_u32(safe, delta + (estimate & ~(uint32_t)ACE_MASK));
        }
        if (marked > delta * tcb->mss)
            return safe;
        if (marked < (safe * tcb->mss) >> 1)
            return delta;
    } else if (ext->accecn.packets_ewma > THIN_ACKS) {
        return delta;
    }
    return safe;
}

/* What Linux's header prediction expects: what the peer has told already. */
uint16_t accecn_expected(const struct tcb *tcb) { return flags_of((tcb->ext->delivered_ce + CEP_INIT) & ACE_MASK); }

/* RFC 9768 3.2.2.5: only from an ACK that is not older than another: it makes progress, or its timestamp does. */
void accecn_on_ack(struct tcb *tcb, const struct rx *rx, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t packets = ext->delivered - state->prior_delivered;
    if (!state->data_acked && !state->sacked_new && !rx->ts_progress)
        return;
    /* Linux: where something was acknowledged, blocks beside that are not counted */
    uint32_t edge = tcb->tx && tcb->tx->count ? txring_at(tcb->tx, 0)->start : tcb->snd_una;
    uint32_t bytes = state->data_acked ? edge - state->prior_una : state->sacked_bytes;
    uint32_t marks = new_marks(tcb, rx, packets, bytes);
    if (!marks)
        return;
    ext->delivered_ce += marks;
    state->ece = true;
}

/* --- what goes ---------------------------------------------------------------------------------------------------------------- */

/* How many counters, LEAST or more, an option in ROOM bytes has; negative: none. SAVING: of its odd bytes so many take
 * the place of padding that there is anyway. A SACK block more than two makes room for it (Linux). */
static int fit(unsigned least, uint32_t saving, uint32_t room, uint8_t *blocks)
{
    uint8_t given = *blocks;
    for (int fields = 3; fields >= (int)least; fields--) {
        uint32_t size = 2 + 3 * (uint32_t)fields;
        size = (size & 3) > saving ? (size + 3) & ~3u : size & ~3u;
        if (size <= room)
            return fields;
        if (fields == (int)least && least && *blocks > 2) {
            --*blocks;
            room += 8;
            fields = 4;
        }
    }
    *blocks = given;
    return -1;
}

/* The option of the next segment, beside BLOCKS SACK blocks (which may become fewer). The sysctl: 1 when asked for, or
 * so often a round trip; 2 on each; 3 on each even where segments with it seem to be lost. */
int accecn_fields(const struct tcb *tcb, uint32_t room, uint8_t *blocks)
{
    const struct tcb_ext *ext = tcb->ext;
    const struct tcp_params *params = tcb_params(tcb);
    if (!params->ecn_option || !ext->accecn.seen || ((ext->accecn.fail & FAIL_OPT_SEND) && params->ecn_option < ECN_OPTION_PERSIST))
        return -1;
    bool beacon = params->ecn_option_beacon &&
                  (tcb_now(tcb) - ext->accecn.option_ns) / NS_PER_US * params->ecn_option_beacon >= tcb->srtt_us >> 3;
    if (params->ecn_option < ECN_OPTION_FULL && !ext->accecn.demand && !beacon)
        return -1;
    return fit(ext->accecn.least, *blocks ? 2 : 0, room, blocks);
}

void accecn_put_counters(struct tcp_options *options, const uint32_t received[3], unsigned fields)
{
    options->has_accecn = true;
    options->accecn_order = 1;
    options->accecn_fields = (uint8_t)fields;
    options->accecn[0] = (received[ECT1 - 1] + 1) & 0xffffff;
    options->accecn[1] = received[CE - 1] & 0xffffff;
    options->accecn[2] = (received[ECT0 - 1] + 1) & 0xffffff;
}

/* Of a SYN/ACK, whose other options are there already. */
void accecn_put_opening(struct tcp_options *options)
{
    uint32_t pair = options->has_timestamp ? 12 : options->sack_permitted ? 4 : 0;
    uint32_t used = (options->has_mss ? 4 : 0) + pair + (options->has_wscale ? 4 : 0) + (options->has_md5 ? MD5_OPTION : 0);
    if (options->has_fastopen)
        used += (options->fastopen_length + (options->fastopen_experimental ? 4u : 2u) + 3) & ~3u;
    uint8_t no_blocks = 0;
    uint32_t saving = options->sack_permitted && !options->has_timestamp ? 2 : options->has_wscale;
    int fields = used + 2 > 40 ? -1 : fit(0, saving, 40 - used, &no_blocks);
    if (fields >= 0)
        accecn_put_counters(options, (const uint32_t[3]){0}, (unsigned)fields);
}

uint16_t accecn_told(const struct tcb *tcb) { return flags_of((tcb->ext->accecn.received_ce + CEP_INIT) & ACE_MASK); }

/* All segments without SYN are ECN-capable, pure ACKs and retransmissions too, unless the handshake has failed. */
uint8_t accecn_tos(const struct tcb *tcb) { return tcb->ext->accecn.fail & (FAIL_ACE_RECV | FAIL_ACE_SEND) ? 0 : ECT0; }

/* The option beside what OPTIONS has already; AGAIN: the device copies a chunk's options to each of its segments. */
static void accecn_add_option(struct tcb *tcb, struct tcp_options *options, bool has_dsack, bool again)
{
    struct tcb_ext *ext = tcb->ext;
    uint8_t blocks = options->sack_count;
    uint32_t used = (options->has_timestamp ? 12 : 0) + (tcb_is_signed(tcb) ? MD5_OPTION : 0) + (blocks ? 4 + 8u * blocks : 0);
    int fields = again ? ext->accecn.chunk_fields : accecn_fields(tcb, 40 - used, &blocks);
    options->sack_count = blocks;
    ext->accecn.chunk_fields = (int8_t)fields;
    ext->accecn.sent_with_dsack = fields >= 0 && has_dsack;
    if (fields < 0)
        return;
    accecn_put_counters(options, ext->accecn.received, (unsigned)fields);
    if (again)
        return;
    ext->accecn.least = 0;
    ext->accecn.option_ns = tcb_now(tcb);
    ext->accecn.demand -= ext->accecn.demand != 0;
}

/* ACE, the option and the IP field of a segment without SYN (FreeBSD: the field on new data alone, tcp_output.c). */
void accecn_mark(struct tcb *tcb, struct tcp_segment *segment, bool has_dsack)
{
    struct tcb_ext *ext = tcb->ext;
    struct tcphdr_ *header = &segment->header;
    bool again = ext->accecn.again, is_linux = !tcb_params(tcb)->byte_recovery;
    header->flags &= (uint16_t)~(TCP_AE | TCP_CWR | TCP_ECE);
    if (tcb->is_fin_waiter) /* a record on Linux, which has forgotten the counters */
        return;
    ext->accecn.again = false;
    if (is_linux)
        segment->tos |= accecn_tos(tcb);
    if (ext->accecn.reflect) { /* the ACK that ends the handshake, and its like */
        header->flags |= accecn_reflect(ext->accecn.syn_received);
        ext->accecn.reflect = false;
    } else {
        header->flags |= accecn_told(tcb);
        ext->accecn.ce_pending = 0;
    }
    if (is_linux || !(header->flags & TCP_RST))
        accecn_add_option(tcb, &header->options, has_dsack, again);
}
