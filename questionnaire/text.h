/* Texts as answers may hold them. Inner header of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_TEXT_H
#define SLUICE_QUESTIONNAIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum text_outcome {
    TEXT_OK = 0,
    TEXT_LINE_BREAK = 1,
    TEXT_CONTROL = 2, /* other than tab, LF, CR */
    TEXT_NOT_UTF8 = 3,
};

/* lines: LF and CR may stand in it. */
enum text_outcome text_check(const char *text, size_t len, bool lines);
/* Characters, not bytes, of well-formed UTF-8. */
size_t text_characters(const char *text, size_t len);

#endif
