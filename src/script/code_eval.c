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

static struct value integer_arithmetic(struct eval *eval, const char *op, int64_t a, int64_t b)
{
    if ((op[0] == '/' || op[0] == '%') && b == 0)
        eval_fail(eval, CODE_ERROR, "division by zero");
    if (strcmp(op, "//") == 0)
        return code_integer(a / b - ((a % b != 0) && ((a < 0) != (b < 0))));
    switch (op[0]) {
    case '+':
        return code_integer((int64_t)((uint64_t)a + (uint64_t)b));
    case '-':
        return code_integer((int64_t)((uint64_t)a - (uint64_t)b));
    case '*':
        if (op[1] == '*')
            return b >= 0 ? code_integer((int64_t)code_power((double)a, b)) : code_real(code_power((double)a, b));
        return code_integer((int64_t)((uint64_t)a * (uint64_t)b));
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
        return code_integer((int64_t)((uint64_t)a << (b & 63)));
    default:
        return code_integer(a >> (b & 63));
    }
}

struct value eval_arithmetic(struct eval *eval, const char *op, struct value a, struct value b)
{
    if (!eval->live)
        return code_integer(0);
    if (a.kind == VALUE_STRING && op[0] == '%')
        return text_percent(eval, a.text, &b);
    if (a.kind == VALUE_STRING && b.kind == VALUE_STRING && op[0] == '+')
        return code_string(arena_printf(eval->code->arena, "%s%s", a.text, b.text));
    if (a.kind == VALUE_TUPLE && b.kind == VALUE_TUPLE && op[0] == '+') {
        struct value joined = {.kind = VALUE_TUPLE,
                               .items = arena_alloc(eval->code->arena, (a.count + b.count + 1) * sizeof *joined.items)};
        memcpy(joined.items, a.items, a.count * sizeof *a.items);
        memcpy(joined.items + a.count, b.items, b.count * sizeof *b.items);
        joined.count = a.count + b.count;
        return joined;
    }
    if (!value_is_number(&a) || !value_is_number(&b))
        eval_fail(eval, CODE_ERROR, "operator %s on what is no number", op);
    if (a.kind == VALUE_INTEGER && b.kind == VALUE_INTEGER)
        return integer_arithmetic(eval, op, a.integer, b.integer);
    double x = value_to_real(&a), y = value_to_real(&b);
    if ((op[0] == '/' || op[0] == '%') && y == 0)
        eval_fail(eval, CODE_ERROR, "division by zero");
    if (strcmp(op, "//") == 0)
        return code_real(code_round_down(x / y));
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
    if (a->kind == VALUE_TUPLE && b->kind == VALUE_TUPLE) {
        for (unsigned i = 0; i < a->count && i < b->count; i++) {
            int order = eval_compare(&a->items[i], &b->items[i]);
            if (order)
                return order;
        }
        return (a->count > b->count) - (a->count < b->count);
    }
    return a->kind == b->kind ? 0 : 2;
}

/* --- variables: those of the function first
 * -------------------------------------------------------------------------------- */
static struct code_variable *find_in(struct code_variable *list, const char *name, size_t length)
{
    while (list && (strlen(list->name) != length || memcmp(list->name, name, length) != 0))
        list = list->next;
    return list;
}

const struct value *eval_find(struct eval *eval, const char *name, size_t length)
{
    struct code_variable *found = find_in(eval->locals, name, length);
    if (!found || found->is_global)
        found = find_in(eval->code->variables, name, length);
    return found ? &found->value : NULL;
}

void eval_assign(struct eval *eval, const char *name, size_t length, struct value value)
{
    struct code_variable **list = eval->depth ? &eval->locals : &eval->code->variables,
                         *found = find_in(*list, name, length);
    if (!eval->live)
        return;
    if (found && found->is_global) {
        list = &eval->code->variables;
        found = find_in(*list, name, length);
    }
    if (!found) {
        found = arena_alloc(eval->code->arena, sizeof *found);
        found->name = arena_copy(eval->code->arena, name, length);
        found->next = *list;
        *list = found;
    }
    found->value = value;
}

void eval_assign_all(struct eval *eval, const char *from, const char *to, struct value value)
{
    unsigned count = 0;
    bool many = memchr(from, ',', (size_t)(to - from)) != NULL;
    for (const char *p = from; p < to;) {
        while (p < to && (isspace((unsigned char)*p) || strchr(",()[]", *p)))
            p++;
        const char *name = p;
        while (p < to && (isalnum((unsigned char)*p) || *p == '_'))
            p++;
        if (p == name)
            break;
        if (eval->live && many && (value.kind != VALUE_TUPLE || count >= value.count))
            eval_fail(eval, CODE_ERROR, "too few values to unpack");
        eval_assign(eval, name, (size_t)(p - name), many && eval->live ? value.items[count] : value);
        count++;
    }
    if (eval->live && many && count < value.count)
        eval_fail(eval, CODE_ERROR, "too many values to unpack");
}

