/* Which Content-Types are taken for what. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "base/error.h"
#include "client/edge/media.h"

static void
test_types(void **state)
{
    static const struct {
        const char *text;
        enum media media;
    } cases[] = {
        {"application/json", MEDIA_TYPE_JSON},
        {"Application/JSON", MEDIA_TYPE_JSON},
        {"application/json;charset=utf-8", MEDIA_TYPE_JSON},
        {"application/json ; charset=\"UTF-8\" ", MEDIA_TYPE_JSON},
        {"application/json;", MEDIA_TYPE_JSON},
        {"application/fhir+json", MEDIA_TYPE_FHIR},
        {"application/FHIR+json; fhirVersion=4.0; charset=utf-8", MEDIA_TYPE_FHIR},
        {"application/json; fhirVersion=4.0", MEDIA_TYPE_OTHER},
        {"application/fhir+json; fhirVersion=5.0", MEDIA_TYPE_OTHER},
        {"application/json; charset=latin1", MEDIA_TYPE_OTHER},
        {"application/json; charset=", MEDIA_TYPE_OTHER},
        {"application/json; charset=\"utf-8", MEDIA_TYPE_OTHER},
        {"application/json charset=utf-8x", MEDIA_TYPE_OTHER},
        {"application/jsonx", MEDIA_TYPE_OTHER},
        {"application/fhir+xml", MEDIA_TYPE_OTHER},
        {"application/fhir", MEDIA_TYPE_OTHER},
        {"application/jso", MEDIA_TYPE_OTHER},
        {"text/json", MEDIA_TYPE_OTHER},
        {"\"", MEDIA_TYPE_OTHER},
        {"", MEDIA_TYPE_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].text);
        assert_int_equal(media_type_of(cases[i].text, strlen(cases[i].text)), cases[i].media);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_types)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
