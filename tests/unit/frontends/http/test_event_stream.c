/* Streams of events: what the client reads, what wakes them, what a thousand of them cost. */
#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/lifetime.h"
#include "tests/run.h"
#include "tests/unit/frontends/http/server_fixture.h"

/* Only there with AddressSanitizer, whose allocator mallinfo2() does not know. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static const struct http_field no_fields[] = { { 0 } };
static const struct http_param params[] = {
    { "user", HTTP_ID, HTTP_REQUIRED },
    { "Last-Event-ID", HTTP_ID },
    { 0 },
};

/* ---- a source that sends the number of its reads ---- */

struct source {
    struct http_event_stream *stream;
    int reads;
};

static struct source *last; /* the one that read last */
static size_t closed_count, reads;
static bool holds; /* reads are not done at once */
static bool large; /* they send a megabyte */

static void
source_read(struct http_event_stream *s, void *data)
{
    struct source *source = data;
    json_t *event = json_pack("{s:s, s:i}", "command", "EXISTS", "n", ++source->reads);
    static char filler[1024 * 1024];

    last = source;
    source->stream = s;
    reads++;
    if (large)
        json_object_set_new(event, "filler", json_stringn(memset(filler, 'x', sizeof filler), sizeof filler));
    http_event_send(s, "5a0000000000000000000001", event);
    json_decref(event);
    if (!holds)
        http_event_done(s);
}

static void
source_logout(struct http_event_stream *s, void *data, const char *reason)
{
    json_t *event = json_pack("{s:s, s:s}", "command", "LOGOUT", "reason", reason);

    (void)data;
    http_event_send(s, NULL, event);
    json_decref(event);
    http_event_end(s);
}

static void
source_closed(void *data)
{
    closed_count++;
    free(data);
}

static const struct http_event_calls calls = { source_read, source_logout, source_closed };

static void
run_updates(struct http_call *c)
{
    struct wd_id user;

    must(wd_id_parse(wd_str_c(http_read_text(c, "user")), &user));
    http_event_stream_start(c, user, http_read_text(c, "Last-Event-ID") != NULL, &calls,
                            calloc(1, sizeof(struct source)));
}

static const struct http_route routes[] = {
    { HTTP_GET, "/users/:user/updates", "id", "Tag", "summary", .params = params, .fields = no_fields,
      .needs = HTTP_TOKEN, .run = run_updates },
    { 0 },
};

static void
setup(void)
{
    closed_count = reads = 0;
    holds = large = false;
    last = NULL;
    server_start(routes);
}

static char ann[] = "5a00000000000000000000aa", bob[] = "5a00000000000000000000ab";

static int
listen_to(const char *user, const char *more)
{
    char request[256];
    int fd = client_open();

    snprintf(request, sizeof request, "GET /users/%.24s/updates%.100s HTTP/1.1\r\nHost: a\r\n\r\n", user, more);
    client_send(fd, wd_str_c(request));
    return fd;
}

static void
tell(char *user, Wd__V1__Beacon__Kind kind)
{
    Wd__V1__Beacon beacon = WD__V1__BEACON__INIT;
    static char reason[] = "bye";

    beacon.kind = kind;
    beacon.user = user;
    beacon.reason = reason;
    http_events_beacon(server.events, &beacon);
}

#define EVENT(n) \
    "data: {\ndata:   \"command\": \"EXISTS\",\ndata:   \"n\": " #n "\ndata: }\nid: 5a0000000000000000000001\n\n"

START_TEST(a_stream_starts_with_a_comment)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = listen_to(ann, "");

    client_read(fd, "c\r\n: idling 1\n\n\r\n", &got);
    wd_buf_chr(&got, '\0');
    ck_assert_ptr_nonnull(strstr(got.p, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(got.p, "Content-Type: text/event-stream\r\n"));
    ck_assert_ptr_nonnull(strstr(got.p, "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"));
    ck_assert_uint_eq(server.streams, 1);
    close(fd);
    while (server.conn_count)
        loop_once(5);
    ck_assert_uint_eq(closed_count, 1);
}
END_TEST

START_TEST(one_that_was_here_before_is_read_to_at_once)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = listen_to(ann, "?Last-Event-ID=5a0000000000000000000000");

    client_read(fd, EVENT(1), &got);
    ck_assert(wd_str_find(wd_buf_view(&got), WD_STR("idling")) == SIZE_MAX);
    close(fd);
}
END_TEST

START_TEST(beacons_of_its_user_wake_it_and_are_gathered)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 }, others wd_auto(wd_buf_done) = { 0 };
    int fd = listen_to(ann, ""), other = listen_to(bob, "");

    client_read(fd, "idling", &got);
    client_read(other, "idling", &others);
    for (int i = 0; i < 5; i++)
        tell(ann, WD__V1__BEACON__KIND__MAILBOX);
    tell(bob, WD__V1__BEACON__KIND__HEARTBEAT);
    client_read(fd, EVENT(1), &got);
    ck_assert_uint_eq(reads, 1);
    tell(ann, WD__V1__BEACON__KIND__MAILBOX_LIST);
    client_read(fd, EVENT(2), &got);
    http_events_gap(server.events, 1u << wd_event_topic((struct wd_id){ .b = { [11] = 0xab } }));
    client_read(other, EVENT(1), &others);
    ck_assert_uint_eq(reads, 3);
    close(fd);
    close(other);
}
END_TEST

