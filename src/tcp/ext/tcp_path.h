/* tcp_path.h: which way a connection's packets go (tcp_path.c): the end of tcb.h. Labels are those of struct tcp_segment, of IPv6. */
#ifndef TCP_TCP_PATH_H
#define TCP_TCP_PATH_H
uint32_t path_label(const struct tcb *tcb);
uint32_t path_synack_label(const struct tcp *tcp, const struct syn_entry *entry, const struct tcp_listener *listener);
uint16_t path_of_synack(const struct tcp *tcp, const struct syn_entry *entry, const struct tcp_listener *listener);
void path_on_timeout(struct tcb *tcb, struct tcb_ext *ext);
void path_on_marks(struct tcb *tcb);
void path_on_old_data(struct tcb *tcb, const struct rx *rx); /* it came before */
static inline void path_note_label(struct tcb *tcb, const struct rx *rx)
{
    if (!tcb->is_v4)
        tcb->rcv_label = (uint8_t)(rx->in->flow_label ^ rx->in->flow_label >> 8 ^ rx->in->flow_label >> 16);
}

#endif
