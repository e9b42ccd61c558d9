/* parse_packet.c: packet lines: "< [ect0] S 0:0(0) win 1000 <mss 1460>", "> udp (10)",
 * "< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]". The cursor stands at the direction. */
#include "script/language/scan.h"
#include "script/language/encap.h"
#include "script/language/packet_names.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wire/wire.h"

/* --- IP: [ect0, ttl 64] or (flowlabel 5) -------------------------------------------------------------------------- */
/* A class of RFC 4594 by name (CS0 ... CS7, AF11 ... AF43, EF, VOICE-ADMIT, LE) or number. */
static unsigned scan_dscp(struct scan *scan)
{
    static const struct { const char *name; uint8_t dscp; } names[] = {{"ef", 46}, {"voice_admit", 44}, {"voice-admit", 44}, {"le", 1}};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (scan_keyword(scan, names[i].name))
            return names[i].dscp;
    scan_space(scan);
    const char *p = scan->at;
    unsigned high = (unsigned)p[0] && p[1] ? (unsigned)p[2] - '0' : 8;
    if (strncasecmp(p, "cs", 2) == 0 && high < 8) {
        scan->at += 3;
        return high * 8;
    }
    if (strncasecmp(p, "af", 2) == 0 && high >= 1 && high <= 4 && p[3] >= '1' && p[3] <= '3') {
        scan->at += 4;
        return high * 8 + (unsigned)(p[3] - '0') * 2;
    }
    return (unsigned)scan_integer(scan) & 0x3f;
}

static void scan_ip_item(struct scan *scan, struct spec_packet *packet)
{
    static const struct { const char *name; int ecn; } marks[] = {
        {"noecn", ECN_NONE}, {"nonect", ECN_NONE}, {"ect0", ECN_ECT0}, {"ect1", ECN_ECT1}, {"ce", ECN_CE}, {"ect01", ECN_ECT01}};
    (void)scan_keyword(scan, "ecn");
    for (unsigned i = 0; i < ARRAY_COUNT(marks); i++) {
        if (scan_keyword(scan, marks[i].name)) {
            packet->ecn = marks[i].ecn;
            return;
        }
    }
    if (scan_keyword(scan, "tos") || scan_keyword(scan, "class")) {
        packet->has_tos = true;
        packet->tos = (uint8_t)scan_integer(scan);
    } else if (scan_keyword(scan, "dscp")) {
        packet->has_dscp = true;
        packet->tos = (uint8_t)(scan_dscp(scan) << 2);
    } else if (scan_keyword(scan, "ttl") || scan_keyword(scan, "hlim")) {
        packet->has_ttl = true;
        packet->ttl = (uint8_t)scan_integer(scan);
    } else if (scan_keyword(scan, "flowlabel")) {
        packet->has_flow_label = true;
        packet->flow_label = (uint32_t)scan_integer(scan);
        packet->flow_label_live = scan_char(scan, '!');
    } else {
        scan_fail(
            scan,
            "expected an IP word (ect0, ect1, ect01, ce, noecn, tos, class, dscp, ttl, hlim, flowlabel) before %s",
            scan_show(scan));
    }
}

static void scan_ip_part(struct scan *scan, struct spec_packet *packet)
{
    char close = scan_char(scan, '[') ? ']' : scan_char(scan, '(') ? ')' : 0;
    if (!close)
        return;
    while (!scan_char(scan, close)) {
        scan_ip_item(scan, packet);
        scan_char(scan, ',');
    }
}

/* --- numbers that may be left open: "*", "...", 100~200 ------------------------------------------------------------- */
static bool scan_any(struct scan *scan)
{
    return scan_char(scan, '*') || scan_text(scan, "...");
}

/* False: any number will do. */
static bool scan_range(struct scan *scan, uint32_t *low, uint32_t *high)
{
    if (scan_any(scan))
        return false;
    *low = *high = (uint32_t)scan_integer(scan);
    if (scan_char(scan, '~'))
        *high = (uint32_t)scan_integer(scan);
    if (*high < *low)
        scan_fail(scan, "the range %u~%u ends before it begins", *low, *high);
    return true;
}

