/* study load, subject load, questionnaire load. What a file must look like is the store's
 * knowledge; here it is read, judged first (nothing written), confirmed, loaded. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/ctl/database.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"
#include "store/catalog.h"

enum kind { KIND_STUDY, KIND_SUBJECTS, KIND_QUESTIONNAIRE };

struct load {
    struct ctl *ctl;
    enum kind kind;
    char *text;
    size_t len;
};

static int
load_run(struct store *s, const struct load *l, bool check_only, struct catalog_loaded *ret)
{
    switch (l->kind) {
    case KIND_STUDY:
        return store_study_load(s, l->text, l->len, check_only, ret);
    case KIND_SUBJECTS:
        return store_subjects_load(s, l->text, l->len, check_only, ret);
    case KIND_QUESTIONNAIRE:
        return store_questionnaire_load(s, l->text, l->len, l->ctl->options[OPTION_URL],
                                        l->ctl->options[OPTION_AS_VERSION], check_only, ret);
    }
    return STORE_INVALID;
}

/* "study NCT007 with 3 sites" */
static void
load_name(const struct load *l, const struct catalog_loaded *loaded, char *ret, size_t size)
{
    switch (l->kind) {
    case KIND_STUDY:
        snprintf(ret, size, "study %s with %zu site%s", loaded->name, loaded->count,
                 loaded->count == 1 ? "" : "s");
        break;
    case KIND_SUBJECTS:
        snprintf(ret, size, "%zu subject%s of study %s", loaded->count,
                 loaded->count == 1 ? "" : "s", loaded->name);
        break;
    case KIND_QUESTIONNAIRE:
        snprintf(ret, size, "questionnaire %s", loaded->name);
        break;
    }
}

static void
study_compare(void *arg, const struct catalog_study *row)
{
    const char **wanted = arg;

    if (*wanted != NULL && strcmp(*wanted, row->study) == 0)
        *wanted = NULL;
}

/* Questionnaires belong to no study; --study says which one it is meant for, and that one must be
 * there. */
static int
study_check(const struct ctl *ctl, struct store *s)
{
    const char *wanted = ctl->options[OPTION_STUDY];

    if (wanted == NULL)
        return EXIT_DONE;
    int code = database_exit(s, store_studies_read(s, study_compare, &wanted));
    if (code == EXIT_DONE && wanted != NULL) {
        ctl_complain("study %s is not loaded: load it first", wanted);
        return EXIT_FAILED;
    }
    return code;
}

static int
load_do(const struct load *l, struct store *s)
{
    struct catalog_loaded loaded = {0};
    char name[400];

    int code = study_check(l->ctl, s);
    if (code != EXIT_DONE)
        return code;
    code = database_exit(s, load_run(s, l, true, &loaded));
    if (code != EXIT_DONE)
        return code;
    load_name(l, &loaded, name, sizeof(name));
    if (ctl_confirm(l->ctl, &code, "load %s", name) == CONFIRM_NO)
        return code;
    code = database_exit(s, load_run(s, l, false, &loaded));
    if (code != EXIT_DONE)
        return code;
    load_name(l, &loaded, name, sizeof(name));
    ctl_done(l->ctl, loaded.unchanged ? "%s stood there already, unchanged" : "loaded %s", name);
    return EXIT_DONE;
}

static int
load_verb(struct ctl *ctl, enum kind kind)
{
    struct load l = {.ctl = ctl, .kind = kind};
    struct store *s;

    l.text = ctl_file_read(ctl->args[0], CTL_FILE_MAX, &l.len);
    if (l.text == NULL)
        return EXIT_USAGE;
    int code = database_open(ctl, true, &s);
    if (code == EXIT_DONE) {
        code = load_do(&l, s);
        store_free(s);
    }
    free(l.text);
    return code;
}

int
study_load_verb(struct ctl *ctl)
{
    return load_verb(ctl, KIND_STUDY);
}

int
subject_load_verb(struct ctl *ctl)
{
    return load_verb(ctl, KIND_SUBJECTS);
}

int
questionnaire_load_verb(struct ctl *ctl)
{
    return load_verb(ctl, KIND_QUESTIONNAIRE);
}
