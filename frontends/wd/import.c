/* wd import-maildir: takes a Maildir++ over into an account. A message is named by its user, mailbox and file, so that
 * a repeat within the hour does not store it twice. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/hex.h"
#include "frontends/wd/cli.h"
#include "frontends/wd/maildir.h"
#include "frontends/wd/sizes.h"
#include "wd/v1/mailboxes.pb-c.h"
#include "wd/v1/messages.pb-c.h"

enum { MESSAGE_MAX = 64 * 1024 * 1024, CHUNK = 1024 * 1024, INLINE_MAX = 768 * 1024, KEY_BYTES = 20 };

struct import {
    struct cli *c;
    struct wd_arena *scratch; /* of one message */
    char *user;
    size_t all, stored, failed;
    uint64_t bytes;
    bool tty;
};

static bool
read_file(const char *path, struct wd_buf *out, struct wd_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    if (fd < 0)
        return wd_fail(err, WD_INVALID, "%s", strerror(errno));
    while (out->n <= MESSAGE_MAX && (n = read(fd, wd_buf_reserve(out, 65536), 65536)) > 0)
        out->n += (size_t)n;
    close(fd);
    if (n < 0)
        return wd_fail(err, WD_INVALID, "%s", strerror(errno));
    return out->n <= MESSAGE_MAX || wd_fail(err, WD_MESSAGE_TOO_BIG, "larger than 64 MiB");
}

/* Maildir files have LF at the line ends, messages CRLF. */
static void
to_crlf(struct wd_str file, struct wd_buf *out)
{
    for (size_t at = 0; at < file.n;) {
        size_t end = wd_str_chr(wd_str_part(file, at, file.n), '\n');

        if (end == SIZE_MAX) {
            wd_buf_str(out, wd_str_part(file, at, file.n));
            return;
        }
        wd_buf_str(out, wd_str_part(file, at, at + end));
        wd_buf_c(out, end && file.p[at + end - 1] == '\r' ? "\n" : "\r\n");
        at += end + 1;
    }
}

static const char *
message_key(const struct import *m, struct wd_str path, struct wd_str name)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_buf key wd_auto(wd_buf_done) = { 0 };
    uint8_t digest[EVP_MAX_MD_SIZE];

    wd_buf_printf(&text, "%s %.*s %.*s", m->user, WD_FMT(path), WD_FMT(name));
    EVP_Digest(text.p, text.n, digest, NULL, EVP_sha256(), NULL);
    wd_buf_c(&key, "maildir-");
    wd_hex_encode(&key, digest, KEY_BYTES);
    return wd_arena_str(m->scratch, wd_buf_view(&key)).p;
}

static bool
upload(const struct import *m, struct wd_buf *message, char *id)
{
    Wd__V1__UploadRequest request = WD__V1__UPLOAD_REQUEST__INIT;
    struct cli_call_options o = { .arena = m->scratch };

    request.upload = id;
    for (size_t at = 0; at < message->n; at += CHUNK) {
        size_t n = message->n - at < CHUNK ? message->n - at : CHUNK;
        request.offset = at;
        request.data = (ProtobufCBinaryData){ n, (uint8_t *)message->p + at };
        if (!cli_call(m->c, &wd__v1__messages__descriptor, "Upload", &request.base, &o))
            return false;
    }
    return true;
}

static bool
append(const struct import *m, const struct maildir_folder *folder, const struct maildir_message *one,
       struct wd_buf *message)
{
    Wd__V1__AppendRequest request = WD__V1__APPEND_REQUEST__INIT;
    struct cli_call_options o = { .arena = m->scratch, .timeout_ms = 120000 };
    static char forwarded[] = "$Forwarded", source[] = "API", transport[] = "UPLOAD";
    ProtobufCBinaryData keyword = cli_bytes(forwarded);
    char id[WD_ID_HEX + 1], *path = wd_arena_alloc(m->scratch, folder->path.n + 1);

