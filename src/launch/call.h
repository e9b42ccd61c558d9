/* call.h: a notified system call, its handlers, and what they share. A handler returns a result (>= 0), -errno, or one of CALL_*. */
#ifndef LAUNCH_CALL_H
#define LAUNCH_CALL_H
#include "launch/launch.h"

struct desc;
struct call {
    struct list node;          /* while held: on desc->held or launcher.held_unix */
    struct list held_node;     /* and on launcher.held */
    struct program *program;
    struct desc *desc;         /* the descriptor of its first argument, when it is ours */
    int inner;                 /* a duplicate of the program's end for the time of the handling; -1 */
    uint64_t id;
    pid_t tid;
    long nr;
    uint64_t args[6];
    uint64_t deadline_ns;      /* of a held call; LIL_NEVER */
    uint64_t done;             /* bytes moved so far by a held call */
    unsigned messages;         /* recvmmsg, sendmmsg: those that are done */
    uint64_t until_ns;         /* recvmmsg's time limit */
    unsigned tries;            /* how often it was handled before */
    bool is_killable;          /* its thread waits in state D, with a signal or without */
    bool is_timed;             /* counted in launcher.timed_calls */
    bool looks_again;          /* its deadline is no end, but when it is handled again */
    bool is_broken;            /* no longer waits in the kernel; kept on its list until its thread comes again, or is gone */
    bool is_answered;          /* and this is the answer that it missed (before Linux 5.19) */
    int64_t answer;
};
/* What the kernel says inside when a signal (or we) broke a call: it may be made again, or ends with EINTR. */
enum { ERESTARTSYS_ = 512, ERESTARTNOINTR_ = 513, ERESTARTNOHAND_ = 514, ERESTART_RESTARTBLOCK_ = 516 };
/* What a handler returns besides a result (>= 0) or -errno. */
enum { CALL_CONTINUE = -100001, CALL_HOLD = -100002, CALL_REPLIED = -100003 };

typedef int64_t call_handler(struct call *call);
/* A line in the log, which begins with the calling program's name. What was said of a program of this name is not said again. */
void call_log(const struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* call_socket.c, call_io.c */
call_handler call_socket, call_bind, call_connect, call_listen, call_accept, call_shutdown, call_getsockname,
    call_getpeername, call_setsockopt, call_getsockopt, call_ioctl, call_close, call_recv, call_send, call_sendfile,
    call_splice /* call_splice.c */;
call_handler call_read_random; /* reads of any kind, on a descriptor that is no socket: call_io.c */
call_handler call_open, call_ioctl_foreign, call_mount, call_refuse, call_ptrace; /* call_open.c */
call_handler call_affinity; /* place.c */
call_handler call_kill, call_spare_lab, call_set_owner, call_get_owner; /* call_kill.c */
int64_t call_wait_unix(struct call *call, int option); /* call_unix.c; OPTION: SO_RCVTIMEO or SO_SNDTIMEO */
call_handler call_receive_unix;                         /* reads of any kind, on an AF_UNIX socket of the program's own */
bool call_retry_unix(struct launcher *launcher);       /* true: one that waited goes on */
uint64_t call_next_unix(const struct launcher *launcher);

/* What handlers share. */
bool call_is_blocking(const struct call *call, int flags); /* no O_NONBLOCK, no MSG_DONTWAIT */
/* The deadline that SO_RCVTIMEO or SO_SNDTIMEO gives a call that begins to wait now. */
uint64_t call_deadline(const struct call *call, int option);
/* A call that found nothing begins to wait: its deadline is set. false: it does not block, or that deadline has passed. */
bool call_begin_wait(struct call *call, int flags, int option);
/* The stack has begun to connect the call's socket (PENDING: and is not done): the call's answer, or CALL_HOLD. */
int64_t call_connect_begun(struct call *call, bool pending);
int64_t call_connect_state(struct call *call); /* the same, when it is handled again */
/* What a failed connect() left behind is the next call's answer, once; 0: nothing. */
int call_take_error(struct call *call, int flags);
void call_record(struct call *call, const char *name, int error);
int64_t call_broken_pipe(struct call *call, int flags); /* EPIPE and, without MSG_NOSIGNAL, the signal */
#endif
