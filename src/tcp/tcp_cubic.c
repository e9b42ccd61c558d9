/* tcp_cubic.c: CUBIC (RFC 9438) in fixed point as Linux computes it, with Linux's HyStart (ACK train and delay; RFC 9406 is its
 * successor). Times are milliseconds; the window's origin is kept in packets. */
#include "tcp/tcb.h"

enum { SCALE = 10, BETA = 717 /* /1024 */, C_SCALED = 41, HYSTART_LOW_WINDOW = 16, HYSTART_MIN_SAMPLES = 8 };
struct cubic {
    uint32_t cnt, last_max_cwnd, last_cwnd, last_time, origin, k, delay_min_us, epoch_start, ack_cnt, tcp_cwnd;
    uint32_t round_start, end_seq, last_ack, curr_rtt_us, samples, found, started;
};
_Static_assert(sizeof(struct cubic) <= CC_PRIVATE * 4, "fits the private area");

static struct cubic *state_of(struct tcb *tcb) { return (struct cubic *)tcb->ext->cc_private; }

static uint32_t now_us(const struct tcb *tcb) { return (uint32_t)(tcb_now(tcb) / NS_PER_US); }

static void reset(struct tcb *tcb)
{
    memset(state_of(tcb), 0, sizeof(struct cubic));
}

static void hystart_reset(struct tcb *tcb)
{
    struct cubic *ca = state_of(tcb);
    ca->round_start = ca->last_ack = now_us(tcb);
    ca->end_seq = tcb->snd_nxt;
    ca->curr_rtt_us = UINT32_MAX;
    ca->samples = 0;
    ca->started = 1;
}

static void cubic_init(struct tcb *tcb)
{
    reset(tcb);
}

