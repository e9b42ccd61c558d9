/* nft.c: nft(8)'s language as far as rules of packet_filter.h go: tables, chains with hooks, rules of plain matches and verdicts, by words
 * on the line or from a file in blocks. Sets, maps, connection tracking, NAT and what else is not known make the script skipped. */
#include <stdlib.h>
#include <string.h>
#include "script/programs/netfilter.h"

struct nft {
    struct run *run;
    int status;                 /* 1: the kernel would have refused something */
    const char *at;
    char word[128];             /* the next one; "" at the end. A newline reads as ";" */
    bool is_string;
    uint8_t version;
    const char *table;
};

/* --- words ----------------------------------------------------------------------------------------------------------------- */
static void next(struct nft *nft)
{
    const char *p = nft->at;
    size_t n = 0;
    while (*p == ' ' || *p == '\t' || (*p == '\\' && p[1] == '\n'))
        p += *p == '\\' ? 2 : 1;
    if (*p == '#')
        p += strcspn(p, "\n");
    nft->is_string = *p == '"';
    if (nft->is_string) {
        n = strcspn(p + 1, "\"");
        snprintf(nft->word, sizeof nft->word, "%.*s", (int)n, p + 1);
        nft->at = p + 1 + n + (p[1 + n] == '"');
        return;
    }
    if (*p && strchr("{},;()&|\n", *p))
        n = 1;
    else if (*p && strchr("=!<>", *p))
        n = strspn(p, "=!<>");
    else
        n = strcspn(p, " \t\n{},;()&|=!<>");
    snprintf(nft->word, sizeof nft->word, "%.*s", (int)n, *p == '\n' ? ";" : p);
    nft->at = p + n;
}

static bool is(const struct nft *nft, const char *word) { return strcmp(nft->word, word) == 0 && !nft->is_string; }

static bool take(struct nft *nft, const char *word)
{
    if (!is(nft, word))
        return false;
    next(nft);
    return true;
}

static _Noreturn void unknown(struct nft *nft)
{
    run_skip(nft->run, "command: nft does not know \"%s\" here", *nft->word ? nft->word : "the end");
}

/* What nft tells as an error: its exit status, and nothing of its text is done. */
static void refused(struct nft *nft)
{
    nft->status = 1;
}

static void expect(struct nft *nft, const char *word)
{
    if (!take(nft, word))
        unknown(nft);
}

static const char *name(struct nft *nft)
{
    const char *copy = arena_copy(&nft->run->script.arena, nft->word, strlen(nft->word));
    if (!*copy || strchr("{};,", *copy))
        unknown(nft);
    next(nft);
    return copy;
}

static uint32_t number(struct nft *nft)
{
    char *end;
    unsigned long value = strtoul(nft->word, &end, 0);
    if (end == nft->word || *end)
        unknown(nft);
    next(nft);
    return (uint32_t)value;
}

/* --- matches ----------------------------------------------------------------------------------------------------------------- */
typedef void read_value(struct nft *nft, struct filter_match *match);

static void read_port(struct nft *nft, struct filter_match *match)
{
    if (!netfilter_ports(nft->word, '-', &match->low, &match->high))
        unknown(nft);
    next(nft);
}

static void read_prefix(struct nft *nft, struct filter_match *match)
{
    if (prefix_parse(nft->word, &match->prefix) != 0)
        unknown(nft);
    next(nft);
}

static void read_protocol(struct nft *nft, struct filter_match *match)
{
    int protocol = netfilter_protocol(nft->word);
    if (protocol < 0)
        unknown(nft);
    match->low = (uint32_t)protocol;
    next(nft);
}

static void read_name(struct nft *nft, struct filter_match *match)
{
    snprintf(match->name, sizeof match->name, "%.15s", nft->word);
    size_t length = strlen(match->name);
    if (length && match->name[length - 1] == '*')
        match->name[length - 1] = '+';
    next(nft);
}

static void read_number(struct nft *nft, struct filter_match *match)
{
    if (match->kind == MATCH_TOS) { /* dscp, ecn */
        static const struct { const char *name; uint8_t bits; } ecn[] = {{"not-ect", 0}, {"ect1", 1}, {"ect0", 2}, {"ce", 3}};
        for (unsigned i = 0; i < ARRAY_COUNT(ecn) && match->high == 3; i++)
            if (take(nft, ecn[i].name)) {
                match->low = ecn[i].bits;
                return;
            }
        match->low = number(nft) << (match->high == 0xfc ? 2 : 0);
    } else if (match->kind == MATCH_MARK) {
        match->low = number(nft);
        match->high = UINT32_MAX;
    } else {
        read_port(nft, match);
    }
}

