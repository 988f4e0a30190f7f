/* Shapes: an address with @; eight or more digits with the separators that phone numbers have; long
 * runs of digits; a day of the last century; a word after a title. */
#include "store/pii.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

#define SCAN_TIMEOUT_US ((int64_t)3600 * 1000000)
#define PHONE_DIGITS_MIN 8
#define PHONE_DIGITS_MAX 15
#define NUMBER_DIGITS_MIN 9
#define YEAR_FIRST 1900
#define YEAR_LAST 2010

static const char *const kinds[PII_COUNT] = {
#define PII(NAME, text) [PII_##NAME] = text,
    PII_KINDS(PII)
#undef PII
};

const char *
pii_kind_text(enum pii_kind kind)
{
    return kinds[kind];
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

/* x@y.zz */
static bool
email_find(const char *text, size_t len)
{
    for (size_t i = 1; i + 3 < len; i++) {
        if (text[i] != '@' || !is_word(text[i - 1]) || !is_word(text[i + 1]))
            continue;
        for (size_t k = i + 2;
             k + 1 < len && (is_word(text[k]) || text[k] == '-' || text[k] == '.'); k++) {
            if (text[k] == '.' && is_word(text[k + 1]))
                return true;
        }
    }
    return false;
}

/* 2026-11-22 or 22.11.2026 alone: eight digits, but a day. */
static bool
is_day(const char *text, size_t len)
{
    size_t groups[3] = {0}, n = 0;

    for (size_t i = 0; i < len && n < 3; i++) {
        if (is_digit(text[i]))
            groups[n]++;
        else if (i + 1 < len && is_digit(text[i + 1]) && strchr("-./", text[i]) != NULL)
            n++;
    }
    return n == 2 && groups[1] == 2 && groups[0] + groups[2] == 6 &&
           (groups[0] == 4 || groups[2] == 4);
}

/* Digits with separators of phone numbers between them, not part of a word. A date, a decimal or a
 * time has fewer digits or other separators. */
static unsigned
digits_find(const char *text, size_t len)
{
    unsigned found = 0;

    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]) || (i > 0 && is_word(text[i - 1])))
            continue;
        size_t end = i, digits = 0, run = 0, longest = 0;
        while (end < len && (is_digit(text[end]) || strchr(" -/().", text[end]) != NULL)) {
            run = is_digit(text[end]) ? run + 1 : 0;
            longest = run > longest ? run : longest;
            digits += is_digit(text[end]);
            end++;
        }
        if (digits >= PHONE_DIGITS_MIN && digits <= PHONE_DIGITS_MAX && !is_day(text + i, end - i))
            found |= 1u << PII_PHONE;
        if (longest >= NUMBER_DIGITS_MIN || digits > PHONE_DIGITS_MAX)
            found |= 1u << PII_NUMBER;
        i = end;
    }
    return found;
}

/* 1957-03-02, 02.03.1957, 3/2/1957 */
static bool
date_find(const char *text, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i++) {
        int year = 0;
        bool four = true;
        for (size_t k = 0; k < 4; k++) {
            four = four && is_digit(text[i + k]);
            year = year * 10 + (text[i + k] - '0');
        }
        if (!four || (i + 4 < len && is_digit(text[i + 4])) || year < YEAR_FIRST ||
            year > YEAR_LAST)
            continue;
        bool before = i >= 2 && strchr("./-", text[i - 1]) != NULL && is_digit(text[i - 2]);
        bool after = i + 5 < len && strchr("./-", text[i + 4]) != NULL && is_digit(text[i + 5]);
        if (before || after)
            return true;
    }
    return false;
}

/* Dr. Meyer, Mrs Wong, Frau Özil: a title, then a word with a capital (or beyond ASCII). */
static bool
title_find(const char *text, size_t len)
{
    static const char *const titles[] = {"Dr",   "Mr",  "Mrs", "Ms",  "Prof", "Herr",
                                         "Frau", "Mme", "Sr",  "Sra", "Nurse"};

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && is_word(text[i - 1]))
            continue;
        for (size_t t = 0; t < ARRAY_LEN(titles); t++) {
            size_t n = strlen(titles[t]), at = i + n;
            if (len - i <= n || memcmp(text + i, titles[t], n) != 0)
                continue;
            at += text[at] == '.';
            if (at < len && text[at] == ' ' && at + 1 < len &&
                ((text[at + 1] >= 'A' && text[at + 1] <= 'Z') || (text[at + 1] & 0x80) != 0))
                return true;
        }
    }
    return false;
}

