/* The cache of known subjects: only positive entries, bounded, newest win. */
#include "workers/submissions/subjects.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

static struct slice
text(const char *s)
{
    return (struct slice){s, strlen(s)};
}

static void
found_is_what_was_added(void **state)
{
    struct subjects *s = subjects_new();
    int64_t until = 7;

    (void)state;
    assert_false(subjects_find(s, text("NCT007"), text("SUB1"), &until));
    assert_int_equal(until, 7);
    subjects_add(s, text("NCT007"), text("SUB1"), INT64_MAX);
    assert_true(subjects_find(s, text("NCT007"), text("SUB1"), &until));
    assert_true(until == INT64_MAX);
    /* the border between the two names counts */
    assert_false(subjects_find(s, text("NCT00"), text("7SUB1"), &until));
    assert_false(subjects_find(s, text("NCT007"), text("SUB2"), &until));
    subjects_add(s, text("NCT007"), text("SUB1"), 5);
    assert_true(subjects_find(s, text("NCT007"), text("SUB1"), &until));
    assert_int_equal(until, 5);
    subjects_clear(s);
    assert_false(subjects_find(s, text("NCT007"), text("SUB1"), &until));
    subjects_free(s);
}

static void
more_than_it_holds_only_forgets(void **state)
{
    enum { N = 2 * SUBJECTS_BUCKETS * SUBJECTS_WAYS };
    struct subjects *s = subjects_new();
    size_t known = 0;
    char code[32];
    int64_t until;

    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(code, sizeof(code), "S%d", i);
        subjects_add(s, text("A"), text(code), i);
        assert_true(subjects_find(s, text("A"), text(code), &until)); /* the newest is never lost */
    }
    for (int i = 0; i < N; i++) {
        snprintf(code, sizeof(code), "S%d", i);
        if (subjects_find(s, text("A"), text(code), &until)) {
            known++;
            assert_int_equal(until, i);
        }
    }
    assert_true(known <= SUBJECTS_BUCKETS * SUBJECTS_WAYS);
    assert_true(known > SUBJECTS_BUCKETS * SUBJECTS_WAYS / 2);
    subjects_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_is_what_was_added),
        cmocka_unit_test(more_than_it_holds_only_forgets),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
