/* tcp_cubic.c: CUBIC (RFC 9438) in fixed point as Linux computes it, and the two ways to leave the first slow start before it
 * overruns the queue: Linux's HyStart (a long train of ACKs, or a rising delay) and HyStart++ (RFC 9406). Times of the curve are
 * milliseconds, K in 1/1024 s, windows in packets. */
#include "tcp/tcb.h"

enum {
    SCALE = 10,                      /* K and t in units of 2^-10 s */
    BETA = 717,                      /* /1024: 0.7 (RFC 9438 4.6) */
    C_SCALED = 410,                  /* /1024: C = 0.4 (RFC 9438 5) */
    BETA_SCALE = 15,                 /* 8 * (1 + beta) / 3 / (1 - beta): ACKs that buy Reno's window one packet (4.3) */
    UPDATE_MS = 31,
    LOW_WINDOW = 16, MIN_SAMPLES = 8, ACK_DELTA_US = 2000,
    THRESH_MIN_US = 4000, THRESH_MAX_US = 16000, /* RFC 9406 4.3 */
    CSS_GROWTH_DIVISOR = 4, CSS_ROUNDS = 5, GROWTH_LIMIT = 8
};
struct cubic {
    uint32_t cnt, last_max_cwnd, last_cwnd, last_time_ms, origin, k, delay_min_us, epoch_start_ms, ack_cnt, tcp_cwnd;
    uint32_t end_seq, curr_rtt_us, samples, found; /* of the present round of slow start */
    union {
        struct { uint32_t round_start_us, last_ack_us; } train;       /* Linux's */
        struct { uint32_t last_rtt_us, baseline_us, rounds, credit; } css; /* RFC 9406's; rounds > 0: conservative slow start */
    };
    uint32_t is_started;
};
_Static_assert(sizeof(struct cubic) <= CC_PRIVATE * 4, "fits the private area");

static struct cubic *state_of(struct tcb *tcb) { return (struct cubic *)tcb->ext->cc_private; }
static uint32_t now_us(const struct tcb *tcb) { return (uint32_t)(tcb_now(tcb) / NS_PER_US); }

static void start_round(struct tcb *tcb, struct cubic *ca)
{
    ca->end_seq = tcb->snd_nxt;
    ca->samples = 0;
    ca->is_started = true;
    if (tcb_params(tcb)->hystart == TCP_HYSTART_LINUX)
        ca->train.round_start_us = ca->train.last_ack_us = now_us(tcb);
    else
        ca->css.last_rtt_us = ca->curr_rtt_us;
    ca->curr_rtt_us = UINT32_MAX;
}

static void cubic_init(struct tcb *tcb)
{
    memset(state_of(tcb), 0, sizeof(struct cubic));
    state_of(tcb)->curr_rtt_us = UINT32_MAX;
}

