/* verb_gauntlet.c: lilliput gauntlet [OPTIONS] -- PROGRAM ARGS: the program once in every case, and one table. Each case is a
 * child process of its own, as many at a time as there are processors; rows are printed in the table's order. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/base.h"
#include "cli/cli.h"
#include "gauntlet/attempt.h"
#include "launch/launch.h"
#include "launch/task.h"

enum { NETWORK_LIMIT_S = 9000 };
#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"

struct gauntlet_options {
    const char *profile, *only[CASES_MAX], *junit, *expect, *record, *server, *name, *capture;
    unsigned only_count, jobs;
    bool json, show, udp, tcp;
    uint64_t seed, date_ns;
    uint16_t port;
    char **program;
};

struct job {
    const struct gauntlet_case *one;
    struct attempt result;
    pid_t pid;
    int pipe;
    unsigned processor; /* from 1 */
    bool done;
};

static int usage(void)
{
    printf("usage: lilliput gauntlet [OPTIONS] -- PROGRAM [ARGUMENTS]\n"
            "  Runs PROGRAM, unmodified and in virtual time, once against every way a connection can fail.\n"
            "  {host} {addr} {port} in the arguments are the server; also LILLIPUT_HOST, LILLIPUT_ADDR, LILLIPUT_PORT.\n\n"
            "  --case NAME     only this case (may be repeated)      --list    the cases\n"
            "  --profile P     the client's TCP/IP stack (linux)     --seed N  all randomness of the network (1)\n"
            "  --date WHEN     where its clock begins: 2026-11-30, 2026-11-30T12:00:00 (UTC) or @SECONDS (now)\n"
            "  --name NAME     what {host} is (server.test)          --port N  what {port} is (80)\n"
            "  --udp, --tcp    the cases of that protocol (default: what the program talks in the first case)\n"
            "  --server CMD    your own server behind the fault, a shell command that listens on {port}\n"
            "  --json          the results as JSON                   --junit FILE  and as JUnit XML\n"
            "  --record FILE   write a baseline                      --expect FILE compare with one\n"
            "  --show          let the program's output through      --jobs N      at a time (processors)\n"
            "  --capture DIR   a pcapng of each case\n\n"
            "  Exit: 0 as expected; 1 not, or without --expect a hang or a death by signal; 2 usage; 77 the kernel forbids it.\n");
    return CLI_OK;
}

static int list_cases(void)
{
    for (unsigned i = 0; i < gauntlet_case_count; i++)
        printf("%-20s %s\n", gauntlet_cases[i].name, gauntlet_cases[i].what);
    return CLI_OK;
}

static int check_baseline(const char *file)
{
    char error[REPORT_ERROR];

    if (access(file, R_OK) < 0)
        return cli_wrong("gauntlet", "%s cannot be read", file, "--record FILE writes a baseline for --expect");
    return report_check(file, error) < 0 ? cli_wrong("gauntlet", "%s", error, "--record FILE writes such a file") : CLI_OK;
}

enum { LIST = 256, UDP, TCP, SHOW, JOBS };
static const struct option options[] = {
    {"profile", 1, NULL, 'p'}, {"seed", 1, NULL, 's'}, {"date", 1, NULL, 'd'}, {"case", 1, NULL, 'c'},
    {"list", 0, NULL, LIST}, {"json", 0, NULL, 'j'}, {"junit", 1, NULL, 'J'}, {"expect", 1, NULL, 'e'}, {"record", 1, NULL, 'r'},
    {"server", 1, NULL, 'S'}, {"name", 1, NULL, 'n'}, {"port", 1, NULL, 'P'}, {"udp", 0, NULL, UDP},
    {"tcp", 0, NULL, TCP}, {"show", 0, NULL, SHOW}, {"jobs", 1, NULL, JOBS}, {"capture", 1, NULL, 'w'},
    {"help", 0, NULL, 'h'}, {0}};

