/* script.c: `lilliput script`: finds the files, runs each, tells. docs/man/lilliput-script.1 is its manual. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli/cli.h"
#include "lilliput/host.h"
#include "script/report.h"

struct options {
    struct script_config config;
    bool both, json, ip_given;
    const char *junit;
    struct results results;
    struct define *defines;
    unsigned runs;
};

static void usage(FILE *out)
{
    fputs("usage: lilliput script [--profile P] [--ipv4|--ipv6|--both] [-D NAME=VALUE] [--json] [--junit FILE]\n"
          "                       [--verbose] [--capture FILE] [--strict] [--OPTION=VALUE ...] FILE|DIR ...\n\n"
          "Runs packetdrill scripts (*.pkt) against a host in virtual time. OPTION is any of packetdrill's own:\n"
          "ip_version, mtu, local_ip, remote_ip, tolerance_usecs, strict_segments, non_fatal, init_scripts ...\n"
          "Exit status: 0 none failed, 1 some did, 2 bad usage.\n", out);
}

static bool has_ip_version(const char *path)
{
    struct script script;
    FILE *file = fopen(path, "re");
    char text[4096];
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

static void run_as(struct options *options, const char *path, enum script_ip ip, bool show)
{
    static const char *const names[] = {"ipv4", "ipv6", "ipv4-mapped-ipv6"};
    struct script_config config = options->config;
    struct script_report report;
    config.ip = ip;
    config.capture_append = options->runs++ > 0;
    if (config.verbose)
        fprintf(config.verbose, "=== %s\n", path);
    script_run_file(path, &config, &report);
    results_add(&options->results, path, names[ip], show, &report);
    if (!options->json) {
        result_print(&options->results.items[options->results.count - 1], stdout);
        fflush(stdout);
    }
}

static void run_file(struct options *options, const char *path)
{
    if (!options->both || has_ip_version(path)) {
        run_as(options, path, options->config.ip, false);
    } else {
        run_as(options, path, SCRIPT_IPV4, true);
        run_as(options, path, SCRIPT_IPV6, true);
    }
}

static int is_interesting(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* 0, or -Exxx when PATH itself is not there. */
static int run_path(struct options *options, const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return -errno;
    if (!S_ISDIR(status.st_mode)) {
        run_file(options, path);
        return 0;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, is_interesting, alphasort);
    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++) {
        char child[4096];
        size_t length = strlen(path);
        snprintf(child, sizeof child, "%s%s%s", path, length && path[length - 1] == '/' ? "" : "/", entries[i]->d_name);
        const char *dot = strrchr(entries[i]->d_name, '.');
        bool is_script = dot && strcmp(dot, ".pkt") == 0;
        if (stat(child, &status) == 0 && (S_ISDIR(status.st_mode) || is_script))
            (void)run_path(options, child);
        free(entries[i]);
    }
    free(entries);
    return 0;
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
    if (strcmp(argument, "--ipv4") == 0)
        options->config.ip = SCRIPT_IPV4;
    else if (strcmp(argument, "--ipv6") == 0)
        options->config.ip = SCRIPT_IPV6;
    else if (strcmp(argument, "--both") == 0)
        options->both = true;
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
    if (error == 0 && strcmp(name, "ip_version") != 0 && options->config.fixed_count < 32) /* as in packetdrill, the command line has the last word */
        options->config.fixed[options->config.fixed_count++] = argument + 2;
    if (error == -ENOENT)
        return bad("unknown option %s", argument);
    return error ? bad("bad value in %s", argument) : 0;
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
    static const char *const valued[] = {"--profile", "--junit", "--capture", "--define", "--seed"};
    for (int k = 0; k < 5; k++) {
        if (!is_word(argv[*i], valued[k]))
            continue;
        value = value_of(argc, argv, i, valued[k]);
        if (!value)
            return bad("%s wants a value", valued[k]);
        if (k == 0)
            options->config.profile = value;
        else if (k == 1)
            options->junit = value;
        else if (k == 2)
            options->config.capture = value;
        else if (k == 3)
            return add_define(options, value) ? 0 : bad("--define wants NAME=VALUE, not \"%s\"", value);
        else
            return script_config_set(&options->config, "seed", value) ? bad("bad seed %s", value) : 0;
        return 0;
    }
    if (strncmp(argv[*i], "--", 2) == 0)
        return packetdrill_option(options, argv[*i]);
    return bad("unknown option %s", argv[*i]);
}

static int check_profile(const char *profile)
{
    const char *const *names = lil_profile_names();
    if (!profile)
        return 0;
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], profile) == 0)
            return 0;
    const char *near = cli_nearest(profile, names);
    fprintf(stderr, "lilliput script: unknown profile \"%s\"%s%s%s; `lilliput profile list` lists them\n", profile, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return CLI_USAGE;
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
    struct options options = {0};
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
    if (!status)
        status = check_profile(options.config.profile);
    for (int i = 0; i < count && !status; i++) {
        int error = run_path(&options, paths[i]);
        if (error < 0) {
            fprintf(stderr, "lilliput script: %s: %s\n", paths[i], strerror(-error));
            status = CLI_USAGE;
        }
    }
    int finished = status ? status : finish(&options);
    free(paths);
    return finished;
}
