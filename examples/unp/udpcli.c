/* udpcli.c: a UDP echo client that ignores replies of others (UNP sections 8.5 and 8.8, written anew). */
#include "unp.h"

int main(int argc, char **argv)
{
    struct sockaddr_in servaddr = {.sin_family = AF_INET, .sin_port = htons(SERV_PORT)}, reply;
    char sendline[MAXLINE], recvline[MAXLINE + 1];
    int sockfd;

    if (argc != 2)
        err_quit("usage: udpcli <IPaddress>");
    Inet_pton(argv[1], &servaddr.sin_addr);
    sockfd = Socket(AF_INET, SOCK_DGRAM, 0);
    while (fgets(sendline, MAXLINE, stdin) != NULL) {
        socklen_t len = sizeof reply;
        ssize_t n;

        if (sendto(sockfd, sendline, strlen(sendline), 0, (SA *)&servaddr, sizeof servaddr) < 0)
            err_sys("sendto error");
        n = recvfrom(sockfd, recvline, MAXLINE, 0, (SA *)&reply, &len);
        if (n < 0)
            err_sys("recvfrom error");
        if (len != sizeof servaddr || reply.sin_addr.s_addr != servaddr.sin_addr.s_addr) {
            printf("reply from another (ignored)\n");
            continue;
        }
        recvline[n] = 0; /* null terminate */
        fputs(recvline, stdout);
    }
    exit(0);
}
