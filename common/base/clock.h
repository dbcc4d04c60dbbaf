/* common/base/clock.h – time, behind a pointer so that a test can fix it. */
#ifndef WD_BASE_CLOCK_H
#define WD_BASE_CLOCK_H
#include <stdint.h>

/** Milliseconds since 1970-01-01 UTC. Any thread. */
int64_t wd_now_ms(void);
/** Milliseconds of a clock that never goes back; for timeouts and deadlines inside one process. */
int64_t wd_mono_ms(void);
/** The same in microseconds, for measuring. */
int64_t wd_mono_us(void);
/** Replaces the clock of wd_now_ms() in this process; NULL restores the real one. For tests, before threads start. */
void wd_clock_fix(int64_t (*now_ms)(void));
#endif
