/* store-svc/driver/embedded/functions_priv.h – what we add to SQL: the table wd_list(pointer) with the values of an
 * em_list, and wd_regex(text, pattern, options). */
#ifndef WD_DRIVER_EMBEDDED_FUNCTIONS_PRIV_H
#define WD_DRIVER_EMBEDDED_FUNCTIONS_PRIV_H
#include "store-svc/driver/embedded/db_priv.h"
#include "store-svc/driver/embedded/value_priv.h"

bool em_functions_add(struct em_conn *conn, struct wd_error *err) WD_CHECKED;
/* The list must outlive the statement's run. */
void em_list_bind(sqlite3_stmt *st, int at, struct em_list *list);
#endif
