/* See outlet.h; texts of the configuration live as long as the process. */
#include "workers/notifications/outlet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "workers/notifications/mail.h"
#include "workers/notifications/webhook.h"

#define BODY_MAX ((size_t)16 << 10)
#define SECRET_MAX 4096
#define PATH_SIZE 4600

struct outlet {
    const char *secrets, *smtp_url, *smtp_from, *smtp_user, *smtp_password_file;
    struct secret smtp_password;
    struct buf body;
};

static bool
webhook_begin(struct outlet *o, struct transfers *transfers, void *owner, const struct recipient *r,
              const struct delivery_claimed *c, const char **ret_why)
{
    char path[PATH_SIZE], id[UUID_TEXT_SIZE], signatures[WEBHOOK_SIGNATURES_SIZE];
    char h_id[80], h_time[64], h_signature[WEBHOOK_SIGNATURES_SIZE + 32];
    const char *const headers[] = {"Content-Type: application/json", h_id, h_time, h_signature,
                                   "Expect:"};
    int64_t now_s = clock_wall_us() / US_PER_S;
    struct secret secret = {0};

    snprintf(path, sizeof(path), "%s/%s", o->secrets, r->secret_file);
    int n = secret_read(path, SECRET_MAX, &secret);
    if (n != SECRET_OK) {
        *ret_why = n > 0 ? "secret file can't be used" : "secret file can't be read";
        return false;
    }
    uuid_format(&c->id, id);
    *ret_why = "secret is not whsec_BASE64 of 24 to 64 bytes";
    bool good = webhook_body(c, &o->body) == BUF_OK &&
                webhook_sign((const char *)secret.data, id, now_s, &o->body, signatures);
    secret_free(&secret);
    if (!good)
        return false;
    snprintf(h_id, sizeof(h_id), "webhook-id: %s", id);
    snprintf(h_time, sizeof(h_time), "webhook-timestamp: %" PRId64, now_s);
    snprintf(h_signature, sizeof(h_signature), "webhook-signature: %s", signatures);
    *ret_why = "bad address";
    return transfers_post(transfers, owner, r->url, headers, ARRAY_LEN(headers), &o->body);
}

static bool
mail_begin(struct outlet *o, struct transfers *transfers, void *owner, const struct recipient *r,
           const struct delivery_claimed *c, const char **ret_why)
{
    struct transfers_smtp server = {.url = o->smtp_url,
                                    .from = o->smtp_from,
                                    .user = *o->smtp_user != '\0' ? o->smtp_user : NULL,
                                    .password = (const char *)o->smtp_password.data};

    *ret_why = "no smtp_url or smtp_from";
    if (*o->smtp_url == '\0' || *o->smtp_from == '\0')
        return false;
    *ret_why = "bad address";
    return mail_write(c, o->smtp_from, r->email, clock_wall_us(), &o->body) == BUF_OK &&
           transfers_mail(transfers, owner, &server, r->email, &o->body);
}

bool
outlet_begin(struct outlet *o, struct transfers *transfers, void *owner, const struct recipient *r,
             const struct delivery_claimed *c, const char **ret_why)
{
    return c->channel == CHANNEL_EMAIL ? mail_begin(o, transfers, owner, r, c, ret_why)
                                       : webhook_begin(o, transfers, owner, r, c, ret_why);
}

/* What of it would fail, as words; NULL: nothing. */
static const char *
recipient_fault(const struct outlet *o, const struct recipient *r)
{
    char path[PATH_SIZE];
    struct secret secret = {0};

    if (r->email != NULL && (*o->smtp_url == '\0' || *o->smtp_from == '\0'))
        return "it has an e-mail address, but smtp_url or smtp_from is not set";
    if (r->url == NULL)
        return NULL;
    snprintf(path, sizeof(path), "%s/%s", o->secrets, r->secret_file);
    int n = secret_read(path, SECRET_MAX, &secret);
    if (n != SECRET_OK)
        return n > 0 ? secret_outcome_text(n) : "its secret file can't be read";
    secret_free(&secret);
    return NULL;
}

void
outlet_judge(const struct outlet *o, const struct recipients *recipients)
{
    size_t n_studies;
    const struct study *studies = recipients_studies(recipients, &n_studies);

    for (size_t i = 0; i < n_studies; i++) {
        for (size_t k = 0; k < studies[i].n; k++) {
            const struct recipient *r = &studies[i].list[k];
            const char *why = recipient_fault(o, r);
            if (why != NULL)
                log_event(EVENT_RECIPIENT_BAD, LOG_S("study", r->study),
                          LOG_S("recipient", r->name), LOG_S("why", why));
        }
    }
}

static bool
password_read(struct outlet *o)
{
    const char *path = o->smtp_password_file;

    if (*path == '\0')
        return true;
    int n = secret_read(path, SECRET_MAX, &o->smtp_password);
    if (n != SECRET_OK) {
        log_event(EVENT_FATAL, LOG_S("why", n > 0 ? secret_outcome_text(n) : "smtp_password_file"),
                  LOG_S("path", path));
        return false;
    }
    char *end = strpbrk((char *)o->smtp_password.data, "\r\n");
    if (end != NULL)
        *end = '\0';
    return true;
}

static bool
settings_judge(const struct outlet *o)
{
    const char *why = NULL;

    if (*o->smtp_from != '\0' && !mail_address_is_good(o->smtp_from))
        why = "worker/smtp_from is no address";
    if (*o->smtp_url != '\0' && strncmp(o->smtp_url, "smtp://", 7) != 0 &&
        strncmp(o->smtp_url, "smtps://", 8) != 0)
        why = "worker/smtp_url must be smtp://… or smtps://…";
    if (why != NULL)
        log_event(EVENT_FATAL, LOG_S("why", why));
    return why == NULL;
}

struct outlet *
outlet_new(const struct config *config)
{
    struct outlet *o = mem_new(1, sizeof(*o));

    o->secrets = config_str(config, "worker", "notify_secrets");
    o->smtp_url = config_str(config, "worker", "smtp_url");
    o->smtp_from = config_str(config, "worker", "smtp_from");
    o->smtp_user = config_str(config, "worker", "smtp_user");
    o->smtp_password_file = config_str(config, "worker", "smtp_password_file");
    buf_init(&o->body, BODY_MAX);
    if (settings_judge(o) && password_read(o))
        return o;
    outlet_free(o);
    return NULL;
}

void
outlet_free(struct outlet *o)
{
    if (o == NULL)
        return;
    secret_free(&o->smtp_password);
    buf_deinit(&o->body);
    free(o);
}
