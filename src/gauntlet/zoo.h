/* zoo.h: the built-in internet of `lilliput run` and of the gauntlet:
 *
 *   client 10.0.0.2 --- gw 10.0.0.1 | 172.16.0.1 --- core 172.16.0.2 | 203.0.113.1 === isp === servers 203.0.113.x
 *          2001:db8:0:1::2 --- ::1 | 2001:db8:0:2::1 --- ::2 | 2001:db8:f::1 === 2001:db8:f::x
 *
 * core drops what has no address here: 192.0.2.1, 10.255.255.1 and 240.0.0.1 are black holes. */
#ifndef GAUNTLET_ZOO_H
#define GAUNTLET_ZOO_H
#include "gauntlet/service.h"
#include "launch/names.h"

enum { ZOO_SERVICES = 64, ZOO_LAN_IFINDEX = 2 /* a host's first interface after the loopback */ };
struct zoo {
    struct lil_world *world;
    struct lil_host *client, *gw, *core;
    struct lil_link *access, *uplink; /* client-gw, gw-core */
    struct lil_node *isp;
    struct names names;
    struct service services[ZOO_SERVICES];
    unsigned service_count;
    struct crowd crowd;
    struct fault *faults; /* of its links; owned */
    struct lil_host *target; /* of a case: where its server is */
    bool own_server;         /* it is the user's program (--server) */
};
/* The routers and the client. PROFILE is the client's; servers are "linux". -Exxx. */
int zoo_base(struct zoo *zoo, uint64_t seed, const char *profile);
/* A host on the isp's LAN with 203.0.113.N and 2001:db8:f::N; CONFIG is its link's. */
struct lil_host *zoo_server(struct zoo *zoo, const char *name, unsigned n, const struct lil_link_config *config);
int zoo_serve(struct zoo *zoo, struct lil_host *host, uint16_t port, enum behaviour behaviour, size_t body_bytes);
/* Fills HOST's backlog at PORT (of 203.0.113.N) from a host of its own. */
int zoo_crowd(struct zoo *zoo, unsigned n, uint16_t port);
/* All the animals. */
int zoo_full(struct zoo *zoo, uint64_t seed, const char *profile);
void zoo_fini(struct zoo *zoo);
extern const char *const zoo_names[][2]; /* name, what it does; ends with NULL: for --list and the manual */
#endif
