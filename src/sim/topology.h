/* topology.h: lab files: an internet as YAML (docs/LABS.md), read and checked whole, then built into a world. Every
 * error is one line: `labs/x.yaml:12:9: unknown key "latency" in links[1]; did you mean "delay"?`. topology_units.c
 * reads 10ms, 1%, 10mbit; topology_read.c walks the YAML; topology.c is the file's grammar; topology_build.c makes the
 * world. */
#ifndef SIM_TOPOLOGY_H
#define SIM_TOPOLOGY_H
#include "base/base.h"
#include "lilliput/world.h"

struct fy_document;
struct topology_text { /* a scalar and where it stands; text NULL: not given */
    const char *text;
    int line, column;
};
struct topology_pair {
    struct topology_text key, value;
};
struct topology_pairs {
    struct topology_pair *items;
    unsigned count;
};
struct topology_texts {
    struct topology_text *items;
    unsigned count;
};
struct topology_interface {
    struct topology_text name, mac;
    struct topology_texts addresses; /* "auto": IPv6 configures itself */
    unsigned mtu;
    bool advertise; /* a router says so on this link */
};
enum topology_final {
    TOPOLOGY_FINE /* running or exit 0: nothing was said */,
    TOPOLOGY_ANY,
    TOPOLOGY_RUNNING,
    TOPOLOGY_EXITED,
    TOPOLOGY_SIGNALED
};
struct topology_program {
    struct topology_text path, host;
    struct topology_texts arguments; /* without the program's own name */
    struct topology_pairs environment;
    uint64_t start_ns, stop_ns; /* stop LIL_NEVER: it ends by itself */
    enum topology_final final;
    int final_value;
};
struct topology_host {
    struct topology_text name, profile;
    bool router;
    struct topology_interface *interfaces;
    unsigned interface_count;
    struct topology_pairs routes, overrides, sysctls, neighbors;
    unsigned first_program, program_count;
};
struct topology_profile {
    struct topology_text name, base;
    struct topology_pairs overrides;
};
struct topology_link { /* a link, or a switch's port: to is the switch then */
    struct topology_text from, to;
    int to_switch; /* -1: a link */
    struct lil_link_config config;
};
struct topology_switch {
    struct topology_text name;
};
struct topology_event { /* something that happens to the net at a time */
    uint64_t at_ns;
    struct topology_text link, crash;
    struct lil_link_config config;
    uint32_t given; /* which of the link's words were given */
};
struct topology {
    char *file, *yaml; /* its name; its text, which the document refers to */
    uint64_t seed, stop_ns;
    bool has_seed, real_time;
    struct topology_text default_profile;
    struct topology_profile *profiles;
    struct topology_host *hosts;
    struct topology_switch *switches;
    struct topology_link *links;
    struct topology_program *programs;
    struct topology_event *events;
    unsigned profile_count, host_count, switch_count, link_count, program_count, event_count;
    struct fy_document *document; /* owns the texts */
};

enum { TOPOLOGY_ERROR = 512 };
/* -EINVAL (or -ENOENT ...) with the one line in ERROR. */
int topology_load(struct topology **out, const char *path, char error[TOPOLOGY_ERROR]) MUST_CHECK;
int topology_parse(struct topology **out, const char *name, const char *yaml, char error[TOPOLOGY_ERROR]) MUST_CHECK;
void topology_free(struct topology *topology);

/* What the builder asks the caller for: sim/ knows no programs. */
struct topology_hooks {
    void *ctx;
    /* Starts a program. Returns its process (builtin), NULL with *ERROR NULL when it is another kind that the caller
     * took care of, or NULL with *ERROR set to what is wrong with its path ("unknown builtin ..."). */
    struct lil_proc *(*start)(void *ctx, struct lil_world *world, struct lil_host *host,
                              const struct topology_program *program, const char **error);
};
/* Builds everything into WORLD, which should be new. PROCS, when not NULL, gets program_count entries. */
int topology_build(const struct topology *topology, struct lil_world *world, const struct topology_hooks *hooks,
                   struct lil_proc **procs, char error[TOPOLOGY_ERROR]) MUST_CHECK;

/* topology_units.c: 0, or -EINVAL. Without floating point: "1.5s", "10ms" to ns; "10mbit" to bits a second (tc's units:
 * bps is bytes); "1%" to parts per 2^32. WHY says what is wrong. */
int topology_time(const char *text, uint64_t *ns, const char **why) MUST_CHECK;
int topology_rate(const char *text, uint64_t *bits_per_s, const char **why) MUST_CHECK;
int topology_percent(const char *text, uint32_t *parts, const char **why) MUST_CHECK;
int topology_number(const char *text, uint64_t max, uint64_t *value, const char **why) MUST_CHECK;
int topology_bool(const char *text, bool *value, const char **why) MUST_CHECK;
/* "bsdi:ef0" into its parts. */
int topology_endpoint(const char *text, char *host, size_t host_size, const char **interface) MUST_CHECK;

#endif
