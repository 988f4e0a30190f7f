/* Against libsodium's own code, at every length around the blocks and the gathering, nested too. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/hmac.h"

#define LENGTH_MAX (2 * HMAC_GATHERED + 70)

static const uint8_t key_a[HMAC_KEY_BYTES] = {1, 2, 3}, key_b[HMAC_KEY_BYTES] = {4};
static uint8_t message[LENGTH_MAX];

static void
expect(const uint8_t *key, size_t len, const uint8_t found[HMAC_BYTES])
{
    uint8_t expected[HMAC_BYTES];

    crypto_auth_hmacsha256(expected, message, len, key);
    assert_memory_equal(found, expected, sizeof(expected));
}

static void
test_every_length_fed_in_pieces(void **state)
{
    (void)state;
    randombytes_buf(message, sizeof(message));
    for (size_t len = 0; len <= LENGTH_MAX; len++) {
        struct hmac h;
        uint8_t found[HMAC_BYTES];
        size_t piece = 1 + len % 97;

        hmac_begin(&h, len % 3 == 0 ? key_b : key_a); /* the kept context changes its key */
        for (size_t at = 0; at < len; at += piece)
            hmac_feed(&h, message + at, len - at < piece ? len - at : piece);
        hmac_end(&h, found);
        expect(len % 3 == 0 ? key_b : key_a, len, found);
    }
}

static void
test_two_at_once(void **state)
{
    struct hmac outer, inner;
    uint8_t found[HMAC_BYTES];

    (void)state;
    hmac_begin(&outer, key_a);
    hmac_feed(&outer, message, 40);
    for (size_t len = 30; len < 34; len++) {
        hmac_begin(&inner, len % 2 == 0 ? key_a : key_b);
        hmac_feed(&inner, message, len);
        hmac_end(&inner, found);
        expect(len % 2 == 0 ? key_a : key_b, len, found);
    }
    hmac_feed(&outer, message + 40, 20);
    hmac_end(&outer, found);
    expect(key_a, 60, found);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length_fed_in_pieces),
        cmocka_unit_test(test_two_at_once),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
