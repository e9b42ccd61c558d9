/* apps.h: the built-in programs: ordinary blocking code over the public calls, for labs (path: builtin:NAME), the
 * book's table and the scenario tests. Each main gets its process and argv as a C program does; it prints with
 * lil_printf. */
#ifndef APPS_APPS_H
#define APPS_APPS_H
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lilliput/world.h"

struct app {
    const char *name, *usage, *summary;
    int (*main)(struct lil_proc *p, int argc, char **argv);
};
const struct app *app_find(const char *name); /* NULL */

/* A program with its arguments, to be spawned once; free it after the world. */
struct app_start;
struct app_start *app_start_new(const struct app *app, int argc, const char *const *argv /* without the name */);
void app_start_free(struct app_start *start);
struct lil_proc *app_spawn(struct lil_world *world, struct lil_host *host, uint64_t at_ns, struct app_start *start);

/* --- what the programs share (app_util.c) --- */
struct app_options { /* -p PORT -u -6 -n COUNT -s SIZE -i SECONDS -b BACKLOG -t SECONDS -a ADDRESS; the rest are
                        operands */
    uint16_t port;
    bool udp, v6, quiet;
    long count, size, interval_ms, backlog, timeout_ms;
    const char *address;
    const char *operands[4];
    int operand_count;
};
/* Reads argv into OPTIONS, whose fields hold the defaults. False: usage was printed. */
bool app_options(struct lil_proc *p, int argc, char **argv, struct app_options *options, int operands_min);
/* "connect error: ECONNREFUSED (Connection refused)", as UNP's err_sys; returns 1 for `return`. */
int app_error(struct lil_proc *p, const char *what);
int app_bad_address(struct lil_proc *p, const char *text);
bool app_address(const char *text, uint16_t port, struct sockaddr_storage *address, socklen_t *length);
const char *app_print_address(const struct sockaddr_storage *address, char *text, size_t size); /* "192.0.2.1.13" */
/* A bound TCP or UDP socket on the wildcard (or OPTIONS->address); listening when TCP. -1: said so. */
int app_server_socket(struct lil_proc *p, const struct app_options *options);
/* A connected socket. -1: said so. */
int app_client_socket(struct lil_proc *p, const struct app_options *options);
ssize_t app_write_all(struct lil_proc *p, int fd, const void *bytes, size_t length);
uint64_t app_ms(struct lil_proc *p);                  /* the host's time in ms */
const char *app_date(uint64_t now_ns, char text[32]); /* of the book's year, in virtual time */

/* A server of many connections in one process, by poll(2) (UNP 6.11). Each callback returns false to close. */
struct app_service {
    bool (*accepted)(struct lil_proc *p, int fd);
    bool (*readable)(struct lil_proc *p, int fd);
    bool (*writable)(struct lil_proc *p, int fd);
    void (*datagram)(struct lil_proc *p, int fd);
};
int app_serve(struct lil_proc *p, const struct app_options *options, const struct app_service *service);

#endif
