/* tcp_isn.c: initial sequence numbers (RFC 9293 3.4.1, RFC 6528) and timestamp offsets (RFC 7323 5.4). */
#include "tcp/tcb.h"

/* RFC 9293 3.4.1 (MUST-9): SipHash under a key that never leaves the host. One hash serves both: its low half is for the ISN, its high
 * half for the timestamps, and none of them tells of the other. */
uint64_t isn_hash(const struct tcp *tcp, const struct flow *flow)
{
    uint64_t ports = (uint64_t)flow->local_port << 16 | flow->remote_port;
    if (addr_is_v4(&flow->remote))
        return siphash_2u64(&tcp->isn_key, (uint64_t)flow->local.u32[3] << 32 | flow->remote.u32[3], ports);
    return siphash_4u64(&tcp->isn_key, flow->local.u64[0] ^ flow->remote.u64[0], flow->local.u64[1], flow->remote.u64[1], ports);
}

/* RFC 9293 3.4.1 (MUST-8, SHLD-1): ISN = M + F(localip, localport, remoteip, remoteport, secretkey), M a 4 us clock (Linux: 64 ns). */
static uint32_t iss_of(struct tcp *tcp, uint64_t hash)
{
    if (tcp->params.isn_policy == TCP_ISN_BSD) {
        /* 4.2 to 4.4: 64,000 more each half second and each connection (slow timer: TCP_ISSINCR/2) */
        uint64_t halves = tcp->now_ns / (NS_PER_S / 2);
        tcp->bsd_iss += (uint32_t)(halves - tcp->bsd_iss_ns) * 64000u;
        tcp->bsd_iss_ns = halves;
        uint32_t iss = tcp->bsd_iss;
        tcp->bsd_iss += 64000;
        return iss;
    }
    return (uint32_t)hash + (uint32_t)(tcp->now_ns / 64);
}

static uint32_t ts_offset_of(const struct tcp *tcp, uint64_t hash)
{
    return tcp->params.timestamp_offsets ? (uint32_t)(hash >> 32) : 0;
}

struct isn isn_of_hash(struct tcp *tcp, uint64_t hash) { return (struct isn){iss_of(tcp, hash), ts_offset_of(tcp, hash)}; }
struct isn isn_make(struct tcp *tcp, const struct flow *flow) { return isn_of_hash(tcp, isn_hash(tcp, flow)); }

uint32_t isn_ts_offset(struct tcp *tcp, const struct flow *flow)
{
    return ts_offset_of(tcp, isn_hash(tcp, flow));
}
