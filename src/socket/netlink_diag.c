/* netlink_diag.c: sock_diag(7): what ss(8) asks: every TCP connection, listener, SYN entry and TIME-WAIT record, every bound
 * UDP and raw socket, with queues, timer, and TCP_INFO when it is asked for. ss applies its filters itself too, so that the filter
 * program of a request is not run here. */
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include "socket/netlink.h"
#include "socket/sock_seen.h"

#ifndef SOCK_DESTROY
#define SOCK_DESTROY 21
#endif
enum { WORD_MAX = 16 };

struct diag {
    const struct nl_request *request;
    struct nl_out *out;
    struct inet_diag_req_v2 ask;
    bool is_found; /* of a single question */
};
static void put_sockaddr(__be32 to[4], __be16 *port, const struct addr *addr, uint16_t number, uint8_t family)
{
    memcpy(to, family == AF_INET ? addr->b + 12 : addr->b, family == AF_INET ? 4 : 16);
    *port = htons(number);
}

static void put_id(struct inet_diag_sockid *id, const struct sock_seen *e)
{
    *id = (struct inet_diag_sockid){.idiag_if = e->interface};
    put_sockaddr(id->idiag_src, &id->idiag_sport, &e->flow.local, e->flow.local_port, e->family);
    put_sockaddr(id->idiag_dst, &id->idiag_dport, &e->flow.remote, e->flow.remote_port, e->family);
    memcpy(id->idiag_cookie, e->cookie, sizeof e->cookie);
}

/* A question about one socket names its ends; a cookie of all ones is any. */
static bool is_the_one(const struct diag *diag, const struct inet_diag_sockid *id)
{
    const struct inet_diag_sockid *want = &diag->ask.id;
    size_t size = diag->ask.sdiag_family == AF_INET ? 4 : 16;
    bool any_cookie = want->idiag_cookie[0] == UINT32_MAX && want->idiag_cookie[1] == UINT32_MAX;

    return want->idiag_sport == id->idiag_sport && want->idiag_dport == id->idiag_dport &&
           !memcmp(want->idiag_src, id->idiag_src, size) && !memcmp(want->idiag_dst, id->idiag_dst, size) &&
           (any_cookie || !memcmp(want->idiag_cookie, id->idiag_cookie, sizeof want->idiag_cookie));
}

static bool is_asked(const struct diag *diag, unsigned extension) { return diag->ask.idiag_ext & 1u << (extension - 1); }

static void put_memory(struct diag *diag, const struct sock_seen *e)
{
    uint32_t words[SK_MEMINFO_VARS] = {[SK_MEMINFO_RMEM_ALLOC] = e->unread, [SK_MEMINFO_WMEM_QUEUED] = e->unsent};
    struct lil_proc *proc = diag->request->proc;
    int value = 0;
    socklen_t length = sizeof value;

    if (e->sock && sock_getopt(proc, &e->sock->file, SOL_SOCKET, SO_RCVBUF, &value, &length) == 0)
        words[SK_MEMINFO_RCVBUF] = (uint32_t)value;
    length = sizeof value;
    if (e->sock && sock_getopt(proc, &e->sock->file, SOL_SOCKET, SO_SNDBUF, &value, &length) == 0)
        words[SK_MEMINFO_SNDBUF] = (uint32_t)value;
    nl_put(diag->out, INET_DIAG_SKMEMINFO, words, sizeof words);
}

static void put_extensions(struct diag *diag, const struct sock_seen *e)
{
    struct tcp *tcp = host_tcp(diag->request->host);
    struct tcp_info info;
    unsigned length = sizeof info;
    char word[WORD_MAX];

    if (is_asked(diag, INET_DIAG_SKMEMINFO))
        put_memory(diag, e);
    if (is_asked(diag, INET_DIAG_TOS) && e->tcb && e->family == AF_INET)
        nl_put_u8(diag->out, INET_DIAG_TOS, tcp_options_peek(e->tcb)->tos[0]);
    if (e->family == AF_INET6 && (e->state == SEEN_LISTEN || e->state == SEEN_CLOSE))
        nl_put_u8(diag->out, INET_DIAG_SKV6ONLY, e->sock && e->sock->flags & SF_V6ONLY);
    if (is_asked(diag, INET_DIAG_INFO)) {
        uint64_t now_ns = lil_host_now(diag->request->host);
        int result = e->tcb        ? tcp_getopt(tcp, e->tcb, TCP_INFO, &info, &length, now_ns)
                     : e->listener ? tcp_listener_getopt(tcp, e->listener, TCP_INFO, &info, &length, now_ns)
                                   : -ENOENT;
        if (result == 0)
            nl_put(diag->out, INET_DIAG_INFO, &info, length);
    }
    length = sizeof word;
    if (is_asked(diag, INET_DIAG_CONG) && e->tcb &&
        tcp_getopt(tcp, e->tcb, TCP_CONGESTION, word, &length, lil_host_now(diag->request->host)) == 0)
        nl_put(diag->out, INET_DIAG_CONG, word, strnlen(word, length) + (length < sizeof word));
}

