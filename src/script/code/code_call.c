/* code_call.c: the functions and methods of Python that %{ code }% may call. See code.h. */
#include "script/code/code_eval.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* libm's, small: the program links no libm for these. */
double code_round_down(double x)
{
    int64_t whole = (int64_t)x;
    return (double)whole > x ? (double)(whole - 1) : (double)whole;
}

/* Python 3: halves go to the even neighbour. */
static int64_t round_even(double x)
{
    int64_t down = (int64_t)code_round_down(x);
    double rest = x - (double)down;
    return rest > 0.5 || (rest == 0.5 && down % 2) ? down + 1 : down;
}

/* round(x, n): as the digits say. */
static struct value round_to(const struct value *value, int64_t places)
{
    char text[400];
    if (places < 0 || places > 20)
        return *value;
    snprintf(text, sizeof text, "%.*f", (int)places, value_to_real(value));
    return value->kind == VALUE_INTEGER ? *value : code_real(strtod(text, NULL));
}

static int64_t read_integer(struct eval *eval, const char *text, int base)
{
    char *end;
    text += strspn(text, " \t\n");
    int64_t number = strtoll(text, &end, base);
    end += strspn(end, " \t\n");
    if (end == text || *end) {
        eval->error_class = "ValueError";
        eval_fail(eval, CODE_ERROR, "int(): '%s' is no whole number", text);
    }
    return number;
}

double code_power(double base, int64_t exponent)
{
    double result = 1;
    for (int64_t n = exponent < 0 ? -exponent : exponent; n > 0; n--)
        result *= base;
    return exponent < 0 ? 1 / result : result;
}

double code_root(double x)
{
    double guess = x > 1 ? x : 1;
    for (int i = 0; i < 200; i++)
        guess = (guess + x / guess) / 2;
    return guess;
}

/* f(*list), f(**dictionary): behind the stars. */
static void spread_arguments(struct eval *eval, struct arguments *arguments, bool is_named)
{
    struct value value = eval_expression(eval);
    if (!eval->live)
        return;
    struct span span = data_span(eval, &value);
    if (arguments->count + span.count > CODE_ARGUMENTS)
        eval_fail(eval, CODE_UNSUPPORTED, "more than %d arguments", CODE_ARGUMENTS);
    if (is_named && value.kind != VALUE_DICT)
        eval_fail(eval, CODE_ERROR, "** of what is no dictionary");
    for (unsigned i = 0; i < span.count; i++) {
        arguments->names[arguments->count] = is_named ? span.items[i].text : NULL;
        arguments->values[arguments->count++] = is_named ? value.box->others[i] : span.items[i];
    }
}

