/* code_eval.c: expressions of %{ code }%. Values as in Python 3: / gives a float, // and % round down. See code.h. */
#include "base/base.h"
#include "script/code/code_eval.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void eval_fail(struct eval *eval, enum code_result result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(eval->message, eval->size, format, arguments);
    va_end(arguments);
    if (!eval->error_text)
        eval->error_text = arena_copy(eval->code->arena, eval->message, strlen(eval->message));
    eval->result = result;
    longjmp(eval->fail, 1);
}

void eval_blank(struct eval *eval)
{
    while (eval->at < eval->end && (isspace((unsigned char)*eval->at) || *eval->at == '\\'))
        eval->at++;
    if (eval->at < eval->end && *eval->at == '#')
        while (eval->at < eval->end && *eval->at != '\n')
            eval->at++;
}

bool eval_take(struct eval *eval, const char *text)
{
    eval_blank(eval);
    size_t length = strlen(text);
    if ((size_t)(eval->end - eval->at) < length || memcmp(eval->at, text, length) != 0)
        return false;
    eval->at += length;
    return true;
}

bool eval_word(struct eval *eval, const char *word)
{
    eval_blank(eval);
    size_t length = strlen(word);
    if ((size_t)(eval->end - eval->at) < length || memcmp(eval->at, word, length) != 0)
        return false;
    if (eval->at + length < eval->end && (isalnum((unsigned char)eval->at[length]) || eval->at[length] == '_'))
        return false;
    eval->at += length;
    return true;
}

bool eval_true(const struct value *value)
{
    switch (value->kind) {
    case VALUE_INTEGER:
        return value->integer != 0;
    case VALUE_FLOAT:
        return value->real != 0;
    case VALUE_STRING:
        return value->text[0] != 0;
    case VALUE_FUNCTION:
        return true;
    default:
        return data_is(value) && data_length(value) != 0;
    }
}

static _Noreturn void no_division(struct eval *eval)
{
    eval->error_class = "ZeroDivisionError";
    eval_fail(eval, CODE_ERROR, "division by zero");
}

static int64_t whole_power(struct eval *eval, int64_t base, int64_t exponent)
{
    int64_t result = 1;
    for (; exponent > 0 && (base > 1 || base < -1 || exponent == 1); exponent--)
        if (__builtin_mul_overflow(result, base, &result))
            eval_fail(eval, CODE_UNSUPPORTED, "a number of more than 63 bits");
    return base == 1 || base == 0 ? result * (exponent ? base : 1) : base == -1 && exponent % 2 == 1 ? -result : result;
}

static struct value integer_arithmetic(struct eval *eval, const char *op, int64_t a, int64_t b)
{
    int64_t result = 0;
    bool is_over = false;
    if ((op[0] == '/' || op[0] == '%') && b == 0)
        no_division(eval);
    if (strcmp(op, "//") == 0)
        return code_integer(a / b - ((a % b != 0) && ((a < 0) != (b < 0))));
    switch (op[0]) {
    case '+':
        is_over = __builtin_add_overflow(a, b, &result);
        break;
    case '-':
        is_over = __builtin_sub_overflow(a, b, &result);
        break;
    case '*':
        if (op[1] == '*' && b < 0)
            return code_real(code_power((double)a, b));
        if (op[1] == '*')
            return code_integer(whole_power(eval, a, b));
        is_over = __builtin_mul_overflow(a, b, &result);
        break;
    case '/':
        return code_real((double)a / (double)b);
    case '%':
        return code_integer((a % b != 0) && ((a < 0) != (b < 0)) ? a % b + b : a % b);
    case '&':
        return code_integer(a & b);
    case '|':
        return code_integer(a | b);
    case '^':
        return code_integer(a ^ b);
    case '<':
        result = (int64_t)((uint64_t)a << (b & 63));
        is_over = b > 62 || result >> b != a;
        break;
    default:
        return code_integer(b > 63 ? (a < 0 ? -1 : 0) : a >> b);
    }
    if (is_over) /* TCP_INFO's 64 bits wrap in no script that means it */
        eval_fail(eval, CODE_UNSUPPORTED, "a number of more than 63 bits");
    return code_integer(result);
}

