/* Secret files: modes, owners, kinds, sizes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/secret.h"

static char folder[] = "/tmp/sluice-secret-XXXXXX";
static char path[128];

static void
file_write(mode_t mode, const char *text, size_t size)
{
    unlink(path);
    int fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int
group_setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/secret", folder);
    return 0;
}

static int
group_teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void
test_reads_whole(void **state)
{
    struct secret s;

    (void)state;
    file_write(0600, "ab\0cd\n", 6);
    assert_int_equal(secret_read(path, 6, &s), SECRET_OK);
    assert_int_equal(s.size, 6);
    assert_memory_equal(s.data, "ab\0cd\n\0", 7);
    secret_free(&s);
    assert_null(s.data);
    assert_int_equal(s.size, 0);
    secret_free(&s); /* twice is harmless */

    file_write(0400, "", 0);
    assert_int_equal(secret_read(path, 6, &s), SECRET_OK);
    assert_int_equal(s.size, 0);
    assert_int_equal(s.data[0], '\0');
    secret_free(&s);
}

static void
test_size_is_bounded(void **state)
{
    struct secret s = {.size = 77};

    (void)state;
    file_write(0600, "1234567", 7);
    assert_int_equal(secret_read(path, 6, &s), SECRET_TOO_LARGE);
    assert_int_equal(s.size, 77); /* untouched */
    assert_null(s.data);
}

static void
test_modes_table(void **state)
{
    static const mode_t loose[] = {0604, 0602, 0601, 0620, 0610, 0660, 0644, 0777};
    struct secret s;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(loose); i++) {
        file_write(loose[i], "x", 1);
        assert_int_equal(secret_read(path, 10, &s), SECRET_MODE);
    }
}

static void
test_group_read(void **state)
{
    struct secret s;

    (void)state;
    file_write(0640, "x", 1);
    if (geteuid() != 0) {
        assert_int_equal(secret_read(path, 10, &s), SECRET_MODE); /* ours, not root's */
        return;
    }
    assert_int_equal(chown(path, 0, getegid()), 0);
    assert_int_equal(secret_read(path, 10, &s), SECRET_OK);
    secret_free(&s);
    assert_int_equal(chown(path, 0, 54321), 0); /* a group that is not ours */
    assert_int_equal(secret_read(path, 10, &s), SECRET_MODE);
    assert_int_equal(chown(path, 54321, getegid()), 0); /* somebody else's file */
    assert_int_equal(secret_read(path, 10, &s), SECRET_MODE);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(secret_read(path, 10, &s), SECRET_MODE);
}

static void
test_other_kinds_and_missing(void **state)
{
    struct secret s;

    (void)state;
    unlink(path);
    assert_int_equal(secret_read(path, 10, &s), SECRET_MISSING);
    char below[160];
    file_write(0600, "x", 1);
    snprintf(below, sizeof(below), "%s/below", path);
    assert_int_equal(secret_read(below, 10, &s), SECRET_MISSING);
    assert_int_equal(secret_read(folder, 10, &s), SECRET_MODE); /* a folder */
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(secret_read(path, 10, &s), SECRET_MODE); /* and does not hang */
    unlink(path);
    assert_int_equal(symlink(path, path), 0);
    assert_int_equal(secret_read(path, 10, &s), -ELOOP);
}

static void
test_outcome_words(void **state)
{
    (void)state;
    assert_non_null(strstr(secret_outcome_text(SECRET_MODE), "600"));
    assert_string_not_equal(secret_outcome_text(SECRET_MISSING),
                            secret_outcome_text(SECRET_TOO_LARGE));
    assert_non_null(secret_outcome_text(-EIO));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_whole),
        cmocka_unit_test(test_size_is_bounded),
        cmocka_unit_test(test_modes_table),
        cmocka_unit_test(test_group_read),
        cmocka_unit_test(test_other_kinds_and_missing),
        cmocka_unit_test(test_outcome_words),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
