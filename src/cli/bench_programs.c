/* bench_programs.c: `lilliput bench programs`: unmodified programs in the lab beside the same programs on the kernel's
 * loopback, in one run, alternating. Single runs say little: machines drift, and a virtual one's scheduler places two programs now on one
 * processor and now on two. So the ratio is that of the medians; the range is that of two runs which followed each other. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"

enum { REPEAT = 3, REPEAT_MAX = 64 };

static const char setup_text[] =
    "mkdir -p $W/www; truncate -s 1G $W/www/huge; "
    "cat > $W/nginx.conf <<END\n"
    "worker_processes 1; daemon off; pid $W/pid; error_log $W/error.log;\n"
    "events { worker_connections 512; }\n"
    "http { access_log off; sendfile on; client_body_temp_path $W/a; proxy_temp_path $W/b; fastcgi_temp_path $W/c; uwsgi_temp_path $W/d;\n"
    "  scgi_temp_path $W/e; server { listen 127.0.0.1:$P; root $W/www; } }\n"
    "END\n";

/* Scripts print one number. $W: a directory of ours; $P: a port. A server that does not come up within 5 s is not waited for. */
#define WAIT(probe) "for i in $(seq 100); do " probe " >/dev/null 2>&1 && break; sleep 0.05; done; "
#define END "; kill %%; wait 2>/dev/null"
#define REDIS(arguments)                                                                                               \
    "redis-server --port $P --bind 127.0.0.1 --save '' >/dev/null & " WAIT("redis-cli -p $P ping")                     \
    "redis-benchmark -p $P -t get -q " arguments " 2>/dev/null | tr '\\r' '\\n' | "                                    \
    "sed -n 's/^GET: \\([0-9.]*\\) requests.*/\\1/p' | tail -1" END
static const struct figure {
    const char *key, *what, *unit;
    double scale, goal;
    const char *needs[3], *script;
} figures[] = {
    {"bulk", "nginx -> curl, 1 GB", "MB/s", 1e6, 0.8, {"nginx", "curl"},
     "nginx -c $W/nginx.conf 2>/dev/null & " WAIT("curl -s http://127.0.0.1:$P/") "curl -s -o /dev/null http://127.0.0.1:$P/huge; "
     "curl -s -o /dev/null -w '%{speed_download}\\n' http://127.0.0.1:$P/huge" END},
    {"get", "redis GET, 50 clients", "1/s", 1, 0.4, {"redis-server", "redis-benchmark", "redis-cli"}, REDIS("-n 100000")},
    {"pipeline", "redis GET -P 32", "1/s", 1, 0.4, {"redis-server", "redis-benchmark", "redis-cli"}, REDIS("-n 500000 -P 32")},
    {"connections", "redis GET, one a connection", "1/s", 1, 0.3, {"redis-server", "redis-benchmark", "redis-cli"}, REDIS("-n 10000 -k 0")},
};
enum { FIGURES = sizeof figures / sizeof *figures };

static bool is_installed(const char *program)
{
    const char *path = getenv("PATH");
    char file[4096];

    for (size_t length; path && *path; path += length + (path[length] == ':')) {
        length = strcspn(path, ":");
        if (snprintf(file, sizeof file, "%.*s/%s", (int)length, path, program) < (int)sizeof file && access(file, X_OK) == 0)
            return true;
    }
    return false;
}

/* The first program that FIGURE needs and the machine has not; NULL: none. */
static const char *missing(const struct figure *figure)
{
    for (unsigned i = 0; i < sizeof figure->needs / sizeof *figure->needs; i++)
        if (figure->needs[i] && !is_installed(figure->needs[i]))
            return figure->needs[i];
    return NULL;
}

/* The number that SCRIPT prints, in the lab or on the kernel; 0: it failed. */
static double measure(const char *script, bool lab)
{
    char self[4096], *command = NULL, line[128] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    FILE *out;

    if (n < 0)
        return 0;
    self[n] = 0;
    setenv("SCRIPT", script, 1);
    if (asprintf(&command, "%s%s%s bash -c \"$SCRIPT\" </dev/null", lab ? "'" : "", lab ? self : "", lab ? "' run --" : "") < 0)
        return 0;
    out = popen(command, "re");
    while (out && fgets(line, sizeof line, out))
        ;
    if (out)
        pclose(out);
    free(command);
    return atof(line);
}

