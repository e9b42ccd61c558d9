/* look.c: programs of `commands` that only tell what the virtual host is like: ss, netstat, ip ... show, ethtool -k,
 * /proc/net/tcp. Numbers stand where a machine would have names. */
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "script/programs/programs.h"
#include "socket/sock_seen.h"

enum { INFO_BYTES = 512 };
struct seen {                  /* one socket */
    struct sock_seen sock;     /* its state has Linux's number, as the words below */
    bool is_tcp;
    uint8_t info[INFO_BYTES];  /* struct tcp_info */
    socklen_t length;
};
static const struct state_name {
    const char *ss, *netstat;
} state_names[] = {{"UNCONN", ""},        {"ESTAB", "ESTABLISHED"},    {"SYN-SENT", "SYN_SENT"},     {"SYN-RECV", "SYN_RECV"},
                   {"FIN-WAIT-1", "FIN_WAIT1"}, {"FIN-WAIT-2", "FIN_WAIT2"}, {"TIME-WAIT", "TIME_WAIT"}, {"UNCONN", "CLOSE"},
                   {"CLOSE-WAIT", "CLOSE_WAIT"}, {"LAST-ACK", "LAST_ACK"},   {"LISTEN", "LISTEN"},        {"CLOSING", "CLOSING"}};

static uint64_t info(const struct seen *seen, const char *name)
{
    struct value value;
    return run_tcp_info_field(seen->info, seen->length, name, &value) ? (uint64_t)value.integer : 0;
}

/* Of a socket, or of a connection that nobody has; 0, or -Exxx. */
static int ask(struct run *run, const struct sock_seen *seen, int level, int name, void *value, socklen_t *length)
{
    if (seen->sock)
        return sock_getopt(run->proc, &seen->sock->file, level, name, value, length);
    return seen->tcb && level == IPPROTO_TCP ? tcp_getopt(host_tcp(run->host), seen->tcb, name, value, length, run->now_ns) : -ENOENT;
}

struct look {
    struct run *run;
    bool is_tcp;
    void (*visit)(void *ctx, struct seen *seen);
    void *ctx;
};

static void look_at(void *ctx, struct sock_seen *sock)
{
    struct look *look = ctx;
    struct seen seen = {.sock = *sock, .is_tcp = look->is_tcp, .length = INFO_BYTES};
    if (look->is_tcp && ask(look->run, sock, IPPROTO_TCP, TCP_INFO, seen.info, &seen.length) < 0)
        seen.length = 0;
    look->visit(look->ctx, &seen);
}

static void look_around(struct run *run, void (*visit)(void *ctx, struct seen *seen), void *ctx)
{
    static const int protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
    for (int i = 0; i < 2; i++) {
        struct look look = {run, protocols[i] == IPPROTO_TCP, visit, ctx};
        sock_each_seen(run->host, protocols[i], look_at, &look);
    }
}

/* --- ss ------------------------------------------------------------------------------------------------------------------- */
struct filter {
    bool tcp, udp, all, listening, bare, details, memory;
    unsigned states;                    /* a bit each; 0: the usual ones */
    uint16_t sport, dport;              /* 0: any */
    struct addr source, dest;
    bool has_source, has_dest;
};

static unsigned states_named(struct shell *shell, const char *name)
{
    static const struct { const char *name; unsigned states; } groups[] = {
        {"all", ~0u}, {"connected", 0x97e}, {"synchronized", 0x97a}, {"bucket", 1u << TCP_TIME_WAIT | 1u << TCP_SYN_RECV}, {"big", 0xb36},
        {"listening", 1u << TCP_LISTEN}, {"closed", 1u << TCP_CLOSE}, {"established", 1u << TCP_ESTABLISHED}};
    for (unsigned i = 0; i < ARRAY_COUNT(groups); i++)
        if (strcmp(name, groups[i].name) == 0)
            return groups[i].states;
    for (unsigned i = 1; i < ARRAY_COUNT(state_names); i++)
        if (strcasecmp(name, state_names[i].ss) == 0)
            return 1u << i;
    run_skip(shell->run, "command: ss: no state %s", name);
}

