/* One function a method. Numbers are exact decimals all the way. */
#include "questionnaire/score.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/blood_pressure.h"
#include "questionnaire/composite.h"
#include "questionnaire/glucose.h"
#include "questionnaire/readings_inner.h"
#include "questionnaire/ucum.h"
#include "schemas/wire/mp.h"

void
scores_deinit(struct scores *s)
{
    free(s->of);
    *s = (struct scores){0};
}

size_t
questionnaire_scores(const struct questionnaire *q)
{
    return q->n_scores;
}

const char *
questionnaire_score_link_id(const struct questionnaire *q, size_t i)
{
    return q->items[q->scores[i].item].link_id;
}

/* The number of an item that was answered once and has one. */
static const struct decimal *
number_of(const struct readings *r, uint32_t item)
{
    const struct reading *x = readings_one(r, item);

    return x != NULL && x->has_number ? &x->number : NULL;
}

static bool
enough(const struct score *score, const struct readings *r)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < score->n_of; i++)
        n += number_of(r, score->of[i]) != NULL;
    return n >= score->min_answered;
}

static void
number_set(struct score_value *v, struct decimal number)
{
    v->kind = SCORE_NUMBER;
    v->number = number;
}

static void
sum_compute(const struct score *score, const struct readings *r, struct score_value *v)
{
    struct decimal sum = {0, 0};

    if (!enough(score, r))
        return;
    for (uint32_t i = 0; i < score->n_of; i++) {
        const struct decimal *number = number_of(r, score->of[i]);
        if (number != NULL && !decimal_add(sum, *number, &sum))
            return; /* no 18 digits hold it: not a score */
    }
    number_set(v, sum);
}

