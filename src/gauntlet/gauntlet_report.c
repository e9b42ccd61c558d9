/* gauntlet_report.c: the gauntlet's table, JSON, JUnit XML, and the baseline (YAML) that --record writes and --expect reads. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/base.h"
#include "base/nearest.h"
#include "gauntlet/attempt.h"
#include "gauntlet/cases.h"

static const char *attempt_errno_name(int error, char out[ATTEMPT_WORD])
{
    const char *name = error ? strerrorname_np(error) : "-";
    snprintf(out, ATTEMPT_WORD, "%s", name ? name : "?");
    return out;
}

/* Seconds: "0 1 2.5 ..." */
static void syn_words(const struct attempt *a, char *out, size_t size)
{
    size_t at = 0;

    snprintf(out, size, "-");
    for (unsigned i = 0; i < a->syn_count && i < ATTEMPT_SYNS && at + 16 < size; i++) {
        unsigned long long tenths = a->syn_ns[i] / (NS_PER_S / 10);
        at += (size_t)snprintf(out + at, size - at, tenths % 10 ? "%s%llu.%llu" : "%s%llu", i ? " " : "", tenths / 10, tenths % 10);
    }
    if (a->syn_count > ATTEMPT_SYNS)
        snprintf(out + at, size - at, " ...");
}

static void exit_word(const struct attempt *a, char *out, size_t size)
{
    if (a->broken)
        snprintf(out, size, "broken");
    else if (a->hung)
        snprintf(out, size, "HANG");
    else if (WIFSIGNALED(a->status))
        snprintf(out, size, "SIG%s", sigabbrev_np(WTERMSIG(a->status)));
    else
        snprintf(out, size, "%d", WEXITSTATUS(a->status));
}

const char *report_server(const struct attempt *a, char out[ATTEMPT_WORD])
{
    int status = a->server_status, exit = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    int sig = WIFSIGNALED(status) ? WTERMSIG(status) : exit - 128;

    out[0] = 0;
    if (sig > 0 && sigabbrev_np(sig)) /* of the server itself, or as its shell tells */
        snprintf(out, ATTEMPT_WORD, "SIG%s", sigabbrev_np(sig));
    else if (exit)
        snprintf(out, ATTEMPT_WORD, "exit %d", exit);
    return out;
}

/* --- the table ------------------------------------------------------------------------------------------------------------------ */
/* On a terminal a row is one line: narrow columns where it has less than WIDE, the first five alone below NARROW. */
enum { WIDE = 100, NARROW = 72 };

static int terminal_columns(FILE *out)
{
    struct winsize window;
    return isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}

struct row {
    const char *name, *call, *error, *exit, *virtual, *virtual_unit, *real, *real_unit, *syns;
};

static void put_row(FILE *out, const struct row *row)
{
    int columns = terminal_columns(out), call = 15, error = 13;
    bool is_narrow = columns && columns < WIDE;
    const char *gap = is_narrow || !row->virtual_unit[0] ? "" : " ";
    char line[400], virtual[32], real[32];
    size_t at;

    if (is_narrow)
        call = 11, error = 12;
    snprintf(virtual, sizeof virtual, "%s%s%s", row->virtual, gap, row->virtual_unit);
    snprintf(real, sizeof real, "%s%s%s", row->real, gap, row->real_unit);
    at = (size_t)snprintf(line, sizeof line, "%-19s %-*.*s %-*s %-7s %*s", row->name, call, call, row->call, error, row->error, row->exit,
                          is_narrow ? 7 : 8, virtual);
    if (!columns || columns >= NARROW)
        at += (size_t)snprintf(line + at, sizeof line - at, " %*s  %s", is_narrow ? 6 : 7, real, row->syns);
    if (columns && at > (size_t)columns)
        strcpy(line + max_u64((uint64_t)columns, 3) - 3, "...");
    fprintf(out, "%s\n", line);
}

void report_head(FILE *out)
{
    put_row(out, &(struct row){"CASE", "CALL", "ERRNO", "EXIT", "VIRTUAL", "", "REAL", "", "SYN AT"});
}

void report_row(FILE *out, const char *name, const struct attempt *a)
{
    char word[ATTEMPT_WORD], exit[ATTEMPT_WORD], syns[200], virtual[24], real[24];
    const char *call = a->hung ? a->waiting : a->call;

    attempt_errno_name(a->error, word);
    exit_word(a, exit, sizeof exit);
    syn_words(a, syns, sizeof syns);
    snprintf(virtual, sizeof virtual, "%llu.%llu", a->virtual_ns / NS_PER_S, a->virtual_ns % NS_PER_S / (NS_PER_S / 10));
    snprintf(real, sizeof real, "%llu", a->real_ns / NS_PER_MS);
    put_row(out, &(struct row){name, call[0] ? call : "-",
                               a->spins                  ? "(spins)"
                               : a->hung                 ? "-"
                               : a->call[0] && !a->error ? "(time limit)"
                                                         : word,
                               exit, virtual, "s", real, "ms", syns});
}

