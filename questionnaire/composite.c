/* Three small tables indexed by answers; all from composite.def. */
#include "questionnaire/composite.h"

#include <stdint.h>

#define COMPOSITE_FSI(f, s, ...)
#define COMPOSITE_FS(f, ...)
#define COMPOSITE_FI(f, ...)
#define COMPOSITE_SI(s, ...)
#define COMPOSITE_F(...)
#define COMPOSITE_S(...)
#define COMPOSITE_I(...)

#undef COMPOSITE_FSI
#define COMPOSITE_FSI(f, s, ...) [f][s] = {__VA_ARGS__},
static const uint8_t three[COMPOSITE_ANSWERS][COMPOSITE_ANSWERS][COMPOSITE_ANSWERS] = {
#include "questionnaire/composite.def"
};
#undef COMPOSITE_FSI
#define COMPOSITE_FSI(f, s, ...)

#undef COMPOSITE_FS
#undef COMPOSITE_FI
#undef COMPOSITE_SI
#define COMPOSITE_FS(f, ...) [COMPOSITE_FREQUENCY_SEVERITY][f] = {__VA_ARGS__},
#define COMPOSITE_FI(f, ...) [COMPOSITE_FREQUENCY_INTERFERENCE][f] = {__VA_ARGS__},
#define COMPOSITE_SI(s, ...) [COMPOSITE_SEVERITY_INTERFERENCE][s] = {__VA_ARGS__},
static const uint8_t two[COMPOSITE_KINDS][COMPOSITE_ANSWERS][COMPOSITE_ANSWERS] = {
#include "questionnaire/composite.def"
};
#undef COMPOSITE_FS
#undef COMPOSITE_FI
#undef COMPOSITE_SI
#define COMPOSITE_FS(f, ...)
#define COMPOSITE_FI(f, ...)
#define COMPOSITE_SI(s, ...)

#undef COMPOSITE_F
#undef COMPOSITE_S
#undef COMPOSITE_I
#define COMPOSITE_F(...) [COMPOSITE_FREQUENCY] = {__VA_ARGS__},
#define COMPOSITE_S(...) [COMPOSITE_SEVERITY] = {__VA_ARGS__},
#define COMPOSITE_I(...) [COMPOSITE_INTERFERENCE] = {__VA_ARGS__},
static const uint8_t one[COMPOSITE_KINDS][COMPOSITE_ANSWERS] = {
#include "questionnaire/composite.def"
};

unsigned
composite_attributes(enum composite_kind kind)
{
    return kind == COMPOSITE_FREQUENCY_SEVERITY_INTERFERENCE ? 3
           : kind <= COMPOSITE_SEVERITY_INTERFERENCE         ? 2
                                                             : 1;
}

int
composite_grade(enum composite_kind kind, const int *values)
{
    unsigned n = composite_attributes(kind);

    if (values[0] == 0)
        return 0;
    for (unsigned i = 0; i < n; i++) {
        if (values[i] < 0 || values[i] >= COMPOSITE_ANSWERS)
            return COMPOSITE_NONE;
    }
    if (n == 3)
        return three[values[0]][values[1]][values[2]];
    return n == 2 ? two[kind][values[0]][values[1]] : one[kind][values[0]];
}
