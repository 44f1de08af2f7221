#include "common/heap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void heap_use_large_pages(char **argv)
{
	static const char tunables[] = "glibc.malloc.hugetlb=1";
	const char *set = getenv("GLIBC_TUNABLES");
	char self[4096];
	ssize_t len;

	if (set) {
		if (!strcmp(set, tunables))
			unsetenv("GLIBC_TUNABLES"); /* it isn't meant for the programs that this one starts */
		return;
	}
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len <= 0 || setenv("GLIBC_TUNABLES", tunables, 1))
		return;
	self[len] = '\0';
	execv(self, argv);
	unsetenv("GLIBC_TUNABLES"); /* without, then */
}
