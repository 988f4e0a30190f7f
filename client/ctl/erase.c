/* subject erase: the database first (from then on workers refuse what is sent for the subject),
 * then the dead letters of the brokers: each of the study is opened with the seal key, and
 * discarded if it is the subject's. What the journal still holds of finished messages stays until
 * its retention ends (doc/durability.md). */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/admin.h"
#include "client/ctl/database.h"
#include "client/ctl/verbs.h"
#include "client/ctl/witness.h"
#include "schemas/wire/mp.h"
#include "schemas/wire/seal.h"
#include "store/identity_store.h"

#define BODY_MAX ((size_t)16 << 20)
#define NODES_MAX (2u << 20)

struct search {
    const char *study, *subject;
    struct seal_keys *keys;
    struct admin *broker;
    struct buf plain;
    json_t *found;     /* rows of dead letters to discard */
    uint64_t unopened; /* of the study, with no key of ours */
};

static bool
is_subjects(struct search *s, const json_t *letter, const char *hex)
{
    const char *service = json_string_value(json_object_get(letter, "service"));
    const char *id = json_string_value(json_object_get(letter, "id"));
    struct seal_context context = {.service = service,
                                   .service_len = strlen(service),
                                   .scope = s->study,
                                   .scope_len = strlen(s->study)};
    size_t size = strlen(hex) / 2, len, subject_len;
    uint8_t *sealed = mem_new(size + 1, 1);
    const char *subject;
    bool is = false;

    bool opened = id != NULL && uuid_parse(id, strlen(id), &context.id) &&
                  sodium_hex2bin(sealed, size, hex, 2 * size, NULL, &len, NULL) == 0 &&
                  seal_open(s->keys, &context, sealed, len, &s->plain) == SEAL_OK &&
                  mp_check(s->plain.data, s->plain.size, NODES_MAX) == MP_OK;
    if (opened)
        is = mp_find_str(s->plain.data, s->plain.size, "subject", &subject, &subject_len) &&
             subject_len == strlen(s->subject) && memcmp(subject, s->subject, subject_len) == 0;
    else
        s->unopened++;
    if (s->plain.data != NULL)
        sodium_memzero(s->plain.data, s->plain.cap);
    free(sealed);
    return is;
}

static int
letter_take(void *arg, json_t *letter)
{
    struct search *s = arg;
    const char *scope = json_string_value(json_object_get(letter, "scope"));
    const struct admin_argument arguments[] = {
        {.key = "epoch", .number = (uint64_t)json_integer_value(json_object_get(letter, "epoch"))},
        {.key = "seq", .number = (uint64_t)json_integer_value(json_object_get(letter, "seq"))},
        {0}};

    if (scope == NULL || strcmp(scope, s->study) != 0)
        return ADMIN_OK;
    json_t *rows = json_array();
    int outcome = admin_request(s->broker, "sealed", arguments, rows, NULL);
    const char *hex = json_string_value(json_object_get(json_array_get(rows, 0), "body"));
    if (outcome == ADMIN_OK && hex != NULL && is_subjects(s, letter, hex))
        json_array_append(s->found, letter);
    json_decref(rows);
    return outcome == ADMIN_NOT_FOUND ? ADMIN_OK : outcome; /* it has gone meanwhile */
}

/* The subject's dead letters of one broker; discarded unless only counted. */
static int
broker_search(struct search *s, bool discard, uint64_t *count)
{
    static const char service[] = "submissions";
    const struct admin_argument of_service[] = {{.key = "service", .text = service}, {0}};
    json_t *letter;
    size_t i;

    json_array_clear(s->found);
    int outcome = admin_pages(s->broker, "dead", of_service, letter_take, s);
    if (outcome == ADMIN_NOT_FOUND) /* nobody has used the service yet */
        return ADMIN_OK;
    json_array_foreach(s->found, i, letter)
    {
        const struct admin_argument origin[] = {
            {.key = "epoch",
             .number = (uint64_t)json_integer_value(json_object_get(letter, "epoch"))},
            {.key = "seq", .number = (uint64_t)json_integer_value(json_object_get(letter, "seq"))},
            {0}};
        if (outcome == ADMIN_OK && discard)
            outcome = admin_request(s->broker, "discard", origin, NULL, NULL);
        *count += outcome == ADMIN_OK;
    }
    return outcome;
}

