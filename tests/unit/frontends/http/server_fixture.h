/* A server of the HTTP connection layer on a free port, and raw clients, all in one thread. */
#ifndef WD_TEST_HTTP_SERVER_FIXTURE_H
#define WD_TEST_HTTP_SERVER_FIXTURE_H
#include <check.h>

#include "common/base/buf.h"
#include "common/net/listener.h"
#include "frontends/http/conn.h"
#include "frontends/http/event_stream.h"
#include "tests/loop.h"

extern struct http_server server;
extern struct event_base *loop;
extern const char *const any_origin[];

/** Listens with these routes. */
void server_start(const struct http_route *routes);
void server_stop(void);

/** A connected socket that does not block. */
int client_open(void);
/** Sends all of it, running the loop. */
void client_send(int fd, struct wd_str bytes);
/** Reads until `end` is in what came, or the server closed (end NULL); fails after ten seconds. */
void client_read(int fd, const char *end, struct wd_buf *out);
/** What is answered to one request up to `end`, on a connection of its own; a C string, valid until the next call. */
const char *client_ask(const char *request, const char *end);
/** Runs the loop until *flag, or fails after ten seconds. */
void loop_until(const bool *flag);
/** One turn of the loop, waiting at most ms. */
void loop_once(int ms);
#endif
