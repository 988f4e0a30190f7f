/* Definitions for tests, written shortly. X stands for an apostrophe-free JSON: ' becomes ". */
#ifndef SLUICE_TESTS_UNIT_QUESTIONNAIRE_DEFINITION_H
#define SLUICE_TESTS_UNIT_QUESTIONNAIRE_DEFINITION_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "questionnaire/questionnaire.h"

#define HL7 "http://hl7.org/fhir/StructureDefinition/"
#define SDC "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
#define OURS "https://sluice.example/fhir/StructureDefinition/"

#define Q(items) "{'resourceType':'Questionnaire','status':'active','item':[" items "]}"
/* An item of a type, with further members (each begins with a comma), and one with extensions. */
#define ITEM(id, type, more) "{'linkId':'" id "','type':'" type "','text':'t'" more "}"
#define EXT(url, value) "{'url':'" url "'," value "}"
#define EXTS(list) ",'extension':[" list "]"
#define CHOICE(id) ITEM(id, "choice", ",'answerOption':[{'valueCoding':{'code':'x'}}]")

/* Quotes made real; malloc'd. */
static inline char *
quoted(const char *text)
{
    char *json = mem_strdup(text);

    for (char *p = json; *p != '\0'; p++) {
        if (*p == '\'')
            *p = '"';
    }
    return json;
}

static inline int
definition_compile(const char *text, const struct questionnaire_options *options,
                   struct questionnaire **ret, char **ret_why)
{
    char *json = quoted(text);
    int n = questionnaire_compile(json, strlen(json), options, ret, ret_why);

    free(json);
    return n;
}

static inline struct questionnaire *
definition_good(const char *text, const struct questionnaire_options *options)
{
    struct questionnaire *q = NULL;
    char *why = NULL;

    if (definition_compile(text, options, &q, &why) != QUESTIONNAIRE_OK)
        fail_msg("refused: %s\n%s", why, text);
    return q;
}

struct refusal {
    const char *text;
    const char *why; /* a part of the reason */
};

/* Each definition is refused for its reason, which names the item unless it is about the frame. */
static inline void
refusals_check(const struct refusal *rows, size_t n, const struct questionnaire_options *options)
{
    for (size_t i = 0; i < n; i++) {
        struct questionnaire *q = NULL;
        char *why = NULL;
        int outcome = definition_compile(rows[i].text, options, &q, &why);
        if (outcome != QUESTIONNAIRE_REFUSED || strstr(why, rows[i].why) == NULL)
            fail_msg("%s\nexpected: %s\n%s", rows[i].text, rows[i].why,
                     why != NULL ? why : "(taken)");
        if (strchr(why, '\n') != NULL)
            fail_msg("%s\none reason is enough: %s", rows[i].text, why);
        free(why);
    }
}

#endif
