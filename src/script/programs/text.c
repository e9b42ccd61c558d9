/* text.c: programs of `commands` that turn text into text: cat's kin. Each knows the options that scripts use;
 * another makes the script skipped. See shell.h. */
#include "script/programs/programs.h"
#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* Options and the rest of a command line: "-d: -f2" in any spelling; VALUED names the letters that take a value. */
struct flags {
    char seen[32];
    const char *value[128]; /* by letter */
    int rest;               /* index of the first operand */
};

static struct flags read_flags(struct shell *shell, int argc, char **argv, const char *known, const char *valued)
{
    struct flags flags = {.rest = 1};
    size_t used = 0;
    for (;
         flags.rest < argc && argv[flags.rest][0] == '-' && argv[flags.rest][1] && strcmp(argv[flags.rest], "--") != 0;
         flags.rest++) {
        for (const char *p = argv[flags.rest] + 1; *p; p++) {
            unsigned char letter = (unsigned char)*p;
            if (!strchr(known, *p) && !strchr(valued, *p))
                run_skip(shell->run, "command: %s %s is not known here", argv[0], argv[flags.rest]);
            if (used + 1 < sizeof flags.seen)
                flags.seen[used++] = *p;
            if (strchr(valued, *p)) {
                flags.value[letter & 127] = p[1] ? p + 1 : flags.rest + 1 < argc ? argv[++flags.rest] : "";
                break;
            }
        }
    }
    flags.rest += flags.rest < argc && strcmp(argv[flags.rest], "--") == 0;
    return flags;
}

/* The operands' files one after another, or the input. */
static const char *text_of(struct shell *shell, int argc, char **argv, int first, const struct shell_io *io)
{
    const char *all = "";
    if (first >= argc)
        return io->input;
    for (; first < argc; first++) {
        const char *text = strcmp(argv[first], "-") == 0 ? io->input : shell_file(shell, argv[first]);
        if (!text)
            run_skip(shell->run, "command: %s: no file %s", argv[0], argv[first]);
        all = arena_printf(&shell->run->script.arena, "%s%s", all, text);
    }
    return all;
}

char *shell_next_line(struct shell *shell, const char **text)
{
    if (!**text)
        return NULL;
    size_t length = strcspn(*text, "\n");
    char *line = arena_copy(&shell->run->script.arena, *text, length);
    *text += length + ((*text)[length] == '\n');
    return line;
}

static void compile(struct shell *shell, regex_t *regex, const char *pattern, int options)
{
    if (regcomp(regex, pattern, options) != 0)
        run_skip(shell->run, "command: bad pattern %s", pattern);
}

/* --- grep -------------------------------------------------------------------------------------------------------------------- */
static void print_matches(regex_t *regex, const char *line, struct shell_io *io)
{
    regmatch_t match;
    for (int flags = 0; *line && regexec(regex, line, 1, &match, flags) == 0 && match.rm_eo > match.rm_so;
         flags = REG_NOTBOL) {
        shell_print(io, "%.*s\n", (int)(match.rm_eo - match.rm_so), line + match.rm_so);
        line += match.rm_eo;
    }
}

static const char *grep_pattern(struct shell *shell, const struct flags *flags, const char *pattern)
{
    struct arena *arena = &shell->run->script.arena;
    if (strchr(flags->seen, 'F')) { /* fixed: each character stands for itself */
        char *quoted = arena_alloc(arena, 2 * strlen(pattern) + 1), *out = quoted;
        for (; *pattern; pattern++) {
            if (strchr(".[]*^$\\", *pattern))
                *out++ = '\\';
            *out++ = *pattern;
        }
        pattern = quoted;
    }
    if (strchr(flags->seen, 'x'))
        return arena_printf(arena, "^%s$", pattern);
    return strchr(flags->seen, 'w') ? arena_printf(arena, "\\<%s\\>", pattern) : pattern;
}