/* [!=|==|<|>|<=|>=] VALUE, or { VALUE, VALUE }. */
static void read_operand(struct nft *nft, struct filter_rule *rule, enum filter_match_kind kind, uint32_t high, read_value *read)
{
    bool is_inverted = false, less = false, more = false, or_equal = false;
    if (strchr("=!<>", *nft->word) && *nft->word) {
        is_inverted = is(nft, "!=");
        less = *nft->word == '<';
        more = *nft->word == '>';
        or_equal = nft->word[1] == '=';
        next(nft);
    }
    bool is_set = take(nft, "{");
    do {
        struct filter_match *match = netfilter_match(nft->run, rule, kind, 0, high, is_inverted);
        read(nft, match);
        if (less)
            match->high = match->low - !or_equal, match->low = 0;
        if (more)
            match->low += !or_equal, match->high = UINT32_MAX;
        match->is_more = is_set && is(nft, ",");
    } while (is_set && take(nft, ","));
    if (is_set)
        expect(nft, "}");
}

static uint32_t flags_of(struct nft *nft)
{
    bool is_group = take(nft, "(");
    uint32_t flags = 0;
    do {
        uint32_t one = netfilter_flags(nft->word);
        if (one == UINT32_MAX)
            unknown(nft);
        flags |= one;
        next(nft);
    } while (take(nft, "|") || take(nft, ","));
    if (is_group)
        expect(nft, ")");
    return flags;
}

/* tcp flags syn,ack (any of them); tcp flags syn / syn,ack; tcp flags & (syn | ack) == syn */
static void read_flags(struct nft *nft, struct filter_rule *rule)
{
    struct filter_match *match = netfilter_match(nft->run, rule, MATCH_FLAGS, 0, 0, false);
    if (take(nft, "&")) {
        match->high = flags_of(nft);
        match->is_inverted = is(nft, "!=");
        if (!match->is_inverted && !is(nft, "=="))
            unknown(nft);
        next(nft);
        match->low = is(nft, "0") || is(nft, "0x0") ? (next(nft), 0) : flags_of(nft);
        return;
    }
    bool exactly = take(nft, "==");
    match->is_inverted = take(nft, "!=");
    match->low = flags_of(nft);
    if (take(nft, "/")) {
        match->high = flags_of(nft);
        return;
    }
    match->high = 0xff;
    if (!exactly && !match->is_inverted) { /* not none of them */
        match->is_inverted = true;
        match->high = match->low;
        match->low = 0;
    }
}

static void read_limit(struct nft *nft, struct filter_rule *rule)
{
    struct filter_match *match = netfilter_match(nft->run, rule, MATCH_LIMIT, 0, 5, false);
    expect(nft, "rate");
    match->is_inverted = take(nft, "over");
    if (!netfilter_rate(nft->word, &match->low))
        unknown(nft);
    next(nft);
    if (take(nft, "burst")) {
        match->high = number(nft);
        expect(nft, "packets");
    }
}

/* numgen inc mod 10 0; numgen random mod 100 < 50 */
static void read_numgen(struct nft *nft, struct filter_rule *rule)
{
    bool is_random = is(nft, "random");
    next(nft);
    expect(nft, "mod");
    uint32_t modulus = number(nft);
    bool less = take(nft, "<");
    (void)take(nft, "==");
    uint32_t value = number(nft);
    if (!modulus || is_random != less)
        unknown(nft);
    netfilter_match(nft->run, rule, is_random ? MATCH_RANDOM : MATCH_NTH,
                    is_random ? (uint32_t)((uint64_t)value * 0x7fffffff / modulus) : modulus, value, false);
}

static void read_transport(struct nft *nft, struct filter_rule *rule, uint8_t protocol)
{
    netfilter_match(nft->run, rule, MATCH_PROTOCOL, protocol, 0, false);
    if (take(nft, "dport"))
        read_operand(nft, rule, MATCH_DPORT, 0, read_port);
    else if (take(nft, "sport"))
        read_operand(nft, rule, MATCH_SPORT, 0, read_port);
    else if (protocol == IPPROTO_TCP && take(nft, "flags"))
        read_flags(nft, rule);
    else
        unknown(nft);
}