struct value eval_arithmetic(struct eval *eval, const char *op, struct value a, struct value b)
{
    if (!eval->live)
        return code_integer(0);
    if (a.kind == VALUE_STRING && op[0] == '%')
        return text_percent(eval, a.text, &b);
    if (data_is(&a) || data_is(&b))
        return data_arithmetic(eval, op, &a, &b);
    if (!value_is_number(&a) || !value_is_number(&b))
        eval_fail(eval, CODE_ERROR, "operator %s on what is no number", op);
    if (a.kind == VALUE_INTEGER && b.kind == VALUE_INTEGER)
        return integer_arithmetic(eval, op, a.integer, b.integer);
    double x = value_to_real(&a), y = value_to_real(&b);
    if ((op[0] == '/' || op[0] == '%') && y == 0)
        no_division(eval);
    if (strcmp(op, "//") == 0)
        return code_real(code_round_down(x / y));
    if (strcmp(op, "**") == 0 && y == 0.5 && x >= 0)
        return code_real(code_root(x));
    if (strcmp(op, "**") == 0 && y != code_round_down(y))
        eval_fail(eval, CODE_UNSUPPORTED, "a power that is no whole number");
    if (strcmp(op, "**") == 0)
        return code_real(code_power(x, (int64_t)y));
    switch (op[0]) {
    case '+':
        return code_real(x + y);
    case '-':
        return code_real(x - y);
    case '*':
        return code_real(x * y);
    case '/':
        return code_real(x / y);
    case '%':
        return code_real(x - code_round_down(x / y) * y);
    default:
        eval_fail(eval, CODE_ERROR, "operator %s on a float", op);
    }
}

int eval_compare(const struct value *a, const struct value *b)
{
    if (a->kind == VALUE_INTEGER && b->kind == VALUE_INTEGER)
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (value_is_number(a) && value_is_number(b))
        return (value_to_real(a) > value_to_real(b)) - (value_to_real(a) < value_to_real(b));
    if (a->kind == VALUE_STRING && b->kind == VALUE_STRING) {
        int order = strcmp(a->text, b->text);
        return (order > 0) - (order < 0);
    }
    if (data_is(a) && data_is(b))
        return data_compare(a, b);
    if (a->kind == VALUE_FUNCTION && b->kind == VALUE_FUNCTION)
        return strcmp(a->text, b->text) == 0 && a->function == b->function ? 0 : 2;
    return a->kind == b->kind ? 0 : 2;
}

static struct value eval_expression_without_if(struct eval *eval);

/* --- atoms -----------------------------------------------------------------------------------------------------------
 */
/* The next WORD at this depth of brackets before one closes, or NULL. */
static const char *find_word(const struct eval *eval, const char *word)
{
    size_t length = strlen(word);
    int depth = 0;
    char quote = 0;
    for (const char *p = eval->at; p < eval->end; p++) {
        if (quote) {
            quote = *p == quote ? 0 : quote;
        } else if (*p == '\'' || *p == '"') {
            quote = *p;
        } else if (strchr("([{", *p)) {
            depth++;
        } else if (strchr(")]}", *p)) {
            if (depth-- == 0)
                return NULL;
        } else if (depth == 0 && *p == ',') {
            return NULL;
        } else if (depth == 0 && (size_t)(eval->end - p) > length && memcmp(p, word, length) == 0 &&
                   isspace((unsigned char)p[length]) && p > eval->at && isspace((unsigned char)p[-1])) {
            return p;
        }
    }
    return NULL;
}

/* [f(x, y) for x in a if x for y in b]: the clauses by their text, read again for each item. */
struct clause {
    const char *from, *to, *at, *end; /* the targets of a "for", and what it goes through; or from NULL and the condition of an "if" */
};
struct comprehension {
    const char *body, *value; /* value: of a dictionary, behind the ':' */
    struct clause clauses[8];
    unsigned count;
    struct value out;
};

/* " in " of a "for" at this depth: commas may stand before it. */
static const char *find_in_word(const struct eval *eval)
{
    for (const char *p = eval->at; (p = eval_outside(p, eval->end, 'i')) + 2 < eval->end; p++)
        if (p[1] == 'n' && p > eval->at && !isalnum((unsigned char)p[-1]) && p[-1] != '_' && !isalnum((unsigned char)p[2]) && p[2] != '_')
            return p;
    return NULL;
}

