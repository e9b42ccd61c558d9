/* run.c: `lilliput run LAB.yaml`: boots a lab file's internet and runs its programs in virtual time. `lilliput run
 * [...] -- PROGRAM` is run_program.c's. docs/LABS.md describes lab files. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "apps/apps.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/run_lab.h"
#include "run/loop.h"
#include "sim/topology.h"

#pragma weak run_program_main
#pragma weak run_lab_programs

struct run_options {
    const char *lab, *capture, *hosts;
    unsigned show, width;
    uint64_t seed, until_ns;
    bool has_seed, has_until, json, ascii, color, no_color;
};
struct run {
    struct run_options options;
    struct topology *topology;
    struct lil_world *world;
    struct lil_proc **procs; /* one a program of the lab */
    struct app_start **starts;
    unsigned start_count;
    struct show *show;
    json_t *lines; /* --json: an array a program */
};

static const char help[] =
    "usage: lilliput run LAB.yaml [OPTIONS]\n"
    "       lilliput run [OPTIONS] -- PROGRAM [ARGUMENTS]      (below)\n"
    "\n"
    "Boots the hosts, routers and links of a lab file in one process and runs their programs in virtual time;\n"
    "prints what each program saw and when. docs/LABS.md describes lab files, labs/ has some.\n"
    "\n"
    "  --show WHAT      draw the time line: packets,states,queues,calls or all\n"
    "  --hosts A,B      its columns (all hosts that fit)\n"
    "  --width N        its width in characters (the terminal's, or 140)\n"
    "  --ascii          without line-drawing characters      --color, --no-color\n"
    "  --capture FILE   write every packet of every NIC as pcapng; dropped ones carry the reason\n"
    "  --seed N         another history of the same lab\n"
    "  --until T        stop at this virtual time (10s, 2min)\n"
    "  --json           print the result as one JSON object\n"
    "\n"
    "exit status: 0 all programs ended as the lab expects, 1 one did not, 2 the lab or the usage is wrong\n";

/* --- options
 * ------------------------------------------------------------------------------------------------------------ */
static int usage_error(const char *format, const char *what)
{
    fprintf(stderr, "lilliput run: ");
    fprintf(stderr, format, what);
    fprintf(stderr, "; `lilliput run --help` tells how\n");
    return CLI_USAGE;
}

static int take_option(struct run_options *options, const char *name, const char *value)
{
    const char *why = "";
    uint64_t number;
    if (strcmp(name, "--show") == 0) {
        const char *bad;
        if (show_parse(value, &options->show, &bad) < 0)
            return usage_error("--show %s: packets, states, queues, calls or all are wanted", value);
    } else if (strcmp(name, "--hosts") == 0) {
        options->hosts = value;
    } else if (strcmp(name, "--capture") == 0) {
        options->capture = value;
    } else if (strcmp(name, "--width") == 0) {
        if (topology_number(value, 239, &number, &why) < 0)
            return usage_error("--width %s: a number up to 239 is wanted", value);
        options->width = (unsigned)number;
    } else if (strcmp(name, "--seed") == 0) {
        if (topology_number(value, UINT64_MAX, &options->seed, &why) < 0)
            return usage_error("--seed %s: a whole number is wanted", value);
        options->has_seed = true;
    } else {
        if (topology_time(value, &options->until_ns, &why) < 0)
            return usage_error("--until %s: a time with a unit is wanted (10s)", value);
        options->has_until = true;
    }
    return 0;
}

static int parse_options(struct run_options *options, int argc, char **argv)
{
    static const char *const names[] = {"--show", "--hosts", "--capture", "--width", "--seed",     "--until",
                                        "--json", "--ascii", "--color",   "--help",  "--no-color", NULL};
    for (int i = 1; i < argc; i++) {
        int which = 0;
        while (names[which] && strcmp(names[which], argv[i]) != 0)
            which++;
        if (argv[i][0] != '-') {
            if (options->lab)
                return usage_error("one lab file at a time, not also %s (a program goes behind `--`)", argv[i]);
            options->lab = argv[i];
        } else if (which == 6) {
            options->json = true;
        } else if (which == 7) {
            options->ascii = true;
        } else if (which == 8) {
            options->color = true;
        } else if (which == 10) {
            options->no_color = true;
        } else if (!names[which]) {
            const char *near = nearest_word(argv[i], names);
            fprintf(stderr, "lilliput run: unknown option %s%s%s; `lilliput run --help` tells how\n", argv[i],
                    near ? "; did you mean " : "", near ? near : "");
            return CLI_USAGE;
        } else {
            if (i + 1 == argc)
                return usage_error("%s needs a value", argv[i]);
            int result = take_option(options, argv[i], argv[i + 1]);
            if (result)
                return result;
            i++;
        }
    }
    return options->lab ? 0 : usage_error("%s", "a lab file, or -- and a program, is wanted");
}

/* --- programs
 * ---------------------------------------------------------------------------------------------------------------- */
