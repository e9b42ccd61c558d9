/* udpserv.c: a UDP echo server (UNP section 8.3's program, written anew). */
#include "unp.h"

int main(int argc, char **argv)
{
    struct sockaddr_in servaddr = {.sin_family = AF_INET,
                                   .sin_port = htons(SERV_PORT),
                                   .sin_addr.s_addr = htonl(INADDR_ANY)},
                       cliaddr;
    int sockfd = Socket(AF_INET, SOCK_DGRAM, 0);
    char mesg[MAXLINE];

    (void)argc, (void)argv;
    Bind(sockfd, (SA *)&servaddr, sizeof servaddr);
    for (;;) {
        socklen_t len = sizeof cliaddr;
        ssize_t n = recvfrom(sockfd, mesg, MAXLINE, 0, (SA *)&cliaddr, &len);

        if (n < 0 || sendto(sockfd, mesg, (size_t)n, 0, (SA *)&cliaddr, len) < 0)
            err_sys("echo error");
    }
}
