/* The bearer token that submit shows to the edge. */
#ifndef SLUICE_CTL_TOKEN_H
#define SLUICE_CTL_TOKEN_H

#include <stddef.h>

/* The first token in the text of a token file ("TOKEN STUDY[,STUDY…]" a line, # comments), of study
 * only unless that is NULL; malloc'd, NULL if there is none. */
char *token_pick(const char *text, size_t len, const char *study);

#endif
