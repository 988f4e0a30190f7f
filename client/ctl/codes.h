/* Export codes in place of subjects' codes, for a copy that leaves the house. A code is 16 hex
 * digits of an HMAC-SHA-256 with the study's own key: the same in every copy of the study, and
 * nobody gets back from it without that key. */
#ifndef SLUICE_CTL_CODES_H
#define SLUICE_CTL_CODES_H

#include "base/buf.h"
#include "client/ctl/ctl.h"
#include "store/export.h"
#include "store/identity.h"

struct codes {
    struct identity_subject key;
    char order[33]; /* of the subjects' rows: random, else their place would tell who they are */
    char code[IDENTITY_EXPORT_CODE_SIZE]; /* of the row's subject */
    struct buf text;
};

/* Reads the study's key with ctl/wrap_key_file; made where there is none yet. An exit code. */
int codes_open(const struct ctl *ctl, struct store *s, const char *study, struct codes *ret_codes);
void codes_close(struct codes *c);

/* What stands in the copy instead of a column's text (not null): the code for the subject, and in
 * what people wrote or said of themselves (EXPORT_PROSE) for each word that is the subject's code.
 * Codes of digits alone are left in prose, where they are numbers more often. The text lives until
 * the next call. */
const char *codes_text(struct codes *c, const struct export_set *set, const PGresult *row,
                       size_t column);

#endif
