/* Any bytes as a worker's payload: what is told of it is well-formed JSON, with every rule and
 * value quoted as it must be. */
#include "base/error.h"
#include "client/edge/fhir_outcome.h"
#include "client/edge/json.h"
#include "client/edge/json_text.h"
#include "client/edge/outcome_payload.h"
#include "tests/fuzz/fuzz.h"

/* Numbers, depth and characters that the intake would not take may pass by on their way out. */
static void
text_check(struct json *j, struct buf *text, struct buf *out)
{
    buf_clear(out);
    sluice_assert(text->size <= JSON_TEXT_MAX);
    enum json_fault fault = json_transcode(j, text->data, text->size, out);
    sluice_assert(fault != JSON_SYNTAX && fault != JSON_TRAILING && fault != JSON_UTF8);
    buf_clear(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json j;
    static struct buf text, out;
    struct outcome_payload payload;

    if (out.ceiling == 0) {
        json_init(&j);
        buf_init(&text, (size_t)64 << 20);
        buf_init(&out, (size_t)64 << 20);
    }
    outcome_payload_read(data, size, &payload);
    json_put(&text, "{\"first\":1");
    outcome_payload_write(&text, &payload);
    outcome_payload_errors(&text, &payload, "detail");
    json_put(&text, "}");
    text_check(&j, &text, &out);
    fhir_outcome_errors(&text, PROBLEM_REJECTED, &payload, "error");
    text_check(&j, &text, &out);
    fhir_outcome_status(&text, "stored", 6, &payload);
    text_check(&j, &text, &out);
    return 0;
}
