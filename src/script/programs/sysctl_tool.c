/* sysctl_tool.c: sysctl(8), and parameters by the names that scripts use: Linux's (the host knows them by these names), FreeBSD's
 * (sysctl_bsd.c), and those that change nothing a script could see here (host/sysctl_linux.c). An unknown one makes the script skipped. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/nearest.h"
#include "host/sysctl_linux.h"
#include "script/programs/programs.h"
#include "script/programs/sysctl_bounds.h"
#include "script/programs/sysctl_defaults.h"

/* Whole families: of every interface, neighbour table or subsystem. */
static const char *const linux_families[] = {"net.ipv4.conf.",
                                             "net.ipv6.conf.",
                                             "net.ipv4.neigh.",
                                             "net.ipv6.neigh.",
                                             "net.ipv4.route.",
                                             "net.ipv6.route.",
                                             "net.ipv4.icmp_",
                                             "net.ipv4.igmp_",
                                             "net.ipv4.udp_",
                                             "net.core.",
                                             "net.netfilter.",
                                             "net.nf_conntrack",
                                             "net.mpls.",
                                             "net.ipv4.cipso_",
                                             "net.unix.",
                                             "kernel.",
                                             "fs.",
                                             "vm.",
                                             "debug.",
                                             "dev.",
                                             "user."};

static bool is_in_family(const char *name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(linux_families); i++)
        if (strncmp(name, linux_families[i], strlen(linux_families[i])) == 0)
            return true;
    return false;
}

/* /proc/sys/net/ipv4/tcp_sack, net/ipv4/tcp_sack -> net.ipv4.tcp_sack */
static const char *dotted(const char *name, char *text, size_t size)
{
    bool path = strncmp(name, "/proc/sys/", 10) == 0;
    snprintf(text, size, "%s", path ? name + 10 : name);
    for (char *p = text; *p; p++)
        if (*p == '/')
            *p = '.';
    return text;
}

/* --- parameters without an effect keep what was written, to be read back ----------------------------------------------- */
static const char *kept(struct shell *shell, const char *name)
{
    for (struct shell_variable *p = shell->run->parameters; p; p = p->next)
        if (strcmp(p->name, name) == 0)
            return p->value;
    return NULL;
}

static void keep(struct shell *shell, const char *name, const char *value)
{
    struct arena *arena = &shell->run->script.arena;
    struct shell_variable *p = arena_alloc(arena, sizeof *p);
    *p = (struct shell_variable){
        .next = shell->run->parameters, .name = arena_copy(arena, name, strlen(name)), .value = arena_copy(arena, value, strlen(value))};
    shell->run->parameters = p;
}

struct name_list {
    const char *names[1024];
    unsigned count;
};

static void add_name(void *ctx, const char *name, const char *value)
{
    struct name_list *list = ctx;
    (void)value;
    if (list->count < ARRAY_COUNT(list->names) - 1)
        list->names[list->count++] = name;
}

static _Noreturn void unknown(struct shell *shell, const char *name)
{
    struct name_list list = {.count = 0};
    (void)lil_sysctl_each(shell->run->host, add_name, &list);
    for (unsigned i = 0; sysctl_linux_at(i); i++)
        add_name(&list, sysctl_linux_at(i)->name, NULL);
    char hint[NEAREST_HINT];
    run_skip(shell->run, "command: no sysctl %s here%s", name, nearest_hint(nearest_word(name, list.names), hint));
}

static bool is_refused(const char *name, const char *value)
{
    char *end;
    unsigned long number = strtoul(value, &end, 0); /* a negative one is large */
    for (unsigned i = 0; i < ARRAY_COUNT(linux_bounds); i++)
        if (strcmp(linux_bounds[i].name, name) == 0)
            return *value && !*end && (number < linux_bounds[i].low || number > linux_bounds[i].high);
    return false;
}

/* The status of the command. */
static int set_or_skip(struct shell *shell, const char *name, const char *value)
{
    const struct sysctl_linux *known = sysctl_linux_find(name);
    if (!shell->lenient && is_refused(name, value))
        return 1;
    int error = lil_sysctl_set(shell->run->host, name, value);
    if (error == -EINVAL && !shell->lenient && strncmp(name, "net.ipv4.ip_local_", 18) == 0) /* spans of ports */
        return 1;
    bool passes = error != -ENOENT && is_in_family(name); /* a value that the host does not take, of what hardly matters */
    if (error == 0)
        return 0;
    if (known && known->fixed && strcmp(known->value, value) != 0 && !shell->lenient)
        run_skip(shell->run, "command: sysctl %s=%s is not supported", name, value);
    if (known || passes || (error == -ENOENT && is_in_family(name)))
        keep(shell, name, value);
    else if (error == -ENOENT && !shell->lenient)
        unknown(shell, name);
    else if (!shell->lenient)
        run_skip(shell->run, "command: sysctl %s cannot be \"%s\" here", name, value);
    return 0;
}

