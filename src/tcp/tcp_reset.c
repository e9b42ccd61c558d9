/* tcp_reset.c: resets (RFC 9293 3.5.2, 3.5.3, 3.10.7.1) and challenge ACKs (RFC 5961), in a bounded ring of replies. */
#include "tcp/tcb.h"

struct tcp_reply *reply_push(struct tcp *tcp)
{
    if (!tcp->replies) {
        tcp->replies = pool_alloc(tcp->pool, REPLY_LIMIT * sizeof *tcp->replies);
        if (!tcp->replies)
            return NULL;
    }
    if (tcp->reply_count == REPLY_LIMIT)
        return NULL; /* a flood: its answers are dropped, as a full queue's are */
    if (!tcp->due && tcp->hooks.due)
        tcp->hooks.due(tcp->hooks.ctx);
    if (tcp->reply_count == 0)
        tcp->reply_first = 0; /* what is in the cache */
    tcp->due |= DUE_REPLY;
    return &tcp->replies[(tcp->reply_first + tcp->reply_count++) % REPLY_LIMIT];
}

static uint8_t tos_of(const struct tcb *tcb) { return tcb->opt->socket.tos[!tcb->is_v4] & (tcb->ecn_ok ? 0xfc : 0xff); }

static void fill_header(const struct tcp_reply *reply, struct tcphdr_ *header)
{
    header->checksum = 0;
    header->urgent = reply->urgent;
    header->header_length = 0;
    memset(&header->options, 0, offsetof(struct tcp_options, sack)); /* the arrays behind are valid by their counts */
    header->source_port = reply->flow.local_port;
    header->dest_port = reply->flow.remote_port;
    header->seq = reply->seq;
    header->ack = reply->ack;
    header->flags = reply->flags;
    header->window = reply->window;
    header->options.has_timestamp = reply->has_ts;
    header->options.ts_value = reply->ts_value;
    header->options.ts_echo = reply->ts_echo;
    if (reply->has_md5) {
        header->options.has_md5 = true;
        memcpy(header->options.md5, reply->md5, sizeof reply->md5);
    }
    if (reply->sack_count) {
        header->options.sack_count = reply->sack_count;
        memcpy(header->options.sack, reply->sack, sizeof reply->sack);
    }
    if (reply->flags & TCP_SYN) { /* a cookie's SYN/ACK */
        header->options.has_mss = true;
        header->options.mss = reply->mss;
        header->options.has_wscale = reply->wscale_ok;
        header->options.wscale = reply->wscale;
        header->options.sack_permitted = reply->sack_ok;
        if (reply->accecn)
            accecn_put_opening(&header->options);
    } else if (reply->accecn) {
        accecn_put_counters(&header->options, reply->counters, reply->accecn - 1u);
    }
}

/* A reply outlives who asked for it: it has its flow label, and is signed, when it is made, complete. */
void reply_sign(struct tcp_reply *reply, const struct tcb_opts *opts)
{
    struct tcphdr_ header;
    if (opts && opts->socket.flow_label && !addr_is_v4(&reply->flow.remote) && !reply->flow_label)
        reply->flow_label = opts->socket.flow_label;
    if (!opts || !opts->md5 || !md5_is_signed(opts, &reply->flow.remote))
        return;
    reply->has_md5 = true;
    fill_header(reply, &header);
    md5_sign(opts, &reply->flow, &header, NULL);
    memcpy(reply->md5, header.options.md5, sizeof reply->md5);
}

static void sign(const struct tcb *tcb, struct tcp_reply *reply)
{
    if (!tcb->is_v4)
        reply->flow_label = path_label(tcb);
    if (!tcb->is_v4 || tcb->is_guarded) /* else there is no key */
        reply_sign(reply, tcb->opt);
}

