/* call_border.h: the border where results become -1 and errno, and where an observer is told of a call as strace(1) would
 * print it. */
#ifndef SOCKET_CALL_BORDER_H
#define SOCKET_CALL_BORDER_H
#include "socket/sock.h"

static inline long call_result(long result)
{
    if (__builtin_expect(result < 0, 0)) {
        errno = (int)-result;
        return -1;
    }
    return result;
}
/* No address of a program's: the first page, or beyond all. A kernel would say EFAULT; other wild ones are the caller's own fault here. */
static inline bool call_is_wild(const void *pointer)
{
    return __builtin_expect((uintptr_t)pointer - 4096 >= ((uintptr_t)1 << 55) - 8192, 0);
}
static inline bool call_is_beyond(const void *pointer) /* of those: what the kernel sees at once (access_ok) */
{
    return __builtin_expect((uintptr_t)pointer >> 55 != 0, 0);
}
static inline bool call_is_traced(const struct lil_proc *proc)
{
    return __builtin_expect(host_is_traced(proc->sockets->host), 0);
}
/* RESULT as the call will return it: negative -Exxx. */
void call_trace(struct lil_proc *proc, long result, const char *format, ...) __attribute__((format(printf, 3, 4)));
enum { CALL_TEXT = 160 };
const char *call_sockaddr(const struct sockaddr *address, socklen_t length, char text[CALL_TEXT]);
const char *call_bytes(const void *bytes, long length, char text[CALL_TEXT]);
const char *call_iov(const struct iovec *iov, size_t count, long length, char text[CALL_TEXT]);
const char *call_family(int family, char text[CALL_TEXT]);
const char *call_type(int type, char text[CALL_TEXT]);
const char *call_protocol(int protocol, char text[CALL_TEXT]);
const char *call_msg_flags(int flags, char text[CALL_TEXT]);
const char *call_poll_events(unsigned events, char text[CALL_TEXT]);
const char *call_level(int level, char text[CALL_TEXT]);
const char *call_option(int level, int name, char text[CALL_TEXT]);

#endif