static int parse(int argc, char **argv, struct gauntlet_options *o)
{
    int option, rc = CLI_OK;
    uint64_t number;

    optind = 1;
    while (rc == CLI_OK && (option = cli_getopt("gauntlet", argc, argv, options)) != -1)
        switch (option) {
        case 'p':
            o->profile = optarg;
            rc = cli_profile("gauntlet", optarg);
            break;
        case 's': rc = cli_number("gauntlet", "--seed", optarg, 0, UINT64_MAX, &o->seed); break;
        case 'd': rc = cli_date("gauntlet", optarg, &o->date_ns); break;
        case 'c':
            if (!case_find(optarg))
                return cli_unknown("gauntlet", "no case \"%s\"", optarg, case_nearest(optarg), "--list lists them");
            if (o->only_count < CASES_MAX)
                o->only[o->only_count++] = optarg;
            break;
        case 'j': o->json = true; break;
        case 'J':
            o->junit = optarg;
            rc = cli_output("gauntlet", "--junit", optarg);
            break;
        case 'e':
            o->expect = optarg;
            rc = check_baseline(optarg);
            break;
        case 'r':
            o->record = optarg;
            rc = cli_output("gauntlet", "--record", optarg);
            break;
        case 'S': o->server = optarg; break;
        case 'n':
            o->name = optarg;
            if (!*optarg || strlen(optarg) > 60 || strspn(optarg, NAME_LETTERS) != strlen(optarg))
                rc = cli_wrong("gauntlet", "\"%s\" is no name of a host", optarg,
                               "--name has letters, digits, dots and hyphens, at most 60");
            break;
        case 'P':
            rc = cli_number("gauntlet", "--port", optarg, 1, 65535, &number);
            o->port = (uint16_t)number;
            break;
        case 'w':
            o->capture = optarg;
            if (access(optarg, W_OK) < 0 && mkdir(optarg, 0777) < 0)
                rc = cli_wrong("gauntlet", "%s: no such directory, and it cannot be made", optarg,
                               "--capture writes a file for each case there");
            break;
        case UDP: o->udp = true; break;
        case TCP: o->tcp = true; break;
        case SHOW: o->show = true; break;
        case JOBS:
            rc = cli_number("gauntlet", "--jobs", optarg, 1, CASES_MAX, &number);
            o->jobs = (unsigned)number;
            break;
        case LIST: exit(list_cases());
        case 'h': exit(usage());
        default: return CLI_USAGE;
        }
    o->program = argv + optind;
    if (rc == CLI_OK && !*o->program)
        rc = cli_wrong("gauntlet", "%s is wanted", "a program", "lilliput gauntlet [OPTIONS] -- PROGRAM [ARGUMENTS], or --help");
    return rc == CLI_OK ? cli_program("gauntlet", *o->program) : rc;
}

static bool is_chosen(const struct gauntlet_options *o, const struct gauntlet_case *one)
{
    for (unsigned i = 0; i < o->only_count; i++)
        if (!strcmp(o->only[i], one->name))
            return true;
    if (o->only_count)
        return false;
    return one == &gauntlet_cases[0] || (one->udp ? o->udp : o->tcp);
}

/* --- jobs -------------------------------------------------------------------------------------------------------------------------- */
static void job_start(struct job *job, const struct gauntlet_options *o, unsigned processor)
{
    int ends[2];
    char capture[512];
    struct attempt_config config = {
        .one = job->one,
        .net = {.seed = o->seed, .profile = o->profile, .port = o->port, .name = o->name, .own_server = o->server != NULL},
        .program = o->program,
        .server = o->server,
        .show_output = o->show,
        .limit_ns = NETWORK_LIMIT_S * NS_PER_S,
        .date_ns = o->date_ns,
        .processor = processor};

    job->result.broken = true;
    job->processor = processor;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        job->done = true;
        return;
    }
    fflush(NULL);
    job->pid = fork();
    if (job->pid == 0) {
        if (o->capture) {
            snprintf(capture, sizeof capture, "%s/%s.pcapng", o->capture, job->one->name);
            config.capture = capture;
        }
        attempt_run(&config, &job->result);
        fflush(NULL);
        _exit(write(ends[1], &job->result, sizeof job->result) != sizeof job->result);
    }
    close(ends[1]);
    job->pipe = ends[0];
}

static void job_finish(struct job *job)
{
    if (job->pid > 0) {
        if (read(job->pipe, &job->result, sizeof job->result) != sizeof job->result)
            job->result.broken = true;
        close(job->pipe);
        waitpid(job->pid, NULL, 0);
    }
    job->done = true;
}

/* The first that no running job has. */
static unsigned free_processor(const struct job *jobs, unsigned started)
{
    bool is_taken[CASES_MAX + 2] = {0};
    unsigned processor = 1;

    for (unsigned i = 0; i < started; i++)
        is_taken[jobs[i].done ? 0 : jobs[i].processor] = true;
    while (is_taken[processor])
        processor++;
    return processor;
}

/* Threads of a runtime wait with time limits all the time (the JVM's, each 50 ms). What runs out in the first case too tells only of a
 * network that had been silent for a while. */
static void doubt_limit(struct attempt *a, const struct job *first)
{
    if (first->one == &gauntlet_cases[0] && !a->error && a->call[0] && a->silence_ns < NS_PER_S && !strcmp(a->call, first->result.ran_out))
        a->call[0] = 0;
}

