/* Seals: a vector made by another implementation's caller (PyNaCl), every flipped bit and every
 * other envelope refused, key files read strictly. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schemas/wire/seal.h"

#define KEY7 "0707070707070707070707070707070707070707070707070707070707070707"
#define KEY8 "0808080808080808080808080808080808080808080808080808080808080808"

static char path[64];

static void
file_write(const char *text, mode_t mode)
{
    strcpy(path, "/tmp/sluice-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static struct seal_keys *
keys_load(const char *text)
{
    struct seal_keys *k = NULL;
    char *why = NULL;

    file_write(text, 0600);
    if (seal_keys_load(path, &k, &why) != 0)
        fail_msg("%s", why);
    unlink(path);
    return k;
}

static void
load_must_fail(const char *text, mode_t mode, const char *expected)
{
    struct seal_keys *k = NULL;
    char *why = NULL;

    file_write(text, mode);
    assert_int_not_equal(seal_keys_load(path, &k, &why), 0);
    unlink(path);
    assert_null(k);
    assert_non_null(why);
    if (strstr(why, expected) == NULL)
        fail_msg("'%s' lacks '%s'", why, expected);
    assert_null(strstr(why, "0707")); /* no secret in the text */
    free(why);
}

static struct seal_context
context(void)
{
    struct seal_context ctx = {"submissions", 11, "NCT007", 6, {{0}}};
    for (uint8_t i = 0; i < 16; i++)
        ctx.id.bytes[i] = i;
    return ctx;
}

static void
vector_opens(void **state)
{
    static const uint8_t sealed[] = {
        0x05, 0x00, 0x00, 0x00, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
        0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b,
        0x63, 0xf5, 0xb0, 0x2f, 0xb6, 0x99, 0xdc, 0xdf, 0xad, 0x3e, 0x0e, 0xf0, 0x1b, 0x27,
        0x76, 0x1d, 0x4c, 0x16, 0x51, 0x5d, 0x6b, 0x07, 0xc6, 0x05, 0xbd, 0xd9, 0x49, 0x2d};
    struct seal_keys *k = keys_load("5 " KEY7 "\n");
    struct seal_context ctx = context();
    struct buf plain;

    (void)state;
    buf_init(&plain, 100);
    assert_int_equal(seal_open(k, &ctx, sealed, sizeof(sealed), &plain), SEAL_OK);
    assert_int_equal(plain.size, 12);
    assert_memory_equal(plain.data, "hello sluice", 12);
    buf_deinit(&plain);
    seal_keys_free(k);
}