static void read_clauses(struct eval *eval, struct comprehension *all)
{
    bool live = eval->live;
    eval->live = false;
    for (;;) {
        struct clause *clause = &all->clauses[all->count];
        bool is_for = eval_word(eval, "for");
        if (!is_for && !eval_word(eval, "if"))
            break;
        if (all->count == ARRAY_COUNT(all->clauses))
            eval_fail(eval, CODE_UNSUPPORTED, "a comprehension of more than 8 clauses");
        const char *in = is_for ? find_in_word(eval) : NULL;
        if (is_for && !in)
            eval_fail(eval, CODE_ERROR, "expected \"in\"");
        *clause = (struct clause){.from = is_for ? eval->at : NULL, .to = in};
        eval->at = is_for ? in + 2 : eval->at;
        clause->at = eval->at;
        (void)eval_expression_without_if(eval);
        clause->end = eval->at;
        all->count++;
    }
    eval->live = live;
}

static void run_clauses(struct eval *eval, struct comprehension *all, unsigned i)
{
    if (i == all->count) {
        eval->at = all->body;
        struct value item = eval_expression(eval);
        if (all->value) {
            eval->at = all->value;
            data_put(eval, &all->out, &item, eval_expression(eval));
        } else {
            data_add(eval, &all->out, item);
        }
        return;
    }
    const struct clause *clause = &all->clauses[i];
    eval->at = clause->at;
    struct value value = eval_expression_without_if(eval);
    if (!clause->from) {
        if (eval_true(&value))
            run_clauses(eval, all, i + 1);
        return;
    }
    struct span span = data_span(eval, &value);
    for (unsigned k = 0; k < span.count; k++) {
        eval_assign_all(eval, clause->from, clause->to, span.items[k]);
        run_clauses(eval, all, i + 1);
    }
}

static struct value eval_comprehension(struct eval *eval, enum value_kind kind)
{
    struct comprehension *all = arena_alloc(eval->code->arena, sizeof *all);
    bool live = eval->live;
    *all = (struct comprehension){.body = eval->at, .out = data_empty(eval, kind)};
    eval->live = false;
    (void)eval_expression(eval);
    if (kind == VALUE_SET && eval_take(eval, ":")) {
        all->value = eval->at;
        all->out = data_empty(eval, VALUE_DICT);
        (void)eval_expression(eval);
    }
    eval->live = live;
    read_clauses(eval, all);
    const char *after = eval->at;
    if (live)
        run_clauses(eval, all, 0);
    eval->at = after;
    return all->out;
}

struct value eval_generator(struct eval *eval)
{
    return find_word(eval, "for") ? eval_comprehension(eval, VALUE_LIST) : eval_expression(eval);
}

/* (a, b), [a, b], {a, b}, {a: b}: behind the bracket. */
static struct value eval_sequence(struct eval *eval, char close)
{
    enum value_kind kind = close == ']' ? VALUE_LIST : close == '}' ? VALUE_SET : VALUE_TUPLE;
    struct value out = data_empty(eval, kind == VALUE_SET ? VALUE_SET : VALUE_LIST);
    bool comma = false, any = false;
    char end[2] = {close, 0};
    if (find_word(eval, "for")) {
        out = eval_comprehension(eval, kind == VALUE_TUPLE ? VALUE_LIST : kind);
        if (!eval_take(eval, end))
            eval_fail(eval, CODE_ERROR, "expected '%c'", close);
        return out;
    }
    while (!eval_take(eval, end)) {
        bool is_star = eval_take(eval, "*"), is_dict = is_star && eval_take(eval, "*");
        struct value item = eval_expression(eval);
        if (kind == VALUE_SET && !any && (is_dict || (eval_blank(eval), eval->at < eval->end && *eval->at == ':')))
            out = data_empty(eval, VALUE_DICT);
        if (out.kind == VALUE_DICT && !is_dict) {
            if (!eval_take(eval, ":"))
                eval_fail(eval, CODE_ERROR, "expected ':'");
            data_put(eval, &out, &item, eval_expression(eval));
        } else if (is_star && eval->live) {
            struct span span = data_span(eval, &item);
            for (unsigned i = 0; i < span.count; i++)
                if (is_dict)
                    data_put(eval, &out, &span.items[i], item.box->others[i]);
                else
                    data_add(eval, &out, span.items[i]);
        } else {
            data_add(eval, &out, item);
        }
        any = true;
        if (!eval_take(eval, ",")) {
            if (!eval_take(eval, end))
                eval_fail(eval, CODE_ERROR, "expected '%c'", close);
            break;
        }
        comma = true;
    }
    if (kind == VALUE_SET && !any)
        return data_empty(eval, VALUE_DICT);
    if (kind != VALUE_TUPLE)
        return out;
    return out.box->count == 1 && !comma ? out.box->items[0] : data_tuple(eval, out.box->items, out.box->count);
}

