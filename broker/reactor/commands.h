/* Handlers of the protocol's commands, one function each, named by commands.def. A handler gets a
 * well-formed message (version, command, header checked) of a command that belongs to the endpoint.
 * from->peer is known for all but HELLO, READY and REQUEST. Broken messages are answered with ERROR
 * and ignored whole. */
#ifndef SLUICE_BROKER_REACTOR_COMMANDS_H
#define SLUICE_BROKER_REACTOR_COMMANDS_H

#include "broker/reactor/broker.h"

typedef void command_fn(struct broker *b, const struct sender *from, struct message *m);

#define COMMAND_HANDLER_up(NAME) command_fn handle_##NAME;
#define COMMAND_HANDLER_both(NAME) command_fn handle_##NAME;
#define COMMAND_HANDLER_down(NAME)
#define COMMAND(NAME, code, text, endpoint, direction, meaning) COMMAND_HANDLER_##direction(NAME)
#include "schemas/wire/commands.def"
#undef COMMAND

/* Header access for handlers. The message's header is a checked map. */
bool header_uint(const struct message *m, const char *key, uint64_t *ret);
/* *ret is absent without the key; false returned: it is no bool. */
bool header_bool(const struct message *m, const char *key, bool absent, bool *ret);
/* Copies a text of 1…size-1 bytes without control characters. */
bool header_text(const struct message *m, const char *key, char *ret_text, size_t size);
bool header_bin(const struct message *m, const char *key, const uint8_t **ret, size_t *ret_len);

#endif
