/* Our getpid: taken by libraries, too, asked of the kernel once, and right in a child. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static pid_t
kernels_pid(void)
{
    return (pid_t)syscall(SYS_getpid);
}

static void
test_libraries_take_ours(void **state)
{
    Dl_info ours, any;

    (void)state;
    assert_int_not_equal(dladdr((void *)(uintptr_t)test_libraries_take_ours, &ours), 0);
    void *found = dlsym(RTLD_DEFAULT, "getpid");
    assert_non_null(found);
    assert_int_not_equal(dladdr(found, &any), 0);
    assert_ptr_equal(any.dli_fbase, ours.dli_fbase);
}

static void
test_right_in_a_child(void **state)
{
    (void)state;
    assert_int_equal(getpid(), kernels_pid());
    assert_int_equal(getpid(), kernels_pid());
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0)
        _exit(getpid() == kernels_pid() && getpid() == kernels_pid() ? 0 : 1);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_libraries_take_ours),
                                       cmocka_unit_test(test_right_in_a_child)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
