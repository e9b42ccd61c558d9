/* builtins.c: programs of `commands` that shells have built in, and other small ones: echo, printf, set, test, seq, sleep, uname ... */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "script/programs/programs.h"

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
        shell_print(io, "%s\n", shell_base_name(flag));
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

bool shell_builtins(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status)
{
    static const struct shell_program programs[] = {
        {"echo", do_echo}, {"printf", do_printf}, {"sleep", do_sleep}, {"usleep", do_sleep}, {"seq", do_seq}, {"expr", do_expr},
        {"let", do_let}, {"set", do_set}, {"shift", do_shift}, {"unset", do_unset}, {"export", do_export}, {"local", do_export},
        {"declare", do_export}, {"readonly", do_export}, {"test", do_test}, {"[", do_test}, {"[[", do_test}, {"uname", do_tell},
        {"date", do_tell}, {"id", do_tell}, {"nproc", do_tell}, {"basename", do_tell}, {"dirname", do_tell}, {"hostname", do_tell},
        {"whoami", do_tell}, {"pwd", do_tell},
    };
    return shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, status);
}
