/* profile_listen.c: the systems of U3's figure 4.10, for listen() only: what else they do is their nearest relative's. */
#include "host/profile_table.h"

#define UNCAPPED SET(tcp_somaxconn, "-1", "SOMAXCONN must not cap the figure", "H")
static const struct profile_override aix51[] = {
    SET(tcp_backlog_rule, "3b/2+1", "U3 fig. 4.10", "H"), SET(tcp_backlog_count, "both", "U3 fig. 4.10", "M"), UNCAPPED,
};
static const struct profile_override hpux1111[] = {
    SET(tcp_backlog_rule, "max(1,3b/2)", "U3 fig. 4.10", "H"), SET(tcp_backlog_count, "both", "U3 fig. 4.10", "M"), UNCAPPED,
};
static const struct profile_override linux247[] = {
    SET(tcp_backlog_rule, "b+3", "U3 fig. 4.10", "H"), UNCAPPED,
};
static const struct profile_override freebsd48[] = {
    SET(tcp_backlog_rule, "b+1", "U3 fig. 4.10", "H"), SET(tcp_backlog_count, "complete", "U3 fig. 4.10; syncache", "M"), UNCAPPED,
};
static const struct profile_override solaris29[] = {
    SET(tcp_backlog_rule, "solaris29", "U3 fig. 4.10", "H"), SET(tcp_backlog_count, "both", "U3 fig. 4.10", "M"), UNCAPPED,
};
static const struct profile_override macos102[] = {
    SET(tcp_backlog_rule, "3b/2+1", "U3 fig. 4.10", "H"), SET(tcp_backlog_count, "both", "U3 fig. 4.10", "M"), UNCAPPED,
};

const struct profile_source profile_listen[] = {
    PROFILE_SOURCE("aix51", "4.4bsd", "AIX 5.1, for listen() only", aix51),
    PROFILE_SOURCE("hpux1111", "4.4bsd", "HP-UX 11.11, for listen() only", hpux1111),
    PROFILE_SOURCE("linux247", "linux24", "Linux 2.4.7, for listen() only", linux247),
    PROFILE_SOURCE("freebsd48", "4.4bsd", "FreeBSD 4.8, for listen() only", freebsd48),
    PROFILE_SOURCE("solaris29", "solaris", "Solaris 2.9, for listen() only", solaris29),
    PROFILE_SOURCE("macos102", "4.4bsd", "MacOS 10.2.6, for listen() only", macos102),
    {0},
};
