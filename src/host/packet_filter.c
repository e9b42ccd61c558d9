/* packet_filter.c: see packet_filter.h. A packet goes through the chains of a hook in their order; each may drop it, and the first
 * that does is the last. */
#include "host/packet_filter.h"
#include "base/csum.h"
#include "host/host_inner.h"

enum { TRANSPORT_BYTES = 64 };
struct passage { /* one packet on its way through the chains */
    struct lil_host *host;
    const struct interface *in, *out;
    struct ip *ip;
    uint8_t *header;             /* IP's; NULL: it has been taken off */
    uint8_t *transport;          /* the first bytes, in the packet */
    size_t length;               /* of these */
    uint32_t whole;              /* bytes of the IP packet */
    uint32_t mark;
    bool is_changed;             /* IP's header was */
    struct lil_packet *packet;
};

/* --- matches -------------------------------------------------------------------------------------------------------------- */
static bool has_ports(const struct passage *p)
{
    return (p->ip->protocol == IPPROTO_TCP || p->ip->protocol == IPPROTO_UDP) && !p->ip->frag_offset && p->length >= 4;
}

static bool read_tcp(const struct passage *p, struct tcphdr_ *tcp)
{
    return p->ip->protocol == IPPROTO_TCP && !p->ip->frag_offset && tcphdr_parse(tcp, p->transport, p->length) > 0;
}

static bool in_range(const struct filter_match *match, uint32_t value)
{
    return value >= match->low && value <= match->high;
}

static bool matches_ports(const struct filter_match *match, const struct passage *p)
{
    struct udphdr_ ports;
    uint8_t bytes[UDP_LENGTH] = {0};
    if (!has_ports(p))
        return false;
    memcpy(bytes, p->transport, 4); /* TCP's ports lie as UDP's do */
    (void)!udphdr_parse(&ports, bytes, sizeof bytes);
    return (match->kind != MATCH_DPORT && in_range(match, ports.source_port)) ||
           (match->kind != MATCH_SPORT && in_range(match, ports.dest_port));
}

static bool matches_tcp(const struct filter_match *match, const struct passage *p)
{
    struct tcphdr_ tcp;
    if (!read_tcp(p, &tcp))
        return false;
    if (match->kind == MATCH_FLAGS)
        return (tcp.flags & match->high) == match->low;
    if (match->kind == MATCH_MSS)
        return tcp.options.has_mss && in_range(match, tcp.options.mss);
    for (size_t at = TCP_LENGTH, end = (size_t)(p->transport[12] >> 4) * 4; at < end && at < p->length;) {
        uint8_t kind = p->transport[at];
        if (kind == match->low)
            return true;
        at += kind <= 1 ? 1 : at + 1 < p->length && p->transport[at + 1] >= 2 ? p->transport[at + 1] : end;
    }
    return false;
}

static bool matches_name(const char *name, const struct interface *interface)
{
    size_t length = strlen(name);
    const char *is = interface ? interface->name : "";
    return length && name[length - 1] == '+' ? strncmp(name, is, length - 1) == 0 : strcmp(name, is) == 0;
}

/* A bucket that fills by one each LOW us, and holds HIGH. */
static bool matches_limit(const struct filter_match *match, struct filter_rule *rule, uint64_t now_ns)
{
    uint64_t cost_ns = match->low * 1000ull, most_ns = cost_ns * match->high;
    rule->credit_ns = rule->seen_ns ? min_u64(rule->credit_ns + (now_ns - rule->seen_ns + 1), most_ns) : most_ns;
    rule->seen_ns = now_ns + 1; /* 0: never */
    if (rule->credit_ns < cost_ns)
        return false;
    rule->credit_ns -= cost_ns;
    return true;
}

