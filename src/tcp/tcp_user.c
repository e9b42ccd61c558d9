/* tcp_user.c: the user calls, RFC 9293 3.10.1 to 3.10.5: OPEN, SEND, RECEIVE, CLOSE, ABORT. None blocks. STATUS: tcp_status.c. */
#include "tcp/sockopt/tcp_repair.h"
#include "tcp/tcp_rmem.h"
#include "tcp/sockopt/tcp_stamp.h"

struct tcb *tcp_open(struct tcp *tcp)
{
    return tcb_new(tcp, &tcp->default_opts);
}

void tcp_set_user(struct tcb *tcb, void *user) { tcb->user = user; }
/* A TIME-WAIT record of this flow may make way for an active open (RFC 6191, tcp_tw_reuse). */
static int take_over_wait(struct tcb *tcb, uint32_t slot, bool is_search, uint32_t *iss)
{
    struct tcp *tcp = tcb->tcp;
    struct wait_record *record = tcp_wait(tcp, slot);
    if (!timewait_may_reuse(tcp, record, is_search))
        return -EADDRINUSE;
    *iss = record->snd_nxt + 65535 + 2;
    tcb->ts_recent = record->ts_recent;
    tcb->ts_recent_s = record->ts_recent_s;
    TCP_MIB(tcp, TWRecycled);
    timewait_remove(tcp, slot);
    return 0;
}

int tcp_connect_way(struct tcp *tcp, struct tcb *tcb, const struct flow *flow, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    tcb->flow = *flow;
    tcb->flow.encaps_port = tcb->opt->encaps_port;
    tcb->is_v4 = addr_is_v4(&flow->remote);
    return mss_init(tcb, 0);
}

/* OPEN, active (3.10.1): SND.UNA = ISS, SND.NXT = ISS + 1, enter SYN-SENT. */
int tcp_connect_from(struct tcb *tcb, uint16_t local_port, bool is_search)
{
    struct tcp *tcp = tcb->tcp;
    enum flow_kind kind;
    uint32_t new_iss = 0;
    int error = 0;
    tcb->flow.local_port = local_port;
    flow_prefetch(tcp, &tcb->flow);
    uint64_t hash = isn_hash(tcp, &tcb->flow); /* while that comes from memory */
    uint32_t slot = flow_find(tcp, &tcb->flow, &kind);
    if (kind == FLOW_WAIT)
        error = take_over_wait(tcb, slot, is_search, &new_iss);
    else if (kind != FLOW_NONE)
        error = -EADDRINUSE; /* 3.10.1: "connection already exists" */
    if (error < 0)
        return error;
    if (flow_insert(tcp, &tcb->flow, tcp->hash /* flow_find() made it */, FLOW_TCB, tcb->slot, !tcb->reuseaddr) < 0)
        return -ENOBUFS;
    struct isn isn = isn_of_hash(tcp, hash);
    uint32_t iss = kind == FLOW_WAIT ? new_iss : isn.iss;
    tcb->is_counted = true;
    *tcp_recent_of(tcp, &tcb->flow) = tcb; /* the answer is soon here */
    tcb->so_error = 0;
    if (repair_is_on(tcb)) {
        repair_connect(tcb);
        return 0;
    }
    tcb->snd_una = iss;
    tcb->snd_nxt = tcb->write_seq = iss + 1;
    if (tcb->ext)
        tcb->ext->pushed_seq = tcb->write_seq;
    tcb->snd_shutdown = tcb->rcv_shutdown = tcb->fin_rcvd = tcb->is_passive = false;
    tcb->ts_offset = isn.ts_offset;
    rtt_init(tcb);
    tcb->syn_start_ns = tcp->now_ns;
    tcb->retransmits = tcb->backoff = 0;
    tcb_set_state(tcb, TCPS_SYN_SENT);
    TCP_MIB(tcp, ActiveOpens);
    tcb->want_syn = true;
    tcb_mark_due(tcb);
    return 0;
}

