/* print.c: expected and actual packets in the script's own words and numbers, for reports. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "script/language/big_endian.h"
#include "script/language/encap.h"
#include "script/packet/script_packet.h"

struct line {
    char *text;
    size_t size, used;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *line, const char *format, ...)
{
    if (line->used + 1 >= line->size)
        return;
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line->text + line->used, line->size - line->used, format, arguments);
    va_end(arguments);
    line->used += n > 0 ? (size_t)n : 0;
    if (line->used >= line->size)
        line->used = line->size - 1;
}

static void add_flags(struct line *line, unsigned flags)
{
    static const struct { unsigned bit; char c; } letters[] = {{TCP_SYN, 'S'}, {TCP_FIN, 'F'}, {TCP_RST, 'R'}, {TCP_PSH, 'P'},
        {TCP_URG, 'U'}, {TCP_ECE, 'E'}, {TCP_CWR, 'W'}, {TCP_AE, 'A'}, {TCP_ACK, '.'}};
    size_t before = line->used;
    for (unsigned i = 0; i < ARRAY_COUNT(letters); i++)
        if (flags & letters[i].bit)
            add(line, "%c", letters[i].c);
    if (line->used == before)
        add(line, "-");
}

static void add_hex(struct line *line, const uint8_t *bytes, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        add(line, "%02x", bytes[i]);
}

static void add_accecn(struct line *line, bool order1, unsigned count, const uint32_t *fields)
{
    static const char *const names[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    add(line, "ECN");
    for (unsigned i = 0; i < count && i < 3; i++)
        add(line, " %s %u", names[order1][i], fields[i]);
}

static const char *ecn_name(int ecn)
{
    static const char *const names[] = {"noecn", "ect1", "ect0", "ce", "ect01"};
    return ecn >= 0 && ecn < 5 ? names[ecn] : "";
}

static void add_open_number(struct line *line, bool any, uint32_t low, uint32_t high)
{
    if (any)
        add(line, "*");
    else if (low != high)
        add(line, "%u~%u", low, high);
    else
        add(line, "%u", low);
}

static void add_spec_option(struct line *line, const struct spec_option *option)
{
    static const char *const plain[] = {[OPTION_EOL] = "eol", [OPTION_NOP] = "nop", [OPTION_SACKOK] = "sackOK"};
    switch (option->kind) {
    case OPTION_MSS:
        add(line, "mss %u", option->value);
        break;
    case OPTION_WSCALE:
        add(line, "wscale %u", option->value);
        break;
    case OPTION_SACK:
        add(line, "sack");
        for (unsigned i = 0; i < option->count; i++)
            add(line, " %u:%u", option->sack[i].start, option->sack[i].end);
        break;
    case OPTION_TIMESTAMP:
        add(line, "TS val ");
        add_open_number(line, option->value_any, option->value, option->value);
        add(line, " ecr ");
        add_open_number(line, option->echo_any, option->echo, option->echo);
        break;
    case OPTION_ACCECN:
        add_accecn(line, option->order1, option->count, option->fields);
        break;
    case OPTION_MD5:
    case OPTION_FASTOPEN:
    case OPTION_FASTOPEN_EXP:
    case OPTION_RAW:
        add(line, "%s%s",
            option->kind == OPTION_MD5        ? "md5"
            : option->kind == OPTION_FASTOPEN ? "FO"
            : option->kind == OPTION_RAW      ? "0x"
                                              : "FOEXP",
            option->length && option->kind != OPTION_RAW ? " " : "");
        add_hex(line, option->bytes, option->length);
        break;
    default:
        add(line, "%s", plain[option->kind]);
    }
}

void spec_print(const struct spec_packet *spec, char *text, size_t size)
{
    struct line line = {text, size, 0};
    encap_print_spec(spec, text, size);
    line.used = strlen(text);
    if (spec->ecn >= 0)
        add(&line, "[%s] ", ecn_name(spec->ecn));
    if (spec->protocol == SPEC_UDP) {
        add(&line, "udp (%u)", spec->length);
        return;
    }
    if (spec->protocol == SPEC_ICMP) {
        add(&line, "icmp%s type %u code %u", spec->icmp_version == 6 ? "v6" : "", spec->icmp_type, spec->icmp_code);
        if (spec->has_mtu)
            add(&line, " mtu %u", spec->mtu);
        return;
    }
    add_flags(&line, spec->flags);
    if (spec->seq_any)
        add(&line, " *:*(%u)", spec->length);
    else
        add(&line, " %u:%u(%u)", spec->seq, spec->seq + spec->length, spec->length);
    if (spec->flags & TCP_ACK) {
        add(&line, " ack ");
        add_open_number(&line, spec->ack_any, spec->ack, spec->ack_high);
    }
    if (spec->has_window) {
        add(&line, " win ");
        add_open_number(&line, false, spec->window, spec->window_high);
    }
    if (spec->has_urgent)
        add(&line, " urg %u", spec->urgent);
    if (spec->options_any)
        add(&line, " <...>");
    for (unsigned i = 0; i < spec->option_count; i++) {
        add(&line, i ? "," : " <");
        add_spec_option(&line, &spec->options[i]);
    }
    if (spec->option_count)
        add(&line, ">");
    if (spec->has_tunnel)
        add(&line, "/udp(%u > %u)", spec->tunnel_source, spec->tunnel_dest);
}

static void add_sent_option(struct line *line, const struct conn *conn, const uint8_t *p, unsigned length)
{
    uint32_t fields[3] = {0};
    switch (p[0]) {
    case 2:
        add(line, "mss %u", length >= 4 ? get16(p + 2) : 0);
        break;
    case 3:
        add(line, "wscale %u", length >= 3 ? p[2] : 0);
        break;
    case 4:
        add(line, "sackOK");
        break;
    case 5:
        add(line, "sack");
        for (unsigned i = 2; i + 8 <= length; i += 8)
            add(line, " %u:%u", get32(p + i), get32(p + i + 4));
        break;
    case 8: {
        uint32_t value = length >= 10 ? get32(p + 2) : 0;
        for (unsigned i = conn ? conn->ts_count : 0; i-- > 0;) {
            if (conn->ts[i].live == value) {
                value = conn->ts[i].script;
                break;
            }
        }
        add(line, "TS val %u ecr %u", value, length >= 10 ? get32(p + 6) : 0);
        break;
    }
    case 34:
        add(line, length > 2 ? "FO " : "FO");
        add_hex(line, p + 2, length - 2);
        break;
    case 254:
        add(line, length > 4 ? "FOEXP " : "FOEXP");
        add_hex(line, p + 4, length > 4 ? length - 4 : 0);
        break;
    case 172:
    case 174:
        for (unsigned i = 0; i < 3 && 5 + 3 * i <= length; i++)
            fields[i] = get32(p + 2 + 3 * i - 1) & 0xffffff;
        add_accecn(line, p[0] == 174, (length - 2) / 3, fields);
        break;
    case 19:
        add(line, "md5 ");
        add_hex(line, p + 2, length - 2);
        break;
    default:
        add(line, "0x");
        add_hex(line, p, length);
    }
}

static void add_sent_options(struct line *line, const struct conn *conn, const uint8_t *p, const uint8_t *end)
{
    const char *separator = " <";
    bool any = p < end;
    while (p < end) {
        add(line, "%s", separator);
        separator = ",";
        if (*p == 0) {
            add(line, "eol");
            break;
        }
        if (*p == 1) {
            add(line, "nop");
            p++;
            continue;
        }
        if (p + 1 >= end || p[1] < 2 || p + p[1] > end) {
            add(line, "malformed");
            break;
        }
        add_sent_option(line, conn, p, p[1]);
        p += p[1];
    }
    if (any)
        add(line, ">");
}

/* What is not as usual in the IP header: marks, a traffic class, another TTL than the 64 of today's stacks. */
static void add_ip_fields(struct line *line, const struct ip *ip)
{
    const char *separator = "[";
    if (ip->tos & 3) {
        add(line, "[%s", ecn_name(ip->tos & 3));
        separator = ", ";
    }
    if (ip->tos >> 2) {
        add(line, "%sdscp %u", separator, ip->tos >> 2u);
        separator = ", ";
    }
    if (ip->ttl != 64) {
        add(line, "%sttl %u", separator, ip->ttl);
        separator = ", ";
    }
    add(line, "%s", separator[0] == ',' ? "] " : "");
}

