/* Opening a broker: journal and core first, then the sockets, so that nobody is heard before what
 * was promised is known again. Inner header of net. */
#ifndef SLUICE_BROKER_REACTOR_START_H
#define SLUICE_BROKER_REACTOR_START_H

#include "broker/reactor/broker.h"
#include "broker/reactor/reactor.h"

/* 0, or the exit code; the reason is logged. */
int broker_open(struct broker *b, const struct broker_options *options);
/* Writes and syncs what is gathered, unless the broker failed. */
void broker_close(struct broker *b);

#endif
