/* Study files: one that has everything, and every way to get one member wrong. Each fault names its
 * place. */
#include "store/study_file.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tests/unit/cmocka_all.h"

#define WHOLE                                                                                      \
    "{'study':'NCT007','trialCode':'T-7','title':'x','status':'planned','zone':'Europe/Berlin',"   \
    "'startedOn':'2026-01-31','defaultQuestionnaire':'diary','questionnaires':[{'questionnaire':"  \
    "'diary','version':'1'},{'questionnaire':'phq-9'}],'sites':[{'siteId':'S01','name':'One'},"    \
    "{'siteId':'S02','zone':'UTC'}],'recipients':{'anna':{'email':'anna@example.org','sites':"     \
    "['S01'],'roles':['investigator']},'hook':{'webhook':{'url':'https://example.org/in',"         \
    "'secretFile':'hook'}}},'alerts':{'r1':{'value':3,'severity':'urgent','recipients':['anna']}," \
    "'r2':{'off':true},'r3':{'value':'yes'},'r4':{'value':false}},'escalation':{'urgent':'30min'," \
    "'contacts':['hook','anna']},'cutoffs':{'participantCorrections':'7d'},'parameters':"          \
    "{'glucose':{'uln':6.1,'sites':{'S01':{'uln':5.6}}}},'clock':{'skew_s':120,'late_h':24,"       \
    "'future_s':300}}"

