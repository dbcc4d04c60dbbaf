/* The proxy: one thread with poll(); pairs belong to it. */
#include "tests/contract/cutter.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/vec.h"

enum { PIECE = 65536 };

struct pair {
    int client, server;
    bool doomed; /* its next answer is not passed on */
};

struct cutter {
    struct sockaddr_in to;
    uint16_t port;
    int listener, stop[2];
    struct WD_VEC(struct pair) pairs;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the rest */
    const char *word;
    int left;
};

static int
dial(const struct cutter *c)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, (const struct sockaddr *)&c->to, sizeof c->to) == 0)
        return fd;
    close(fd);
    return -1;
}

static void
take_client(struct cutter *c)
{
    struct pair p = { .client = accept(c->listener, NULL, NULL) };

    if (p.client < 0)
        return;
    p.server = dial(c);
    if (p.server < 0)
        close(p.client);
    else
        wd_vec_push(&c->pairs, p);
}

static bool
is_wanted(struct cutter *c, const char *bytes, size_t n)
{
    bool wanted;

    pthread_mutex_lock(&c->lock);
    wanted = c->left > 0 && memmem(bytes, n, c->word, strlen(c->word));
    if (wanted)
        c->left--;
    pthread_mutex_unlock(&c->lock);
    return wanted;
}

static bool
pass_on(int to, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(to, bytes, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool
move(struct cutter *c, struct pair *p, bool from_client)
{
    static _Thread_local char bytes[PIECE];
    ssize_t n = recv(from_client ? p->client : p->server, bytes, sizeof bytes, 0);

    if (n <= 0)
        return false;
    if (from_client && is_wanted(c, bytes, (size_t)n))
        p->doomed = true;
    if (!from_client && p->doomed)
        return false;
    return pass_on(from_client ? p->server : p->client, bytes, (size_t)n);
}

static void *
run(void *data)
{
    struct cutter *c = data;

    for (;;) {
        struct pollfd *fds = wd_alloc((2 + 2 * c->pairs.n) * sizeof *fds);
        size_t n = c->pairs.n;

        fds[0] = (struct pollfd){ .fd = c->listener, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = c->stop[0], .events = POLLIN };
        for (size_t i = 0; i < n; i++) {
            fds[2 + 2 * i] = (struct pollfd){ .fd = c->pairs.p[i].client, .events = POLLIN };
            fds[3 + 2 * i] = (struct pollfd){ .fd = c->pairs.p[i].server, .events = POLLIN };
        }
        poll(fds, (nfds_t)(2 + 2 * n), -1);
        if (fds[1].revents) {
            free(fds);
            return NULL;
        }
        for (size_t i = n; i-- > 0;) { /* downwards: the last takes the place of one that ends */
            struct pair *p = &c->pairs.p[i];

            if ((!fds[2 + 2 * i].revents || move(c, p, true)) && (!fds[3 + 2 * i].revents || move(c, p, false)))
                continue;
            close(p->client);
            close(p->server);
            *p = c->pairs.p[--c->pairs.n];
        }
        if (fds[0].revents)
            take_client(c);
        free(fds);
    }
}

struct cutter *
cutter_new(const char *host, uint16_t port)
{
    struct cutter *c = WD_NEW(struct cutter);
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof here;

    c->to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    ck_assert_int_eq(inet_pton(AF_INET, host, &c->to.sin_addr), 1);
    c->listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(c->listener, (struct sockaddr *)&here, sizeof here), 0);
    ck_assert_int_eq(listen(c->listener, 64), 0);
    ck_assert_int_eq(getsockname(c->listener, (struct sockaddr *)&here, &n), 0);
    c->port = ntohs(here.sin_port);
    ck_assert_int_eq(pipe(c->stop), 0);
    pthread_mutex_init(&c->lock, NULL);
    ck_assert_int_eq(pthread_create(&c->thread, NULL, run, c), 0);
    return c;
}

uint16_t
cutter_port(const struct cutter *c)
{
    return c->port;
}

void
cutter_cut_answers(struct cutter *c, const char *word, int times)
{
    pthread_mutex_lock(&c->lock);
    c->word = word;
    c->left = times;
    pthread_mutex_unlock(&c->lock);
}

int
cutter_left(struct cutter *c)
{
    int left;

    pthread_mutex_lock(&c->lock);
    left = c->left;
    pthread_mutex_unlock(&c->lock);
    return left;
}

void
cutter_free(struct cutter *c)
{
    ck_assert_int_eq(write(c->stop[1], "", 1), 1);
    pthread_join(c->thread, NULL);
    for (size_t i = 0; i < c->pairs.n; i++) {
        close(c->pairs.p[i].client);
        close(c->pairs.p[i].server);
    }
    wd_vec_done(&c->pairs);
    close(c->listener);
    close(c->stop[0]);
    close(c->stop[1]);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
