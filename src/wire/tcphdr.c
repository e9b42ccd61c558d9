/* tcphdr.c: the TCP header and its options: RFC 9293 3.1-2 (MSS), RFC 7323 (window scale, timestamps), RFC 2018 (SACK),
 * RFC 7413 (fast open), RFC 2385 (MD5), draft-ietf-tcpm-accurate-ecn (AccECN). The parser's first lines are
 * on the path of every segment: no options, or nop,nop,timestamp. */
#include "base/buf.h"
#include "base/md5.h"
#include "wire/tcphdr.h"

enum {
    KIND_END = 0, KIND_NOP = 1, KIND_MSS = 2, KIND_WSCALE = 3, KIND_SACK_PERMITTED = 4, KIND_SACK = 5, KIND_TIMESTAMP = 8,
    KIND_MD5 = 19, MD5_WHOLE = 18, KIND_FASTOPEN = 34, KIND_ACCECN0 = 172, KIND_ACCECN1 = 174, KIND_EXPERIMENT = 254,
    FASTOPEN_MAGIC = 0xf989, /* RFC 7413 appendix A */
    OPTIONS_MAX = TCP_MAX_LENGTH - TCP_LENGTH, SYN_OPTIONS = 20,
};

/* --- parsing --------------------------------------------------------------------------------- */

static void sack_parse(struct tcp_options *o, const uint8_t *p, unsigned length)
{
    if (length < 10 || (length - 2) % 8)
        return;
    o->sack_count = (uint8_t)min_u32((length - 2) / 8, TCP_SACK_BLOCKS);
    for (unsigned i = 0; i < o->sack_count; i++) {
        o->sack[i].start = get32(p + 2 + 8 * i);
        o->sack[i].end = get32(p + 6 + 8 * i);
    }
}

static void fastopen_parse(struct tcp_options *o, const uint8_t *cookie, unsigned length, bool experimental)
{
    if (length > sizeof(o->fastopen))
        return;
    o->has_fastopen = true;
    o->fastopen_experimental = experimental;
    o->fastopen_length = (uint8_t)length;
    memcpy(o->fastopen, cookie, length);
}

/* RFC 9768 3.2.3: as many counters as there are whole ones, three at most; what is left is passed over, as on Linux. */
static void accecn_parse(struct tcp_options *o, const uint8_t *p, unsigned length)
{
    o->has_accecn = true;
    o->accecn_order = p[0] == KIND_ACCECN1;
    o->accecn_fields = length < 11 ? (uint8_t)((length - 2) / 3) : 3;
    for (unsigned i = 0; i < o->accecn_fields; i++)
        o->accecn[i] = get24(p + 2 + 3 * i);
}

/* One option of LENGTH bytes, kind and length included. A known kind with a wrong length is skipped. */
static void option_parse(struct tcp_options *o, const uint8_t *p, unsigned length)
{
    switch (p[0]) {
    case KIND_MSS:
        if (length == 4 && (get16(p + 2) || !o->has_mss)) { /* one of 0 says nothing, also after another */
            o->has_mss = true;
            o->mss = get16(p + 2);
        }
        break;
    case KIND_WSCALE:
        if (length == 3) {
            o->has_wscale = true;
            o->wscale = p[2];
        }
        break;
    case KIND_SACK_PERMITTED:
        o->sack_permitted |= length == 2;
        break;
    case KIND_SACK:
        sack_parse(o, p, length);
        break;
    case KIND_TIMESTAMP:
        if (length == 10) {
            o->has_timestamp = true;
            o->ts_value = get32(p + 2);
            o->ts_echo = get32(p + 6);
        }
        break;
    case KIND_MD5:
        if (length == MD5_WHOLE) {
            o->md5_illegal |= o->has_md5;
            o->has_md5 = true;
            memcpy(o->md5, p + 2, sizeof o->md5);
        }
        break;
    case KIND_FASTOPEN:
        fastopen_parse(o, p + 2, length - 2, false);
        break;
    case KIND_EXPERIMENT:
        if (length >= 4 && get16(p + 2) == FASTOPEN_MAGIC)
            fastopen_parse(o, p + 4, length - 4, true);
        break;
    case KIND_ACCECN0:
    case KIND_ACCECN1:
        accecn_parse(o, p, length);
        break;
    default: /* RFC 9293 3.1 (MUST-6): an option not understood is ignored by its length */
        break;
    }
}

