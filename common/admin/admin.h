/* common/admin/admin.h – the small HTTP port of a daemon: /healthz, /readyz, /metrics. It belongs on loopback or an
 * inner network: there is no login. Runs on the loop that it is given. */
#ifndef WD_ADMIN_ADMIN_H
#define WD_ADMIN_ADMIN_H
#include <event2/event.h>

#include "common/admin/metrics.h"
#include "common/base/error.h"

struct wd_admin;

struct wd_admin_options {
    const char *host; /* NULL: 127.0.0.1 */
    int port;         /* 0: any free one */
    struct wd_metrics *metrics; /* borrowed; NULL: /metrics is empty */
    /* Can the daemon do its work now? false: /readyz answers 503 with the text of why. NULL: always. */
    bool (*ready)(void *data, struct wd_error *why);
    void *data;
};

/** Listens. WD_UNAVAILABLE when the address is taken. The options are copied. */
struct wd_admin *wd_admin_new(struct event_base *loop, const struct wd_admin_options *o, struct wd_error *err);
int wd_admin_port(const struct wd_admin *a);
/** NULL is fine. */
void wd_admin_free(struct wd_admin *a);
#endif
