/* tests/rpc/program.c – what a user of the installed library writes; sees none of our other headers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wd-client.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "program: line %d: %s: %s %s\n", __LINE__, #condition,                \
                    err.name ? err.name : "-", err.text);                                          \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static struct wd_client_error err;
static char seen[64];
static size_t received;

static bool
on_mailbox(void *data, const struct wd_client_mailbox *m)
{
    (void)data;
    strncat(seen, m->path, sizeof seen - strlen(seen) - 2);
    strcat(seen, ";");
    return true;
}

static bool
on_chunk(void *data, const void *bytes, size_t n)
{
    const char *expected = data;

    if (memcmp(expected + received, bytes, n) != 0)
        return false;
    received += n;
    return true;
}

static int
deliver(struct wd_client *c, const char *message, size_t n)
{
    static const char *const to[] = { "anna@example.com", "nobody@example.com" };
    struct wd_client_delivery d = {
        .sender = "", .recipients = to, .recipient_count = 2, .message = message, .message_bytes = n
    };
    struct wd_client_outcome outcomes[2];

    CHECK(wd_client_deliver(c, &d, outcomes, &err));
    CHECK(outcomes[0].accepted && outcomes[0].uid == 9);
    CHECK(!outcomes[1].accepted && strcmp(outcomes[1].text, "unknown") == 0);
    received = 0;
    CHECK(wd_client_read_message(c, "session", "507f1f77bcf86cd799439012", 9, on_chunk, (void *)message, &err));
    CHECK(received == n);
    return 0;
}

int
main(int argc, char **argv)
{
    const char *urls[] = { argc > 1 ? argv[1] : "", NULL }, *bad_urls[] = { "http://example.com", NULL };
    struct wd_client_options o = { .urls = urls, .service_token = "token", .timeout_ms = 10000 };
    struct wd_client_call call = { .method = "wd.v1.Admin.Health", .request = "" };
    struct wd_client_session session;
    struct wd_client *c;
    size_t n, large = 3 * 1000 * 1000;
    char *message = malloc(large);
    void *reply;

    o.urls = bad_urls;
    CHECK(!wd_client_open(&c, &o, &err) && strcmp(err.name, "INVALID") == 0);
    o.urls = urls;
    CHECK(wd_client_open(&c, &o, &err));
    CHECK(wd_client_call(c, &call, &reply, &n, &err));
    CHECK(n > 6 && memcmp(reply, "\x0a\x04test", 6) == 0);
    wd_client_free(reply);
    call.method = "wd.v1.Admin.Nothing";
    CHECK(!wd_client_call(c, &call, &reply, &n, &err) && strcmp(err.name, "UNKNOWN_METHOD") == 0);
    CHECK(!wd_client_authenticate(c, "anna", "wrong", "imap", &session, &err));
    CHECK(strcmp(err.name, "AUTH_FAILED") == 0);
    CHECK(wd_client_authenticate(c, "anna", "secret", "imap", &session, &err));
    CHECK(strcmp(session.token, "session") == 0 && strlen(session.user) == 24);
    CHECK(!wd_client_list_mailboxes(c, NULL, on_mailbox, NULL, &err));
    CHECK(wd_client_list_mailboxes(c, session.token, on_mailbox, NULL, &err));
    CHECK(strcmp(seen, "INBOX;Sent;") == 0);
    for (size_t i = 0; i < large; i++)
        message[i] = (char)(i * 2654435761u >> 13);
    if (deliver(c, message, 1000) != 0 || deliver(c, message, large) != 0)
        return 1;
    wd_client_close(c);
    free(message);
    puts("ok");
    return 0;
}
