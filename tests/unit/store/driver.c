/* Lets tests/system call what the store offers without a program around it: one JSON command a line
 * on stdin, one JSON answer a line on stdout. argv: conninfo, audit key file, wrap key file.
 *
 *   {"do": "alerts", "rows": [{"id", "study", …}]}        alerts_write
 *   {"do": "audit", "action", "detail"}                    audit_write
 *   {"do": "restart"}                                      a new chain
 *   {"do": "note"}                                         the chain's note, in hex
 *   {"do": "identify", "study", "subject", "kind", "value"}  seal a value with the subject's key
 *   {"do": "profile", "study", "subject"}
 *   {"do": "store", "rows": [{"id", "study", "subject", "answers": hex of msgpack, …}]}
 *                                                          submissions_write, as one batch
 *   {"do": "revise", "study", "id", "expected", …}         submission_revise */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/alerts_write.h"
#include "store/audit_write.h"
#include "store/identity_store.h"
#include "store/revisions.h"

#define CEILING ((size_t)1 << 20)
#define ROWS_MAX 64

struct driver {
    struct store *store;
    struct audit_keys keys;
    struct audit_chain chain;
    struct identity_wrap *wrap;
    struct alerts_writer *alerts;
    struct revisions_writer *revisions;
    struct submissions_writer *submissions;
};

static struct slice
text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return (struct slice){text, text != NULL ? strlen(text) : 0};
}

static struct uuid
uuid_of(const json_t *o, const char *key)
{
    struct slice text = text_of(o, key);
    struct uuid id = {0};

    if (text.at != NULL && !uuid_parse(text.at, text.len, &id))
        abort();
    return id;
}

/* Bytes of a text of hex; on the heap. */
static struct slice
hex_of(const json_t *o, const char *key)
{
    struct slice hex = text_of(o, key), bytes = {NULL, 0};

    if (hex.at == NULL)
        return bytes;
    void *to = mem_new(hex.len / 2 + 1, 1);
    if (sodium_hex2bin(to, hex.len / 2, hex.at, hex.len, NULL, &bytes.len, NULL) != 0)
        abort();
    bytes.at = to;
    return bytes;
}

static size_t
alerts_of(const json_t *command, struct alert_row *rows, struct alert_row **pointers)
{
    const json_t *list = json_object_get(command, "alerts"), *o;
    size_t i;

    json_array_foreach(list, i, o)
    {
        rows[i] = (struct alert_row){
            .id = uuid_of(o, "id"),
            .study = text_of(o, "study"),
            .subject = text_of(o, "subject"),
            .rule = text_of(o, "rule"),
            .link_id = text_of(o, "linkId"),
            .severity = text_of(o, "severity"),
            .submission = uuid_of(o, "submission"),
            .revision = (int32_t)json_integer_value(json_object_get(o, "revision")),
            .always = json_is_true(json_object_get(o, "always")),
            .provisional = json_is_true(json_object_get(o, "provisional")),
            .lower_is_worse = json_is_true(json_object_get(o, "lowerIsWorse")),
            .suppress_s = (uint32_t)json_integer_value(json_object_get(o, "suppress_s")),
            .measure = text_of(o, "measure"),
            .recipients = text_of(o, "recipients"),
            .authored_us = clock_wall_us(),
        };
        pointers[i] = &rows[i];
    }
    return json_array_size(list);
}

static json_t *
alerts_answer(const struct alert_row *rows, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        char id[UUID_TEXT_SIZE];
        uuid_format(&rows[i].id, id);
        json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:I}", "id", id, "raised",
                                              rows[i].raised, "counted", rows[i].counted, "seq",
                                              (json_int_t)rows[i].seq_no));
    }
    return list;
}

static int
do_alerts(struct driver *d, const json_t *command, json_t *answer)
{
    struct alert_row rows[ROWS_MAX], *pointers[ROWS_MAX];
    size_t n = alerts_of(command, rows, pointers);
    int outcome = alerts_write(d->alerts, d->store, pointers, n);

    json_object_set_new(answer, "alerts", alerts_answer(rows, n));
    return outcome;
}

static int
do_audit(struct driver *d, const json_t *command, json_t *answer)
{
    struct audit_row row = {.at_us = clock_wall_us(),
                            .actor = {"driver", 6},
                            .action = text_of(command, "action"),
                            .detail = text_of(command, "detail")};

    (void)answer;
    return audit_write(d->store, &d->chain, &row);
}

static int
do_note(struct driver *d, const json_t *command, json_t *answer)
{
    char hex[1024];
    struct buf note;

    (void)command;
    buf_init(&note, 512);
    audit_note_write(&d->chain, &note);
    json_object_set_new(answer, "note",
                        json_string(sodium_bin2hex(hex, sizeof(hex), note.data, note.size)));
    buf_deinit(&note);
    return STORE_OK;
}

