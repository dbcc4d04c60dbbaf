#include "tests/contract/redis_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/rand.h"

enum { DEADLINE_MS = 10000, TRIES = 5, ARGUMENTS = 32 };

/* Below the ports that connections are made from: nobody takes it while the server is down. The same holds for the one
 * of a cluster, which is 10,000 above. */
static uint16_t
free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    uint16_t port;
    bool is_free;

    do {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        port = (uint16_t)(10000 + wd_rand_u32() % 10000);
        at.sin_port = htons(port);
        is_free = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
        close(fd);
    } while (!is_free);
    return port;
}

static void
run(const struct redis_server *s, char *const *argv)
{
    int null = open("/dev/null", O_RDWR);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (chdir(s->directory) == 0)
        execvp(argv[0], argv);
    _exit(127);
}

/* False when it has ended by itself. */
static bool
wait_until_it_answers(struct redis_server *s)
{
    int64_t deadline = wd_mono_ms() + DEADLINE_MS;
    int status;

    while (wd_mono_ms() < deadline) {
        redisContext *c = redisConnect("127.0.0.1", s->port);
        redisReply *reply = c->err ? NULL : redisCommand(c, "PING");
        bool up = reply != NULL; /* even one that asks for a password */

        if (reply)
            freeReplyObject(reply);
        redisFree(c);
        if (up)
            return true;
        if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
            ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) != 127, "redis-server is not installed");
            s->pid = 0;
            return false;
        }
        poll(NULL, 0, 5);
    }
    ck_abort_msg("redis-server does not answer");
    return false;
}

static bool
start(struct redis_server *s, const char *const *arguments)
{
    char port[8];
    const char *argv[ARGUMENTS] = { "redis-server", "--port", port, "--bind", "127.0.0.1", "--unixsocket", s->socket,
                                    "--save", "", "--appendonly", "no", "--logfile", "log" };
    int n = 13;

    snprintf(port, sizeof port, "%u", s->port);
    while (arguments && *arguments && n + 1 < ARGUMENTS)
        argv[n++] = *arguments++;
    unlink(s->socket);
    s->pid = fork();
    if (s->pid == 0)
        run(s, (char *const *)(uintptr_t)argv);
    return wait_until_it_answers(s);
}

static void
place(struct redis_server *s, const char *directory)
{
    s->port = free_port();
    snprintf(s->directory, sizeof s->directory, "%s", directory);
    snprintf(s->socket, sizeof s->socket, "%s/%u", directory, s->port);
    snprintf(s->address, sizeof s->address, "127.0.0.1:%u", s->port);
}

void
redis_server_start(struct redis_server *s, const char *directory, const char *const *arguments)
{
    for (int i = 0; i < TRIES; i++) { /* somebody else may have taken the port */
        place(s, directory);
        if (start(s, arguments))
            return;
    }
    ck_abort_msg("redis-server does not start");
}

void
redis_sentinel_start(struct redis_server *s, const char *directory, const struct redis_server *of, int down_ms)
{
    char path[128];
    char *argv[] = { "redis-server", path, "--sentinel", NULL };
    FILE *f;

    place(s, directory);
    snprintf(path, sizeof path, "%s/sentinel.conf", directory);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "port %u\nbind 127.0.0.1\nlogfile sentinel.log\ndir \"%s\"\nsentinel monitor main 127.0.0.1 %u 1\n"
               "sentinel down-after-milliseconds main %d\nsentinel failover-timeout main 3000\n",
            s->port, directory, of->port, down_ms);
    fclose(f);
    s->pid = fork();
    if (s->pid == 0)
        run(s, argv);
    ck_assert_msg(wait_until_it_answers(s), "redis-sentinel does not start");
}

void
redis_server_stop(struct redis_server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void
redis_server_again(struct redis_server *s, const char *const *arguments)
{
    int64_t deadline = wd_mono_ms() + DEADLINE_MS;

    redis_server_stop(s);
    while (!start(s, arguments))
        ck_assert_msg(wd_mono_ms() < deadline, "redis-server does not start again");
}

void
redis_server_signal(const struct redis_server *s, int number)
{
    ck_assert_int_eq(kill(s->pid, number), 0);
}

const char *
redis_server_do(const struct redis_server *s, char *answer, size_t room, const char *command, ...)
{
    redisContext *c = redisConnect("127.0.0.1", s->port);
    redisReply *reply = redisCommand(c, "SELECT 3");
    va_list arguments;

    freeReplyObject(reply);
    va_start(arguments, command);
    reply = redisvCommand(c, command, arguments);
    va_end(arguments);
    ck_assert_msg(reply != NULL, "%s: %s", command, c->errstr);
    if (reply->type == REDIS_REPLY_INTEGER)
        snprintf(answer, room, "%lld", reply->integer);
    else
        snprintf(answer, room, "%s", reply->str ? reply->str : "");
    freeReplyObject(reply);
    redisFree(c);
    return answer;
}
