/* libvirt and GLib lock with primitives that ThreadSanitizer doesn't see, because these libraries aren't built with it: what it
 * reports inside them isn't ours. To be included once in a test that calls them. */
#ifndef TESTS_TSAN_LIBVIRT_H
#define TESTS_TSAN_LIBVIRT_H

#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:libvirt.so\ncalled_from_lib:libglib-2.0.so\nrace:libvirt.so\nrace:libglib-2.0.so\n";
}
#endif

#endif