bool reply_output(struct tcp *tcp, struct tcp_segment *segment)
{
    const struct tcp_reply *reply = &tcp->replies[tcp->reply_first];
    tcp->reply_first = (tcp->reply_first + 1) % REPLY_LIMIT;
    if (--tcp->reply_count == 0)
        tcp->due &= ~(uint32_t)DUE_REPLY;
    segment->flow = reply->flow;
    segment->packet = NULL;
    segment->gso_size = 0;
    fill_header(reply, &segment->header);
    segment->option_order = tcp->params.option_order;
    segment->flow_label = reply->flow_label;
    segment->tos = reply->tos;
    segment->ttl = reply->ttl;
    segment->dont_fragment = tcp->params.pmtu_discovery;
    TCP_MIB(tcp, OutSegs);
    if (reply->flags & TCP_RST)
        TCP_MIB(tcp, OutRsts);
    return true;
}

/* FreeBSD (badport_bandlim()): a flood of segments is not answered by one of resets. */
static bool resets_enough(struct tcp *tcp)
{
    uint32_t limit = tcp->params.reset_limit;
    if (!limit)
        return false;
    if (!tcp->resets || tcp->now_ns - tcp->resets_since_ns >= NS_PER_S) {
        tcp->resets_since_ns = tcp->now_ns;
        tcp->resets = 0;
    }
    return ++tcp->resets > limit;
}

/* RFC 9293 3.10.7.1 and 3.5.2 group 1: SEQ=SEG.ACK if there is an ACK, else SEQ=0 and ACK=SEG.SEQ+SEG.LEN; never for an RST. NULL: none. */
static struct tcp_reply *reset_in_answer(struct tcp *tcp, const struct tcp_in *in)
{
    const struct tcphdr_ *header = &in->header;
    if ((header->flags & TCP_RST) || addr_is_multicast(&in->flow.local) || addr_is_multicast(&in->flow.remote))
        return NULL;
    if (resets_enough(tcp))
        return NULL;
    struct tcp_reply *reply = reply_push(tcp);
    if (!reply)
        return NULL;
    *reply = (struct tcp_reply){.flow = in->flow, .flags = TCP_RST};
    if (header->flags & TCP_ACK) {
        reply->seq = header->ack;
    } else {
        reply->ack = header->seq + in->payload + !!(header->flags & TCP_SYN) + !!(header->flags & TCP_FIN);
        reply->flags |= TCP_ACK;
    }
    return reply;
}

void reset_reply(struct tcp *tcp, const struct tcp_in *in)
{
    struct tcp_reply *reply = reset_in_answer(tcp, in);
    if (!reply)
        return;
    if (tcp->params.input_policy == TCP_INPUT_LINUX) /* of the class that it answers */
        reply->tos = in->tos & 0xfc;
    if (tcp->params.flow_label_reflect & FLOW_LABEL_RESETS && !addr_is_v4(&in->flow.remote))
        reply->flow_label = in->flow_label;
    if (tcp->has_guards)
        guard_sign_reply(tcp, reply);
}

/* Linux: what waits out of order is told to the last. */
static void add_sack(struct tcb *tcb, struct tcp_reply *reply)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    if (tcb_params(tcb)->last_ack_tells_all ? !(tcb->sack_ok && ext->base.blocks)
                                            : tcb_params(tcb)->input_policy != TCP_INPUT_LINUX || !(ext->ooo || ext->has_dsack))
        return;
    struct tcp_options options = {.has_timestamp = tcb->ts_ok};
    sack_generate(tcb, &options);
    reply->sack_count = options.sack_count;
    memcpy(reply->sack, options.sack, sizeof reply->sack);
}

