/* report.h: how results of scripts are told: text as they come, JSON or JUnit at the end. */
#ifndef SCRIPT_REPORT_H
#define SCRIPT_REPORT_H
#include "script/script.h"

struct result {
    char *path;
    const char *ip;               /* "ipv4", "ipv6", ... */
    bool show_ip;                 /* the file ran more than once */
    struct script_report report;
};
struct results {
    struct result *items;
    unsigned count, capacity;
    unsigned outcomes[3];         /* by enum script_outcome */
};
void results_add(struct results *results, const char *path, const char *ip, bool show_ip, const struct script_report *report);
void results_fini(struct results *results);
void result_print(const struct result *result, FILE *out);
void results_print_summary(const struct results *results, FILE *out);
void results_print_json(const struct results *results, FILE *out);
int results_write_junit(const struct results *results, const char *path); /* -Exxx */
#endif
