/* tcp_bbr.c: BBR (draft-cardwell-iccrg-bbr-congestion-control-00, whose names these are), version 1 as Linux 6.18 has
 * it. A model of the path, BtlBw (the largest delivery rate of the last ten round trips) and RTprop (the shortest round
 * trip of the last ten seconds), paces what leaves and bounds what is in flight; losses do not, but where they look
 * like a policer's. Driven by the samples of tcp_rate.c, once for each ACK. Bandwidths are packets a microsecond times
 * 2^24, gains 1/256. What the draft leaves open (budgets for chunks, allowance for aggregated ACKs, long-term sampling)
 * has Linux's figures. */
#include <linux/inet_diag.h>
#include "tcp/tcb.h"

enum { BW_SHIFT = 24, GAIN_SHIFT = 8, UNIT = 1 << GAIN_SHIFT };
enum bbr_state { BBR_STARTUP, BBR_DRAIN, BBR_PROBE_BW, BBR_PROBE_RTT };
enum {
    HIGH_GAIN = UNIT * 2885 / 1000 + 1,     /* 2 / ln 2 (4.3.2.1) */
    DRAIN_GAIN = UNIT * 1000 / 2885,
    CWND_GAIN = 2 * UNIT,
    CYCLE = 8, BW_ROUNDS = CYCLE + 2, START_PHASES = 7,
    MIN_RTT_MS = 10000, PROBE_RTT_MS = 200, MIN_CWND = 4, INITIAL_CWND = 10,
    FULL_GROWTH = UNIT * 5 / 4, FULL_ROUNDS = 3,
    MARGIN_PERCENT = 1,                     /* paced so much below the estimate, to keep the queue short */
    CHUNK_RATE = 1200000 / 8,               /* bytes a second below which a segment leaves alone */
    CHUNK_SHIFT = 10, CHUNK_BYTES = 65536 - 321, CHUNK_MOST = 127, /* a millisecond's worth; what a device takes */
    AGGREGATION_ROUNDS = 5, AGGREGATION_US = 100000, EPOCH_MOST = 1 << 20,
    LT_ROUNDS = 4, LT_LOSS = 50 /* /256 of what was delivered */, LT_LIKE = UNIT / 8, LT_LIKE_BYTES = 4000 / 8, LT_USE_ROUNDS = 48
};
struct bbr {
    uint64_t cycle_ns, epoch_ns;            /* since when: this phase of PROBE_BW; ACKs are counted for aggregation */
    struct { uint32_t round, bw; } best[3]; /* BtlBw's filter: the largest, the largest since that, the largest since that one */
    uint32_t min_rtt_us, min_rtt_ms /* when it was measured */, probe_rtt_done_ms;
    uint32_t round_count, next_round_delivered;
    uint32_t lt_bw, lt_delivered, lt_ms, lt_lost; /* long-term sampling: the last interval's; the beginning of this one */
    uint32_t prior_cwnd, full_bw;
    uint32_t epoch_acked;
    uint16_t extra_acked[2];                /* the largest excess of the present and the last few rounds */
    uint16_t pacing_gain, cwnd_gain;
    uint32_t state : 2, prior_ca_state : 3, packet_conservation : 1, round_start : 1, idle_restart : 1,
        has_probe_end : 1, probe_rtt_round_done : 1, has_seen_rtt : 1, filled_pipe : 1, full_bw_count : 2,
        cycle_index : 3, extra_index : 1, extra_rounds : 5, lt_is_sampling : 1, lt_is_used : 1, lt_rounds : 7;
};
_Static_assert(sizeof(struct bbr) <= CC_PRIVATE * 4, "fits the private area");

static struct bbr *state_of(struct tcb *tcb) { return (struct bbr *)tcb->ext->cc_private; }
static uint32_t max_bw(const struct bbr *bbr) { return bbr->best[0].bw; }
static uint32_t bw_of(const struct bbr *bbr) { return bbr->lt_is_used ? bbr->lt_bw : max_bw(bbr); }

