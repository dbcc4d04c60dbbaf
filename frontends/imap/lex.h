/* frontends/imap/lex.h – IMAP commands as tokens, fed in pieces (RFC 3501 §9, RFC 7888).
 *
 * The lexer collects one command: its line, and the literals inside. It does no I/O: when a literal is announced it
 * stops, and its owner says whether the bytes are wanted (they become a token), go elsewhere (APPEND), or are refused.
 */
#ifndef WD_IMAP_LEX_H
#define WD_IMAP_LEX_H
#include "common/base/buf.h"
#include "common/base/vec.h"

enum {
    IMAP_LINE_MAX = 64 * 1024,            /* bytes of a command without its literals */
    IMAP_TEXT_MAX = 256 * 1024,           /* bytes of all tokens of a command */
    IMAP_TOKENS_MAX = 16 * 1024,
    IMAP_DEPTH_MAX = 64,                  /* parentheses in each other */
    IMAP_SWALLOW_MAX = 128 * 1024 * 1024, /* bytes of an unwanted literal that are read and thrown away */
};

enum imap_token_type {
    IMAP_ATOM, /* also numbers, sets, flags, patterns: everything that needs no quotes */
    IMAP_QUOTED,
    IMAP_LITERAL,
    IMAP_OPEN,  /* ( */
    IMAP_CLOSE, /* ) */
    IMAP_SECTION_OPEN,  /* [ after BODY or BODY.PEEK of FETCH */
    IMAP_SECTION_CLOSE, /* ] */
};

struct imap_token {
    uint32_t at, n; /* in imap_lex.text */
    uint8_t type;
    bool glued;  /* no blank before it */
    bool binary; /* literal8 */
};

enum imap_lex_result {
    IMAP_LEX_MORE,     /* all bytes are used up */
    IMAP_LEX_LITERAL,  /* see imap_lex.literal_*; call _accept, _streamed (after the bytes) or _refuse */
    IMAP_LEX_LINE,     /* the command is complete */
    IMAP_LEX_BAD,      /* the command has ended and is wrong; .why says how */
    IMAP_LEX_TOO_LONG, /* a limit was passed and there is no end in sight: close */
};

struct imap_lex {
    struct wd_buf text;
    struct WD_VEC(struct imap_token) tokens;
    const char *why;
    uint64_t literal_size;
    bool literal_sync, literal_binary;
    /* private */
    uint8_t state, tail, depth, section_depth;
    bool blank, in_section, digits;
    uint32_t line_bytes;
    uint64_t left, tail_size;
}; /* { 0 } is ready for a command */

/** Reads bytes until something is to be said; *used says how many were taken. */
enum imap_lex_result imap_lex_feed(struct imap_lex *l, struct wd_str bytes, size_t *used);
/** The announced literal becomes a token; feed on. The caller has checked its size. */
void imap_lex_accept(struct imap_lex *l);
/** The owner has taken the announced literal's bytes itself: an empty literal token stands for them. */
void imap_lex_streamed(struct imap_lex *l);
/** The literal is not wanted. A synchronising one ends the command here (false). Otherwise its bytes and the rest of
 *  the command will be thrown away (true): feed on until IMAP_LEX_BAD. */
bool imap_lex_refuse(struct imap_lex *l);
/** Forgets the command and frees its memory. */
void imap_lex_reset(struct imap_lex *l);

/** The bytes of token i (decoded for strings); empty when there is none. Valid until the next feed. */
struct wd_str imap_lex_text(const struct imap_lex *l, size_t i);
#endif
