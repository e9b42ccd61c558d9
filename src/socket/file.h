/* file.h: what a descriptor names. A process holds descriptors, a descriptor a reference to a file, a file its
 * operations. Sockets (sock.h), epoll instances (epoll.c) and pipes (pipe.c) are files. A file carries its waiters
 * (host/runtime.h) as a list behind one pointer: everything that is told of readiness (a sleeping call, an epoll item,
 * a supervisor) is one. Read file_wait.c for the one place where a call waits, proc.c for the table of descriptors. */
#ifndef SOCKET_FILE_H
#define SOCKET_FILE_H
#include <poll.h>
#include <sys/socket.h>
#include "host/host.h"
#include "host/runtime.h"
#include "lilliput/socket.h"

struct file;
struct sockets;

enum file_name { NAME_OWN, NAME_PEER, NAME_ACCEPTED /* the peer, even of a connection that is over */ };

/* Results are 0 or positive, or -Exxx. A missing operation is answered by call.c with the errno of "not a socket" or
 * "not supported". */
struct file_ops {
    bool is_socket;
    ssize_t (*send)(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags);
    ssize_t (*receive)(struct lil_proc *proc, struct file *file, struct msghdr *message, int flags);
    /* One buffer, no flags, no name, no control data: may be NULL, send and receive do it then. */
    ssize_t (*write)(struct lil_proc *proc, struct file *file, const void *buffer, size_t size);
    ssize_t (*read)(struct lil_proc *proc, struct file *file, void *buffer, size_t size);
    unsigned (*events)(struct file *file);                     /* as poll(2) */
    void (*close)(struct sockets *sockets, struct file *file); /* the last reference is gone: frees the file */
    int (*linger)(struct lil_proc *proc, struct file *file);   /* may wait before the last close; may be NULL */
    int (*bind)(struct lil_proc *proc, struct file *file, const struct sockaddr *address, socklen_t length);
    int (*connect)(struct lil_proc *proc, struct file *file, const struct sockaddr *address, socklen_t length);
    int (*listen)(struct lil_proc *proc, struct file *file, int backlog);
    int (*accept)(struct lil_proc *proc, struct file *file, struct file **out);
    int (*name)(struct file *file, enum file_name which, struct sockaddr_storage *address); /* its length */
    int (*shutdown)(struct lil_proc *proc, struct file *file, int how);
    int (*readable)(struct file *file); /* FIONREAD */
    int (*ioctl)(struct lil_proc *proc, struct file *file, unsigned long request, void *argument);
    /* NULL: those of the Internet families (option.c). */
    int (*setopt)(struct lil_proc *proc, struct file *file, int level, int name, const void *value, socklen_t length);
    int (*getopt)(struct lil_proc *proc, struct file *file, int level, int name, void *value, socklen_t *length);
};

enum { FILE_NONBLOCK = 1, FILE_ASYNC = 2 };
struct file {
    struct list *waiters; /* the first waiter's node; NULL: none (file_watch) */
    const struct file_ops *ops;
    struct sockets *sockets;
    uint32_t refs;
    uint8_t flags;  /* FILE_* */
    uint8_t family; /* what follows is sock.h's, here because it fills the word */
    uint8_t type, protocol;
};

void file_ref(struct file *file);
void file_unref(struct file *file); /* the last one closes */
/* Waiters: each is told once of every edge; the list may change during the call only by the waiter told. */
void file_watch(struct file *file, struct waiter *waiter);
void file_wake(struct file *file, unsigned events);
static inline unsigned file_events(struct file *file)
{
    return file->ops->events(file);
}
static inline bool file_is_blocking(const struct file *file, int flags)
{
    return !(file->flags & FILE_NONBLOCK) && !(flags & MSG_DONTWAIT);
}

/* --- processes (proc.c) ----------------------------------------------------------------------- */
struct wait_entry { /* one file that a sleeping call watches */
    struct waiter waiter;
    struct lil_proc *proc;
    struct file *file;
};
struct lil_proc {
    struct list node; /* sockets->procs */
    struct sockets *sockets;
    uintptr_t *table;      /* a file and DESCRIPTOR_CLOEXEC, or 0 */
    uint64_t *open, *full; /* a bit a descriptor; a bit a full word of them */
    uint32_t capacity;     /* descriptors; a multiple of 4096 */
    uint32_t limit;        /* RLIMIT_NOFILE */
    uint32_t reserved;     /* 0-2 stay the system's */
    uint32_t lowest;       /* of those from RESERVED on none below it is free */
    uint32_t uid;
    int pid;
    const struct proc_runtime *runtime;
    struct wait_entry one;   /* a call that waits for one file ... */
    struct wait_entry *many; /* ... or for many (poll, select); reused */
    uint32_t many_count, many_capacity;
};
enum { DESCRIPTOR_CLOEXEC = 1 };

static inline struct file *proc_file(const struct lil_proc *proc, int fd) /* NULL: -EBADF */
{
    if ((uint32_t)fd >= proc->capacity)
        return NULL;
    return (struct file *)(proc->table[fd] & ~(uintptr_t)DESCRIPTOR_CLOEXEC);
}
/* The lowest free descriptor, at least FROM, with room for it in the table: proc_put cannot fail. -EMFILE, -ENOMEM. */
int proc_next(struct lil_proc *proc, int from) MUST_CHECK;
int proc_at(struct lil_proc *proc, int fd) MUST_CHECK; /* room for this very one (dup2). -EBADF, -ENOMEM */
void proc_put(struct lil_proc *proc, int fd, struct file *file, bool cloexec); /* the reference goes over */
int proc_close(struct lil_proc *proc, int fd, bool may_wait);
bool proc_get_cloexec(const struct lil_proc *proc, int fd);
void proc_set_cloexec(struct lil_proc *proc, int fd, bool on);
bool proc_is_privileged(const struct lil_proc *proc);

/* --- waiting (file_wait.c) ------------------------------------------------------------------------- */
/* Sleeps until FILE has news of EVENTS. 0: look again; -EAGAIN: inline, or the deadline passed; -EINTR. */
int wait_file(struct lil_proc *proc, struct file *file, unsigned events, uint64_t deadline_ns) MUST_CHECK;
/* The same for many: reserve room (-ENOMEM), add each, sleep, clear. */
int wait_reserve(struct lil_proc *proc, uint32_t count) MUST_CHECK;
void wait_add(struct lil_proc *proc, struct file *file, unsigned events);
int wait_many(struct lil_proc *proc, uint64_t deadline_ns) MUST_CHECK;
void wait_clear(struct lil_proc *proc);
static inline bool wait_is_inline(const struct lil_proc *proc)
{
    return !proc->runtime;
}
uint64_t wait_deadline(struct lil_proc *proc, uint64_t timeout_ns); /* 0: LIL_NEVER */

#endif
