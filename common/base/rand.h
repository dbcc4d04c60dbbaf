/* common/base/rand.h – random bytes from the kernel, fit for keys. */
#ifndef WD_BASE_RAND_H
#define WD_BASE_RAND_H
#include <stddef.h>
#include <stdint.h>

/** Fills with random bytes; never fails (waits for the kernel's pool at boot). Any thread. */
void wd_rand(void *out, size_t n);
uint32_t wd_rand_u32(void);
/** Evenly distributed in 0…below-1; below must not be 0. */
uint32_t wd_rand_below(uint32_t below);
#endif
