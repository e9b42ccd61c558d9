/* packet_names.c: the words of icmp lines: RFC 792, 1122, 1812 (IPv4), 4443 (IPv6). */
#include "script/language/packet_names.h"
#include <string.h>

struct name {
    int version, type, value;
    const char *name;
};
static const struct name types[] = {
    {4, 0, 0, "echo_reply"}, {4, 0, 3, "unreachable"}, {4, 0, 3, "dest_unreachable"}, {4, 0, 4, "source_quench"},
    {4, 0, 5, "redirect"}, {4, 0, 8, "echo_request"}, {4, 0, 8, "echo"}, {4, 0, 11, "time_exceeded"},
    {4, 0, 12, "parameter_problem"}, {4, 0, 13, "timestamp_request"}, {4, 0, 14, "timestamp_reply"},
    {4, 0, 13, "timestamp"}, {4, 0, 15, "info_request"}, {4, 0, 16, "info_reply"}, {4, 0, 17, "address_mask_request"},
    {4, 0, 18, "address_mask_reply"},
    {6, 0, 1, "unreachable"}, {6, 0, 1, "dest_unreachable"}, {6, 0, 2, "packet_too_big"}, {6, 0, 3, "time_exceeded"},
    {6, 0, 4, "parameter_problem"}, {6, 0, 128, "echo_request"}, {6, 0, 128, "echo"}, {6, 0, 129, "echo_reply"},
};
static const struct name codes[] = {
    {4, 3, 0, "net_unreachable"}, {4, 3, 1, "host_unreachable"}, {4, 3, 2, "protocol_unreachable"}, {4, 3, 3, "port_unreachable"},
    {4, 3, 4, "frag_needed"}, {4, 3, 5, "source_route_failed"}, {4, 3, 6, "net_unknown"}, {4, 3, 7, "host_unknown"},
    {4, 3, 8, "source_host_isolated"}, {4, 3, 8, "host_isolated"}, {4, 3, 9, "net_prohibited"},
    {4, 3, 10, "host_prohibited"}, {4, 3, 11, "net_unreachable_for_tos"},
    {4, 3, 11, "net_unreachable_tos"}, {4, 3, 12, "host_unreachable_for_tos"}, {4, 3, 12, "host_unreachable_tos"},
    {4, 3, 11, "tos_net_unreachable"}, {4, 3, 12, "tos_host_unreachable"},
    {4, 3, 13, "packet_filtered"}, {4, 3, 13, "admin_prohibited"}, {4, 3, 14, "host_precedence_violation"},
    {4, 3, 14, "precedence_violation"}, {4, 3, 15, "precedence_cutoff"},
    {4, 5, 0, "net"}, {4, 5, 1, "host"}, {4, 5, 2, "tos_net"}, {4, 5, 3, "tos_host"}, {4, 5, 0, "redirect_net"},
    {4, 5, 1, "redirect_host"}, {4, 5, 2, "redirect_tos_net"}, {4, 5, 3, "redirect_tos_host"},
    {4, 11, 0, "ttl_exceeded"}, {4, 11, 0, "ttl"}, {4, 11, 0, "exceeded_ttl"},
    {4, 11, 1, "frag_reassembly_time_exceeded"}, {4, 11, 1, "reassembly"}, {4, 11, 1, "exceeded_fragment_reassembly"},
    {4, 12, 0, "pointer"}, {4, 12, 1, "missing_option"}, {4, 12, 2, "bad_length"},
    {6, 1, 0, "no_route"}, {6, 1, 0, "net_unreachable"}, {6, 1, 1, "admin_prohibited"}, {6, 1, 1, "prohibited"}, {6, 1, 2, "not_neighbour"},
    {6, 1, 2, "not_neighbor"}, {6, 1, 2, "beyond_scope"}, {6, 1, 3, "address_unreachable"},
    {6, 1, 3, "addr_unreachable"}, {6, 1, 3, "host_unreachable"}, {6, 1, 4, "port_unreachable"},
    {6, 1, 5, "policy_fail"}, {6, 1, 5, "failed_policy"}, {6, 1, 6, "reject_route"},
    {6, 3, 0, "hop_limit"}, {6, 3, 0, "ttl_exceeded"}, {6, 3, 0, "exceeded_hop_limit"},
    {6, 3, 1, "frag_reassembly_time_exceeded"}, {6, 3, 1, "reassembly"}, {6, 3, 1, "exceeded_fragment_reassembly"},
    {6, 3, 0, "exceeded_ttl"},
    /* as linux/icmp.h and icmpv6.h name them */
    {4, 3, 0, "net_unreach"}, {4, 3, 1, "host_unreach"}, {4, 3, 2, "prot_unreach"}, {4, 3, 3, "port_unreach"},
    {4, 3, 5, "sr_failed"}, {4, 3, 9, "net_ano"},
    {4, 3, 10, "host_ano"}, {4, 3, 11, "net_unr_tos"}, {4, 3, 12, "host_unr_tos"}, {4, 3, 11, "net_tos"},
    {4, 3, 12, "host_tos"}, {4, 3, 13, "pkt_filtered"},
    {4, 3, 13, "communication_prohibited"}, {4, 3, 14, "prec_violation"}, {4, 3, 15, "prec_cutoff"},
    {4, 5, 0, "redir_net"}, {4, 5, 1, "redir_host"},
    {4, 5, 2, "redir_nettos"}, {4, 5, 3, "redir_hosttos"}, {4, 11, 0, "exc_ttl"}, {4, 11, 1, "exc_fragtime"},
    {6, 1, 0, "noroute"}, {6, 1, 1, "adm_prohibited"},
    {6, 1, 3, "addr_unreach"}, {6, 1, 4, "port_unreach"}, {6, 3, 0, "exc_hoplimit"}, {6, 3, 1, "exc_fragtime"},
    {6, 4, 0, "hdr_field"}, {6, 4, 1, "unk_nexthdr"},
    {6, 4, 2, "unk_option"},
    {6, 4, 0, "header_field"}, {6, 4, 1, "unknown_next_header"}, {6, 4, 2, "unknown_option"},
};

static int find(const struct name *names, unsigned count, int version, int type, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (names[i].version == version && names[i].type == type && strcasecmp(names[i].name, name) == 0)
            return names[i].value;
    return -1;
}

int packet_icmp_type(int version, int unused, const char *name)
{
    (void)unused;
    return find(types, sizeof types / sizeof types[0], version, 0, name);
}

int packet_icmp_code(int version, int type, const char *name)
{
    return find(codes, sizeof codes / sizeof codes[0], version, type, name);
}
