/* store-svc/domain/imap_data.h – the envelope and bodystructure of a message document: arrays in the order of the
 * IMAP response (RFC 3501 §7.4.2); strings that are not ASCII are binaries. Documents of WildDuck are read, too. */
#ifndef WD_STORE_DOMAIN_IMAP_DATA_H
#define WD_STORE_DOMAIN_IMAP_DATA_H
#include <bson/bson.h>

#include "store-svc/mime/structure.h"

void wd_envelope_write(bson_t *doc, const char *field, const struct wd_envelope *envelope);
void wd_structure_write(bson_t *doc, const char *field, const struct wd_body_structure *structure);

/** The readers never fail: what is missing or of another form stays empty (a structure has at least one part).
 *  Slices point into the document. */
void wd_envelope_load(struct wd_arena *a, const bson_t *message, const char *field, struct wd_envelope *out);
void wd_structure_load(struct wd_arena *a, const bson_t *message, const char *field, struct wd_body_structure *out);
#endif
