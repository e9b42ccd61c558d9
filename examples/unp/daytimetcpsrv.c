/* daytimetcpsrv.c: an iterative daytime server (UNP section 1.5's program, written anew). */
#include "unp.h"

int main(int argc, char **argv)
{
    struct sockaddr_in servaddr = {.sin_family = AF_INET, .sin_port = htons(13), .sin_addr.s_addr = htonl(INADDR_ANY)};
    char buff[MAXLINE];
    int listenfd = Socket(AF_INET, SOCK_STREAM, 0);

    (void)argc, (void)argv;
    Bind(listenfd, (SA *)&servaddr, sizeof servaddr);
    Listen(listenfd, LISTENQ);
    for (;;) {
        int connfd = Accept(listenfd, (SA *)NULL, NULL);
        time_t ticks = time(NULL);

        snprintf(buff, sizeof buff, "%.24s\r\n", asctime(gmtime(&ticks)));
        Writen(connfd, buff, strlen(buff));
        Close(connfd);
    }
}