/* The largest of a sliding window of rounds from three samples: the best, and who would follow it when it gets too old. */
static void filter_bw(struct bbr *bbr, uint32_t bw)
{
    uint32_t now = bbr->round_count;
    unsigned from = 3; /* the sample takes the places from here on */
    if (bw >= bbr->best[0].bw || now - bbr->best[2].round > BW_ROUNDS)
        from = 0;
    else if (bw >= bbr->best[1].bw)
        from = 1;
    else if (bw >= bbr->best[2].bw)
        from = 2;
    for (unsigned i = from; i < 3; i++)
        bbr->best[i].round = now, bbr->best[i].bw = bw;
    if (from == 0)
        return;
    uint32_t age = now - bbr->best[0].round;
    for (unsigned again = 0; again < 2 && now - bbr->best[0].round > BW_ROUNDS; again++) {
        bbr->best[0] = bbr->best[1];
        bbr->best[1] = bbr->best[2];
        bbr->best[2].round = now, bbr->best[2].bw = bw;
    }
    if (age > BW_ROUNDS)
        return;
    if (bbr->best[1].round == bbr->best[0].round && age > BW_ROUNDS / 4) /* a quarter of the window without a second: this one */
        bbr->best[1].round = bbr->best[2].round = now, bbr->best[1].bw = bbr->best[2].bw = bw;
    else if (bbr->best[2].round == bbr->best[1].round && age > BW_ROUNDS / 2)
        bbr->best[2].round = now, bbr->best[2].bw = bw;
}

/* --- pacing (4.2.1) and the sizes that follow from it ------------------------------------------------------------------------- */

static uint64_t bytes_per_second(const struct tcb *tcb, uint64_t bw, uint32_t gain)
{
    uint64_t rate = bw * tcb->mss * gain >> GAIN_SHIFT;
    return rate * (1000000 / 100 * (100 - MARGIN_PERCENT)) >> BW_SHIFT;
}

/* Before a sample the window and the handshake's round trip stand for the bandwidth. */
static void init_pacing_rate(struct tcb *tcb, struct bbr *bbr)
{
    uint64_t rtt_us = 1000;
    if (tcb->srtt_us) {
        rtt_us = max_u32(tcb->srtt_us >> 3, 1);
        bbr->has_seen_rtt = true;
    }
    tcb->ext->rate = max_u64(bytes_per_second(tcb, ((uint64_t)tcb->cwnd << BW_SHIFT) / rtt_us, HIGH_GAIN), 1);
}

static void set_pacing_rate(struct tcb *tcb, struct bbr *bbr, uint32_t gain)
{
    uint64_t rate = bytes_per_second(tcb, bw_of(bbr), gain);
    if (!bbr->has_seen_rtt && tcb->srtt_us)
        init_pacing_rate(tcb, bbr);
    if (bbr->filled_pipe || rate > cwnd_pacing_rate(tcb)) /* STARTUP slows down for no small sample */
        tcb->ext->rate = max_u64(rate, 1);
}

static uint32_t min_tso_segs(const struct tcb *tcb)
{
    return cwnd_pacing_rate(tcb) < CHUNK_RATE ? 1 : 2;
}

static uint32_t chunk_segs(const struct tcb *tcb)
{
    uint32_t bytes = (uint32_t)min_u64(cwnd_pacing_rate(tcb) >> CHUNK_SHIFT, CHUNK_BYTES);
    return min_u32(max_u32(bytes / max_u32(tcb->mss, 1), min_tso_segs(tcb)), CHUNK_MOST);
}

/* --- what may be in flight (4.2.3) --------------------------------------------------------------------------------------------- */

static uint32_t bdp(const struct bbr *bbr, uint32_t bw, uint32_t gain)
{
    if (bbr->min_rtt_us == UINT32_MAX) /* nothing measured yet */
        return INITIAL_CWND;
    uint64_t packets = (uint64_t)bw * bbr->min_rtt_us * gain >> GAIN_SHIFT;
    return (uint32_t)((packets + (1u << BW_SHIFT) - 1) >> BW_SHIFT);
}

