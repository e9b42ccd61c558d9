/* tcp_cookie.c: SYN cookies (RFC 4987 3.6): when the incomplete queue is full the state goes into the SYN/ACK's sequence number (time,
 * MSS) and, with timestamps, into the low bits of TSval (scale, SACK, ECN). */
#include "tcp/tcb.h"

enum { COOKIE_SECONDS = 60, WHOLE_SECONDS = 15 /* FreeBSD's SYNCOOKIE_LIFETIME */ };
enum { COOKIE_AGE = 2, TS_BITS = 6, TS_WSCALE_NONE = 15, TS_SACK = 16, TS_ECN = 32 };
static const uint16_t mss_v4[] = {536, 1300, 1440, 1460}, mss_v6[] = {1220, 1420, 1440, 8940};

/* FreeBSD: seven bits of the cookie itself: SACK, the peer's scale, its MSS, each as the next lower of these. */
enum { WHOLE_SACK = 64, WHOLE_LIMIT = 128, PLAIN_LIMIT = 4 };
static const uint16_t whole_mss[8] = {216, 536, 1200, 1360, 1400, 1440, 1452, 1460};
static const uint8_t whole_scale[8] = {0, 0, 1, 2, 4, 6, 7, 8};

static uint32_t whole_bits(const struct syn_entry *entry)
{
    uint32_t mss = 7, scale = 7;
    while (mss > 0 && entry->mss < whole_mss[mss])
        mss--;
    while (scale > 0 && entry->snd_wscale < whole_scale[scale])
        scale--;
    return mss | (entry->wscale_ok ? scale << 3 : 0) | (entry->sack_ok ? WHOLE_SACK : 0);
}

static uint32_t hash(const struct tcp *tcp, const struct flow *flow, uint32_t count, uint32_t salt)
{
    uint64_t ports = (uint64_t)flow->local_port << 48 | (uint64_t)flow->remote_port << 32 | count;
    return (uint32_t)siphash_4u64(&tcp->cookie_key, flow->local.u64[0] ^ flow->local.u64[1] * 3, flow->remote.u64[0] ^ salt,
                                  flow->remote.u64[1], ports);
}

static uint64_t period_ns(const struct tcp *tcp) { return (tcp->params.cookie_options ? WHOLE_SECONDS : COOKIE_SECONDS) * NS_PER_S; }

static uint32_t clock_of(const struct tcp *tcp) { return (uint32_t)(tcp->now_ns / period_ns(tcp)); }

static uint32_t make(const struct tcp *tcp, const struct flow *flow, uint32_t irs, uint32_t index)
{
    uint32_t count = clock_of(tcp);
    return hash(tcp, flow, 0, 1) + irs + (count << 24) + ((hash(tcp, flow, count, 2) + index) & 0xffffff);
}

/* The MSS index, or -1: no cookie of ours, or too old. */
static int check(const struct tcp *tcp, const struct flow *flow, uint32_t irs, uint32_t cookie)
{
    cookie -= hash(tcp, flow, 0, 1) + irs;
    uint32_t now = clock_of(tcp), age = (now - (cookie >> 24)) & 0xff;
    if (age >= COOKIE_AGE)
        return -1;
    uint32_t index = (cookie - hash(tcp, flow, now - age, 2)) & 0xffffff;
    return index < (tcp->params.cookie_options ? WHOLE_LIMIT : PLAIN_LIMIT) ? (int)index : -1;
}