/* What no host here can do: the rest of the event is passed over, to the line that begins the next one. */
static void skip_unsupported(struct scan *scan, struct spec_packet *packet, const char *what)
{
    packet->unsupported = what;
    for (;;) {
        while (*scan->at && *scan->at != '\n')
            scan->at++;
        const char *before = scan->at;
        scan_space(scan);
        if (!*scan->at || strchr("+*`%.0123456789", *scan->at)) { /* a time, a command or code */
            scan->at = before;
            return;
        }
    }
}

/* --- TCP --------------------------------------------------------------------------------------------------------- */
static void scan_flags(struct scan *scan, struct spec_packet *packet)
{
    scan_space(scan);
    const char *begin = scan->at;
    if (*scan->at == '-') { /* no flag at all */
        scan->at++;
        return;
    }
    for (;; scan->at++) {
        switch (*scan->at) {
        case 'F': packet->flags |= TCP_FIN; continue;
        case 'S': packet->flags |= TCP_SYN; continue;
        case 'R': packet->flags |= TCP_RST; continue;
        case 'P': packet->flags |= TCP_PSH; continue;
        case '.': packet->flags |= TCP_ACK; continue;
        case 'U': packet->flags |= TCP_URG; continue;
        case 'E': packet->flags |= TCP_ECE; continue;
        case 'W': case 'C': packet->flags |= TCP_CWR; continue;
        case 'A': case 'N': packet->flags |= TCP_AE; continue;
        case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7':
            packet->has_ace = true;
            packet->ace = (uint8_t)(*scan->at - '0');
            continue;
        default: break;
        }
        break;
    }
    if (packet->has_ace)
        packet->flags |= (packet->ace & 4 ? TCP_AE : 0) | (packet->ace & 2 ? TCP_CWR : 0) | (packet->ace & 1 ? TCP_ECE : 0);
    if (scan->at == begin || isalnum((unsigned char)*scan->at) || *scan->at == ':') {
        scan->at = begin;
        scan_fail(scan, "expected TCP flags (of S F R P . U E W A, 0-7, or -) before %s", scan_show(scan));
    }
}

/* start:end(length) */
static void scan_seq(struct scan *scan, uint32_t *seq, uint32_t *length)
{
    uint32_t start = (uint32_t)scan_integer(scan);
    scan_expect(scan, ':');
    uint32_t end = (uint32_t)scan_integer(scan);
    scan_expect(scan, '(');
    int64_t size = scan_integer(scan);
    scan_expect(scan, ')');
    if (size < 0 || size > UINT16_MAX * 64 || start + (uint32_t)size != end)
        scan_fail(scan, "sequence numbers %u:%u do not fit the length %lld", start, end, (long long)size);
    *seq = start;
    *length = (uint32_t)size;
}

static uint32_t scan_length(struct scan *scan)
{
    scan_expect(scan, '(');
    int64_t length = scan_integer(scan);
    scan_expect(scan, ')');
    if (length < 0 || length > 65527)
        scan_fail(scan, "bad length %lld", (long long)length);
    return (uint32_t)length;
}

static void scan_tcp_seq(struct scan *scan, struct spec_packet *packet)
{
    if (!scan_any(scan)) {
        scan_seq(scan, &packet->seq, &packet->length);
        packet->seq_live = scan_char(scan, '!');
        return;
    }
    packet->seq_any = true; /* *:*(10), ...(10) */
    if (scan_char(scan, ':') && !scan_any(scan))
        scan_fail(scan, "expected *:*(LENGTH) before %s", scan_show(scan));
    packet->length = scan_length(scan);
}

static unsigned scan_hex(struct scan *scan, uint8_t *bytes, unsigned size)
{
    scan_space(scan);
    const char *text = scan->at;
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    const char *value = scan_define(scan, text, length);
    scan->at += length;
    if (value) {
        text = value + (*value == '"');
        length = scan_bare(value);
    }
    if (length > 2 && text[0] == '0' && text[1] == 'x') {
        text += 2;
        length -= 2;
    }
    unsigned count = 0;
    for (size_t i = 0; i + 1 < length && count < size; i += 2) {
        char pair[3] = {text[i], text[i + 1], 0};
        char *end;
        bytes[count++] = (uint8_t)strtoul(pair, &end, 16);
        if (*end)
            scan_fail(scan, "not hexadecimal: %.*s", (int)length, text);
    }
    if (length % 2)
        scan_fail(scan, "an odd number of hexadecimal digits: %.*s", (int)length, text);
    return count;
}