static struct value eval_expression_without_if(struct eval *eval);

/* --- atoms -----------------------------------------------------------------------------------------------------------
 */
struct value eval_list(struct eval *eval, const struct value *items, unsigned count)
{
    struct value tuple = {.kind = VALUE_TUPLE, .count = count};
    tuple.items = arena_alloc(eval->code->arena, (count + 1) * sizeof *tuple.items);
    if (count)
        memcpy(tuple.items, items, count * sizeof *items);
    return tuple;
}

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

/* [x * 2 for x in y if x]: the cursor is at its expression; it is read again for each item. */
static struct value eval_comprehension(struct eval *eval)
{
    const char *body = eval->at;
    bool live = eval->live;
    struct value *items = arena_alloc(eval->code->arena, CODE_ITEMS * sizeof *items);
    unsigned count = 0;
    eval->live = false;
    (void)eval_expression(eval);
    eval->live = live;
    if (!eval_word(eval, "for"))
        eval_fail(eval, CODE_ERROR, "expected \"for\"");
    const char *from = eval->at, *to = find_word(eval, "in");
    if (!to)
        eval_fail(eval, CODE_ERROR, "expected \"in\"");
    eval->at = to + 2;
    struct value source = eval_expression_without_if(eval);
    const char *condition = eval_word(eval, "if") ? eval->at : NULL;
    eval->live = false;
    if (condition)
        (void)eval_expression(eval);
    const char *after = eval->at;
    eval->live = live;
    for (unsigned i = 0; live && i < source.count && source.kind == VALUE_TUPLE; i++) {
        struct value keep = code_integer(1);
        eval_assign_all(eval, from, to, source.items[i]);
        if (condition) {
            eval->at = condition;
            keep = eval_expression(eval);
        }
        eval->at = body;
        if (eval_true(&keep) && count < CODE_ITEMS)
            items[count++] = eval_expression(eval);
    }
    eval->at = after;
    return eval_list(eval, items, count);
}

struct value eval_generator(struct eval *eval)
{
    return find_word(eval, "for") ? eval_comprehension(eval) : eval_expression(eval);
}

