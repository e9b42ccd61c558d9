/* report.c: results of scripts as text, JSON and JUnit XML. */
#include "script/report.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {[SCRIPT_PASSED] = "ok", [SCRIPT_FAILED] = "FAIL", [SCRIPT_SKIPPED] = "skip"};
static const char *const long_words[] = {[SCRIPT_PASSED] = "passed", [SCRIPT_FAILED] = "failed", [SCRIPT_SKIPPED] = "skipped"};

void results_add(struct results *results, const char *path, const char *ip, bool show_ip, const struct script_report *report)
{
    if (results->count == results->capacity) {
        unsigned capacity = results->capacity ? results->capacity * 2 : 64;
        struct result *items = realloc(results->items, capacity * sizeof *items);
        if (!items)
            abort();
        results->items = items;
        results->capacity = capacity;
    }
    struct result *result = &results->items[results->count++];
    *result = (struct result){.path = strdup(path), .ip = ip, .show_ip = show_ip, .report = *report};
    results->outcomes[report->outcome]++;
}

void results_fini(struct results *results)
{
    for (unsigned i = 0; i < results->count; i++)
        free(results->items[i].path);
    free(results->items);
    memset(results, 0, sizeof *results);
}

/* Where the packet that came differs from the one expected, as a column of it; -1: nowhere. What the line leaves open is passed over. */
static int difference(const char *expected, const char *actual)
{
    const char *e = expected, *a = actual;
    if (*a == '[' && *e != '[') /* the ECN mark */
        a += strcspn(a, " ") + (strchr(a, ' ') != NULL);
    while (*e) {
        if (*e == *a) {
            e++;
            a++;
        } else if (strncmp(a, "win ", 4) == 0) {
            a += 4;
            a += strcspn(a, " ") + (a[strcspn(a, " ")] == ' ');
        } else if (*e == '*' || strncmp(e, "...", 3) == 0) {
            if (*e == '.')
                return -1; /* <...> */
            e++;
            a += strspn(a, "0123456789");
        } else {
            return (int)(a - actual);
        }
    }
    if (strncmp(a, " win ", 5) == 0)
        a += 5 + strcspn(a + 5, " ");
    return *a ? (int)(a - actual) : -1;
}

void result_print(const struct result *result, FILE *out)
{
    const struct script_report *report = &result->report;
    fprintf(out, "%-4s  %s", words[report->outcome], result->path);
    if (report->outcome != SCRIPT_PASSED && report->line)
        fprintf(out, ":%d", report->line);
    if (result->show_ip)
        fprintf(out, " [%s]", result->ip);
    if (report->outcome == SCRIPT_PASSED) {
        fprintf(out, "  (%u events, %.3f s)\n", report->events, (double)report->virtual_ns / 1e9);
        return;
    }
    fprintf(out, ": %s\n", report->message);
    if (report->source[0])
        fprintf(out, "      script    %s\n", report->source);
    if (report->expected[0])
        fprintf(out, "      expected  %s\n", report->expected);
    if (report->actual[0])
        fprintf(out, "      actual    %s\n", report->actual);
    int column = report->actual[0] && report->actual[0] != '(' && report->expected[0] ? difference(report->expected, report->actual) : -1;
    if (column >= 0)
        fprintf(out, "      %*s^\n", column + 10, "");
}

void results_print_summary(const struct results *results, FILE *out)
{
    fprintf(out, "%u passed, %u failed, %u skipped\n", results->outcomes[SCRIPT_PASSED], results->outcomes[SCRIPT_FAILED],
            results->outcomes[SCRIPT_SKIPPED]);
}

