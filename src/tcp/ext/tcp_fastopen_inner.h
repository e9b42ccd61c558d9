/* tcp_fastopen_inner.h: what both sides of fast open use: tcp_fastopen.c (client), tcp_fastopen_server.c. */
#ifndef TCP_TCP_FASTOPEN_INNER_H
#define TCP_TCP_FASTOPEN_INNER_H
#include "tcp/tcb.h"

enum { COOKIE_BYTES = 8 };
void fastopen_put_hash(uint64_t value, uint8_t cookie[COOKIE_BYTES]);
/* Cookies are not needed for REMOTE: by this host (HOST_FLAG of its sysctl), this socket or the route. */
bool fastopen_needs_no_cookie(struct tcp *tcp, const struct tcb_opts *opts, unsigned host_flag, const struct addr *local,
                              const struct addr *remote);
/* LENGTH bytes are in flight now that went with the SYN or the SYN/ACK, behind it. NULL: no memory, they are unsent. */
struct txseg *fastopen_put_in_flight(struct tcb *tcb, uint32_t length);
#endif
