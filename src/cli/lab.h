/* lab.h: a lab file while it runs: its world, its programs (builtin: ones are fibers of the world, the others are
 * supervised), what they print, and whether each ended as the file expects. verb_run.c runs labs of builtin programs alone,
 * run_lab.c those with real ones, run_program.c a lab with one program more. */
#ifndef CLI_LAB_H
#define CLI_LAB_H
#include <jansson.h>
#include "apps/apps.h"
#include "cli/show.h"
#include "launch/launch.h"
#include "launch/names.h"
#include "sim/topology.h"

struct lab_options {
    const char *file, *capture;
    uint64_t seed, until_ns; /* until_ns 0: the lab's stop_time */
    bool has_seed, json;
    bool is_beside;          /* the lab is there for another program: what its own print goes to stderr, and no end of theirs matters */
    struct show_config show; /* what 0: the programs' lines alone */
};
struct lab_program {
    struct lab *lab;
    const struct topology_program *plan;
    struct app_start *start; /* builtin, with PROC */
    struct lil_proc *proc;
    struct program *real;
    json_t *lines;           /* --json: what it printed */
};
struct lab {
    const struct lab_options *options;
    struct topology *topology;
    struct lil_world *world;
    struct launcher *launcher; /* of the caller; without one there are builtin programs only */
    struct names names;        /* every host's name with its addresses */
    struct lab_program *programs;
    struct show *show;
    uint64_t seed;
};

/* run_lab.c: a lab with real programs, in a supervisor of its own; the exit status. */
int run_lab_programs(struct lab_options *options);

/* Reads the file and makes an empty world; CLI_OK, or CLI_USAGE when the reason was told. Then: set the launcher,
 * lab_build(), run, lab_judge(), lab_close() (after launcher_free()). */
int lab_open(struct lab *lab, const struct lab_options *options);
bool lab_has_real(const struct lab *lab); /* a program that is no builtin: one */
/* Hosts, links, events and programs; capture and time line begin. CLI_OK or CLI_USAGE. */
int lab_build(struct lab *lab);
uint64_t lab_until(const struct lab *lab);
/* CLI_OK or CLI_FAILED: did all end as expected? Each that did not is told with its line of the file; with JSON the result is printed. */
int lab_judge(const struct lab *lab);
void lab_close(struct lab *lab);
#endif
