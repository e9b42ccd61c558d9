/* lab.c: see lab.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "cli/cli.h"
#include "cli/lab.h"

enum { ARGUMENTS_MAX = 64 };

static bool is_builtin(const struct topology_program *plan) { return !strncmp(plan->path.text, "builtin:", 8); }

static const char *short_path(const struct topology_program *plan)
{
    const char *slash = strrchr(plan->path.text, '/');
    return is_builtin(plan) ? plan->path.text + 8 : slash ? slash + 1 : plan->path.text;
}

bool lab_has_real(const struct lab *lab)
{
    for (unsigned i = 0; i < lab->topology->program_count; i++)
        if (!is_builtin(&lab->topology->programs[i]))
            return true;
    return false;
}

uint64_t lab_until(const struct lab *lab) { return lab->options->until_ns ? lab->options->until_ns : lab->topology->stop_ns; }

/* An address of the file without its prefix length. */
static const char *bare(const struct topology_text *address, char text[64])
{
    snprintf(text, 64, "%.*s", (int)strcspn(address->text, "/"), address->text);
    return text;
}

static void add_names(struct lab *lab)
{
    for (unsigned i = 0; i < lab->topology->host_count; i++) {
        const struct topology_host *host = &lab->topology->hosts[i];
        for (unsigned j = 0; j < host->interface_count; j++)
            for (unsigned k = 0; k < host->interfaces[j].addresses.count; k++) {
                char text[64];
                /* more than a name holds: the first ones */
                (void)!names_add(&lab->names, host->name.text, bare(&host->interfaces[j].addresses.items[k], text));
            }
    }
}

/* --- what programs print ------------------------------------------------------------------------------------------------------- */
static void print_line(struct lab_program *one, bool is_error, const char *line, size_t length, uint64_t now_ns)
{
    const struct lab *lab = one->lab;
    FILE *out = is_error || lab->options->is_beside ? stderr : stdout;

    if (one->lines)
        json_array_append_new(one->lines, json_pack("{s:I, s:s, s:s%}", "time_ns", (json_int_t)now_ns, "stream",
                                                    is_error ? "stderr" : "stdout", "line", line, length));
    else if (lab->show)
        show_output(lab->show, one->real ? one->real->proc : one->proc, line, now_ns);
    else if (lab->launcher)
        fprintf(out, "%s %s | %.*s\n", one->plan->host.text, short_path(one->plan), (int)length, line);
    else
        fprintf(out, "%4llu.%06llu  %-10s %-16s %.*s\n", now_ns / NS_PER_S, now_ns % NS_PER_S / 1000, one->plan->host.text,
                short_path(one->plan), (int)length, line);
    if (lab->launcher)
        fflush(out);
}

static void on_output(void *ctx, struct lil_proc *proc, const char *line, uint64_t now_ns)
{
    struct lab *lab = ctx;
    for (unsigned i = 0; i < lab->topology->program_count; i++)
        if (lab->programs[i].proc == proc)
            print_line(&lab->programs[i], false, line, strcspn(line, "\n"), now_ns);
}

static void on_real_output(void *ctx, bool is_error, const char *line, size_t length)
{
    struct lab_program *one = ctx;
    print_line(one, is_error, line, length, one->lab->launcher->now_ns);
}

/* --- programs -------------------------------------------------------------------------------------------------------------------- */
/* An argument that is a host's name stands for its first address. */
static const char *resolve(const struct topology *topology, const char *word, char text[64])
{
    for (unsigned i = 0; i < topology->host_count; i++) {
        const struct topology_host *host = &topology->hosts[i];
        if (!strcmp(host->name.text, word) && host->interface_count && host->interfaces[0].addresses.count)
            return bare(&host->interfaces[0].addresses.items[0], text);
    }
    return word;
}

static struct lil_proc *start_builtin(struct lab_program *one, struct lil_host *host, const char **error)
{
    const struct topology_program *plan = one->plan;
    const struct app *app = app_find(plan->path.text + 8);
    const char *arguments[ARGUMENTS_MAX];
    char addresses[ARGUMENTS_MAX][64];

    if (!app) {
        *error = "there is no such builtin (docs/LABS.md lists them)";
        return NULL;
    }
    for (unsigned i = 0; i < plan->arguments.count; i++)
        arguments[i] = resolve(one->lab->topology, plan->arguments.items[i].text, addresses[i]);
    one->start = app_start_new(app, (int)plan->arguments.count, arguments);
    if (!one->start)
        abort();
    return one->proc = app_spawn(one->lab->world, host, plan->start_ns, one->start);
}

