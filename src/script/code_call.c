/* code_call.c: the functions and methods of Python that %{ code }% may call. See code.h. */
#include "script/code_eval.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* libm's, small: the program links no libm for these. */
double code_round_down(double x)
{
    int64_t whole = (int64_t)x;
    return (double)whole > x ? (double)(whole - 1) : (double)whole;
}

static double round_near(double x)
{
    return x < 0 ? -code_round_down(-x + 0.5) : code_round_down(x + 0.5);
}

double code_power(double base, int64_t exponent)
{
    double result = 1;
    for (int64_t n = exponent < 0 ? -exponent : exponent; n > 0; n--)
        result *= base;
    return exponent < 0 ? 1 / result : result;
}

static double square_root(double x)
{
    double guess = x > 1 ? x : 1;
    for (int i = 0; i < 200; i++)
        guess = (guess + x / guess) / 2;
    return guess;
}

void eval_arguments(struct eval *eval, struct arguments *arguments)
{
    while (!eval_take(eval, ")")) {
        if (arguments->count == CODE_ARGUMENTS)
            eval_fail(eval, CODE_UNSUPPORTED, "more than %d arguments", CODE_ARGUMENTS);
        eval_blank(eval);
        const char *p = eval->at;
        while (p < eval->end && (isalnum((unsigned char)*p) || *p == '_'))
            p++;
        const char *name_end = p;
        while (p < eval->end && *p == ' ')
            p++;
        if (name_end > eval->at && p + 1 < eval->end && *p == '=' && p[1] != '=') {
            arguments->names[arguments->count] = arena_copy(eval->code->arena, eval->at, (size_t)(name_end - eval->at));
            eval->at = p + 1;
        }
        arguments->values[arguments->count++] = eval_generator(eval);
        if (!eval_take(eval, ",")) {
            if (!eval_take(eval, ")"))
                eval_fail(eval, CODE_ERROR, "expected ')'");
            break;
        }
    }
}

/* --- functions of numbers
 * --------------------------------------------------------------------------------------------------- */
static bool number_function(struct eval *eval, const char *name, const struct arguments *arguments, struct value *out)
{
    const struct value zero = {.kind = VALUE_INTEGER}, *a = arguments->count ? arguments->values : &zero;
    bool isfloat = a->kind == VALUE_FLOAT;
    if (strcmp(name, "abs") == 0 || strcmp(name, "fabs") == 0)
        *out = isfloat ? code_real(a->real < 0 ? -a->real : a->real)
                       : code_integer(a->integer < 0 ? -a->integer : a->integer);
    else if (strcmp(name, "int") == 0 || strcmp(name, "long") == 0)
        *out = code_integer(a->kind == VALUE_STRING
                                ? strtoll(a->text, NULL, arguments->count > 1 ? (int)arguments->values[1].integer : 0)
                            : isfloat ? (int64_t)a->real
                                      : a->integer);
    else if (strcmp(name, "float") == 0)
        *out = code_real(a->kind == VALUE_STRING ? strtod(a->text, NULL) : value_to_real(a));
    else if (strcmp(name, "bool") == 0)
        *out = code_integer(eval_true(a));
    else if (strcmp(name, "ceil") == 0 || strcmp(name, "floor") == 0)
        *out = code_integer(
            (int64_t)(name[0] == 'c' ? -code_round_down(-value_to_real(a)) : code_round_down(value_to_real(a))));
    else if (strcmp(name, "sqrt") == 0)
        *out = code_real(square_root(value_to_real(a)));
    else if (strcmp(name, "round") == 0 && arguments->count > 1)
        *out = code_real(round_near(value_to_real(a) * code_power(10, arguments->values[1].integer)) /
                         code_power(10, arguments->values[1].integer));
    else if (strcmp(name, "round") == 0)
        *out = code_integer((int64_t)round_near(value_to_real(a)));
    else if (strcmp(name, "pow") == 0 && arguments->count == 2)
        *out = eval_arithmetic(eval, "**", *a, arguments->values[1]);
    else if (strcmp(name, "divmod") == 0 && arguments->count == 2)
        *out = eval_list(eval,
                         (struct value[]){eval_arithmetic(eval, "//", *a, arguments->values[1]),
                                          eval_arithmetic(eval, "%", *a, arguments->values[1])},
                         2);
    else
        return false;
    return true;
}

/* --- functions of lists
 * ------------------------------------------------------------------------------------------------------- */
static struct value extreme(struct eval *eval, const struct arguments *arguments, int want)
{
    const struct value *values = arguments->values;
    unsigned count = arguments->count, best = 0;
    if (count == 1 && values->kind == VALUE_TUPLE) {
        count = values->count;
        values = values->items;
    }
    if (!count)
        eval_fail(eval, CODE_ERROR, "min or max of nothing");
    for (unsigned i = 1; i < count; i++)
        if (eval_compare(&values[i], &values[best]) == want)
            best = i;
    return values[best];
}