/* 4.2.3.2: room for a chunk in the sender, one on its way and one in the receiver; even, for every second segment is acknowledged. */
static uint32_t with_budget(const struct tcb *tcb, const struct bbr *bbr, uint32_t packets)
{
    packets = (packets + 3 * chunk_segs(tcb) + 1) & ~1u;
    return bbr->state == BBR_PROBE_BW && bbr->cycle_index == 0 ? packets + 2 : packets;
}

static uint32_t inflight_for(const struct tcb *tcb, const struct bbr *bbr, uint32_t gain)
{
    return with_budget(tcb, bbr, bdp(bbr, max_bw(bbr), gain));
}

/* What will be in the network of FLIGHT when the next chunk may leave, with that one where the gain means to add. */
static uint32_t inflight_at_departure(const struct tcb *tcb, const struct bbr *bbr, uint32_t flight)
{
    uint64_t now = tcb_now(tcb), wait_us = (max_u64(tcb->ext->wstamp_ns, now) - now) / NS_PER_US;
    uint32_t delivered = (uint32_t)((uint64_t)bw_of(bbr) * wait_us >> BW_SHIFT);
    if (bbr->pacing_gain > UNIT)
        flight += chunk_segs(tcb);
    return flight > delivered ? flight - delivered : 0;
}

/* --- long-term sampling: a policer lets a mean rate through, and drops the rest ------------------------------------------------- */

static void start_lt_interval(struct tcb *tcb, struct bbr *bbr)
{
    bbr->lt_ms = (uint32_t)(tcb->ext->delivered_ns / NS_PER_MS);
    bbr->lt_delivered = tcb->ext->delivered;
    bbr->lt_lost = tcb->ext->lost_total;
    bbr->lt_rounds = 0;
}

static void reset_lt(struct tcb *tcb, struct bbr *bbr)
{
    bbr->lt_bw = 0;
    bbr->lt_is_used = bbr->lt_is_sampling = false;
    start_lt_interval(tcb, bbr);
}

/* Two intervals alike, an eighth or 4 kbit/s apart: their mean is the policer's rate. */
static void end_lt_interval(struct tcb *tcb, struct bbr *bbr, uint32_t bw)
{
    uint32_t apart = bw > bbr->lt_bw ? bw - bbr->lt_bw : bbr->lt_bw - bw;
    if (bbr->lt_bw && ((uint64_t)apart * UNIT <= (uint64_t)bbr->lt_bw * LT_LIKE || bytes_per_second(tcb, apart, UNIT) <= LT_LIKE_BYTES)) {
        bbr->lt_bw = (uint32_t)(((uint64_t)bw + bbr->lt_bw) >> 1);
        bbr->lt_is_used = true;
        bbr->pacing_gain = UNIT;
        bbr->lt_rounds = 0;
        return;
    }
    bbr->lt_bw = bw;
    start_lt_interval(tcb, bbr);
}

/* 4.3.4.3; the gains begin at a phase by chance, but never with the one that drains. */
static void enter_probe_bw(struct tcb *tcb, struct bbr *bbr)
{
    bbr->state = BBR_PROBE_BW;
    bbr->cycle_index = (CYCLE - prng_below(&tcb->tcp->prng, START_PHASES)) & (CYCLE - 1);
    bbr->cycle_ns = tcb->ext->delivered_ns;
}

