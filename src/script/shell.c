/* shell.c: the language of `commands`. See shell.h. */
#include "script/shell.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void shell_print(struct shell_io *io, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(io->output + io->used, SHELL_OUTPUT - io->used, format, arguments);
    va_end(arguments);
    io->used += n > 0 ? (size_t)n : 0;
    if (io->used >= SHELL_OUTPUT)
        io->used = SHELL_OUTPUT - 1;
}

const char *shell_get(struct shell *shell, const char *name, size_t length)
{
    for (struct shell_variable *v = shell->variables; v; v = v->next)
        if (strlen(v->name) == length && memcmp(v->name, name, length) == 0)
            return v->value;
    for (const struct define *d = shell->run->config.defines; d; d = d->next)
        if (strlen(d->name) == length && memcmp(d->name, name, length) == 0)
            return d->value;
    return "";
}

void shell_set(struct shell *shell, const char *name, size_t length, const char *value)
{
    struct arena *arena = &shell->run->script.arena;
    struct shell_variable *v = arena_alloc(arena, sizeof *v);
    v->name = arena_copy(arena, name, length);
    v->value = arena_copy(arena, value, strlen(value));
    v->next = shell->variables;
    shell->variables = v;
}

struct word {
    char text[2048];
    size_t length;
    bool any;          /* "" is a word, too */
};

static void add(struct word *word, char c)
{
    if (word->length + 1 < sizeof word->text)
        word->text[word->length++] = c;
    word->text[word->length] = 0;
    word->any = true;
}

static void add_text(struct word *word, const char *text)
{
    for (; *text; text++)
        add(word, *text);
    word->any = true;
}

/* $((15*1024)): the code evaluator's expressions are a superset. */
static void add_sum(struct shell *shell, struct word *word)
{
    const char *begin = shell->at += 2;
    int depth = 0;
    while (*shell->at && !(depth == 0 && shell->at[0] == ')' && shell->at[1] == ')')) {
        depth += (*shell->at == '(') - (*shell->at == ')');
        shell->at++;
    }
    struct code code = {.arena = &shell->run->script.arena};
    char message[200], text[64];
    int line;
    const char *program = arena_printf(code.arena, "_sum = %.*s", (int)(shell->at - begin), begin);
    if (!*shell->at || code_run(&code, program, message, sizeof message, &line) != CODE_OK || !code.variables)
        run_skip(shell->run, "command: cannot compute $((%.*s))", (int)(shell->at - begin), begin);
    shell->at += 2;
    value_print(&code.variables->value, text, sizeof text);
    add_text(word, text);
}

static void add_output(struct shell *shell, struct word *word, const char *text)
{
    struct shell inner = {.run = shell->run, .variables = shell->variables, .depth = shell->depth + 1};
    struct shell_io io = {.input = "", .output = arena_alloc(&shell->run->script.arena, SHELL_OUTPUT)};
    shell->status = shell_run(&inner, text, &io);
    while (io.used && io.output[io.used - 1] == '\n')
        io.used--;
    io.output[io.used] = 0;
    add_text(word, io.output);
}

static void add_variable(struct shell *shell, struct word *word)
{
    if (shell->at[0] == '(' && shell->at[1] == '(') {
        add_sum(shell, word);
        return;
    }
    if (*shell->at == '(') {
        const char *begin = ++shell->at;
        int depth = 1;
        for (; *shell->at && depth; shell->at++)
            depth += (*shell->at == '(') - (*shell->at == ')');
        add_output(shell, word, arena_copy(&shell->run->script.arena, begin, (size_t)(shell->at - begin - 1)));
        return;
    }
    bool braces = *shell->at == '{';
    shell->at += braces;
    const char *begin = shell->at;
    if (*shell->at == '$' || *shell->at == '?' || *shell->at == '#' || *shell->at == '@')
        shell->at++;
    else
        while (isalnum((unsigned char)*shell->at) || *shell->at == '_')
            shell->at++;
    size_t length = (size_t)(shell->at - begin);
    char number[16];
    snprintf(number, sizeof number, "%d", shell->status);
    add_text(word, length == 1 && *begin == '?' ? number : shell_get(shell, begin, length));
    if (braces) {
        while (*shell->at && *shell->at != '}')
            shell->at++;
        shell->at += *shell->at == '}';
    }
}

static void add_quoted(struct shell *shell, struct word *word)
{
    word->any = true;
    while (*shell->at && *shell->at != '"') {
        if (*shell->at == '$') {
            shell->at++;
            add_variable(shell, word);
        } else {
            shell->at += *shell->at == '\\' && shell->at[1] && strchr("\"\\$`", shell->at[1]);
            add(word, *shell->at++);
        }
    }
    shell->at += *shell->at == '"';
}

static void skip_blank(struct shell *shell)
{
    for (;;) {
        if (*shell->at == ' ' || *shell->at == '\t' || *shell->at == '\r')
            shell->at++;
        else if (shell->at[0] == '\\' && shell->at[1] == '\n')
            shell->at += 2;
        else
            break;
    }
    if (*shell->at == '#')
        while (*shell->at && *shell->at != '\n')
            shell->at++;
}

