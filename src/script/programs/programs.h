/* programs.h: the programs that `commands` may call, acted out against the virtual host. command.c knows them all; filter.c, lines.c
 * and awk.c are those that only turn text into text, look.c and bsdtools.c those that tell of the host; route.c is ip, netfilter.h
 * iptables and nft, sysctl.c the names of parameters. */
#ifndef SCRIPT_PROGRAMS_PROGRAMS_H
#define SCRIPT_PROGRAMS_PROGRAMS_H
#include "script/shell/shell.h"

void run_command(struct run *run, const char *text); /* command.c: a script's `command` */

/* A part of the programs each; false: argv[0] is none of its own. */
bool shell_filter(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status);
bool shell_lines(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status);
bool shell_looks(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status); /* look.c: ss, netstat, ethtool ... */
bool shell_bsdtools(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status);

int shell_awk(struct shell *shell, int argc, char **argv, struct shell_io *io);
int shell_route(struct shell *shell, int argc, char **argv, struct shell_io *io); /* ip ... */
char *shell_next_line(struct shell *shell, const char **text); /* filter.c: a copy, or NULL; *TEXT goes behind it */
/* look.c: what `ip OBJECT show` says. */
void shell_show(struct shell *shell, const char *object, const char *verb, bool is_v6, int argc, char **argv, struct shell_io *io);
/* sysctl.c */
void shell_sysctl_each(struct shell *shell, struct shell_io *io, bool names_only);
void shell_defaults(struct shell *shell, const char *file_text); /* NULL: the file is not there */
/* sysctl_bsd.c: FreeBSD's names; false: none of them. */
int shell_sysctl_bsd_set(struct shell *shell, const char *name, const char *value); /* the command's status; -1: none of FreeBSD's */
bool shell_sysctl_bsd_get(struct shell *shell, const char *name, char *value, size_t size);
bool shell_sysctl_bsd_is_kept(const char *name); /* it has no effect: what was written is what it says */
#endif
