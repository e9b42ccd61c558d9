/* shell.c: the language of `commands`: lists, pipelines, redirections, if, for, while, case, functions. What is read is
 * run at once, or only read while shell->live is false: a loop sets the cursor back. See shell.h; POSIX.1-2017 XCU 2.7
 * to 2.10. */
#include "script/shell/shell.h"
#include <ctype.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void shell_print(struct shell_io *io, const char *format, ...)
{
    va_list arguments;
    for (;;) {
        va_start(arguments, format);
        int n = vsnprintf(io->output + io->used, io->capacity - io->used, format, arguments);
        va_end(arguments);
        if (n < 0 || io->used + (size_t)n < io->capacity || io->capacity >= SHELL_OUTPUT) {
            io->used += n > 0 ? (size_t)n : 0;
            if (io->used >= io->capacity)
                io->used = io->capacity - 1;
            return;
        }
        size_t capacity = io->capacity;
        while (capacity <= io->used + (size_t)n && capacity < SHELL_OUTPUT)
            capacity *= 2;
        char *grown = arena_alloc(io->arena, capacity);
        memcpy(grown, io->output, io->used);
        io->output = grown;
        io->capacity = capacity;
    }
}

void shell_init(struct shell *shell, struct run *run)
{
    *shell = (struct shell){.run = run, .live = true};
}

struct shell_io shell_buffer(struct shell *shell, const char *input)
{
    struct arena *arena = &shell->run->script.arena;
    return (struct shell_io){.input = input, .output = arena_alloc(arena, 256), .capacity = 256, .arena = arena};
}

static bool acts(const struct shell *shell)
{
    return shell->live && shell->jump == SHELL_ON;
}

static bool take_keyword(struct shell *shell, const char *word)
{
    size_t length = strlen(word);
    shell_blank(shell);
    char next = strncmp(shell->at, word, length) == 0 ? shell->at[length] : 'x';
    if (next && !strchr(" \t\r\n;|&()<>", next))
        return false;
    shell->at += length;
    return true;
}

static bool at_keyword(struct shell *shell, const char *const *words)
{
    const char *begin = shell->at;
    for (; *words; words++) {
        bool found = take_keyword(shell, *words);
        shell->at = begin;
        if (found)
            return true;
    }
    return false;
}

static void skip_newlines(struct shell *shell)
{
    for (shell_blank(shell); *shell->at == '\n'; shell_blank(shell)) {
        shell->at = shell->resume ? shell->resume : shell->at + 1;
        shell->resume = NULL;
    }
}

static _Noreturn void cannot_read(struct shell *shell, const char *wanted)
{
    size_t length = strcspn(shell->at, "\n");
    run_skip(shell->run, "command: expected %s before %s%.*s%s", wanted, length ? "\"" : "its end", (int)length,
             shell->at, length ? "\"" : "");
}

static void expect_keyword(struct shell *shell, const char *word)
{
    skip_newlines(shell);
    while (*shell->at == ';' && shell->at[1] != ';') {
        shell->at++;
        skip_newlines(shell);
    }
    if (!take_keyword(shell, word))
        cannot_read(shell, word);
}

/* --- redirections ------------------------------------------------------------------------------------------------- */
struct redirections {
    const char *output, *input; /* a path; text */
    bool append;
};

static const char *one_word(struct shell *shell)
{
    struct shell_argv word = {.argc = 0};
    if (!shell_word(shell, &word) && shell->live)
        cannot_read(shell, "a word");
    return word.argc ? word.argv[0] : "";
}

/* <<TAG: the lines below, to one that is TAG; a quoted tag leaves $ alone. */
static const char *here_document(struct shell *shell)
{
    struct arena *arena = &shell->run->script.arena;
    bool tabs = *shell->at == '-';
    shell->at += tabs;
    shell_blank(shell);
    bool quoted = *shell->at == '\'' || *shell->at == '"' || *shell->at == '\\';
    const char *tag = one_word(shell), *text = "",
               *p = shell->resume ? shell->resume : shell->at + strcspn(shell->at, "\n");
    p += !shell->resume && *p == '\n';
    while (*p) {
        size_t length = strcspn(p, "\n"), skip = tabs ? strspn(p, "\t") : 0;
        const char *line = arena_copy(arena, p + skip, length - skip);
        p += length + (p[length] == '\n');
        if (strcmp(line, tag) == 0)
            break;
        text = arena_printf(arena, "%s%s\n", text, line);
    }
    shell->resume = p;
    return quoted || !shell->live ? text : shell_expand(shell, text);
}

