/* addr.h: the one address type. IPv4 is kept mapped (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so that nothing above
 * wire/ and link/ asks which family it is unless it must. Bytes are in network order, as on the wire. */
#ifndef WIRE_ADDR_H
#define WIRE_ADDR_H
#include <netinet/in.h>
#include <sys/socket.h>
#include "base/base.h"

struct addr {
    union {
        uint8_t b[16];
        uint64_t u64[2];
        uint32_t u32[4];
    };
};
/* One endpoint pair as the local host sees it; ports in host order; scope is an ifindex for link-local addresses. A connection whose
 * segments go in UDP datagrams (draft-cheshire-tcp-over-udp, as FreeBSD has it) has the peer's UDP port, too; 0: it goes bare. */
struct flow {
    struct addr local, remote;
    uint16_t local_port, remote_port;
    uint16_t scope, encaps_port;
};
struct prefix {
    struct addr addr;
    uint8_t length; /* in the 128-bit form: an IPv4 /24 is 120 */
};
struct mac {
    uint8_t b[6];
};

/* Both at once, in one word: a comparison of flows that follows loads them so, and would wait for two narrower stores. */
static inline void flow_set_ports(struct flow *flow, uint16_t local, uint16_t remote)
{
    const uint32_t word = __BYTE_ORDER == __LITTLE_ENDIAN ? (uint32_t)remote << 16 | local : (uint32_t)local << 16 | remote;
    memcpy(&flow->local_port, &word, sizeof word);
}

static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
    return a->u64[0] == b->u64[0] && a->u64[1] == b->u64[1];
}
static inline bool flow_equal(const struct flow *a, const struct flow *b)
{
    return addr_equal(&a->remote, &b->remote) && addr_equal(&a->local, &b->local) && a->local_port == b->local_port &&
           a->remote_port == b->remote_port;
}
struct addr addr_v4(uint32_t host_order);
uint32_t addr_to_v4(const struct addr *a); /* host order */
bool addr_is_v4(const struct addr *a);
bool addr_is_any(const struct addr *a);       /* 0.0.0.0 mapped, or :: */
bool addr_is_loopback(const struct addr *a);  /* 127/8 or ::1 */
bool addr_is_multicast(const struct addr *a);
bool addr_is_link_local(const struct addr *a);
bool addr_is_limited_broadcast(const struct addr *a);
struct addr addr_any(int family);
bool prefix_contains(const struct prefix *p, const struct addr *a);
struct addr prefix_broadcast(const struct prefix *p); /* IPv4: all host bits one */
/* "192.0.2.1", "2001:db8::1"; -EINVAL. */
int addr_parse(const char *text, struct addr *a) MUST_CHECK;
int prefix_parse(const char *text, struct prefix *p) MUST_CHECK; /* "a/len"; without a length: a host */
enum { ADDR_TEXT = 48 };
const char *addr_print(const struct addr *a, char out[ADDR_TEXT]);
const char *prefix_print(const struct prefix *p, char out[ADDR_TEXT + 4]);
int mac_parse(const char *text, struct mac *mac) MUST_CHECK;
const char *mac_print(const struct mac *mac, char out[18]);
/* Between sockets' structures and ours. FAMILY for to_sockaddr: AF_INET6 gives mapped addresses for IPv4. */
int addr_from_sockaddr(const struct sockaddr *sa, socklen_t length, struct addr *a, uint16_t *port, uint32_t *scope) MUST_CHECK;
socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port, uint32_t scope, int family, struct sockaddr_storage *out);
/* The pseudo-header's sum, unfolded (RFC 9293 3.1, RFC 8200 8.1). */
uint32_t addr_pseudo_sum(const struct addr *source, const struct addr *dest, uint8_t protocol, uint32_t length);

#endif