void eval_arguments(struct eval *eval, struct arguments *arguments)
{
    while (!eval_take(eval, ")")) {
        if (arguments->count == CODE_ARGUMENTS)
            eval_fail(eval, CODE_UNSUPPORTED, "more than %d arguments", CODE_ARGUMENTS);
        if (eval_take(eval, "*")) {
            spread_arguments(eval, arguments, eval_take(eval, "*"));
            if (eval_take(eval, ","))
                continue;
            if (!eval_take(eval, ")"))
                eval_fail(eval, CODE_ERROR, "expected ')'");
            break;
        }
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

/* --- functions of numbers ----------------------------------------------------------------------------------------- */
static bool number_function(struct eval *eval, const char *name, const struct arguments *arguments, struct value *out)
{
    const struct value zero = {.kind = VALUE_INTEGER}, *a = arguments->count ? arguments->values : &zero;
    bool isfloat = a->kind == VALUE_FLOAT;
    if (strcmp(name, "abs") == 0 || strcmp(name, "fabs") == 0)
        *out = isfloat || name[0] == 'f' ? code_real(value_to_real(a) < 0 ? -value_to_real(a) : value_to_real(a))
                       : code_integer(a->integer < 0 ? -a->integer : a->integer);
    else if (strcmp(name, "int") == 0 || strcmp(name, "long") == 0)
        *out = code_integer(a->kind == VALUE_STRING
                                ? read_integer(eval, a->text, arguments->count > 1 ? (int)arguments->values[1].integer : 10)
                            : isfloat ? (int64_t)a->real
                                      : a->integer);
    else if (strcmp(name, "float") == 0)
        *out = code_real(a->kind == VALUE_STRING ? strtod(a->text, NULL) : value_to_real(a));
    else if (strcmp(name, "bool") == 0)
        *out = code_bool(arguments->count && eval_true(a));
    else if (strcmp(name, "ceil") == 0 || strcmp(name, "floor") == 0)
        *out = code_integer(
            (int64_t)(name[0] == 'c' ? -code_round_down(-value_to_real(a)) : code_round_down(value_to_real(a))));
    else if (strcmp(name, "sqrt") == 0)
        *out = code_real(code_root(value_to_real(a)));
    else if (strcmp(name, "round") == 0 && arguments->count > 1)
        *out = round_to(a, arguments->values[1].integer);
    else if (strcmp(name, "round") == 0)
        *out = code_integer(round_even(value_to_real(a)));
    else if (strcmp(name, "trunc") == 0)
        *out = code_integer(isfloat ? (int64_t)a->real : a->integer);
    else if (strcmp(name, "pow") == 0 && arguments->count == 3 && arguments->values[2].integer)
        *out = eval_arithmetic(eval, "%", eval_arithmetic(eval, "**", *a, arguments->values[1]), arguments->values[2]);
    else if (strcmp(name, "pow") == 0 && arguments->count == 2)
        *out = eval_arithmetic(eval, "**", *a, arguments->values[1]);
    else if (strcmp(name, "divmod") == 0 && arguments->count == 2)
        *out = data_tuple(eval,
                          (struct value[]){eval_arithmetic(eval, "//", *a, arguments->values[1]),
                                           eval_arithmetic(eval, "%", *a, arguments->values[1])},
                          2);
    else
        return false;
    return true;
}

/* --- functions of lists ------------------------------------------------------------------------------------------- */
static const struct value *named(const struct arguments *arguments, const char *name)
{
    for (unsigned i = 0; i < arguments->count; i++)
        if (arguments->names[i] && strcmp(arguments->names[i], name) == 0)
            return &arguments->values[i];
    return NULL;
}

static unsigned unnamed(const struct arguments *arguments)
{
    unsigned count = 0;
    while (count < arguments->count && !arguments->names[count])
        count++;
    return count;
}

static struct value call_one(struct eval *eval, const struct value *function, struct value argument)
{
    struct arguments *arguments = arena_alloc(eval->code->arena, sizeof *arguments);
    *arguments = (struct arguments){.count = 1, .values = {argument}};
    return call_value(eval, function, arguments);
}

static struct value key_of(struct eval *eval, const struct arguments *arguments, struct value value)
{
    const struct value *key = named(arguments, "key");
    return key && key->kind == VALUE_FUNCTION ? call_one(eval, key, value) : value;
}

static struct value extreme(struct eval *eval, const struct arguments *arguments, int want)
{
    struct span span = {arguments->values, unnamed(arguments)};
    unsigned best = 0;
    if (span.count == 1)
        span = data_span(eval, arguments->values);
    if (!span.count && named(arguments, "default"))
        return *named(arguments, "default");
    if (!span.count)
        eval_fail(eval, CODE_ERROR, "min or max of nothing");
    for (unsigned i = 1; i < span.count; i++) {
        struct value one = key_of(eval, arguments, span.items[i]), other = key_of(eval, arguments, span.items[best]);
        if (eval_compare(&one, &other) == want)
            best = i;
    }
    return span.items[best];
}

static struct value range(struct eval *eval, const struct arguments *arguments)
{
    int64_t first = arguments->count > 1 ? arguments->values[0].integer : 0,
            last = arguments->values[arguments->count > 1].integer;
    int64_t step = arguments->count > 2 ? arguments->values[2].integer : 1;
    struct value out = data_empty(eval, VALUE_LIST);
    for (int64_t i = first; step && (step > 0 ? i < last : i > last); i += step)
        data_add(eval, &out, code_integer(i));
    return out;
}

static struct value sorted(struct eval *eval, const struct arguments *arguments)
{
    struct span span = data_span(eval, arguments->values);
    const struct value *reverse = named(arguments, "reverse");
    struct value out = data_list(eval, span.items, span.count), keys = data_empty(eval, VALUE_LIST);
    int want = reverse && eval_true(reverse) ? 1 : -1;
    for (unsigned i = 0; i < span.count; i++)
        data_add(eval, &keys, key_of(eval, arguments, span.items[i]));
    for (unsigned i = 1; i < span.count; i++)
        for (unsigned k = i; k > 0 && eval_compare(&keys.box->items[k], &keys.box->items[k - 1]) == want; k--) {
            struct value *items[] = {out.box->items, keys.box->items};
            for (unsigned n = 0; n < 2; n++) {
                struct value swap = items[n][k];
                items[n][k] = items[n][k - 1];
                items[n][k - 1] = swap;
            }
        }
    return out;
}

/* enumerate(a, start), zip(a, b, ...): lists of tuples. */
static struct value tuples(struct eval *eval, const struct arguments *arguments, bool numbered)
{
    unsigned width = numbered ? 1 : unnamed(arguments), count = ~0u;
    struct value out = data_empty(eval, VALUE_LIST);
    int64_t start = !numbered || arguments->count < 2 ? 0 : arguments->values[1].integer;
    struct span spans[CODE_ARGUMENTS];
    for (unsigned i = 0; i < width; i++) {
        spans[i] = data_span(eval, &arguments->values[i]);
        count = spans[i].count < count ? spans[i].count : count;
    }
    for (unsigned i = 0; width && i < count; i++) {
        struct value items[CODE_ARGUMENTS + 1] = {code_integer(start + i)};
        for (unsigned k = 0; k < width; k++)
            items[k + numbered] = spans[k].items[i];
        data_add(eval, &out, data_tuple(eval, items, width + numbered));
    }
    return out;
}

/* map(f, a), filter(f, a) */
static struct value applied(struct eval *eval, const struct arguments *arguments, bool is_filter)
{
    struct value out = data_empty(eval, VALUE_LIST);
    struct span span = data_span(eval, &arguments->values[1]);
    for (unsigned i = 0; i < span.count; i++) {
        struct value one = arguments->values[0].kind == VALUE_NONE ? span.items[i] : call_one(eval, &arguments->values[0], span.items[i]);
        if (!is_filter || eval_true(&one))
            data_add(eval, &out, is_filter ? span.items[i] : one);
    }
    return out;
}

/* list(x), tuple(x), set(x), dict(x, a=1) */
static struct value gathered(struct eval *eval, const char *name, const struct arguments *arguments)
{
    const struct value *a = arguments->values;
    struct span span = unnamed(arguments) ? data_span(eval, a) : (struct span){0};
    struct value out = data_empty(eval, name[0] == 's' ? VALUE_SET : name[0] == 'd' ? VALUE_DICT : VALUE_LIST);
    for (unsigned i = 0; i < span.count; i++) {
        if (out.kind != VALUE_DICT) {
            data_add(eval, &out, span.items[i]);
        } else if (a->kind == VALUE_DICT) {
            data_put(eval, &out, &span.items[i], a->box->others[i]);
        } else {
            struct span pair = data_span(eval, &span.items[i]);
            if (pair.count == 2)
                data_put(eval, &out, &pair.items[0], pair.items[1]);
        }
    }
    for (unsigned i = unnamed(arguments); i < arguments->count && out.kind == VALUE_DICT; i++)
        data_put(eval, &out, &(struct value){.kind = VALUE_STRING, .text = arguments->names[i]}, arguments->values[i]);
    return name[0] == 't' ? data_tuple(eval, out.box->items, out.box->count) : out;
}

static struct value total(struct eval *eval, const struct arguments *arguments)
{
    struct span span = data_span(eval, arguments->values);
    struct value sum = arguments->count > 1 ? arguments->values[1] : code_integer(0);
    for (unsigned i = 0; i < span.count; i++)
        sum = eval_arithmetic(eval, "+", sum, span.items[i]);
    return sum;
}

static bool list_function(struct eval *eval, const char *name, const struct arguments *arguments, struct value *out)
{
    const struct value *a = arguments->values;
    bool is_list = arguments->count && data_is(a);
    if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0) {
        *out = extreme(eval, arguments, name[1] == 'i' ? -1 : 1);
    } else if (strcmp(name, "range") == 0 && arguments->count) {
        *out = range(eval, arguments);
    } else if (strcmp(name, "len") == 0 && is_list) {
        *out = code_integer(data_length(a));
    } else if (strcmp(name, "sum") == 0 && is_list) {
        *out = total(eval, arguments);
    } else if ((strcmp(name, "all") == 0 || strcmp(name, "any") == 0) && is_list) {
        struct span span = data_span(eval, a);
        bool all = name[1] == 'l', result = all;
        for (unsigned i = 0; i < span.count; i++)
            result = all ? result && eval_true(&span.items[i]) : result || eval_true(&span.items[i]);
        *out = code_bool(result);
    } else if (strcmp(name, "sorted") == 0 && is_list) {
        *out = sorted(eval, arguments);
    } else if (strcmp(name, "list") == 0 || strcmp(name, "tuple") == 0 || strcmp(name, "set") == 0 || strcmp(name, "dict") == 0) {
        *out = gathered(eval, name, arguments);
    } else if (strcmp(name, "reversed") == 0 && is_list) {
        *out = data_slice(eval, a, NULL, NULL, -1);
    } else if (strcmp(name, "enumerate") == 0 || strcmp(name, "zip") == 0) {
        *out = tuples(eval, arguments, name[0] == 'e');
    } else if ((strcmp(name, "map") == 0 || strcmp(name, "filter") == 0) && arguments->count == 2) {
        *out = applied(eval, arguments, name[0] == 'f');
    } else {
        return false;
    }
    return true;
}

/* --- functions of text -------------------------------------------------------------------------------------------- */
static struct value text_of_repr(struct eval *eval, const struct value *value)
{
    char text[2048];
    text_repr(value, text, sizeof text);
    return code_string(arena_copy(eval->code->arena, text, strlen(text)));
}

static const char *type_name(const struct value *value)
{
    static const char *const names[] = {"NoneType", "int", "float", "str", "tuple", "list", "dict", "set", "function"};
    return value->is_bool ? "bool" : names[value->kind];
}

static bool is_instance(struct eval *eval, const struct value *value, const struct value *types)
{
    struct span span = types->kind == VALUE_TUPLE ? data_span(eval, types) : (struct span){types, 1};
    for (unsigned i = 0; i < span.count; i++)
        if (span.items[i].kind == VALUE_FUNCTION && (strcmp(span.items[i].text, type_name(value)) == 0 ||
                                                     (value->is_bool && strcmp(span.items[i].text, "int") == 0)))
            return true;
    return false;
}

static bool text_function(struct eval *eval, const char *name, const struct arguments *arguments, struct value *out)
{
    const struct value none = {.kind = VALUE_NONE}, *a = arguments->count ? arguments->values : &none;
    const char *spec = strcmp(name, "hex") == 0   ? "#x"
                       : strcmp(name, "bin") == 0 ? "#b"
                       : strcmp(name, "oct") == 0 ? "#o"
                                                  : NULL;
    if (spec || strcmp(name, "str") == 0 || strcmp(name, "repr") == 0)
        *out = name[0] == 'r' ? text_of_repr(eval, a) : text_format(eval, a, spec ? spec : "");
    else if (strcmp(name, "type") == 0 && arguments->count == 1)
        *out = (struct value){.kind = VALUE_FUNCTION, .text = type_name(a)};
    else if (strcmp(name, "callable") == 0)
        *out = code_bool(a->kind == VALUE_FUNCTION);
    else if (strcmp(name, "sys.exit") == 0 || strcmp(name, "exit") == 0 || strcmp(name, "quit") == 0) {
        eval->code->exit_status = a->kind == VALUE_INTEGER ? (int)a->integer : a->kind != VALUE_NONE;
        eval->error_class = "SystemExit";
        eval_fail(eval, eval->code->exit_status ? CODE_FAILED : CODE_OK, "%s(%d)", name, eval->code->exit_status);
    } else if (strcmp(name, "format") == 0 && arguments->count == 2)
        *out = text_format(eval, a, arguments->values[1].text);
    else if (strcmp(name, "chr") == 0)
        *out = code_string(arena_printf(eval->code->arena, "%c", (char)a->integer));
    else if (strcmp(name, "ord") == 0 && a->kind == VALUE_STRING)
        *out = code_integer((unsigned char)a->text[0]);
    else if (strcmp(name, "isinstance") == 0 && arguments->count == 2)
        *out = code_bool(is_instance(eval, a, &arguments->values[1]));
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
    const struct code_function *own = program_function(eval, name);
    if (own)
        return program_call(eval, own, arguments);
    if (number_function(eval, bare, arguments, &out) || list_function(eval, bare, arguments, &out) ||
        text_function(eval, name, arguments, &out))
        return out;
    if (strstr(name, "Error") || strstr(name, "Exception")) { /* AssertionError("text"): as a value, its text and class */
        out = arguments->count ? text_format(eval, &arguments->values[0], "") : code_string("");
        eval->error_class = name;
        return out;
    }
    eval_fail(eval, CODE_UNSUPPORTED, "function %s() is not known here", name);
}

struct value call_value(struct eval *eval, const struct value *function, const struct arguments *arguments)
{
    if (function->kind != VALUE_FUNCTION)
        eval_fail(eval, CODE_ERROR, "what is no function cannot be called");
    return function->function ? program_call(eval, function->function, arguments) : eval_call(eval, function->text, arguments);
}

/* --- methods ----------------------------------------------------------------------------------------------------------------- */
static struct value split(struct eval *eval, const char *text, const char *separator, int64_t most)
{
    struct value out = data_empty(eval, VALUE_LIST);
    for (;;) {
        text += separator ? 0 : strspn(text, " \t\n");
        const char *found = most == 0 ? NULL : separator ? strstr(text, separator) : strpbrk(text, " \t\n");
        size_t length = found ? (size_t)(found - text) : strlen(text);
        if (!separator && !length)
            break;
        data_add(eval, &out, code_string(arena_copy(eval->code->arena, text, length)));
        if (!found)
            break;
        text = found + (separator ? strlen(separator) : 1);
        most--;
    }
    return out;
}

static struct value join(struct eval *eval, const char *separator, const struct value *list)
{
    const char *out = "";
    struct span span = data_span(eval, list);
    for (unsigned i = 0; i < span.count; i++)
        out = arena_printf(eval->code->arena, "%s%s%s", out, i ? separator : "",
                           span.items[i].kind == VALUE_STRING ? span.items[i].text : "");
    return code_string(out);
}

static struct value replaced(struct eval *eval, const char *text, const char *old, const char *new)
{
    const char *out = "";
    for (const char *found; *old && (found = strstr(text, old)); text = found + strlen(old))
        out = arena_printf(eval->code->arena, "%s%.*s%s", out, (int)(found - text), text, new);
    return code_string(arena_printf(eval->code->arena, "%s%s", out, text));
}

/* strip, lstrip, rstrip */
static struct value stripped(struct eval *eval, const char *text, const char *set, bool left, bool right)
{
    text += left ? strspn(text, set) : 0;
    size_t length = strlen(text);
    while (right && length && strchr(set, text[length - 1]))
        length--;
    return code_string(arena_copy(eval->code->arena, text, length));
}

/* zfill, ljust, rjust, center */
static struct value padded(struct eval *eval, const char *text, const char *name, const struct arguments *arguments)
{
    int64_t width = arguments->count ? arguments->values[0].integer : 0, length = (int64_t)strlen(text),
            pad = width > length ? width - length : 0;
    char fill = name[0] == 'z' ? '0' : arguments->count > 1 && arguments->values[1].text ? arguments->values[1].text[0] : ' ';
    int64_t before = name[0] == 'l' ? 0 : name[0] == 'c' ? pad / 2 + (pad & width & 1) : pad;
    if (pad > 1000)
        eval_fail(eval, CODE_UNSUPPORTED, "a width of %lld", (long long)width);
    char *out = arena_alloc(eval->code->arena, (size_t)(length + pad) + 1);
    memset(out, fill, (size_t)(length + pad));
    memcpy(out + before, text, (size_t)length);
    if (name[0] == 'z' && pad && (*text == '-' || *text == '+')) {
        out[before] = '0';
        out[0] = *text;
    }
    out[length + pad] = 0;
    return code_string(out);
}

static bool is_all(const char *text, int (*is)(int))
{
    const char *p = text;
    while (*p && is((unsigned char)*p))
        p++;
    return *text && !*p;
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
        return split(eval, text, first, arguments->count > 1 ? arguments->values[1].integer : -1);
    if (strcmp(name, "splitlines") == 0)
        return split(eval, stripped(eval, text, "\n", false, true).text, "\n", -1);
    if (strcmp(name, "strip") == 0 || strcmp(name, "lstrip") == 0 || strcmp(name, "rstrip") == 0)
        return stripped(eval, text, first ? first : " \t\r\n", name[0] != 'r', name[0] != 'l');
    if (strcmp(name, "replace") == 0 && arguments->count == 2 && first && arguments->values[1].kind == VALUE_STRING)
        return replaced(eval, text, first, arguments->values[1].text);
    if ((strcmp(name, "find") == 0 || strcmp(name, "index") == 0) && first) {
        const char *found = strstr(text, first);
        if (!found && name[0] == 'i')
            eval_fail(eval, CODE_ERROR, "index(): it is not there");
        return code_integer(found ? found - text : -1);
    }
    if (strcmp(name, "count") == 0 && first && size) {
        int64_t count = 0;
        for (const char *p = text; (p = strstr(p, first)); p += size)
            count++;
        return code_integer(count);
    }
    if (strcmp(name, "zfill") == 0 || strcmp(name, "ljust") == 0 || strcmp(name, "rjust") == 0 || strcmp(name, "center") == 0)
        return padded(eval, text, name, arguments);
    if (strcmp(name, "isdigit") == 0 || strcmp(name, "isnumeric") == 0 || strcmp(name, "isdecimal") == 0)
        return code_bool(is_all(text, isdigit));
    if (strcmp(name, "isalpha") == 0 || strcmp(name, "isalnum") == 0 || strcmp(name, "isspace") == 0)
        return code_bool(is_all(text, name[2] == 's' ? isspace : name[4] == 'p' ? isalpha : isalnum));
    if (strcmp(name, "startswith") == 0 && first)
        return code_bool(strncmp(text, first, size) == 0);
    if (strcmp(name, "endswith") == 0 && first)
        return code_bool(length >= size && strcmp(text + length - size, first) == 0);
    if (strcmp(name, "lower") == 0 || strcmp(name, "upper") == 0)
        return changed_case(eval, text, name[0] == 'l' ? tolower : toupper);
    eval_fail(eval, CODE_UNSUPPORTED, "the method %s() is not known here", name);
}

struct value eval_method(struct eval *eval, struct value *self, const char *name, const struct arguments *arguments)
{
    if (self->kind == VALUE_STRING)
        return text_method(eval, self->text, name, arguments);
    if (data_is(self))
        return data_method(eval, self, name, arguments);
    if (self->kind == VALUE_FLOAT && strcmp(name, "is_integer") == 0)
        return code_bool(self->real == code_round_down(self->real));
    eval_fail(eval, CODE_UNSUPPORTED, "the method %s() is not known here", name);
}
