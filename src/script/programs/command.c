/* command.c: which program a word of `commands` is (programs.h), and those that run others: sh, source, eval, sudo ... What is not known
 * makes the script skipped, never passed. */
#include <string.h>
#include "script/programs/netfilter.h"
#include "script/programs/programs.h"

const char *shell_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static int do_nothing(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)shell, (void)argc, (void)io;
    return strcmp(argv[0], "false") == 0;
}

/* --- programs that run others ------------------------------------------------------------------------------------- */
/* In a shell of its own, with the parameters ARGV ($0, $1 ...; NULL: none). */
static int run_apart(const struct shell *shell, const char *text, char **argv, struct shell_io *io)
{
    struct shell inner;
    shell_init(&inner, shell->run);
    inner.depth = shell->depth + 1;
    inner.argv = argv;
    return shell_run(&inner, text, io);
}

static char *text_beside(struct shell *shell, const char *path)
{
    char *text = shell_file_beside(shell, path);
    if (!text)
        run_skip(shell->run, "command: no file %s", path);
    return text;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1];
}

static int do_shell(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int i = 1;
    for (; i < argc && is_option(argv[i]); i++)
        if (strchr(argv[i], 'c') && argv[i][1] != '-' && i + 1 < argc)
            return run_apart(shell, argv[i + 1], i + 2 < argc ? argv + i + 2 : NULL, io);
    if (i < argc)
        return run_apart(shell, text_beside(shell, argv[i]), argv + i, io);
    struct shell_io child = *io; /* what stands in a here-document */
    child.input = "";
    int status = run_apart(shell, io->input, NULL, &child);
    child.input = io->input;
    *io = child;
    return status;
}

static int do_source(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    if (argc < 2)
        run_skip(shell->run, "command: %s without a file", argv[0]);
    if (strcmp(shell_base_name(argv[1]), "defaults.sh") == 0)
        return shell_program(shell, argc - 1, argv + 1, io);
    char *text = text_beside(shell, argv[1]);
    shell->depth++;
    int status = shell_run(shell, text, io);
    shell->depth--;
    return status;
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
    {"iptables", shell_iptables}, {"ip6tables", shell_iptables}, {"iptables-legacy", shell_iptables},
    {"iptables-nft", shell_iptables}, {"ip6tables-legacy", shell_iptables}, {"ip6tables-nft", shell_iptables}, {"nft", shell_nft},
    {"ip", shell_ip}, {"nstat", shell_nstat},
    {"sh", do_shell}, {"bash", do_shell}, {"dash", do_shell}, {"source", do_source}, {".", do_source}, {"eval", do_eval},
    {"sudo", do_prefix}, {"env", do_prefix}, {"timeout", do_prefix}, {"nice", do_prefix}, {"taskset", do_prefix}, {"command", do_prefix},
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

static shell_part *const parts[] = {shell_builtins, shell_text, shell_lines,   shell_files,   shell_parameters,
                                    shell_sockets,  shell_looks,  shell_devices, shell_bsdtools};

int shell_program(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *path = argv[0], *name = shell_base_name(path), *dot = strrchr(name, '.');
    int status;
    argv[0] = (char *)name;
    for (unsigned i = 0; i < ARRAY_COUNT(parts); i++)
        if (parts[i](shell, argc, argv, io, &status))
            return status;
    if (shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, &status))
        return status;
    if (strcmp(name, "defaults.sh") == 0) {
        shell_defaults(shell, shell_file_beside(shell, path));
        return 0;
    }
    if (strncmp(name, "sysctl_restore", 14) == 0) /* what set_sysctls.py of a real machine writes for the end */
        return 0;
    argv[0] = (char *)path;
    if (dot && strcmp(dot, ".sh") == 0)
        return run_apart(shell, text_beside(shell, path), argv, io);
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
