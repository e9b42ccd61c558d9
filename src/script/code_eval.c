/* code_eval.c: expressions of %{ code }%. Values as in Python 3: / gives a float, // and % round down. See code.h. */
#include "script/code_eval.h"
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

/* libm's, small: the program links no libm for these. */
static double round_down(double x)
{
    int64_t whole = (int64_t)x;
    return (double)whole > x ? (double)(whole - 1) : (double)whole;
}

static double round_near(double x)
{
    return x < 0 ? -round_down(-x + 0.5) : round_down(x + 0.5);
}

static double power(double base, int64_t exponent)
{
    double result = 1;
    for (int64_t n = exponent < 0 ? -exponent : exponent; n > 0; n--)
        result *= base;
    return exponent < 0 ? 1 / result : result;
}

static struct value integer(int64_t number)
{
    return (struct value){.kind = VALUE_INTEGER, .integer = number};
}

static struct value real(double number)
{
    return (struct value){.kind = VALUE_FLOAT, .real = number};
}

static struct value string(const char *text)
{
    return (struct value){.kind = VALUE_STRING, .text = text};
}

static double to_real(const struct value *value)
{
    return value->kind == VALUE_FLOAT ? value->real : (double)value->integer;
}

static bool is_number(const struct value *value)
{
    return value->kind == VALUE_INTEGER || value->kind == VALUE_FLOAT;
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
    case VALUE_TUPLE:
        return value->count != 0;
    default:
        return false;
    }
}

int value_print(const struct value *value, char *text, size_t size)
{
    switch (value->kind) {
    case VALUE_INTEGER:
        return snprintf(text, size, "%lld", (long long)value->integer);
    case VALUE_FLOAT:
        return snprintf(text, size, "%.12g", value->real);
    case VALUE_STRING:
        return snprintf(text, size, "%s", value->text);
    case VALUE_TUPLE: {
        size_t used = (size_t)snprintf(text, size, "(");
        for (unsigned i = 0; i < value->count && used + 2 < size; i++) {
            used += (size_t)snprintf(text + used, size - used, "%s", i ? ", " : "");
            if (used < size)
                used += (size_t)value_print(&value->items[i], text + used, size - used);
        }
        if (used < size)
            used += (size_t)snprintf(text + used, size - used, ")");
        return (int)used;
    }
    default:
        return snprintf(text, size, "None");
    }
}

/* Python's %: as many conversions as there are values; the flags are kept for numbers. */
static struct value format(struct eval *eval, const char *pattern, const struct value *values)
{
    char out[512];
    size_t used = 0;
    unsigned next = 0;
    for (const char *p = pattern; *p && used + 1 < sizeof out; p++) {
        if (*p != '%' || p[1] == '%') {
            out[used++] = *p;
            p += *p == '%';
            continue;
        }
        char spec[24] = "%";
        size_t length = 1;
        for (p++; *p && !isalpha((unsigned char)*p) && length < 16; p++)
            spec[length++] = *p;
        const struct value *v = values->kind == VALUE_TUPLE ? (next < values->count ? &values->items[next] : NULL) : next == 0 ? values : NULL;
        next++;
        if (!v || !*p)
            eval_fail(eval, CODE_ERROR, "not enough values for \"%s\"", pattern);
        char text[128];
        if (strchr("dixX", *p) && is_number(v)) {
            snprintf(spec + length, sizeof spec - length, "ll%c", *p);
            snprintf(text, sizeof text, spec, v->kind == VALUE_FLOAT ? (long long)v->real : (long long)v->integer);
        } else if (strchr("feEgG", *p) && is_number(v)) {
            snprintf(spec + length, sizeof spec - length, "%c", *p);
            snprintf(text, sizeof text, spec, to_real(v));
        } else {
            value_print(v, text, sizeof text);
        }
        used += (size_t)snprintf(out + used, sizeof out - used, "%s", text);
    }
    if (used > sizeof out - 1)
        used = sizeof out - 1;
    return string(arena_copy(eval->code->arena, out, used));
}

