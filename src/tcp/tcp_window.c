/* tcp_window.c: managing the window (RFC 9293 3.8.6): what to offer, silly window avoidance, and Linux's receive buffer autotuning.
 * When an ACK goes: tcp_delack.c. Linux offers half of rcvbuf (adv_win_scale), the other half is its bookkeeping. */
#include "tcp/tcb.h"

enum { SB_EFFICIENCY = 8 /* kern.ipc.sockbuf_waste_factor */, MBUF_CHARGE = 256 + 2048 /* with its cluster */ };

static bool is_linux(const struct tcb *tcb) { return tcb_params(tcb)->adv_win_scale != 0; }

/* The text of a full segment from the peer (Linux's advmss of an established connection). */
static uint32_t full_text(const struct tcb *tcb) { return tcb->advmss - tcb_ts_bytes(tcb); }

/* What the first windows count in: a full segment. Timestamps of a fast open's child count behind its handshake only. */
static uint32_t first_text(const struct tcb *tcb)
{
    return tcb_ext_peek(tcb)->fastopen_child ? tcb->advmss : full_text(tcb);
}

/* tcp_init_buffer_space(); later changes of the buffer leave it, until the share is measured anew. */
static uint32_t first_clamp(const struct tcb *tcb)
{
    uint32_t space = window_space(tcb, tcb->rcvbuf), full = first_text(tcb), clamp = space, app_win = tcb_params(tcb)->app_win;
    if (!app_win)
        return space;
    if (space > 4 * full)
        clamp = max_u32(space - (space >> app_win), 4 * full);
    return clamp > 2 * full && clamp + full > space ? max_u32(2 * full, space - full) : clamp; /* room for one segment */
}

static uint32_t clamp_of_buffer(const struct tcb *tcb)
{
    uint32_t configured = window_first_buffer(tcb_params(tcb), tcb->opt);
    bool is_first = is_linux(tcb) && tcb->rcvbuf <= configured && !tcb_ext_peek(tcb)->scaling_ratio;
    uint32_t clamp = is_first ? first_clamp(tcb) : window_space(tcb, tcb->rcvbuf);
    if (is_linux(tcb) && !tcb->wscale_ok)
        clamp = min_u32(clamp, 65535);
    return clamp;
}

static uint32_t clamp_of(const struct tcb *tcb)
{
    uint32_t held = tcb_ext_peek(tcb)->window_clamp, clamp = held ? held : clamp_of_buffer(tcb);
    if (held && is_linux(tcb))
        return held;
    if (tcb->opt->window_clamp || tcb->opt->path.window)
        clamp = min_u32(clamp, tcb->opt->window_clamp ? tcb->opt->window_clamp : tcb->opt->path.window);
    if (tcb_params(tcb)->window_clamp)
        clamp = min_u32(clamp, tcb_params(tcb)->window_clamp);
    return clamp;
}

uint32_t window_clamp(const struct tcb *tcb)
{
    return clamp_of(tcb);
}

void window_hold_clamp(struct tcb *tcb)
{
    if (is_linux(tcb) && tcb_is_synchronized(tcb) && tcb_ext_get(tcb) && !tcb->ext->window_clamp)
        tcb->ext->window_clamp = clamp_of_buffer(tcb);
}

/* What was taken in the round trip before; first what the connection began with (asked before the window grows). */
static uint32_t space_now(const struct tcb *tcb)
{
    uint32_t space = tcb->ext->space_bytes;
    return space ? space : min_u32(tcb->rcv_ssthresh, 10 * first_text(tcb));
}

/* tcp_set_window_clamp(): by TCP_WINDOW_CLAMP or a new share of the buffer; the later one counts. */
static void move_clamp(struct tcb *tcb, uint32_t before, uint32_t clamp)
{
    tcb->ext->space_bytes = space_now(tcb);
    if (clamp == tcb->ext->window_clamp)
        return;
    tcb->ext->window_clamp = clamp;
    if (clamp <= before) /* the option is in BEFORE already */
        tcb->rcv_ssthresh = min_u32(tcb->rcv_ssthresh, clamp);
    else
        tcb->rcv_ssthresh = max_u32(tcb->rcv_ssthresh, min_u32(tcb->rcv_wnd, clamp));
}

