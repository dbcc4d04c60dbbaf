/* frontends/http/nested.h – names of forms that nest ("a[b]=c", "a[]=c", "a.b=c") as JSON. Pure. */
#ifndef WD_HTTP_NESTED_H
#define WD_HTTP_NESTED_H
#include <jansson.h>

#include "common/base/str.h"

/** Puts a string into an object under a name that may nest; dots: "a.b" nests as well. A name that is there already
 *  becomes an array. What has no name, or contradicts an earlier one ("a=1&a[b]=2"), is left out. False when it nests
 *  too deeply. */
bool http_nested_set(json_t *into, struct wd_str name, bool dots, struct wd_str value);
#endif