static void
every_flipped_bit_is_noticed(void **state)
{
    struct seal_keys *k = keys_load("1 " KEY7);
    struct seal_context ctx = context();
    uint8_t sealed[5 + SEAL_OVERHEAD_BYTES];
    struct buf plain;

    (void)state;
    buf_init(&plain, 100);
    seal_close(k, &ctx, (const uint8_t *)"plain", 5, sealed);
    for (size_t i = 0; i < sizeof(sealed) * 8; i++) {
        sealed[i / 8] ^= (uint8_t)(1 << i % 8);
        int expected = i < 32 ? SEAL_UNKNOWN_KEY : SEAL_BROKEN;
        assert_int_equal(seal_open(k, &ctx, sealed, sizeof(sealed), &plain), expected);
        assert_int_equal(plain.size, 0);
        sealed[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t size = 0; size < sizeof(sealed); size++) {
        uint8_t *copy = malloc(size > 0 ? size : 1);
        memcpy(copy, sealed, size);
        assert_int_equal(seal_open(k, &ctx, copy, size, &plain), SEAL_BROKEN);
        free(copy);
    }
    assert_int_equal(seal_open(k, &ctx, sealed, sizeof(sealed), &plain), SEAL_OK);
    assert_memory_equal(plain.data, "plain", 5);
    buf_deinit(&plain);
    seal_keys_free(k);
}

static void
other_envelopes_are_refused(void **state)
{
    struct seal_keys *k = keys_load("1 " KEY7);
    struct seal_context ctx = context(), others[] = {ctx, ctx, ctx, ctx};
    uint8_t sealed[SEAL_OVERHEAD_BYTES];
    struct buf plain;

    (void)state;
    buf_init(&plain, 100);
    seal_close(k, &ctx, NULL, 0, sealed);
    others[0].service = "submissionx";
    others[1].scope = "NCT008";
    others[2].id.bytes[15] ^= 1;
    others[3].service = "submission"; /* the same bytes, cut elsewhere */
    others[3].service_len = 10;
    others[3].scope = "sNCT007";
    others[3].scope_len = 7;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(seal_open(k, &others[i], sealed, sizeof(sealed), &plain), SEAL_BROKEN);
    assert_int_equal(seal_open(k, &ctx, sealed, sizeof(sealed), &plain), SEAL_OK);
    assert_int_equal(plain.size, 0);
    buf_deinit(&plain);
    seal_keys_free(k);
}

static void
the_first_key_seals_and_all_open(void **state)
{
    struct seal_keys *old = keys_load("1 " KEY7);
    struct seal_keys *both = keys_load("# rotated\n\n 2 " KEY8 "  \r\n1 " KEY7 "\n");
    struct seal_context ctx = context();
    uint8_t a[4 + SEAL_OVERHEAD_BYTES], b[4 + SEAL_OVERHEAD_BYTES];
    struct buf plain;

    (void)state;
    buf_init(&plain, 100);
    seal_close(old, &ctx, (const uint8_t *)"body", 4, a);
    seal_close(both, &ctx, (const uint8_t *)"body", 4, b);
    assert_int_equal(a[0], 1);
    assert_int_equal(b[0], 2);
    assert_int_equal(seal_open(both, &ctx, a, sizeof(a), &plain), SEAL_OK);
    assert_int_equal(seal_open(both, &ctx, b, sizeof(b), &plain), SEAL_OK);
    assert_int_equal(seal_open(old, &ctx, b, sizeof(b), &plain), SEAL_UNKNOWN_KEY);
    seal_close(old, &ctx, (const uint8_t *)"body", 4, b);
    assert_memory_not_equal(a, b, sizeof(a)); /* a fresh nonce each time */
    buf_deinit(&plain);
    buf_init(&plain, 3);
    assert_int_equal(seal_open(both, &ctx, a, sizeof(a), &plain), SEAL_TOO_LARGE);
    buf_deinit(&plain);
    seal_keys_free(old);
    seal_keys_free(both);
}

#define NONCE_AT 4
#define NONCE_BYTES 24

static void
seal_many(const struct seal_keys *k, uint8_t (*ret_nonces)[NONCE_BYTES], size_t n)
{
    struct seal_context ctx = context();
    uint8_t sealed[SEAL_OVERHEAD_BYTES];

    for (size_t i = 0; i < n; i++) {
        seal_close(k, &ctx, NULL, 0, sealed);
        memcpy(ret_nonces[i], sealed + NONCE_AT, NONCE_BYTES);
    }
}

static int
nonce_compare(const void *a, const void *b)
{
    return memcmp(a, b, NONCE_BYTES);
}

/* They are drawn ahead: neither does a draw give one twice, nor a child of fork its parent's. */
static void
no_nonce_comes_twice(void **state)
{
    enum { N = 1000 };
    static uint8_t nonces[3 * N][NONCE_BYTES];
    struct seal_keys *k = keys_load("1 " KEY7);
    int ends[2], status;

    (void)state;
    seal_many(k, nonces, N);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        seal_many(k, nonces + N, N);
        ssize_t size = sizeof(nonces[0]) * N;
        _exit(write(ends[1], nonces + N, (size_t)size) == size ? 0 : 1);
    }
    close(ends[1]);
    seal_many(k, nonces + 2 * N, N);
    FILE *from_child = fdopen(ends[0], "r");
    assert_non_null(from_child);
    assert_int_equal(fread(nonces + N, NONCE_BYTES, N, from_child), N);
    fclose(from_child);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    qsort(nonces, 3 * N, NONCE_BYTES, nonce_compare);
    for (size_t i = 1; i < 3 * N; i++)
        assert_memory_not_equal(nonces[i - 1], nonces[i], NONCE_BYTES);
    seal_keys_free(k);
}

static void
key_files_are_read_strictly(void **state)
{
    struct seal_keys *k = NULL;
    char *why = NULL;

    (void)state;
    load_must_fail("", 0600, "no key");
    load_must_fail("# only words\n", 0600, "no key");
    load_must_fail("1 " KEY7, 0644, "chmod");
    load_must_fail("0 " KEY7, 0600, ":1: a key id");
    load_must_fail("4294967296 " KEY7, 0600, ":1: a key id");
    load_must_fail("99999999999999999999999 " KEY7, 0600, ":1: a key id");
    load_must_fail("x " KEY7, 0600, ":1: a key id");
    load_must_fail("1" KEY7, 0600, ":1: a key id");
    load_must_fail("1 " KEY7 "0", 0600, ":1: a key is 64");
    load_must_fail("\n1 0707", 0600, ":2: a key is 64");
    load_must_fail("1 " KEY7 " x", 0600, ":1: a key is 64");
    load_must_fail("1 " KEY7 "\n1 " KEY8, 0600, ":2: this key id");
    assert_int_not_equal(seal_keys_load("/nonexistent/keys", &k, &why), 0);
    free(why);
    seal_keys_free(keys_load("4294967295 " KEY7));
}

static void
too_many_keys_are_refused(void **state)
{
    char text[(SEAL_KEYS_MAX + 1) * 80] = "";
    size_t n = 0;

    (void)state;
    for (int i = 1; i <= SEAL_KEYS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%d %s\n", i, KEY8);
    seal_keys_free(keys_load(text));
    snprintf(text + n, sizeof(text) - n, "%d %s\n", SEAL_KEYS_MAX + 1, KEY8);
    load_must_fail(text, 0600, ":65: there are too many");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector_opens),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(other_envelopes_are_refused),
        cmocka_unit_test(the_first_key_seals_and_all_open),
        cmocka_unit_test(no_nonce_comes_twice),
        cmocka_unit_test(key_files_are_read_strictly),
        cmocka_unit_test(too_many_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
