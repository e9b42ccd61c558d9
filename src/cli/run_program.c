/* run_program.c: lilliput run [OPTIONS] -- PROGRAM ARGS: one unmodified program on a virtual host, of the zoo or of a lab
 * file. verb_run.c hands over here when its arguments hold `--`. See docs/LAUNCHER.md and src/launch/launch.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/lab.h"
#include "gauntlet/cases.h"
#include "gauntlet/zoo.h"
#include "launch/task.h"

struct run_options {
    const char *lab, *on, *profile, *test_case, *capture;
    bool virtual_time, exact, verbose, stats, has_seed;
    uint64_t seed, date_ns;
    char **program;
};

static void usage(void)
{
    FILE *out = stdout;

    fprintf(out,
            "usage: lilliput run [OPTIONS] -- PROGRAM [ARGUMENTS]\n"
            "  Runs PROGRAM, unmodified, on a virtual host, and exits with its status.\n\n"
            "  --lab LAB.yaml   the network, with its own programs running beside; without it the zoo, a built-in internet:\n");
    for (int i = 0; zoo_names[i][0]; i++)
        fprintf(out, "                     %-17s %s\n", zoo_names[i][0], zoo_names[i][1]);
    fprintf(out, "  --on HOST        the host (default: client, or the lab's first host)\n"
                 "  --time virtual   the clock jumps when every thread sleeps; implies --exact (default: real)\n"
                 "  --exact          every socket call is served by the virtual stack: exact errors, slower\n"
                 "  --profile P      the host's TCP/IP stack (default linux; `lilliput profile list`)\n"
                 "  --case NAME      the network of that gauntlet case (`lilliput gauntlet --list`)\n"
                 "  --seed N         all randomness of the network (default 1); given with --time virtual, the program's too\n"
                 "  --date WHEN      with --time virtual: its clock begins there (2026-11-30, 2026-11-30T12:00:00, @SECONDS; UTC)\n"
                 "  --capture FILE   write what the network carried, as pcapng\n"
                 "  --verbose        also log the refusals that most programs expect; --stats: figures at the end\n");
}

static int parse(int argc, char **argv, struct run_options *o)
{
    static const struct option options[] = {
        {"lab", required_argument, NULL, 'l'}, {"on", required_argument, NULL, 'o'},
        {"time", required_argument, NULL, 't'}, {"exact", no_argument, NULL, 'x'},
        {"profile", required_argument, NULL, 'p'}, {"case", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'}, {"date", required_argument, NULL, 'd'}, {"capture", required_argument, NULL, 'w'},
        {"verbose", no_argument, NULL, 'v'}, {"stats", no_argument, NULL, 'S'}, {"help", no_argument, NULL, 'h'}, {0}};
    int option, rc = CLI_OK;

    optind = 1;
    while (rc == CLI_OK && (option = cli_getopt("run", argc, argv, options)) != -1)
        switch (option) {
        case 'l': o->lab = optarg; break;
        case 'o': o->on = optarg; break;
        case 'p':
            o->profile = optarg;
            rc = cli_profile("run", optarg);
            break;
        case 'c': o->test_case = optarg; break;
        case 'w': o->capture = optarg; break;
        case 'x': o->exact = true; break;
        case 'v': o->verbose = true; break;
        case 'S': o->stats = true; break;
        case 's':
            o->has_seed = true;
            rc = cli_number("run", "--seed", optarg, 0, UINT64_MAX, &o->seed);
            break;
        case 'd': rc = cli_date("run", optarg, &o->date_ns); break;
        case 't':
            o->virtual_time = !strcmp(optarg, "virtual");
            if (!o->virtual_time && strcmp(optarg, "real")) {
                cli_wrong("run", "--time %s: no such time", optarg, "it is virtual or real");
                return CLI_USAGE;
            }
            break;
        case 'h': usage(); exit(CLI_OK);
        default: return CLI_USAGE;
        }
    o->program = argv + optind;
    if (rc == CLI_OK && o->date_ns && !o->virtual_time)
        rc = cli_wrong("run", "%s goes with virtual time only", "--date", "--time virtual");
    if (rc == CLI_OK && o->lab && (o->test_case || o->profile))
        rc = cli_wrong("run", "%s goes with the built-in internet only", o->test_case ? "--case" : "--profile",
                       "a lab file says itself what its hosts are");
    if (rc == CLI_OK && *o->program && strcmp(argv[optind - 1], "--") != 0)
        rc = cli_wrong("run", "%s stands before `--`", *o->program, "a program goes behind it, a lab file is --lab FILE here");
    if (rc == CLI_OK && !*o->program)
        rc = cli_wrong("run", "%s is wanted", "a program", "lilliput run [OPTIONS] -- PROGRAM [ARGUMENTS], or --help");
    return rc;
}

/* --- the network --------------------------------------------------------------------------------------------------------------- */
static struct lil_host *build_zoo(struct zoo *zoo, const struct run_options *o)
{
    const char *profile = o->profile ? o->profile : "linux";
    struct lil_host *host;
    int rc;