/* "sport = :80", "dst 192.0.2.1:80", joined by "and"; the words of one argument may be many. */
static void read_expression(struct shell *shell, struct filter *filter, char *text)
{
    char *rest = text;
    for (char *word; (word = strtok_r(rest, " ()", &rest)) != NULL;) {
        bool is_source = word[0] == 's', is_port = strcmp(word, "sport") == 0 || strcmp(word, "dport") == 0;
        bool is_host = strcmp(word, "src") == 0 || strcmp(word, "dst") == 0;
        if (strcmp(word, "and") == 0 || strcmp(word, "&&") == 0)
            continue;
        char *value = is_port || is_host ? strtok_r(rest, " ()", &rest) : NULL;
        if (value && (strcmp(value, "=") == 0 || strcmp(value, "==") == 0 || strcmp(value, "eq") == 0))
            value = strtok_r(rest, " ()", &rest);
        if (!value)
            run_skip(shell->run, "command: ss: the filter %s is not known here", word);
        char *colon = strrchr(value, ':');
        if (is_port || (colon && strchr(value, ':') == colon)) {
            *(is_source ? &filter->sport : &filter->dport) = (uint16_t)atoi(colon ? colon + 1 : value);
            if (colon)
                *colon = 0;
        }
        if (is_host && *value) {
            *(is_source ? &filter->has_source : &filter->has_dest) = true;
            if (addr_parse(value, is_source ? &filter->source : &filter->dest) < 0)
                run_skip(shell->run, "command: ss: no address %s", value);
        }
    }
}

static void read_filter(struct shell *shell, int argc, char **argv, struct filter *filter)
{
    const char *expression = "";
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            for (const char *p = argv[i] + 1; *p && argv[i][1] != '-'; p++) {
                filter->tcp |= *p == 't';
                filter->udp |= *p == 'u';
                filter->all |= *p == 'a';
                filter->listening |= *p == 'l';
                filter->bare |= *p == 'H';
                filter->details |= *p == 'i';
                filter->memory |= *p == 'm';
                if (!strchr("tualHimnepOor46", *p))
                    run_skip(shell->run, "command: %s %s is not known here", argv[0], argv[i]);
            }
        } else if ((strcmp(argv[i], "state") == 0 || strcmp(argv[i], "exclude") == 0) && i + 1 < argc) {
            unsigned states = states_named(shell, argv[i + 1]);
            filter->states = argv[i][0] == 's' ? filter->states | states : (filter->states ? filter->states : 0x97e) & ~states;
            i++;
        } else {
            expression = arena_printf(&shell->run->script.arena, "%s %s", expression, argv[i]);
        }
    }
    if (!filter->tcp && !filter->udp)
        filter->tcp = filter->udp = true;
    read_expression(shell, filter, arena_copy(&shell->run->script.arena, expression, strlen(expression)));
}

static bool passes(const struct filter *filter, const struct seen *seen)
{
    unsigned state = seen->sock.state, usual = filter->all ? ~0u : filter->listening ? 1u << TCP_LISTEN | 1u << TCP_CLOSE : 0x97e;
    const struct flow *flow = &seen->sock.flow;
    if (seen->is_tcp ? !filter->tcp || state == TCP_CLOSE : !filter->udp)
        return false;
    return (filter->states ? filter->states : usual) >> state & 1 && (!filter->sport || filter->sport == flow->local_port) &&
           (!filter->dport || filter->dport == flow->remote_port) && (!filter->has_source || addr_equal(&filter->source, &flow->local)) &&
           (!filter->has_dest || addr_equal(&filter->dest, &flow->remote));
}