static int
letters_search(const struct ctl *ctl, struct search *s, bool discard, uint64_t *ret_count)
{
    size_t n;
    struct admin **all = admin_open_all(ctl, &n);
    int code = all == NULL ? EXIT_CONFIG : EXIT_DONE;

    *ret_count = 0;
    s->unopened = 0;
    for (size_t b = 0; all != NULL && b < n; b++) {
        s->broker = all[b];
        int outcome = broker_search(s, discard, ret_count);
        if (outcome != ADMIN_OK)
            code = admin_exit(all[b], outcome);
    }
    if (all != NULL)
        admin_close_all(all, n);
    if (s->unopened > 0)
        ctl_complain("%" PRIu64 " dead letters of study %s could not be opened with"
                     " ctl/seal_key_file: whose they are is not known",
                     s->unopened, s->study);
    return code;
}

static int
erase_do(struct ctl *ctl, struct store *s, struct search *search)
{
    const char *study = search->study, *subject = search->subject;
    const char *reason = ctl->options[OPTION_REASON];
    struct slice study_s = {study, strlen(study)}, subject_s = {subject, strlen(subject)};
    struct identity_erasure plan, done;
    struct audit_chain chain;
    uint64_t letters;

    int code = database_exit(s, identity_erase_plan(s, study_s, subject_s, &plan));
    if (code != EXIT_DONE)
        return code;
    if (!plan.known) {
        ctl_complain("study %s has no subject %s", study, subject);
        return EXIT_FAILED;
    }
    code = letters_search(ctl, search, false, &letters);
    if (code != EXIT_DONE)
        return code;
    if (ctl_confirm(ctl, &code,
                    "erase the identity of subject %s of study %s for ever: %" PRId64
                    " identifiers, %" PRId64 " originals of rejections, %" PRId64
                    " attachments, %" PRIu64 " dead letters",
                    subject, study, plan.identifiers, plan.rejections, plan.attachments,
                    letters) == CONFIRM_NO)
        return code;
    code = witness_open(ctl, &chain);
    if (code == EXIT_DONE)
        code = database_exit(s, identity_erase(s, &chain, study_s, subject_s, witness_actor(),
                                               (struct slice){reason, strlen(reason)},
                                               clock_wall_us(), &done));
    if (code == EXIT_DONE)
        code = letters_search(ctl, search, true, &letters);
    if (code == EXIT_DONE)
        ctl_done(ctl,
                 "erased subject %s of study %s: %" PRId64 " identifiers, %" PRId64
                 " originals of rejections, %" PRId64 " attachments, %" PRIu64 " dead letters",
                 subject, study, done.identifiers, done.rejections, done.attachments, letters);
    sodium_memzero(&chain, sizeof(chain));
    return code;
}

int
subject_erase_verb(struct ctl *ctl)
{
    struct search search = {.study = ctl->options[OPTION_STUDY], .subject = ctl->args[0]};
    const char *reason = ctl->options[OPTION_REASON];
    struct store *s = NULL;
    char *why = NULL;

    if (search.study == NULL || reason == NULL || *reason == '\0') {
        ctl_complain("--study and --reason are needed");
        return EXIT_USAGE;
    }
    if (seal_keys_load(config_str(ctl->config, "ctl", "seal_key_file"), &search.keys, &why) != 0) {
        ctl_complain("%s", why);
        free(why);
        return EXIT_CONFIG;
    }
    search.found = json_array();
    buf_init(&search.plain, BODY_MAX);
    int code = database_open(ctl, true, &s);
    if (code == EXIT_DONE)
        code = erase_do(ctl, s, &search);
    store_free(s);
    buf_deinit(&search.plain);
    json_decref(search.found);
    seal_keys_free(search.keys);
    return code;
}
