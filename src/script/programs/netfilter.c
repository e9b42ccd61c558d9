/* netfilter.c: iptables and ip6tables: a command's words become rules of the virtual host (host/packet_filter.h). What would need
 * connection tracking, or is not known, makes the script skipped with its reason. */
#include <stdlib.h>
#include <string.h>
#include "script/programs/netfilter.h"

/* Exit statuses: REFUSED by iptables, by its reading of the line, by the kernel. */
enum { NO_POSITION = -1, REFUSED = 1, BAD_USE = 2, KERNEL_REFUSED = 4 };
struct command {
    struct shell *shell;
    uint8_t version;
    const char *table;
    char verb;                  /* A I D R C L S F N X P Z */
    const char *chain, *policy; /* policy: of -P */
    int position;               /* of -I, -D, -R: from 0; NO_POSITION: none was said */
    bool is_inverted;           /* a ! stood before this word */
    bool is_bad;                /* iptables refuses the line as such */
    struct filter_rule rule;
    const char *text;           /* the rule's own words */
};

/* Of the IP header: looked at before what modules match, in this order, however the line has them. */
static bool is_of_header(enum filter_match_kind kind)
{
    return kind == MATCH_PROTOCOL || kind == MATCH_SOURCE || kind == MATCH_DEST || kind == MATCH_FRAGMENT || kind == MATCH_IN ||
           kind == MATCH_OUT;
}

struct filter_match *netfilter_match(struct run *run, struct filter_rule *rule, enum filter_match_kind kind, uint32_t low, uint32_t high,
                                     bool is_inverted)
{
    if (rule->match_count == FILTER_MATCHES)
        run_skip(run, "command: a rule of more than %d matches", FILTER_MATCHES);
    struct filter_match *match = &rule->matches[rule->match_count++];
    *match = (struct filter_match){.kind = kind, .low = low, .high = high, .is_inverted = is_inverted};
    return match;
}

static struct filter_match *put(struct command *c, enum filter_match_kind kind, uint32_t low, uint32_t high)
{
    struct filter_match *match = netfilter_match(c->shell->run, &c->rule, kind, low, high, c->is_inverted);
    c->is_inverted = false;
    for (; is_of_header(kind) && match > c->rule.matches && !(is_of_header(match[-1].kind) && match[-1].kind <= kind); match--) {
        struct filter_match moved = match[-1];
        match[-1] = *match;
        *match = moved;
    }
    return match;
}

static _Noreturn void unknown(struct command *c, const char *what)
{
    run_skip(c->shell->run, "command: iptables %s is not known here", what);
}

struct named { const char *name; uint16_t number; };

/* NAME as a number below LIMIT, or as one of NAMES; -1: neither. */
static int number_or_name(const char *name, unsigned long limit, const struct named *names, size_t count,
                          int (*compare)(const char *, const char *))
{
    char *end;
    unsigned long number = strtoul(name, &end, 0);
    if (end != name && !*end && number < limit)
        return (int)number;
    for (size_t i = 0; i < count; i++)
        if (compare(names[i].name, name) == 0)
            return names[i].number;
    return -1;
}

static int netfilter_service(const char *name)
{
    static const struct named services[] = {
        {"http", 80}, {"https", 443}, {"ssh", 22}, {"domain", 53}, {"http-alt", 8080}, {"webcache", 8080}, {"ftp", 21}, {"smtp", 25},
        {"discard", 9}, {"echo", 7}, {"daytime", 13}};
    return number_or_name(name, 65536, services, ARRAY_COUNT(services), strcmp);
}

