/* awk.c: awk for `commands`: patterns, print, printf, exit, next, if, assignments, on fields and numbers (POSIX.1-2017
 * XCU awk, a part). Like code.c it runs what it reads; what is not taken is only read. */
#include "script/programs/programs.h"
#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { AWK_FIELDS = 64 };
struct awk {
    struct shell *shell;
    struct shell_io *io;
    struct arena *arena;
    const char *at;
    const char *line, *fields[AWK_FIELDS + 1]; /* fields[0] is the line */
    int field_count, number, status;
    char separator; /* 0: blanks */
    bool live, done, next;
    struct shell_variable *variables;
};

static _Noreturn void unknown(struct awk *awk)
{
    run_skip(awk->shell->run, "command: this awk program is not known here, at \"%.20s\"", awk->at);
}

static void blank(struct awk *awk)
{
    while (*awk->at == ' ' || *awk->at == '\t' || *awk->at == '\n')
        awk->at++;
}

static bool take(struct awk *awk, const char *text)
{
    size_t length = strlen(text);
    blank(awk);
    if (strncmp(awk->at, text, length) != 0)
        return false;
    if (isalnum((unsigned char)text[0]) && (isalnum((unsigned char)awk->at[length]) || awk->at[length] == '_'))
        return false; /* a longer word */
    awk->at += length;
    return true;
}

/* --- values are text, and numbers where an operator wants them ---------------------------------------------------- */
static const char *expression(struct awk *awk);

static const char *number_text(struct awk *awk, double number)
{
    if (number == (double)(long long)number)
        return arena_printf(awk->arena, "%lld", (long long)number);
    return arena_printf(awk->arena, "%.6g", number);
}

static bool is_numeric(const char *text)
{
    char *end;
    (void)strtod(text, &end);
    return *text && !end[strspn(end, " \t")];
}

static const char *variable(struct awk *awk, const char *name)
{
    if (strcmp(name, "NF") == 0)
        return number_text(awk, awk->field_count);
    if (strcmp(name, "NR") == 0)
        return number_text(awk, awk->number);
    for (struct shell_variable *v = awk->variables; v; v = v->next)
        if (strcmp(v->name, name) == 0)
            return v->value;
    return "";
}

static void assign(struct awk *awk, const char *name, const char *value)
{
    struct shell_variable *v = arena_alloc(awk->arena, sizeof *v);
    *v = (struct shell_variable){.next = awk->variables, .name = name, .value = value};
    awk->variables = v;
}

static const char *quoted(struct awk *awk, char end)
{
    char *text = arena_alloc(awk->arena, strcspn(awk->at, "") + 1), *out = text;
    for (; *awk->at && *awk->at != end; awk->at++) {
        if (awk->at[0] == '\\' && awk->at[1] == end)
            awk->at++;
        else if (end == '"' && awk->at[0] == '\\' && awk->at[1]) {
            awk->at++;
            *out++ = *awk->at == 'n' ? '\n' : *awk->at == 't' ? '\t' : *awk->at;
            continue;
        }
        *out++ = *awk->at;
    }
    if (*awk->at++ != end)
        unknown(awk);
    return text;
}

static bool matches(struct awk *awk, const char *text, const char *pattern)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        run_skip(awk->shell->run, "command: bad pattern %s", pattern);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static const char *name_value(struct awk *awk)
{
    size_t length = 0;
    while (isalnum((unsigned char)awk->at[length]) || awk->at[length] == '_')
        length++;
    const char *name = arena_copy(awk->arena, awk->at, length);
    awk->at += length;
    if (strcmp(name, "length") == 0 && take(awk, "(")) {
        const char *text = *awk->at == ')' ? awk->line : expression(awk);
        if (!take(awk, ")"))
            unknown(awk);
        return number_text(awk, (double)strlen(text));
    }
    if (strcmp(name, "int") == 0 && take(awk, "(")) {
        const char *text = expression(awk);
        if (!take(awk, ")"))
            unknown(awk);
        return number_text(awk, (double)(long long)strtod(text, NULL));
    }
    if (*awk->at == '(' || *awk->at == '[')
        unknown(awk);
    if (take(awk, "++")) {
        const char *old = variable(awk, name);
        if (awk->live)
            assign(awk, name, number_text(awk, strtod(old, NULL) + 1));
        return *old ? old : "0";
    }
    blank(awk);
    char sign = strchr("+-*/", *awk->at) && *awk->at && awk->at[1] == '=' ? *awk->at : 0;
    if (!sign && !(awk->at[0] == '=' && awk->at[1] != '='))
        return variable(awk, name);
    awk->at += sign ? 2 : 1;
    const char *value = expression(awk);
    double a = strtod(variable(awk, name), NULL), b = strtod(value, NULL);
    if (sign)
        value = number_text(awk, sign == '+' ? a + b : sign == '-' ? a - b : sign == '*' ? a * b : b != 0 ? a / b : 0);
    if (awk->live)
        assign(awk, name, value);
    return value;
}