/* One of > >> < << <<< 2> >& &>; FD is the number before it, or -1. */
static void read_redirection(struct shell *shell, struct redirections *to, int fd)
{
    struct arena *arena = &shell->run->script.arena;
    bool both = *shell->at == '&';
    shell->at += both;
    if (strncmp(shell->at, "<<<", 3) == 0) {
        shell->at += 3;
        to->input = arena_printf(arena, "%s\n", one_word(shell));
        return;
    }
    if (strncmp(shell->at, "<<", 2) == 0) {
        shell->at += 2;
        to->input = here_document(shell);
        return;
    }
    bool input = *shell->at++ == '<', append = !input && *shell->at == '>';
    shell->at += append || *shell->at == '|';
    if (*shell->at == '&') { /* 2>&1: there are no errors to show */
        shell->at++;
        (void)one_word(shell);
        return;
    }
    const char *path = one_word(shell);
    if (!acts(shell) || fd == 2)
        return;
    if (input) {
        to->input = shell_file(shell, path);
        if (!to->input)
            run_skip(shell->run, "command: no file %s", path);
    } else {
        to->output = path;
        to->append = append;
    }
}

static bool at_redirection(const struct shell *shell)
{
    return *shell->at == '<' || *shell->at == '>' || (shell->at[0] == '&' && shell->at[1] == '>');
}

static int deliver(struct shell *shell, const struct redirections *to, struct shell_io *io, size_t before, int status)
{
    if (!to->output)
        return status;
    int refused = shell_file_write(shell, to->output, io->output + before, to->append);
    status = refused ? refused : status;
    io->used = before;
    io->output[before] = 0;
    return status;
}

/* --- simple commands ---------------------------------------------------------------------------------------------- */
static void run_one(struct shell *shell, struct shell_io *io);

static const struct shell_variable *find_function(const struct shell *shell, const char *name)
{
    const struct shell_variable *f = shell->functions;
    while (f && strcmp(f->name, name) != 0)
        f = f->next;
    return f;
}

static int call_function(struct shell *shell, const struct shell_variable *function, char **argv, struct shell_io *io)
{
    const char *at = shell->at, *resume = shell->resume;
    char **before = shell->argv;
    if (++shell->depth > 16)
        run_skip(shell->run, "command: files, functions or $() nest too deep");
    shell->argv = argv;
    shell->at = function->value;
    run_one(shell, io);
    if (shell->jump == SHELL_RETURN)
        shell->jump = SHELL_ON;
    shell->argv = before;
    shell->at = at;
    shell->resume = resume;
    shell->depth--;
    return shell->status;
}

static int to_status(struct shell *shell, int argc, char **argv)
{
    return argc > 1 ? atoi(argv[1]) & 255 : shell->status;
}

static int run_words(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    static const struct {
        const char *name;
        enum shell_jump jump;
    } jumps[] = {{"break", SHELL_BREAK}, {"continue", SHELL_CONTINUE}, {"return", SHELL_RETURN}, {"exit", SHELL_EXIT}};
    const struct shell_variable *function = find_function(shell, argv[0]);
    if (function)
        return call_function(shell, function, argv, io);
    for (unsigned i = 0; i < ARRAY_COUNT(jumps); i++) {
        if (strcmp(argv[0], jumps[i].name) == 0) {
            shell->jump = jumps[i].jump;
            return i < 2 ? 0 : to_status(shell, argc, argv);
        }
    }
    return shell_program(shell, argc, argv, io);
}

static bool is_assignment(const char *word)
{
    const char *p = word;
    while (isalnum((unsigned char)*p) || *p == '_')
        p++;
    return *p == '=' && p > word && !isdigit((unsigned char)*word);
}

/* NAME() { ... }: the cursor is behind the name. */
static bool define_function(struct shell *shell, const char *name, struct shell_io *io)
{
    const char *begin = shell->at;
    shell_blank(shell);
    if (shell->at[0] != '(' || (shell->at++, shell_blank(shell), shell->at[0] != ')')) {
        shell->at = begin;
        return false;
    }
    shell->at++;
    skip_newlines(shell);
    bool live = shell->live;
    const char *body = shell->at;
    shell->live = false;
    run_one(shell, io);
    shell->live = live;
    if (acts(shell)) {
        struct arena *arena = &shell->run->script.arena;
        struct shell_variable *function = arena_alloc(arena, sizeof *function);
        *function = (struct shell_variable){
            .next = shell->functions, .name = name, .value = arena_copy(arena, body, (size_t)(shell->at - body))};
        shell->functions = function;
    }
    return true;
}