/* Most SYNs have these five words: MSS, SACK permitted, timestamp, NOP, window scale. */
static bool linux_syn_parse(struct tcp_options *o, const uint8_t *p)
{
    uint32_t first = get32(p), last = get32(p + 16);
    if (first >> 16 != (KIND_MSS << 8 | 4) || get32(p + 4) != (KIND_SACK_PERMITTED << 24 | 2 << 16 | (TIMESTAMP_HEADER & 0xffff)) ||
        last >> 8 != (KIND_NOP << 16 | KIND_WSCALE << 8 | 3))
        return false;
    o->has_mss = o->sack_permitted = o->has_timestamp = o->has_wscale = true;
    o->mss = (uint16_t)first;
    o->ts_value = get32(p + 8);
    o->ts_echo = get32(p + 12);
    o->wscale = (uint8_t)last;
    return true;
}

/* RFC 9293 3.1, 3.2: of any segment (MUST-5), END, NOP and MSS among them (MUST-4), on any octet (MUST-64), by their lengths (MUST-68). */
void tcphdr_parse_options(struct tcp_options *o, const uint8_t *p, const uint8_t *end)
{
    if (end - p == SYN_OPTIONS && linux_syn_parse(o, p))
        return;
    while (p < end && *p != KIND_END) {
        if (*p == KIND_NOP) {
            p++;
            continue;
        }
        /* RFC 9293 3.1 (MUST-7): illegal lengths must not crash or loop; the list ends there. */
        bool is_illegal = end - p < 2 || p[1] < 2 || p[1] > end - p;
        if ((is_illegal || (*p == KIND_MD5 && p[1] != MD5_WHOLE)) && end - p >= MD5_WHOLE)
            o->has_md5 = o->md5_illegal = true;
        if (is_illegal)
            return;
        option_parse(o, p, p[1]);
        p += p[1];
    }
}

int tcphdr_parse(struct tcphdr_ *tcp, const uint8_t *bytes, size_t available)
{
    if (available < TCP_LENGTH)
        return -EMSGSIZE;
    unsigned header = bytes[12] >> 4 << 2;
    if (header < TCP_LENGTH)
        return -EINVAL;
    if (available < header)
        return -EMSGSIZE;
    tcphdr_parse_whole(tcp, bytes, header);
    return (int)header;
}

/* --- emitting -------------------------------------------------------------------------------- */

struct writer {
    uint8_t *at, *start;
};

static size_t writer_room(const struct writer *w)
{
    return OPTIONS_MAX - (size_t)(w->at - w->start);
}

/* NOPs until the length so far is REST modulo STEP. */
static void pad_until(struct writer *w, unsigned step, unsigned rest)
{
    while ((unsigned)(w->at - w->start) % step != rest)
        *w->at++ = KIND_NOP;
}

static void put_mss(struct writer *w, const struct tcp_options *o)
{
    w->at[0] = KIND_MSS;
    w->at[1] = 4;
    put16(w->at + 2, o->mss);
    w->at += 4;
}

static void put_wscale(struct writer *w, const struct tcp_options *o)
{
    w->at[0] = KIND_WSCALE;
    w->at[1] = 3;
    w->at[2] = o->wscale;
    w->at += 3;
}

static void put_sack_permitted(struct writer *w)
{
    w->at[0] = KIND_SACK_PERMITTED;
    w->at[1] = 2;
    w->at += 2;
}