    if (o->test_case) {
        const struct gauntlet_case *one = case_find(o->test_case);
        if (!one) {
            cli_unknown("run", "no case \"%s\"", o->test_case, case_nearest(o->test_case), "`lilliput gauntlet --list` lists them");
            return NULL;
        }
        rc = case_build(one, zoo, &(struct case_config){.seed = o->seed, .profile = profile, .port = 80, .name = "server.test"});
    } else {
        rc = zoo_full(zoo, o->seed, profile);
    }
    if (rc < 0) {
        fprintf(stderr, "lilliput run: %s: %s\n", profile, strerror(-rc));
        return NULL;
    }
    host = o->on ? lil_world_find(zoo->world, o->on) : zoo->client;
    if (!host)
        cli_wrong("run", "no host \"%s\"", o->on, "`lilliput run --help` lists the zoo's; \"client\" is where programs run without --on");
    return host;
}

/* Two seconds after its world has begun the program starts: servers listen, the crowd of full.test has filled its queue. */
enum { HEAD_START_S = 2 };

static int run_on(const struct run_options *o, struct launcher *l, struct lil_host *host, uint64_t start_ns)
{
    struct program *program = launcher_add(
        l,
        &(struct program_config){
            .host = host, .argv = o->program, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .start_ns = start_ns});

    if (!program) {
        perror("lilliput run");
        return CLI_FAILED;
    }
    launcher_run(l);
    if (o->stats)
        fprintf(stderr, "lilliput: %.6f s in the lab, %llu notified calls, %llu stops, %llu scans, %llu jumps\n",
                (double)(l->now_ns - HEAD_START_S * NS_PER_S) / 1e9, (unsigned long long)l->counts.notifications,
                (unsigned long long)l->counts.stops, (unsigned long long)l->counts.scans, (unsigned long long)l->counts.jumps);
    return program_status_to_exit(program->status);
}

static struct launcher *launcher_for(const struct run_options *o, struct lil_world *world, const struct names *names)
{
    struct launcher *l = launcher_new(&(struct launcher_config){
        .world = world,
        .names = names,
        .virtual_time = o->virtual_time,
        .file_times = true,
        .chance_seed = o->has_seed ? o->seed + 1 : 0,
        .date_ns = o->date_ns,
        .exact = o->exact,
        .verbose = o->verbose,
        .follow_last = true});
    if (!l)
        perror("lilliput run");
    return l;
}

static int body_zoo(void *ctx)
{
    const struct run_options *o = ctx;
    struct zoo zoo;
    struct lil_host *host = build_zoo(&zoo, o);
    struct launcher *l;
    int status;

    if (!host)
        return CLI_USAGE;
    if (o->capture && lil_world_capture(zoo.world, o->capture) < 0) {
        fprintf(stderr, "lilliput run: %s cannot be written\n", o->capture);
        return CLI_USAGE;
    }
    lil_world_step(zoo.world, HEAD_START_S * NS_PER_S);
    l = launcher_for(o, zoo.world, &zoo.names);
    status = l ? run_on(o, l, host, 0) : CLI_FAILED;
    launcher_free(l);
    zoo_fini(&zoo);
    return status;
}

/* The lab's own programs run beside it: what they print goes to stderr. */
static int body_lab(void *ctx)
{
    const struct run_options *o = ctx;
    struct lab_options options = {.file = o->lab, .capture = o->capture, .seed = o->seed, .has_seed = o->has_seed, .is_beside = true};
    struct lab lab;
    struct lil_host *host = NULL;
    int status = lab_open(&lab, &options);

    if (status != CLI_OK)
        return status;
    bool real = lab_has_real(&lab);
    lab.launcher = launcher_for(o, lab.world, &lab.names);
    status = lab.launcher ? lab_build(&lab) : CLI_FAILED;
    if (status == CLI_OK && !(host = lil_world_find(lab.world, o->on ? o->on : lab.topology->hosts[0].name.text)))
        status = cli_wrong("run", "no host \"%s\" in the lab", o->on, "--on takes one of the file's hosts");
    if (status == CLI_OK && !real)
        lil_world_step(lab.world, HEAD_START_S * NS_PER_S); /* without real programs nothing needs real time for it */
    if (status == CLI_OK)
        status = run_on(o, lab.launcher, host, HEAD_START_S * NS_PER_S);
    launcher_free(lab.launcher);
    lab_close(&lab);
    return status;
}

int run_program_main(int argc, char **argv)
{
    struct run_options o = {.seed = 1};
    int rc = parse(argc, argv, &o);

    if (rc != CLI_OK)
        return rc;
    if (o.virtual_time && !tracer_is_permitted()) {
        fprintf(stderr, "lilliput run: ptrace is not permitted here (`lilliput doctor` says more): real time instead\n");
        o.virtual_time = false;
        o.exact = true;
    }
    return launcher_guard(o.lab ? body_lab : body_zoo, &o);
}
