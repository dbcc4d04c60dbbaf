/* store-svc/rpc/page.h – pages of lists as messages (proto/wd/v1/page.proto). */
#ifndef WD_STORE_RPC_PAGE_H
#define WD_STORE_RPC_PAGE_H
#include "store-svc/domain/page.h"
#include "store-svc/rpc/call.h"
#include "wd/v1/page.pb-c.h"

/** Reads what the client asked for; NULL: the first page. `by` is how the list is sorted: a position of another kind
 *  of list is INVALID. */
bool wd_call_page(struct wd_call *call, const Wd__V1__PageRequest *from, enum wd_page_by by,
                  struct wd_page *out) WD_CHECKED;
/** A message in the call's arena. */
Wd__V1__PageReply *wd_call_paged(struct wd_call *call, const struct wd_paged *paged, enum wd_page_by by);
#endif
