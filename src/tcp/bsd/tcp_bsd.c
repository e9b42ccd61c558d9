/* tcp_bsd.c: SEGMENT ARRIVES as 4.4BSD's descendants do it (input_policy bsd): the segment is trimmed to the window first, what is old
 * about it costs an ACK, and the rest goes on through the steps of tcp_input.c. Resets and SYNs are judged before the timestamp
 * (RFC 5961 3.2, 4.2; FreeBSD's tcp_do_segment). The same for TIME-WAIT and for the small entries of the incomplete queue. */
#include <poll.h>
#include "tcp/tcb.h"

/* Room is what the buffer has, or what was advertised if that is more: BSD accepts what it has not yet offered. */
uint32_t bsd_receive_room(const struct tcb *tcb)
{
    return max_u32(window_room(tcb), tcb_receive_window(tcb));
}

/* ack_war_cnt in each ack_war_timewindow for each connection, so that two ends cannot keep correcting each other. */
bool bsd_challenge_allowed(const struct tcp *tcp, uint32_t *end_ms, uint32_t *count)
{
    const struct tcp_params *params = &tcp->params;
    uint32_t now_ms = (uint32_t)(tcp->now_ns / NS_PER_MS);
    if (params->conn_challenge_count == 0 || params->conn_challenge_ms == 0)
        return true;
    if (*count == 0 || (int32_t)(now_ms - *end_ms) > 0) {
        *end_ms = now_ms + params->conn_challenge_ms;
        *count = 0;
    }
    return *count < params->conn_challenge_count && ++*count;
}

/* sopoll_generic(): readable at the end, too, or for an error; POLLHUP when both ways have ended; no POLLERR. */
unsigned bsd_poll_events(const struct tcb *tcb)
{
    bool over = tcb->state == TCPS_CLOSED || tcb->state == TCPS_TIME_WAIT, hears_no_more = over || tcb->rcv_shutdown || tcb->fin_rcvd,
         says_no_more = over || tcb->snd_shutdown;
    bool connected = tcb_is_synchronized(tcb) || tcb_ext_peek(tcb)->fastopen_child;
    size_t readable = tcp_readable(tcb);
    unsigned events = 0;
    if (hears_no_more || tcb->so_error || (readable && readable >= tcb->opt->socket.rcvlowat))
        events |= POLLIN | POLLRDNORM;
    if (says_no_more || tcb->so_error || (connected && tcp_is_writeable(tcb)))
        events |= POLLOUT | POLLWRNORM;
    if (tcb_ext_peek(tcb)->rcv_urgent) /* so_oobmark, SBS_RCVATMARK */
        events |= POLLPRI | POLLRDBAND;
    if (hears_no_more)
        events |= POLLRDHUP | (says_no_more ? POLLHUP : 0);
    return events;
}

/* --- maxunacktime: how long a connection may go without an ACK of substance (TCP_MAXUNACKTIME) ---------------------------------- */

static uint64_t progress_limit_ns(const struct tcb *tcb)
{
    uint32_t own = tcb->opt->max_unack_ms;
    return (own ? own : tcb_params(tcb)->max_unack_ms) * NS_PER_MS;
}

/* Something is owed to us from now on, if nothing was before. */
void bsd_note_owed(struct tcb *tcb)
{
    if (tcb->ext && tcb->ext->progress_ns == 0)
        tcb->ext->progress_ns = max_u64(tcb_now(tcb), 1);
}

void bsd_note_acked(struct tcb *tcb, uint32_t acked)
{
    if (tcb->snd_una == tcb_snd_end(tcb))
        tcb->ext->progress_ns = 0;
    else if (acked > 1)
        tcb->ext->progress_ns = tcb_now(tcb);
}

bool bsd_is_stuck(const struct tcb *tcb)
{
    uint64_t limit = progress_limit_ns(tcb), since = tcb_ext_peek(tcb)->progress_ns;
    return limit && since && tcb_now(tcb) - since >= limit;
}

