/* The chain: what a MAC covers, how a head is made, what an anchor says. */
#include "tests/unit/cmocka_all.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "store/audit.h"
#include "store/audit_data.h"

#define TEXT(literal) ((struct slice){literal, sizeof(literal) - 1})

static const struct audit_key key = {{1, 2, 3}};

static struct audit_row
row_make(const char *detail)
{
    return (struct audit_row){
        .at_us = 1795000000000000,
        .actor = TEXT("anna"),
        .role = TEXT("site"),
        .action = TEXT("submission.stored"),
        .study = TEXT("S"),
        .subject = TEXT("SUB1"),
        .submission = {{9}},
        .has_submission = true,
        .revision = 1,
        .detail = {detail, strlen(detail)},
    };
}

/* Every field, and null against empty, and a byte that moves from one field to the next. */
static void
every_field_is_signed(void **state)
{
    const struct uuid writer = {{7}}, other = {{8}};
    uint8_t macs[16][AUDIT_MAC_BYTES];
    struct audit_row rows[16];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        rows[i] = row_make("d");
        rows[i].number = 1;
    }
    n = 1;
    rows[n++].number = 2;
    rows[n++].at_us++;
    rows[n++].actor = TEXT("annb");
    rows[n++].role = (struct slice){NULL, 0};
    rows[n++].role = TEXT("");
    rows[n++].organisation = TEXT("org");
    rows[n++].action = TEXT("submission.revised");
    rows[n++].study = TEXT("SS"), rows[n - 1].subject = TEXT("UB1");
    rows[n++].submission.bytes[15] = 1;
    rows[n++].has_submission = false;
    rows[n++].revision = 2;
    rows[n++].reason = TEXT("why");
    rows[n++].detail = (struct slice){NULL, 0};
    for (size_t i = 0; i < n; i++) {
        audit_mac(&key, &writer, &rows[i], macs[i]);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(macs[i], macs[k], AUDIT_MAC_BYTES);
    }
    audit_mac(&key, &other, &rows[0], macs[1]);
    assert_memory_not_equal(macs[0], macs[1], AUDIT_MAC_BYTES);
    audit_mac(&key, &writer, &rows[0], macs[1]);
    assert_memory_equal(macs[0], macs[1], AUDIT_MAC_BYTES);
}

/* Rows that lose leave gaps; the order in which the winners are told does not matter. */
static void
the_head_takes_winners_by_number(void **state)
{
    struct audit_chain a, b;
    struct audit_row rows[4];
    uint8_t head[AUDIT_MAC_BYTES];

    (void)state;
    audit_chain_init(&a, &key);
    for (size_t i = 0; i < 4; i++) {
        rows[i] = row_make("d");
        audit_row_sign(&a, &rows[i]);
        assert_int_equal(rows[i].number, (int64_t)i + 1);
    }
    b = a;
    memcpy(head, a.head, sizeof(head));
    audit_chain_advance(&a, NULL, 0);
    assert_memory_equal(a.head, head, sizeof(head));
    assert_int_equal(a.batch, 1);
    const struct audit_row *some[] = {&rows[3], &rows[0], &rows[2]};
    const struct audit_row *same[] = {&rows[0], &rows[2], &rows[3]};
    audit_chain_advance(&a, some, 3);
    audit_chain_advance(&b, same, 3);
    assert_memory_equal(a.head, b.head, sizeof(a.head));
    assert_int_equal(a.batch, 2);
    assert_int_equal(a.last_number, 4);

    struct audit_head *h = audit_head_begin(&key, head, 1);
    audit_head_add(h, rows[0].mac);
    audit_head_add(h, rows[2].mac);
    audit_head_add(h, rows[3].mac);
    audit_head_end(&h, head);
    assert_memory_equal(a.head, head, sizeof(head));
}

static void
a_restart_is_another_chain(void **state)
{
    struct audit_chain c;
    struct audit_row row = row_make("d");

    (void)state;
    audit_chain_init(&c, &key);
    struct audit_chain before = c;
    audit_row_sign(&c, &row);
    audit_chain_advance(&c, &(const struct audit_row *){&row}, 1);
    audit_chain_restart(&c);
    assert_false(uuid_equal(&c.writer, &before.writer));
    assert_memory_not_equal(c.head, before.head, sizeof(c.head));
    assert_int_equal(c.batch, 1);
    assert_int_equal(c.next_number, 1);
}

static void
a_note_is_read_as_written(void **state)
{
    struct audit_anchor anchor;
    struct audit_chain c;
    struct audit_row row = row_make("d");
    struct buf note;

    (void)state;
    buf_init(&note, 4096);
    audit_chain_init(&c, &key);
    assert_int_equal(audit_note_write(&c, &note), BUF_OK);
    assert_int_equal(note.size, 0); /* nothing to anchor yet */
    audit_row_sign(&c, &row);
    audit_chain_advance(&c, &(const struct audit_row *){&row}, 1);
    assert_int_equal(audit_note_write(&c, &note), BUF_OK);
    assert_true(audit_note_read(note.data, note.size, &anchor));
    assert_true(uuid_equal(&anchor.writer, &c.writer));
    assert_int_equal(anchor.batch, 1);
    assert_int_equal(anchor.number, 1);
    assert_memory_equal(anchor.head, c.head, sizeof(c.head));
    for (size_t cut = 0; cut < note.size; cut++) /* whatever stands in a journal is judged first */
        assert_false(audit_note_read(note.data, cut, &anchor));
    assert_false(audit_note_read((const uint8_t *)"\x81\xa5"
                                                  "audit\xc0",
                                 8, &anchor));
    buf_deinit(&note);
}

static void
detail_of_a_submission(void **state)
{
    char buffer[AUDIT_DETAIL_MAX];
    uint8_t hash[32] = {0xab}, data[AUDIT_DATA_BYTES] = {0xcd};

    (void)state;
    struct slice s = audit_submission_detail(buffer, TEXT("completed"), hash, sizeof(hash), data);
    assert_int_equal(s.len, 9 + 1 + 64 + 1 + 32);
    assert_memory_equal(s.at, "completed ab00", 14);
    assert_memory_equal((const char *)s.at + 73, "0 cd00", 6);
}

/* The state a key begins with is kept from one code to the next: another key, or the other form,
 * has its own. */
static void
data_macs_under_two_keys_in_two_forms(void **state)
{
    static const struct audit_key keys[2] = {{{1}}, {{1, 2}}};
    void (*const forms[2])(const struct audit_key *, const struct audit_data *,
                           uint8_t *) = {audit_data_mac, audit_data_mac_1};
    const struct audit_data data = {.study = {"NCT007", 6}, .skew = AUDIT_SKEW_NONE};
    uint8_t first[4][AUDIT_DATA_BYTES], again[AUDIT_DATA_BYTES];

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        forms[i / 2](&keys[i % 2], &data, first[i]);
    for (unsigned i = 0; i < 64; i++) {
        unsigned which = (i * 7 + i / 4) % 4;
        forms[which / 2](&keys[which % 2], &data, again);
        assert_memory_equal(again, first[which], sizeof(again));
        for (unsigned other = 0; other < 4; other++)
            assert_true(other == which || memcmp(again, first[other], sizeof(again)) != 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_signed),
        cmocka_unit_test(the_head_takes_winners_by_number),
        cmocka_unit_test(a_restart_is_another_chain),
        cmocka_unit_test(a_note_is_read_as_written),
        cmocka_unit_test(detail_of_a_submission),
        cmocka_unit_test(data_macs_under_two_keys_in_two_forms),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
