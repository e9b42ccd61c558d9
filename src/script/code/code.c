/* code.c: statements of %{ code }%: logical lines with their indentation, assert, print, assignment, if, for, while,
 * def. See code.h. */
#include "script/code/code_eval.h"
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
};
/* The end of the logical line at P: a newline outside of brackets and strings, or a backslash before it. */
static const char *logical_end(const char *p)
{
    int depth = 0;
    char quote = 0;
    bool in_triple = false;
    for (; *p; p++) {
        bool triple = (*p == '"' || *p == '\'') && p[1] == *p && p[2] == *p;
        if (quote) {
            if (*p == '\\' && p[1])
                p++;
            else if (*p == quote && (!in_triple || triple)) {
                quote = 0;
                p += in_triple ? 2 : 0;
            }
        } else if (*p == '\'' || *p == '"') {
            quote = *p;
            in_triple = triple;
            p += triple ? 2 : 0;
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
    char text[300] = "";
    if (message.kind != VALUE_NONE)
        value_print(&message, text, sizeof text);
    eval_blank(eval);
    while (begin < end && isspace((unsigned char)*begin))
        begin++;
    eval->error_class = "AssertionError";
    eval->error_text = arena_copy(eval->code->arena, text, strlen(text));
    eval_fail(eval, CODE_FAILED, "assertion failed: %.*s%s%s%s%s%s", (int)(end - begin), begin, eval->names[0] ? ": " : "",
              eval->names, text[0] ? " (" : "", text, text[0] ? ")" : "");
}

static void print_values(struct eval *eval, const struct value *values, unsigned count, const char *separator,
                         const char *end)
{
    char text[2048];
    if (!eval->live || !eval->code->output)
        return;
    for (unsigned i = 0; i < count; i++) {
        value_print(&values[i], text, sizeof text);
        fprintf(eval->code->output, "%s%s", i ? separator : "", text);
    }
    fputs(end, eval->code->output);
}

/* print(a, b, sep="") and Python 2's print a, b. */
static void run_print(struct eval *eval)
{
    const char *separator = " ", *end = "\n", *begin = eval->at;
    if (eval_take(eval, "(")) {
        struct arguments *arguments = arena_alloc(eval->code->arena, sizeof *arguments);
        eval_arguments(eval, arguments);
        unsigned count = 0;
        for (unsigned i = 0; i < arguments->count; i++) {
            const char *name = arguments->names[i],
                       *text = arguments->values[i].kind == VALUE_STRING ? arguments->values[i].text : "";
            if (name && strcmp(name, "sep") == 0)
                separator = text;
            else if (name && strcmp(name, "end") == 0)
                end = text;
            else if (!name)
                arguments->values[count++] = arguments->values[i];
        }
        eval_blank(eval);
        if (eval->at >= eval->end || *eval->at == ';') {
            print_values(eval, arguments->values, count, separator, end);
            return;
        }
        eval->at = begin; /* print ("%d" % x), y: an expression that begins with a bracket */
    }
    struct value value = {.kind = VALUE_STRING, .text = ""};
    eval_blank(eval);
    if (eval_take(eval, ">>")) { /* print >>sys.stderr, x */
        while (eval->at < eval->end && *eval->at != ',')
            eval->at++;
        (void)eval_take(eval, ",");
    }
    eval_blank(eval);
    if (eval->at < eval->end && *eval->at != ';')
        value = eval_tuple(eval);
    if (value.kind == VALUE_TUPLE)
        print_values(eval, value.items, value.count, separator, end);
    else
        print_values(eval, &value, 1, separator, end);
}

/* An "=" or "OP=" outside of brackets and strings before END, or NULL; OP is "" for a plain one. The target ends where it begins. */
static const char *find_assignment(const struct eval *eval, char op[4], const char **behind)
{
    int depth = 0;
    char quote = 0;
    for (const char *p = eval->at; p < eval->end && (quote || depth || *p != ';'); p++) {
        if (quote) {
            p += *p == '\\';
            quote = *p == quote ? 0 : quote;
        } else if (*p == '\'' || *p == '"') {
            quote = *p;
        } else if (*p == '#' || (depth == 0 && strncmp(p, "lambda", 6) == 0)) {
            return NULL;
        } else if (strchr("([{", *p)) {
            depth++;
        } else if (strchr(")]}", *p)) {
            depth--;
        } else if (depth == 0 && *p == '=' && p + 1 < eval->end && p[1] != '=' && p > eval->at && p[-1] != '!' && p[-1] != '=') {
            const char *begin = p;
            while (begin > eval->at && strchr("+-*/%&|^<>", begin[-1]) && p - begin < 3)
                begin--;
            if (p - begin == 1 && (*begin == '<' || *begin == '>'))
                return NULL;
            memcpy(op, begin, (size_t)(p - begin));
            op[p - begin] = 0;
            *behind = p + 1;
            return begin;
        } else if (*p == '=') {
            p++;
        }
    }
    return NULL;
}

/* TARGET = value, TARGET += value, a, b = value, a = b = value; false: no assignment. */
static bool run_assignment(struct eval *eval, struct value *value)
{
    char op[4];
    eval_blank(eval);
    const char *from = eval->at, *behind, *to = find_assignment(eval, op, &behind);
    if (!to || to == from)
        return false;
    eval->at = behind;
    if (*op || !run_assignment(eval, value)) /* else a = b = 1 */
        *value = eval_tuple(eval);
    if (!eval->live)
        return true;
    if (*op)
        *value = eval_augmented(eval, op, from, to, *value);
    eval_assign_all(eval, from, to, *value);
    return true;
}

static void run_raise(struct eval *eval)
{
    char text[200];
    const char *class = "Exception";
    eval_blank(eval);
    struct value value = code_string("");
    if (eval->at < eval->end) {
        const char *begin = eval->at;
        while (eval->at < eval->end && (isalnum((unsigned char)*eval->at) || *eval->at == '_'))
            eval->at++;
        class = arena_copy(eval->code->arena, begin, (size_t)(eval->at - begin));
        eval_blank(eval);
        if (eval->at < eval->end && *eval->at == '(') {
            eval->at = begin;
            value = eval_expression(eval);
        }
        if (eval_word(eval, "from"))
            (void)eval_expression(eval);
    } else {
        class = eval->error_class ? eval->error_class : class; /* what is being handled, again */
    }
    value_print(&value, text, sizeof text);
    if (!eval->live)
        return;
    eval->error_class = class;
    eval->error_text = arena_copy(eval->code->arena, text, strlen(text));
    eval_fail(eval, CODE_FAILED, "raise %s%s%s", class, *text ? ": " : "", text);
}

/* del a, b[0] */
static void run_delete(struct eval *eval)
{
    const char *from = eval->at, *to = from;
    int depth = 0;
    for (; to <= eval->end; to++) {
        bool ends = to == eval->end || (depth == 0 && (*to == ',' || *to == ';'));
        if (ends) {
            eval_delete(eval, from, to);
            from = to + 1;
        }
        if (to == eval->end || (depth == 0 && *to == ';'))
            break;
        depth += strchr("([{", *to) ? 1 : strchr(")]}", *to) ? -1 : 0;
    }
    eval->at = to;
}

static void run_global(struct eval *eval)
{
    do {
        eval_blank(eval);
        const char *name = eval->at;
        while (eval->at < eval->end && (isalnum((unsigned char)*eval->at) || *eval->at == '_'))
            eval->at++;
        if (!eval->live || !eval->depth || eval->at == name)
            continue;
        struct code_variable *marker = arena_alloc(eval->code->arena, sizeof *marker);
        marker->name = arena_copy(eval->code->arena, name, (size_t)(eval->at - name));
        marker->is_global = true;
        marker->next = eval->locals;
        eval->locals = marker;
    } while (eval_take(eval, ","));
}

static void run_return(struct eval *eval)
{
    eval_blank(eval);
    struct value value = {.kind = VALUE_NONE};
    if (eval->at < eval->end && *eval->at != ';')
        value = eval_tuple(eval);
    if (!eval->live)
        return;
    eval->returned = value;
    eval->jump = CODE_RETURN;
}

static void run_simple(struct eval *eval)
{
    static const char *const unsupported[] = {"class", "with", "async", "yield"};
    struct value value;
    do {
        eval_blank(eval);
        if (eval->at >= eval->end)
            return;
        eval->live &= eval->jump == CODE_ON;
        for (unsigned i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++)
            if (eval_word(eval, unsupported[i]))
                eval_fail(eval, CODE_UNSUPPORTED, "the statement \"%s\" is not known here", unsupported[i]);
        if (eval_word(eval, "assert"))
            run_assert(eval);
        else if (eval_word(eval, "print"))
            run_print(eval);
        else if (eval_word(eval, "import") || eval_word(eval, "from")) /* what is known is known without */
            while (eval->at < eval->end && *eval->at != ';')
                eval->at++;
        else if (eval_word(eval, "raise"))
            run_raise(eval);
        else if (eval_word(eval, "del"))
            run_delete(eval);
        else if (eval_word(eval, "global") || eval_word(eval, "nonlocal"))
            run_global(eval);
        else if (eval_word(eval, "return"))
            run_return(eval);
        else if (eval_word(eval, "break") || eval_word(eval, "continue"))
            eval->jump = !eval->live ? eval->jump : eval->at[-1] == 'k' ? CODE_BREAK : CODE_CONTINUE;
        else if (!eval_word(eval, "pass") && !run_assignment(eval, &value))
            (void)eval_tuple(eval);
    } while (eval_take(eval, ";"));
    eval_blank(eval);
    if (eval->at < eval->end)
        eval_fail(eval, CODE_ERROR, "syntax error at \"%.*s\"",
                  (int)(eval->end - eval->at > 20 ? 20 : eval->end - eval->at), eval->at);
}

/* --- compound statements: each takes the index of its line and returns that of the line after it ------------------ */
static unsigned run_block(struct eval *eval, unsigned i, int indent, bool live);

/* What stands behind "if c", "for x in y": ":" and a statement, or a block that is indented. */
static unsigned run_suite(struct eval *eval, unsigned i, bool live)
{
    const struct program *program = eval->program;
    if (!eval_take(eval, ":"))
        eval_fail(eval, CODE_ERROR, "expected ':'");
    eval_blank(eval);
    if (eval->at < eval->end) {
        eval->live = live;
        run_simple(eval);
        return i + 1;
    }
    int indent = program->lines[i].indent;
    if (i + 1 < program->count && program->lines[i + 1].indent > indent)
        return run_block(eval, i + 1, program->lines[i + 1].indent, live);
    eval_fail(eval, CODE_ERROR, "expected an indented block");
}

static void open_line(struct eval *eval, unsigned i, bool live)
{
    eval->current = i;
    eval->at = eval->program->lines[i].at;
    eval->end = eval->program->lines[i].end;
    eval->live = live && eval->jump == CODE_ON;
}

/* One branch: "if c:" with its block; *taken tells whether it ran. */
static unsigned run_branch(struct eval *eval, unsigned i, bool live, bool has_condition, bool *taken)
{
    struct value condition = {.kind = VALUE_INTEGER, .integer = 1};
    eval->live = live && !*taken;
    if (has_condition)
        condition = eval_expression(eval);
    bool run = live && !*taken && eval_true(&condition);
    *taken |= run;
    return run_suite(eval, i, run);
}

static unsigned run_if(struct eval *eval, unsigned i, bool live)
{
    const struct program *program = eval->program;
    bool taken = false;
    int level = program->lines[i].indent;
    i = run_branch(eval, i, live, true, &taken);
    while (i < program->count && program->lines[i].indent == level) {
        open_line(eval, i, live);
        bool is_elif = eval_word(eval, "elif");
        if (!is_elif && !eval_word(eval, "else"))
            break;
        i = run_branch(eval, i, live, is_elif, &taken);
    }
    return i;
}

/* After a round: does the loop go on? */
static bool loop_on(struct eval *eval)
{
    bool on = eval->jump == CODE_ON || eval->jump == CODE_CONTINUE;
    if (eval->jump == CODE_BREAK || eval->jump == CODE_CONTINUE)
        eval->jump = CODE_ON;
    return on;
}

/* The "else" of a loop: it runs when no "break" ended it. */
static unsigned run_loop_else(struct eval *eval, unsigned i, int level, bool live)
{
    if (i >= eval->program->count || eval->program->lines[i].indent != level)
        return i;
    open_line(eval, i, live);
    return eval_word(eval, "else") ? run_suite(eval, i, live && eval->jump == CODE_ON) : i;
}

static unsigned run_while(struct eval *eval, unsigned i, bool live)
{
    int level = eval->program->lines[i].indent;
    for (unsigned round = 0;; round++) {
        if (round == CODE_ROUNDS)
            eval_fail(eval, CODE_UNSUPPORTED, "a loop of more than %d rounds", CODE_ROUNDS);
        open_line(eval, i, live);
        (void)eval_word(eval, "while");
        struct value condition = eval_expression(eval);
        bool run = eval->live && eval_true(&condition);
        unsigned after = run_suite(eval, i, run);
        bool is_broken = run && eval->jump == CODE_BREAK;
        if (!run || !loop_on(eval))
            return run_loop_else(eval, after, level, live && !is_broken);
    }
}

static const char *word_in(const struct eval *eval)
{
    for (const char *p = eval->at; p + 3 < eval->end; p++)
        if (isspace((unsigned char)p[0]) && p[1] == 'i' && p[2] == 'n' && !isalnum((unsigned char)p[3]) && p[3] != '_')
            return p;
    return NULL;
}

static unsigned run_for(struct eval *eval, unsigned i, bool live)
{
    const char *from = eval->at, *to = word_in(eval);
    int level = eval->program->lines[i].indent;
    if (!to)
        eval_fail(eval, CODE_ERROR, "expected \"in\"");
    eval->at = to + 3;
    struct value list = eval_tuple(eval);
    const char *suite = eval->at, *end = eval->end;
    bool run = eval->live, is_broken = false;
    struct span span = run ? data_span(eval, &list) : (struct span){0};
    struct value items = data_list(eval, span.items, span.count); /* what is added meanwhile is not gone through */
    unsigned after = 0, k = 0;
    do {
        eval->current = i;
        eval->at = suite;
        eval->end = end;
        eval->live = live && run && k < items.box->count;
        if (eval->live)
            eval_assign_all(eval, from, to, items.box->items[k]);
        after = run_suite(eval, i, eval->live);
        is_broken = eval->jump == CODE_BREAK;
    } while (run && k < items.box->count && loop_on(eval) && ++k < items.box->count);
    return run_loop_else(eval, after, level, live && run && !is_broken);
}

/* --- try -------------------------------------------------------------------------------------------------------------------- */
/* Runs the suite of "try:"; true: it raised what may be caught. */
static bool attempt(struct eval *eval, unsigned i)
{
    struct eval *before = arena_alloc(eval->code->arena, sizeof *before);
    *before = *eval;
    eval->error_class = eval->error_text = NULL;
    if (setjmp(eval->fail) == 0) {
        open_line(eval, i, true);
        (void)eval_word(eval, "try");
        (void)run_suite(eval, i, true);
        memcpy(eval->fail, before->fail, sizeof eval->fail);
        return false;
    }
    enum code_result result = eval->result;
    memcpy(eval->fail, before->fail, sizeof eval->fail);
    if (result == CODE_UNSUPPORTED || (eval->error_class && strcmp(eval->error_class, "SystemExit") == 0))
        longjmp(eval->fail, 1);
    eval->program = before->program;
    eval->locals = before->locals;
    eval->outer = before->outer;
    eval->depth = before->depth;
    eval->jump = CODE_ON;
    eval->names[0] = 0;
    return true;
}

/* Is the class of what was raised among those of FROM ... TO? The evaluator's own complaints have one only where scripts ask for it. */
static bool is_caught(const struct eval *eval, const char *from, const char *to)
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    if (from == to || !eval->error_class)
        return true;
    for (const char *p = from; p < to;) {
        while (p < to && !isalnum((unsigned char)*p) && *p != '_')
            p++;
        size_t n = 0;
        while (p + n < to && (isalnum((unsigned char)p[n]) || p[n] == '_'))
            n++;
        bool is_base = (n == 9 && strncmp(p, "Exception", n) == 0) || (n == 13 && strncmp(p, "BaseException", n) == 0) ||
                       (n == 11 && strncmp(p, "LookupError", n) == 0 && strstr("IndexError KeyError", eval->error_class)) ||
                       (n == 15 && strncmp(p, "ArithmeticError", n) == 0 && strcmp(eval->error_class, "ZeroDivisionError") == 0);
        if (is_base || (n && strlen(eval->error_class) == n && strncmp(p, eval->error_class, n) == 0))
            return true;
        p += n;
    }
    return false;
}

/* "except A as e:" behind the word; LIVE: something was raised and is not handled yet. *caught tells whether it is now. */
static unsigned run_except(struct eval *eval, unsigned i, bool live, bool *caught)
{
    const char *from = eval->at, *colon = from, *as = NULL;
    while (colon < eval->end && *colon != ':') {
        if (strncmp(colon, " as ", 4) == 0)
            as = colon;
        colon++;
    }
    bool run = live && is_caught(eval, from, as ? as : colon);
    *caught |= run;
    eval->live = run;
    if (as)
        eval_assign_all(eval, as + 4, colon, code_string(eval->error_text ? eval->error_text : ""));
    eval->at = colon;
    return run_suite(eval, i, run);
}

static unsigned run_try(struct eval *eval, unsigned i, bool live)
{
    const struct program *program = eval->program;
    int level = program->lines[i].indent;
    unsigned first = i;
    bool caught = false;
    open_line(eval, i, false);
    (void)eval_word(eval, "try");
    i = run_suite(eval, i, false);
    bool failed = live && attempt(eval, first);
    enum code_jump jump = eval->jump;
    for (; i < program->count && program->lines[i].indent == level; eval->jump = eval->jump == CODE_ON ? jump : eval->jump) {
        eval->jump = CODE_ON;
        open_line(eval, i, live);
        if (eval_word(eval, "except"))
            i = run_except(eval, i, failed && !caught, &caught);
        else if (eval_word(eval, "else"))
            i = run_suite(eval, i, live && !failed && jump == CODE_ON);
        else if (eval_word(eval, "finally"))
            i = run_suite(eval, i, live);
        else
            break;
    }
    eval->jump = eval->jump == CODE_ON ? jump : eval->jump;
    if (failed && !caught)
        longjmp(eval->fail, 1);
    return i;
}

/* def NAME(a, b=1): its body is run when it is called, where it stands. */
static unsigned run_def(struct eval *eval, unsigned i, bool live)
{
    struct code_function *function = arena_alloc(eval->code->arena, sizeof *function);
    eval_blank(eval);
    const char *name = eval->at;
    while (eval->at < eval->end && (isalnum((unsigned char)*eval->at) || *eval->at == '_'))
        eval->at++;
    *function = (struct code_function){.next = eval->code->functions,
                                       .name = arena_copy(eval->code->arena, name, (size_t)(eval->at - name)),
                                       .program = eval->program,
                                       .line = i,
                                       .outer = eval->locals};
    if (!eval_take(eval, "("))
        eval_fail(eval, CODE_ERROR, "expected '('");
    function->parameters = eval->at;
    int depth = 1;
    for (; eval->at < eval->end && depth; eval->at++)
        depth += (*eval->at == '(') - (*eval->at == ')');
    function->parameters_end = eval->at - 1;
    if (eval_take(eval, "->"))
        (void)eval_expression(eval);
    if (live)
        eval->code->functions = function;
    return run_suite(eval, i, false);
}

static unsigned run_block(struct eval *eval, unsigned i, int indent, bool live)
{
    const struct program *program = eval->program;
    while (i < program->count && program->lines[i].indent >= indent) {
        open_line(eval, i, live);
        bool on = eval->live;
        if (eval_word(eval, "if")) {
            i = run_if(eval, i, on);
        } else if (eval_word(eval, "while")) {
            i = run_while(eval, i, on);
        } else if (eval_word(eval, "for")) {
            i = run_for(eval, i, on);
        } else if (eval_word(eval, "try")) {
            i = run_try(eval, i, on);
        } else if (eval_word(eval, "def")) {
            i = run_def(eval, i, on);
        } else {
            run_simple(eval);
            i++;
        }
    }
    return i;
}

/* --- calls of the script's own functions -------------------------------------------------------------------------- */
/* *args and **kw: what the parameters before them left. */
static void bind_rest(struct eval *eval, const char *name, size_t length, bool is_named, const struct arguments *arguments, unsigned i)
{
    struct value rest = data_empty(eval, is_named ? VALUE_DICT : VALUE_LIST);
    for (unsigned k = is_named ? 0 : i; k < arguments->count; k++)
        if (is_named && arguments->names[k])
            data_put(eval, &rest, &(struct value){.kind = VALUE_STRING, .text = arguments->names[k]}, arguments->values[k]);
        else if (!is_named && !arguments->names[k])
            data_add(eval, &rest, arguments->values[k]);
    eval_assign(eval, name, length, is_named ? rest : data_tuple(eval, rest.box->items, rest.box->count));
}

static void bind_parameters(struct eval *eval, const struct code_function *function, const struct arguments *arguments)
{
    eval->at = function->parameters;
    eval->end = function->parameters_end;
    for (unsigned i = 0;; i++) {
        bool is_rest = eval_take(eval, "*"), is_named = is_rest && eval_take(eval, "*");
        eval_blank(eval);
        const char *name = eval->at;
        while (eval->at < eval->end && (isalnum((unsigned char)*eval->at) || *eval->at == '_'))
            eval->at++;
        size_t length = (size_t)(eval->at - name);
        if (!length)
            return;
        if (is_rest) {
            bind_rest(eval, name, length, is_named, arguments, i);
            (void)eval_take(eval, ",");
            continue;
        }
        if (eval_take(eval, ":")) { /* its type */
            eval->live = false;
            (void)eval_expression(eval);
            eval->live = true;
        }
        const struct value *given = i < arguments->count && !arguments->names[i] ? &arguments->values[i] : NULL;
        for (unsigned k = 0; k < arguments->count; k++)
            if (arguments->names[k] && strlen(arguments->names[k]) == length && memcmp(arguments->names[k], name, length) == 0)
                given = &arguments->values[k];
        bool has_default = eval_take(eval, "=");
        struct value value = has_default ? eval_expression(eval) : (struct value){.kind = VALUE_NONE};
        if (!given && !has_default) {
            eval->error_class = "TypeError";
            eval_fail(eval, CODE_ERROR, "%s() misses its argument %.*s", function->name, (int)length, name);
        }
        eval_assign(eval, name, length, given ? *given : value);
        (void)eval_take(eval, ",");
    }
}

const struct code_function *program_function(const struct eval *eval, const char *name)
{
    const struct code_function *function = eval->code->functions;
    while (function && strcmp(function->name, name) != 0)
        function = function->next;
    return function;
}

/* The body of a def, or a lambda's expression, with its variables in place. */
static struct value run_body(struct eval *eval, const struct code_function *function)
{
    if (function->body) {
        eval->at = function->body;
        eval->end = function->body_end;
        return eval_expression(eval);
    }
    eval->returned = (struct value){.kind = VALUE_NONE};
    open_line(eval, function->line, true);
    eval->at = function->parameters_end + 1;
    while (eval->at < eval->end && *eval->at != ':')
        eval->at++;
    (void)run_suite(eval, function->line, true);
    return eval->returned;
}

struct value program_call(struct eval *eval, const struct code_function *function, const struct arguments *arguments)
{
    if (eval->depth == CODE_DEPTH)
        eval_fail(eval, CODE_UNSUPPORTED, "functions nest too deep");
    struct program *program = eval->program;
    struct code_variable *locals = eval->locals, *outer = eval->outer;
    const char *at = eval->at, *end = eval->end;
    unsigned current = eval->current;
    eval->depth++;
    eval->locals = NULL;
    eval->outer = function->outer;
    bind_parameters(eval, function, arguments);
    eval->program = function->program;
    eval->current = function->line;
    struct value result = run_body(eval, function);
    eval->jump = CODE_ON;
    eval->live = true;
    eval->depth--;
    eval->program = program;
    eval->locals = locals;
    eval->outer = outer;
    eval->at = at;
    eval->end = end;
    eval->current = current;
    return result;
}

enum code_result code_run(struct code *code, const char *text, char *message, size_t size, int *line)
{
    struct program *program = arena_alloc(code->arena, sizeof *program);
    struct eval *eval = arena_alloc(code->arena, sizeof *eval);
    program->count = split(code->arena, text, &program->lines);
    eval->code = code;
    eval->program = program;
    eval->message = message;
    eval->size = size;
    message[0] = 0;
    *line = 0;
    if (setjmp(eval->fail)) {
        *line = eval->current < eval->program->count ? eval->program->lines[eval->current].number : 0;
        return eval->result;
    }
    if (program->count) {
        /* a first statement beside "%{" goes with whatever indentation follows */
        const struct line *first = program->lines;
        if (first->indent < 0)
            program->lines[0].indent = program->count > 1 && first->end[-1] != ':' ? program->lines[1].indent : 0;
        for (unsigned i = 0; i < program->count;)
            i = run_block(eval, i, program->lines[i].indent, true);
    }
    return CODE_OK;
}
