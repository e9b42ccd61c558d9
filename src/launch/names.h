/* names.h: the names of a lab, and the answerer that knows them: dns.c. */
#ifndef LAUNCH_NAMES_H
#define LAUNCH_NAMES_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct desc;
enum { NAME_ADDRESSES = 6 };
enum dns_mode { DNS_RIGHT, DNS_SERVFAIL, DNS_SILENT };
struct name {
    char *name;
    struct name_address {
        uint8_t bytes[16]; /* IPv4: the first 4 */
        bool is_v4;
    } address[NAME_ADDRESSES]; /* in the order of the answer */
    unsigned count;
};
struct names { /* the lab's names; zeroed: empty */
    struct name *entries;
    unsigned count;
    enum dns_mode mode;
    uint64_t delay_ns; /* of every answer */
};
int names_add(struct names *names, const char *name, const char *address); /* may be repeated for more; -EINVAL, -ENOMEM */
void names_fini(struct names *names);
const struct name *names_find(const struct names *names, const char *name);
/* The answer to QUERY in ANSWER; its length, 0 for no answer. */
size_t dns_answer(const struct names *names, const uint8_t *query, size_t length, uint8_t *answer, size_t size);
/* Port 53 where nothing in the lab serves it: the answerer on the program's own host (127.0.0.53, ::1) instead, started at
 * the first question. True when ADDRESS was changed. */
bool dns_redirect(struct desc *desc, struct sockaddr_storage *address, socklen_t *length);
#endif
