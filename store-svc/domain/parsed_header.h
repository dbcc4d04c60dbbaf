/* store-svc/domain/parsed_header.h – "parsedHeader" of a mimeTree node. */
#ifndef WD_STORE_DOMAIN_PARSED_HEADER_H
#define WD_STORE_DOMAIN_PARSED_HEADER_H
#include <bson/bson.h>

#include "store-svc/mime/parse.h"

/** Appends it to the node. `budget` bytes are left for values of the whole message and go down. */
void wd_parsed_header_write(bson_t *node, const struct wd_mime_part *part, size_t *budget);
#endif
