/* Any bytes as a body: the transcoder and the envelope never read or write past anything, and what
 * is taken is well-formed msgpack whose strings stand where they are said to. */
#include "base/error.h"
#include "client/edge/envelope.h"
#include "client/edge/json.h"
#include "tests/fuzz/fuzz.h"

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
    buf_trim(&out, 0); /* so that a write past the room asked for is seen */
    enum json_fault fault = json_transcode(&j, data, size, &out);
    sluice_assert(j.fault_at <= size);
    if (fault != JSON_OK) {
        sluice_assert(out.size == 0);
        envelope_fault(&j, fault, out.data, &error);
        return 0;
    }
    sluice_assert(mp_check(out.data, out.size, JSON_NODES_MAX) == MP_OK);
    if (envelope_check(&j, out.data, &envelope, &error)) {
        const uint8_t *subject = (const uint8_t *)envelope.subject.at;
        sluice_assert(subject > out.data && subject + envelope.subject.len <= out.data + out.size);
    }
    return 0;
}