void report_hang(const struct attempt *a, char *out, size_t size)
{
    if (!a->spins)
        snprintf(out, size, "waits in %s %s", a->waiting, a->waits_on ? "again and again" : "for ever");
    else if (a->waiting[0])
        snprintf(out, size, "calls %s over and over, without a pause", a->waiting);
    else
        snprintf(out, size, "runs for ever and never sleeps");
}

/* --- for machines ----------------------------------------------------------------------------------------------------------------- */
int report_json(FILE *out, const char *const *names, const struct attempt *all, char *const *again, unsigned count, const char *profile,
                uint64_t seed)
{
    json_t *list = json_array(), *root = json_pack("{s:s, s:I}", "profile", profile, "seed", (json_int_t)seed);

    for (unsigned i = 0; i < count; i++) {
        const struct attempt *a = &all[i];
        char word[ATTEMPT_WORD], exit[ATTEMPT_WORD], server[ATTEMPT_WORD];
        json_t *syns = json_array(), *row;
        exit_word(a, exit, sizeof exit);
        for (unsigned k = 0; k < a->syn_count && k < ATTEMPT_SYNS; k++)
            json_array_append_new(syns, json_integer((json_int_t)(a->syn_ns[k] / NS_PER_MS)));
        row = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:o, s:s, s:s, s:s}", "case", names[i], "call",
                        a->hung ? a->waiting : a->call, "errno", a->error ? attempt_errno_name(a->error, word) : "", "exit", exit, "hang",
                        a->hung, "spins", a->spins,
                        "virtual_ms", (json_int_t)(a->virtual_ns / NS_PER_MS), "real_ms", (json_int_t)(a->real_ns / NS_PER_MS),
                        "syn_at_ms", syns, "server", report_server(a, server), "unexpected", a->unexpected, "again", again[i]);
        json_array_append_new(list, row);
    }
    json_object_set_new(root, "cases", list);
    json_dumpf(root, out, JSON_INDENT(1));
    fputc('\n', out);
    json_decref(root);
    return 0;
}

static void xml_text(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc((unsigned char)*text < ' ' ? '?' : *text, out); /* XML has no control characters */
        }
}

int report_junit(const char *file, const char *const *names, const struct attempt *all, char *const *again, unsigned count,
                 const char *program)
{
    FILE *out = fopen(file, "we");
    unsigned failures = 0;

    if (!out)
        return -errno;
    for (unsigned i = 0; i < count; i++)
        failures += all[i].unexpected[0] != 0;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    fprintf(out, "<testsuite name=\"lilliput gauntlet\" tests=\"%u\" failures=\"%u\">\n", count, failures);
    for (unsigned i = 0; i < count; i++) {
        fputs("  <testcase classname=\"", out);
        xml_text(out, program);
        fprintf(out, "\" name=\"%s\" time=\"%llu.%03llu\">", names[i], all[i].virtual_ns / NS_PER_S,
                all[i].virtual_ns % NS_PER_S / NS_PER_MS);
        if (all[i].unexpected[0]) {
            fputs("<failure message=\"", out);
            xml_text(out, all[i].unexpected);
            fputs("\">", out);
            xml_text(out, again[i]);
            fputs("</failure>", out);
        }
        fputs("</testcase>\n", out);
    }
    fputs("</testsuite>\n", out);
    return fclose(out) ? -errno : 0;
}

/* --- the baseline --------------------------------------------------------------------------------------------------------------- */
int report_record(const char *file, const char *const *names, const struct attempt *all, unsigned count)
{
    FILE *out = fopen(file, "we");

    if (!out)
        return -errno;
    fputs("# lilliput gauntlet --record: per case the exit status, the errno, and the longest time in virtual seconds.\n", out);
    for (unsigned i = 0; i < count; i++) {
        char exit[ATTEMPT_WORD], word[ATTEMPT_WORD];
        if (all[i].broken)
            continue;
        exit_word(&all[i], exit, sizeof exit);
        fprintf(out, "%s: {exit: %s, errno: %s, virtual: %llu}\n", names[i], exit,
                all[i].error ? attempt_errno_name(all[i].error, word) : "none", all[i].virtual_ns / NS_PER_S + 1);
    }
    return fclose(out) ? -errno : 0;
}

/* A difference in words, or "" when A is as the baseline says. */
static void compare(struct fy_document *baseline, const char *name, const struct attempt *a, char *why, size_t size)
{
    char path[64], word[80] = "", exit[ATTEMPT_WORD], error[ATTEMPT_WORD];
    unsigned long long longest = 0;

    why[0] = 0;
    exit_word(a, exit, sizeof exit);
    snprintf(path, sizeof path, "/%s/exit %%79s", name);
    if (fy_document_scanf(baseline, path, word) != 1) {
        snprintf(why, size, "is not in the baseline");
        return;
    }
    if (strcmp(word, exit))
        snprintf(why, size, "exit %s, expected %s", exit, word);
    snprintf(path, sizeof path, "/%s/errno %%79s", name);
    attempt_errno_name(a->error, error);
    if (!why[0] && fy_document_scanf(baseline, path, word) == 1 && strcmp(word, a->error ? error : "none"))
        snprintf(why, size, "errno %s, expected %s", a->error ? error : "none", word);
    snprintf(path, sizeof path, "/%s/virtual %%llu", name);
    if (!why[0] && fy_document_scanf(baseline, path, &longest) == 1 && a->virtual_ns > longest * NS_PER_S)
        snprintf(why, size, "took %llu s of virtual time, expected at most %llu s", a->virtual_ns / NS_PER_S, longest);
}