static void put_timestamp(struct writer *w, const struct tcp_options *o)
{
    w->at[0] = KIND_TIMESTAMP;
    w->at[1] = 10;
    put32(w->at + 2, o->ts_value);
    put32(w->at + 6, o->ts_echo);
    w->at += 10;
}

/* As many blocks as the space left takes: RFC 2018 3. */
static void put_sack(struct writer *w, const struct tcp_options *o)
{
    unsigned pad = (2u - (unsigned)(w->at - w->start)) % 4;
    if (writer_room(w) < pad + 10)
        return;
    unsigned count = min_u32(o->sack_count, (uint32_t)(writer_room(w) - pad - 2) / 8);
    pad_until(w, 4, 2);
    w->at[0] = KIND_SACK;
    w->at[1] = (uint8_t)(2 + 8 * count);
    for (unsigned i = 0; i < count; i++) {
        put32(w->at + 2 + 8 * i, o->sack[i].start);
        put32(w->at + 6 + 8 * i, o->sack[i].end);
    }
    w->at += w->at[1];
}

static void put_accecn(struct writer *w, const struct tcp_options *o, size_t reserve)
{
    unsigned fields = min_u32(o->accecn_fields, 3);
    while (fields && writer_room(w) < reserve + 2 + 3 * fields)
        fields--; /* fewer counters when space is short: the draft's 3.2.3.3 */
    if (writer_room(w) < reserve + 2 + 3 * fields)
        return;
    w->at[0] = o->accecn_order ? KIND_ACCECN1 : KIND_ACCECN0;
    w->at[1] = (uint8_t)(2 + 3 * fields);
    for (unsigned i = 0; i < fields; i++)
        put24(w->at + 2 + 3 * i, o->accecn[i]);
    w->at += w->at[1];
}

static void put_fastopen(struct writer *w, const struct tcp_options *o)
{
    unsigned cookie = min_u32(o->fastopen_length, sizeof(o->fastopen)), head = o->fastopen_experimental ? 4 : 2;
    if (writer_room(w) < head + cookie)
        return;
    w->at[0] = o->fastopen_experimental ? KIND_EXPERIMENT : KIND_FASTOPEN;
    w->at[1] = (uint8_t)(head + cookie);
    if (o->fastopen_experimental)
        put16(w->at + 2, FASTOPEN_MAGIC);
    memcpy(w->at + head, o->fastopen, cookie);
    w->at += head + cookie;
}

static void put_md5(struct writer *w, const struct tcp_options *o)
{
    pad_until(w, 4, 2);
    w->at[0] = KIND_MD5;
    w->at[1] = 2 + sizeof o->md5;
    memcpy(w->at + 2, o->md5, sizeof o->md5);
    w->at += w->at[1];
}

/* Linux: words of four bytes; AccECN's odd bytes take the place of the NOPs that would come next. */
static void linux_options(struct writer *w, const struct tcp_options *o, bool syn)
{
    bool sack_ok = syn && o->sack_permitted, wscale = syn && o->has_wscale;
    if (o->has_md5)
        put_md5(w, o);
    if (syn && o->has_mss)
        put_mss(w, o);
    if (o->has_timestamp) {
        if (sack_ok)
            put_sack_permitted(w);
        else
            pad_until(w, 4, 2);
        put_timestamp(w, o);
    }
    if (o->has_accecn)
        put_accecn(w, o, (sack_ok && !o->has_timestamp ? 4 : 0) + (wscale ? 4 : 0) + (o->sack_count && !syn ? 12 : 0));
    if (sack_ok && !o->has_timestamp) {
        pad_until(w, 4, 2);
        put_sack_permitted(w);
    }
    if (wscale) {
        pad_until(w, 4, 1);
        put_wscale(w, o);
    }
    if (!syn && o->sack_count)
        put_sack(w, o);
    if (o->has_fastopen) {
        pad_until(w, 4, 0);
        put_fastopen(w, o);
    }
}