static bool next_is_hex(struct scan *scan)
{
    scan_space(scan);
    return isalnum((unsigned char)*scan->at);
}

/* RFC 7323 in tcpdump's words. The other end's clock may be left open, and a number may be the wire's own: ecr 5!. */
static void scan_timestamp(struct scan *scan, struct spec_option *option)
{
    option->kind = OPTION_TIMESTAMP;
    if (!scan_keyword(scan, "val"))
        scan_fail(scan, "expected TS val N ecr N before %s", scan_show(scan));
    option->value_any = scan_any(scan);
    if (!option->value_any)
        option->value = (uint32_t)scan_integer(scan);
    if (!scan_keyword(scan, "ecr"))
        scan_fail(scan, "expected TS val N ecr N before %s", scan_show(scan));
    option->echo_live = scan_char(scan, '!');
    option->echo_any = scan_any(scan);
    if (!option->echo_any)
        option->echo = (uint32_t)scan_integer(scan);
    option->echo_live |= scan_char(scan, '!');
}

static void scan_sack(struct scan *scan, struct spec_option *option)
{
    do {
        if (option->count == SPEC_SACKS)
            scan_fail(scan, "more than %d SACK blocks", SPEC_SACKS);
        option->sack[option->count].start = (uint32_t)scan_integer(scan);
        scan_expect(scan, ':');
        option->sack[option->count++].end = (uint32_t)scan_integer(scan);
        scan_space(scan);
    } while (isdigit((unsigned char)*scan->at));
}

/* RFC 9768 (accurate ECN): ECN e1b 1 ceb 0 e0b 1, the fields in the order on the wire; none, one, two or three. */
static void scan_accecn_fields(struct scan *scan, struct spec_option *option)
{
    static const char *const names[] = {"e0b", "ceb", "e1b", "ee0b", "eceb", "ee1b"};
    while (option->count < 3) {
        int found = -1;
        for (int i = 0; i < 6 && found < 0; i++)
            if (scan_keyword(scan, names[i]))
                found = i % 3;
        if (found < 0)
            break;
        if (option->count == 0 && option->kind != OPTION_ACCECN)
            option->order1 = found != 0;
        option->fields[option->count++] = (uint32_t)scan_integer(scan) & 0xffffff;
    }
}

static void scan_accecn(struct scan *scan, struct spec_option *option)
{
    option->order1 = true;
    scan_accecn_fields(scan, option);
    option->kind = OPTION_ACCECN;
}

/* A shared experimental option (RFC 6994) as its bytes: kind 254, length, identifier, fields of three bytes. */
static void make_experiment(struct spec_option *option, uint32_t identifier, unsigned bytes_each)
{
    uint8_t bytes[16] = {254, (uint8_t)(4 + option->count * bytes_each), (uint8_t)(identifier >> 8), (uint8_t)identifier};
    for (unsigned i = 0; i < option->count; i++)
        for (unsigned j = 0; j < bytes_each; j++)
            bytes[4 + i * bytes_each + j] = (uint8_t)(option->fields[i] >> 8 * (bytes_each - 1 - j));
    option->kind = OPTION_RAW;
    option->length = bytes[1];
    memcpy(option->bytes, bytes, sizeof bytes);
}

/* The same by its kind, AccECN0 (e0b ceb e1b) or AccECN1 (e1b ceb e0b), also with bare numbers: acc_e0 1 0 1. */
static bool scan_accecn_kind(struct scan *scan, struct spec_option *option)
{
    static const char *const names[] = {"AccECN0", "acc_e0", "accecn_0", "AccECN1", "acc_e1", "accecn_1"};
    bool is_experiment = scan_text(scan, "exp-");
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++) {
        if (!scan_keyword(scan, names[i]))
            continue;
        option->kind = OPTION_ACCECN;
        option->order1 = i >= 3;
        scan_accecn_fields(scan, option);
        for (scan_space(scan); option->count < 3 && isdigit((unsigned char)*scan->at); scan_space(scan))
            option->fields[option->count++] = (uint32_t)scan_integer(scan) & 0xffffff;
        if (is_experiment)
            make_experiment(option, option->order1 ? 0xacc1 : 0xacc0, 3);
        return true;
    }
    if (is_experiment && scan_keyword(scan, "tarr")) { /* draft-ietf-tcpm-ack-rate-request: 11 bits of a rate */
        scan_space(scan);
        if (isdigit((unsigned char)*scan->at))
            option->fields[option->count++] = (uint32_t)scan_integer(scan) << 5;
        make_experiment(option, 0x00ac, 2);
        return true;
    }
    if (is_experiment)
        scan->at -= 4;
    return false;
}

