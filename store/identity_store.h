/* Identities in PostgreSQL: keys made and found, the profile read, a subject erased. */
#ifndef SLUICE_STORE_IDENTITY_STORE_H
#define SLUICE_STORE_IDENTITY_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/audit.h"
#include "store/connection.h"
#include "store/identity.h"

/* The connection's outcomes, and: */
enum identity_store_outcome {
    IDENTITY_ERASED = 110,  /* the subject was erased: what it sends is refused (410) */
    IDENTITY_NO_KEY = 111,  /* no key of our file opens it: retry later */
    IDENTITY_DAMAGED = 112, /* it is not what was stored */
};

/* The key of a subject, made on its first use; two workers at once get the same. As sluice_worker.
 * A statement or two of its own: keep what it returns for the batch, not for longer (an erasure
 * must be noticed). */
int identity_subject_key(struct store *s, const struct identity_wrap *w, struct slice study,
                         struct slice subject, struct identity_subject *ret_key);
/* The study's, for blind indexes and export codes; never erased: may be kept. */
int identity_study_key(struct store *s, const struct identity_wrap *w, struct slice study,
                       struct identity_subject *ret_key);

/* The newest value of each kind, opened; values live during the call. As sluice_query. Nothing of a
 * subject without identifiers. IDENTITY_ERASED as above. */
int identity_profile(struct store *s, const struct identity_wrap *w, struct slice study,
                     struct slice subject,
                     void (*each)(void *arg, struct slice kind, struct slice value), void *arg);

/* What an erasure finds, or has done. */
struct identity_erasure {
    bool known;  /* the study has such a subject */
    bool before; /* it was erased before: nothing but the remains was done */
    int64_t identifiers, rejections, attachments;
};
int identity_erase_plan(struct store *s, struct slice study, struct slice subject,
                        struct identity_erasure *ret_plan);
/* Before subjects are read: this session knows of every erasure so far. If there is another one
 * until it writes, its statement is refused as a whole (STORE_RETRY), whomever it is about: read
 * subjects anew. As sluice_worker. */
int identity_erasures_heed(struct store *s);
/* Waits for what others are writing (STORE_RETRY where that takes over STORE_LOCK_TIMEOUT_MS).
 * Destroys the key, removes the ciphertexts, empties the sealed originals of its rejections, notes
 * it in identity.erasures and in the audit trail, and tells the workers: one statement. As
 * sluice_admin. */
int identity_erase(struct store *s, struct audit_chain *chain, struct slice study,
                   struct slice subject, struct slice actor, struct slice reason, int64_t now_us,
                   struct identity_erasure *ret_done);

#endif
