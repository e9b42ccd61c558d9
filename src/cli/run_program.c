/* run_program.c: lilliput run [OPTIONS] -- PROGRAM ARGS: one unmodified program on a virtual host, of the zoo or of a lab
 * file. run.c hands over here when its arguments hold `--`. See docs/LAUNCHER.md and src/launch/launch.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "launch/cases.h"
#include "cli/run_lab.h"
#include "launch/zoo.h"
#include "sim/topology.h"

struct run_options {
    const char *lab, *on, *profile, *test_case, *capture;
    bool virtual_time, exact, verbose, stats;
    uint64_t seed;
    char **program;
};

static void usage(void)
{
    FILE *out = stdout;

    fprintf(out,
            "usage: lilliput run [OPTIONS] -- PROGRAM [ARGUMENTS]\n"
            "  Runs PROGRAM, unmodified, on a virtual host, and exits with its status.\n\n"
            "  --lab LAB.yaml   the network; without it the zoo, a built-in internet:\n");
    for (int i = 0; zoo_names[i][0]; i++)
        fprintf(out, "                     %-17s %s\n", zoo_names[i][0], zoo_names[i][1]);
    fprintf(out, "  --on HOST        the host (default: client, or the lab's first host)\n"
                 "  --time virtual   the clock jumps when every thread sleeps; implies --exact (default: real)\n"
                 "  --exact          every socket call is served by the virtual stack: exact errors, slower\n"
                 "  --profile P      the host's TCP/IP stack (default linux; `lilliput profile list`)\n"
                 "  --case NAME      the network of that gauntlet case (`lilliput gauntlet --list`)\n"
                 "  --seed N         all randomness of the network (default 1)\n"
                 "  --capture FILE   write what the network carried, as pcapng\n"
                 "  --verbose        also log the refusals that most programs expect; --stats: figures at the end\n");
}

static int parse(int argc, char **argv, struct run_options *o)
{
    static const struct option options[] = {
        {"lab", required_argument, NULL, 'l'}, {"on", required_argument, NULL, 'o'}, {"time", required_argument, NULL, 't'}, {"exact", no_argument, NULL, 'x'},
        {"profile", required_argument, NULL, 'p'}, {"case", required_argument, NULL, 'c'}, {"seed", required_argument, NULL, 's'},
        {"capture", required_argument, NULL, 'w'}, {"verbose", no_argument, NULL, 'v'}, {"stats", no_argument, NULL, 'S'}, {"help", no_argument, NULL, 'h'}, {0}};
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
        case 's': rc = cli_number("run", "--seed", optarg, 0, UINT64_MAX, &o->seed); break;
        case 't':
            o->virtual_time = !strcmp(optarg, "virtual");
            if (!o->virtual_time && strcmp(optarg, "real")) {
                fprintf(stderr, "lilliput run: --time is virtual or real, not \"%s\"\n", optarg);
                return CLI_USAGE;
            }
            break;
        case 'h': usage(); exit(CLI_OK);
        default: return CLI_USAGE;
        }
    o->program = argv + optind;
    if (rc == CLI_OK && o->lab && (o->test_case || o->profile))
        rc = cli_wrong("run", "%s goes with the built-in internet only", o->test_case ? "--case" : "--profile",
                       "a lab file says itself what its hosts are");
    if (rc == CLI_OK && !*o->program)
        rc = cli_wrong("run", "%s is wanted", "a program", "lilliput run [OPTIONS] -- PROGRAM [ARGUMENTS], or --help");
    return rc;
}

/* --- the network --------------------------------------------------------------------------------------------------------------- */
static struct lil_proc *start_nothing(void *ctx, struct lil_world *world, struct lil_host *host, const struct topology_program *program,
                                      const char **error)
{
    (void)ctx;
    (void)world;
    (void)host;
    (void)program;
    *error = NULL; /* the lab's own programs belong to `lilliput run LAB.yaml` */
    return NULL;
}

static struct lil_host *build_lab(struct zoo *zoo, const struct run_options *o)
{
    char error[TOPOLOGY_ERROR];
    struct topology_hooks hooks = {.start = start_nothing};
    struct topology *lab;
    struct lil_host *host;

    memset(zoo, 0, sizeof *zoo);
    if (topology_load(&lab, o->lab, error) < 0) {
        fprintf(stderr, "lilliput run: %s\n", error);
        return NULL;
    }
    zoo->world = lil_world_new(lab->has_seed ? lab->seed : o->seed);
    if (!zoo->world || topology_build(lab, zoo->world, &hooks, NULL, error) < 0) {
        fprintf(stderr, "lilliput run: %s\n", error);
        return NULL;
    }
    names_add_lab(&zoo->names, lab);
    host = lil_world_find(zoo->world, o->on ? o->on : lab->hosts[0].name.text);
    if (!host)
        fprintf(stderr, "lilliput run: %s: no host \"%s\"\n", o->lab, o->on);
    topology_free(lab);
    return host;
}

static struct lil_host *build(struct zoo *zoo, const struct run_options *o)
{
    const char *profile = o->profile ? o->profile : "linux";
    struct lil_host *host;
    int rc;

    if (o->lab)
        return build_lab(zoo, o);
    if (o->test_case) {
        const struct gauntlet_case *one = case_find(o->test_case);
        if (!one) {
            fprintf(stderr, "lilliput run: no case \"%s\"; `lilliput gauntlet --list` lists them\n", o->test_case);
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
        fprintf(stderr, "lilliput run: no host \"%s\"\n", o->on);
    return host;
}

static int body(void *ctx)
{
    struct run_options *o = ctx;
    struct zoo zoo;
    struct lil_host *host = build(&zoo, o);
    struct launcher *l;
    struct program *program;
    int status;

    if (!host)
        return CLI_USAGE;
    if (o->capture && lil_world_capture(zoo.world, o->capture) < 0) {
        fprintf(stderr, "lilliput run: %s cannot be written\n", o->capture);
        return CLI_USAGE;
    }
    /* Two seconds for the crowd of full.test to have filled its queue, before the program's time begins. */
    lil_world_step(zoo.world, 2 * NS_PER_S);
    l = launcher_new(&(struct launcher_config){
        .world = zoo.world, .names = &zoo.names, .virtual_time = o->virtual_time, .exact = o->exact, .verbose = o->verbose});
    program =
        l ? launcher_add(l, &(struct program_config){.host = host, .argv = o->program, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1})
          : NULL;
    if (!program) {
        perror("lilliput run");
        return CLI_FAILED;
    }
    launcher_run(l);
    status = program_status_to_exit(program->status);
    if (o->stats)
        fprintf(stderr, "lilliput: %.6f s in the lab, %llu notified calls, %llu stops, %llu scans, %llu jumps\n",
                (double)(l->now_ns - 2 * NS_PER_S) / 1e9, (unsigned long long)l->notifications, (unsigned long long)l->stops,
                (unsigned long long)l->scans, (unsigned long long)l->jumps);
    launcher_free(l);
    zoo_fini(&zoo);
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
    return launcher_guard(body, &o);
}

/* Until run.c (lab files) is in the build: `lilliput run` is programs only. */
__attribute__((weak)) int run_main(int argc, char **argv) { return run_program_main(argc, argv); }