static void run_jobs(struct job *jobs, unsigned count, const struct gauntlet_options *o)
{
    unsigned started = 0, printed = 0, running = 0;

    while (started < count && jobs[started].done) /* of an earlier round */
        printed = ++started;

    while (printed < count) {
        struct pollfd fds[CASES_MAX];
        while (started < count && running < o->jobs) {
            job_start(&jobs[started], o, free_processor(jobs, started));
            running += !jobs[started++].done;
        }
        for (unsigned i = 0; i < started; i++)
            fds[i] = (struct pollfd){jobs[i].done ? -1 : jobs[i].pipe, POLLIN, 0};
        poll(fds, started, -1);
        for (unsigned i = 0; i < started; i++)
            if (!jobs[i].done && fds[i].revents) {
                job_finish(&jobs[i]);
                running--;
            }
        for (; printed < started && jobs[printed].done; printed++) {
            doubt_limit(&jobs[printed].result, &jobs[0]);
            if (!o->json) {
                report_row(stdout, jobs[printed].one->name, &jobs[printed].result);
                fflush(stdout);
            }
        }
    }
}

/* --- the verdict --------------------------------------------------------------------------------------------------------------------- */
static bool is_printable(const char *word)
{
    while (*word >= ' ' && *word <= '~')
        word++;
    return !*word;
}

/* A word as a shell takes it: on one line, and what is not ASCII by its number ($'\x..'). */
static void print_quoted(FILE *out, const char *word)
{
    bool has_codes = !is_printable(word);

    if (*word && strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=:,./@%{}") == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputs(has_codes ? "$'" : "'", out);
    for (; *word; word++)
        if (*word == '\'')
            fputs(has_codes ? "\\'" : "'\\''", out);
        else if (has_codes && *word == '\n')
            fputs("\\n", out);
        else if (has_codes && (*word < ' ' || *word > '~'))
            fprintf(out, "\\x%02x", (unsigned char)*word);
        else
            fprintf(out, has_codes && *word == '\\' ? "\\%c" : "%c", *word);
    fputc('\'', out);
}

/* The line that runs the case again, as this run was called; the caller frees. */
static char *again_line(const struct gauntlet_options *o, const char *name)
{
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);

    if (!out)
        return NULL;
    print_quoted(out, program_invocation_name);
    fprintf(out, " gauntlet --case %s --profile %s --seed %" PRIu64 " --port %u", name, o->profile, o->seed, o->port);
    if (o->date_ns)
        fprintf(out, " --date @%llu", o->date_ns / NS_PER_S);
    if (strcmp(o->name, "server.test") != 0)
        fprintf(out, " --name %s", o->name);
    if (o->server) {
        fputs(" --server ", out);
        print_quoted(out, o->server);
    }
    fputs(" --", out);
    for (char **argument = o->program; *argument; argument++) {
        fputc(' ', out);
        print_quoted(out, *argument);
    }
    fclose(out);
    return line;
}

/* Without a baseline: what no program should do. */
static void judge(struct attempt *a)
{
    char word[100] = "";

    if (a->broken)
        snprintf(word, sizeof word, "could not be run");
    else if (a->hung)
        memcpy(word, "a hang: it ", 12), report_hang(a, word + 11, sizeof word - 11);
    else if (WIFSIGNALED(a->status))
        snprintf(word, sizeof word, "death by a signal");
    else if (!strncmp(report_server(a, word), "SIG", 3))
        snprintf(word, sizeof word, "the server's death by a signal");
    else
        word[0] = 0;
    snprintf(a->unexpected, sizeof a->unexpected, "%s", word);
}

/* The user's own server: where it ended before the program did, and not well; and that it never listened. False: it is not to be blamed. */
static bool print_server(const struct job *jobs, const struct attempt *all, unsigned count, uint16_t port)
{
    bool is_deaf = false, has_ended = false;

    for (unsigned i = 0; i < count; i++) {
        char word[ATTEMPT_WORD];
        is_deaf |= all[i].is_deaf;
        if (!*report_server(&all[i], word))
            continue;
        has_ended = true;
        printf("server: it ended in %s: %s\n", jobs[i].one->name, word);
    }
    if (is_deaf)
        printf("note: the server does not listen on port %u ({port} and $LILLIPUT_PORT tell it); --show lets its output through\n", port);
    return is_deaf || has_ended;
}

/* What a reader of the table should know. */
static void print_notes(const struct gauntlet_options *o, const struct job *jobs, bool blames_server)
{
    const struct attempt *first = &jobs[0].result;
    const struct attempt *fine = jobs[0].one == &gauntlet_cases[0] && !first->hung && !first->broken ? first : NULL;

    if (fine && !fine->talks_tcp && !fine->talks_udp && !fine->asks_names)
        printf("note: it connects to nobody, and sends no datagram, where nothing is wrong (fine): its rows tell nothing of it\n");
    else if (fine && fine->status && !blames_server)
        printf("note: it fails where nothing is wrong (fine): does it speak HTTP, DNS or echo to port %u of %s? See --port, --name, "
               "--server, --show\n",
               o->port, o->name);
}