static void read_ip(struct nft *nft, struct filter_rule *rule, uint8_t version)
{
    rule->version = version;
    if (take(nft, "saddr"))
        read_operand(nft, rule, MATCH_SOURCE, 0, read_prefix);
    else if (take(nft, "daddr"))
        read_operand(nft, rule, MATCH_DEST, 0, read_prefix);
    else if (take(nft, "protocol") || take(nft, "nexthdr"))
        read_operand(nft, rule, MATCH_PROTOCOL, 0, read_protocol);
    else if (take(nft, "ttl") || take(nft, "hoplimit"))
        read_operand(nft, rule, MATCH_TTL, 0, read_number);
    else if (take(nft, "ecn"))
        read_operand(nft, rule, MATCH_TOS, 3, read_number);
    else if (take(nft, "dscp"))
        read_operand(nft, rule, MATCH_TOS, 0xfc, read_number);
    else if (version == 4 && take(nft, "length"))
        read_operand(nft, rule, MATCH_LENGTH, 0, read_number);
    else
        unknown(nft);
}

/* A rule here has one target: what changes the packet goes on to the next rule. */
static void set_target(struct nft *nft, struct filter_rule *rule, enum filter_target target, uint32_t low, uint32_t high)
{
    if (rule->target != TARGET_NONE)
        run_skip(nft->run, "command: nft: one rule that changes a packet and decides about it is not known here");
    rule->target = target;
    rule->low = low;
    rule->high = high;
}

static void read_meta(struct nft *nft, struct filter_rule *rule)
{
    if (take(nft, "l4proto"))
        read_operand(nft, rule, MATCH_PROTOCOL, 0, read_protocol);
    else if (take(nft, "length"))
        read_operand(nft, rule, MATCH_LENGTH, 0, read_number);
    else if (take(nft, "nfproto"))
        rule->version = strstr(name(nft), "6") ? 6 : 4;
    else if (!take(nft, "mark"))
        unknown(nft);
    else if (take(nft, "set"))
        set_target(nft, rule, TARGET_MARK, number(nft), UINT32_MAX);
    else
        read_operand(nft, rule, MATCH_MARK, 0, read_number);
}

/* --- rules ------------------------------------------------------------------------------------------------------------------- */
static void read_reject(struct nft *nft, struct filter_rule *rule)
{
    const char *with = "port-unreachable";
    if (take(nft, "with")) {
        bool is_tcp = take(nft, "tcp");
        if (is_tcp)
            expect(nft, "reset");
        else if (!take(nft, "icmp") && !take(nft, "icmpv6") && !take(nft, "icmpx"))
            unknown(nft);
        (void)take(nft, "type");
        with = is_tcp ? "tcp-reset" : name(nft);
    }
    set_target(nft, rule, TARGET_NONE, 0, 0);
    netfilter_reject(nft->run, rule, with);
}

static void read_jump(struct nft *nft, struct filter_rule *rule)
{
    set_target(nft, rule, is(nft, "jump") ? TARGET_JUMP : TARGET_GOTO, 0, 0);
    next(nft);
    rule->chain = filter_chain(nft->run->host, nft->version, nft->table, name(nft), false);
    if (!rule->chain)
        refused(nft);
}

static bool read_verdict(struct nft *nft, struct filter_rule *rule)
{
    static const struct { const char *name; enum filter_target target; } verdicts[] = {
        {"accept", TARGET_ACCEPT}, {"drop", TARGET_DROP}, {"return", TARGET_RETURN}, {"continue", TARGET_NONE}, {"notrack", TARGET_NONE}};
    for (unsigned i = 0; i < ARRAY_COUNT(verdicts); i++)
        if (take(nft, verdicts[i].name)) {
            if (verdicts[i].target != TARGET_NONE)
                set_target(nft, rule, verdicts[i].target, 0, 0);
            return true;
        }
    if (take(nft, "reject")) {
        read_reject(nft, rule);
    } else if (is(nft, "jump") || is(nft, "goto")) {
        read_jump(nft, rule);
    } else if (take(nft, "counter")) {
        if (take(nft, "packets")) {
            (void)number(nft);
            expect(nft, "bytes");
            (void)number(nft);
        }
    } else if (take(nft, "log")) {
        while (is(nft, "prefix") || is(nft, "level") || is(nft, "flags") || is(nft, "group")) {
            next(nft);
            next(nft);
        }
    } else if (take(nft, "comment")) {
        next(nft);
    } else {
        return false;
    }
    return true;
}