/* What linux_options() writes of a SYN's usual options, a word of four bytes after the other. */
static size_t linux_syn_options(const struct tcp_options *o, uint8_t *bytes)
{
    uint8_t *at = bytes;
    if (o->has_mss) {
        put32(at, KIND_MSS << 24 | 4 << 16 | o->mss);
        at += 4;
    }
    if (o->has_timestamp) {
        put32(at, o->sack_permitted ? KIND_SACK_PERMITTED << 24 | 2 << 16 | (TIMESTAMP_HEADER & 0xffff) : TIMESTAMP_HEADER);
        put32(at + 4, o->ts_value);
        put32(at + 8, o->ts_echo);
        at += TIMESTAMP_ALIGNED;
    } else if (o->sack_permitted) {
        put32(at, KIND_NOP << 24 | KIND_NOP << 16 | KIND_SACK_PERMITTED << 8 | 2);
        at += 4;
    }
    if (o->has_wscale) {
        put32(at, KIND_NOP << 24 | KIND_WSCALE << 16 | 3 << 8 | o->wscale);
        at += 4;
    }
    return (size_t)(at - bytes);
}

static bool is_usual_syn(const struct tcp_options *o, bool syn)
{
    return syn && !o->has_fastopen && !o->has_accecn && !o->has_md5;
}

/* BSD and Windows: each option by its own alignment. (AccECN's place is known for Linux alone.) */
static void bsd_options(struct writer *w, const struct tcp_options *o, bool syn, bool windows)
{
    if (syn && o->has_mss)
        put_mss(w, o);
    if (syn && o->has_wscale) {
        pad_until(w, 4, 1);
        put_wscale(w, o);
    }
    if (syn && o->sack_permitted) {
        if (windows && !o->has_timestamp)
            pad_until(w, 4, 2);
        put_sack_permitted(w);
    }
    if (o->has_timestamp) {
        pad_until(w, 4, 2);
        put_timestamp(w, o);
    }
    if (o->has_md5)
        put_md5(w, o);
    if (!syn && o->sack_count)
        put_sack(w, o);
    if (o->has_fastopen)
        put_fastopen(w, o);
}

/* Writes at most 40 bytes and returns the length, a multiple of four. RFC 9293 3.1, 3.2: the MSS option in a SYN only (MUST-65); no
 * padding is left but NOPs or, after END, zeros (MUST-69). */
static size_t options_emit(const struct tcp_options *o, bool syn, enum tcp_option_order order, uint8_t *bytes)
{
    struct writer w = {bytes, bytes};
    if (order == TCP_ORDER_LINUX && is_usual_syn(o, syn))
        return linux_syn_options(o, bytes);
    if (order == TCP_ORDER_LINUX || o->has_accecn)
        linux_options(&w, o, syn);
    else
        bsd_options(&w, o, syn, order == TCP_ORDER_WINDOWS);
    /* The end: BSD closes the list (RFC 9293 3.1, kind 0), the others fill with NOPs. */
    if (order == TCP_ORDER_BSD && (w.at - w.start) % 4) {
        while ((w.at - w.start) % 4)
            *w.at++ = KIND_END;
    }
    pad_until(&w, 4, 0);
    return (size_t)(w.at - w.start);
}

static bool only_timestamp(const struct tcp_options *o, bool syn)
{
    return !(o->sack_count || o->has_fastopen || o->has_accecn || o->has_md5 ||
             (syn && (o->has_mss || o->has_wscale || o->sack_permitted)));
}

size_t tcphdr_options_size(const struct tcp_options *options, uint16_t flags, enum tcp_option_order order)
{
    bool syn = flags & TCP_SYN;
    if (only_timestamp(options, syn))
        return options->has_timestamp ? TIMESTAMP_ALIGNED : 0;
    if (is_usual_syn(options, syn))
        return 4u * (options->has_mss + options->has_wscale) +
               (options->has_timestamp ? TIMESTAMP_ALIGNED : 4u * options->sack_permitted);
    uint8_t scratch[OPTIONS_MAX + 8];
    return options_emit(options, syn, order, scratch);
}