/* Linux: each segment tells of ECN; an orphan in FIN-WAIT-2 has forgotten of it all but the IP field. */
static void add_ecn(struct tcb *tcb, struct tcp_reply *reply)
{
    if (tcb_params(tcb)->last_ack_tells_all)
        reply->flags |= bsd_ecn_flags(tcb);
    if (!tcb->ecn_ok || tcb_params(tcb)->input_policy != TCP_INPUT_LINUX)
        return;
    bool is_accurate = accecn_is_on(tcb);
    reply->tos |= is_accurate ? accecn_tos(tcb) : cc_has_ecn(tcb) ? 2 : 0;
    if (tcb->is_fin_waiter)
        return;
    if (!is_accurate) {
        reply->flags |= tcb->ecn_demand_cwr ? TCP_ECE : 0;
        return;
    }
    struct tcp_segment segment = {.header.flags = reply->flags};
    struct tcp_options *options = &segment.header.options;
    options->has_timestamp = reply->has_ts;
    options->sack_count = reply->sack_count;
    accecn_mark(tcb, &segment, reply->sack_count && tcb->ext->dsack_start == reply->sack[0].start);
    reply->flags = segment.header.flags;
    reply->sack_count = options->sack_count;
    reply->accecn = options->has_accecn ? options->accecn_fields + 1 : 0;
    memcpy(reply->counters, tcb->ext->accecn.received, sizeof reply->counters);
}

void reset_answer(struct tcb *tcb, const struct tcp_in *in)
{
    struct tcp_reply *reply;
    if (tcb_params(tcb)->input_policy != TCP_INPUT_BSD) {
        reset_reply(tcb->tcp, in);
        return;
    }
    if (!(reply = reset_in_answer(tcb->tcp, in)))
        return;
    reply->flags |= bsd_ecn_flags(tcb);
    reply->tos = tos_of(tcb);
    reply->ttl = output_ttl(tcb);
    reply->has_ts = tcb->ts_ok;
    reply->ts_value = tcb_ts_now(tcb);
    reply->ts_echo = tcb->ts_recent;
    sign(tcb, reply);
}

void reset_send(struct tcb *tcb)
{
    struct tcp_reply *reply = reply_push(tcb->tcp);
    if (!reply)
        return;
    *reply = (struct tcp_reply){
        .flow = tcb->flow, .seq = tcb->snd_nxt + tcb_ext_peek(tcb)->probe_byte, .flags = TCP_RST, .tos = tos_of(tcb),
        .ttl = output_ttl(tcb)};
    if (tcb->ext && tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX) /* a segment as any (tcp_send_active_reset()) */
        tcb->ext->segs_out++;
    if (tcb->state != TCPS_SYN_SENT) {
        reply->ack = tcb->rcv_nxt;
        reply->flags |= TCP_ACK;
        reply->window = tcb_params(tcb)->adv_win_scale ? window_select(tcb) : 0; /* Linux: as any segment's */
        if (tcb->ts_ok) {
            reply->has_ts = true;
            reply->ts_value = tcb_ts_now(tcb);
            reply->ts_echo = tcb->ts_recent;
        }
        add_sack(tcb, reply);
        add_ecn(tcb, reply);
        const struct tcb_ext *ext = tcb_ext_peek(tcb);
        if (ext->snd_urgent && seq_lt(reply->seq, ext->snd_up) && tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX) {
            reply->flags |= TCP_URG;
            reply->urgent = (uint16_t)min_u32(ext->snd_up - reply->seq, 0xffff);
        }
    }
    sign(tcb, reply);
}

/* RFC 5961 7 (and CVE-2016-5696): a host-wide limit with noise, so that a blind attacker learns nothing from counting: from half
 * the limit to one and a half of it (Linux). */
static bool challenge_allowed(struct tcp *tcp)
{
    uint32_t limit = tcp->params.challenge_ack_limit;
    if (limit == 0 || limit == INT32_MAX)
        return true;
    uint64_t second = tcp->now_ns / NS_PER_S;
    if (second != tcp->challenge_s || (tcp->challenge_left == 0 && tcp->challenge_s == 0)) {
        tcp->challenge_s = second;
        tcp->challenge_left = (limit + 1) / 2 + (uint32_t)prng_below(&tcp->prng, limit);
    }
    if (tcp->challenge_left == 0)
        return false;
    tcp->challenge_left--;
    return true;
}

/* At most one ACK in answer to invalid segments of a connection each invalid_ratelimit_ms. */
bool oow_ack_allowed(struct tcb *tcb)
{
    uint64_t limit_ns = (uint64_t)tcb_params(tcb)->invalid_ratelimit_ms * NS_PER_MS;
    if (limit_ns == 0)
        return true;
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext)
        return false;
    if (ext->oow_ack_ns && tcb_now(tcb) - ext->oow_ack_ns < limit_ns)
        return false;
    ext->oow_ack_ns = tcb_now(tcb) ? tcb_now(tcb) : 1;
    return true;
}