static int
do_restart(struct driver *d, const json_t *command, json_t *answer)
{
    (void)command;
    (void)answer;
    audit_chain_restart(&d->chain);
    return STORE_OK;
}

static int
do_identify(struct driver *d, const json_t *command, json_t *answer)
{
    struct slice study = text_of(command, "study"), subject = text_of(command, "subject");
    struct identity_subject key;
    char hex[2048];
    struct buf sealed;

    int n = identity_subject_key(d->store, d->wrap, study, subject, &key);
    if (n != STORE_OK)
        return n;
    buf_init(&sealed, 1024);
    identity_value_seal(&key, study, subject, text_of(command, "kind"), text_of(command, "value"),
                        &sealed);
    json_object_set_new(answer, "sealed",
                        json_string(sodium_bin2hex(hex, sizeof(hex), sealed.data, sealed.size)));
    buf_deinit(&sealed);
    return STORE_OK;
}

static void
profile_take(void *arg, struct slice kind, struct slice value)
{
    json_object_set_new(arg, kind.at, json_stringn(value.at, value.len));
}

static int
do_profile(struct driver *d, const json_t *command, json_t *answer)
{
    json_t *profile = json_object();

    json_object_set_new(answer, "profile", profile);
    return identity_profile(d->store, d->wrap, text_of(command, "study"),
                            text_of(command, "subject"), profile_take, profile);
}

static int64_t
time_of(const json_t *o, const char *key)
{
    const json_t *us = json_object_get(o, key);

    return us != NULL ? json_integer_value(us) : TIME_NONE;
}

static struct submission_extra
extra_of(const json_t *o)
{
    return (struct submission_extra){
        .status = text_of(o, "status"),
        .time_zone = text_of(o, "time_zone"),
        .visit = text_of(o, "visit"),
        .occasion = text_of(o, "occasion"),
        .language = text_of(o, "language"),
        .originator = hex_of(o, "originator"),
        .device = hex_of(o, "device"),
        .device_edits = hex_of(o, "device_edits"),
        .normal = hex_of(o, "normal"),
        .flags = text_of(o, "flags"),
        .actor = text_of(o, "actor"),
        .role = text_of(o, "role"),
        .started_us = time_of(o, "started_us"),
        .sent_us = time_of(o, "sent_us"),
        .skew_us = time_of(o, "skew_us"),
    };
}

static void
row_free(const struct submission_row *row, const struct submission_extra *extra)
{
    const struct slice bytes[] = {row->answers,  row->scores,         extra->originator,
                                  extra->device, extra->device_edits, extra->normal};

    for (size_t i = 0; i < ARRAY_LEN(bytes); i++)
        free((void *)(uintptr_t)bytes[i].at);
}

static int
row_order(const void *a, const void *b)
{
    return submission_row_compare(*(struct submission_row *const *)a,
                                  *(struct submission_row *const *)b);
}

static int
do_store(struct driver *d, const json_t *command, json_t *answer)
{
    struct submission_row rows[ROWS_MAX], *pointers[ROWS_MAX];
    struct submission_extra extras[ROWS_MAX];
    const json_t *list = json_object_get(command, "rows"), *o;
    struct uuid broker;
    size_t i, n = json_array_size(list);

    uuid_random(&broker);
    json_array_foreach(list, i, o)
    {
        extras[i] = extra_of(o);
        rows[i] = (struct submission_row){
            .study = text_of(o, "study"),
            .subject = text_of(o, "subject"),
            .site = text_of(o, "site"),
            .questionnaire = {"daily-diary", 11},
            .version = {"1.0", 3},
            .id = uuid_of(o, "id"),
            .answers = hex_of(o, "answers"),
            .scores = hex_of(o, "scores"),
            .authored_us = clock_wall_us(),
            .received_us = clock_wall_us(),
            .accepted_us = clock_wall_us(),
            .epoch = 1,
            .seq = i,
            .extra = json_object_get(o, "plain") != NULL ? NULL : &extras[i],
        };
        const char *zone = json_string_value(json_object_get(o, "zone"));
        snprintf(rows[i].authored_zone, sizeof(rows[i].authored_zone), "%s",
                 zone != NULL ? zone : "+02:00");
        pointers[i] = &rows[i];
    }
    qsort(pointers, n, sizeof(*pointers), row_order);
    int outcome =
        submissions_write(d->submissions, d->store, &d->chain,
                          &(struct submissions_batch){
                              .broker = &broker, .hash_key = 1, .rows = pointers, .n_rows = n});
    json_t *inserted = json_array(), *stored = json_array();
    for (i = 0; i < n; i++) {
        json_array_append_new(inserted, json_boolean(rows[i].inserted));
        json_array_append_new(stored, json_integer(rows[i].stored_us));
        row_free(&rows[i], &extras[i]);
    }
    json_object_set_new(answer, "inserted", inserted);
    json_object_set_new(answer, "stored_us", stored);
    return outcome;
}