/* An interval has 4 to 16 rounds, begins and ends with a loss, and a fifth of what it delivered was lost. */
static void sample_lt(struct tcb *tcb, struct bbr *bbr, uint32_t lost_now, bool app_limited)
{
    const struct tcb_ext *ext = tcb->ext;
    if (bbr->lt_is_used) {
        if (bbr->state == BBR_PROBE_BW && bbr->round_start && ++bbr->lt_rounds >= LT_USE_ROUNDS) {
            reset_lt(tcb, bbr);
            enter_probe_bw(tcb, bbr);
        }
        return;
    }
    if (!bbr->lt_is_sampling) {
        if (!lost_now)
            return;
        start_lt_interval(tcb, bbr);
        bbr->lt_is_sampling = true;
    }
    if (app_limited) {
        reset_lt(tcb, bbr);
        return;
    }
    bbr->lt_rounds += bbr->round_start;
    if (bbr->lt_rounds < LT_ROUNDS)
        return;
    if (bbr->lt_rounds > 4 * LT_ROUNDS) {
        reset_lt(tcb, bbr);
        return;
    }
    uint32_t lost = ext->lost_total - bbr->lt_lost, delivered = ext->delivered - bbr->lt_delivered;
    if (!lost_now || !delivered || (uint64_t)lost << GAIN_SHIFT < (uint64_t)LT_LOSS * delivered)
        return;
    uint32_t ms = (uint32_t)(ext->delivered_ns / NS_PER_MS) - bbr->lt_ms;
    if ((int32_t)ms < 1)
        return;
    if (ms >= UINT32_MAX / 1000)
        reset_lt(tcb, bbr);
    else
        end_lt_interval(tcb, bbr, (uint32_t)(((uint64_t)delivered << BW_SHIFT) / (ms * 1000)));
}

/* --- the model, a step a function, in the draft's order (4.1) ------------------------------------------------------------------ */

static bool is_sample(const struct ack_state *ack) { return ack->rate_interval_ns >= NS_PER_US; }

static void update_bw(struct tcb *tcb, struct bbr *bbr, const struct ack_state *ack)
{
    bbr->round_start = false;
    if (!is_sample(ack))
        return;
    if (!seq_lt(ack->rack_prior, bbr->next_round_delivered)) { /* 4.1.1.3: rounds are counted in packets */
        bbr->next_round_delivered = tcb->ext->delivered + 1;
        bbr->round_count++;
        bbr->round_start = true;
        bbr->packet_conservation = false;
    }
    sample_lt(tcb, bbr, ack->newly_lost, ack->app_limited);
    uint64_t bw = ((uint64_t)ack->rate_delivered << BW_SHIFT) / (ack->rate_interval_ns / NS_PER_US);
    if (!ack->app_limited || bw >= max_bw(bbr))
        filter_bw(bbr, (uint32_t)min_u64(bw, UINT32_MAX));
}

/* ACKs that come in heaps: how many packets more than the bandwidth explains. */
static void update_aggregation(struct tcb *tcb, struct bbr *bbr, const struct ack_state *ack)
{
    if (!ack->newly_delivered || !is_sample(ack))
        return;
    if (bbr->round_start && ++bbr->extra_rounds >= AGGREGATION_ROUNDS) {
        bbr->extra_rounds = 0;
        bbr->extra_index = !bbr->extra_index;
        bbr->extra_acked[bbr->extra_index] = 0;
    }
    uint64_t epoch_us = (tcb->ext->delivered_ns - bbr->epoch_ns) / NS_PER_US, expected = bw_of(bbr) * epoch_us >> BW_SHIFT;
    if (bbr->epoch_acked <= expected || bbr->epoch_acked + ack->newly_delivered >= EPOCH_MOST) {
        bbr->epoch_acked = 0;
        bbr->epoch_ns = tcb->ext->delivered_ns;
        expected = 0;
    }
    bbr->epoch_acked = min_u32(bbr->epoch_acked + ack->newly_delivered, EPOCH_MOST - 1);
    uint32_t extra = min_u32(min_u32(bbr->epoch_acked - (uint32_t)expected, tcb->cwnd), UINT16_MAX);
    if (extra > bbr->extra_acked[bbr->extra_index])
        bbr->extra_acked[bbr->extra_index] = (uint16_t)extra;
}

/* 4.3.4.3: a phase lasts RTprop; that which probes until as much is in flight, that which drains no longer than there is a queue. */
static bool ends_phase(const struct tcb *tcb, const struct bbr *bbr, const struct ack_state *ack)
{
    bool is_long = (tcb->ext->delivered_ns - bbr->cycle_ns) / NS_PER_US > bbr->min_rtt_us;
    if (bbr->pacing_gain == UNIT)
        return is_long;
    uint32_t flight = inflight_at_departure(tcb, bbr, ack->prior_in_flight);
    if (bbr->pacing_gain > UNIT)
        return is_long && (ack->newly_lost || flight >= inflight_for(tcb, bbr, bbr->pacing_gain));
    return is_long || flight <= inflight_for(tcb, bbr, UNIT);
}

