/* socket.h: the BSD sockets API with a lil_ prefix and the system's own constants and structures.
 *
 * Every call takes the process first, as the BSD kernel's take struct proc: a table of descriptors, lowest free first
 * from 3 on (0-2 are the system's until dup2 takes one), on a host. Results are POSIX's: -1 with errno. Calls take no
 * time: they use the host's last now_ns, change state and mark the host due; poll the host again before sleeping. Where
 * a call would block: in a fiber it waits; inline (an embedder's own loop) it returns -1 with EAGAIN (connect:
 * EINPROGRESS). UNP chapters 4 to 8 tell what each is for. */
#ifndef LILLIPUT_SOCKET_H
#define LILLIPUT_SOCKET_H
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "lilliput/host.h"

LIL_API struct lil_proc *lil_proc_new(struct lil_host *host); /* uid 0 */
/* Closes what is open, as exit() does. */
LIL_API void lil_proc_free(struct lil_proc *proc);
LIL_API struct lil_host *lil_proc_host(const struct lil_proc *proc);
LIL_API void lil_proc_set_uid(struct lil_proc *proc, unsigned uid); /* ports under 1024, raw sockets */
LIL_API void lil_proc_set_limit(struct lil_proc *proc, unsigned descriptors); /* RLIMIT_NOFILE: EMFILE */
LIL_API void lil_proc_set_pid(struct lil_proc *proc, int pid);      /* for traces */
LIL_API int lil_proc_pid(const struct lil_proc *proc);

/* Closes every descriptor without waiting, as exit() does; the process stays. */
LIL_API void lil_proc_close_all(struct lil_proc *proc);
/* Is FD one of the process's descriptors? 0-2 are the system's until dup2 takes them. */
LIL_API bool lil_is_open(const struct lil_proc *proc, int fd);
/* The process that override.h's plain names act on, one a thread; set by the runtime of a program, or by an embedder.
 * Returns the old one. */
LIL_API struct lil_proc *lil_current(void);
LIL_API struct lil_proc *lil_set_current(struct lil_proc *proc);
/* exit(): ends the program that PROC is. Returns only where there is none to end (inline). */
LIL_API void lil_exit(struct lil_proc *proc, int status);

LIL_API int lil_socket(struct lil_proc *p, int domain, int type, int protocol);
LIL_API int lil_socketpair(struct lil_proc *p, int domain, int type, int protocol, int fds[2]);
LIL_API int lil_bind(struct lil_proc *p, int fd, const struct sockaddr *address, socklen_t length);
LIL_API int lil_connect(struct lil_proc *p, int fd, const struct sockaddr *address, socklen_t length);
LIL_API int lil_listen(struct lil_proc *p, int fd, int backlog);
LIL_API int lil_accept(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length);
LIL_API int lil_accept4(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length, int flags);
LIL_API int lil_getsockname(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length);
LIL_API int lil_getpeername(struct lil_proc *p, int fd, struct sockaddr *address, socklen_t *length);
LIL_API int lil_shutdown(struct lil_proc *p, int fd, int how);
LIL_API int lil_close(struct lil_proc *p, int fd);
LIL_API int lil_dup(struct lil_proc *p, int fd);
LIL_API int lil_dup2(struct lil_proc *p, int fd, int to);
LIL_API int lil_pipe2(struct lil_proc *p, int fds[2], int flags);

LIL_API ssize_t lil_read(struct lil_proc *p, int fd, void *buffer, size_t size);
LIL_API ssize_t lil_write(struct lil_proc *p, int fd, const void *buffer, size_t size);
LIL_API ssize_t lil_readv(struct lil_proc *p, int fd, const struct iovec *iov, int count);
LIL_API ssize_t lil_writev(struct lil_proc *p, int fd, const struct iovec *iov, int count);
LIL_API ssize_t lil_recv(struct lil_proc *p, int fd, void *buffer, size_t size, int flags);
LIL_API ssize_t lil_send(struct lil_proc *p, int fd, const void *buffer, size_t size, int flags);
LIL_API ssize_t lil_recvfrom(struct lil_proc *p, int fd, void *buffer, size_t size, int flags, struct sockaddr *address, socklen_t *length);
LIL_API ssize_t lil_sendto(struct lil_proc *p, int fd, const void *buffer, size_t size, int flags,
                           const struct sockaddr *address, socklen_t length);
LIL_API ssize_t lil_recvmsg(struct lil_proc *p, int fd, struct msghdr *message, int flags);
LIL_API ssize_t lil_sendmsg(struct lil_proc *p, int fd, const struct msghdr *message, int flags);

LIL_API int lil_getsockopt(struct lil_proc *p, int fd, int level, int name, void *value, socklen_t *length);
LIL_API int lil_setsockopt(struct lil_proc *p, int fd, int level, int name, const void *value, socklen_t length);
LIL_API int lil_ioctl(struct lil_proc *p, int fd, unsigned long request, void *argument);
LIL_API int lil_fcntl(struct lil_proc *p, int fd, int command, long argument);

/* TIMEOUT in virtual milliseconds (-1: for ever); inline they never block. */
LIL_API int lil_poll(struct lil_proc *p, struct pollfd *fds, nfds_t count, int timeout);
LIL_API int lil_select(struct lil_proc *p, int count, fd_set *readable, fd_set *writable, fd_set *exceptional, struct timeval *timeout);
LIL_API int lil_epoll_create1(struct lil_proc *p, int flags);
LIL_API int lil_epoll_ctl(struct lil_proc *p, int epfd, int operation, int fd, struct epoll_event *event);
LIL_API int lil_epoll_wait(struct lil_proc *p, int epfd, struct epoll_event *events, int max, int timeout);

/* A word for a descriptor's TCP state ("ESTABLISHED"), or NULL. */
LIL_API const char *lil_tcp_state(struct lil_proc *p, int fd);
/* Both queues of a listener; -EINVAL when it is none. */
LIL_API int lil_listen_queues(struct lil_proc *p, int fd, unsigned *incomplete, unsigned *complete, unsigned *backlog);

#endif