static struct value eval_number(struct eval *eval)
{
    char text[64];
    size_t length = 0;
    const char *p = eval->at;
    bool hex = p + 1 < eval->end && p[0] == '0' && (p[1] == 'x' || p[1] == 'X'), fraction = false;
    while (p < eval->end && length + 1 < sizeof text &&
           (isalnum((unsigned char)*p) || *p == '.' || *p == '_' ||
            ((*p == '+' || *p == '-') && !hex && length && tolower(text[length - 1]) == 'e'))) {
        fraction |= !hex && (*p == '.' || tolower((unsigned char)*p) == 'e');
        if (*p != '_') /* 1_000 */
            text[length++] = *p;
        p++;
    }
    text[length] = 0;
    eval->at = p;
    if (text[0] == '0' && strchr("bBoO", text[1]) && text[1])
        return code_integer((int64_t)strtoull(text + 2, NULL, strchr("bB", text[1]) ? 2 : 8));
    return fraction ? code_real(strtod(text, NULL)) : code_integer((int64_t)strtoull(text, NULL, hex ? 16 : 10));
}

/* A name, with the modules before it: "math.ceil". A variable's own name ends at the dot. */
static size_t name_length(struct eval *eval)
{
    size_t length = 0, most = (size_t)(eval->end - eval->at);
    while (length < most && (isalnum((unsigned char)eval->at[length]) || eval->at[length] == '_'))
        length++;
    if (length < most && eval->at[length] == '.' && !eval_find(eval, eval->at, length))
        while (length < most &&
               (isalnum((unsigned char)eval->at[length]) || eval->at[length] == '_' || eval->at[length] == '.'))
            length++;
    return length;
}

static struct value look_up(struct eval *eval, const char *name)
{
    struct value value = {.kind = VALUE_NONE};
    char text[64];
    if (strcmp(name, "None") == 0 || strcmp(name, "sys.stderr") == 0 || strcmp(name, "sys.stdout") == 0) /* print(x, file=sys.stderr) */
        return value;
    if (strcmp(name, "True") == 0 || strcmp(name, "False") == 0)
        return code_bool(name[0] == 'T');
    if (strcmp(name, "math.pi") == 0 || strcmp(name, "math.e") == 0 || strcmp(name, "math.inf") == 0)
        return code_real(name[5] == 'p' ? 3.141592653589793 : name[5] == 'e' ? 2.718281828459045 : __builtin_inf());
    if (program_function(eval, name))
        return (struct value){.kind = VALUE_FUNCTION, .text = name, .function = program_function(eval, name)};
    if (!eval->code->lookup || !eval->code->lookup(eval->code->ctx, name, &value))
        eval_fail(eval, CODE_ERROR, "unknown name %s", name);
    value_print(&value, text, sizeof text);
    size_t used = strlen(eval->names);
    if (!strstr(eval->names, name))
        snprintf(eval->names + used, sizeof eval->names - used, "%s%s=%s", used ? ", " : "", name, text);
    return value;
}

