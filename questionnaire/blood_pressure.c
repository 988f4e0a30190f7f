#include "questionnaire/blood_pressure.h"

#include "base/error.h"

static const struct {
    int64_t systolic, diastolic;
    int grade;
} limits[] = {{160, 100, 3}, {140, 90, 2}, {120, 80, 1}};

static bool
at_least(struct decimal value, int64_t limit)
{
    return decimal_compare(value, decimal_from_int(limit)) >= 0;
}

int
blood_pressure_grade(struct decimal systolic_mmhg, struct decimal diastolic_mmhg)
{
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        if (at_least(systolic_mmhg, limits[i].systolic) ||
            at_least(diastolic_mmhg, limits[i].diastolic))
            return limits[i].grade;
    }
    return 0;
}
