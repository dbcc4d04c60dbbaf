/* common/rpc/resolve.h – host names to addresses, again and again, on a thread of its own: nng takes only the first
 * address of a name, and getaddrinfo() must not run on an event loop. */
#ifndef WD_RPC_RESOLVE_H
#define WD_RPC_RESOLVE_H
#include "common/rpc/queue.h"
#include "common/rpc/url.h"

enum { WD_RESOLVE_MAX = 64, WD_ADDRESS_TEXT = 48 }; /* addresses of one name */

struct wd_addresses {
    size_t n;
    char text[WD_RESOLVE_MAX][WD_ADDRESS_TEXT];
};

/** The addresses of a host; false when it cannot be told now (then what was known stays). May block. */
typedef bool wd_resolve_host(void *data, const char *host, struct wd_addresses *out);

/** getaddrinfo(). */
bool wd_resolve_system(void *data, const char *host, struct wd_addresses *out);
bool wd_addresses_have(const struct wd_addresses *a, const char *address);

struct wd_resolver;

struct wd_resolver_options {
    struct wd_queue *queue; /* to the loop's thread, where on_addresses runs */
    const char *const *hosts;
    size_t count;
    int every_ms;
    wd_resolve_host *resolve; /* NULL: wd_resolve_system */
    void *resolve_data;
    void (*on_addresses)(void *data, size_t host_index, const struct wd_addresses *found);
    void *data;
};

/** Asks at once and then every every_ms. WD_INTERNAL when no thread can be started. */
struct wd_resolver *wd_resolver_start(const struct wd_resolver_options *o, struct wd_error *err);
/** on_addresses does not run any more. Does not wait for a name server: the thread ends by itself. NULL is fine. */
void wd_resolver_stop(struct wd_resolver *r);
/** Asks again now. */
void wd_resolver_kick(struct wd_resolver *r);
#endif
