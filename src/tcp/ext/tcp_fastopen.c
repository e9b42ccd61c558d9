/* tcp_fastopen.c: TCP fast open (RFC 7413): cookies, the client's memory of them, data in the SYN. The sysctl's bits are Linux's
 * (ip-sysctl, tcp_fastopen). Read tcb.h first.
 *
 * Client: data goes into the send stream before the SYN; the SYN carries a copy of what fits. What the SYN/ACK does not acknowledge is
 * simply unsent. Server: the SYN entry becomes a connection in SYN_RECEIVED at once, in the accept queue with its data. */
#include "tcp/tcb.h"
#include "tcp/sockopt/tcp_stamp.h"

enum { COOKIE_BYTES = 8, COOKIE_MIN = 4, OPTION_SPACE = 40 /* kept free for middleboxes, as Linux does */, MSS_UNKNOWN = 536 };
enum { FASTOPEN_NO_COOKIE = 1, FASTOPEN_DATA_NOT_ACKED, FASTOPEN_SYN_RESENT }; /* tcpi_fastopen_client_fail */
enum { CLIENT = 1, SERVER = 2, CLIENT_NO_COOKIE = 4, SERVER_NO_COOKIE = 0x200 };

static void put_hash(uint64_t value, uint8_t cookie[COOKIE_BYTES])
{
    for (unsigned i = 0; i < COOKIE_BYTES; i++)
        cookie[i] = (uint8_t)(value >> 8 * i);
}

/* RFC 7413 4.1.2: a keyed hash of the addresses; Linux's: SipHash-2-4 of source and destination as they lie in the SYN. */
static void make_cookie(const struct siphash_key *key, const struct flow *flow, uint8_t cookie[COOKIE_BYTES])
{
    uint8_t addresses[32];
    size_t size = addr_is_v4(&flow->remote) ? 4 : 16;
    memcpy(addresses, flow->remote.b + 16 - size, size);
    memcpy(addresses + size, flow->local.b + 16 - size, size);
    put_hash(siphash24(key, addresses, 2 * size), cookie);
}

static unsigned keys_of(const struct tcp *tcp, const struct tcb_opts *opts, struct siphash_key keys[2])
{
    memcpy(keys, opts->has_fastopen_key ? opts->fastopen_key : tcp->fastopen_key, 2 * sizeof keys[0]);
    if (opts->has_fastopen_key)
        return 1 + opts->has_fastopen_backup;
    return tcp->has_fastopen_key ? 1 + tcp->has_fastopen_backup : 0;
}

/* --- client (RFC 7413 4.1.3, 4.2.1) --------------------------------------------------------------------------------------- */

const struct fastopen_memo *fastopen_recall(struct tcp *tcp, const struct addr *remote)
{
    for (unsigned i = 0; i < ARRAY_COUNT(tcp->fastopen_cache); i++)
        if ((tcp->fastopen_cache[i].mss || tcp->fastopen_cache[i].disabled_ns) && addr_equal(&tcp->fastopen_cache[i].remote, remote))
            return &tcp->fastopen_cache[i];
    return NULL;
}

static struct fastopen_memo *memo_of(struct tcp *tcp, const struct addr *remote)
{
    struct fastopen_memo *memo = (struct fastopen_memo *)fastopen_recall(tcp, remote);
    if (!memo) {
        memo = &tcp->fastopen_cache[tcp->fastopen_cache_next++ % ARRAY_COUNT(tcp->fastopen_cache)];
        *memo = (struct fastopen_memo){.remote = *remote};
    }
    return memo;
}

static void remember(struct tcp *tcp, const struct addr *local, const struct addr *remote, const struct tcp_options *options, uint16_t mss,
                     uint8_t ask_exp)
{
    struct fastopen_memo *memo = memo_of(tcp, remote);
    memo->local = *local;
    memo->stamp_ns = tcp->now_ns;
    memo->mss = mss;
    if (ask_exp > memo->ask_exp && !memo->length && !memo->exp)
        memo->ask_exp = ask_exp;
    if (!options->has_fastopen || options->fastopen_length < COOKIE_MIN)
        return;
    memo->length = options->fastopen_length;
    memo->exp = options->fastopen_experimental;
    memcpy(memo->cookie, options->fastopen, sizeof memo->cookie);
}