int tcp_connect(struct tcp *tcp, struct tcb *tcb, const struct flow *flow, uint64_t now_ns)
{
    int error = tcp_connect_way(tcp, tcb, flow, now_ns);
    return error < 0 ? error : tcp_connect_from(tcb, flow->local_port, false);
}

/* --- SEND (3.10.2) ------------------------------------------------------------------------------------------------------ */

/* TCP_NOTSENT_LOWAT: so much may wait that was never sent. */
static uint64_t notsent_lowat(const struct tcb *tcb)
{
    uint32_t lowat = tcb->opt->notsent_lowat ? tcb->opt->notsent_lowat : tcb_params(tcb)->notsent_lowat;
    return lowat ? lowat : UINT64_MAX;
}

/* Does what is written go out as windows allow, or does it wait for a handshake? */
static bool is_sending(const struct tcb *tcb) { return tcb->state >= TCPS_ESTABLISHED || fastopen_is_pending_child(tcb); }

static uint32_t send_room(const struct tcb *tcb)
{
    uint32_t used = (uint32_t)stream_length(tcb->snd_stream) + queue_cost(tcb, 0), room = used < tcb->sndbuf ? tcb->sndbuf - used : 0;
    if (is_sending(tcb) && tcb->write_seq - tcb->snd_nxt >= notsent_lowat(tcb))
        return 0;
    return room;
}

/* SO_SNDLOWAT; 0 where there is none. */
static uint32_t send_lowat(const struct tcb *tcb)
{
    uint32_t own = tcb->opt->socket.sndlowat, lowat = tcb_params(tcb)->send_lowat;
    return lowat ? min_u32(own ? own : lowat, tcb->sndbuf) : 0;
}

static int send_check(struct tcb *tcb)
{
    if (tcb_params(tcb)->shutdown_before_error) { /* BSD: the error is for a read or SO_ERROR */
        if (tcb->snd_shutdown)
            return -EPIPE;
        if ((tcb->state == TCPS_SYN_SENT || (tcb->state == TCPS_SYN_RECEIVED && !tcb->is_passive)) && !tcb->so_error)
            return -ENOTCONN;
    }
    if (tcb->so_error) {
        int error = tcb->so_error;
        tcb->so_error = 0;
        return -error;
    }
    if (tcb->snd_shutdown)
        return -EPIPE;
    switch ((enum tcp_state)tcb->state) {
    case TCPS_ESTABLISHED:
    case TCPS_CLOSE_WAIT:
        return 0;
    case TCPS_SYN_SENT:
        return -EAGAIN;
    case TCPS_SYN_RECEIVED:
        return tcb_ext_peek(tcb)->fastopen_child ? 0 : -EAGAIN;
    case TCPS_CLOSED:
        return -ENOTCONN;
    default:
        return -EPIPE;
    }
}

