/* forks.c: must not compile: what a program with fork() is told. */
#include "unp.h"

int main(void)
{
    return fork() == 0;
}