static const char *name_of(struct shell *shell, const struct addr *addr, uint16_t port)
{
    char text[ADDR_TEXT];
    const char *bracket = addr_is_v4(addr) ? "" : "[", *host = addr_print(addr, text), *end = *bracket ? "]" : "";
    return port ? arena_printf(&shell->run->script.arena, "%s%s%s:%u", bracket, host, end, port)
                : arena_printf(&shell->run->script.arena, "%s%s%s:*", bracket, host, end);
}

static void print_rate(struct shell_io *io, const char *name, uint64_t bytes)
{
    if (bytes)
        shell_print(io, " %s %llubps", name, (unsigned long long)(bytes * 8));
}

static void print_counts(struct shell_io *io, const struct seen *seen, const char *const *names)
{
    for (; *names; names += 2) /* the word of ss, the field */
        if (info(seen, names[1]))
            shell_print(io, " %s:%llu", names[0], (unsigned long long)info(seen, names[1]));
}

/* What ss -i begins with: what was agreed on, and the timers. */
static void print_opening(struct shell *shell, const struct seen *seen, struct shell_io *io)
{
    uint64_t options = info(seen, "tcpi_options"), rto = info(seen, "tcpi_rto"), rtt = info(seen, "tcpi_rtt");
    char cc[16] = "cubic";
    socklen_t size = sizeof cc;
    (void)!ask(shell->run, &seen->sock, IPPROTO_TCP, TCP_CONGESTION, cc, &size);
    shell_print(io, "\t%s%s%s%s%s %.16s", options & TCPI_OPT_TIMESTAMPS ? " ts" : "",
                options & TCPI_OPT_SACK ? " sack" : "", options & TCPI_OPT_ECN ? " ecn" : "",
                options & 16 ? " ecnseen" : "", options & 32 ? " fastopen" : "", cc);
    if (options & TCPI_OPT_WSCALE)
        shell_print(io, " wscale:%u,%u", (unsigned)info(seen, "tcpi_snd_wscale"), (unsigned)info(seen, "tcpi_rcv_wscale"));
    if (rto && rto != 3000000)
        shell_print(io, " rto:%g", (double)rto / 1000);
    if (info(seen, "tcpi_backoff"))
        shell_print(io, " backoff:%u", (unsigned)info(seen, "tcpi_backoff"));
    if (rtt)
        shell_print(io, " rtt:%g/%g", (double)rtt / 1000, (double)info(seen, "tcpi_rttvar") / 1000);
    if (info(seen, "tcpi_ato"))
        shell_print(io, " ato:%g", (double)info(seen, "tcpi_ato") / 1000);
}

