/* setup.c: the host under test that a script's options describe. */
#include "script/setup.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "script/packet/script_packet.h"
#include "script/packet/recording.h"
#include "script/programs/programs.h"

/* When netem lets a packet of LENGTH bytes go (netem_enqueue): with a rate, behind the last one, whose wait counts for its own delay. */
static uint64_t netem_time(const struct run *run, size_t length)
{
    uint64_t delay = run->netem_delay_ns, from = run->now_ns;
    if (!run->netem_rate)
        return from + delay;
    if (run->netem_last_ns > from) {
        delay -= min_u64(delay, run->netem_last_ns - from);
        from = run->netem_last_ns;
    }
    return from + delay + length * NS_PER_S / run->netem_rate;
}

static int transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct run *run = ctx;
    uint8_t bytes[2048], *at = bytes;
    size_t length = lil_packet_length(packet);
    (void)ifindex;
    if (length > sizeof bytes && !(at = malloc(length)))
        return -EAGAIN;
    length = lil_packet_read(packet, 0, at, length);
    struct sent *sent = run->netem_loses ? NULL : sent_new(at, length, netem_time(run, length));
    if (sent) {
        run->netem_last_ns = sent->time_ns;
        sent_unwrap(sent, run->tunnel_port);
        *run->queue_last = sent;
        run->queue_last = &sent->next;
        run->report->packets_out++;
        if (run->capture)
            recording_packet(run->capture, at, length, run->now_ns - run->origin_ns, NULL);
        if (run->config.verbose && sent_is_relevant(run, sent)) {
            char text[400];
            sent_print(conn_for_sent(run, sent), sent, text, sizeof text);
            run_say_at(run, sent->time_ns, "                                        host: %s", text);
        }
    }
    if (at != bytes)
        free(at);
    lil_packet_free(packet);
    return 0;
}

static unsigned mask_length(const char *mask)
{
    struct addr addr;
    if (!mask || addr_parse(mask, &addr) < 0)
        return 16;
    uint32_t bits = addr_to_v4(&addr);
    return bits ? (unsigned)__builtin_popcount(bits) : 16;
}

static void must(struct run *run, int result, const char *what)
{
    if (result < 0)
        run_fail(run, "the host cannot be made: %s: %s", what, strerror(-result));
}

static bool parse_address(const char *text, bool v6, struct addr *addr)
{
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(text, "/"), text);
    return addr_parse(bare, addr) == 0 && addr_is_v4(addr) != v6;
}

/* An address of the command line is for its own IP version: --both runs the scripts over the other one, too. */
static const char *chosen(const struct run *run, const char *name, const char *value, const char *usual)
{
    struct addr addr;
    bool is_fixed = false;
    for (unsigned i = 0; i < run->config.fixed_count; i++)
        is_fixed |= strncmp(run->config.fixed[i], name, strlen(name)) == 0;
    bool other = value && addr_parse(value, &addr) == 0 && addr_is_v4(&addr) == (run->config.ip == SCRIPT_IPV6);
    return value && !(other && is_fixed) ? value : usual;
}

bool setup_addresses(struct run *run)
{
    const struct script_config *config = &run->config;
    bool v6 = config->ip == SCRIPT_IPV6;
    const char *local = chosen(run, "local_ip=", config->local_ip, v6 ? "fd3d:0a0b:17d6::1" : "192.168.0.1");
    const char *remote = chosen(run, "remote_ip=", config->remote_ip, v6 ? "fd3d:fa7b:d17d::1" : "192.0.2.1");
    const char *bad = !parse_address(local, v6, &run->local) ? local : !parse_address(remote, v6, &run->remote) ? remote : NULL;
    if (bad)
        run_note(run, NULL, SCRIPT_FAILED, "--%s=%s is no address of IPv%d", bad == local ? "local_ip" : "remote_ip", bad, v6 ? 6 : 4);
    return !bad;
}

static void set_addresses(struct run *run)
{
    char text[80], local[ADDR_TEXT];
    bool v6 = run->config.ip == SCRIPT_IPV6;
    snprintf(text, sizeof text, "%s/%u", addr_print(&run->local, local), v6 ? 48 : mask_length(run->config.netmask_ip));
    must(run, lil_address_add(run->host, run->ifindex, text), "its address");
    must(run, lil_route_add(run->host, v6 ? "::/0" : "default", "dev tun0"), "its route");
}