static bool is_match(const struct filter_match *match, struct filter_rule *rule, struct passage *p)
{
    const struct ip *ip = p->ip;
    uint8_t icmp = ip->version == 4 ? ICMP_PROTOCOL4 : ICMP_PROTOCOL6;
    switch (match->kind) {
    case MATCH_PROTOCOL:
        return ip->protocol == match->low;
    case MATCH_SOURCE:
        return addr_is_v4(&ip->source) == addr_is_v4(&match->prefix.addr) && prefix_contains(&match->prefix, &ip->source);
    case MATCH_DEST:
        return addr_is_v4(&ip->dest) == addr_is_v4(&match->prefix.addr) && prefix_contains(&match->prefix, &ip->dest);
    case MATCH_SPORT:
    case MATCH_DPORT:
    case MATCH_PORT:
        return matches_ports(match, p);
    case MATCH_FLAGS:
    case MATCH_OPTION:
    case MATCH_MSS:
        return matches_tcp(match, p);
    case MATCH_ICMP:
        return ip->protocol == icmp && p->length >= 2 && p->transport[0] == match->low &&
               (match->high > 255 || p->transport[1] == match->high);
    case MATCH_LENGTH:
        return in_range(match, p->whole);
    case MATCH_TTL:
        return in_range(match, ip->ttl);
    case MATCH_TOS:
        return (ip->tos & match->high) == match->low;
    case MATCH_MARK:
        return (p->mark & match->high) == match->low;
    case MATCH_FRAGMENT:
        return ip->frag_offset != 0;
    case MATCH_NTH:
        return rule->count++ % match->low == match->high;
    case MATCH_RANDOM:
        return (prng_next(&p->host->prng) & 0x7fffffff) < match->low;
    case MATCH_LIMIT:
        return matches_limit(match, rule, p->host->now_ns);
    case MATCH_IN:
        return matches_name(match->name, p->in);
    case MATCH_OUT:
        return matches_name(match->name, p->out);
    case MATCH_NEVER:
        break;
    }
    return false;
}

static bool rule_matches(struct filter_rule *rule, struct passage *p)
{
    if (rule->version && rule->version != p->ip->version)
        return false;
    for (unsigned i = 0; i < rule->match_count; i++) {
        const struct filter_match *match = &rule->matches[i];
        bool is_one = is_match(match, rule, p);
        while (match->is_more) { /* alternatives */
            match = &rule->matches[++i];
            is_one = is_one || is_match(match, rule, p);
        }
        if (is_one == match->is_inverted)
            return false;
    }
    return true;
}

/* --- targets ---------------------------------------------------------------------------------------------------------------- */
static void set_mss(const struct filter_rule *rule, struct passage *p)
{
    struct tcphdr_ tcp;
    uint16_t most = (uint16_t)rule->low;
    if (!read_tcp(p, &tcp) || !(tcp.flags & TCP_SYN) || !tcp.options.has_mss)
        return;
    if (!most) { /* --clamp-mss-to-pmtu: of both ways */
        uint32_t headers = (p->ip->version == 4 ? IPV4_LENGTH : IPV6_LENGTH) + TCP_LENGTH;
        const struct way *there = host_way(p->host, &p->ip->dest, 0), *back = host_way(p->host, &p->ip->source, 0);
        uint32_t mtu = min_u32(there->kind == WAY_ERROR ? 65535 : there->mtu, back->kind == WAY_ERROR ? 65535 : back->mtu);
        most = (uint16_t)(min_u32(mtu, 65535) - headers);
    }
    if (tcp.options.mss > most)
        tcphdr_set_mss(p->transport, p->length, most);
}

/* The reset that PACKET's receiver would send. One that this host sent itself gets it from here, as if it came from there. */
static void reset_sender(struct passage *p)
{
    struct tcp_in in = {.flow = {.local = p->ip->dest, .remote = p->ip->source}};
    if (!read_tcp(p, &in.header))
        return;
    in.flow.local_port = in.header.dest_port;
    in.flow.remote_port = in.header.source_port;
    in.payload = p->whole - p->ip->header_length - (uint32_t)(p->transport[12] >> 4) * 4;
    tcp_refuse(p->host->tcp, &in, p->host->now_ns);
    host_mark_due(p->host);
}

static bool has_bad_csum(const struct passage *p)
{
    uint8_t protocol = p->ip->protocol, icmp = p->ip->version == 4 ? ICMP_PROTOCOL4 : ICMP_PROTOCOL6;
    return (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == icmp) && !wire_csum_ok(p->ip, p->packet);
}

/* What came with a bad checksum is dropped and not answered (Linux's nf_reject_verify_csum). */
static void reject(const struct filter_rule *rule, struct passage *p)
{
    struct lil_host *host = p->host;
    struct icmp_error error = host_unreachable(p->ip->version, (uint8_t)rule->low, (uint8_t)rule->high);
    if (!p->header && has_bad_csum(p))
        return;
    if (rule->low == REJECT_RESET) {
        reset_sender(p);
    } else if (p->header && !p->in) {
        host_icmp_self(host, &error, p->ip, p->packet);
    } else if (p->header) {
        host_icmp_error(host, &error, p->ip, p->packet);
    } else {
        packet_push(p->packet, p->ip->header_length);
        host_icmp_error(host, &error, p->ip, p->packet);
        packet_trim_front(p->packet, p->ip->header_length);
    }
}

