/* packet_names.h: the words of icmp lines. */
#ifndef SCRIPT_LANGUAGE_PACKET_NAMES_H
#define SCRIPT_LANGUAGE_PACKET_NAMES_H
int packet_icmp_type(int version, int unused, const char *name); /* -1: unknown */
int packet_icmp_code(int version, int type, const char *name);
#endif
