/* daytimetcpcli.c: asks a daytime server for the time (UNP section 1.2's program, written anew). */
#include "unp.h"

int main(int argc, char **argv)
{
    struct sockaddr_in servaddr = {.sin_family = AF_INET, .sin_port = htons(13)};
    char recvline[MAXLINE + 1];
    ssize_t n;
    int sockfd;

    if (argc != 2)
        err_quit("usage: daytimetcpcli <IPaddress>");
    sockfd = Socket(AF_INET, SOCK_STREAM, 0);
    Inet_pton(argv[1], &servaddr.sin_addr);
    Connect(sockfd, (SA *)&servaddr, sizeof servaddr);
    while ((n = read(sockfd, recvline, MAXLINE)) > 0) {
        recvline[n] = 0; /* null terminate */
        if (fputs(recvline, stdout) == EOF)
            err_sys("fputs error");
    }
    if (n < 0)
        err_sys("read error");
    exit(0);
}
