/* The embedded migrations: in order, without gaps, as the files say. */
#include "store/migrate.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

static void
versions_run_from_one(void **state)
{
    (void)state;
    assert_true(store_migrations_count > 0);
    for (size_t i = 0; i < store_migrations_count; i++) {
        const struct migration *m = &store_migrations[i];
        assert_int_equal(m->version, i + 1);
        assert_in_range(m->compatible_from, 1, m->version);
        assert_int_equal(strlen(m->sql), m->len);
        assert_non_null(strstr(m->sql, "-- compatible-from: "));
    }
}

static void
the_checksum_is_of_the_text(void **state)
{
    struct migration m = {.sql = "abc", .len = 3};
    char hex[MIGRATION_CHECKSUM_SIZE];

    (void)state;
    migration_checksum(&m, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_run_from_one),
        cmocka_unit_test(the_checksum_is_of_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
