/* command.c: the programs that `commands` may call, acted out against the virtual host; those that only turn text into
 * text are filter.c's. What is not known here makes the script skipped, never passed. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "script/programs/counters_linux.h"
#include "script/programs/netfilter.h"
#include "script/programs/programs.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* --- small programs ----------------------------------------------------------------------------------------------- */
static char escape(const char **p)
{
    static const char from[] = "ntr\\ab", to[] = "\n\t\r\\\a\b";
    const char *found = **p ? strchr(from, **p) : NULL;
    if (isdigit((unsigned char)**p)) { /* \0NNN */
        int value = 0;
        for (int i = 0; i < 4 && **p >= '0' && **p <= '7'; i++)
            value = value * 8 + *(*p)++ - '0';
        return (char)value;
    }
    char c = found ? to[found - from] : **p;
    *p += **p != 0;
    return c;
}

static int do_echo(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int i = 1;
    bool newline = true, escapes = false;
    (void)shell;
    for (; i < argc && argv[i][0] == '-' && strspn(argv[i] + 1, "neE") == strlen(argv[i] + 1) && argv[i][1]; i++) {
        newline &= strchr(argv[i], 'n') == NULL;
        escapes |= strchr(argv[i], 'e') != NULL;
    }
    for (int first = i; i < argc; i++) {
        shell_print(io, "%s", i > first ? " " : "");
        for (const char *p = argv[i]; *p;) {
            char c = *p++;
            shell_print(io, "%c", c == '\\' && escapes ? escape(&p) : c);
        }
    }
    if (newline)
        shell_print(io, "\n");
    return 0;
}

/* One pass over the format; the index of the first argument that is left. */
static int print_format(const char *format, int argc, char **argv, int i, struct shell_io *io)
{
    for (const char *p = format; *p;) {
        char c = *p++;
        if (c == '\\') {
            shell_print(io, "%c", escape(&p));
        } else if (c != '%' || *p == '%') {
            shell_print(io, "%c", c);
            p += c == '%';
        } else {
            char spec[24];
            size_t length = strcspn(p, "sdiuxXofgec");
            const char *value = i < argc ? argv[i++] : "", kind = p[length];
            snprintf(spec, sizeof spec, "%%%.*s%s%c", (int)(length < 12 ? length : 12), p,
                     kind && strchr("diuxXo", kind) ? "ll" : "", kind ? kind : 's');
            if (kind && strchr("diuxXo", kind))
                shell_print(io, spec, strtoll(value, NULL, 0));
            else if (kind && strchr("fge", kind))
                shell_print(io, spec, strtod(value, NULL));
            else if (kind == 'c')
                shell_print(io, "%c", value[0]);
            else
                shell_print(io, spec, value);
            p += length + (kind != 0);
        }
    }
    return i;
}

static int do_printf(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)shell;
    for (int i = 2, before = 1; argc > 1 && (before == 1 || (i < argc && i > before));) {
        before = i;
        i = print_format(argv[1], argc, argv, i, io);
    }
    return 0;
}

static int do_sleep(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    static const struct {
        char letter;
        double factor;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    struct run *run = shell->run;
    double seconds = 0;
    (void)io;
    for (int i = 1; i < argc; i++) {
        char *end;
        double number = strtod(argv[i], &end);
        for (unsigned k = 0; k < ARRAY_COUNT(units); k++)
            number *= *end == units[k].letter ? units[k].factor : 1;
        seconds += argv[0][0] == 'u' ? number / 1e6 : number;
    }
    if (seconds > 0)
        run_until(run, run->now_ns + (uint64_t)(seconds * 1e9));
    return 0;
}

static int do_seq(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    long first = argc > 2 ? atol(argv[1]) : 1, step = argc > 3 ? atol(argv[2]) : 1,
         last = argc > 1 ? atol(argv[argc - 1]) : 0;
    (void)shell;
    for (long i = first; step && (step > 0 ? i <= last : i >= last) && io->used + 32 < SHELL_OUTPUT; i += step)
        shell_print(io, "%ld\n", i);
    return 0;
}

static int do_expr(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *text = "";
    for (int i = 1; i < argc; i++)
        text = arena_printf(&shell->run->script.arena, "%s %s", text,
                            strcmp(argv[i], "=") == 0   ? "=="
                            : strcmp(argv[i], "/") == 0 ? "//"
                                                        : argv[i]);
    int64_t value = shell_arithmetic(shell, text);
    shell_print(io, "%lld\n", (long long)value);
    return value == 0;
}

/* let x=1+1 */
static int do_let(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int64_t value = 0;
    (void)io;
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        value = shell_arithmetic(shell, equals ? equals + 1 : argv[i]);
        if (equals)
            shell_set(shell, argv[i], (size_t)(equals - argv[i]),
                      arena_printf(&shell->run->script.arena, "%lld", (long long)value));
    }
    return value == 0;
}

