/* service.h: the small servers of the zoo and of the gauntlet: fibers that serve HTTP, echo, daytime, or do not. What happens to their
 * answers on the way is of timed_fault.c. */
#ifndef GAUNTLET_SERVICE_H
#define GAUNTLET_SERVICE_H
#include <netinet/in.h>
#include "lilliput/lilliput.h"

struct names;
enum behaviour {
    SERVE,          /* HTTP when it is asked in HTTP, else echo */
    SERVE_ECHO,
    SERVE_DISCARD,
    SERVE_DAYTIME,
    SERVE_SILENT,      /* accepts, reads, never answers */
    SERVE_RESET,       /* RST at the request */
    SERVE_ACCEPT_LATE, /* accepts 30 s after somebody came */
    SERVE_NO_ACCEPT,   /* a full backlog */
    SERVE_NO_READ,     /* never reads */
    UDP_ANSWER, UDP_SILENT
};
struct service {
    enum behaviour behaviour;
    uint16_t port;
    size_t body_bytes;          /* of the HTTP answer; 0: a line */
    const struct names *names;  /* for UDP_ANSWER of DNS questions */
};
/* A fiber's main; ARGUMENT: a struct service that lives as long as the world. */
int service_main(struct lil_proc *proc, void *argument);
/* Connects COUNT times to a listener and keeps quiet: fills its backlog. */
struct crowd {
    struct sockaddr_in to;
    int count;
};
int crowd_main(struct lil_proc *proc, void *argument);
#endif
