/* shell.h: the small shell behind `commands`. shell.c reads lists, pipelines, redirections, if/for/while/case, functions;
 * shell_word.c words, quotes, $variables, $((sums)), $(commands); shell_test.c test and [[; made.c files. What it runs is in
 * programs/. What is not known ends the script as skipped. */
#ifndef SCRIPT_SHELL_SHELL_H
#define SCRIPT_SHELL_SHELL_H
#include "script/run/run.h"

enum { SHELL_WORDS = 128, SHELL_OUTPUT = 1 << 20, SHELL_LOOPS = 10000 };

struct shell_io {
    const char *input;         /* of the pipe, or "" */
    char *output;              /* NUL-terminated; grows up to SHELL_OUTPUT bytes */
    size_t used, capacity;
    struct arena *arena;
};
struct shell_variable {        /* also a function: its value is its body */
    struct shell_variable *next;
    const char *name, *value;
};
enum shell_jump { SHELL_ON, SHELL_BREAK, SHELL_CONTINUE, SHELL_RETURN, SHELL_EXIT };
struct shell {
    struct run *run;
    const char *at;
    const char *resume;        /* behind the here-documents of this line, or NULL */
    struct shell_variable *variables, *functions;
    char **argv;               /* $0, $1 ...; NULL-terminated, or NULL */
    int status;
    int depth;                 /* of files and $(...) */
    bool live;                 /* false: the branch not taken is only read */
    bool lenient;              /* parameters and programs that the host does not know are passed over */
    bool ends_at_failure;      /* set -e */
    int conditions;            /* what runs now is asked for its status: set -e lets it fail */
    enum shell_jump jump;
};
struct shell_argv {
    char *argv[SHELL_WORDS + 1];
    int argc;
};
struct shell_program {
    const char *name;
    int (*run)(struct shell *shell, int argc, char **argv, struct shell_io *io); /* the exit status */
};
/* One of several that share the programs; false: argv[0] is none of its own. */
typedef bool shell_part(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status);

/* shell.c */
void shell_init(struct shell *shell, struct run *run);
void shell_print(struct shell_io *io, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Runs TEXT; the exit status. A child's changes to variables stay its own. */
int shell_run(struct shell *shell, const char *text, struct shell_io *io);
int shell_run_child(const struct shell *shell, const char *text, struct shell_io *io);
struct shell_io shell_buffer(struct shell *shell, const char *input);

/* shell_word.c */
void shell_set(struct shell *shell, const char *name, size_t length, const char *value);    /* NULL: unset */
void shell_blank(struct shell *shell);                        /* blanks, continued lines, a comment */
bool shell_word(struct shell *shell, struct shell_argv *out); /* the next word's fields; false: no word is there */
const char *shell_expand(struct shell *shell, const char *text); /* $ only, as in a here-document */
int64_t shell_arithmetic(struct shell *shell, const char *text);

/* Runs argv[0] if it is one of ALL; false: it is not. */
bool shell_find(const struct shell_program *all, unsigned count, struct shell *shell, int argc, char **argv, struct shell_io *io,
                int *status);

int shell_test(struct shell *shell, int argc, char **argv); /* shell_test.c; 0: true, as an exit status */

/* made.c: the text of a file that a program names: a parameter, what the script wrote, a file beside the script; NULL: none. Of what
 * the commands made or took away themselves: its size; that it is gone. */
const char *shell_file(struct shell *shell, const char *path);
char *shell_file_beside(struct shell *shell, const char *path);                      /* of the real files alone */
bool shell_file_size(const struct run *run, const char *path, int64_t *size);
bool shell_file_is_gone(const struct run *run, const char *path);
int shell_file_write(struct shell *shell, const char *path, const char *text, bool append); /* as `>` does: a parameter, too */
shell_part shell_files; /* cat, cp, dd ... */

/* What the shell asks of programs/: to run a program (command.c); the text of a file in /proc or /sys, or NULL (look.c); parameters
 * (sysctl_tool.c): NAME in dots or as /proc/sys/...; 0, or the script ends as skipped. */
int shell_program(struct shell *shell, int argc, char **argv, struct shell_io *io);
const char *shell_look(struct shell *shell, const char *path);
int shell_sysctl_set(struct shell *shell, const char *name, const char *value);
int shell_sysctl_get(struct shell *shell, const char *name, char *value, size_t size);
bool shell_sysctl_known(struct shell *shell, const char *name);
#endif
