/* host.c: the birth and death of a host, and the small questions about it. Read host.h first; host_input.c and host_output.c are the
 * path. */
#include "host/packet_filter.h"
#include "host/host_inner.h"
#include "host/tunnel.h"
#include <stdio.h>
#include <stdlib.h>

static void hook_tcp_event(void *ctx, void *user, struct tcb *tcb, unsigned events)
{
    struct lil_host *host = ctx;
    if (user && host->sockets.tcp_event)
        host->sockets.tcp_event(host->sockets.ctx, user, tcb, events);
}

static void hook_tcp_acceptable(void *ctx, void *user, struct tcp_listener *listener)
{
    struct lil_host *host = ctx;
    if (host->sockets.tcp_acceptable)
        host->sockets.tcp_acceptable(host->sockets.ctx, user, listener);
}

static int hook_path(void *ctx, const struct addr *local, const struct addr *remote, const struct tcp_path **path)
{
    return host_path(ctx, local, remote, path);
}

static void hook_trace(void *ctx, const struct lil_trace *event)
{
    struct lil_trace copy = *event;
    host_trace(ctx, &copy);
}

static void hook_due(void *ctx)
{
    host_mark_due(ctx);
}

static void hook_udp_event(void *ctx, void *user, struct udp_pcb *pcb, unsigned events)
{
    struct lil_host *host = ctx;
    if (user && host->sockets.udp_event)
        host->sockets.udp_event(host->sockets.ctx, user, pcb, events);
}

static void hook_frag_drop(void *ctx, enum lil_drop reason, struct lil_packet *packet)
{
    host_drop(ctx, packet->ifindex, reason, packet);
}

static void hook_frag_timeout(void *ctx, const struct ip *ip, const struct lil_packet *first)
{
    struct lil_host *host = ctx;
    struct lil_packet *quote = packet_clone(first);
    if (!quote)
        return;
    struct ip header = *ip;
    header.header_length = (uint16_t)ip_header_size(&header);
    header.payload_length = quote->length;
    ip_emit(&header, packet_push(quote, header.header_length));
    struct icmp_error error = {.version = ip->version, .type = ip->version == 4 ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED_, .code = 1};
    host_icmp_error(host, &error, &header, quote);
    packet_free(quote);
}

static int make_leaves(struct lil_host *host, const struct lil_host_config *config)
{
    struct tcp_config tcp_config = {
        .pool = host->pool,
        .seed = prng_next(&host->prng),
        .hooks = {.ctx = host, .event = hook_tcp_event, .acceptable = hook_tcp_acceptable, .path = hook_path,
                  .trace = config->trace ? hook_trace : NULL, .due = hook_due,
                  .stray_syn = host_stray_syn},
    };
    struct udp_hooks udp_hooks = {.ctx = host, .event = hook_udp_event, .due = hook_due};
    struct reass_hooks reass_hooks = {.ctx = host, .drop = hook_frag_drop, .timeout = hook_frag_timeout, .next_ns = &host->next_ns};
    struct siphash_key reass_key = {prng_next(&host->prng), prng_next(&host->prng)};
    routes_init(&host->routes, host->pool);
    host->routes.told = host_route_told;
    host->routes.told_ctx = host;
    pmtu_init(&host->pmtu, host->pool);
    reass_init(&host->reass, host->pool, &host->profile->ip, &reass_hooks, &reass_key);
    host_neighbor_init(host);
    host->tcp = tcp_new(&host->profile->tcp, &tcp_config);
    host->udp = udp_new(&host->profile->udp, host->pool, &udp_hooks);
    host->ways = pool_alloc(host->pool, HOST_WAYS * sizeof *host->ways);
    host->known = pool_alloc(host->pool, HOST_KNOWN * sizeof *host->known);
    if (!host->tcp || !host->udp || !host->ways || !host->known)
        return -ENOMEM;
    struct lil_interface_config lo = {.kind = LIL_LOOPBACK, .name = "lo", .mtu = MTU_LOOPBACK};
    int ifindex = interface_new(host, &lo);
    if (ifindex < 0)
        return ifindex;
    int error = lil_address_add(host, ifindex, "127.0.0.1/8");
    if (!error && host->profile->socket.has_inet6)
        error = lil_address_add(host, ifindex, "::1/128");
    return error;
}

struct lil_host *lil_host_new(const struct lil_host_config *config)
{
    const struct profile *profile = profile_find(config->profile ? config->profile : "linux");
    if (!profile) {
        errno = EINVAL;
        return NULL;
    }
    struct pool_config pool_config = {.allocate = config->allocator.allocate, .release = config->allocator.release,
                                      .ctx = config->allocator.ctx, .limit_bytes = config->memory_limit_bytes, .direct = config->unpooled};
    struct pool *pool = config->share_pool ? pool_ref(config->share_pool->pool) : pool_new(&pool_config);
    struct lil_host *host = pool ? pool_alloc(pool, sizeof *host) : NULL;
    if (host)
        host->profile = pool_alloc(pool, sizeof *host->profile);
    if (!host || !host->profile) {
        if (host)
            pool_free(pool, host, sizeof *host);
        if (pool)
            pool_unref(pool);
        errno = ENOMEM;
        return NULL;
    }
    host->pool = pool;
    *host->profile = *profile;
    snprintf(host->name, sizeof host->name, "%s", config->name ? config->name : "host");
    host->now_ns = config->now_ns;
    host->router = config->router;
    if (config->router)
        host->profile->ip.forwarding = true;
    host->trace = config->trace;
    host->trace_ctx = config->trace_ctx;
    host->generation = 1;
    host->next_ns = LIL_NEVER;
    prng_seed(&host->prng, config->seed);
    host->key = (struct siphash_key){prng_next(&host->prng), prng_next(&host->prng)};
    host->ip_id = (uint16_t)prng_next(&host->prng);
    list_init(&host->held_syns);
    packet_queue_init(&host->failed);
    if (make_leaves(host, config) != 0) {
        lil_host_free(host);
        errno = ENOMEM;
        return NULL;
    }
    return host;
}