ssize_t tcp_send(struct tcp *tcp, struct tcb *tcb, const struct iovec *iov, int count, size_t limit, int flags, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    int error = (flags & TCP_SEND_IMPLIED) && tcb->state == TCPS_SYN_SENT ? 0 : send_check(tcb);
    if (error < 0)
        return error;
    if (!tcb_ext_get(tcb))
        return -ENOBUFS;
    ssize_t repaired = tcb->ext->repair ? repair_send(tcb, iov, count, limit) : -EAGAIN;
    if (repaired != -EAGAIN)
        return repaired;
    if (tcb->ext->path_moved)
        mss_follow_path(tcb, false);
    if (tcb->ext->route_moved)
        mss_follow_route(tcb);
    uint32_t room = send_room(tcb);
    bool by_lowat = room && tcb->write_seq - tcb->snd_nxt + (uint64_t)limit > notsent_lowat(tcb);
    if ((limit + queue_cost(tcb, limit) - queue_cost(tcb, 0) > room || by_lowat) && tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX &&
        is_sending(tcb))
        room = queue_room(tcb, limit, flags & MSG_OOB);
    if (room == 0 || (limit > room && room < send_lowat(tcb))) {
        tcb->want_space = true;
        return -EAGAIN;
    }
    tcb_check_app_limited(tcb);
    ssize_t taken = stream_write(&tcb->snd_stream, tcp->pool, iov, count, limit < room ? limit : room, tcb->mss);
    if (taken < 0)
        return -EAGAIN; /* memory: comes back when others have sent */
    if (taken == 0)
        return 0;
    /* RFC 9293 3.9.1.2: each write is a push unless MSG_MORE says that more comes (MUST-60). */
    bool is_cut = (size_t)taken != limit;
    queue_note(tcb, (uint32_t)taken, (flags & MSG_MORE) && !is_cut, flags & MSG_OOB, is_cut);
    tcb->write_seq += (uint32_t)taken;
    tcb_note_busy(tcb);
    if (tcb->ext->has_stamps)
        zerocopy_on_written(tcb, tcb->write_seq - (uint32_t)taken);
    if ((size_t)taken < limit)
        tcb->want_space = true;
    if (tcb_params(tcb)->byte_recovery)
        bsd_note_owed(tcb);
    if ((flags & MSG_EOR) && (size_t)taken == limit)
        queue_end_record(tcb);
    tcb->ext->nothing_new = false;
    tcb->ext->msg_more = flags & MSG_MORE;
    /* RFC 6093: the mark is the last byte written */
    if ((flags & MSG_OOB) && ((size_t)taken == limit || tcb_params(tcb)->call_policy == TCP_CALLS_LINUX)) {
        tcb->ext->snd_up = tcb->write_seq;
        tcb->ext->snd_urgent = true;
        if (tcb_params(tcb)->byte_recovery)
            base_force(tcb);
    }
    tcb_mark_due(tcb);
    return taken;
}

void tcp_await_text(struct tcb *tcb, bool waits)
{
    if (waits ? tcb_ext_get(tcb) != NULL : tcb->ext != NULL)
        tcb->ext->writer_waits = waits;
}

/* --- RECEIVE (3.10.3) ---------------------------------------------------------------------------------------------------- */

static uint32_t copied_seq(const struct tcb *tcb)
{
    return tcb->rcv_nxt - tcb->fin_rcvd - tcb->readable;
}

static ssize_t receive_urgent(struct tcb *tcb, const struct iovec *iov, int count, int flags)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext || !ext->rcv_urgent || tcb->opt->socket.oob_inline || ext->urg_taken)
        return -EINVAL;
    bool is_linux = tcb_params(tcb)->call_policy == TCP_CALLS_LINUX;
    if (is_linux && tcb->state == TCPS_CLOSED && !tcb->fin_rcvd)
        return -ENOTCONN;
    if (!ext->urg_valid)
        return tcb->state == TCPS_CLOSED || tcb->rcv_shutdown || (is_linux && tcb->fin_rcvd) ? 0 : -EAGAIN;
    if (!(flags & MSG_PEEK))
        ext->urg_taken = true;
    for (int i = 0; i < count; i++)
        if (iov[i].iov_len) {
            if (!(flags & MSG_TRUNC) || !is_linux)
                memcpy(iov[i].iov_base, &ext->urg_byte, 1);
            return 1;
        }
    return 0;
}

/* BSD: a byte whose own segment had no URG is text as any. */
static bool urgent_stays(const struct tcb *tcb)
{
    return tcb_params(tcb)->input_policy == TCP_INPUT_BSD && !tcb->ext->urg_valid;
}

/* How much may be read from AHEAD bytes on, which are not more than there are: reading stops at the urgent mark; out of line, the urgent
 * byte itself is passed over. */
