/* One chain for each run: number 1, batch 1, and its anchor only in a book that is kept. */
#include "client/ctl/witness.h"

#include <pwd.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

int
witness_open(const struct ctl *ctl, struct audit_chain *ret_chain)
{
    struct audit_keys keys;
    char *why = NULL;

    if (audit_keys_load(config_str(ctl->config, "ctl", "audit_key_file"), &keys, &why) != 0) {
        ctl_complain("%s", why);
        free(why);
        return EXIT_CONFIG;
    }
    audit_chain_init(ret_chain, &keys.list[0]);
    sodium_memzero(&keys, sizeof(keys));
    return EXIT_DONE;
}

struct slice
witness_actor(void)
{
    const char *name = getenv("SUDO_USER");

    if (name == NULL || *name == '\0') {
        const struct passwd *entry = getpwuid(getuid());
        name = entry != NULL ? entry->pw_name : "unknown";
    }
    return (struct slice){name, strlen(name)};
}
