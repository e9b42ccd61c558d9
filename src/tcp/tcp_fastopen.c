/* tcp_fastopen.c: TCP fast open (RFC 7413): cookies, the client's memory of them, data in the SYN. (The lead writes this file from 19:28 on.) */
#include "tcp/tcb.h"

/* RFC 7413 4.1.2: a keyed hash of the client's address. */
void fastopen_cookie(struct tcp *tcp, const struct flow *flow, uint8_t cookie[8])
{
    uint64_t value = siphash_2u64(&tcp->fastopen_key, flow->remote.u64[0] ^ flow->local.u64[0], flow->remote.u64[1] ^ (flow->local.u64[1] << 1));
    memcpy(cookie, &value, 8);
}

const struct fastopen_memo *fastopen_recall(struct tcp *tcp, const struct addr *remote)
{
    for (unsigned i = 0; i < ARRAY_COUNT(tcp->fastopen_cache); i++)
        if (tcp->fastopen_cache[i].length && addr_equal(&tcp->fastopen_cache[i].remote, remote))
            return &tcp->fastopen_cache[i];
    return NULL;
}

void fastopen_remember(struct tcp *tcp, const struct addr *remote, const struct tcp_options *options, uint16_t mss)
{
    struct fastopen_memo *memo = (struct fastopen_memo *)fastopen_recall(tcp, remote);
    if (!memo)
        memo = &tcp->fastopen_cache[tcp->fastopen_cache_next++ % ARRAY_COUNT(tcp->fastopen_cache)];
    memo->remote = *remote;
    memo->mss = mss;
    memo->length = options->fastopen_length;
    memo->exp = options->fastopen_experimental;
    memcpy(memo->cookie, options->fastopen, sizeof memo->cookie);
}

/* The client's SYN: a cookie, or the wish for one, and data that fits (RFC 7413 4.2.1). */
void fastopen_add_to_syn(struct tcb *tcb, struct tcp_segment *segment)
{
    (void)tcb;
    (void)segment;
}

void fastopen_on_synack(struct tcb *tcb, const struct rx *rx)
{
    (void)tcb;
    (void)rx;
}

void fastopen_syn_acked(struct tcb *tcb, const struct rx *rx)
{
    (void)tcb;
    (void)rx;
}

bool fastopen_on_syn(struct tcp_listener *listener, const struct tcp_in *in, struct lil_packet **packet, uint32_t slot, bool *taken)
{
    (void)listener;
    (void)in;
    (void)packet;
    (void)slot;
    *taken = false;
    return false;
}
