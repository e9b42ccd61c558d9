/* interface.c: a host's interfaces: addresses, the transmit queue with its backpressure, up and down. */
#include "host/host_inner.h"
#include <stdio.h>

static bool mac_is_zero(const uint8_t mac[6])
{
    static const uint8_t zero[6];
    return !memcmp(mac, zero, 6);
}

size_t interface_capacity(int count)
{
    size_t capacity = count ? 1 : 0;
    while (capacity < (size_t)count)
        capacity *= 2;
    return capacity;
}

static int make_room(struct lil_host *host)
{
    int count = host->interface_count;
    if ((size_t)count < interface_capacity(count))
        return 0;
    struct interface **grown = pool_alloc(host->pool, sizeof *grown * (size_t)(count ? count * 2 : 1));
    if (!grown)
        return -ENOMEM;
    if (count)
        memcpy(grown, host->interfaces, sizeof *grown * (size_t)count);
    pool_free(host->pool, host->interfaces, sizeof *grown * (size_t)count);
    host->interfaces = grown;
    return 0;
}

int interface_new(struct lil_host *host, const struct lil_interface_config *config)
{
    if ((config->mtu && config->mtu < 68) || config->mtu > 65536 || config->gso_max > 65535)
        return -EINVAL;
    if (config->kind != LIL_LOOPBACK && !config->transmit)
        return -EINVAL;
    if (host->interface_count >= 4096)
        return -ENOSPC;
    int error = make_room(host);
    struct interface *interface = error ? NULL : pool_alloc(host->pool, sizeof *interface);
    if (!interface)
        return -ENOMEM;
    static const char *const kinds[] = {"eth", "tun", "lo"};
    interface->host = host;
    interface->ifindex = host->interface_count + 1;
    interface->kind = config->kind;
    if (config->name)
        snprintf(interface->name, sizeof interface->name, "%s", config->name);
    else
        snprintf(interface->name, sizeof interface->name, "%s%d", kinds[config->kind], interface->ifindex - 2);
    interface->mtu = config->mtu ? config->mtu : 1500;
    interface->gso_max = config->gso_max;
    interface->csum_offload = config->csum_offload || config->kind == LIL_LOOPBACK;
    interface->queue_limit = config->queue_limit ? config->queue_limit : config->kind == LIL_LOOPBACK ? HOST_LOOPBACK_LIMIT : 1000;
    interface->transmit = config->transmit;
    interface->ctx = config->ctx;
    interface->accept_any = config->accept_any;
    interface->up = true;
    packet_queue_init(&interface->queue);
    if (!mac_is_zero(config->mac)) {
        memcpy(interface->mac.b, config->mac, 6);
    } else if (config->kind == LIL_ETHERNET) {
        uint64_t bits = prng_next(&host->prng);
        memcpy(interface->mac.b, &bits, 6);
        interface->mac.b[0] = 2; /* locally administered, unicast */
    }
    host->interfaces[host->interface_count++] = interface;
    host->any_accept_any |= interface->accept_any;
    host_changed(host);
    return interface->ifindex;
}

void interface_free(struct interface *interface)
{
    packet_queue_clear(&interface->queue);
    host_autoconf_free(interface);
    pool_free(interface->host->pool, interface->addresses, interface->address_capacity * sizeof *interface->addresses);
    pool_free(interface->host->pool, interface, sizeof *interface);
}

bool interface_has_address(const struct interface *interface, const struct addr *addr)
{
    for (unsigned i = 0; i < interface->address_count; i++)
        if (addr_equal(&interface->addresses[i].addr, addr))
            return true;
    return false;
}

bool interface_is_full(const struct interface *interface)
{
    return interface->blocked && interface->queue.count >= interface->queue_limit;
}

static void count_out(struct interface *interface, const struct lil_packet *packet)
{
    interface->packets_out++;
    interface->bytes_out += packet->length;
}

void interface_send(struct interface *interface, struct lil_packet *packet)
{
    struct lil_host *host = interface->host;
    if (!interface->up) {
        host_drop(host, interface->ifindex, LIL_DROP_INTERFACE_DOWN, packet);
        return;
    }
    if (interface->kind != LIL_LOOPBACK && host->in_poll && !interface->queue.count && !interface->blocked) {
        if (host->trace)
            host_note_packet(host, interface, LIL_TRACE_PACKET_OUT, packet);
        count_out(interface, packet);
        if (interface->transmit(interface->ctx, interface->ifindex, packet) != -EAGAIN)
            return;
        interface->blocked = host->has_backlog = true;
        packet_queue_push(&interface->queue, packet);
        return;
    }
    /* twice the limit: what is pulled from TCP stops at the limit (host_poll.c), the rest is for replies */
    if (interface->queue.count >= 2 * interface->queue_limit) {
        host_drop(host, interface->ifindex, LIL_DROP_INTERFACE_QUEUE, packet);
        return;
    }
    if (host->trace)
        host_note_packet(host, interface, LIL_TRACE_PACKET_OUT, packet);
    count_out(interface, packet);
    packet_queue_push(&interface->queue, packet);
    host->has_backlog = true;
    host_mark_due(host);
}

