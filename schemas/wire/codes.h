/* The numbers of the protocol and their names, made from commands.def, outcomes.def and
 * refusals.def. No sockets in here: broker/core and whoever only talks about outcomes include this,
 * not message.h. */
#ifndef SLUICE_SCHEMAS_WIRE_CODES_H
#define SLUICE_SCHEMAS_WIRE_CODES_H

#include <stdbool.h>

enum command {
#define COMMAND(NAME, code, text, endpoint, direction, meaning) COMMAND_##NAME = code,
#include "schemas/wire/commands.def"
#undef COMMAND
};
enum outcome {
    OUTCOME_NONE = 0,
#define OUTCOME(NAME, code, text, final, counted, meaning) OUTCOME_##NAME = code,
#include "schemas/wire/outcomes.def"
#undef OUTCOME
    OUTCOME_LIMIT
};
enum refusal {
    REFUSAL_NONE = 0,
#define REFUSAL(NAME, code, text, meaning) REFUSAL_##NAME = code,
#include "schemas/wire/refusals.def"
#undef REFUSAL
    REFUSAL_LIMIT
};

const char *command_text(unsigned code); /* NULL: no such command */
const char *outcome_text(unsigned code);
const char *refusal_text(unsigned code);
bool outcome_is_final(unsigned code);
bool outcome_is_counted(unsigned code);

#endif