/* The timer's INTERVAL, no longer than until then. */
uint64_t bsd_until_stuck(const struct tcb *tcb, uint64_t interval_ns)
{
    uint64_t limit = progress_limit_ns(tcb), since = tcb_ext_peek(tcb)->progress_ns;
    if (!limit || !since)
        return interval_ns;
    return min_u64(interval_ns, since + limit > tcb_now(tcb) + NS_PER_MS ? since + limit - tcb_now(tcb) : NS_PER_MS);
}

static enum lil_drop drop_after_ack(struct tcb *tcb, enum lil_drop drop)
{
    tcb->ack_now = true;
    return drop;
}

/* Only the reset at RCV.NXT counts; one elsewhere in the window is challenged, one outside is nothing. */
static enum lil_drop on_reset(struct tcb *tcb, const struct rx *rx)
{
    uint32_t room = bsd_receive_room(tcb);
    bool exact = rx->seq == tcb->rcv_wup;
    if (!(rx->seq - tcb->rcv_wup < room || (room == 0 && exact)))
        return LIL_DROP_TCP_BAD_SEQ;
    if (!exact && !tcb_params(tcb)->insecure_rst) {
        challenge_ack(tcb);
        return LIL_DROP_TCP_BAD_SEQ;
    }
    tcb_fail(tcb, tcb->state == TCPS_SYN_RECEIVED ? ECONNREFUSED : ECONNRESET);
    return LIL_DROP_NONE;
}

static enum lil_drop on_syn(struct tcb *tcb, const struct rx *rx)
{
    if (tcb_params(tcb)->insecure_syn && rx->seq - tcb->rcv_wup < bsd_receive_room(tcb)) {
        reset_send(tcb);
        tcb_fail(tcb, ECONNRESET);
    } else {
        TCP_MIB(tcb->tcp, SYNChallenge);
        challenge_ack(tcb);
    }
    return LIL_DROP_TCP_BAD_FLAGS;
}

static bool is_old_timestamp(struct tcb *tcb, const struct rx *rx)
{
    const struct tcp_options *options = &rx->in->header.options;
    if (!tcb->ts_ok || !options->has_timestamp || tcb->ts_recent == 0 || (int32_t)(options->ts_value - tcb->ts_recent) >= 0)
        return false;
    if (tcb->tcp->now_s - tcb->ts_recent_s <= 24 * 86400)
        return true;
    tcb->ts_recent = 0;
    return false;
}

/* What lies before RCV.NXT goes; a segment of nothing else still has an ACK that counts, and is answered. */
static void trim_left(struct tcb *tcb, struct rx *rx)
{
    if (!seq_lt(rx->seq, tcb->rcv_nxt))
        return;
    uint32_t old = tcb->rcv_nxt - rx->seq;
    if (rx->flags & TCP_SYN) {
        rx->flags &= (uint16_t)~TCP_SYN;
        rx->seq++;
        old--;
    }
    if (old > rx->length || (old == rx->length && !(rx->flags & TCP_FIN))) {
        rx->flags &= (uint16_t)~TCP_FIN;
        tcb->ack_now = true;
        old = rx->length;
    }
    if (old && tcb->sack_ok) {
        blocks_add(tcb, rx->seq, rx->seq + old);
        tcb->ack_now = true;
    }
    if (old && rx->packet)
        packet_trim_front(rx->packet, old);
    rx->seq += old;
    rx->length -= old;
}

