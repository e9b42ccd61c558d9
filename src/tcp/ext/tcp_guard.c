/* tcp_guard.c: what a segment must show before a word of it is believed: its signature (RFC 2385, TCP_MD5SIG) and how near it comes from
 * (RFC 5082, IP_MINTTL); and the signatures of what is sent. Keys belong to a socket's options and name peers by prefix; a set of
 * keys never changes once made: connections share it by reference, a new key makes a new set. */
#include "tcp/tcb.h"

struct md5_key {
    struct prefix peers;
    uint8_t length, bytes[TCP_KEY_LENGTH];
};
struct md5_keys {
    uint32_t refs, count;
    struct md5_key key[];
};

static size_t keys_size(uint32_t count)
{
    return sizeof(struct md5_keys) + count * sizeof(struct md5_key);
}

struct md5_keys *md5_keys_ref(struct md5_keys *keys)
{
    if (keys)
        keys->refs++;
    return keys;
}

void md5_keys_unref(struct tcp *tcp, struct md5_keys *keys)
{
    if (keys && --keys->refs == 0)
        pool_free(tcp->pool, keys, keys_size(keys->count));
}

/* The key for PEER: of those whose prefix has it the longest; NULL: none. */
static const struct md5_key *key_of(const struct tcb_opts *opts, const struct addr *peer)
{
    const struct md5_key *best = NULL;
    for (uint32_t i = 0; opts->md5 && i < opts->md5->count; i++) {
        const struct md5_key *key = &opts->md5->key[i];
        if (addr_is_v4(&key->peers.addr) == addr_is_v4(peer) && prefix_contains(&key->peers, peer) &&
            (!best || key->peers.length > best->peers.length))
            best = key;
    }
    return best;
}

/* Signs what goes out. False: text of a send queue under repair (TCP_REPAIR), which counts as sent and does not leave. */
bool guard_output(struct tcb *tcb, struct tcp_segment *segment)
{
    enum { REPAIR_SEND_QUEUE = 2 };
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    if (ext->repair && ext->repair_queue == REPAIR_SEND_QUEUE && segment->packet) {
        packet_free(segment->packet);
        return false;
    }
    const struct ip_extra *extra = tcb->opt->socket.extra;
    if (!tcb->is_v4)
        segment->flow_label = path_label(tcb);
    if (extra && (extra->version == 4) == tcb->is_v4)
        segment->extra = extra;
    md5_sign(tcb->opt, &segment->flow, &segment->header, segment->packet);
    return true;
}

bool md5_is_signed(const struct tcb_opts *opts, const struct addr *peer)
{
    return key_of(opts, peer) != NULL;
}

int md5_key_set(struct tcp *tcp, struct tcb_opts *opts, const struct prefix *peers, const uint8_t *bytes, unsigned length)
{
    uint32_t count = opts->md5 ? opts->md5->count : 0, at = 0, kept = 0;
    while (at < count && !(addr_equal(&opts->md5->key[at].peers.addr, &peers->addr) && opts->md5->key[at].peers.length == peers->length))
        at++;
    if (length == 0 && at == count)
        return -ENOENT;
    struct md5_keys *keys = NULL;
    uint32_t new_count = count - (at < count) + (length != 0);
    if (new_count) {
        keys = pool_alloc(tcp->pool, keys_size(new_count));
        if (!keys)
            return -ENOMEM;
        keys->refs = 1;
        keys->count = new_count;
        for (uint32_t i = 0; i < count; i++)
            if (i != at)
                keys->key[kept++] = opts->md5->key[i];
        if (length) {
            keys->key[kept] = (struct md5_key){.peers = *peers, .length = (uint8_t)length};
            memcpy(keys->key[kept].bytes, bytes, length);
        }
    }
    md5_keys_unref(tcp, opts->md5);
    opts->md5 = keys;
    tcp->has_guards = true;
    return 0;
}

/* --- what is sent --------------------------------------------------------------------------------------------------------------- */

/* HEADER is finished but for this option. */
void md5_sign(const struct tcb_opts *opts, const struct flow *flow, struct tcphdr_ *header, const struct lil_packet *payload)
{
    const struct md5_key *key = key_of(opts, &flow->remote);
    header->options.has_md5 = key != NULL;
    if (key)
        tcphdr_md5(&flow->local, &flow->remote, header, payload, key->bytes, key->length, header->options.md5);
}

/* --- what is received ----------------------------------------------------------------------------------------------------------- */

/* Whose options speak for FLOW; NULL: nobody's (TIME-WAIT and what is kept as such, no listener). */
static const struct tcb_opts *opts_of(struct tcp *tcp, const struct flow *flow, enum flow_kind kind, uint32_t slot)
{
    struct tcp_listener *listener = NULL;
    if (kind == FLOW_TCB)
        return tcp_tcb(tcp, slot)->is_fin_waiter ? NULL : tcp_tcb(tcp, slot)->opt;
    if (kind == FLOW_SYN && tcp_syn(tcp, slot)->listener != TCP_NONE)
        listener = tcp->listeners[tcp_syn(tcp, slot)->listener];
    else if (kind == FLOW_NONE)
        listener = listener_find(tcp, flow, 0);
    return listener ? listener->opt : NULL;
}

