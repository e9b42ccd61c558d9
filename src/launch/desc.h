/* desc.h: a descriptor of a program that is a socket of ours: its two ends (launch.h), in fast mode (desc_pump.c, desc_lend.c,
 * keepalive.c) and in exact mode (desc_exact.c). */
#ifndef LAUNCH_DESC_H
#define LAUNCH_DESC_H
#include <sys/socket.h>
#include "launch/launch.h"

struct call;
struct file;
struct lending;
enum desc_kind { DESC_STREAM, DESC_DGRAM };
enum desc_state { DESC_NEW, DESC_CONNECTING, DESC_OPEN, DESC_LISTENING, DESC_FAILED, DESC_CLOSED };
struct desc {
    struct list node, dirty_node;
    struct source outer;       /* fd -1: gone */
    struct launcher *launcher;
    struct program *program;
    enum desc_kind kind;
    enum desc_state state;
    int family, type, protocol;
    int lil_fd;                /* -1: closed */
    uint64_t cookie;
    ino_t inode;
    struct waiter waiter;
    unsigned woken;            /* events since the last service (exact), since the stack last had nothing to read (fast) */
    struct list held;          /* calls */
    unsigned fill, tokens;     /* invariant 6 */
    int error;                 /* of a connect that failed, until SO_ERROR or connect() says it */
    int net_error;             /* fast: sending met it */
    int last_tid, last_fd;     /* where the inner end was seen last */
    int keeps_alive;           /* fast: what the stack was told of SO_KEEPALIVE, which the inner end has */
    uint64_t keep_due_ns;      /* and when the inner end is looked at next; 0, LIL_NEVER: it is not */
    struct desc *returned;     /* of a listener: accepted for a call that a signal broke; the next accept() has it */
    int returned_inner;
    int kept_fd;               /* without pidfd_getfd: a copy of the inner end; -1 */
    int pair_out, pair_in;     /* fast: bytes that the pair may hold, where the program set SO_SNDBUF, SO_RCVBUF; 0: as it comes */
    bool is_urgent;            /* fast: the outer end has an urgent byte */
    bool keeps_urgent;         /* fast: SO_OOBINLINE, which the inner end has itself; an accepted one inherits it */
    bool resets_at_close;      /* SO_LINGER with no time */
    bool shows_urgent;         /* exact: a token is urgent */
    bool is_held;              /* a sweep has seen it in a program */
    bool is_busy;              /* a call on it is being handled: no sweep frees it */
    bool is_told;              /* a connect() has said what became of it: the next one says EISCONN, or tries again */
    bool has_lingered;         /* its close() has begun to wait */
    bool fin_shown, fin_sent, is_reset;
    bool end_shown;            /* exact: the outer end is shut both ways, by us */
    bool readable, hung_up;    /* fast: the outer end's events: bytes or an end may be there; no inner end is left */
    bool wants_room;           /* the outer end's room is an event too */
    bool stays_readable;       /* an end, or urgent data: a short read may have ended at its mark, and no new event tells of the rest */
    struct lending *lending;   /* fast: bytes that go to the program by reference: desc_lend.c; NULL: none */
    bool never_lends;          /* it splices */
    /* fast: what one side gave and the other could not yet take */
    uint8_t *to_net, *to_program;
    size_t to_net_length, to_net_offset, to_program_length, to_program_offset;
    bool queued, queued_mark;  /* datagrams, fast: one is in the inner queue: a copy of the stack's first, or an empty one: an error */
    /* DNS: the server that was asked, when the lab's answerer stands in for it */
    struct sockaddr_storage asked;
    socklen_t asked_length;
    /* names, for what is asked after the lil_ socket is gone */
    struct sockaddr_storage local, remote;
    socklen_t local_length, remote_length;
};
/* CONNECTED: with both ends (accept; datagrams always). FLAGS: 0 or SOCK_NONBLOCK. INNER is the caller's to give away
 * and close. NULL with errno. */