/* --- disabled paths (FreeBSD's tcp_fastopen_disable_path(), tcp_fastopen_update_cache()) ---------------------------------- */

/* A server that answers a fast open without the option, or with a cookie of no such length, is left in peace for a while. */
static void note_answer_bsd(struct tcb *tcb, const struct tcp_options *options)
{
    bool is_told = options->has_fastopen && !tcb->opt->no_options;
    struct fastopen_memo *memo = memo_of(tcb->tcp, &tcb->flow.remote);
    if (is_told && options->fastopen_length >= COOKIE_MIN && options->fastopen_length % 2 == 0) {
        memo->disabled_ns = 0;
        remember(tcb->tcp, &tcb->flow.local, &tcb->flow.remote, options, options->has_mss ? options->mss : MSS_UNKNOWN, 0);
    } else {
        memo->length = 0;
        memo->mss = 0;
        memo->disabled_ns = memo->disabled_ns ? memo->disabled_ns : max_u64(tcb_now(tcb), 1);
    }
    tcb->ext->fastopen_answered = is_told;
}

/* Is REMOTE asked for nothing? When the time is over it is asked again, as if nothing were known. */
static bool path_is_disabled(struct tcp *tcp, const struct addr *remote)
{
    struct fastopen_memo *memo = (struct fastopen_memo *)fastopen_recall(tcp, remote);
    if (!memo || !memo->disabled_ns)
        return false;
    if (tcp->now_ns - memo->disabled_ns <= tcp->params.fastopen_disable_s * NS_PER_S)
        return true;
    *memo = (struct fastopen_memo){0};
    return false;
}

/* --- black holes: a middlebox that swallows what follows a SYN with data (Linux: tcp_fastopen_active_*) ------------------- */
static bool is_paused(const struct tcp *tcp)
{
    uint64_t pause_ms = tcp->params.fastopen_hole_ms;
    return pause_ms && tcp->fastopen_holes &&
           tcp->now_ns < tcp->fastopen_hole_ns + (pause_ms << min_u32(tcp->fastopen_holes - 1, 6)) * NS_PER_MS;
}

static void note_hole(struct tcp *tcp)
{
    if (tcp->params.fastopen_hole_ms == 0)
        return;
    tcp->fastopen_hole_ns = tcp->now_ns;
    tcp->fastopen_holes++;
    TCP_MIB(tcp, FastOpenBlackhole);
}

/* The third timeout in a row, or the end before it. */
void fastopen_on_timeout(struct tcb *tcb, bool is_over)
{
    const struct tcb_ext *ext = tcb->ext;
    if ((ext->fastopen_tried || ext->syn_data_acked) && (tcb->retransmits == 2 || (tcb->retransmits < 2 && is_over))) {
        note_hole(tcb->tcp);
        TCP_MIB(tcb->tcp, FastOpenActiveFail);
    }
}

/* Nothing but a FIN or a reset from behind a hole came: what was before it is lost for good. Data after a trial: all is well again. */
void fastopen_on_end(struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb->ext;
    if (!ext->fastopen_offered)
        return;
    if (ext->data_segs_in == 0 && ext->ooo && ext->ooo->has_fin && ext->ooo->count == 1)
        note_hole(tcb->tcp);
    else if (ext->data_segs_in && ext->fastopen_trial && !tcb->is_loopback)
        tcb->tcp->fastopen_holes = 0;
}

/* Cookies are not needed for REMOTE: by this host, this socket or the route. */
static bool needs_no_cookie(struct tcp *tcp, const struct tcb_opts *opts, unsigned host_flag, const struct addr *local,
                            const struct addr *remote)
{
    const struct tcp_path *path;
    if ((tcp->params.fastopen & host_flag) || opts->fastopen_no_cookie)
        return true;
    return tcp->hooks.path && tcp->hooks.path(tcp->hooks.ctx, local, remote, &path) == 0 && path->metrics &&
           path->metrics->fastopen_no_cookie;
}

bool tcp_fastopen_has_cookie(struct tcp *tcp, const struct tcb *tcb, const struct addr *remote)
{
    if (is_paused(tcp))
        return false;
    const struct fastopen_memo *memo = fastopen_recall(tcp, remote);
    return (memo && memo->length) || needs_no_cookie(tcp, tcb->opt, CLIENT_NO_COOKIE, &tcb->flow.local, remote);
}