void sent_print(const struct conn *conn, const struct sent *sent, char *text, size_t size)
{
    struct line line = {text, size, 0};
    const uint8_t *p = sent->transport;
    encap_print(sent->bytes, sent->length, sent->encap_length, text, size);
    line.used = strlen(text);
    add_ip_fields(&line, &sent->ip);
    if (sent->ip.protocol == IPPROTO_UDP) {
        add(&line, "udp (%u)", sent->transport_length - 8);
        return;
    }
    if (sent->ip.protocol != IPPROTO_TCP || sent->transport_length < 20) {
        add(&line, "icmp%s type %u code %u", sent->ip.version == 6 ? "v6" : "", p[0], p[1]);
        return;
    }
    unsigned header = (unsigned)(p[12] >> 4) * 4, flags = get16(p + 12) & 0x1ff;
    if (header < 20 || header > sent->transport_length)
        header = 20;
    uint32_t seq = get32(p + 4) - (conn && conn->has_local_isn ? conn->live_local_isn - conn->script_local_isn : 0);
    if ((flags & TCP_SYN) && (!conn || !conn->has_local_isn))
        seq = 0;
    uint32_t length = sent->transport_length - header;
    add_flags(&line, flags);
    add(&line, " %u:%u(%u)", seq, seq + length, length);
    if (flags & TCP_ACK)
        add(&line, " ack %u", get32(p + 8));
    add(&line, " win %u", get16(p + 14));
    if (get16(p + 18))
        add(&line, " urg %u", get16(p + 18));
    add_sent_options(&line, conn, p + 20, p + header);
    if (sent->tunnel_source)
        add(&line, "/udp(%u > %u)", sent->tunnel_source, sent->tunnel_dest);
}