/* tcp_measure_rcv_mss: a new segment size changes the share, and with it how far the window may open. What it is open to stays. */
COLD static void note_ratio(struct tcb *tcb, uint32_t length)
{
    uint32_t ratio = (length << 8) / rmem_cost(tcb, length);
    if (ratio == (tcb->ext->scaling_ratio ? tcb->ext->scaling_ratio : 128u))
        return;
    uint32_t space = space_now(tcb);
    tcb->ext->scaling_ratio = (uint8_t)(ratio ? ratio : 1);
    tcb->ext->window_clamp = window_space(tcb, tcb->rcvbuf);
    tcb->ext->space_bytes = min_u32(tcb->ext->window_clamp, space);
}

void window_set_clamp(struct tcb *tcb, uint32_t clamp)
{
    if (tcb_ext_get(tcb))
        move_clamp(tcb, clamp_of(tcb), clamp);
}

/* The receive buffer that a connection begins with: Linux's has room for SO_RCVLOWAT. */
uint32_t window_first_buffer(const struct tcp_params *params, const struct tcb_opts *opts)
{
    uint32_t least = params->call_policy == TCP_CALLS_LINUX ? min_u32(opts->socket.rcvlowat, INT32_MAX / 2) * 2 : 0;
    return opts->socket.rcvbuf ? opts->socket.rcvbuf : max_u32(params->rcvbuf, least);
}

uint32_t window_first_space(const struct tcp_params *params, const struct tcb_opts *opts)
{
    return window_first_buffer(params, opts) >> params->adv_win_scale;
}

/* The window of a SYN or SYN/ACK (unscaled, RFC 7323 2.2) and the scale to offer. FULL: what the receive buffer comes to. */
uint32_t window_initial(struct tcp *tcp, const struct tcb_opts *opts, const struct path_metrics *path, uint32_t full, uint32_t mss,
                        bool wscale_ok, uint8_t *wscale)
{
    const struct tcp_params *params = &tcp->params;
    uint32_t space = full;
    uint32_t clamp = params->window_clamp ? params->window_clamp : 65535u << 14;
    if (opts->window_clamp || (path && path->window))
        clamp = min_u32(clamp, opts->window_clamp ? opts->window_clamp : path->window);
    if (params->adv_win_scale && opts->socket.rcvbuf)
        clamp = min_u32(clamp, full);
    space = min_u32(space, clamp);
    if (params->adv_win_scale && space > mss && mss)
        space -= space % mss;
    *wscale = 0;
    if (wscale_ok) {
        uint32_t most = space;
        if (params->scale_buffer) /* the largest buffer that any socket may have; Linux: may grow to or may have */
            most = params->adv_win_scale ? max_u32(params->scale_buffer, max_u32(most, params->rcvbuf_max)) : params->scale_buffer;
        else if (params->moderate_rcvbuf)
            most = max_u32(most, params->rcvbuf_max);
        most = min_u32(most, clamp);
        if (most > 65535) /* the least by which it fits the field */
            *wscale = (uint8_t)min_u32(16u - (unsigned)__builtin_clz(most), 14);
    }
    if (params->signed_windows)
        space = min_u32(space, 32767);
    if (path && path->initrwnd)
        space = min_u32(space, path->initrwnd * mss);
    return params->adv_win_scale ? space : min_u32(space, 65535); /* Linux: the header's field ends at 65,535, not the window */
}

/* As window_initial(), of a connection that this host opens: its buffer may be an earlier connection's. */
uint32_t window_of_open(struct tcb *tcb, uint32_t mss, uint8_t *wscale)
{
    return window_initial(tcb->tcp, tcb->opt, &tcb->opt->path, window_space(tcb, tcb->rcvbuf), mss, tcb_params(tcb)->offer_wscale, wscale);
}

/* The connection is established: where the window starts from. */
void window_init(struct tcb *tcb)
{
    if (is_linux(tcb) && tcb_ext_peek(tcb)->scaling_ratio) { /* an earlier connection's */
        tcb->ext->space_bytes = 0;
        tcb->ext->window_clamp = first_clamp(tcb);
    }
    uint32_t offered = tcb->rcv_ssthresh ? tcb->rcv_ssthresh : tcb->rcv_wnd; /* in SYN-RECEIVED more may have been said since */
    tcb->rcv_ssthresh = is_linux(tcb) ? min_u32(offered, clamp_of(tcb)) : UINT32_MAX; /* BSD: no slow start of the window */
    window_guess_mss(tcb);
}

