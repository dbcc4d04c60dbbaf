/* What sanitizers say about nng 1.5 itself. For the leak checker: memory that it loses. Every test program that closes
 * nng sockets links this.
 *   - a dialer that is closed while its connection is being made
 *   - the message that a pipe of a PUB socket is sending when the socket is closed
 *   - about 1 kB for each connection that announces a message over the limit; allocated on nng's own threads, where it
 *     cannot be told from anything else, so a test that provokes it sets nng_leaks_more
 * For the thread checker: nng counts references to a message with atomics that it does not see, so the last user's
 * free() looks like a race with a transport that was sending the message.
 */
#include "tests/unit/common/rpc/nng_leaks.h"

bool nng_leaks_more;

const char *__lsan_default_suppressions(void);
int __lsan_is_turned_off(void);
const char *__tsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
    return "leak:nng_dialer_create\n"
           "leak:nng_dialer_start\n"
           "leak:send_frame\n";
}

int
__lsan_is_turned_off(void)
{
    return nng_leaks_more;
}

const char *
__tsan_default_suppressions(void)
{
    return "race:send_frame\n"
           "race:send_heartbeats\n"
           "race:send_topic\n";
}
