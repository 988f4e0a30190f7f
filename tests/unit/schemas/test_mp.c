/* msgpack against hand-made vectors (the specification's heads, one by one), at every truncation,
 * and at the bounds of depth, nodes and counts. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/wire/mp.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static const struct {
    const uint8_t *data;
    size_t size;
    enum mp_type type;
    uint64_t u; /* UINT BOOL; INT and FLOAT as their bits; else len */
} vectors[] = {
    {BYTES(0xc0), MP_NIL, 0},
    {BYTES(0xc2), MP_BOOL, 0},
    {BYTES(0xc3), MP_BOOL, 1},
    {BYTES(0x00), MP_UINT, 0},
    {BYTES(0x7f), MP_UINT, 127},
    {BYTES(0xcc, 0xff), MP_UINT, 255},
    {BYTES(0xcd, 0x01, 0x00), MP_UINT, 256},
    {BYTES(0xce, 0xff, 0xff, 0xff, 0xff), MP_UINT, UINT32_MAX},
    {BYTES(0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), MP_UINT, UINT64_MAX},
    {BYTES(0xff), MP_INT, (uint64_t)-1},
    {BYTES(0xe0), MP_INT, (uint64_t)-32},
    {BYTES(0xd0, 0x80), MP_INT, (uint64_t)-128},
    {BYTES(0xd1, 0x80, 0x00), MP_INT, (uint64_t)-32768},
    {BYTES(0xd2, 0x80, 0x00, 0x00, 0x00), MP_INT, (uint64_t)INT32_MIN},
    {BYTES(0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0), MP_INT, (uint64_t)INT64_MIN},
    {BYTES(0xd0, 0x05), MP_UINT, 5}, /* signed form of a non-negative number */
    {BYTES(0xd3, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), MP_UINT, INT64_MAX},
    {BYTES(0xca, 0x3f, 0x80, 0, 0), MP_FLOAT, 0x3ff0000000000000},
    {BYTES(0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0), MP_FLOAT, 0x3ff0000000000000},
    {BYTES(0xa0), MP_STR, 0},
    {BYTES(0xa3, 'a', 'b', 'c'), MP_STR, 3},
    {BYTES(0xd9, 0x02, 'a', 'b'), MP_STR, 2},
    {BYTES(0xda, 0x00, 0x01, 'a'), MP_STR, 1},
    {BYTES(0xdb, 0, 0, 0, 1, 'a'), MP_STR, 1},
    {BYTES(0xc4, 0x01, 9), MP_BIN, 1},
    {BYTES(0xc5, 0, 0x01, 9), MP_BIN, 1},
    {BYTES(0xc6, 0, 0, 0, 0x01, 9), MP_BIN, 1},
    {BYTES(0xd4, 1, '1'), MP_EXT, 1},
    {BYTES(0xd5, 1, '1', '.'), MP_EXT, 2},
    {BYTES(0xd6, 1, '1', '.', '2', '3'), MP_EXT, 4},
    {BYTES(0xd7, 1, 1, 2, 3, 4, 5, 6, 7, 8), MP_EXT, 8},
    {BYTES(0xd8, 1, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8), MP_EXT, 16},
    {BYTES(0xc7, 0x03, 1, '1', '.', '5'), MP_EXT, 3},
    {BYTES(0xc8, 0, 0x00, 1), MP_EXT, 0},
    {BYTES(0xc9, 0, 0, 0, 1, 1, 'x'), MP_EXT, 1},
    {BYTES(0x90), MP_ARRAY, 0},
    {BYTES(0x92, 1, 2), MP_ARRAY, 2},
    {BYTES(0xdc, 0, 1, 1), MP_ARRAY, 1},
    {BYTES(0xdd, 0, 0, 0, 1, 1), MP_ARRAY, 1},
    {BYTES(0x80), MP_MAP, 0},
    {BYTES(0x81, 0xa1, 'k', 1), MP_MAP, 1},
    {BYTES(0xde, 0, 1, 0xa1, 'k', 1), MP_MAP, 1},
    {BYTES(0xdf, 0, 0, 0, 1, 0xa1, 'k', 0x91, 0xc0), MP_MAP, 1},
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static int
check_exact(const uint8_t *data, size_t size, size_t max_nodes)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    memcpy(copy, data, size);
    int r = mp_check(copy, size, max_nodes);
    struct mp_cursor c = {copy, copy + size};
    if (r == MP_OK) { /* what was checked can be skipped whole */
        assert_int_equal(mp_skip(&c), MP_OK);
        assert_ptr_equal(c.at, copy + size);
    } else if (mp_skip(&c) != MP_OK) {
        assert_ptr_equal(c.at, copy);
    }
    free(copy);
    return r;
}

