/* The form of ZPL files: what is sound goes to zconfig, every fault gets its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config_file.h"
#include "base/error.h"

static char path[] = "/tmp/sluice-zpl-XXXXXX";

/* Reads text as a file; gives entries as "section/name=value@line;" and errors without the path. */
static void
read_text(const char *text, size_t size, char *ret_entries, char *ret_errors)
{
    struct config_file file;
    struct buf errors;

    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    fclose(f);
    buf_init(&errors, CONFIG_ERRORS_MAX);
    config_file_read(path, &file, &errors);
    *ret_entries = *ret_errors = '\0';
    for (size_t i = 0; i < file.n_entries; i++) {
        const struct config_entry *e = &file.entries[i];
        sprintf(ret_entries + strlen(ret_entries), "%s/%s=%s@%d;",
                e->section != NULL ? e->section : "", e->name, e->value, e->line);
    }
    assert_int_equal(buf_append(&errors, "", 1), BUF_OK);
    for (char *line = strtok((char *)errors.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_memory_equal(line, path, strlen(path));
        sprintf(ret_errors + strlen(ret_errors), "%s;", line + strlen(path));
    }
    config_file_deinit(&file);
    buf_deinit(&errors);
}

#define TAB ": tab: indent with 4 spaces and separate with spaces;"

static void
test_forms_table(void **state)
{
    static const struct {
        const char *text, *entries, *errors;
    } rows[] = {
        {"", "", ""},
        {"\n\n# only\n   # comments\n    \n", "", ""},
        {"a\n    b = 1\n", "/a=@1;a/b=1@2;", ""},
        {"a # c\n\n\n    b=1\nc\n    d = 'x \" # y' # z", "/a=@1;a/b=1@4;/c=@5;c/d=x \" # y@6;",
         ""},
        {"a\r\n    b = \"\"\r\n    c =\r\n    d = x y  # z\r\n", "/a=@1;a/b=@2;a/c=@3;a/d=x y@4;",
         ""},
        {"a\n\tb = 1\n", "/a=@1;", ":2" TAB},
        {"a\n    b =\t1\n    c = 1\n", "/a=@1;a/c=1@3;", ":2" TAB},
        {"a\n  b = 1\n", "/a=@1;",
         ":2: a section starts at the margin, its keys are indented by 4 spaces;"},
        {"a\n    b = 1\n        c = 1\n", "/a=@1;a/b=1@2;",
         ":3: a section starts at the margin, its keys are indented by 4 spaces;"},
        {"    b = 1\n", "", ":1: a key must stand under a section;"},
        {"b = 1\n", "", ":1: a key must stand under a section, indented by 4 spaces;"},
        {"a\n    b\n", "/a=@1;", ":2: expected '=' and a value after the name;"},
        {"a\n    b 1\n", "/a=@1;", ":2: expected '=' and a value after the name;"},
        {"a b\n", "", ":1: expected '=' and a value after the name;"},
        {"a\n    b = \"x\n", "/a=@1;", ":2: quotation mark is not closed;"},
        {"a\n    b = 'x' y\n", "/a=@1;", ":2: text after the closing quotation mark;"},
        {"a\n    b = x#y\n", "/a=@1;", ":2: a value that holds '#' must stand in quotation marks;"},
        {"a\n    b = #y\n", "/a=@1;", ":2: a value that holds '#' must stand in quotation marks;"},
        {"a\n    b/c = 1\n", "/a=@1;", ":2: a name of letters, digits and '_' must come first;"},
        {"a\n    = 1\n", "/a=@1;", ":2: a name of letters, digits and '_' must come first;"},
        {"\xef\xbb\xbf"
         "a\n",
         "", ":1: a name of letters, digits and '_' must come first;"},
        {"a\n    b = \x01\n", "/a=@1;", ":2: control character;"},
        /* keys under a faulty section belong to nobody and are not blamed for it */
        {"a\n    b = 1\nc!\n    b = 2\nd\n    b = 3\n", "/a=@1;a/b=1@2;/d=@5;d/b=3@6;",
         ":3: a name of letters, digits and '_' must come first;"},
        {"a!\n\tb\nc?\n", "",
         ":1: a name of letters, digits and '_' must come first;:2" TAB
         ":3: a name of letters, digits and '_' must come first;"},
    };
    char entries[4096], errors[4096];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        read_text(rows[i].text, strlen(rows[i].text), entries, errors);
        assert_string_equal(errors, rows[i].errors);
        assert_string_equal(entries, rows[i].entries);
    }
}

static void
test_bytes_of_zero(void **state)
{
    char entries[4096], errors[4096];

    (void)state;
    read_text("a\n    b = 1\0 2\n    c = 1\n", 25, entries, errors);
    assert_string_equal(errors, ":2: control character;");
    assert_string_equal(entries, "/a=@1;a/c=1@3;");
}

static void
test_line_bound(void **state)
{
    static char text[4096], entries[4096], errors[4096];

    (void)state;
    int n = snprintf(text, sizeof(text), "a\n    b = %01015d\n", 0);
    assert_int_equal(n, 2 + 8 + 1015 + 1); /* a line of 1023 bytes */
    read_text(text, (size_t)n, entries, errors);
    assert_string_equal(errors, "");
    assert_int_equal(strlen(entries), strlen("/a=@1;a/b=@2;") + 1015);
    n = snprintf(text, sizeof(text), "a\n    b = %01016d\n", 0);
    read_text(text, (size_t)n, entries, errors);
    assert_string_equal(errors, ":2: line is longer than 1023 bytes;");
}

static void
test_file_and_error_bounds(void **state)
{
    size_t size = CONFIG_FILE_MAX + 8192;
    char *text = mem_new(size + 1, 1);
    struct config_file file;
    struct buf errors;

    (void)state;
    memset(text, '\n', size);
    FILE *f = fopen(path, "w");
    assert_int_equal(fwrite(text, 1, size, f), size);
    fclose(f);
    buf_init(&errors, CONFIG_ERRORS_MAX);
    config_file_read(path, &file, &errors);
    assert_int_equal(file.n_entries, 0);
    assert_int_equal(buf_append(&errors, "", 1), BUF_OK);
    assert_non_null(strstr((char *)errors.data, "File too large"));
    buf_deinit(&errors);

    /* as many faults as lines: the text of errors stays within its bound */
    for (size_t i = 0; i < 400000; i++)
        memcpy(text + 2 * i, "!\n", 2);
    f = fopen(path, "w");
    assert_int_equal(fwrite(text, 1, 800000, f), 800000);
    fclose(f);
    buf_init(&errors, CONFIG_ERRORS_MAX);
    config_file_read(path, &file, &errors);
    assert_true(errors.size > CONFIG_ERRORS_MAX - 200 && errors.size <= CONFIG_ERRORS_MAX);
    buf_deinit(&errors);
    config_file_deinit(&file);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_table),
        cmocka_unit_test(test_bytes_of_zero),
        cmocka_unit_test(test_line_bound),
        cmocka_unit_test(test_file_and_error_bounds),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return r;
}
