/* code_text.c: values as text: print, "%d" % x, "{:d}".format(x), f"{x}", and strings as they are written. See code.h.
 */
#include "script/code/code_eval.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The shortest digits that mean the same number, as Python has it. */
static int print_real(double real, char *text, size_t size)
{
    char digits[40];
    int precision = 1, used;
    for (; precision < 17; precision++) {
        snprintf(digits, sizeof digits, "%.*e", precision - 1, real);
        if (strtod(digits, NULL) == real)
            break;
    }
    snprintf(digits, sizeof digits, "%.*e", precision - 1, real);
    const char *e = strchr(digits, 'e');
    int exponent = e ? atoi(e + 1) : 0;
    if (!e)
        used = snprintf(text, size, "%s", digits); /* inf, nan */
    else if (exponent < -4 || exponent >= 16)
        used = snprintf(text, size, "%.*g", precision, real);
    else
        used = snprintf(text, size, "%.*f", precision - 1 > exponent ? precision - 1 - exponent : 1, real);
    return used;
}

static int print_items(const struct value *value, char *text, size_t size)
{
    static const char *const brackets[] = {[VALUE_TUPLE] = "()", [VALUE_LIST] = "[]", [VALUE_DICT] = "{}", [VALUE_SET] = "{}"};
    const struct value *items = value->box ? value->box->items : value->items;
    unsigned count = data_length(value);
    if (value->kind == VALUE_SET && !count)
        return snprintf(text, size, "set()");
    size_t used = (size_t)snprintf(text, size, "%c", brackets[value->kind][0]);
    for (unsigned i = 0; i < count && used + 4 < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s", i ? ", " : "");
        used += (size_t)text_repr(&items[i], text + used, size - used);
        if (value->kind == VALUE_DICT && used + 4 < size) {
            used += (size_t)snprintf(text + used, size - used, ": ");
            used += (size_t)text_repr(&value->box->others[i], text + used, size - used);
        }
        used = used < size ? used : size - 1;
    }
    if (used + 3 < size)
        used += (size_t)snprintf(text + used, size - used, "%s%c", value->kind == VALUE_TUPLE && count == 1 ? "," : "",
                                 brackets[value->kind][1]);
    return (int)used;
}

/* As it would be written. */
int text_repr(const struct value *value, char *text, size_t size)
{
    if (value->kind != VALUE_STRING)
        return value_print(value, text, size);
    char quote = strchr(value->text, '\'') && !strchr(value->text, '"') ? '"' : '\'';
    size_t used = 0;
    if (size < 4)
        return snprintf(text, size, "''");
    text[used++] = quote;
    for (const char *p = value->text; *p && used + 4 < size; p++) {
        const char *escaped = *p == '\n'    ? "\\n"
                              : *p == '\t'  ? "\\t"
                              : *p == '\r'  ? "\\r"
                              : *p == '\\'  ? "\\\\"
                              : *p == quote ? "\\'"
                                            : NULL;
        text[used++] = escaped ? escaped[0] : *p;
        if (escaped)
            text[used++] = escaped[1];
    }
    text[used++] = quote;
    text[used] = 0;
    return (int)used;
}

int value_print(const struct value *value, char *text, size_t size)
{
    switch (value->kind) {
    case VALUE_INTEGER:
        return value->is_bool ? snprintf(text, size, "%s", value->integer ? "True" : "False")
                              : snprintf(text, size, "%lld", (long long)value->integer);
    case VALUE_FLOAT:
        return print_real(value->real, text, size);
    case VALUE_STRING:
        return snprintf(text, size, "%s", value->text);
    case VALUE_FUNCTION:
        return snprintf(text, size, "<function %s>", value->text);
    case VALUE_NONE:
        return snprintf(text, size, "None");
    default:
        return print_items(value, text, size);
    }
}

struct text {
    struct eval *eval;
    char out[2048];
    size_t used;
};

static void add(struct text *text, const char *what)
{
    for (; *what && text->used + 1 < sizeof text->out; what++)
        text->out[text->used++] = *what;
    text->out[text->used] = 0;
}

