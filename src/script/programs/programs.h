/* programs.h: the programs that `commands` may call, acted out against the virtual host. command.c knows them all. */
#ifndef SCRIPT_PROGRAMS_PROGRAMS_H
#define SCRIPT_PROGRAMS_PROGRAMS_H
#include "script/shell/shell.h"

void run_command(struct run *run, const char *text); /* command.c: a script's `command` */

shell_part shell_builtins;   /* echo, printf, set, test ... */
shell_part shell_text;     /* text into text: grep, sed, cut ... */
shell_part shell_lines;      /* read, xargs, bc, python3 ... */
shell_part shell_parameters; /* sysctl_tool.c */
shell_part shell_sockets;    /* ss.c: and netstat */
shell_part shell_looks;      /* look.c: lsmod, getent */
shell_part shell_devices;    /* tc, ifconfig, ethtool */
shell_part shell_bsdtools;   /* FreeBSD's own: tcpdrop, route, setfib */

const char *shell_base_name(const char *path);
int shell_awk(struct shell *shell, int argc, char **argv, struct shell_io *io);
int shell_ip(struct shell *shell, int argc, char **argv, struct shell_io *io); /* ip ... */
char *shell_next_line(struct shell *shell, const char **text); /* text.c: a copy, or NULL; *TEXT goes behind it */
/* look.c: what `ip OBJECT show` says. */
void shell_show(struct shell *shell, const char *object, const char *verb, bool is_v6, int argc, char **argv, struct shell_io *io);
int shell_nstat(struct shell *shell, int argc, char **argv, struct shell_io *io);
/* sysctl_tool.c */
void shell_defaults(struct shell *shell, const char *file_text); /* NULL: the file is not there */
/* sysctl_bsd.c: FreeBSD's names; false: none of them. */
int shell_sysctl_bsd_set(struct shell *shell, const char *name, const char *value); /* the command's status; -1: none of FreeBSD's */
bool shell_sysctl_bsd_get(struct shell *shell, const char *name, char *value, size_t size);
bool shell_sysctl_bsd_is_kept(const char *name); /* it has no effect: what was written is what it says */
#endif