bool challenge_ack(struct tcb *tcb)
{
    if (tcb_params(tcb)->conn_challenge_count) { /* FreeBSD: an ACK without a thought for the rest */
        struct tcb_ext *ext = tcb_ext_get(tcb);
        if (ext && bsd_challenge_allowed(tcb->tcp, &ext->challenge_end_ms, &ext->challenge_count)) {
            TCP_MIB(tcb->tcp, ChallengeACK);
            reply_here(tcb, ext->base.cwnd ? ext->base.next : tcb->snd_nxt, TCP_ACK); /* after a timeout it goes over what it sends again */
            tcb->rcv_wnd = tcb_receive_window(tcb); /* the right edge stays where it is */
            tcb->rcv_wup = tcb->rcv_nxt;
        }
        return false;
    }
    if (!oow_ack_allowed(tcb)) {
        TCP_MIB(tcb->tcp, ACKSkippedChallenge);
        return false;
    }
    if (!challenge_allowed(tcb->tcp))
        return false;
    TCP_MIB(tcb->tcp, ChallengeACK);
    if (tcb->state == TCPS_SYN_RECEIVED && tcb->is_passive)
        reply_ack(tcb); /* its own output is the SYN/ACK */
    else
        delack_ack_now(tcb);
    return true;
}

void reply_here(struct tcb *tcb, uint32_t seq, uint16_t flags)
{
    struct tcp_reply *reply = reply_push(tcb->tcp);
    uint8_t scale = tcb->state < TCPS_ESTABLISHED ? 0 : tcb->rcv_wscale; /* rcv_scale comes with the ACK of the SYN */
    uint32_t window = min_u32(window_room(tcb), 65535u << scale);
    if (!reply)
        return;
    *reply = (struct tcp_reply){.flow = tcb->flow,
                                .seq = seq,
                                .ack = tcb->rcv_nxt,
                                .flags = flags | bsd_ecn_flags(tcb),
                                .window = (uint16_t)(window >> scale),
                                .tos = tos_of(tcb), .ttl = output_ttl(tcb),
                                .has_ts = tcb->ts_ok,
                                .ts_value = tcb_ts_now(tcb),
                                .ts_echo = tcb->ts_recent};
    sign(tcb, reply);
}

void reply_old_ack(struct tcb *tcb, uint32_t ack)
{
    struct tcp_reply *reply = reply_push(tcb->tcp);
    uint32_t window = min_u32(tcb->rcv_wnd, 65535u << tcb->rcv_wscale);
    if (!reply)
        return;
    *reply = (struct tcp_reply){.flow = tcb->flow,
                                .seq = tcb->snd_nxt,
                                .ack = ack,
                                .flags = TCP_ACK,
                                .window = (uint16_t)(window >> tcb->rcv_wscale),
                                .tos = tos_of(tcb), .ttl = output_ttl(tcb),
                                .has_ts = tcb->ts_ok,
                                .ts_value = tcb_ts_now(tcb),
                                .ts_echo = tcb->ts_recent};
    add_ecn(tcb, reply);
    sign(tcb, reply);
}

void reply_ack(struct tcb *tcb)
{
    struct tcp_reply *reply = reply_push(tcb->tcp);
    if (!reply)
        return;
    *reply = (struct tcp_reply){.flow = tcb->flow, .seq = tcb->snd_nxt, .ack = tcb->rcv_nxt, .flags = TCP_ACK, .window = window_select(tcb),
                                .tos = tos_of(tcb), .ttl = output_ttl(tcb),
                                .has_ts = tcb->ts_ok, .ts_value = tcb_ts_now(tcb), .ts_echo = tcb->ts_recent};
    add_sack(tcb, reply);
    add_ecn(tcb, reply);
    sign(tcb, reply);
}
