/* tests/unit/common/rpc/nng_leaks.h – see nng_leaks.c. */
#ifndef WD_TEST_RPC_NNG_LEAKS_H
#define WD_TEST_RPC_NNG_LEAKS_H
#include <stdbool.h>

extern bool nng_leaks_more; /* no leak check at the end of this process */
#endif