/* An option of the script's first SYN or SYN/ACK from the host; -1: it has none. */
static int64_t first_syn(const struct run *run, enum option_kind kind)
{
    for (const struct script_event *event = run->script.events; event; event = event->next) {
        const struct spec_packet *packet = event->kind == EVENT_PACKET ? event->packet : NULL;
        if (!packet || packet->inbound || packet->protocol != SPEC_TCP || !(packet->flags & TCP_SYN))
            continue;
        for (unsigned i = 0; i < packet->option_count; i++)
            if (packet->options[i].kind == kind)
                return packet->options[i].value;
        return -1;
    }
    return -1;
}

/* FreeBSD chooses the window scale by kern.ipc.maxsockbuf: a script whose kernel had it larger than 2 MB, as the
 * releases after 15 may, says so. */
static void fit_buffers(struct run *run)
{
    static const char *const names[] = {"tcp.scale_buffer", "tcp.rcvbuf_max", "tcp.sndbuf_max"};
    int64_t scale = first_syn(run, OPTION_WSCALE);
    char text[24];
    if (lil_sysctl_get(run->host, "tcp.byte_recovery", text, sizeof text) < 0 || strcmp(text, "1") != 0 || scale < 7 || scale > 14)
        return;
    snprintf(text, sizeof text, "%u", 65536u << (scale - 1));
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        (void)!lil_sysctl_set(run->host, names[i], text);
}

void setup_host(struct run *run)
{
    struct script_config *config = &run->config;
    run->now_ns = run->origin_ns = 1000 * NS_PER_S; /* timestamps and ticks have run a while */
    struct lil_host_config host = {.profile = config->profile, .seed = config->seed, .name = "host", .now_ns = run->now_ns};
    run->next_port = 40001;
    run->next_file_fd = 1000000;
    run->host = lil_host_new(&host);
    if (!run->host)
        run_fail(run, errno == EINVAL ? "no profile \"%s\"; `lilliput profile list` lists them" : "no memory for a host of profile %s",
                 config->profile ? config->profile : "linux");
    /* Google's packetdrill gives an IPv6 device 20 bytes more, so that the MSS is 1460 in both versions; nplab's does
     * not: the script tells. */
    unsigned mtu = config->mtu ? config->mtu : config->ip == SCRIPT_IPV6 && first_syn(run, OPTION_MSS) != 1440 ? 1520 : 1500;
    struct lil_interface_config interface = {.kind = LIL_IP, .name = "tun0", .mtu = mtu, .transmit = transmit, .ctx = run};
    run->ifindex = lil_interface_add(run->host, &interface);
    if (run->ifindex == -EINVAL)
        run_fail(run, "--mtu: %u bytes; 68 to 65536 are wanted", mtu);
    must(run, run->ifindex, "its interface");
    set_addresses(run);
    run->proc = lil_proc_new(run->host);
    run->coroutine = run->proc ? coroutine_new(run->proc) : NULL;
    if (!run->coroutine)
        run_fail(run, "out of memory");
    if (config->capture && !(run->capture = recording_open(config->capture, config->capture_append)))
        run_fail(run, "cannot write %s: %s", config->capture, strerror(errno));
    run->code.arena = &run->script.arena;
    run->code.output = config->output;
    fit_buffers(run);
    run_settle(run);
    for (const char *p = config->init_scripts; p && *p;) {
        size_t length = strcspn(p, ",");
        run_command(run, arena_printf(&run->script.arena, "%.*s", (int)length, p));
        p += length + (p[length] == ',');
    }
}

void setup_undo(struct run *run)
{
    coroutine_free(run->coroutine);
    run->coroutine = NULL;
    if (run->proc)
        lil_proc_free(run->proc);
    if (run->host)
        lil_host_free(run->host);
    while (run->queue) {
        struct sent *next = run->queue->next;
        free(run->queue);
        run->queue = next;
    }
    recording_close(run->capture);
}
