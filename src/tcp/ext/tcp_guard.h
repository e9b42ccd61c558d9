/* tcp_guard.h: TCP's signatures (RFC 2385) and the least TTL (RFC 5082): the end of tcb.h, see tcp_guard.c. */
#ifndef TCP_TCP_GUARD_H
#define TCP_TCP_GUARD_H

enum { TCP_KEY_LENGTH = 80, MD5_OPTION = 20 /* with its NOPs */ };
struct md5_keys *md5_keys_ref(struct md5_keys *keys); /* NULL allowed, here and below */
void md5_keys_unref(struct tcp *tcp, struct md5_keys *keys);
/* LENGTH 0: forgotten; -ENOENT, -ENOMEM */
int md5_key_set(struct tcp *tcp, struct tcb_opts *opts, const struct prefix *peers, const uint8_t *bytes, unsigned length) MUST_CHECK;
COLD bool guard_output(struct tcb *tcb, struct tcp_segment *segment); /* labels and signs it; false: it stays here, and is freed */
bool md5_is_signed(const struct tcb_opts *opts, const struct addr *peer);
void md5_sign(const struct tcb_opts *opts, const struct flow *flow, struct tcphdr_ *header, const struct lil_packet *payload);
COLD bool guard_comes_astray(const struct tcp *tcp, const struct tcp_in *in, enum flow_kind kind, uint32_t slot);
COLD enum lil_drop guard_check(struct tcp *tcp, const struct tcp_in *in, const struct lil_packet *packet,
                               enum flow_kind kind, uint32_t slot);
COLD void guard_sign_reply(struct tcp *tcp, struct tcp_reply *reply); /* in the name of whoever has its flow */
COLD bool guard_may_refuse(struct tcp *tcp, const struct tcp_in *in, const struct lil_packet *packet);
/* TIME-WAIT signs with the connection's keys: they are kept by SLOT of its record, whose is_signed says that there are any. */
COLD bool guard_wait_keep(struct tcp *tcp, const struct tcb *tcb, uint32_t slot) MUST_CHECK;
COLD void guard_wait_sign(struct tcp *tcp, uint32_t slot, struct tcp_reply *reply);
COLD void guard_wait_forget(struct tcp *tcp, uint32_t slot);
void guard_wait_fini(struct tcp *tcp); /* of all */
static inline bool tcb_is_signed(const struct tcb *tcb)
{
    return tcb->is_guarded && tcb->opt->md5 && md5_is_signed(tcb->opt, &tcb->flow.remote);
}

#endif
