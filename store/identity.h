/* Direct identifiers (clinical-rules "Identity"): each subject has a random key, wrapped by a key
 * from a secret file; values are encrypted with the subject's key and stand in schema identity.
 * Erasing a subject destroys its key. A study's key makes blind indexes and export codes.
 *
 * Forms: a wrapped key is nonce(24) ‖ XChaCha20-Poly1305(key) with associated data "subject key" or
 * "study key", study, subject; a sealed value the same with "identifier", study, subject, kind. So
 * nothing can be moved to another subject or kind. */
#ifndef SLUICE_STORE_IDENTITY_H
#define SLUICE_STORE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"
#include "store/slice.h"

#define IDENTITY_KEY_BYTES 32
#define IDENTITY_OVERHEAD 40 /* of a wrapped key and of a sealed value */
#define IDENTITY_INDEX_BYTES 32
#define IDENTITY_VALUE_MAX ((size_t)64 << 10)

struct identity_wrap; /* the keys of the secret file; the first wraps, all unwrap */
/* Nonzero: *ret_why is a malloc'd text without secrets. */
int identity_wrap_load(const char *path, struct identity_wrap **ret_wrap, char **ret_why);
void identity_wrap_free(struct identity_wrap *w);

enum identity_result {
    IDENTITY_OPENED = 0,
    IDENTITY_KEY_UNKNOWN = 1, /* the wrapping key's id is not in our file: retry later */
    IDENTITY_BROKEN = 2,      /* tampered, or of another subject or kind */
};

/* A key of one subject (or, with a null subject, of one study), open in memory. */
struct identity_subject {
    uint8_t key[IDENTITY_KEY_BYTES];
};
#define IDENTITY_WRAPPED_BYTES (IDENTITY_KEY_BYTES + IDENTITY_OVERHEAD)
/* A fresh random key and its wrapped form. */
void identity_key_make(const struct identity_wrap *w, struct slice study, struct slice subject,
                       struct identity_subject *ret_key, uint32_t *ret_key_id,
                       uint8_t ret_wrapped[IDENTITY_WRAPPED_BYTES]);
int identity_key_open(const struct identity_wrap *w, struct slice study, struct slice subject,
                      uint32_t key_id, struct slice wrapped, struct identity_subject *ret_key);

/* What goes to identity.identifiers. */
struct identifier_row {
    struct slice study, subject, kind, link_id;
    struct uuid submission;
    int32_t revision, place;
    struct slice value_sealed;
    uint8_t blind_index[IDENTITY_INDEX_BYTES];
};

/* out takes value.len + IDENTITY_OVERHEAD bytes. BUF_OK or BUF_FULL. */
int identity_value_seal(const struct identity_subject *key, struct slice study,
                        struct slice subject, struct slice kind, struct slice value,
                        struct buf *out);
int identity_value_open(const struct identity_subject *key, struct slice study,
                        struct slice subject, struct slice kind, struct slice sealed,
                        struct buf *ret_value);
/* HMAC-SHA-256 by the study's key over kind and the value's normal form: of phone and telecom the
 * number as questionnaire/phone.h has it, of all else (and of what is no number) the text in its
 * usual width, ASCII lower case, without spaces and punctuation. So the same number or name typed
 * differently is found again. */
void identity_blind_index(const struct identity_subject *study_key, struct slice kind,
                          struct slice value, uint8_t ret_index[IDENTITY_INDEX_BYTES]);
/* A subject's code in exports: 16 hex digits. */
#define IDENTITY_EXPORT_CODE_SIZE 17
void identity_export_code(const struct identity_subject *study_key, struct slice subject,
                          char ret_code[IDENTITY_EXPORT_CODE_SIZE]);

/* Masks for the profile answer, by Unicode character; UTF-8 in and out. */
int identity_mask_name(struct slice name, struct buf *out);   /* first character and ** */
int identity_mask_phone(struct slice phone, struct buf *out); /* 138****5678; short: stars */
int identity_mask_email(struct slice email, struct buf *out); /* d***@example.org */
/* Full years between birth (a FHIR date: year, month or day) and today; 90 for all above 89; -1:
 * not a date, or in the future. */
int identity_age(struct slice birth_date, int64_t now_us);

#endif
