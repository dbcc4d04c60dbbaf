/* frontends/imap/parse.h – a walk over the tokens of one command, shared by everything that reads arguments. */
#ifndef WD_IMAP_PARSE_H
#define WD_IMAP_PARSE_H
#include "common/base/arena.h"
#include "frontends/imap/lex.h"

enum { IMAP_SET_RANGES_MAX = 12000 }; /* pieces of one sequence set */

struct imap_parse {
    const struct imap_lex *lex;
    size_t at;              /* next token */
    struct wd_arena *arena; /* what is kept is copied here */
    bool utf8;              /* UTF8=ACCEPT is on: names are not modified UTF-7 */
    const char *why;        /* set when something is wrong: text for the BAD answer */
};

/** Sets .why and returns false. */
bool imap_parse_bad(struct imap_parse *p, const char *why);
bool imap_parse_at_end(const struct imap_parse *p);
/** Is the next token of this type? */
bool imap_parse_is(const struct imap_parse *p, enum imap_token_type type);
/** Takes the next token when it is of this type. */
bool imap_parse_take(struct imap_parse *p, enum imap_token_type type);
/** The bytes of the next token; empty at the end. Borrowed from the lexer. */
struct wd_str imap_parse_peek(const struct imap_parse *p);
/** Takes an atom that equals word in any case. */
bool imap_parse_word(struct imap_parse *p, struct wd_str word);

/** Takes an atom (any), or an astring: atom without wildcards, quoted string or literal; *out is borrowed from the
 *  lexer. False without taking anything when the next token is something else. */
bool imap_parse_atom(struct imap_parse *p, struct wd_str *out);
bool imap_parse_astring(struct imap_parse *p, struct wd_str *out);
/** As an astring, with * and % (RFC 3501 list-mailbox). */
bool imap_parse_pattern(struct imap_parse *p, struct wd_str *out);
bool imap_parse_string(struct imap_parse *p, struct wd_str *out);
/** Takes a decimal number. */
bool imap_parse_number(struct imap_parse *p, uint64_t max, uint64_t *out);
/** Takes an atom that is a sequence set by its syntax; the text is copied to the arena. */
bool imap_parse_set(struct imap_parse *p, struct wd_str *out);
/** Is the text a sequence set, with * where it likes? */
bool imap_set_valid(struct wd_str text);
/** Takes one flag: bits are or-ed to *system, a keyword is given in *keyword (empty otherwise). False: no flag. */
bool imap_parse_flag(struct imap_parse *p, unsigned *system, struct wd_str *keyword);
#endif