int shell_sysctl_set(struct shell *shell, const char *name, const char *value)
{
    char text[128], trimmed[256];
    size_t n = 0;
    name = dotted(name, text, sizeof text);
    for (; *value && n + 1 < sizeof trimmed; value++) /* one blank between numbers, none around them */
        if (!isspace((unsigned char)*value) || (n && trimmed[n - 1] != ' '))
            trimmed[n++] = (char)(isspace((unsigned char)*value) ? ' ' : *value);
    n -= n && trimmed[n - 1] == ' ';
    trimmed[n] = 0;
    int status = shell_sysctl_bsd_set(shell, name, trimmed);
    if (status == 0 && shell_sysctl_bsd_is_kept(name))
        keep(shell, name, trimmed);
    return status < 0 ? set_or_skip(shell, name, trimmed) : status;
}

static bool find_value(struct shell *shell, const char *name, char *value, size_t size)
{
    const struct sysctl_linux *known = sysctl_linux_find(name);
    const char *written = kept(shell, name);
    bool is_linux = strncmp(name, "net.ipv", 7) == 0;
    if (written || (known && lil_sysctl_get(shell->run->host, name, value, size) < 0))
        snprintf(value, size, "%s", written ? written : known->value);
    else if (!known && lil_sysctl_get(shell->run->host, name, value, size) < 0 && !is_in_family(name))
        return false;
    else if (!known && lil_sysctl_get(shell->run->host, name, value, size) < 0)
        snprintf(value, size, "0");
    for (char *p = value; is_linux && *p; p++)
        if (*p == ' ' && isdigit((unsigned char)p[1])) /* Linux parts numbers with tabs */
            *p = '\t';
    return true;
}

/* FreeBSD's: known to it, or written. */
static bool find_bsd(struct shell *shell, const char *name, char *value, size_t size)
{
    const char *written = shell_sysctl_bsd_is_kept(name) ? kept(shell, name) : NULL;
    return written ? snprintf(value, size, "%s", written) > 0 : shell_sysctl_bsd_get(shell, name, value, size);
}

bool shell_sysctl_known(struct shell *shell, const char *name)
{
    char text[128], value[256];
    name = dotted(name, text, sizeof text);
    return find_bsd(shell, name, value, sizeof value) || find_value(shell, name, value, sizeof value);
}

int shell_sysctl_get(struct shell *shell, const char *name, char *value, size_t size)
{
    char text[128];
    name = dotted(name, text, sizeof text);
    if (!find_bsd(shell, name, value, size) && !find_value(shell, name, value, size))
        unknown(shell, name);
    return 0;
}

struct listing {
    struct shell *shell;
    struct shell_io *io;
    bool names_only;
};

static void list(void *ctx, const char *name, const char *unused)
{
    struct listing *listing = ctx;
    char value[256];
    (void)unused;
    if (!find_value(listing->shell, name, value, sizeof value))
        return;
    if (listing->names_only)
        shell_print(listing->io, "%s\n", name);
    else
        shell_print(listing->io, "%s = %s\n", name, value);
}

static void list_all(struct shell *shell, struct shell_io *io, bool names_only)
{
    struct listing listing = {shell, io, names_only};
    (void)lil_sysctl_each(shell->run->host, list, &listing);
    for (unsigned i = 0; sysctl_linux_at(i); i++)
        list(&listing, sysctl_linux_at(i)->name, NULL);
}

/* defaults.sh: the settings that Linux's collections of scripts begin with: a fresh host is one, but for these. */
void shell_defaults(struct shell *shell, const char *file_text)
{
    const char *profile = shell->run->config.profile;
    if (profile && strncmp(profile, "linux", 5) != 0)
        return;
    for (unsigned i = 0; i < ARRAY_COUNT(collection_defaults); i++)
        (void)lil_sysctl_set(shell->run->host, collection_defaults[i].name, collection_defaults[i].value);
    /* The collection's own file may say otherwise: its lines about parameters. */
    struct shell inner;
    shell_init(&inner, shell->run);
    inner.lenient = true;
    inner.depth = shell->depth + 1;
    struct shell_io io = shell_buffer(shell, "");
    for (const char *p = file_text; p && *p;) {
        size_t length = strcspn(p, "\n");
        while (length && p[length] && p[length - 1] == '\\') /* goes on below */
            length += 1 + strcspn(p + length + 1, "\n");
        const char *line = arena_copy(&shell->run->script.arena, p, length), *word = line + strspn(line, " \t");
        if (strncmp(word, "sysctl ", 7) == 0 || (strncmp(word, "echo ", 5) == 0 && strstr(word, "/proc/sys/")) ||
            strstr(word, "set_sysctls.py "))
            shell_run(&inner, word, &io);
        p += length + (p[length] == '\n');
    }
}

/* --- the programs ------------------------------------------------------------------------------------------------------ */
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
        list_all(shell, io, names);
    return status;
}

bool shell_parameters(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status)
{
    static const struct shell_program programs[] = {
        {"sysctl", do_sysctl}, {"set_sysctls.py", do_set_sysctls},
    };
    return shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, status);
}
