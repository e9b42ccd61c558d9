/* syscall.h: one system call of a script: its arguments, its result, and what it must have written. A handler reads the
 * arguments, calls lil_*, sets result and error, and compares what came back with what the script says. */
#ifndef SCRIPT_CALL_SYSCALL_H
#define SCRIPT_CALL_SYSCALL_H
#include "script/run/run.h"

void call_run(struct run *run, const struct script_event *event); /* on the coroutine */

struct call {
    struct run *run;
    const struct script_event *event;
    const struct spec_call *spec;
    int64_t result;
    int error;                 /* errno when result is -1 */
    bool makes_fd;             /* result is a descriptor */
    enum fd_kind kind;
    struct conn *conn;         /* of the new descriptor */
    jmp_buf over;              /* call_fail and call_skip, on the coroutine's stack */
    char what[300];            /* a difference in what the call wrote */
};
typedef void call_handler(struct call *call);
struct call_entry {
    const char *name;
    unsigned least, most;      /* arguments */
    call_handler *run;
};
extern const struct call_entry call_socket_entries[], call_io_entries[], call_option_entries[], call_poll_entries[], call_message_entries[];

/* Bad arguments end the script. */
_Noreturn void call_fail(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void call_skip(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
void call_differ(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
void call_set(struct call *call, int64_t result); /* takes errno when negative */

const struct expr *call_argument(struct call *call, unsigned i);
bool call_is_ellipsis(struct call *call, unsigned i);
int64_t call_number(struct call *call, const struct expr *expr);
int64_t call_integer(struct call *call, unsigned i);
struct fd_entry *call_fd(struct call *call, unsigned i); /* ends the script when unknown */
int call_live_fd(struct call *call, unsigned i);        /* -1 for unknown ones: the host says EBADF */
/* The field of a structure, by name or (when none is named) by position; NULL: not there. */
const struct expr *call_field(const struct expr *expr, const char *name, unsigned position);
/* Fails the script for a field whose name is not among NAMES (NULL-terminated). */
void call_check_names(struct call *call, const struct expr *expr, const char *const *names);
/* [x] -> x, x -> x. */
const struct expr *call_inner(const struct expr *expr);
/* The address of argument I, or FALLBACK:PORT for `...`. Returns the length. */
socklen_t call_address(struct call *call, const struct expr *expr, const struct addr *fallback, uint16_t port,
                       struct sockaddr_storage *out);
void call_check_address(struct call *call, const struct expr *expr, const struct sockaddr_storage *got, socklen_t length);
void call_check_number(struct call *call, const char *what, const struct expr *expr, int64_t got);
void *call_buffer(struct call *call, size_t size); /* zeroed, lives as long as the script */
/* A pointer that the script writes itself, NULL or a number (which none of its own memory has); else OTHERWISE. */
void *call_pointer(struct call *call, const struct expr *expr, void *otherwise);
void call_fill(void *buffer, size_t size);         /* what writes send */
#endif
