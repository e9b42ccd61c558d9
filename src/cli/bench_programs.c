/* bench_programs.c: `lilliput bench programs`: unmodified programs in the lab beside the same programs on the kernel's
 * loopback, in one run, alternating, best of N each. A ratio is lab / kernel. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli/cli.h"


static const char setup_text[] =
    "mkdir -p $W/www; truncate -s 1G $W/www/huge; "
    "cat > $W/nginx.conf <<END\n"
    "worker_processes 1; daemon off; pid $W/pid; error_log $W/error.log;\n"
    "events { worker_connections 512; }\n"
    "http { access_log off; sendfile on; client_body_temp_path $W/a; proxy_temp_path $W/b; fastcgi_temp_path $W/c; uwsgi_temp_path $W/d;\n"
    "  scgi_temp_path $W/e; server { listen 127.0.0.1:18088; root $W/www; } }\n"
    "END\n";

#define REDIS "redis-server --port 16391 --bind 127.0.0.1 --save '' >/dev/null & sleep 0.4; redis-benchmark -p 16391 -t get -q "
#define REDIS_END " 2>/dev/null | tr '\\r' '\\n' | sed -n 's/^GET: \\([0-9.]*\\) requests.*/\\1/p' | tail -1; kill %%; wait 2>/dev/null"
static const struct figure {
    const char *what, *unit, *script;
    double goal;
} figures[] = {
    {"bulk nginx -> curl", "MB/s",
     "nginx -c $W/nginx.conf 2>/dev/null & sleep 0.4; curl -s -o /dev/null http://127.0.0.1:18088/huge; "
     "curl -s -o /dev/null -w '%{speed_download}\\n' http://127.0.0.1:18088/huge; kill %%; wait 2>/dev/null", 0.8},
    {"redis GET", "requests/s", REDIS "-n 100000" REDIS_END, 0.4},
    {"redis GET -P 32", "requests/s", REDIS "-n 500000 -P 32" REDIS_END, 0.4},
    {"connections (redis GET -k 0)", "1/s", REDIS "-n 10000 -k 0" REDIS_END, 0.3},
};

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

static int usage(FILE *out)
{
    fprintf(out, "usage: lilliput bench programs [--repeat N] [--json]\n"
                 "  nginx, curl and redis in the lab and on the kernel's loopback, alternating; the best of N (3) each.\n"
                 "  Exit: 0 when every ratio reaches its goal, 1 when not.\n");
    return out == stdout ? CLI_OK : CLI_USAGE;
}

int bench_programs_main(int argc, char **argv)
{
    static const struct option options[] = {{"repeat", 1, NULL, 'r'}, {"json", 0, NULL, 'j'}, {"help", 0, NULL, 'h'}, {0}};
    char directory[] = "/tmp/lilliput-bench.XXXXXX", remove[64];
    int repeat = 3, option, missed = 0;
    bool json = false;

    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
        if (option == 'r' && atoi(optarg) > 0)
            repeat = atoi(optarg);
        else if (option == 'j')
            json = true;
        else
            return usage(option == 'h' ? stdout : stderr);
    if (!mkdtemp(directory))
        return CLI_FAILED;
    chmod(directory, 0755);
    setenv("W", directory, 1);
    if (system(setup_text) != 0)
        return CLI_FAILED;
    if (!json)
        printf("%-30s %12s %12s %7s %7s\n", "", "lab", "kernel", "ratio", "goal");
    for (unsigned i = 0; i < sizeof figures / sizeof *figures; i++) {
        double lab = 0, kernel = 0, scale = strcmp(figures[i].unit, "MB/s") ? 1 : 1e6;
        for (int k = 0; k < repeat; k++) {
            double value = measure(figures[i].script, true);
            lab = value > lab ? value : lab;
            value = measure(figures[i].script, false);
            kernel = value > kernel ? value : kernel;
        }
        missed += !(kernel > 0 && lab >= figures[i].goal * kernel);
        if (json)
            printf("%s{\"what\": \"%s\", \"unit\": \"%s\", \"lab\": %.0f, \"kernel\": %.0f, \"ratio\": %.3f, \"goal\": %.1f}%s\n", i ? " " : "[", figures[i].what,
                   figures[i].unit, lab / scale, kernel / scale, kernel > 0 ? lab / kernel : 0, figures[i].goal, i + 1 < sizeof figures / sizeof *figures ? "," : "]");
        else
            printf("%-30s %12.0f %12.0f %7.2f %7.2f  %s\n", figures[i].what, lab / scale, kernel / scale, kernel > 0 ? lab / kernel : 0, figures[i].goal, figures[i].unit);
        fflush(stdout);
    }
    snprintf(remove, sizeof remove, "rm -rf '%s'", directory);
    return system(remove) != 0 || missed ? CLI_FAILED : CLI_OK;
}