static uint32_t cube_root(uint64_t a)
{
    if (a == 0)
        return 0;
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

/* RFC 9438 4.2: W(t) = C (t - K)^3 + W_max; cnt = how many ACKs buy one packet. */
static void update(struct tcb *tcb, struct cubic *ca, uint32_t acked)
{
    uint32_t cwnd = tcb->cwnd, now_ms = tcb_now_ms(tcb);
    ca->ack_cnt += acked;
    if (ca->last_cwnd == cwnd && now_ms - ca->last_time <= 31)
        return;
    if (!(ca->epoch_start && now_ms == ca->last_time)) {
        ca->last_cwnd = cwnd;
        ca->last_time = now_ms;
        if (ca->epoch_start == 0) {
            ca->epoch_start = now_ms ? now_ms : 1;
            ca->ack_cnt = acked;
            ca->tcp_cwnd = cwnd;
            if (ca->last_max_cwnd <= cwnd) {
                ca->k = 0;
                ca->origin = cwnd;
            } else {
                uint64_t factor = (1ull << (10 + 3 * SCALE)) / (C_SCALED * 10);
                ca->k = cube_root(factor * (ca->last_max_cwnd - cwnd));
                ca->origin = ca->last_max_cwnd;
            }
        }
        uint64_t t = (uint64_t)(now_ms - ca->epoch_start) + ca->delay_min_us / 1000;
        t = (t << SCALE) / 1000;
        uint64_t offset = t < ca->k ? ca->k - t : t - ca->k;
        uint64_t delta = ((uint64_t)C_SCALED * 10 * offset * offset * offset) >> (10 + 3 * SCALE);
        uint64_t target = t < ca->k ? ca->origin - min_u64(delta, ca->origin) : ca->origin + delta;
        ca->cnt = target > cwnd ? cwnd / (uint32_t)(target - cwnd) : 100 * cwnd;
        if (ca->last_max_cwnd == 0 && ca->cnt > 20)
            ca->cnt = 20; /* no loss yet: at least 5 % a round trip */
    }
    /* 4.3: where Reno would be faster */
    uint32_t scale = 15; /* 8 * (1024 + 717) / 3 / (1024 - 717), Linux's beta_scale */
    uint32_t delta = (cwnd * scale) >> 3;
    while (delta && ca->ack_cnt > delta) {
        ca->ack_cnt -= delta;
        ca->tcp_cwnd++;
    }
    if (ca->tcp_cwnd > cwnd) {
        uint32_t most = cwnd / (ca->tcp_cwnd - cwnd);
        ca->cnt = min_u32(ca->cnt, most);
    }
    ca->cnt = max_u32(ca->cnt, 2);
}

static void cubic_avoid(struct tcb *tcb, uint32_t acked)
{
    struct cubic *ca = state_of(tcb);
    if (!cc_is_cwnd_limited(tcb))
        return;
    if (cc_in_slow_start(tcb)) {
        acked = cc_slow_start(tcb, acked);
        if (acked == 0)
            return;
    }
    update(tcb, ca, acked);
    cc_avoid_ai(tcb, ca->cnt, acked);
}

/* RFC 9438 4.6, 4.7: beta 0.7 and fast convergence. */
static uint32_t cubic_ssthresh(struct tcb *tcb)
{
    struct cubic *ca = state_of(tcb);
    ca->epoch_start = 0;
    ca->last_max_cwnd = tcb->cwnd < ca->last_max_cwnd ? (uint32_t)((uint64_t)tcb->cwnd * (1024 + BETA) / 2048) : tcb->cwnd;
    return max_u32((uint32_t)((uint64_t)tcb->cwnd * BETA / 1024), 2);
}

static void cubic_state(struct tcb *tcb, enum ca_state state)
{
    if (state == CA_LOSS) {
        reset(tcb);
        hystart_reset(tcb);
    }
}

static void hystart(struct tcb *tcb, struct cubic *ca, uint32_t delay_us)
{
    uint32_t now = now_us(tcb);
    if (!ca->started || seq_gt(tcb->snd_una, ca->end_seq))
        hystart_reset(tcb);
    if ((int32_t)(now - ca->last_ack) <= 2000) { /* a train of ACKs as long as half the round trip: the pipe is full */
        ca->last_ack = now;
        uint32_t threshold = ca->delay_min_us / 2;
        if ((int32_t)(now - ca->round_start) > (int32_t)threshold && threshold) {
            ca->found = 1;
            tcb->ssthresh = tcb->cwnd;
            TCP_MIB(tcb->tcp, HystartTrainDetect);
            tcb->tcp->mib[MIB_HystartTrainCwnd] += tcb->cwnd;
        }
    }
    ca->curr_rtt_us = min_u32(ca->curr_rtt_us, delay_us);
    if (ca->samples < HYSTART_MIN_SAMPLES) {
        ca->samples++;
    } else {
        uint32_t thresh = min_u32(max_u32(ca->delay_min_us >> 3, 4000), 16000);
        if (!ca->found && ca->curr_rtt_us > ca->delay_min_us + thresh) {
            ca->found = 1;
            tcb->ssthresh = tcb->cwnd;
            TCP_MIB(tcb->tcp, HystartDelayDetect);
            tcb->tcp->mib[MIB_HystartDelayCwnd] += tcb->cwnd;
        }
    }
}

static void cubic_rtt(struct tcb *tcb, uint32_t acked, uint64_t rtt_us)
{
    struct cubic *ca = state_of(tcb);
    (void)acked;
    uint32_t now_ms = tcb_now_ms(tcb);
    if (ca->epoch_start && (int32_t)(now_ms - ca->epoch_start) < 1000)
        return; /* just after a loss the measure is of the queue's drain */
    uint32_t delay = rtt_us ? (uint32_t)min_u64(rtt_us, UINT32_MAX) : 1;
    if (ca->delay_min_us == 0 || ca->delay_min_us > delay)
        ca->delay_min_us = delay;
    if (!ca->found && cc_in_slow_start(tcb) && tcb_params(tcb)->hystart && tcb->cwnd >= HYSTART_LOW_WINDOW)
        hystart(tcb, ca, delay);
}

static uint32_t cubic_undo(struct tcb *tcb)
{
    return max_u32(tcb->cwnd, tcb->ext->prior_cwnd);
}

static void cubic_idle(struct tcb *tcb)
{
    struct cubic *ca = state_of(tcb);
    uint32_t now_ms = tcb_now_ms(tcb);
    int32_t idle = (int32_t)(now_ms - tcb->last_snd_ms);
    if (ca->epoch_start && idle > 0) { /* the idle time does not count as growth */
        ca->epoch_start += (uint32_t)idle;
        if (seq_gt(ca->epoch_start, now_ms))
            ca->epoch_start = now_ms;
    }
}

const struct cc_ops cc_cubic = {.name = "cubic", .init = cubic_init, .ssthresh = cubic_ssthresh, .cong_avoid = cubic_avoid,
                                .on_state = cubic_state, .on_rtt = cubic_rtt, .undo_cwnd = cubic_undo, .on_idle = cubic_idle};
