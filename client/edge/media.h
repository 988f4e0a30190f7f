/* The media types of bodies that are taken. */
#ifndef SLUICE_EDGE_MEDIA_H
#define SLUICE_EDGE_MEDIA_H

#include <stddef.h>

#define MEDIA_JSON "application/json"
#define MEDIA_FHIR "application/fhir+json"

enum media { MEDIA_TYPE_OTHER, MEDIA_TYPE_JSON, MEDIA_TYPE_FHIR };

/* Of a Content-Type: charset=utf-8 at most behind it, for FHIR also fhirVersion=4.0. */
enum media media_type_of(const char *value, size_t len);

#endif
