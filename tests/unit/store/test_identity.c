/* Masks by Unicode character, ages, blind indexes, and what a seal is bound to. */
#include "tests/unit/cmocka_all.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/identity.h"

static struct slice
text(const char *t)
{
    return (struct slice){t, strlen(t)};
}

typedef int mask_fn(struct slice value, struct buf *out);

static void
mask_is(mask_fn *mask, const char *value, const char *wanted)
{
    struct buf out;

    buf_init(&out, 4096);
    assert_int_equal(mask(text(value), &out), BUF_OK);
    buf_append(&out, "", 1);
    assert_string_equal((const char *)out.data, wanted);
    buf_deinit(&out);
}

static void
names(void **state)
{
    (void)state;
    mask_is(identity_mask_name, "Anna Meyer", "A**");
    mask_is(identity_mask_name, "Özlem", "Ö**");
    mask_is(identity_mask_name, "王小明", "王**");
    mask_is(identity_mask_name, "𠮷田", "𠮷**"); /* beyond the BMP */
    mask_is(identity_mask_name, "  Bo", "B**");
    mask_is(identity_mask_name, "X", "X**");
    mask_is(identity_mask_name, "", "**");
    mask_is(identity_mask_name, "\xe7\x8e", "\xe7**"); /* broken: one byte, no more */
}

static void
phones(void **state)
{
    (void)state;
    mask_is(identity_mask_phone, "13812345678", "138****5678");
    mask_is(identity_mask_phone, "+49 151 23456789", "491******6789");
    mask_is(identity_mask_phone, "12345678", "123*5678");
    mask_is(identity_mask_phone, "1234567", "*******");
    mask_is(identity_mask_phone, "123-45", "*****");
    mask_is(identity_mask_phone,
            "\xef\xbc\x91\xef\xbc\x93\xef\xbc\x98\xef\xbc\x91\xef\xbc\x92"
            "345678", /* full-width digits count as one each */
            "\xef\xbc\x91\xef\xbc\x93\xef\xbc\x98****5678");
    mask_is(identity_mask_phone, "none", "***");
    mask_is(identity_mask_phone, "", "***");
}

static void
emails(void **state)
{
    (void)state;
    mask_is(identity_mask_email, "doe@example.org", "d***@example.org");
    mask_is(identity_mask_email, "ödön@example.org", "ö***@example.org");
    mask_is(identity_mask_email, "\"a@b\"@example.org", "\"***@example.org");
    mask_is(identity_mask_email, "no sign", "***");
    mask_is(identity_mask_email, "@example.org", "***");
}

static void
ages(void **state)
{
    static const struct {
        const char *birth;
        int age;
    } cases[] = {
        {"1957-03-02", 69}, {"1957-11-23", 68},  {"1957-11-22", 69}, {"1957", 69},
        {"1957-12", 68},    {"1936-11-22", 90},  {"1936-11-23", 89}, {"1901-01-01", 90},
        {"2026-11-22", 0},  {"2027", -1},        {"", -1},           {"57-03-02", -1},
        {"1957-13-02", -1}, {"1957-03-02T", -1}, {"1957/03/02", -1}, {"unknown", -1},
    };
    const int64_t now_us = 1795305600000000; /* 2026-11-22 */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(identity_age(text(cases[i].birth), now_us), cases[i].age);
}

static void
index_same(const char *kind, const char *a, const char *b, bool wanted)
{
    const struct identity_subject study = {{1}};
    uint8_t x[IDENTITY_INDEX_BYTES], y[IDENTITY_INDEX_BYTES];

    identity_blind_index(&study, text(kind), text(a), x);
    identity_blind_index(&study, text(kind), text(b), y);
    if ((memcmp(x, y, sizeof(x)) == 0) != wanted)
        fail_msg("%s: %s and %s", kind, a, b);
}

static void
blind_indexes(void **state)
{
    const struct identity_subject study = {{1}}, other = {{2}};
    uint8_t a[IDENTITY_INDEX_BYTES], b[IDENTITY_INDEX_BYTES];

    (void)state;
    index_same("phone", "+49 151 2345-6789", "0049 (0)151 23456789", true);
    index_same("phone", "＋４９　１５１ ２３４５６７８９", "+4915123456789", true);
    index_same("telecom", "tel:+49-151-23456789", "+4915123456789", true);
    index_same("telecom", "Anna@Example.org", "anna@example.org", true);
    index_same("phone", "0151 23456789", "(0151) 234-56789", true);
    index_same("phone", "0151 23456789", "+49 151 23456789", false); /* no country is guessed */
    index_same("phone", "+4915123456789", "+4915123456788", false);
    index_same("phone", "none", "None.", true);
    index_same("name", "Anna  MEYER", "anna meyer", true);
    index_same("name", "Ａｎｎａ　Ｍｅｙｅｒ", "anna meyer", true);
    index_same("name", "ﾀﾅｶ", "タナカ", true);
    index_same("name", "anna meier", "anna meyer", false);
    index_same("name", "", "-", true);
    identity_blind_index(&study, text("phone"), text("4915123456789"), a);
    identity_blind_index(&study, text("fax"), text("4915123456789"), b);
    assert_memory_not_equal(a, b, sizeof(a));
    identity_blind_index(&other, text("phone"), text("4915123456789"), b);
    assert_memory_not_equal(a, b, sizeof(a));
}