static struct program *start_real(struct lab_program *one, struct lil_host *host)
{
    const struct topology_program *plan = one->plan;
    char *argv[ARGUMENTS_MAX + 2] = {(char *)(uintptr_t)plan->path.text}, *environment[ARGUMENTS_MAX + 1] = {0};
    struct program_config config = {.host = host,
                                    .argv = argv,
                                    .environment = environment,
                                    .stdin_fd = -1,
                                    .stdout_fd = -1,
                                    .stderr_fd = -1,
                                    .start_ns = plan->start_ns,
                                    .output = on_real_output,
                                    .output_ctx = one};
    struct program *started;

    config.keeps_running = one->lab->options->is_beside || plan->final == TOPOLOGY_RUNNING;
    for (unsigned i = 0; i < plan->arguments.count; i++)
        argv[i + 1] = (char *)(uintptr_t)plan->arguments.items[i].text;
    for (unsigned i = 0; i < plan->environment.count; i++)
        if (asprintf(&environment[i], "%s=%s", plan->environment.items[i].key.text, plan->environment.items[i].value.text) < 0)
            abort();
    started = launcher_add(one->lab->launcher, &config);
    for (unsigned i = 0; environment[i]; i++)
        free(environment[i]);
    return started;
}

static struct lil_proc *start(void *ctx, struct lil_world *world, struct lil_host *host,
                              const struct topology_program *plan, const char **error)
{
    struct lab *lab = ctx;
    struct lab_program *one = &lab->programs[plan - lab->topology->programs];
    (void)world;

    *one = (struct lab_program){.lab = lab, .plan = plan, .lines = lab->options->json ? json_array() : NULL};
    *error = NULL;
    if (plan->arguments.count > ARGUMENTS_MAX || plan->environment.count > ARGUMENTS_MAX)
        *error = "more than 64 arguments or variables";
    else if (is_builtin(plan))
        return start_builtin(one, host, error);
    else if (!lab->launcher || !(one->real = start_real(one, host)))
        *error = "cannot be started";
    return NULL;
}

static void stop_now(void *ctx, uint64_t now_ns)
{
    const struct lab_program *one = ctx;
    (void)now_ns;

    if (one->real->started && !one->real->ended)
        kill(one->real->pid, SIGTERM);
}

/* The hosts themselves, and builtin programs, are topology_build()'s. */
static void end_crashed(void *ctx, uint64_t now_ns)
{
    const struct lab *lab = ctx;
    (void)now_ns;

    if (lab->launcher)
        launcher_end_crashed(lab->launcher);
}

/* --- the lab ----------------------------------------------------------------------------------------------------------------------- */
static const char *nearest_host(const struct topology *topology, const char *word)
{
    enum { MOST = 64 };
    const char *names[MOST + 1] = {0};

    for (unsigned i = 0; i < topology->host_count && i < MOST; i++)
        names[i] = topology->hosts[i].name.text;
    return nearest_word(word, names);
}

/* --hosts: each name is one of the lab's. */
static int check_columns(const struct topology *topology, const char *names)
{
    char name[64];

    for (const char *at = names; at && *at; at += strcspn(at, ","), at += *at == ',') {
        bool found = false;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
        for (unsigned i = 0; i < topology->host_count; i++)
            found |= strcmp(topology->hosts[i].name.text, name) == 0;
        if (!found)
            return cli_unknown("run", "--hosts %s: no such host in the lab", name, nearest_host(topology, name),
                               "names of the file's hosts are wanted, with commas between");
    }
    return CLI_OK;
}

int lab_open(struct lab *lab, const struct lab_options *options)
{
    char error[TOPOLOGY_ERROR];

    *lab = (struct lab){.options = options};
    int loaded = topology_load(&lab->topology, options->file, error);
    if (loaded < 0) {
        fprintf(stderr, "%s%s\n", error, loaded == -ENOENT && !strstr(options->file, ".yaml") ? " (a program goes behind `--`)" : "");
        return CLI_USAGE;
    }
    if (check_columns(lab->topology, options->show.hosts) != CLI_OK) {
        topology_free(lab->topology);
        return CLI_USAGE;
    }
    lab->seed = options->has_seed || !lab->topology->has_seed ? options->seed : lab->topology->seed;
    lab->world = lil_world_new(lab->seed);
    lab->programs = calloc(lab->topology->program_count + 1, sizeof *lab->programs);
    if (!lab->world || !lab->programs)
        abort();
    add_names(lab);
    return CLI_OK;
}