/* The peer's segments, before one has come (tcp_initialize_rcv_mss). */
void window_guess_mss(struct tcb *tcb)
{
    uint32_t advmss = tcb->advmss - (tcb->ts_ok && tcb_is_synchronized(tcb) ? mss_options(tcb) : 0);
    uint32_t hint = min_u32(min_u32(advmss, tcb->mss), min_u32(tcb->rcv_wnd / 2, 536));
    tcb->rcv_mss = (uint16_t)max_u32(hint, 88);
}

/* What the buffer still takes, as window: each segment counts with what it costs (tcp_space). */
static uint32_t free_space(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return window_space(tcb, tcb->rcvbuf > ext->rmem.total ? tcb->rcvbuf - ext->rmem.total : 0);
}

/* BSD (tcp_pulloutofband()): the urgent byte is kept beside the buffer. */
static bool has_byte_out_of_line(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return ext->rcv_urgent && ext->urg_valid && !tcb->opt->socket.oob_inline &&
           ext->rcv_up - (tcb->rcv_nxt - tcb->fin_rcvd - tcb->readable) < tcb->readable;
}

/* BSD's sbspace(): what waits to be read counts, what waits for a gap to be filled does not; small data in large blocks
 * has a limit of its own. */
uint32_t window_room(const struct tcb *tcb)
{
    uint32_t full = clamp_of(tcb), waits = tcb->readable - has_byte_out_of_line(tcb), left = full > waits ? full - waits : 0;
    uint64_t charge = stream_charge(tcb->rcv_stream), most = (uint64_t)full * SB_EFFICIENCY;
    if (tcb_params(tcb)->input_policy == TCP_INPUT_BSD) /* FreeBSD counts its mbufs (sballoc()), whatever our blocks are */
        charge = min_u64(charge, (uint64_t)stream_pieces(tcb->rcv_stream) * MBUF_CHARGE);
    return (uint32_t)min_u64(left, most > charge ? most - charge : 0);
}

/* What a segment holds, its timestamp included: BSD's t_maxseg. */
static uint32_t whole_segment(const struct tcb *tcb)
{
    return tcb->mss + (tcb->ts_ok ? 12u : 0);
}

static uint32_t whole_units(uint32_t bytes, uint32_t unit, uint32_t most)
{
    uint64_t rounded = (bytes + (uint64_t)unit - 1) / unit * unit;
    return (uint32_t)min_u64(rounded, max_u32(most, bytes));
}

void window_round_buffers(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint32_t segment = whole_segment(tcb), most = params->scale_buffer ? params->scale_buffer : UINT32_MAX;
    if (!params->buffers_round_mss)
        return;
    if (tcb->rcvbuf > segment)
        tcb->rcvbuf = whole_units(tcb->rcvbuf, segment, most);
    if (tcb->sndbuf > segment)
        tcb->sndbuf = whole_units(tcb->sndbuf, segment, most);
}

/* BSD (RFC 1122 4.2.3.3): nothing below a quarter of the buffer and one segment. */
static uint32_t offer_bsd(const struct tcb *tcb)
{
    uint32_t window = window_room(tcb);
    if (window < clamp_of(tcb) / 4 && window < whole_segment(tcb))
        window = 0;
    return window;
}

uint32_t window_offer(struct tcb *tcb)
{
    if (!is_linux(tcb))
        return offer_bsd(tcb);
    if (!tcb->rcv_stream && tcb->rcv_wscale && !tcb_ext_peek(tcb)->ooo &&
        !tcb_params(tcb)->shrink_window) /* nothing waits: what the rest comes to then */
        return window_round_up(min_u32(window_space(tcb, tcb->rcvbuf), tcb->rcv_ssthresh), tcb->rcv_wscale);
    uint32_t allowed = window_space(tcb, tcb->rcvbuf), space = free_space(tcb);
    uint32_t full = min_u32(allowed, clamp_of(tcb)), mss = min_u32(tcb->rcv_mss, full), scale = tcb->rcv_wscale;
    bool may_shrink = tcb_params(tcb)->shrink_window && scale;
    if (mss == 0)
        return 0;
    if (may_shrink)
        space = space >> scale << scale;
    if (space < full >> 1) {
        tcb->quick = 0;
        space = space >> scale << scale;
        if (space < allowed >> 4 || space < mss || (may_shrink && space < 1u << scale))
            return 0;
    }
    if (may_shrink) /* a whole number of units, below what memory has */
        return space > tcb->rcv_ssthresh ? window_round_up(tcb->rcv_ssthresh, scale) : space;
    space = min_u32(space, tcb->rcv_ssthresh);
    if (scale)
        return window_round_up(space, scale);
    uint32_t window = tcb->rcv_wnd;
    if (window + mss <= space || window > space)
        window = space - space % mss;
    else if (mss == full && space > window + (full >> 1))
        window = space;
    return window;
}