static int do_export(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)io;
    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (equals)
            shell_set(shell, argv[i], (size_t)(equals - argv[i]), equals + 1);
    }
    return 0;
}

/* set -e; set -- a b: the parameters anew. Other options change nothing here. */
static int do_set(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)io;
    for (int i = 1; i < argc; i++) {
        bool is_end = strcmp(argv[i], "--") == 0;
        if (is_end || !strchr("-+", argv[i][0])) {
            argv[i - !is_end] = shell->argv ? shell->argv[0] : argv[0];
            shell->argv = argv + i - !is_end;
            break;
        }
        if (strchr(argv[i] + 1, 'e') && strspn(argv[i] + 1, "eux") == strlen(argv[i] + 1))
            shell->ends_at_failure = argv[i][0] == '-';
        i += argv[i][1] == 'o'; /* and its name */
    }
    return 0;
}

static int do_shift(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int by = argc > 1 ? atoi(argv[1]) : 1, count = 0;
    (void)io;
    while (shell->argv && shell->argv[count])
        count++;
    if (by < 0 || by >= count)
        return by != 0;
    shell->argv[by] = shell->argv[0];
    shell->argv += by;
    return 0;
}

static int do_unset(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)io;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-f") == 0)
            run_skip(shell->run, "command: unset -f is not known here");
        else if (argv[i][0] != '-')
            shell_set(shell, argv[i], strlen(argv[i]), NULL);
    return 0;
}

static int do_test(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)io;
    return shell_test(shell, argc, argv);
}

/* What the machine is, where a script asks: one processor, root, the kernel that this host is like. */
static int do_tell(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *flag = argc > 1 ? argv[1] : "";
    bool is_bsd = run_is_freebsd(shell->run);
    if (strcmp(argv[0], "uname") == 0)
        shell_print(io, "%s\n",
                    strchr(flag, 'r')   ? (is_bsd ? "15.0-RELEASE" : "7.2.0")
                    : strchr(flag, 'm') ? (is_bsd ? "amd64" : "x86_64")
                    : strchr(flag, 'n') ? "host"
                    : is_bsd            ? "FreeBSD"
                                        : "Linux");
    else if (strcmp(argv[0], "date") == 0)
        shell_print(io, "%llu\n", (unsigned long long)(shell->run->now_ns / NS_PER_S));
    else if (strcmp(argv[0], "id") == 0)
        shell_print(io, "0\n");
    else if (strcmp(argv[0], "nproc") == 0)
        shell_print(io, "1\n");
    else if (strcmp(argv[0], "basename") == 0)
        shell_print(io, "%s\n", base_name(flag));
    else if (strcmp(argv[0], "dirname") == 0)
        shell_print(io, "%.*s\n", strrchr(flag, '/') ? (int)(strrchr(flag, '/') - flag) : 1,
                    strrchr(flag, '/') ? flag : ".");
    else
        shell_print(io, "%s\n",
                    strcmp(argv[0], "hostname") == 0 ? "host"
                    : strcmp(argv[0], "whoami") == 0 ? "root"
                                                     : "/");
    return 0;
}

/* --- nstat -------------------------------------------------------------------------------------------------------- */
struct nstat {
    struct run *run;
    struct shell_io *io;
    char **names;
    bool absolute, zeros, quiet, keep;
};

static struct counter *find_counter(const struct run *run, const char *name)
{
    struct counter *c = run->counters;
    while (c && strcmp(c->name, name) != 0)
        c = c->next;
    return c;
}