static struct value range(struct eval *eval, const struct arguments *arguments)
{
    int64_t first = arguments->count > 1 ? arguments->values[0].integer : 0,
            last = arguments->values[arguments->count > 1].integer;
    int64_t step = arguments->count > 2 ? arguments->values[2].integer : 1;
    struct value *items = arena_alloc(eval->code->arena, CODE_ITEMS * sizeof *items);
    unsigned count = 0;
    for (int64_t i = first; step && (step > 0 ? i < last : i > last); i += step) {
        if (count == CODE_ITEMS)
            eval_fail(eval, CODE_UNSUPPORTED, "a range of more than %d numbers", CODE_ITEMS);
        items[count++] = code_integer(i);
    }
    return eval_list(eval, items, count);
}

static struct value sorted(struct eval *eval, const struct value *list, bool back)
{
    struct value out = eval_list(eval, list->items, list->count);
    for (unsigned i = 1; i < out.count; i++)
        for (unsigned k = i; k > 0 && eval_compare(&out.items[k], &out.items[k - 1]) == (back ? 1 : -1); k--) {
            struct value swap = out.items[k];
            out.items[k] = out.items[k - 1];
            out.items[k - 1] = swap;
        }
    return out;
}

/* enumerate(a), zip(a, b): lists of pairs. */
static struct value pairs(struct eval *eval, const struct arguments *arguments, bool numbered)
{
    unsigned count = arguments->values[0].count;
    if (!numbered && arguments->values[1].count < count)
        count = arguments->values[1].count;
    struct value out = {
        .kind = VALUE_TUPLE, .count = count, .items = arena_alloc(eval->code->arena, (count + 1) * sizeof *out.items)};
    for (unsigned i = 0; i < count; i++) {
        struct value two[2] = {arguments->values[0].items[i]};
        two[1] = numbered ? two[0] : arguments->values[1].items[i];
        if (numbered)
            two[0] = code_integer(i);
        out.items[i] = eval_list(eval, two, 2);
    }
    return out;
}

static bool list_function(struct eval *eval, const char *name, const struct arguments *arguments, struct value *out)
{
    const struct value *a = arguments->values;
    bool is_list = arguments->count && a->kind == VALUE_TUPLE;
    if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0) {
        *out = extreme(eval, arguments, name[1] == 'i' ? -1 : 1);
    } else if (strcmp(name, "range") == 0 && arguments->count) {
        *out = range(eval, arguments);
    } else if (strcmp(name, "len") == 0 && arguments->count) {
        *out = code_integer(a->kind == VALUE_STRING ? (int64_t)strlen(a->text) : (int64_t)a->count);
    } else if (strcmp(name, "sum") == 0 && is_list) {
        *out = code_integer(0);
        for (unsigned i = 0; i < a->count; i++)
            *out = eval_arithmetic(eval, "+", *out, a->items[i]);
    } else if ((strcmp(name, "all") == 0 || strcmp(name, "any") == 0) && is_list) {
        bool all = name[1] == 'l', result = all;
        for (unsigned i = 0; i < a->count; i++)
            result = all ? result && eval_true(&a->items[i]) : result || eval_true(&a->items[i]);
        *out = code_integer(result);
    } else if (strcmp(name, "sorted") == 0 && is_list) {
        *out = sorted(eval, a,
                      arguments->count > 1 && arguments->names[1] && strcmp(arguments->names[1], "reverse") == 0 &&
                          eval_true(&arguments->values[1]));
    } else if ((strcmp(name, "list") == 0 || strcmp(name, "tuple") == 0) && (is_list || !arguments->count)) {
        *out = eval_list(eval, is_list ? a->items : NULL, is_list ? a->count : 0);
    } else if (strcmp(name, "reversed") == 0 && is_list) {
        *out = eval_list(eval, a->items, a->count);
        for (unsigned i = 0; i < a->count; i++)
            out->items[i] = a->items[a->count - 1 - i];
    } else if ((strcmp(name, "enumerate") == 0 && is_list) || (strcmp(name, "zip") == 0 && arguments->count == 2)) {
        *out = pairs(eval, arguments, name[0] == 'e');
    } else {
        return false;
    }
    return true;
}

/* --- functions of text
 * ------------------------------------------------------------------------------------------------------- */
