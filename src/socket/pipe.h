/* pipe.h: pipes between descriptors of one process: UNP's self-pipe trick, and event loops that wake themselves. */
#ifndef SOCKET_PIPE_H
#define SOCKET_PIPE_H
#include "socket/file.h"

int pipe_create(struct lil_proc *proc, int fds[2], int flags) MUST_CHECK; /* O_NONBLOCK, O_CLOEXEC */

#endif