static void
judge(const char *text, struct study_file *file, struct catalog_fault *fault, json_t **ret_root)
{
    char json[8192];

    snprintf(json, sizeof(json), "%s", text);
    for (char *c = json; *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    *ret_root = catalog_parse(json, strlen(json), fault);
    if (*ret_root != NULL)
        study_file_judge(*ret_root, file, fault);
}

static void
a_whole_one(void **state)
{
    struct catalog_fault fault = {0};
    struct study_file file = {0};
    json_t *root;

    (void)state;
    judge(WHOLE, &file, &fault, &root);
    assert_string_equal(fault.text, "");
    assert_string_equal(file.study, "NCT007");
    assert_string_equal(file.status, "planned");
    assert_string_equal(file.zone, "Europe/Berlin");
    assert_string_equal(file.started_on, "2026-01-31");
    assert_int_equal(json_array_size(file.sites), 2);
    json_decref(root);
}

static void
the_shortest_one(void **state)
{
    struct catalog_fault fault = {0};
    struct study_file file = {0};
    json_t *root;

    (void)state;
    judge("{'study':'A'}", &file, &fault, &root);
    assert_string_equal(fault.text, "");
    assert_string_equal(file.status, "active");
    assert_string_equal(file.zone, "UTC");
    assert_null(file.sites);
    assert_null(file.title);
    json_decref(root);
}

static const struct {
    const char *members, *fault; /* behind 'study':'A' */
} wrong[] = {
    {"'nonsense':1", "study: unknown member 'nonsense'"},
    {"'status':'open'", "'status' must be one of: active, planned, closed"},
    {"'startedOn':'2026-02-30'", "'startedOn' must be a day"},
    {"'startedOn':'2026-02'", "'startedOn' must be a day"},
    {"'defaultQuestionnaire':7", "'defaultQuestionnaire' must be a string"},
    {"'questionnaires':{}", "'questionnaires' must be an array"},
    {"'questionnaires':[{'questionnaire':'x','active':true}]", "questionnaires/0: a questionnaire: "
                                                               "unknown member 'active'"},
    {"'questionnaires':[{'questionnaire':'x'},{}]", "questionnaires/1: 'questionnaire' is missing"},
    {"'sites':[{'siteId':'S1'},{'name':'x'}]", "sites/1: 'siteId' is missing"},
    {"'sites':['S1']", "sites/0: 'siteId' is missing"},
    {"'sites':[{'siteId':'S1'},{'siteId':'S1'}]", "sites/1: 'S1' stands there twice"},
    {"'recipients':[]", "'recipients' must be an object"},
    {"'recipients':{'a b':{'email':'a@b'}}", "recipients/a b: a name has"},
    {"'recipients':{'a':7}", "recipients/a: must be an object"},
    {"'recipients':{'a':{}}", "recipients/a: needs 'webhook' or 'email'"},
    {"'recipients':{'a':{'phone':'1'}}", "recipients/a: a recipient: unknown member 'phone'"},
    {"'recipients':{'a':{'email':'nobody'}}", "recipients/a: 'email' is no address"},
    {"'recipients':{'a':{'email':'a@b@c'}}", "recipients/a: 'email' is no address"},
    {"'recipients':{'a':{'email':'a@b, c@d'}}", "recipients/a: 'email' is no address"},
    {"'recipients':{'a':{'email':'@b'}}", "recipients/a: 'email' is no address"},
    {"'recipients':{'a':{'webhook':{'url':'https://x.org'}}}", "recipients/a: 'secretFile' is "
                                                               "missing"},
    {"'recipients':{'a':{'webhook':{'url':'ftp://x','secretFile':'f'}}}",
     "recipients/a: 'url' must be http"},
    {"'recipients':{'a':{'webhook':{'url':'https://u:p@x','secretFile':'f'}}}",
     "recipients/a: 'url' must be http"},
    {"'recipients':{'a':{'webhook':{'url':'https://','secretFile':'f'}}}",
     "recipients/a: 'url' must be http"},
    {"'recipients':{'a':{'webhook':{'url':'https://x','secretFile':'../f'}}}",
     "recipients/a: 'secretFile' must be the name of a file"},
    {"'recipients':{'a':{'webhook':{'url':'https://x','secretFile':'f','x':1}}}",
     "recipients/a: 'webhook' must be an object with at most 2"},
    {"'recipients':{'a':{'email':'a@b','sites':['S9']}}", "recipients/a: 'sites' names 'S9'"},
    {"'recipients':{'a':{'email':'a@b','roles':['boss']}}", "recipients/a: 'roles': no role "
                                                            "'boss'"},
    {"'recipients':{'a':{'email':'a@b','roles':[1]}}", "recipients/a: 'roles' must be an array of"},
    {"'alerts':{'r':[]}", "alerts/r: must be an object"},
    {"'alerts':{'r':{'valu':1}}", "alerts/r: an alert: unknown member 'valu'"},
    {"'alerts':{'r':{'value':[]}}", "alerts/r: 'value' must be"},
    {"'alerts':{'r':{'off':1}}", "alerts/r: 'off' must be true or false"},
    {"'alerts':{'r':{'severity':'red'}}", "alerts/r: 'severity' must be one of: info, warning, "
                                          "urgent"},
    {"'alerts':{'r':{'recipients':['x']}}", "alerts/r: 'recipients' names 'x'"},
    {"'escalation':{'urgent':'30min'}", "escalation: 'contacts' must name"},
    {"'escalation':{'urgent':'30','contacts':[]}", "escalation: 'urgent' must be a duration"},
    {"'escalation':{'urgent':'0s','contacts':[]}", "escalation: 'urgent' must be a duration"},
    {"'escalation':{'red':'1h'}", "escalation: escalation: unknown member 'red'"},
    {"'escalation':{'contacts':['x']}", "escalation: 'contacts' names 'x'"},
    {"'cutoffs':{}", "cutoffs: 'participantCorrections' is missing"},
    {"'cutoffs':{'participantCorrections':'soon'}", "cutoffs: 'participantCorrections' must be"},
    {"'cutoffs':{'participantCorrections':'2026-13-01'}", "cutoffs: 'participantCorrections' must"},
    {"'parameters':{'insulin':{}}", "parameters: parameters: unknown member 'insulin'"},
    {"'parameters':{'glucose':{'sites':{'S9':{'uln':5}}}}", "parameters: 'glucose' names 'S9'"},
    {"'clock':{'skew_s':0}", "clock: 'skew_s' must be a whole number from 1"},
    {"'clock':{'late_h':1.5}", "clock: 'late_h' must be a whole number"},
    {"'clock':{'drift':1}", "clock: clock: unknown member 'drift'"},
};

static void
every_fault_names_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct catalog_fault fault = {0};
        struct study_file file = {0};
        char text[1024];
        json_t *root;
        snprintf(text, sizeof(text), "{'study':'A',%s}", wrong[i].members);
        judge(text, &file, &fault, &root);
        if (strncmp(fault.text, wrong[i].fault, strlen(wrong[i].fault)) != 0)
            fail_msg("%s: '%s', not '%s'", wrong[i].members, fault.text, wrong[i].fault);
        assert_null(file.study);
        json_decref(root);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_one),
        cmocka_unit_test(the_shortest_one),
        cmocka_unit_test(every_fault_names_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
