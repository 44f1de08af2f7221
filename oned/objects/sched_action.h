/* Scheduled actions (SCHED_ACTION): what a VM or a backup job is to do at a time, once or again and again. They are rows of their own; their
 * parent lists their ids. */
#ifndef ONED_OBJECTS_SCHED_ACTION_H
#define ONED_OBJECTS_SCHED_ACTION_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

/* The numbers are the wire's. What DAYS counts depends on it: days of the week (0 Sunday), of the month, of the year; hours between. */
enum sched_repeat { SCHED_ONCE = -1, SCHED_WEEKLY = 0, SCHED_MONTHLY = 1, SCHED_YEARLY = 2, SCHED_HOURLY = 3 };
/* When repeating ends: END_VALUE is how often it still happens, or the last time. */
enum sched_end { SCHED_END_NONE = -1, SCHED_END_NEVER = 0, SCHED_END_TIMES = 1, SCHED_END_DATE = 2 };

struct sched_action {
	struct object o;
	enum obj_type parent_type;     /* OBJ_VM or OBJ_BACKUPJOB */
	int parent_id;
	const char *action, *args, *days, *message;
	long long time, warning;       /* -1: none yet; 0: no warning */
	long long end_value, done;     /* -1: none, never */
	enum sched_repeat repeat;
	enum sched_end end;
};

extern const struct obj_ops sched_action_ops;

#define SCHED_ACTIONS_MAX 1024 /* of a parent */

/* Who has scheduled actions; `ids` (of `arena`) lists them. base: what times that begin with '+' are counted from (those of a backup job don't). */
struct sched_parent {
	enum obj_type type;
	int id;
	struct idset *ids;
	struct arena *arena;
	time_t base;
};

/* A new one of a SCHED_ACTION vector, which its parent lists. What is wrong fails the transaction with rc, and takes no id. */
struct sched_action *sched_action_create(struct txn *t, const struct sched_parent *parent, const struct attr *vector, enum one_rc rc);
/* Those of all SCHED_ACTION vectors of a template. ONE_INTERNAL. */
enum one_rc sched_actions_create(struct txn *t, const struct sched_parent *parent, const struct tmpl *tmpl);
/* Are those of a VM's template all right? ONE_INTERNAL with OpenNebula's text. */
enum one_rc sched_actions_check(const struct tmpl *tmpl, struct one_err *err);
/* Takes over what the vector says, checked together with what was there. A failure leaves it half changed. */
enum one_rc sched_action_take(struct sched_action *s, const struct attr *vector, time_t base, struct one_err *err);
/* Deletes those of a list of ids. */
void sched_actions_delete(struct txn *t, const struct idset *ids);

/* When it is due, as far as is known now: behind TIME; INT64_MAX when it was carried out since, or repeats and has ended. */
int64_t sched_action_due_at(const struct sched_action *s, time_t now);
bool sched_action_is_due(const struct sched_action *s, time_t now);
/* It was carried out: DONE, and the next TIME of one that repeats: the first one of its days (or hours) after now. Days are local ones and keep
 * the time of the day. */
void sched_action_ran(struct sched_action *s, time_t now);

#endif
