/* store-svc/domain/spam.h – headers of a spam filter in front of us that send a message to a mailbox
 * (docs/storage.md, spam routing). */
#ifndef WD_STORE_DOMAIN_SPAM_H
#define WD_STORE_DOMAIN_SPAM_H
#include "store-svc/domain/domain.h"

struct wd_spam_rules; /* compiled; may be used from any thread */

/** The four shipped rules: X-Spam-Status, X-Rspamd-Spam, X-Rspamd-Bar, X-Haraka-Virus. Ends with .key == NULL. */
const struct wd_header_rule *wd_spam_defaults(void);

/** Compiles rules, which must outlive the result; NULL: the shipped ones. INVALID names the rule that is malformed. */
struct wd_spam_rules *wd_spam_rules_new(const struct wd_header_rule *rules, struct wd_error *err);
/** NULL is fine. */
void wd_spam_rules_free(struct wd_spam_rules *r);

/** The target of the first rule (in their order) that a field of the header block meets, else NULL. rules may be NULL:
 *  nothing matches. */
const char *wd_spam_target(const struct wd_spam_rules *rules, struct wd_arena *a, struct wd_str header);
#endif