static bool read_word(struct shell *shell, struct word *word)
{
    word->length = 0;
    word->text[0] = 0;
    word->any = false;
    skip_blank(shell);
    while (*shell->at && !strchr(" \t\r\n;|&<>", *shell->at)) {
        char c = *shell->at++;
        if (c == '\'') {
            word->any = true;
            while (*shell->at && *shell->at != '\'')
                add(word, *shell->at++);
            shell->at += *shell->at == '\'';
        } else if (c == '"') {
            add_quoted(shell, word);
        } else if (c == '$') {
            add_variable(shell, word);
        } else if (c == '\\' && *shell->at) {
            if (*shell->at != '\n')
                add(word, *shell->at);
            shell->at++;
        } else {
            add(word, c);
        }
    }
    return word->any;
}

struct simple {
    char *argv[SHELL_WORDS + 1];
    int argc;
    const char *output_file;   /* NULL: the pipe or the caller */
    bool drop_output;
};

/* > FILE, >> FILE, 2>&1, &> FILE, < FILE; a number before > has been read as a word and is taken back. */
static void read_redirection(struct shell *shell, struct simple *simple)
{
    bool input = *shell->at == '<', errors = false;
    if (simple->argc && shell->at[-1] != ' ' && strcmp(simple->argv[simple->argc - 1], "2") == 0) {
        errors = true;
        simple->argc--;
    }
    while (*shell->at == '>' || *shell->at == '<')
        shell->at++;
    if (*shell->at == '&') {
        shell->at++;
        struct word ignored;
        read_word(shell, &ignored);
        return;
    }
    struct word word;
    read_word(shell, &word);
    if (input || errors)
        return;
    if (strncmp(word.text, "/proc/sys/", 10) == 0)
        simple->output_file = arena_copy(&shell->run->script.arena, word.text, word.length);
    else
        simple->drop_output = true;
}

static void read_simple(struct shell *shell, struct simple *simple)
{
    struct word word;
    memset(simple, 0, sizeof *simple);
    for (;;) {
        skip_blank(shell);
        if (*shell->at == '>' || *shell->at == '<') {
            read_redirection(shell, simple);
        } else if (shell->at[0] == '&' && shell->at[1] == '>') {
            shell->at++;
            read_redirection(shell, simple);
        } else if (read_word(shell, &word)) {
            if (simple->argc == SHELL_WORDS)
                run_skip(shell->run, "command: more than %d words", SHELL_WORDS);
            simple->argv[simple->argc++] = arena_copy(&shell->run->script.arena, word.text, word.length);
        } else {
            break;
        }
    }
    simple->argv[simple->argc] = NULL;
}

static int run_simple(struct shell *shell, struct simple *simple, struct shell_io *io)
{
    int first = 0;
    while (first < simple->argc) { /* NAME=value before a command, or alone */
        const char *equals = strchr(simple->argv[first], '=');
        const char *p = simple->argv[first];
        while (isalnum((unsigned char)*p) || *p == '_')
            p++;
        if (!equals || p != equals || p == simple->argv[first])
            break;
        shell_set(shell, simple->argv[first], (size_t)(equals - simple->argv[first]), equals + 1);
        first++;
    }
    if (first == simple->argc)
        return 0;
    size_t before = io->used;
    int status = shell_program(shell, simple->argc - first, simple->argv + first, io);
    if (simple->output_file) {
        while (io->used > before && io->output[io->used - 1] == '\n')
            io->used--;
        io->output[io->used] = 0;
        status = shell_sysctl_set(shell, simple->output_file, io->output + before);
    }
    if (simple->output_file || simple->drop_output)
        io->used = before;
    io->output[io->used] = 0;
    return status;
}

static int run_pipeline(struct shell *shell, struct shell_io *io, bool live)
{
    struct simple simple;
    const char *input = io->input;
    int status = 0;
    for (;;) {
        bool negate = false;
        skip_blank(shell);
        if (shell->at[0] == '!' && shell->at[1] == ' ') {
            negate = true;
            shell->at++;
        }
        read_simple(shell, &simple);
        bool piped = shell->at[0] == '|' && shell->at[1] != '|';
        struct shell_io stage = {.input = input};
        stage.output = piped ? arena_alloc(&shell->run->script.arena, SHELL_OUTPUT) : io->output;
        stage.used = piped ? 0 : io->used;
        if (live && simple.argc)
            status = run_simple(shell, &simple, &stage);
        if (negate)
            status = !status;
        if (!piped) {
            io->used = stage.used;
            return status;
        }
        shell->at++;
        input = stage.output;
    }
}

int shell_run(struct shell *shell, const char *text, struct shell_io *io)
{
    const char *saved = shell->at;
    bool live = true;
    if (shell->depth > 8)
        run_skip(shell->run, "command: files or $() nest too deep");
    shell->at = text;
    while (*shell->at) {
        skip_blank(shell);
        if (*shell->at == '\n' || *shell->at == ';') {
            shell->at++;
            live = true;
            continue;
        }
        if (!*shell->at)
            break;
        const char *before = shell->at;
        int status = run_pipeline(shell, io, live);
        if (live)
            shell->status = status;
        skip_blank(shell);
        if (shell->at[0] == '&' && shell->at[1] == '&') {
            live = shell->status == 0;
            shell->at += 2;
        } else if (shell->at[0] == '|' && shell->at[1] == '|') {
            live = shell->status != 0;
            shell->at += 2;
        } else if (*shell->at == '&') {
            shell->at++;
            live = true;
        } else if (shell->at == before) {
            run_skip(shell->run, "command: cannot read \"%.20s\"", before);
        }
    }
    shell->at = saved;
    return shell->status;
}