    memcpy(path, folder->path.p, folder->path.n);
    o.key = message_key(m, folder->path, one->key);
    request.user = m->user;
    request.path = cli_bytes(path);
    if (message->n <= INLINE_MAX) {
        request.has_raw = true;
        request.raw = (ProtobufCBinaryData){ message->n, (uint8_t *)message->p };
    } else {
        request.upload = wd_id_hex(wd_id_new(), id);
        request.has_upload_size = true;
        request.upload_size = message->n;
        if (!upload(m, message, id))
            return false;
    }
    request.has_system_flags = request.has_internal_date_ms = true;
    request.system_flags = one->flags;
    request.internal_date_ms = one->date_ms;
    request.keywords = &keyword;
    request.n_keywords = one->forwarded ? 1 : 0;
    request.source = source;
    request.transport = transport;
    return cli_call(m->c, &wd__v1__messages__descriptor, "Append", &request.base, &o) != NULL;
}

static bool
import_one(struct import *m, const struct maildir_folder *folder, const struct maildir_message *one)
{
    struct wd_buf file wd_auto(wd_buf_done) = { 0 };
    struct wd_buf message wd_auto(wd_buf_done) = { 0 };

    wd_arena_reset(m->scratch);
    if (!read_file(one->path.p, &file, &m->c->err))
        return false;
    to_crlf(wd_buf_view(&file), &message);
    if (!append(m, folder, one, &message))
        return false;
    m->bytes += message.n;
    return true;
}

static bool
need_mailbox(const struct import *m, struct wd_str path)
{
    Wd__V1__CreateMailboxRequest request = WD__V1__CREATE_MAILBOX_REQUEST__INIT;
    char *name = wd_arena_alloc(m->c->arena, path.n + 1);

    if (wd_str_eq(path, WD_STR("INBOX")))
        return true;
    memcpy(name, path.p, path.n);
    request.user = m->user;
    request.path = cli_bytes(name);
    return cli_call(m->c, &wd__v1__mailboxes__descriptor, "Create", &request.base, NULL) ||
           m->c->err.reason == WD_MAILBOX_EXISTS;
}

static void
show_progress(const struct import *m, struct wd_str path, size_t done, size_t n)
{
    if (m->tty && (done % 10 == 0 || done == n))
        printf("\r%.*s: %zu of %zu%s", WD_FMT(path), done, n, done == n ? "\x1b[K\n" : "\x1b[K");
    else if (!m->tty && done == n)
        printf("%.*s: %zu\n", WD_FMT(path), n);
    fflush(stdout);
}

static bool
import_folder(struct import *m, const struct maildir_folder *folder)
{
    struct cli *c = m->c;
    struct maildir_message *list;
    size_t n;

    if (!maildir_messages(c->arena, folder, &list, &n, &c->err) || !need_mailbox(m, folder->path))
        return false;
    m->all += n;
    for (size_t i = 0; i < n; i++) {
        if (import_one(m, folder, &list[i])) {
            m->stored++;
        } else {
            m->failed++;
            fprintf(stderr, "%swd: %s: %s\n", m->tty ? "\n" : "", list[i].path.p, c->err.text);
            if (wd_reason_info(c->err.reason)->status == WD_STATUS_UNAVAILABLE || c->err.reason == WD_OVER_QUOTA)
                return false; /* the next one would fare no better */
        }
        show_progress(m, folder->path, i + 1, n);
    }
    if (n == 0)
        show_progress(m, folder->path, 0, 0);
    return true;
}

static bool
import(struct cli *c, char **words)
{
    const Wd__V1__User *user = cli_user(c, words[0]);
    struct wd_arena *scratch wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct import m = { .c = c, .scratch = scratch, .tty = isatty(STDOUT_FILENO) };
    struct maildir_folder *folders;
    size_t n;

    if (!user || !maildir_folders(c->arena, words[1], &folders, &n, &c->err))
        return false;
    m.user = user->id;
    for (size_t i = 0; i < n; i++)
        if (!import_folder(&m, &folders[i])) {
            fprintf(stderr, "wd: stopped at %.*s after %zu messages; run it again to go on\n", WD_FMT(folders[i].path),
                    m.stored);
            return false;
        }
    printf("%zu of %zu messages, %s\n", m.stored, m.all, cli_size(c->arena, m.bytes));
    c->exit_code = m.failed ? EXIT_FAILURE : EXIT_SUCCESS;
    return true;
}

const struct cli_command cli_import_commands[] = {
    { "import-maildir", NULL, "USER DIRECTORY", "take over a maildir, its subfolders and flags", 2, 2, import, NULL },
    { .noun = NULL },
};
