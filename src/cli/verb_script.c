/* verb_script.c: `lilliput script`: finds the files, runs each, tells. docs/man/lilliput-script.1 is its manual. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"
#include "lilliput/host.h"
#include "base/base.h"
#include "script/batch.h"
#include "script/report.h"

enum versions { ONE_VERSION, BOTH_VERSIONS, ALL_VERSIONS /* and IPv4 on AF_INET6 sockets */ };
struct options {
    struct script_config config;
    enum versions versions;
    bool json, quiet, progress;
    bool ip_given;            /* the command line says which version: a file's name does not count */
    const char *junit;
    int jobs;                 /* -1: as many as there are processors */
    struct results results;
    struct define *defines;
    struct batch batch;
    char *joined[64]; /* "--name value" as --name=value */
    unsigned joined_count;
};

static void usage(FILE *out)
{
    fputs("usage: lilliput script [--profile P] [--ipv4|--ipv6|--mapped|--both|--all-versions] [-D NAME=VALUE] [--json] [--junit FILE]\n"
          "                       [--verbose] [--quiet] [--capture FILE] [--strict] [--jobs N] [--OPTION=VALUE ...] FILE|DIR ...\n\n"
          "Runs packetdrill scripts (*.pkt) against a host in virtual time. OPTION is any of packetdrill's own:\n"
          "ip_version, mtu, local_ip, remote_ip, tolerance_usecs, strict_segments, non_fatal, init_scripts ...\n"
          "  --both           each script over IPv4 and IPv6, --all-versions also as IPv4 on AF_INET6 sockets (--mapped: so alone)\n"
          "  --verbose        each event and packet; --capture FILE writes pcapng; --quiet leaves out what passes\n"
          "  --strict         a packet that no line expects fails the script\n"
          "  --jobs N         scripts at a time (as many as processors); 0: in this very process\n"
          "A collection of scripts is one command:\n"
          "  lilliput script --all-versions linux/tools/testing/selftests/net/packetdrill\n"
          "  lilliput script --all-versions packetdrill/gtests/net\n"
          "  lilliput script --both --profile freebsd freebsd-tests\n"
          "Exit status: 0 none failed, 1 some did, 2 bad usage.\n", out);
}

static bool has_ip_version(const char *path)
{
    struct script script;
    FILE *file = fopen(path, "re");
    char text[16384];
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    bool found = false;
    if (file)
        fclose(file);
    text[length] = 0;
    (void)script_parse_options(&script, path, text);
    for (const struct script_option *option = script.options; option; option = option->next)
        found |= strcmp(option->name, "ip_version") == 0;
    script_fini(&script);
    return found;
}

static const char *const version_names[] = {"ipv4", "ipv6", "ipv4-mapped-ipv6"};

/* "x-v6.pkt", "x_ipv4.pkt", "x-ipv4-mapped-ipv6.pkt" are for that version alone; -1: the name does not say. */
static int version_of_name(const char *path)
{
    static const struct { const char *end; enum script_ip ip; } ends[] = {
        {"ipv4-mapped-ipv6", SCRIPT_IPV4_MAPPED}, {"ipv4_mapped_ipv6", SCRIPT_IPV4_MAPPED}, {"ipv4", SCRIPT_IPV4},
        {"v4", SCRIPT_IPV4}, {"ipv6", SCRIPT_IPV6}, {"v6", SCRIPT_IPV6}};
    const char *dot = strrchr(path, '.');
    size_t length = dot ? (size_t)(dot - path) : strlen(path);
    for (unsigned i = 0; i < ARRAY_COUNT(ends); i++) {
        size_t size = strlen(ends[i].end);
        if (length > size && memcmp(path + length - size, ends[i].end, size) == 0 && strchr("-_.", path[length - size - 1]))
            return (int)ends[i].ip;
    }
    return -1;
}