/* The right edge moves left: how far it was is remembered, for step 1. */
void window_retract(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext)
        return;
    uint32_t edge = tcb->rcv_nxt + tcb_receive_window(tcb);
    ext->told_edge = ext->is_retracted ? seq_max(ext->told_edge, edge) : edge;
    ext->is_retracted = true;
}

/* The header's window. RFC 9293 3.8.6 (SHLD-14): the right edge does not move left. */
uint16_t window_select_any(struct tcb *tcb)
{
    uint32_t scale = tcb->rcv_wscale, most = !scale && tcb_params(tcb)->signed_windows ? 32767 : 65535u << scale;
    if (tcb_ext_peek(tcb)->no_memory) { /* all that was offered was a mistake */
        tcb->rcv_wnd = 0;
        tcb->rcv_wup = tcb->rcv_nxt;
        return 0;
    }
    uint32_t current = tcb_receive_window(tcb), window = window_offer(tcb);
    bool may_shrink = tcb_params(tcb)->shrink_window && scale;
    if ((window < current || !is_linux(tcb)) && !may_shrink) { /* rounded up, so that the scale does not shrink it */
        if (window == 0)
            TCP_MIB(tcb->tcp, WantZeroWindowAdv);
        if (!is_linux(tcb) && tcb->ext && !tcb->ext->space_ns)
            tcb->ext->space_ns = tcb_now(tcb);
        window = window_round_up(max_u32(window, current), scale);
    }
    if (window < current)
        window_retract(tcb);
    else if (tcb_ext_peek(tcb)->is_retracted)
        tcb->ext->is_retracted = seq_lt(tcb->rcv_nxt + window, tcb->ext->told_edge);
    if (window == 0 && tcb->rcv_wnd)
        TCP_MIB(tcb->tcp, ToZeroWindowAdv);
    else if (window && tcb->rcv_wnd == 0)
        TCP_MIB(tcb->tcp, FromZeroWindowAdv);
    tcb->rcv_wnd = is_linux(tcb) ? window : min_u32(window, most); /* Linux: the header's field ends, not the window */
    tcb->rcv_wup = tcb->rcv_nxt;
    return (uint16_t)(min_u32(window, most) >> scale);
}

static void measure_rcv_mss(struct tcb *tcb, const struct rx *rx)
{
    uint32_t length = rx->gso_size && rx->gso_size < rx->length ? rx->gso_size : rx->length, last = tcb->ext->last_seg_size;
    tcb->ext->last_seg_size = 0; /* two in a row make a measure */
    if (length >= tcb->rcv_mss) {
        if (length != tcb->rcv_mss && is_linux(tcb))
            note_ratio(tcb, rx->length);
        tcb->rcv_mss = (uint16_t)min_u32(length, full_text(tcb));
        if (rx->length == tcb->rcv_mss && (rx->flags & TCP_PSH))
            tcb->ack_pushed = true;
        return;
    }
    /* the header counts, less what every segment of the connection has: SACK blocks would make it jitter */
    uint32_t whole = length + rx->options_length, usual = tcb->ts_ok ? 12 : 0;
    if (whole >= 536 || (whole >= 88 && !(rx->flags & (TCP_FIN | TCP_URG | TCP_PSH | TCP_SYN | TCP_RST)))) {
        tcb->ext->last_seg_size = (uint16_t)(whole - usual);
        if (last == whole - usual) {
            tcb->rcv_mss = (uint16_t)last;
            return;
        }
    }
    tcb->ack_pushed2 |= tcb->ack_pushed;
    tcb->ack_pushed = true;
}

