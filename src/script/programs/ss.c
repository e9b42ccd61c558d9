/* ss.c: ss(8) and netstat(8): the sockets of the virtual host, and its counters. Numbers stand where a machine would have names. */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
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
struct ss_filter {
    bool tcp, udp, all, listening, bare, details, options, memory;
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
static void read_expression(struct shell *shell, struct ss_filter *filter, char *text)
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

static void read_filter(struct shell *shell, int argc, char **argv, struct ss_filter *filter)
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
                filter->options |= *p == 'o' || *p == 'e';
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

static bool passes(const struct ss_filter *filter, const struct seen *seen)
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

/* What ss -i begins with: what was agreed on (with -o or -e), and the timers. */
static void print_opening(struct shell *shell, const struct seen *seen, bool shows_options, struct shell_io *io)
{
    uint64_t options = info(seen, "tcpi_options"), rto = info(seen, "tcpi_rto"), rtt = info(seen, "tcpi_rtt");
    uint64_t shown = shows_options ? options : 0;
    char cc[16] = "cubic";
    socklen_t size = sizeof cc;
    (void)!ask(shell->run, &seen->sock, IPPROTO_TCP, TCP_CONGESTION, cc, &size);
    shell_print(io, "\t%s%s%s%s%s %.16s", shown & TCPI_OPT_TIMESTAMPS ? " ts" : "",
                shown & TCPI_OPT_SACK ? " sack" : "", shown & TCPI_OPT_ECN ? " ecn" : "",
                shown & 16 ? " ecnseen" : "", shown & 32 ? " fastopen" : "", cc);
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
static void print_details(struct shell *shell, const struct seen *seen, bool shows_options, struct shell_io *io)
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
    print_opening(shell, seen, shows_options, io);
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
    struct ss_filter filter;
};

static void print_ss(void *ctx, struct seen *seen)
{
    struct listing *listing = ctx;
    const struct ss_filter *filter = &listing->filter;
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
        print_details(shell, seen, filter->options, io);
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

/* --- netstat ---------------------------------------------------------------------------------------------------------------- */
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
static bool read_flags(struct shell *shell, const char *flags, const char *behind, struct ss_filter *filter, bool *counts)
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

static int print_counters(struct shell *shell, const struct ss_filter *filter, struct shell_io *io)
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
    struct ss_filter *filter = &listing.filter;
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

bool shell_sockets(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status)
{
    static const struct shell_program programs[] = {
        {"ss", do_ss}, {"netstat", do_netstat},
    };
    return shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, status);
}
