/* packet_filter.h: the rules through which a host's packets go where they come in and leave: chains on Linux's hooks, each in its order,
 * rules with matches and a target (iptables-extensions(8), nft(8)). No connection tracking. A host without rules pays nothing; with some it
 * leaves the short ways (long_ways). */
#ifndef HOST_PACKET_FILTER_H
#define HOST_PACKET_FILTER_H
#include "lilliput/host.h"
#include "wire/wire.h"

enum filter_hook {
    FILTER_PREROUTING, FILTER_INPUT, FILTER_FORWARD, FILTER_OUTPUT, FILTER_POSTROUTING,
    FILTER_NO_HOOK /* jumped to alone */
};
enum filter_match_kind {
    MATCH_PROTOCOL,      /* low: the number */
    MATCH_SOURCE, MATCH_DEST, /* prefix */
    MATCH_SPORT, MATCH_DPORT, MATCH_PORT, /* low to high: of TCP and UDP; several of one kind in a row are alternatives (is_more) */
    MATCH_FLAGS,         /* TCP's, of mask high exactly low */
    MATCH_OPTION,        /* TCP option of kind low is there */
    MATCH_MSS,           /* a SYN's, low to high */
    MATCH_ICMP,          /* type low, code high (256: any) */
    MATCH_LENGTH,        /* of the IP packet, low to high */
    MATCH_TTL,           /* low to high */
    MATCH_TOS,           /* of mask high exactly low */
    MATCH_MARK,          /* of mask high exactly low */
    MATCH_FRAGMENT,
    MATCH_NTH,           /* each LOW-th packet, the HIGH-th of them */
    MATCH_RANDOM,        /* LOW of 2^31 */
    MATCH_LIMIT,         /* one in LOW us, HIGH at once */
    MATCH_IN, MATCH_OUT, /* the interface's name; a + at its end: all that begin so */
    MATCH_NEVER          /* what no packet here has */
};
struct filter_match {
    enum filter_match_kind kind;
    bool is_inverted, is_more;
    uint32_t low, high;
    struct prefix prefix;
    char name[16];
};
enum filter_target {
    TARGET_NONE,         /* counts, logs: the next rule follows */
    TARGET_ACCEPT, TARGET_DROP, TARGET_REJECT, TARGET_RETURN, TARGET_JUMP, TARGET_GOTO,
    TARGET_MARK,         /* mark = (mark & ~high) ^ low */
    TARGET_TOS,          /* tos = (tos & ~high) | low */
    TARGET_TTL,          /* low: set; high 1: increased, 2: decreased by it */
    TARGET_MSS           /* at most low; 0: what the path takes */
};
enum { FILTER_MATCHES = 24, REJECT_RESET = 0x100, FILTER_DEPTH = 16 /* Linux's NFT_JUMP_STACK_SIZE */ };
struct filter_chain;
struct filter_rule {
    struct filter_rule *next;
    uint8_t version;     /* 4, 6; 0: both */
    enum filter_target target;
    uint32_t low, high;  /* of the target; of REJECT: ICMP's code of IPv4, of IPv6, or REJECT_RESET */
    struct filter_chain *chain; /* JUMP, GOTO; else NULL */
    uint64_t packets, bytes;
    uint64_t credit_ns, seen_ns; /* of MATCH_LIMIT; NTH's count is in packets seen */
    uint32_t count;
    unsigned match_count;
    struct filter_match matches[FILTER_MATCHES];
    char *text;          /* as it was written, the table's owner's */
};
struct filter_chain {
    struct filter_chain *next;
    char table[32], name[32];
    uint8_t version;     /* of packets that go through it; 0: both */
    enum filter_hook hook;
    int priority;
    bool drops;          /* its policy */
    int level;           /* at the most so many jumps from a hook; -1: none leads here */
    struct filter_rule *rules;
};
struct filter { /* of a host */
    struct filter_chain *chains; /* by hook and priority */
    struct filter_chain *before; /* as they were at filter_begin() */
};

/* The chain; made if MAKE. NULL: none, or no memory. TABLE's chains of one name differ by VERSION. */
struct filter_chain *filter_chain(struct lil_host *host, uint8_t version, const char *table, const char *name, bool make);
/* -EEXIST: it has rules already, or rules jump to it. */
int filter_chain_hook(struct lil_host *host, struct filter_chain *chain, enum filter_hook hook, int priority);
/* With its rules. -EBUSY: another chain's rule jumps to it. */
int filter_chain_delete(struct lil_host *host, struct filter_chain *chain);
/* A copy of RULE (its text, too) before the POSITION-th, counted from 0; -1: at the end. -ENOENT: fewer rules stand there. As Linux:
 * -EMLINK: a hook's packets would jump FILTER_DEPTH times, or without end; -EOPNOTSUPP: a jump to a hook's own chain. */
int filter_rule_add(struct lil_host *host, struct filter_chain *chain, const struct filter_rule *rule, int position);
bool filter_rule_delete(struct lil_host *host, struct filter_chain *chain, int position); /* -1: all; false: there is none */
bool filter_rules_are_equal(const struct filter_rule *a, const struct filter_rule *b); /* they match and do the same */
void filter_flush(struct lil_host *host); /* all rules and chains go */
/* What is done from here to filter_end() is done as one: kept, or as if it had not been. -ENOMEM. */
int filter_begin(struct lil_host *host);
void filter_end(struct lil_host *host, bool is_kept);

/* PACKET, behind IP's header, is for this host: false: it is not taken further, and freed. */
struct interface;
bool filter_input(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet);
/* PACKET, from IP's header on, leaves by INTERFACE: false: it must not (Linux: EPERM), and its owner frees it. */
bool filter_output(struct lil_host *host, const struct interface *interface, struct lil_packet *packet);
struct filter_chain *filter_first(const struct lil_host *host); /* of all chains; NULL: none */
/* The same of one that another sent. */
bool filter_forward(struct lil_host *host, const struct interface *in, const struct interface *out, struct lil_packet *packet);
void filter_free(struct lil_host *host);

#endif
