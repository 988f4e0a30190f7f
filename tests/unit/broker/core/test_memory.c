/* At most 96 bytes a waiting message, all told, at every size up to a million and right after any
 * growth: by core's own count, by what malloc gave out, and by resident memory. */
#include "tests/unit/broker/core/fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#define MESSAGES 1000000
#define MOST_BYTES 96
#define SMALL 50000 /* below this, fixed parts weigh more than messages */

static uint64_t
resident_bytes(void)
{
    unsigned long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &total, &resident), 2);
    fclose(f);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t
heap_bytes(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

static void
test_a_million(void **state)
{
    struct core_limits limits = test_limits;
    struct core_figures figures;

    (void)state;
    limits.max_messages = 2 * MESSAGES;
    limits.window_messages = 1024;
    struct fixture f = fixture_new(&limits);
    uint64_t resident = resident_bytes(), heap = heap_bytes(), most = 0;
    for (uint64_t i = 1; i <= MESSAGES; i++) {
        struct record r = fixture_record(&f, 0);
        core_next_origin(f.core, &r.epoch, &r.seq);
        le64_put(r.id.bytes, i * UINT64_C(0x9e3779b97f4a7c15));
        core_accept(f.core, f.client, &r, f.service, (struct place){.segment = 1, .length = 1000},
                    0);
        core_durable(f.core, r.seq, 0);
        core_effects_clear(f.core);
        if (i < SMALL)
            continue;
        core_figures(f.core, &figures);
        if (figures.memory_bytes / i > most)
            most = figures.memory_bytes / i;
    }
    assert_in_range(most + 1, 1, MOST_BYTES);
    core_figures(f.core, &figures);
    uint64_t by_heap = heap_bytes() - heap, by_resident = resident_bytes() - resident;
    printf("bytes a message: %lu at most by count; at a million %.1f by count, %.1f by malloc, "
           "%.1f resident\n",
           (unsigned long)most + 1, (double)figures.memory_bytes / MESSAGES,
           (double)by_heap / MESSAGES, (double)by_resident / MESSAGES);
#if !defined(__SANITIZE_ADDRESS__)
    assert_in_range(by_heap, 1, (uint64_t)MOST_BYTES * MESSAGES);
    assert_in_range(by_resident, 1, (uint64_t)MOST_BYTES * MESSAGES);
#endif
    core_free(&f.core);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_million)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
