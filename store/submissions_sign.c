#include "store/submissions_sign.h"

#include <string.h>

struct slice
submission_zone(const struct submission_row *r)
{
    return (struct slice){*r->authored_zone != '\0' ? r->authored_zone : NULL,
                          strlen(r->authored_zone)};
}

static void
extra_fill(struct audit_data *data, const struct submission_extra *x)
{
    data->started_us = x != NULL ? x->started_us : TIME_NONE;
    data->sent_us = x != NULL ? x->sent_us : TIME_NONE;
    data->skew = x != NULL ? audit_data_skew(x->skew_us) : AUDIT_SKEW_NONE;
    if (x == NULL)
        return;
    data->time_zone = x->time_zone;
    data->visit = x->visit;
    data->occasion = x->occasion;
    data->language = x->language;
    data->flags = x->flags;
}

void
submission_row_sign(struct audit_chain *chain, struct submission_row *r, int64_t now_us,
                    struct audit_data *data, char detail[AUDIT_DETAIL_MAX])
{
    static const struct slice completed = {"completed", 9}, none = {NULL, 0};
    const struct submission_extra *x = r->extra;

    data->study = r->study;
    data->submission = r->id;
    data->epoch = r->epoch;
    data->seq = r->seq;
    data->revision = 1;
    data->subject = r->subject;
    data->questionnaire = r->questionnaire;
    data->version = r->version;
    data->status = x != NULL && x->status.at != NULL ? x->status : completed;
    data->authored_us = r->authored_us;
    data->received_us = r->received_us;
    data->accepted_us = r->accepted_us;
    data->authored_zone = submission_zone(r);
    data->site = r->site;
    extra_fill(data, x);
    audit_data_mac(&chain->key, data, r->data_mac);
    r->audit = (struct audit_row){
        .at_us = now_us,
        .actor = x != NULL && x->actor.at != NULL ? x->actor : (struct slice){AUDIT_ACTOR_NONE, 1},
        .role = x != NULL ? x->role : none,
        .organisation = x != NULL ? x->organisation : none,
        .action = {AUDIT_ACTION_STORED, sizeof(AUDIT_ACTION_STORED) - 1},
        .study = r->study,
        .subject = r->subject,
        .submission = r->id,
        .has_submission = true,
        .revision = 1,
        .detail = audit_submission_detail(detail, data->status, r->content_hash,
                                          sizeof(r->content_hash), r->data_mac),
    };
    audit_row_sign(chain, &r->audit);
}