static void
vectors_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VECTORS; i++) {
        struct mp_cursor c = {vectors[i].data, vectors[i].data + vectors[i].size};
        struct mp_value v;
        uint64_t u;
        assert_int_equal(mp_next(&c, &v), MP_OK);
        if (v.type == MP_FLOAT)
            memcpy(&u, &v.f, sizeof(u));
        else if (v.type == MP_UINT || v.type == MP_INT)
            u = v.u;
        else
            u = v.type == MP_BOOL ? v.boolean : v.len;
        if (v.type != vectors[i].type || u != vectors[i].u)
            fail_msg("vector %zu: type %d value %lu", i, (int)v.type, u);
        if (v.type == MP_EXT)
            assert_int_equal(v.ext_type, 1);
        assert_int_equal(check_exact(vectors[i].data, vectors[i].size, 100), MP_OK);
    }
}

static void
every_truncation_is_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VECTORS; i++) {
        for (size_t size = 0; size < vectors[i].size; size++)
            assert_int_equal(check_exact(vectors[i].data, size, 100), MP_BAD);
        uint8_t longer[64];
        memcpy(longer, vectors[i].data, vectors[i].size);
        longer[vectors[i].size] = 0xc0;
        assert_int_equal(check_exact(longer, vectors[i].size + 1, 100), MP_BAD);
    }
}

static const struct {
    const uint8_t *data;
    size_t size;
} lies[] = {
    {BYTES(0xc1)},
    {BYTES(0xdd, 0xff, 0xff, 0xff, 0xff)}, /* msgpack-c takes 60 GB for this */
    {BYTES(0xdf, 0xff, 0xff, 0xff, 0xff)},
    {BYTES(0xdf, 0x80, 0, 0, 0)}, /* 2n overflows 32 bits */
    {BYTES(0xdb, 0xff, 0xff, 0xff, 0xff, 'a')},
    {BYTES(0xc6, 0xff, 0xff, 0xff, 0xff, 'a')},
    {BYTES(0xc9, 0xff, 0xff, 0xff, 0xff, 1, 'a')},
    {BYTES(0x92, 0x92, 1, 2)}, /* each fits alone, not both */
    {BYTES(0x93, 0x93, 0x93, 1, 1, 1, 1)},
    {BYTES(0x82, 0xa1, 'a', 1)},
    {BYTES(0x81, 0xa1, 'a')},
};

static void
lies_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        assert_int_equal(check_exact(lies[i].data, lies[i].size, SIZE_MAX), MP_BAD);
}

static void
depth_is_bounded(void **state)
{
    uint8_t nested[MP_DEPTH_MAX + 2];

    (void)state;
    memset(nested, 0x91, sizeof(nested));
    nested[MP_DEPTH_MAX] = 0xc0;
    assert_int_equal(check_exact(nested, MP_DEPTH_MAX + 1, 1000), MP_OK);
    nested[MP_DEPTH_MAX] = 0x91;
    nested[MP_DEPTH_MAX + 1] = 0xc0;
    assert_int_equal(check_exact(nested, MP_DEPTH_MAX + 2, 1000), MP_BAD);
    nested[MP_DEPTH_MAX] = 0x90; /* an empty array is as deep */
    assert_int_equal(check_exact(nested, MP_DEPTH_MAX + 1, 1000), MP_BAD);
    memset(nested, 0x91, sizeof(nested));
    nested[MP_DEPTH_MAX - 1] = 0x90;
    assert_int_equal(check_exact(nested, MP_DEPTH_MAX, 1000), MP_OK);
}