static struct value integer_arithmetic(struct eval *eval, const char *op, int64_t a, int64_t b)
{
    if ((op[0] == '/' || op[0] == '%') && b == 0)
        eval_fail(eval, CODE_ERROR, "division by zero");
    if (strcmp(op, "//") == 0)
        return integer(a / b - ((a % b != 0) && ((a < 0) != (b < 0))));
    switch (op[0]) {
    case '+':
        return integer((int64_t)((uint64_t)a + (uint64_t)b));
    case '-':
        return integer((int64_t)((uint64_t)a - (uint64_t)b));
    case '*':
        if (op[1] == '*')
            return b >= 0 ? integer((int64_t)power((double)a, b)) : real(power((double)a, b));
        return integer((int64_t)((uint64_t)a * (uint64_t)b));
    case '/':
        return real((double)a / (double)b);
    case '%':
        return integer((a % b != 0) && ((a < 0) != (b < 0)) ? a % b + b : a % b);
    case '&':
        return integer(a & b);
    case '|':
        return integer(a | b);
    case '^':
        return integer(a ^ b);
    case '<':
        return integer((int64_t)((uint64_t)a << (b & 63)));
    default:
        return integer(a >> (b & 63));
    }
}

struct value eval_arithmetic(struct eval *eval, const char *op, struct value a, struct value b)
{
    if (!eval->live)
        return integer(0);
    if (a.kind == VALUE_STRING && op[0] == '%')
        return format(eval, a.text, &b);
    if (a.kind == VALUE_STRING && b.kind == VALUE_STRING && op[0] == '+')
        return string(arena_printf(eval->code->arena, "%s%s", a.text, b.text));
    if (!is_number(&a) || !is_number(&b))
        eval_fail(eval, CODE_ERROR, "operator %s on what is no number", op);
    if (a.kind == VALUE_INTEGER && b.kind == VALUE_INTEGER)
        return integer_arithmetic(eval, op, a.integer, b.integer);
    double x = to_real(&a), y = to_real(&b);
    if ((op[0] == '/' || op[0] == '%') && y == 0)
        eval_fail(eval, CODE_ERROR, "division by zero");
    if (strcmp(op, "//") == 0)
        return real(round_down(x / y));
    if (strcmp(op, "**") == 0)
        return real(power(x, (int64_t)y));
    switch (op[0]) {
    case '+':
        return real(x + y);
    case '-':
        return real(x - y);
    case '*':
        return real(x * y);
    case '/':
        return real(x / y);
    case '%':
        return real(x - round_down(x / y) * y);
    default:
        eval_fail(eval, CODE_ERROR, "operator %s on a float", op);
    }
}

static int compare(struct eval *eval, const struct value *a, const struct value *b)
{
    if (a->kind == VALUE_INTEGER && b->kind == VALUE_INTEGER)
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (is_number(a) && is_number(b))
        return (to_real(a) > to_real(b)) - (to_real(a) < to_real(b));
    if (a->kind == VALUE_STRING && b->kind == VALUE_STRING)
        return strcmp(a->text, b->text);
    if (a->kind == VALUE_TUPLE && b->kind == VALUE_TUPLE) {
        for (unsigned i = 0; i < a->count && i < b->count; i++) {
            int order = compare(eval, &a->items[i], &b->items[i]);
            if (order)
                return order;
        }
        return (a->count > b->count) - (a->count < b->count);
    }
    return a->kind == b->kind ? 0 : 2; /* unequal, without an order */
}

