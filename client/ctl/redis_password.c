/* A file of one line, as worker/redis_password_file. */
#include "client/ctl/redis_password.h"

#include <string.h>

#include "base/error.h"

#define PASSWORD_MAX 1024

int
redis_password_read(const struct ctl *ctl, struct secret *ret_password)
{
    const char *path = config_str(ctl->config, "ctl", "redis_password_file");

    if (*path == '\0')
        return EXIT_DONE;
    int r = secret_read(path, PASSWORD_MAX, ret_password);
    if (r != SECRET_OK) {
        ctl_complain("%s: %s", path, r < 0 ? strerror(-r) : secret_outcome_text(r));
        return EXIT_CONFIG;
    }
    ret_password->data[strcspn((char *)ret_password->data, "\r\n")] = '\0';
    return EXIT_DONE;
}