static void add_file(struct options *options, const char *path)
{
    int named = options->ip_given && options->versions == ONE_VERSION ? -1 : version_of_name(path);
    if (named >= 0) {
        batch_add(&options->batch, path, (enum script_ip)named, false);
    } else if (options->versions == ONE_VERSION || has_ip_version(path)) {
        batch_add(&options->batch, path, options->config.ip, false);
    } else {
        for (int ip = SCRIPT_IPV4; ip <= (options->versions == ALL_VERSIONS ? SCRIPT_IPV4_MAPPED : SCRIPT_IPV6); ip++)
            batch_add(&options->batch, path, (enum script_ip)ip, true);
    }
}

static int is_interesting(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

struct folder { /* the way down to here: a link back up is not followed */
    const struct folder *above;
    dev_t device;
    ino_t inode;
};

static bool is_above(const struct folder *folder, const struct stat *status)
{
    for (; folder; folder = folder->above)
        if (folder->device == status->st_dev && folder->inode == status->st_ino)
            return true;
    return false;
}

/* The scripts at PATH and below it, by name. 0, or -Exxx when PATH itself cannot be read. */
static int add_path(struct options *options, const char *path, const struct folder *above)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return -errno;
    if (!S_ISDIR(status.st_mode)) {
        add_file(options, path);
        return 0;
    }
    if (is_above(above, &status))
        return 0;
    const struct folder here = {above, status.st_dev, status.st_ino};
    struct dirent **entries;
    int count = scandir(path, &entries, is_interesting, alphasort);
    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++) {
        char child[4096], message[256];
        size_t length = strlen(path);
        snprintf(child, sizeof child, "%s%s%s", path, length && path[length - 1] == '/' ? "" : "/", entries[i]->d_name);
        const char *dot = strrchr(entries[i]->d_name, '.');
        bool is_script = dot && strcmp(dot, ".pkt") == 0, is_there = stat(child, &status) == 0;
        int error = is_there && (S_ISDIR(status.st_mode) || is_script) ? add_path(options, child, &here)
                    : is_script && !is_there                           ? -ENOENT
                                                                       : 0;
        if (error < 0) {
            snprintf(message, sizeof message, "cannot read: %s", strerror(-error));
            batch_add_failure(&options->batch, child, message);
        }
        free(entries[i]);
    }
    free(entries);
    return 0;
}

static void on_result(void *ctx, const struct batch_job *job, unsigned done, unsigned count)
{
    struct options *options = ctx;
    if (options->progress)
        fputs("\r\033[K", stderr);
    results_add(&options->results, job->path, version_names[job->ip], job->show_ip, &job->report);
    if (!options->json && !(options->quiet && job->report.outcome == SCRIPT_PASSED)) {
        result_print(&options->results.items[options->results.count - 1], stdout);
        fflush(stdout);
    }
    if (options->progress && done < count)
        fprintf(stderr, "%u of %u, %u failed ", done, count, options->results.outcomes[SCRIPT_FAILED]);
}

static bool add_define(struct options *options, const char *text)
{
    const char *equals = strchr(text, '=');
    struct define *define = calloc(1, sizeof *define);
    if (!equals || !define) {
        free(define);
        return false;
    }
    define->name = strndup(text, (size_t)(equals - text));
    define->value = equals + 1;
    define->next = options->defines;
    options->config.defines = options->defines = define;
    return true;
}

static int bad(const char *format, const char *word)
{
    fputs("lilliput script: ", stderr);
    fprintf(stderr, format, word);
    fputs("; `lilliput script --help` tells more\n", stderr);
    return CLI_USAGE;
}

/* The value of "--name=value" or of "--name value"; NULL: none. */
static const char *value_of(int argc, char **argv, int *i, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(argv[*i], name, length) == 0 && argv[*i][length] == '=')
        return argv[*i] + length + 1;
    if (strcmp(argv[*i], name) == 0 && *i + 1 < argc)
        return argv[++*i];
    return NULL;
}

static bool is_word(const char *argument, const char *name)
{
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 && (argument[length] == 0 || argument[length] == '=');
}