/* Within [[ ]] the operators are words. */
static void read_test_words(struct shell *shell, struct shell_argv *words)
{
    while (*shell->at && (words->argc == 0 || strcmp(words->argv[words->argc - 1], "]]") != 0)) {
        skip_newlines(shell);
        size_t n = strncmp(shell->at, "&&", 2) == 0 || strncmp(shell->at, "||", 2) == 0 ? 2
                   : *shell->at && strchr("<>()", *shell->at)                           ? 1
                                                                                        : 0;
        if (words->argc == SHELL_WORDS)
            cannot_read(shell, "]]");
        if (n) {
            words->argv[words->argc++] = arena_copy(&shell->run->script.arena, shell->at, n);
            shell->at += n;
        } else if (!shell_word(shell, words)) {
            cannot_read(shell, "]]");
        }
    }
    words->argv[words->argc] = NULL;
}

static void run_simple(struct shell *shell, struct shell_io *io)
{
    struct shell_argv *words = arena_alloc(&shell->run->script.arena, sizeof *words);
    struct redirections to = {0};
    const char *begin = shell->at;
    bool is_test = take_keyword(shell, "[[");
    shell->at = begin;
    if (is_test)
        read_test_words(shell, words);
    for (;;) {
        shell_blank(shell);
        const char *word = shell->at;
        if (at_redirection(shell)) {
            read_redirection(shell, &to, -1);
        } else if (isdigit((unsigned char)*word) && (word[1] == '>' || word[1] == '<')) {
            shell->at++;
            read_redirection(shell, &to, *word - '0');
        } else if (!shell_word(shell, words)) {
            break;
        } else if (words->argc == 1 && word == begin && define_function(shell, words->argv[0], io)) {
            return;
        }
    }
    if (shell->at == begin)
        cannot_read(shell, "a command");
    if (!acts(shell))
        return;
    int first = 0;
    while (first < words->argc && is_assignment(words->argv[first])) { /* NAME=value before a command, or alone */
        const char *word = words->argv[first++], *equals = strchr(word, '=');
        shell_set(shell, word, (size_t)(equals - word), equals + 1);
    }
    struct shell_io inner = *io;
    size_t before = io->used;
    if (to.input)
        inner.input = to.input;
    int status = first == words->argc ? (first ? shell->status : 0)
                                      : run_words(shell, words->argc - first, words->argv + first, &inner);
    if (to.input)
        inner.input = io->input;
    *io = inner;
    shell->status = deliver(shell, &to, io, before, status);
}

/* --- compound commands -------------------------------------------------------------------------------------------- */
static void run_list(struct shell *shell, struct shell_io *io);

static void run_condition(struct shell *shell, struct shell_io *io)
{
    shell->conditions++;
    run_list(shell, io);
    shell->conditions--;
}

static void run_if(struct shell *shell, struct shell_io *io)
{
    bool live = shell->live, taken = false;
    do {
        shell->live = live && !taken;
        run_condition(shell, io);
        bool yes = acts(shell) && shell->status == 0;
        expect_keyword(shell, "then");
        shell->live = yes;
        run_list(shell, io);
        taken |= yes;
    } while (take_keyword(shell, "elif"));
    if (take_keyword(shell, "else")) {
        shell->live = live && !taken;
        taken = true;
        run_list(shell, io);
    }
    shell->live = live;
    expect_keyword(shell, "fi");
    if (acts(shell) && !taken)
        shell->status = 0;
}

/* After a pass through a loop's body: does it go on? */
static bool loop_on(struct shell *shell)
{
    bool on = shell->jump == SHELL_ON || shell->jump == SHELL_CONTINUE;
    if (shell->jump == SHELL_BREAK || shell->jump == SHELL_CONTINUE)
        shell->jump = SHELL_ON;
    return on;
}

static void run_while(struct shell *shell, struct shell_io *io, bool until)
{
    const char *begin = shell->at;
    bool live = shell->live, on = acts(shell);
    for (int i = 0;; i++) {
        if (i == SHELL_LOOPS)
            run_skip(shell->run, "command: a loop of more than %d rounds", SHELL_LOOPS);
        shell->at = begin;
        shell->live = on;
        run_condition(shell, io);
        bool yes = acts(shell) && (shell->status == 0) != until;
        expect_keyword(shell, "do");
        shell->live = yes;
        run_list(shell, io);
        shell->live = live;
        expect_keyword(shell, "done");
        if (!yes || !loop_on(shell))
            break;
    }
    if (acts(shell))
        shell->status = 0;
}

