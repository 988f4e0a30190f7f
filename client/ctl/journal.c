/* journal verify, journal acknowledge-loss: done by sluice-broker, which alone knows the format and
 * stands beside us. Its words and its exit code are ours. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "client/ctl/verbs.h"

static const char *
journal_dir(const struct ctl *ctl)
{
    return ctl->n_args > 0 ? ctl->args[0] : config_str(ctl->config, "ctl", "journal_dir");
}

/* Becomes the broker's program; returns only if that fails. */
static int
broker_become(const char *option, const char *dir, bool json)
{
    char path[PATH_MAX];
    const char name[] = "sluice-broker";
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(name));

    if (n <= 0) {
        ctl_complain("/proc/self/exe: %s", strerror(errno));
        return EXIT_UNAVAILABLE;
    }
    path[n] = '\0';
    memcpy(strrchr(path, '/') + 1, name, sizeof(name));
    setenv("SLUICE_CONFIG", "", 1); /* the folder is all it needs */
    fflush(stdout);
    execl(path, name, option, dir, json ? "--json" : NULL, (char *)NULL);
    ctl_complain("%s: %s", path, strerror(errno));
    return EXIT_UNAVAILABLE;
}

int
journal_verify_verb(struct ctl *ctl)
{
    return broker_become("--verify-journal", journal_dir(ctl), ctl->json);
}

int
journal_acknowledge_verb(struct ctl *ctl)
{
    int code;

    if (ctl_confirm(ctl, &code, "acknowledge the losses of journal %s", journal_dir(ctl)) ==
        CONFIRM_NO)
        return code;
    return broker_become("--acknowledge-loss", journal_dir(ctl), false);
}