static void
depth_comes_back_up(void **state)
{
    uint8_t wide[1 + 15 * MP_DEPTH_MAX];
    size_t n = 0;

    /* 15 siblings, each nested to the limit */
    (void)state;
    wide[n++] = 0x9f;
    for (int i = 0; i < 15; i++) {
        memset(wide + n, 0x91, MP_DEPTH_MAX - 1);
        n += MP_DEPTH_MAX - 1;
        wide[n++] = 0xc0;
    }
    assert_int_equal(check_exact(wide, n, 10000), MP_OK);
}

static void
nodes_are_bounded(void **state)
{
    uint8_t array[1003] = {0xdc, 1000 >> 8, 1000 & 0xff};

    (void)state;
    assert_int_equal(check_exact(array, sizeof(array), 1001), MP_OK);
    assert_int_equal(check_exact(array, sizeof(array), 1000), MP_BAD);
    assert_int_equal(check_exact(array, sizeof(array), 0), MP_BAD);
}

static void
shortest_form_is_written(void **state)
{
    static const struct {
        int64_t value;
        size_t size;
    } ints[] = {
        {0, 1},
        {127, 1},
        {128, 2},
        {255, 2},
        {256, 3},
        {65535, 3},
        {65536, 5},
        {UINT32_MAX, 5},
        {1L << 32, 9},
        {INT64_MAX, 9},
        {-1, 1},
        {-32, 1},
        {-33, 2},
        {-128, 2},
        {-129, 3},
        {-32768, 3},
        {-32769, 5},
        {INT32_MIN, 5},
        {INT32_MIN - 1L, 9},
        {INT64_MIN, 9},
    };
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
        struct mp_value v;
        int64_t got;
        buf_clear(&b);
        assert_int_equal(mp_put_int(&b, ints[i].value), BUF_OK);
        assert_int_equal(b.size, ints[i].size);
        struct mp_cursor c = {b.data, b.data + b.size};
        assert_int_equal(mp_next(&c, &v), MP_OK);
        assert_true(mp_as_int(&v, &got) && got == ints[i].value);
        assert_int_equal(v.type, ints[i].value < 0 ? MP_INT : MP_UINT);
    }
    buf_deinit(&b);
}

static void
lengths_round_trip(void **state)
{
    static const uint32_t lengths[] = {0,  1,  2,  3,   4,   5,   7,    8,     9,     15,   16,
                                       17, 31, 32, 255, 256, 257, 1000, 65535, 65536, 70000};
    uint8_t *bytes = malloc(70000);
    struct buf b;

    (void)state;
    memset(bytes, 'z', 70000);
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint32_t n = lengths[i];
        struct mp_value v;
        buf_clear(&b);
        mp_put_str(&b, (char *)bytes, n);
        mp_put_bin(&b, bytes, n);
        mp_put_ext(&b, -7, bytes, n);
        struct mp_cursor c = {b.data, b.data + b.size};
        static const enum mp_type types[] = {MP_STR, MP_BIN, MP_EXT};
        for (int t = 0; t < 3; t++) {
            assert_int_equal(mp_next(&c, &v), MP_OK);
            assert_int_equal(v.type, types[t]);
            assert_int_equal(v.len, n);
            assert_memory_equal(v.at, bytes, n);
        }
        assert_int_equal(v.ext_type, -7);
        assert_ptr_equal(c.at, c.end);
        buf_clear(&b);
        mp_put_array(&b, n);
        mp_put_map(&b, n);
        size_t head = n < 16 ? 1 : n < 65536 ? 3 : 5;
        assert_int_equal(b.size, 2 * head);
        c = (struct mp_cursor){b.data, b.data + b.size};
        assert_true(mp_next(&c, &v) == MP_OK && v.type == MP_ARRAY && v.len == n);
        assert_true(mp_next(&c, &v) == MP_OK && v.type == MP_MAP && v.len == n);
    }
    buf_deinit(&b);
    free(bytes);
}