static struct value eval_sequence(struct eval *eval, char close)
{
    struct value items[128];
    unsigned count = 0;
    bool comma = false;
    char end[2] = {close, 0};
    if (find_word(eval, "for")) {
        struct value list = eval_comprehension(eval);
        if (!eval_take(eval, end))
            eval_fail(eval, CODE_ERROR, "expected '%c'", close);
        return list;
    }
    while (!eval_take(eval, end)) {
        if (count == 128)
            eval_fail(eval, CODE_UNSUPPORTED, "more than 128 items");
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
    return eval_list(eval, items, count);
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
        return code_integer(name[0] == 'T');
    if (!eval->code->lookup || !eval->code->lookup(eval->code->ctx, name, &value))
        eval_fail(eval, CODE_ERROR, "unknown name %s", name);
    value_print(&value, text, sizeof text);
    size_t used = strlen(eval->names);
    if (!strstr(eval->names, name))
        snprintf(eval->names + used, sizeof eval->names - used, "%s%s=%s", used ? ", " : "", name, text);
    return value;
}

static struct value eval_name(struct eval *eval, const char **variable)
{
    size_t length = name_length(eval);
    const char *name = arena_copy(eval->code->arena, eval->at, length);
    eval->at += length;
    if (eval_take(eval, "(")) {
        struct arguments *arguments = arena_alloc(eval->code->arena, sizeof *arguments);
        eval_arguments(eval, arguments);
        return eval->live ? eval_call(eval, name, arguments) : (struct value){.kind = VALUE_NONE};
    }
    if (!eval->live)
        return (struct value){.kind = VALUE_NONE};
    const struct value *found = eval_find(eval, name, length);
    *variable = found ? name : NULL;
    return found ? *found : look_up(eval, name);
}

static bool at_string(const struct eval *eval)
{
    const char *p = eval->at;
    for (int i = 0; i < 2 && p < eval->end && strchr("fFrRbBuU", *p); i++)
        p++;
    return p < eval->end && (*p == '"' || *p == '\'');
}

static struct value eval_atom(struct eval *eval, const char **variable)
{
    eval_blank(eval);
    *variable = NULL;
    if (eval->at >= eval->end)
        eval_fail(eval, CODE_ERROR, "expression ends early");
    char c = *eval->at;
    if (c == '(' || c == '[') {
        eval->at++;
        return eval_sequence(eval, c == '(' ? ')' : ']');
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
        return eval_name(eval, variable);
    if (c == '{')
        eval_fail(eval, CODE_UNSUPPORTED, "dictionaries and sets are not known here");
    eval_fail(eval, CODE_ERROR, "unexpected '%c'", c);
}

static struct value slice(struct eval *eval, const struct value *value, int64_t from, int64_t to)
{
    int64_t count = value->kind == VALUE_STRING ? (int64_t)strlen(value->text) : value->count;
    from = from < 0 ? from + count : from;
    to = to < 0 ? to + count : to;
    from = from < 0 ? 0 : from > count ? count : from;
    to = to < from ? from : to > count ? count : to;
    if (value->kind == VALUE_STRING)
        return code_string(arena_copy(eval->code->arena, value->text + from, (size_t)(to - from)));
    return eval_list(eval, value->items + from, (unsigned)(to - from));
}

/* [i], [a:b]: behind the bracket. */
static struct value eval_index(struct eval *eval, const struct value *value)
{
    int64_t from = 0, to = INT64_MAX;
    bool is_slice = false;
    if (!eval_take(eval, ":"))
        from = eval_expression(eval).integer;
    else
        is_slice = true;
    if (is_slice || eval_take(eval, ":")) {
        is_slice = true;
        eval_blank(eval);
        if (eval->at < eval->end && *eval->at != ']')
            to = eval_expression(eval).integer;
    }
    if (!eval_take(eval, "]"))
        eval_fail(eval, CODE_UNSUPPORTED, "only [index] and [from:to] are known here");
    if (!eval->live)
        return *value;
    if (value->kind != VALUE_TUPLE && value->kind != VALUE_STRING)
        eval_fail(eval, CODE_ERROR, "what is no list has no index");
    if (is_slice)
        return slice(eval, value, from, to);
    int64_t count = value->kind == VALUE_STRING ? (int64_t)strlen(value->text) : value->count,
            i = from < 0 ? from + count : from;
    if (i < 0 || i >= count)
        eval_fail(eval, CODE_ERROR, "index out of range");
    return value->kind == VALUE_STRING ? slice(eval, value, i, i + 1) : value->items[i];
}

static struct value eval_postfix(struct eval *eval)
{
    const char *variable;
    struct value value = eval_atom(eval, &variable);
    for (;;) {
        if (eval_take(eval, "[")) {
            value = eval_index(eval, &value);
        } else if (eval->at < eval->end && *eval->at == '.' && eval->at + 1 < eval->end &&
                   isalpha((unsigned char)eval->at[1])) {
            const char *begin = ++eval->at;
            while (eval->at < eval->end && (isalnum((unsigned char)*eval->at) || *eval->at == '_'))
                eval->at++;
            const char *name = arena_copy(eval->code->arena, begin, (size_t)(eval->at - begin));
            if (!eval_take(eval, "("))
                eval_fail(eval, CODE_UNSUPPORTED, "the attribute %s is not known here", name);
            struct arguments *arguments = arena_alloc(eval->code->arena, sizeof *arguments);
            eval_arguments(eval, arguments);
            if (eval->live)
                value = eval_method(eval, &value, variable, name, arguments);
        } else {
            return value;
        }
        variable = NULL;
    }
}

/* --- operators
 * ---------------------------------------------------------------------------------------------------------- */
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

static bool is_in(const struct value *needle, const struct value *hay)
{
    if (hay->kind == VALUE_STRING && needle->kind == VALUE_STRING)
        return strstr(hay->text, needle->text) != NULL;
    for (unsigned i = 0; i < hay->count; i++)
        if (eval_compare(needle, &hay->items[i]) == 0)
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
            int order = op[0] == 'i' || op[0] == 'n' ? 0 : eval_compare(&left, &right);
            result = op[0] == 'i'                            ? is_in(&left, &right)
                     : op[0] == 'n'                          ? !is_in(&left, &right)
                     : op[0] == '='                          ? order == 0
                     : op[0] == '!' || strcmp(op, "<>") == 0 ? order != 0
                     : strcmp(op, "<=") == 0                 ? order <= 0
                     : strcmp(op, ">=") == 0                 ? order >= 0 && order != 2
                     : op[0] == '<'                          ? order < 0
                                                             : order > 0 && order != 2;
        }
        left = right;
    }
    return chained ? code_integer(result) : left;
}

static struct value eval_not(struct eval *eval)
{
    if (!eval_word(eval, "not"))
        return eval_comparison(eval);
    struct value value = eval_not(eval);
    return code_integer(!eval_true(&value));
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

/* a if c else b: only the branch taken is evaluated, so the first is read twice. */
struct value eval_expression(struct eval *eval)
{
    const char *begin = eval->at;
    bool live = eval->live;
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
    struct value items[32] = {first};
    unsigned count = 1;
    for (eval_blank(eval); eval->at < eval->end && *eval->at != '=' && *eval->at != ';' && count < 32;
         eval_blank(eval)) {
        items[count++] = eval_expression(eval);
        if (!eval_take(eval, ","))
            break;
    }
    struct value tuple = {.kind = VALUE_TUPLE, .count = count};
    tuple.items = arena_alloc(eval->code->arena, count * sizeof *items);
    memcpy(tuple.items, items, count * sizeof *items);
    return tuple;
}
