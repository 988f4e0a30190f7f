/* Any bytes as a body: what reads it (as a batch, a submission, a FHIR resource, a correction)
 * never reads or writes past anything, and what is taken is well-formed msgpack whose strings stand
 * where they are said to. */
#include "base/error.h"
#include "client/edge/batch_split.h"
#include "client/edge/envelope.h"
#include "client/edge/fhir_response.h"
#include "client/edge/json.h"
#include "client/edge/revision.h"
#include "tests/fuzz/fuzz.h"

/* The parts of a batch lie in order within its text. */
static void
batch_try(const uint8_t *data, size_t size)
{
    struct batch_span spans[BATCH_SUBMISSIONS_MAX];
    struct problem_error error;
    size_t n;

    if (!batch_split(data, size, spans, &n, &error))
        return;
    sluice_assert(n <= BATCH_SUBMISSIONS_MAX);
    for (size_t i = 0; i < n; i++)
        sluice_assert(spans[i].size > 0 && spans[i].at > data &&
                      spans[i].at + spans[i].size < data + size &&
                      (i == 0 || spans[i].at > spans[i - 1].at + spans[i - 1].size));
}

static void
resource_try(const struct buf *out)
{
    char key[KEY_CHARACTERS_MAX];
    struct envelope envelope;
    struct problem_error error;

    if (!fhir_response_read(out->data, out->size, key, &envelope, &error))
        return;
    sluice_assert(envelope.subject.len <= SUBJECT_BYTES_MAX);
    if (envelope.id.at == key)
        sluice_assert(envelope.id.len <= KEY_CHARACTERS_MAX);
}

/* Last: the members leave out. */
static void
revision_try(struct json *j, struct buf *out)
{
    static struct revision revision;
    struct problem_error error;

    if (revision_read(out->data, out->size, &revision, &error))
        sluice_assert(revision.reason.len > 0 && revision.reason.len <= REVISION_TEXT_MAX &&
                      revision.source.len <= REVISION_TEXT_MAX);
    if (out->size > 0 && revision_take(j, out, &revision, &error))
        sluice_assert(mp_check(out->data, out->size, JSON_NODES_MAX) == MP_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json j;
    static struct buf out;
    struct envelope envelope;
    struct problem_error error;

    if (out.ceiling == 0) {
        json_init(&j);
        buf_init(&out, (size_t)64 << 20);
    }
    if (size > ((size_t)1 << 20))
        return 0;
    batch_try(data, size);
    buf_trim(&out, 0); /* so that a write past the room asked for is seen */
    enum json_fault fault = json_transcode(&j, data, size, &out);
    sluice_assert(j.fault_at <= size);
    if (fault != JSON_OK) {
        sluice_assert(out.size == 0);
        envelope_fault(&j, fault, out.data, &error);
        return 0;
    }
    sluice_assert(mp_check(out.data, out.size, JSON_NODES_MAX) == MP_OK);
    resource_try(&out);
    if (envelope_check(&j, out.data, &envelope, &error)) {
        const uint8_t *subject = (const uint8_t *)envelope.subject.at;
        sluice_assert(subject > out.data && subject + envelope.subject.len <= out.data + out.size);
    }
    revision_try(&j, &out);
    return 0;
}