int netfilter_protocol(const char *name)
{
    static const struct named protocols[] = {
        {"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP}, {"icmpv6", IPPROTO_ICMPV6}, {"ipv6-icmp", IPPROTO_ICMPV6},
        {"gre", 47}, {"ipip", 4}, {"ipencap", 4}, {"ipv6", 41}, {"esp", 50}, {"sctp", 132}, {"udplite", 136}, {"dccp", 33}, {"ah", 51}};
    return number_or_name(name, 256, protocols, ARRAY_COUNT(protocols), strcasecmp);
}

/* "80", "80:90", ":90", "ssh"; SEPARATOR is ':' or '-'. */
bool netfilter_ports(const char *text, char separator, uint32_t *low, uint32_t *high)
{
    char word[64];
    const char *colon = strchr(text, separator);
    if (strlen(text) >= sizeof word)
        return false;
    snprintf(word, sizeof word, "%.*s", (int)(colon ? colon - text : (long)strlen(text)), text);
    int from = *word || !colon ? netfilter_service(word) : 0;
    int to = !colon ? from : colon[1] ? netfilter_service(colon + 1) : 65535;
    *low = (uint32_t)from;
    *high = (uint32_t)to;
    return from >= 0 && to >= from;
}

static void put_ports(struct command *c, enum filter_match_kind kind, const char *list)
{
    bool is_inverted = c->is_inverted;
    char *text = arena_copy(&c->shell->run->script.arena, list, strlen(list)), *word;
    while ((word = strsep(&text, ","))) {
        uint32_t low, high;
        if (!netfilter_ports(word, ':', &low, &high))
            unknown(c, list);
        c->is_inverted = is_inverted;
        put(c, kind, low, high)->is_more = text != NULL;
    }
}

static void put_prefix(struct command *c, enum filter_match_kind kind, const char *text)
{
    struct filter_match *match = put(c, kind, 0, 0);
    if (prefix_parse(text, &match->prefix) != 0)
        unknown(c, text);
}

uint32_t netfilter_flags(const char *list)
{
    static const struct { const char *name; uint16_t flags; } names[] = {
        {"ALL", 0x3f}, {"NONE", 0}, {"FIN", TCP_FIN}, {"SYN", TCP_SYN}, {"RST", TCP_RST}, {"PSH", TCP_PSH}, {"ACK", TCP_ACK},
        {"URG", TCP_URG}, {"ECE", TCP_ECE}, {"ECN", TCP_ECE}, {"CWR", TCP_CWR}};
    uint32_t flags = 0;
    for (const char *p = list; *p;) {
        size_t length = strcspn(p, ",");
        bool found = length == 0;
        for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
            if (length == strlen(names[i].name) && strncasecmp(p, names[i].name, length) == 0)
                flags |= names[i].flags, found = true;
        if (!found)
            return UINT32_MAX;
        p += length;
        p += *p != 0;
    }
    return flags;
}

static void put_flags(struct command *c, const char *mask, const char *value)
{
    uint32_t high = netfilter_flags(mask), low = netfilter_flags(value);
    if (high == UINT32_MAX || low == UINT32_MAX)
        unknown(c, "--tcp-flags");
    put(c, MATCH_FLAGS, low, high);
}

/* "echo-request", "3/4", "8" */
static void put_icmp(struct command *c, const char *text)
{
    static const struct { const char *name; uint8_t v4, v6; } names[] = {
        {"echo-request", 8, 128}, {"echo-reply", 0, 129}, {"destination-unreachable", 3, 1}, {"time-exceeded", 11, 3},
        {"parameter-problem", 12, 4}, {"packet-too-big", 255, 2}, {"redirect", 5, 137}, {"source-quench", 4, 255}};
    char *end;
    unsigned long type = strtoul(text, &end, 10), code = 256;
    if (*end == '/')
        code = strtoul(end + 1, &end, 10);
    if (strcmp(text, "fragmentation-needed") == 0 || strcmp(text, "port-unreachable") == 0) {
        type = c->version == 4 ? 3 : 1;
        code = *text == 'f' || c->version == 6 ? 4 : 3;
        end = "";
    }
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (strcmp(names[i].name, text) == 0) {
            type = c->version == 4 ? names[i].v4 : names[i].v6;
            end = "";
        }
    if (*end)
        unknown(c, text);
    put(c, MATCH_ICMP, (uint32_t)type, (uint32_t)code);
}

/* "10/second", "5/m" */
bool netfilter_rate(const char *text, uint32_t *us)
{
    char *end;
    double count = strtod(text, &end);
    static const struct { const char *name; double seconds; } units[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}};
    if (end == text || count <= 0)
        return false;
    const char *unit = *end == '/' ? end + 1 : "second";
    for (unsigned i = 0; i < ARRAY_COUNT(units); i++)
        if (*unit && strncmp(units[i].name, unit, strlen(unit)) == 0) {
            double each = units[i].seconds * 1e6 / count;
            *us = each < 4e9 ? (uint32_t)each : UINT32_MAX;
            return true;
        }
    return false;
}