/* ss -i, in the order of iproute2: a word of ss and the field of each count. */
static void print_details(struct shell *shell, const struct seen *seen, struct shell_io *io)
{
    static const char *const sizes[] = {"mss",    "tcpi_snd_mss", "pmtu", "tcpi_pmtu",     "rcvmss", "tcpi_rcv_mss",
                                        "advmss", "tcpi_advmss",  "cwnd", "tcpi_snd_cwnd", NULL};
    static const char *const sent[] = {
        "bytes_sent", "tcpi_bytes_sent", "bytes_retrans", "tcpi_bytes_retrans", "bytes_acked", "tcpi_bytes_acked",
        "bytes_received", "tcpi_bytes_received", "segs_out", "tcpi_segs_out", "segs_in", "tcpi_segs_in",
        "data_segs_out", "tcpi_data_segs_out", "data_segs_in", "tcpi_data_segs_in", NULL};
    static const char *const ages[] = {"lastsnd", "tcpi_last_data_sent", "lastrcv", "tcpi_last_data_recv",
                                       "lastack", "tcpi_last_ack_recv",  NULL};
    static const char *const late[] = {"delivered", "tcpi_delivered", "delivered_ce", "tcpi_delivered_ce", NULL};
    static const char *const lost[] = {
        "lost", "tcpi_lost", "sacked", "tcpi_sacked", "dsack_dups", "tcpi_dsack_dups", "fackets", "tcpi_fackets", NULL};
    static const char *const ends[] = {
        "reord_seen",   "tcpi_reord_seen",   "rcv_rtt", "tcpi_rcv_rtt",       "rcv_space", "tcpi_rcv_space",
        "rcv_ssthresh", "tcpi_rcv_ssthresh", "notsent", "tcpi_notsent_bytes", NULL};
    static const char *const last[] = {"rcv_ooopack",  "tcpi_rcv_ooopack", "snd_wnd",
                                       "tcpi_snd_wnd", "rcv_wnd",          "tcpi_rcv_wnd",
                                       "rehash",       "tcpi_rehash",      NULL};
    uint64_t ssthresh = info(seen, "tcpi_snd_ssthresh"), rtt = info(seen, "tcpi_rtt");
    print_opening(shell, seen, io);
    print_counts(io, seen, sizes);
    if (ssthresh && ssthresh < 0xffff)
        shell_print(io, " ssthresh:%u", (unsigned)ssthresh);
    print_counts(io, seen, sent);
    if (rtt)
        print_rate(io, "send", info(seen, "tcpi_snd_cwnd") * info(seen, "tcpi_snd_mss") * 1000000 / rtt);
    print_counts(io, seen, ages);
    print_rate(io, "pacing_rate", info(seen, "tcpi_pacing_rate") == UINT64_MAX ? 0 : info(seen, "tcpi_pacing_rate"));
    print_rate(io, "delivery_rate", info(seen, "tcpi_delivery_rate"));
    print_counts(io, seen, late);
    shell_print(io, "%s", info(seen, "tcpi_delivery_rate_app_limited") ? " app_limited" : "");
    if (info(seen, "tcpi_busy_time"))
        shell_print(io, " busy:%llums", (unsigned long long)info(seen, "tcpi_busy_time") / 1000);
    if (info(seen, "tcpi_unacked"))
        shell_print(io, " unacked:%u", (unsigned)info(seen, "tcpi_unacked"));
    if (info(seen, "tcpi_retrans") || info(seen, "tcpi_total_retrans"))
        shell_print(io, " retrans:%u/%u", (unsigned)info(seen, "tcpi_retrans"), (unsigned)info(seen, "tcpi_total_retrans"));
    print_counts(io, seen, lost);
    if (info(seen, "tcpi_reordering") != 3)
        shell_print(io, " reordering:%u", (unsigned)info(seen, "tcpi_reordering"));
    print_counts(io, seen, ends);
    if (info(seen, "tcpi_min_rtt") && info(seen, "tcpi_min_rtt") != UINT32_MAX)
        shell_print(io, " minrtt:%g", (double)info(seen, "tcpi_min_rtt") / 1000);
    print_counts(io, seen, last);
    shell_print(io, "\n");
}

static void print_memory(struct shell *shell, const struct seen *seen, struct shell_io *io)
{
    uint32_t words[9] = {0};
    socklen_t size = sizeof words;
    if (ask(shell->run, &seen->sock, SOL_SOCKET, SO_MEMINFO, words, &size) == 0)
        shell_print(io, "\t skmem:(r%u,rb%u,t%u,tb%u,f%u,w%u,o%u,bl%u,d%u)", words[0], words[1], words[2], words[3],
                    words[4], words[5], words[6], words[7], words[8]);
}

struct listing {
    struct shell *shell;
    struct shell_io *io;
    struct filter filter;
};