static void run_for(struct shell *shell, struct shell_io *io)
{
    struct shell_argv name = {.argc = 0}, *words = arena_alloc(&shell->run->script.arena, sizeof *words);
    if (!shell_word(shell, &name) || name.argc != 1)
        cannot_read(shell, "a name");
    skip_newlines(shell);
    if (take_keyword(shell, "in"))
        while (shell_word(shell, words))
            ;
    expect_keyword(shell, "do");
    const char *begin = shell->at;
    bool live = shell->live, on = acts(shell) && words->argc;
    int i = 0;
    do {
        shell->at = begin;
        shell->live = on;
        if (on)
            shell_set(shell, name.argv[0], strlen(name.argv[0]), words->argv[i]);
        run_list(shell, io);
        shell->live = live;
        expect_keyword(shell, "done");
    } while (on && loop_on(shell) && ++i < words->argc);
}

static void run_case(struct shell *shell, struct shell_io *io)
{
    const char *subject = one_word(shell);
    bool live = shell->live, taken = false;
    expect_keyword(shell, "in");
    for (;;) {
        skip_newlines(shell);
        if (take_keyword(shell, "esac"))
            break;
        bool matches = false;
        shell->at += *shell->at == '(';
        do {
            shell_blank(shell);
            shell->at += *shell->at == '|';
            matches |= fnmatch(one_word(shell), subject, 0) == 0;
            shell_blank(shell);
        } while (*shell->at == '|');
        if (*shell->at++ != ')')
            cannot_read(shell, ")");
        shell->live = live && matches && !taken;
        taken |= matches;
        run_list(shell, io);
        shell->live = live;
        skip_newlines(shell);
        shell->at += strncmp(shell->at, ";;", 2) == 0 ? 2 : 0;
        if (!*shell->at)
            cannot_read(shell, "esac");
    }
    if (acts(shell) && !taken)
        shell->status = 0;
}

static void run_group(struct shell *shell, struct shell_io *io, bool child)
{
    struct shell_variable *variables = shell->variables;
    bool ends_at_failure = shell->ends_at_failure;
    run_list(shell, io);
    if (child) {
        skip_newlines(shell);
        if (*shell->at != ')')
            cannot_read(shell, ")");
        shell->at++;
        shell->variables = variables;
        shell->ends_at_failure = ends_at_failure;
        if (shell->jump == SHELL_EXIT)
            shell->jump = SHELL_ON;
    } else {
        expect_keyword(shell, "}");
    }
}

static void run_sum(struct shell *shell)
{
    const char *end = strstr(shell->at, "))");
    if (!end)
        cannot_read(shell, "))");
    const char *text = arena_copy(&shell->run->script.arena, shell->at, (size_t)(end - shell->at));
    shell->at = end + 2;
    if (acts(shell))
        shell->status = shell_arithmetic(shell, shell_expand(shell, text)) == 0;
}

static bool run_compound(struct shell *shell, struct shell_io *io)
{
    if (take_keyword(shell, "if"))
        run_if(shell, io);
    else if (take_keyword(shell, "while"))
        run_while(shell, io, false);
    else if (take_keyword(shell, "until"))
        run_while(shell, io, true);
    else if (take_keyword(shell, "for"))
        run_for(shell, io);
    else if (take_keyword(shell, "case"))
        run_case(shell, io);
    else if (take_keyword(shell, "{"))
        run_group(shell, io, false);
    else if (shell->at[0] == '(' && shell->at[1] == '(' && (shell->at += 2))
        run_sum(shell);
    else if (*shell->at == '(' && shell->at++)
        run_group(shell, io, true);
    else
        return false;
    return true;
}

/* "while read x; do ... done < FILE": what stands behind the end is the input of the whole; so the whole is read once
 * without acting. NULL: none. */
static const char *input_behind(struct shell *shell, struct shell_io *io)
{
    static const char *const ends[] = {"done <", "done<", "} <", ") <", "fi <"};
    const char *begin = shell->at, *resume = shell->resume;
    struct redirections to = {0};
    bool found = false, live = shell->live;
    for (unsigned i = 0; i < ARRAY_COUNT(ends) && acts(shell); i++)
        found |= strstr(begin, ends[i]) != NULL;
    if (!found)
        return NULL;
    shell->live = false;
    bool is_compound = run_compound(shell, io);
    shell->live = live;
    for (shell_blank(shell); is_compound && at_redirection(shell); shell_blank(shell))
        read_redirection(shell, &to, -1);
    shell->at = begin;
    shell->resume = resume;
    return to.input;
}