static bool text_function(struct eval *eval, const char *name, const struct arguments *arguments, struct value *out)
{
    const struct value none = {.kind = VALUE_NONE}, *a = arguments->count ? arguments->values : &none;
    const char *spec = strcmp(name, "hex") == 0   ? "#x"
                       : strcmp(name, "bin") == 0 ? "#b"
                       : strcmp(name, "oct") == 0 ? "#o"
                                                  : NULL;
    if (spec || strcmp(name, "str") == 0 || strcmp(name, "repr") == 0)
        *out = text_format(eval, a, spec ? spec : "");
    else if (strcmp(name, "format") == 0 && arguments->count == 2)
        *out = text_format(eval, a, arguments->values[1].text);
    else if (strcmp(name, "chr") == 0)
        *out = code_string(arena_printf(eval->code->arena, "%c", (char)a->integer));
    else if (strcmp(name, "ord") == 0 && a->kind == VALUE_STRING)
        *out = code_integer((unsigned char)a->text[0]);
    else if (strcmp(name, "isinstance") == 0)
        *out = code_integer(1);
    else if (strcmp(name, "sys.stdout.write") == 0 || strcmp(name, "sys.stderr.write") == 0) {
        if (eval->code->output && a->kind == VALUE_STRING)
            fputs(a->text, eval->code->output);
    } else if (strcmp(name, "sys.stdout.flush") != 0) {
        return false;
    }
    return true;
}

struct value eval_call(struct eval *eval, const char *name, const struct arguments *arguments)
{
    struct value out = {.kind = VALUE_NONE};
    const char *dot = strrchr(name, '.'), *bare = dot && strncmp(name, "math.", 5) == 0 ? dot + 1 : name;
    if (program_call(eval, name, arguments, &out) || number_function(eval, bare, arguments, &out) ||
        list_function(eval, bare, arguments, &out) || text_function(eval, name, arguments, &out))
        return out;
    if (strstr(name, "Error") || strstr(name, "Exception")) /* AssertionError("text"): as a value, its text */
        return arguments->count ? arguments->values[0] : code_string(name);
    eval_fail(eval, CODE_UNSUPPORTED, "function %s() is not known here", name);
}

/* --- methods
 * --------------------------------------------------------------------------------------------------------------------
 */
static struct value split(struct eval *eval, const char *text, const char *separator)
{
    struct value *items = arena_alloc(eval->code->arena, (strlen(text) + 2) * sizeof *items);
    unsigned count = 0;
    for (;;) {
        size_t length = separator ? (strstr(text, separator) ? (size_t)(strstr(text, separator) - text) : strlen(text))
                                  : (text += strspn(text, " \t\n"), strcspn(text, " \t\n"));
        if (!separator && !length)
            break;
        items[count++] = code_string(arena_copy(eval->code->arena, text, length));
        text += length;
        if (!*text)
            break;
        text += separator ? strlen(separator) : 1;
    }
    return eval_list(eval, items, count);
}

static struct value join(struct eval *eval, const char *separator, const struct value *list)
{
    const char *out = "";
    for (unsigned i = 0; i < list->count; i++)
        out = arena_printf(eval->code->arena, "%s%s%s", out, i ? separator : "",
                           list->items[i].kind == VALUE_STRING ? list->items[i].text : "");
    return code_string(out);
}

static struct value changed_case(struct eval *eval, const char *text, int (*change)(int))
{
    char *out = arena_copy(eval->code->arena, text, strlen(text));
    for (char *p = out; *p; p++)
        *p = (char)change((unsigned char)*p);
    return code_string(out);
}

static struct value text_method(struct eval *eval, const char *text, const char *name,
                                const struct arguments *arguments)
{
    const char *first =
        arguments->count && arguments->values[0].kind == VALUE_STRING ? arguments->values[0].text : NULL;
    size_t length = strlen(text), size = first ? strlen(first) : 0;
    if (strcmp(name, "format") == 0)
        return text_braces(eval, text, arguments);
    if (strcmp(name, "join") == 0 && arguments->count == 1)
        return join(eval, text, &arguments->values[0]);
    if (strcmp(name, "split") == 0)
        return split(eval, text, first);
    if (strcmp(name, "strip") == 0) {
        text += strspn(text, " \t\n");
        for (length = strlen(text); length && isspace((unsigned char)text[length - 1]);)
            length--;
        return code_string(arena_copy(eval->code->arena, text, length));
    }
    if (strcmp(name, "startswith") == 0 && first)
        return code_integer(strncmp(text, first, size) == 0);
    if (strcmp(name, "endswith") == 0 && first)
        return code_integer(length >= size && strcmp(text + length - size, first) == 0);
    if (strcmp(name, "lower") == 0 || strcmp(name, "upper") == 0)
        return changed_case(eval, text, name[0] == 'l' ? tolower : toupper);
    eval_fail(eval, CODE_UNSUPPORTED, "the method %s() is not known here", name);
}

struct value eval_method(struct eval *eval, const struct value *self, const char *variable, const char *name,
                         const struct arguments *arguments)
{
    if (self->kind == VALUE_STRING)
        return text_method(eval, self->text, name, arguments);
    if (self->kind == VALUE_TUPLE && variable && strcmp(name, "append") == 0 && arguments->count == 1) {
        struct value one = eval_list(eval, arguments->values, 1);
        eval_assign(eval, variable, strlen(variable), eval_arithmetic(eval, "+", *self, one));
        return (struct value){.kind = VALUE_NONE};
    }
    eval_fail(eval, CODE_UNSUPPORTED, "the method %s() is not known here", name);
}