static bool simple_flag(struct options *options, const char *argument)
{
    if (strcmp(argument, "--ipv4") == 0 || strcmp(argument, "--ipv6") == 0 || strcmp(argument, "--mapped") == 0)
        options->ip_given = true;
    if (strcmp(argument, "--ipv4") == 0)
        options->config.ip = SCRIPT_IPV4;
    else if (strcmp(argument, "--ipv6") == 0)
        options->config.ip = SCRIPT_IPV6;
    else if (strcmp(argument, "--mapped") == 0)
        options->config.ip = SCRIPT_IPV4_MAPPED;
    else if (strcmp(argument, "--both") == 0)
        options->versions = BOTH_VERSIONS;
    else if (strcmp(argument, "--all-versions") == 0)
        options->versions = ALL_VERSIONS;
    else if (strcmp(argument, "--quiet") == 0 || strcmp(argument, "-q") == 0)
        options->quiet = true;
    else if (strcmp(argument, "--json") == 0)
        options->json = true;
    else if (strcmp(argument, "--verbose") == 0 || strcmp(argument, "-v") == 0)
        options->config.verbose = options->config.output = stderr;
    else
        return false;
    return true;
}

/* packetdrill's own options, in the form --name=value. */
static int packetdrill_option(struct options *options, const char *argument)
{
    char name[64];
    size_t length = strcspn(argument + 2, "=");
    if (length >= sizeof name)
        return bad("unknown option %s", argument);
    memcpy(name, argument + 2, length);
    name[length] = 0;
    for (char *p = name; *p; p++)
        if (*p == '-')
            *p = '_';
    int error = script_config_set(&options->config, name, argument[2 + length] ? argument + 3 + length : "");
    options->ip_given |= strcmp(name, "ip_version") == 0;
    /* as in packetdrill, the command line has the last word */
    if (error == 0 && strcmp(name, "ip_version") != 0 && options->config.fixed_count < 32)
        options->config.fixed[options->config.fixed_count++] = argument + 2;
    if (error == -ENOENT)
        return bad("unknown option %s", argument);
    if (error)
        fprintf(stderr, "lilliput script: %s: %s is wanted\n", argument, script_config_form(name));
    return error ? CLI_USAGE : 0;
}

/* Options of packetdrill that stand alone; the others may have their value behind a blank. */
static bool is_bare(const char *name)
{
    static const char *const bare[] = {
        "strict",         "strict_segments", "strict-segments",    "dry_run",     "dry-run",  "debug", "no_cleanup",
        "send_omit_free", "is_anyip",        "persistent_tun_dev", "wire_client", "check_mem"};
    for (unsigned i = 0; i < ARRAY_COUNT(bare); i++)
        if (strcmp(name, bare[i]) == 0)
            return true;
    return false;
}

static const char *const valued[] = {"--profile", "--junit", "--capture", "--define", "--seed", "--jobs", NULL};

static int take_value(struct options *options, const char *name, const char *value)
{
    char rest;
    if (strcmp(name, "--profile") == 0)
        options->config.profile = value;
    else if (strcmp(name, "--junit") == 0)
        options->junit = value;
    else if (strcmp(name, "--capture") == 0)
        options->config.capture = value;
    else if (strcmp(name, "--define") == 0)
        return add_define(options, value) ? 0 : bad("--define wants NAME=VALUE, not \"%s\"", value);
    else if (strcmp(name, "--seed") == 0)
        return script_config_set(&options->config, "seed", value) ? bad("bad seed %s", value) : 0;
    else if (sscanf(value, "%d%c", &options->jobs, &rest) != 1 || options->jobs < 0)
        return bad("--jobs wants a number, not \"%s\"", value);
    return 0;
}

