/* shell_word.c: words of the shell: quotes, $variables, $((sums)), $(commands). See shell.h; POSIX.1-2017 XCU 2.2, 2.6. */
#include "script/shell/shell.h"
#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* --- variables ---------------------------------------------------------------------------------------------------- */
static const char *shell_get(struct shell *shell, const char *name, size_t length)
{
    for (struct shell_variable *v = shell->variables; v; v = v->next)
        if (strlen(v->name) == length && memcmp(v->name, name, length) == 0)
            return v->value;
    for (const struct define *d = shell->run->config.defines; d; d = d->next)
        if (strlen(d->name) == length && memcmp(d->name, name, length) == 0)
            return d->value;
    return NULL;
}

void shell_set(struct shell *shell, const char *name, size_t length, const char *value)
{
    struct arena *arena = &shell->run->script.arena;
    struct shell_variable *v = arena_alloc(arena, sizeof *v);
    v->name = arena_copy(arena, name, length);
    v->value = value ? arena_copy(arena, value, strlen(value)) : NULL;
    v->next = shell->variables;
    shell->variables = v;
}

/* --- a word as it grows ------------------------------------------------------------------------------------------- */
struct word {
    char text[4096];
    size_t length;
    bool any; /* "" is a word, too */
    struct shell *shell;
    struct shell_argv *out;
};

static void add(struct word *word, char c)
{
    if (word->length + 1 < sizeof word->text)
        word->text[word->length++] = c;
    word->any = true;
}

static void finish(struct word *word)
{
    if (!word->any)
        return;
    if (word->out->argc == SHELL_WORDS)
        run_skip(word->shell->run, "command: more than %d words", SHELL_WORDS);
    word->out->argv[word->out->argc++] = arena_copy(&word->shell->run->script.arena, word->text, word->length);
    word->out->argv[word->out->argc] = NULL;
    word->length = 0;
    word->any = false;
}

/* An expansion outside of quotes makes fields of what blanks part (XCU 2.6.5). */
static void add_text(struct word *word, const char *text, bool split)
{
    for (; *text; text++) {
        if (split && isspace((unsigned char)*text))
            finish(word);
        else
            add(word, *text);
    }
}

/* --- $ ----------------------------------------------------------------------------------------------------------------------- */
/* The end of what an opening bracket before P began, at its CLOSE. */
static const char *closing(const char *p, char open, char close)
{
    int depth = 1;
    char quote = 0;
    for (; *p; p++) {
        if (quote) {
            if (*p == quote)
                quote = 0;
        } else if (*p == '\'' || *p == '"') {
            quote = *p;
        } else if (*p == '\\' && p[1]) {
            p++;
        } else if (*p == close && --depth == 0) {
            return p;
        } else if (*p == open) {
            depth++;
        }
    }
    return NULL;
}

static bool lookup(void *ctx, const char *name, struct value *value)
{
    struct shell *shell = ctx;
    const char *text = shell_get(shell, name, strlen(name));
    *value = (struct value){.kind = VALUE_INTEGER, .integer = text ? strtoll(text, NULL, 0) : 0};
    return true;
}

/* The code evaluator's expressions are a superset but for C's words for and, or, not. */
int64_t shell_arithmetic(struct shell *shell, const char *text)
{
    struct code code = {.arena = &shell->run->script.arena, .lookup = lookup, .ctx = shell};
    char message[200], *program = arena_alloc(code.arena, strlen(text) * 5 + 16);
    int line;
    size_t used = (size_t)sprintf(program, "_sum = (");
    for (const char *p = text; *p; p++) {
        bool both = (p[0] == '&' && p[1] == '&') || (p[0] == '|' && p[1] == '|');
        if (both)
            used += (size_t)sprintf(program + used, " %s ", *p == '&' ? "and" : "or");
        else if (*p == '!' && p[1] != '=')
            used += (size_t)sprintf(program + used, " not ");
        else
            program[used++] = *p;
        p += both;
    }
    strcpy(program + used, ")");
    if (code_run(&code, program, message, sizeof message, &line) != CODE_OK || !code.variables)
        run_skip(shell->run, "command: cannot compute $((%s)): %s", text, message);
    const struct value *sum = &code.variables->value;
    return sum->kind == VALUE_FLOAT ? (int64_t)sum->real : sum->integer; /* C's division: towards zero */
}

static const char *command_output(struct shell *shell, const char *text)
{
    struct shell_io io = shell_buffer(shell, "");
    if (text[0] == '<') { /* $(<FILE) */
        const char *file = shell_file(shell, text + 1 + strspn(text + 1, " "));
        shell_print(&io, "%s", file ? file : "");
    } else {
        shell->status = shell_run_child(shell, text, &io);
    }
    while (io.used && io.output[io.used - 1] == '\n')
        io.used--;
    io.output[io.used] = 0;
    return io.output;
}

/* ${NAME#pattern} and its kin: what is left of VALUE. */
static const char *strip(struct shell *shell, const char *value, const char *operator)
{
    struct arena *arena = &shell->run->script.arena;
    bool longest = operator[1] == operator[0], front = operator[0] == '#';
    const char *pattern = shell_expand(shell, operator+(longest ? 2 : 1));
    size_t length = strlen(value);
    for (size_t i = 0; i <= length; i++) {
        size_t size = longest ? length - i : i; /* of what goes */
        const char *part = front ? arena_copy(arena, value, size) : value + length - size;
        if (fnmatch(pattern, part, 0) == 0)
            return front ? value + size : arena_copy(arena, value, length - size);
    }
    return value;
}

