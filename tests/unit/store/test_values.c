/* What goes to PostgreSQL and comes back, byte for byte, and the bound on parameters. */
#include "store/values.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

static void
param_is(const struct store_params *p, int i, const void *bytes, int len)
{
    assert_int_equal(p->lengths[i], len);
    assert_int_equal(p->formats[i], 1);
    assert_memory_equal(p->values[i], bytes, len);
}

static void
parameters_are_in_network_order(void **state)
{
    struct store_params p = {0};
    struct uuid u = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

    (void)state;
    store_param_int(&p, -2);
    store_param_bigint(&p, 0x0102030405060708);
    store_param_time(&p, STORE_EPOCH_US + 5);
    store_param_text(&p, "abc", 2);
    store_param_uuid(&p, &u);
    store_param_null(&p);
    store_param_bytes(&p, NULL, 0);
    assert_int_equal(p.n, 7);
    param_is(&p, 0, "\xff\xff\xff\xfe", 4);
    param_is(&p, 1, "\1\2\3\4\5\6\7\10", 8);
    param_is(&p, 2, "\0\0\0\0\0\0\0\5", 8);
    param_is(&p, 3, "ab", 2);
    param_is(&p, 4, u.bytes, 16);
    assert_null(p.values[5]);
    assert_non_null(p.values[6]); /* empty, not null */
    assert_int_equal(p.lengths[6], 0);
}

static void
parameters_are_bounded(void **state)
{
    struct store_params p = {0};

    (void)state;
    for (int i = 0; i < STORE_PARAMS_MAX; i++)
        store_param_int(&p, i);
    assert_int_equal(p.n, STORE_PARAMS_MAX);
    for (int i = 0; i < STORE_PARAMS_MAX; i++)
        assert_int_equal(((const uint8_t *)p.values[i])[3], i);
}

static void
results_are_read_back(void **state)
{
    static char names[4][2] = {"a", "b", "c", "d"};
    static char bytes[4][17] = {"\xff\xff\xff\xfe", "\1\2\3\4\5\6\7\10", "\0\0\0\0\0\0\0\5",
                                "0123456789abcdef"};
    static const int lengths[4] = {4, 8, 8, 16};
    PGresAttDesc columns[4] = {{0}};
    PGresult *r = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    (void)state;
    for (int i = 0; i < 4; i++)
        columns[i] = (PGresAttDesc){.name = names[i], .format = 1, .typlen = -1};
    assert_true(PQsetResultAttrs(r, 4, columns));
    for (int i = 0; i < 4; i++)
        assert_true(PQsetvalue(r, 0, i, bytes[i], lengths[i]));
    assert_int_equal(store_get_int(r, 0, 0), -2);
    assert_int_equal(store_get_bigint(r, 0, 1), 0x0102030405060708);
    assert_int_equal(store_get_time(r, 0, 2), STORE_EPOCH_US + 5);
    struct uuid u = store_get_uuid(r, 0, 3);
    assert_memory_equal(u.bytes, "0123456789abcdef", 16);
    PQclear(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_in_network_order),
        cmocka_unit_test(parameters_are_bounded),
        cmocka_unit_test(results_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
