#include "common/admin/signals.h"

#include <signal.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/lifetime.h"

static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

struct wd_signals {
    const struct wd_signals_calls *calls;
    void *data;
    struct event *events[WD_COUNT(numbers)];
};

static void
on_signal(evutil_socket_t number, short what, void *data)
{
    struct wd_signals *s = data;

    (void)what;
    if (number == SIGHUP)
        s->calls->on_reload(s->data);
    else
        s->calls->on_stop(s->data);
}

struct wd_signals *
wd_signals_new(struct event_base *loop, const struct wd_signals_calls *calls, void *data)
{
    struct wd_signals *s = WD_NEW(struct wd_signals);

    signal(SIGPIPE, SIG_IGN);
    s->calls = calls;
    s->data = data;
    for (size_t i = 0; i < WD_COUNT(numbers); i++) {
        s->events[i] = evsignal_new(loop, numbers[i], on_signal, s);
        if (!s->events[i] || event_add(s->events[i], NULL) != 0)
            abort();
    }
    return s;
}

void
wd_signals_free(struct wd_signals *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < WD_COUNT(numbers); i++)
        event_free(s->events[i]);
    free(s);
}