static void print_table_end(const struct gauntlet_options *o, const struct job *jobs, const struct attempt *all, char *const *again,
                            unsigned count)
{
    unsigned hangs = 0, crashes = 0, broken = 0;
    bool blames_server;
    char hang[80];

    for (unsigned i = 0; i < count; i++) {
        hangs += all[i].hung;
        broken += all[i].broken;
        crashes += !all[i].hung && !all[i].broken && WIFSIGNALED(all[i].status);
        if (!all[i].hung)
            continue;
        report_hang(&all[i], hang, sizeof hang);
        printf("hang: %s %s; again: %s\n", jobs[i].one->name, hang, again[i]);
    }
    for (unsigned i = 0; o->expect && i < count; i++)
        if (all[i].unexpected[0])
            printf("unexpected: %s: %s\n", jobs[i].one->name, all[i].unexpected);
    blames_server = print_server(jobs, all, count, o->port);
    if (!o->expect)
        print_notes(o, jobs, blames_server);
    printf("%u case%s: %u ended, %u hangs, %u crashes%s (profile %s, seed %" PRIu64 ")\n", count, count == 1 ? "" : "s",
           count - hangs - crashes - broken, hangs, crashes, broken ? ", some could not be run" : "", o->profile, o->seed);
}

static int write_files(const struct gauntlet_options *o, const char *const *names, const struct attempt *all, char *const *again,
                       unsigned count)
{
    if (o->junit && report_junit(o->junit, names, all, again, count, o->program[0]) < 0)
        return cli_wrong("gauntlet", "%s could not be written", o->junit, strerror(errno));
    if (o->record && report_record(o->record, names, all, count) < 0)
        return cli_wrong("gauntlet", "%s could not be written", o->record, strerror(errno));
    return CLI_OK;
}

static int summarize(const struct gauntlet_options *o, struct job *jobs, unsigned count)
{
    const char *names[CASES_MAX] = {0};
    char *again[CASES_MAX] = {0};
    struct attempt all[CASES_MAX];
    unsigned faults = 0;
    int rc;

    for (unsigned i = 0; i < count; i++) {
        names[i] = jobs[i].one->name;
        all[i] = jobs[i].result;
        judge(&all[i]);
    }
    if (o->expect && report_expect(o->expect, names, all, count) < 0) {
        fprintf(stderr, "lilliput gauntlet: %s cannot be read\n", o->expect);
        return CLI_USAGE;
    }
    for (unsigned i = 0; i < count; i++) {
        again[i] = again_line(o, names[i]);
        faults += all[i].unexpected[0] != 0;
    }
    if (o->json)
        report_json(stdout, names, all, again, count, o->profile, o->seed);
    else
        print_table_end(o, jobs, all, again, count);
    rc = write_files(o, names, all, again, count);
    for (unsigned i = 0; i < count; i++)
        free(again[i]);
    return rc != CLI_OK ? rc : faults ? CLI_FAILED : CLI_OK;
}

static int body(void *ctx)
{
    struct gauntlet_options *o = ctx;
    static struct job jobs[CASES_MAX];
    unsigned count = 0;

    if (!o->json)
        report_head(stdout);
    if (!o->only_count) { /* the yardstick first: it shows what the program talks */
        jobs[count++].one = &gauntlet_cases[0];
        run_jobs(jobs, count, o);
        if (!o->udp && !o->tcp) {
            o->udp = jobs[0].result.talks_udp;
            o->tcp = jobs[0].result.talks_tcp || !o->udp;
        }
    }
    for (unsigned i = o->only_count ? 0 : 1; i < gauntlet_case_count; i++)
        if (is_chosen(o, &gauntlet_cases[i]))
            jobs[count++].one = &gauntlet_cases[i];
    run_jobs(jobs, count, o);
    return summarize(o, jobs, count);
}

int gauntlet_main(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct gauntlet_options o = {.profile = "linux",
                                 .seed = 1,
                                 .port = 80,
                                 .name = "server.test",
                                 .jobs = processors > 0 ? (unsigned)processors : 1};
    int rc = parse(argc, argv, &o);

    if (rc != CLI_OK)
        return rc;
    if (!tracer_is_permitted()) {
        fprintf(stderr, "lilliput gauntlet: ptrace is not permitted here, and virtual time needs it; `lilliput doctor` says what to do\n");
        return CLI_FORBIDDEN;
    }
    return launcher_guard(body, &o);
}