/* FreeBSD: TCP_FASTOPEN was set before the connection. */
bool tcp_fastopen_is_asked(const struct tcb *tcb) { return tcb->opt->fastopen_connect && (tcb_params(tcb)->fastopen & CLIENT); }

/* Before tcp_connect: the SYN asks for a cookie or carries one. -EOPNOTSUPP: the client's side is off. */
int tcp_fastopen_request(struct tcp *tcp, struct tcb *tcb)
{
    struct tcb_ext *ext;
    if (!(tcp->params.fastopen & CLIENT))
        return -EOPNOTSUPP;
    ext = tcb_ext_get(tcb);
    if (!ext)
        return -ENOBUFS;
    ext->fastopen_request = true;
    return 0;
}

/* What the SYN's options take of a segment: Linux keeps all that they may; FreeBSD counts them. */
static uint32_t option_space(const struct tcb *tcb, const struct fastopen_memo *memo, bool is_implied)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (params->call_policy != TCP_CALLS_BSD)
        return OPTION_SPACE;
    uint32_t size = 4 + (params->offer_wscale ? 4 : 0) + (params->offer_sack ? 2 : 0);
    if (params->offer_timestamps)
        size = (size + 1) / 4 * 4 + 2 + 10;
    return ((is_implied ? size : size + 2 + (memo ? memo->length : 0)) + 3) & ~3u;
}

/* FreeBSD's tcp_usr_send() of a socket that is not connected: the text goes with the SYN, whether fast open was asked for or not (as T/TCP
 * had it), but not where the SYN has no options. */
static bool is_implied_connect(const struct tcb *tcb)
{
    return tcb_params(tcb)->byte_recovery && !tcb->opt->fastopen_connect && !tcb->opt->no_options;
}

/* After tcp_connect, before the SYN leaves: takes what the SYN may carry (0 without a cookie). */
ssize_t tcp_fastopen_send(struct tcp *tcp, struct tcb *tcb, const struct iovec *iov, int count, size_t limit)
{
    bool is_implied = is_implied_connect(tcb);
    struct tcb_ext *ext = is_implied ? tcb_ext_get(tcb) : tcb->ext;
    if (ext && path_is_disabled(tcp, &tcb->flow.remote))
        ext->fastopen_request = false;
    const struct fastopen_memo *memo = fastopen_recall(tcp, &tcb->flow.remote);
    uint32_t mss = mss_of_mtu(tcp, tcb->is_v4, tcb->mss + (tcb->is_v4 ? 40u : 60u));
    if (!ext || tcb->state != TCPS_SYN_SENT || !tcb->want_syn)
        return 0;
    if (!is_implied && (!ext->fastopen_request || !tcp_fastopen_has_cookie(tcp, tcb, &tcb->flow.remote)))
        return 0;
    if (memo && memo->mss && !is_implied) /* Linux: what the peer said last, else what the path has */
        mss = min_u32(mss, memo->mss);
    uint32_t space = option_space(tcb, memo, is_implied);
    if (mss <= space)
        return 0;
    ssize_t taken = stream_write(&tcb->snd_stream, tcp->pool, iov, count, limit < mss - space ? limit : mss - space, 0);
    if (taken <= 0)
        return 0;
    tcb->write_seq += (uint32_t)taken;
    tcb->psh_end = true;
    ext->pushed_seq = tcb->write_seq;
    ext->fastopen_length = (uint32_t)taken;
    ext->syn_data = true;
    return taken;
}

/* What the server gave; of a client with a pre-shared key (FreeBSD, tcp(4)) that key's hash of it. */
static void put_client_cookie(const struct tcb *tcb, const struct fastopen_memo *memo, struct tcp_options *options)
{
    options->fastopen_experimental = memo->exp;
    options->fastopen_length = memo->length;
    memcpy(options->fastopen, memo->cookie, sizeof options->fastopen);
    if (tcb->opt->has_fastopen_psk) {
        options->fastopen_length = COOKIE_BYTES;
        put_hash(siphash24(&tcb->opt->fastopen_key[0], memo->cookie, memo->length), options->fastopen);
    }
}

/* The text could not be read: Linux's SYN asks for a cookie, also where one is known (tcp_send_syn_data). */
void tcp_fastopen_ask(struct tcb *tcb)
{
    if (tcb->ext)
        tcb->ext->fastopen_unreadable = true;
}

