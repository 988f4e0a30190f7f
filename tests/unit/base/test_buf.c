/* The growing buffer: contents survive growth, the ceiling holds and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void
test_append_grows_and_keeps(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100000);
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t byte = (uint8_t)(i * 7);
        assert_int_equal(buf_append(&b, &byte, 1), BUF_OK);
        assert_true(b.size <= b.cap && b.cap <= b.ceiling);
    }
    assert_int_equal(b.size, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], (uint8_t)(i * 7));
    buf_deinit(&b);
    assert_null(b.data);
    assert_int_equal(b.cap, 0);
}

static void
test_ceiling_refuses_and_changes_nothing(void **state)
{
    struct buf b;
    uint8_t *p = (uint8_t *)&b;

    (void)state;
    buf_init(&b, 10);
    assert_int_equal(buf_append(&b, "0123456789", 10), BUF_OK);
    assert_int_equal(b.cap, 10);
    assert_int_equal(buf_append(&b, "x", 1), BUF_FULL);
    assert_int_equal(buf_printf(&b, "%d", 1), BUF_FULL);
    assert_int_equal(buf_reserve(&b, SIZE_MAX, &p), BUF_FULL);
    assert_ptr_equal(p, &b); /* untouched */
    assert_int_equal(b.size, 10);
    assert_memory_equal(b.data, "0123456789", 10);
    assert_int_equal(buf_append(&b, NULL, 0), BUF_OK);
    buf_clear(&b);
    assert_int_equal(buf_append_str(&b, "01234567890"), BUF_FULL);
    assert_int_equal(b.size, 0);
    buf_deinit(&b);
}

static void
test_ceiling_of_no_power_of_two(void **state)
{
    struct buf b;
    uint8_t *p;

    (void)state;
    buf_init(&b, 1000);
    assert_int_equal(buf_reserve(&b, 999, &p), BUF_OK);
    assert_true(b.cap >= 999 && b.cap <= 1000);
    assert_int_equal(b.size, 0); /* reserving is not writing */
    buf_commit(&b, 3);
    assert_int_equal(b.size, 3);
    assert_int_equal(buf_reserve(&b, 997, &p), BUF_OK);
    assert_int_equal(buf_reserve(&b, 998, &p), BUF_FULL);
    buf_deinit(&b);
}

static void
test_printf_appends(void **state)
{
    struct buf b;
    char wide[3000];

    (void)state;
    memset(wide, 'w', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    buf_init(&b, 1 << 20);
    assert_int_equal(buf_append_str(&b, "a="), BUF_OK);
    assert_int_equal(buf_printf(&b, "%d %s", -5, wide), BUF_OK);
    assert_int_equal(b.size, 2 + 3 + 2999);
    assert_memory_equal(b.data, "a=-5 www", 8);
    buf_deinit(&b);
}

static void
test_trim_gives_back(void **state)
{
    struct buf b;
    uint8_t *p;

    (void)state;
    buf_init(&b, 1 << 20);
    assert_int_equal(buf_reserve(&b, 1 << 19, &p), BUF_OK);
    buf_commit(&b, 1 << 19);
    buf_trim(&b, 4096);
    assert_int_equal(b.size, 0);
    assert_int_equal(b.cap, 4096);
    buf_trim(&b, 8192);
    assert_int_equal(b.cap, 4096);
    buf_trim(&b, 0);
    assert_null(b.data);
    assert_int_equal(buf_append(&b, "again", 5), BUF_OK);
    assert_memory_equal(b.data, "again", 5);
    buf_deinit(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_grows_and_keeps),
        cmocka_unit_test(test_ceiling_refuses_and_changes_nothing),
        cmocka_unit_test(test_ceiling_of_no_power_of_two),
        cmocka_unit_test(test_printf_appends),
        cmocka_unit_test(test_trim_gives_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