static size_t limit_at_mark(const struct tcb *tcb, size_t limit, uint32_t ahead, size_t *skip)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    *skip = 0;
    size_t readable = tcb->readable - ahead;
    if (ext->rcv_urgent) {
        uint32_t offset = ext->rcv_up - copied_seq(tcb) - ahead; /* rcv_up: the urgent byte's sequence number */
        if (offset == 0 && !tcb->opt->socket.oob_inline && readable && !urgent_stays(tcb)) {
            *skip = 1;
            readable--;
        } else if (offset > 0 && offset < readable) {
            readable = offset;
        }
    }
    return limit < readable ? limit : readable;
}

/* RFC 9293 3.6 (MUST-12): 0 after a normal close, an error after an abort. */
static ssize_t receive_nothing(struct tcb *tcb, int flags)
{
    if (tcb->fin_rcvd && !(tcb->so_error && tcb_params(tcb)->shutdown_before_error)) {
        if (tcb->ext && !(flags & MSG_PEEK))
            tcb->ext->fin_waits = false;
        return 0;
    }
    if (tcb->so_error) {
        int error = tcb->so_error;
        if (!(flags & MSG_PEEK) || tcb_params(tcb)->call_policy != TCP_CALLS_BSD) /* soreceive(): a look leaves it */
            tcb->so_error = 0;
        return -error;
    }
    if (tcb->rcv_shutdown)
        return 0;
    return tcb->state == TCPS_CLOSED ? -ENOTCONN : -EAGAIN;
}

ssize_t tcp_peek(struct tcb *tcb, const struct iovec *iov, int count, size_t limit, uint32_t ahead, int flags)
{
    if (ahead >= tcb->readable)
        return receive_nothing(tcb, flags);
    size_t skip, n = limit_at_mark(tcb, limit, ahead, &skip);
    if (!(flags & MSG_TRUNC))
        n = stream_peek(tcb->rcv_stream, ahead + skip, iov, count, n);
    window_on_peek(tcb);
    return (ssize_t)n;
}

ssize_t tcp_receive(struct tcp *tcp, struct tcb *tcb, const struct iovec *iov, int count, size_t limit, int flags, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    if (flags & MSG_OOB)
        return receive_urgent(tcb, iov, count, flags);
    if (repair_is_on(tcb))
        return repair_receive(tcb, iov, count, limit, flags & MSG_PEEK);
    if (tcb->readable == 0)
        return receive_nothing(tcb, flags);
    if (limit == 0) /* nor does it pass the urgent byte */
        return 0;
    if (flags & MSG_PEEK)
        return tcp_peek(tcb, iov, count, limit, 0, flags);
    size_t skip, n = limit_at_mark(tcb, limit, 0, &skip);
    if (!(flags & MSG_TRUNC))
        n = stream_peek(tcb->rcv_stream, skip, iov, count, n);
    if (tcp_at_mark(tcb, 0))
        tcb->ext->rcv_urgent = false;
    stream_consume(&tcb->rcv_stream, n + skip);
    tcb->readable -= (uint32_t)(n + skip);
    if (n + skip)
        window_on_read(tcb, n + skip);
    return n == 0 && skip ? receive_nothing(tcb, flags) : (ssize_t)n;
}

/* --- CLOSE (3.10.4), ABORT (3.10.5) ----------------------------------------------------------------------------------------- */

