#include "frontends/http/body.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <zlib.h>

#include "common/base/alloc.h"
#include "common/base/b64.h"
#include "common/base/lifetime.h"

enum {
    PIECE = 16 * 1024,
    PACKED_PIECE = 1024,
    CHUNK_LINE_MAX = 256,  /* size and extensions of a chunk */
    TRAILER_MAX = 8 * 1024,
    MD5_BYTES = 16,
};

enum framing { IN_LENGTH, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILER, AT_END };

struct http_body {
    enum framing framing;
    uint64_t left;  /* of the body, or of the chunk */
    size_t trailer; /* bytes of it so far */
    z_stream *gzip; /* NULL: as it is */
    bool inflated;  /* the end of the gzip stream was seen */
    EVP_MD_CTX *md5; /* NULL: nobody asked */
    uint8_t wanted[MD5_BYTES];
    int status;
    struct wd_error *err; /* of the call under way */
};

static bool
bad(struct http_body *b, int status, const char *text)
{
    b->status = status;
    return wd_fail(b->err, WD_INVALID, "%s", text);
}

static bool
set_encoding(struct http_body *b, struct wd_str encoding)
{
    if (!encoding.n || wd_str_ieq(encoding, WD_STR("identity")))
        return true;
    if (!wd_str_ieq(encoding, WD_STR("gzip")) && !wd_str_ieq(encoding, WD_STR("x-gzip")))
        return bad(b, 415, "this Content-Encoding is not known here");
    b->gzip = WD_NEW(z_stream);
    if (inflateInit2(b->gzip, 15 + 16) != Z_OK) /* 15: the largest window; 16: with the gzip header */
        abort();
    return true;
}

static bool
set_md5(struct http_body *b, struct wd_str text)
{
    struct wd_buf digest wd_auto(wd_buf_done) = { 0 };

    if (!text.n)
        return true;
    if (!wd_b64_decode(&digest, text) || digest.n != MD5_BYTES)
        return bad(b, 400, "malformed Content-MD5");
    memcpy(b->wanted, digest.p, MD5_BYTES);
    b->md5 = EVP_MD_CTX_new();
    EVP_DigestInit_ex(b->md5, EVP_md5(), NULL);
    return true;
}

struct http_body *
http_body_new(const struct http_head *head, int *status, struct wd_error *err)
{
    struct http_body *b = WD_NEW(struct http_body);

    b->framing = head->chunked ? IN_CHUNK_SIZE : head->length ? IN_LENGTH : AT_END;
    b->left = head->length;
    b->err = err;
    if (!set_encoding(b, http_head_field(head, "Content-Encoding")) ||
        !set_md5(b, http_head_field(head, "Content-MD5"))) {
        *status = b->status;
        http_body_free(b);
        return NULL;
    }
    return b;
}

void
http_body_free(struct http_body *b)
{
    if (!b)
        return;
    if (b->gzip)
        inflateEnd(b->gzip);
    free(b->gzip);
    EVP_MD_CTX_free(b->md5);
    free(b);
}

/* A line of the framing off the input; *got false: it is not all there. */
static bool
take_line(struct http_body *b, struct evbuffer *in, size_t max, struct wd_buf *line, bool *got)
{
    struct evbuffer_ptr end = evbuffer_search(in, "\n", 1, NULL);

    *got = end.pos >= 0;
    if (*got ? (size_t)end.pos > max : evbuffer_get_length(in) > max)
        return bad(b, 400, "malformed chunk");
    if (!*got)
        return true;
    evbuffer_remove(in, wd_buf_reserve(line, (size_t)end.pos + 1), (size_t)end.pos + 1);
    line->n = (size_t)end.pos + 1;
    return true;
}

static bool
read_hex(struct wd_str digits, uint64_t *out)
{
    static const char alphabet[] = "0123456789abcdef";
    uint64_t value = 0;

    for (size_t i = 0; i < digits.n; i++) {
        const char *at = memchr(alphabet, wd_lower(digits.p[i]), 16);
        if (!at || i == 15)
            return false;
        value = value << 4 | (uint64_t)(at - alphabet);
    }
    *out = value;
    return digits.n > 0;
}