static const char *primary(struct awk *awk)
{
    blank(awk);
    char c = *awk->at;
    if (c == '(') {
        awk->at++;
        const char *value = expression(awk);
        if (!take(awk, ")"))
            unknown(awk);
        return value;
    }
    if (c == '!' || c == '-' || c == '+') {
        awk->at++;
        const char *value = primary(awk);
        double number = strtod(value, NULL);
        bool is_true = is_numeric(value) ? number != 0 : *value != 0;
        return c == '!' ? (is_true ? "0" : "1") : number_text(awk, c == '-' ? -number : number);
    }
    if (c == '$') {
        awk->at++;
        long i = strtol(primary(awk), NULL, 10);
        return i >= 0 && i <= awk->field_count && i <= AWK_FIELDS ? awk->fields[i] : "";
    }
    if (c == '"' || c == '/') {
        awk->at++;
        const char *text = quoted(awk, c);
        return c == '"' ? text : matches(awk, awk->line, text) ? "1" : "0";
    }
    if (isdigit((unsigned char)c) || c == '.') {
        char *end;
        double number = strtod(awk->at, &end);
        awk->at = end;
        return number_text(awk, number);
    }
    if (isalpha((unsigned char)c) || c == '_')
        return name_value(awk);
    unknown(awk);
}

static const char *arithmetic(struct awk *awk, int level)
{
    static const char *const operators[] = {"+-", "*/%"};
    if (level == 2)
        return primary(awk);
    const char *left = arithmetic(awk, level + 1);
    for (blank(awk); *awk->at && strchr(operators[level], *awk->at) && awk->at[1] != '='; blank(awk)) {
        char op = *awk->at++;
        double a = strtod(left, NULL), b = strtod(arithmetic(awk, level + 1), NULL);
        if (b == 0 && strchr("/%", op))
            b = awk->live ? (run_fail(awk->shell->run, "command: awk divides by zero"), 1) : 1;
        left = number_text(awk, op == '+'   ? a + b
                                : op == '-' ? a - b
                                : op == '*' ? a * b
                                : op == '/' ? a / b
                                            : (double)((long long)a % (long long)b));
    }
    return left;
}

static const char *concatenation(struct awk *awk)
{
    const char *left = arithmetic(awk, 0);
    for (blank(awk); *awk->at == '"' || *awk->at == '$' || *awk->at == '('; blank(awk))
        left = arena_printf(awk->arena, "%s%s", left, arithmetic(awk, 0));
    return left;
}

static const char *comparison(struct awk *awk)
{
    static const char *const operators[] = {"==", "!=", "<=", ">=", "!~", "<", ">", "~"};
    const char *left = concatenation(awk);
    for (int i = 0; i < 8; i++) {
        if (!take(awk, operators[i]))
            continue;
        blank(awk);
        bool regex = strchr(operators[i], '~');
        const char *right = regex && *awk->at == '/' ? (awk->at++, quoted(awk, '/')) : concatenation(awk);
        if (regex)
            return matches(awk, left, right) == (i == 7) ? "1" : "0";
        double a = strtod(left, NULL), b = strtod(right, NULL);
        bool numbers = (is_numeric(left) || !*left) && (is_numeric(right) || !*right);
        int order = numbers ? (a > b) - (a < b) : strcmp(left, right);
        const bool results[] = {order == 0, order != 0, order <= 0, order >= 0, false, order<0, order> 0};
        return results[i] ? "1" : "0";
    }
    return left;
}

static bool is_true(const char *value)
{
    return is_numeric(value) ? strtod(value, NULL) != 0 : *value != 0;
}

static const char *logic(struct awk *awk, bool is_or)
{
    const char *left = is_or ? logic(awk, false) : comparison(awk);
    while (take(awk, is_or ? "||" : "&&")) {
        bool a = is_true(left), b = is_true(is_or ? logic(awk, false) : comparison(awk));
        left = (is_or ? a || b : a && b) ? "1" : "0";
    }
    return left;
}

static const char *expression(struct awk *awk)
{
    const char *value = logic(awk, true);
    if (!take(awk, "?"))
        return value;
    const char *yes = expression(awk);
    if (!take(awk, ":"))
        unknown(awk);
    const char *no = expression(awk);
    return is_true(value) ? yes : no;
}

/* --- statements --------------------------------------------------------------------------------------------------- */
static bool at_end(struct awk *awk)
{
    while (*awk->at == ' ' || *awk->at == '\t')
        awk->at++;
    return !*awk->at || strchr(";}\n", *awk->at);
}

