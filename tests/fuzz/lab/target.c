/* target.c: whatever a lab file says, its reader answers with a topology or one line, and the small internet built of
 * it runs, and ends, without a crash or a leak. An input is a lab file's text; lines.c makes new ones of old ones.
 * Programs that are not built in are left out. */
#include "../fuzz.h"
#include <stdlib.h>
#include <string.h>
#include "apps/apps.h"
#include "lilliput/lilliput.h"
#include "sim/topology.h"

enum { STARTS_MAX = 64, ARGUMENTS_MAX = 16, STEPS_MAX = 20000 };
static const uint64_t second_ns = 1000000000;
struct lab {
    struct app_start *starts[STARTS_MAX];
    unsigned count;
};

bool fuzz_may_change(const char *line, size_t length) { return length > 1 && *line != '#'; }

static struct lil_proc *start(void *ctx, struct lil_world *world, struct lil_host *host,
                              const struct topology_program *program, const char **error)
{
    struct lab *lab = ctx;
    const char *arguments[ARGUMENTS_MAX];
    *error = NULL;
    if (strncmp(program->path.text, "builtin:", 8) != 0 || lab->count == STARTS_MAX || program->arguments.count > ARGUMENTS_MAX)
        return NULL;
    const struct app *app = app_find(program->path.text + 8);
    if (!app) {
        *error = "there is no such builtin";
        return NULL;
    }
    for (unsigned i = 0; i < program->arguments.count; i++)
        arguments[i] = program->arguments.items[i].text;
    struct app_start *one = app_start_new(app, (int)program->arguments.count, arguments);
    if (!one)
        abort();
    lab->starts[lab->count++] = one;
    return app_spawn(world, host, program->start_ns, one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct topology *topology;
    struct lab lab = {.count = 0};
    struct topology_hooks hooks = {.ctx = &lab, .start = start};
    char error[TOPOLOGY_ERROR] = "", *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (topology_parse(&topology, "input", text, error) == 0) {
        struct lil_world *world = lil_world_new(7);
        int built = world ? topology_build(topology, world, &hooks, NULL, error) : -1;
        for (int i = 0; built == 0 && i < STEPS_MAX && lil_world_step(world, lil_world_now(world) + second_ns) < 200 * second_ns; i++)
            ;
        if (built < 0 && !*error)
            abort(); /* a refusal has its reason */
        lil_world_free(world);
        for (unsigned i = 0; i < lab.count; i++)
            app_start_free(lab.starts[i]);
        topology_free(topology);
    } else if (!*error || strchr(error, '\n')) {
        abort(); /* one line */
    }
    free(text);
    return 0;
}