/* The FIN goes behind what is in the buffer. */
static void user_queue_fin(struct tcb *tcb)
{
    tcb->snd_shutdown = true;
    switch ((enum tcp_state)tcb->state) {
    case TCPS_SYN_RECEIVED: /* FIN-WAIT-1 comes with the handshake's end (3.10.4); Linux: and a FIN that shutdown() asked for */
        tcb->fin_queued = tcb->is_orphan || tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX;
        break;
    case TCPS_ESTABLISHED:
        tcb->fin_queued = true;
        tcb_set_state(tcb, TCPS_FIN_WAIT_1);
        break;
    case TCPS_CLOSE_WAIT:
        tcb->fin_queued = true;
        tcb_set_state(tcb, TCPS_LAST_ACK);
        break;
    case TCPS_SYN_SENT: /* BSD: the FIN follows the handshake */
        tcb->fin_queued = true;
        if (tcb_params(tcb)->byte_recovery && !tcb->want_syn && !tcb->opt->fastopen_connect)
            reply_here(tcb, tcb->snd_nxt, TCP_FIN); /* tcp_output() takes the SYN off what has gone */
        return;
    default:
        return;
    }
    if (tcb_params(tcb)->byte_recovery)
        bsd_note_owed(tcb);
    if (tcb->ext) {
        tcb->ext->msg_more = false;
        tcb_note_busy(tcb);
    }
    tcb_mark_due(tcb);
}

bool tcp_is_disconnected(const struct tcb *tcb)
{
    if (tcb->state == TCPS_FIN_WAIT_2)
        return tcb->rcv_shutdown && tcb->timer == TIMER_FIN_WAIT_2;
    return tcb->state == TCPS_CLOSED || tcb->state == TCPS_TIME_WAIT;
}

int tcp_shutdown(struct tcp *tcp, struct tcb *tcb, int how, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    if (tcb->state == TCPS_CLOSED) {
        tcb->rcv_shutdown |= how != SHUT_WR && tcp->params.call_policy == TCP_CALLS_LINUX;
        tcb->snd_shutdown |= how != SHUT_RD && tcp->params.call_policy == TCP_CALLS_LINUX;
        tcb_event(tcb, TCP_EV_HUP);
        return -ENOTCONN;
    }
    if ((how == SHUT_RD || how == SHUT_RDWR) && tcp->params.input_policy == TCP_INPUT_BSD && !tcb->rcv_shutdown) { /* sorflush() */
        stream_free(&tcb->rcv_stream);
        tcb->readable = tcb->rcvbuf = 0;
    }
    if (how == SHUT_RD || how == SHUT_RDWR)
        tcb->rcv_shutdown = true;
    if (how == SHUT_WR || how == SHUT_RDWR) {
        if (tcb->state == TCPS_SYN_SENT && !tcb_params(tcb)->syn_sent_close_waits) {
            tcb_done(tcb);
            return 0;
        }
        (void)tcb_ext_get(tcb); /* the process may ask what became of its FIN */
        user_queue_fin(tcb);
        if (tcb->state == TCPS_FIN_WAIT_2 && tcp->params.input_policy == TCP_INPUT_BSD) { /* tcp_usrclosed() disconnects it */
            tcb->rcv_shutdown = true;
            (void)fin_wait_2_start(tcb, false);
        }
    }
    tcb_event(tcb, TCP_EV_CHANGED | TCP_EV_WRITABLE | (how == SHUT_WR ? 0 : TCP_EV_READABLE | TCP_EV_RDHUP));
    return 0;
}

static bool needs_reset(const struct tcb *tcb)
{
    switch ((enum tcp_state)tcb->state) {
    case TCPS_SYN_RECEIVED:
    case TCPS_ESTABLISHED:
    case TCPS_FIN_WAIT_1:
    case TCPS_FIN_WAIT_2:
    case TCPS_CLOSE_WAIT:
        return true;
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
        return tcb->snd_nxt != tcb_snd_end(tcb);
    default:
        return false;
    }
}

static void make_orphan(struct tcb *tcb)
{
    tcb->user = NULL;
    tcb->is_unaccepted = false;
    tcb->is_orphan = true;
    tcb->tcp->orphans++;
}

void tcp_abort(struct tcp *tcp, struct tcb *tcb, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    if (!tcb->is_orphan)
        make_orphan(tcb);
    if (needs_reset(tcb))
        reset_send(tcb);
    tcb_done(tcb);
}

