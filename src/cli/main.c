/* main.c: `lilliput VERB ...`: the table of verbs. Each verb is one file beside this one. */
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"

static const struct cli_verb verbs[] = {
    {"gauntlet", "run a program through every way a connection can fail", gauntlet_main},
    {"run", "run a lab file, or a program on a virtual host", run_main},
    {"book", "the book's table: one connect() to each kind of target", book_main},
    {"script", "run packetdrill scripts in virtual time", script_main},
    {"profile", "list, show and compare the stacks that a host can be", profile_main},
    {"bench", "measure this build", bench_main},
    {"doctor", "what this kernel or container allows", doctor_main},
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

static void usage(FILE *out)
{
    fprintf(out, "usage: lilliput VERB [ARGUMENTS]    (lilliput help VERB says more)\n\n");
    for (int i = 0; i < VERBS; i++)
        fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    fprintf(out, "\n  --version  print the version\n");
}

static int run_verb(int argc, char **argv)
{
    const char *words[VERBS + 1] = {0};
    for (int i = 0; i < VERBS; i++) {
        if (!strcmp(argv[0], verbs[i].name))
            return verbs[i].main(argc, argv);
        words[i] = verbs[i].name;
    }
    char hint[NEAREST_HINT];
    nearest_hint(nearest_word(argv[0], words), hint);
    fprintf(stderr, "lilliput: unknown verb \"%s\"%s; `lilliput help` lists them\n", argv[0], hint);
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    char help[] = "--help";
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    bool asks = !strcmp(argv[1], help) || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help");
    if (asks && argc > 2)
        return run_verb(2, (char *[]){argv[2], help, NULL});
    if (asks) {
        usage(stdout);
        return CLI_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("lilliput " LILLIPUT_VERSION);
        return CLI_OK;
    }
    return run_verb(argc - 1, argv + 1);
}