static void
writers_stop_at_the_ceiling(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4);
    assert_int_equal(mp_put_cstr(&b, "abc"), BUF_OK);
    assert_int_equal(mp_put_nil(&b), BUF_FULL);
    assert_int_equal(mp_put_bool(&b, true), BUF_FULL);
    assert_int_equal(mp_put_uint(&b, 1), BUF_FULL);
    assert_int_equal(mp_put_map(&b, 1), BUF_FULL);
    assert_int_equal(mp_put_str(&b, "x", (size_t)UINT32_MAX + 1), BUF_FULL);
    assert_int_equal(b.size, 4);
    buf_deinit(&b);
}

static void
headers_are_searched(void **state)
{
    struct buf b;
    struct mp_value v;
    struct mp_cursor inside;
    uint64_t u;
    const char *s;
    size_t len;

    (void)state;
    buf_init(&b, 4096);
    mp_put_map(&b, 5);
    mp_put_uint(&b, 7); /* a key that is no string is passed over */
    mp_put_cstr(&b, "lease");
    mp_put_cstr(&b, "skip");
    mp_put_array(&b, 2);
    mp_put_cstr(&b, "lease");
    mp_put_uint(&b, 99);
    mp_put_cstr(&b, "lease");
    mp_put_uint(&b, 42);
    mp_put_cstr(&b, "name");
    mp_put_cstr(&b, "w1");
    mp_put_cstr(&b, "low");
    mp_put_int(&b, -1);
    assert_true(mp_find_uint(b.data, b.size, "lease", &u) && u == 42);
    assert_true(mp_find_str(b.data, b.size, "name", &s, &len) && len == 2);
    assert_memory_equal(s, "w1", 2);
    assert_false(mp_find_uint(b.data, b.size, "name", &u));
    assert_false(mp_find_uint(b.data, b.size, "low", &u));
    assert_false(mp_find_str(b.data, b.size, "lease", &s, &len));
    assert_false(mp_find(b.data, b.size, "leas", &v, NULL));
    assert_true(mp_find(b.data, b.size, "skip", &v, &inside) && v.type == MP_ARRAY);
    assert_true(mp_next(&inside, &v) == MP_OK && mp_is_str(&v, "lease"));
    for (size_t size = 0; size < b.size; size++) { /* truncated: nothing is read past the end */
        uint8_t *copy = malloc(size > 0 ? size : 1);
        memcpy(copy, b.data, size);
        assert_false(mp_find(copy, size, "absent", &v, NULL));
        free(copy);
    }
    assert_false(mp_find_uint((const uint8_t *)"\x91\x01", 2, "lease", &u));
    buf_deinit(&b);
}

/* mp_skip by mp_next alone. */
static int
skip_slowly(struct mp_cursor *c)
{
    struct mp_cursor walk = *c;
    struct mp_value v;

    for (uint64_t pending = 1; pending > 0; pending--) {
        if (mp_next(&walk, &v) != MP_OK)
            return MP_BAD;
        if (v.type == MP_MAP || v.type == MP_ARRAY)
            pending += (uint64_t)v.len * (v.type == MP_MAP ? 2 : 1);
        if (pending - 1 > (size_t)(walk.end - walk.at))
            return MP_BAD;
    }
    *c = walk;
    return MP_OK;
}

/* Skipping looks at heads only; it must step as far as reading does, on any bytes. */
static void
skipping_and_reading_agree(void **state)
{
    uint8_t bytes[64];
    uint32_t seed = 7;

    (void)state;
    for (unsigned n = 0; n < 300000; n++) {
        size_t size = n % sizeof(bytes) + 1;
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (uint8_t)((seed >> 24) % (i % 2 == 0 ? 256 : 4)); /* short lengths often */
        }
        bytes[0] = (uint8_t)n; /* every head */
        struct mp_cursor fast = {bytes, bytes + size}, slow = fast;
        assert_int_equal(mp_skip(&fast), skip_slowly(&slow));
        assert_ptr_equal(fast.at, slow.at);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_read),
        cmocka_unit_test(every_truncation_is_bad),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(depth_comes_back_up),
        cmocka_unit_test(nodes_are_bounded),
        cmocka_unit_test(shortest_form_is_written),
        cmocka_unit_test(lengths_round_trip),
        cmocka_unit_test(writers_stop_at_the_ceiling),
        cmocka_unit_test(skipping_and_reading_agree),
        cmocka_unit_test(headers_are_searched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
