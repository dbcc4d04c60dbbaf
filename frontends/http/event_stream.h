/* frontends/http/event_stream.h – long-lived answers of text/event-stream: woken by beacons, kept alive by comments.
 *
 * A stream is small: its request is gone, and between its events it holds a connection without buffers, one timer and
 * what its owner keeps. Beacons are gathered for a moment, so that one read serves several; one read at a time. */
#ifndef WD_HTTP_EVENT_STREAM_H
#define WD_HTTP_EVENT_STREAM_H
#include "common/base/id.h"
#include "common/rpc/events.h"
#include "frontends/http/call.h"

struct http_event_stream;

struct http_event_calls {
    /* There may be something new: sends it with http_event_send(), now or later, and ends with http_event_done(). */
    void (*read)(struct http_event_stream *s, void *data);
    /* The user's sessions must end (a LOGOUT beacon), before the stream ends. May be NULL. */
    void (*logout)(struct http_event_stream *s, void *data, const char *reason);
    /* The stream is gone: cancels what is under way and frees data. */
    void (*closed)(void *data);
};

/* The streams of a server, and who wakes them. */
struct http_events;

/** options: where the beacons come from (on_beacon, on_gap and data are set here); NULL: http_events_beacon() only. */
struct http_events *http_events_new(struct event_base *loop, const struct wd_subscriber_options *options,
                                    struct wd_error *err);
/** After the last stream. NULL is fine. */
void http_events_free(struct http_events *e);
/** A beacon was heard. */
void http_events_beacon(struct http_events *e, const Wd__V1__Beacon *beacon);
/** Beacons of these topics may have been lost. */
void http_events_gap(struct http_events *e, uint32_t topics);

/**
 * Answers the call with a stream of a user's events; the call is gone. replay: read() is called at once, because the
 * client said where it left off; otherwise the first thing that it gets is a comment.
 */
void http_event_stream_start(struct http_call *c, struct wd_id user, bool replay, const struct http_event_calls *calls,
                             void *data);
/** One event: its object, pretty-printed, and its id (NULL: none). */
void http_event_send(struct http_event_stream *s, const char *id, const json_t *object);
/** "event: error" with a text. */
void http_event_send_error(struct http_event_stream *s, const char *text);
/** The read that read() began is over. */
void http_event_done(struct http_event_stream *s);
/** The same, and there is more to read: read() is called again as soon as the client has taken enough. */
void http_event_more(struct http_event_stream *s);
/** Ends the stream; closed() is called before it returns. */
void http_event_end(struct http_event_stream *s);
struct http_server *http_event_server(const struct http_event_stream *s);
#endif
