/* RFC 5322, lines end with CRLF. Codes of studies come from a study file that was checked at its
 * loading; here they are kept from breaking a header all the same. */
#include "workers/notifications/mail.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

#define SUBJECT_CODE_MAX 64

bool
mail_address_is_good(const char *address)
{
    const char *at = strchr(address, '@');

    if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
        strlen(address) > MAIL_ADDRESS_MAX)
        return false;
    for (const char *p = address; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || strchr("\"<>()[]\\,;:", *p) != NULL)
            return false;
    }
    return true;
}

static void
code_print(const char *code, char ret_text[SUBJECT_CODE_MAX + 1])
{
    size_t n = 0;

    for (; *code != '\0' && n < SUBJECT_CODE_MAX; code++)
        ret_text[n++] = *code > ' ' && *code <= '~' ? *code : '?';
    ret_text[n] = '\0';
}

static const char *
headline(const struct delivery_claimed *d)
{
    if (strcmp(d->kind, "canary") == 0)
        return "canary";
    if (strcmp(d->kind, "unevaluated") == 0)
        return "submission could not be evaluated";
    return d->step > 0 ? "alert nobody acknowledged" : "alert";
}

int
mail_write(const struct delivery_claimed *d, const char *from, const char *to, int64_t now_us,
           struct buf *message)
{
    char id[UUID_TEXT_SIZE], alert[UUID_TEXT_SIZE], raised[CLOCK_TEXT_SIZE], date[64];
    char study[SUBJECT_CODE_MAX + 1], severity[SUBJECT_CODE_MAX + 1];
    time_t now_s = (time_t)(now_us / US_PER_S);
    struct tm tm;

    uuid_format(&d->id, id);
    uuid_format(&d->alert, alert);
    clock_format(d->raised_us, raised);
    code_print(d->study, study);
    code_print(d->severity, severity);
    gmtime_r(&now_s, &tm);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm); /* locale is C */
    buf_clear(message);
    return buf_printf(message,
                      "Date: %s\r\nFrom: %s\r\nTo: %s\r\nMessage-ID: <%s@sluice>\r\n"
                      "Subject: [Sluice] %s: %s, study %s\r\n"
                      "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                      "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
                      "Alert     %s\r\nSeverity  %s\r\nStudy     %s\r\nRaised    %s\r\n"
                      "Step      %d\r\n\r\n"
                      "Please look it up and acknowledge it. This mail says nothing about the "
                      "person.\r\n",
                      date, from, to, id, headline(d), severity, study, alert, severity, study,
                      raised, d->step);
}
