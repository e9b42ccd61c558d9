/* two_hosts.c: two hosts of different make, one link, one virtual clock: a whole small internet in one process. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "lilliput/lilliput.h"

static struct sockaddr_in endpoint(const char *address, unsigned port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    inet_pton(AF_INET, address, &sin.sin_addr);
    return sin;
}

/* Ordinary blocking code: each program is a fiber, its waiting is the world's. */
static int server_main(struct lil_proc *p, void *argument)
{
    struct sockaddr_in sin = endpoint("0.0.0.0", 7777);
    char text[128], name[INET_ADDRSTRLEN];
    socklen_t length = sizeof sin;
    int listener = lil_socket(p, AF_INET, SOCK_STREAM, 0), s;

    (void)argument;
    if (lil_bind(p, listener, (struct sockaddr *)&sin, sizeof sin) < 0 || lil_listen(p, listener, 5) < 0)
        return 1;
    s = lil_accept(p, listener, NULL, NULL);
    if (s < 0 || lil_getsockname(p, s, (struct sockaddr *)&sin, &length) < 0)
        return 1;
    snprintf(text, sizeof text, "hello from %s\n", inet_ntop(AF_INET, &sin.sin_addr, name, sizeof name));
    lil_write(p, s, text, strlen(text));
    lil_close(p, s);
    return 0;
}

static int client_main(struct lil_proc *p, void *argument)
{
    struct sockaddr_in sin = endpoint("192.0.2.2", 7777);
    int s = lil_socket(p, AF_INET, SOCK_STREAM, 0);
    char text[128];
    ssize_t n;

    (void)argument;
    if (lil_connect(p, s, (struct sockaddr *)&sin, sizeof sin) < 0) {
        perror("connect");
        return 1;
    }
    while ((n = lil_read(p, s, text, sizeof text - 1)) > 0) {
        text[n] = '\0';
        printf("client: %s", text);
    }
    printf("client: the end after %.3f virtual seconds\n", (double)lil_now_ns(p) / 1e9);
    return n < 0;
}

int main(void)
{
    struct lil_world *w = lil_world_new(1);
    struct lil_host *a = lil_world_host(w, "a", "linux"), *b = lil_world_host(w, "b", "4.4bsd");
    struct lil_link_config slow = {.delay_ns = 20000000};
    int status;

    lil_world_link(w, a, "192.0.2.1/24", b, "192.0.2.2/24", &slow);
    lil_world_spawn(w, b, server_main, NULL);
    lil_world_spawn(w, a, client_main, NULL);
    status = lil_world_run(w, LIL_NEVER);
    lil_world_free(w);
    return status;
}
