/* tcp_path.c: which way through the network a connection's packets go: over IPv6 routers that share the load go by the flow label
 * (RFC 6437, RFC 6438). Linux takes another label where the way seems to be bad (sk_rethink_txhash): at a timeout, for a SYN/ACK that
 * goes again, after windows full of marks (PLB), and when data comes again by another label, so that the ACKs must have been lost. */
#include "tcp/tcb.h"

static bool may_leave(const struct tcp *tcp, const struct tcb_opts *opts)
{
    return tcp->params.output_policy == TCP_OUTPUT_LINUX && !opts->socket.no_rehash;
}

uint32_t path_label(const struct tcb *tcb)
{
    const struct tcb_options *options = &tcb->opt->socket;
    static const uint32_t wishes[] = {0, FLOW_LABEL_OFF, FLOW_LABEL_ON};
    return options->flow_label | wishes[options->auto_flow_label] | (uint32_t)tcb_ext_peek(tcb)->path << FLOW_LABEL_PATH_SHIFT;
}

uint32_t path_synack_label(const struct tcp *tcp, const struct syn_entry *entry, const struct tcp_listener *listener)
{
    return (tcp->params.flow_label_reflect ? entry->flow_label : 0) | (uint32_t)path_of_synack(tcp, entry, listener)
                                                                          << FLOW_LABEL_PATH_SHIFT;
}

uint16_t path_of_synack(const struct tcp *tcp, const struct syn_entry *entry, const struct tcp_listener *listener)
{
    return listener && may_leave(tcp, listener->opt) ? entry->resent : 0;
}

void path_on_timeout(struct tcb *tcb, struct tcb_ext *ext)
{
    if (!may_leave(tcb->tcp, tcb->opt))
        return;
    ext->path++;
    ext->rehash++;
    TCP_MIB(tcb->tcp, TimeoutRehash);
}

void path_on_marks(struct tcb *tcb)
{
    tcb->ext->rehash++;
    TCP_MIB(tcb->tcp, PlbRehash);
    if (may_leave(tcb->tcp, tcb->opt))
        tcb->ext->path++;
}

void path_on_old_data(struct tcb *tcb, const struct rx *rx)
{
    uint8_t before = tcb->rcv_label;
    path_note_label(tcb, rx);
    if (tcb->is_v4 || before == tcb->rcv_label || tcb->ca_state == CA_LOSS || !may_leave(tcb->tcp, tcb->opt) || !tcb_ext_get(tcb))
        return;
    tcb->ext->path++;
    TCP_MIB(tcb->tcp, DuplicateDataRehash);
}