void lil_host_free(struct lil_host *host)
{
    if (!host)
        return;
    host->trace = NULL;
    host->due_hook = NULL;
    if (host->sockets.free)
        host->sockets.free(host->sockets.ctx);
    memset(&host->sockets, 0, sizeof host->sockets);
    if (host->tcp)
        tcp_free(host->tcp);
    udp_free(host->udp);
    host_held_fini(host);
    neighbor_cache_fini(&host->arp);
    neighbor_cache_fini(&host->nd);
    packet_queue_clear(&host->failed);
    reass_fini(&host->reass);
    pmtu_fini(&host->pmtu);
    routes_fini(&host->routes);
    for (int i = 0; i < host->interface_count; i++)
        interface_free(host->interfaces[i]);
    tunnels_free(host);
    filter_free(host);
    struct pool *pool = host->pool;
    pool_free(pool, host->interfaces, sizeof *host->interfaces * interface_capacity(host->interface_count));
    pool_free(pool, host->ways, HOST_WAYS * sizeof *host->ways);
    pool_free(pool, host->known, HOST_KNOWN * sizeof *host->known);
    pool_free(pool, host->profile, sizeof *host->profile);
    pool_free(pool, host, sizeof *host);
    pool_unref(pool);
}

struct lil_packet *lil_packet_copy(struct lil_host *host, const void *frame, size_t length)
{
    return packet_copy(host->pool, frame, length);
}

void host_set_sockets(struct lil_host *host, const struct host_sockets *sockets)
{
    host->sockets = *sockets;
}

void *host_get_sockets(struct lil_host *host)
{
    return host->sockets.ctx;
}

struct tcp *host_tcp(struct lil_host *host)
{
    return host->tcp;
}

struct udp *host_udp(struct lil_host *host)
{
    return host->udp;
}

struct pool *host_pool(struct lil_host *host)
{
    return host->pool;
}

struct prng *host_prng(struct lil_host *host)
{
    return &host->prng;
}

const struct profile *host_profile(const struct lil_host *host)
{
    return host->profile;
}

uint64_t host_now(const struct lil_host *host)
{
    return host->now_ns;
}

uint64_t lil_host_now(const struct lil_host *host)
{
    return host->now_ns;
}

const char *lil_host_name(const struct lil_host *host)
{
    return host->name;
}

void host_mark_due(struct lil_host *host)
{
    if (host->due)
        return;
    host->due = true;
    if (host->due_hook && !host->in_poll)
        host->due_hook(host->due_ctx, host);
}

bool lil_host_is_due(const struct lil_host *host)
{
    return host->due;
}

void host_set_due_hook(struct lil_host *host, void (*due)(void *ctx, struct lil_host *host), void *ctx)
{
    host->due_hook = due;
    host->due_ctx = ctx;
}

bool host_is_traced(const struct lil_host *host)
{
    return host->trace != NULL;
}

void host_set_trace(struct lil_host *host, lil_trace_fn *trace, void *ctx)
{
    host->trace = trace;
    host->trace_ctx = ctx;
    tcp_set_trace(host->tcp, trace ? hook_trace : NULL);
}

void host_trace(struct lil_host *host, struct lil_trace *event)
{
    if (!host->trace)
        return;
    event->host = host->name;
    event->now_ns = host->now_ns;
    host->trace(host->trace_ctx, event);
}

void host_note_packet(struct lil_host *host, const struct interface *interface, enum lil_trace_kind kind, const struct lil_packet *packet)
{
    if (!host->trace)
        return;
    struct lil_trace event = {.kind = kind, .ifindex = interface->ifindex, .packet = packet};
    host_trace(host, &event);
}

void host_note_drop(struct lil_host *host, int ifindex, enum lil_drop reason, const struct lil_packet *packet)
{
    host->drops[reason]++;
    host->drop_total++;
    if (!host->trace)
        return;
    struct lil_trace event = {.kind = LIL_TRACE_DROP, .ifindex = ifindex, .packet = packet, .drop = reason};
    host_trace(host, &event);
}

void host_drop(struct lil_host *host, int ifindex, enum lil_drop reason, struct lil_packet *packet)
{
    host_note_drop(host, ifindex, reason, packet);
    packet_free(packet);
}

void host_drop_input(struct lil_host *host, const struct interface *interface, enum lil_drop reason, struct lil_packet *packet)
{
    host_note_drop(host, interface->ifindex, reason, host->shadow ? host->shadow : packet);
    packet_free(packet);
}

const char *lil_drop_name(enum lil_drop drop)
{
    static const char *const words[] = {
#define X(name, word) word,
        LIL_DROPS(X)
#undef X
    };
    return (unsigned)drop < LIL_DROP_COUNT ? words[drop] : "?";
}

int lil_timeout_ms(uint64_t deadline_ns, uint64_t now_ns)
{
    if (deadline_ns == LIL_NEVER)
        return -1;
    if (deadline_ns <= now_ns)
        return 0;
    uint64_t ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return ms > 0x7fffffff ? 0x7fffffff : (int)ms;
}