/* "5", "0x5/0xff" */
static void read_marked(const char *text, uint32_t *value, uint32_t *mask)
{
    char *end;
    *value = (uint32_t)strtoul(text, &end, 0);
    *mask = *end == '/' ? (uint32_t)strtoul(end + 1, NULL, 0) : UINT32_MAX;
}

static struct filter_match *last_of(struct command *c, enum filter_match_kind kind)
{
    for (unsigned i = c->rule.match_count; i-- > 0;)
        if (c->rule.matches[i].kind == kind)
            return &c->rule.matches[i];
    return NULL;
}

/* --- an option with one value -------------------------------------------------------------------------------------------- */
static bool is_word(const char *option, const char *a, const char *b)
{
    return strcmp(option, a) == 0 || (b && strcmp(option, b) == 0);
}

static bool match_plain(struct command *c, const char *o, const char *v)
{
    uint32_t low, high;
    if (is_word(o, "-p", "--protocol") || strcmp(o, "--proto") == 0) {
        if (strcmp(v, "all") == 0)
            return true;
        int protocol = netfilter_protocol(v);
        if (protocol < 0)
            unknown(c, v);
        if (protocol == IPPROTO_ICMP && c->version == 6)
            protocol = IPPROTO_ICMPV6;
        put(c, MATCH_PROTOCOL, (uint32_t)protocol, 0);
    } else if (is_word(o, "-s", "--source") || strcmp(o, "--src") == 0) {
        put_prefix(c, MATCH_SOURCE, v);
    } else if (is_word(o, "-d", "--destination") || strcmp(o, "--dst") == 0) {
        put_prefix(c, MATCH_DEST, v);
    } else if (is_word(o, "-i", "--in-interface") || is_word(o, "-o", "--out-interface")) {
        struct filter_match *match = put(c, o[strspn(o, "-")] == 'i' ? MATCH_IN : MATCH_OUT, 0, 0);
        snprintf(match->name, sizeof match->name, "%s", v);
    } else if (is_word(o, "--sport", "--source-port") || is_word(o, "--sports", "--source-ports")) {
        put_ports(c, MATCH_SPORT, v);
    } else if (is_word(o, "--dport", "--destination-port") || is_word(o, "--dports", "--destination-ports")) {
        put_ports(c, MATCH_DPORT, v);
    } else if (strcmp(o, "--ports") == 0) {
        put_ports(c, MATCH_PORT, v);
    } else if (is_word(o, "--icmp-type", "--icmpv6-type")) {
        put_icmp(c, v);
    } else if (strcmp(o, "--tcp-option") == 0) {
        put(c, MATCH_OPTION, (uint32_t)atoi(v), 0);
    } else if (strcmp(o, "--length") == 0 || strcmp(o, "--mss") == 0) {
        if (!netfilter_ports(v, ':', &low, &high))
            unknown(c, o);
        put(c, o[2] == 'l' ? MATCH_LENGTH : MATCH_MSS, low, high);
    } else if (is_word(o, "--ttl-eq", "--hl-eq")) {
        put(c, MATCH_TTL, (uint32_t)atoi(v), (uint32_t)atoi(v));
    } else if (is_word(o, "--ttl-lt", "--hl-lt")) {
        put(c, MATCH_TTL, 0, (uint32_t)atoi(v) - 1);
    } else if (is_word(o, "--ttl-gt", "--hl-gt")) {
        put(c, MATCH_TTL, (uint32_t)atoi(v) + 1, 255);
    } else if (strcmp(o, "--tos") == 0) {
        read_marked(v, &low, &high);
        put(c, MATCH_TOS, low, high & 0xff);
    } else if (strcmp(o, "--dscp") == 0) {
        put(c, MATCH_TOS, (uint32_t)strtoul(v, NULL, 0) << 2, 0xfc);
    } else if (strcmp(o, "--ecn-ip-ect") == 0) {
        put(c, MATCH_TOS, (uint32_t)atoi(v), 3);
    } else if (strcmp(o, "--mark") == 0) {
        read_marked(v, &low, &high);
        put(c, MATCH_MARK, low, high);
    } else {
        return false;
    }
    return true;
}