START_TEST(what_comes_while_it_reads_is_read_next)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd;

    holds = true;
    fd = listen_to(ann, "?Last-Event-ID=5a0000000000000000000000");
    client_read(fd, EVENT(1), &got);
    tell(ann, WD__V1__BEACON__KIND__MAILBOX);
    for (int i = 0; i < 30; i++)
        loop_once(5);
    ck_assert_uint_eq(reads, 1); /* one read at a time */
    holds = false;
    http_event_done(last->stream);
    client_read(fd, EVENT(2), &got);
    close(fd);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_not_read_for)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    static char scratch[65536];
    int fd = client_open(), small = 16 * 1024;
    size_t before;

    large = true;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client_send(fd, WD_STR("GET /users/5a00000000000000000000aa/updates HTTP/1.1\r\nHost: a\r\n\r\n"));
    client_read(fd, "idling", &got);
    do {
        before = reads;
        tell(ann, WD__V1__BEACON__KIND__MAILBOX);
        for (int i = 0; i < 30 && reads == before; i++)
            loop_once(5); /* longer than beacons are gathered */
        must(reads < 20);
    } while (reads != before);
    must(reads > 0);
    large = false;
    while (reads == before) { /* what came meanwhile is taken up */
        if (recv(fd, scratch, sizeof scratch, 0) <= 0)
            loop_once(5);
    }
    close(fd);
}
END_TEST

START_TEST(streams_of_other_users_sleep_on)
{
    enum { USERS = 60 };
    int fd[USERS];
    char user[USERS][25];

    for (unsigned i = 0; i < USERS; i++) {
        /* Four at a time share a slot of the table. */
        snprintf(user[i], sizeof user[i], "5a00000000000000000000%02x", (i * 64 + i / 4) & 0xff);
        fd[i] = listen_to(user[i], "");
    }
    while (server.streams < USERS)
        loop_once(5);
    for (size_t i = 0; i < USERS; i++) {
        tell(user[i], WD__V1__BEACON__KIND__MAILBOX);
        while (reads <= i)
            loop_once(5);
        ck_assert_uint_eq(reads, i + 1);
    }
    for (size_t i = 0; i < USERS; i++)
        close(fd[i]);
}
END_TEST

START_TEST(a_logout_is_told_and_ends_the_stream)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = listen_to(ann, "");

    client_read(fd, "idling", &got);
    tell(ann, WD__V1__BEACON__KIND__LOGOUT);
    client_read(fd, NULL, &got);
    wd_buf_chr(&got, '\0');
    ck_assert_ptr_nonnull(strstr(got.p, "\"reason\": \"bye\""));
    ck_assert_ptr_nonnull(strstr(got.p, "0\r\n\r\n"));
    ck_assert_uint_eq(closed_count, 1);
    close(fd);
}
END_TEST

START_TEST(draining_ends_streams)
{
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    int fd = listen_to(ann, "");

    client_read(fd, "idling", &got);
    http_server_drain(&server);
    ck_assert_uint_eq(closed_count, 1);
    client_read(fd, NULL, &got);
    close(fd);
}
END_TEST

static size_t
heap_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : mallinfo2().uordblks;
}

START_TEST(a_thousand_streams_are_small)
{
    enum { STREAMS = 1000, MOST = 20 * 1024 };
    struct rlimit files;
    int *fd = calloc(STREAMS, sizeof *fd);
    size_t before;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &files);
    must(files.rlim_cur > 2 * STREAMS + 50);
    fd[0] = listen_to(ann, "");
    while (server.streams < 1)
        loop_once(5);
    before = heap_bytes();
    for (size_t i = 1; i < STREAMS; i++)
        fd[i] = listen_to(i % 2 ? ann : bob, "");
    while (server.streams < STREAMS)
        loop_once(5);
    for (int i = 0; i < 5; i++)
        loop_once(5);
    printf("%zu bytes of heap for each stream\n", (heap_bytes() - before) / (STREAMS - 1));
    must((heap_bytes() - before) / (STREAMS - 1) < MOST);
    tell(ann, WD__V1__BEACON__KIND__MAILBOX);
    while (reads < STREAMS / 2)
        loop_once(5);
    for (size_t i = 0; i < STREAMS; i++)
        close(fd[i]);
    while (server.conn_count)
        loop_once(5);
    must(closed_count == STREAMS);
    free(fd);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("events");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, server_stop);
    tcase_add_test(t, a_stream_starts_with_a_comment);
    tcase_add_test(t, one_that_was_here_before_is_read_to_at_once);
    tcase_add_test(t, beacons_of_its_user_wake_it_and_are_gathered);
    tcase_add_test(t, what_comes_while_it_reads_is_read_next);
    tcase_add_test(t, a_client_that_does_not_read_is_not_read_for);
    tcase_add_test(t, streams_of_other_users_sleep_on);
    tcase_add_test(t, a_logout_is_told_and_ends_the_stream);
    tcase_add_test(t, draining_ends_streams);
    tcase_add_test(t, a_thousand_streams_are_small);
    return run_case("http event stream", t);
}