static void print_ss(void *ctx, struct seen *seen)
{
    struct listing *listing = ctx;
    const struct filter *filter = &listing->filter;
    const struct flow *flow = &seen->sock.flow;
    struct shell *shell = listing->shell;
    struct shell_io *io = listing->io;
    if (!passes(filter, seen))
        return;
    shell_print(io, "%s%-10s %-6u %-6u %s %s", !filter->tcp || !filter->udp ? "" : seen->is_tcp ? "tcp   " : "udp   ",
                state_names[seen->sock.state].ss, seen->sock.unread, seen->sock.unsent, name_of(shell, &flow->local, flow->local_port),
                name_of(shell, &flow->remote, flow->remote_port));
    shell_print(io, filter->details || filter->memory ? "\n" : " \n");
    if (filter->memory)
        print_memory(shell, seen, io);
    if (filter->details && seen->is_tcp)
        print_details(shell, seen, io);
    else if (filter->memory)
        shell_print(io, "\n");
}

static int do_ss(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct listing listing = {.shell = shell, .io = io};
    if (argc > 1 && strcmp(argv[1], "-s") == 0)
        run_skip(shell->run, "command: ss -s is not known here");
    read_filter(shell, argc, argv, &listing.filter);
    if (!listing.filter.bare)
        shell_print(io, "%sState      Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n",
                    listing.filter.tcp && listing.filter.udp ? "Netid " : "");
    look_around(shell->run, print_ss, &listing);
    return 0;
}

/* --- netstat, /proc/net/tcp ------------------------------------------------------------------------------------------------- */
static void print_counter(void *ctx, const char *name, uint64_t value)
{
    static const struct { const char *name, *text; bool shows_zero;
    } lines[] = {{"TcpActiveOpens", "%llu active connection openings", true},
                 {"TcpPassiveOpens", "%llu passive connection openings", true},
                 {"TcpAttemptFails", "%llu failed connection attempts", true},
                 {"TcpEstabResets", "%llu connection resets received", true},
                 {"TcpCurrEstab", "%llu connections established", true},
                 {"TcpInSegs", "%llu segments received", true},
                 {"TcpOutSegs", "%llu segments sent out", true},
                 {"TcpRetransSegs", "%llu segments retransmitted", true},
                 {"TcpInErrs", "%llu bad segments received", true},
                 {"TcpOutRsts", "%llu resets sent", true},
                 {"TcpExtTW", "%llu TCP sockets finished time wait in fast timer", false},
                 {"TcpExtDelayedACKs", "%llu delayed acks sent", false},
                 {"TcpExtTCPPureAcks", "%llu acknowledgments not containing data payload received", false},
                 {"TcpExtTCPHPAcks", "%llu predicted acknowledgments", false},
                 {"TcpExtSyncookiesSent", "%llu SYN cookies sent", false},
                 {"TcpExtSyncookiesRecv", "%llu SYN cookies received", false},
                 {"TcpExtSyncookiesFailed", "%llu invalid SYN cookies received", false},
                 {"TcpExtTCPSACKReorder", "Detected reordering %llu times using SACK", false},
                 {"TcpExtTCPAbortOnData", "%llu connections reset due to unexpected data", false},
                 {"TcpExtTCPAbortOnClose", "%llu connections reset due to early user close", false},
                 {"TcpExtTCPAbortOnTimeout", "%llu connections aborted due to timeout", false},
                 {"TcpExtTCPFastRetrans", "%llu fast retransmits", false}};
    struct shell_io *io = ctx;
    if (strncmp(name, "Tcp", 3) != 0)
        return;
    for (unsigned i = 0; i < ARRAY_COUNT(lines); i++) {
        if (strcmp(name, lines[i].name) != 0)
            continue;
        if (value || lines[i].shows_zero) {
            char text[120];
            snprintf(text, sizeof text, lines[i].text, (unsigned long long)value);
            shell_print(io, "    %s\n", text);
        }
        return;
    }
    if (value && strncmp(name, "TcpExt", 6) == 0)
        shell_print(io, "    %s: %llu\n", name + 6, (unsigned long long)value);
}