/* --- atoms ----------------------------------------------------------------------------------------------------------- */
static struct value eval_sequence(struct eval *eval, char close)
{
    struct value items[64];
    unsigned count = 0;
    bool comma = false;
    char end[2] = {close, 0};
    while (!eval_take(eval, end)) {
        if (count == 64)
            eval_fail(eval, CODE_UNSUPPORTED, "more than 64 items");
        items[count++] = eval_expression(eval);
        if (!eval_take(eval, ",")) {
            if (!eval_take(eval, end))
                eval_fail(eval, CODE_ERROR, "expected '%c'", close);
            break;
        }
        comma = true;
    }
    if (close == ')' && count == 1 && !comma)
        return items[0];
    struct value tuple = {.kind = VALUE_TUPLE, .count = count};
    tuple.items = arena_alloc(eval->code->arena, (count + 1) * sizeof *tuple.items);
    memcpy(tuple.items, items, count * sizeof *items);
    return tuple;
}

static struct value eval_string(struct eval *eval, char quote)
{
    char text[512];
    size_t length = 0;
    for (; eval->at < eval->end && *eval->at != quote; eval->at++) {
        if (*eval->at == '\\' && eval->at + 1 < eval->end)
            eval->at++;
        if (length < sizeof text)
            text[length++] = *eval->at;
    }
    if (eval->at == eval->end)
        eval_fail(eval, CODE_ERROR, "string without an end");
    eval->at++;
    return string(arena_copy(eval->code->arena, text, length));
}

static struct value eval_number(struct eval *eval)
{
    char text[64];
    size_t length = 0;
    const char *p = eval->at;
    bool hex = p + 1 < eval->end && p[0] == '0' && (p[1] == 'x' || p[1] == 'X'), fraction = false;
    while (p < eval->end && length + 1 < sizeof text &&
           (isalnum((unsigned char)*p) || *p == '.' || ((*p == '+' || *p == '-') && !hex && length && tolower(text[length - 1]) == 'e'))) {
        fraction |= !hex && (*p == '.' || tolower((unsigned char)*p) == 'e');
        text[length++] = *p++;
    }
    text[length] = 0;
    eval->at = p;
    return fraction ? real(strtod(text, NULL)) : integer((int64_t)strtoull(text, NULL, hex ? 16 : 10));
}

static struct value call_extreme(struct eval *eval, const struct value *values, unsigned count, int want)
{
    if (count == 1 && values->kind == VALUE_TUPLE) {
        count = values->count;
        values = values->items;
    }
    if (!count)
        eval_fail(eval, CODE_ERROR, "min or max of nothing");
    unsigned best = 0;
    for (unsigned i = 1; i < count; i++)
        if (compare(eval, &values[i], &values[best]) == want)
            best = i;
    return values[best];
}

