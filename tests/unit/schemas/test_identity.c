/* Identity: vectors computed by another implementation (Python's hashlib and msgpack) which must
 * never change, and the canonical form's rules: order, heads, left-out members, hostile shapes. */
#include "tests/unit/cmocka_all.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/wire/canonical.h"
#include "schemas/wire/identity.h"
#include "schemas/wire/mp.h"

static struct identity_key key;

static int
key_fill(void **state)
{
    (void)state;
    key.id = 1;
    for (uint8_t i = 0; i < 32; i++)
        key.bytes[i] = i;
    return sodium_init() < 0;
}

static void
str(struct buf *b, const char *s)
{
    assert_int_equal(mp_put_cstr(b, s), BUF_OK);
}

static void
hash(const struct buf *b, uint8_t ret[CONTENT_HASH_BYTES])
{
    struct buf scratch;
    uint8_t *copy = malloc(b->size);

    memcpy(copy, b->data, b->size);
    buf_init(&scratch, 2 * b->size + 16);
    assert_int_equal(identity_content_hash(&key, copy, b->size, &scratch, ret), IDENTITY_OK);
    buf_deinit(&scratch);
    free(copy);
}

static void
answers_put(struct buf *b)
{
    mp_put_map(b, 4);
    str(b, "pulse");
    mp_put_uint(b, 72);
    str(b, "b");
    mp_put_array(b, 2);
    mp_put_map(b, 2);
    str(b, "z");
    mp_put_uint(b, 1);
    str(b, "a");
    mp_put_nil(b);
    mp_put_int(b, -5);
    str(b, "aa");
    mp_put_ext(b, MP_DECIMAL, "36.60", 5);
    str(b, "a");
    mp_put_bool(b, true);
}

static void
content_vector_is_stable(void **state)
{
    static const uint8_t expected[CONTENT_HASH_BYTES] = {
        0x9a, 0xb9, 0x48, 0x75, 0x3f, 0x11, 0x81, 0xf2, 0x75, 0xe3, 0xdb,
        0x79, 0x9d, 0x92, 0x7c, 0x3e, 0x31, 0x56, 0x87, 0xd1, 0x47, 0xef,
        0xa0, 0x15, 0xba, 0x71, 0xcf, 0x1e, 0x0c, 0xe7, 0x5b, 0xca};
    uint8_t got[CONTENT_HASH_BYTES];
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    mp_put_map(&b, 5);
    str(&b, "subjectId");
    str(&b, "SUB123");
    str(&b, "id");
    str(&b, "x");
    str(&b, "questionnaire");
    str(&b, "vitals");
    str(&b, "answers");
    answers_put(&b);
    str(&b, "sentAt");
    str(&b, "2026");
    hash(&b, got);
    assert_memory_equal(got, expected, sizeof(expected));

    /* Another order, and without what does not count: the same. */
    buf_clear(&b);
    mp_put_map(&b, 3);
    str(&b, "answers");
    answers_put(&b);
    str(&b, "questionnaire");
    str(&b, "vitals");
    str(&b, "subjectId");
    str(&b, "SUB123");
    hash(&b, got);
    assert_memory_equal(got, expected, sizeof(expected));

    key.bytes[0] ^= 1;
    hash(&b, got);
    assert_memory_not_equal(got, expected, sizeof(expected));
    key.bytes[0] ^= 1;
    b.data[b.size - 1] ^= 1; /* SUB122 */
    hash(&b, got);
    assert_memory_not_equal(got, expected, sizeof(expected));
    buf_deinit(&b);
}

