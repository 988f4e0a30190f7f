/* Allocation never returns NULL and notices overflow; assertions abort and say where. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/error.h"
#include "child.h"

static void
test_mem_new_is_zeroed(void **state)
{
    (void)state;
    unsigned char *p = mem_new(1000, 3);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(p[i], 0);
    free(p);
    p = mem_new(0, 8);
    assert_non_null(p);
    free(p);
}

static void
test_mem_grow_keeps(void **state)
{
    (void)state;
    char *p = mem_grow(NULL, 6, 1);
    strcpy(p, "hello");
    p = mem_grow(p, 100000, 10);
    assert_string_equal(p, "hello");
    free(p);
    char *copy = mem_strdup("abc");
    assert_string_equal(copy, "abc");
    free(copy);
}

/* Sizes come through a volatile, or the compiler would refuse such an allocation outright. */
static volatile size_t huge = SIZE_MAX / 2 + 1;

static void
body_grow_overflow(void *arg)
{
    (void)arg;
    free(mem_grow(NULL, huge, 4));
}

static void
body_new_overflow(void *arg)
{
    (void)arg;
    free(mem_new(huge, 4));
}

static void
body_assert(void *arg)
{
    (void)arg;
    sluice_assert(1 + 1 == 2);
    sluice_assert(1 + 1 == 3);
}

static void
expect_abort(void (*body)(void *), const char *words)
{
    static struct child child;

    child_run(&child, body, NULL);
    assert_true(strstr(child.err, words) != NULL);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(WIFSIGNALED(child.status));
    assert_int_equal(WTERMSIG(child.status), SIGABRT);
#else
    assert_true(child.status != 0);
#endif
}

static void
test_overflow_aborts(void **state)
{
    (void)state;
    expect_abort(body_grow_overflow, "out of memory");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    expect_abort(body_new_overflow, "out of memory");
#else
    expect_abort(body_new_overflow, "calloc");
#endif
}

static void
test_assert_names_the_place(void **state)
{
    (void)state;
    expect_abort(body_assert, "test_error.c:");
    expect_abort(body_assert, "body_assert: assertion failed: 1 + 1 == 3");
}

int
main(void)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem_new_is_zeroed),
        cmocka_unit_test(test_mem_grow_keeps),
        cmocka_unit_test(test_overflow_aborts),
        cmocka_unit_test(test_assert_names_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
