/* export, audit export: a complete copy of a study or site, and of the trail itself. Each leaves
 * its own row in the trail, written before the first byte is read: what can't be audited is not
 * exported. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/database.h"
#include "client/ctl/dataset.h"
#include "client/ctl/listing.h"
#include "client/ctl/verbs.h"
#include "client/ctl/witness.h"
#include "store/audit_write.h"
#include "store/export.h"

struct wish {
    const char *study, *site;
    int64_t since_us;
    enum dataset_form form;
    struct codes *codes; /* NULL: not coded */
};

static bool
wish_read(const struct ctl *ctl, enum dataset_form form, enum dataset_form other, struct wish *ret)
{
    const char *word = ctl->options[OPTION_FORMAT];

    *ret = (struct wish){.study = ctl->options[OPTION_STUDY],
                         .site = ctl->options[OPTION_SITE],
                         .since_us = TIME_NONE,
                         .form = form};
    if (word != NULL &&
        (!dataset_form_find(word, &ret->form) || (ret->form != form && ret->form != other))) {
        ctl_complain("--format %s is not one of this verb's", word);
        return false;
    }
    if (ret->site != NULL && ret->study == NULL) {
        ctl_complain("--site needs --study");
        return false;
    }
    return ctl->options[OPTION_SINCE] == NULL || ctl_since(ctl, &ret->since_us);
}

/* {"site", "format", "coded"}: what was asked for. */
static int
export_witness(const struct ctl *ctl, struct store *s, const struct wish *wish, const char *action)
{
    struct audit_chain chain;
    int code = witness_open(ctl, &chain);

    if (code != EXIT_DONE)
        return code;
    json_t *detail = json_pack("{s:s*, s:i}", "site", wish->site, "format", (int)wish->form);
    if (wish->codes != NULL)
        json_object_set_new(detail, "coded", json_true());
    char *text = json_dumps(detail, JSON_COMPACT | JSON_SORT_KEYS);
    const char *reason = ctl->options[OPTION_REASON];
    struct audit_row row = {
        .at_us = clock_wall_us(),
        .actor = witness_actor(),
        .role = {"admin", 5},
        .action = {action, strlen(action)},
        .study = {wish->study, wish->study != NULL ? strlen(wish->study) : 0},
        .reason = {reason, reason != NULL ? strlen(reason) : 0},
        .detail = {text, strlen(text)},
    };
    code = database_exit(s, audit_write(s, &chain, &row));
    free(text);
    json_decref(detail);
    return code;
}

static int
dataset_write(struct store *s, const struct export_set *set, const struct wish *wish, FILE *out,
              const char *name, uint64_t *ret_rows)
{
    struct dataset dataset = {.out = out, .form = wish->form, .set = set, .codes = wish->codes};

    dataset_begin(&dataset, wish->study, clock_wall_us());
    int n = store_export(s, set, wish->study, wish->site, wish->since_us,
                         wish->codes != NULL ? wish->codes->order : NULL, dataset_row, &dataset);
    if (n != STORE_OK)
        return database_exit(s, n);
    int error = dataset_end(&dataset);
    if (error != 0) {
        ctl_complain("%s: %s", name, strerror(error));
        return EXIT_DISK;
    }
    *ret_rows = dataset.rows;
    return EXIT_DONE;
}

/* DIR/name.csv, which must not be there yet; nobody else may read it. */
static int
file_write(const struct ctl *ctl, struct store *s, const struct export_set *set,
           const struct wish *wish, const char *dir)
{
    char path[PATH_MAX];
    uint64_t rows = 0;

    if ((size_t)snprintf(path, sizeof(path), "%s/%s%s", dir, set->name,
                         dataset_suffix(wish->form)) >= sizeof(path))
        return EXIT_USAGE;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL) {
        ctl_complain("%s: %s", path, strerror(errno));
        return errno == EEXIST ? EXIT_USAGE : EXIT_DISK;
    }
    int code = dataset_write(s, set, wish, out, path, &rows);
    if (code == EXIT_DONE && fsync(fileno(out)) != 0) {
        ctl_complain("%s: %s", path, strerror(errno));
        code = EXIT_DISK;
    }
    if (fclose(out) != 0 && code == EXIT_DONE)
        code = EXIT_DISK;
    if (code == EXIT_DONE && ctl->json)
        printf("{\"set\":\"%s\",\"rows\":%" PRIu64 "}\n", set->name, rows);
    else if (code == EXIT_DONE)
        printf("%10" PRIu64 "  %s\n", rows, path);
    return code;
}

int
export_verb(struct ctl *ctl)
{
    bool coded = ctl->options[OPTION_CODED] != NULL;
    struct store *s = NULL;
    struct codes codes;
    struct wish wish;

    if (!wish_read(ctl, DATASET_CSV, DATASET_JSON, &wish))
        return EXIT_USAGE;
    if (wish.study == NULL) {
        ctl_complain("--study is needed");
        return EXIT_USAGE;
    }
    if (mkdir(ctl->args[0], 0700) != 0 && errno != EEXIST) {
        ctl_complain("%s: %s", ctl->args[0], strerror(errno));
        return EXIT_USAGE;
    }
    int code = database_open(ctl, true, &s);
    if (code == EXIT_DONE && coded) {
        code = codes_open(ctl, s, wish.study, &codes);
        wish.codes = code == EXIT_DONE ? &codes : NULL;
    }
    if (code == EXIT_DONE)
        code = export_witness(ctl, s, &wish, "data.exported");
    for (size_t i = 0; i < export_sets_count && code == EXIT_DONE; i++)
        code = file_write(ctl, s, &export_sets[i], &wish, ctl->args[0]);
    if (wish.codes != NULL)
        codes_close(wish.codes);
    store_free(s);
    return code;
}

int
audit_export_verb(struct ctl *ctl)
{
    struct store *s = NULL;
    struct wish wish;
    uint64_t rows;

    if (!wish_read(ctl, DATASET_NDJSON, DATASET_CSV, &wish))
        return EXIT_USAGE;
    int code = database_open(ctl, true, &s);
    if (code == EXIT_DONE)
        code = export_witness(ctl, s, &wish, "audit.exported");
    if (code == EXIT_DONE)
        code = dataset_write(s, &export_audit, &wish, stdout, "stdout", &rows);
    store_free(s);
    return code;
}
