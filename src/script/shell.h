/* shell.h: the small shell behind `commands`. shell.c reads words, quotes, $variables, $((sums)), $(commands), pipes,
 * redirections, ; && ||; command.c knows the programs; sysctl.c knows the names of parameters. */
#ifndef SCRIPT_SHELL_H
#define SCRIPT_SHELL_H
#include "script/run.h"

enum { SHELL_WORDS = 64, SHELL_OUTPUT = 65536 };
struct shell_io {
    const char *input;         /* of the pipe, or "" */
    char *output;              /* SHELL_OUTPUT bytes */
    size_t used;
};
struct shell_variable {
    struct shell_variable *next;
    const char *name, *value;
};
struct shell {
    struct run *run;
    const char *at;
    struct shell_variable *variables;
    int status;
    int depth;                 /* of files and $(...) */
    bool lenient;              /* parameters that the host does not know are passed over */
};
void shell_print(struct shell_io *io, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Runs TEXT; the exit status. What is not known ends the script as skipped. */
int shell_run(struct shell *shell, const char *text, struct shell_io *io);
const char *shell_get(struct shell *shell, const char *name, size_t length); /* "" when unset */
void shell_set(struct shell *shell, const char *name, size_t length, const char *value);
int shell_program(struct shell *shell, int argc, char **argv, struct shell_io *io); /* command.c */
int shell_route(struct shell *shell, int argc, char **argv);                         /* route.c: ip ... */
/* sysctl.c: NAME in dots or as /proc/sys/...; 0, or the script ends as skipped. */
int shell_sysctl_set(struct shell *shell, const char *name, const char *value);
int shell_sysctl_get(struct shell *shell, const char *name, char *value, size_t size);
/* sysctl_bsd.c: FreeBSD's names; false: none of them. */
bool shell_sysctl_bsd_set(struct shell *shell, const char *name, const char *value);
bool shell_sysctl_bsd_get(struct shell *shell, const char *name, char *value, size_t size);
void shell_defaults(struct shell *shell, const char *file_text); /* NULL: the file is not there */
#endif
