/* Where a message's bytes lie in the journal. */
#ifndef SLUICE_BROKER_CORE_PLACE_H
#define SLUICE_BROKER_CORE_PLACE_H

#include <stdint.h>

struct place {
    uint32_t segment; /* segment number; 0: nowhere (volatile messages) */
    uint32_t offset;
    uint32_t length;
};

#endif