/* Answers a SYN with a cookie and keeps nothing. */
bool cookie_send(struct tcp_listener *listener, const struct tcp_in *in)
{
    struct tcp *tcp = listener->tcp;
    struct syn_entry entry = {.flow = in->flow, .irs = in->header.seq, .listener = TCP_NONE};
    synq_fill(tcp, &entry, listener, in);
    const uint16_t *table = addr_is_v4(&in->flow.remote) ? mss_v4 : mss_v6;
    uint32_t index = 3, most = listener->opt->user_mss ? min_u32(listener->opt->user_mss, entry.mss) : entry.mss;
    while (index > 0 && most < table[index])
        index--;
    struct tcp_reply *reply = reply_push(tcp);
    if (!reply)
        return false;
    if (tcp->params.cookie_options) {
        index = whole_bits(&entry);
    } else if (!entry.ts_ok) { /* nowhere to keep them */
        entry.wscale_ok = entry.sack_ok = entry.ecn_ok = false;
        entry.rcv_wscale = 0;
    }
    *reply = (struct tcp_reply){.flow = in->flow,
                                .seq = make(tcp, &in->flow, entry.irs, index),
                                .ack = entry.irs + 1,
                                .flags = TCP_SYN | TCP_ACK | (entry.accecn_ok ? accecn_reflect(entry.syn_ect) : entry.ecn_ok ? TCP_ECE : 0),
                                .window = (uint16_t)min_u32(entry.window, 65535),
                                .tos = (uint8_t)(entry.tos | (cc_needs_ecn(tcp, listener->opt) ? 2 : 0)),
                                .ttl = listener->opt->socket.ttl[!addr_is_v4(&in->flow.remote)],
                                .mss = entry.advmss,
                                .wscale_ok = entry.wscale_ok,
                                .wscale = entry.rcv_wscale,
                                .sack_ok = entry.sack_ok,
                                .accecn = entry.accecn_ok && tcp->params.ecn_option};
    if (entry.ts_ok) {
        uint32_t bits = (entry.wscale_ok ? entry.snd_wscale : TS_WSCALE_NONE) | (entry.sack_ok ? TS_SACK : 0) | (entry.ecn_ok ? TS_ECN : 0);
        uint32_t now = tcp->now_ts, value = (now & ~((1u << TS_BITS) - 1)) | bits;
        if (value > now)
            value -= 1u << TS_BITS;
        if (tcp->params.cookie_options)
            value = now;
        reply->has_ts = true;
        reply->ts_value = value + entry.ts_offset;
        reply->ts_echo = entry.ts_recent;
    }
    if (tcp->params.flow_label_reflect & FLOW_LABEL_CONNECTIONS && !addr_is_v4(&in->flow.remote))
        reply->flow_label = in->flow_label;
    reply_sign(reply, listener->opt);
    TCP_MIB(tcp, SyncookiesSent);
    return true;
}

/* Linux: the echo of a cookie's timestamp asks for what this host does not offer (any more): it is none of ours. */
static bool is_decodable(struct tcp *tcp, const struct tcp_in *in)
{
    const struct tcp_options *options = &in->header.options;
    const struct tcp_params *params = &tcp->params;
    if (!options->has_timestamp || params->cookie_options || !params->offer_timestamps) /* then none is seen */
        return true;
    uint32_t bits = options->ts_echo ? options->ts_echo - isn_ts_offset(tcp, &in->flow) : 0;
    bool has_wscale = (bits & TS_WSCALE_NONE) != TS_WSCALE_NONE;
    return (params->offer_sack || !(bits & TS_SACK)) && (params->offer_wscale || !has_wscale);
}

