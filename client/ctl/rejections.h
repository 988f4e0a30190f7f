/* Which rejections a command means, as list, show and revalidate share it. */
#ifndef SLUICE_CTL_REJECTIONS_H
#define SLUICE_CTL_REJECTIONS_H

#include "client/ctl/ctl.h"
#include "store/rejections.h"

/* From --study --kind --rule --since. False after a complaint. */
bool rejections_filter_read(const struct ctl *ctl, struct rejections_filter *ret);

struct rejection_name {
    struct uuid id, broker;
};
/* A submission's id or an origin as one word, into the filter, which then points into *ret_name.
 * False after a complaint. */
bool rejections_filter_name(const char *text, struct rejection_name *ret_name,
                            struct rejections_filter *filter);

#endif
