/* Prepared answers of the dummy hypervisor: a directory with a file an action ("deploy", "attach_disk"), each
 * line one answer, taken in turn and from the top again:
 *
 *   success|1 [SECONDS]     answers SUCCESS, after so many seconds
 *   failure|0 [SECONDS]     answers FAILURE
 *   -                       answers nothing
 *
 * Without the file an action succeeds. */
#ifndef VMM_DUMMY_SCRIPT_H
#define VMM_DUMMY_SCRIPT_H

enum script_answer { SCRIPT_SUCCESS, SCRIPT_FAILURE, SCRIPT_SILENCE };

struct script_step {
	enum script_answer answer;
	int delay_s;
};

/* One line of a file; what it can't read means success, as in the original. */
struct script_step script_parse_line(const char *line);
/* The answer number `turn` (from 0) of the file; success where there is no file or it is empty. */
struct script_step script_next(const char *directory, const char *action, unsigned turn);

#endif
