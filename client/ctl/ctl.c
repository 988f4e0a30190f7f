/* What all verbs share: complaints, option values, asking before a change, reading a file. */
#include "client/ctl/ctl.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/config_value.h"
#include "base/error.h"

void
ctl_complain(const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    fputs("sluicectl: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static bool
option_number(const struct ctl *ctl, enum option option, enum config_type type, int64_t most,
              int64_t fallback, int64_t *ret)
{
    static const char *const names[] = {
#define OPTION(NAME, text, value, doc) text,
#include "client/ctl/options.def"
#undef OPTION
    };
    const struct config_key key = {.section = "", .name = names[option], .type = type, .max = most};
    struct config_value value = {0};
    char rule[CONFIG_RULE_SIZE];

    if (ctl->options[option] == NULL) {
        *ret = fallback;
        return true;
    }
    if (config_value_parse(&key, ctl->options[option], "/", &value, rule) != CONFIG_OK) {
        ctl_complain("--%s %s", names[option], rule);
        return false;
    }
    free(value.text);
    *ret = value.number;
    return true;
}

bool
ctl_duration(const struct ctl *ctl, enum option option, int64_t fallback_us, int64_t *ret_us)
{
    return option_number(ctl, option, CONFIG_DURATION, INT64_C(86400000000), fallback_us, ret_us);
}

bool
ctl_count(const struct ctl *ctl, enum option option, uint64_t fallback, uint64_t most,
          uint64_t *ret)
{
    int64_t n;

    if (!option_number(ctl, option, CONFIG_INTEGER, (int64_t)most, (int64_t)fallback, &n))
        return false;
    *ret = (uint64_t)n;
    return true;
}

static void
sentence_print(const struct ctl *ctl, const char *member, const char *before, const char *sentence)
{
    if (!ctl->json) {
        printf("%s%s\n", before, sentence);
        return;
    }
    json_t *object = json_pack("{s:s}", member, sentence);
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

enum confirm
ctl_confirm(const struct ctl *ctl, int *ret_exit, const char *fmt, ...)
{
    char sentence[1024], answer[16];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    if (ctl->options[OPTION_DRY_RUN] != NULL) {
        sentence_print(ctl, "would", "would ", sentence);
        *ret_exit = EXIT_DONE;
        return CONFIRM_NO;
    }
    if (ctl->options[OPTION_YES] != NULL)
        return CONFIRM_GO;
    if (!isatty(STDIN_FILENO)) {
        ctl_complain("would %s: say --yes (stdin is no terminal) or --dry-run", sentence);
        *ret_exit = EXIT_USAGE;
        return CONFIRM_NO;
    }
    fprintf(stderr, "%s? [y/N] ", sentence);
    if (fgets(answer, sizeof(answer), stdin) != NULL && (*answer == 'y' || *answer == 'Y'))
        return CONFIRM_GO;
    ctl_complain("nothing done");
    *ret_exit = EXIT_FAILED;
    return CONFIRM_NO;
}

void
ctl_done(const struct ctl *ctl, const char *fmt, ...)
{
    char sentence[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, ap);
    va_end(ap);
    sentence_print(ctl, "done", "", sentence);
}

char *
ctl_file_read(const char *path, size_t max, size_t *ret_len)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    struct buf all;
    uint8_t *at;

    if (in == NULL) {
        ctl_complain("%s: %s", path, strerror(errno));
        return NULL;
    }
    buf_init(&all, max + 1);
    for (;;) {
        size_t room = all.ceiling - all.size < 65536 ? all.ceiling - all.size : 65536;
        if (room == 0 || buf_reserve(&all, room, &at) != BUF_OK)
            break;
        size_t n = fread(at, 1, room, in);
        buf_commit(&all, n);
        if (n == 0)
            break;
    }
    bool failed = ferror(in) != 0, too_long = all.size > max;
    int error = errno;
    if (in != stdin)
        fclose(in);
    if (failed || too_long) {
        if (failed)
            ctl_complain("%s: %s", path, strerror(error));
        else
            ctl_complain("%s: longer than %zu bytes", path, max);
        buf_deinit(&all);
        return NULL;
    }
    char *text = mem_new(all.size + 1, 1);
    if (all.size > 0)
        memcpy(text, all.data, all.size);
    *ret_len = all.size;
    buf_deinit(&all);
    return text;
}
