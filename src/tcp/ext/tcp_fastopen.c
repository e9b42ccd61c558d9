/* tcp_fastopen.c: the client's side of TCP fast open (RFC 7413 4.1.3, 4.2.1): its memory of cookies, data in the SYN. Data goes into the
 * send stream before the SYN; the SYN carries a copy of what fits. What the SYN/ACK does not acknowledge is simply unsent. The sysctl's
 * bits are Linux's (ip-sysctl, tcp_fastopen). */
#include "tcp/ext/tcp_fastopen_inner.h"
#include "tcp/sockopt/tcp_stamp.h"

enum { COOKIE_MIN = 4, OPTION_SPACE = 40 /* kept free for middleboxes, as Linux does */, MSS_UNKNOWN = 536 };
enum { FASTOPEN_NO_COOKIE = 1, FASTOPEN_DATA_NOT_ACKED, FASTOPEN_SYN_RESENT }; /* tcpi_fastopen_client_fail */
enum { CLIENT = 1, CLIENT_NO_COOKIE = 4 };

void fastopen_put_hash(uint64_t value, uint8_t cookie[COOKIE_BYTES])
{
    for (unsigned i = 0; i < COOKIE_BYTES; i++)
        cookie[i] = (uint8_t)(value >> 8 * i);
}

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

bool fastopen_needs_no_cookie(struct tcp *tcp, const struct tcb_opts *opts, unsigned host_flag, const struct addr *local,
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
    return (memo && memo->length) || fastopen_needs_no_cookie(tcp, tcb->opt, CLIENT_NO_COOKIE, &tcb->flow.local, remote);
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
    uint32_t mss = mss_of_mtu(tcp, tcb->is_v4, tcb->mss + tcb_headers(tcb));
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
        fastopen_put_hash(siphash24(&tcb->opt->fastopen_key[0], memo->cookie, memo->length), options->fastopen);
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
    bool without = fastopen_needs_no_cookie(tcb->tcp, tcb->opt, CLIENT_NO_COOKIE, &tcb->flow.local, &tcb->flow.remote);
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

struct txseg *fastopen_put_in_flight(struct tcb *tcb, uint32_t length)
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
    struct txseg *seg = fastopen_put_in_flight(tcb, length);
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
        if (fastopen_put_in_flight(tcb, length - acked)) /* no fast open any more: it waits for the timer */
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
    (void)fastopen_put_in_flight(tcb, tcb->ext->fastopen_length);
}

/* The highest acknowledgment that answers our SYN. */
uint32_t fastopen_syn_end(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    return tcb->snd_nxt + (ext->syn_fastopen ? ext->fastopen_length : 0);
}
