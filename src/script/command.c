/* command.c: the programs that `commands` may call, acted out against the virtual host. What is not known here makes the
 * script skipped, never passed. */
#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include "script/shell.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --- small programs ---------------------------------------------------------------------------------------------------- */
static int do_echo(int argc, char **argv, struct shell_io *io)
{
    int i = 1;
    bool newline = true;
    for (; i < argc && argv[i][0] == '-' && strspn(argv[i] + 1, "neE") == strlen(argv[i] + 1) && argv[i][1]; i++)
        newline &= strchr(argv[i], 'n') == NULL;
    for (int first = i; i < argc; i++)
        shell_print(io, "%s%s", i > first ? " " : "", argv[i]);
    if (newline)
        shell_print(io, "\n");
    return 0;
}

static int do_sleep(struct shell *shell, int argc, char **argv)
{
    struct run *run = shell->run;
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 0;
    run_until(run, run->now_ns + (uint64_t)(seconds * 1e9));
    return 0;
}

/* Each line of the input that matches. Options q c v i E o n w are known. */
static int do_grep(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *flags = "", *pattern = NULL;
    char all[64] = "";
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && !pattern && strlen(all) + strlen(argv[i]) < sizeof all)
            strcat(all, argv[i] + 1);
        else if (!pattern)
            pattern = argv[i];
        else
            run_skip(shell->run, "command: grep in a file is not known here");
    }
    flags = all;
    regex_t regex;
    if (!pattern || strspn(flags, "qcviEe") != strlen(flags) ||
        regcomp(&regex, pattern, REG_NOSUB | (strchr(flags, 'E') ? REG_EXTENDED : 0) | (strchr(flags, 'i') ? REG_ICASE : 0)) != 0)
        run_skip(shell->run, "command: grep %s is not known here", flags);
    unsigned count = 0;
    for (const char *p = io->input; *p;) {
        size_t length = strcspn(p, "\n");
        char *line = arena_copy(&shell->run->script.arena, p, length);
        if ((regexec(&regex, line, 0, NULL, 0) == 0) != (strchr(flags, 'v') != NULL)) {
            count++;
            if (!strchr(flags, 'q') && !strchr(flags, 'c'))
                shell_print(io, "%s\n", line);
        }
        p += length + (p[length] == '\n');
    }
    regfree(&regex);
    if (strchr(flags, 'c'))
        shell_print(io, "%u\n", count);
    return count == 0;
}

/* awk '{print $2}' and awk '/pattern/ {print $2}': the only ones. */
static int do_awk(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    char pattern[128] = "";
    int field = 0, used = 0;
    const char *program = argc == 2 ? argv[1] : "";
    if (*program == '/' && sscanf(program, "/%127[^/]/%n", pattern, &used) == 1)
        program += used;
    if (sscanf(program, " { print $%d %n", &field, &used) != 1 && sscanf(program, " {print $%d %n", &field, &used) != 1)
        run_skip(shell->run, "command: this awk program is not known here");
    for (const char *p = io->input; *p;) {
        size_t length = strcspn(p, "\n");
        char *line = arena_copy(&shell->run->script.arena, p, length), *save = NULL;
        if (!*pattern || strstr(line, pattern)) {
            char *token = field ? strtok_r(line, " \t", &save) : line;
            for (int i = 1; i < field && token; i++)
                token = strtok_r(NULL, " \t", &save);
            shell_print(io, "%s\n", token ? token : "");
        }
        p += length + (p[length] == '\n');
    }
    return 0;
}

static int test_binary(struct shell *shell, const char *a, const char *op, const char *b)
{
    static const char *const numeric[] = {"-eq", "-ne", "-lt", "-le", "-gt", "-ge"};
    if (strcmp(op, "=") == 0 || strcmp(op, "==") == 0)
        return strcmp(a, b) != 0;
    if (strcmp(op, "!=") == 0)
        return strcmp(a, b) == 0;
    long long x = strtoll(a, NULL, 0), y = strtoll(b, NULL, 0);
    const bool results[] = {x == y, x != y, x < y, x <= y, x > y, x >= y};
    for (unsigned i = 0; i < ARRAY_COUNT(numeric); i++)
        if (strcmp(op, numeric[i]) == 0)
            return !results[i];
    run_skip(shell->run, "command: test with %s is not known here", op);
}

