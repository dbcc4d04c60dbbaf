/* store-svc/domain/trace.h – what a delivery adds to a message, and what it reads from the hops before us. */
#ifndef WD_STORE_DOMAIN_TRACE_H
#define WD_STORE_DOMAIN_TRACE_H
#include "common/base/arena.h"

/* Of the newest Received header (the next one when that has no id); empty where nothing was said. */
struct wd_trace {
    struct wd_str from, with, id; /* "mx.example.com", "ESMTPS", "4XyZ" */
};

/** "Delivered-To: …" and "Return-Path: <…>" with their line ends, for the top of the message. There is no Received:
 *  the mail store is no hop. Addresses that could break the header lose their control bytes. */
struct wd_str wd_trace_prefix(struct wd_arena *a, struct wd_str recipient, struct wd_str sender);

/** Reads the header block of a message. Any input is fine. */
void wd_trace_read(struct wd_arena *a, struct wd_str header, struct wd_trace *out);
#endif
