/* The hash is SipHash-2-4-128 under a key drawn at start: nobody outside can make two subjects
 * collide. A full bucket forgets its oldest entry. */
#include "workers/submissions/subjects.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"

struct entry {
    uint64_t hash[2]; /* both 0: free */
    struct subject subject;
};

struct subjects {
    uint8_t key[crypto_shorthash_siphashx24_KEYBYTES];
    char **sites; /* codes met; a subject says its place + 1 */
    size_t n_sites;
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
subjects_clear(struct subjects *s)
{
    for (size_t i = 0; i < s->n_sites; i++)
        free(s->sites[i]);
    s->n_sites = 0;
    memset(s->next, 0, sizeof(s->next));
    memset(s->entries, 0, sizeof(s->entries));
}

void
subjects_free(struct subjects *s)
{
    if (s == NULL)
        return;
    subjects_clear(s);
    free(s->sites);
    free(s);
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

/* Few sites, met in runs: the search from the end is short. */
static uint16_t
site_place(struct subjects *s, const char *site)
{
    if (site == NULL)
        return 0;
    for (size_t i = s->n_sites; i > 0; i--)
        if (strcmp(s->sites[i - 1], site) == 0)
            return (uint16_t)i;
    if (s->n_sites == SUBJECTS_SITES_MAX)
        return 0;
    s->sites = mem_grow(s->sites, s->n_sites + 1, sizeof(*s->sites));
    s->sites[s->n_sites++] = mem_strdup(site);
    return (uint16_t)s->n_sites;
}

void
subjects_add(struct subjects *s, const struct catalog_subject *row)
{
    struct entry e = {.subject = {row->active_until_us, site_place(s, row->site), row->erased}};

    hash_make(s, (struct slice){row->study, strlen(row->study)},
              (struct slice){row->subject, strlen(row->subject)}, e.hash);
    size_t bucket = e.hash[1] % SUBJECTS_BUCKETS;
    for (size_t w = 0; w < SUBJECTS_WAYS; w++) {
        if (memcmp(s->entries[bucket][w].hash, e.hash, sizeof(e.hash)) == 0) {
            s->entries[bucket][w] = e;
            return;
        }
    }
    s->entries[bucket][s->next[bucket]++ % SUBJECTS_WAYS] = e;
}

const struct subject *
subjects_find(const struct subjects *s, struct slice study, struct slice subject)
{
    uint64_t hash[2];

    hash_make(s, study, subject, hash);
    const struct entry *bucket = s->entries[hash[1] % SUBJECTS_BUCKETS];
    for (size_t w = 0; w < SUBJECTS_WAYS; w++)
        if (memcmp(bucket[w].hash, hash, sizeof(hash)) == 0)
            return &bucket[w].subject;
    return NULL;
}

struct slice
subjects_site(const struct subjects *s, const struct subject *subject)
{
    if (subject->site == 0)
        return (struct slice){NULL, 0};
    const char *site = s->sites[subject->site - 1];
    return (struct slice){site, strlen(site)};
}