static struct counter *counter_of(struct run *run, const char *name)
{
    struct counter *c = find_counter(run, name);
    if (c)
        return c;
    c = arena_alloc(&run->script.arena, sizeof *c);
    c->name = arena_copy(&run->script.arena, name, strlen(name));
    c->next = run->counters;
    run->counters = c;
    return c;
}

static bool is_wanted(char **names, const char *name)
{
    if (!*names)
        return true;
    for (; *names; names++) {
        size_t length = strcspn(*names, "*");
        if ((*names)[length] == '*' ? strncmp(name, *names, length) == 0 : strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

static void visit_counter(void *ctx, const char *name, uint64_t value)
{
    struct nstat *nstat = ctx;
    if (strcmp(name, "TcpCurrEstab") == 0)
        return; /* a gauge: nstat leaves it out */
    struct counter *counter = counter_of(nstat->run, name);
    uint64_t shown = nstat->absolute ? value : value - counter->value;
    if (!nstat->quiet && (shown || nstat->zeros) && is_wanted(nstat->names, name))
        shell_print(nstat->io, "%-32s%-16llu%6.1f\n", name, (unsigned long long)shown, 0.0);
    if (!nstat->keep)
        counter->value = value;
}

static int do_nstat(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct nstat nstat = {.run = shell->run, .io = io};
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        nstat.absolute |= strchr(argv[i], 'a') != NULL;
        nstat.zeros |= strchr(argv[i], 'z') != NULL;
        nstat.quiet |= strchr(argv[i], 'n') != NULL;
        nstat.keep |= strchr(argv[i], 's') != NULL;
        if (strchr(argv[i], 'r'))
            for (struct counter *c = shell->run->counters; c; c = c->next)
                c->value = 0;
    }
    nstat.names = argv + i;
    if (!nstat.quiet)
        shell_print(io, "#kernel\n");
    lil_counter_each(shell->run->host, visit_counter, &nstat);
    for (unsigned k = 0; nstat.zeros && !nstat.quiet && k < ARRAY_COUNT(linux_counters); k++)
        if (!find_counter(shell->run, linux_counters[k]) && is_wanted(nstat.names, linux_counters[k]))
            shell_print(io, "%-32s%-16u%6.1f\n", linux_counters[k], 0u, 0.0);
    return 0;
}

static int run_file(struct shell *shell, int argc, char **argv, struct shell_io *io, bool here)
{
    char *text = shell_file_beside(shell, argv[0]);
    (void)argc;
    if (!text)
        run_skip(shell->run, "command: no file %s", argv[0]);
    if (!here) {
        struct shell inner;
        shell_init(&inner, shell->run);
        inner.depth = shell->depth + 1;
        inner.argv = argv;
        return shell_run(&inner, text, io);
    }
    shell->depth++;
    int status = shell_run(shell, text, io);
    shell->depth--;
    return status;
}

/* --- parameters and devices --------------------------------------------------------------------------------------- */
/* set_sysctls.py /proc/sys/net/ipv4/tcp_sack=1 ...: what it saves for later needs no restoring here. */
static int do_set_sysctls(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int status = 0;
    (void)io;
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            run_skip(shell->run, "command: %s: %s has no value", argv[0], argv[i]);
        *equals = 0;
        status |= shell_sysctl_set(shell, argv[i], equals + 1);
    }
    return status;
}

static int do_sysctl(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    bool bare = false, quiet = false, tolerant = false, all = false, names = false;
    int status = 0;
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '='), value[256];
        if (argv[i][0] == '-') {
            bare |= strpbrk(argv[i], "nb") != NULL;
            quiet |= strchr(argv[i], 'q') != NULL;
            tolerant |= strpbrk(argv[i], "ei") != NULL;
            all |= strpbrk(argv[i], "aAX") != NULL || strcmp(argv[i], "--all") == 0;
            names |= strchr(argv[i], 'N') != NULL;
            continue;
        }
        const char *name = arena_copy(&shell->run->script.arena, argv[i],
                                      equals ? (size_t)(equals - argv[i]) : strlen(argv[i])),
                   *to = equals ? equals + 1 : NULL;
        if (equals && !*to && i + 1 < argc) /* a= 1 */
            to = argv[++i];
        else if (!equals && i + 2 < argc && strcmp(argv[i + 1], "=") == 0) /* a = 1 */
            to = argv[i += 2];
        if (tolerant && !shell_sysctl_known(shell, name))
            continue;
        bool is_bsd = shell_sysctl_bsd_get(shell, name, value, sizeof value); /* tells "name: value", and of a change "name: old -> new" */
        if (is_bsd || !to)
            shell_sysctl_get(shell, name, value, sizeof value);
        int refused = to ? shell_sysctl_set(shell, name, to) : 0;
        status |= refused;
        if (refused)
            continue;
        if (names)
            shell_print(io, "%s\n", name);
        else if (!to || !quiet)
            shell_print(io, "%s%s%s%s%s\n", bare ? "" : name, bare ? "" : is_bsd ? ": " : " = ", is_bsd || !to ? value : "",
                        is_bsd && to ? " -> " : "", to ? to : "");
    }
    if (all)
        shell_sysctl_each(shell, io, names);
    return status;
}

