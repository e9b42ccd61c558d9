/* lines.c: programs of `commands` that go through their input line by line (read, xargs, paste, tac, rev, bc, mktemp), and Python by the
 * evaluator of %{ code }%. See shell.h. */
#include <stdlib.h>
#include <string.h>
#include "script/programs/programs.h"

/* read [-r] a b: the last name takes the rest. What is taken is gone for who reads next. */
static int do_read(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int first = 1;
    while (first < argc && argv[first][0] == '-') {
        if (strcmp(argv[first], "-r") != 0)
            run_skip(shell->run, "command: read %s is not known here", argv[first]);
        first++;
    }
    char *line = shell_next_line(shell, &io->input), *rest = line;
    for (int i = first; i < argc || i == first; i++) {
        const char *name = i < argc ? argv[i] : "REPLY", *value = "";
        if (rest) {
            rest += strspn(rest, " \t");
            size_t length = i + 1 < argc ? strcspn(rest, " \t") : strlen(rest);
            while (i + 1 >= argc && length && strchr(" \t", rest[length - 1]))
                length--;
            value = arena_copy(&shell->run->script.arena, rest, length);
            rest += length;
        }
        shell_set(shell, name, strlen(name), value);
    }
    return line == NULL;
}

/* TEXT with WORD for each PLACE; what WORD itself says is not looked at again. */
static char *put_for(struct arena *arena, char *text, const char *place, const char *word)
{
    char *found = *place ? strstr(text, place) : NULL;

    while (found) {
        size_t before = (size_t)(found - text);
        text = arena_printf(arena, "%.*s%s%s", (int)before, text, word, found + strlen(place));
        found = strstr(text + before + strlen(word), place);
    }
    return text;
}

/* xargs [-n N] [-I {}] COMMAND */
static int do_xargs(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct arena *arena = &shell->run->script.arena;
    const char *place = NULL, *text = io->input;
    int first = 1, most = SHELL_WORDS, status = 0;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (argv[first][1] == 'n')
            most = atoi(argv[first][2] ? argv[first] + 2 : first + 1 < argc ? argv[++first] : "1");
        else if (argv[first][1] == 'I')
            place = argv[first][2] ? argv[first] + 2 : first + 1 < argc ? argv[++first] : "{}";
        else if (strcmp(argv[first], "-r") != 0)
            run_skip(shell->run, "command: xargs %s is not known here", argv[first]);
    }
    for (bool more = true, any = false; more; any = true) {
        struct shell_argv words = {0};
        int taken = 0;
        for (int i = first; i < argc; i++)
            words.argv[words.argc++] = argv[i];
        if (first >= argc)
            words.argv[words.argc++] = (char *)"echo";
        while (taken < most && words.argc < SHELL_WORDS) {
            text += strspn(text, place ? "\n" : " \t\n");
            size_t length = strcspn(text, place ? "\n" : " \t\n");
            if (!length)
                break;
            char *word = arena_copy(arena, text, length);
            text += length;
            taken++;
            if (place) {
                for (int i = 0; i < words.argc; i++)
                    words.argv[i] = put_for(arena, words.argv[i], place, word);
                break;
            }
            words.argv[words.argc++] = word;
        }
        more = text[strspn(text, " \t\n")] != 0;
        if (taken || (!any && !place))
            status |= shell_program(shell, words.argc, words.argv, io);
    }
    return status;
}

/* paste -s -d+ */
static int do_paste(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *text = io->input, *between = "\t";
    bool serial = false, any = false;
    for (int i = 1; i < argc; i++) {
        const char *d = strchr(argv[i], 'd');
        serial |= strchr(argv[i], 's') != NULL;
        if (argv[i][0] == '-' && d)
            between = d[1] ? d + 1 : i + 1 < argc ? argv[++i] : "";
    }
    if (!serial)
        run_skip(shell->run, "command: paste without -s is not known here");
    for (char *line; (line = shell_next_line(shell, &text)); any = true)
        shell_print(io, "%s%s", any ? between : "", line);
    shell_print(io, "\n");
    return 0;
}

static int do_turn(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *text = io->input, *all = "";
    if (argc > 1)
        run_skip(shell->run, "command: %s %s is not known here", argv[0], argv[1]);
    for (char *line; (line = shell_next_line(shell, &text));) {
        size_t length = strlen(line);
        for (size_t i = 0; argv[0][0] == 'r' && i < length / 2; i++) {
            char c = line[i];
            line[i] = line[length - 1 - i];
            line[length - 1 - i] = c;
        }
        all = argv[0][0] == 'r' ? arena_printf(&shell->run->script.arena, "%s%s\n", all, line)
                                : arena_printf(&shell->run->script.arena, "%s\n%s", line, all);
    }
    shell_print(io, "%s", all);
    return 0;
}

/* bc: sums of whole numbers, one a line. */
static int do_bc(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *text = io->input;
    (void)argc, (void)argv;
    for (char *line; (line = shell_next_line(shell, &text));) {
        if (strpbrk(line, ".=^abcdefghijklmnopqrstuvwxyz"))
            run_skip(shell->run, "command: bc: %s is not known here", line);
        if (line[strspn(line, " \t")])
            shell_print(io, "%lld\n", (long long)shell_arithmetic(shell, line));
    }
    return 0;
}

static int do_mktemp(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)argc, (void)argv;
    shell_print(io, "/tmp/script.%u\n", ++shell->run->next_temporary);
    return 0;
}

/* python3 -c 'code', or code as the input, or a file beside the script. */
static int do_python(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    struct run *run = shell->run;
    const char *text = io->input;
    char message[300], *printed = NULL;
    size_t size = 0;
    int line;
    if (argc > 2 && strcmp(argv[1], "-c") == 0)
        text = argv[2];
    else if (argc > 1 && strcmp(argv[1], "-") != 0 && !(text = shell_file(shell, argv[1])))
        run_skip(run, "command: no file %s", argv[1]);
    FILE *output = open_memstream(&printed, &size);
    if (!output)
        run_fail(run, "out of memory");
    struct code code = {.arena = &run->script.arena, .output = output};
    enum code_result result = code_run(&code, text, message, sizeof message, &line);
    fclose(output);
    const char *own = arena_copy(&run->script.arena, printed, size);
    free(printed);
    if (result == CODE_UNSUPPORTED)
        run_skip(run, "command: %s: %s", argv[0], message);
    shell_print(io, "%s", own);
    return result == CODE_OK ? code.exit_status : 1;
}

bool shell_lines(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status)
{
    static const struct shell_program programs[] = {
        {"read", do_read}, {"xargs", do_xargs}, {"paste", do_paste}, {"tac", do_turn}, {"rev", do_turn},
        {"bc", do_bc}, {"mktemp", do_mktemp}, {"python", do_python}, {"python2", do_python}, {"python3", do_python},
    };
    return shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, status);
}