static void
id_vectors_are_stable(void **state)
{
    char text[UUID_TEXT_SIZE], long_key[128];
    uint8_t content[CONTENT_HASH_BYTES];
    struct uuid id;

    (void)state;
    identity_from_key(&key, "NCT007", 6, "SUB123", 6, "morning-1", 9, &id);
    uuid_format(&id, text);
    assert_string_equal(text, "ed2a6601-cc54-86ea-818e-3565795aee79");
    memset(long_key, 'k', sizeof(long_key));
    identity_from_key(&key, "NCT007", 6, "SUB123", 6, long_key, sizeof(long_key), &id);
    uuid_format(&id, text);
    assert_string_equal(text, "820cc790-a2c8-8f5a-9153-0c36f5904572");
    size_t n;
    sodium_hex2bin(content, sizeof(content),
                   "9ab948753f1181f275e3db799d927c3e315687d147efa015ba71cf1e0ce75bca", 64, NULL, &n,
                   NULL);
    identity_from_content(&key, "NCT007", 6, "SUB123", 6, content, &id);
    uuid_format(&id, text);
    assert_string_equal(text, "7d35ab4b-ed84-84c7-af1b-8830455baa9c");
}

static void
alert_vectors_are_stable(void **state)
{
    static const struct {
        const char *study;
        uint32_t revision;
        const char *rule, *id;
    } vectors[] = {
        {"NCT007", 1, "phq9-item-9", "36b7b556-6753-8459-826e-a2148a520ba4"},
        {"NCT007", 127, "r", "b2c81165-5eeb-81c4-8ee4-7cd66b107e95"},
        {"NCT007", 128, "r", "4c93096b-f3ad-8b09-bbaa-9fda6461e94a"},
        {"NCT007", 256, "r", "ec4a41ad-978f-8e8c-aae4-293e518a940f"},
        {"NCT007", 65536, "r", "26e646ba-ef84-8829-aa40-85b05160dd00"},
        {"NCT008", 1, "phq9-item-9", "bbfb1e1f-39c8-8e5d-83b7-ef6409e9b7b7"},
    };
    struct uuid submission, id;
    char text[UUID_TEXT_SIZE];

    (void)state;
    assert_true(uuid_parse("ed2a6601-cc54-86ea-818e-3565795aee79", 36, &submission));
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        identity_from_alert(&key, vectors[i].study, strlen(vectors[i].study), &submission,
                            vectors[i].revision, vectors[i].rule, strlen(vectors[i].rule), &id);
        uuid_format(&id, text);
        assert_string_equal(text, vectors[i].id);
    }
}

static void
neighbouring_fields_do_not_run_together(void **state)
{
    struct uuid a, b;

    (void)state;
    identity_from_key(&key, "AB", 2, "C", 1, "D", 1, &a);
    identity_from_key(&key, "A", 1, "BC", 2, "D", 1, &b);
    assert_false(uuid_equal(&a, &b));
    identity_from_key(&key, "AB", 2, "", 0, "CD", 2, &b);
    assert_false(uuid_equal(&a, &b));
}

static void
form_is(const struct buf *in, const struct buf *expected)
{
    static const char *const omit[] = {"id", "sentAt", NULL};
    const uint8_t *form;
    size_t size;
    struct buf scratch;

    buf_init(&scratch, 1 << 24);
    assert_int_equal(canonical_form(in->data, in->size, omit, &scratch, &form, &size),
                     CANONICAL_OK);
    assert_int_equal(size, expected->size);
    assert_memory_equal(form, expected->data, size);
    buf_deinit(&scratch);
}

static void
heads_become_shortest(void **state)
{
    static const uint8_t loose[] = {
        0xdf, 0, 0,    0,    5, /* map 32 of 5 */
        0xdb, 0, 0,    0,    1,    'e',  0xdd, 0,    0,    0,    1,    0xd3, 0,
        0,    0, 0,    0,    0,    0,    5, /* 5 as int64 */
        0xd9, 2, 'i',  'd',  0xc0, 0xda, 0,    1,    'b',  0xc9, 0,    0,    0,
        1,    1, '7',  0xa1, 'c',  0xd2, 0xff, 0xff, 0xff, 0xff, 0xa1, 'a',  0xde,
        0,    1, 0xa2, 'i',  'd',  0xc6, 0,    0,    0,    1,    9, /* an inner "id" stays */
    };
    static const uint8_t tight[] = {
        0x84, 0xa1, 'a', 0x81, 0xa2, 'i', 'd',  0xc4, 1,   9,    0xa1,
        'b',  0xd4, 1,   '7',  0xa1, 'c', 0xff, 0xa1, 'e', 0x91, 5,
    };
    struct buf in = {.data = (uint8_t *)(uintptr_t)loose, .size = sizeof(loose)};
    struct buf out = {.data = (uint8_t *)(uintptr_t)tight, .size = sizeof(tight)};

    (void)state;
    assert_int_equal(mp_check(loose, sizeof(loose), 100), MP_OK);
    form_is(&in, &out);
    form_is(&out, &out);
}

