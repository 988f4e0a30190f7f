/* The grade of one blood pressure. CTCAE v5, "Hypertension", adults: 1 from 120 systolic or 80
 * diastolic, 2 from 140 or 90, 3 from 160 or 100 mmHg; the worse of the two counts. The grade is of
 * the measurement alone: treatment, symptoms and repetition, which CTCAE also asks, are for the
 * clinician; so is grade 4. */
#ifndef SLUICE_QUESTIONNAIRE_BLOOD_PRESSURE_H
#define SLUICE_QUESTIONNAIRE_BLOOD_PRESSURE_H

#include "questionnaire/decimal.h"

int blood_pressure_grade(struct decimal systolic_mmhg, struct decimal diastolic_mmhg);

#endif