/* statistic and limit: several words make one match. */
static bool match_counted(struct command *c, const char *o, const char *v)
{
    struct filter_match *nth = last_of(c, MATCH_NTH), *limit = last_of(c, MATCH_LIMIT);
    if (strcmp(o, "--mode") == 0)
        return true;
    if (strcmp(o, "--every") == 0) {
        if (atoi(v) < 1)
            unknown(c, "--every");
        if (!nth)
            nth = put(c, MATCH_NTH, 1, 0);
        nth->low = (uint32_t)atoi(v);
    } else if (strcmp(o, "--packet") == 0) {
        if (!nth)
            nth = put(c, MATCH_NTH, 1, 0);
        nth->high = (uint32_t)atoi(v);
    } else if (strcmp(o, "--probability") == 0) {
        put(c, MATCH_RANDOM, (uint32_t)(strtod(v, NULL) * 0x7fffffff), 0);
    } else if (strcmp(o, "--limit") == 0) {
        if (!limit)
            limit = put(c, MATCH_LIMIT, 0, 5);
        if (!netfilter_rate(v, &limit->low))
            unknown(c, v);
    } else if (strcmp(o, "--limit-burst") == 0) {
        if (!limit)
            limit = put(c, MATCH_LIMIT, 1000000 * 1200u, 5);
        limit->high = (uint32_t)atoi(v);
    } else {
        return false;
    }
    return true;
}

void netfilter_reject(struct run *run, struct filter_rule *rule, const char *with)
{
    static const struct { const char *name; uint8_t v4, v6; } kinds[] = {
        {"port-unreachable", 3, 4}, {"net-unreachable", 0, 0}, {"no-route", 0, 0}, {"host-unreachable", 1, 3}, {"proto-unreachable", 2, 4},
        {"prot-unreachable", 2, 4}, {"addr-unreachable", 1, 3}, {"net-prohibited", 9, 1}, {"host-prohibited", 10, 1},
        {"admin-prohibited", 13, 1}, {"adm-prohibited", 13, 1}, {"policy-fail", 13, 5}, {"reject-route", 13, 6}};
    const char *bare = strncmp(with, "icmp6-", 6) == 0 ? with + 6 : strncmp(with, "icmp-", 5) == 0 ? with + 5 : with;
    rule->target = TARGET_REJECT;
    if (strcmp(with, "tcp-reset") == 0) {
        rule->low = REJECT_RESET;
        return;
    }
    for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++)
        if (strcmp(kinds[i].name, bare) == 0) {
            rule->low = kinds[i].v4;
            rule->high = kinds[i].v6;
            return;
        }
    run_skip(run, "command: reject with %s is not known here", with);
}

