/* The second number of statm, in pages. */
#include "broker/reactor/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

uint64_t
memory_resident_bytes(void)
{
    uint64_t total, resident;
    FILE *statm = fopen("/proc/self/statm", "re");

    if (statm == NULL)
        return 0;
    int n = fscanf(statm, "%" SCNu64 " %" SCNu64, &total, &resident);
    fclose(statm);
    return n == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
