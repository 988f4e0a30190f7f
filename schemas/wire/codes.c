/* The .def tables of the protocol as texts and properties. */
#include "schemas/wire/codes.h"

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

static const char *const command_texts[UINT8_MAX + 1] = {
#define COMMAND(NAME, code, text, endpoint, direction, meaning) [code] = text,
#include "schemas/wire/commands.def"
#undef COMMAND
};

static const struct {
    const char *text;
    bool final, counted;
} outcomes[OUTCOME_LIMIT] = {
#define OUTCOME(NAME, code, text, final, counted, meaning) [code] = {text, final, counted},
#include "schemas/wire/outcomes.def"
#undef OUTCOME
};

static const char *const refusal_texts[REFUSAL_LIMIT] = {
#define REFUSAL(NAME, code, text, meaning) [code] = text,
#include "schemas/wire/refusals.def"
#undef REFUSAL
};

const char *
command_text(unsigned code)
{
    return code < ARRAY_LEN(command_texts) ? command_texts[code] : NULL;
}

const char *
outcome_text(unsigned code)
{
    return code < OUTCOME_LIMIT ? outcomes[code].text : NULL;
}

const char *
refusal_text(unsigned code)
{
    return code < REFUSAL_LIMIT ? refusal_texts[code] : NULL;
}

bool
outcome_is_final(unsigned code)
{
    return code < OUTCOME_LIMIT && outcomes[code].final;
}

bool
outcome_is_counted(unsigned code)
{
    return code < OUTCOME_LIMIT && outcomes[code].counted;
}