static void run_one(struct shell *shell, struct shell_io *io)
{
    shell_blank(shell);
    const char *input = input_behind(shell, io), *outer = io->input;
    if (input)
        io->input = input;
    (void)take_keyword(shell, "function"); /* bash's: the () follows, too, or the name stands before { */
    size_t before = io->used;
    if (!run_compound(shell, io)) {
        run_simple(shell, io);
        return;
    }
    struct redirections to = {0};
    for (shell_blank(shell); at_redirection(shell) || (*shell->at == '2' && shell->at[1] == '>'); shell_blank(shell)) {
        int fd = *shell->at == '2' ? 2 : -1;
        shell->at += fd == 2;
        read_redirection(shell, &to, fd);
    }
    if (input)
        io->input = outer;
    if (acts(shell) || to.output)
        shell->status = deliver(shell, &to, io, before, shell->status);
}

/* --- pipelines and lists ------------------------------------------------------------------------------------------ */
static bool run_pipeline(struct shell *shell, struct shell_io *io)
{
    const char *input = io->input;
    bool negate = take_keyword(shell, "!"), is_first = true;
    for (;; is_first = false) {
        struct shell_io stage = shell_buffer(shell, input); /* whether a pipe follows is not known yet */
        run_one(shell, &stage);
        if (is_first)
            io->input = stage.input; /* what `read` took is gone */
        shell_blank(shell);
        if (shell->at[0] != '|' || shell->at[1] == '|') {
            shell_print(io, "%s", stage.output);
            break;
        }
        shell->at++;
        shell->at += *shell->at == '&';
        skip_newlines(shell);
        input = stage.output;
    }
    if (negate && acts(shell))
        shell->status = !shell->status;
    return negate;
}

/* Whether && or || comes behind the pipeline that begins here: it is read once without acting. */
static bool is_asked(struct shell *shell, struct shell_io *io)
{
    const char *begin = shell->at, *resume = shell->resume;
    bool live = shell->live;
    shell->live = false;
    bool negates = run_pipeline(shell, io);
    shell_blank(shell);
    bool found = negates || strncmp(shell->at, "&&", 2) == 0 || strncmp(shell->at, "||", 2) == 0;
    shell->at = begin;
    shell->resume = resume;
    shell->live = live;
    return found;
}

/* With set -e, what fails ends all; not before && or ||, behind !, or where it is a condition. */
static void run_and_or(struct shell *shell, struct shell_io *io)
{
    bool live = shell->live, goes = true;
    do {
        skip_newlines(shell);
        bool may_end = shell->ends_at_failure || strstr(shell->at, "set -"), asked = may_end && acts(shell) && is_asked(shell, io);
        shell->conditions += asked;
        shell->live = live && goes;
        (void)run_pipeline(shell, io);
        shell->conditions -= asked;
        if (shell->ends_at_failure && acts(shell) && shell->status && !asked && !shell->conditions)
            shell->jump = SHELL_EXIT;
        shell->live = live;
        shell_blank(shell);
        goes = (*shell->at == '&') == (shell->status == 0);
    } while ((strncmp(shell->at, "&&", 2) == 0 || strncmp(shell->at, "||", 2) == 0) && (shell->at += 2));
}

static void run_list(struct shell *shell, struct shell_io *io)
{
    static const char *const ends[] = {"then", "elif", "else", "fi", "do", "done", "esac", "}", NULL};
    for (;;) {
        skip_newlines(shell);
        if (*shell->at == ';' && shell->at[1] != ';') {
            shell->at++;
            continue;
        }
        if (!*shell->at || *shell->at == ')' || *shell->at == ';' || at_keyword(shell, ends))
            return;
        run_and_or(shell, io);
        if (*shell->at == '&')
            shell->at++;
        else if (*shell->at && !strchr(";\n)", *shell->at))
            cannot_read(shell, "; or a new line");
    }
}

int shell_run(struct shell *shell, const char *text, struct shell_io *io)
{
    const char *at = shell->at, *resume = shell->resume;
    if (shell->depth > 8)
        run_skip(shell->run, "command: files, functions or $() nest too deep");
    shell->at = text;
    shell->resume = NULL;
    run_list(shell, io);
    if (*shell->at)
        cannot_read(shell, "a command");
    shell->at = at;
    shell->resume = resume;
    return shell->status;
}

int shell_run_child(const struct shell *shell, const char *text, struct shell_io *io)
{
    struct shell child = *shell;
    child.depth++;
    child.status = 0;
    return shell_run(&child, text, io);
}

bool shell_find(const struct shell_program *all, unsigned count, struct shell *shell, int argc, char **argv, struct shell_io *io,
                int *status)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(argv[0], all[i].name) == 0) {
            *status = all[i].run(shell, argc, argv, io);
            return true;
        }
    }
    return false;
}