static bool trim_right(struct tcb *tcb, struct rx *rx)
{
    uint32_t room = bsd_receive_room(tcb);
    int32_t over = (int32_t)(rx->seq + rx->length - (tcb->rcv_nxt + room));
    if (over <= 0)
        return true;
    if ((uint32_t)over >= rx->length) {
        if (room || rx->seq != tcb->rcv_nxt)
            return false;
        tcb->ack_now = true; /* a window probe */
        over = (int32_t)rx->length;
    }
    rx->length -= (uint32_t)over;
    if (rx->packet)
        packet_trim_to(rx->packet, rx->length);
    rx->flags &= (uint16_t)~TCP_PSH;
    if (rx->length == 0) /* behind text that is cut short it counts: tcp_do_segment() takes the FIN from the header again */
        rx->flags &= (uint16_t)~TCP_FIN;
    return true;
}

static void note_timestamp(struct tcb *tcb, const struct rx *rx)
{
    const struct tcp_options *options = &rx->in->header.options;
    uint32_t end = rx->seq + rx->length + !!(rx->flags & (TCP_SYN | TCP_FIN));
    if (tcb->ts_ok && options->has_timestamp && seq_le(rx->seq, tcb->rcv_wup) && seq_le(tcb->rcv_wup, end)) {
        tcb->ts_recent = options->ts_value;
        tcb->ts_recent_s = tcb->tcp->now_s;
    }
}

