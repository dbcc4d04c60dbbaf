/* store-svc/mime/thread.h – what makes messages one conversation: ids and the bare subject. */
#ifndef WD_MIME_THREAD_H
#define WD_MIME_THREAD_H
#include "common/base/arena.h"

/** Removes "Re:", "Fw:", "Fwd:" (also "Re[2]:"), "[tag]" in front and "(fwd)" behind, again and again; blanks
 *  collapsed. The subject is decoded. */
struct wd_str wd_thread_subject(struct wd_arena *a, struct wd_str subject);

/**
 * Message-ID, In-Reply-To, the first 22 characters of Thread-Index and References, without angle brackets, each once,
 * at most max. Returns how many.
 */
size_t wd_thread_ids(struct wd_arena *a, struct wd_str header, struct wd_str *out, size_t max);
#endif
