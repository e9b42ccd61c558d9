/* attempt.h: one run of a program in one gauntlet case, and the table of such runs. */
#ifndef GAUNTLET_ATTEMPT_H
#define GAUNTLET_ATTEMPT_H
#include <stdio.h>
#include "gauntlet/cases.h"

enum { ATTEMPT_SYNS = 12, ATTEMPT_WORD = 24 };
struct attempt_config {
    const struct gauntlet_case *one;
    struct case_config net;
    char *const *program;     /* {host} {addr} {port} are replaced */
    const char *server;       /* a shell command; NULL: the built-in server */
    const char *capture;      /* pcapng; NULL: none */
    bool show_output;
    uint64_t limit_ns;
    uint64_t date_ns;         /* of the programs' clock */
    unsigned processor;       /* launcher_config.processor: cases that run at the same time have different ones */
};
struct attempt { /* flat: it crosses a pipe */
    char call[ATTEMPT_WORD], waiting[ATTEMPT_WORD];
    int error;            /* errno; 0 with call set: a time limit of the program's own */
    int status;           /* as wait(2) says */
    bool talks_tcp, talks_udp, asks_names;
    bool hung, broken; /* broken: the case could not be run */
    bool spins;                 /* hung, and it never sleeps: it makes that call over and over, or ("") none at all */
    bool waits_on;              /* hung, in a wait that has an end and comes again */
    bool is_deaf;               /* the user's own server did not listen when the program began */
    int server_status;          /* of one that ended before the program did, as wait(2) says */
    char ran_out[ATTEMPT_WORD]; /* the last timed wait that ran out, whatever came of it */
    uint64_t silence_ns;        /* at its end: since the network last had something for it */
    uint64_t virtual_ns, real_ns;
    uint64_t syn_ns[ATTEMPT_SYNS];
    unsigned syn_count; /* perhaps more than there is room for */
    char unexpected[200]; /* why it is not as it should be; "": it is */
};
/* Runs it in this process, which then ends: the supervisor's state is per process. */
void attempt_run(const struct attempt_config *config, struct attempt *result);

/* gauntlet_report.c */
/* How the server ended, too early: "exit 3", "SIGABRT"; "": it did not. */
const char *report_server(const struct attempt *a, char out[ATTEMPT_WORD]);
void report_head(FILE *out);
void report_row(FILE *out, const char *name, const struct attempt *a);
void report_hang(const struct attempt *a, char *out, size_t size); /* "waits in poll for ever" */
/* AGAIN: the lines that run the cases again. */
int report_json(FILE *out, const char *const *names, const struct attempt *all, char *const *again, unsigned count, const char *profile,
                uint64_t seed);
int report_junit(const char *file, const char *const *names, const struct attempt *all, char *const *again, unsigned count,
                 const char *program);
/* A baseline: per case exit status, errno, and the longest virtual time. */
int report_record(const char *file, const char *const *names, const struct attempt *all, unsigned count);
/* Can FILE be one? -EINVAL with why, in a line that begins with the file's name. */
enum { REPORT_ERROR = 600 };
int report_check(const char *file, char error[REPORT_ERROR]);
/* Sets UNEXPECTED where a case is not as FILE says. The number of those, or -Exxx. */
int report_expect(const char *file, const char *const *names, struct attempt *all, unsigned count);
#endif
