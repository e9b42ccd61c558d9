/* memory.h: the memory, descriptors and files in /proc of another process: memory.c. */
#ifndef LAUNCH_MEMORY_H
#define LAUNCH_MEMORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The target is thread TID. 0, or -EFAULT when not all of it could be moved. */
int memory_read(pid_t tid, uint64_t from, void *to, size_t size);
int memory_read_path(pid_t tid, uint64_t from, char *out); /* PATH_MAX bytes; -EFAULT, -ENAMETOOLONG */
int memory_write(pid_t tid, uint64_t to, const void *from, size_t size);
int memory_write_two(pid_t tid, uint64_t to, const void *from, size_t size, uint64_t to2, const void *from2, size_t size2);
/* Vectors in the target, moved to and from one buffer; the number of bytes, or -EFAULT. */
struct iovec;
ssize_t memory_gather(pid_t tid, const struct iovec *remote, int count, size_t skip, void *to, size_t size);
ssize_t memory_scatter(pid_t tid, const struct iovec *remote, int count, size_t skip, const void *from, size_t size);
int memory_get_fd(pid_t tid, int fd);        /* a duplicate of the target's descriptor; -errno */
/* The file that the target has at FD, to be read from; SHARES_PLACE: lseek() moves the target's place too. -ENOTSUP
 * where that cannot be had. */
int memory_open(pid_t tid, int fd, bool shares_place);
/* what one read of a file in /proc gives, ended by 0; "" where there is none */
void memory_proc_text(const char *path, char *text, size_t size);
pid_t memory_tgid(pid_t tid);                /* /proc/TID/status; -ESRCH */
pid_t memory_parent(pid_t tid);
#endif