/* An argument that is a host's name stands for its first address. */
static const char *resolve(const struct topology *topology, const char *word, char *text, size_t size)
{
    for (unsigned i = 0; i < topology->host_count; i++) {
        const struct topology_host *host = &topology->hosts[i];
        if (strcmp(host->name.text, word) != 0 || !host->interface_count || !host->interfaces[0].addresses.count)
            continue;
        const char *address = host->interfaces[0].addresses.items[0].text;
        snprintf(text, size, "%.*s", (int)strcspn(address, "/"), address);
        return text;
    }
    return word;
}

static struct lil_proc *start_program(void *ctx, struct lil_world *world, struct lil_host *host,
                                      const struct topology_program *program, const char **error)
{
    struct run *run = ctx;
    const char *path = program->path.text, *arguments[64];
    char addresses[64][64];
    if (strncmp(path, "builtin:", 8) != 0) {
        *error = "only builtin: programs run in a lab; `lilliput run -- PROGRAM` runs others";
        return NULL;
    }
    const struct app *app = app_find(path + 8);
    if (!app || program->arguments.count > 64) {
        *error = app ? "too many arguments" : "there is no such builtin (docs/LABS.md lists them)";
        return NULL;
    }
    for (unsigned i = 0; i < program->arguments.count; i++)
        arguments[i] = resolve(run->topology, program->arguments.items[i].text, addresses[i], sizeof(addresses[i]));
    struct app_start *start = app_start_new(app, (int)program->arguments.count, arguments);
    if (!start)
        abort();
    run->starts[run->start_count++] = start;
    return app_spawn(world, host, program->start_ns, start);
}

static int program_index(const struct run *run, const struct lil_proc *proc)
{
    for (unsigned i = 0; i < run->topology->program_count; i++)
        if (run->procs[i] == proc)
            return (int)i;
    return -1;
}

static const char *short_path(const struct topology_program *program)
{
    return strncmp(program->path.text, "builtin:", 8) == 0 ? program->path.text + 8 : program->path.text;
}

static void on_output(void *ctx, struct lil_proc *proc, const char *line, uint64_t now_ns)
{
    struct run *run = ctx;
    int index = program_index(run, proc);
    int length = (int)strcspn(line, "\n");
    if (run->lines && index >= 0) {
        json_t *entry = json_pack("{s:I, s:s%}", "time_ns", (json_int_t)now_ns, "line", line, (size_t)length);
        json_array_append_new(json_array_get(run->lines, (size_t)index), entry);
    } else if (run->show) {
        show_output(run->show, proc, line, now_ns);
    } else {
        printf("%4llu.%06llu  %-10s %-16s %.*s\n", (unsigned long long)(now_ns / 1000000000),
               (unsigned long long)(now_ns % 1000000000 / 1000), lil_host_name(lil_proc_host(proc)),
               index >= 0 ? short_path(&run->topology->programs[index]) : "", length, line);
    }
}

/* --- the end: did everything go as the lab says?
 * -------------------------------------------------------------------------------- */
static bool final_text(const struct topology_program *program, const struct lil_proc *proc, char *text, size_t size)
{
    int status = 0;
    bool ended = proc && lil_proc_ended(proc, &status), killed = ended && status == 128 + 9;
    if (!ended)
        snprintf(text, size, "running");
    else if (killed)
        snprintf(text, size, "stopped");
    else
        snprintf(text, size, "exited %d", status);
    switch (program->final) {
    case TOPOLOGY_RUNNING:
        return !ended || killed;
    case TOPOLOGY_EXITED:
        return ended && status == program->final_value;
    case TOPOLOGY_SIGNALED:
        return killed;
    case TOPOLOGY_ANY:
        return true;
    default:
        return !ended || killed || status == 0;
    }
}

static const char *expected_text(const struct topology_program *program, char *text, size_t size)
{
    static const char *const words[] = {"exit 0", "", "running", "exit %d", "signal %d"};
    snprintf(text, size, words[program->final], program->final_value);
    return text;
}

static int judge(const struct run *run)
{
    int failures = 0;
    for (unsigned i = 0; i < run->topology->program_count; i++) {
        const struct topology_program *program = &run->topology->programs[i];
        char is[32], expected[32];
        if (final_text(program, run->procs[i], is, sizeof(is)))
            continue;
        failures++;
        fprintf(stderr, "%s:%d:%d: %s on %s %s, not %s as expected\n", run->topology->file, program->path.line,
                program->path.column, short_path(program), program->host.text, is,
                expected_text(program, expected, sizeof(expected)));
    }
    return failures ? CLI_FAILED : CLI_OK;
}