/* FreeBSD's netstat -s, as far as this host counts: what it counts besides is not told. */
static void print_bsd_counter(void *ctx, const char *name, uint64_t value)
{
    static const struct { const char *name, *text, *rest;
    } lines[] = {{"TcpOutSegs", "packet", " sent"},
                 {"TcpInSegs", "packet", " received"},
                 {"TcpActiveOpens", "connection request", ""},
                 {"TcpPassiveOpens", "connection accept", ""},
                 {"TcpExtTCPTimeouts", "retransmit timeout", ""},
                 {"TcpExtSyncookiesSent", "cookie", " sent"},
                 {"TcpExtSyncookiesRecv", "cookie", " received"}};
    for (unsigned i = 0; i < ARRAY_COUNT(lines); i++)
        if (strcmp(name, lines[i].name) == 0)
            shell_print(ctx, "\t%llu %s%s%s\n", (unsigned long long)value, lines[i].text, value == 1 ? "" : "s", lines[i].rest);
}

/* A word of flags. FreeBSD's -p and -f are followed by a word, BEHIND. True: it was taken. */
static bool read_flags(struct shell *shell, const char *flags, const char *behind, struct filter *filter, bool *counts)
{
    bool is_bsd = run_is_freebsd(shell->run);
    size_t length = strlen(flags);
    if (flags[0] != '-' || strspn(flags + 1, is_bsd ? "anlsWpfz46" : "tuanlseo46Wpw") != length - 1)
        run_skip(shell->run, "command: netstat %s is not known here", flags);
    bool names_protocol = is_bsd && behind && (flags[length - 1] == 'p' || flags[length - 1] == 'f');
    *counts |= strchr(flags, 's') != NULL;
    filter->tcp |= names_protocol ? strcmp(behind, "tcp") == 0 : strchr(flags, 't') != NULL;
    filter->udp |= names_protocol ? strcmp(behind, "udp") == 0 : strchr(flags, 'u') != NULL;
    filter->all |= strchr(flags, 'a') != NULL;
    filter->listening |= strchr(flags, 'l') != NULL;
    return names_protocol;
}

static int print_counters(struct shell *shell, const struct filter *filter, struct shell_io *io)
{
    bool is_bsd = run_is_freebsd(shell->run), has_tcp = !is_bsd || filter->tcp || !filter->udp;
    shell_print(io, is_bsd ? (has_tcp ? "tcp:\n" : "udp:\n") : "Tcp:\n");
    if (has_tcp)
        lil_counter_each(shell->run->host, is_bsd ? print_bsd_counter : print_counter, io);
    return 0;
}

static void print_netstat(void *ctx, struct seen *seen)
{
    struct listing *listing = ctx;
    const struct flow *flow = &seen->sock.flow;
    if (passes(&listing->filter, seen))
        shell_print(listing->io, "%s%s  %6u %6u %-23s %-23s %-11s\n", seen->is_tcp ? "tcp" : "udp", addr_is_v4(&flow->local) ? " " : "6",
                    seen->sock.unread, seen->sock.unsent, name_of(listing->shell, &flow->local, flow->local_port),
                    name_of(listing->shell, &flow->remote, flow->remote_port), state_names[seen->sock.state].netstat);
}

static int do_netstat(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct listing listing = {.shell = shell, .io = io};
    struct filter *filter = &listing.filter;
    bool counts = false;
    for (int i = 1; i < argc; i++)
        i += read_flags(shell, argv[i], i + 1 < argc ? argv[i + 1] : NULL, filter, &counts);
    if (counts)
        return print_counters(shell, filter, io);
    if (!filter->tcp && !filter->udp)
        filter->tcp = filter->udp = true;
    shell_print(io, "Active Internet connections (%s)\nProto Recv-Q Send-Q Local Address           Foreign Address         State      \n",
                filter->all ? "servers and established" : filter->listening ? "only servers" : "w/o servers");
    look_around(shell->run, print_netstat, &listing);
    return 0;
}

static unsigned long inode_of(const struct sock *sock) { return sock->slot + 1ul; }

/* TEXT in the script's memory; it is freed. */
static const char *keep(struct shell *shell, char *text)
{
    const char *kept = text ? arena_copy(&shell->run->script.arena, text, strlen(text)) : NULL;
    free(text);
    return kept;
}