void interface_flush(struct interface *interface)
{
    while (interface->queue.count && !interface->blocked) {
        struct lil_packet *packet = packet_queue_pop(&interface->queue);
        if (interface->transmit(interface->ctx, interface->ifindex, packet) != -EAGAIN)
            continue;
        interface->blocked = true;
        packet->next = interface->queue.first; /* back to the front */
        if (!interface->queue.first)
            interface->queue.last = &packet->next;
        interface->queue.first = packet;
        interface->queue.count++;
    }
}

void lil_host_writable(struct lil_host *host, int ifindex)
{
    struct interface *interface = host_interface(host, ifindex);
    if (!interface || !interface->blocked)
        return;
    interface->blocked = false;
    host_mark_due(host);
}

static int add_link_local(struct lil_host *host, struct interface *interface)
{
    if (interface->kind == LIL_LOOPBACK || !host->profile->socket.has_inet6)
        return 0;
    /* RFC 4291 appendix A: modified EUI-64 from the MAC; a TUN has random bits (RFC 7217's aim) */
    struct addr addr = {.b = {0xfe, 0x80}};
    if (interface->kind == LIL_ETHERNET) {
        const uint8_t *m = interface->mac.b;
        const uint8_t eui[8] = {m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
        memcpy(addr.b + 8, eui, 8);
    } else {
        addr.u64[1] = prng_next(&host->prng) | 1;
    }
    char text[ADDR_TEXT], with_length[ADDR_TEXT + 4];
    snprintf(with_length, sizeof with_length, "%s/64", addr_print(&addr, text));
    return lil_address_add(host, interface->ifindex, with_length);
}

int lil_interface_add(struct lil_host *host, const struct lil_interface_config *config)
{
    if (config->kind == LIL_LOOPBACK)
        return -EINVAL;
    int ifindex = interface_new(host, config);
    if (ifindex < 0)
        return ifindex;
    int error = add_link_local(host, host_interface(host, ifindex));
    return error ? error : ifindex;
}

int lil_interface_set_up(struct lil_host *host, int ifindex, bool up)
{
    struct interface *interface = host_interface(host, ifindex);
    if (!interface)
        return -ENODEV;
    if (interface->up == up)
        return 0;
    interface->up = up;
    if (!up) {
        struct lil_packet *packet;
        while ((packet = packet_queue_pop(&interface->queue)))
            host_drop(host, ifindex, LIL_DROP_INTERFACE_DOWN, packet);
        neighbor_flush(&host->arp, ifindex, false);
        neighbor_flush(&host->nd, ifindex, false);
    }
    host_changed(host);
    host_tell(host, HOST_LINK, NULL, ifindex, false);
    host_mark_due(host);
    return 0;
}

int lil_interface_set_mtu(struct lil_host *host, int ifindex, unsigned mtu)
{
    struct interface *interface = host_interface(host, ifindex);
    if (!interface)
        return -ENODEV;
    if (mtu < 68 || mtu > 65536)
        return -EINVAL;
    tcp_path_moves(host->tcp);
    interface->mtu = mtu;
    host_changed(host);
    host_tell(host, HOST_LINK, NULL, ifindex, false);
    return 0;
}

int lil_interface_index(const struct lil_host *host, const char *name)
{
    for (int i = 0; i < host->interface_count; i++)
        if (!strcmp(host->interfaces[i]->name, name))
            return i + 1;
    return -ENODEV;
}

void host_each_interface(struct lil_host *host, bool (*visit)(void *ctx, const struct host_interface_view *view), void *ctx)
{
    for (int i = 0; i < host->interface_count; i++) {
        const struct interface *interface = host->interfaces[i];
        struct host_interface_view view = {
            .ifindex = interface->ifindex, .name = interface->name, .kind = interface->kind, .mtu = interface->mtu,
            .up = interface->up, .mac = interface->mac, .addresses = interface->addresses,
            .address_count = interface->address_count, .packets_in = interface->packets_in,
            .packets_out = interface->packets_out, .bytes_in = interface->bytes_in, .bytes_out = interface->bytes_out,
        };
        if (!visit(ctx, &view))
            return;
    }
}