static double scaled(const char *text, const char *const *units, const double *factors, unsigned count)
{
    char *unit;
    double number = strtod(text, &unit);
    for (unsigned i = 0; i < count; i++)
        if (strcmp(unit, units[i]) == 0)
            return number * factors[i];
    return unit > text && !*unit ? number * factors[0] : -1;
}

/* tc-netem(8): a delay, a rate, and loss of all or nothing; what chance decides makes the script skipped. */
static int do_netem(struct shell *shell, int argc, char **argv)
{
    static const char *const times[] = {"us", "usec", "usecs", "ms", "msec", "msecs", "s", "sec", "secs"}, *const shares[] = {"%"};
    static const double ns[] = {1e3, 1e3, 1e3, 1e6, 1e6, 1e6, 1e9, 1e9, 1e9}, whole[] = {1};
    static const char *const rates[] = {"bit", "kbit", "mbit", "gbit", "bps", "kbps", "mbps", "gbps", "kibit", "mibit"};
    static const double bytes[] = {.125, 125, 125e3, 125e6, 1, 1e3, 1e6, 1e9, 128, 131072};
    struct run *run = shell->run;
    double delay = 0, loss = 0, rate = 0;
    for (int i = 0; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "delay") == 0 || strcmp(argv[i], "latency") == 0)
            delay = scaled(value, times, ns, ARRAY_COUNT(times));
        else if (strcmp(argv[i], "loss") == 0 || strcmp(argv[i], "drop") == 0)
            loss = scaled(value, shares, whole, 1);
        else if (strcmp(argv[i], "rate") == 0)
            rate = scaled(value, rates, bytes, ARRAY_COUNT(rates));
        else if (strcmp(argv[i], "limit") != 0)
            run_skip(run, "command: tc netem %s is not known here", argv[i]);
    }
    if (delay < 0 || rate < 0 || (loss != 0 && loss != 100))
        run_skip(run, "command: tc netem: only a fixed delay and a loss of 0%% or 100%% are known here");
    run->netem_delay_ns = (uint64_t)delay;
    run->netem_loses = loss == 100;
    run->netem_rate = (uint64_t)rate;
    return 0;
}

static int do_tc(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    static const char *const disturbing[] = {"tbf", "htb", "police", "filter", "clsact", "ingress"};
    bool is_root = false;
    (void)io;
    for (int i = 1; i < argc; i++) {
        is_root |= strcmp(argv[i], "root") == 0;
        if (strcmp(argv[i], "dev") == 0 && i + 1 < argc && strcmp(argv[i + 1], "tun0") != 0)
            return 0; /* no other device is there */
        if (strcmp(argv[i], "netem") == 0 && is_root)
            return do_netem(shell, argc - i - 1, argv + i + 1);
        if (strcmp(argv[i], "netem") == 0)
            run_skip(shell->run, "command: tc netem is known at the root alone");
    }
    if (is_root) { /* deleted, or another kind in its place */
        shell->run->netem_delay_ns = shell->run->netem_rate = 0;
        shell->run->netem_loses = false;
    }
    for (int i = 1; i < argc; i++)
        for (unsigned j = 0; j < ARRAY_COUNT(disturbing); j++)
            if (strcmp(argv[i], disturbing[j]) == 0)
                run_skip(shell->run, "command: tc %s is not known here", argv[i]);
    return 0;
}

