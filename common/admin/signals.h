/* common/admin/signals.h – the signals that steer a daemon, as events of its main loop. */
#ifndef WD_ADMIN_SIGNALS_H
#define WD_ADMIN_SIGNALS_H
#include <event2/event.h>

struct wd_signals;

struct wd_signals_calls {
    /* SIGTERM or SIGINT; comes again when the signal comes again: somebody is in a hurry. */
    void (*on_stop)(void *data);
    /* SIGHUP */
    void (*on_reload)(void *data);
};

/** Handles the signals on the loop and ignores SIGPIPE. One per process; calls and data are borrowed. */
struct wd_signals *wd_signals_new(struct event_base *loop, const struct wd_signals_calls *calls, void *data);
/** The signals have their default effect again (SIGPIPE stays ignored). NULL is fine. */
void wd_signals_free(struct wd_signals *s);
#endif
