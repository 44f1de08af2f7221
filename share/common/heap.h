/* How malloc takes memory from the system. */
#ifndef COMMON_HEAP_H
#define COMMON_HEAP_H

/* From now on with large pages: for programs whose heap grows a lot and stays, the processor (and a virtual machine's host) has far less to do
 * for it. malloc reads this from the environment only, before main: so the program starts once more, with argv, and this returns at the second
 * time (or where that isn't possible, or when GLIBC_TUNABLES is set already). To be called at the beginning of main. */
void heap_use_large_pages(char **argv);

#endif