/* The row of these very values; rows are sorted by them. */
static void
rows_compute(const struct score *score, const struct readings *r, struct score_value *v)
{
    uint32_t low = 0, high = score->n_rows;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = 0;
        for (uint32_t i = 0; i < score->n_of && order == 0; i++) {
            const struct decimal *number = number_of(r, score->of[i]);
            if (number == NULL)
                return;
            order = decimal_compare(*number, score->rows[middle].when[i]);
        }
        if (order == 0) {
            number_set(v, score->rows[middle].value);
            return;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
}

static void
composite_compute(const struct score *score, enum composite_kind kind, const struct readings *r,
                  struct score_value *v)
{
    int values[COMPOSITE_ATTRIBUTES_MAX];

    for (uint32_t i = 0; i < score->n_of; i++) {
        const struct decimal *number = number_of(r, score->of[i]);
        values[i] = COMPOSITE_UNANSWERED;
        for (int n = 0; number != NULL && n < COMPOSITE_ANSWERS; n++) {
            if (decimal_compare(*number, decimal_from_int(n)) == 0)
                values[i] = n;
        }
    }
    int grade = composite_grade(kind, values);
    if (grade != COMPOSITE_NONE)
        number_set(v, decimal_from_int(grade));
}

static bool
glucose_of(const struct questionnaire *q, const struct readings *r, uint32_t item,
           struct glucose *ret)
{
    const struct reading *x = readings_one(r, item);
    const struct unit *own = q->items[item].unit;

    if (x == NULL)
        return false;
    const char *unit = x->unit != NULL ? x->unit : own != NULL ? own->code : NULL;
    size_t len = x->unit != NULL ? x->unit_len : unit != NULL ? strlen(unit) : 0;
    if (unit == NULL)
        return false;
    ret->value = x->as_written;
    ret->mg_per_dl = len == 5 && memcmp(unit, "mg/dL", 5) == 0;
    return ret->mg_per_dl || (len == 6 && memcmp(unit, "mmol/L", 6) == 0);
}

static void
glucose_compute(const struct questionnaire *q, const struct score *score, const struct readings *r,
                const struct score_parameters *p, struct score_value *v)
{
    struct glucose g;
    int grade;

    if (!glucose_of(q, r, score->of[0], &g))
        return;
    if (score->table == SCORE_TABLE_GLUCOSE_LOW) {
        grade = glucose_low(g);
    } else {
        const struct decimal *fasting = number_of(r, score->of[1]);
        grade = glucose_high(g,
                             fasting == NULL             ? GLUCOSE_FASTING_UNKNOWN
                             : fasting->coefficient != 0 ? GLUCOSE_FASTING
                                                         : GLUCOSE_NOT_FASTING,
                             p != NULL && p->has_glucose_uln ? &p->glucose_uln : NULL);
    }
    if (grade != GLUCOSE_NONE)
        number_set(v, decimal_from_int(grade));
}

static void
lookup_compute(const struct questionnaire *q, const struct score *score, const struct readings *r,
               const struct score_parameters *p, struct score_value *v)
{
    const struct decimal *systolic, *diastolic;

    switch (score->table) {
    case SCORE_TABLE_NONE:
        rows_compute(score, r, v);
        break;
    case SCORE_TABLE_PRO_CTCAE_FSI:
        composite_compute(score, COMPOSITE_FREQUENCY_SEVERITY_INTERFERENCE, r, v);
        break;
    case SCORE_TABLE_PRO_CTCAE_FS:
        composite_compute(score, COMPOSITE_FREQUENCY_SEVERITY, r, v);
        break;
    case SCORE_TABLE_PRO_CTCAE_FI:
        composite_compute(score, COMPOSITE_FREQUENCY_INTERFERENCE, r, v);
        break;
    case SCORE_TABLE_PRO_CTCAE_SI:
        composite_compute(score, COMPOSITE_SEVERITY_INTERFERENCE, r, v);
        break;
    case SCORE_TABLE_PRO_CTCAE_F:
        composite_compute(score, COMPOSITE_FREQUENCY, r, v);
        break;
    case SCORE_TABLE_PRO_CTCAE_S:
        composite_compute(score, COMPOSITE_SEVERITY, r, v);
        break;
    case SCORE_TABLE_PRO_CTCAE_I:
        composite_compute(score, COMPOSITE_INTERFERENCE, r, v);
        break;
    case SCORE_TABLE_BLOOD_PRESSURE:
        systolic = number_of(r, score->of[0]);
        diastolic = number_of(r, score->of[1]);
        if (systolic != NULL && diastolic != NULL)
            number_set(v, decimal_from_int(blood_pressure_grade(*systolic, *diastolic)));
        break;
    case SCORE_TABLE_GLUCOSE_HIGH:
    case SCORE_TABLE_GLUCOSE_LOW:
        glucose_compute(q, score, r, p, v);
        break;
    case SCORE_TABLE_COUNT:
        break;
    }
}

/* The answers' digits side by side, e.g. 11231. */
static void
profile_compute(const struct score *score, const struct readings *r, struct score_value *v)
{
    size_t n = 0;

    for (uint32_t i = 0; i < score->n_of; i++) {
        const struct decimal *number = number_of(r, score->of[i]);
        char digits[DECIMAL_TEXT_SIZE];
        if (number == NULL || number->coefficient < 0 || number->exponent != 0)
            return;
        size_t len = decimal_format(*number, digits);
        if (len > SCORE_PROFILE_MAX - n)
            return;
        memcpy(v->text + n, digits, len);
        n += len;
    }
    v->text[n] = '\0';
    v->kind = SCORE_TEXT;
}

static void
band_find(const struct score *score, struct score_value *v)
{
    for (uint32_t i = 0; v->kind == SCORE_NUMBER && i < score->n_bands; i++) {
        const struct score_band *band = &score->bands[i];
        if ((!band->has_low || decimal_compare(v->number, band->low) >= 0) &&
            (!band->has_high || decimal_compare(v->number, band->high) <= 0)) {
            v->band = band->code;
            return;
        }
    }
}

static bool
sent_differs(const struct score_value *v, const struct reading *sent)
{
    if (sent == NULL)
        return false;
    if (v->kind == SCORE_NUMBER)
        return !sent->has_number || decimal_compare(v->number, sent->number) != 0;
    if (v->kind == SCORE_TEXT)
        return sent->text == NULL || strlen(v->text) != sent->text_len ||
               memcmp(v->text, sent->text, sent->text_len) != 0;
    return true;
}

void
score_compute(const struct questionnaire *q, const struct readings *readings, bool complete,
              const struct score_parameters *parameters, struct scores *ret)
{
    if (q->n_scores > ret->room) {
        ret->room = q->n_scores;
        ret->of = mem_grow(ret->of, ret->room, sizeof(*ret->of));
    }
    ret->n = q->n_scores;
    for (uint32_t i = 0; i < ret->n; i++) {
        const struct score *score = &q->scores[i];
        struct score_value *v = &ret->of[i];
        v->kind = SCORE_NULL;
        v->band = NULL;
        v->differs = false;
        if (!complete)
            continue;
        switch (score->method) {
        case SCORE_SUM:
            sum_compute(score, readings, v);
            break;
        case SCORE_LOOKUP:
            lookup_compute(q, score, readings, parameters, v);
            break;
        case SCORE_PROFILE:
            profile_compute(score, readings, v);
            break;
        case SCORE_METHOD_COUNT:
            break;
        }
        band_find(score, v);
        v->differs = sent_differs(v, readings_of(readings, score->item));
    }
}

bool
scores_differ(const struct scores *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->of[i].differs)
            return true;
    }
    return false;
}

static int
number_write(struct decimal d, struct buf *out)
{
    char text[DECIMAL_TEXT_SIZE];

    if (d.exponent == 0)
        return mp_put_int(out, d.coefficient);
    return mp_put_ext(out, MP_DECIMAL, text, decimal_format(d, text));
}

int
scores_write(const struct questionnaire *q, const struct scores *s, struct buf *out)
{
    int full = mp_put_map(out, s->n);

    for (uint32_t i = 0; i < s->n && full == BUF_OK; i++) {
        const struct score_value *v = &s->of[i];
        const struct item *item = &q->items[q->scores[i].item];
        full = full || mp_put_str(out, item->link_id, item->link_id_len) ||
               mp_put_map(out, v->band != NULL ? 2 : 1) || mp_put_cstr(out, "value");
        if (full == BUF_OK)
            full = v->kind == SCORE_NUMBER ? number_write(v->number, out)
                   : v->kind == SCORE_TEXT ? mp_put_cstr(out, v->text)
                                           : mp_put_nil(out);
        if (full == BUF_OK && v->band != NULL)
            full = mp_put_cstr(out, "band") || mp_put_cstr(out, v->band);
    }
    return full == BUF_OK ? BUF_OK : BUF_FULL;
}
