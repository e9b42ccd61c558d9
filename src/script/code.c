/* code.c: statements of %{ code }%: logical lines with their indentation, assert, print, assignment, if. See code.h. */
#include "script/code_eval.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct line {
    const char *at, *end;
    int indent, number;
};
struct program {
    struct line *lines;
    unsigned count;
    struct eval eval;
    unsigned current;
};

/* The end of the logical line at P: a newline outside of brackets and strings, or a backslash before it. */
static const char *logical_end(const char *p)
{
    int depth = 0;
    char quote = 0;
    for (; *p; p++) {
        if (quote) {
            if (*p == '\\' && p[1])
                p++;
            else if (*p == quote)
                quote = 0;
        } else if (*p == '\'' || *p == '"') {
            quote = *p;
        } else if (*p == '#') {
            while (p[1] && p[1] != '\n')
                p++;
        } else if (strchr("([{", *p)) {
            depth++;
        } else if (strchr(")]}", *p)) {
            depth--;
        } else if (*p == '\\' && p[1] == '\n') {
            p++;
        } else if (*p == '\n' && depth <= 0) {
            break;
        }
    }
    return p;
}

static unsigned split(struct arena *arena, const char *text, struct line **lines)
{
    unsigned capacity = 1;
    for (const char *p = text; *p; p++)
        capacity += *p == '\n';
    *lines = arena_alloc(arena, capacity * sizeof **lines);
    unsigned count = 0;
    int number = 0;
    bool first = true;
    for (const char *p = text; *p;) {
        const char *end = logical_end(p), *begin = p;
        int indent = 0;
        for (; p < end && isspace((unsigned char)*p); p++)
            indent = *p == '\t' ? (indent / 8 + 1) * 8 : indent + 1;
        if (p < end && *p != '#') {
            /* code on the line of "%{" has no indentation that counts */
            (*lines)[count++] = (struct line){p, end, first && number == 0 ? -1 : indent, number};
        }
        first = false;
        for (const char *q = begin; q < end; q++)
            number += *q == '\n';
        number++;
        p = *end ? end + 1 : end;
    }
    return count;
}

static void set_variable(struct code *code, const char *name, size_t length, struct value value)
{
    for (struct code_variable *v = code->variables; v; v = v->next) {
        if (strlen(v->name) == length && memcmp(v->name, name, length) == 0) {
            v->value = value;
            return;
        }
    }
    struct code_variable *v = arena_alloc(code->arena, sizeof *v);
    v->name = arena_copy(code->arena, name, length);
    v->value = value;
    v->next = code->variables;
    code->variables = v;
}

static void run_assert(struct eval *eval)
{
    const char *begin = eval->at;
    eval->names[0] = 0;
    struct value value = eval_expression(eval);
    const char *end = eval->at;
    struct value message = {.kind = VALUE_NONE};
    if (eval_take(eval, ","))
        message = eval_tuple(eval);
    if (!eval->live || eval_true(&value))
        return;
    char text[128] = "";
    if (message.kind != VALUE_NONE)
        value_print(&message, text, sizeof text);
    eval_blank(eval);
    while (begin < end && isspace((unsigned char)*begin))
        begin++;
    eval_fail(eval, CODE_FAILED, "assert %.*s%s%s%s%s%s", (int)(end - begin), begin, eval->names[0] ? ": " : "",
              eval->names, text[0] ? " (" : "", text, text[0] ? ")" : "");
}

static void run_print(struct eval *eval)
{
    struct value value = {.kind = VALUE_STRING, .text = ""};
    eval_blank(eval);
    if (eval->at < eval->end && *eval->at != ';')
        value = eval_tuple(eval);
    if (!eval->live || !eval->code->output)
        return;
    char text[1024];
    if (value.kind == VALUE_TUPLE) {
        for (unsigned i = 0; i < value.count; i++) {
            value_print(&value.items[i], text, sizeof text);
            fprintf(eval->code->output, "%s%s", i ? " " : "", text);
        }
        fputc('\n', eval->code->output);
    } else {
        value_print(&value, text, sizeof text);
        fprintf(eval->code->output, "%s\n", text);
    }
}