struct desc *desc_new(struct program *program, enum desc_kind kind, int lil_fd, bool connected, int flags, int *inner);
struct desc *desc_find(struct launcher *launcher, int fd);   /* of a duplicate of the inner end; NULL: not ours */
struct desc *desc_find_identity(struct launcher *launcher, uint64_t identity); /* the cookie, or without pidfd_getfd the inode */
void desc_free(struct desc *desc);
void desc_dirty(struct desc *desc);
void desc_service_all(struct launcher *launcher);
int desc_attach_hub(struct desc *desc, int inner);           /* connect or listen: makes the outer end, filled */
int desc_attach_open(struct desc *desc, int inner);          /* fast: the connection is there already: outer end, not filled */
void desc_established(struct desc *desc);
void desc_end_connecting(struct desc *desc);                 /* if the stack knows by now what became of connect() */
void desc_failed(struct desc *desc, int error);              /* connect() failed */
void desc_reset(struct desc *desc);                          /* a connection died: ECONNRESET natively */
void desc_close_outer(struct desc *desc);
int desc_replace_inner(struct desc *desc, int inner);        /* for one that has no connection any more: as new; -Exxx */
int desc_take_error(int inner);                              /* the inner end's own; poll(2) then shows no POLLERR any more */
int desc_find_inner(struct desc *desc);                      /* a duplicate, or -1 */
void desc_fill(struct desc *desc, int inner);
/* Fast mode, a stream: the program has set SO_SNDBUF (OUT) or SO_RCVBUF; an accepted one inherits from its listener. */
void desc_size_pair(struct desc *desc, int inner, bool out, int bytes);
void desc_inherit_pair(struct desc *desc, int inner, const struct desc *listener);
void desc_want_room(struct desc *desc);                      /* from now on we are told when the outer end can be written to */
void desc_drain_fill(struct desc *desc);
void desc_sync(struct desc *desc, int inner);                /* exact: tokens and filler follow the lil_ socket; INNER may be -1 */
void desc_pump(struct desc *desc);                           /* fast */
int desc_unsent(const struct desc *desc);                     /* fast, a stream: what the program wrote and the stack has not yet */
void desc_remember_names(struct desc *desc);
void desc_program_closed(struct desc *desc);                 /* the last inner end is gone */
/* Fast mode, before a call with FLAGS receives a datagram from the stack: its copy leaves the inner queue. 0, or the
 * error that was queued there. */
int desc_dgram_claim(struct desc *desc, int inner, int flags);

/* desc_lend.c: fast: a bulk transfer's bytes to the program by reference */
bool lend_begin(struct desc *desc);                          /* false: they are copied */
void lend_end(struct desc *desc);                            /* what is lent stays as it is for as long as the kernel has it */
void lend_fini(struct launcher *launcher);
bool lend_open_pipe(struct launcher *launcher);              /* lend_pipe: of our own; what it holds never outlives a call */
void lend_empty_pipe(struct launcher *launcher, size_t left);
uint8_t *lend_buffer(struct desc *desc, size_t *size);       /* for what comes next; NULL: the program has not read enough yet */
ssize_t lend_send(struct desc *desc, const uint8_t *buffer, size_t n); /* as send(2); BUFFER: from lend_buffer */

/* keepalive.c: fast: SO_KEEPALIVE, which only the inner end is told */
void keepalive_expect(struct desc *desc);                    /* it is connected, or TCP_KEEPIDLE has changed: that may matter then */
void keepalive_inherit(int listener, int inner);             /* an accepted one's; both are inner ends */
void keepalive_turn(struct launcher *launcher, bool all);    /* tells the stack, of those that are due */

/* desc_renew.c: gives the program of CALL a new inner end for its socket, which has no connection any more, at the same number. -Exxx. */
int desc_renew(struct call *call);

int desc_open_netlink(struct program *program, int type, int protocol, pid_t tid); /* desc_netlink.c: a lil_ descriptor; -1 with errno */
struct desc *desc_of_file(const struct file *file);          /* NULL: none of the launcher's */
#endif
