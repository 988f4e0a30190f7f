/* What becomes of each element and extension of a definition: one table. Inner header of
 * questionnaire/, and of the tool that writes doc/fhir-support.md. */
#ifndef SLUICE_QUESTIONNAIRE_SUPPORT_H
#define SLUICE_QUESTIONNAIRE_SUPPORT_H

enum support_place {
    SUPPORT_QUESTIONNAIRE,
    SUPPORT_ITEM,
    SUPPORT_OPTION,
    SUPPORT_CONDITION,
    SUPPORT_EXTENSION,
    SUPPORT_CONSTRUCT,
};
enum support_verdict { SUPPORT_JUDGED, SUPPORT_KEPT, SUPPORT_IGNORED, SUPPORT_REFUSED };

enum support {
#define SUPPORT(NAME, PLACE, key, VERDICT, text) HAS_##NAME,
#include "questionnaire/support.def"
#undef SUPPORT
    SUPPORT_COUNT
};

struct support_row {
    enum support_place place;
    enum support_verdict verdict;
    const char *key, *text; /* text may be empty */
};
extern const struct support_row support_rows[]; /* by enum support */

/* SUPPORT_COUNT: it stands in no line. */
enum support support_find(enum support_place place, const char *key);

#endif