static void add_char(struct text *text, char c)
{
    add(text, (char[]){c, 0});
}

static struct value finish(struct text *text)
{
    return code_string(arena_copy(text->eval->code->arena, text->out, text->used));
}

/* Python's %: as many conversions as there are values; the flags are kept for numbers. */
struct value text_percent(struct eval *eval, const char *pattern, const struct value *values)
{
    struct text text = {.eval = eval};
    unsigned next = 0;
    for (const char *p = pattern; *p; p++) {
        if (*p != '%' || p[1] == '%') {
            add_char(&text, *p);
            p += *p == '%';
            continue;
        }
        char spec[24] = "%", number[256];
        size_t length = 1;
        const struct value *own = NULL;
        if (p[1] == '(' && values->kind == VALUE_DICT && strchr(p, ')')) { /* %(name)s */
            struct value key = code_string(arena_copy(eval->code->arena, p + 2, strcspn(p + 2, ")")));
            struct value *found = arena_alloc(eval->code->arena, sizeof *found);
            *found = data_get(eval, values, &key);
            own = found;
            p = strchr(p, ')');
        }
        for (p++; *p && !isalpha((unsigned char)*p) && length < 16; p++)
            spec[length++] = *p;
        p += *p == 'l' && p[1];
        const struct value *v = own                           ? own
                                : values->kind == VALUE_TUPLE ? (next < values->count ? &values->items[next] : NULL)
                                : next == 0                 ? values
                                                            : NULL;
        next++;
        if (!v || !*p)
            eval_fail(eval, CODE_ERROR, "not enough values for \"%s\"", pattern);
        if (strchr("diuxXo", *p) && value_is_number(v)) {
            snprintf(spec + length, sizeof spec - length, "ll%c", *p);
            snprintf(number, sizeof number, spec, v->kind == VALUE_FLOAT ? (long long)v->real : (long long)v->integer);
        } else if (strchr("feEgGF", *p) && value_is_number(v)) {
            snprintf(spec + length, sizeof spec - length, "%c", *p);
            snprintf(number, sizeof number, spec, value_to_real(v));
        } else {
            char whole[200];
            if (*p == 'c' && v->kind == VALUE_INTEGER)
                snprintf(whole, sizeof whole, "%c", (char)v->integer);
            else if (*p == 'r')
                text_repr(v, whole, sizeof whole);
            else
                value_print(v, whole, sizeof whole);
            snprintf(spec + length, sizeof spec - length, "s");
            snprintf(number, sizeof number, spec, whole);
        }
        add(&text, number);
    }
    return finish(&text);
}

/* --- {value:spec} ------------------------------------------------------------------------------------------------- */
static void add_digits(char *out, size_t size, uint64_t number, unsigned base, bool upper, bool commas)
{
    char digits[96];
    size_t n = 0, count = 0;
    do {
        if (commas && count && count % 3 == 0)
            digits[n++] = ',';
        digits[n++] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[number % base];
        count++;
    } while (number /= base);
    for (size_t i = 0; n && i + 1 < size; i++, out++) {
        *out = digits[--n];
        out[1] = 0;
    }
}

/* Python's format specification: [[fill]align][sign][#][0][width][,][.precision][type]. */
struct layout {
    char fill, align, type;
    bool plus, base_shown, commas;
    size_t width;
    int precision; /* -1: none */
};

static struct layout read_layout(const char *spec, bool number)
{
    struct layout layout = {.fill = ' ', .precision = -1};
    if (spec[0] && spec[1] && strchr("<>^=", spec[1])) {
        layout.fill = *spec++;
        layout.align = *spec++;
    } else if (*spec && strchr("<>^=", *spec)) {
        layout.align = *spec++;
    }
    layout.plus = *spec == '+';
    spec += layout.plus || *spec == '-' || *spec == ' ';
    layout.base_shown = *spec == '#';
    spec += layout.base_shown;
    if (*spec == '0' && number && !layout.align) {
        layout.align = '=';
        layout.fill = '0';
    }
    layout.width = strtoul(spec, (char **)&spec, 10);
    layout.commas = *spec == ',';
    spec += layout.commas;
    if (*spec == '.')
        layout.precision = (int)strtol(spec + 1, (char **)&spec, 10);
    layout.type = *spec;
    if (!layout.align)
        layout.align = number ? '>' : '<';
    return layout;
}