static void update_cycle(struct tcb *tcb, struct bbr *bbr, const struct ack_state *ack)
{
    if (bbr->state != BBR_PROBE_BW || !ends_phase(tcb, bbr, ack))
        return;
    bbr->cycle_index = (bbr->cycle_index + 1) & (CYCLE - 1);
    bbr->cycle_ns = tcb->ext->delivered_ns;
}

/* 4.3.2.2: three rounds without a quarter more. */
static void check_full_pipe(struct bbr *bbr, const struct ack_state *ack)
{
    if (bbr->filled_pipe || !bbr->round_start || ack->app_limited)
        return;
    if (max_bw(bbr) >= (uint64_t)bbr->full_bw * FULL_GROWTH >> GAIN_SHIFT) {
        bbr->full_bw = max_bw(bbr);
        bbr->full_bw_count = 0;
        return;
    }
    bbr->filled_pipe = ++bbr->full_bw_count >= FULL_ROUNDS;
}

/* 4.3.3. Linux tells the pipe's size as the slow-start threshold. */
static void check_drain(struct tcb *tcb, struct bbr *bbr)
{
    if (bbr->state == BBR_STARTUP && bbr->filled_pipe) {
        bbr->state = BBR_DRAIN;
        tcb->ssthresh = inflight_for(tcb, bbr, UNIT);
    }
    if (bbr->state == BBR_DRAIN && inflight_at_departure(tcb, bbr, tcb_in_flight(tcb)) <= inflight_for(tcb, bbr, UNIT))
        enter_probe_bw(tcb, bbr);
}

static void check_probe_rtt_done(struct tcb *tcb, struct bbr *bbr)
{
    if (!bbr->has_probe_end || !seq_gt(tcb_now_ms(tcb), bbr->probe_rtt_done_ms))
        return;
    bbr->min_rtt_ms = tcb_now_ms(tcb);
    tcb->cwnd = max_u32(tcb->cwnd, bbr->prior_cwnd);
    if (bbr->filled_pipe)
        enter_probe_bw(tcb, bbr);
    else
        bbr->state = BBR_STARTUP;
}

/* 4.2.3.4: the window that was good enough before what cut it. */
static void save_cwnd(struct tcb *tcb, struct bbr *bbr)
{
    bool was_cut = bbr->prior_ca_state >= CA_RECOVERY || bbr->state == BBR_PROBE_RTT;
    bbr->prior_cwnd = was_cut ? max_u32(bbr->prior_cwnd, tcb->cwnd) : tcb->cwnd;
}

/* 4.3.5: four packets in flight for 200 ms and a round. Their low rate is nobody's bandwidth. */
static void probe_rtt(struct tcb *tcb, struct bbr *bbr)
{
    uint32_t flight = tcb_in_flight(tcb);
    tcb->ext->app_limited = tcb->ext->delivered + flight + 1;
    if (bbr->has_probe_end) {
        if (bbr->round_start)
            bbr->probe_rtt_round_done = true;
        if (bbr->probe_rtt_round_done)
            check_probe_rtt_done(tcb, bbr);
    } else if (flight <= MIN_CWND) {
        bbr->has_probe_end = true;
        bbr->probe_rtt_done_ms = tcb_now_ms(tcb) + PROBE_RTT_MS;
        bbr->probe_rtt_round_done = false;
        bbr->next_round_delivered = tcb->ext->delivered + 1;
    }
}

