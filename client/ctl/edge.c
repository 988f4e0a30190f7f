/* Where the edge is and who we are to it. */
#include "client/ctl/edge.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "client/ctl/table.h"
#include "client/ctl/token.h"

#define TOKEN_FILE_MAX ((size_t)1 << 20)
#define HEADERS_MAX 8

/* malloc'd; NULL after a complaint. */
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

bool
edge_header_is_sound(const char *text)
{
    for (const char *s = text; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    }
    return strlen(text) < EDGE_HEADER_MAX - 64;
}

int
edge_open(const struct ctl *ctl, struct edge_session *ret_session)
{
    char *token = token_find(ctl);
    int code = EXIT_DONE;

    if (token == NULL)
        return EXIT_CONFIG;
    ret_session->ctl = ctl;
    if (edge_header_is_sound(token)) {
        snprintf(ret_session->authorization, EDGE_HEADER_MAX, "Authorization: Bearer %s", token);
    } else {
        ctl_complain("the token is not one line of printable characters");
        code = EXIT_USAGE;
    }
    explicit_bzero(token, strlen(token));
    free(token);
    return code;
}

void
edge_close(struct edge_session *e)
{
    explicit_bzero(e->authorization, sizeof(e->authorization));
}

char *
edge_url(const struct ctl *ctl, const char *path)
{
    const char *base = config_str(ctl->config, "ctl", "edge_url");
    int len = (int)strlen(base);

    while (len > 0 && base[len - 1] == '/')
        len--;
    size_t size = (size_t)len + strlen(path) + 1;
    char *url = mem_new(size, 1);
    snprintf(url, size, "%.*s%s", len, base, path);
    return url;
}

int
edge_exit(long status)
{
    if (status >= 200 && status < 300)
        return EXIT_DONE;
    return status == 429 || status >= 500 ? EXIT_TEMPFAIL : EXIT_FAILED;
}

int
edge_answer_show(const struct ctl *ctl, const struct http_answer *answer)
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
    return edge_exit(answer->status);
}

int
edge_post(const struct edge_session *e, const char *url, const char *const *headers,
          size_t n_headers, const char *body, size_t len, struct http_answer *ret_answer)
{
    const char *all[HEADERS_MAX] = {e->authorization};
    const char *why;

    sluice_assert(n_headers + 1 <= HEADERS_MAX);
    for (size_t i = 0; i < n_headers; i++)
        all[i + 1] = headers[i];
    if (http_post(url, all, n_headers + 1, body, len, e->ctl->timeout_us, ret_answer, &why) == 0)
        return EXIT_DONE;
    ctl_complain("edge %s: %s", config_str(e->ctl->config, "ctl", "edge_url"), why);
    return EXIT_UNAVAILABLE;
}