static void progress(const struct figure *figure, bool lab, int run, int repeat)
{
    if (isatty(2))
        fprintf(stderr, "\r\033[K%s: %s, run %d of %d ...", figure->key, lab ? "in the lab" : "on the kernel", run + 1, repeat);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static json_t *runs_of(const double *values, int count)
{
    json_t *runs = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(runs, json_real(values[i]));
    return runs;
}

/* True: its goal is reached. */
static bool measure_figure(const struct figure *figure, int repeat, json_t *json)
{
    double lab[REPEAT_MAX], kernel[REPEAT_MAX], ratio[REPEAT_MAX], median;

    for (int i = 0; i < repeat; i++) {
        progress(figure, true, i, repeat);
        lab[i] = measure(figure->script, true) / figure->scale;
        progress(figure, false, i, repeat);
        kernel[i] = measure(figure->script, false) / figure->scale;
        ratio[i] = kernel[i] > 0 ? lab[i] / kernel[i] : 0;
    }
    if (isatty(2))
        fprintf(stderr, "\r\033[K");
    if (json)
        json_object_set_new(json, figure->key, json_pack("{s:s, s:s, s:o, s:o}", "what", figure->what, "unit", figure->unit, "lab",
                                                         runs_of(lab, repeat), "kernel", runs_of(kernel, repeat)));
    qsort(lab, (size_t)repeat, sizeof *lab, by_value);
    qsort(kernel, (size_t)repeat, sizeof *kernel, by_value);
    qsort(ratio, (size_t)repeat, sizeof *ratio, by_value);
    median = kernel[repeat / 2] > 0 ? lab[repeat / 2] / kernel[repeat / 2] : 0;
    if (json)
        json_object_update_new(json_object_get(json, figure->key),
                               json_pack("{s:f, s:f, s:b}", "ratio", median, "goal", figure->goal, "reached", median >= figure->goal));
    else if (ratio[0] <= 0)
        printf("%-12s %-28s a run failed\n", figure->key, figure->what);
    else
        printf("%-12s %-28s %9.0f %9.0f %-5s %6.2f %6.2f %6.2f  >= %.1f %s\n", figure->key, figure->what,
               lab[repeat / 2], kernel[repeat / 2], figure->unit, median, ratio[0], ratio[repeat - 1], figure->goal,
               median >= figure->goal ? "yes" : "NO");
    fflush(stdout);
    return median >= figure->goal && ratio[0] > 0;
}

static int usage(void)
{
    printf("usage: lilliput bench programs [--only KEY] [--repeat N] [--json]\n"
           "  Unmodified programs in the lab and on the kernel's loopback, alternating; medians of N (3) runs each.\n"
           "  Keys:");
    for (int i = 0; i < FIGURES; i++)
        printf("%s %s (%s)", i ? "," : "", figures[i].key, figures[i].what);
    printf("\n  Exit: 0 when every ratio reaches its goal, 1 when not, 77 when a program that is needed is not installed.\n");
    return CLI_OK;
}

static int measure_all(const char *only, int repeat, bool is_json)
{
    json_t *json = is_json ? json_object() : NULL;
    int result = CLI_OK;

    if (!json)
        printf("%-12s %-28s %9s %9s %-5s %6s %6s %6s  %s\n", "KEY", "", "LAB", "KERNEL", "", "RATIO", "MIN", "MAX", "GOAL");
    for (int i = 0; i < FIGURES; i++) {
        const char *lacks = missing(&figures[i]);
        if (only && strcmp(only, figures[i].key) != 0)
            continue;
        if (lacks) {
            fprintf(stderr, "lilliput bench: %s: %s is not installed\n", figures[i].key, lacks);
            result = result ? result : CLI_FORBIDDEN;
        } else if (!measure_figure(&figures[i], repeat, json)) {
            result = CLI_FAILED;
        }
    }
    if (json)
        cli_print_json(json);
    return result;
}

static bool is_key(const char *text)
{
    for (int i = 0; i < FIGURES; i++)
        if (strcmp(text, figures[i].key) == 0)
            return true;
    return false;
}

int bench_programs_main(int argc, char **argv)
{
    static const struct option options[] = {
        {"only", 1, NULL, 'o'}, {"repeat", 1, NULL, 'r'}, {"json", 0, NULL, 'j'}, {"help", 0, NULL, 'h'}, {0}};
    char directory[] = "/tmp/lilliput-bench.XXXXXX", text[64];
    const char *only = NULL;
    uint64_t repeat = REPEAT;
    int option, result, rc = CLI_OK;
    bool json = false;

    optind = 1;
    while (rc == CLI_OK && (option = cli_getopt("bench programs", argc, argv, options)) != -1)
        switch (option) {
        case 'o':
            only = optarg;
            if (!is_key(only))
                rc = cli_wrong("bench programs", "--only %s: no such key", only, "`lilliput bench programs --help` lists them");
            break;
        case 'r': rc = cli_number("bench programs", "--repeat", optarg, 1, REPEAT_MAX, &repeat); break;
        case 'j': json = true; break;
        case 'h': return usage();
        default: return CLI_USAGE;
        }
    if (rc == CLI_OK)
        rc = cli_no_operands("bench programs", argc, argv, NULL);
    if (rc != CLI_OK)
        return rc;
    if (!mkdtemp(directory))
        return CLI_FAILED;
    chmod(directory, 0755);
    snprintf(text, sizeof text, "%d", 20000 + (int)(getpid() % 10000)); /* two benches at once on one kernel */
    setenv("W", directory, 1);
    setenv("P", text, 1);
    result = system(setup_text) == 0 ? measure_all(only, (int)repeat, json) : CLI_FAILED;
    snprintf(text, sizeof text, "rm -rf '%s'", directory);
    return system(text) != 0 ? CLI_FAILED : result;
}