static void update_min_rtt(struct tcb *tcb, struct bbr *bbr, const struct ack_state *ack)
{
    bool expired = seq_gt(tcb_now_ms(tcb), bbr->min_rtt_ms + MIN_RTT_MS);
    if (ack->has_rtt && (ack->rtt_us <= bbr->min_rtt_us || (expired && !ack->is_delayed))) {
        bbr->min_rtt_us = (uint32_t)ack->rtt_us;
        bbr->min_rtt_ms = tcb_now_ms(tcb);
    }
    if (expired && !bbr->idle_restart && bbr->state != BBR_PROBE_RTT) {
        bbr->state = BBR_PROBE_RTT;
        save_cwnd(tcb, bbr);
        bbr->has_probe_end = false;
    }
    if (bbr->state == BBR_PROBE_RTT)
        probe_rtt(tcb, bbr);
    if (ack->rate_delivered)
        bbr->idle_restart = false;
}

static void update_gains(struct bbr *bbr)
{
    static const uint16_t cycle[CYCLE] = {UNIT * 5 / 4, UNIT * 3 / 4, UNIT, UNIT, UNIT, UNIT, UNIT, UNIT};
    static const struct { uint16_t pacing, cwnd;
    } gains[] = {[BBR_STARTUP] = {HIGH_GAIN, HIGH_GAIN},
                 [BBR_DRAIN] = {DRAIN_GAIN, HIGH_GAIN},
                 [BBR_PROBE_BW] = {UNIT, CWND_GAIN},
                 [BBR_PROBE_RTT] = {UNIT, UNIT}};
    bbr->pacing_gain = gains[bbr->state].pacing;
    bbr->cwnd_gain = gains[bbr->state].cwnd;
    if (bbr->state == BBR_PROBE_BW && !bbr->lt_is_used)
        bbr->pacing_gain = cycle[bbr->cycle_index];
}

/* --- the window (4.2.3) ------------------------------------------------------------------------------------------------------------ */

/* 4.2.3.4, 4.2.3.5: a round of packet conservation as recovery begins; after it the window of before. True: *CWND is what it is to be. */
static bool recover_or_restore(struct tcb *tcb, struct bbr *bbr, const struct ack_state *ack, uint32_t *cwnd)
{
    uint32_t prior = bbr->prior_ca_state, now = tcb->ca_state, conserved = tcb_in_flight(tcb) + ack->newly_delivered;
    if (ack->newly_lost)
        *cwnd = *cwnd > ack->newly_lost ? *cwnd - ack->newly_lost : 1;
    if (now == CA_RECOVERY && prior != CA_RECOVERY) {
        bbr->packet_conservation = true;
        bbr->next_round_delivered = tcb->ext->delivered + 1;
        *cwnd = conserved;
    } else if (prior >= CA_RECOVERY && now < CA_RECOVERY) {
        *cwnd = max_u32(*cwnd, bbr->prior_cwnd);
        bbr->packet_conservation = false;
    }
    bbr->prior_ca_state = now & 7;
    if (bbr->packet_conservation)
        *cwnd = max_u32(*cwnd, conserved);
    return bbr->packet_conservation;
}

static uint32_t target_cwnd(const struct tcb *tcb, const struct bbr *bbr)
{
    uint32_t target = bdp(bbr, bw_of(bbr), bbr->cwnd_gain);
    if (bbr->filled_pipe) {
        uint64_t most = (uint64_t)bw_of(bbr) * AGGREGATION_US >> BW_SHIFT;
        target += (uint32_t)min_u64(max_u32(bbr->extra_acked[0], bbr->extra_acked[1]), most);
    }
    return with_budget(tcb, bbr, target);
}

static void set_cwnd(struct tcb *tcb, struct bbr *bbr, const struct ack_state *ack)
{
    uint32_t cwnd = tcb->cwnd, acked = ack->newly_delivered;
    if (acked && !recover_or_restore(tcb, bbr, ack, &cwnd)) {
        uint32_t target = target_cwnd(tcb, bbr);
        if (bbr->filled_pipe) /* only then it may shrink */
            cwnd = min_u32(cwnd + acked, target);
        else if (cwnd < target || tcb->ext->delivered + 1 < INITIAL_CWND) /* the SYN was delivered, too */
            cwnd += acked;
        cwnd = max_u32(cwnd, MIN_CWND);
    }
    tcb->cwnd = min_u32(cwnd, tcb->ext->cwnd_clamp);
    if (bbr->state == BBR_PROBE_RTT)
        tcb->cwnd = min_u32(tcb->cwnd, MIN_CWND);
}

