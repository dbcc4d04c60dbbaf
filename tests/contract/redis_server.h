/* tests/contract/redis_server.h – a Redis of the test's own, on the loopback address and a Unix socket. */
#ifndef WD_TESTS_CONTRACT_REDIS_SERVER_H
#define WD_TESTS_CONTRACT_REDIS_SERVER_H
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct redis_server {
    pid_t pid;    /* 0: none */
    uint16_t port; /* the same after a restart */
    char directory[80], socket[96], address[24]; /* "127.0.0.1:port" */
};

/* Starts one in the directory, which must exist, and returns when it answers; extra arguments end with NULL, NULL is
 * none. Failures fail the test. It dies with the thread that has started it. */
void redis_server_start(struct redis_server *s, const char *directory, const char *const *arguments);
/* A Sentinel of it, which calls it "main" and finds it dead after so many ms. */
void redis_sentinel_start(struct redis_server *s, const char *directory, const struct redis_server *of, int down_ms);
/* Kills it; what was in its memory is lost. Nothing when there is none. */
void redis_server_stop(struct redis_server *s);
/* The last one again, empty, with other arguments. */
void redis_server_again(struct redis_server *s, const char *const *arguments);
void redis_server_signal(const struct redis_server *s, int number);
/* Runs one command in database 3 and writes its answer, a text or a number, into room bytes; "" for nothing. */
const char *redis_server_do(const struct redis_server *s, char *answer, size_t room, const char *command, ...);
#endif
