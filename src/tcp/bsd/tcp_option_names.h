/* tcp_option_names.h: the IPPROTO_TCP options that only FreeBSD has, beside Linux's numbers (tcp_options_bsd.c). */
#ifndef TCP_TCP_OPTION_NAMES_H
#define TCP_TCP_OPTION_NAMES_H

enum tcp_option_name {
    TCP_OPTION_NOOPT = 60,
    TCP_OPTION_KEEPINIT = 61,     /* seconds */
    TCP_OPTION_MAXUNACKTIME = 62, /* seconds */
    TCP_OPTION_UDP_ENCAPS = 63,   /* a port */
    TCP_OPTION_CCALGOOPT = 64
};

#endif