/* The receiver's idea of the round trip, kept times 8: a smaller measure counts at once, a larger one only by the
 * timestamp's echo, smoothed, and while nothing waits to be read (the sender may wait for the reader then). */
static void note_rcv_rtt(struct tcb *tcb, uint32_t sample_us, bool is_echo)
{
    uint32_t *rtt = &tcb->ext->rcv_rtt_us;
    if (*rtt == 0 || (uint64_t)sample_us << 3 < *rtt)
        *rtt = (uint32_t)min_u64((uint64_t)sample_us << 3, UINT32_MAX);
    else if (is_echo && !tcb->readable)
        *rtt += sample_us - (*rtt >> 3);
}

/* By the echo of a segment that was taken, its text not yet: each echo measures once. */
void window_note_echo(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    if (!tcb->ts_ok || !ext || !rx->ts_echo || rx->ts_echo == ext->rcv_last_echo || !is_linux(tcb))
        return;
    ext->rcv_last_echo = rx->ts_echo;
    uint32_t delta = tcb_ts_now(tcb) - rx->ts_echo;
    if (rx->end_seq - rx->seq >= tcb->rcv_mss && delta - 1 < INT32_MAX / 1000 - 1)
        note_rcv_rtt(tcb, delta * 1000 * max_u32(tcb_params(tcb)->timestamp_hz_ms, 1), true);
}

/* By the time that a whole window takes to come: a millisecond at least, though in virtual time it may take none (and a
 * buffer that follows what is read in some microseconds would stay small). */
static void measure_rtt(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (ext->rtt_probe_ns && seq_lt(tcb->rcv_nxt, ext->rtt_probe_seq))
        return;
    if (ext->rtt_probe_ns)
        note_rcv_rtt(tcb, (uint32_t)min_u64(max_u64((tcb_now(tcb) - ext->rtt_probe_ns) / NS_PER_US, 1000), UINT32_MAX), false);
    ext->rtt_probe_seq = tcb->rcv_nxt + tcb->rcv_wnd;
    ext->rtt_probe_ns = max_u64(tcb_now(tcb), 1);
}

/* FreeBSD (recvbuf_auto): half as much again when more than three eighths of the buffer came within half a round trip. */
COLD static void autosize_bsd(struct tcb *tcb, uint32_t length)
{
    const struct tcp_params *params = tcb_params(tcb);
    struct tcb_ext *ext = tcb->ext;
    if (!params->moderate_rcvbuf || tcb->opt->socket.rcvbuf || params->input_policy != TCP_INPUT_BSD || ext->ooo)
        return;
    if (!tcb->srtt_us || !ext->space_ns || (tcb_now(tcb) - ext->space_ns) / NS_PER_US <= tcb->srtt_us >> 4) {
        ext->space_bytes += length;
        return;
    }
    if (ext->space_bytes > tcb->rcvbuf / 8 * 3 && tcb->rcvbuf < params->rcvbuf_max)
        tcb->rcvbuf = min_u32(tcb->rcvbuf + tcb->rcvbuf / 2, params->rcvbuf_max);
    ext->space_ns = 0; /* the next segment to leave begins anew */
    ext->space_bytes = 0;
}

/* A segment whose buffer is mostly overhead opens the window while it is small beside the largest buffer (__tcp_grow_window). */
static uint32_t growth_of_small(const struct tcb *tcb, uint32_t length, uint32_t cost)
{
    uint32_t share = window_space(tcb, cost) >> 1, window = window_space(tcb, tcb_params(tcb)->rcvbuf_max) >> 1;
    for (; tcb->rcv_ssthresh <= window; share >>= 1, window >>= 1)
        if (share <= length)
            return 2u * tcb->rcv_mss;
    return 0;
}

/* tcp_grow_window(): by two segments, as far as there is room. */
static void grow_window(struct tcb *tcb, uint32_t length)
{
    uint32_t clamp = clamp_of(tcb);
    if (clamp <= tcb->rcv_ssthresh)
        return;
    uint32_t room = min_u32(clamp, free_space(tcb));
    if (room <= tcb->rcv_ssthresh)
        return;
    uint32_t cost = rmem_cost(tcb, length),
             growth = window_space(tcb, cost) <= length ? 2 * full_text(tcb) : growth_of_small(tcb, length, cost);
    if (growth) {
        tcb->rcv_ssthresh += min_u32(room - tcb->rcv_ssthresh, max_u32(growth, 2 * length));
        tcb->quick |= 1;
    }
}

