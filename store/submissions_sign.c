#include "store/submissions_sign.h"

#include <string.h>

struct slice
submission_zone(const struct submission_row *r)
{
    return (struct slice){*r->authored_zone != '\0' ? r->authored_zone : NULL,
                          strlen(r->authored_zone)};
}

void
submission_row_sign(struct audit_chain *chain, struct submission_row *r, int64_t now_us,
                    struct audit_data *data)
{
    static const struct slice completed = {"completed", 9}, none = {NULL, 0};
    const struct submission_extra *x = r->extra;
    char detail[AUDIT_DETAIL_MAX];

    data->study = r->study;
    data->submission = r->id;
    data->revision = 1;
    data->subject = r->subject;
    data->questionnaire = r->questionnaire;
    data->version = r->version;
    data->status = x != NULL && x->status.at != NULL ? x->status : completed;
    data->authored_us = r->authored_us;
    data->authored_zone = submission_zone(r);
    data->visit = x != NULL ? x->visit : none;
    data->occasion = x != NULL ? x->occasion : none;
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
    r->audit.detail = none; /* it was on the stack */
}