/* The SYN's text. False: there is no memory, it goes without. */
static bool put_text(struct tcb *tcb, struct tcp_segment *segment)
{
    struct tcb_ext *ext = tcb->ext;
    segment->packet = packet_new(tcb->tcp->pool);
    if (!segment->packet || stream_read_packet(tcb->snd_stream, 0, ext->fastopen_length, !tcb->csum_offload, segment->packet) < 0) {
        packet_free(segment->packet);
        segment->packet = NULL;
        ext->syn_data = false;
        return false;
    }
    ext->syn_fastopen = true;
    ext->data_segs_out++;
    ext->bytes_sent += ext->fastopen_length;
    return true;
}

/* The client's first SYN: a cookie, or the wish for one, and data (RFC 7413 4.2.1). A SYN sent again goes without. */
void fastopen_add_to_syn(struct tcb *tcb, struct tcp_segment *segment)
{
    struct tcb_ext *ext = tcb->ext;
    struct tcp_options *options = &segment->header.options;
    const struct fastopen_memo *memo = fastopen_recall(tcb->tcp, &tcb->flow.remote);
    if (tcb->state == TCPS_SYN_SENT && ext->syn_data && is_implied_connect(tcb)) {
        if (tcb->retransmits) /* by a window of one byte: tcp_timer_rexmt() */
            ext->fastopen_length = 1;
        put_text(tcb, segment);
        return;
    }
    if (tcb->state != TCPS_SYN_SENT || !ext->fastopen_request || tcb->retransmits || is_paused(tcb->tcp))
        return;
    ext->fastopen_trial = tcb_params(tcb)->fastopen_hole_ms && tcb->tcp->fastopen_holes;
    bool without = needs_no_cookie(tcb->tcp, tcb->opt, CLIENT_NO_COOKIE, &tcb->flow.local, &tcb->flow.remote);
    ext->fastopen_offered = ext->fastopen_tried = !without;
    if (!without) {
        options->has_fastopen = true;
        options->fastopen_experimental = memo && memo->ask_exp == 1;
        ext->fastopen_cookie_asked = !memo || !memo->length || ext->fastopen_unreadable;
        if (ext->fastopen_cookie_asked)
            ext->fastopen_fail = FASTOPEN_NO_COOKIE;
        if (!ext->fastopen_cookie_asked)
            put_client_cookie(tcb, memo, options);
        ext->fastopen_exp = options->fastopen_experimental;
    }
    if (ext->syn_data && put_text(tcb, segment)) {
        ext->fastopen_tried = true;
        TCP_MIB(tcb->tcp, OrigDataSent);
    }
}

void fastopen_on_synack(struct tcb *tcb, const struct rx *rx)
{
    const struct tcp_options *options = &rx->in->header.options;
    struct tcb_ext *ext = tcb->ext;
    if (!ext || !ext->fastopen_request)
        return;
    ext->fastopen_request = false;
    if (tcb_params(tcb)->input_policy == TCP_INPUT_BSD) {
        note_answer_bsd(tcb, options);
        return;
    }
    if (tcb_params(tcb)->input_policy == TCP_INPUT_LINUX && !ext->fastopen_tried)
        return; /* neither an option nor text went */
    struct tcp_options told = *options;
    bool is_none = !told.has_fastopen || (told.fastopen_length && (told.fastopen_length < COOKIE_MIN || told.fastopen_length % 2));
    bool is_vain = ext->fastopen_offered && !ext->total_retrans && is_none && !ext->syn_data;
    if (tcb_params(tcb)->input_policy == TCP_INPUT_LINUX && !ext->fastopen_offered)
        told.has_fastopen = false; /* nobody asked */
    remember(tcb->tcp, &tcb->flow.local, &tcb->flow.remote, &told, told.has_mss ? told.mss : MSS_UNKNOWN,
             !is_vain || tcb_params(tcb)->input_policy != TCP_INPUT_LINUX ? 0 : ext->fastopen_exp ? 2 : 1);
}

