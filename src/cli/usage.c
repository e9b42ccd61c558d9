/* usage.c: see cli.h: what the verbs that run programs say of a wrong command line, in one line each: what was wrong, and what to do. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"
#include "lilliput/lilliput.h"

int cli_wrong(const char *verb, const char *what, const char *word, const char *instead)
{
    fprintf(stderr, "lilliput %s: ", verb);
    fprintf(stderr, what, word);
    fprintf(stderr, "; %s\n", instead);
    return CLI_USAGE;
}

int cli_unknown(const char *verb, const char *what, const char *word, const char *near, const char *instead)
{
    char text[96];

    snprintf(text, sizeof text, "did you mean \"%s\"?", near ? near : "");
    return cli_wrong(verb, what, word, near ? text : instead);
}

int cli_no_operands(const char *verb, int argc, char **argv, const char *instead)
{
    char help[96];

    snprintf(help, sizeof help, "`lilliput %s --help` tells how", verb);
    return optind < argc ? cli_wrong(verb, "%s: no operand is wanted", argv[optind], instead ? instead : help) : CLI_OK;
}

int cli_getopt(const char *verb, int argc, char **argv, const struct option *options)
{
    enum { WORDS = 40 };
    const char *words[WORDS + 1] = {0}, *near, *word;
    char instead[96];
    int at = optind ? optind : 1, option, index = 0;

    opterr = 0;
    snprintf(instead, sizeof instead, "`lilliput %s --help` lists the options", verb);
    option = getopt_long(argc, argv, "+:h", options, &index);
    word = at < argc ? argv[at] : "";
    if (option == ':' || (option > 0 && option != '?' && optarg && optarg == argv[optind - 1] && !strncmp(optarg, "--", 2))) {
        cli_wrong(verb, "%s needs a value", word, instead);
        return '?';
    }
    if (option != '?')
        return option;
    for (int i = 0; i < WORDS && options[i].name; i++)
        words[i] = options[i].name;
    near = nearest_word(word + strspn(word, "-"), words);
    if (near)
        snprintf(instead, sizeof instead, "did you mean --%s?", near);
    cli_wrong(verb, strchr(word, '=') ? "%s: there is no such option, or it takes no value" : "%s: there is no such option", word, instead);
    return '?';
}

int cli_number(const char *verb, const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 0);
    if (*text >= '0' && *text <= '9' && !*end && !errno && *out >= min && *out <= max)
        return CLI_OK;
    fprintf(stderr, "lilliput %s: %s %s: a whole number", verb, option, text);
    if (max != UINT64_MAX || errno)
        fprintf(stderr, " from %" PRIu64 " to %" PRIu64, min, max);
    fputs(" is wanted\n", stderr);
    return CLI_USAGE;
}

int cli_date(const char *verb, const char *text, uint64_t *out_ns)
{
    struct tm day = {0};
    uint64_t seconds;
    const char *end;

    if (*text == '@') {
        if (cli_number(verb, "--date @", text + 1, 1, UINT32_MAX, &seconds) != CLI_OK)
            return CLI_USAGE;
        *out_ns = seconds * 1000000000;
        return CLI_OK;
    }
    end = strptime(text, "%Y-%m-%d", &day);
    if (end && (*end == 'T' || *end == ' '))
        end = strptime(end + 1, "%H:%M:%S", &day);
    if (!end || strcmp(end + (*end == 'Z'), "") != 0 || timegm(&day) <= 0)
        return cli_wrong(verb, "--date %s: no date", text, "2026-11-30, 2026-11-30T12:00:00 (UTC) or @1796040000 is one");
    *out_ns = (uint64_t)timegm(&day) * 1000000000;
    return CLI_OK;
}

int cli_profile(const char *verb, const char *name)
{
    for (const char *const *known = lil_profile_names(); *known; known++)
        if (!strcmp(*known, name))
            return CLI_OK;
    return cli_unknown(verb, "no profile \"%s\"", name, nearest_word(name, lil_profile_names()), "`lilliput profile list` lists them");
}

/* Of a word without a slash, by PATH, as execvp(3) does it. */
static bool is_program(const char *name)
{
    const char *path = getenv("PATH");
    char text[4096];
    struct stat status;

    if (strchr(name, '/'))
        return access(name, X_OK) == 0 && stat(name, &status) == 0 && S_ISREG(status.st_mode);
    for (const char *at = path ? path : "/bin:/usr/bin"; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
        int length = (int)strcspn(at, ":");
        snprintf(text, sizeof text, "%.*s%s%s", length, at, length ? "/" : "", name);
        if (access(text, X_OK) == 0 && stat(text, &status) == 0 && S_ISREG(status.st_mode))
            return true;
    }
    return false;
}

int cli_program(const char *verb, const char *name)
{
    if (is_program(name))
        return CLI_OK;
    return cli_wrong(verb, "%s: no such program, or it cannot be executed", name,
                     strchr(name, '/') ? "is the path right?" : "is it installed, and in PATH?");
}

int cli_output(const char *verb, const char *option, const char *file)
{
    char directory[4096], instead[128];
    const char *slash = strrchr(file, '/');
    struct stat status;

    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - file) + 1 : 1, slash ? file : ".");
    if (stat(file, &status) == 0 ? access(file, W_OK) == 0 && !S_ISDIR(status.st_mode) : access(directory, W_OK) == 0)
        return CLI_OK;
    snprintf(instead, sizeof instead, "%s wants a file that can be written (%s)", option, strerror(errno ? errno : EISDIR));
    return cli_wrong(verb, "%s cannot be written", file, instead);
}

void cli_print_json(struct json_t *root)
{
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(root);
}
