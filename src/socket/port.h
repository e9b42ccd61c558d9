/* port.h: who is bound to which port of a host, and which port the kernel chooses. A binding is made by bind() (and for
 * datagrams by the first send); a TCP connection without bind() has none: the flow table is its only record. Pages of
 * 256 ports are made at first use. Read FACTS.md section 6 and RFC 6056. */
#ifndef SOCKET_PORT_H
#define SOCKET_PORT_H
#include "base/prng.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "wire/addr.h"

struct sock;
struct sockets;

struct binding {
    struct binding *next; /* on the same port */
    struct sock *sock;
    struct addr addr;
    uint16_t port;
    uint32_t ifindex; /* SO_BINDTODEVICE; 0: any */
    uint32_t uid;
    uint32_t slot;
};
enum { PORT_PAGES = 256, PORT_COUNTERS = 64 };
struct port_page {
    struct binding *first[PORT_PAGES];
};
struct ports {
    struct sockets *sockets;
    struct port_page *pages[PORT_PAGES];
    struct slab slab; /* struct binding */
    struct siphash_key key;
    uint32_t counters[PORT_COUNTERS]; /* RFC 6056 3.3.4 */
    uint32_t odd_turns[PORT_COUNTERS]; /* even ports were looked for in vain: so many walks begin with the odd ones */
    uint16_t next;                    /* sequential: the last one given */
    bool is_tcp;
};
void ports_init(struct ports *ports, struct sockets *sockets, bool is_tcp);
void ports_fini(struct ports *ports);

/* May SOCK, of a process of UID, bind to ADDR and PORT (or listen there)? 0, -EADDRINUSE. */
int ports_check(struct ports *ports, struct sock *sock, const struct addr *addr, uint16_t port,
                uint32_t uid) MUST_CHECK;
/* Makes SOCK's binding. -ENOMEM. */
int ports_bind(struct ports *ports, struct sock *sock, const struct addr *addr, uint16_t port, uint32_t uid) MUST_CHECK;
void ports_unbind(struct ports *ports, struct sock *sock);
/* A free port for bind(0): as the profile chooses. -EADDRINUSE, -EADDRNOTAVAIL. */
int ports_choose(struct ports *ports, const struct sock *sock) MUST_CHECK;
struct binding *ports_first(const struct ports *ports, uint16_t port); /* NULL: none */
/* Is the port of a listening socket, whatever its address? (for hints) */
bool ports_has_listener(const struct ports *ports, uint16_t port);

/* Ports to try for connect(): each at most once; 0: no more. After success call port_walk_done. */
struct port_walk {
    struct ports *ports;
    const struct sock *sock;
    uint32_t first, last, length, step, offset, tried, counter; /* length: how far it goes, tried: how far it is */
    bool is_odd, is_second; /* with steps of two: which ports; the others had none */
};
/* SOCK NULL: the host's range */
void port_walk_begin(struct port_walk *walk, struct ports *ports, const struct sock *sock, const struct flow *flow);
uint16_t port_walk_next(struct port_walk *walk);
void port_walk_done(struct port_walk *walk);

#endif