static bool target_value(struct command *c, const char *o, const char *v)
{
    struct filter_rule *rule = &c->rule;
    uint32_t value, mask;
    if (strcmp(o, "--reject-with") == 0) {
        netfilter_reject(c->shell->run, rule, v);
    } else if (is_word(o, "--set-mark", "--set-xmark")) {
        read_marked(v, &value, &mask);
        rule->low = value;
        rule->high = o[6] == 'x' ? mask : mask | value;
    } else if (strcmp(o, "--or-mark") == 0) {
        rule->low = rule->high = (uint32_t)strtoul(v, NULL, 0);
    } else if (strcmp(o, "--set-mss") == 0) {
        rule->low = (uint32_t)atoi(v);
    } else if (strcmp(o, "--set-tos") == 0) {
        read_marked(v, &value, &mask);
        rule->low = value & 0xff;
        rule->high = mask & 0xff;
    } else if (strcmp(o, "--set-dscp") == 0) {
        rule->low = (uint32_t)strtoul(v, NULL, 0) << 2;
        rule->high = 0xfc;
    } else if (is_word(o, "--ttl-set", "--hl-set") || is_word(o, "--ttl-inc", "--hl-inc") || is_word(o, "--ttl-dec", "--hl-dec")) {
        const char *how = strrchr(o, '-') + 1;
        rule->low = (uint32_t)atoi(v);
        rule->high = *how == 's' ? 0 : *how == 'i' ? 1 : 2;
    } else {
        return strncmp(o, "--log-", 6) == 0 || strncmp(o, "--nflog-", 8) == 0 || strcmp(o, "--zone") == 0 || strcmp(o, "--comment") == 0;
    }
    return true;
}

static void set_target(struct command *c, const char *name)
{
    static const struct { const char *name; enum filter_target target; } targets[] = {
        {"ACCEPT", TARGET_ACCEPT}, {"DROP", TARGET_DROP}, {"RETURN", TARGET_RETURN}, {"MARK", TARGET_MARK}, {"TOS", TARGET_TOS},
        {"DSCP", TARGET_TOS}, {"TTL", TARGET_TTL}, {"HL", TARGET_TTL}, {"TCPMSS", TARGET_MSS}, {"LOG", TARGET_NONE}, {"NFLOG", TARGET_NONE},
        {"NOTRACK", TARGET_NONE}, {"CT", TARGET_NONE}, {"TRACE", TARGET_NONE}, {"CHECKSUM", TARGET_NONE}};
    struct run *run = c->shell->run;
    if (strcmp(name, "REJECT") == 0) {
        netfilter_reject(run, &c->rule, "port-unreachable");
        return;
    }
    for (unsigned i = 0; i < ARRAY_COUNT(targets); i++)
        if (strcmp(targets[i].name, name) == 0) {
            c->rule.target = targets[i].target;
            return;
        }
    c->rule.target = TARGET_JUMP;
    c->rule.chain = filter_chain(run->host, c->version, c->table, name, false);
    if (!c->rule.chain)
        run_skip(run, "command: iptables -j %s is not known here", name);
}

/* --- words that take none, or two ------------------------------------------------------------------------------------------ */
static bool match_flag(struct command *c, const char *o)
{
    if (strcmp(o, "--syn") == 0)
        put(c, MATCH_FLAGS, TCP_SYN, TCP_SYN | TCP_RST | TCP_ACK | TCP_FIN);
    else if (is_word(o, "-f", "--fragment"))
        put(c, MATCH_FRAGMENT, 0, 0);
    else if (strcmp(o, "--ecn-tcp-cwr") == 0)
        put(c, MATCH_FLAGS, TCP_CWR, TCP_CWR);
    else if (strcmp(o, "--ecn-tcp-ece") == 0)
        put(c, MATCH_FLAGS, TCP_ECE, TCP_ECE);
    else if (strcmp(o, "--clamp-mss-to-pmtu") == 0)
        c->rule.low = 0;
    else if (strcmp(o, "--notrack") != 0 && strcmp(o, "--checksum-fill") != 0)
        return false;
    return true;
}

