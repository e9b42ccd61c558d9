/* unp.h: the wrapper functions of these examples, in the manner of UNP's section 1.4: a name with a capital letter ends
 * the program when the call fails. */
#ifndef UNP_H
#define UNP_H
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "lilliput/override.h"

#define MAXLINE   4096
#define LISTENQ   1024
#define SERV_PORT 9877
#define SA        struct sockaddr

void err_sys(const char *what) __attribute__((noreturn));
void err_quit(const char *what) __attribute__((noreturn));
int Socket(int family, int type, int protocol);
void Bind(int fd, const SA *address, socklen_t length);
void Connect(int fd, const SA *address, socklen_t length);
void Listen(int fd, int backlog);
int Accept(int fd, SA *address, socklen_t *length);
ssize_t Read(int fd, void *buffer, size_t size);
void Writen(int fd, const void *bytes, size_t size);
ssize_t Readline(int fd, char *line, size_t size);
void Close(int fd);
void Inet_pton(const char *text, struct in_addr *address);

#endif