/* A child of fast open before its SYN/ACK is acknowledged: its SYN again is nothing, a SYN/ACK is no peer's. */
static enum lil_drop check_early_child(struct tcb *tcb, const struct rx *rx)
{
    if ((rx->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
        reset_answer(tcb, rx->in);
    return (rx->flags & TCP_SYN) || !(rx->flags & (TCP_ACK | TCP_FIN)) ? LIL_DROP_TCP_BAD_FLAGS : LIL_DROP_NONE;
}

/* What comes before the ACK is looked at. LIL_DROP_NONE: go on. */
static enum lil_drop check(struct tcb *tcb, struct rx *rx)
{
    if ((rx->flags & TCP_SYN) && tcb->state != TCPS_SYN_RECEIVED)
        return on_syn(tcb, rx);
    if (tcb->state == TCPS_SYN_RECEIVED && (rx->flags & TCP_ACK) && (seq_le(rx->ack, tcb->snd_una) || seq_gt(rx->ack, tcb->snd_nxt))) {
        reset_answer(tcb, rx->in); /* against LAND, and before anything is trimmed */
        return LIL_DROP_TCP_BAD_ACK;
    }
    if (tcb->state == TCPS_SYN_RECEIVED && tcb->is_passive && check_early_child(tcb, rx) != LIL_DROP_NONE)
        return LIL_DROP_TCP_BAD_FLAGS;
    if (is_old_timestamp(tcb, rx)) {
        TCP_MIB(tcb->tcp, PAWSEstab);
        return rx->length ? drop_after_ack(tcb, LIL_DROP_TCP_PAWS) : LIL_DROP_TCP_PAWS;
    }
    if (tcb->state == TCPS_SYN_RECEIVED && seq_lt(rx->seq, tcb->rcv_nxt - 1 - (uint32_t)tcb_ext_peek(tcb)->bytes_received)) {
        reset_answer(tcb, rx->in);
        return LIL_DROP_TCP_BAD_SEQ;
    }
    trim_left(tcb, rx);
    if (tcb->is_orphan && rx->length && !tcb->fin_rcvd) { /* data for nobody */
        TCP_MIB(tcb->tcp, AbortOnData);
        reset_reply(tcb->tcp, rx->in);
        tcb_fail(tcb, 0);
        return LIL_DROP_TCP_AFTER_CLOSE;
    }
    if (!trim_right(tcb, rx))
        return drop_after_ack(tcb, LIL_DROP_TCP_BAD_SEQ);
    note_timestamp(tcb, rx);
    rx->flags &= (uint16_t)~TCP_SYN; /* in SYN-RECEIVED; beyond RCV.NXT it takes no number */
    rx->end_seq = rx->seq + rx->length + !!(rx->flags & TCP_FIN);
    if (rx->flags & TCP_ACK)
        return LIL_DROP_NONE;
    if (tcb->state == TCPS_SYN_RECEIVED && !tcb->is_passive && (rx->length || (rx->flags & TCP_FIN))) {
        tcb->ack_now = true;
        return reass_hold(tcb, rx) == LIL_DROP_NONE ? LIL_DROP_TCP_BAD_FLAGS : LIL_DROP_TCP_WINDOW;
    }
    return tcb->ack_now || rx->finds_ack_now ? drop_after_ack(tcb, LIL_DROP_TCP_BAD_FLAGS) : LIL_DROP_TCP_BAD_FLAGS;
}

/* tcp_reass(): a FIN before the end of what waits, and text behind a FIN that waits, are dropped whole. */
static bool contradicts_fin(const struct tcb *tcb, const struct rx *rx)
{
    const struct ooo_queue *ooo = tcb_ext_peek(tcb)->ooo;
    if (!ooo || !ooo->count)
        return false;
    const struct ooo_range *last = &ooo->r[ooo->count - 1];
    bool has_fin = ooo->has_fin && ooo->fin_seq + 1 == last->end;
    uint32_t end = rx->seq + rx->length, last_end = last->end - has_fin;
    if ((rx->flags & TCP_FIN) && seq_lt(end, last_end))
        return true;
    return has_fin && seq_ge(rx->seq, last->start) && seq_gt(end, last_end);
}

/* The FIN is in order and the connection goes: its last ACK tells of the text before it. */
void bsd_tell_last_text(struct tcb *tcb)
{
    const struct tcp_text *text = &tcb->tcp->text;
    blocks_on_text(tcb, text->start, text->end, text->prior_rcv_nxt);
}

static void take_text(struct tcb *tcb, struct rx *rx, enum lil_drop *drop)
{
    struct tcp *tcp = tcb->tcp;
    uint32_t start = rx->seq, end = rx->seq + rx->length, prior_rcv_nxt = tcb->rcv_nxt, freed = tcp->freed;
    bool is_open = tcb->state != TCPS_SYN_RECEIVED, is_next = start == prior_rcv_nxt && !tcb_ext_peek(tcb)->ooo;
    if (is_open && contradicts_fin(tcb, rx)) {
        tcb->ack_now = true;
        *drop = LIL_DROP_TCP_WINDOW;
        return;
    }
    tcp->text = (struct tcp_text){start, end, prior_rcv_nxt};
    reass_text(tcb, rx, drop);
    if (tcp->freed == freed && is_open && !is_next && tcb_is_synchronized(tcb) && tcb->state != TCPS_TIME_WAIT)
        tcb->ack_now = true; /* whatever becomes of it */
    if (tcp->freed == freed && is_open && (*drop == LIL_DROP_NONE || *drop == LIL_DROP_TCP_DUPLICATE))
        blocks_on_text(tcb, start, end, prior_rcv_nxt);
}

static enum lil_drop steps(struct tcb *tcb, struct rx *rx)
{
    const struct tcp_params *params = tcb_params(tcb);
    if ((rx->flags & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN) && params->drop_synfin)
        return LIL_DROP_TCP_BAD_FLAGS;
    if (tcb->ts_ok && params->drop_missing_ts && !rx->in->header.options.has_timestamp && !(rx->flags & TCP_RST))
        return LIL_DROP_TCP_PAWS; /* RFC 7323 3.2 */
    if (rx->flags & TCP_RST)
        return on_reset(tcb, rx);
    struct tcp *tcp = tcb->tcp;
    uint32_t freed = tcp->freed; /* by a reset in answer */
    enum lil_drop drop = check(tcb, rx);
    if (drop != LIL_DROP_NONE) {
        /* simultaneous open: its output is the SYN/ACK */
        if (tcp->freed == freed && tcb->state == TCPS_SYN_RECEIVED && tcb->ack_now && !tcb->is_passive) {
            tcb->ack_now = false;
            tcb->want_syn = true;
            tcb_mark_due(tcb);
        }
        return drop;
    }
    bool was_last = tcb->state == TCPS_CLOSING || tcb->state == TCPS_LAST_ACK, was_opening = tcb->state == TCPS_SYN_RECEIVED;
    bool is_echo = tcb->ecn_ok && !accecn_is_on(tcb) && (rx->flags & (TCP_ACK | TCP_SYN | TCP_ECE)) == (TCP_ACK | TCP_ECE);
    drop = tcp_step5_ack(tcb, rx);
    if (drop != LIL_DROP_NONE)
        return drop == LIL_DROP_TCP_AFTER_CLOSE && was_last && rx->length == 0 ? LIL_DROP_NONE : drop;
    if (was_opening && is_echo && tcb_is_synchronized(tcb) && tcb_ext_get(tcb))
        base_on_opening_ece(tcb);
    if (was_opening && rx->length == 0 && !(rx->flags & TCP_FIN))
        reass_present(tcb);
    if (tcb->fin_rcvd) /* text behind a FIN is no text */
        return rx->length ? LIL_DROP_TCP_AFTER_CLOSE : LIL_DROP_NONE;
    tcp_step6_urgent(tcb, rx);
    if (rx->length || (rx->flags & TCP_FIN))
        take_text(tcb, rx, &drop);
    return drop;
}

/* An ACK that a challenge left behind (TF_ACKNOW) goes with the next segment's answer, not because of a segment that is just dropped. */
enum lil_drop bsd_steps(struct tcb *tcb, struct rx *rx)
{
    uint32_t freed = tcb->tcp->freed;
    rx->finds_ack_now = tcb->ack_now;
    tcb->ack_now = false;
    enum lil_drop drop = steps(tcb, rx);
    if (rx->finds_ack_now && tcb->tcp->freed == freed) {
        bool is_taken = drop == LIL_DROP_NONE || drop == LIL_DROP_TCP_AFTER_CLOSE; /* text behind a FIN goes the whole way */
        rx->is_answered |= !is_taken && !tcb->ack_now;
        tcb->ack_now = true;
    }
    return drop;
}

/* --- TIME-WAIT (FreeBSD's tcp_twcheck) ----------------------------------------------------------------------------------------- */

/* What a segment does to a record. */
enum bsd_wait bsd_timewait(const struct tcp *tcp, const struct wait_record *record, const struct tcp_in *in)
{
    const struct tcphdr_ *header = &in->header;
    if (header->flags & TCP_RST) /* RFC 1337 */
        return tcp->params.rfc1337 ? BSD_WAIT_DROP : BSD_WAIT_END;
    if ((header->flags & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN) && tcp->params.drop_synfin)
        return BSD_WAIT_DROP;
    if ((header->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && seq_gt(header->seq, record->rcv_nxt))
        return BSD_WAIT_NEW;
    if (!(header->flags & TCP_ACK))
        return BSD_WAIT_DROP;
    if (record->ts_ok && tcp->params.drop_missing_ts && !header->options.has_timestamp)
        return BSD_WAIT_DROP;
    if (header->flags & TCP_FIN) {
        uint32_t end = header->seq + in->payload + !!(header->flags & TCP_SYN);
        if (end + 1 == record->rcv_nxt)
            return BSD_WAIT_AGAIN;
    }
    if (header->flags != TCP_ACK || in->payload || header->seq != record->rcv_nxt || header->ack != record->snd_nxt)
        return BSD_WAIT_ACK;
    return BSD_WAIT_DROP;
}

/* --- the incomplete queue (FreeBSD's syncache) ------------------------------------------------------------------------------------ */

/* What a segment does to an entry; DROP for the counters. */
enum bsd_syn bsd_synq(const struct tcp *tcp, const struct syn_entry *entry, const struct tcp_in *in, enum lil_drop *drop)
{
    const struct tcphdr_ *header = &in->header;
    uint16_t flags = header->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);
    uint32_t rcv_nxt = entry->irs + 1;
    *drop = LIL_DROP_TCP_BAD_FLAGS;
    if (flags & TCP_RST) { /* whatever other flags it has */
        *drop = LIL_DROP_TCP_BAD_SEQ;
        if (!(header->seq - rcv_nxt < entry->window || (entry->window == 0 && header->seq == rcv_nxt)))
            return BSD_SYN_DROP;
        if (header->seq != rcv_nxt && !tcp->params.insecure_rst)
            return BSD_SYN_CHALLENGE;
        *drop = LIL_DROP_NONE;
        return BSD_SYN_REMOVE;
    }
    if (flags == (TCP_SYN | TCP_ACK) || flags == (TCP_SYN | TCP_ACK | TCP_FIN))
        return tcp->params.listen_ignores_synack ? BSD_SYN_DROP : BSD_SYN_REFUSE; /* an RST, and the entry goes */
    if (flags & TCP_SYN) {
        if ((flags & TCP_FIN) && tcp->params.drop_synfin)
            return BSD_SYN_DROP;
        *drop = LIL_DROP_TCP_DUPLICATE;
        return BSD_SYN_AGAIN; /* whatever its number */
    }
    if (!(flags & TCP_ACK))
        return BSD_SYN_DROP;
    *drop = LIL_DROP_TCP_PAWS;
    if (entry->ts_ok && header->options.has_timestamp && (int32_t)(header->options.ts_value - entry->ts_recent) < 0)
        return BSD_SYN_DROP;
    if (entry->ts_ok && !header->options.has_timestamp && tcp->params.drop_missing_ts)
        return BSD_SYN_DROP;
    *drop = LIL_DROP_TCP_BAD_SEQ;
    if (seq_le(header->seq, entry->irs) || seq_gt(header->seq, entry->irs + entry->window))
        return tcp->params.synrcvd_challenge ? BSD_SYN_CHALLENGE : BSD_SYN_REFUSE;
    *drop = LIL_DROP_TCP_BAD_ACK;
    return header->ack == entry->iss + 1 ? BSD_SYN_ACCEPT : tcp->params.synrcvd_challenge ? BSD_SYN_RESET : BSD_SYN_REFUSE;
}

/* tcp_timer_rexmt() with pmtud_blackhole_detection: does the path swallow what is large? Two timeouts with the size that was agreed on, two
 * with base_mss, two with the default, if they are less than it, then it was something else. */
void bsd_black_hole(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    struct tcb_ext *ext = tcb->ext;
    unsigned shift = tcb->backoff + 1u, headers = tcb->is_v4 ? 40 : 60, mtu;
    bool wanted = params->mtu_probing == 1 || params->mtu_probing == (tcb->is_v4 ? 2 : 3);
    if (!wanted || (tcb->state != TCPS_ESTABLISHED && tcb->state != TCPS_FIN_WAIT_1))
        return;
    uint32_t now = tcb->mss + tcb_ts_bytes(tcb), base = !tcb->is_v4 && params->base_mss6 ? params->base_mss6 : params->base_mss;
    uint32_t least = mss_without_option(params, tcb->is_v4);
    struct base_recovery *recovery = base_get(tcb);
    if (shift == 1)
        recovery->hole_end = (uint8_t)(2 + (now > base ? 2 : 0) + (now > least && base > least ? 2 : 0));
    if (recovery->sent_full && shift >= 2 && shift < recovery->hole_end && shift % 2 == 0) {
        if (!ext->base.saved_mtu)
            ext->base.saved_mtu = now + headers;
        mtu = (now > base ? base : least) + headers;
    } else if (ext->base.saved_mtu && shift >= recovery->hole_end) {
        mtu = ext->base.saved_mtu;
        ext->base.saved_mtu = 0;
    } else {
        return;
    }
    mss_sync(tcb, mtu);
    bsd_cc_begin(tcb);
}