/* LENGTH bytes of the SYN's text are in flight now, behind the SYN. NULL: no memory, they are unsent. */
static struct txseg *put_in_flight(struct tcb *tcb, uint32_t length)
{
    struct txseg *seg = txring_push(tcb);
    if (!seg)
        return NULL;
    *seg = (struct txseg){.start = tcb->snd_nxt,
                          .end = tcb->snd_nxt + length,
                          .sent_ns = tcb_syn_start_ns(tcb),
                          .mss = tcb->mss,
                          .flags = TX_PSH,
                          .delivered = tcb->ext->delivered,
                          .burst = output_burst(tcb, true)};
    tcb->tx->packets_out += txseg_packets(seg);
    tcb->snd_nxt += length;
    tcb->ext->syn_fastopen = tcb->ext->syn_data = false;
    return seg;
}

/* Linux (tcp_rcv_fastopen_synack): what the SYN/ACK left is lost, though not to congestion, and goes at once, whatever the window. */
static void send_rest(struct tcb *tcb, uint32_t length)
{
    struct txseg *seg = put_in_flight(tcb, length);
    if (!seg)
        return;
    cwnd_init(tcb);
    recovery_mark_lost(tcb, seg);
    recovery_begin_blameless(tcb);
}

static void note_fail(struct tcb *tcb)
{
    tcb->ext->fastopen_fail = tcb->ext->total_retrans ? FASTOPEN_SYN_RESENT : FASTOPEN_DATA_NOT_ACKED;
    TCP_MIB(tcb->tcp, FastOpenActiveFail);
}

uint32_t fastopen_sent_end(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    bool was_refused = tcb->state == TCPS_CLOSED && ext->syn_fastopen && tcb->snd_nxt == tcb->snd_una + 1;
    return tcb->snd_nxt + (was_refused ? ext->fastopen_length : 0);
}

/* Does RX, which answers our SYN, acknowledge all of its text? */
bool fastopen_is_text_acked(const struct tcb *tcb, const struct rx *rx)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return ext->syn_fastopen && ext->fastopen_length && rx->ack - tcb->snd_una - 1 == ext->fastopen_length;
}

/* RFC 7413 4.2.2: the SYN/ACK may acknowledge the data, or the SYN only: then the data is sent now. SND.UNA is at ISS+1 here. */
void fastopen_syn_acked(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t acked = rx->ack - tcb->snd_una, length = ext->fastopen_length;
    bool is_linux = tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX;
    if (ext->syn_fastopen && acked && acked <= length) {
        stream_consume(&tcb->snd_stream, acked);
        tcb->snd_una = tcb->snd_nxt = rx->ack;
        if (ext->has_stamps)
            stamp_on_acked(tcb, rx->in->ttl);
        ext->bytes_acked += acked; /* delivered together with the SYN: one packet */
    }
    if (ext->syn_fastopen && tcb_params(tcb)->input_policy == TCP_INPUT_BSD && !ext->fastopen_answered && acked < length) {
        note_fail(tcb);
        if (put_in_flight(tcb, length - acked)) /* no fast open any more: it waits for the timer */
            timer_rexmt(tcb);
    } else if (ext->syn_fastopen && is_linux && acked < length) {
        note_fail(tcb);
        send_rest(tcb, length - acked);
    } else if (ext->syn_fastopen && acked && acked <= length) {
        ext->syn_data_acked = true;
        TCP_MIB(tcb->tcp, FastOpenActive);
        TCP_MIB(tcb->tcp, Delivered); /* and the SYN; tcpi_delivered has one for both */
    } else {
        note_fail(tcb);
    }
    tcb_mark_due(tcb);
}

/* The SYNs cross: the data of ours is in flight until the handshake's end tells, or its timer. */
void fastopen_crossed(struct tcb *tcb)
{
    (void)put_in_flight(tcb, tcb->ext->fastopen_length);
}

/* The highest acknowledgment that answers our SYN. */
uint32_t fastopen_syn_end(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return tcb->snd_nxt + (ext->syn_fastopen ? ext->fastopen_length : 0);
}

/* --- server (RFC 7413 4.1.2, 4.2.2) ------------------------------------------------------------------------------------------- */

static uint32_t queue_limit(const struct tcp_listener *listener)
{
    if (listener->opt->fastopen_qlen && listener->tcp->params.call_policy == TCP_CALLS_BSD)
        return listener_backlog(listener) / 2; /* t_tfo_pending begins at 1, and is to be no more than half: listen(3, 1) has none */
    return listener->opt->fastopen_qlen; /* where it stands for all listeners listen() has set it */
}