/* NAME = value, NAME += value; false: no assignment. */
static bool run_assignment(struct eval *eval)
{
    eval_blank(eval);
    const char *name = eval->at, *p = name;
    while (p < eval->end && (isalnum((unsigned char)*p) || *p == '_'))
        p++;
    size_t length = (size_t)(p - name);
    while (p < eval->end && (*p == ' ' || *p == '\t'))
        p++;
    char op[3] = "";
    for (size_t n = 0; p < eval->end && n < 2 && strchr("+-*/%&|^", *p) && *p; p++)
        op[n++] = *p;
    if (!length || isdigit((unsigned char)*name) || p >= eval->end || *p != '=' || (p + 1 < eval->end && p[1] == '='))
        return false;
    eval->at = p + 1;
    struct value value = eval_tuple(eval);
    if (!eval->live)
        return true;
    if (op[0]) {
        struct value old = {.kind = VALUE_NONE};
        for (struct code_variable *v = eval->code->variables; v; v = v->next)
            if (strlen(v->name) == length && memcmp(v->name, name, length) == 0)
                old = v->value;
        value = eval_arithmetic(eval, op, old, value);
    }
    set_variable(eval->code, name, length, value);
    return true;
}

static void run_simple(struct eval *eval)
{
    static const char *const unsupported[] = {"for", "while", "def", "class", "try", "with", "raise", "global", "del", "lambda", "return"};
    do {
        eval_blank(eval);
        if (eval->at >= eval->end)
            return;
        for (unsigned i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++)
            if (eval_word(eval, unsupported[i]))
                eval_fail(eval, CODE_UNSUPPORTED, "the statement \"%s\" is not known here", unsupported[i]);
        if (eval_word(eval, "assert"))
            run_assert(eval);
        else if (eval_word(eval, "print"))
            run_print(eval);
        else if (eval_word(eval, "import") || eval_word(eval, "from"))
            eval->at = eval->end;
        else if (!eval_word(eval, "pass") && !run_assignment(eval))
            (void)eval_tuple(eval);
    } while (eval_take(eval, ";"));
    eval_blank(eval);
    if (eval->at < eval->end)
        eval_fail(eval, CODE_ERROR, "syntax error at \"%.*s\"", (int)(eval->end - eval->at > 20 ? 20 : eval->end - eval->at), eval->at);
}

static unsigned run_block(struct program *program, unsigned i, int indent, bool live);

/* One branch: "if c:" with its block. Returns the line after it; *taken tells whether it ran. */
static unsigned run_branch(struct program *program, unsigned i, bool live, bool has_condition, bool *taken)
{
    struct eval *eval = &program->eval;
    struct value condition = {.kind = VALUE_INTEGER, .integer = 1};
    eval->live = live && !*taken;
    if (has_condition)
        condition = eval_expression(eval);
    bool run = live && !*taken && eval_true(&condition);
    if (!eval_take(eval, ":"))
        eval_fail(eval, CODE_ERROR, "expected ':'");
    *taken |= run;
    eval->live = run;
    eval_blank(eval);
    if (eval->at < eval->end) { /* if c: statement */
        run_simple(eval);
        return i + 1;
    }
    int indent = program->lines[i].indent;
    i++;
    if (i < program->count && program->lines[i].indent > indent)
        return run_block(program, i, program->lines[i].indent, run);
    eval_fail(eval, CODE_ERROR, "expected an indented block");
}

static void open_line(struct program *program, unsigned i, bool live)
{
    program->current = i;
    program->eval.at = program->lines[i].at;
    program->eval.end = program->lines[i].end;
    program->eval.live = live;
}

static unsigned run_block(struct program *program, unsigned i, int indent, bool live)
{
    struct eval *eval = &program->eval;
    while (i < program->count && program->lines[i].indent >= indent) {
        open_line(program, i, live);
        if (!eval_word(eval, "if")) {
            run_simple(eval);
            i++;
            continue;
        }
        bool taken = false;
        int level = program->lines[i].indent;
        i = run_branch(program, i, live, true, &taken);
        while (i < program->count && program->lines[i].indent == level) {
            open_line(program, i, live);
            bool is_elif = eval_word(eval, "elif");
            if (!is_elif && !eval_word(eval, "else"))
                break;
            i = run_branch(program, i, live, is_elif, &taken);
        }
    }
    return i;
}

enum code_result code_run(struct code *code, const char *text, char *message, size_t size, int *line)
{
    struct program *program = arena_alloc(code->arena, sizeof *program);
    program->count = split(code->arena, text, &program->lines);
    program->eval.code = code;
    program->eval.message = message;
    program->eval.size = size;
    message[0] = 0;
    *line = 0;
    if (setjmp(program->eval.fail)) {
        *line = program->current < program->count ? program->lines[program->current].number : 0;
        return program->eval.result;
    }
    if (program->count) {
        /* a first statement beside "%{" goes with whatever indentation follows */
        const struct line *first = program->lines;
        if (first->indent < 0)
            program->lines[0].indent = program->count > 1 && first->end[-1] != ':' ? program->lines[1].indent : 0;
        for (unsigned i = 0; i < program->count;)
            i = run_block(program, i, program->lines[i].indent, true);
    }
    return CODE_OK;
}
