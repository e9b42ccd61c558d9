/* netlink.h: AF_NETLINK sockets of the virtual host (netlink(7), rtnetlink(7), sock_diag(7)): what ip, ss, getifaddrs() and
 * Go's net.Interfaces ask a kernel. netlink.c is the socket and the messages; netlink_route.c answers about links, addresses,
 * routes and neighbours; netlink_change.c changes them; netlink_diag.c answers about sockets. */
#ifndef SOCKET_NETLINK_H
#define SOCKET_NETLINK_H
#include <linux/netlink.h>
#include "socket/sock.h"

/* What only the owner of the programs knows of a socket (launch/): how /proc/PID/fd names it, what waits outside the stack. */
struct netlink_seen {
    uint64_t inode;
    uint32_t unread_bytes, unsent_bytes;
};
struct netlink_owner {
    void *ctx;
    void (*prepare)(void *ctx); /* sockets are about to be told of: what the stack does not know yet of them */
    void (*describe)(void *ctx, struct file *file, struct netlink_seen *out);
};
/* The new descriptor. PORT_ID: what bind(0) should give (a process id). -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOBUFS. */
int netlink_socket(struct lil_proc *proc, int type, int protocol, uint32_t port_id, const struct netlink_owner *owner);

/* struct host_sockets' changed: CTX, the host's sockets. */
void netlink_tell(void *ctx, enum host_change what, const void *it, int ifindex, bool is_gone);

struct netlink {
    struct sock sock;  /* first: what asks any socket for its flags finds none set */
    struct list queue; /* answers not received yet */
    uint32_t port_hint, port_id, queued_bytes;
    uint64_t groups;   /* multicast: a bit each, group 1's first */
    struct list member; /* sockets->members, with GROUPS */
    int error;         /* of the next receive: ENOBUFS: it was not told of something */
    bool is_bound, caps_ack;
    struct netlink_owner owner;
};

/* --- answers ---------------------------------------------------------------------------------------- */
enum { NL_DATAGRAM = 3776 /* what the kernel fills at most: a page, so that programs read with a page */, NL_ROOM = 8192 };
struct nl_out {
    struct netlink *netlink; /* NULL: nobody has asked */
    uint32_t seq;
    uint16_t flags;        /* NLM_F_MULTI within a dump */
    int error;             /* -ENOBUFS once something did not fit */
    unsigned begin, length; /* of the message being made; all bytes so far */
    _Alignas(8) uint8_t bytes[NL_ROOM];
};
void nl_begin(struct nl_out *out, uint16_t type, const void *body, size_t size);
void nl_put(struct nl_out *out, uint16_t attribute, const void *data, size_t size);
void nl_put_u8(struct nl_out *out, uint16_t attribute, uint8_t value);
void nl_put_u32(struct nl_out *out, uint16_t attribute, uint32_t value);
void nl_put_text(struct nl_out *out, uint16_t attribute, const char *text);
void nl_put_addr(struct nl_out *out, uint16_t attribute, const struct addr *addr); /* 4 or 16 bytes */
unsigned nl_nest(struct nl_out *out, uint16_t attribute);
void nl_nest_end(struct nl_out *out, unsigned nest);
void nl_end(struct nl_out *out);

/* --- questions -------------------------------------------------------------------------------------- */
struct nl_request {
    struct lil_proc *proc;
    struct lil_host *host;
    const struct nlmsghdr *header;
    const uint8_t *body;
    size_t length; /* of the body, attributes included */
    bool is_dump;
};
/* The body's fixed part, zeros where the caller sent less. */
void nl_body(const struct nl_request *request, void *body, size_t size);
/* The data of an attribute that follows a fixed part of BODY bytes; NULL. */
const uint8_t *nl_find(const struct nl_request *request, size_t body, uint16_t attribute, size_t *length);
bool nl_find_u32(const struct nl_request *request, size_t body, uint16_t attribute, uint32_t *value);
bool nl_find_addr(const struct nl_request *request, size_t body, uint16_t attribute, struct addr *addr);
/* Answers are put into OUT. 0 or -errno; -EOPNOTSUPP: no such question. */
int netlink_route_request(const struct nl_request *request, struct nl_out *out);
/* The message that tells of a change, and its group (RTNLGRP_...). */
unsigned netlink_route_news(struct lil_host *host, struct nl_out *out, enum host_change what, const void *it, int ifindex, bool is_gone);
int netlink_change_request(const struct nl_request *request);
int netlink_diag_request(const struct nl_request *request, struct nl_out *out);

#endif