size_t tcphdr_emit(const struct tcphdr_ *tcp, enum tcp_option_order order, uint8_t *bytes)
{
    const struct tcp_options *o = &tcp->options;
    bool syn = tcp->flags & TCP_SYN;
    size_t length = 0;
    if (order == TCP_ORDER_LINUX && is_usual_syn(o, syn)) {
        length = linux_syn_options(o, bytes + TCP_LENGTH);
    } else if (!only_timestamp(o, syn)) {
        uint8_t scratch[OPTIONS_MAX + 8];
        length = options_emit(o, syn, order, scratch);
        memcpy(bytes + TCP_LENGTH, scratch, length);
    } else if (o->has_timestamp) {
        put32(bytes + 20, TIMESTAMP_HEADER);
        put32(bytes + 24, o->ts_value);
        put32(bytes + 28, o->ts_echo);
        length = TIMESTAMP_ALIGNED;
    }
    /* In words of four bytes: the checksum reads them back at once, and a load waits for narrower stores. */
    uint32_t flags = (uint32_t)(TCP_LENGTH + length) / 4 << 12 | (tcp->flags & 0x1ff);
    uint32_t last = htonl(tcp->urgent);
    memcpy(&last, &tcp->checksum, sizeof(tcp->checksum));
    put32(bytes, (uint32_t)tcp->source_port << 16 | tcp->dest_port);
    put32(bytes + 4, tcp->seq);
    put32(bytes + 8, tcp->ack);
    put32(bytes + 12, flags << 16 | tcp->window);
    memcpy(bytes + 16, &last, 4);
    return TCP_LENGTH + length;
}

static uint32_t header_words(const struct tcphdr_ *tcp, size_t length) /* the fourth word: offset, flags, window */
{
    return (uint32_t)(length / 4) << 28 | (uint32_t)(tcp->flags & 0x1ff) << 16 | tcp->window;
}

void tcphdr_md5(const struct addr *source, const struct addr *dest, const struct tcphdr_ *tcp, const struct lil_packet *payload,
                const uint8_t *key, size_t key_length, uint8_t digest[16])
{
    struct md5 md5;
    struct iovec iov[PACKET_SLICES + 1];
    uint8_t header[TCP_LENGTH], pseudo[40] = {0};
    size_t length = tcp->header_length ? tcp->header_length : TCP_LENGTH + tcphdr_options_size(&tcp->options, tcp->flags, TCP_ORDER_LINUX);
    size_t total = length + (payload ? payload->length : 0), pseudo_length;
    if (addr_is_v4(source)) { /* RFC 9293 3.1 */
        memcpy(pseudo, source->b + 12, 4);
        memcpy(pseudo + 4, dest->b + 12, 4);
        put16(pseudo + 8, IPPROTO_TCP);
        put16(pseudo + 10, (uint16_t)total);
        pseudo_length = 12;
    } else { /* RFC 8200 8.1 */
        memcpy(pseudo, source->b, 16);
        memcpy(pseudo + 16, dest->b, 16);
        put32(pseudo + 32, (uint32_t)total);
        put32(pseudo + 36, IPPROTO_TCP);
        pseudo_length = 40;
    }
    put32(header, (uint32_t)tcp->source_port << 16 | tcp->dest_port);
    put32(header + 4, tcp->seq);
    put32(header + 8, tcp->ack);
    put32(header + 12, header_words(tcp, length));
    put32(header + 16, tcp->urgent);
    md5_init(&md5);
    md5_add(&md5, pseudo, pseudo_length);
    md5_add(&md5, header, sizeof header);
    int count = payload ? packet_iov(payload, iov, PACKET_SLICES + 1) : 0;
    for (int i = 0; i < count; i++)
        md5_add(&md5, iov[i].iov_base, iov[i].iov_len);
    md5_add(&md5, key, key_length);
    md5_end(&md5, digest);
}

