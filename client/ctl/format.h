/* Numbers as people read them. */
#ifndef SLUICE_CTL_FORMAT_H
#define SLUICE_CTL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define FORMAT_SIZE 40

void format_age(int64_t us, char ret[FORMAT_SIZE]); /* "850 ms", "12 s", "3 min 5 s", "2 d 4 h" */
void format_bytes(uint64_t bytes, char ret[FORMAT_SIZE]); /* "512 B", "1.5 KiB", "64 MiB" */
void format_count(uint64_t n, char ret[FORMAT_SIZE]);     /* "1,414" */
/* Columns a text takes on a terminal (UTF-8; C.UTF-8 must be the locale). */
size_t format_width(const char *text);
/* Lines of somebody else's message become one: line ends and tabs become blanks. In place. */
void format_fold(char *text);
/* Text from elsewhere: control characters and broken UTF-8 become '?', so that a name can't steer
 * the terminal. In place. */
void format_tame(char *text);

#endif