static struct value call_function(struct eval *eval, const char *name, const struct value *arguments, unsigned count)
{
    char text[512];
    const struct value zero = {.kind = VALUE_INTEGER}, *a = count ? arguments : &zero;
    bool isfloat = a->kind == VALUE_FLOAT;
    if (strcmp(name, "abs") == 0)
        return isfloat ? real(a->real < 0 ? -a->real : a->real) : integer(a->integer < 0 ? -a->integer : a->integer);
    if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0)
        return call_extreme(eval, arguments, count, name[1] == 'i' ? -1 : 1);
    if (strcmp(name, "int") == 0 || strcmp(name, "long") == 0)
        return integer(a->kind == VALUE_STRING ? strtoll(a->text, NULL, 0) : isfloat ? (int64_t)a->real : a->integer);
    if (strcmp(name, "float") == 0)
        return real(a->kind == VALUE_STRING ? strtod(a->text, NULL) : to_real(a));
    if (strcmp(name, "round") == 0) {
        double scale = count > 1 ? power(10, arguments[1].integer) : 1;
        return count > 1 ? real(round_near(to_real(a) * scale) / scale) : integer((int64_t)round_near(to_real(a)));
    }
    if (strcmp(name, "math.ceil") == 0 || strcmp(name, "math.floor") == 0 || strcmp(name, "ceil") == 0 || strcmp(name, "floor") == 0) {
        bool up = strchr(name, 'c') != NULL;
        return integer((int64_t)(up ? -round_down(-to_real(a)) : round_down(to_real(a))));
    }
    if (strcmp(name, "pow") == 0 && count == 2)
        return arguments[1].kind == VALUE_INTEGER && arguments[1].integer >= 0 && !isfloat ? integer((int64_t)power((double)a->integer, arguments[1].integer)) : real(power(to_real(a), arguments[1].integer));
    if (strcmp(name, "len") == 0)
        return integer(a->kind == VALUE_STRING ? (int64_t)strlen(a->text) : (int64_t)a->count);
    if (strcmp(name, "bool") == 0)
        return integer(eval_true(a));
    if (strcmp(name, "str") == 0 || strcmp(name, "repr") == 0 || strcmp(name, "hex") == 0) {
        if (name[0] == 'h')
            snprintf(text, sizeof text, "0x%llx", (unsigned long long)a->integer);
        else
            value_print(a, text, sizeof text);
        return string(arena_copy(eval->code->arena, text, strlen(text)));
    }
    if (strcmp(name, "sum") == 0) {
        struct value total = integer(0);
        for (unsigned i = 0; i < a->count; i++)
            total = eval_arithmetic(eval, "+", total, a->items[i]);
        return total;
    }
    eval_fail(eval, CODE_UNSUPPORTED, "function %s() is not known here", name);
}

static struct value eval_name(struct eval *eval)
{
    char name[64];
    size_t length = 0;
    while (eval->at < eval->end && (isalnum((unsigned char)*eval->at) || *eval->at == '_' || *eval->at == '.')) {
        if (length + 1 < sizeof name)
            name[length++] = *eval->at;
        eval->at++;
    }
    name[length] = 0;
    struct value value = {.kind = VALUE_NONE};
    if (eval_take(eval, "(")) {
        struct value arguments = eval_sequence(eval, ')');
        if (arguments.kind != VALUE_TUPLE) {
            struct value *single = arena_alloc(eval->code->arena, sizeof *single);
            *single = arguments;
            arguments = (struct value){.kind = VALUE_TUPLE, .count = 1, .items = single};
        }
        return eval->live ? call_function(eval, name, arguments.items, arguments.count) : value;
    }
    if (!eval->live || strcmp(name, "None") == 0)
        return value;
    if (strcmp(name, "True") == 0 || strcmp(name, "False") == 0)
        return integer(name[0] == 'T');
    for (struct code_variable *v = eval->code->variables; v; v = v->next)
        if (strcmp(v->name, name) == 0)
            return v->value;
    if (!eval->code->lookup || !eval->code->lookup(eval->code->ctx, name, &value))
        eval_fail(eval, CODE_ERROR, "unknown name %s", name);
    char text[64];
    value_print(&value, text, sizeof text);
    size_t used = strlen(eval->names);
    if (!strstr(eval->names, name))
        snprintf(eval->names + used, sizeof eval->names - used, "%s%s=%s", used ? ", " : "", name, text);
    return value;
}

static struct value eval_atom(struct eval *eval)
{
    eval_blank(eval);
    if (eval->at >= eval->end)
        eval_fail(eval, CODE_ERROR, "expression ends early");
    char c = *eval->at;
    if (strchr("fFrRbBuU", c) && eval->at + 1 < eval->end && (eval->at[1] == '"' || eval->at[1] == '\'')) /* f"..." is shown as it stands */
        c = *++eval->at;
    if (c == '(' || c == '[') {
        eval->at++;
        return eval_sequence(eval, c == '(' ? ')' : ']');
    }
    if (c == '\'' || c == '"') {
        eval->at++;
        struct value text = eval_string(eval, c);
        for (eval_blank(eval); eval->at < eval->end && (*eval->at == '\'' || *eval->at == '"'); eval_blank(eval)) {
            char quote = *eval->at++; /* adjacent strings join */
            text = string(arena_printf(eval->code->arena, "%s%s", text.text, eval_string(eval, quote).text));
        }
        return text;
    }
    if (isdigit((unsigned char)c) || c == '.')
        return eval_number(eval);
    if (isalpha((unsigned char)c) || c == '_')
        return eval_name(eval);
    eval_fail(eval, CODE_ERROR, "unexpected '%c'", c);
}

