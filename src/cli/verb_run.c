/* verb_run.c: `lilliput run LAB.yaml`: boots a lab file's internet and runs its programs in virtual time. `lilliput run
 * [...] -- PROGRAM` is run_program.c's. docs/LABS.md describes lab files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/lab.h"
#include "run/real_clock.h"

static const char help[] =
    "usage: lilliput run LAB.yaml [OPTIONS]\n"
    "       lilliput run [OPTIONS] -- PROGRAM [ARGUMENTS]      (below)\n"
    "\n"
    "Boots the hosts, routers and links of a lab file in one process and runs their programs in virtual time;\n"
    "prints what each program saw and when. docs/LABS.md describes lab files, labs/ has some.\n"
    "\n"
    "  --show WHAT      draw the time line: packets,states,queues,calls,timers,tcp or all\n"
    "  --hosts A,B      its columns (all hosts that fit)\n"
    "  --width N        its width in characters (the terminal's, or 140)\n"
    "  --ascii          without line-drawing characters      --color, --no-color\n"
    "  --capture FILE   write every packet of every NIC as pcapng; dropped ones carry the reason\n"
    "  --seed N         another history of the same lab\n"
    "  --until T        stop at this virtual time (10s, 2min)\n"
    "  --json           print the result as one JSON object\n"
    "\n"
    "exit status: 0 all programs ended as the lab expects, 1 one did not, 2 the lab or the usage is wrong\n";

static int wrong(const char *what, const char *word) { return cli_wrong("run", what, word, "`lilliput run --help` tells how"); }

static int take_option(struct lab_options *options, int option)
{
    const char *why = "", *bad;
    uint64_t number;

    switch (option) {
    case 's':
        if (show_parse(optarg, &options->show.what, &bad) < 0)
            return wrong("--show %s: packets, states, queues, calls, timers, tcp or all are wanted", optarg);
        break;
    case 'H': options->show.hosts = optarg; break;
    case 'c': options->capture = optarg; break;
    case 'w':
        if (topology_number(optarg, 239, &number, &why) < 0)
            return wrong("--width %s: a number up to 239 is wanted", optarg);
        options->show.width = (unsigned)number;
        break;
    case 'S':
        if (topology_number(optarg, UINT64_MAX, &options->seed, &why) < 0)
            return wrong("--seed %s: a whole number is wanted", optarg);
        options->has_seed = true;
        break;
    case 'u':
        if (topology_time(optarg, &options->until_ns, &why) < 0 || !options->until_ns)
            return wrong("--until %s: a time with a unit is wanted (10s)", optarg);
        break;
    case 'j': options->json = true; break;
    case 'a': options->show.ascii = true; break;
    case 'C': options->show.color = true; break;
    case 'n': options->show.color = false; break;
    default: return CLI_USAGE;
    }
    return CLI_OK;
}

/* Options may stand before and behind the lab file. */
static int parse_options(struct lab_options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"show", required_argument, NULL, 's'}, {"hosts", required_argument, NULL, 'H'},
        {"capture", required_argument, NULL, 'c'}, {"width", required_argument, NULL, 'w'},
        {"seed", required_argument, NULL, 'S'}, {"until", required_argument, NULL, 'u'},
        {"json", no_argument, NULL, 'j'}, {"ascii", no_argument, NULL, 'a'}, {"color", no_argument, NULL, 'C'},
        {"no-color", no_argument, NULL, 'n'}, {0}};
    const char *columns = getenv("COLUMNS");
    int option, rc = CLI_OK;

    options->show = (struct show_config){
        .out = stdout, .width = columns && atoi(columns) >= 60 ? (unsigned)atoi(columns) : 140, .color = isatty(STDOUT_FILENO)};
    optind = 1;
    while (rc == CLI_OK) {
        option = cli_getopt("run", argc, argv, known);
        if (option != -1)
            rc = take_option(options, option);
        else if (optind == argc)
            return options->file ? CLI_OK : wrong("%s is wanted", "a lab file, or -- and a program,");
        else if (options->file)
            rc = wrong("one lab file at a time, not also %s (a program goes behind `--`)", argv[optind]);
        else
            options->file = argv[optind++];
    }
    return rc;
}

/* `time: real`: no event before its time. The history is the same: one seed, one order. */
static void run_in_real_time(struct lil_world *world, uint64_t until_ns)
{
    uint64_t start_ns = clock_monotonic_ns();
    for (uint64_t next_ns; (next_ns = lil_world_next(world)) != LIL_NEVER && next_ns <= until_ns;) {
        clock_sleep_until(start_ns + next_ns);
        lil_world_step(world, next_ns);
        fflush(stdout);
    }
}

static int run_builtin(struct lab *lab)
{
    int status = lab_build(lab);
    if (status != CLI_OK)
        return status;
    if (lab->topology->real_time)
        run_in_real_time(lab->world, lab_until(lab));
    lil_world_run(lab->world, lab_until(lab));
    return lab_judge(lab);
}

static int print_help(void)
{
    char *words[] = {(char *)"run", (char *)"--help", NULL};
    fputs(help, stdout);
    fputs("\n", stdout);
    return run_program_main(2, words);
}

/* An option that labs have not: the `--` was forgotten. */
static bool is_programs_option(const char *word)
{
    static const char *const names[] = {"--time", "--exact", "--lab", "--on", "--profile", "--case", "--verbose", "--stats"};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        if (strlen(names[i]) == strcspn(word, "=") && !strncmp(word, names[i], strlen(names[i])))
            return true;
    return false;
}

int run_main(int argc, char **argv)
{
    struct lab_options options = {.seed = 1};
    struct lab lab;
    int status;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return print_help();
        if (strcmp(argv[i], "--") == 0 || is_programs_option(argv[i]))
            return run_program_main(argc, argv);
    }
    status = parse_options(&options, argc, argv);
    if (status == CLI_OK)
        status = lab_open(&lab, &options);
    if (status != CLI_OK)
        return status;
    bool real = lab_has_real(&lab);
    if (!real)
        status = run_builtin(&lab);
    lab_close(&lab);
    return real ? run_lab_programs(&options) : status; /* the supervisor opens it in a process of its own */
}
