/* test_code.c: the evaluator of %{ code }%. */
#include "unit/check.h"
#include <stdlib.h>
#include <string.h>
#include "script/code/code.h"

static struct arena arena;
static char message[300];
static int line;

static bool lookup(void *ctx, const char *name, struct value *value)
{
    (void)ctx;
    *value = (struct value){.kind = VALUE_INTEGER, .integer = strcmp(name, "tcpi_snd_cwnd") == 0 ? 10 : 20000};
    return strncmp(name, "tcpi_", 5) == 0;
}

static enum code_result run_with(FILE *output, const char *text)
{
    struct code code = {.arena = &arena, .lookup = lookup, .output = output};
    return code_run(&code, text, message, sizeof message, &line);
}

static void expect(enum code_result want, const char *text)
{
    enum code_result got = run_with(NULL, text);
    if (got != want)
        fail_msg("%s\n-> %d (%s), not %d", text, got, message, want);
}

static void test_expressions(void **state)
{
    (void)state;
    static const char *const right[] = {
        "assert 1 + 2 * 3 == 7", "assert (1 + 2) * 3 == 9", "assert 7 // 2 == 3 and -7 // 2 == -4 and -7 % 3 == 2", "assert 7 / 2 == 3.5",
        "assert 2 ** 10 == 1024", "assert 0x10 == 16", "assert 1 < 2 <= 2 < 3", "assert not 1 > 2", "assert 1 == 1.0",
        "assert abs(-3) == 3 and abs(2.5 - 5) == 2.5", "assert min(3, 1, 2) == 1 and max([4, 9]) == 9", "assert 3 in (1, 2, 3)",
        "assert 4 not in [1, 2]", "assert (1 if 0 else 2) == 2", "assert 'a' + \"b\" == 'ab'", "assert '%d/%s' % (4, 'x') == '4/x'",
        "assert (1, 2, 3)[1] == 2", "assert 6 & 3 == 2", "assert (6 | 1) ^ 2 == 5", "assert 1 << 4 == 16 and ~0 == -1",
        "assert int(3.9) == 3 and round(2.6) == 3", "assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd", "assert True and not False or 0",
        "assert 0 or 5", "assert (1 +\n  2) == 3", "assert 1 and \\\n 2", "assert len('abc') == 3", "assert abs(tcpi_rtt - 21000) < 2000",
        "assert 1e3 == 1000 and 1.5e-1 == 0.15", "assert None is None"};
    for (unsigned i = 0; i < sizeof right / sizeof right[0]; i++)
        expect(CODE_OK, right[i]);
}

static void test_statements(void **state)
{
    (void)state;
    expect(CODE_OK, " assert tcpi_snd_cwnd == 10 ");
    expect(CODE_OK, "\nimport os\nx = 4\nx += 2; y = x * 2\nassert y == 12, 'y'\n");
    expect(CODE_OK, "\n    x = 0\n    if tcpi_snd_cwnd > 5:\n        x = 1\n        x += 1\n    elif 1 / 0:\n        x "
                    "= 9\n    else:\n        x = 8\n    assert x == 2\n");
    expect(CODE_OK, "if 0: assert 0\nassert 1 # not 0\n");
    expect(CODE_OK, "if 0:\n  if 1:\n    assert 0\n  else:\n    assert 0\nelse:\n  assert 1\n");
    expect(CODE_OK, "pass");
    expect(CODE_OK, "");
}