static void check_module(struct command *c, const char *name)
{
    static const char *const known[] = {"tcp", "udp", "icmp", "icmp6", "icmpv6", "multiport", "statistic", "limit", "length", "mark", "ttl",
                                        "hl", "tos", "dscp", "ecn", "tcpmss", "comment"};
    for (unsigned i = 0; i < ARRAY_COUNT(known); i++)
        if (strcmp(known[i], name) == 0)
            return;
    run_skip(c->shell->run, "command: iptables -m %s is not known here", name);
}

static void read_verb(struct command *c, char verb, int *i, int argc, char **argv)
{
    c->verb = verb;
    if (*i + 1 < argc && argv[*i + 1][0] != '-')
        c->chain = argv[++*i];
    bool numbered = verb == 'I' || verb == 'D' || verb == 'R';
    if (numbered && *i + 1 < argc && argv[*i + 1][0] >= '0' && argv[*i + 1][0] <= '9')
        c->position = atoi(argv[++*i]) - 1, c->is_bad = c->position < 0;
    if (verb == 'P' && *i + 1 < argc)
        c->policy = argv[++*i];
}

static char verb_of(const char *word)
{
    static const struct { const char *name; char verb; } verbs[] = {
        {"-A", 'A'}, {"--append", 'A'}, {"-I", 'I'}, {"--insert", 'I'}, {"-D", 'D'}, {"--delete", 'D'}, {"-R", 'R'}, {"--replace", 'R'},
        {"-C", 'C'}, {"--check", 'C'}, {"-L", 'L'}, {"--list", 'L'}, {"-S", 'S'}, {"--list-rules", 'S'}, {"-F", 'F'}, {"--flush", 'F'},
        {"-N", 'N'}, {"--new-chain", 'N'}, {"--new", 'N'}, {"-X", 'X'}, {"--delete-chain", 'X'}, {"-P", 'P'}, {"--policy", 'P'},
        {"-Z", 'Z'}, {"--zero", 'Z'}};
    for (unsigned i = 0; i < ARRAY_COUNT(verbs); i++)
        if (strcmp(verbs[i].name, word) == 0)
            return verbs[i].verb;
    return 0;
}

static void add_text(struct command *c, const char *word)
{
    c->text = arena_printf(&c->shell->run->script.arena, "%s%s%s", c->text, *c->text ? " " : "", word);
}

static void read_word(struct command *c, int *i, int argc, char **argv)
{
    const char *word = argv[*i], *value = *i + 1 < argc ? argv[*i + 1] : "";
    static const char *const quiet[] = {"-n", "--numeric", "-v", "--verbose", "-x", "--exact", "--line-numbers", "-w", "--wait", "-4", "-6",
                                        "--ipv4", "--ipv6"};
    char verb = verb_of(word);
    if (verb) {
        read_verb(c, verb, i, argc, argv);
        return;
    }
    for (unsigned k = 0; k < ARRAY_COUNT(quiet); k++)
        if (strcmp(quiet[k], word) == 0) {
            *i += word[1] == 'w' && value[0] >= '0' && value[0] <= '9';
            return;
        }
    if (is_word(word, "-t", "--table")) {
        c->table = value;
        ++*i;
        return;
    }
    add_text(c, word);
    if (strcmp(word, "!") == 0) {
        c->is_inverted = true;
        return;
    }
    if (match_flag(c, word))
        return;
    ++*i;
    add_text(c, value);
    if (strcmp(word, "--tcp-flags") == 0) {
        add_text(c, *i + 1 < argc ? argv[*i + 1] : "");
        put_flags(c, value, *i + 1 < argc ? argv[++*i] : "");
    } else if (is_word(word, "-m", "--match")) {
        check_module(c, value);
    } else if (is_word(word, "-j", "--jump") || is_word(word, "-g", "--goto")) {
        set_target(c, value);
        if (c->rule.target == TARGET_JUMP && word[strspn(word, "-")] == 'g')
            c->rule.target = TARGET_GOTO;
    } else if (!match_plain(c, word, value) && !match_counted(c, word, value) && !target_value(c, word, value)) {
        unknown(c, word);
    }
}