static bool scan_cookie_option(struct scan *scan, struct spec_option *option)
{
    if (scan_keyword(scan, "FOEXP") || scan_keyword(scan, "exp-tfo") || scan_keyword(scan, "exp-FO"))
        option->kind = OPTION_FASTOPEN_EXP;
    else if (scan_keyword(scan, "FO") || scan_keyword(scan, "TFO"))
        option->kind = OPTION_FASTOPEN;
    else if (scan_keyword(scan, "md5") || scan_keyword(scan, "md5sig"))
        option->kind = OPTION_MD5;
    else
        return false;
    if (option->kind == OPTION_MD5 && (scan_keyword(scan, "valid") || scan_keyword(scan, "invalid") || scan_keyword(scan, "nocheck"))) {
        option->md5 = scan->at[-5] != 'v' ? MD5_OPEN : scan->at[-6] == 'n' ? MD5_INVALID : MD5_VALID;
        return true;
    }
    if (scan_char(scan, '(')) { /* FO (cookie) */
        option->length = (uint8_t)scan_hex(scan, option->bytes, sizeof option->bytes);
        scan_expect(scan, ')');
    } else if (next_is_hex(scan)) {
        option->length = (uint8_t)scan_hex(scan, option->bytes, sizeof option->bytes);
    }
    return true;
}

static void scan_option(struct scan *scan, struct spec_option *option)
{
    if (scan_keyword(scan, "nop")) {
        option->kind = OPTION_NOP;
    } else if (scan_keyword(scan, "eol")) {
        option->kind = OPTION_EOL;
    } else if (scan_keyword(scan, "mss")) {
        option->kind = OPTION_MSS;
        option->value = (uint32_t)scan_integer(scan);
    } else if (scan_keyword(scan, "wscale") || scan_keyword(scan, "ws")) {
        option->kind = OPTION_WSCALE;
        option->value = (uint32_t)scan_integer(scan);
    } else if (scan_keyword(scan, "sackOK") || scan_keyword(scan, "sackPermitted")) {
        option->kind = OPTION_SACKOK;
    } else if (scan_keyword(scan, "sack")) {
        option->kind = OPTION_SACK;
        scan_sack(scan, option);
    } else if (scan_keyword(scan, "TS")) {
        scan_timestamp(scan, option);
    } else if (scan_keyword(scan, "ECN")) {
        scan_accecn(scan, option);
    } else if (scan_text(scan, "0x")) { /* a raw option: kind, length and value in hexadecimal */
        option->kind = OPTION_RAW;
        option->length = (uint8_t)scan_hex(scan, option->bytes, sizeof option->bytes);
    } else if (!scan_cookie_option(scan, option) && !scan_accecn_kind(scan, option)) {
        scan_fail(
            scan,
            "expected a TCP option (mss, wscale, sackOK, sack, TS, nop, eol, FO, FOEXP, md5, ECN, 0x...) before %s",
            scan_show(scan));
    }
}

/* RFC 8684's options: a host here has none of them. */
static bool scan_mptcp(struct scan *scan, struct spec_packet *packet)
{
    static const char *const words[] = {"mptcp",       "mp_capable",      "mp_capable_no_cs", "mp_join",
                                        "mp_join_syn", "mp_join_syn_ack", "mp_join_ack",      "dss",
                                        "add_address", "add_addr",        "remove_address",   "remove_addr",
                                        "mp_prio",     "mp_fail",         "mp_fastclose",     "mp_reset"};
    for (unsigned i = 0; i < ARRAY_COUNT(words); i++) {
        if (scan_keyword(scan, words[i])) {
            skip_unsupported(scan, packet, "MPTCP");
            return true;
        }
    }
    return false;
}

