/* app_http.c: a tiny HTTP/1.0 server (RFC 1945) and a client that prints the answer's first line and length. */
#include <stdio.h>
#include "apps/app_mains.h"

static bool http_readable(struct lil_proc *p, int fd)
{
    char request[2048], answer[1024], body[256], date[32], method[16], target[128];
    ssize_t n = lil_recv(p, fd, request, sizeof(request) - 1, 0);
    if (n <= 0)
        return false;
    request[n] = 0;
    if (sscanf(request, "%15s %127s", method, target) != 2 || strcmp(method, "GET") != 0) {
        static const char bad[] = "HTTP/1.0 501 Not Implemented\r\nContent-Length: 0\r\n\r\n";
        app_write_all(p, fd, bad, sizeof(bad) - 1);
        return false;
    }
    int length = snprintf(body, sizeof(body), "<html><body>You asked %s for %s at %s.</body></html>\n",
                          lil_host_name(lil_proc_host(p)), target, app_date(lil_now_ns(p), date));
    int total = snprintf(
        answer, sizeof(answer),
        "HTTP/1.0 200 OK\r\nServer: lilliput\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s", length, body);
    app_write_all(p, fd, answer, (size_t)total);
    return false;
}

int app_http(struct lil_proc *p, int argc, char **argv)
{
    static const struct app_service service = {.readable = http_readable};
    struct app_options options = {.port = 80, .backlog = 1024};
    return app_options(p, argc, argv, &options, 0) ? app_serve(p, &options, &service) : 2;
}

int app_get(struct lil_proc *p, int argc, char **argv)
{
    struct app_options options = {.port = 80};
    char text[4096], first[128] = "";
    if (!app_options(p, argc, argv, &options, 1))
        return 2;
    int fd = app_client_socket(p, &options);
    if (fd < 0)
        return 1;
    int length = snprintf(text, sizeof(text), "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", options.operands[0]);
    if (app_write_all(p, fd, text, (size_t)length) < 0)
        return app_error(p, "write");
    size_t got = 0;
    for (ssize_t n; (n = lil_read(p, fd, text, sizeof(text))) != 0; got += (size_t)n) {
        if (n < 0)
            return app_error(p, "read");
        if (!got)
            snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, "\r\n"), text);
    }
    lil_printf(p, "%s (%zu bytes)\n", first, got);
    lil_close(p, fd);
    return strstr(first, " 200 ") ? 0 : 1;
}