static int device_number(struct run *run, unsigned long request)
{
    struct ifreq ifreq = {.ifr_name = "tun0"};
    int fd = lil_socket(run->proc, AF_INET, SOCK_DGRAM, 0), result = fd < 0 ? -1 : lil_ioctl(run->proc, fd, request, &ifreq);
    if (fd >= 0)
        (void)!lil_close(run->proc, fd);
    return result < 0 ? 0 : request == SIOCGIFMTU ? ifreq.ifr_mtu : ifreq.ifr_flags;
}

const char *shell_look(struct shell *shell, const char *path)
{
    struct arena *arena = &shell->run->script.arena;
    if (strncmp(path, "/proc/net/", 10) == 0) {
        const char *counters = keep(shell, host_counter_file(shell->run->host, path + 10));
        return counters ? counters : keep(shell, sock_table(shell->run->host, path + 10, inode_of));
    }
    if (strcmp(path, "/proc/uptime") == 0)
        return arena_printf(arena, "%.2f %.2f\n", (double)shell->run->now_ns / 1e9, (double)shell->run->now_ns / 1e9);
    if (strcmp(path, "/proc/version") == 0)
        return "Linux version 7.2.0 (lilliput)\n";
    if (strcmp(path, "/proc/sys/kernel/osrelease") == 0)
        return "7.2.0\n";
    if (strcmp(path, "/proc/modules") == 0)
        return "tcp_bbr 20480 0 - Live 0x0000000000000000\ntcp_dctcp 16384 0 - Live 0x0000000000000000\n";
    if (strcmp(path, "/sys/class/net/tun0/mtu") == 0)
        return arena_printf(arena, "%d\n", device_number(shell->run, SIOCGIFMTU));
    return NULL;
}

/* --- ip ... show, ethtool -k, lsmod ------------------------------------------------------------------------------------------- */
static void print_link(struct shell *shell, struct shell_io *io, bool is_loopback, bool has_addresses)
{
    struct run *run = shell->run;
    char local[ADDR_TEXT];
    bool up = device_number(run, SIOCGIFFLAGS) & IFF_UP;
    if (is_loopback)
        shell_print(io,
                    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN%s group default qlen 1000\n   "
                    " link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n",
                    has_addresses ? "" : " mode DEFAULT");
    else
        shell_print(io,
                    "2: tun0: <POINTOPOINT,MULTICAST,NOARP%s> mtu %d qdisc pfifo_fast state %s%s group default qlen "
                    "500\n    link/none \n",
                    up ? ",UP,LOWER_UP" : "", device_number(run, SIOCGIFMTU), up ? "UNKNOWN" : "DOWN",
                    has_addresses ? "" : " mode DEFAULT");
    if (has_addresses && is_loopback)
        shell_print(io, "    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n");
    else if (has_addresses)
        shell_print(io, "    %s %s/%u scope global tun0\n       valid_lft forever preferred_lft forever\n",
                    addr_is_v4(&run->local) ? "inet" : "inet6", addr_print(&run->local, local),
                    addr_is_v4(&run->local) ? 16u : 48u);
}

static void print_routes(struct shell *shell, struct shell_io *io, bool is_v6)
{
    struct run *run = shell->run;
    char local[ADDR_TEXT];
    bool has_default = false;
    if (is_v6 == addr_is_v4(&run->local))
        return;
    for (const struct shell_variable *route = run->routes; route; route = route->next) {
        has_default |= strcmp(route->name, "default") == 0 || strcmp(route->name, "::/0") == 0;
        shell_print(io, "%s %s \n", strcmp(route->name, "::/0") == 0 ? "default" : route->name, route->value);
    }
    if (!has_default)
        shell_print(io, "default dev tun0 scope link \n");
    if (!is_v6)
        shell_print(io, "192.168.0.0/16 dev tun0 proto kernel scope link src %s \n", addr_print(&run->local, local));
    else
        shell_print(io, "fd3d:a0b:17d6::/48 dev tun0 proto kernel metric 256 pref medium\n");
}

