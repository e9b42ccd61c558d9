/* sock_seen.h: every socket of a host, as ss(8) and /proc/net list them: TCP connections, listeners, SYN entries and TIME-WAIT
 * records; bound UDP and raw sockets. */
#ifndef SOCKET_SOCK_SEEN_H
#define SOCKET_SOCK_SEEN_H
#include "socket/sock.h"

enum {
    SEEN_ESTABLISHED = 1,
    SEEN_SYN_SENT,
    SEEN_SYN_RECEIVED,
    SEEN_FIN_WAIT_1,
    SEEN_FIN_WAIT_2,
    SEEN_TIME_WAIT,
    SEEN_CLOSE,
    SEEN_CLOSE_WAIT,
    SEEN_LAST_ACK,
    SEEN_LISTEN,
    SEEN_CLOSING
}; /* Linux's numbers */
struct sock_seen {
    struct flow flow;
    uint8_t family, state, timer, retransmits; /* timer: as struct tcp_timer_view, and 3 for TIME-WAIT */
    uint64_t expires_ns;
    uint32_t unread, unsent;                   /* a listener: completed connections, backlog */
    uint32_t interface;
    uint32_t cookie[2];
    struct sock *sock;                         /* NULL: nobody's (orphan, SYN entry, TIME-WAIT, not accepted yet) */
    struct tcb *tcb;                           /* NULL: none */
    struct tcp_listener *listener;             /* NULL: not one */
};
/* PROTOCOL: IPPROTO_TCP, IPPROTO_UDP or IPPROTO_RAW. */
void sock_each_seen(struct lil_host *host, int protocol, void (*visit)(void *ctx, struct sock_seen *seen), void *ctx);
/* The text of /proc/net/NAME ("tcp", "udp6", "raw" ...), to be freed; NULL: no such name, or no memory. INODE: of a process's socket. */
char *sock_table(struct lil_host *host, const char *name, unsigned long (*inode)(const struct sock *sock));

#endif