/* Names of functions that stand for themselves: key=len, isinstance(x, int). */
static bool is_builtin(const char *name)
{
    static const char *const names[] = {"int",   "float", "str",  "bool",      "list",       "tuple",    "dict",
                                        "set",   "len",   "abs",  "min",       "max",        "sum",      "sorted",
                                        "round", "ord",   "chr",  "repr",      "hex",        "any",      "all",
                                        "print", "range", "type", "math.ceil", "math.floor", "math.sqrt"};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static struct value eval_name(struct eval *eval)
{
    size_t length = name_length(eval);
    const char *name = arena_copy(eval->code->arena, eval->at, length);
    eval->at += length;
    const struct value *found = eval->live ? eval_find(eval, name, length) : NULL;
    if (!found && eval_take(eval, "(")) {
        struct arguments *arguments = arena_alloc(eval->code->arena, sizeof *arguments);
        eval_arguments(eval, arguments);
        return eval->live ? eval_call(eval, name, arguments) : (struct value){.kind = VALUE_NONE};
    }
    if (!eval->live)
        return (struct value){.kind = VALUE_NONE};
    if (!found && is_builtin(name))
        return (struct value){.kind = VALUE_FUNCTION, .text = name};
    return found ? *found : look_up(eval, name);
}

static bool at_string(const struct eval *eval)
{
    const char *p = eval->at;
    for (int i = 0; i < 2 && p < eval->end && strchr("fFrRbBuU", *p); i++)
        p++;
    return p < eval->end && (*p == '"' || *p == '\'');
}

static struct value eval_atom(struct eval *eval)
{
    eval_blank(eval);
    if (eval->at >= eval->end)
        eval_fail(eval, CODE_ERROR, "expression ends early");
    char c = *eval->at;
    if (c == '(' || c == '[' || c == '{') {
        eval->at++;
        return eval_sequence(eval, c == '(' ? ')' : c == '[' ? ']' : '}');
    }
    if (at_string(eval)) {
        struct value text = text_string(eval);
        for (eval_blank(eval); eval->at < eval->end && at_string(eval); eval_blank(eval)) /* adjacent strings join */
            text = code_string(arena_printf(eval->code->arena, "%s%s", text.text, text_string(eval).text));
        return text;
    }
    if (isdigit((unsigned char)c) || c == '.')
        return eval_number(eval);
    if (isalpha((unsigned char)c) || c == '_')
        return eval_name(eval);
    eval_fail(eval, CODE_ERROR, "unexpected '%c'", c);
}

/* A bound of a slice; false: none is written. */
static bool eval_bound(struct eval *eval, int64_t *bound)
{
    eval_blank(eval);
    if (eval->at < eval->end && (*eval->at == ':' || *eval->at == ']'))
        return false;
    struct value value = eval_expression(eval);
    *bound = value.integer;
    return value.kind != VALUE_NONE;
}

/* [i], [a:b], [a:b:c]: behind the bracket. */
static struct value eval_index(struct eval *eval, const struct value *data)
{
    struct value key = {.kind = VALUE_NONE};
    int64_t from = 0, to = 0, step = 1;
    bool has_from = false, has_to = false, has_step;
    eval_blank(eval);
    if (eval->at < eval->end && *eval->at != ':') {
        key = eval_tuple(eval);
        from = key.integer;
        has_from = key.kind != VALUE_NONE;
    }
    bool is_slice = eval_take(eval, ":");
    if (is_slice) {
        has_to = eval_bound(eval, &to);
        has_step = eval_take(eval, ":") && eval_bound(eval, &step);
        step = has_step ? step : 1;
    }
    if (!eval_take(eval, "]"))
        eval_fail(eval, CODE_ERROR, "expected ']'");
    if (!eval->live)
        return *data;
    return is_slice ? data_slice(eval, data, has_from ? &from : NULL, has_to ? &to : NULL, step) : data_get(eval, data, &key);
}

static struct value eval_attribute(struct eval *eval, struct value *value)
{
    const char *begin = ++eval->at;
    while (eval->at < eval->end && (isalnum((unsigned char)*eval->at) || *eval->at == '_'))
        eval->at++;
    const char *name = arena_copy(eval->code->arena, begin, (size_t)(eval->at - begin));
    if (strcmp(name, "__name__") == 0 && value->kind == VALUE_FUNCTION)
        return code_string(value->text);
    if (!eval_take(eval, "("))
        eval_fail(eval, CODE_UNSUPPORTED, "the attribute %s is not known here", name);
    struct arguments *arguments = arena_alloc(eval->code->arena, sizeof *arguments);
    eval_arguments(eval, arguments);
    return eval->live ? eval_method(eval, value, name, arguments) : *value;
}

static struct value eval_postfix(struct eval *eval)
{
    struct value value = eval_atom(eval);
    for (;;) {
        eval_blank(eval);
        if (eval_take(eval, "[")) {
            value = eval_index(eval, &value);
        } else if (eval->at + 1 < eval->end && *eval->at == '.' && isalpha((unsigned char)eval->at[1])) {
            value = eval_attribute(eval, &value);
        } else if (eval->at + 1 < eval->end && *eval->at == '.' && eval->at[1] == '_') {
            value = eval_attribute(eval, &value);
        } else if ((value.kind == VALUE_FUNCTION || !eval->live) && eval_take(eval, "(")) {
            struct arguments *arguments = arena_alloc(eval->code->arena, sizeof *arguments);
            eval_arguments(eval, arguments);
            value = eval->live ? call_value(eval, &value, arguments) : value;
        } else {
            return value;
        }
    }
}

/* --- operators ---------------------------------------------------------------------------------------------------- */
static struct value eval_unary(struct eval *eval)
{
    eval_blank(eval);
    if (eval_take(eval, "-"))
        return eval_arithmetic(eval, "-", code_integer(0), eval_unary(eval));
    if (eval_take(eval, "+"))
        return eval_unary(eval);
    if (eval_take(eval, "~"))
        return code_integer(~eval_unary(eval).integer);
    struct value base = eval_postfix(eval);
    if (eval_take(eval, "**"))
        return eval_arithmetic(eval, "**", base, eval_unary(eval));
    return base;
}

static const char *take_operator(struct eval *eval, int level)
{
    static const char *const operators[][4] = {{"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"//", "*", "/", "%"}};
    eval_blank(eval);
    for (int i = 0; i < 4 && operators[level][i]; i++) {
        const char *op = operators[level][i];
        size_t length = strlen(op);
        /* "x += 1" is a statement's operator */
        if ((size_t)(eval->end - eval->at) > length && memcmp(eval->at, op, length) == 0 && eval->at[length] != '=') {
            eval->at += length;
            return op;
        }
    }
    return NULL;
}

static struct value eval_binary(struct eval *eval, int level)
{
    if (level == 6)
        return eval_unary(eval);
    struct value left = eval_binary(eval, level + 1);
    for (const char *op; (op = take_operator(eval, level));)
        left = eval_arithmetic(eval, op, left, eval_binary(eval, level + 1));
    return left;
}

static const char *take_comparison(struct eval *eval)
{
    static const char *const symbols[] = {"==", "!=", "<=", ">=", "<>", "<", ">"};
    for (unsigned i = 0; i < sizeof symbols / sizeof symbols[0]; i++)
        if (eval_take(eval, symbols[i]))
            return symbols[i];
    if (eval_word(eval, "in"))
        return "in";
    const char *begin = eval->at;
    if (eval_word(eval, "not")) {
        if (eval_word(eval, "in"))
            return "not in";
        eval->at = begin;
    }
    if (eval_word(eval, "is"))
        return eval_word(eval, "not") ? "!=" : "==";
    return NULL;
}

static struct value eval_comparison(struct eval *eval)
{
    struct value left = eval_binary(eval, 0);
    bool chained = false, result = true;
    for (const char *op; (op = take_comparison(eval)); chained = true) {
        struct value right = eval_binary(eval, 0);
        if (eval->live && result) {
            int order = op[0] == 'i' || op[0] == 'n' ? 0 : eval_compare(&left, &right);
            if ((op[0] == 'i' || op[0] == 'n') && !data_is(&right))
                eval_fail(eval, CODE_ERROR, "\"in\" what is no list");
            result = op[0] == 'i'                            ? data_has(&right, &left)
                     : op[0] == 'n'                          ? !data_has(&right, &left)
                     : op[0] == '='                          ? order == 0
                     : op[0] == '!' || strcmp(op, "<>") == 0 ? order != 0
                     : strcmp(op, "<=") == 0                 ? order <= 0
                     : strcmp(op, ">=") == 0                 ? order >= 0 && order != 2
                     : op[0] == '<'                          ? order < 0
                                                             : order > 0 && order != 2;
        }
        left = right;
    }
    return chained ? code_bool(result) : left;
}

static struct value eval_not(struct eval *eval)
{
    if (!eval_word(eval, "not"))
        return eval_comparison(eval);
    struct value value = eval_not(eval);
    return code_bool(!eval_true(&value));
}

static struct value eval_logic(struct eval *eval, bool is_or)
{
    struct value left = is_or ? eval_logic(eval, false) : eval_not(eval);
    while (eval_word(eval, is_or ? "or" : "and")) {
        bool live = eval->live, decided = eval_true(&left) == is_or;
        eval->live = live && !decided;
        struct value right = is_or ? eval_logic(eval, false) : eval_not(eval);
        eval->live = live;
        if (!decided)
            left = right;
    }
    return left;
}

static struct value eval_expression_without_if(struct eval *eval)
{
    return eval_logic(eval, true);
}

/* BEGIN: of the value, when the cursor is behind "if" already; else the value is read here. */
static struct value eval_conditional(struct eval *eval, const char *begin)
{
    struct value value = {.kind = VALUE_NONE};
    if (!begin) {
        value = eval_logic(eval, true);
        if (!eval_word(eval, "if"))
            return value;
    }
    bool live = eval->live;
    struct value condition = eval_logic(eval, true);
    if (!eval_word(eval, "else"))
        eval_fail(eval, CODE_ERROR, "if without else in an expression");
    bool yes = live && eval_true(&condition);
    eval->live = live && !yes;
    struct value other = eval_expression(eval);
    eval->live = live;
    if (!yes)
        return other;
    const char *after = eval->at;
    eval->at = begin;
    value = eval_logic(eval, true);
    eval->at = after;
    return value;
}

/* lambda x, y=2: x * y: behind the word. */
static struct value eval_lambda(struct eval *eval)
{
    struct code_function *function = arena_alloc(eval->code->arena, sizeof *function);
    bool live = eval->live;
    eval_blank(eval);
    *function = (struct code_function){.name = "<lambda>",
                                       .parameters = eval->at,
                                       .program = eval->program,
                                       .line = eval->current,
                                       .outer = eval->locals};
    function->parameters_end = eval_outside(eval->at, eval->end, ':');
    if (function->parameters_end == eval->end)
        eval_fail(eval, CODE_ERROR, "expected ':'");
    eval->at = function->body = function->parameters_end + 1;
    eval->live = false;
    (void)eval_expression(eval);
    eval->live = live;
    function->body_end = eval->at;
    return (struct value){.kind = VALUE_FUNCTION, .text = function->name, .function = function};
}

/* a if c else b: only the branch taken is evaluated, so the first is read twice. */
struct value eval_expression(struct eval *eval)
{
    if (eval_word(eval, "lambda"))
        return eval_lambda(eval);
    const char *begin = eval->at, *name_end = begin;
    bool live = eval->live;
    while (name_end < eval->end && (isalnum((unsigned char)*name_end) || *name_end == '_'))
        name_end++;
    const char *walrus = name_end;
    while (walrus < eval->end && *walrus == ' ')
        walrus++;
    if (name_end > begin && walrus + 1 < eval->end && walrus[0] == ':' && walrus[1] == '=') {
        eval->at = walrus + 2;
        struct value value = eval_expression(eval);
        eval_assign(eval, begin, (size_t)(name_end - begin), value);
        return value;
    }
    if (!live || !find_word(eval, "if"))
        return eval_conditional(eval, NULL);
    eval->live = false;
    (void)eval_logic(eval, true);
    bool conditional = eval_word(eval, "if");
    eval->live = live;
    if (!conditional) { /* the "if" is another's */
        eval->at = begin;
        return eval_logic(eval, true);
    }
    return eval_conditional(eval, begin);
}

struct value eval_tuple(struct eval *eval)
{
    struct value first = eval_expression(eval);
    if (!eval_take(eval, ","))
        return first;
    struct value list = data_list(eval, &first, 1);
    for (eval_blank(eval); eval->at < eval->end && !strchr("=;])}:", *eval->at); eval_blank(eval)) {
        bool is_star = eval_take(eval, "*");
        struct value item = eval_expression(eval);
        struct span span = is_star && eval->live ? data_span(eval, &item) : (struct span){&item, 1};
        for (unsigned i = 0; i < span.count; i++)
            data_add(eval, &list, span.items[i]);
        if (!eval_take(eval, ","))
            break;
    }
    return data_tuple(eval, list.box->items, list.box->count);
}
