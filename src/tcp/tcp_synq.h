/* tcp_synq.h: what tcp_synq.c (the incomplete queue), tcp_synack.c (the SYN/ACK and its repeats) and tcp_synrcvd.c (what arrives in
 * SYN-RECEIVED) call of each other. */
#ifndef TCP_SYNQ_H
#define TCP_SYNQ_H
#include "tcp/tcb.h"

enum { LEVEL_HELD = SYN_LEVELS - 1, LEVEL_NONE = 0xff /* in no list: no SYN/ACK has gone yet */ };

/* tcp_synq.c */
void synq_append(struct tcp *tcp, uint32_t slot, unsigned level); /* to a list that it is not in */
void synq_unlink(struct tcp *tcp, struct syn_entry *entry);
void synq_free(struct tcp *tcp, uint32_t slot); /* its flow stays: it is a connection's now, or is removed already */
void synq_end(struct tcp *tcp, uint32_t slot);  /* removes it and tells of it: it became no connection */
void synq_take_ecn(struct tcp *tcp, struct syn_entry *entry, const struct tcb_opts *opts, const struct tcp_path *path,
                   const struct tcp_in *in);
/* tcp_synack.c */
void synq_schedule(struct tcp *tcp, uint32_t slot);
void synq_keep_on(struct tcp *tcp, uint32_t slot);
void synq_resend(struct tcp *tcp, uint32_t slot, bool syn_again); /* at the next output; SYN_AGAIN: for the SYN came again */

static inline struct tcp_listener *synq_listener(const struct tcp *tcp, const struct syn_entry *entry) /* NULL: none */
{
    return entry->listener == TCP_NONE ? NULL : tcp->listeners[entry->listener];
}
static inline const struct tcb_opts *synq_opts(const struct tcp *tcp, const struct syn_entry *entry)
{
    const struct tcp_listener *listener = synq_listener(tcp, entry);
    return listener ? listener->opt : &tcp->default_opts;
}
static inline uint64_t synq_started_ns(const struct syn_entry *entry)
{
    return entry->start_ns == 1 ? 0 : entry->start_ns;
}
static inline uint16_t synq_age_ms(const struct tcp *tcp, const struct syn_entry *entry) /* since the first SYN/ACK */
{
    return (uint16_t)min_u64((tcp->now_ns - synq_started_ns(entry)) / NS_PER_MS, UINT16_MAX);
}
#endif
