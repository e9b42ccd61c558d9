/* procnet.h: files of /proc and /sys that programs find their host in: call_open.c, procnet.c. */
#ifndef LAUNCH_PROCNET_H
#define LAUNCH_PROCNET_H
#include <stddef.h>

struct program;
enum open_what { OPEN_NATIVE, OPEN_PROC_NET, OPEN_SYSCTL, OPEN_ABSENT };
void open_normalize(char *path);
enum open_what open_classify(const char *path, const char **rest); /* REST: what follows the directory */
/* The text of /proc/net/NAME, of /proc/sys/net/PATH on the program's host; malloc'ed; NULL: there is none. */
char *procnet_text(struct program *program, const char *name, size_t *length);
char *procnet_sysctl(struct program *program, const char *path, size_t *length);
#endif