/* --- the hooks ---------------------------------------------------------------------------------------------------------------------- */

static void bbr_control(struct tcb *tcb, const struct ack_state *ack)
{
    struct bbr *bbr = state_of(tcb);
    update_bw(tcb, bbr, ack);
    update_aggregation(tcb, bbr, ack);
    update_cycle(tcb, bbr, ack);
    check_full_pipe(bbr, ack);
    check_drain(tcb, bbr);
    update_min_rtt(tcb, bbr, ack);
    update_gains(bbr);
    set_pacing_rate(tcb, bbr, bbr->pacing_gain);
    set_cwnd(tcb, bbr, ack);
}

static void bbr_init(struct tcb *tcb)
{
    struct bbr *bbr = state_of(tcb);
    tcb->ssthresh = INT32_MAX;
    bbr->min_rtt_us = tcb->min_rtt_us;
    bbr->min_rtt_ms = tcb_now_ms(tcb);
    bbr->epoch_ns = tcb_now(tcb);
    init_pacing_rate(tcb, bbr);
    reset_lt(tcb, bbr);
}

static uint32_t bbr_ssthresh(struct tcb *tcb)
{
    save_cwnd(tcb, state_of(tcb));
    return tcb->ssthresh;
}

/* The slow-down was for nothing: nor does it say that the pipe is full. */
static uint32_t bbr_undo(struct tcb *tcb)
{
    struct bbr *bbr = state_of(tcb);
    bbr->full_bw = bbr->full_bw_count = 0;
    reset_lt(tcb, bbr);
    return tcb->cwnd;
}

/* A timeout ends a round. */
static void bbr_state(struct tcb *tcb, enum ca_state state)
{
    struct bbr *bbr = state_of(tcb);
    if (state != CA_LOSS)
        return;
    bbr->prior_ca_state = CA_LOSS;
    bbr->full_bw = 0;
    bbr->round_start = true;
    sample_lt(tcb, bbr, 1, false);
}

/* 4.3.4.4: no queue to fill after a pause: at the bandwidth, not above it. */
static void bbr_idle(struct tcb *tcb)
{
    struct bbr *bbr = state_of(tcb);
    if (!tcb->ext->app_limited)
        return;
    bbr->idle_restart = true;
    bbr->epoch_ns = tcb_now(tcb);
    bbr->epoch_acked = 0;
    if (bbr->state == BBR_PROBE_BW)
        set_pacing_rate(tcb, bbr, UNIT);
    else if (bbr->state == BBR_PROBE_RTT)
        check_probe_rtt_done(tcb, bbr);
}

static unsigned bbr_info(const struct tcb *tcb, void *value)
{
    struct tcp_bbr_info *info = value;
    const struct bbr *bbr = (const struct bbr *)tcb_ext_peek(tcb)->cc_private;
    uint64_t rate = (uint64_t)bw_of(bbr) * tcb->mss * 1000000 >> BW_SHIFT;
    *info = (struct tcp_bbr_info){.bbr_bw_lo = (uint32_t)rate, .bbr_bw_hi = (uint32_t)(rate >> 32), .bbr_min_rtt = bbr->min_rtt_us,
                                  .bbr_pacing_gain = bbr->pacing_gain, .bbr_cwnd_gain = bbr->cwnd_gain};
    return sizeof *info;
}

/* On stacks from before SACK the window stays as it is: they know no rate. */
static void bbr_avoid(struct tcb *tcb, uint32_t acked)
{
    (void)tcb;
    (void)acked;
}

const struct cc_ops cc_bbr = {.name = "bbr",
                              .systems = CC_ON_LINUX,
                              .init = bbr_init,
                              .control = bbr_control,
                              .min_tso_segs = min_tso_segs,
                              .sndbuf_windows = 3,
                              .ssthresh = bbr_ssthresh,
                              .cong_avoid = bbr_avoid,
                              .undo_cwnd = bbr_undo,
                              .on_state = bbr_state,
                              .on_idle = bbr_idle,
                              .info = bbr_info};
