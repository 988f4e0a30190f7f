/* study load, subject load, questionnaire load, valueset load. What a file must look like is the
 * store's knowledge; here it is read, judged first (nothing written), confirmed, loaded. Each load
 * leaves its row in the audit trail, in its own transaction. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/ctl/database.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"
#include "client/ctl/witness.h"
#include "store/catalog.h"
#include "store/valuesets.h"

struct kind {
    int (*load)(struct store *s, const struct catalog_load *load, struct catalog_loaded *ret);
    const char *noun, *counted; /* "study", "site" */
};
static const struct kind study = {store_study_load, "study", "site"};
static const struct kind subjects = {store_subjects_load, "subjects", "subject"};
static const struct kind questionnaire = {store_questionnaire_load, "questionnaire", "item"};
static const struct kind valueset = {store_valueset_load, "value set", NULL};

/* "study NCT007, version 2, with 3 sites" */
static void
loaded_name(const struct kind *kind, const struct catalog_loaded *loaded, char *ret, size_t size)
{
    const char *plural = loaded->count == 1 ? "" : "s";
    char version[32] = "";

    if (loaded->version > 0)
        snprintf(version, sizeof(version), ", version %d,", loaded->version);
    if (kind == &subjects)
        snprintf(ret, size, "%zu subject%s of study %s", loaded->count, plural, loaded->name);
    else if (kind->counted == NULL)
        snprintf(ret, size, "%s %s", kind->noun, loaded->name);
    else
        snprintf(ret, size, "%s %s%s with %zu %s%s", kind->noun, loaded->name, version,
                 loaded->count, kind->counted, plural);
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

static void
finding_say(void *arg, bool refusal, const char *text)
{
    const char *file = arg;

    ctl_complain("%s: %s: %s", file, refusal ? "refused" : "warning", text);
}

static int
load_do(struct ctl *ctl, const struct kind *kind, struct store *s, struct catalog_load *load)
{
    struct catalog_loaded loaded = {0};
    char name[400];

    int code = study_check(ctl, s);
    if (code != EXIT_DONE)
        return code;
    load->check_only = true;
    code = database_exit(s, kind->load(s, load, &loaded));
    if (code != EXIT_DONE)
        return code;
    loaded_name(kind, &loaded, name, sizeof(name));
    if (ctl_confirm(ctl, &code, "load %s", name) == CONFIRM_NO)
        return code;
    load->check_only = false;
    load->say = NULL; /* all was said */
    code = database_exit(s, kind->load(s, load, &loaded));
    if (code != EXIT_DONE)
        return code;
    loaded_name(kind, &loaded, name, sizeof(name));
    ctl_done(ctl, loaded.unchanged ? "%s stood there already, unchanged" : "loaded %s", name);
    return EXIT_DONE;
}

static int
load_verb(struct ctl *ctl, const struct kind *kind)
{
    struct catalog_load load = {.url = ctl->options[OPTION_URL],
                                .version = ctl->options[OPTION_AS_VERSION],
                                .by = witness_actor().at,
                                .reason = ctl->options[OPTION_REASON],
                                .unchecked = ctl->options[OPTION_UNCHECKED] != NULL,
                                .say = finding_say};
    struct audit_chain chain;
    struct store *s;

    char *text = ctl_file_read(ctl->args[0], CTL_FILE_MAX, &load.len);
    if (text == NULL)
        return EXIT_USAGE;
    load.json = text;
    load.arg = (void *)(uintptr_t)ctl->args[0];
    load.chain = &chain;
    int code = ctl->options[OPTION_DRY_RUN] != NULL ? EXIT_DONE : witness_open(ctl, &chain);
    if (code == EXIT_DONE)
        code = database_open(ctl, true, &s);
    if (code == EXIT_DONE) {
        code = load_do(ctl, kind, s, &load);
        store_free(s);
    }
    free(text);
    return code;
}

int
study_load_verb(struct ctl *ctl)
{
    return load_verb(ctl, &study);
}

int
subject_load_verb(struct ctl *ctl)
{
    return load_verb(ctl, &subjects);
}

int
questionnaire_load_verb(struct ctl *ctl)
{
    return load_verb(ctl, &questionnaire);
}

int
valueset_load_verb(struct ctl *ctl)
{
    return load_verb(ctl, &valueset);
}