static bool has_room(struct tcp_listener *listener)
{
    uint32_t limit = queue_limit(listener);
    if (limit && listener->fastopen_pending >= limit)
        TCP_MIB(listener->tcp, FastOpenListenOverflow);
    return listener->fastopen_pending < limit;
}

/* FreeBSD (tcp_do_segment()): the ACK of a SYN's text is a delayed one, so that an answer may go with it. */
static void hold_synack(struct tcb *tcb)
{
    tcb->ext->fastopen_held = true;
    timer_set(tcb, TIMER_SYN, tcb_now(tcb) + tcb_params(tcb)->delack_ms * NS_PER_MS);
}

/* It goes now. */
void fastopen_release_synack(struct tcb *tcb)
{
    tcb->ext->fastopen_held = false;
    tcb->ext->fastopen_start_ns = tcb_now(tcb);
    tcb->want_syn = true;
    timer_stop(tcb);
    tcb_mark_due(tcb);
}

/* Before the handshake ends a child sends what the windows allow; FreeBSD's only what goes with its SYN/ACK. */
bool fastopen_child_may_send(struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    if (ext->fastopen_held && (tcb_has_unsent(tcb) || tcb->snd_shutdown))
        fastopen_release_synack(tcb);
    return ext->fastopen_child && (tcb_params(tcb)->input_policy != TCP_INPUT_BSD || ext->fastopen_burst);
}

/* FreeBSD (tcp_default_output()): the first SYN/ACK takes text along, and its window is what the text of the SYN left. */
void fastopen_fill_synack(struct tcb *tcb, struct tcp_segment *segment)
{
    if (!tcb->ext->fastopen_child || tcb_params(tcb)->input_policy != TCP_INPUT_BSD)
        return;
    uint32_t unsent = tcb->write_seq - tcb->snd_nxt, window = min_u32(unsent, tcb->snd_wnd);
    uint32_t size = (uint32_t)tcphdr_options_size(&segment->header.options, TCP_SYN, segment->option_order);
    uint32_t whole = tcb->mss + mss_options(tcb), length = min_u32(window, whole > size ? whole - size : 0);
    tcb->rcv_wnd = window_room(tcb);
    segment->header.window = (uint16_t)min_u32(tcb->rcv_wnd, 65535);
    if (!length || tcb->retransmits || !output_attach(tcb, segment, tcb->snd_nxt, length, tcb->mss))
        return;
    if (put_in_flight(tcb, length)) {
        tcb->ext->fastopen_burst = tcb->ext->in_burst = tcb->ext->burst_idle = length < window;
    } else {
        packet_free(segment->packet);
        segment->packet = NULL;
    }
}

/* The entry is a connection now; its data and perhaps FIN are in, the SYN/ACK is due. */
static bool make_child(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet, uint32_t slot, bool by_backup)
{
    struct tcp *tcp = listener->tcp;
    struct tcb *tcb = synq_promote(tcp, slot, listener);
    if (!tcb)
        return false;
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext) {
        tcb_done(tcb);
        return false;
    }
    if (tcp->params.flow_label_reflect & FLOW_LABEL_CONNECTIONS && !tcb->is_v4)
        (void)!tcp_set_flow_label(tcb, in->flow_label);
    ext->fastopen_child = true;
    ext->fastopen_irs = in->header.seq;
    if (accecn_is_on(tcb))
        accecn_on_child(tcb, in);
    ext->fastopen_renew = by_backup || tcp->params.call_policy == TCP_CALLS_BSD; /* FreeBSD: the newest with the first SYN/ACK */
    ext->fastopen_exp = in->header.options.fastopen_experimental;
    if (by_backup)
        TCP_MIB(tcp, FastOpenPassiveAltKey);
    ext->fastopen_listener = listener->slot + 1;
    listener->fastopen_pending++;
    tcb->snd_wnd = tcb->max_window = in->header.window; /* a SYN's window is never scaled (RFC 7323 2.2) */
    ext->fastopen_start_ns = tcp->now_ns;
    tcb->last_snd_ms = tcb->last_rcv_ms = tcb_now_ms(tcb);
    if (tcp->params.input_policy == TCP_INPUT_LINUX) /* nothing was measured (RFC 6298 5.7) */
        tcb->rto_us = tcb->mdev_us = 3000000;
    cwnd_begin(tcb);
    window_init(tcb);
    sndbuf_expand(tcb);
    ext->syn_data_acked = in->payload != 0;
    if (in->payload && *packet) {
        struct lil_packet *text = *packet;
        *packet = NULL;
        reass_syn_text(tcb, text);
        ext->data_segs_in++;
        ext->syn_data = true;
    }
    if (tcp->params.input_policy == TCP_INPUT_BSD && in->payload && !(in->header.flags & TCP_FIN)) {
        hold_synack(tcb);
    } else {
        tcb->want_syn = true; /* in SYN_RECEIVED: SYN/ACK */
        tcb_mark_due(tcb);
    }
    listener_enqueue(listener, tcb);
    TCP_MIB(tcp, FastOpenPassive);
    return true;
}