/* --- what is done ------------------------------------------------------------------------------------------------------------- */
/* The chains that each table has of itself. */
static struct filter_chain *chain_of(struct command *c, const char *name)
{
    static const struct { const char *table, *chain; enum filter_hook hook; int priority; } built_in[] = {
        {"filter", "INPUT", FILTER_INPUT, 0}, {"filter", "FORWARD", FILTER_FORWARD, 0}, {"filter", "OUTPUT", FILTER_OUTPUT, 0},
        {"mangle", "PREROUTING", FILTER_PREROUTING, -150}, {"mangle", "INPUT", FILTER_INPUT, -150},
        {"mangle", "FORWARD", FILTER_FORWARD, -150}, {"mangle", "OUTPUT", FILTER_OUTPUT, -150},
        {"mangle", "POSTROUTING", FILTER_POSTROUTING, -150},
        {"raw", "PREROUTING", FILTER_PREROUTING, -300}, {"raw", "OUTPUT", FILTER_OUTPUT, -300}, {"security", "INPUT", FILTER_INPUT, 50},
        {"security", "OUTPUT", FILTER_OUTPUT, 50}};
    struct lil_host *host = c->shell->run->host;
    for (unsigned i = 0; i < ARRAY_COUNT(built_in); i++) {
        if (strcmp(built_in[i].table, c->table) != 0 || strcmp(built_in[i].chain, name) != 0)
            continue;
        struct filter_chain *chain = filter_chain(host, c->version, c->table, name, true);
        if (chain && chain->hook == FILTER_NO_HOOK && filter_chain_hook(host, chain, built_in[i].hook, built_in[i].priority) < 0)
            return NULL;
        return chain;
    }
    return filter_chain(host, c->version, c->table, name, false);
}

/* Of -C and -D: the first rule of the same words (so comments and what logs is called count), else the first that does the same. */
static int position_of(const struct filter_chain *chain, const struct filter_rule *wanted, const char *text)
{
    int position = 0, equal = NO_POSITION;
    for (const struct filter_rule *rule = chain->rules; rule; rule = rule->next, position++) {
        if (strcmp(rule->text, text) == 0)
            return position;
        if (equal == NO_POSITION && filter_rules_are_equal(rule, wanted))
            equal = position;
    }
    return equal;
}

static bool is_of(const struct command *c, const struct filter_chain *chain)
{
    return chain->version == c->version && strcmp(chain->table, c->table) == 0 && (!c->chain || strcmp(chain->name, c->chain) == 0);
}

static void list_rules(const struct filter_chain *chain, struct shell_io *io)
{
    if (chain->hook != FILTER_NO_HOOK)
        shell_print(io, "-P %s %s\n", chain->name, chain->drops ? "DROP" : "ACCEPT");
    else
        shell_print(io, "-N %s\n", chain->name);
    for (const struct filter_rule *rule = chain->rules; rule; rule = rule->next)
        shell_print(io, "-A %s %s\n", chain->name, rule->text);
}

/* -X: only what is empty and nobody jumps to. */
static int delete_chain(struct lil_host *host, struct filter_chain *chain)
{
    if (chain->hook != FILTER_NO_HOOK)
        return 0;
    return chain->rules || filter_chain_delete(host, chain) < 0 ? KERNEL_REFUSED : 0;
}

