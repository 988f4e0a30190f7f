/* The binary form of arrays, byte by byte, and its ceiling. */
#include "store/array.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

static void
bytes_are_postgresqls(void **state)
{
    static const uint8_t wanted[] = {0,   0,   0,    1,    0,    0,    0, 1, 0, 0, 0, 25,
                                     0,   0,   0,    3,    0,    0,    0, 1, 0, 0, 0, 2,
                                     'a', 'b', 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    struct array a;

    (void)state;
    array_init(&a, 1000);
    array_begin(&a, OID_TEXT);
    assert_int_equal(array_add(&a, "ab", 2), BUF_OK);
    assert_int_equal(array_add_null(&a), BUF_OK);
    assert_int_equal(array_add(&a, "", 0), BUF_OK);
    array_end(&a);
    assert_int_equal(a.bytes.size, sizeof(wanted));
    assert_memory_equal(a.bytes.data, wanted, sizeof(wanted));
    array_deinit(&a);
}

static void
empty_has_no_dimension(void **state)
{
    static const uint8_t wanted[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20};
    struct array a;

    (void)state;
    array_init(&a, 1000);
    for (int round = 0; round < 2; round++) { /* used again, it starts anew */
        array_begin(&a, OID_INT8);
        array_end(&a);
        assert_int_equal(a.bytes.size, sizeof(wanted));
        assert_memory_equal(a.bytes.data, wanted, sizeof(wanted));
        array_begin(&a, OID_INT8);
        array_add_bigint(&a, -2);
        array_end(&a);
        assert_int_equal(a.bytes.size, 32);
        assert_int_equal(a.bytes.data[31], 0xfe);
    }
    array_deinit(&a);
}

static void
in_place_values_know_their_length(void **state)
{
    struct array a;

    (void)state;
    array_init(&a, 1000);
    array_begin(&a, OID_JSONB);
    assert_int_equal(array_open(&a), BUF_OK);
    buf_append(&a.bytes, "\x01{}", 3);
    array_close(&a);
    array_end(&a);
    assert_int_equal(a.bytes.data[23], 3);
    assert_memory_equal(a.bytes.data + 24, "\x01{}", 3);
    array_deinit(&a);
}

static void
the_ceiling_holds(void **state)
{
    struct array a;

    (void)state;
    array_init(&a, 20 + 4 + 8);
    array_begin(&a, OID_INT8);
    assert_int_equal(array_add_bigint(&a, 1), BUF_OK);
    assert_int_equal(array_add_null(&a), BUF_FULL);
    assert_int_equal(array_add(&a, "", 0), BUF_FULL);
    assert_int_equal(array_open(&a), BUF_FULL);
    assert_int_equal(a.n, 1);
    array_deinit(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_postgresqls),
        cmocka_unit_test(empty_has_no_dimension),
        cmocka_unit_test(in_place_values_know_their_length),
        cmocka_unit_test(the_ceiling_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
