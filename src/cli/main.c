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
    fprintf(out, "usage: lilliput VERB [ARGUMENTS]    (lilliput VERB --help says more)\n\n");
    for (int i = 0; i < VERBS; i++)
        fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    fprintf(out, "\n  --version  print the version\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return CLI_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("lilliput %s\n", "0.1.0");
        return CLI_OK;
    }
    const char *words[VERBS + 1] = {0};
    for (int i = 0; i < VERBS; i++) {
        if (!strcmp(argv[1], verbs[i].name))
            return verbs[i].main(argc - 1, argv + 1);
        words[i] = verbs[i].name;
    }
    const char *near = nearest_word(argv[1], words);
    fprintf(stderr, "lilliput: unknown verb \"%s\"%s%s%s; `lilliput --help` lists them\n", argv[1],
            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return CLI_USAGE;
}