/* The value without its sign and padding; returns the prefix of its base. */
static const char *print_body(const struct value *value, const struct layout *layout, char *body, size_t size)
{
    char type = layout->type;
    bool number = value_is_number(value) && !(value->is_bool && !type),
         whole = number && value->kind == VALUE_INTEGER && !(type && strchr("feEgGF%", type));
    double magnitude = !number ? 0 : value_to_real(value) < 0 ? -value_to_real(value) : value_to_real(value);
    if (whole) {
        unsigned base = type == 'x' || type == 'X' ? 16 : type == 'b' ? 2 : type == 'o' ? 8 : 10;
        uint64_t integer = value->integer < 0 ? -(uint64_t)value->integer : (uint64_t)value->integer;
        add_digits(body, size, integer, base, type == 'X', layout->commas);
        return !layout->base_shown ? "" : base == 16 ? "0x" : base == 2 ? "0b" : base == 8 ? "0o" : "";
    }
    if (number && type) {
        char format[8] = {'%', '.', '*', type == '%' ? 'f' : type == 'd' ? 'g' : type};
        snprintf(body, size - 1, format, layout->precision < 0 ? 6 : layout->precision, magnitude * (type == '%' ? 100 : 1));
        if (type == '%')
            strcat(body, "%");
    } else if (number) {
        if (layout->precision < 0)
            print_real(magnitude, body, size);
        else
            snprintf(body, size, "%.*g", layout->precision, magnitude);
    } else {
        value_print(value, body, size);
        if (layout->precision >= 0 && (size_t)layout->precision < strlen(body))
            body[layout->precision] = 0;
    }
    return "";
}

struct value text_format(struct eval *eval, const struct value *value, const char *spec)
{
    char body[256] = "";
    bool number = value_is_number(value) && !(value->is_bool && !*spec);
    struct layout layout = read_layout(spec, number);
    const char *prefix = print_body(value, &layout, body, sizeof body);
    const char *sign = !number ? "" : value_to_real(value) < 0 ? "-" : layout.plus ? "+" : "";
    size_t length = strlen(sign) + strlen(prefix) + strlen(body), pad = layout.width > length ? layout.width - length : 0;
    size_t before = layout.align == '>' ? pad : layout.align == '^' ? pad / 2 : 0;
    struct text text = {.eval = eval};
    for (size_t i = 0; i < before; i++)
        add_char(&text, layout.fill);
    add(&text, sign);
    add(&text, prefix);
    for (size_t i = 0; layout.align == '=' && i < pad; i++)
        add_char(&text, layout.fill);
    add(&text, body);
    for (size_t i = before; layout.align != '=' && i < pad; i++)
        add_char(&text, layout.fill);
    return finish(&text);
}

/* The value of what stands in the braces: an expression (f"..."), or the index or name of an argument. */
static struct value field(struct eval *eval, const char *begin, const char *end, const struct arguments *arguments,
                          unsigned *next)
{
    size_t length = (size_t)(end - begin);
    if (arguments) {
        for (unsigned i = 0; length && i < arguments->count; i++)
            if (arguments->names[i] && strlen(arguments->names[i]) == length &&
                memcmp(arguments->names[i], begin, length) == 0)
                return arguments->values[i];
        unsigned i = length ? (unsigned)atoi(begin) : (*next)++;
        if (i >= arguments->count)
            eval_fail(eval, CODE_ERROR, "format() has no argument %u", i);
        return arguments->values[i];
    }
    const char *at = eval->at, *line_end = eval->end;
    eval->at = arena_copy(eval->code->arena, begin, length);
    eval->end = eval->at + length;
    struct value value = eval_tuple(eval);
    eval->at = at;
    eval->end = line_end;
    return value;
}