/* Linux: a server's connection before the handshake's last ACK. */
bool fastopen_is_pending_child(const struct tcb *tcb)
{
    return tcb->state == TCPS_SYN_RECEIVED && tcb_ext_peek(tcb)->fastopen_listener && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX;
}

/* Linux (tcp_rcv_synrecv_state_fastopen): the handshake ends behind what its last ACK acknowledges: a round trip that text told is the
 * first one, and what was reduced for lost SYN/ACKs is taken back if the timestamp says that none was. */
void fastopen_child_begins(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    if (tcb_params(tcb)->input_policy != TCP_INPUT_LINUX)
        return;
    if (!tcb->srtt_us && !tcb->is_orphan) /* which is in FIN-WAIT-1 there, and measures no SYN/ACK */
        rtt_on_established(tcb, rx, ext->fastopen_start_ns);
    if (accecn_is_on(tcb))
        accecn_on_third_ack(tcb, rx);
    if (tcb->ca_state == CA_LOSS && tcb_packets_out(tcb) == 0) {
        const struct tcp_options *options = &rx->in->header.options;
        struct ack_state state = {.ts_ecr_ok = tcb->ts_ok && options->has_timestamp && options->ts_echo, .ts_ecr = options->ts_echo};
        (void)undo_recovery(tcb, &state);
    }
    undo_clean_stamp(tcb);
}

/* A child left SYN_RECEIVED: its place in the fast open queue is free. */
void fastopen_child_done(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    uint32_t slot = tcb->ext ? tcb->ext->fastopen_listener : 0;
    if (!slot)
        return;
    tcb->ext->fastopen_listener = 0;
    if (slot <= tcp->listener_capacity && tcp->listeners[slot - 1] && tcp->listeners[slot - 1]->fastopen_pending)
        tcp->listeners[slot - 1]->fastopen_pending--;
}

/* Linux (tcp_check_req): until the handshake ends each segment is judged as one to a request, whose numbers are in the window already: the
 * SYN that comes again has the SYN/ACK again, what is before the window has an ACK, another SYN is reset without harm to the
 * connection, and nothing goes without an ACK. False: it is answered. */
