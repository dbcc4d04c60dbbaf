#include "store-svc/domain/doc_copy.h"

#include <string.h>

void
wd_doc_copy(bson_t *to, const bson_t *from, const char *const *except)
{
    bson_iter_t at;

    for (bson_iter_init(&at, from); bson_iter_next(&at);) {
        const char *const *name = except;

        while (*name && strcmp(*name, bson_iter_key(&at)) != 0)
            name++;
        if (!*name)
            bson_append_iter(to, NULL, 0, &at);
    }
}