static int parse_option(struct options *options, int argc, char **argv, int *i)
{
    const char *value;
    if (simple_flag(options, argv[*i]))
        return 0;
    if (argv[*i][0] == '-' && argv[*i][1] == 'D') {
        value = argv[*i][2] ? argv[*i] + 2 : *i + 1 < argc ? argv[++*i] : "";
        return add_define(options, value) ? 0 : bad("-D wants NAME=VALUE, not \"%s\"", value);
    }
    for (const char *const *name = valued; *name; name++)
        if (is_word(argv[*i], *name)) {
            value = value_of(argc, argv, i, *name);
            return value ? take_value(options, *name, value) : bad("%s wants a value", *name);
        }
    if (strncmp(argv[*i], "--", 2) == 0) {
        const char *argument = argv[*i];
        if (!strchr(argument, '=') && !is_bare(argument + 2) && *i + 1 < argc && argv[*i + 1][0] != '-') {
            if (options->joined_count == ARRAY_COUNT(options->joined))
                return bad("too many options: %s", argument);
            char *joined = malloc(strlen(argument) + strlen(argv[*i + 1]) + 2);
            if (!joined)
                abort();
            sprintf(joined, "%s=%s", argument, argv[++*i]);
            argument = options->joined[options->joined_count++] = joined; /* the configuration borrows it */
        }
        return packetdrill_option(options, argument);
    }
    return bad("unknown option %s", argv[*i]);
}

static void run_all(struct options *options)
{
    bool in_order = options->config.verbose || options->config.capture; /* what they write is one stream */
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    options->progress = isatty(STDERR_FILENO) && options->batch.count > 1 && !options->config.verbose;
    options->batch.workers = in_order ? 0 : options->jobs >= 0 ? (unsigned)options->jobs : processors > 1 ? (unsigned)processors : 1;
    options->batch.config = &options->config;
    options->batch.on_result = on_result;
    options->batch.ctx = options;
    batch_run(&options->batch);
}

static int finish(struct options *options)
{
    if (options->json)
        results_print_json(&options->results, stdout);
    else
        results_print_summary(&options->results, stdout);
    int status = options->results.outcomes[SCRIPT_FAILED] ? CLI_FAILED : CLI_OK;
    if (options->junit) {
        int error = results_write_junit(&options->results, options->junit);
        if (error < 0) {
            fprintf(stderr, "lilliput script: cannot write %s: %s\n", options->junit, strerror(-error));
            status = CLI_FAILED;
        }
    }
    results_fini(&options->results);
    while (options->defines) {
        struct define *next = options->defines->next;
        free((char *)options->defines->name);
        free(options->defines);
        options->defines = next;
    }
    return status;
}

int script_main(int argc, char **argv)
{
    struct options options = {.jobs = -1};
    const char **paths = calloc((size_t)argc + 1, sizeof *paths);
    int count = 0, status = 0;
    script_config_init(&options.config);
    bool only_paths = false;
    for (int i = 1; i < argc && !status; i++) {
        if (!only_paths && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            usage(stdout);
            free(paths);
            return CLI_OK;
        }
        if (!only_paths && strcmp(argv[i], "--") == 0)
            only_paths = true;
        else if (only_paths || argv[i][0] != '-')
            paths[count++] = argv[i];
        else
            status = parse_option(&options, argc, argv, &i);
    }
    if (!status && !count) {
        usage(stderr);
        status = CLI_USAGE;
    }
    if (!status && options.config.profile)
        status = cli_profile("script", options.config.profile);
    for (int i = 0; i < count && !status; i++) {
        unsigned before = options.batch.count;
        int error = add_path(&options, paths[i], NULL);
        if (error < 0 || options.batch.count == before) {
            fprintf(stderr, "lilliput script: %s: %s\n", paths[i], error < 0 ? strerror(-error) : "no script (*.pkt) here");
            status = CLI_USAGE;
        }
    }
    if (!status)
        run_all(&options);
    int finished = status ? status : finish(&options);
    batch_fini(&options.batch);
    for (unsigned i = 0; i < options.joined_count; i++)
        free(options.joined[i]);
    free(paths);
    return finished;
}