static int do_test(struct shell *shell, int argc, char **argv)
{
    if (argc && (strcmp(argv[argc - 1], "]") == 0 || strcmp(argv[argc - 1], "]]") == 0))
        argc--;
    if (argc > 2 && strcmp(argv[1], "!") == 0)
        return !do_test(shell, argc - 1, argv + 1);
    if (argc == 2)
        return argv[1][0] == 0;
    if (argc == 3 && (strcmp(argv[1], "-z") == 0 || strcmp(argv[1], "-n") == 0))
        return argv[1][1] == 'z' ? argv[2][0] != 0 : argv[2][0] == 0;
    if (argc == 4)
        return test_binary(shell, argv[1], argv[2], argv[3]);
    run_skip(shell->run, "command: this test is not known here");
}

/* --- nstat --------------------------------------------------------------------------------------------------------------- */
struct nstat {
    struct run *run;
    struct shell_io *io;
    char **names;
    bool absolute, zeros, quiet, keep;
};

static struct counter *counter_of(struct run *run, const char *name)
{
    for (struct counter *c = run->counters; c; c = c->next)
        if (strcmp(c->name, name) == 0)
            return c;
    struct counter *c = arena_alloc(&run->script.arena, sizeof *c);
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
    }
    nstat.names = argv + i;
    if (!nstat.quiet)
        shell_print(io, "#kernel\n");
    lil_counter_each(shell->run->host, visit_counter, &nstat);
    return 0;
}

/* --- files -------------------------------------------------------------------------------------------------------------- */
static char *read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    char *text = arena_alloc(arena, SHELL_OUTPUT);
    size_t length = fread(text, 1, SHELL_OUTPUT - 1, file);
    fclose(file);
    text[length] = 0;
    return text;
}

/* A path as the script's: beside the script first, then as it stands. */
static char *read_beside(struct shell *shell, const char *path)
{
    struct arena *arena = &shell->run->script.arena;
    const char *script = shell->run->script.path, *slash = strrchr(script, '/');
    char *text = NULL;
    if (path[0] != '/' && slash)
        text = read_file(arena, arena_printf(arena, "%.*s/%s", (int)(slash - script), script, path));
    return text ? text : read_file(arena, path);
}

static int run_file(struct shell *shell, const char *path, struct shell_io *io)
{
    char *text = read_beside(shell, path);
    if (!text)
        run_skip(shell->run, "command: no file %s", path);
    struct shell inner = {.run = shell->run, .depth = shell->depth + 1};
    return shell_run(&inner, text, io);
}

/* set_sysctls.py /proc/sys/net/ipv4/tcp_sack=1 ...: what it saves for later needs no restoring here. */
static int do_set_sysctls(struct shell *shell, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            run_skip(shell->run, "command: %s: %s has no value", argv[0], argv[i]);
        *equals = 0;
        shell_sysctl_set(shell, argv[i], equals + 1);
    }
    return 0;
}

static int do_sysctl(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    bool bare = false;
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '='), value[256];
        if (argv[i][0] == '-') {
            bare |= strchr(argv[i], 'n') != NULL || strchr(argv[i], 'b') != NULL;
        } else if (equals) {
            *equals = 0;
            const char *to = equals[1] || i + 1 >= argc ? equals + 1 : argv[++i]; /* sysctl a= 1 */
            shell_sysctl_set(shell, argv[i - (to == argv[i])], to);
        } else if (i + 2 < argc && strcmp(argv[i + 1], "=") == 0) {
            shell_sysctl_set(shell, argv[i], argv[i + 2]);
            i += 2;
        } else if (shell_sysctl_get(shell, argv[i], value, sizeof value) == 0) {
            shell_print(io, "%s%s%s\n", bare ? "" : argv[i], bare ? "" : " = ", value);
        }
    }
    return 0;
}

static int do_cat(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    if (argc == 1)
        shell_print(io, "%s", io->input);
    for (int i = 1; i < argc; i++) {
        char value[256];
        if (strncmp(argv[i], "/proc/sys/", 10) != 0)
            run_skip(shell->run, "command: cat %s is not known here", argv[i]);
        shell_sysctl_get(shell, argv[i], value, sizeof value);
        shell_print(io, "%s\n", value);
    }
    return 0;
}

