/* What becomes of a message: outcomes, deaths, dead letters. Here the ledger moves and the effects
 * that end a message are made. */
#ifndef SLUICE_BROKER_CORE_FINISH_H
#define SLUICE_BROKER_CORE_FINISH_H

#include "broker/core/message.h"

/* The worker died with this (leased) message: expires if volatile, else comes again alone; if it
 * was alone that is a kill, and max_kills park it. */
void finish_death(struct core *c, uint32_t message, bool alone);
/* A volatile message whose time is over. */
void finish_expire(struct core *c, uint32_t message);
/* Out of the indexes and the array; no effects. */
void finish_free(struct core *c, uint32_t message);

#endif
