/* make_corpus.c: writes the corpus of host_input: one input for each thing that a host understands, so that mutations start near the edges.
 * usage: fuzz_host_input_corpus DIR (writes) | --check DIR (says whether the files are what would be written). */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/csum.h"
#include "target.h"
#include "wire/wire.h"

enum { INPUT_MAX = 16384 };
static uint8_t input[INPUT_MAX];
static size_t size;
static const char *directory;
static int is_check, failures;

static void begin(uint8_t flags)
{
    input[0] = flags;
    size = 1;
}

static void end(const char *name)
{
    char path[1024];
    static uint8_t old[INPUT_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, is_check ? "rb" : "wb");
    if (!file) {
        perror(path);
        exit(1);
    }
    if (is_check && (fread(old, 1, sizeof old, file) != size || memcmp(old, input, size))) {
        fprintf(stderr, "%s is not what this generator makes\n", path);
        failures++;
    } else if (!is_check) {
        fwrite(input, 1, size, file);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(input, size);
}

static void record(unsigned kind, unsigned number, const uint8_t *bytes, size_t length)
{
    input[size++] = (uint8_t)(kind << 6 | number >> 8);
    input[size++] = (uint8_t)number;
    if (length)
        memcpy(input + size, bytes, length);
    size += length;
}

static void act(unsigned what)
{
    record(FUZZ_ACT, what, NULL, 0);
}

static void ms(unsigned milliseconds)
{
    unsigned root = 1;
    while (root * root < milliseconds * 1000 && root < 16383)
        root++;
    record(FUZZ_TIME, root, NULL, 0);
}

static struct addr address(const char *text)
{
    struct addr a;
    if (addr_parse(text, &a))
        abort();
    return a;
}

struct headers {
    struct ip ip;
    uint8_t bytes[2048];
    size_t header, length; /* header: of IP */
};

static struct headers ip_packet(const char *from, const char *to, uint8_t protocol, size_t payload)
{
    struct headers h = {.ip = {.version = strchr(to, ':') ? 6 : 4, .protocol = protocol, .ttl = 64, .payload_length = (uint32_t)payload,
                               .source = address(from), .dest = address(to)}};
    h.header = ip_emit(&h.ip, h.bytes);
    h.length = h.header + payload;
    return h;
}

static void checksum(struct headers *h, size_t place, int pseudo)
{
    uint16_t field = 0;
    memcpy(h->bytes + h->header + place, &field, 2);
    uint32_t sum = pseudo ? addr_pseudo_sum(&h->ip.source, &h->ip.dest, h->ip.protocol, h->ip.payload_length) : 0;
    field = (uint16_t)~csum_fold(csum_partial(h->bytes + h->header, h->length - h->header, sum));
    memcpy(h->bytes + h->header + place, &field, 2);
}

static void tun(const struct headers *h)
{
    record(FUZZ_TUN, (unsigned)h->length, h->bytes, h->length);
}

static void ether(const struct headers *h, uint16_t type, uint8_t last)
{
    uint8_t frame[2048];
    struct eth eth = {.dest = {{2, 0, 0, 0, 0, 1}}, .source = {{2, 0, 0, 0, 0, last}}, .type = type};
    eth_emit(&eth, frame);
    memcpy(frame + ETH_LENGTH, h->bytes, h->length);
    record(FUZZ_ETHER, (unsigned)(h->length + ETH_LENGTH), frame, h->length + ETH_LENGTH);
}

/* --- tcp: the host's own sequence numbers are learnt by running what is there so far ----------------------------------- */
static struct tcphdr_ last_seen;
static void note_sent(int is_ether, const uint8_t *bytes, size_t length)
{
    struct ip ip;
    int header = ip_parse(&ip, bytes, length);
    if (!is_ether && header > 0 && ip.protocol == IPPROTO_TCP)
        (void)!tcphdr_parse(&last_seen, bytes + header, length - (size_t)header);
}

static struct tcphdr_ answer(void)
{
    memset(&last_seen, 0, sizeof last_seen);
    fuzz_sent = note_sent;
    LLVMFuzzerTestOneInput(input, size);
    fuzz_sent = NULL;
    return last_seen;
}

static void tcp(const char *from, const char *to, struct tcphdr_ header, size_t payload)
{
    size_t length = TCP_LENGTH + tcphdr_options_size(&header.options, header.flags, TCP_ORDER_LINUX);
    struct headers h = ip_packet(from, to, IPPROTO_TCP, length + payload);
    header.window = header.window ? header.window : 65535;
    tcphdr_emit(&header, TCP_ORDER_LINUX, h.bytes + h.header);
    for (size_t i = 0; i < payload; i++)
        h.bytes[h.header + length + i] = (uint8_t)('a' + i % 26);
    checksum(&h, 16, 1);
    tun(&h);
}

static const char peer[] = "10.0.0.2", us[] = "10.0.0.1";
static const struct tcphdr_ first = {.source_port = 1024,
                                     .dest_port = 80,
                                     .seq = 1000,
                                     .flags = TCP_SYN,
                                     .options = {.has_mss = true,
                                                 .mss = 1460,
                                                 .has_wscale = true,
                                                 .wscale = 7,
                                                 .sack_permitted = true,
                                                 .has_timestamp = true,
                                                 .ts_value = 1}};

static void tcp_server(uint8_t flags, const char *suffix)
{
    struct tcphdr_ syn = first;
    char name[64];
    begin(flags);
    tcp(peer, us, syn, 0);
    struct tcphdr_ synack = answer();
    struct tcphdr_ data = {.source_port = 1024, .dest_port = 80, .seq = 1001, .ack = synack.seq + 1, .flags = TCP_ACK};
    data.options.has_timestamp = synack.options.has_timestamp;
    data.options.ts_value = 2;
    data.options.ts_echo = synack.options.ts_value;
    tcp(peer, us, data, 0);
    act(0);
    data.flags = TCP_ACK | TCP_PSH;
    tcp(peer, us, data, 100);
    act(1);
    act(2 + 9 * 40);
    data.seq += 100;
    data.ack = answer().seq;
    data.options.sack_count = 1;
    data.options.sack[0].start = data.ack + 100;
    data.options.sack[0].end = data.ack + 200;
    data.flags = TCP_ACK;
    tcp(peer, us, data, 0);
    data.options.sack_count = 0;
    data.seq += 200;
    tcp(peer, us, data, 100); /* out of order */
    data.seq -= 100;
    data.flags = TCP_ACK | TCP_URG;
    data.urgent = 10;
    tcp(peer, us, data, 50);
    ms(300);
    ms(3000);
    data.flags = TCP_ACK | TCP_FIN;
    data.seq -= 100;
    tcp(peer, us, data, 300);
    act(1);
    act(8);
    ms(2000);
    snprintf(name, sizeof name, "tcp-server-%s", suffix);
    end(name);
}

static void tcp_client(uint8_t flags, const char *suffix)
{
    struct tcphdr_ syn = first;
    char name[64];
    begin(flags);
    act(3);
    struct tcphdr_ ours = answer();
    syn.source_port = 80;
    syn.dest_port = ours.source_port;
    syn.flags = TCP_SYN | TCP_ACK;
    syn.ack = ours.seq + 1;
    syn.options.ts_echo = ours.options.ts_value;
    tcp(peer, us, syn, 0);
    act(4 + 9 * 20);
    ms(250);
    struct tcphdr_ reset = {.source_port = 80, .dest_port = ours.source_port, .seq = 1001, .ack = ours.seq + 1, .flags = TCP_RST | TCP_ACK};
    act(5 + 9 * 8);
    act(7);
    reset.seq += 10;
    tcp(peer, us, reset, 0); /* in the window: a challenge */
    reset.seq -= 10;
    tcp(peer, us, reset, 0);
    snprintf(name, sizeof name, "tcp-client-%s", suffix);
    end(name);

    begin(flags);
    act(3);
    ours = answer();
    syn.flags = TCP_SYN; /* simultaneous open */
    syn.dest_port = ours.source_port;
    tcp(peer, us, syn, 0);
    ms(1500);
    reset.flags = TCP_RST | TCP_ACK;
    reset.dest_port = ours.source_port;
    reset.ack = ours.seq + 1;
    tcp(peer, us, reset, 0);
    struct tcphdr_ stray = {.source_port = 5, .dest_port = 81, .seq = 5, .ack = 9, .flags = TCP_ACK};
    tcp(peer, us, stray, 3);
    stray.flags = TCP_SYN | TCP_FIN;
    tcp(peer, us, stray, 0);
    snprintf(name, sizeof name, "tcp-odd-%s", suffix);
    end(name);
}

static void tcp_inputs(uint8_t flags, const char *suffix)
{
    tcp_server(flags, suffix);
    tcp_client(flags, suffix);
}

/* --- below -------------------------------------------------------------------------------------------------------------------- */
static void udp(const char *from, const char *to, uint16_t port, size_t payload)
{
    struct headers h = ip_packet(from, to, IPPROTO_UDP, UDP_LENGTH + payload);
    struct udphdr_ header = {.source_port = 53, .dest_port = port, .length = (uint16_t)(UDP_LENGTH + payload)};
    udphdr_emit(&header, h.bytes + h.header);
    checksum(&h, 6, 1);
    tun(&h);
}

static void echo(const char *from, const char *to, uint8_t type)
{
    struct headers h = ip_packet(from, to, strchr(to, ':') ? 58 : 1, 24);
    struct icmp icmp = {.type = type, .echo = {7, 1}};
    icmp_emit(&icmp, h.ip.version, h.bytes + h.header);
    checksum(&h, 2, h.ip.version == 6);
    tun(&h);
}

static void fragments(const char *from, const char *to)
{
    for (unsigned i = 0; i < 4; i++) {
        struct headers h = {.ip = {.version = strchr(to, ':') ? 6 : 4,
                                   .protocol = IPPROTO_UDP,
                                   .ttl = 64,
                                   .id = 9,
                                   .is_fragment = true,
                                   .payload_length = 64,
                                   .frag_offset = (i ^ 1) * 64,
                                   .more_fragments = (i ^ 1) != 3,
                                   .source = address(from),
                                   .dest = address(to)}};
        h.header = ip_emit(&h.ip, h.bytes);
        h.length = h.header + 64;
        if ((i ^ 1) == 0) {
            struct udphdr_ header = {.source_port = 53, .dest_port = 80, .length = 256};
            udphdr_emit(&header, h.bytes + h.header);
        }
        tun(&h);
    }
}

static void ip_inputs(void)
{
    begin(0);
    udp("10.0.0.2", "10.0.0.1", 80, 30);
    act(6);
    udp("10.0.0.2", "10.0.0.1", 9, 30);
    udp("2001:db8:1::2", "2001:db8:1::1", 80, 30);
    udp("2001:db8:1::2", "2001:db8:1::1", 9, 30);
    end("udp");
    begin(FUZZ_VOUCH);
    fragments("10.0.0.2", "10.0.0.1");
    act(6);
    fragments("2001:db8:1::2", "2001:db8:1::1");
    ms(100000);
    end("fragments");
    begin(0);
    echo("10.0.0.2", "10.0.0.1", 8);
    echo("2001:db8:1::2", "2001:db8:1::1", 128);
    echo("10.0.0.2", "10.0.0.255", 8);
    end("echo");
    begin(FUZZ_VOUCH | FUZZ_ROUTER);
    udp("10.0.0.2", "192.0.2.9", 80, 1000);
    udp("10.0.0.2", "203.0.113.1", 80, 10);
    udp("2001:db8:1::2", "2001:db8::9", 80, 10);
    ms(4000);
    end("forward");
    struct headers h = ip_packet("2001:db8:1::2", "2001:db8:1::1", 0, 32);
    memcpy(h.bytes + 40, (uint8_t[]){60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 5, 2, 0, 0, 1, 0,
                                     44, 0, 0, 0, 0, 0, 0, 0, 59, 0, 0, 0, 0, 0, 0, 1},
           32);
    begin(FUZZ_VOUCH);
    tun(&h);
    h.bytes[52] = 0xc1;
    tun(&h);
    end("extensions");
}

static void icmp_inputs(void)
{
    begin(FUZZ_VOUCH);
    act(3);
    struct tcphdr_ ours = answer();
    for (unsigned i = 0; i < 6; i++) {
        static const uint8_t types[6][2] = {{3, 1}, {3, 3}, {3, 4}, {11, 0}, {12, 0}, {5, 1}};
        struct headers inner = ip_packet("10.0.0.1", "10.0.0.2", IPPROTO_TCP, 20), h = ip_packet("10.0.0.2", "10.0.0.1", 1, 8 + 40);
        struct tcphdr_ syn = {.source_port = ours.source_port, .dest_port = 80, .seq = ours.seq, .flags = TCP_SYN};
        tcphdr_emit(&syn, TCP_ORDER_LINUX, inner.bytes + 20);
        struct icmp icmp = {.type = types[i][0], .code = types[i][1], .rest = i == 2 ? 600 : 0x0a000003};
        icmp_emit(&icmp, 4, h.bytes + 20);
        memcpy(h.bytes + 28, inner.bytes, 40);
        checksum(&h, 2, 0);
        tun(&h);
        act(3);
        ours = answer();
    }
    ms(5000);
    end("icmp-errors");
}

/* Router advertisements: one that gives everything, one that takes it away, and time to probe and to expire. */
static void router_inputs(void)
{
    begin(FUZZ_AUTO | FUZZ_VOUCH);
    ms(3000);
    for (unsigned i = 0; i < 4; i++) {
        struct nd_router router = {.hop_limit = 64, .has_mac = true, .lifetime_s = i == 2 ? 0 : 30, .retrans_ms = 500, .mtu = 1400,
                                   .mac = {{2, 0, 0, 0, 0, (uint8_t)(7 + i)}}, .prefix_count = 2};
        uint8_t message[ND_ROUTER_LENGTH_MAX];
        for (unsigned j = 0; j < 2; j++)
            router.prefixes[j] = (struct nd_prefix){{address(j ? "2001:db8:6::" : "2001:db8:5::"), 64}, true, true, i == 2 ? 0 : 20, 10};
        size_t length = nd_router_emit(&router, ICMP6_ROUTER_ADVERT, message);
        struct headers h = ip_packet(i == 3 ? "fe80::8" : "fe80::7", "ff02::1", 58, length);
        h.bytes[7] = 255;
        memcpy(h.bytes + 40, message, length);
        checksum(&h, 2, 1);
        ether(&h, ETHERTYPE_V6, 7);
        ms(2500);
        udp("2001:db8:5::7", "2001:db8::1", 80, 10);
    }
    ms(60000);
    end("router");
}

static void link_inputs(void)
{
    struct headers h = {.length = ARP_LENGTH};
    struct arp arp = {.operation = ARP_REQUEST,
                      .sender_mac = {{2, 0, 0, 0, 0, 9}},
                      .sender = address("192.0.2.9"),
                      .target = address("192.0.2.1")};
    begin(FUZZ_ROUTER | FUZZ_VOUCH);
    arp_emit(&arp, h.bytes);
    ether(&h, ETHERTYPE_ARPP, 9);
    udp("10.0.0.2", "192.0.2.8", 80, 10);
    arp.operation = ARP_REPLY;
    arp.sender = address("192.0.2.8");
    arp_emit(&arp, h.bytes);
    ether(&h, ETHERTYPE_ARPP, 8);
    udp("10.0.0.2", "192.0.2.9", 80, 10);
    ms(40000);
    udp("10.0.0.2", "192.0.2.9", 80, 10);
    ms(20000);
    end("arp");
    begin(FUZZ_VOUCH);
    for (unsigned i = 0; i < 2; i++) {
        struct nd nd = {.target = address(i ? "2001:db8::9" : "2001:db8::1"),
                        .has_mac = true,
                        .mac = {{2, 0, 0, 0, 0, 9}},
                        .solicited = true,
                        .override_ = true};
        uint8_t message[64];
        uint8_t type = i ? ICMP6_NEIGHBOR_ADVERT : ICMP6_NEIGHBOR_SOLICIT;
        size_t length = nd_emit(&nd, type, message);
        h = ip_packet("2001:db8::9", "2001:db8::1", 58, length);
        h.bytes[7] = 255;
        memcpy(h.bytes + 40, message, length);
        checksum(&h, 2, 1);
        ether(&h, ETHERTYPE_V6, 9);
    }
    end("nd");
}

int main(int argc, char **argv)
{
    is_check = argc == 3 && !strcmp(argv[1], "--check");
    if (argc < 2 || (argc == 3 && !is_check)) {
        fprintf(stderr, "usage: %s [--check] DIR\n", argv[0]);
        return 2;
    }
    directory = argv[argc - 1];
    tcp_inputs(0, "linux");
    tcp_inputs(FUZZ_VOUCH, "vouched");
    tcp_inputs(FUZZ_VOUCH | FUZZ_BSD, "4.4bsd");
    ip_inputs();
    icmp_inputs();
    link_inputs();
    router_inputs();
    return failures != 0;
}
