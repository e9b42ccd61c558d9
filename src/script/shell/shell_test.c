/* shell_test.c: test, [ and [[: POSIX.1-2017 XCU test, with bash's && || < > =~ and patterns on the right. */
#include "script/shell/shell.h"
#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct test {
    struct shell *shell;
    char **words;
    int count, at;
    bool patterns; /* [[: what stands on the right of = is one */
};

static bool test_or(struct test *test);

static const char *next(struct test *test)
{
    return test->at < test->count ? test->words[test->at] : "";
}

static bool take(struct test *test, const char *a, const char *b)
{
    bool found = test->at < test->count && (strcmp(next(test), a) == 0 || strcmp(next(test), b) == 0);
    test->at += found;
    return found;
}

static bool matches_regex(struct test *test, const char *text, const char *pattern)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        run_skip(test->shell->run, "command: bad pattern %s", pattern);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static bool is_number(const char *text)
{
    char *end;
    (void)strtoll(text, &end, 0);
    return *text && !*end;
}

static bool compare(struct test *test, const char *a, const char *op, const char *b)
{
    static const char *const numeric[] = {"-eq", "-ne", "-lt", "-le", "-gt", "-ge"};
    bool equal = test->patterns ? fnmatch(b, a, 0) == 0 : strcmp(a, b) == 0;
    if (strcmp(op, "=") == 0 || strcmp(op, "==") == 0)
        return equal;
    if (strcmp(op, "!=") == 0)
        return !equal;
    if (strcmp(op, "<") == 0 || strcmp(op, ">") == 0)
        return (strcmp(a, b) < 0) == (*op == '<') && strcmp(a, b) != 0;
    if (strcmp(op, "=~") == 0)
        return matches_regex(test, a, b);
    if (!is_number(a) || !is_number(b))
        run_fail(test->shell->run, "command: test: \"%s\" %s \"%s\" does not compare numbers", a, op, b);
    long long x = strtoll(a, NULL, 10), y = strtoll(b, NULL, 10);
    const bool results[] = {x == y, x != y, x<y, x <= y, x> y, x >= y};
    for (unsigned i = 0; i < ARRAY_COUNT(numeric); i++)
        if (strcmp(op, numeric[i]) == 0)
            return results[i];
    run_skip(test->shell->run, "command: test with %s is not known here", op);
}

static bool is_binary(const char *word)
{
    static const char *const operators[] = {"=", "==", "!=", "<", ">", "=~", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"};
    for (unsigned i = 0; i < ARRAY_COUNT(operators); i++)
        if (strcmp(word, operators[i]) == 0)
            return true;
    return false;
}

static bool file_test(struct test *test, char kind, const char *path)
{
    struct stat status;
    if (strncmp(path, "/proc/sys/", 10) == 0)
        return kind != 'd' && kind != 'x' && shell_sysctl_known(test->shell, path);
    int64_t size;
    if (shell_file_size(test->shell->run, path, &size))
        return kind == 's' ? size != 0 : strchr("efrw", kind) != NULL;
    if (shell_file_is_gone(test->shell->run, path) || stat(path, &status) < 0)
        return false;
    return kind == 'd'   ? S_ISDIR(status.st_mode)
           : kind == 'f' ? S_ISREG(status.st_mode)
           : kind == 's' ? status.st_size > 0
           : kind == 'x' ? (status.st_mode & 0111) != 0
                         : true;
}

static bool test_primary(struct test *test)
{
    if (take(test, "!", "!"))
        return !test_primary(test);
    if (take(test, "(", "(")) {
        bool result = test_or(test);
        (void)take(test, ")", ")");
        return result;
    }
    const char *a = next(test);
    if (test->at + 2 < test->count && is_binary(test->words[test->at + 1])) {
        test->at += 3;
        return compare(test, a, test->words[test->at - 2], test->words[test->at - 1]);
    }
    test->at++;
    bool unary = a[0] == '-' && a[1] && !a[2] && test->at < test->count;
    if (unary && strchr("zn", a[1]))
        return (test->words[test->at++][0] == 0) == (a[1] == 'z');
    if (unary && strchr("edfrwxsL", a[1]))
        return file_test(test, a[1], test->words[test->at++]);
    return a[0] != 0;
}

static bool test_and(struct test *test)
{
    bool result = test_primary(test);
    while (take(test, "-a", "&&"))
        result &= test_primary(test);
    return result;
}

static bool test_or(struct test *test)
{
    bool result = test_and(test);
    while (take(test, "-o", "||"))
        result |= test_and(test);
    return result;
}

int shell_test(struct shell *shell, int argc, char **argv)
{
    struct test test = {.shell = shell, .words = argv + 1, .count = argc - 1, .patterns = strcmp(argv[0], "[[") == 0};
    if (argv[0][0] == '[') {
        if (!test.count || strcmp(argv[argc - 1], test.patterns ? "]]" : "]") != 0)
            run_fail(shell->run, "command: %s without its end", argv[0]);
        test.count--;
    }
    if (!test.count)
        return 1;
    bool result = test_or(&test);
    if (test.at < test.count)
        run_skip(shell->run, "command: this test is not known here, at \"%s\"", test.words[test.at]);
    return !result;
}
