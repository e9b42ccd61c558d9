/* tcpservselect.c: one process echoes for any number of clients with select (UNP section 6.8's program, written anew).
 */
#include "unp.h"

int main(int argc, char **argv)
{
    struct sockaddr_in servaddr = {
        .sin_family = AF_INET, .sin_port = htons(SERV_PORT), .sin_addr.s_addr = htonl(INADDR_ANY)};
    int listenfd = Socket(AF_INET, SOCK_STREAM, 0), maxfd = listenfd;
    char buf[MAXLINE];
    fd_set allset;

    (void)argc, (void)argv;
    Bind(listenfd, (SA *)&servaddr, sizeof servaddr);
    Listen(listenfd, LISTENQ);
    FD_ZERO(&allset);
    FD_SET(listenfd, &allset);
    for (;;) {
        fd_set rset = allset; /* structure assignment */

        if (select(maxfd + 1, &rset, NULL, NULL, NULL) < 0)
            err_sys("select error");
        if (FD_ISSET(listenfd, &rset)) {
            int connfd = Accept(listenfd, NULL, NULL);

            FD_SET(connfd, &allset);
            if (connfd > maxfd)
                maxfd = connfd;
        }
        for (int fd = 0; fd <= maxfd; fd++) {
            ssize_t n;

            if (fd == listenfd || !FD_ISSET(fd, &rset) || !FD_ISSET(fd, &allset))
                continue;
            n = Read(fd, buf, MAXLINE);
            if (n == 0) { /* connection closed by client */
                Close(fd);
                FD_CLR(fd, &allset);
            } else {
                Writen(fd, buf, (size_t)n);
            }
        }
    }
}