/* The first text came: the round trip that it belongs to began when the handshake ended. */
COLD static void begin_measure(struct tcb *tcb)
{
    uint32_t since_ms = tcb_now_ms(tcb) - tcb->last_rcv_ms;
    tcb->ext->space_ns = tcb_now(tcb) - since_ms * NS_PER_MS;
    tcb->ext->space_bytes = space_now(tcb);
}

/* In-order data came: what it tells of the peer's segments and of the round trip; a larger offer. */
void window_on_data(struct tcb *tcb, const struct rx *rx)
{
    delack_schedule(tcb);
    measure_rcv_mss(tcb, rx);
    if (!is_linux(tcb)) {
        autosize_bsd(tcb, rx->length);
        return;
    }
    measure_rtt(tcb);
    path_note_label(tcb, rx);
    if (tcb->ato_ms == 0)
        begin_measure(tcb);
    delack_note_gap(tcb);
    if (rx->length >= 128)
        grow_window(tcb, rx->length);
}

void window_on_disorder(struct tcb *tcb, const struct rx *rx)
{
    if (is_linux(tcb))
        tcb->ext->space_bytes = space_now(tcb);
    measure_rcv_mss(tcb, rx);
}

void window_on_new_text(struct tcb *tcb, uint32_t length)
{
    if (tcb->sack_ok && is_linux(tcb)) /* without it the window stays, for the duplicate ACKs' sake */
        grow_window(tcb, length);
}

/* --- the reader made room ------------------------------------------------------------------------------------------------ */

/* Dynamic right-sizing (tcp_rcvbuf_grow): the buffer follows what the process takes in a round trip, twice that, for it
 * comes a round trip late, and more while it grows. */
static void grow_buffer(struct tcb *tcb, uint32_t taken)
{
    const struct tcp_params *params = tcb_params(tcb);
    struct tcb_ext *ext = tcb->ext;
    uint32_t before = ext->space_bytes;
    ext->space_bytes = taken;
    if (!params->moderate_rcvbuf || tcb->opt->socket.rcvbuf)
        return;
    uint64_t window = 2ull * taken, rtt_us = ext->rcv_rtt_us >> 3;
    if (rtt_us < params->rcvbuf_low_rtt_us)
        window += window * rtt_us / params->rcvbuf_low_rtt_us;
    else
        window += 2 * window * (taken - before) / max_u32(before, 1);
    if (ext->ooo && ext->ooo->count)
        window += ext->ooo->r[ext->ooo->count - 1].end - tcb->rcv_nxt;
    uint32_t ratio = ext->scaling_ratio ? ext->scaling_ratio : 128, rcvbuf = (uint32_t)min_u64((window << 8) / ratio, params->rcvbuf_max);
    if (rcvbuf > tcb->rcvbuf) {
        tcb->rcvbuf = rcvbuf;
        ext->window_clamp = window_space(tcb, rcvbuf);
    }
}

/* What waits for a gap to be filled has room of its own (tcp_data_queue_ofo); not while nobody can read. */
void window_on_queued(struct tcb *tcb)
{
    if (!is_linux(tcb) || tcb->is_unaccepted || tcb->is_orphan)
        return;
    grow_buffer(tcb, tcb->ext->space_bytes);
}

/* When a segment came or went last: a read does not look at the clock (tp->tcp_mstamp). To the millisecond where that is not now. */
static uint64_t last_event_ns(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb->ext;
    uint32_t now_ms = tcb_now_ms(tcb), age_ms = min_u32(now_ms - tcb->last_rcv_ms, now_ms - tcb->last_snd_ms);
    age_ms = min_u32(age_ms, min_u32(now_ms - ext->rcv_last_ms, now_ms - ext->acked_ms));
    return age_ms ? tcb_now(tcb) - tcb_now(tcb) % NS_PER_MS - age_ms * NS_PER_MS : tcb_now(tcb);
}

/* COPIED bytes were read, the first of them from the buffer that held FIRST: it is there that the round trip is looked
 * at, and what is read beyond counts to the next one (tcp_rcv_space_adjust). */