static void read_option(struct nft *nft, struct filter_rule *rule)
{
    expect(nft, "maxseg");
    expect(nft, "size");
    if (!take(nft, "set")) {
        read_operand(nft, rule, MATCH_MSS, 0, read_number);
        return;
    }
    if (take(nft, "rt")) {
        expect(nft, "mtu");
        set_target(nft, rule, TARGET_MSS, 0, 0);
    } else {
        set_target(nft, rule, TARGET_MSS, number(nft), 0);
    }
}

static void read_statement(struct nft *nft, struct filter_rule *rule)
{
    if (read_verdict(nft, rule))
        return;
    if (take(nft, "tcp")) {
        if (take(nft, "option"))
            read_option(nft, rule);
        else
            read_transport(nft, rule, IPPROTO_TCP);
    } else if (take(nft, "udp")) {
        read_transport(nft, rule, IPPROTO_UDP);
    } else if (take(nft, "th")) {
        bool is_source = take(nft, "sport");
        if (!is_source)
            expect(nft, "dport");
        read_operand(nft, rule, is_source ? MATCH_SPORT : MATCH_DPORT, 0, read_port);
    } else if (take(nft, "ip")) {
        read_ip(nft, rule, 4);
    } else if (take(nft, "ip6")) {
        read_ip(nft, rule, 6);
    } else if (take(nft, "meta")) {
        read_meta(nft, rule);
    } else if (is(nft, "mark") || is(nft, "l4proto")) {
        read_meta(nft, rule);
    } else if (take(nft, "iifname") || take(nft, "iif")) {
        read_operand(nft, rule, MATCH_IN, 0, read_name);
    } else if (take(nft, "oifname") || take(nft, "oif")) {
        read_operand(nft, rule, MATCH_OUT, 0, read_name);
    } else if (take(nft, "limit")) {
        read_limit(nft, rule);
    } else if (take(nft, "numgen")) {
        read_numgen(nft, rule);
    } else {
        unknown(nft);
    }
}

static void read_rule(struct nft *nft, struct filter_chain *chain, int position)
{
    struct filter_rule rule = {.text = ""};
    while (*nft->word && !is(nft, ";") && !is(nft, "}"))
        read_statement(nft, &rule);
    int error = nft->status ? 0 : filter_rule_add(nft->run->host, chain, &rule, position);
    if (error == -ENOMEM)
        run_fail(nft->run, "out of memory for a rule");
    if (error)
        refused(nft);
}

/* --- tables and chains ---------------------------------------------------------------------------------------------------------- */
static int priority_of(struct nft *nft)
{
    static const struct { const char *name; int value; } names[] = {{"raw", -300}, {"mangle", -150}, {"dstnat", -100}, {"filter", 0},
                                                                    {"security", 50}, {"srcnat", 100}};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (take(nft, names[i].name)) {
            int sign = is(nft, "-") ? -1 : is(nft, "+") ? 1 : 0;
            if (!sign)
                return names[i].value;
            next(nft);
            return names[i].value + sign * (int)number(nft);
        }
    return (int)number(nft);
}

static bool read_hook(struct nft *nft, struct filter_chain *chain)
{
    static const struct { const char *name; enum filter_hook hook; } hooks[] = {
        {"prerouting", FILTER_PREROUTING}, {"input", FILTER_INPUT}, {"forward", FILTER_FORWARD}, {"output", FILTER_OUTPUT},
        {"postrouting", FILTER_POSTROUTING}};
    if (take(nft, "policy")) {
        chain->drops = is(nft, "drop");
        next(nft);
        return true;
    }
    if (!take(nft, "type"))
        return false;
    if (!take(nft, "filter") && !take(nft, "route"))
        unknown(nft);
    expect(nft, "hook");
    unsigned i = 0;
    while (i < ARRAY_COUNT(hooks) && !take(nft, hooks[i].name))
        i++;
    if (i == ARRAY_COUNT(hooks))
        unknown(nft);
    expect(nft, "priority");
    int priority = priority_of(nft);
    if (chain->hook == FILTER_NO_HOOK && filter_chain_hook(nft->run->host, chain, hooks[i].hook, priority) < 0)
        refused(nft);
    return true;
}

static struct filter_chain *make_chain(struct nft *nft, const char *chain)
{
    struct filter_chain *made = filter_chain(nft->run->host, nft->version, nft->table, chain, true);
    if (!made)
        run_fail(nft->run, "no memory for a chain, or too long a name");
    return made;
}

