/* report.c: the gauntlet's table, JSON, JUnit XML, and the baseline (YAML) that --record writes and --expect reads. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "launch/attempt.h"

const char *attempt_errno_name(int error, char out[ATTEMPT_WORD])
{
    const char *name = error ? strerrorname_np(error) : "-";
    snprintf(out, ATTEMPT_WORD, "%s", name ? name : "?");
    return out;
}

void report_syns(const struct attempt *a, char *out, size_t size)
{
    size_t at = 0;

    out[0] = 0;
    for (unsigned i = 0; i < a->syn_count && at + 16 < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%llu.%llu", i ? " " : "", a->syn_ns[i] / NS_PER_S, a->syn_ns[i] % NS_PER_S / (NS_PER_S / 10));
    if (!a->syn_count)
        snprintf(out, size, "-");
}

static void exit_word(const struct attempt *a, char *out, size_t size)
{
    if (a->skipped)
        snprintf(out, size, "skipped");
    else if (a->broken)
        snprintf(out, size, "broken");
    else if (a->hung)
        snprintf(out, size, "HANG");
    else if (WIFSIGNALED(a->status))
        snprintf(out, size, "SIG%s", sigabbrev_np(WTERMSIG(a->status)));
    else
        snprintf(out, size, "%d", WEXITSTATUS(a->status));
}

#define ROW "%-19s %-11s %-13s %-7s %8s %7s  "

void report_head(FILE *out) { fprintf(out, ROW "%s\n", "CASE", "CALL", "ERRNO", "EXIT", "VIRTUAL", "REAL", "SYN AT"); }

/* On a terminal a row is a line: what does not fit of its last column is cut. */
static void fit(FILE *out, char *syns, int used)
{
    struct winsize window;

    if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &window) < 0 || window.ws_col < used + 4 || used + (int)strlen(syns) <= window.ws_col)
        return;
    strcpy(syns + window.ws_col - used - 3, "...");
}

void report_row(FILE *out, const char *name, const struct attempt *a)
{
    char word[ATTEMPT_WORD], exit[ATTEMPT_WORD], syns[200], virtual[32], real[32];
    int used;

    attempt_errno_name(a->error, word);
    exit_word(a, exit, sizeof exit);
    report_syns(a, syns, sizeof syns);
    snprintf(virtual, sizeof virtual, "%llu.%llu s", a->virtual_ns / NS_PER_S, a->virtual_ns % NS_PER_S / (NS_PER_S / 10));
    snprintf(real, sizeof real, "%llu ms", a->real_ns / NS_PER_MS);
    used = fprintf(out, ROW, name, a->hung ? a->waiting : a->call[0] ? a->call : "-", a->hung ? "-" : a->call[0] && !a->error ? "(time limit)" : word, exit,
                   virtual, real);
    fit(out, syns, used);
    fprintf(out, "%s\n", syns);
}

int report_json(FILE *out, const char *const *names, const struct attempt *all, unsigned count, const char *profile, uint64_t seed)
{
    json_t *list = json_array(), *root = json_pack("{s:s, s:I}", "profile", profile, "seed", (json_int_t)seed);

    for (unsigned i = 0; i < count; i++) {
        const struct attempt *a = &all[i];
        char word[ATTEMPT_WORD], exit[ATTEMPT_WORD];
        json_t *syns = json_array(), *row;
        exit_word(a, exit, sizeof exit);
        for (unsigned k = 0; k < a->syn_count; k++)
            json_array_append_new(syns, json_integer((json_int_t)(a->syn_ns[k] / NS_PER_MS)));
        row = json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:o}", "case", names[i], "call", a->hung ? a->waiting : a->call, "errno",
                        a->error ? attempt_errno_name(a->error, word) : "", "exit", exit, "hang", a->hung, "virtual_ms",
                        (json_int_t)(a->virtual_ns / NS_PER_MS), "real_ms", (json_int_t)(a->real_ns / NS_PER_MS), "syn_at_ms", syns);
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
        default: fputc(*text, out);
        }
}

int report_junit(const char *file, const char *const *names, const struct attempt *all, const bool *bad, unsigned count, const char *program)
{
    FILE *out = fopen(file, "we");
    unsigned failures = 0;

    if (!out)
        return -errno;
    for (unsigned i = 0; i < count; i++)
        failures += bad[i];
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"lilliput gauntlet\" tests=\"%u\" failures=\"%u\">\n", count, failures);
    for (unsigned i = 0; i < count; i++) {
        char exit[ATTEMPT_WORD], word[ATTEMPT_WORD];
        exit_word(&all[i], exit, sizeof exit);
        fputs("  <testcase classname=\"", out);
        xml_text(out, program);
        fprintf(out, "\" name=\"%s\" time=\"%llu.%03llu\">", names[i], all[i].virtual_ns / NS_PER_S, all[i].virtual_ns % NS_PER_S / NS_PER_MS);
        if (all[i].skipped)
            fputs("<skipped/>", out);
        if (bad[i])
            fprintf(out, "<failure message=\"exit %s, %s %s\"/>", exit, all[i].hung ? all[i].waiting : all[i].call, attempt_errno_name(all[i].error, word));
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
        if (all[i].skipped || all[i].broken)
            continue;
        exit_word(&all[i], exit, sizeof exit);
        fprintf(out, "%s: {exit: %s, errno: %s, virtual: %llu}\n", names[i], exit, all[i].error ? attempt_errno_name(all[i].error, word) : "none",
                all[i].virtual_ns / NS_PER_S + 1);
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

int report_expect(const char *file, const char *const *names, const struct attempt *all, bool *bad, unsigned count)
{
    struct fy_document *baseline = fy_document_build_from_file(NULL, file);
    int differing = 0;

    if (!baseline)
        return -ENOENT;
    for (unsigned i = 0; i < count; i++) {
        char why[200];
        bad[i] = false;
        if (all[i].skipped)
            continue;
        compare(baseline, names[i], &all[i], why, sizeof why);
        if (all[i].broken)
            snprintf(why, sizeof why, "could not be run");
        if (!why[0])
            continue;
        bad[i] = true;
        differing++;
        printf("unexpected: %s: %s\n", names[i], why);
    }
    fy_document_destroy(baseline);
    return differing;
}
