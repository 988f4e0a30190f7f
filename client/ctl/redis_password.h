/* The password of ctl/redis. */
#ifndef SLUICE_CTL_REDIS_PASSWORD_H
#define SLUICE_CTL_REDIS_PASSWORD_H

#include "base/secret.h"
#include "client/ctl/ctl.h"

/* Reads ctl/redis_password_file; EXIT_DONE with an empty secret if none is named, else after a
 * complaint. */
int redis_password_read(const struct ctl *ctl, struct secret *ret_password);

#endif
