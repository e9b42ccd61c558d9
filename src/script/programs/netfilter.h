/* netfilter.h: the commands that make rules (host/packet_filter.h): netfilter.c is iptables, nft.c nft. What both read. */
#ifndef SCRIPT_PROGRAMS_NETFILTER_H
#define SCRIPT_PROGRAMS_NETFILTER_H
#include "host/packet_filter.h"
#include "script/programs/programs.h"

struct filter_match *netfilter_match(struct run *run, struct filter_rule *rule, enum filter_match_kind kind, uint32_t low, uint32_t high,
                                     bool is_inverted);
int netfilter_protocol(const char *name);
bool netfilter_ports(const char *text, char separator, uint32_t *low, uint32_t *high);
uint32_t netfilter_flags(const char *list);                         /* with commas; UINT32_MAX: unknown */
bool netfilter_rate(const char *text, uint32_t *us);                /* "10/second": one in so many us */
void netfilter_reject(struct run *run, struct filter_rule *rule, const char *with); /* its target */
int shell_iptables(struct shell *shell, int argc, char **argv, struct shell_io *io);
int shell_nft(struct shell *shell, int argc, char **argv, struct shell_io *io);

#endif
