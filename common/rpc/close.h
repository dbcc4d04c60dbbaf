/* common/rpc/close.h – closing sockets of an nng that may hang in it: a pipe that is torn down at the wrong moment can
 * stop nng 1.5's reaper for good (nng issues 1236, 1543). So it happens on a thread that may be left behind. */
#ifndef WD_RPC_CLOSE_H
#define WD_RPC_CLOSE_H
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <stdbool.h>

enum { WD_CLOSE_MS = 1000 };

/** Closes the socket, then gives up our references to its TLS configurations (n may be 0, entries NULL). Waits at most
 *  wait_ms; 0 does not wait. False: it goes on by itself, and callbacks of the socket may still come. */
bool wd_socket_close(nng_socket socket, nng_tls_config *const *tls, size_t n, int wait_ms);
/** How often that happened in this process. */
unsigned wd_sockets_left_behind(void);
#endif
