/* reass.h: reassembly of IPv4 and IPv6 fragments (RFC 791 3.2, RFC 815's problem, RFC 8200 4.5, RFC 5722) with limits on
 * memory, on datagrams a source and in all, and on pieces a datagram (FragmentSmack: work per fragment is bounded). */
#ifndef IP_REASS_H
#define IP_REASS_H
#include "base/buf.h"
#include "base/list.h"
#include "base/siphash.h"
#include "ip/ip_params.h"
#include "lilliput/trace.h"
#include "wire/wire.h"

enum { REASS_BUCKETS = 64 };
struct reass_hooks {
    void *ctx;
    void (*drop)(void *ctx, enum lil_drop reason, struct lil_packet *packet /* taken */);
    /* RFC 1122 3.3.2: time exceeded code 1 when fragment zero had come: FIRST is its bytes from the IP header (borrowed). */
    void (*timeout)(void *ctx, const struct ip *ip, const struct lil_packet *first);
    uint64_t *next_ns; /* lowered to each datagram's end of time; its owner raises it before reass_poll */
};
struct reass {
    struct pool *pool;
    const struct ip_params *params;
    struct reass_hooks hooks;
    struct siphash_key key;
    struct list buckets[REASS_BUCKETS];
    struct list by_age;      /* oldest first: timeouts and eviction */
    uint32_t count;
    uint64_t memory_bytes;
};
void reass_init(struct reass *reass, struct pool *pool, const struct ip_params *params, const struct reass_hooks *hooks,
                const struct siphash_key *key);
void reass_fini(struct reass *reass);
/* Takes a fragment positioned at its IP header. When the datagram is complete returns it as payload only, IP
 * describing it (not a fragment any more); else NULL: kept or dropped through the hook. */
struct lil_packet *reass_input_take(struct reass *reass, struct ip *ip, struct lil_packet *packet, uint64_t now_ns);
/* Drops what is over by NOW; the next one's time lowers *hooks.next_ns. */
void reass_poll(struct reass *reass, uint64_t now_ns);

#endif
