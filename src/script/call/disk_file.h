/* disk_file.h: files that scripts open to send from, splice() and sendfile(). disk_file.c acts them out; the kernel oracle calls
 * the kernel's instead. */
#ifndef SCRIPT_CALL_DISK_FILE_H
#define SCRIPT_CALL_DISK_FILE_H
#include "script/run/run.h"

int file_open(struct run *run, const char *path);                          /* a live descriptor, or -1 with errno */
ssize_t file_read(struct run *run, int live_fd, void *buffer, size_t size);
int file_close(struct run *run, int live_fd);
/* OFFSET: where to begin, and afterwards where it ended; NULL: the file's own place. */
ssize_t file_send(struct run *run, int to, const struct fd_entry *from, int64_t *offset, size_t size);
ssize_t file_splice(struct run *run, const struct fd_entry *from, const struct fd_entry *to, size_t size, unsigned flags);
#endif