/* A queueing discipline of the device changes nothing here, unless it is there to disturb. */
static int do_tc(struct shell *shell, int argc, char **argv)
{
    static const char *const disturbing[] = {"netem", "tbf", "htb", "police", "filter", "clsact", "ingress"};
    for (int i = 1; i < argc; i++)
        for (unsigned j = 0; j < ARRAY_COUNT(disturbing); j++)
            if (strcmp(argv[i], disturbing[j]) == 0)
                run_skip(shell->run, "command: tc %s is not known here", argv[i]);
    return 0;
}

static int do_ifconfig(struct shell *shell, int argc, char **argv)
{
    for (int i = 2; i + 1 < argc; i++)
        if (strcmp(argv[i], "mtu") == 0 && lil_interface_set_mtu(shell->run->host, shell->run->ifindex, (unsigned)atoi(argv[i + 1])) < 0)
            return 1;
    return 0;
}

static bool is_quiet(const char *name)
{
    static const char *const quiet[] = {"true", ":", "cd", "export", "set", "ethtool", "modprobe", "rm", "mkdir", "touch", "chmod",
                                        "which", "hash", "sync", "logger", "dmesg", "wait", "kldload", "kldunload", "kldstat", "tcpdrop", "sockstat", "local", "unset", "trap", "umask", "ulimit", "echo_restore", "tcp_metrics", "date", "uname", "hostname", "id", "env"};
    for (unsigned i = 0; i < ARRAY_COUNT(quiet); i++)
        if (strcmp(name, quiet[i]) == 0)
            return true;
    return strncmp(name, "sysctl_restore", 14) == 0;
}

int shell_program(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *name = base_name(argv[0]), *dot = strrchr(name, '.');
    if (strcmp(name, "sudo") == 0 || strcmp(name, "sh") == 0 || strcmp(name, "bash") == 0 || strcmp(name, "source") == 0 || strcmp(name, ".") == 0)
        return argc > 1 ? shell_program(shell, argc - 1, argv + 1, io) : 0;
    if (strcmp(name, "-c") == 0 && argc > 1) {
        struct shell inner = {.run = shell->run, .depth = shell->depth + 1};
        return shell_run(&inner, argv[1], io);
    }
    if (is_quiet(name))
        return 0;
    if (strcmp(name, "false") == 0 || strcmp(name, "exit") == 0)
        return strcmp(name, "exit") == 0 && argc > 1 ? atoi(argv[1]) : name[0] == 'f';
    if (strcmp(name, "echo") == 0 || strcmp(name, "printf") == 0)
        return do_echo(argc, argv, io);
    if (strcmp(name, "sleep") == 0)
        return do_sleep(shell, argc, argv);
    if (strcmp(name, "grep") == 0 || strcmp(name, "egrep") == 0)
        return do_grep(shell, argc, argv, io);
    if (strcmp(name, "awk") == 0)
        return do_awk(shell, argc, argv, io);
    if (strcmp(name, "test") == 0 || strcmp(name, "[") == 0 || strcmp(name, "[[") == 0)
        return do_test(shell, argc, argv);
    if (strcmp(name, "nstat") == 0)
        return do_nstat(shell, argc, argv, io);
    if (strcmp(name, "sysctl") == 0)
        return do_sysctl(shell, argc, argv, io);
    if (strcmp(name, "set_sysctls.py") == 0)
        return do_set_sysctls(shell, argc, argv);
    if (strcmp(name, "cat") == 0)
        return do_cat(shell, argc, argv, io);
    if (strcmp(name, "tc") == 0)
        return do_tc(shell, argc, argv);
    if (strcmp(name, "ip") == 0)
        return shell_route(shell, argc, argv);
    if (strcmp(name, "ifconfig") == 0)
        return do_ifconfig(shell, argc, argv);
    if (strcmp(name, "defaults.sh") == 0) {
        shell_defaults(shell, read_beside(shell, argv[0]));
        return 0;
    }
    if (dot && strcmp(dot, ".sh") == 0)
        return run_file(shell, argv[0], io);
    run_skip(shell->run, "command: %s is not known here", name);
}

void run_command(struct run *run, const char *text)
{
    struct shell shell = {.run = run};
    struct shell_io io = {.input = "", .output = arena_alloc(&run->script.arena, SHELL_OUTPUT)};
    int status = shell_run(&shell, text, &io);
    if (run->config.verbose && io.used)
        fprintf(run->config.verbose, "%.*s", (int)io.used, io.output);
    run_settle(run);
    if (status)
        run_fail(run, "the command ended with status %d", status);
}
