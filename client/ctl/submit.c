/* submit: one HTTP POST, as an app would do it. The body goes out byte for byte as it stands in the
 * file. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/ctl/edge.h"
#include "client/ctl/verbs.h"

#define SUBMIT_BYTES_MAX ((size_t)16 << 20)

/* Where it goes: the subject in the path is the one in the body. malloc'd; NULL after a complaint.
 */
static char *
url_make(const struct ctl *ctl, const char *text, size_t len)
{
    json_error_t error;
    char *url = NULL;
    json_t *body = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    const char *subject = json_string_value(json_object_get(body, "subjectId"));

    if (body == NULL) {
        ctl_complain("%s: line %d: %s", ctl->args[0], error.line, error.text);
    } else if (subject == NULL) {
        ctl_complain("%s: subjectId is missing", ctl->args[0]);
    } else {
        char *escaped = http_escape(subject);
        size_t size = strlen(escaped) + 64;
        char *path = mem_new(size, 1);
        snprintf(path, size, "/api/v1/subjects/%s/questionnaires", escaped);
        url = edge_url(ctl, path);
        free(path);
        free(escaped);
    }
    json_decref(body);
    return url;
}

static int
submission_post(const struct ctl *ctl, const char *url, const char *text, size_t len)
{
    const char *wanted_key = ctl->options[OPTION_KEY];
    const char *headers[3] = {"Content-Type: application/json"};
    char key[EDGE_HEADER_MAX];
    struct edge_session session;
    struct http_answer answer;
    size_t n = 1;

    if (wanted_key != NULL && !edge_header_is_sound(wanted_key)) {
        ctl_complain("the key is not one line of printable characters");
        return EXIT_USAGE;
    }
    int code = edge_open(ctl, &session);
    if (code != EXIT_DONE)
        return code;
    if (wanted_key != NULL) {
        snprintf(key, sizeof(key), "Idempotency-Key: %s", wanted_key);
        headers[n++] = key;
    }
    if (ctl->options[OPTION_ASYNC] != NULL)
        headers[n++] = "Prefer: respond-async";
    code = edge_post(&session, url, headers, n, text, len, &answer);
    if (code == EXIT_DONE) {
        code = edge_answer_show(ctl, &answer);
        free(answer.body);
    }
    edge_close(&session);
    return code;
}

int
submit_verb(struct ctl *ctl)
{
    char *text, *url;
    size_t len;
    int code = EXIT_USAGE;

    text = ctl_file_read(ctl->args[0], SUBMIT_BYTES_MAX, &len);
    if (text == NULL)
        return EXIT_USAGE;
    url = url_make(ctl, text, len);
    if (url == NULL) {
        code = EXIT_FAILED;
    } else if (ctl->options[OPTION_DRY_RUN] != NULL) {
        ctl_confirm(ctl, &code, "post %zu bytes to %s", len, url);
    } else {
        code = submission_post(ctl, url, text, len);
    }
    free(url);
    free(text);
    return code;
}
