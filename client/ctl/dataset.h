/* Rows of an export as CSV (RFC 4180), JSON Lines, or CDISC Dataset-JSON 1.1. */
#ifndef SLUICE_CTL_DATASET_H
#define SLUICE_CTL_DATASET_H

#include <stdint.h>
#include <stdio.h>

#include "client/ctl/codes.h"
#include "store/export.h"

enum dataset_form { DATASET_CSV, DATASET_NDJSON, DATASET_JSON };

struct dataset {
    FILE *out;
    enum dataset_form form;
    const struct export_set *set;
    struct codes *codes; /* NULL: subjects under the codes they have here */
    uint64_t rows;
};

/* "csv", "ndjson", "dataset-json"; false for any other word. */
bool dataset_form_find(const char *word, enum dataset_form *ret_form);
const char *dataset_suffix(enum dataset_form form); /* ".csv" */

/* study: for the head of Dataset-JSON; now_us: when it is made. */
void dataset_begin(struct dataset *s, const char *study, int64_t now_us);
/* For store_export: arg is the dataset. Nonzero: out can't be written to. */
int dataset_row(void *arg, const PGresult *row);
/* 0, or the errno of what could not be written. */
int dataset_end(struct dataset *s);

#endif