static struct value eval_postfix(struct eval *eval)
{
    struct value value = eval_atom(eval);
    while (eval_take(eval, "[")) {
        struct value index = eval_expression(eval);
        if (!eval_take(eval, "]"))
            eval_fail(eval, CODE_UNSUPPORTED, "only [index] is known here");
        if (!eval->live)
            continue;
        int64_t i = index.integer < 0 ? index.integer + value.count : index.integer;
        if (value.kind != VALUE_TUPLE || i < 0 || i >= value.count)
            eval_fail(eval, CODE_ERROR, "index out of range");
        value = value.items[i];
    }
    return value;
}

/* --- operators ---------------------------------------------------------------------------------------------------------- */
static struct value eval_unary(struct eval *eval)
{
    eval_blank(eval);
    if (eval_take(eval, "-"))
        return eval_arithmetic(eval, "-", integer(0), eval_unary(eval));
    if (eval_take(eval, "+"))
        return eval_unary(eval);
    if (eval_take(eval, "~"))
        return integer(~eval_unary(eval).integer);
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

static bool is_in(struct eval *eval, const struct value *needle, const struct value *hay)
{
    if (hay->kind == VALUE_STRING && needle->kind == VALUE_STRING)
        return strstr(hay->text, needle->text) != NULL;
    for (unsigned i = 0; i < hay->count; i++)
        if (compare(eval, needle, &hay->items[i]) == 0)
            return true;
    return false;
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
            int order = op[0] == 'i' || op[0] == 'n' ? 0 : compare(eval, &left, &right);
            result = op[0] == 'i'   ? is_in(eval, &left, &right)
                     : op[0] == 'n' ? !is_in(eval, &left, &right)
                     : op[0] == '='                     ? order == 0
                     : op[0] == '!' || strcmp(op, "<>") == 0 ? order != 0
                     : strcmp(op, "<=") == 0 ? order <= 0
                     : strcmp(op, ">=") == 0 ? order >= 0 && order != 2
                     : op[0] == '<'          ? order < 0
                                             : order > 0 && order != 2;
        }
        left = right;
    }
    return chained ? integer(result) : left;
}

static struct value eval_not(struct eval *eval)
{
    if (!eval_word(eval, "not"))
        return eval_comparison(eval);
    struct value value = eval_not(eval);
    return integer(!eval_true(&value));
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

struct value eval_expression(struct eval *eval)
{
    struct value value = eval_logic(eval, true);
    if (!eval_word(eval, "if"))
        return value;
    struct value condition = eval_logic(eval, true);
    if (!eval_word(eval, "else"))
        eval_fail(eval, CODE_ERROR, "if without else in an expression");
    struct value other = eval_expression(eval);
    return eval_true(&condition) ? value : other;
}

struct value eval_tuple(struct eval *eval)
{
    struct value first = eval_expression(eval);
    if (!eval_take(eval, ","))
        return first;
    struct value items[32] = {first};
    unsigned count = 1;
    for (eval_blank(eval); eval->at < eval->end && *eval->at != '=' && *eval->at != ';' && count < 32; eval_blank(eval)) {
        items[count++] = eval_expression(eval);
        if (!eval_take(eval, ","))
            break;
    }
    struct value tuple = {.kind = VALUE_TUPLE, .count = count};
    tuple.items = arena_alloc(eval->code->arena, count * sizeof *items);
    memcpy(tuple.items, items, count * sizeof *items);
    return tuple;
}
