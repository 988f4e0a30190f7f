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
add(struct subjects *s, const char *study, const char *subject, const char *site, int64_t until_us)
{
    subjects_add(s, &(struct catalog_subject){.study = study,
                                              .subject = subject,
                                              .site = site,
                                              .active_until_us = until_us,
                                              .erased = until_us < 0});
}

static const struct subject *
find(const struct subjects *s, const char *study, const char *subject)
{
    return subjects_find(s, text(study), text(subject));
}

static void
found_is_what_was_added(void **state)
{
    struct subjects *s = subjects_new();

    (void)state;
    assert_null(find(s, "NCT007", "SUB1"));
    add(s, "NCT007", "SUB1", NULL, INT64_MAX);
    assert_true(find(s, "NCT007", "SUB1")->active_until_us == INT64_MAX);
    assert_null(subjects_site(s, find(s, "NCT007", "SUB1")).at);
    /* the border between the two names counts */
    assert_null(find(s, "NCT00", "7SUB1"));
    assert_null(find(s, "NCT007", "SUB2"));
    add(s, "NCT007", "SUB1", "S01", 5);
    assert_int_equal(find(s, "NCT007", "SUB1")->active_until_us, 5);
    assert_false(find(s, "NCT007", "SUB1")->erased);
    add(s, "NCT007", "SUB2", "S02", -1);
    assert_true(find(s, "NCT007", "SUB2")->erased);
    assert_string_equal(subjects_site(s, find(s, "NCT007", "SUB1")).at, "S01");
    assert_string_equal(subjects_site(s, find(s, "NCT007", "SUB2")).at, "S02");
    subjects_clear(s);
    assert_null(find(s, "NCT007", "SUB1"));
    subjects_free(s);
}

static void
sites_have_a_bound(void **state)
{
    struct subjects *s = subjects_new();
    char code[32];

    (void)state;
    for (unsigned i = 0; i <= SUBJECTS_SITES_MAX; i++) {
        snprintf(code, sizeof(code), "S%u", i);
        add(s, "A", "SUB1", code, 1);
        assert_int_equal(subjects_site(s, find(s, "A", "SUB1")).at != NULL, i < SUBJECTS_SITES_MAX);
    }
    subjects_free(s);
}

static void
more_than_it_holds_only_forgets(void **state)
{
    enum { N = 2 * SUBJECTS_BUCKETS * SUBJECTS_WAYS };
    struct subjects *s = subjects_new();
    size_t known = 0;
    char code[32];

    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(code, sizeof(code), "S%d", i);
        add(s, "A", code, NULL, i);
        assert_non_null(find(s, "A", code)); /* the newest is never lost */
    }
    for (int i = 0; i < N; i++) {
        snprintf(code, sizeof(code), "S%d", i);
        const struct subject *found = find(s, "A", code);
        if (found != NULL) {
            known++;
            assert_int_equal(found->active_until_us, i);
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
        cmocka_unit_test(sites_have_a_bound),
        cmocka_unit_test(more_than_it_holds_only_forgets),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