/* --- text, in the book's (tcpdump's) manner -------------------------------------------------------- */

static void options_print(struct text *t, const struct tcp_options *o)
{
    const char *comma = " <";
#define NEXT_OPTION(...) (text_add(t, "%s", comma), comma = ",", text_add(t, __VA_ARGS__))
    if (o->has_mss)
        NEXT_OPTION("mss %u", o->mss);
    if (o->sack_permitted)
        NEXT_OPTION("sackOK");
    if (o->has_timestamp)
        NEXT_OPTION("TS %u:%u", o->ts_value, o->ts_echo);
    if (o->has_wscale)
        NEXT_OPTION("wscale %u", o->wscale);
    for (unsigned i = 0; i < o->sack_count; i++)
        NEXT_OPTION("%s%u:%u", i ? "" : "sack ", o->sack[i].start, o->sack[i].end);
    if (o->has_md5)
        NEXT_OPTION("md5");
    if (o->has_fastopen) {
        NEXT_OPTION("%s ", o->fastopen_experimental ? "FOEXP" : "FO");
        for (unsigned i = 0; i < o->fastopen_length; i++)
            text_add(t, "%02x", o->fastopen[i]);
    }
    static const char *const counters[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    if (o->has_accecn) {
        NEXT_OPTION("ECN");
        for (unsigned i = 0; i < o->accecn_fields; i++)
            text_add(t, " %s %u", counters[o->accecn_order & 1][i], o->accecn[i]);
    }
#undef NEXT_OPTION
    if (comma[0] == ',')
        text_add(t, ">");
}

void tcphdr_set_mss(uint8_t *bytes, size_t available, uint16_t mss)
{
    size_t end = (size_t)(bytes[12] >> 4) * 4;
    for (size_t at = TCP_LENGTH; at + 4 <= end && at + 4 <= available && bytes[at] != KIND_END;) {
        if (bytes[at] == KIND_MSS) {
            uint32_t checksum = get16(bytes + 16), was = get16(bytes + at + 2);
            uint32_t odd = at & 1, old_word = odd ? was << 8 | was >> 8 : was, new_word = odd ? (uint32_t)mss << 8 | mss >> 8 : mss;
            uint32_t sum = (~checksum & 0xffff) + (~old_word & 0xffff) + (new_word & 0xffff);
            sum = (sum & 0xffff) + (sum >> 16);
            sum = (sum & 0xffff) + (sum >> 16);
            put16(bytes + at + 2, mss);
            put16(bytes + 16, ~sum & 0xffff);
            return;
        }
        at += bytes[at] == KIND_NOP ? 1 : bytes[at + 1] >= 2 ? bytes[at + 1] : end;
    }
}

int tcphdr_print(const struct tcphdr_ *tcp, uint32_t payload, char *text, size_t size)
{
    static const struct { uint16_t flag; char name; } names[] = {
        {TCP_SYN, 'S'}, {TCP_FIN, 'F'}, {TCP_RST, 'R'}, {TCP_PSH, 'P'}, {TCP_ECE, 'E'}, {TCP_CWR, 'W'}, {TCP_AE, 'A'}};
    char flags[ARRAY_COUNT(names) + 1];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (tcp->flags & names[i].flag)
            flags[n++] = names[i].name;
    flags[n] = 0;
    struct text t = {text, size, 0};
    text_add(&t, "%s", n ? flags : ".");
    if (payload || tcp->flags & (TCP_SYN | TCP_FIN | TCP_RST))
        text_add(&t, " %u:%u(%u)", tcp->seq, tcp->seq + payload, payload);
    if (tcp->flags & TCP_ACK)
        text_add(&t, " ack %u", tcp->ack);
    text_add(&t, " win %u", tcp->window);
    if (tcp->flags & TCP_URG)
        text_add(&t, " urg %u", tcp->urgent);
    options_print(&t, &tcp->options);
    return (int)t.length;
}
