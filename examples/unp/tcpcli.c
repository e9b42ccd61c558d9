/* tcpcli.c: an echo client that watches its input and its socket with select (UNP section 6.7's program, written anew):
 * it half-closes at the end of its input and prints what still comes. */
#include "unp.h"

static void str_cli(int sockfd)
{
    int stdineof = 0;
    char buf[MAXLINE];
    fd_set rset;

    for (;;) {
        FD_ZERO(&rset);
        if (!stdineof)
            FD_SET(STDIN_FILENO, &rset);
        FD_SET(sockfd, &rset);
        if (select(sockfd + 1, &rset, NULL, NULL, NULL) < 0)
            err_sys("select error");
        if (FD_ISSET(sockfd, &rset)) {
            ssize_t n = Read(sockfd, buf, MAXLINE);

            if (n == 0) {
                if (stdineof)
                    return; /* normal termination */
                err_quit("str_cli: server terminated prematurely");
            }
            fwrite(buf, 1, (size_t)n, stdout);
        }
        if (FD_ISSET(STDIN_FILENO, &rset)) {
            ssize_t n = Read(STDIN_FILENO, buf, MAXLINE);

            if (n == 0) {
                stdineof = 1;
                shutdown(sockfd, SHUT_WR); /* send FIN */
                continue;
            }
            Writen(sockfd, buf, (size_t)n);
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in servaddr = {.sin_family = AF_INET, .sin_port = htons(SERV_PORT)};
    int sockfd;

    if (argc != 2)
        err_quit("usage: tcpcli <IPaddress>");
    sockfd = Socket(AF_INET, SOCK_STREAM, 0);
    Inet_pton(argv[1], &servaddr.sin_addr);
    Connect(sockfd, (SA *)&servaddr, sizeof servaddr);
    str_cli(sockfd);
    exit(0);
}