static void put_entry(void *ctx, struct sock_seen *e)
{
    struct diag *diag = ctx;
    const struct netlink_owner *owner = &diag->out->netlink->owner;
    struct netlink_seen seen = {0};
    struct inet_diag_msg body = {
        .idiag_family = e->family, .idiag_state = e->state, .idiag_timer = e->timer, .idiag_retrans = e->retransmits};
    uint64_t now_ns = lil_host_now(diag->request->host);

    if (e->family != diag->ask.sdiag_family)
        return;
    put_id(&body.id, e);
    if (diag->request->is_dump ? !(diag->ask.idiag_states & 1u << e->state) : diag->is_found || !is_the_one(diag, &body.id))
        return;
    diag->is_found = true;
    if (e->sock && owner->describe)
        owner->describe(owner->ctx, &e->sock->file, &seen);
    body.idiag_inode = (uint32_t)seen.inode;
    e->unread += seen.unread_bytes;
    e->unsent += seen.unsent_bytes;
    body.idiag_rqueue = e->unread;
    body.idiag_wqueue = e->unsent;
    if (e->timer && e->expires_ns > now_ns)
        body.idiag_expires = (uint32_t)((e->expires_ns - now_ns) / NS_PER_MS);
    nl_begin(diag->out, SOCK_DIAG_BY_FAMILY, &body, sizeof body);
    put_extensions(diag, e);
    nl_end(diag->out);
}

/* SOCK_DESTROY (`ss -K`): the connection is reset, its owner is told ECONNABORTED. */
struct victim {
    const struct diag *diag;
    struct tcb *tcb;
};

static bool see_victim(void *ctx, const struct tcp_seen *seen)
{
    struct victim *victim = ctx;
    struct sock_seen e = {.flow = *seen->flow, .family = victim->diag->ask.sdiag_family};
    struct inet_diag_sockid id;

    if (!seen->tcb)
        return true;
    struct handle handle = tcp_handle(host_tcp(victim->diag->request->host), seen->tcb);
    memcpy(e.cookie, &handle, sizeof e.cookie);
    put_id(&id, &e);
    if (!is_the_one(victim->diag, &id))
        return true;
    victim->tcb = seen->tcb;
    return false;
}

static int destroy(const struct diag *diag)
{
    struct tcp *tcp = host_tcp(diag->request->host);
    struct victim victim = {.diag = diag};

    if (!proc_is_privileged(diag->request->proc))
        return -EPERM;
    if (diag->ask.sdiag_protocol != IPPROTO_TCP)
        return -EOPNOTSUPP;
    tcp_each(tcp, ntohs(diag->ask.id.idiag_sport), see_victim, &victim);
    if (!victim.tcb)
        return -ENOENT;
    tcp_kill(tcp, victim.tcb, ECONNABORTED, lil_host_now(diag->request->host));
    return 0;
}

int netlink_diag_request(const struct nl_request *request, struct nl_out *out)
{
    struct diag diag = {.request = request, .out = out};

    uint32_t protocol;

    nl_body(request, &diag.ask, sizeof diag.ask);
    if (request->header->nlmsg_type == SOCK_DESTROY)
        return destroy(&diag);
    if (request->header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return -EOPNOTSUPP;
    if (diag.ask.sdiag_family != AF_INET && diag.ask.sdiag_family != AF_INET6) {
        /* AF_UNIX, AF_PACKET, AF_NETLINK ...: the lab has none to tell of, and the real machine's are not shown */
        return request->is_dump ? 0 : -ENOENT;
    }
    if (nl_find_u32(request, sizeof diag.ask, INET_DIAG_REQ_PROTOCOL, &protocol) && protocol != diag.ask.sdiag_protocol)
        return -ENOENT; /* MPTCP, whose number does not fit a byte */
    if (diag.ask.sdiag_protocol != IPPROTO_TCP && diag.ask.sdiag_protocol != IPPROTO_UDP && diag.ask.sdiag_protocol != IPPROTO_RAW)
        return -ENOENT;
    if (out->netlink->owner.prepare)
        out->netlink->owner.prepare(out->netlink->owner.ctx);
    sock_each_seen(request->host, diag.ask.sdiag_protocol, put_entry, &diag);
    return request->is_dump || diag.is_found ? 0 : -ENOENT;
}
