/* bsdtools.c: FreeBSD's own programs of `commands` that change something of the virtual host: tcpdrop(8), route(8), setfib(1). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "host/host.h"
#include "script/programs/programs.h"
#include "tcp/tcp.h"

/* --- tcpdrop ---------------------------------------------------------------------------------------------------------------- */

struct victim {
    const char *local, *remote; /* NULL: any */
    unsigned local_port, remote_port;
    struct tcb *tcb;
    const struct flow *flow;
};

static bool is_at(const struct addr *addr, const char *text)
{
    struct addr asked;
    return !text || (addr_parse(text, &asked) == 0 && addr_equal(addr, &asked));
}

static bool see_connection(void *ctx, const struct tcp_seen *seen)
{
    struct victim *victim = ctx;
    const struct flow *flow = seen->flow;
    if (!seen->tcb || !is_at(&flow->local, victim->local) || !is_at(&flow->remote, victim->remote) ||
        (victim->local && (flow->local_port != victim->local_port || flow->remote_port != victim->remote_port)))
        return true;
    victim->tcb = seen->tcb;
    victim->flow = seen->flow;
    return false;
}

/* sysctl_drop(), tcp_drop(): a reset goes, the socket finds ECONNABORTED. False: there is none. */
static bool drop(struct shell *shell, struct victim *victim, struct shell_io *io)
{
    struct tcp *tcp = host_tcp(shell->run->host);
    char local[ADDR_TEXT], remote[ADDR_TEXT];
    victim->tcb = NULL;
    tcp_each(tcp, 0, see_connection, victim);
    if (!victim->tcb)
        return false;
    shell_print(io, "%s %u %s %u: dropped\n", addr_print(&victim->flow->local, local), victim->flow->local_port,
                addr_print(&victim->flow->remote, remote), victim->flow->remote_port);
    tcp_kill(tcp, victim->tcb, ECONNABORTED, host_now(shell->run->host));
    return true;
}

/* tcpdrop -a, or LOCAL PORT REMOTE PORT, or LOCAL:PORT REMOTE:PORT. */
static int do_tcpdrop(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct victim victim = {0};
    char *words[4] = {0};
    int count = 0;
    bool all = false;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && strspn(argv[i] + 1, "46a") != strlen(argv[i] + 1))
            run_skip(shell->run, "command: tcpdrop %s is not known here", argv[i]);
        else if (argv[i][0] == '-')
            all |= strchr(argv[i], 'a') != NULL;
        else if (count < 4)
            words[count++] = argv[i];
    }
    if (all) {
        while (drop(shell, &victim, io))
            ;
        return 0;
    }
    for (int i = 0; count == 2 && i < 2; i++) {
        char *port = strrchr(words[1 - i], ':');
        if (!port)
            return 1;
        *port = 0;
        words[3 - 2 * i] = port + 1;
        words[2 - 2 * i] = words[1 - i];
    }
    if (count != 2 && count != 4)
        return 1;
    victim = (struct victim){words[0], words[2], (unsigned)atoi(words[1]), (unsigned)atoi(words[3]), NULL, NULL};
    return drop(shell, &victim, io) ? 0 : 1;
}

/* --- route ------------------------------------------------------------------------------------------------------------------ */

/* route add|change|delete|flush [-net|-host] DESTINATION [GATEWAY] [-mtu N ...] in the words of `ip route`. */
static int do_route(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    static const char *const passed[] = {"-expire", "-hopcount", "-recvpipe", "-sendpipe",
                                         "-ssthresh", "-rtt", "-rttvar", "-fib", "-weight"};
    char *words[12] = {"ip", "-4", "route", "replace"};
    const char *verb = NULL, *destination = NULL, *gateway = NULL, *bits = NULL, *mtu = NULL;
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";
        bool is_passed = false;
        for (unsigned k = 0; k < ARRAY_COUNT(passed); k++)
            is_passed |= strcmp(argv[i], passed[k]) == 0;
        if (is_passed || strcmp(argv[i], "-iface") == 0 || strcmp(argv[i], "-interface") == 0)
            i++;
        else if (strcmp(argv[i], "-mtu") == 0)
            mtu = next, i++;
        else if (strcmp(argv[i], "-prefixlen") == 0)
            bits = next, i++;
        else if (strcmp(argv[i], "-6") == 0 || strcmp(argv[i], "-inet6") == 0)
            words[1] = "-6";
        else if (strcmp(argv[i], "-reject") == 0 || strcmp(argv[i], "-blackhole") == 0 || strcmp(argv[i], "-netmask") == 0)
            run_skip(shell->run, "command: route %s is not known here", argv[i]);
        else if (argv[i][0] != '-')
            *(!verb ? &verb : !destination ? &destination : &gateway) = argv[i];
    }
    if (!verb || !destination || !(strcmp(verb, "add") == 0 || strcmp(verb, "change") == 0 || strncmp(verb, "del", 3) == 0))
        run_skip(shell->run, "command: route %s is not known here", verb ? verb : "");
    int count = 4;
    if (verb[0] == 'd')
        words[3] = "delete";
    words[count++] = arena_printf(&shell->run->script.arena, "%s%s%s", destination, bits ? "/" : "", bits ? bits : "");
    if (gateway) {
        words[count++] = "via";
        words[count++] = (char *)(uintptr_t)gateway;
    }
    if (mtu && verb[0] != 'd') {
        words[count++] = "mtu";
        words[count++] = (char *)(uintptr_t)mtu;
    }
    return shell_ip(shell, count, words, io);
}

/* setfib N COMMAND: one table of routes is all there is. */
static int do_setfib(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int i = argc > 1 && strcmp(argv[1], "-F") == 0 ? 2 : 1;
    if (i + 1 >= argc || strcmp(argv[i], "0") != 0)
        run_skip(shell->run, "command: setfib of another table is not known here");
    return shell_program(shell, argc - i - 1, argv + i + 1, io);
}

bool shell_bsdtools(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status)
{
    static const struct shell_program programs[] = {{"tcpdrop", do_tcpdrop}, {"route", do_route}, {"setfib", do_setfib}};
    return shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, status);
}
