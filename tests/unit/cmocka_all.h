/* cmocka with the headers it wants before it. */
#ifndef SLUICE_TESTS_UNIT_CMOCKA_ALL_H
#define SLUICE_TESTS_UNIT_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
