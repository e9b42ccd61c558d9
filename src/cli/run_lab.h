/* run_lab.h: lab files whose programs are real ones (path: nginx, not builtin:daytime). */
#ifndef CLI_RUN_LAB_H
#define CLI_RUN_LAB_H
#include "cli/show.h"
#include "launch/launch.h"
#include "sim/topology.h"

struct lab_run {
    const char *file, *capture;
    uint64_t seed, until_ns; /* until_ns 0: the lab's stop_time */
    bool has_seed;
    struct show_config show; /* what 0: the programs' lines alone */
};
bool lab_has_programs(const struct topology *lab);
/* Runs a lab with its builtin and its real programs; prints their output behind the host's name. The exit status. */
int run_lab_programs(struct lab_run *run);
/* Every host's name with its addresses. */
void names_add_lab(struct names *names, const struct topology *lab);
#endif
