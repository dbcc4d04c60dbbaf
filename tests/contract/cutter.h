/* tests/contract/cutter.h – a TCP proxy in the test's own process that can cut connections at an awkward moment. */
#ifndef WD_TESTS_CUTTER_H
#define WD_TESTS_CUTTER_H
#include <stdbool.h>
#include <stdint.h>

struct cutter;

/** Listens on a free port of 127.0.0.1 and passes everything on to host:port. Failures fail the test. */
struct cutter *cutter_new(const char *host, uint16_t port);
uint16_t cutter_port(const struct cutter *c);
/** The next `times` requests that contain the word reach the server, but the connection is cut instead of passing the
 *  answer on. The word must live until then. */
void cutter_cut_answers(struct cutter *c, const char *word, int times);
/** How many are still to come. */
int cutter_left(struct cutter *c);
void cutter_free(struct cutter *c);
#endif