/* The lines between the bytes of the body. *waits: for more input. */
static bool
read_framing(struct http_body *b, struct evbuffer *in, bool *waits)
{
    struct wd_buf line wd_auto(wd_buf_done) = { 0 };
    struct wd_str text;
    bool got;

    if (!take_line(b, in, b->framing == IN_TRAILER ? TRAILER_MAX : CHUNK_LINE_MAX, &line, &got))
        return false;
    *waits = !got;
    if (!got)
        return true;
    text = wd_str_chomp(wd_buf_view(&line));
    if (b->framing == IN_CHUNK_END) {
        b->framing = IN_CHUNK_SIZE;
        return text.n == 0 || bad(b, 400, "malformed chunk");
    }
    if (b->framing == IN_TRAILER) {
        b->trailer += line.n;
        if (text.n == 0)
            b->framing = AT_END;
        return b->trailer <= TRAILER_MAX || bad(b, 400, "the trailer is too long");
    }
    if (!read_hex(wd_str_trim(wd_str_part(text, 0, wd_str_chr(text, ';'))), &b->left))
        return bad(b, 400, "malformed chunk");
    b->framing = b->left ? IN_CHUNK : IN_TRAILER;
    return true;
}

/* Up to n bytes of the body off the wire. */
static size_t
take_bytes(struct http_body *b, struct evbuffer *in, char *to, size_t n)
{
    int got;

    if (n > b->left)
        n = (size_t)b->left;
    got = evbuffer_remove(in, to, n);
    if (got <= 0)
        return 0;
    b->left -= (uint64_t)got;
    if (b->left == 0)
        b->framing = b->framing == IN_LENGTH ? AT_END : IN_CHUNK_END;
    if (b->md5)
        EVP_DigestUpdate(b->md5, to, (size_t)got);
    return (size_t)got;
}

/* Inflates n bytes; deflate's largest ratio, about a thousand, bounds what comes of them. */
static bool
inflate_piece(struct http_body *b, char *bytes, size_t n, struct evbuffer *out)
{
    char plain[PIECE];

    b->gzip->next_in = (Bytef *)bytes;
    b->gzip->avail_in = (uInt)n;
    do {
        int result;
        b->gzip->next_out = (Bytef *)plain;
        b->gzip->avail_out = sizeof plain;
        if (b->inflated)
            return bad(b, 400, "bytes after the end of the gzip stream");
        result = inflate(b->gzip, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return bad(b, 400, "damaged gzip stream");
        b->inflated = result == Z_STREAM_END;
        evbuffer_add(out, plain, sizeof plain - b->gzip->avail_out);
    } while (b->gzip->avail_in > 0 || b->gzip->avail_out == 0);
    return true;
}

static bool
read_bytes(struct http_body *b, struct evbuffer *in, struct evbuffer *out, size_t room, bool *waits)
{
    char bytes[PIECE];
    size_t n = take_bytes(b, in, bytes, b->gzip ? PACKED_PIECE : room < PIECE ? room : PIECE);

    *waits = n == 0;
    if (n == 0)
        return true;
    if (b->gzip)
        return inflate_piece(b, bytes, n, out);
    evbuffer_add(out, bytes, n);
    return true;
}

static bool
check_end(struct http_body *b)
{
    uint8_t digest[MD5_BYTES];

    if (b->gzip && !b->inflated)
        return bad(b, 400, "the gzip stream has no end");
    if (!b->md5)
        return true;
    EVP_DigestFinal_ex(b->md5, digest, NULL);
    return CRYPTO_memcmp(digest, b->wanted, MD5_BYTES) == 0 || bad(b, 400, "Content-MD5 did not match");
}

enum http_body_state
http_body_read(struct http_body *b, struct evbuffer *in, struct evbuffer *out, size_t room, bool *starved,
               int *status, struct wd_error *err)
{
    size_t until = evbuffer_get_length(out) + room;
    bool waits = false, ok = true;

    b->err = err;
    while (ok && !waits && b->framing != AT_END && evbuffer_get_length(out) < until) {
        if (b->framing == IN_LENGTH || b->framing == IN_CHUNK)
            ok = read_bytes(b, in, out, until - evbuffer_get_length(out), &waits);
        else
            ok = read_framing(b, in, &waits);
    }
    *starved = waits;
    if (ok && b->framing == AT_END)
        ok = check_end(b);
    *status = b->status;
    if (!ok)
        return HTTP_BODY_BAD;
    return b->framing == AT_END ? HTTP_BODY_END : HTTP_BODY_MORE;
}