static int do_grep(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct flags flags = read_flags(shell, argc, argv, "qcviEFPownxsah", "em");
    const char *pattern = flags.value['e'] ? flags.value['e'] : flags.rest < argc ? argv[flags.rest++] : NULL;
    bool extended = strchr(flags.seen, 'E') || strchr(flags.seen, 'P') || argv[0][0] == 'e',
         quiet = strchr(flags.seen, 'q') || strchr(flags.seen, 'c');
    if (!pattern)
        run_skip(shell->run, "command: grep without a pattern");
    regex_t regex;
    compile(shell, &regex, grep_pattern(shell, &flags, pattern),
            (extended ? REG_EXTENDED : 0) | (strchr(flags.seen, 'i') ? REG_ICASE : 0));
    const char *text = text_of(shell, argc, argv, flags.rest, io);
    unsigned count = 0, number = 0, most = flags.value['m'] ? (unsigned)atoi(flags.value['m']) : ~0u;
    for (char *line; count < most && (line = shell_next_line(shell, &text));) {
        number++;
        if ((regexec(&regex, line, 0, NULL, 0) == 0) == (strchr(flags.seen, 'v') != NULL))
            continue;
        count++;
        if (quiet)
            continue;
        if (strchr(flags.seen, 'o'))
            print_matches(&regex, line, io);
        else if (strchr(flags.seen, 'n'))
            shell_print(io, "%u:%s\n", number, line);
        else
            shell_print(io, "%s\n", line);
    }
    regfree(&regex);
    if (strchr(flags.seen, 'c'))
        shell_print(io, "%u\n", count);
    return count == 0;
}

/* --- lines ------------------------------------------------------------------------------------------------------------------- */
static int do_head(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    bool tail = argv[0][0] == 't';
    char *second =
        argc > 1 && argv[1][0] == '-' && isdigit((unsigned char)argv[1][1]) ? argv[1] + 1 : NULL; /* head -1 */
    struct flags flags = {.rest = 2};
    if (!second)
        flags = read_flags(shell, argc, argv, "q", "n");
    const char *size = second             ? second
                       : flags.value['n'] ? flags.value['n']
                                          : "10",
               *text = text_of(shell, argc, argv, flags.rest, io);
    long count = atol(size), total = 0, i = 0;
    for (const char *p = text; shell_next_line(shell, &p);)
        total++;
    long from = tail ? (size[0] == '+' ? count - 1 : total - count) : 0, to = tail        ? total
                                                                              : count < 0 ? total + count
                                                                                          : count;
    for (char *line; (line = shell_next_line(shell, &text)); i++)
        if (i >= from && i < to)
            shell_print(io, "%s\n", line);
    return 0;
}