static void
export_codes(void **state)
{
    const struct identity_subject study = {{1}}, other = {{2}};
    char a[IDENTITY_EXPORT_CODE_SIZE], b[IDENTITY_EXPORT_CODE_SIZE];

    (void)state;
    identity_export_code(&study, text("SUB1"), a);
    assert_int_equal(strlen(a), 16);
    identity_export_code(&study, text("SUB1"), b);
    assert_string_equal(a, b);
    identity_export_code(&study, text("SUB2"), b);
    assert_string_not_equal(a, b);
    identity_export_code(&other, text("SUB1"), b);
    assert_string_not_equal(a, b);
}

static struct identity_wrap *
wrap_load(const char *keys)
{
    char path[] = "/tmp/test-identity-XXXXXX", *why = NULL;
    struct identity_wrap *w = NULL;
    int fd = mkstemp(path);

    assert_true(fd >= 0 && fchmod(fd, 0600) == 0);
    assert_int_equal(write(fd, keys, strlen(keys)), (ssize_t)strlen(keys));
    close(fd);
    int r = identity_wrap_load(path, &w, &why);
    unlink(path);
    assert_int_equal(r, 0);
    return w;
}

#define KEY_A "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define KEY_B "2 ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

static void
seals_are_bound(void **state)
{
    struct identity_wrap *one = wrap_load(KEY_A), *both = wrap_load(KEY_B KEY_A);
    struct identity_subject key, opened;
    uint8_t wrapped[IDENTITY_WRAPPED_BYTES];
    struct slice wrapped_s = {wrapped, sizeof(wrapped)};
    struct buf sealed, value;
    uint32_t id;

    (void)state;
    buf_init(&sealed, 4096);
    buf_init(&value, 4096);
    identity_key_make(one, text("S"), text("A"), &key, &id, wrapped);
    assert_int_equal(id, 1);
    assert_int_equal(identity_key_open(both, text("S"), text("A"), 1, wrapped_s, &opened),
                     IDENTITY_OPENED);
    assert_memory_equal(key.key, opened.key, sizeof(key.key));
    assert_int_equal(identity_key_open(one, text("S"), text("B"), 1, wrapped_s, &opened),
                     IDENTITY_BROKEN);
    assert_int_equal(identity_key_open(one, text("SA"), text(""), 1, wrapped_s, &opened),
                     IDENTITY_BROKEN);
    assert_int_equal(identity_key_open(one, text("S"), text("A"), 9, wrapped_s, &opened),
                     IDENTITY_KEY_UNKNOWN);
    assert_int_equal(
        identity_key_open(one, text("S"), (struct slice){NULL, 0}, 1, wrapped_s, &opened),
        IDENTITY_BROKEN); /* a subject's key is no study's */

    assert_int_equal(
        identity_value_seal(&key, text("S"), text("A"), text("name"), text("Anna"), &sealed),
        BUF_OK);
    struct slice sealed_s = {sealed.data, sealed.size};
    assert_int_equal(
        identity_value_open(&key, text("S"), text("A"), text("name"), sealed_s, &value),
        IDENTITY_OPENED);
    assert_int_equal(value.size, 4);
    assert_memory_equal(value.data, "Anna", 4);
    assert_int_equal(
        identity_value_open(&key, text("S"), text("A"), text("phone"), sealed_s, &value),
        IDENTITY_BROKEN);
    assert_int_equal(value.size, 0);
    for (size_t cut = 0; cut < sealed.size; cut++)
        assert_int_equal(identity_value_open(&key, text("S"), text("A"), text("name"),
                                             (struct slice){sealed.data, cut}, &value),
                         IDENTITY_BROKEN);
    buf_deinit(&sealed);
    buf_deinit(&value);
    identity_wrap_free(one);
    identity_wrap_free(both);
}

/* The bound: 64 KiB are sealed, one byte more is not. */
static void
values_are_bounded(void **state)
{
    const struct identity_subject key = {{1}};
    char *long_text = calloc(1, IDENTITY_VALUE_MAX + 1);
    struct buf sealed, value;

    (void)state;
    buf_init(&sealed, IDENTITY_VALUE_MAX * 2);
    buf_init(&value, IDENTITY_VALUE_MAX + 1);
    memset(long_text, 'x', IDENTITY_VALUE_MAX + 1);
    assert_int_equal(identity_value_seal(&key, text("S"), text("A"), text("k"),
                                         (struct slice){long_text, IDENTITY_VALUE_MAX + 1},
                                         &sealed),
                     BUF_FULL);
    assert_int_equal(identity_value_seal(&key, text("S"), text("A"), text("k"),
                                         (struct slice){long_text, IDENTITY_VALUE_MAX}, &sealed),
                     BUF_OK);
    assert_int_equal(identity_value_open(&key, text("S"), text("A"), text("k"),
                                         (struct slice){sealed.data, sealed.size}, &value),
                     IDENTITY_OPENED);
    assert_int_equal(value.size, IDENTITY_VALUE_MAX);
    free(long_text);
    buf_deinit(&sealed);
    buf_deinit(&value);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),           cmocka_unit_test(phones),
        cmocka_unit_test(emails),          cmocka_unit_test(ages),
        cmocka_unit_test(blind_indexes),   cmocka_unit_test(export_codes),
        cmocka_unit_test(seals_are_bound), cmocka_unit_test(values_are_bounded),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