static int
do_revise(struct driver *d, const json_t *command, json_t *answer)
{
    uint8_t hash[CONTENT_HASH_BYTES] = {1};
    struct alert_row rows[ROWS_MAX], *pointers[ROWS_MAX];
    size_t n = alerts_of(command, rows, pointers);
    struct revision_written written = {0};
    struct slice answers = hex_of(command, "answers");
    struct revision_row row = {
        .study = text_of(command, "study"),
        .answers = answers,
        .id = uuid_of(command, "id"),
        .expected = (int32_t)json_integer_value(json_object_get(command, "expected")),
        .status = text_of(command, "status"),
        .is_void = json_is_true(json_object_get(command, "void")),
        .scores = text_of(command, "scores"),
        .content_hash = hash,
        .authored_us = TIME_NONE,
        .received_us = TIME_NONE,
        .accepted_us = TIME_NONE,
        .sent_us = time_of(command, "sent_us"),
        .source = text_of(command, "source"),
        .flags = text_of(command, "flags"),
        .actor = text_of(command, "actor"),
        .role = text_of(command, "role"),
        .reason = text_of(command, "reason"),
        .seq = (uint64_t)json_integer_value(json_object_get(command, "seq")),
    };
    struct identifier_row identifier = {
        .study = row.study,
        .subject = text_of(command, "subject"),
        .kind = {"name", 4},
        .link_id = {"name", 4},
        .submission = row.id,
        .revision = row.expected + 1,
        .value_sealed = {"sealed", 6},
    };
    struct audit_row audit = {
        .at_us = clock_wall_us(),
        .actor = row.actor,
        .role = row.role,
        .action = {AUDIT_ACTION_REVISED, sizeof(AUDIT_ACTION_REVISED) - 1},
        .study = row.study,
        .subject = identifier.subject,
        .submission = row.id,
        .has_submission = true,
        .revision = row.expected + 1,
        .reason = row.reason,
    };

    int outcome = submission_revise(d->revisions, d->store, &d->chain, &row, &audit, pointers, n,
                                    &identifier, 1, &written);
    json_object_set_new(answer, "alerts", alerts_answer(rows, n));
    json_object_set_new(answer, "revision", json_integer(written.revision));
    free((void *)(uintptr_t)answers.at);
    return outcome;
}

static const struct {
    const char *name;
    int (*run)(struct driver *d, const json_t *command, json_t *answer);
} commands[] = {{"alerts", do_alerts},   {"audit", do_audit},       {"note", do_note},
                {"restart", do_restart}, {"identify", do_identify}, {"profile", do_profile},
                {"revise", do_revise},   {"store", do_store}};

static json_t *
command_run(struct driver *d, const json_t *command)
{
    const char *name = json_string_value(json_object_get(command, "do"));
    json_t *answer = json_object();

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (name == NULL || strcmp(name, commands[i].name) != 0)
            continue;
        int outcome = commands[i].run(d, command, answer);
        json_object_set_new(answer, "outcome", json_integer(outcome));
        if (outcome != STORE_OK)
            json_object_set_new(answer, "why", json_string(store_why(d->store)));
    }
    return answer;
}

int
main(int argc, char **argv)
{
    struct driver d = {0};
    static char line[1 << 20];
    char *why = NULL;

    if (argc != 4 || audit_keys_load(argv[2], &d.keys, &why) != 0 ||
        identity_wrap_load(argv[3], &d.wrap, &why) != 0) {
        fprintf(stderr, "%s\n", why != NULL ? why : "conninfo, audit key file, wrap key file");
        return EXIT_USAGE;
    }
    d.store = store_new(&(struct store_options){
        .conninfo = argv[1],
        .program = "store-driver",
        .statement_timeout_us = 5000000,
        .by_index = true, /* as workers */
    });
    int n = store_connect(d.store);
    d.alerts = alerts_writer_new(CEILING);
    d.revisions = revisions_writer_new(CEILING);
    d.submissions = submissions_writer_new(CEILING);
    audit_chain_init(&d.chain, &d.keys.list[0]);
    while (n == STORE_OK && fgets(line, sizeof(line), stdin) != NULL) {
        json_t *command = json_loads(line, 0, NULL), *answer = command_run(&d, command);
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(command);
        json_decref(answer);
    }
    submissions_writer_free(d.submissions);
    revisions_writer_free(d.revisions);
    alerts_writer_free(d.alerts);
    identity_wrap_free(d.wrap);
    store_free(d.store);
    return n == STORE_OK ? EXIT_DONE : EXIT_UNAVAILABLE;
}