static const char *parameter(struct shell *shell, const char *name, size_t length)
{
    int count = 0;
    while (shell->argv && shell->argv[count])
        count++;
    struct arena *arena = &shell->run->script.arena;
    if (length == 1 && *name == '?')
        return arena_printf(arena, "%d", shell->status);
    if (length == 1 && *name == '#')
        return arena_printf(arena, "%d", count ? count - 1 : 0);
    if (length == 1 && (*name == '$' || *name == '!'))
        return "1";
    if (length == 1 && (*name == '@' || *name == '*')) {
        const char *all = "";
        for (int i = 1; i < count; i++)
            all = arena_printf(arena, "%s%s%s", all, i > 1 ? " " : "", shell->argv[i]);
        return all;
    }
    if (isdigit((unsigned char)*name))
        return atoi(name) < count ? shell->argv[atoi(name)] : NULL;
    return shell_get(shell, name, length);
}

static size_t name_length(const char *p)
{
    size_t length = 0;
    if (*p && strchr("?#$@*!", *p))
        return 1;
    while (isalnum((unsigned char)p[length]) || p[length] == '_')
        length++;
    return isdigit((unsigned char)*p) ? 1 : length;
}

static const char *braces(struct shell *shell, const char *text)
{
    struct arena *arena = &shell->run->script.arena;
    if (text[0] == '#' && text[1]) {
        const char *value = parameter(shell, text + 1, strlen(text + 1));
        return arena_printf(arena, "%zu", value ? strlen(value) : 0);
    }
    size_t length = name_length(text);
    const char *value = parameter(shell, text, length), *operator= text + length;
    if (*operator== '#' || * operator== '%')
        return strip(shell, value ? value : "", operator);
    bool empty = !value || (*operator== ':' && !* value);
    operator+= * operator== ':';
    if (*operator== '-' || * operator== '=')
        return empty ? shell_expand(shell, operator+ 1) : value;
    if (*operator== '+')
        return empty ? "" : shell_expand(shell, operator+ 1);
    if (*operator)
        run_skip(shell->run, "command: ${%s} is not known here", text);
    return value ? value : "";
}

/* The cursor is behind "$". */
static const char *dollar(struct shell *shell)
{
    struct arena *arena = &shell->run->script.arena;
    const char *begin = shell->at, *end;
    if (begin[0] == '(' && begin[1] == '(' && (end = closing(begin + 2, '(', ')')) && end[1] == ')') {
        shell->at = end + 2;
        return shell->live
                   ? arena_printf(
                         arena, "%lld",
                         (long long)shell_arithmetic(
                             shell, shell_expand(shell, arena_copy(arena, begin + 2, (size_t)(end - begin - 2)))))
                   : "";
    }
    if ((*begin == '(' && (end = closing(begin + 1, '(', ')'))) ||
        (*begin == '{' && (end = closing(begin + 1, '{', '}')))) {
        const char *inner = arena_copy(arena, begin + 1, (size_t)(end - begin - 1));
        shell->at = end + 1;
        return !shell->live ? "" : *begin == '(' ? command_output(shell, inner) : braces(shell, inner);
    }
    if (*begin == '(' || *begin == '{')
        run_skip(shell->run, "command: $%c without its end", *begin);
    size_t length = name_length(begin);
    shell->at += length;
    const char *value = length ? parameter(shell, begin, length) : "$";
    return value ? value : "";
}

const char *shell_expand(struct shell *shell, const char *text)
{
    struct arena *arena = &shell->run->script.arena;
    const char *saved = shell->at, *out = "";
    shell->at = text;
    while (*shell->at) {
        size_t plain = strcspn(shell->at, "$");
        out = arena_printf(arena, "%s%.*s", out, (int)plain, shell->at);
        shell->at += plain;
        if (*shell->at == '$') {
            shell->at++;
            out = arena_printf(arena, "%s%s", out, dollar(shell));
        }
    }
    shell->at = saved;
    return out;
}

/* --- words -------------------------------------------------------------------------------------------------------- */
void shell_blank(struct shell *shell)
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

static void add_double_quoted(struct word *word)
{
    struct shell *shell = word->shell;
    word->any = true;
    while (*shell->at && *shell->at != '"') {
        if (*shell->at == '$') {
            shell->at++;
            add_text(word, dollar(shell), false);
        } else if (shell->at[0] == '\\' && shell->at[1] == '\n') {
            shell->at += 2;
        } else {
            shell->at += *shell->at == '\\' && shell->at[1] && strchr("\"\\$`", shell->at[1]);
            add(word, *shell->at++);
        }
    }
    if (!*shell->at++)
        run_fail(shell->run, "command: a quotation without its end");
}

bool shell_word(struct shell *shell, struct shell_argv *out)
{
    struct word word;
    word.length = 0;
    word.any = false;
    word.shell = shell;
    word.out = out;
    shell_blank(shell);
    const char *begin = shell->at;
    while (*shell->at && !strchr(" \t\r\n;|&<>()", *shell->at)) {
        char c = *shell->at++;
        if (c == '\'') {
            word.any = true;
            while (*shell->at && *shell->at != '\'')
                add(&word, *shell->at++);
            if (!*shell->at++)
                run_fail(shell->run, "command: a quotation without its end");
        } else if (c == '"') {
            add_double_quoted(&word);
        } else if (c == '$') {
            const char *equals = memchr(begin, '=', (size_t)(shell->at - begin)); /* NAME=$value is not split */
            add_text(&word, dollar(shell), !equals);
        } else if (c == '\\' && *shell->at) {
            if (*shell->at != '\n')
                add(&word, *shell->at);
            shell->at++;
        } else {
            add(&word, c);
        }
    }
    finish(&word);
    return shell->at != begin;
}