/* -F, -X, -S, -Z: of all chains, or of one. */
static int each_chain(struct command *c, struct shell_io *io)
{
    struct lil_host *host = c->shell->run->host;
    int status = 0;
    if (c->chain && !chain_of(c, c->chain))
        return REFUSED;
    for (struct filter_chain *chain = filter_first(host), *next; chain && !status; chain = next) {
        next = chain->next;
        if (!is_of(c, chain))
            continue;
        if (c->verb == 'F')
            filter_rule_delete(host, chain, -1);
        else if (c->verb == 'X')
            status = delete_chain(host, chain);
        else if (c->verb == 'S')
            list_rules(chain, io);
        else
            for (struct filter_rule *rule = chain->rules; rule; rule = rule->next)
                rule->packets = rule->bytes = 0;
    }
    return status;
}

static int set_policy(const struct command *c, struct filter_chain *chain)
{
    if (!c->policy)
        return BAD_USE;
    bool drops = strcmp(c->policy, "DROP") == 0;
    if (chain->hook == FILTER_NO_HOOK || (!drops && strcmp(c->policy, "ACCEPT") != 0))
        return REFUSED;
    chain->drops = drops;
    return 0;
}

static int add_rule(struct command *c, struct filter_chain *chain, int position)
{
    c->rule.text = (char *)c->text;
    int error = filter_rule_add(c->shell->run->host, chain, &c->rule, position);
    return !error ? 0 : error == -ENOENT ? REFUSED : KERNEL_REFUSED;
}

/* The old rule stays where the new one is refused. */
static int replace_rule(struct command *c, struct filter_chain *chain)
{
    int count = 0;
    for (const struct filter_rule *rule = chain->rules; rule; rule = rule->next)
        count++;
    int status = c->position < count ? add_rule(c, chain, c->position) : REFUSED;
    if (!status)
        filter_rule_delete(c->shell->run->host, chain, c->position + 1);
    return status;
}

static int change_rule(struct command *c)
{
    struct lil_host *host = c->shell->run->host;
    struct filter_chain *chain = c->chain ? chain_of(c, c->chain) : NULL;
    if (c->is_bad || (c->verb == 'R' && c->position == NO_POSITION))
        return BAD_USE;
    if (!chain)
        return REFUSED;
    int found = c->position != NO_POSITION ? c->position : position_of(chain, &c->rule, c->text);
    switch (c->verb) {
    case 'C':
        return found < 0 ? REFUSED : 0;
    case 'D':
        return found < 0 || !filter_rule_delete(host, chain, found) ? REFUSED : 0;
    case 'P':
        return set_policy(c, chain);
    case 'R':
        return replace_rule(c, chain);
    case 'I':
        return add_rule(c, chain, c->position != NO_POSITION ? c->position : 0);
    default:
        return add_rule(c, chain, -1);
    }
}

int shell_iptables(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    uint8_t version = strncmp(argv[0], "ip6", 3) == 0 ? 6 : 4;
    struct command c = {.shell = shell, .version = version, .table = "filter", .position = NO_POSITION, .text = ""};
    if (strstr(argv[0], "-restore") || strstr(argv[0], "-save"))
        run_skip(shell->run, "command: %s is not known here", argv[0]);
    for (int i = 1; i + 1 < argc; i++) /* -j CHAIN asks for the table */
        if (is_word(argv[i], "-t", "--table"))
            c.table = argv[i + 1];
    for (int i = 1; i < argc; i++)
        read_word(&c, &i, argc, argv);
    if (strcmp(c.table, "nat") == 0 && c.verb != 'F' && c.verb != 'X' && c.verb != 'L' && c.verb != 'S')
        run_skip(shell->run, "command: iptables -t nat is not known here");
    switch (c.verb) {
    case 'L':
        run_skip(shell->run, "command: iptables -L is not known here (-S is)");
    case 'N':
        if (!c.chain || chain_of(&c, c.chain))
            return REFUSED;
        return filter_chain(shell->run->host, c.version, c.table, c.chain, true) ? 0 : REFUSED;
    case 'F':
    case 'X':
    case 'S':
    case 'Z':
        return each_chain(&c, io);
    case 0:
        return 0;
    default:
        return change_rule(&c);
    }
}
