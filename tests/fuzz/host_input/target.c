/* target.c: whatever bytes arrive, at whatever times, a host neither crashes nor leaks, nor grows beyond its limits. Read target.h. */
#include "target.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "lilliput/lilliput.h"

void (*fuzz_sent)(int is_ether, const uint8_t *bytes, size_t length);

enum { MEMORY_LIMIT = 8 << 20, EVENTS_MAX = 4000 };
struct fuzz {
    struct lil_host *host;
    struct lil_proc *proc;
    uint64_t now_ns;
    int ether, tun, listener, client, server, datagram;
    uint8_t flags;
    unsigned polls;
};

static int transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct fuzz *fuzz = ctx;
    uint8_t bytes[2048];
    size_t length = lil_packet_read(packet, 0, bytes, sizeof bytes);
    if (lil_packet_length(packet) > 1514)
        abort(); /* nothing longer than the MTU leaves */
    if (fuzz_sent)
        fuzz_sent(ifindex == fuzz->ether, bytes, length);
    lil_packet_free(packet);
    return 0;
}

static void start(struct fuzz *fuzz)
{
    struct lil_host_config config = {.profile = fuzz->flags & FUZZ_BSD ? "4.4bsd" : "linux", .seed = 7, .router = fuzz->flags & FUZZ_ROUTER,
                                     .memory_limit_bytes = MEMORY_LIMIT, .now_ns = fuzz->now_ns};
    struct lil_interface_config nic = {.kind = LIL_ETHERNET, .mac = {2, 0, 0, 0, 0, 1}, .transmit = transmit, .ctx = fuzz};
    fuzz->host = lil_host_new(&config);
    fuzz->ether = lil_interface_add(fuzz->host, &nic);
    nic.kind = LIL_IP;
    fuzz->tun = lil_interface_add(fuzz->host, &nic);
    if (lil_address_add(fuzz->host, fuzz->ether, "192.0.2.1/24") || lil_address_add(fuzz->host, fuzz->ether, "2001:db8::1/64") ||
        lil_address_add(fuzz->host, fuzz->tun, "10.0.0.1/24") || lil_address_add(fuzz->host, fuzz->tun, "2001:db8:1::1/64"))
        abort();
    if (fuzz->flags & FUZZ_AUTO && !(fuzz->flags & FUZZ_BSD)) {
        if (lil_interface_autoconf(fuzz->host, fuzz->ether) ||
            (fuzz->flags & FUZZ_ROUTER && lil_interface_advertise(fuzz->host, fuzz->ether)))
            abort();
    }
    fuzz->proc = lil_proc_new(fuzz->host);
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = __builtin_bswap16(80)};
    fuzz->listener = lil_socket(fuzz->proc, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
    fuzz->datagram = lil_socket(fuzz->proc, AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (lil_bind(fuzz->proc, fuzz->listener, (struct sockaddr *)&name, sizeof name) || lil_listen(fuzz->proc, fuzz->listener, 5) ||
        lil_bind(fuzz->proc, fuzz->datagram, (struct sockaddr *)&name, sizeof name))
        abort();
    fuzz->client = fuzz->server = -1;
}

static void poll_host(struct fuzz *fuzz)
{
    for (int i = 0; i < 64 && fuzz->polls < EVENTS_MAX; i++) {
        fuzz->polls++;
        if (lil_host_poll(fuzz->host, fuzz->now_ns) > fuzz->now_ns && !lil_host_is_due(fuzz->host))
            return;
    }
}

static void pass_time(struct fuzz *fuzz, uint64_t until_ns)
{
    while (fuzz->polls++ < EVENTS_MAX) {
        uint64_t due = lil_host_poll(fuzz->host, fuzz->now_ns);
        if (due > until_ns)
            break;
        fuzz->now_ns = due > fuzz->now_ns ? due : fuzz->now_ns;
    }
    fuzz->now_ns = until_ns;
    poll_host(fuzz);
}

static void act(struct fuzz *fuzz, unsigned what)
{
    static uint8_t bytes[8192];
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = __builtin_bswap16(80), .sin_addr.s_addr = __builtin_bswap32(0x0a000002)};
    struct lil_proc *p = fuzz->proc;
    switch (what % 9) {
    case 0:
        if (fuzz->server >= 0)
            lil_close(p, fuzz->server);
        fuzz->server = lil_accept4(p, fuzz->listener, NULL, NULL, SOCK_NONBLOCK);
        break;
    case 1:
        (void)!lil_read(p, fuzz->server, bytes, 1 + what * 8 % sizeof bytes);
        break;
    case 2:
        (void)!lil_write(p, fuzz->server, bytes, 1 + what * 8 % sizeof bytes);
        break;
    case 3:
        if (fuzz->client >= 0)
            lil_close(p, fuzz->client);
        fuzz->client = lil_socket(p, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!lil_connect(p, fuzz->client, (struct sockaddr *)&name, sizeof name);
        break;
    case 4:
        (void)!lil_write(p, fuzz->client, bytes, 1 + what * 8 % sizeof bytes);
        break;
    case 5:
        (void)!lil_shutdown(p, what & 64 ? fuzz->client : fuzz->server, SHUT_WR);
        break;
    case 6:
        (void)!lil_recv(p, fuzz->datagram, bytes, sizeof bytes, 0);
        break;
    case 7:
        (void)!lil_read(p, fuzz->client, bytes, sizeof bytes);
        break;
    default:
        if (what & 64 ? fuzz->client >= 0 : fuzz->server >= 0) {
            lil_close(p, what & 64 ? fuzz->client : fuzz->server);
            *(what & 64 ? &fuzz->client : &fuzz->server) = -1;
        }
    }
    poll_host(fuzz);
}

static void frame(struct fuzz *fuzz, int ifindex, const uint8_t *bytes, size_t length)
{
    struct lil_packet *packet = lil_packet_copy(fuzz->host, bytes, length);
    if (!packet)
        return;
    if (fuzz->flags & FUZZ_VOUCH)
        packet->csum = CSUM_VOUCHED;
    if (lil_host_input(fuzz->host, ifindex, packet, fuzz->now_ns) < 0)
        abort();
    poll_host(fuzz);
}

static void check(struct fuzz *fuzz)
{
    struct lil_host_stats stats;
    uint64_t drops = 0;
    lil_host_get_stats(fuzz->host, &stats);
    for (int i = 0; i < LIL_DROP_COUNT; i++)
        drops += lil_drop_count(fuzz->host, (enum lil_drop)i);
    if (drops != stats.drops || stats.memory_bytes > MEMORY_LIMIT || lil_drop_count(fuzz->host, LIL_DROP_NONE))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {.now_ns = 1000000000};
    if (!size)
        return 0;
    fuzz.flags = data[0];
    start(&fuzz);
    for (size_t at = 1; at + 2 <= size && fuzz.polls < EVENTS_MAX;) {
        unsigned kind = data[at] >> 6, number = (data[at] & 63u) << 8 | data[at + 1];
        at += 2;
        if (kind == FUZZ_TIME) {
            pass_time(&fuzz, fuzz.now_ns + (uint64_t)number * number * 1000);
        } else if (kind == FUZZ_ACT) {
            act(&fuzz, number);
        } else {
            size_t length = number < size - at ? number : size - at;
            frame(&fuzz, kind == FUZZ_ETHER ? fuzz.ether : fuzz.tun, data + at, length);
            at += length;
        }
    }
    check(&fuzz);
    lil_host_free(fuzz.host);
    return 0;
}
