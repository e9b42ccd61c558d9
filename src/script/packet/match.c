/* match.c: lines with '>': what the host sent, compared field by field with what the script says. Fields that a line
 * leaves out (win, IP's parts, <...>) are not compared; TS val is learned, and compared with the clock only when
 * --tcp_ts_tick_usecs says how fast it runs. Segments that continue each other match one longer line. */
#include "script/packet/script_packet.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/csum.h"
#include "script/language/big_endian.h"
#include "script/language/encap.h"

struct sent *sent_new(const void *bytes, size_t length, uint64_t now_ns)
{
    struct sent *sent = calloc(1, sizeof *sent + length);
    if (!sent)
        return NULL;
    sent->time_ns = now_ns;
    sent->length = (uint32_t)length;
    memcpy(sent->bytes, bytes, length);
    sent->encap_length = (uint32_t)encap_offset(sent->bytes, length);
    const uint8_t *at = sent->bytes + sent->encap_length;
    length -= sent->encap_length;
    if (ip_parse(&sent->ip, at, length) < 0 || sent->ip.header_length > length) {
        sent->ip.protocol = 255;
        return sent;
    }
    sent->transport = at + sent->ip.header_length;
    sent->transport_length = sent->ip.payload_length;
    if (sent->transport_length > length - sent->ip.header_length)
        sent->transport_length = (uint32_t)(length - sent->ip.header_length);
    return sent;
}

void sent_unwrap(struct sent *sent, uint32_t port)
{
    enum { UDP_HEADER = 8 };
    if (!port || sent->ip.protocol != IPPROTO_UDP || sent->transport_length < UDP_HEADER + 20 || get16(sent->transport) != port)
        return;
    sent->tunnel_source = get16(sent->transport);
    sent->tunnel_dest = get16(sent->transport + 2);
    sent->ip.protocol = IPPROTO_TCP;
    sent->transport += UDP_HEADER;
    sent->transport_length -= UDP_HEADER;
}

/* Neighbour discovery, multicast reports and traffic of sockets that the script does not know are no part of it. */
bool sent_is_relevant(struct run *run, const struct sent *sent)
{
    if (sent->transport_length < 8)
        return false;
    if (sent->ip.protocol == IPPROTO_ICMPV6)
        return sent->transport[0] < 130;
    return sent->ip.protocol == IPPROTO_ICMP || conn_for_sent(run, sent) != NULL;
}

static bool is_icmp(const struct sent *sent)
{
    return sent->ip.protocol == IPPROTO_ICMP || sent->ip.protocol == IPPROTO_ICMPV6;
}

static struct sent *take(struct run *run)
{
    while (run->queue) {
        struct sent *sent = run->queue;
        if (sent->time_ns > run->now_ns) /* netem holds it back; what the host sends meanwhile is behind it */
            run_until(run, sent->time_ns);
        run->queue = sent->next;
        if (!run->queue)
            run->queue_last = &run->queue;
        if (sent_is_relevant(run, sent))
            return sent;
        free(sent);
    }
    return NULL;
}

/* The next packet for a line. ICMP is passed over where no line asks for it: as in packetdrill, it is nobody's. */
static struct sent *await_packet(struct run *run, bool for_icmp, uint64_t limit_ns)
{
    bool late = false;
    run_settle(run);
    while (true) {
        struct sent *sent = take(run);
        if (sent && is_icmp(sent) && !for_icmp && !run->config.strict)
            free(sent);
        else if (sent || late)
            return sent;
        else
            late = !run_step(run, limit_ns);
    }
}

struct match {
    struct run *run;
    const struct script_event *event;
    const struct spec_packet *spec;
    struct conn *conn;
    struct sent *sent;        /* the first */
    uint32_t payload;         /* of all segments that were joined */
    uint16_t flags;
    char what[200];           /* the first difference; "" so far so good */
};

