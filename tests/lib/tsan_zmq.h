/* For tests that use ZeroMQ: its library is not built with ThreadSanitizer, which therefore can't see how its
 * queues hand memory from thread to thread. Include it in the test's main file. */
#ifndef TESTS_LIB_TSAN_ZMQ_H
#define TESTS_LIB_TSAN_ZMQ_H

#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:libzmq.so\ncalled_from_lib:libzmq.so\n";
}
#endif

#endif
