/* world.c: runs a pair of the programs here on two hosts of a small world: world daytime | tcpecho | udpecho. */
#include <stdio.h>
#include <string.h>
#include "lilliput/lilliput.h"

typedef int program_main(int argc, char **argv);
program_main daytimetcpcli_main, daytimetcpsrv_main, tcpcli_main, tcpservselect_main, udpcli_main, udpserv_main;

static const struct pair {
    const char *name;
    program_main *client, *server;
} pairs[] = {
    {"daytime", daytimetcpcli_main, daytimetcpsrv_main},
    {"tcpecho", tcpcli_main, tcpservselect_main},
    {"udpecho", udpcli_main, udpserv_main},
};

static int run(struct lil_proc *proc, void *argument)
{
    char name[] = "program", address[] = "206.62.226.35";
    char *argv[] = {name, address, NULL};

    (void)proc; /* the current process is set: the program's plain calls find it */
    return (*(program_main *const *)argument)(2, argv);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof pairs / sizeof pairs[0]; i++) {
        struct lil_world *world;
        struct lil_host *client, *server;
        int status;

        if (strcmp(argv[1], pairs[i].name) != 0)
            continue;
        world = lil_world_new(1);
        client = lil_world_host(world, "solaris", "linux");
        server = lil_world_host(world, "bsdi", "4.4bsd");
        lil_world_link(world, client, "206.62.226.33/27", server, "206.62.226.35/27", NULL);
        lil_world_spawn(world, server, run, (void *)&pairs[i].server);
        lil_world_spawn(world, client, run, (void *)&pairs[i].client);
        status = lil_world_run(world, LIL_NEVER);
        lil_world_free(world);
        return status;
    }
    fprintf(stderr, "usage: example_unp daytime | tcpecho | udpecho\n");
    return 2;
}
