/* check.h: cmocka with its headers in the right order. */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#endif
