/* scan.c: the readers of a script's characters. See scan.h. */
#include "script/language/scan.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void scan_init(struct scan *scan, struct arena *arena, const char *text, char *error, size_t error_size)
{
    memset(scan, 0, sizeof *scan);
    scan->at = scan->start = text;
    scan->arena = arena;
    scan->error = error;
    scan->error_size = error_size;
    scan->ip_version = 4;
}

void scan_fail(struct scan *scan, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(scan->error, scan->error_size, format, arguments);
    va_end(arguments);
    scan->error_at = scan->at;
    longjmp(scan->fail, 1);
}

/* To the next blank after a word's worth of text, so that a message quotes what was written. */
const char *scan_show(const struct scan *scan)
{
    static _Thread_local char text[32];
    if (!scan->at[strspn(scan->at, " \t\r\n")])
        return "the end of the file";
    if (*scan->at == '\n' || *scan->at == '\r' || (scan->at[0] == '/' && scan->at[1] == '/'))
        return "the end of the line";
    size_t length = strcspn(scan->at, "\r\n");
    if (length > 24)
        length = 24;
    snprintf(text, sizeof text, "\"%.*s\"", (int)length, scan->at);
    return text;
}

int scan_line(const struct scan *scan, const char *at)
{
    int line = 1;
    for (const char *p = scan->start; p < at; p++)
        line += *p == '\n';
    return line;
}

void scan_space(struct scan *scan)
{
    for (;;) {
        while (isspace((unsigned char)*scan->at))
            scan->at++;
        if (scan->at[0] == '#' || (scan->at[0] == '/' && scan->at[1] == '/')) {
            while (*scan->at && *scan->at != '\n')
                scan->at++;
        } else if (scan->at[0] == '/' && scan->at[1] == '*') {
            const char *end = strstr(scan->at + 2, "*/");
            if (!end)
                scan_fail(scan, "comment without an end");
            scan->at = end + 2;
        } else {
            return;
        }
    }
}

bool scan_next_line(const struct scan *scan, const char *before)
{
    return !*scan->at || memchr(before, '\n', (size_t)(scan->at - before)) != NULL;
}

bool scan_char(struct scan *scan, char c)
{
    scan_space(scan);
    if (*scan->at != c)
        return false;
    scan->at++;
    return true;
}

void scan_expect(struct scan *scan, char c)
{
    const char *before = scan->at;
    if (scan_char(scan, c))
        return;
    while (before > scan->start && isspace((unsigned char)before[-1]))
        before--;
    if (scan_next_line(scan, before)) /* what is missing is missing there, not where the next event begins */
        scan->at = before + strspn(before, " \t");
    scan_fail(scan, c == ')' && scan->in_list ? "expected ',' or '%c' before %s" : "expected '%c' before %s", c, scan_show(scan));
}

bool scan_text(struct scan *scan, const char *text)
{
    scan_space(scan);
    size_t length = strlen(text);
    if (strncmp(scan->at, text, length) != 0)
        return false;
    scan->at += length;
    return true;
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool scan_keyword(struct scan *scan, const char *word)
{
    scan_space(scan);
    size_t length = strlen(word);
    if (strncasecmp(scan->at, word, length) != 0 || is_word_char(scan->at[length]))
        return false;
    scan->at += length;
    return true;
}

bool scan_is_word(const struct scan *scan)
{
    return isalpha((unsigned char)*scan->at) || *scan->at == '_';
}

char *scan_word(struct scan *scan)
{
    scan_space(scan);
    if (!scan_is_word(scan))
        scan_fail(scan, "expected a word before %s", scan_show(scan));
    const char *begin = scan->at;
    while (is_word_char(*scan->at))
        scan->at++;
    return arena_copy(scan->arena, begin, (size_t)(scan->at - begin));
}

size_t scan_bare(const char *value)
{
    return *value == '"' ? strcspn(value + 1, "\"") : strlen(value);
}

const char *scan_define(const struct scan *scan, const char *name, size_t length)
{
    for (const struct define *d = scan->defines; d; d = d->next)
        if (strlen(d->name) == length && memcmp(d->name, name, length) == 0)
            return d->value;
    return NULL;
}

bool scan_peek_number(const struct scan *scan)
{
    const char *p = scan->at + (*scan->at == '-' || *scan->at == '+');
    return isdigit((unsigned char)*p);
}

int64_t scan_integer(struct scan *scan)
{
    scan_space(scan);
    if (scan_is_word(scan)) {
        const char *name = scan->at;
        char *word = scan_word(scan);
        const char *value = scan_define(scan, word, strlen(word));
        char *end;
        long long number = value ? strtoll(value, &end, 0) : 0;
        if (!value || end == value) {
            scan->at = name;
            scan_fail(scan, "expected a number, found %s", word);
        }
        return number;
    }
    if (!scan_peek_number(scan))
        scan_fail(scan, "expected a number before %s", scan_show(scan));
    bool negative = *scan->at == '-';
    scan->at += negative || *scan->at == '+';
    /* A leading 0 is not octal: scripts write 0001 and mean 1. */
    int base = scan->at[0] == '0' && (scan->at[1] == 'x' || scan->at[1] == 'X') ? 16 : 10;
    char *end;
    uint64_t number = strtoull(scan->at, &end, base);
    scan->at = end;
    return negative ? -(int64_t)number : (int64_t)number;
}

int64_t scan_time(struct scan *scan)
{
    scan_space(scan);
    const char *p = scan->at;
    int64_t ns = 0, unit = 1000000000;
    bool any = false;
    for (; isdigit((unsigned char)*p); p++, any = true) {
        ns = ns * 10 + (*p - '0');
        if (ns > 1000000000) /* 31 years of seconds */
            scan_fail(scan, "a time beyond all reason: %s", scan_show(scan));
    }
    ns *= unit;
    /* "1...2" is a 1 and an ellipsis. */
    if (*p == '.' && p[1] != '.') {
        for (p++; isdigit((unsigned char)*p); p++, any = true) {
            unit /= 10;
            ns += (*p - '0') * unit;
        }
    }
    if (!any)
        scan_fail(scan, "expected a time (0.5, +.1, 1~2 or *) before %s", scan_show(scan));
    scan->at = p;
    return ns;
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

static char scan_escape(struct scan *scan)
{
    char c = *scan->at++;
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': { /* \NNN */
        int value = c - '0';
        for (int i = 0; i < 2 && *scan->at >= '0' && *scan->at <= '7'; i++)
            value = value * 8 + *scan->at++ - '0';
        return (char)value;
    }
    case 'x': {
        int value = 0;
        for (int i = 0; i < 2 && hex_digit(*scan->at) >= 0; i++)
            value = value * 16 + hex_digit(*scan->at++);
        return (char)value;
    }
    default:
        return c;
    }
}

char *scan_string(struct scan *scan, unsigned *length)
{
    scan_expect(scan, '"');
    const char *end = scan->at;
    while (*end && *end != '"')
        end += *end == '\\' && end[1] ? 2 : 1;
    if (!*end)
        scan_fail(scan, "string without an end");
    char *text = arena_alloc(scan->arena, (size_t)(end - scan->at) + 1);
    unsigned n = 0;
    while (*scan->at != '"') {
        if (*scan->at == '\\') {
            scan->at++;
            text[n++] = scan_escape(scan);
        } else {
            text[n++] = *scan->at++;
        }
    }
    scan->at++;
    if (length)
        *length = n;
    return text;
}
