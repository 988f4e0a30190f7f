/* submit: one HTTP POST, as an app would do it. The body goes out byte for byte as it stands in the
 * file. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "client/ctl/http.h"
#include "client/ctl/table.h"
#include "client/ctl/token.h"
#include "client/ctl/verbs.h"

#define SUBMIT_BYTES_MAX ((size_t)16 << 20)
#define TOKEN_FILE_MAX ((size_t)1 << 20)
#define HEADER_MAX 1024

/* From $SLUICE_TOKEN, else ctl/token_file; malloc'd; NULL after a complaint. */
static char *
token_find(const struct ctl *ctl)
{
    const char *given = getenv("SLUICE_TOKEN");
    const char *path = config_str(ctl->config, "ctl", "token_file");
    struct secret file;

    if (given != NULL && *given != '\0')
        return mem_strdup(given);
    if (*path == '\0') {
        ctl_complain("no token: set ctl/token_file or SLUICE_TOKEN");
        return NULL;
    }
    int r = secret_read(path, TOKEN_FILE_MAX, &file);
    if (r != SECRET_OK) {
        ctl_complain("%s: %s", path, r < 0 ? strerror(-r) : secret_outcome_text(r));
        return NULL;
    }
    char *token = token_pick((const char *)file.data, file.size, ctl->options[OPTION_STUDY]);
    secret_free(&file);
    if (token == NULL)
        ctl_complain("%s: no token for it", path);
    return token;
}

static bool
header_is_sound(const char *text)
{
    for (const char *s = text; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    }
    return strlen(text) < HEADER_MAX - 64;
}

/* Where it goes: the subject in the path is the one in the body. malloc'd; NULL after a complaint.
 */
static char *
url_make(const struct ctl *ctl, const char *text, size_t len)
{
    json_error_t error;
    char *url = NULL;
    json_t *body = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    const char *subject = json_string_value(json_object_get(body, "subjectId"));
    const char *base = config_str(ctl->config, "ctl", "edge_url");

    if (body == NULL) {
        ctl_complain("%s: line %d: %s", ctl->args[0], error.line, error.text);
    } else if (subject == NULL) {
        ctl_complain("%s: subjectId is missing", ctl->args[0]);
    } else {
        char *escaped = http_escape(subject);
        size_t size = strlen(base) + strlen(escaped) + 64;
        url = mem_new(size, 1);
        int base_len = (int)strlen(base);
        while (base_len > 0 && base[base_len - 1] == '/')
            base_len--;
        snprintf(url, size, "%.*s/api/v1/subjects/%s/questionnaires", base_len, base, escaped);
        free(escaped);
    }
    json_decref(body);
    return url;
}

static int
answer_show(const struct ctl *ctl, const struct http_answer *answer)
{
    json_t *body = json_loadb(answer->body, answer->body_len, 0, NULL);

    if (ctl->json) {
        json_t *row = json_pack("{s:I, s:o?}", "status", (json_int_t)answer->status, "answer",
                                json_incref(body));
        table_print_json(row);
        json_decref(row);
    } else {
        printf("%ld\n", answer->status);
        if (body != NULL) {
            json_dumpf(body, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
            putchar('\n');
        }
    }
    json_decref(body);
    if (answer->status >= 200 && answer->status < 300)
        return EXIT_DONE;
    return answer->status == 429 || answer->status >= 500 ? EXIT_TEMPFAIL : EXIT_FAILED;
}

static int
submission_post(const struct ctl *ctl, const char *url, const char *text, size_t len,
                const char *token)
{
    char authorization[HEADER_MAX], key[HEADER_MAX];
    const char *headers[4] = {"Content-Type: application/json", authorization};
    const char *why, *wanted_key = ctl->options[OPTION_KEY];
    struct http_answer answer;
    size_t n = 2;

    if (!header_is_sound(token) || (wanted_key != NULL && !header_is_sound(wanted_key))) {
        ctl_complain("token and key are one line of printable characters each");
        return EXIT_USAGE;
    }
    snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", token);
    if (wanted_key != NULL) {
        snprintf(key, sizeof(key), "Idempotency-Key: %s", wanted_key);
        headers[n++] = key;
    }
    if (ctl->options[OPTION_ASYNC] != NULL)
        headers[n++] = "Prefer: respond-async";
    if (http_post(url, headers, n, text, len, ctl->timeout_us, &answer, &why) != 0) {
        ctl_complain("edge %s: %s", config_str(ctl->config, "ctl", "edge_url"), why);
        return EXIT_UNAVAILABLE;
    }
    int code = answer_show(ctl, &answer);
    free(answer.body);
    return code;
}

int
submit_verb(struct ctl *ctl)
{
    char *text, *url, *token = NULL;
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
    } else if ((token = token_find(ctl)) != NULL) {
        code = submission_post(ctl, url, text, len, token);
    } else {
        code = EXIT_CONFIG;
    }
    if (token != NULL)
        explicit_bzero(token, strlen(token));
    free(token);
    free(url);
    free(text);
    return code;
}