struct value text_braces(struct eval *eval, const char *pattern, const struct arguments *arguments)
{
    struct text text = {.eval = eval};
    unsigned next = 0;
    for (const char *p = pattern; *p; p++) {
        if ((*p == '{' || *p == '}') && p[1] == *p) {
            add_char(&text, *p++);
            continue;
        }
        if (*p != '{') {
            add_char(&text, *p);
            continue;
        }
        const char *begin = p + 1, *end = begin, *stop = begin;
        char quote = 0;
        for (int depth = 0; *stop && (depth || quote || *stop != '}'); stop++) {
            quote = quote ? (*stop == quote ? 0 : quote) : *stop == '\'' || *stop == '"' ? *stop : 0;
            depth += quote ? 0 : (*stop == '{' || *stop == '(' || *stop == '[') - (*stop == '}' || *stop == ')' || *stop == ']');
            if (!depth && !quote && end == begin && stop > begin && (*stop == ':' || (*stop == '!' && stop[1] != '=')))
                end = stop;
        }
        if (end == begin)
            end = *begin == ':' || *begin == '!' ? begin : stop;
        const char *colon = *end == '!' ? end + 2 : end;
        if (!*stop)
            eval_fail(eval, CODE_ERROR, "'{' without '}' in \"%s\"", pattern);
        bool shows = end > begin && end[-1] == '=' && !arguments; /* f"{x=}" */
        if (shows)
            for (const char *q = begin; q < end; q++)
                add_char(&text, *q);
        struct value value = field(eval, begin, end - shows, arguments, &next);
        const char *spec = *colon == ':' ? arena_copy(eval->code->arena, colon + 1, (size_t)(stop - colon - 1)) : "";
        if (strchr(spec, '{'))
            spec = text_braces(eval, spec, arguments).text;
        if (*end == '!' && end[1] == 'r') {
            char repr[1024];
            text_repr(&value, repr, sizeof repr);
            value = code_string(arena_copy(eval->code->arena, repr, strlen(repr)));
        }
        add(&text, text_format(eval, &value, spec).text);
        p = stop;
    }
    return finish(&text);
}

/* --- strings as written ------------------------------------------------------------------------------------------- */
static char unescape(struct eval *eval)
{
    static const char from[] = "ntr0ab", to[] = "\n\t\r\0\a\b";
    char c = *eval->at++;
    const char *found = c ? strchr(from, c) : NULL;
    if (c == 'u' && eval->at + 3 < eval->end) { /* of ASCII */
        char digits[5] = {eval->at[0], eval->at[1], eval->at[2], eval->at[3], 0};
        eval->at += 4;
        return (char)strtoul(digits, NULL, 16);
    }
    if (c == 'x' && eval->at + 1 < eval->end) {
        char digits[3] = {eval->at[0], eval->at[1], 0};
        eval->at += 2;
        return (char)strtoul(digits, NULL, 16);
    }
    return found ? to[found - from] : c;
}

struct value text_string(struct eval *eval)
{
    struct text text = {.eval = eval};
    bool formatted = false, raw = false;
    for (; *eval->at != '"' && *eval->at != '\''; eval->at++) {
        formatted |= tolower((unsigned char)*eval->at) == 'f';
        raw |= tolower((unsigned char)*eval->at) == 'r';
    }
    char quote = *eval->at, three[4] = {quote, quote, quote, 0};
    bool triple = eval->end - eval->at >= 6 && strncmp(eval->at, three, 3) == 0;
    eval->at += triple ? 3 : 1;
    for (;;) {
        if (eval->at >= eval->end)
            eval_fail(eval, CODE_ERROR, "string without an end");
        if (triple ? strncmp(eval->at, three, 3) == 0 : *eval->at == quote)
            break;
        if (*eval->at == '\\' && !raw && eval->at + 1 < eval->end) {
            eval->at++;
            add_char(&text, unescape(eval));
        } else {
            add_char(&text, *eval->at++);
        }
    }
    eval->at += triple ? 3 : 1;
    if (formatted && eval->live)
        return text_braces(eval, finish(&text).text, NULL);
    return finish(&text);
}