static void scan_options(struct scan *scan, struct spec_packet *packet)
{
    if (scan_text(scan, "...")) {
        packet->options_any = true;
        scan_expect(scan, '>');
        return;
    }
    while (!scan_char(scan, '>')) {
        if (packet->option_count == SPEC_OPTIONS)
            scan_fail(scan, "more than %d TCP options", SPEC_OPTIONS);
        if (scan_mptcp(scan, packet))
            return;
        scan_option(scan, &packet->options[packet->option_count++]);
        if (!scan_char(scan, ',')) {
            scan_expect(scan, '>');
            break;
        }
    }
}

/* nplab's "/udp(9899 > 9899)" behind a segment: TCP in UDP. */
static void scan_tunnel(struct scan *scan, struct spec_packet *packet)
{
    const char *before = scan->at;
    scan_space(scan);
    if (!scan_text(scan, "/udp") && !scan_text(scan, "/ udp")) {
        scan->at = before;
        return;
    }
    scan_expect(scan, '(');
    packet->has_tunnel = true;
    packet->tunnel_source = (uint16_t)scan_integer(scan);
    scan_expect(scan, '>');
    packet->tunnel_dest = (uint16_t)scan_integer(scan);
    scan_expect(scan, ')');
}

static void scan_tcp(struct scan *scan, struct spec_packet *packet)
{
    packet->protocol = SPEC_TCP;
    scan_flags(scan, packet);
    scan_tcp_seq(scan, packet);
    for (;;) {
        if (scan_keyword(scan, "ack")) {
            packet->has_ack = true;
            packet->ack_any = !scan_range(scan, &packet->ack, &packet->ack_high);
        } else if (scan_keyword(scan, "win")) {
            const char *value = scan->at;
            packet->has_window = scan_range(scan, &packet->window, &packet->window_high);
            if (packet->window_high > UINT16_MAX) {
                scan->at = value;
                scan_fail(scan, "win is the field of 16 bits as on the wire: at most 65535");
            }
        } else if (scan_keyword(scan, "urg")) {
            packet->has_urgent = true;
            packet->urgent = (uint32_t)scan_integer(scan);
        } else {
            break;
        }
    }
    if (scan_char(scan, '<')) /* also on the next line: an event there would begin with its time */
        scan_options(scan, packet);
    if (packet->unsupported)
        return;
    scan_tunnel(scan, packet);
    const char *before = scan->at;
    scan_space(scan);
    if (*scan->at == '{') { /* {mut ip ihl; trun tcp 4 5}: bytes spoilt by chance */
        skip_unsupported(scan, packet, "fuzzing");
        return;
    }
    if (*scan->at == '"' && !scan_next_line(scan, before))
        packet->payload = scan_string(scan, &packet->payload_length);
    else
        scan->at = before;
    /* RFC 9293 3.1: ack counts only with the flag; scripts write it on RSTs without one, too. */
    if (!packet->has_ack && (packet->flags & TCP_ACK) && packet->inbound)
        packet->has_ack = true;
}

/* --- UDP and ICMP ------------------------------------------------------------------------------------------------ */
static uint8_t scan_icmp_name(struct scan *scan, int (*find)(int version, int type, const char *name), int version, int type)
{
    scan_space(scan);
    if (!scan_is_word(scan))
        return (uint8_t)scan_integer(scan);
    const char *begin = scan->at;
    const char *name = scan_word(scan);
    int found = find(version, type, name);
    if (found < 0) {
        scan->at = begin;
        scan_fail(scan, "unknown ICMP%s %s \"%s\"", version == 6 ? "v6" : "", type < 0 ? "type" : "code", name);
    }
    return (uint8_t)found;
}