static void differ(struct match *match, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void differ(struct match *match, const char *format, ...)
{
    if (match->what[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(match->what, sizeof match->what, format, arguments);
    va_end(arguments);
}

static void match_ip(struct match *match)
{
    const struct spec_packet *spec = match->spec;
    const struct ip *ip = &match->sent->ip;
    static const char *const names[] = {"noecn", "ect1", "ect0", "ce"};
    int ecn = ip->tos & 3;
    if (spec->ecn == ECN_ECT01 ? ecn != 1 && ecn != 2 : spec->ecn >= 0 && ecn != spec->ecn)
        differ(match, "the ECN mark is %s, not %s", names[ecn], spec->ecn == ECN_ECT01 ? "ect01" : names[spec->ecn]);
    if ((spec->has_tos || spec->has_dscp) && (spec->has_tos && spec->ecn == ECN_ANY ? ip->tos != spec->tos : (ip->tos ^ spec->tos) & 0xfc))
        differ(match, "TOS is 0x%02x, not 0x%02x", ip->tos, spec->tos);
    if (spec->has_ttl && ip->ttl != spec->ttl)
        differ(match, "TTL is %u, not %u", ip->ttl, spec->ttl);
}

/* As in packetdrill a flow label is the script's own: one name is one label, another name another. 0 is not looked at. */
static void match_flow_label(struct match *match)
{
    const struct spec_packet *spec = match->spec;
    struct conn *conn = match->conn;
    uint32_t live = match->sent->ip.flow_label;
    if (!spec->has_flow_label || (!spec->flow_label && !spec->flow_label_live) || match->sent->ip.version != 6)
        return;
    if (spec->flow_label_live || !conn) {
        if (live != spec->flow_label)
            differ(match, "the flow label is 0x%x, not 0x%x", live, spec->flow_label);
    } else if (!live) {
        differ(match, "it has no flow label");
    } else if (!conn->script_flow_label) {
        conn->script_flow_label = spec->flow_label;
        conn->live_flow_label = live;
    } else if (spec->flow_label == conn->script_flow_label) {
        if (live != conn->live_flow_label)
            differ(match, "the flow label is another one (0x%x, before 0x%x)", live, conn->live_flow_label);
    } else if (live == conn->live_flow_label) {
        differ(match, "the flow label is the same one (0x%x)", live);
    } else {
        conn->script_flow_label = spec->flow_label;
        conn->live_flow_label = live;
    }
}

static void match_tunnel(struct match *match)
{
    const struct spec_packet *spec = match->spec;
    const struct sent *sent = match->sent;
    if (!spec->has_tunnel && sent->tunnel_source)
        differ(match, "it goes in UDP, %u > %u", sent->tunnel_source, sent->tunnel_dest);
    else if (spec->has_tunnel && (spec->tunnel_source != sent->tunnel_source || spec->tunnel_dest != sent->tunnel_dest))
        differ(match, sent->tunnel_source ? "it goes in UDP, %u > %u" : "it does not go in UDP", sent->tunnel_source, sent->tunnel_dest);
    if (match->conn) {
        match->conn->tunnel_local = sent->tunnel_source;
        match->conn->tunnel_remote = sent->tunnel_dest;
    }
}

static void match_checksum(struct match *match)
{
    const struct sent *sent = match->sent;
    const uint8_t *transport = sent->transport - (sent->tunnel_source ? 8 : 0); /* with UDP's header: its checksum alone counts */
    uint32_t length = sent->transport_length + (uint32_t)(sent->transport - transport);
    uint8_t protocol = sent->tunnel_source ? IPPROTO_UDP : sent->ip.protocol;
    uint32_t sum = protocol == IPPROTO_ICMP ? 0 : addr_pseudo_sum(&sent->ip.source, &sent->ip.dest, protocol, length);
    if (sent->ip.protocol == IPPROTO_UDP && sent->ip.version == 4 && get16(sent->transport + 6) == 0)
        return; /* RFC 768: none */
    if (csum_fold(csum_partial(transport, length, sum)) != 0xffff)
        differ(match, "the transport checksum is wrong");
}

/* --- TCP -------------------------------------------------------------------------------------------------------------- */
static unsigned header_size(const struct sent *sent)
{
    unsigned size = sent->transport_length >= 20 ? (unsigned)(sent->transport[12] >> 4) * 4 : 0;
    return size < 20 || size > sent->transport_length ? 0 : size;
}

static bool find_ts(const struct sent *sent, uint32_t *value, uint32_t *echo)
{
    const uint8_t *p = sent->transport + 20, *end = sent->transport + header_size(sent);
    while (p < end && *p != 0) {
        if (*p == 1) {
            p++;
            continue;
        }
        if (p + 1 >= end || p[1] < 2 || p + p[1] > end)
            return false;
        if (*p == 8 && p[1] == 10) {
            *value = get32(p + 2);
            *echo = get32(p + 6);
            return true;
        }
        p += p[1];
    }
    return false;
}

static const struct spec_option *spec_ts(const struct spec_packet *spec)
{
    for (unsigned i = 0; i < spec->option_count; i++)
        if (spec->options[i].kind == OPTION_TIMESTAMP)
            return &spec->options[i];
    return NULL;
}

/* Learns script TS val -> live; with --tcp_ts_tick_usecs the clock behind it is checked, too. */
static void match_ts(struct match *match, uint32_t live)
{
    const struct spec_option *option = spec_ts(match->spec);
    struct conn *conn = match->conn;
    if (!option || option->value_any)
        return;
    uint64_t tick = match->run->config.ts_tick_ns;
    if (!conn->ts_started) {
        conn->ts_started = true;
        conn->ts_first_script = option->value;
        conn->ts_first_live = live;
        conn->ts_first_ns = match->sent->time_ns;
    } else if (tick) {
        int32_t want = (int32_t)(option->value - conn->ts_first_script), got = (int32_t)(live - conn->ts_first_live);
        int64_t off = (int64_t)(want - got) * (int64_t)tick;
        if (off < 0)
            off = -off;
        if ((uint64_t)off > match->run->config.tolerance_ns + tick)
            differ(match, "TS val is %u, not %u", conn->ts_first_script + (uint32_t)got, option->value);
    }
    conn_set_ts(conn, option->value, live);
}

/* A digest that the script does not give is any, or the one that the key makes: the other bytes must be the same. */
static bool digest_matches(struct match *match, uint8_t *want, uint32_t size)
{
    const struct sent *sent = match->sent;
    const uint8_t *options = sent->transport + 20;
    for (unsigned i = 0; i < match->spec->option_count; i++) {
        const struct spec_option *option = &match->spec->options[i];
        if (option->kind != OPTION_MD5 || option->length)
            continue;
        for (uint32_t at = 0; at + 18 <= size; at++) {
            if (want[at] != 19 || want[at + 1] != 18 || options[at] != 19)
                continue;
            memcpy(want + at + 2, options + at + 2, 16);
            if (memcmp(want, options, size) != 0 || option->md5 == MD5_OPEN)
                return memcmp(want, options, size) == 0;
            uint8_t *copy = arena_alloc(&match->run->script.arena, sent->transport_length);
            memcpy(copy, sent->transport, sent->transport_length);
            bool signed_ = packet_sign(match->run, &sent->ip.source, &sent->ip.dest, copy, sent->transport_length);
            bool valid = signed_ && memcmp(copy + 20, options, size) == 0;
            if (valid != (option->md5 == MD5_VALID))
                differ(match, "the MD5 digest is %s",
                       valid     ? "valid"
                       : signed_ ? "not that of the key"
                                 : "there, but the script has set no key (TCP_MD5SIG)");
            return true;
        }
    }
    return false;
}

static void match_options(struct match *match)
{
    uint8_t want[128];
    uint32_t live = 0, echo = 0;
    const struct sent *sent = match->sent;
    if (find_ts(sent, &live, &echo))
        match_ts(match, live);
    if (match->spec->options_any)
        return;
    uint32_t size = packet_options(match->spec, match->conn, live, echo, want), got = header_size(sent) - 20;
    const uint8_t *options = sent->transport + 20;
    if (size != got || (memcmp(want, options, size) != 0 && !digest_matches(match, want, size)))
        differ(match, "the TCP options differ");
}

static void match_numbers(struct match *match)
{
    const struct spec_packet *spec = match->spec;
    struct conn *conn = match->conn;
    const uint8_t *tcp = match->sent->transport;
    if ((match->flags & TCP_SYN) && (spec->flags & TCP_SYN)) { /* the ISN, at last */
        conn->has_local_isn = true;
        conn->live_local_isn = get32(tcp + 4);
        conn->script_local_isn = spec->seq;
    }
    uint32_t seq = get32(tcp + 4) - (spec->seq_live ? 0 : conn->live_local_isn - conn->script_local_isn), ack = get32(tcp + 8);
    if (match->flags != spec->flags)
        differ(match, "the flags differ");
    if (seq != spec->seq && !spec->seq_any)
        differ(match, "the sequence number is %u, not %u", seq, spec->seq);
    if (match->payload != spec->length)
        differ(match, "%u bytes of data, not %u", match->payload, spec->length);
    if ((ack < spec->ack || ack > spec->ack_high) && !spec->ack_any)
        differ(match, spec->ack_high != spec->ack ? "the acknowledgment is %u, not %u~%u" : "the acknowledgment is %u, not %u", ack,
               spec->ack, spec->ack_high);
    if (spec->has_window && (get16(tcp + 14) < spec->window || get16(tcp + 14) > spec->window_high))
        differ(match, spec->window_high != spec->window ? "the window is %u, not %u~%u" : "the window is %u, not %u", get16(tcp + 14),
               spec->window, spec->window_high);
    if (get16(tcp + 18) != spec->urgent)
        differ(match, "the urgent pointer is %u, not %u", get16(tcp + 18), spec->urgent);
}

/* More segments of the same line: they continue the sequence and differ only in flags that GSO would spread. */
static void join_segments(struct match *match, uint64_t limit_ns)
{
    const uint16_t spread = TCP_PSH | TCP_FIN | TCP_CWR;
    struct run *run = match->run;
    uint32_t next = get32(match->sent->transport + 4) + match->payload;
    while (match->payload && match->payload < match->spec->length && !run->config.strict_segments) {
        run_settle(run);
        while (run->queue && !sent_is_relevant(run, run->queue))
            free(take(run)); /* drops the irrelevant ones; NULL when nothing else is there */
        struct sent *sent = run->queue;
        if (!sent) {
            if (!run_step(run, limit_ns))
                return;
            continue;
        }
        unsigned header = header_size(sent);
        if (sent->ip.protocol != IPPROTO_TCP || !header || conn_for_sent(run, sent) != match->conn || get32(sent->transport + 4) != next)
            return;
        uint16_t flags = (uint16_t)(get16(sent->transport + 12) & 0x1ff);
        uint32_t payload = sent->transport_length - header;
        if (!payload || ((flags ^ match->flags) & ~spread) || match->payload + payload > match->spec->length)
            return;
        if (get32(sent->transport + 8) != get32(match->sent->transport + 8))
            return;
        match->flags |= flags;
        match->payload += payload;
        next += payload;
        free(take(run));
    }
}

static void match_tcp(struct match *match, uint64_t limit_ns)
{
    unsigned header = header_size(match->sent);
    if (!header) {
        differ(match, "the TCP header is malformed");
        return;
    }
    match->flags = (uint16_t)(get16(match->sent->transport + 12) & 0x1ff);
    match->payload = match->sent->transport_length - header;
    const struct spec_packet *spec = match->spec;
    uint32_t known = spec->payload_length < match->payload ? spec->payload_length : match->payload;
    if (spec->payload && memcmp(match->sent->transport + header, spec->payload, known) != 0)
        differ(match, "the data are \"%.*s\"", (int)(match->payload < 40 ? match->payload : 40),
               (const char *)match->sent->transport + header);
    join_segments(match, limit_ns);
    match_numbers(match);
    match_options(match);
}

static void match_icmp(struct match *match)
{
    const struct spec_packet *spec = match->spec;
    const uint8_t *p = match->sent->transport;
    if (p[0] != spec->icmp_type || p[1] != spec->icmp_code)
        differ(match, "ICMP type %u code %u, not %u %u", p[0], p[1], spec->icmp_type, spec->icmp_code);
    if (spec->has_mtu && get32(p + 4) != spec->mtu)
        differ(match, "the MTU is %u, not %u", get32(p + 4), spec->mtu);
    if (spec->has_echo && (get16(p + 4) != spec->echo_id || get16(p + 6) != spec->echo_sequence))
        differ(match, "echo id %u seq %u, not %u %u", get16(p + 4), get16(p + 6), spec->echo_id, spec->echo_sequence);
}

/* --- a line ------------------------------------------------------------------------------------------------------------ */
static void no_packet(struct run *run, const struct script_event *event, uint64_t limit_ns)
{
    spec_print(event->packet, run->report->expected, sizeof run->report->expected);
    snprintf(run->report->actual, sizeof run->report->actual, "(no packet)");
    run_fail_packet(run, "the host sent no packet (waited until %.6f s)", (double)run_script_ns(run, limit_ns) / 1e9);
}

static bool protocol_matches(const struct spec_packet *spec, const struct sent *sent)
{
    if (spec->protocol == SPEC_TCP)
        return sent->ip.protocol == IPPROTO_TCP;
    if (spec->protocol == SPEC_UDP)
        return sent->ip.protocol == IPPROTO_UDP;
    return is_icmp(sent);
}

static void compare(struct match *match, uint64_t limit_ns)
{
    struct run *run = match->run;
    if (!protocol_matches(match->spec, match->sent)) {
        differ(match, "another protocol");
        return;
    }
    struct conn *actual = conn_for_sent(run, match->sent);
    if (match->spec->protocol != SPEC_ICMP && actual != match->conn) {
        differ(match, "a packet of another connection (%u > %u)", get16(match->sent->transport), get16(match->sent->transport + 2));
        match->conn = actual;
        return;
    }
    char what[200];
    if (encap_differs(match->spec, match->sent->bytes, match->sent->length, match->sent->encap_length, what, sizeof what))
        differ(match, "%s", what);
    match_ip(match);
    match_flow_label(match);
    match_tunnel(match);
    match_checksum(match);
    if (match->spec->protocol == SPEC_TCP)
        match_tcp(match, limit_ns);
    else if (match->spec->protocol == SPEC_ICMP)
        match_icmp(match);
    else if (match->sent->transport_length - 8 != match->spec->length)
        differ(match, "%u bytes of data, not %u", match->sent->transport_length - 8, match->spec->length);
}

/* --non_fatal=packet: the numbers of a connection whose SYN or SYN/ACK the script waits for are learned, whatever else came before. */
static bool is_passed_over(const struct match *match)
{
    const struct spec_packet *spec = match->spec;
    bool is_opening = spec->protocol == SPEC_TCP && (spec->flags & TCP_SYN);
    if (!match->run->config.non_fatal_packet || !is_opening || !protocol_matches(spec, match->sent))
        return false;
    return conn_for_sent(match->run, match->sent) != match->conn || !(match->sent->transport[13] & TCP_SYN);
}

void packet_expect(struct run *run, const struct script_event *event)
{
    const struct when *when = &event->when;
    struct match match = {.run = run, .event = event, .spec = event->packet};
    bool range = when->kind == WHEN_ABSOLUTE_RANGE || when->kind == WHEN_RELATIVE_RANGE;
    uint64_t due = run->origin_ns + (uint64_t)(range ? when->end_ns : when->start_ns);
    uint64_t limit = when->kind == WHEN_ANY ? run->now_ns + 100000 * NS_PER_S : due + run->config.patience_ns; /* for the report */
    match.conn = conn_for_spec(run, event->packet);
    if (!match.conn && event->packet->protocol != SPEC_ICMP) {
        run_fail_packet(run, event->packet->has_ports ? "no connection of the script has these ports"
                                                      : "no socket for this packet: nothing listens, connects or is bound yet");
        return;
    }
    match.sent = await_packet(run, event->packet->protocol == SPEC_ICMP, limit);
    while (match.sent && is_passed_over(&match)) {
        free(match.sent);
        match.sent = await_packet(run, false, limit);
    }
    if (!match.sent) {
        no_packet(run, event, limit);
        return;
    }
    run_say(run, "%s", event->source);
    char timing[160];
    bool in_time = run_in_time(run, when, match.sent->time_ns, timing, sizeof timing);
    compare(&match, max_u64(due, run->now_ns) + run->config.tolerance_ns);
    if (match.what[0] || !in_time) {
        char line[360];
        spec_print(event->packet, run->report->expected, sizeof run->report->expected);
        sent_print(match.conn, match.sent, line, sizeof line);
        snprintf(run->report->actual, sizeof run->report->actual, "%s", line);
    }
    if (!match.what[0] && !in_time)
        differ(&match, "timing error: %s", timing);
    free(match.sent);
    if (match.what[0])
        run_fail_packet(run, "%s", match.what);
}
