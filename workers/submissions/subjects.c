/* The hash is SipHash-2-4-128 under a key drawn at start: nobody outside can make two subjects
 * collide. A full bucket forgets its oldest entry. */
#include "workers/submissions/subjects.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"

struct entry {
    uint64_t hash[2]; /* both 0: free */
    int64_t active_until_us;
};

struct subjects {
    uint8_t key[crypto_shorthash_siphashx24_KEYBYTES];
    uint8_t next[SUBJECTS_BUCKETS]; /* which way is overwritten next */
    struct entry entries[SUBJECTS_BUCKETS][SUBJECTS_WAYS];
};

struct subjects *
subjects_new(void)
{
    struct subjects *s = mem_new(1, sizeof(*s));

    randombytes_buf(s->key, sizeof(s->key));
    return s;
}

void
subjects_free(struct subjects *s)
{
    free(s);
}

void
subjects_clear(struct subjects *s)
{
    memset(s->next, 0, sizeof(s->next));
    memset(s->entries, 0, sizeof(s->entries));
}

static void
hash_make(const struct subjects *s, struct slice study, struct slice subject, uint64_t ret[2])
{
    uint8_t text[2 + 256 + 256];
    size_t a = study.len < 256 ? study.len : 256, b = subject.len < 256 ? subject.len : 256;

    text[0] = (uint8_t)a;
    text[1] = (uint8_t)b;
    memcpy(text + 2, study.at, a);
    memcpy(text + 2 + a, subject.at, b);
    crypto_shorthash_siphashx24((uint8_t *)ret, text, 2 + a + b, s->key);
    ret[0] |= 1;
}

void
subjects_add(struct subjects *s, struct slice study, struct slice subject, int64_t active_until_us)
{
    struct entry e = {.active_until_us = active_until_us};

    hash_make(s, study, subject, e.hash);
    size_t bucket = e.hash[1] % SUBJECTS_BUCKETS;
    for (size_t w = 0; w < SUBJECTS_WAYS; w++) {
        if (memcmp(s->entries[bucket][w].hash, e.hash, sizeof(e.hash)) == 0) {
            s->entries[bucket][w] = e;
            return;
        }
    }
    s->entries[bucket][s->next[bucket]++ % SUBJECTS_WAYS] = e;
}

bool
subjects_find(const struct subjects *s, struct slice study, struct slice subject,
              int64_t *ret_active_until_us)
{
    uint64_t hash[2];

    hash_make(s, study, subject, hash);
    const struct entry *bucket = s->entries[hash[1] % SUBJECTS_BUCKETS];
    for (size_t w = 0; w < SUBJECTS_WAYS; w++) {
        if (memcmp(bucket[w].hash, hash, sizeof(hash)) == 0) {
            *ret_active_until_us = bucket[w].active_until_us;
            return true;
        }
    }
    return false;
}