static void print_json(const struct run *run, uint64_t seed, int status)
{
    json_t *programs = json_array();
    for (unsigned i = 0; i < run->topology->program_count; i++) {
        const struct topology_program *program = &run->topology->programs[i];
        char is[32];
        bool ok = final_text(program, run->procs[i], is, sizeof(is));
        json_array_append_new(programs, json_pack("{s:s, s:s, s:s, s:b, s:O}", "host", program->host.text, "path",
                                                  program->path.text, "final", is, "as_expected", ok, "output",
                                                  json_array_get(run->lines, i)));
    }
    json_t *root = json_pack("{s:s, s:I, s:I, s:i, s:o}", "lab", run->topology->file, "seed", (json_int_t)seed,
                             "end_ns", (json_int_t)lil_world_now(run->world), "status", status, "programs", programs);
    json_dumpf(root, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(root);
}

static struct show_config show_config_of(const struct run_options *options)
{
    const char *columns = getenv("COLUMNS");
    struct show_config config = {.out = stdout,
                                 .what = options->show,
                                 .width = options->width,
                                 .ascii = options->ascii,
                                 .hosts = options->hosts};
    if (!config.width)
        config.width = columns && atoi(columns) >= 60 ? (unsigned)atoi(columns) : 140;
    config.color = options->color || (!options->no_color && isatty(STDOUT_FILENO));
    return config;
}

static bool begin_show(struct run *run)
{
    struct show_config config = show_config_of(&run->options);
    run->show = show_new(run->world, &config);
    return run->show != NULL;
}

/* `time: real`: no event before its time. The history is the same: one seed, one order. */
static void run_in_real_time(struct lil_world *world, uint64_t until_ns)
{
    uint64_t start_ns = loop_now();
    for (uint64_t next_ns; (next_ns = lil_world_next(world)) != LIL_NEVER && next_ns <= until_ns;) {
        loop_sleep_until(start_ns + next_ns);
        lil_world_step(world, next_ns);
        fflush(stdout);
    }
}

static int run_lab(struct run *run)
{
    const struct run_options *options = &run->options;
    char error[TOPOLOGY_ERROR];
    uint64_t seed = options->has_seed ? options->seed : run->topology->has_seed ? run->topology->seed : 1;
    uint64_t until_ns = options->has_until ? options->until_ns : run->topology->stop_ns;
    struct topology_hooks hooks = {.ctx = run, .start = start_program};
    run->world = lil_world_new(seed);
    run->procs = calloc(run->topology->program_count + 1, sizeof(*run->procs));
    run->starts = calloc(run->topology->program_count + 1, sizeof(*run->starts));
    if (!run->world || !run->procs || !run->starts)
        abort();
    if (topology_build(run->topology, run->world, &hooks, run->procs, error) < 0) {
        fprintf(stderr, "%s\n", error);
        return CLI_USAGE;
    }
    int failed = options->capture ? lil_world_capture(run->world, options->capture) : 0;
    if (failed < 0) {
        fprintf(stderr, "lilliput run: --capture %s: %s\n", options->capture, strerror(-failed));
        return CLI_USAGE;
    }
    if (options->json) {
        run->lines = json_array();
        for (unsigned i = 0; i < run->topology->program_count; i++)
            json_array_append_new(run->lines, json_array());
    } else if (options->show && !begin_show(run)) {
        abort();
    }
    lil_world_set_output(run->world, on_output, run);
    if (run->topology->real_time)
        run_in_real_time(run->world, until_ns);
    lil_world_run(run->world, until_ns);
    fflush(stdout);
    int status = judge(run);
    if (options->json)
        print_json(run, seed, status);
    return status;
}

int run_main(int argc, char **argv)
{
    struct run run = {0};
    char error[TOPOLOGY_ERROR];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            char *words[] = {argv[0], (char *)"--help", NULL};
            fputs(help, stdout);
            if (!run_program_main)
                return CLI_OK;
            fputs("\n", stdout);
            return run_program_main(2, words);
        }
        if (strcmp(argv[i], "--") == 0)
            return run_program_main ? run_program_main(argc, argv)
                                    : usage_error("%s", "this build runs lab files only");
    }
    int result = parse_options(&run.options, argc, argv);
    if (result)
        return result;
    if (topology_load(&run.topology, run.options.lab, error) < 0) {
        fprintf(stderr, "%s\n", error);
        return CLI_USAGE;
    }
    if (run_lab_programs && lab_has_programs(run.topology)) {
        topology_free(run.topology); /* the supervisor loads it in a process of its own */
        if (run.options.json)
            return usage_error("--json tells of builtin: programs only; %s has others", run.options.lab);
        return run_lab_programs(&(struct lab_run){.file = run.options.lab,
                                                  .capture = run.options.capture,
                                                  .seed = run.options.seed,
                                                  .has_seed = run.options.has_seed,
                                                  .until_ns = run.options.has_until ? run.options.until_ns : 0,
                                                  .show = show_config_of(&run.options)});
    }
    result = run_lab(&run);
    lil_world_free(run.world);
    show_free(run.show);
    for (unsigned i = 0; i < run.start_count; i++)
        app_start_free(run.starts[i]);
    free(run.starts);
    free(run.procs);
    json_decref(run.lines);
    topology_free(run.topology);
    return result;
}
