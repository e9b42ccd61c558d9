/* tunnel.c: see tunnel.h. Out: the interface's transmit puts the headers in front and sends the packet on the way to the other end. In:
 * host_deliver() asks for protocols that are tunnels', and what was inside comes in again, by the tunnel's interface. */
#include "host/tunnel.h"
#include <stdio.h>
#include <stdlib.h>
#include "base/csum.h"
#include "host/host_inner.h"
#include "wire/gre.h"

enum { TUNNEL_LABELS = 8, TUNNEL_DEPTH = 8, OWN_LABELS = 64, ENCAP_LIMIT_NONE = 256, ENCAP_LIMIT_DEFAULT = 4 };
struct tunnel {
    struct tunnel *next;
    struct lil_host *host;
    struct interface *interface, *under; /* under: of labels, where they go */
    uint8_t version;                     /* of the outer header; 0: labels alone */
    bool is_gre, takes_v4, takes_v6, takes_pmtu;
    struct addr local, remote;           /* any: every */
    uint8_t ttl, tos;                    /* 0: the inner packet's; tos 1: too */
    uint16_t encap_limit;
    struct gre in, out;                  /* what is expected, what is put */
    unsigned label_count;
    uint32_t labels[TUNNEL_LABELS];
};
struct tunnels {
    struct tunnel *first;
    unsigned depth;                      /* of tunnels in tunnels, of the packet that is being sent, or comes in */
    unsigned label_count;
    uint32_t labels[OWN_LABELS];
};

/* --- out ------------------------------------------------------------------------------------------------------------------ */
/* LIMIT: what the header will say of RFC 2473's, or ENCAP_LIMIT_NONE. */
static uint32_t overhead(const struct tunnel *tunnel, unsigned limit)
{
    if (!tunnel->version)
        return tunnel->label_count * MPLS_LENGTH;
    return (tunnel->version == 4 ? IPV4_LENGTH : IPV6_LENGTH) + (tunnel->is_gre ? (uint32_t)gre_length(&tunnel->out) : 0) +
           (limit < ENCAP_LIMIT_NONE ? ENCAP_LIMIT_LENGTH : 0);
}

/* The packet does not go through: its sender, who may be us, is told. */
static void refuse(struct lil_host *host, const struct icmp_error *error, const struct ip *inner, struct lil_packet *packet,
                   enum lil_drop drop)
{
    if (host_is_local(host, &inner->source))
        host_icmp_self(host, error, inner, packet);
    else
        host_icmp_error(host, error, inner, packet);
    host_drop(host, 0, drop, packet);
}

/* How much would go through (Linux's tnl_update_pmtu). */
static void too_big(struct lil_host *host, const struct ip *inner, uint32_t mtu, struct lil_packet *packet)
{
    struct icmp_error error = {.version = inner->version, .type = inner->version == 4 ? ICMP4_UNREACHABLE : ICMP6_TOO_BIG,
                               .code = inner->version == 4 ? 4 : 0, .rest = mtu};
    refuse(host, &error, inner, packet, LIL_DROP_IP_TOO_BIG);
}

/* RFC 2473 4.1.1: a packet may say into how many tunnels more it goes, and has the last word. False: into none. */
static bool take_limit(const struct tunnel *tunnel, const struct ip *inner, struct lil_packet *packet, unsigned *limit)
{
    uint8_t bytes[128];
    size_t length = packet_read(packet, 0, bytes, sizeof bytes);
    size_t at = tunnel->version == 6 && inner->version == 6 ? encap_limit_find(bytes, length) : 0;
    *limit = at ? bytes[at] - 1u : tunnel->encap_limit;
    if (!at || bytes[at])
        return true;
    struct icmp_error error = {.version = 6, .type = ICMP6_PARAMETER, .rest = host_icmp_rest_parameter(6, (uint32_t)at)};
    refuse(tunnel->host, &error, inner, packet, LIL_DROP_TUNNEL);
    return false;
}

static void push_gre(struct tunnel *tunnel, uint16_t type, struct lil_packet *packet)
{
    tunnel->out.type = type;
    gre_emit(&tunnel->out, packet_push(packet, gre_length(&tunnel->out)));
    tunnel->out.sequence++;
    if (tunnel->out.has_checksum)
        gre_set_checksum(packet->head + packet->head_off, (uint16_t)~csum_fold(csum_packet_bytes(packet, 0)));
}