static void change(const struct filter_rule *rule, struct passage *p)
{
    struct ip *ip = p->ip;
    switch (rule->target) {
    case TARGET_MARK:
        p->mark = (p->mark & ~rule->high) ^ rule->low;
        break;
    case TARGET_TOS:
        ip->tos = (uint8_t)((ip->tos & ~rule->high) | rule->low);
        p->is_changed = true;
        break;
    case TARGET_TTL:
        ip->ttl = (uint8_t)(rule->high == 0 ? rule->low : rule->high == 1 ? ip->ttl + rule->low : ip->ttl - rule->low);
        p->is_changed = true;
        break;
    case TARGET_MSS:
        set_mss(rule, p);
        break;
    default:
        break;
    }
}

enum verdict { UNDECIDED, ACCEPTED, DROPPED };

static enum verdict go_through(const struct filter_chain *chain, struct passage *p)
{
    for (struct filter_rule *rule = chain->rules; rule; rule = rule->next) {
        if (!rule_matches(rule, p))
            continue;
        rule->packets++;
        rule->bytes += p->whole;
        enum verdict verdict;
        switch (rule->target) {
        case TARGET_ACCEPT:
            return ACCEPTED;
        case TARGET_REJECT:
            reject(rule, p);
            return DROPPED;
        case TARGET_DROP:
            return DROPPED;
        case TARGET_RETURN:
            return UNDECIDED;
        case TARGET_JUMP:
        case TARGET_GOTO:
            verdict = go_through(rule->chain, p);
            if (verdict != UNDECIDED || rule->target == TARGET_GOTO)
                return verdict;
            break;
        default:
            change(rule, p);
        }
    }
    return UNDECIDED;
}

static bool passes(struct passage *p, enum filter_hook hook)
{
    for (struct filter_chain *chain = p->host->filter->chains; chain; chain = chain->next) {
        if (chain->hook != hook || (chain->version && chain->version != p->ip->version))
            continue;
        enum verdict verdict = go_through(chain, p);
        if (verdict == DROPPED || (verdict == UNDECIDED && chain->drops))
            return false;
    }
    return true;
}

bool filter_input(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet)
{
    size_t length = min_u32(packet->length, TRANSPORT_BYTES);
    struct passage p = {.host = host, .in = interface, .ip = ip, .packet = packet, .length = length,
                        .transport = (uint8_t *)packet_pull(packet, length), .whole = packet->length + ip->header_length};
    if (p.transport && passes(&p, FILTER_PREROUTING) && passes(&p, FILTER_INPUT))
        return true;
    host_drop_input(host, interface, LIL_DROP_FILTER, packet);
    return false;
}

/* PACKET, from IP's header on, through HOOK and the last. */
static bool leaves(struct passage p, enum filter_hook hook)
{
    struct ip ip;
    uint8_t *bytes = (uint8_t *)packet_pull(p.packet, min_u32(p.packet->length, PACKET_HEAD - 64));
    int header = bytes ? ip_parse(&ip, bytes, p.packet->head_len) : -EINVAL;
    if (header < 0)
        return true;
    p.ip = &ip;
    p.header = bytes;
    p.transport = bytes + header;
    p.length = p.packet->head_len - (size_t)header;
    p.whole = p.packet->length;
    bool is_passed = passes(&p, hook) && passes(&p, FILTER_POSTROUTING);
    if (is_passed && p.is_changed)
        ip_set_tos_ttl(bytes, (size_t)header, ip.tos, ip.ttl);
    return is_passed;
}

bool filter_output(struct lil_host *host, const struct interface *interface, struct lil_packet *packet)
{
    return leaves((struct passage){.host = host, .out = interface, .packet = packet}, FILTER_OUTPUT);
}

bool filter_forward(struct lil_host *host, const struct interface *in, const struct interface *out, struct lil_packet *packet)
{
    return leaves((struct passage){.host = host, .in = in, .out = out, .packet = packet}, FILTER_FORWARD);
}

/* --- chains and rules ---------------------------------------------------------------------------------------------------------- */
static void link_chain(struct filter *filter, struct filter_chain *chain)
{
    struct filter_chain **at = &filter->chains;
    while (*at && ((*at)->hook < chain->hook || ((*at)->hook == chain->hook && (*at)->priority <= chain->priority)))
        at = &(*at)->next;
    chain->next = *at;
    *at = chain;
}