void tcp_kill(struct tcp *tcp, struct tcb *tcb, int error, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    if (needs_reset(tcb))
        reset_send(tcb);
    tcb_fail(tcb, error);
}

void tcp_close(struct tcp *tcp, struct tcb *tcb, uint64_t now_ns)
{
    const struct tcb_options *options = &tcb->opt->socket;
    tcp_set_now(tcp, now_ns);
    bool unread = tcb->readable != 0;
    make_orphan(tcb);
    if (repair_is_on(tcb)) { /* nobody hears of it */
        tcb_done(tcb);
        return;
    }
    bool unborn = tcb->state == TCPS_SYN_RECEIVED && tcp->params.input_policy == TCP_INPUT_BSD && !tcb_ext_peek(tcb)->fastopen_child;
    bool aborts = options->linger_on && options->linger_s == 0;
    if (tcb->state == TCPS_CLOSED || tcb->state == TCPS_SYN_SENT || tcb->state == TCPS_TIME_WAIT || unborn) {
        if (tcb->state == TCPS_SYN_SENT && aborts)
            TCP_MIB(tcp, AbortOnData);
        tcb_done(tcb);
        return;
    }
    /* RFC 2525 2.17, RFC 9293 3.10.4: data that nobody will read is answered with a reset */
    if (unread && tcp->params.rst_on_unread_close) {
        TCP_MIB(tcp, AbortOnClose);
        uint32_t freed = tcb->readable;
        stream_free(&tcb->rcv_stream);
        tcb->readable = 0;
        if (tcb->ext)
            rmem_release(tcb, freed); /* the reset's window has the room */
        reset_send(tcb);
        tcb_done(tcb);
        return;
    }
    if (aborts) {
        TCP_MIB(tcp, AbortOnData);
        tcp_abort(tcp, tcb, now_ns);
        return;
    }
    stream_free(&tcb->rcv_stream);
    tcb->readable = 0;
    user_queue_fin(tcb);
    if (unread && tcp->params.input_policy == TCP_INPUT_BSD) /* tcp_disconnect(): sbflush(), then tcp_output() */
        window_on_read(tcb, 0);
    if (tcp->params.orphan_limit && tcp->orphans > tcp->params.orphan_limit) {
        TCP_MIB(tcp, AbortOnMemory);
        tcp_abort(tcp, tcb, now_ns);
        return;
    }
    if (tcb->state == TCPS_FIN_WAIT_2 && tcb->opt->linger2_ms < 0) {
        TCP_MIB(tcp, AbortOnLinger);
        tcp_abort(tcp, tcb, now_ns);
        return;
    }
    if (fin_wait_2_start(tcb, true))
        metrics_save_of_waiter(tcb);
}

/* What a socket keeps of the connection that it dissolves: the error queue, and on Linux how its receive buffer was used. */
static void forget_ext(struct tcb *tcb)
{
    const struct tcb_ext *old = tcb_ext_peek(tcb);
    bool is_linux = tcb_params(tcb)->call_policy == TCP_CALLS_LINUX;
    struct tcp_icmp_note note = old->icmp;
    uint8_t ratio = is_linux ? old->scaling_ratio : 0;
    uint32_t space = is_linux ? old->space_bytes : 0;
    if (is_linux && !space && info_was_synchronized(tcb))
        space = min_u32(tcb->rcv_ssthresh, 10u * (tcb->advmss - tcb_ts_bytes(tcb)));
    struct stamps *stamps = old->stamps ? stamp_detach(tcb) : NULL;
    if (tcb->ext)
        tcb_ext_free(tcb);
    if (stamps)
        stamp_attach(tcb, stamps);
    if (!(note.icmp.version || ratio || space) || !tcb_ext_get(tcb))
        return;
    tcb->ext->segs_in = tcb->ext->segs_out = 0;
    tcb->ext->icmp = note;
    tcb->ext->scaling_ratio = ratio;
    tcb->ext->space_bytes = space;
}

