/* cli.h: one binary, one file a verb. A verb gets argv with argv[0] its own name, prints errors as "lilliput VERB: what", and
 * returns the exit status: 0 as expected, 1 something failed, 2 bad usage (what was wrong and what to do), 77 the kernel forbids it. */
#ifndef CLI_CLI_H
#define CLI_CLI_H
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/nearest.h"

struct cli_verb {
    const char *name, *summary;
    int (*main)(int argc, char **argv);
};
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_FORBIDDEN = 77 };

int run_main(int argc, char **argv);
int run_program_main(int argc, char **argv);
int gauntlet_main(int argc, char **argv);
int book_main(int argc, char **argv);
int script_main(int argc, char **argv);
int profile_main(int argc, char **argv);
int bench_main(int argc, char **argv);
int bench_programs_main(int argc, char **argv); /* lilliput bench programs */
int doctor_main(int argc, char **argv);

/* --- usage.c: a mistake in a command line is one line and CLI_USAGE: what is wrong with WORD (WHAT has one %s), and what to do */
int cli_wrong(const char *verb, const char *what, const char *word, const char *instead) __attribute__((format(printf, 2, 0)));
/* The same of a word that is not among the known: NEAR is the one that was perhaps meant; NULL: none is near. */
int cli_unknown(const char *verb, const char *what, const char *word, const char *near, const char *instead)
    __attribute__((format(printf, 2, 0)));
/* Nothing stands behind the options; INSTEAD: NULL: --help tells. */
int cli_no_operands(const char *verb, int argc, char **argv, const char *instead);
/* getopt_long(3) up to the first word that is no option (or behind `--`); '?': wrong, and said. */
int cli_getopt(const char *verb, int argc, char **argv, const struct option *options);
int cli_number(const char *verb, const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* "@SECONDS" of the epoch, or "YYYY-MM-DD[ HH:MM:SS]" (a T between them too, a Z behind), UTC, from 1970 on; in nanoseconds */
int cli_date(const char *verb, const char *text, uint64_t *out_ns);
int cli_profile(const char *verb, const char *name);   /* there is one of that name */
int cli_program(const char *verb, const char *name);   /* it can be executed */
int cli_output(const char *verb, const char *option, const char *file); /* it can be written */

struct json_t;
void cli_print_json(struct json_t *root); /* to standard output; freed */

#endif
