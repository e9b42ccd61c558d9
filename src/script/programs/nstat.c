/* nstat.c: nstat(8): the counters of the virtual host since it was asked last. */
#include <string.h>
#include "script/programs/counters_linux.h"
#include "script/programs/programs.h"

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

int shell_nstat(struct shell *shell, int argc, char **argv, struct shell_io *io)
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