static void read_chain(struct nft *nft, const char *chain_name)
{
    struct filter_chain *chain = make_chain(nft, chain_name);
    if (!take(nft, "{"))
        return;
    while (*nft->word && !is(nft, "}"))
        if (!take(nft, ";") && !read_hook(nft, chain))
            read_rule(nft, chain, -1);
    expect(nft, "}");
}

/* [ip|ip6|inet] TABLE */
static void read_table(struct nft *nft)
{
    nft->version = 4;
    if (take(nft, "inet"))
        nft->version = 0;
    else if (take(nft, "ip6"))
        nft->version = 6;
    else if (is(nft, "arp") || is(nft, "bridge") || is(nft, "netdev"))
        unknown(nft);
    else
        (void)take(nft, "ip");
    nft->table = name(nft);
}

static void read_table_block(struct nft *nft)
{
    if (!take(nft, "{"))
        return;
    while (*nft->word && !is(nft, "}")) {
        if (take(nft, ";"))
            continue;
        expect(nft, "chain");
        const char *chain = name(nft);
        read_chain(nft, chain);
    }
    expect(nft, "}");
}

static void add(struct nft *nft, bool inserts)
{
    if (take(nft, "table")) {
        read_table(nft);
        read_table_block(nft);
    } else if (take(nft, "chain")) {
        read_table(nft);
        read_chain(nft, name(nft));
    } else if (is(nft, "rule") || is(nft, "ip") || is(nft, "ip6") || is(nft, "inet")) { /* add rule is the default */
        (void)take(nft, "rule");
        read_table(nft);
        const char *chain = name(nft);
        struct filter_chain *found = filter_chain(nft->run->host, nft->version, nft->table, chain, false);
        if (!found)
            refused(nft);
        read_rule(nft, found, inserts ? 0 : -1);
    } else {
        unknown(nft);
    }
}

/* The chain, or the table's. Where a table is DELETED all its rules have gone before: its chains may jump to each other. */
static bool each_of(struct nft *nft, const char *only, bool deleted)
{
    bool found = false;
    for (struct filter_chain *chain = filter_first(nft->run->host), *after; chain; chain = after) {
        after = chain->next;
        if (chain->version != nft->version || strcmp(chain->table, nft->table) != 0 || (only && strcmp(chain->name, only) != 0))
            continue;
        found = true;
        if (!deleted)
            filter_rule_delete(nft->run->host, chain, -1);
        else if (filter_chain_delete(nft->run->host, chain) < 0)
            refused(nft);
    }
    return found;
}

/* delete|destroy|flush table|chain|ruleset; of what is destroyed nothing need be there */
static void take_away(struct nft *nft, bool flushes, bool may_lack)
{
    if (take(nft, "ruleset")) {
        filter_flush(nft->run->host);
        return;
    }
    bool is_chain = take(nft, "chain");
    if (!is_chain)
        expect(nft, "table");
    read_table(nft);
    const char *only = is_chain ? name(nft) : NULL;
    bool found = (flushes || !is_chain) && each_of(nft, only, false);
    if (!flushes)
        found |= each_of(nft, only, true);
    if (!found && is_chain && !may_lack) /* a table may have no chains */
        refused(nft);
}

static void read_commands(struct nft *nft)
{
    for (next(nft); *nft->word && !nft->status;) {
        if (take(nft, ";"))
            continue;
        if (take(nft, "add") || take(nft, "create"))
            add(nft, false);
        else if (take(nft, "insert"))
            add(nft, true);
        else if (take(nft, "delete"))
            take_away(nft, false, false);
        else if (take(nft, "destroy"))
            take_away(nft, false, true);
        else if (take(nft, "flush"))
            take_away(nft, true, false);
        else if (is(nft, "table"))
            add(nft, false);
        else
            unknown(nft);
    }
}

int shell_nft(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct nft nft = {.run = shell->run};
    const char *text = "";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-f") == 0 && i + 1 < argc) {
            const char *file = argv[++i];
            text = strcmp(file, "-") == 0 || strcmp(file, "/dev/stdin") == 0 ? io->input : shell_file(shell, file);
            if (!text)
                return 1;
        } else if (argv[i][0] != '-' || argv[i][1] == 0 || (argv[i][1] >= '0' && argv[i][1] <= '9')) {
            text = arena_printf(&shell->run->script.arena, "%s%s ", text, argv[i]);
        }
    }
    nft.at = text;
    if (filter_begin(nft.run->host) < 0)
        run_fail(nft.run, "out of memory for rules");
    read_commands(&nft);
    filter_end(nft.run->host, nft.status == 0);
    return nft.status;
}