/* Scripts may hold any bytes; JSON and XML are UTF-8: what is none becomes '?'. */
static const char *clean(const char *text, char *out, size_t size)
{
    size_t used = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && used + 5 < size;) {
        size_t length = *p < 0x80 ? 1 : *p >= 0xf0 && *p < 0xf5 ? 4 : *p >= 0xe0 ? 3 : *p >= 0xc2 ? 2 : 0;
        for (size_t i = 1; i < length; i++)
            if ((p[i] & 0xc0) != 0x80)
                length = 0;
        if (length)
            memcpy(out + used, p, length);
        else
            out[used] = '?';
        used += length ? length : 1;
        p += length ? length : 1;
    }
    out[used] = 0;
    return out;
}

static void set_text(json_t *object, const char *name, const char *text)
{
    char out[4200];
    json_t *value = json_string(clean(text, out, sizeof out));
    json_object_set_new(object, name, value ? value : json_string("?"));
}

void results_print_json(const struct results *results, FILE *out)
{
    json_t *root = json_object(), *list = json_array();
    for (unsigned i = 0; i < results->count; i++) {
        const struct result *result = &results->items[i];
        const struct script_report *report = &result->report;
        json_t *item = json_object();
        set_text(item, "file", result->path);
        json_t *rest =
            json_pack("{s:s, s:s, s:i, s:i, s:i, s:f}", "ip", result->ip, "result", long_words[report->outcome],
                      "events", (int)report->events, "packets_in", (int)report->packets_in, "packets_out",
                      (int)report->packets_out, "virtual_s", (double)report->virtual_ns / 1e9);
        json_object_update(item, rest);
        json_decref(rest);
        if (report->outcome != SCRIPT_PASSED) {
            json_object_set_new(item, "line", json_integer(report->line));
            set_text(item, "message", report->message);
            set_text(item, "script", report->source);
        }
        if (report->expected[0] || report->actual[0]) {
            set_text(item, "expected", report->expected);
            set_text(item, "actual", report->actual);
        }
        json_array_append_new(list, item);
    }
    json_object_set_new(root, "scripts", list);
    for (int i = 0; i < 3; i++)
        json_object_set_new(root, long_words[i], json_integer(results->outcomes[i]));
    json_dumpf(root, out, JSON_INDENT(1));
    fputc('\n', out);
    json_decref(root);
}

static void put_xml(FILE *out, const char *text)
{
    char valid[4200];
    for (text = clean(text, valid, sizeof valid); *text; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '"')
            fputs("&quot;", out);
        else if ((unsigned char)*text >= ' ' || *text == '\n')
            fputc(*text, out);
    }
}

static void put_case(FILE *out, const struct result *result)
{
    const struct script_report *report = &result->report;
    fputs("  <testcase classname=\"script\" name=\"", out);
    put_xml(out, result->path);
    fprintf(out, "%s%s%s\" time=\"%.6f\">", result->show_ip ? " [" : "", result->show_ip ? result->ip : "", result->show_ip ? "]" : "",
            (double)report->virtual_ns / 1e9);
    if (report->outcome != SCRIPT_PASSED) {
        fprintf(out, "\n    <%s message=\"", report->outcome == SCRIPT_FAILED ? "failure" : "skipped");
        put_xml(out, report->message);
        fprintf(out, "\">line %d: ", report->line);
        put_xml(out, report->source);
        if (report->expected[0]) {
            fputs("\nexpected ", out);
            put_xml(out, report->expected);
            fputs("\nactual   ", out);
            put_xml(out, report->actual);
        }
        fprintf(out, "</%s>\n  ", report->outcome == SCRIPT_FAILED ? "failure" : "skipped");
    }
    fputs("</testcase>\n", out);
}

int results_write_junit(const struct results *results, const char *path)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return -errno;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"lilliput script\" tests=\"%u\" "
            "failures=\"%u\" skipped=\"%u\">\n",
            results->count, results->outcomes[SCRIPT_FAILED], results->outcomes[SCRIPT_SKIPPED]);
    for (unsigned i = 0; i < results->count; i++)
        put_case(out, &results->items[i]);
    fputs("</testsuite>\n", out);
    return fclose(out) ? -errno : 0;
}
