/* breaks.c: signals that break calls while data and connections come lose nothing: a parent whose children end all the
 * time (SIGCHLD ignored, then with an SA_RESTART handler) reads a stream that a child writes in small pieces, and
 * accepts connections. Prints the bytes and connections. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 3000, CONNECTIONS = 60 };
static struct sockaddr_in address = {.sin_family = AF_INET};
static volatile sig_atomic_t seen;
static void on_child(int sig) { (void)sig, seen++; }

static int dial(void)
{
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&address, sizeof address) < 0)
        _exit(1);
    return s;
}

/* Children that live some microseconds each. */
static pid_t noise(void)
{
    pid_t parent = getpid(), pid = fork();
    if (pid)
        return pid;
    while (getppid() == parent) {
        kill(parent, SIGCHLD);
        usleep(150);
    }
    _exit(0);
}

static void turn(int listener)
{
    unsigned char buffer[7], next = 0;
    long got = 0, wrong = 0, accepted = 0, n;
    pid_t noisy = noise(), writer = fork();

    if (writer == 0) {
        int s = dial();
        for (int i = 0; i < BYTES; i++) {
            unsigned char byte = (unsigned char)i;
            if (send(s, &byte, 1, 0) != 1)
                _exit(1);
            if (i % 3 == 0)
                usleep(100);
        }
        close(s);
        for (int i = 0; i < CONNECTIONS; i++) {
            s = dial();
            if (send(s, "x", 1, 0) != 1)
                _exit(1);
            close(s);
            usleep(200);
        }
        _exit(0);
    }
    int s = accept(listener, NULL, NULL);
    while ((n = recv(s, buffer, sizeof buffer, 0)) > 0)
        for (long i = 0; i < n; i++, got++)
            wrong += buffer[i] != next++;
    close(s);
    while (accepted < CONNECTIONS && (s = accept(listener, NULL, NULL)) >= 0) {
        accepted += recv(s, buffer, 1, 0) == 1;
        close(s);
    }
    kill(noisy, SIGKILL);
    printf("%ld bytes, %ld wrong, %ld connections\n", got, wrong, accepted);
    while (wait(NULL) > 0)
        ;
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
    socklen_t length = sizeof address;
    int l = socket(AF_INET, SOCK_STREAM, 0);

    setvbuf(stdout, NULL, _IONBF, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(l, (struct sockaddr *)&address, sizeof address);
    listen(l, 5);
    getsockname(l, (struct sockaddr *)&address, &length);
    turn(l);
    sigaction(SIGCHLD, &action, NULL);
    turn(l);
    return 0;
}
