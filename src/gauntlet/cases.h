/* cases.h: the gauntlet's cases: each a network in which connecting, or talking, goes wrong in one way. */
#ifndef GAUNTLET_CASES_H
#define GAUNTLET_CASES_H
#include "gauntlet/zoo.h"

struct case_config {
    uint64_t seed;
    const char *profile;
    uint16_t port;
    const char *name;   /* what {host} is */
    bool own_server;    /* --server: the user's program listens; the built-in one does not */
};
struct gauntlet_case {
    const char *name, *what;
    int (*build)(struct zoo *zoo, const struct case_config *config);
    bool udp;           /* the program is expected to talk UDP */
    bool serverless;    /* nobody answers: --server is not even started */
    bool keepalive;     /* SO_KEEPALIVE on every connection */
};
extern const struct gauntlet_case gauntlet_cases[];
extern const unsigned gauntlet_case_count;
enum { CASES_MAX = 128 };
const struct gauntlet_case *case_find(const char *name);
const char *case_nearest(const char *name); /* NULL: none is near */
/* The zoo's base with the case's fault. -Exxx. */
int case_build(const struct gauntlet_case *one, struct zoo *zoo, const struct case_config *config);
/* The first address of the name: {addr}. */
void case_address(const struct zoo *zoo, const struct case_config *config, char out[64]);
/* timed_fault.c: what happens to packets at a moment of the conversation. */
enum fault_kind {
    FAULT_LAST_ACK, /* the handshake's last ACK is lost */
    FAULT_ONE_WAY,  /* after the handshake nothing comes back */
    FAULT_CUT,      /* half of an answer's first packet, and the server loses its power */
    FAULT_RESTART,  /* the same, and 5 s later it is there again, without memory */
    FAULT_RESET,    /* half of an answer's first packet, and 0.5 s later an RST: each connection */
    FAULT_END,      /* half of an answer's first packet, and a FIN */
    FAULT_SLOW_30,  /* what the server says in a connection's first 30 s comes after them, though it accepts at once */
    FAULT_SLOW_120, /* in its first 120 s */
    FAULT_TRICKLE,  /* what the server says comes at one byte a second */
    FAULT_DELAY,    /* every IP packet takes 2 s */
    FAULT_NAT,      /* after 60 s of silence nothing of a connection passes */
    FAULT_NAT_RST,  /* after 60 s of silence its next packet ends it with an RST */
    FAULT_LATE,     /* UDP: an answer takes 30 s */
    FAULT_HALF,     /* UDP: half of each answer */
    FAULT_PORT      /* UDP: an answer comes from the next port */
};
/* On a link between client and core; on the link of one server. One fault a link. -ENOMEM. */
int fault_on_path(struct zoo *zoo, struct lil_link *link, enum fault_kind kind);
int fault_on_server(struct zoo *zoo, struct lil_host *server, enum fault_kind kind);
void faults_free(struct zoo *zoo);
#endif
