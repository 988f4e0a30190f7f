/* sluice-broker: configuration in, exit code out. The journal's offline commands live here too,
 * so that nobody else needs to know its format. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/lifecycle.h"
#include "base/log.h"
#include "base/schedule.h"
#include "broker/journal/journal.h"
#include "broker/reactor/reactor.h"
#include "schemas/config.h"

static const struct program program = {
    .name = "sluice-broker",
    .section = "broker",
    .summary = "Takes messages in durably and hands them to workers.",
    .usage_extra =
        "Offline:\n"
        "  sluice-broker --verify-journal DIR [--json]   read a journal, report every fault\n"
        "                                                (0 intact, 1 faults)\n"
        "  sluice-broker --acknowledge-loss DIR          accept what a damaged journal lost\n"
        "  sluice-broker --journal-notes DIR             the notes of workers' reports, JSON Lines",
    .keys = sluice_config_keys,
};

static int
journal_verify_main(const char *dir, bool json)
{
    int r = journal_verify(dir, json, stdout);

    if (r < 0) {
        fprintf(stderr, "sluice-broker: %s: %s\n", dir, strerror(-r));
        return EXIT_UNAVAILABLE;
    }
    return r == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int
journal_acknowledge_main(const char *dir)
{
    const char *who = getenv("SUDO_USER");

    if (who == NULL)
        who = getenv("USER");
    int r = journal_acknowledge_loss(dir, who != NULL ? who : "unknown");
    if (r == 0)
        return EXIT_DONE;
    fprintf(stderr, "sluice-broker: %s: %s\n", dir,
            r < 0 ? strerror(-r) : "in use, or no journal of ours");
    return EXIT_UNAVAILABLE;
}

static int
journal_notes_main(const char *dir)
{
    int r = journal_notes(dir, stdout);

    if (r == 0)
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_DISK;
    fprintf(stderr, "sluice-broker: %s: %s\n", dir,
            r < 0 ? strerror(-r) : "not a journal of this format");
    return EXIT_UNAVAILABLE;
}

/* The offline commands stand alone on the command line; -1: there is none. */
static int
offline_main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "--verify-journal") == 0) {
        bool json = argc == 4 && strcmp(argv[3], "--json") == 0;
        return argc == 3 || json ? journal_verify_main(argv[2], json) : EXIT_USAGE;
    }
    if (argc == 3 && strcmp(argv[1], "--acknowledge-loss") == 0)
        return journal_acknowledge_main(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--journal-notes") == 0)
        return journal_notes_main(argv[2]);
    return -1;
}

static void
options_read(const struct config *c, struct broker_options *o)
{
    *o = (struct broker_options){
        .client_address = config_str(c, "broker", "client_endpoint"),
        .worker_address = config_str(c, "broker", "worker_endpoint"),
        .admin_address = config_str(c, "broker", "admin_endpoint"),
        .journal_dir = config_str(c, "broker", "journal_dir"),
        .segment_bytes = (uint32_t)config_int(c, "broker", "segment_bytes"),
        .journal_max_bytes = (uint64_t)config_int(c, "broker", "journal_max_bytes"),
        .journal_keep_bytes = (uint64_t)config_int(c, "broker", "journal_keep_bytes"),
        .journal_keep_us = config_us(c, "broker", "journal_keep_time"),
        .max_messages = (uint32_t)config_int(c, "broker", "max_messages"),
        .max_record_bytes = (uint32_t)config_int(c, "broker", "max_record_bytes"),
        .lease_us = config_us(c, "broker", "lease_time"),
        .heartbeat_us = config_us(c, "broker", "heartbeat_interval"),
        .max_kills = (uint32_t)config_int(c, "broker", "max_kills"),
    };
}

int
main(int argc, char **argv)
{
    struct program p = program;
    struct broker_options options;

    int code = offline_main(argc, argv);
    if (code >= 0)
        return code;
    p.n_keys = sluice_config_keys_count;
    struct config *config = program_start(&p, argc, argv, NULL, NULL);
    schedule_gathering();
    int r = lifecycle_init();
    if (r < 0) {
        log_event(EVENT_FATAL, LOG_S("why", strerror(-r)));
        config_free(config);
        return EXIT_UNAVAILABLE;
    }
    options_read(config, &options);
    code = reactor_run(&options);
    config_free(config);
    return code;
}
