/* common/net/conn.h – one client connection of a line protocol on a libevent loop: plain, TLS, compressed.
 *
 * The owner (an IMAP, LMTP or POP3 connection) gets four callbacks and works on two evbuffers: what the client sent
 * and what it will be sent. A callback notes what happened and runs the owner's state machine; freeing the connection
 * inside of a callback is allowed. TCP_NODELAY is on; what is written inside of one callback leaves in as few writes
 * as possible. An idle connection holds no buffers.
 *
 * Threads: a connection belongs to the thread of its loop.
 */
#ifndef WD_NET_CONN_H
#define WD_NET_CONN_H
#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/ssl.h>

#include "common/base/error.h"
#include "common/base/str.h"

struct wd_conn;

struct wd_conn_calls {
    /* There is more in wd_conn_in() than before. Called again by itself only when more arrives. */
    void (*on_input)(void *owner);
    /* Output fell below the low mark after wd_conn_over() had been true. */
    void (*on_drained)(void *owner);
    /* A TLS handshake ended well (STARTTLS; an implicit one ends before the owner exists). */
    void (*on_secured)(void *owner);
    /* No traffic for the time of wd_conn_set_timeout(). */
    void (*on_timeout)(void *owner);
    /* The client closed, the connection broke or a handshake failed: only wd_conn_free() may follow. */
    void (*on_closed)(void *owner, const char *why);
};

enum {
    WD_CONN_HIGH = 256 * 1024, /* bytes of output above which wd_conn_over() is true */
    WD_CONN_LOW = 64 * 1024,
};

/** Sets the owner; callbacks start only after this. Input that came before is announced at once. */
void wd_conn_own(struct wd_conn *c, const struct wd_conn_calls *calls, void *owner);

/** What the client sent and nobody took yet. At most the limit of wd_conn_set_limit() is read ahead. */
struct evbuffer *wd_conn_in(struct wd_conn *c);
/** What the client will be sent; written after the callback (or at wd_conn_flush). */
struct evbuffer *wd_conn_out(struct wd_conn *c);
/** Adds to the output. */
void wd_conn_write(struct wd_conn *c, struct wd_str bytes);
void wd_conn_printf(struct wd_conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Sends now what the socket takes, instead of after the callback. Never calls back: a failure is told later. */
void wd_conn_flush(struct wd_conn *c);
/** More than WD_CONN_HIGH waits to be sent: stop producing until on_drained. */
bool wd_conn_over(const struct wd_conn *c);

enum wd_line_result { WD_LINE_MORE, WD_LINE_OK, WD_LINE_TOO_LONG };

/**
 * Takes one line, ended by LF or CRLF, off the input. *line is without its end and valid until the next call or
 * callback. WD_LINE_TOO_LONG once more than max bytes (its end not counted) came: they stay.
 */
enum wd_line_result wd_conn_line(struct wd_conn *c, size_t max, struct wd_str *line);

/** How much is read ahead before reading pauses (0 pauses reading); default 64 KiB. wd_conn_line() says
 *  WD_LINE_TOO_LONG when so much came without a line's end. A client that closes is noticed when reading goes on. */
void wd_conn_set_limit(struct wd_conn *c, size_t bytes);
/** on_timeout after so long without traffic in either direction, counted from now, and again after each time that the
 *  owner lets the connection live; 0: never. */
void wd_conn_set_timeout(struct wd_conn *c, int ms);

/** STARTTLS: drops all input that came in plain text, sends what is in the output, then handshakes; then on_secured
 *  or on_closed. */
void wd_conn_start_tls(struct wd_conn *c);
bool wd_conn_is_tls(const struct wd_conn *c);
/** TLS here, or in front of us (listener option `secured`). */
bool wd_conn_is_private(const struct wd_conn *c);
/** "TLSv1.3 TLS_AES_256_GCM_SHA384" or ""; valid until the next call. */
const char *wd_conn_cipher(const struct wd_conn *c);

/** COMPRESS=DEFLATE (RFC 4978): what is written before the call goes out plain, everything after it deflated; input
 *  from the next byte on is inflated, in bounded steps. False when it is on already. */
bool wd_conn_start_deflate(struct wd_conn *c);

/** The client's address (from the PROXY header when there was one), without "::ffff:". */
const char *wd_conn_ip(const struct wd_conn *c);
/** 16 characters that name the connection in logs: 10 random bytes in base32. */
const char *wd_conn_id(const struct wd_conn *c);
/** The listener's options that came with it. */
const struct wd_listener_options *wd_conn_listener(const struct wd_conn *c);

/** Sends what is in the output, then closes and frees; at most 1.5 s later it is gone. No callback runs any more. */
void wd_conn_close(struct wd_conn *c);
/** Closes now; NULL is fine. */
void wd_conn_free(struct wd_conn *c);
#endif