static void restore(struct tcp_listener *listener, const struct tcp_in *in, struct syn_entry *entry, int index)
{
    struct tcp *tcp = listener->tcp;
    const struct tcphdr_ *header = &in->header;
    bool v4 = addr_is_v4(&in->flow.remote);
    struct tcp_in syn = {.flow = in->flow, .ifindex = in->ifindex};
    syn.header.seq = header->seq - 1;
    syn.header.window = header->window;
    syn.header.options.has_mss = true;
    syn.header.options.mss = tcp->params.cookie_options ? whole_mss[index & 7] : (v4 ? mss_v4 : mss_v6)[index];
    *entry = (struct syn_entry){.flow = in->flow, .irs = header->seq - 1, .listener = listener->slot};
    if (header->options.has_timestamp && tcp->params.offer_timestamps) {
        uint32_t echo = header->options.ts_echo, bits = echo ? (echo - isn_ts_offset(tcp, &in->flow)) & ((1u << TS_BITS) - 1) : 0;
        syn.header.options.has_timestamp = true;
        syn.header.options.ts_value = header->options.ts_value;
        syn.header.options.sack_permitted = bits & TS_SACK;
        syn.header.options.has_wscale = (bits & 15) != TS_WSCALE_NONE;
        syn.header.options.wscale = bits & 15;
        if (bits & TS_ECN)
            syn.header.flags = TCP_ECE | TCP_CWR;
    }
    if (tcp->params.cookie_options) {
        syn.header.flags = 0;
        syn.header.options.sack_permitted = index & WHOLE_SACK;
        syn.header.options.has_wscale = (index >> 3 & 7) != 0;
        syn.header.options.wscale = whole_scale[index >> 3 & 7];
    }
    bool traced = tcp->hooks.trace;
    void (*trace)(void *, const struct lil_trace *) = tcp->hooks.trace;
    tcp->hooks.trace = NULL; /* the SYN was traced when it came, if it was one of ours */
    synq_fill(tcp, entry, listener, &syn);
    tcp->hooks.trace = traced ? trace : NULL;
    uint8_t wscale; /* in whole segments of the cookie's size */
    uint32_t full = window_first_space(&tcp->params, listener->opt);
    entry->window = window_initial(tcp, listener->opt, NULL, full, syn.header.options.mss, entry->wscale_ok, &wscale);
    entry->accecn_ok = entry->ecn_ok && accecn_is_told(header->flags) && !tcp->params.cookie_options;
    entry->iss = header->ack - 1;
    entry->snd_wnd = (uint32_t)header->window << entry->snd_wscale;
    entry->start_ns = tcp->now_ns ? tcp->now_ns : 1;
    entry->is_cookie = true;
    entry->retransmits = !tcp->params.rtt_by_data; /* no round trip to measure */
}

struct tcb *cookie_accept(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet, enum lil_drop *drop)
{
    struct tcp *tcp = listener->tcp;
    bool expected = tcp->params.syncookies && listener->overflow_ns &&
                    tcp->now_ns - (listener->overflow_ns - 1) < COOKIE_AGE * period_ns(tcp);
    if (!expected || (in->header.flags & (TCP_SYN | TCP_RST)))
        return NULL;
    int index = check(tcp, &in->flow, in->header.seq - 1, in->header.ack - 1);
    if (index < 0) {
        TCP_MIB(tcp, SyncookiesFailed);
        return NULL;
    }
    TCP_MIB(tcp, SyncookiesRecv);
    if (!is_decodable(tcp, in))
        return NULL;
    if (listener_is_full(listener)) { /* a cookie at a full accept queue is dropped without a word */
        TCP_MIB(tcp, ListenOverflows);
        TCP_MIB(tcp, ListenDrops);
        *drop = LIL_DROP_TCP_ACCEPT_QUEUE;
        return NULL;
    }
    struct syn_entry entry;
    restore(listener, in, &entry, index);
    struct tcb *tcb = synq_make_tcb(tcp, &entry, listener);
    if (!tcb || flow_insert(tcp, &tcb->flow, flow_hash(tcp, &tcb->flow), FLOW_TCB, tcb->slot, !tcb->reuseaddr) < 0) {
        if (tcb)
            tcb_free(tcb);
        *drop = LIL_DROP_TCP_MEMORY;
        return NULL;
    }
    tcb->is_counted = true;
    tcb_adopt_syn_received(tcb);
    TCP_MIB(tcp, PassiveOpens);
    *drop = tcp_input_tcb(tcb, in, packet);
    listener_enqueue(listener, tcb);
    return tcb;
}