/* PACKET, of INNER's header and Ethernet TYPE, in a packet of this host's own. */
static void wrap(struct tunnel *tunnel, const struct ip *inner, uint16_t type, struct lil_packet *packet)
{
    struct lil_host *host = tunnel->host;
    struct way *way = addr_is_any(&tunnel->remote) ? NULL : host_way(host, &tunnel->remote, 0);
    if (!way || way->kind == WAY_ERROR || host->tunnels->depth >= TUNNEL_DEPTH) { /* tunnels that lead into themselves */
        host_drop(host, tunnel->interface->ifindex, LIL_DROP_NO_ROUTE, packet);
        return;
    }
    unsigned limit;
    if (!take_limit(tunnel, inner, packet, &limit))
        return;
    uint32_t header = overhead(tunnel, limit);
    bool whole = tunnel->takes_pmtu || (inner->version == 4 && inner->dont_fragment) || tunnel->version == 6;
    uint32_t mtu = whole ? way->mtu - header : tunnel->interface->mtu;
    if (packet->length > mtu && (inner->version == 6 ? mtu >= 1280 : inner->dont_fragment)) {
        too_big(host, inner, mtu, packet);
        return;
    }
    packet = host_make_room(host, packet, header + HOST_HEADER_ROOM);
    if (!packet)
        return;
    packet_fill_csum(packet);
    packet->flags &= (uint16_t)~PACKET_HAS_SUM; /* of the inner payload */
    uint8_t protocol = tunnel->is_gre ? PROTOCOL_GRE : type == ETHERTYPE_V4 ? PROTOCOL_IPV4 : type == ETHERTYPE_V6 ? PROTOCOL_IPV6
                                                                                                                   : PROTOCOL_MPLS;
    if (tunnel->is_gre)
        push_gre(tunnel, type, packet);
    if (limit < ENCAP_LIMIT_NONE) {
        encap_limit_emit(protocol, (uint8_t)limit, packet_push(packet, ENCAP_LIMIT_LENGTH));
        protocol = PROTOCOL_DEST_OPTIONS;
    }
    struct ip ip = {.version = tunnel->version, .dest = tunnel->remote, .source = addr_is_any(&tunnel->local) ? way->source : tunnel->local,
                    .protocol = protocol, .ttl = tunnel->ttl ? tunnel->ttl : inner->ttl,
                    .tos = ecn_encapsulate(tunnel->tos & 1 ? inner->tos : tunnel->tos, inner->tos),
                    .dont_fragment = tunnel->version == 4 && whole};
    packet->csum = CSUM_COMPUTED;
    host->tunnels->depth++;
    host_send_ip(host, way, &ip, packet);
    host->tunnels->depth--;
}

static bool read_inner(struct ip *inner, struct lil_packet *packet, size_t offset)
{
    uint8_t bytes[128];
    size_t length = packet_read(packet, offset, bytes, sizeof bytes);
    return ip_parse_quote(inner, bytes, length) > 0;
}

static int transmit(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct tunnel *tunnel = ctx;
    struct ip inner;
    if (!read_inner(&inner, packet, 0) || (inner.version == 4 ? !tunnel->takes_v4 : !tunnel->takes_v6)) {
        host_drop(tunnel->host, ifindex, LIL_DROP_TUNNEL, packet);
        return 0;
    }
    wrap(tunnel, &inner, inner.version == 4 ? ETHERTYPE_V4 : ETHERTYPE_V6, packet);
    return 0;
}

static struct tunnel *tunnel_of(const struct lil_host *host, const struct interface *interface)
{
    for (struct tunnel *tunnel = host->tunnels->first; tunnel; tunnel = tunnel->next)
        if (tunnel->interface == interface)
            return tunnel;
    return NULL;
}

