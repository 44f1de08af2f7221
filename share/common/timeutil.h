/* Clocks and short text helpers of time. */
#ifndef COMMON_TIMEUTIL_H
#define COMMON_TIMEUTIL_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

time_t time_now(void);          /* wall clock, seconds */
int64_t time_mono_ms(void);     /* monotonic, milliseconds: for deadlines */
int64_t time_mono_us(void);
/* "Wed Nov 25 02:00:52 2026" in local time, as OpenNebula's logs have it; out holds >= 32 bytes. */
void time_text(time_t t, char *out, size_t size);

#endif