static void
edges_of_shape(void **state)
{
    struct buf in, out;

    (void)state;
    buf_init(&in, 4096);
    buf_init(&out, 4096);
    mp_put_map(&in, 0);
    mp_put_map(&out, 0);
    form_is(&in, &out);
    buf_clear(&in);
    mp_put_map(&in, 2); /* nothing but what is left out */
    str(&in, "sentAt");
    mp_put_map(&in, 0);
    str(&in, "id");
    mp_put_array(&in, 0);
    form_is(&in, &out);
    buf_clear(&in);
    buf_clear(&out);
    mp_put_map(&in, 17); /* 17 - 2 = 15: the head shrinks from three bytes to one */
    mp_put_map(&out, 15);
    str(&in, "sentAt");
    mp_put_nil(&in);
    for (char c = 'o'; c >= 'a'; c--) {
        mp_put_str(&in, &c, 1);
        mp_put_map(&in, 0);
    }
    str(&in, "id");
    mp_put_nil(&in);
    for (char c = 'a'; c <= 'o'; c++) {
        mp_put_str(&out, &c, 1);
        mp_put_map(&out, 0);
    }
    form_is(&in, &out);
    buf_deinit(&in);
    buf_deinit(&out);
}

static void
prefixes_and_bytes_order_keys(void **state)
{
    static const char *const sorted[] = {"", "A", "Z", "a", "aa", "ab", "b", "\xc3\xa4"};
    static const int order[] = {7, 3, 1, 5, 0, 2, 6, 4};
    struct buf in, out;

    (void)state;
    buf_init(&in, 4096);
    buf_init(&out, 4096);
    mp_put_map(&in, 8);
    mp_put_map(&out, 8);
    for (unsigned i = 0; i < 8; i++) {
        str(&in, sorted[order[i]]);
        mp_put_uint(&in, (uint64_t)order[i]);
        str(&out, sorted[i]);
        mp_put_uint(&out, i);
    }
    form_is(&in, &out);
    buf_deinit(&in);
    buf_deinit(&out);
}

/* What stands as it came is copied in runs between what does not: here a member left out, loose
 * heads, and maps out of order, each with something as it came before and behind it. */
static void
runs_are_copied_around_changes(void **state)
{
    char longest[70000];
    struct buf in, out;

    (void)state;
    memset(longest, 'n', sizeof(longest));
    buf_init(&in, 1 << 20);
    buf_init(&out, 1 << 20);
    mp_put_map(&in, 5);
    str(&in, "answers");
    mp_put_map(&in, 3);
    str(&in, "b");
    mp_put_str(&in, longest, sizeof(longest));
    str(&in, "c");
    buf_append(&in, "\xcd\x00\x07", 3); /* 7 in two bytes */
    str(&in, "a");
    mp_put_str(&in, longest, 300);
    str(&in, "sentAt");
    mp_put_str(&in, longest, 200);
    str(&in, "visit");
    mp_put_str(&in, longest, 40);
    str(&in, "id");
    mp_put_uint(&in, 70000);
    str(&in, "device");
    mp_put_array(&in, 2);
    buf_append(&in, "\xda\x00\x02no", 5); /* a text's head too long */
    mp_put_bool(&in, true);

    mp_put_map(&out, 3);
    str(&out, "answers");
    mp_put_map(&out, 3);
    str(&out, "a");
    mp_put_str(&out, longest, 300);
    str(&out, "b");
    mp_put_str(&out, longest, sizeof(longest));
    str(&out, "c");
    mp_put_uint(&out, 7);
    str(&out, "device");
    mp_put_array(&out, 2);
    str(&out, "no");
    mp_put_bool(&out, true);
    str(&out, "visit");
    mp_put_str(&out, longest, 40);
    form_is(&in, &out);
    form_is(&out, &out);
    buf_deinit(&in);
    buf_deinit(&out);
}

