/* Grades of one blood glucose value. High: CTCAE v4, "Hyperglycemia", in mmol/L: 1 above the
 * laboratory's upper limit of normal (ULN) to 8.9 and 2 above 8.9 to 13.9, both of a fasting value
 * only; 3 above 13.9 to 27.8; 4 above 27.8. Low: level 1 below 3.9, level 2 below 3.0 mmol/L
 * (American Diabetes Association, Standards of Care). A value in mg/dL is divided by 18.016, the
 * tenth of glucose's molar mass, exactly: it is the limit that is multiplied. */
#ifndef SLUICE_QUESTIONNAIRE_GLUCOSE_H
#define SLUICE_QUESTIONNAIRE_GLUCOSE_H

#include <stdbool.h>

#include "questionnaire/decimal.h"

#define GLUCOSE_NONE (-1) /* can't be graded */

struct glucose {
    struct decimal value;
    bool mg_per_dl; /* else mmol/L */
};
enum glucose_fasting { GLUCOSE_FASTING_UNKNOWN, GLUCOSE_NOT_FASTING, GLUCOSE_FASTING };

/* Whether a value can stand as ULN in mmol/L: positive, of at most 10 digits. */
bool glucose_uln_valid(struct decimal uln);
/* uln: valid, in mmol/L; NULL if the site's is not known. A value that the missing ULN or the
 * unknown fasting would decide is GLUCOSE_NONE. */
int glucose_high(struct glucose g, enum glucose_fasting fasting, const struct decimal *uln);
int glucose_low(struct glucose g);

#endif