void tcp_disconnect(struct tcp *tcp, struct tcb *tcb, bool was_deferred, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    bool is_broken = was_deferred || tcb->state == TCPS_SYN_SENT || needs_reset(tcb);
    if (needs_reset(tcb))
        reset_send(tcb);
    void *user = tcb->user;
    tcb->user = NULL; /* its owner knows */
    tcb_done(tcb);
    tcb->user = user;
    stream_free(&tcb->rcv_stream);
    tcb->readable = 0;
    bool is_linux = tcp->params.call_policy == TCP_CALLS_LINUX;
    forget_ext(tcb);
    if (is_linux && tcb->opt->user_mss) { /* it stands among what the SYNs said (struct tcp_options_received) */
        struct tcb_opts *own = tcb_opts_own(tcb);
        if (own)
            own->user_mss = 0;
    }
    tcb->so_error = is_broken && is_linux ? ECONNRESET : is_linux ? tcb->so_error : 0; /* tcp_disconnect() */
    tcb->fin_rcvd = tcb->rcv_shutdown = tcb->snd_shutdown = false;
    tcb->ca_state = CA_OPEN;
    tcb->ssthresh = INT32_MAX;
    tcb->cwnd = tcp->params.initial_window;
    tcb->backoff = 0;
    rtt_init(tcb);
    tcb->quick = tcb->pingpong = 0;
    tcb->ato_ms = 0;
    tcb->rcv_wup = tcb->rcv_nxt = tcb->rcv_ssthresh = 0;
    tcb->rcv_wnd = is_linux ? tcb->rcv_wnd : 0; /* until the SYN: the first guess at the peer's segments (tcp_initialize_rcv_mss()) */
    tcb->write_seq += is_linux ? tcb->max_window + 2 : 0; /* beyond what was in flight */
    tcb->ts_recent = tcb->ts_recent_s = tcb->max_window = tcb->snd_wnd = 0;
    tcb->last_rcv_ms = tcb->last_snd_ms = 0;
    tcb->ecn_ok = tcb->ecn_seen = tcb->sack_ok = tcb->ts_ok = tcb->wscale_ok = false;
    tcb->snd_wscale = tcb->rcv_wscale = 0;
}

/* --- what may be read and written now: the poller's questions -------------------------------------------------------------- */

size_t tcp_readable(const struct tcb *tcb)
{
    size_t skip = 0;
    if (tcb->ext && tcb->ext->rcv_urgent && !tcb->opt->socket.oob_inline) {
        uint32_t offset = tcb->ext->rcv_up - copied_seq(tcb);
        if (offset < tcb->readable && tcb_params(tcb)->input_policy == TCP_INPUT_BSD) /* FIONREAD does not stop at the mark */
            skip = tcb->ext->urg_valid;
        else if (offset < tcb->readable)
            skip = offset ? tcb->readable - offset : 1;
    }
    return tcb->readable - skip;
}

/* RFC 9293 3.8.5 (MUST-33): is there urgent data still to be read? */
bool tcp_at_mark(const struct tcb *tcb, uint32_t ahead)
{
    return tcb->ext && tcb->ext->rcv_urgent && tcb->ext->rcv_up == copied_seq(tcb) + ahead;
}

/* SO_SNDLOWAT's bytes are free, or Linux's sk_stream_is_writeable: a third of the buffer, and less than half of TCP_NOTSENT_LOWAT waits. */
bool tcp_is_writeable(const struct tcb *tcb)
{
    if (tcb_params(tcb)->send_lowat)
        return send_room(tcb) >= send_lowat(tcb);
    size_t used = stream_length(tcb->snd_stream) + queue_cost(tcb, 0);
    if (is_sending(tcb) && (tcb->write_seq - tcb->snd_nxt) * 2ull >= notsent_lowat(tcb))
        return false;
    return tcb->sndbuf > used && tcb->sndbuf - used >= used / 2;
}