static void unlink_chain(struct filter *filter, struct filter_chain *chain)
{
    struct filter_chain **at = &filter->chains;
    while (*at != chain)
        at = &(*at)->next;
    *at = chain->next;
}

struct filter_chain *filter_chain(struct lil_host *host, uint8_t version, const char *table, const char *name, bool make)
{
    for (struct filter_chain *chain = host->filter ? host->filter->chains : NULL; chain; chain = chain->next)
        if (chain->version == version && strcmp(chain->table, table) == 0 && strcmp(chain->name, name) == 0)
            return chain;
    if (!make || strlen(table) >= sizeof host->filter->chains->table || strlen(name) >= sizeof host->filter->chains->name)
        return NULL;
    if (!host->filter)
        host->filter = pool_alloc(host->pool, sizeof *host->filter);
    struct filter_chain *chain = host->filter ? pool_alloc(host->pool, sizeof *chain) : NULL;
    if (!chain)
        return NULL;
    host->long_ways = true;
    *chain = (struct filter_chain){.version = version, .hook = FILTER_NO_HOOK, .level = -1};
    memcpy(chain->table, table, strlen(table));
    memcpy(chain->name, name, strlen(name));
    link_chain(host->filter, chain);
    return chain;
}

/* A rule of a chain other than itself jumps to CHAIN. */
static bool is_jumped_to(const struct filter *filter, const struct filter_chain *chain)
{
    for (const struct filter_chain *other = filter->chains; other; other = other->next)
        for (const struct filter_rule *rule = other == chain ? NULL : other->rules; rule; rule = rule->next)
            if (rule->chain == chain)
                return true;
    return false;
}

int filter_chain_hook(struct lil_host *host, struct filter_chain *chain, enum filter_hook hook, int priority)
{
    if (chain->rules || is_jumped_to(host->filter, chain))
        return -EEXIST;
    unlink_chain(host->filter, chain);
    chain->hook = hook;
    chain->priority = priority;
    link_chain(host->filter, chain);
    return 0;
}

int filter_chain_delete(struct lil_host *host, struct filter_chain *chain)
{
    if (is_jumped_to(host->filter, chain))
        return -EBUSY;
    filter_rule_delete(host, chain, -1);
    unlink_chain(host->filter, chain);
    pool_free(host->pool, chain, sizeof *chain);
    return 0;
}

static void raise_level(const struct filter_chain *chain)
{
    for (const struct filter_rule *rule = chain->rules; rule; rule = rule->next)
        if (rule->chain)
            rule->chain->level = chain->level + 1;
}

/* Some hook's packets may jump FILTER_DEPTH times: what goes round in a circle always does. */
static bool is_too_deep(struct filter *filter)
{
    bool is_deep = false;
    for (struct filter_chain *chain = filter->chains; chain; chain = chain->next)
        chain->level = chain->hook == FILTER_NO_HOOK ? -1 : 0;
    for (int level = 0; level < FILTER_DEPTH; level++)
        for (struct filter_chain *chain = filter->chains; chain; chain = chain->next)
            if (chain->level == level)
                raise_level(chain);
    for (struct filter_chain *chain = filter->chains; chain; chain = chain->next)
        is_deep |= chain->level >= FILTER_DEPTH;
    return is_deep;
}

/* A copy of RULE and its text, in nobody's list; NULL: no memory. */
static struct filter_rule *copy_rule(struct pool *pool, const struct filter_rule *rule)
{
    size_t size = strlen(rule->text) + 1;
    struct filter_rule *copy = pool_alloc(pool, sizeof *copy);
    char *text = copy ? pool_alloc(pool, size) : NULL;
    if (!text) {
        if (copy)
            pool_free(pool, copy, sizeof *copy);
        return NULL;
    }
    *copy = *rule;
    copy->text = memcpy(text, rule->text, size);
    copy->next = NULL;
    return copy;
}

int filter_rule_add(struct lil_host *host, struct filter_chain *chain, const struct filter_rule *rule, int position)
{
    struct filter_rule **at = &chain->rules;
    int before = 0;
    for (; *at && before != position; before++)
        at = &(*at)->next;
    if (position > before)
        return -ENOENT;
    if (rule->chain && rule->chain->hook != FILTER_NO_HOOK)
        return -EOPNOTSUPP;
    struct filter_rule *copy = copy_rule(host->pool, rule);
    if (!copy)
        return -ENOMEM;
    copy->next = *at;
    *at = copy;
    if (rule->chain && is_too_deep(host->filter)) {
        filter_rule_delete(host, chain, before);
        return -EMLINK;
    }
    return 0;
}