static uint32_t cube_root(uint64_t a)
{
    uint64_t low = 0, high = 1u << 21;
    while (low + 1 < high) {
        uint64_t middle = (low + high) / 2;
        if (middle * middle * middle <= a)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static void start_epoch(struct cubic *ca, uint32_t cwnd, uint32_t now_ms, uint32_t acked)
{
    ca->epoch_start_ms = now_ms ? now_ms : 1;
    ca->ack_cnt = acked;
    ca->tcp_cwnd = cwnd;
    ca->k = 0;
    ca->origin = cwnd;
    if (ca->last_max_cwnd > cwnd) { /* RFC 9438 4.2, figure 2: K = cbrt((W_max - cwnd) / C) */
        ca->k = cube_root((1ull << (10 + 3 * SCALE)) / C_SCALED * (ca->last_max_cwnd - cwnd));
        ca->origin = ca->last_max_cwnd;
    }
}

/* RFC 9438 4.2, figure 1: W(t) = C (t - K)^3 + W_max, a round trip ahead; cnt is how many ACKs buy one packet. */
static void aim(struct cubic *ca, uint32_t cwnd, uint32_t now_ms)
{
    uint32_t elapsed_ms = seq_gt(now_ms, ca->epoch_start_ms) ? now_ms - ca->epoch_start_ms : 0;
    uint64_t t = (((uint64_t)elapsed_ms + ca->delay_min_us / 1000) << SCALE) / 1000;
    uint64_t offset = min_u64(t < ca->k ? ca->k - t : t - ca->k, 1u << 17); /* two minutes: the cube stays in range */
    uint64_t delta = ((uint64_t)C_SCALED * offset * offset) >> 10;
    delta = (delta * offset) >> (3 * SCALE);
    uint64_t target = t < ca->k ? ca->origin - min_u64(delta, ca->origin) : ca->origin + delta;
    ca->cnt = target > cwnd ? (uint32_t)(cwnd / (target - cwnd)) : 100 * cwnd;
    if (ca->last_max_cwnd == 0 && ca->cnt > 20)
        ca->cnt = 20; /* no loss yet, so no plateau to respect: 5 % a round trip at least */
}

static void update(struct tcb *tcb, struct cubic *ca, uint32_t acked)
{
    uint32_t cwnd = tcb->cwnd, now_ms = tcb_now_ms(tcb);
    ca->ack_cnt += acked;
    if (ca->last_cwnd == cwnd && now_ms - ca->last_time_ms <= UPDATE_MS)
        return;
    if (!ca->epoch_start_ms || now_ms != ca->last_time_ms) {
        ca->last_cwnd = cwnd;
        ca->last_time_ms = now_ms;
        if (!ca->epoch_start_ms)
            start_epoch(ca, cwnd, now_ms, acked);
        aim(ca, cwnd, now_ms);
    }
    /* RFC 9438 4.3: the window that Reno would have; where that is larger, grow as fast. */
    uint32_t delta = max_u32((cwnd * BETA_SCALE) >> 3, 1);
    ca->tcp_cwnd += ca->ack_cnt > delta ? (ca->ack_cnt - 1) / delta : 0;
    ca->ack_cnt -= ca->ack_cnt > delta ? (ca->ack_cnt - 1) / delta * delta : 0;
    if (ca->tcp_cwnd > cwnd)
        ca->cnt = min_u32(ca->cnt, cwnd / (ca->tcp_cwnd - cwnd));
    ca->cnt = max_u32(ca->cnt, 2); /* at most half as much again each round trip (RFC 9438 4.4) */
}

/* RFC 9406 4.2: L = 8 segments an ACK at most; a quarter of it in conservative slow start. */
static uint32_t slow_start_plus(struct tcb *tcb, struct cubic *ca, uint32_t acked)
{
    uint32_t grow = cwnd_is_paced(tcb) ? acked : min_u32(acked, GROWTH_LIMIT);
    if (ca->css.rounds == 0)
        return cc_slow_start(tcb, grow);
    ca->css.credit += grow;
    grow = ca->css.credit / CSS_GROWTH_DIVISOR;
    ca->css.credit %= CSS_GROWTH_DIVISOR;
    return cc_slow_start(tcb, grow);
}

static void cubic_avoid(struct tcb *tcb, uint32_t acked)
{
    struct cubic *ca = state_of(tcb);
    if (!cc_is_cwnd_limited(tcb))
        return;
    if (cc_in_slow_start(tcb)) {
        bool is_plus = tcb_params(tcb)->hystart == TCP_HYSTART_RFC9406 && !ca->found;
        acked = is_plus ? slow_start_plus(tcb, ca, acked) : cc_slow_start(tcb, acked);
        if (acked == 0)
            return;
    }
    update(tcb, ca, acked);
    cc_avoid_ai(tcb, ca->cnt, acked);
}

/* RFC 9438 4.6 (beta 0.7) and 4.7 (fast convergence: a flow that lost ground leaves room for others). */
static uint32_t cubic_ssthresh(struct tcb *tcb)
{
    struct cubic *ca = state_of(tcb);
    ca->epoch_start_ms = 0;
    ca->last_max_cwnd = tcb->cwnd < ca->last_max_cwnd ? (uint32_t)((uint64_t)tcb->cwnd * (1024 + BETA) / 2048) : tcb->cwnd;
    return max_u32((uint32_t)((uint64_t)tcb->cwnd * BETA / 1024), 2);
}

static void cubic_state(struct tcb *tcb, enum ca_state state)
{
    if (state == CA_LOSS) {
        cubic_init(tcb);
        start_round(tcb, state_of(tcb));
    }
}

static void leave_slow_start(struct tcb *tcb, struct cubic *ca)
{
    ca->found = true;
    tcb->ssthresh = tcb->cwnd;
    tcp_trace_text(tcb, "hystart");
}

static uint32_t rtt_thresh_us(uint32_t rtt_us)
{
    return min_u32(max_u32(rtt_us >> 3, THRESH_MIN_US), THRESH_MAX_US);
}

/* Linux: ACKs close together for half a round trip, or eight samples of a round with a delay above the smallest. */
static void hystart_linux(struct tcb *tcb, struct cubic *ca, uint32_t delay_us)
{
    if (!ca->is_started || seq_gt(tcb->snd_una, ca->end_seq))
        start_round(tcb, ca);
    if (tcb->cwnd < LOW_WINDOW)
        return;
    uint32_t now = now_us(tcb);
    if ((int32_t)(now - ca->train.last_ack_us) <= ACK_DELTA_US) {
        ca->train.last_ack_us = now;
        uint32_t threshold = ca->delay_min_us + 1000; /* a GSO burst's time, a millisecond at most */
        if (!cwnd_is_paced(tcb))
            threshold >>= 1;
        if ((int32_t)(now - ca->train.round_start_us) > (int32_t)threshold) {
            TCP_MIB(tcb->tcp, HystartTrainDetect);
            tcb->tcp->mib[MIB_HystartTrainCwnd] += tcb->cwnd;
            leave_slow_start(tcb, ca);
        }
    }
    ca->curr_rtt_us = min_u32(ca->curr_rtt_us, delay_us);
    if (ca->samples < MIN_SAMPLES) {
        ca->samples++;
    } else if (!ca->found && ca->curr_rtt_us > ca->delay_min_us + rtt_thresh_us(ca->delay_min_us)) {
        TCP_MIB(tcb->tcp, HystartDelayDetect);
        tcb->tcp->mib[MIB_HystartDelayCwnd] += tcb->cwnd;
        leave_slow_start(tcb, ca);
    }
}

/* RFC 9406 4.2: a round whose smallest delay is above the last round's enters conservative slow start; five rounds of that end
 * slow start, a delay that falls again resumes it. */
static void hystart_plus(struct tcb *tcb, struct cubic *ca, uint32_t delay_us)
{
    if (!ca->is_started || seq_gt(tcb->snd_una, ca->end_seq)) {
        start_round(tcb, ca);
        if (ca->css.rounds && ++ca->css.rounds > CSS_ROUNDS) {
            TCP_MIB(tcb->tcp, HystartDelayDetect);
            tcb->tcp->mib[MIB_HystartDelayCwnd] += tcb->cwnd;
            leave_slow_start(tcb, ca);
            return;
        }
    }
    ca->curr_rtt_us = min_u32(ca->curr_rtt_us, delay_us);
    if (++ca->samples < MIN_SAMPLES)
        return;
    if (ca->css.rounds == 0) {
        if (ca->css.last_rtt_us && ca->css.last_rtt_us != UINT32_MAX &&
            ca->curr_rtt_us >= ca->css.last_rtt_us + rtt_thresh_us(ca->css.last_rtt_us)) {
            ca->css.baseline_us = ca->curr_rtt_us;
            ca->css.rounds = 1;
            ca->css.credit = 0;
        }
    } else if (ca->curr_rtt_us < ca->css.baseline_us) {
        ca->css.rounds = 0;
    }
}

static void cubic_rtt(struct tcb *tcb, uint32_t acked, uint64_t rtt_us)
{
    struct cubic *ca = state_of(tcb);
    uint32_t delay = (uint32_t)min_u64(max_u64(rtt_us, 1), UINT32_MAX - 1);
    (void)acked;
    if (ca->epoch_start_ms && (int32_t)(tcb_now_ms(tcb) - ca->epoch_start_ms) < 1000)
        return; /* just after a loss the measure is of the queue's drain */
    if (ca->delay_min_us == 0 || ca->delay_min_us > delay)
        ca->delay_min_us = delay;
    if (ca->found || !cc_in_slow_start(tcb))
        return;
    if (tcb_params(tcb)->hystart == TCP_HYSTART_LINUX)
        hystart_linux(tcb, ca, delay);
    else if (tcb_params(tcb)->hystart == TCP_HYSTART_RFC9406)
        hystart_plus(tcb, ca, delay);
}

static uint32_t cubic_undo(struct tcb *tcb)
{
    return max_u32(tcb->cwnd, tcb->ext->prior_cwnd);
}

/* Idle time does not count as growth (RFC 9438 4.2: t excludes it). */
static void cubic_idle(struct tcb *tcb)
{
    struct cubic *ca = state_of(tcb);
    uint32_t now_ms = tcb_now_ms(tcb);
    int32_t idle_ms = (int32_t)(now_ms - tcb->last_snd_ms);
    if (ca->epoch_start_ms && idle_ms > 0)
        ca->epoch_start_ms = seq_gt(ca->epoch_start_ms + (uint32_t)idle_ms, now_ms) ? now_ms : ca->epoch_start_ms + (uint32_t)idle_ms;
}

const struct cc_ops cc_cubic = {.name = "cubic",
                                .systems = CC_ON_LINUX | CC_ON_BSD,
                                .bytes = &bsd_cubic,
                                .init = cubic_init,
                                .ssthresh = cubic_ssthresh,
                                .cong_avoid = cubic_avoid,
                                .on_state = cubic_state,
                                .on_rtt = cubic_rtt,
                                .undo_cwnd = cubic_undo,
                                .on_idle = cubic_idle};