/* RFC 3032 2.1, 2.4.2: the labels take the packet's TTL. Under them a tunnel, or a device that takes them as they are. */
static int transmit_labels(void *ctx, int ifindex, struct lil_packet *packet)
{
    struct tunnel *tunnel = ctx, *under = tunnel_of(tunnel->host, tunnel->under);
    struct ip inner;
    if (!read_inner(&inner, packet, 0)) {
        host_drop(tunnel->host, ifindex, LIL_DROP_TUNNEL, packet);
        return 0;
    }
    packet = host_make_room(tunnel->host, packet, overhead(tunnel, ENCAP_LIMIT_NONE) + HOST_HEADER_ROOM);
    if (!packet)
        return 0;
    for (unsigned i = tunnel->label_count; i-- > 0;) {
        struct mpls mpls = {.label = tunnel->labels[i], .ttl = tunnel->ttl ? tunnel->ttl : inner.ttl,
                            .is_last = i + 1 == tunnel->label_count};
        mpls_emit(&mpls, packet_push(packet, MPLS_LENGTH));
    }
    if (under)
        wrap(under, &inner, ETHERTYPE_MPLS, packet);
    else
        interface_send(tunnel->under, packet);
    return 0;
}

/* --- in ------------------------------------------------------------------------------------------------------------------- */
/* The tunnel whose ends these are, the one that names most of them first; of GRE also by its key (Linux's ip_tunnel_lookup). */
static struct tunnel *find(const struct tunnels *tunnels, const struct ip *ip, const struct gre *gre, bool is_v6)
{
    struct tunnel *best = NULL;
    int best_points = -1;
    for (struct tunnel *tunnel = tunnels->first; tunnel; tunnel = tunnel->next) {
        bool local = addr_equal(&tunnel->local, &ip->dest), remote = addr_equal(&tunnel->remote, &ip->source);
        int points = 2 * remote + local;
        if (tunnel->version != ip->version || tunnel->is_gre != (gre != NULL) || points <= best_points || !tunnel->interface->up ||
            (!gre && !(is_v6 ? tunnel->takes_v6 : tunnel->takes_v4)))
            continue;
        if ((!local && !addr_is_any(&tunnel->local)) || (!remote && !addr_is_any(&tunnel->remote)))
            continue;
        if (gre && (gre->has_key != tunnel->in.has_key || (gre->has_key && gre->key != tunnel->in.key)))
            continue;
        best = tunnel;
        best_points = points;
    }
    return best;
}

static bool has_protocol(const struct lil_host *host, int version, bool is_gre)
{
    for (const struct tunnel *tunnel = host->tunnels->first; tunnel; tunnel = tunnel->next)
        if (tunnel->version == version && tunnel->is_gre == is_gre)
            return true;
    return false;
}

/* RFC 2784 2.3.1, RFC 2890 2.2: what the tunnel asks for must be there, and be good. */
static bool is_good_gre(struct tunnel *tunnel, const struct gre *gre)
{
    if (gre->has_checksum != tunnel->in.has_checksum)
        return false;
    if (!tunnel->in.has_sequence)
        return true;
    if (!gre->has_sequence || (tunnel->in.sequence && (int32_t)(gre->sequence - tunnel->in.sequence) < 0))
        return false;
    tunnel->in.sequence = gre->sequence + 1;
    return true;
}

/* Labels that are ours come off; what is under the last is IP. False: not for us. */
static bool pop_labels(const struct tunnels *tunnels, struct lil_packet *packet)
{
    struct mpls mpls;
    do {
        const uint8_t *bytes = packet_pull(packet, min_u32(packet->length, MPLS_LENGTH));
        if (!bytes || mpls_parse(&mpls, bytes, packet->head_len) < 0)
            return false;
        bool is_ours = (mpls.label == MPLS_IPV4_NULL || mpls.label == MPLS_IPV6_NULL) && mpls.is_last;
        for (unsigned i = 0; i < tunnels->label_count; i++)
            is_ours |= tunnels->labels[i] == mpls.label;
        if (!is_ours || mpls.ttl <= 1)
            return false;
        packet_trim_front(packet, MPLS_LENGTH);
    } while (!mpls.is_last);
    return true;
}