static void print(struct awk *awk, bool formatted)
{
    const char *values[AWK_FIELDS], *out = "";
    int count = 0, used = 1;
    while (!at_end(awk) && count < AWK_FIELDS) {
        values[count++] = expression(awk);
        if (!take(awk, ","))
            break;
    }
    if (!awk->live)
        return;
    for (int i = 0; i < count && !formatted; i++)
        out = arena_printf(awk->arena, "%s%s%s", out, i ? " " : "", values[i]);
    for (const char *p = count && formatted ? values[0] : ""; *p; p++) {
        size_t length = strcspn(p + 1, "dsfgix%") + 2;
        const char *value = used < count ? values[used] : "";
        char spec[24];
        if (*p != '%' || p[1] == '%' || length > 16) {
            out = arena_printf(awk->arena, "%s%c", out, *p);
            p += p[0] == '%' && p[1] == '%';
            continue;
        }
        snprintf(spec, sizeof spec, "%%s%.*s%s%c", (int)length - 1, p, strchr("dix", p[length - 1]) ? "ll" : "",
                 p[length - 1]);
        used++;
        if (p[length - 1] == 's')
            out = arena_printf(awk->arena, spec, out, value);
        else if (strchr("dix", p[length - 1]))
            out = arena_printf(awk->arena, spec, out, (long long)strtod(value, NULL));
        else
            out = arena_printf(awk->arena, spec, out, strtod(value, NULL));
        p += length - 1;
    }
    shell_print(awk->io, "%s%s", count ? out : awk->line, formatted ? "" : "\n");
}

static void statement(struct awk *awk);

static void block(struct awk *awk)
{
    for (;;) {
        blank(awk);
        if (take(awk, "}"))
            return;
        if (take(awk, ";"))
            continue;
        if (!*awk->at)
            unknown(awk);
        statement(awk);
    }
}

static void statement(struct awk *awk)
{
    bool live = awk->live;
    if (take(awk, "{")) {
        block(awk);
    } else if (take(awk, "if")) {
        if (!take(awk, "("))
            unknown(awk);
        bool yes = is_true(expression(awk));
        if (!take(awk, ")"))
            unknown(awk);
        awk->live = live && yes;
        statement(awk);
        awk->live = live;
        const char *before = awk->at;
        (void)take(awk, ";");
        if (!take(awk, "else")) {
            awk->at = before;
            return;
        }
        awk->live = live && !yes && !awk->done && !awk->next;
        statement(awk);
        awk->live = live;
    } else if (take(awk, "printf")) {
        print(awk, true);
    } else if (take(awk, "print")) {
        print(awk, false);
    } else if (take(awk, "exit")) {
        const char *value = at_end(awk) ? NULL : expression(awk);
        if (awk->live) {
            awk->status = value ? atoi(value) & 255 : awk->status;
            awk->done = true;
        }
    } else if (take(awk, "next")) {
        awk->next |= awk->live;
    } else {
        (void)expression(awk);
    }
    awk->live &= !awk->done && !awk->next;
}

enum phase { AWK_BEGIN, AWK_LINE, AWK_END };

static void run_program(struct awk *awk, const char *program, enum phase phase)
{
    awk->at = program;
    awk->next = false;
    for (blank(awk); *awk->at && !awk->next && (!awk->done || phase == AWK_END); blank(awk)) {
        enum phase when = take(awk, "BEGIN") ? AWK_BEGIN : take(awk, "END") ? AWK_END : AWK_LINE;
        bool chosen = when == phase;
        awk->live = chosen;
        blank(awk);
        if (when == AWK_LINE && *awk->at != '{')
            chosen = is_true(expression(awk)) && chosen;
        awk->live = chosen;
        if (take(awk, "{"))
            block(awk);
        else if (chosen)
            shell_print(awk->io, "%s\n", awk->line);
        (void)take(awk, ";");
    }
}

static void set_line(struct awk *awk, const char *line)
{
    char *rest = arena_copy(awk->arena, line, strlen(line)), *save = NULL;
    const char separators[2] = {awk->separator, 0};
    awk->line = awk->fields[0] = line;
    awk->field_count = 0;
    awk->number++;
    if (awk->separator) {
        for (char *token; (token = strsep(&rest, separators)) && awk->field_count < AWK_FIELDS;)
            awk->fields[++awk->field_count] = token;
        return;
    }
    for (char *token = strtok_r(rest, " \t", &save); token && awk->field_count < AWK_FIELDS;
         token = strtok_r(NULL, " \t", &save))
        awk->fields[++awk->field_count] = token;
}

int shell_awk(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct awk awk = {.shell = shell, .io = io, .arena = &shell->run->script.arena, .line = "", .fields = {""}};
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        char letter = argv[i][1];
        const char *value = argv[i][2] ? argv[i] + 2 : i + 1 < argc ? argv[++i] : "", *equals = strchr(value, '=');
        if (letter == 'F')
            awk.separator = value[0];
        else if (letter == 'v' && equals)
            assign(&awk, arena_copy(awk.arena, value, (size_t)(equals - value)), equals + 1);
        else
            run_skip(shell->run, "command: awk -%c is not known here", letter);
    }
    const char *program = i < argc ? argv[i++] : "", *text = i < argc ? shell_file(shell, argv[i]) : io->input;
    if (!text)
        run_skip(shell->run, "command: awk: no file %s", argv[i]);
    run_program(&awk, program, AWK_BEGIN);
    while (*text && !awk.done) {
        size_t length = strcspn(text, "\n");
        set_line(&awk, arena_copy(awk.arena, text, length));
        run_program(&awk, program, AWK_LINE);
        text += length + (text[length] == '\n');
    }
    run_program(&awk, program, AWK_END);
    return awk.status;
}
