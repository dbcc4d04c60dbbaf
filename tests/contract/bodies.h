/* tests/contract/bodies.h – what the suites about attachment bodies share: bodies of known bytes, and a clock that can
 * be put forward. Failures fail the test. */
#ifndef WD_TESTS_BODIES_H
#define WD_TESTS_BODIES_H
#include "tests/contract/contract.h"

/** For wd_clock_fix: the real time and this. */
int64_t contract_clock(void);
extern int64_t contract_later_ms;

/** contract_begin, and the collections of bodies. */
void bodies_begin(struct contract *c, int driver);

/** A key of 32 times this byte. */
struct wd_blob_key key_of(uint8_t n);
struct wd_blob_ref ref_of(uint8_t n, uint32_t count, uint64_t magic);
struct wd_blob_info info_of(uint64_t length);
/** The byte that every body has at this place. */
char byte_at(uint64_t offset);

/** Writes the bytes in pieces of this size; the body is not visible yet. */
void write_body(struct contract *c, uint8_t n, size_t length, size_t piece);
/** Writes it and adds it. */
void add_body(struct contract *c, uint8_t n, size_t length, struct wd_blob_ref ref);
/** Reading `want` bytes gives `expected` ones, and the right ones. */
void check_range(struct contract *c, uint8_t n, uint64_t offset, size_t want, size_t expected);
/** Inserts a row of attachments.files: the key, then these fields. */
void put_row(struct contract *c, uint8_t key, const char *json);
#endif
