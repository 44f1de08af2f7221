/* Clocks and short text helpers of time. */
#ifndef COMMON_TIMEUTIL_H
#define COMMON_TIMEUTIL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

time_t time_now(void);          /* wall clock, seconds */
int64_t time_mono_ms(void);     /* monotonic, milliseconds: for deadlines */
int64_t time_mono_us(void);
/* "Wed Nov 25 02:00:52 2026" in local time, as OpenNebula's logs have it; out holds >= 32 bytes. */
void time_text(time_t t, char *out, size_t size);

/* A condition whose waits are measured on the monotonic clock. */
void cond_init(pthread_cond_t *cond);
/* Waits until that moment of time_mono_ms; false: it has come. As always the condition may still not hold. */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t at_ms);
/* Waits at most ms milliseconds (< 0: for ever); false: the time is over. */
bool cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms);

#endif
