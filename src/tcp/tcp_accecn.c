/* tcp_accecn.c: accurate ECN feedback (RFC 9768, the Accurate ECN option of its 3.2.3), with Linux's choices (ip-sysctl tcp_ecn 3 to 5,
 * tcp_ecn_option, tcp_ecn_option_beacon). The SYN asks with AE|CWR|ECE; the SYN/ACK and the last ACK of the handshake each reflect
 * the IP field that the other's segment came with (table 2, table 3); from then on the three bits, ACE, count the CE marks that
 * arrived, from 5 on, and the option counts bytes of each mark. What the peer counts goes into state->ece, one mark or many: the
 * window is reduced as for ECN-Echo, once a round trip. */
#include "tcp/tcb.h"

enum { CEP_INIT = 5, ACE_MASK = 7, ACE_MAX_DELTA = 4 /* CE marks that must be told before they wrap */ };
enum { ECT1 = 1, ECT0 = 2, CE = 3 };
enum { OPT_NOT_SEEN, OPT_EMPTY_SEEN, OPT_COUNTER_SEEN, OPT_FAIL_SEEN };
enum { FAIL_ACE_SEND = 1, FAIL_ACE_RECV = 2, FAIL_OPT_SEND = 4, FAIL_OPT_RECV = 8 };

static unsigned ace_of(uint16_t flags)
{
    return ((flags & TCP_AE) ? 4u : 0u) | ((flags & TCP_CWR) ? 2u : 0u) | ((flags & TCP_ECE) ? 1u : 0u);
}

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
    unsigned ace = ace_of(flags);
    return ace && ace != 3;
}

/* What the reflected value says that our segment arrived with. */
static uint8_t arrived_as(unsigned ace)
{
    static const uint8_t map[8] = {ECT0, ECT1, 0, ECT1, ECT0, ECT1, CE, ECT1};
    return map[ace & 7];
}

/* RFC 9768 3.2.2.3: a field that nothing on the path may have made of what was sent shows that the path mangles ECN. */
static bool is_plausible(struct tcb_ext *ext, unsigned ace, uint8_t sent)
{
    uint8_t got = arrived_as(ace);
    if (got == sent || (got && sent && sent != CE))
        return true;
    ext->accecn.fail |= FAIL_ACE_RECV;
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

/* --- the handshake ------------------------------------------------------------------------------------------------------------- */

/* A child of a SYN that asked; RX is the ACK that ends the handshake, SEEN what its option or an earlier one was. */
void accecn_on_third_ack(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    unsigned ace = ace_of(rx->flags);
    const struct tcp_options *options = &rx->in->header.options;
    bool first = !options->sack_count, plain = rx->length == 0 && !(rx->flags & TCP_FIN);
    if (ace == 0) {
        if (first)
            ext->accecn.fail |= FAIL_ACE_RECV | FAIL_OPT_RECV;
    } else if (ace != 7 && ace != 5 && ace != 1) {
        if (plain && first && is_plausible(ext, ace, ext->accecn.syn_sent) && arrived_as(ace) == CE && ext->delivered_ce == 0)
            ext->delivered_ce++;
    }
    if (options->has_accecn && ext->accecn.seen < OPT_COUNTER_SEEN)
        saw_option(ext, accecn_look_at_option(options));
    ext->accecn.previous = ext->accecn.syn_received;
    ext->accecn.demand = 1;
}

/* The answer to a SYN that asked for AccECN (table 2). The SYN/ACK's own field is what the ACK reflects. */
void accecn_on_synack(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    const struct tcp_options *options = &rx->in->header.options;
    unsigned ace = ace_of(rx->flags);
    if (!ext || !ext->accecn.pending)
        return;
    ext->accecn.pending = false;
    tcb->ecn_ok = ace != 0 && ace != 7;
    if (!tcb->ecn_ok || ace == 1 || ace == 5) /* none, or RFC 3168's */
        return;
    ext->accecn.on = ext->accecn.reflect = true;
    ext->accecn.syn_received = ext->accecn.previous = rx->in->ecn & 3;
    if (options->has_accecn && ext->accecn.seen < OPT_COUNTER_SEEN) {
        saw_option(ext, accecn_look_at_option(options));
        ext->accecn.demand = 2;
    }
    bool plausible = is_plausible(ext, ace, ext->accecn.syn_sent);
    if ((rx->in->ecn & 3) == CE && plausible) {
        ext->accecn.received_ce++;
        ext->accecn.ce_pending++;
    }
}

/* --- what comes ------------------------------------------------------------------------------------------------------------- */

/* Each segment of an established connection, pure ACKs too (RFC 9768 3.2.2): marks are counted; a change of the field is told at once. */
void accecn_on_segment(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    uint8_t ecn = rx->in->ecn & 3;
    if (tcb_params(tcb)->byte_recovery) /* bsd_ecn_on_segment() */
        return;
    bool is_edge = ecn != ext->accecn.previous;
    if (ecn) {
        tcb->ecn_seen = true;
        if (ecn == CE) {
            ext->accecn.received_ce++;
            ext->accecn.ce_pending = (uint8_t)min_u32(ext->accecn.ce_pending + 1u, 15);
        }
        if (rx->length) {
            static const uint8_t field[4] = {0, 1, 3, 2};
            uint32_t before = ext->accecn.received[ecn - 1];
            ext->accecn.received[ecn - 1] += rx->length;
            if (field[ecn] > ext->accecn.least)
                ext->accecn.least = field[ecn];
            if ((before ^ ext->accecn.received[ecn - 1]) >> 22 && ext->accecn.demand < 1)
                ext->accecn.demand = 1;
        }
    }
    if (is_edge || ecn == CE) {
        ext->accecn.previous = ecn;
        ext->accecn.demand = 2;
        ext->accecn.is_urgent |= is_edge;
    }
    if (ext->accecn.is_urgent && rx->length) /* a pure ACK asks for no ACK: its change is told with the next */
        tcb->ack_now = true;
}

/* --- what the peer counts ------------------------------------------------------------------------------------------------------ */

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

/* How many CE marks an ACK for PACKETS (BYTES) tells of: the counter has three bits, so many packets may hide a wrap (RFC 9768 3.2.2.5.2). */
static uint32_t new_marks(struct tcb *tcb, const struct rx *rx, uint32_t packets, uint32_t bytes)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t ceb_before = ext->accecn.delivered[CE - 1];
    bool known = take_option(tcb, &rx->in->header.options, bytes);
    if (ext->accecn.ce_pending >= ACE_MAX_DELTA)
        ext->accecn.is_urgent = true;
    uint32_t delta = (ace_of(rx->flags) - CEP_INIT - ext->delivered_ce) & ACE_MASK;
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
    }
    return safe;
}