/* Many open entries at once (past those kept inline), many keys (past insertion sort), deep
 * nesting. */
static void
large_and_deep_maps_are_sorted(void **state)
{
    struct buf in, out;
    char name[16];

    (void)state;
    buf_init(&in, 1 << 24);
    buf_init(&out, 1 << 24);
    for (int level = 0; level < MP_DEPTH_MAX; level++) {
        mp_put_map(&in, 41);
        mp_put_map(&out, 41);
        for (int i = 0; i < 40; i++) {
            snprintf(name, sizeof(name), "b%02d", (i * 17 + level) % 40);
            str(&in, name);
            mp_put_uint(&in, (uint64_t)((i * 17 + level) % 40));
        }
        str(&in, "a"); /* stands last, sorts first */
        str(&out, "a");
    }
    mp_put_uint(&in, 1);
    mp_put_uint(&out, 1);
    for (int level = 0; level < MP_DEPTH_MAX; level++) {
        for (int i = 0; i < 40; i++) {
            snprintf(name, sizeof(name), "b%02d", i);
            str(&out, name);
            mp_put_uint(&out, (uint64_t)i);
        }
    }
    assert_int_equal(mp_check(in.data, in.size, 100000), MP_OK);
    form_is(&in, &out);
    buf_deinit(&in);
    buf_deinit(&out);
}

static void
wrong_input_is_refused(void **state)
{
    static const uint8_t deep_key[] = {0x81, 0x90, 0xc0}, number_key[] = {0x81, 1, 0xc0};
    uint8_t ret[CONTENT_HASH_BYTES];
    struct buf scratch, b;

    (void)state;
    buf_init(&scratch, 1000);
    assert_int_equal(identity_content_hash(&key, deep_key, 3, &scratch, ret), IDENTITY_MALFORMED);
    assert_int_equal(identity_content_hash(&key, number_key, 3, &scratch, ret), IDENTITY_MALFORMED);
    assert_int_equal(identity_content_hash(&key, deep_key + 1, 1, &scratch, ret),
                     IDENTITY_MALFORMED);
    buf_init(&b, 4096);
    mp_put_map(&b, 1);
    str(&b, "answers");
    answers_put(&b);
    for (size_t size = 0; size < b.size; size++) { /* unchecked bytes do no harm */
        uint8_t *copy = malloc(size > 0 ? size : 1);
        memcpy(copy, b.data, size);
        assert_int_equal(identity_content_hash(&key, copy, size, &scratch, ret),
                         IDENTITY_MALFORMED);
        free(copy);
    }
    struct buf tight;
    buf_init(&tight, 2 * b.size);
    assert_int_equal(identity_content_hash(&key, b.data, b.size, &tight, ret), IDENTITY_TOO_LARGE);
    buf_deinit(&tight);
    buf_deinit(&b);
    buf_deinit(&scratch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_vector_is_stable),
        cmocka_unit_test(id_vectors_are_stable),
        cmocka_unit_test(alert_vectors_are_stable),
        cmocka_unit_test(neighbouring_fields_do_not_run_together),
        cmocka_unit_test(heads_become_shortest),
        cmocka_unit_test(edges_of_shape),
        cmocka_unit_test(prefixes_and_bytes_order_keys),
        cmocka_unit_test(runs_are_copied_around_changes),
        cmocka_unit_test(large_and_deep_maps_are_sorted),
        cmocka_unit_test(wrong_input_is_refused),
    };
    return cmocka_run_group_tests(tests, key_fill, NULL);
}