bool fastopen_admits(struct tcb *tcb, const struct rx *rx)
{
    if (!tcb->ext->fastopen_listener || tcb->state != TCPS_SYN_RECEIVED)
        return true;
    const struct tcp_options *options = &rx->in->header.options;
    bool is_first = rx->seq == tcb->ext->fastopen_irs, is_reset = rx->flags & TCP_RST, is_bare = rx->seq == rx->end_seq;
    bool is_old = tcb->ts_ok && options->has_timestamp && tcb->ts_recent && (int32_t)(tcb->ts_recent - options->ts_value) > 0 && !is_reset;
    if (is_first && (rx->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && !is_old) {
        if (oow_ack_allowed(tcb)) {
            tcb->want_syn = tcb->ext->synack_again = true;
            tcb->ext->accecn.syn_received = rx->in->ecn & 3;
            tcb->ext->total_retrans++;
            TCP_MIB(tcb->tcp, SynRetrans);
            TCP_MIB(tcb->tcp, RetransSegs);
            tcb_mark_due(tcb);
        } else {
            TCP_MIB(tcb->tcp, ACKSkippedSynRecv);
        }
        return false;
    }
    uint32_t right = tcb->rcv_nxt + tcb->rcv_wnd;
    bool in_window = rx->seq == tcb->rcv_nxt || (seq_gt(rx->end_seq, tcb->rcv_nxt) && seq_lt(rx->seq, right)) ||
                     (is_bare && rx->seq == right);
    if (is_old || !in_window) {
        if (is_old)
            TCP_MIB(tcb->tcp, PAWSEstab);
        if (!is_reset && ((!is_bare && !(rx->flags & TCP_SYN)) || oow_ack_allowed(tcb)))
            reply_ack(tcb);
        return false;
    }
    if ((rx->flags & TCP_SYN) && !is_first && !is_reset) {
        reset_reply(tcb->tcp, rx->in);
        TCP_MIB(tcb->tcp, AttemptFails);
        return false;
    }
    if (is_reset) /* and once more as a connection that ends */
        TCP_MIB(tcb->tcp, AttemptFails);
    return rx->flags & (TCP_ACK | TCP_RST);
}

/* Its listener closes, another takes it over. */
void fastopen_child_migrate(struct tcb *tcb, struct tcp_listener *listener)
{
    if (!tcb->ext || !tcb->ext->fastopen_listener)
        return;
    fastopen_child_done(tcb);
    tcb->ext->fastopen_listener = listener->slot + 1;
    listener->fastopen_pending++;
}

static bool is_cookie_good(const struct tcp_listener *listener, const struct tcp_in *in, bool *by_backup)
{
    const struct tcp_options *options = &in->header.options;
    struct siphash_key keys[2];
    unsigned count = max_u32(keys_of(listener->tcp, listener->opt, keys), 1);
    for (unsigned i = 0; i < count && options->fastopen_length == COOKIE_BYTES && !listener->tcp->params.fastopen_psk; i++) {
        uint8_t cookie[COOKIE_BYTES];
        make_cookie(&keys[i], &in->flow, cookie);
        if (memcmp(options->fastopen, cookie, COOKIE_BYTES) == 0) {
            *by_backup = i > 0;
            return true;
        }
    }
    return false;
}

/* True and *TAKEN: the connection exists already. Otherwise the entry goes the ordinary way, perhaps with a cookie in its SYN/ACK. */
bool fastopen_on_syn(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet, uint32_t slot, bool *taken)
{
    struct tcp *tcp = listener->tcp;
    const struct tcp_options *options = &in->header.options;
    bool by_backup = false;
    *taken = false;
    if (options->has_fastopen && options->fastopen_length == 0)
        TCP_MIB(tcp, FastOpenCookieReqd);
    if ((!in->payload && !options->has_fastopen) || !(tcp->params.fastopen & SERVER) || !has_room(listener))
        return false;
    bool good = needs_no_cookie(tcp, listener->opt, SERVER_NO_COOKIE, &in->flow.local, &in->flow.remote) ||
                (tcp->params.fastopen_any_cookie && options->has_fastopen) || is_cookie_good(listener, in, &by_backup);
    if (!good && !options->has_fastopen)
        return false;
    if (good) {
        *taken = make_child(listener, in, packet, slot, by_backup);
        if (*taken)
            return true;
    }
    if (options->fastopen_length)
        TCP_MIB(tcp, FastOpenPassiveFail);
    struct syn_entry *entry = tcp_syn(tcp, slot);
    entry->offers_fastopen = true;
    entry->fastopen_exp = options->fastopen_experimental;
    return false;
}

static void put_cookie(const struct tcp *tcp, const struct tcb_opts *opts, const struct flow *flow, struct tcp_options *options)
{
    struct siphash_key keys[2];
    (void)keys_of(tcp, opts, keys);
    options->has_fastopen = true;
    options->fastopen_length = COOKIE_BYTES;
    if (tcp->params.fastopen_any_cookie)
        memset(options->fastopen, 0, COOKIE_BYTES);
    else
        make_cookie(&keys[0], flow, options->fastopen);
}

void fastopen_add_to_synack(struct tcp *tcp, const struct syn_entry *entry, struct tcp_options *options)
{
    options->fastopen_experimental = entry->fastopen_exp;
    put_cookie(tcp, entry->listener == TCP_NONE ? &tcp->default_opts : tcp->listeners[entry->listener]->opt, &entry->flow, options);
}

/* A child's SYN/ACK: its cookie was an old key's, here is the new one's (Linux: in the first alone). */
void fastopen_renew_cookie(struct tcb *tcb, struct tcp_options *options)
{
    if (tcb->retransmits)
        return;
    options->fastopen_experimental = tcb->ext->fastopen_exp;
    put_cookie(tcb->tcp, tcb->opt, &tcb->flow, options);
}