static void scan_quote(struct scan *scan, struct spec_packet *packet)
{
    packet->has_quote = true;
    packet->quote_protocol = SPEC_TCP;
    if (scan_keyword(scan, "udp")) {
        packet->quote_protocol = SPEC_UDP;
        packet->quote_length = scan_length(scan);
    } else if (scan_keyword(scan, "raw")) {
        packet->quote_protocol = SPEC_RAW;
        packet->quote_length = scan_length(scan);
    } else if (scan_keyword(scan, "sctp") || scan_keyword(scan, "udplite")) {
        skip_unsupported(scan, packet, "a quoted packet of this protocol");
        return;
    } else {
        (void)scan_keyword(scan, "tcp");
        scan_space(scan);
        struct spec_packet quoted = {.inbound = !packet->inbound};
        if (!isdigit((unsigned char)*scan->at))
            scan_flags(scan, &quoted);
        packet->quote_flags = quoted.flags;
        scan_seq(scan, &packet->quote_seq, &packet->quote_length);
        scan_tunnel(scan, packet);
        while (*scan->at && *scan->at != ']' && *scan->at != '\n') /* "ack 1 win 5 <...>": beyond the eight bytes of RFC 792 */
            scan->at++;
    }
    scan_expect(scan, ']');
}

static void scan_icmp(struct scan *scan, struct spec_packet *packet, int version)
{
    packet->protocol = SPEC_ICMP;
    packet->icmp_version = (uint8_t)version;
    (void)scan_keyword(scan, "type");
    packet->icmp_type = scan_icmp_name(scan, packet_icmp_type, version, -1);
    for (;;) {
        const char *before = scan->at;
        scan_space(scan);
        if ((scan_next_line(scan, before) && *scan->at != '[') || !*scan->at)
            return;
        if (scan_keyword(scan, "code")) {
            packet->icmp_code = (uint8_t)scan_integer(scan);
        } else if (scan_keyword(scan, "mtu")) {
            packet->has_mtu = true;
            packet->mtu = (uint32_t)scan_integer(scan);
        } else if (scan_keyword(scan, "id")) {
            packet->has_echo = true;
            packet->echo_id = (uint32_t)scan_integer(scan);
        } else if (scan_keyword(scan, "seq")) {
            packet->has_echo = true;
            packet->echo_sequence = (uint32_t)scan_integer(scan);
        } else if (scan_char(scan, '[')) {
            scan_quote(scan, packet);
        } else {
            packet->icmp_code = scan_icmp_name(scan, packet_icmp_code, version, packet->icmp_type);
        }
    }
}

static bool scan_unsupported(struct scan *scan, struct spec_packet *packet)
{
    static const char *const names[] = {"sctp", "udplite", "dccp", "igmp", "arp"};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++) {
        if (!scan_keyword(scan, names[i]))
            continue;
        skip_unsupported(scan, packet, names[i]);
        return true;
    }
    return false;
}

static void scan_ports(struct scan *scan, struct spec_packet *packet)
{
    const char *begin = scan->at;
    if (!isdigit((unsigned char)*begin))
        return;
    int64_t source = scan_integer(scan);
    if (!scan_char(scan, '>')) {
        scan->at = begin; /* digits of ACE flags */
        return;
    }
    packet->has_ports = true;
    packet->source_port = (uint16_t)source;
    packet->dest_port = (uint16_t)scan_integer(scan);
    scan_char(scan, ':');
}

struct spec_packet *scan_packet(struct scan *scan)
{
    struct spec_packet *packet = arena_alloc(scan->arena, sizeof *packet);
    packet->ecn = ECN_ANY;
    packet->inbound = *scan->at == '<';
    scan->at++;
    do
        scan_ip_part(scan, packet);
    while (scan_encap(scan, packet, scan_ip_part));
    scan_space(scan);
    if (scan_keyword(scan, "icmp")) {
        scan_icmp(scan, packet, scan->ip_version);
    } else if (scan_keyword(scan, "icmpv4")) {
        scan_icmp(scan, packet, 4);
    } else if (scan_keyword(scan, "icmpv6")) {
        scan_icmp(scan, packet, 6);
    } else if (scan_keyword(scan, "udp")) {
        packet->protocol = SPEC_UDP;
        scan_space(scan);
        scan_ports(scan, packet);
        packet->length = scan_length(scan);
    } else if (!scan_unsupported(scan, packet)) {
        if (scan_keyword(scan, "tcp")) { /* "tcp/udp(9899 > 9899):" before it */
            scan_tunnel(scan, packet);
            scan_char(scan, ':');
        }
        scan_ports(scan, packet);
        scan_space(scan);
        if (scan_keyword(scan, "udp")) {
            packet->protocol = SPEC_UDP;
            packet->length = scan_length(scan);
        } else {
            scan_tcp(scan, packet);
        }
    }
    return packet;
}