static bool are_equal_matches(const struct filter_match *a, const struct filter_match *b)
{
    return a->kind == b->kind && a->is_inverted == b->is_inverted && a->is_more == b->is_more && a->low == b->low && a->high == b->high &&
           a->prefix.length == b->prefix.length && prefix_contains(&a->prefix, &b->prefix.addr) && strcmp(a->name, b->name) == 0;
}

bool filter_rules_are_equal(const struct filter_rule *a, const struct filter_rule *b)
{
    if (a->version != b->version || a->target != b->target || a->low != b->low || a->high != b->high || a->chain != b->chain ||
        a->match_count != b->match_count)
        return false;
    for (unsigned i = 0; i < a->match_count; i++)
        if (!are_equal_matches(&a->matches[i], &b->matches[i]))
            return false;
    return true;
}

bool filter_rule_delete(struct lil_host *host, struct filter_chain *chain, int position)
{
    struct filter_rule **at = &chain->rules;
    bool any = false;
    for (int i = 0; *at; i++) {
        struct filter_rule *rule = *at;
        if (position >= 0 && i != position) {
            at = &rule->next;
            continue;
        }
        any = true;
        *at = rule->next;
        pool_free(host->pool, rule->text, strlen(rule->text) + 1);
        pool_free(host->pool, rule, sizeof *rule);
        if (position >= 0)
            return true;
    }
    return any;
}

struct filter_chain *filter_first(const struct lil_host *host)
{
    return host->filter ? host->filter->chains : NULL;
}

void filter_flush(struct lil_host *host)
{
    for (struct filter_chain *chain = filter_first(host); chain; chain = chain->next)
        filter_rule_delete(host, chain, -1);
    while (filter_first(host))
        (void)filter_chain_delete(host, filter_first(host));
}

/* --- all or nothing ------------------------------------------------------------------------------------------------------------- */
static struct filter_chain *copy_chain(struct lil_host *host, const struct filter_chain *chain)
{
    struct filter_chain *copy = pool_alloc(host->pool, sizeof *copy);
    struct filter_rule **at = copy ? &copy->rules : NULL;
    if (!copy)
        return NULL;
    *copy = *chain;
    copy->next = NULL;
    copy->rules = NULL;
    for (const struct filter_rule *rule = chain->rules; rule; rule = rule->next, at = &(*at)->next)
        if (!(*at = copy_rule(host->pool, rule))) {
            filter_rule_delete(host, copy, -1);
            pool_free(host->pool, copy, sizeof *copy);
            return NULL;
        }
    return copy;
}

/* What the copies' rules jump to are copies, too: the two lists have one order. */
static void follow_copies(struct filter_chain *from, struct filter_chain *to)
{
    for (struct filter_chain *chain = to; chain; chain = chain->next)
        for (struct filter_rule *rule = chain->rules; rule; rule = rule->next) {
            struct filter_chain *other = from, *copy = to;
            for (; other && other != rule->chain; other = other->next)
                copy = copy->next;
            rule->chain = other ? copy : NULL;
        }
}

static void free_chains(struct lil_host *host, struct filter_chain *chains)
{
    for (struct filter_chain *chain; (chain = chains);) {
        chains = chain->next;
        filter_rule_delete(host, chain, -1);
        pool_free(host->pool, chain, sizeof *chain);
    }
}

int filter_begin(struct lil_host *host)
{
    struct filter *filter = host->filter ? host->filter : (host->filter = pool_alloc(host->pool, sizeof *filter));
    struct filter_chain **at = filter ? &filter->before : NULL;
    if (!filter)
        return -ENOMEM;
    for (const struct filter_chain *chain = filter->chains; chain; chain = chain->next, at = &(*at)->next)
        if (!(*at = copy_chain(host, chain))) {
            filter_end(host, true);
            return -ENOMEM;
        }
    follow_copies(filter->chains, filter->before);
    return 0;
}

void filter_end(struct lil_host *host, bool is_kept)
{
    struct filter *filter = host->filter;
    struct filter_chain *before = filter->before;
    filter->before = NULL;
    if (!is_kept) {
        free_chains(host, filter->chains);
        filter->chains = before;
    } else {
        free_chains(host, before);
    }
}

void filter_free(struct lil_host *host)
{
    if (!host->filter)
        return;
    free_chains(host, host->filter->chains);
    free_chains(host, host->filter->before);
    pool_free(host->pool, host->filter, sizeof *host->filter);
    host->filter = NULL;
}