/* ifconfig tun0 mtu N, up, down, [inet|inet6] ADDRESS [alias|delete]: Linux's and FreeBSD's; offloads and queues do not show. */
static int do_ifconfig(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct run *run = shell->run;
    (void)io;
    if (argc > 1 && strcmp(argv[1], "tun0") != 0)
        return 0; /* no other device is there */
    for (int i = 2; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : "";
        struct addr address;
        int result = 0;
        if (strcmp(word, "mtu") == 0 || strcmp(word, "txqueuelen") == 0)
            result = word[0] == 'm' ? lil_interface_set_mtu(run->host, run->ifindex, (unsigned)atoi(argv[++i])) : (i++, 0);
        else if (strcmp(word, "up") == 0 || strcmp(word, "down") == 0)
            result = lil_interface_set_up(run->host, run->ifindex, word[0] == 'u');
        else if (strchr(word, '/') && addr_parse(arena_copy(&run->script.arena, word, strcspn(word, "/")), &address) == 0)
            result = next[0] == 'd' || next[0] == '-' ? lil_address_delete(run->host, run->ifindex, word)
                                                      : lil_address_add(run->host, run->ifindex, word);
        else if (word[0] != '-' && strncmp(word, "inet", 4) != 0 && strcmp(word, "alias") != 0 && strcmp(word, "delete") != 0 &&
                 strcmp(word, "add") != 0 && !strstr(word, "csum") && !strstr(word, "tso") && strcmp(word, "lro") != 0)
            run_skip(run, "command: ifconfig %s is not known here", word);
        if (result < 0)
            return 1;
    }
    return 0;
}

static int do_ip(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    return shell_route(shell, argc, argv, io);
}

static int do_nothing(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)shell, (void)argc, (void)io;
    return strcmp(argv[0], "false") == 0;
}

/* --- programs that run others ------------------------------------------------------------------------------------- */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1];
}

static int do_shell(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int i = 1;
    for (; i < argc && is_option(argv[i]); i++)
        if (strchr(argv[i], 'c') && argv[i][1] != '-' && i + 1 < argc) {
            struct shell inner;
            shell_init(&inner, shell->run);
            inner.depth = shell->depth + 1;
            inner.argv = argv + i + 2 < argv + argc ? argv + i + 2 : NULL;
            return shell_run(&inner, argv[i + 1], io);
        }
    if (i < argc)
        return run_file(shell, argc - i, argv + i, io, false);
    struct shell inner; /* what stands in a here-document */
    shell_init(&inner, shell->run);
    inner.depth = shell->depth + 1;
    struct shell_io child = *io;
    child.input = "";
    int status = shell_run(&inner, io->input, &child);
    child.input = io->input;
    *io = child;
    return status;
}

static int do_source(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    if (argc < 2)
        run_skip(shell->run, "command: %s without a file", argv[0]);
    if (strcmp(base_name(argv[1]), "defaults.sh") == 0)
        return shell_program(shell, argc - 1, argv + 1, io);
    return run_file(shell, argc - 1, argv + 1, io, true);
}

static int do_eval(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *text = "";
    for (int i = 1; i < argc; i++)
        text = arena_printf(&shell->run->script.arena, "%s%s ", text, argv[i]);
    return shell_run(shell, text, io);
}

