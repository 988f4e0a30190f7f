/* A study's limits as the worker reads them from its row, also from one that no loading would take.
 */
#include "workers/submissions/study.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define HOUR_US (3600 * US_PER_S)

static void
clock_limits(void **state)
{
    static const struct {
        const char *file;
        int64_t skew_us, late_us, future_us;
    } rows[] = {
        {"{}", 120 * US_PER_S, 24 * HOUR_US, 300 * US_PER_S},
        {"{\"clock\":{\"skew_s\":10,\"late_h\":8784,\"future_s\":1}}", 10 * US_PER_S,
         8784 * HOUR_US, US_PER_S},
        {"{\"clock\":{\"skew_s\":9223372036854775807,\"late_h\":9223372036854775807,"
         "\"future_s\":-9223372036854775808}}",
         120 * US_PER_S, 24 * HOUR_US, 300 * US_PER_S},
        {"{\"clock\":{\"skew_s\":9223372036854,\"late_h\":2562047788,\"future_s\":-1}}",
         120 * US_PER_S, 24 * HOUR_US, 300 * US_PER_S},
        {"{\"clock\":{\"skew_s\":\"x\",\"late_h\":1.5,\"future_s\":null}}", 120 * US_PER_S,
         24 * HOUR_US, 300 * US_PER_S},
    };

    (void)state;
    log_init("test", LOG_LEVEL_ERROR);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct study s;
        struct catalog_study row = {
            .study = "S", .definition = rows[i].file, .definition_len = strlen(rows[i].file)};
        print_message("%s\n", rows[i].file);
        study_init(&s, &row);
        assert_int_equal(s.skew_limit_us, rows[i].skew_us);
        assert_int_equal(s.late_us, rows[i].late_us);
        assert_int_equal(s.future_us, rows[i].future_us);
        study_deinit(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(clock_limits)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