/* RFC 6040 4.2: the outer header's mark goes to the inner one. False: the inner says that it understands none; it is to be dropped. */
static bool take_outer_ecn(uint8_t outer_tos, struct lil_packet *packet)
{
    struct ip inner;
    uint8_t *bytes = (uint8_t *)packet_pull(packet, min_u32(packet->length, IPV6_LENGTH));
    int ecn = bytes && read_inner(&inner, packet, 0) ? ecn_decapsulate(outer_tos, inner.tos) : 0;
    if (ecn > 0 && ecn != (inner.tos & 3))
        ip_set_ecn(bytes, (uint8_t)ecn);
    return ecn >= 0;
}

static void accept_inner(struct lil_host *host, struct tunnel *tunnel, const struct ip *ip, struct lil_packet *packet)
{
    if (host->tunnels->depth >= TUNNEL_DEPTH || packet->length < IPV4_LENGTH || !take_outer_ecn(ip->tos, packet)) {
        host_drop_input(host, tunnel->interface, LIL_DROP_TUNNEL, packet);
        return;
    }
    host->tunnels->depth++;
    packet->csum = packet->csum == CSUM_VOUCHED || packet->csum == CSUM_PARTIAL ? packet->csum : CSUM_NONE;
    packet->flags = 0;
    host_input_frame(host, tunnel->interface, packet);
    host->tunnels->depth--;
}

bool tunnel_input(struct lil_host *host, struct interface *interface, struct ip *ip, struct lil_packet *packet)
{
    bool is_gre = ip->protocol == PROTOCOL_GRE;
    struct gre gre = {.type = ip->protocol == PROTOCOL_IPV4 ? ETHERTYPE_V4 : ip->protocol == PROTOCOL_IPV6 ? ETHERTYPE_V6 : ETHERTYPE_MPLS};
    if (!has_protocol(host, ip->version, is_gre))
        return false;
    const uint8_t *bytes = is_gre ? packet_pull(packet, min_u32(packet->length, 16)) : NULL;
    int length = !is_gre ? 0 : bytes ? gre_parse(&gre, bytes, packet->head_len) : -EMSGSIZE;
    bool is_sound = length >= 0 && (!gre.has_checksum || csum_fold(csum_packet_bytes(packet, 0)) == 0xffff);
    struct tunnel *tunnel = is_sound ? find(host->tunnels, ip, is_gre ? &gre : NULL, gre.type == ETHERTYPE_V6) : NULL;
    if (is_sound && !tunnel) { /* Linux: none of its tunnels */
        packet_push(packet, ip->header_length);
        struct icmp_error error = host_unreachable(ip->version, 3, 4);
        host_icmp_error(host, &error, ip, packet);
    }
    if (!tunnel || (is_gre && !is_good_gre(tunnel, &gre))) {
        host_drop_input(host, interface, LIL_DROP_TUNNEL, packet);
        return true;
    }
    packet_trim_front(packet, (size_t)length);
    if (gre.type != ETHERTYPE_V4 && gre.type != ETHERTYPE_V6 && (gre.type != ETHERTYPE_MPLS || !pop_labels(host->tunnels, packet)))
        host_drop_input(host, tunnel->interface, LIL_DROP_TUNNEL, packet);
    else
        accept_inner(host, tunnel, ip, packet);
    return true;
}

/* --- as they are made ------------------------------------------------------------------------------------------------------ */
static int parse_mode(struct tunnel *tunnel, const char *mode)
{
    static const struct {
        const char *name;
        uint8_t version;
        bool gre, v4, v6;
    } modes[] = {{"ipip", 4, false, true, false}, {"sit", 4, false, false, true},  {"gre", 4, true, true, true},
                 {"ip6gre", 6, true, true, true}, {"ipip6", 6, false, true, false}, {"ip4ip6", 6, false, true, false},
                 {"ip6ip6", 6, false, false, true}, {"ip6tnl", 6, false, true, true}, {"any", 6, false, true, true}};
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        if (strcmp(mode, modes[i].name) != 0)
            continue;
        tunnel->version = modes[i].version;
        tunnel->is_gre = modes[i].gre;
        tunnel->takes_v4 = modes[i].v4;
        tunnel->takes_v6 = modes[i].v6;
        tunnel->local = tunnel->remote = addr_any(tunnel->version == 4 ? AF_INET : AF_INET6);
        tunnel->encap_limit = tunnel->version == 6 ? ENCAP_LIMIT_DEFAULT : ENCAP_LIMIT_NONE;
        tunnel->ttl = tunnel->version == 6 ? 64 : 0; /* ip-tunnel(8): for IPv6 64, else the packet's */
        return 0;
    }
    return -EINVAL;
}

