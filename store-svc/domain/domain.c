#include "store-svc/domain/domain.h"

void
wd_domain_defaults(struct wd_domain_options *o)
{
    static const int64_t day_ms = 24 * 60 * 60 * 1000;
    static const uint64_t mib = 1024 * 1024;

    *o = (struct wd_domain_options){
        .max_storage_bytes = 1024 * mib,
        .max_message_bytes = 64 * mib,
        .max_mailboxes = 1500,
        .max_recipients = 2000,
        .max_forwards = 2000,
        .receive_max = 300,
        .receive_max_ip = 100,
        .imap_upload_bytes = 10240 * mib,
        .imap_download_bytes = 10240 * mib,
        .imap_max_connections = 15,
        .pop3_download_bytes = 10240 * mib,
        .pop3_max_messages = 250,
        .auth_failures = 12,
        .auth_window_s = 120,
        .auth_window_ip_s = 300,
        .auth_cache_s = 300,
        .pbkdf2_iterations = 100000,
        .authlog_ms = 30 * day_ms,
        .archive_ms = 25 * day_ms,
        .session_token_ms = day_ms,
        .decode_base64 = true,
    };
}