static int do_wc(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct flags flags = read_flags(shell, argc, argv, "lwcm", "");
    const char *text = text_of(shell, argc, argv, flags.rest, io);
    unsigned long lines = 0, words = 0, bytes = strlen(text);
    for (const char *p = text; *p; p++) {
        lines += *p == '\n';
        words += !isspace((unsigned char)*p) && (p == text || isspace((unsigned char)p[-1]));
    }
    if (!flags.seen[0])
        shell_print(io, "%7lu %7lu %7lu\n", lines, words, bytes);
    else
        shell_print(io, "%lu\n", flags.seen[0] == 'l' ? lines : flags.seen[0] == 'w' ? words : bytes);
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_number(const void *a, const void *b)
{
    double x = strtod(*(char *const *)a, NULL), y = strtod(*(char *const *)b, NULL);
    return x < y ? -1 : x > y ? 1 : by_text(a, b);
}

static int do_sort(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    bool is_uniq = argv[0][0] == 'u';
    struct flags flags = read_flags(shell, argc, argv, is_uniq ? "c" : "nru", "");
    const char *text = text_of(shell, argc, argv, flags.rest, io);
    size_t count = 0, capacity = 1;
    for (const char *p = text; *p; p++)
        capacity += *p == '\n';
    char **lines = arena_alloc(&shell->run->script.arena, (capacity + 1) * sizeof *lines);
    for (char *line; (line = shell_next_line(shell, &text));)
        lines[count++] = line;
    if (!is_uniq)
        qsort(lines, count, sizeof *lines, strchr(flags.seen, 'n') ? by_number : by_text);
    bool unique = is_uniq || strchr(flags.seen, 'u'), back = strchr(flags.seen, 'r');
    for (size_t i = 0; i < count; i++) {
        size_t at = back ? count - 1 - i : i, same = 1;
        while (strchr(flags.seen, 'c') && i + same < count && strcmp(lines[i], lines[i + same]) == 0)
            same++;
        if (strchr(flags.seen, 'c')) {
            shell_print(io, "%7zu %s\n", same, lines[i]);
            i += same - 1;
            continue;
        }
        if (!unique || i == 0 || strcmp(lines[at], lines[back ? at + 1 : at - 1]) != 0)
            shell_print(io, "%s\n", lines[at]);
    }
    return 0;
}

/* --- within lines ------------------------------------------------------------------------------------------------- */
static bool in_list(const char *list, long number)
{
    for (const char *p = list; *p;) {
        char *end;
        long from = *p == '-' ? 1 : strtol(p, &end, 10), to = from;
        if (*p == '-')
            end = (char *)p;
        if (*end == '-')
            to = isdigit((unsigned char)end[1]) ? strtol(end + 1, &end, 10) : (end++, 1000000);
        if (number >= from && number <= to)
            return true;
        p = end + (*end == ',');
        if (p == end && *end)
            return false;
    }
    return false;
}

static void cut_fields(const char *line, const char *list, char delimiter, struct shell_io *io)
{
    long number = 1;
    bool any = false;
    for (const char *p = line;; number++) {
        const char *end = strchr(p, delimiter);
        size_t length = end ? (size_t)(end - p) : strlen(p);
        if (in_list(list, number)) {
            shell_print(io, "%.*s%.*s", any, (char[]){delimiter, 0}, (int)length, p);
            any = true;
        }
        if (!end)
            break;
        p = end + 1;
    }
    shell_print(io, "\n");
}

static int do_cut(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct flags flags = read_flags(shell, argc, argv, "s", "dfcb");
    const char *text = text_of(shell, argc, argv, flags.rest, io), *list = flags.value['f'],
               *places = flags.value['c'] ? flags.value['c'] : flags.value['b'];
    char delimiter = flags.value['d'] ? flags.value['d'][0] : '\t';
    if (!list && !places)
        run_skip(shell->run, "command: cut without -f or -c");
    for (char *line; (line = shell_next_line(shell, &text));) {
        if (list && !strchr(line, delimiter)) {
            shell_print(io, "%s\n", line);
        } else if (list) {
            cut_fields(line, list, delimiter, io);
        } else {
            for (long i = 0; line[i]; i++)
                if (in_list(places, i + 1))
                    shell_print(io, "%c", line[i]);
            shell_print(io, "\n");
        }
    }
    return 0;
}

/* A set of tr: "a-z", "\n", "[:digit:]" and the like; at most 256 characters. */
static size_t tr_set(const char *text, char set[256])
{
    size_t n = 0;
    static const struct {
        const char *name;
        int (*is)(int);
    } classes[] = {{"[:digit:]", isdigit},
                   {"[:space:]", isspace},
                   {"[:alpha:]", isalpha},
                   {"[:upper:]", isupper},
                   {"[:lower:]", islower}};
    for (unsigned i = 0; i < ARRAY_COUNT(classes); i++) {
        if (strcmp(text, classes[i].name) != 0)
            continue;
        for (int c = 1; c < 128; c++)
            if (classes[i].is(c))
                set[n++] = (char)c;
        return n;
    }
    for (; *text && n < 256; text++) {
        char c = *text;
        if (c == '\\' && text[1])
            c = *++text == 'n' ? '\n' : *text == 't' ? '\t' : *text == 'r' ? '\r' : *text;
        set[n++] = c;
        if (text[1] == '-' && text[2]) {
            for (char to = text[2]; c < to && n < 256;)
                set[n++] = ++c;
            text += 2;
        }
    }
    return n;
}

static int do_tr(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct flags flags = read_flags(shell, argc, argv, "dsc", "");
    char from[256], to[256] = "", last = 0;
    size_t n = flags.rest < argc ? tr_set(argv[flags.rest], from) : 0,
           m = flags.rest + 1 < argc ? tr_set(argv[flags.rest + 1], to) : 0;
    bool deletes = strchr(flags.seen, 'd'), squeezes = strchr(flags.seen, 's'), others = strchr(flags.seen, 'c');
    for (const char *p = io->input; *p; p++) {
        const char *found = memchr(from, *p, n);
        bool is_in = (found != NULL) != others;
        char c = !is_in || !m ? *p : to[found && (size_t)(found - from) < m ? (size_t)(found - from) : m - 1];
        if (is_in && (deletes || (squeezes && c == last)))
            continue;
        shell_print(io, "%c", c);
        last = is_in ? c : 0;
    }
    return 0;
}

/* s/a/b/g and /a/d, -n with p: sed's most used. */
struct edit {
    char kind; /* s, d, p */
    const char *with;
    bool all;
    regex_t regex;
};

static void read_edit(struct shell *shell, struct edit *edit, const char *program, bool extended)
{
    char parts[2][256] = {"", ""};
    *edit = (struct edit){.kind = *program == 's' ? 's' : 0};
    const char *p = program + (*program == 's'), delimiter = *p ? *p++ : '/';
    int count = edit->kind ? 2 : 1;
    for (int i = 0; i < count; i++) {
        size_t n = 0;
        for (; *p && *p != delimiter && n + 2 < sizeof parts[i]; p++) {
            if (*p == '\\' && p[1] == delimiter)
                p++;
            else if (*p == '\\' && p[1])
                parts[i][n++] = *p++;
            parts[i][n++] = *p;
        }
        p += *p == delimiter;
    }
    if (!edit->kind)
        edit->kind = *p++;
    edit->all = *p == 'g';
    p += edit->all;
    if (*p || !strchr("sdp", edit->kind))
        run_skip(shell->run, "command: sed '%s' is not known here", program);
    edit->with = arena_copy(&shell->run->script.arena, parts[1], strlen(parts[1]));
    compile(shell, &edit->regex, parts[0], extended ? REG_EXTENDED : 0);
}

static const char *substitute(struct shell *shell, struct edit *edit, const char *line)
{
    struct shell_io out = shell_buffer(shell, "");
    regmatch_t match[10];
    for (int flags = 0; regexec(&edit->regex, line, 10, match, flags) == 0; flags = REG_NOTBOL) {
        shell_print(&out, "%.*s", (int)match[0].rm_so, line);
        for (const char *p = edit->with; *p; p++) {
            int group = *p == '&' ? 0 : p[0] == '\\' && isdigit((unsigned char)p[1]) ? *++p - '0' : -1;
            if (group >= 0 && match[group].rm_so >= 0)
                shell_print(&out, "%.*s", (int)(match[group].rm_eo - match[group].rm_so), line + match[group].rm_so);
            else if (group < 0)
                shell_print(&out, "%c", *p == '\\' && p[1] ? *++p : *p);
        }
        line += match[0].rm_eo;
        if (!edit->all || match[0].rm_eo == match[0].rm_so)
            break;
    }
    shell_print(&out, "%s", line);
    return out.output;
}

static int do_sed(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct flags flags = read_flags(shell, argc, argv, "nEr", "e");
    const char *program = flags.value['e'] ? flags.value['e'] : flags.rest < argc ? argv[flags.rest++] : "";
    bool quiet = strchr(flags.seen, 'n') != NULL;
    struct edit edit;
    read_edit(shell, &edit, program, strchr(flags.seen, 'E') || strchr(flags.seen, 'r'));
    const char *text = text_of(shell, argc, argv, flags.rest, io);
    for (const char *line; (line = shell_next_line(shell, &text));) {
        bool found = regexec(&edit.regex, line, 0, NULL, 0) == 0;
        if (edit.kind == 's')
            line = substitute(shell, &edit, line);
        if (edit.kind == 'd' ? !found : !quiet || (edit.kind == 'p' && found))
            shell_print(io, "%s\n", line);
    }
    regfree(&edit.regex);
    return 0;
}

bool shell_text(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status)
{
    static const struct shell_program filters[] = {
        {"grep", do_grep}, {"egrep", do_grep}, {"fgrep", do_grep}, {"head", do_head}, {"tail", do_head},
        {"wc", do_wc}, {"sort", do_sort}, {"uniq", do_sort}, {"cut", do_cut}, {"tr", do_tr}, {"sed", do_sed},
        {"awk", shell_awk}, {"gawk", shell_awk}, {"mawk", shell_awk},
    };
    return shell_find(filters, ARRAY_COUNT(filters), shell, argc, argv, io, status);
}
