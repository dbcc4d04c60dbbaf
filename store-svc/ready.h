/* store-svc/ready.h – does the database answer? Asked every second on a thread of its own, because an answer can take
 * long exactly when somebody wants to know, and the loop of the admin port must not wait for it. */
#ifndef WD_STORE_READY_H
#define WD_STORE_READY_H
#include "store-svc/domain/domain.h"

struct store_ready;

/** Asks once before it returns. The domain must outlive it. */
struct store_ready *store_ready_start(struct wd_domain *d);
/** What the last answer was; false as well when it is late. Never blocks. Any thread. */
bool store_ready_ask(struct store_ready *r, struct wd_error *why);
/** False when it still waits for the database after the grace: then neither it nor the domain may be freed. NULL is
 *  fine. */
bool store_ready_stop(struct store_ready *r, int grace_ms);
#endif
