/* common/config/toml.h – a TOML file as a flat list of keys: the C face of the one C++ file of the project. */
#ifndef WD_CONFIG_TOML_H
#define WD_CONFIG_TOML_H
#include "common/base/error.h"

enum wd_toml_kind { WD_TOML_STRING, WD_TOML_INT, WD_TOML_BOOL, WD_TOML_OTHER, WD_TOML_LIST, WD_TOML_ROW };

struct wd_toml_value {
    const char *key;          /* "imap.tls.key" */
    enum wd_toml_kind kind;
    const char *text;         /* of STRING, INT and BOOL ("true", "false") */
    const char *const *items; /* of LIST: its elements as text */
    size_t n;
    size_t row;               /* ROW: a table of the array `key` begins; its fields follow with the same number */
    const char *field;        /* NULL, or the name inside of that row */
    unsigned line, column;
}; /* everything in it is valid only during the call */

/** Takes one value; false with *err set stops the reading. */
typedef bool wd_toml_each(void *data, const struct wd_toml_value *value, struct wd_error *err);

/** Reads the file and calls each() for every value in it. WD_INVALID with "file:line:column: " in front. */
bool wd_toml_read(const char *file, wd_toml_each *each, void *data, struct wd_error *err);
#endif