/* sudo, env, timeout N, nice -n N ...: the command behind their options and assignments. */
static int do_prefix(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int i = 1;
    bool nice = strcmp(argv[0], "nice") == 0 || strcmp(argv[0], "taskset") == 0;
    for (; i < argc && (is_option(argv[i]) || strchr(argv[i], '=')); i++)
        i += nice && is_option(argv[i]) && !argv[i][2];
    if (strcmp(argv[0], "timeout") == 0)
        i++;
    if (i >= argc)
        return 0;
    bool asks = strcmp(argv[0], "command") == 0 && argc > 1 && strchr("vV", argv[1][1]) && is_option(argv[1]);
    return asks ? 0 : shell_program(shell, argc - i, argv + i, io);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */
/* clang-format off */
static const struct shell_program programs[] = {
    {"echo", do_echo}, {"printf", do_printf}, {"sleep", do_sleep}, {"usleep", do_sleep}, {"seq", do_seq},
    {"expr", do_expr}, {"let", do_let}, {"set", do_set}, {"shift", do_shift}, {"unset", do_unset},
    {"export", do_export}, {"local", do_export}, {"declare", do_export}, {"readonly", do_export}, {"test", do_test},
    {"[", do_test}, {"[[", do_test}, {"uname", do_tell}, {"date", do_tell}, {"id", do_tell}, {"nproc", do_tell},
    {"basename", do_tell}, {"dirname", do_tell}, {"hostname", do_tell}, {"whoami", do_tell}, {"pwd", do_tell},
    {"nstat", do_nstat}, {"set_sysctls.py", do_set_sysctls}, {"sysctl", do_sysctl}, {"tc", do_tc},
    {"iptables", shell_iptables}, {"ip6tables", shell_iptables}, {"iptables-legacy", shell_iptables},
    {"iptables-nft", shell_iptables}, {"ip6tables-legacy", shell_iptables}, {"ip6tables-nft", shell_iptables}, {"nft", shell_nft},
    {"ifconfig", do_ifconfig}, {"ip", do_ip}, {"sh", do_shell}, {"bash", do_shell},
    {"dash", do_shell}, {"source", do_source}, {".", do_source}, {"eval", do_eval}, {"sudo", do_prefix},
    {"env", do_prefix}, {"timeout", do_prefix}, {"nice", do_prefix}, {"taskset", do_prefix}, {"command", do_prefix},
    {"exec", do_prefix}, {"nohup", do_prefix}, {"time", do_prefix},
    /* nothing of these shows on a virtual host */
    {"true", do_nothing}, {"false", do_nothing}, {":", do_nothing}, {"cd", do_nothing}, {"modprobe", do_nothing},
    {"rmmod", do_nothing}, {"insmod", do_nothing}, {"mkdir", do_nothing}, {"rmdir", do_nothing},
    {"chown", do_nothing}, {"chmod", do_nothing}, {"which", do_nothing}, {"type", do_nothing}, {"hash", do_nothing},
    {"sync", do_nothing}, {"logger", do_nothing}, {"dmesg", do_nothing}, {"wait", do_nothing},
    {"kldload", do_nothing}, {"kldunload", do_nothing}, {"kldstat", do_nothing}, {"trap", do_nothing},
    {"umask", do_nothing}, {"ulimit", do_nothing}, {"kill", do_nothing}, {"killall", do_nothing},
    {"pkill", do_nothing}, {"clear", do_nothing}, {"tcpdump", do_nothing}, {"arp", do_nothing}, {"ndp", do_nothing},
};
/* clang-format on */

int shell_program(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *path = argv[0], *name = base_name(path), *dot = strrchr(name, '.');
    int status;
    argv[0] = (char *)name;
    if (shell_filter(shell, argc, argv, io, &status) || shell_looks(shell, argc, argv, io, &status) ||
        shell_bsdtools(shell, argc, argv, io, &status) || shell_lines(shell, argc, argv, io, &status) ||
        shell_files(shell, argc, argv, io, &status) ||
        shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, &status))
        return status;
    if (strcmp(name, "defaults.sh") == 0) {
        shell_defaults(shell, shell_file_beside(shell, path));
        return 0;
    }
    if (strncmp(name, "sysctl_restore", 14) == 0) /* what set_sysctls.py of a real machine writes for the end */
        return 0;
    argv[0] = (char *)path;
    if (dot && strcmp(dot, ".sh") == 0)
        return run_file(shell, argc, argv, io, false);
    if (shell->lenient)
        return 0;
    run_skip(shell->run, "command: %s is not known here", name);
}

void run_command(struct run *run, const char *text)
{
    struct shell shell;
    shell_init(&shell, run);
    struct shell_io io = shell_buffer(&shell, "");
    int status = shell_run(&shell, text, &io);
    if (run->config.verbose && io.used)
        fprintf(run->config.verbose, "%.*s", (int)io.used, io.output);
    run_settle(run);
    if (status)
        run_fail(run, "the command ended with status %d", status);
}