static void keep_quiet(struct fy_diag *diag, void *user, const char *text, size_t length)
{
    (void)diag, (void)user, (void)text, (void)length;
}

/* NULL, with why in ERROR: libfyaml's own words go nowhere else. */
static struct fy_document *open_baseline(const char *file, char error[REPORT_ERROR])
{
    struct fy_diag_cfg quiet;
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG};
    struct fy_document *baseline;
    const struct fy_diag_error *problem;
    void *at = NULL;

    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    quiet.output_fn = keep_quiet;
    config.diag = fy_diag_create(&quiet);
    fy_diag_set_collect_errors(config.diag, true);
    baseline = fy_document_build_from_file(&config, file);
    problem = fy_diag_errors_iterate(config.diag, &at);
    if (problem)
        snprintf(error, REPORT_ERROR, "%s:%d:%d: %s", file, problem->line, problem->column, problem->msg);
    else if (!baseline)
        snprintf(error, REPORT_ERROR, "%s: it has no case, or cannot be read", file);
    fy_diag_destroy(config.diag);
    if (problem && baseline)
        fy_document_destroy(baseline);
    return problem ? NULL : baseline;
}

static int line_of(struct fy_node *scalar)
{
    struct fy_token *token = scalar ? fy_node_get_scalar_token(scalar) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    return mark ? mark->line + 1 : 1;
}

/* What is wrong with one case of a baseline, in words; "": nothing. */
static void check_case(const char *name, struct fy_node *values, char *why, size_t size)
{
    char hint[NEAREST_HINT];
    void *at = NULL;
    bool has_exit = false;

    why[0] = 0;
    if (!case_find(name))
        snprintf(why, size, "there is no case \"%s\"%s", name, nearest_hint(case_nearest(name), hint));
    else if (!values || !fy_node_is_mapping(values))
        snprintf(why, size, "%s: {exit: ..., errno: ..., virtual: ...} is wanted", name);
    for (struct fy_node_pair *pair; !why[0] && (pair = fy_node_mapping_iterate(values, &at));) {
        const char *key = fy_node_get_scalar0(fy_node_pair_key(pair)), *value = fy_node_get_scalar0(fy_node_pair_value(pair));
        if (!key || (strcmp(key, "exit") && strcmp(key, "errno") && strcmp(key, "virtual")))
            snprintf(why, size, "%s: \"%s\": exit, errno or virtual is wanted", name, key ? key : "?");
        else if (!value || !*value || (!strcmp(key, "virtual") && strspn(value, "0123456789") != strlen(value)))
            snprintf(why, size, "%s: %s: %s is wanted", name, key, strcmp(key, "virtual") ? "a word" : "a number of seconds");
        has_exit |= key && !strcmp(key, "exit");
    }
    if (!why[0] && !has_exit)
        snprintf(why, size, "%s: its exit is wanted", name);
}

int report_check(const char *file, char error[REPORT_ERROR])
{
    struct fy_document *baseline = open_baseline(file, error);
    struct fy_node *root = baseline ? fy_document_root(baseline) : NULL;
    void *at = NULL;
    int result = 0;

    if (!baseline)
        return -EINVAL;
    if (!root || !fy_node_is_mapping(root)) {
        snprintf(error, REPORT_ERROR, "%s: lines as \"refused: {exit: 7, errno: ECONNREFUSED, virtual: 1}\" are wanted", file);
        result = -EINVAL;
    }
    for (struct fy_node_pair *pair; result == 0 && (pair = fy_node_mapping_iterate(root, &at));) {
        struct fy_node *key = fy_node_pair_key(pair);
        const char *name = fy_node_get_scalar0(key);
        char why[200];
        check_case(name ? name : "?", fy_node_pair_value(pair), why, sizeof why);
        if (why[0]) {
            snprintf(error, REPORT_ERROR, "%s:%d: %s", file, line_of(key), why);
            result = -EINVAL;
        }
    }
    fy_document_destroy(baseline);
    return result;
}

int report_expect(const char *file, const char *const *names, struct attempt *all, unsigned count)
{
    char error[REPORT_ERROR];
    struct fy_document *baseline = open_baseline(file, error);
    int differing = 0;

    if (!baseline)
        return -ENOENT;
    for (unsigned i = 0; i < count; i++) {
        all[i].unexpected[0] = 0;
        compare(baseline, names[i], &all[i], all[i].unexpected, sizeof all[i].unexpected);
        if (all[i].broken)
            snprintf(all[i].unexpected, sizeof all[i].unexpected, "could not be run");
        differing += all[i].unexpected[0] != 0;
    }
    fy_document_destroy(baseline);
    return differing;
}