static void adjust_space(struct tcb *tcb, size_t copied, uint32_t first)
{
    struct tcb_ext *ext = tcb->ext;
    uint64_t event_ns = last_event_ns(tcb), since_ns = event_ns > ext->space_ns ? event_ns - ext->space_ns : 0;
    if (ext->rcv_rtt_us == 0 || since_ns < (ext->rcv_rtt_us >> 3) * NS_PER_US) {
        ext->space_seq += (uint32_t)copied;
        return;
    }
    uint32_t beyond = (uint32_t)copied - first;
    int64_t taken = (int64_t)ext->space_seq + first - beyond - tcb->readable;
    if (taken > ext->space_bytes)
        grow_buffer(tcb, (uint32_t)taken);
    ext->space_seq = beyond;
    ext->space_ns = event_ns;
}

/* BSD: half the buffer more, or two segments, which FreeBSD takes for enough only where they are a good part of the buffer. */
static bool is_update_due(const struct tcb *tcb, uint32_t window, uint32_t full)
{
    uint32_t limit = 65535u << tcb->rcv_wscale, room = min_u32(window_room(tcb), limit), segment = whole_segment(tcb);
    uint32_t more = room > window ? room - window : 0;
    if (room == 0 || window >> tcb->rcv_wscale >= (window + more) >> tcb->rcv_wscale)
        return false;
    if (more >= 2 * segment &&
        (tcb_params(tcb)->input_policy != TCP_INPUT_BSD || more >= full / 4 || room <= full / 8 || full <= 8 * segment || more >= limit))
        return true;
    return 2ull * more >= full;
}

static bool is_window_open(const struct tcb *tcb)
{
    return tcb->state >= TCPS_ESTABLISHED && tcb->state < TCPS_CLOSE_WAIT && !tcb->rcv_shutdown;
}

/* Could twice what is left of the window be offered now? An offer is rcv_ssthresh at most; while something waits, it has
 * to be asked for in any case (window_offer ends quick ACKs when the buffer is half full). */
static bool may_double(struct tcb *tcb, uint32_t window)
{
    uint64_t twice = 2ull * window;
    if (twice > (uint64_t)tcb->rcv_ssthresh + (1u << tcb->rcv_wscale) && tcb_ext_peek(tcb)->rmem.total == 0)
        return false;
    if (twice > window_space(tcb, tcb->rcvbuf) || twice > clamp_of(tcb))
        return false;
    uint32_t offer = window_offer(tcb);
    return offer && offer >= twice;
}

/* RFC 9293 3.8.6.2.2 (MUST-39): an update goes out when the window can open by much, not for each byte read. */
static void ack_after_read(struct tcb *tcb, bool is_open)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    bool now = false;
    if (tcb->ack_sched && tcb_params(tcb)->ack_policy == TCP_ACK_LINUX && tcb_is_synchronized(tcb) && tcb->state != TCPS_TIME_WAIT)
        now = tcb->rcv_nxt - tcb->rcv_wup > tcb->rcv_mss ||
              (ext->rmem.total == 0 && !ext->fin_waits && (tcb->ack_pushed2 || (tcb->ack_pushed && !delack_is_pingpong(tcb))));
    uint32_t window = tcb_receive_window(tcb);
    if (!is_open) {
        if (!now)
            return; /* nothing more will come */
    } else if (!now && is_linux(tcb)) {
        now = may_double(tcb, window);
    } else if (!now) {
        now = is_update_due(tcb, window, clamp_of(tcb)) || (tcb_params(tcb)->byte_recovery && base_owes_ack(tcb));
    }
    if (now)
        delack_ack_now(tcb);
}

void window_on_read(struct tcb *tcb, size_t copied)
{
    bool is_open = is_window_open(tcb);
    if (is_open && is_linux(tcb) && tcb->ext)
        adjust_space(tcb, copied, min_u32(rmem_first(tcb), (uint32_t)copied));
    if (tcb->ext)
        rmem_release(tcb, copied);
    ack_after_read(tcb, is_open);
}

void window_on_peek(struct tcb *tcb)
{
    if (tcb_params(tcb)->ack_policy == TCP_ACK_LINUX) /* tcp_cleanup_rbuf() does not ask whether anything was taken */
        ack_after_read(tcb, is_window_open(tcb));
}