static int parse_number(const char *value, unsigned long most, unsigned long *number)
{
    char *end;
    *number = strtoul(value, &end, 0);
    return end == value || *end || *number > most ? -EINVAL : 0;
}

static int parse_byte(const char *value, uint8_t inherited, uint8_t *byte)
{
    unsigned long number = inherited;
    int error = strcmp(value, "inherit") == 0 ? 0 : parse_number(value, 255, &number);
    *byte = (uint8_t)number;
    return error;
}

/* Of the same IP version as the tunnel. */
static int parse_end(const struct tunnel *tunnel, const char *value, struct addr *addr)
{
    if (strcmp(value, "any") == 0)
        return 0;
    int error = addr_parse(value, addr);
    return error ? error : addr_is_v4(addr) == (tunnel->version == 4) ? 0 : -EINVAL;
}

static int parse_key(const char *value, uint32_t *key)
{
    struct addr addr;
    unsigned long number;
    if (strchr(value, '.')) {
        int error = addr_parse(value, &addr);
        *key = error ? 0 : addr_to_v4(&addr);
        return error;
    }
    int error = parse_number(value, UINT32_MAX, &number);
    *key = (uint32_t)number;
    return error;
}

/* Words without a value. -ENOENT: none of them. */
static int parse_flag(struct tunnel *tunnel, const char *word)
{
    bool is_in = word[0] == 'i', is_out = word[0] == 'o';
    const char *bare = is_in || is_out ? word + 1 : word;
    if (strcmp(word, "nopmtudisc") == 0)
        tunnel->takes_pmtu = false;
    else if (strcmp(bare, "csum") == 0)
        tunnel->in.has_checksum |= !is_out, tunnel->out.has_checksum |= !is_in;
    else if (strcmp(bare, "seq") == 0)
        tunnel->in.has_sequence |= !is_out, tunnel->out.has_sequence |= !is_in;
    else if (strcmp(word, "pmtudisc") != 0 && strcmp(word, "noencap") != 0 && strcmp(word, "noallow-localremote") != 0 &&
             strcmp(word, "noignore-df") != 0)
        return -ENOENT;
    return 0;
}

static int parse_value(struct tunnel *tunnel, const char *word, const char *value, unsigned *mtu)
{
    bool is_in = strcmp(word, "ikey") == 0, is_out = strcmp(word, "okey") == 0;
    unsigned long number;
    int error = 0;
    if (strcmp(word, "local") == 0 || strcmp(word, "remote") == 0)
        return parse_end(tunnel, value, word[0] == 'l' ? &tunnel->local : &tunnel->remote);
    if (strcmp(word, "ttl") == 0 || strcmp(word, "hoplimit") == 0)
        return parse_byte(value, 0, &tunnel->ttl);
    if (strcmp(word, "tos") == 0 || strcmp(word, "dsfield") == 0 || strcmp(word, "tclass") == 0)
        return parse_byte(value, 1, &tunnel->tos);
    if (is_in || is_out || strcmp(word, "key") == 0) {
        struct gre *ends[] = {is_out ? NULL : &tunnel->in, is_in ? NULL : &tunnel->out};
        for (int i = 0; i < 2; i++)
            if (ends[i]) {
                ends[i]->has_key = true;
                error = parse_key(value, &ends[i]->key);
            }
        return error;
    }
    if (strcmp(word, "encaplimit") == 0) {
        number = ENCAP_LIMIT_NONE;
        error = strcmp(value, "none") == 0 ? 0 : parse_number(value, 255, &number);
        tunnel->encap_limit = (uint16_t)number;
        return error;
    }
    if (strcmp(word, "mtu") == 0) {
        error = parse_number(value, UINT16_MAX, &number);
        *mtu = (unsigned)number;
        return error;
    }
    return strcmp(word, "dev") == 0 || strcmp(word, "flowlabel") == 0 ? 0 : -EINVAL;
}

