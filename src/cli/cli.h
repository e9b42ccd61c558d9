/* cli.h: one binary, one file a verb. A verb gets argv with argv[0] its own name, prints errors as "lilliput VERB: what", and
 * returns the exit status: 0 as expected, 1 something failed, 2 bad usage (what was wrong and what to do), 77 the kernel forbids it. */
#ifndef CLI_CLI_H
#define CLI_CLI_H
#include "base/nearest.h"
#include <stdbool.h>

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


#endif