unsigned
pii_judge(struct slice text)
{
    unsigned found = digits_find(text.at, text.len);

    if (email_find(text.at, text.len))
        found |= 1u << PII_EMAIL;
    if (date_find(text.at, text.len))
        found |= 1u << PII_DATE;
    if (title_find(text.at, text.len))
        found |= 1u << PII_TITLE;
    return found;
}

/* Free text: strings that are no option's code, texts of open choices, displays that were typed;
 * dates and times are no text. Stopped and unfinished forms too. */
static const struct store_statement scan = {
    "pii_scan",
    "SELECT s.study, s.site_id, s.subject_id, s.submission_id::text, s.questionnaire, f.link_id,"
    " f.group_index, f.answer_index, 'answers'::text, t.text FROM sluice.submissions s"
    " CROSS JOIN LATERAL sluice.answers_flat(s.questionnaire, s.version, s.answers) f"
    " LEFT JOIN sluice.questionnaire_items i ON i.questionnaire = s.questionnaire"
    " AND i.version = s.version AND i.link_id = f.link_id"
    " CROSS JOIN LATERAL (SELECT CASE WHEN jsonb_typeof(f.value) = 'string' THEN f.value #>> '{}'"
    " WHEN jsonb_typeof(f.value) = 'object' THEN coalesce(f.value ->> 'text',"
    " f.value ->> 'display', f.value ->> 'reference') END) t(text)"
    " WHERE t.text IS NOT NULL AND i.type IS DISTINCT FROM 'date' AND i.type IS DISTINCT FROM"
    " 'dateTime' AND i.type IS DISTINCT FROM 'time'"
    " AND NOT EXISTS (SELECT FROM sluice.questionnaire_options o WHERE o.questionnaire ="
    " s.questionnaire AND o.version = s.version AND o.link_id = f.link_id AND o.code = t.text)"
    " AND ($1::text IS NULL OR s.study = $1::text) AND ($2::text IS NULL OR s.site_id = $2::text)"
    " UNION ALL SELECT s.study, s.site_id, s.subject_id, s.submission_id::text, s.questionnaire,"
    " '', '', 0, c.name, c.text FROM sluice.submissions s CROSS JOIN LATERAL (VALUES"
    " ('reason', s.reason), ('source', s.source), ('originator', s.originator ->> 'reason'),"
    " ('visit', s.visit), ('occasion', s.occasion)) c(name, text) WHERE c.text IS NOT NULL"
    " AND ($1::text IS NULL OR s.study = $1::text) AND ($2::text IS NULL OR s.site_id = $2::text)"};

struct scanning {
    int (*each)(void *arg, const struct pii_place *place);
    void *arg;
};

static int
row_take(void *arg, const PGresult *r)
{
    const struct scanning *scanning = arg;
    unsigned found = pii_judge((struct slice){PQgetvalue(r, 0, 9), (size_t)PQgetlength(r, 0, 9)});

    if (found == 0)
        return 0;
    return scanning->each(scanning->arg, &(struct pii_place){
                                             .study = PQgetvalue(r, 0, 0),
                                             .site = PQgetvalue(r, 0, 1),
                                             .subject = PQgetvalue(r, 0, 2),
                                             .submission = PQgetvalue(r, 0, 3),
                                             .questionnaire = PQgetvalue(r, 0, 4),
                                             .link_id = PQgetvalue(r, 0, 5),
                                             .group_index = PQgetvalue(r, 0, 6),
                                             .answer_index = store_get_int(r, 0, 7),
                                             .column = PQgetvalue(r, 0, 8),
                                             .kinds = found,
                                         });
}

int
pii_scan(struct store *s, const char *study, const char *site,
         int (*each)(void *arg, const struct pii_place *place), void *arg)
{
    struct scanning scanning = {each, arg};
    struct store_params p = {0};
    const char *const names[] = {study, site};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] != NULL)
            store_param_text(&p, names[i], strlen(names[i]));
        else
            store_param_null(&p);
    }
    return store_run_long(s, &scan, &p, SCAN_TIMEOUT_US, row_take, &scanning);
}
