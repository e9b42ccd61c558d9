/* test_code.c: the evaluator of %{ code }%. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "script/code.h"

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
    expect(CODE_OK, "\n    x = 0\n    if tcpi_snd_cwnd > 5:\n        x = 1\n        x += 1\n    elif 1 / 0:\n        x = 9\n    else:\n        x = 8\n    assert x == 2\n");
    expect(CODE_OK, "if 0: assert 0\nassert 1 # not 0\n");
    expect(CODE_OK, "if 0:\n  if 1:\n    assert 0\n  else:\n    assert 0\nelse:\n  assert 1\n");
    expect(CODE_OK, "pass");
    expect(CODE_OK, "");
}

static void test_failures(void **state)
{
    (void)state;
    expect(CODE_FAILED, "\n\nassert tcpi_snd_cwnd == 11, 'cwnd'");
    assert_int_equal(line, 2);
    assert_string_equal(message, "assert tcpi_snd_cwnd == 11: tcpi_snd_cwnd=10 (cwnd)");
    expect(CODE_ERROR, "assert unknown == 1");
    expect(CODE_ERROR, "assert 1 +");
    expect(CODE_ERROR, "assert 1 / 0");
    expect(CODE_ERROR, "x = 'a");
    expect(CODE_UNSUPPORTED, "for i in range(3): pass");
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expressions), cmocka_unit_test(test_statements), cmocka_unit_test(test_failures),
                                       cmocka_unit_test(test_variables_stay), cmocka_unit_test(test_print)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