/* RFC 9768 3.2.2.5: only from an ACK that is not older than another: it makes progress, or its timestamp does. */
void accecn_on_ack(struct tcb *tcb, const struct rx *rx, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t packets = ext->delivered - state->prior_delivered;
    if (!state->data_acked && !state->sacked_new && !rx->ts_progress)
        return;
    uint32_t bytes = state->newly_sacked || ext->sacked_out ? packets * tcb->mss : tcb->snd_una - state->prior_una;
    uint32_t marks = new_marks(tcb, rx, packets, bytes);
    if (!marks)
        return;
    ext->delivered_ce += marks;
    tcb->tcp->mib[MIB_DeliveredCE] += marks;
    state->ece = true;
}

/* The same of any segment, by its ACE alone (FreeBSD); true: it tells of marks. */
bool accecn_count_marks(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t mss = max_u32(tcb->mss, 1), packets = seq_gt(rx->ack, tcb->snd_una) ? (rx->ack - tcb->snd_una + mss - 1) / mss : 0;
    uint32_t marks = (ace_of(rx->flags) - CEP_INIT - ext->delivered_ce) & ACE_MASK;
    if (marks < packets)
        marks = packets - ((packets - marks) & ACE_MASK);
    ext->delivered_ce += marks;
    tcb->tcp->mib[MIB_DeliveredCE] += marks;
    return marks;
}

/* --- what goes ---------------------------------------------------------------------------------------------------------------- */

/* How many counters the option of the next segment has; negative: it has none. The sysctl's 2: when asked for, or a few times a round trip. */
int accecn_fields(const struct tcb *tcb, uint32_t room, bool has_sack)
{
    const struct tcb_ext *ext = tcb->ext;
    const struct tcp_params *params = tcb_params(tcb);
    if (!params->ecn_option || !ext->accecn.seen || (ext->accecn.fail & FAIL_OPT_SEND))
        return -1;
    if (ext->accecn.seen == OPT_FAIL_SEEN && params->ecn_option < 3)
        return -1;
    bool beacon = params->ecn_option >= 2 && params->ecn_option_beacon &&
                  (tcb_now(tcb) - ext->accecn.option_ns) / NS_PER_US * params->ecn_option_beacon >= tcb->srtt_us >> 3;
    if (params->ecn_option < 3 && !ext->accecn.demand && !beacon)
        return -1;
    for (int fields = 3; fields >= ext->accecn.least; fields--) {
        uint32_t size = 2 + 3 * (uint32_t)fields;
        size = (size & 3) > (has_sack ? 2u : 0u) ? (size + 3) & ~3u : size & ~3u;
        if (size <= room)
            return fields;
    }
    return -1;
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

uint16_t accecn_told(const struct tcb *tcb) { return flags_of((tcb->ext->accecn.received_ce + CEP_INIT) & ACE_MASK); }

/* ACE, the option and the IP field of a segment without SYN; all of them are ECN-capable, pure ACKs and retransmissions too (FreeBSD: new
 * data alone, tcp_output.c). */
void accecn_mark(struct tcb *tcb, struct tcp_segment *segment)
{
    struct tcb_ext *ext = tcb->ext;
    struct tcphdr_ *header = &segment->header;
    header->flags &= (uint16_t)~(TCP_AE | TCP_CWR | TCP_ECE);
    ext->accecn.is_urgent = false;
    if (ext->accecn.reflect) { /* the ACK that ends the handshake */
        header->flags |= accecn_reflect(ext->accecn.syn_received);
        ext->accecn.reflect = false;
    } else {
        header->flags |= accecn_told(tcb);
        ext->accecn.ce_pending = 0;
    }
    if (!(ext->accecn.fail & (FAIL_ACE_RECV | FAIL_ACE_SEND)) && !tcb_params(tcb)->byte_recovery)
        segment->tos |= ECT0;
    if (header->flags & TCP_RST)
        return;
    uint32_t used = (header->options.has_timestamp ? 12 : 0) + (header->options.sack_count ? 4 + 8u * header->options.sack_count : 0);
    bool again = ext->accecn.again; /* the device copies a chunk's options to each of its segments */
    int fields = again ? ext->accecn.chunk_fields : accecn_fields(tcb, 40 - used, header->options.sack_count != 0);
    ext->accecn.again = false;
    ext->accecn.chunk_fields = (int8_t)fields;
    if (fields < 0)
        return;
    accecn_put_counters(&header->options, ext->accecn.received, (unsigned)fields);
    if (again)
        return;
    ext->accecn.least = 0;
    ext->accecn.option_ns = tcb_now(tcb);
    if (ext->accecn.demand)
        ext->accecn.demand--;
}