static bool is_signature_right(const struct md5_key *key, const struct tcp_in *in, const struct lil_packet *packet)
{
    uint8_t digest[16];
    tcphdr_md5(&in->flow.remote, &in->flow.local, &in->header, packet, key->bytes, key->length, digest);
    return memcmp(digest, in->header.options.md5, sizeof digest) == 0;
}

void tcp_watch_all(struct tcp *tcp)
{
    tcp->has_guards = true;
}

/* Bare on a connection in UDP, in UDP on a bare one, or from another port (tcp_input_with_port()): refused the way it came. */
bool guard_comes_astray(const struct tcp *tcp, const struct tcp_in *in, enum flow_kind kind, uint32_t slot)
{
    if (kind == FLOW_TCB)
        return tcp_tcb(tcp, slot)->flow.encaps_port != in->flow.encaps_port;
    bool is_ack = (in->header.flags & (TCP_SYN | TCP_ACK)) == TCP_ACK, is_reset = in->header.flags & TCP_RST;
    return kind == FLOW_SYN && tcp_syn(tcp, slot)->flow.encaps_port != in->flow.encaps_port && (is_ack || is_reset);
}

/* RFC 2385 2, 4.1: a segment without the signature that is due, with a wrong one or (Linux) with one that nobody asked for is dropped
 * without a word. RFC 5082 3: so is one that has come too far. */
enum lil_drop guard_check(struct tcp *tcp, const struct tcp_in *in, const struct lil_packet *packet, enum flow_kind kind, uint32_t slot)
{
    const struct tcb_opts *opts = opts_of(tcp, &in->flow, kind, slot);
    if (in->header.options.md5_illegal && tcp->params.input_policy == TCP_INPUT_LINUX && kind != FLOW_WAIT)
        return LIL_DROP_TCP_SIGNATURE; /* tcp_parse_auth_options() */
    if (!opts)
        return LIL_DROP_NONE;
    if (in->ttl < opts->socket.min_ttl[!addr_is_v4(&in->flow.remote)] && kind != FLOW_SYN) {
        TCP_MIB(tcp, MinTTLDrop);
        return LIL_DROP_TCP_TTL;
    }
    const struct md5_key *key = key_of(opts, &in->flow.remote);
    bool has_md5 = in->header.options.has_md5;
    if (!key && (!has_md5 || tcp->params.input_policy != TCP_INPUT_LINUX))
        return LIL_DROP_NONE;
    if (!key)
        TCP_MIB(tcp, MD5Unexpected);
    else if (!has_md5)
        TCP_MIB(tcp, MD5NotFound);
    else if (!is_signature_right(key, in, packet))
        TCP_MIB(tcp, MD5Failure);
    else
        return LIL_DROP_NONE;
    return LIL_DROP_TCP_SIGNATURE;
}

/* A signed segment for nobody: it is refused only where a listener on the sender's port of here has its key (Linux: tcp_v4_send_reset). */
bool guard_may_refuse(struct tcp *tcp, const struct tcp_in *in, const struct lil_packet *packet)
{
    struct flow flow = in->flow;
    if (!in->header.options.has_md5 || tcp->params.input_policy != TCP_INPUT_LINUX)
        return true;
    flow.local_port = in->flow.remote_port;
    struct tcp_listener *listener = listener_find(tcp, &flow, 0);
    const struct md5_key *key = listener ? key_of(listener->opt, &in->flow.remote) : NULL;
    return key && is_signature_right(key, in, packet);
}

void guard_sign_reply(struct tcp *tcp, struct tcp_reply *reply)
{
    enum flow_kind kind;
    uint32_t slot = flow_find(tcp, &reply->flow, &kind);
    reply_sign(reply, opts_of(tcp, &reply->flow, kind, slot));
}

struct wait_keys {
    struct wait_keys *next;
    uint32_t slot;
    struct md5_keys *keys;
};

bool guard_wait_keep(struct tcp *tcp, const struct tcb *tcb, uint32_t slot)
{
    struct wait_keys *kept = pool_alloc(tcp->pool, sizeof *kept);
    if (!kept)
        return false;
    *kept = (struct wait_keys){.next = tcp->wait_keys, .slot = slot, .keys = md5_keys_ref(tcb->opt->md5)};
    tcp->wait_keys = kept;
    return true;
}

static struct wait_keys **wait_keys_of(struct tcp *tcp, uint32_t slot)
{
    struct wait_keys **at = &tcp->wait_keys;
    while (*at && (*at)->slot != slot)
        at = &(*at)->next;
    return at;
}

void guard_wait_sign(struct tcp *tcp, uint32_t slot, struct tcp_reply *reply)
{
    const struct wait_keys *kept = *wait_keys_of(tcp, slot);
    struct tcb_opts opts = {.md5 = kept ? kept->keys : NULL};
    reply_sign(reply, &opts);
}

void guard_wait_forget(struct tcp *tcp, uint32_t slot)
{
    struct wait_keys **at = wait_keys_of(tcp, slot), *kept = *at;
    if (!kept)
        return;
    *at = kept->next;
    md5_keys_unref(tcp, kept->keys);
    pool_free(tcp->pool, kept, sizeof *kept);
}

void guard_wait_fini(struct tcp *tcp)
{
    while (tcp->wait_keys)
        guard_wait_forget(tcp, tcp->wait_keys->slot);
}