static int parse_labels(struct tunnel *tunnel, const char *text)
{
    for (const char *p = text; *p; p += *p == '/') {
        char *end;
        unsigned long label = strtoul(p, &end, 10);
        if (end == p || label > MPLS_LABEL_MAX || tunnel->label_count == TUNNEL_LABELS || (*end && *end != '/'))
            return -EINVAL;
        tunnel->labels[tunnel->label_count++] = (uint32_t)label;
        p = end;
    }
    return 0;
}

static int parse_words(struct tunnel *tunnel, char *words, unsigned *mtu)
{
    char *rest = words, *word = strsep(&rest, " "), *value;
    int error = word && strcmp(word, "labels") == 0 ? parse_labels(tunnel, (value = strsep(&rest, " ")) ? value : "x")
                                                    : parse_mode(tunnel, word ? word : "");
    while (!error && (word = strsep(&rest, " "))) {
        if (!*word || parse_flag(tunnel, word) == 0)
            continue;
        value = strsep(&rest, " ");
        if (value && !tunnel->version && strcmp(word, "dev") == 0) {
            tunnel->under = host_interface(tunnel->host, lil_interface_index(tunnel->host, value));
            error = tunnel->under ? 0 : -ENODEV;
        } else {
            error = value ? parse_value(tunnel, word, value, mtu) : -EINVAL;
        }
    }
    if (!error && !tunnel->version && (!tunnel->under || !tunnel->label_count))
        error = -EINVAL;
    return error;
}

/* Of what is under it, without its headers (Linux's ip_tunnel_bind_dev). */
static unsigned usual_mtu(struct tunnel *tunnel)
{
    struct way *way = tunnel->version && !addr_is_any(&tunnel->remote) ? host_way(tunnel->host, &tunnel->remote, 0) : NULL;
    unsigned link = tunnel->under ? tunnel->under->mtu : way && way->kind == WAY_UNICAST ? way->interface->mtu : 1500;
    return max_u32(link - overhead(tunnel, tunnel->encap_limit), 68);
}

static struct tunnels *tunnels_of(struct lil_host *host)
{
    if (!host->tunnels)
        host->tunnels = pool_alloc(host->pool, sizeof *host->tunnels);
    return host->tunnels;
}

int host_tunnel_add(struct lil_host *host, const char *name, const char *words)
{
    char text[400];
    unsigned mtu = 0;
    struct tunnels *tunnels = tunnels_of(host);
    struct tunnel *tunnel = tunnels ? pool_alloc(host->pool, sizeof *tunnel) : NULL;
    if (!tunnel)
        return -ENOMEM;
    *tunnel = (struct tunnel){.host = host, .takes_pmtu = true, .encap_limit = ENCAP_LIMIT_NONE};
    int error = snprintf(text, sizeof text, "%s", words) < (int)sizeof text ? parse_words(tunnel, text, &mtu) : -EINVAL;
    if (!error && lil_interface_index(host, name) >= 0)
        error = -EEXIST;
    if (!error) {
        error = lil_interface_add(host, &(struct lil_interface_config){.kind = LIL_IP, .name = name, .ctx = tunnel,
                                                                      .mtu = mtu ? mtu : usual_mtu(tunnel),
                                                                      .transmit = tunnel->version ? transmit : transmit_labels});
    }
    if (error < 0) {
        pool_free(host->pool, tunnel, sizeof *tunnel);
        return error;
    }
    tunnel->interface = host_interface(host, error);
    tunnel->next = tunnels->first;
    tunnels->first = tunnel;
    return tunnel->interface->ifindex;
}

int host_label_add(struct lil_host *host, uint32_t label)
{
    struct tunnels *tunnels = tunnels_of(host);
    if (!tunnels)
        return -ENOMEM;
    if (tunnels->label_count == OWN_LABELS || label > MPLS_LABEL_MAX)
        return -ENOSPC;
    tunnels->labels[tunnels->label_count++] = label;
    return 0;
}

void tunnels_free(struct lil_host *host)
{
    if (!host->tunnels)
        return;
    for (struct tunnel *tunnel = host->tunnels->first, *next; tunnel; tunnel = next) {
        next = tunnel->next;
        pool_free(host->pool, tunnel, sizeof *tunnel);
    }
    pool_free(host->pool, host->tunnels, sizeof *host->tunnels);
}