static void test_loops_and_functions(void **state)
{
    (void)state;
    expect(CODE_OK, "\nn = 0\nfor i in range(2, 10, 3):\n  n += i\nassert n == 15\nfor a, b in zip([1, 2], (3, 4)): n "
                    "+= a * b\nassert n == 26\n");
    expect(CODE_OK, "\nn = 0\nwhile True:\n  n += 1\n  if n < 5:\n    continue\n  break\nassert n == 5\nfor x in []:\n  assert 0\n");
    expect(CODE_OK, "\ndef f(a, b=2):\n  \"\"\"two\n  lines\"\"\"\n  for i in range(9):\n    if i == a:\n      return "
                    "i * b\n  return -1\n\nassert f(3) == 6 and f(4, b=1) == 4 and f(10) == -1\n");
    expect(CODE_OK, "\ntotal = 1\ndef add(n):\n  global total\n  own = n\n  total += own\nadd(4)\nassert total == "
                    "5\ndef fact(n): return 1 if n < 2 else n * fact(n - 1)\nassert fact(5) == 120\n");
    expect(
        CODE_OK,
        "a = b = 3; a, b = b, a + 1\nassert (a, b) == (3, 4)\nl = [x * x for x in range(6) if x % 2]\nassert l == [1, "
        "9, 25] and sum(x for x in l) == 35\nl.append(1)\nassert l[-1] == 1 and l[1:3] == [9, 25] and len(l) == 4\n");
    expect(CODE_OK, "assert all([1, 2]) and not any([0]) and sorted([3, 1, 2])[0] == 1 and 'b' in 'abc' and "
                    "'a,b'.split(',') == ['a', 'b']\n");
    expect(CODE_FAILED, "raise AssertionError('no')");
    assert_string_equal(message, "raise AssertionError: no");
    expect(CODE_FAILED, "\ndef f():\n  assert 0\n\nf()\n");
    assert_int_equal(line, 2); /* where it failed, in the function */
    expect(CODE_ERROR, "a, b = 1, 2, 3");
    expect(CODE_ERROR, "def f(a): pass\nf()\n");
    expect(CODE_UNSUPPORTED, "while 1: pass");
}

static void test_formats(void **state)
{
    (void)state;
    static const char *const right[] = {
        "x = 1234567; assert f'{x:,} {x/1000:.1f} {x:>9d}|{x:<9}' == '1,234,567 1234.6   1234567|1234567  '",
        "x = 1234567; assert f'{x:09d}|{x:x}|{x!r}' == '001234567|12d687|1234567'",
        "assert '{} {1} {a}'.format(1, 2, a='z') == '1 2 z'",
        "assert '{:5.2f}|{:#x}|{:^5}|{{}}'.format(3.14159, 255, 'ab') == ' 3.14|0xff| ab  |{}'",
        "assert '%5s|%-5s|%05d|%+d|%.2f|%%|%x' % ('a', 'b', 42, 7, 1.005, 255) == '    a|b    |00042|+7|1.00|%|ff'",
        "x = 3; assert f\"{x=}\" == 'x=3' and 'a\\tb'[1] == '\\t' and r'\\n'[0] == '\\\\'",
        "assert 0b101 == 5 and 0o17 == 15 and 1_000 == 1000"};
    for (unsigned i = 0; i < sizeof right / sizeof right[0]; i++)
        expect(CODE_OK, right[i]);
}

static void test_failures(void **state)
{
    (void)state;
    expect(CODE_FAILED, "\n\nassert tcpi_snd_cwnd == 11, 'cwnd'");
    assert_int_equal(line, 2);
    assert_string_equal(message, "assertion failed: tcpi_snd_cwnd == 11: tcpi_snd_cwnd=10 (cwnd)");
    expect(CODE_ERROR, "assert unknown == 1");
    expect(CODE_ERROR, "assert 1 +");
    expect(CODE_ERROR, "assert 1 / 0");
    expect(CODE_ERROR, "x = 'a");
    expect(CODE_UNSUPPORTED, "class A: pass");
    expect(CODE_UNSUPPORTED, "x = foo(1)");
}

static void test_variables_stay(void **state)
{
    (void)state;
    struct code code = {.arena = &arena};
    assert_int_equal(code_run(&code, "x = 3", message, sizeof message, &line), CODE_OK);
    assert_int_equal(code_run(&code, "assert x == 3", message, sizeof message, &line), CODE_OK);
}

static void test_print(void **state)
{
    (void)state;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(run_with(out, "print(tcpi_snd_cwnd)\nprint('cwnd', 1.5)\nprint \"old\"\nprint('%5.1f|%x' % (2.25, 255))"), CODE_OK);
    fclose(out);
    assert_string_equal(text, "10\ncwnd 1.5\nold\n  2.2|ff\n");
    free(text);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expressions), cmocka_unit_test(test_statements),
                                       cmocka_unit_test(test_failures),    cmocka_unit_test(test_loops_and_functions),
                                       cmocka_unit_test(test_formats),     cmocka_unit_test(test_variables_stay),
                                       cmocka_unit_test(test_print)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
