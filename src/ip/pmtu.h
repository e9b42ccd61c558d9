/* pmtu.h: path MTUs learnt from ICMP (RFC 1191, RFC 8201): a table with a limit; entries expire. */
#ifndef IP_PMTU_H
#define IP_PMTU_H
#include "base/buf.h"
#include "wire/addr.h"

enum { PMTU_SLOTS = 256, PMTU_WAYS = 4 }; /* 1,024 entries at most; the oldest of a set gives way */
struct pmtu_entry {
    struct addr dest;
    uint32_t mtu;        /* 0: free */
    uint64_t expires_ns;
};
struct pmtu {
    struct pool *pool;
    struct pmtu_entry *entries; /* made at the first note */
};
void pmtu_init(struct pmtu *pmtu, struct pool *pool);
void pmtu_fini(struct pmtu *pmtu);
/* The MTU known for DEST, 0: none. EXPIRES_NS may be NULL. */
uint32_t pmtu_find(const struct pmtu *pmtu, const struct addr *dest, uint64_t now_ns, uint64_t *expires_ns);
/* Notes it when smaller than what is known; false: no change. */
bool pmtu_note(struct pmtu *pmtu, const struct addr *dest, uint32_t mtu, uint64_t expires_ns, uint64_t now_ns);
/* RFC 1191 7.1: the plateau below LENGTH, for routers that do not tell the MTU. */
uint32_t pmtu_plateau(uint32_t length);

#endif
