/* timers.c: timerfd (relative, interval), a POSIX timer that starts threads, alarm: 35.5 s in all. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int fired, alarms;
static void on_thread(union sigval value) { __sync_fetch_and_add(&fired, value.sival_int); }
static void on_alarm(int signal)
{
    (void)signal;
    alarms++;
}

int main(void)
{
    struct timespec began, ended, pause = {10, 500000000};
    struct itimerspec every = {{5, 0}, {10, 0}}, second = {{1, 0}, {1, 0}};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread, .sigev_value.sival_int = 7};
    uint64_t count;
    timer_t timer;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);

    clock_gettime(CLOCK_MONOTONIC, &began);
    timerfd_settime(fd, 0, &every, NULL);
    if (read(fd, &count, sizeof count) < 0)
        return 1;
    printf("%lu ", (unsigned long)count);
    sleep(12);
    if (read(fd, &count, sizeof count) < 0)
        return 1;
    printf("%lu ", (unsigned long)count);
    printf("%d ", poll(&(struct pollfd){fd, POLLIN, 0}, 1, 100000));
    timer_create(CLOCK_REALTIME, &event, &timer);
    timer_settime(timer, 0, &second, NULL);
    for (struct timespec left = pause; nanosleep(&left, &left) < 0;)
        ;
    timer_delete(timer);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    signal(SIGALRM, on_alarm);
    alarm(1);
    pause.tv_sec = 3;
    nanosleep(&pause, NULL);
    printf("fired %d alarm %d %.1f s\n", fired, alarms,
           (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
    return 0;
}
