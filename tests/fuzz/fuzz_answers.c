/* Answers of any kind against a form that has every kind of item. The first byte says whether the
 * rest is the short form or a resource. What is sound msgpack is judged without harm, and what it
 * becomes is sound again: the short form of a resource, a resource of a short form, and once more.
 */
#include <string.h>

#include "base/error.h"
#include "questionnaire/attachments_take.h"
#include "questionnaire/normal.h"
#include "questionnaire/questionnaire.h"
#include "schemas/wire/mp.h"
#include "tests/fuzz/fuzz.h"

#define NODES_MAX 100000
#define CEILING (8 << 20)
#define BASE "http://hl7.org/fhir/StructureDefinition/"

static const char form[] =
    "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\",\"version\":\"1\","
    "\"status\":\"active\",\"item\":["
    "{\"linkId\":\"b\",\"type\":\"boolean\",\"required\":true},"
    "{\"linkId\":\"g\",\"type\":\"group\",\"required\":true,\"item\":["
    " {\"linkId\":\"d\",\"type\":\"decimal\",\"extension\":[{\"url\":\"" BASE
    "maxDecimalPlaces\",\"valueInteger\":2},{\"url\":\"" BASE
    "maxValue\",\"valueDecimal\":9.5}]},{\"linkId\":\"n\",\"type\":\"display\"},"
    " {\"linkId\":\"r\",\"type\":\"group\",\"repeats\":true,\"enableWhen\":[{\"question\":\"b\","
    "  \"operator\":\"=\",\"answerBoolean\":true}],\"item\":["
    "  {\"linkId\":\"i\",\"type\":\"integer\"},"
    "  {\"linkId\":\"s\",\"type\":\"string\",\"required\":true,\"maxLength\":3,\"enableWhen\":["
    "   {\"question\":\"i\",\"operator\":\">\",\"answerInteger\":3}]}]}]},"
    "{\"linkId\":\"x\",\"type\":\"text\",\"repeats\":true,\"extension\":[{\"url\":\"" BASE
    "regex\",\"valueString\":\"(a|b+)*\"}],\"item\":[{\"linkId\":\"w\",\"type\":\"url\"}]},"
    "{\"linkId\":\"c\",\"type\":\"choice\",\"repeats\":true,\"answerOption\":["
    " {\"valueCoding\":{\"system\":\"s\",\"code\":\"x\"}},{\"valueCoding\":{\"code\":\"y\"}},"
    " {\"valueCoding\":{\"display\":\"z\"}},{\"valueInteger\":5},{\"valueString\":\"t\"},"
    " {\"valueDate\":\"2026\"},{\"valueTime\":\"08:00:00\"}]},"
    "{\"linkId\":\"o\",\"type\":\"open-choice\",\"answerOption\":[{\"valueString\":\"a\"}]},"
    "{\"linkId\":\"q\",\"type\":\"quantity\",\"extension\":[{\"url\":\"" BASE
    "questionnaire-unit\",\"valueCoding\":{\"system\":\"http://unitsofmeasure.org\",\"code\":"
    "\"kg\"}},{\"url\":\"http://hl7.org/fhir/uv/sdc/StructureDefinition/"
    "sdc-questionnaire-maxQuantity\",\"valueQuantity\":{\"value\":300,\"system\":"
    "\"http://unitsofmeasure.org\",\"code\":\"kg\"}}]},"
    "{\"linkId\":\"da\",\"type\":\"date\"},{\"linkId\":\"dt\",\"type\":\"dateTime\"},"
    "{\"linkId\":\"ti\",\"type\":\"time\"},{\"linkId\":\"re\",\"type\":\"reference\"},"
    "{\"linkId\":\"at\",\"type\":\"attachment\"}]}";

static const struct response_head head = {.status = "completed"};

static void
sound(const struct buf *b)
{
    sluice_assert(mp_check(b->data, b->size, SIZE_MAX) == MP_OK);
}

/* Once it was laid out and written, writing it again makes the same bytes. */
static void
settles(struct questionnaire *q, const struct buf *answers, struct findings *f)
{
    struct buf one, two, three;

    buf_init(&one, CEILING);
    buf_init(&two, CEILING);
    buf_init(&three, CEILING);
    int r = questionnaire_to_resource(q, answers->data, answers->size, &head, &one);
    sluice_assert(r == BUF_OK);
    sound(&one);
    findings_clear(f);
    r = questionnaire_check_resource(q, one.data, one.size, false, &two, f);
    sluice_assert(r == BUF_OK);
    sound(&two);
    if (f->n == 0) {
        r = questionnaire_to_resource(q, two.data, two.size, &head, &three);
        sluice_assert(r == BUF_OK && three.size == one.size);
        sluice_assert(memcmp(one.data, three.data, one.size) == 0);
    }
    buf_deinit(&one);
    buf_deinit(&two);
    buf_deinit(&three);
}

static void
keep(void *arg, const struct attachment_taken *taken, uint8_t ret_hash[ATTACHMENT_HASH_BYTES])
{
    size_t *bytes = arg;

    *bytes += taken->size;
    memset(ret_hash, (int)taken->size & 0xff, ATTACHMENT_HASH_BYTES);
}

/* What is left without inline data can be taken again, and nothing more comes out. */
static void
files_leave(struct questionnaire *q, const struct buf *answers)
{
    struct buf one, two;
    size_t bytes = 0;

    buf_init(&one, CEILING);
    buf_init(&two, CEILING);
    int r = attachments_take(q, answers->data, answers->size, keep, &bytes, &one);
    sluice_assert(r == BUF_OK);
    sound(&one);
    bytes = 0;
    r = attachments_take(q, one.data, one.size, keep, &bytes, &two);
    sluice_assert(r == BUF_OK && bytes == 0 && one.size == two.size);
    buf_deinit(&one);
    buf_deinit(&two);
}

/* Normal values of sound answers are sound. */
static void
normals_stand(struct questionnaire *q, const struct buf *answers)
{
    struct buf normals;

    buf_init(&normals, CEILING);
    int r = normals_take(q, answers->data, answers->size, &normals);
    sluice_assert(r == BUF_OK);
    if (normals.size > 0)
        sound(&normals);
    buf_deinit(&normals);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct questionnaire *q;
    struct findings f;
    struct buf answers;
    char *why;

    if (q == NULL) {
        int r = questionnaire_compile(form, sizeof(form) - 1, NULL, &q, &why);
        sluice_assert(r == QUESTIONNAIRE_OK);
    }
    if (size == 0 || mp_check(data + 1, size - 1, NODES_MAX) != MP_OK)
        return 0;
    findings_init(&f);
    buf_init(&answers, CEILING);
    if (data[0] & 1) {
        int r = questionnaire_check_resource(q, data + 1, size - 1, true, &answers, &f);
        sluice_assert(r == BUF_OK);
        sound(&answers);
    } else {
        questionnaire_check(q, data + 1, size - 1, true, &f);
        if (size > 1)
            buf_append(&answers, data + 1, size - 1);
    }
    if (f.n == 0) {
        files_leave(q, &answers);
        normals_stand(q, &answers);
        settles(q, &answers, &f);
    }
    buf_deinit(&answers);
    findings_deinit(&f);
    return 0;
}