int lab_build(struct lab *lab)
{
    char error[TOPOLOGY_ERROR];
    struct topology_hooks hooks = {.ctx = lab, .start = start};
    const char *capture = lab->options->capture;
    int failed;

    if (topology_build(lab->topology, lab->world, &hooks, NULL, error) < 0) {
        fprintf(stderr, "%s\n", error);
        return CLI_USAGE;
    }
    failed = capture ? lil_world_capture(lab->world, capture) : 0;
    if (failed < 0) {
        fprintf(stderr, "lilliput run: --capture %s: %s\n", capture, strerror(-failed));
        return CLI_USAGE;
    }
    if (lab->options->show.what && !lab->options->json && !(lab->show = show_new(lab->world, &lab->options->show)))
        abort();
    lil_world_set_output(lab->world, on_output, lab);
    for (unsigned i = 0; i < lab->topology->program_count; i++) /* topology_build() plans the ends of builtin ones */
        if (lab->programs[i].real && lab->programs[i].plan->stop_ns != LIL_NEVER)
            lil_world_at(lab->world, lab->programs[i].plan->stop_ns, stop_now, &lab->programs[i]);
    for (unsigned i = 0; i < lab->topology->event_count; i++)
        if (lab->topology->events[i].crash.text)
            lil_world_at(lab->world, lab->topology->events[i].at_ns, end_crashed, lab);
    return CLI_OK;
}

void lab_close(struct lab *lab)
{
    lil_world_free(lab->world);
    show_free(lab->show);
    for (unsigned i = 0; lab->topology && i < lab->topology->program_count; i++) {
        if (lab->programs[i].start)
            app_start_free(lab->programs[i].start);
        json_decref(lab->programs[i].lines);
    }
    free(lab->programs);
    names_fini(&lab->names);
    topology_free(lab->topology);
}

/* --- the end: did everything go as the lab says? --------------------------------------------------------------------------------- */
struct end {
    bool ended, killed; /* killed: by a signal, or at its stop_time */
    int value;          /* the exit status or the signal */
};

static struct end end_of(const struct lab_program *one)
{
    struct end end = {0};
    if (one->real) {
        end.ended = one->real->ended;
        end.killed = end.ended && WIFSIGNALED(one->real->status);
        end.value = end.killed ? WTERMSIG(one->real->status) : WEXITSTATUS(one->real->status);
    } else {
        end.ended = one->proc && lil_proc_ended(one->proc, &end.value);
        end.killed = end.ended && end.value == 128 + SIGKILL;
        end.value -= end.killed ? 128 : 0;
    }
    return end;
}

static const char *end_text(const struct end *end, char text[32])
{
    if (!end->ended)
        return "running";
    snprintf(text, 32, end->killed ? "ended by signal %d" : "exited %d", end->value);
    return text;
}

static bool is_expected(const struct lab_program *one, const struct end *end)
{
    bool stopped = one->plan->stop_ns != LIL_NEVER && end->killed;
    switch (one->plan->final) {
    case TOPOLOGY_ANY:
        return true;
    case TOPOLOGY_RUNNING:
        return !end->ended || stopped;
    case TOPOLOGY_EXITED:
        return end->ended && !end->killed && end->value == one->plan->final_value;
    case TOPOLOGY_SIGNALED:
        return end->killed && (stopped || end->value == one->plan->final_value);
    default: /* a builtin server runs on; a real program says so */
        return stopped || (end->ended ? !end->killed && end->value == 0 : !one->real);
    }
}

static const char *expected_text(const struct topology_program *plan, char text[32])
{
    static const char *const words[] = {"exit 0", "", "running", "exit %d", "signal %d"};
    snprintf(text, 32, words[plan->final], plan->final_value);
    return text;
}

static void print_json(const struct lab *lab, int status)
{
    json_t *programs = json_array(), *root;
    for (unsigned i = 0; i < lab->topology->program_count; i++) {
        const struct lab_program *one = &lab->programs[i];
        struct end end = end_of(one);
        char is[32];
        json_array_append_new(programs, json_pack("{s:s, s:s, s:s, s:b, s:O}", "host", one->plan->host.text, "path",
                                                  one->plan->path.text, "final", end_text(&end, is), "as_expected",
                                                  is_expected(one, &end), "output", one->lines));
    }
    root = json_pack("{s:s, s:I, s:I, s:i, s:o}", "lab", lab->topology->file, "seed", (json_int_t)lab->seed, "end_ns",
                     (json_int_t)(lab->launcher ? lab->launcher->now_ns : lil_world_now(lab->world)), "status", status,
                     "programs", programs);
    cli_print_json(root);
}

int lab_judge(const struct lab *lab)
{
    int status = CLI_OK;
    fflush(stdout);
    for (unsigned i = 0; i < lab->topology->program_count; i++) {
        const struct lab_program *one = &lab->programs[i];
        struct end end = end_of(one);
        char is[32], expected[32];
        if (is_expected(one, &end))
            continue;
        status = CLI_FAILED;
        fprintf(stderr, "%s:%d:%d: %s on %s %s, not %s as expected\n", lab->topology->file, one->plan->path.line, one->plan->path.column,
                short_path(one->plan), one->plan->host.text, end_text(&end, is), expected_text(one->plan, expected));
    }
    if (lab->options->json)
        print_json(lab, status);
    return status;
}
