/* Clocks, waiting by them, and the date of a log line. */
#include "common/timeutil.h"

#include <errno.h>
#include <stdio.h>

time_t time_now(void)
{
	return time(NULL);
}

int64_t time_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t time_mono_ms(void)
{
	return time_mono_us() / 1000;
}

void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

static bool wait_until_us(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t at_us)
{
	struct timespec until = { .tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000 };

	return pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT;
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t at_ms)
{
	return wait_until_us(cond, lock, at_ms * 1000);
}

bool cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms)
{
	if (ms < 0)
		return pthread_cond_wait(cond, lock) == 0;
	return wait_until_us(cond, lock, time_mono_us() + ms * 1000);
}

void time_text(time_t t, char *out, size_t size)
{
	/* Not strftime: a log must not change with the locale. */
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;

	if (!localtime_r(&t, &tm)) {
		snprintf(out, size, "@%lld", (long long)t);
		return;
	}
	snprintf(out, size, "%s %s %2d %02d:%02d:%02d %lld", days[tm.tm_wday], months[tm.tm_mon], tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec, 1900LL + tm.tm_year);
}