void shell_show(struct shell *shell, const char *object, const char *verb, bool is_v6, int argc, char **argv, struct shell_io *io)
{
    const char *device = "";
    char local[ADDR_TEXT];
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "dev") != 0 && strcmp(argv[i], "up") != 0)
            device = argv[i];
    if (object[0] == 'r' && object[1] == 'o' && verb[0] == 'g')
        shell_print(io, "%s dev tun0 src %s uid 0 \n    cache \n", argc ? argv[0] : "", addr_print(&shell->run->local, local));
    else if (object[0] == 'r' && object[1] != 'u')
        print_routes(shell, io, is_v6);
    else if (object[0] == 'r')
        shell_print(io, "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n");
    for (int i = 0; i < 2 && (object[0] == 'l' || object[0] == 'a'); i++)
        if (!*device || strcmp(device, i ? "tun0" : "lo") == 0)
            print_link(shell, io, i == 0, object[0] == 'a');
}

static int do_ethtool(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    static const char *const features[] = {"rx-checksumming",
                                           "tx-checksumming",
                                           "scatter-gather",
                                           "tcp-segmentation-offload",
                                           "generic-segmentation-offload",
                                           "generic-receive-offload",
                                           "large-receive-offload"};
    static const char *const shorts[] = {"rx", "tx", "sg", "tso", "gso", "gro", "lro"};
    struct run *run = shell->run;
    if (argc > 2 && strcmp(argv[1], "-k") == 0) {
        shell_print(io, "Features for %s:\n", argv[2]);
        for (unsigned i = 0; i < ARRAY_COUNT(features); i++)
            shell_print(io, "%s: %s\n", features[i], run->features_off & 1u << i || i == 6 ? "off" : "on");
        return 0;
    }
    for (int i = 3; argc > 2 && strcmp(argv[1], "-K") == 0 && i + 1 < argc; i += 2)
        for (unsigned k = 0; k < ARRAY_COUNT(features); k++)
            if (strcmp(argv[i], shorts[k]) == 0 || strcmp(argv[i], features[k]) == 0)
                run->features_off = strcmp(argv[i + 1], "off") == 0 ? run->features_off | 1u << k : run->features_off & ~(1u << k);
    if (argc > 1 && argv[1][0] == '-' && !strchr("KGLNXCsAa", argv[1][1]))
        run_skip(run, "command: ethtool %s is not known here", argv[1]);
    return 0;
}

static int do_lsmod(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)shell, (void)argc, (void)argv;
    shell_print(io, "Module                  Size  Used by\ntcp_bbr                20480  0\ntcp_dctcp              16384  0\n");
    return 0;
}

static int do_getent(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *base = argc > 1 ? argv[1] : "", *key = argc > 2 ? argv[2] : "";
    if (strcmp(base, "passwd") == 0 && (!*key || strcmp(key, "root") == 0 || strcmp(key, "0") == 0))
        shell_print(io, "root:x:0:0:root:/root:/bin/sh\n");
    else if (strncmp(base, "ahosts", 6) == 0 || strcmp(base, "hosts") == 0)
        shell_print(io, strcmp(key, "localhost") == 0 ? "127.0.0.1       localhost\n" : "");
    else
        run_skip(shell->run, "command: getent %s is not known here", base);
    return *key && strcmp(key, "localhost") != 0 && strcmp(key, "root") != 0 && strcmp(key, "0") != 0 ? 2 : 0;
}

bool shell_looks(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status)
{
    static const struct shell_program programs[] = {
        {"ss", do_ss}, {"netstat", do_netstat}, {"ethtool", do_ethtool}, {"lsmod", do_lsmod}, {"getent", do_getent},
    };
    return shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, status);
}
