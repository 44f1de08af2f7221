/* The table of a VM's life, walked as a whole: whatever state a VM is in, it can go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "oned/lifecycle/vm_table.h"

static void each_event_stands_once_in_a_state(void **state)
{
	const struct vm_row *a, *b;

	(void)state;
	for (int i = 0; (a = vm_row_at(i)); i++)
		for (int k = i + 1; (b = vm_row_at(k)); k++)
			if (a->from == b->from && a->from_lcm == b->from_lcm && a->event == b->event)
				fail_msg("two rows for %s/%s on %s", vm_state_name(a->from), vm_lcm_name(a->from_lcm), vm_event_name(a->event));
}

static void states_outside_active_have_no_lcm_state(void **state)
{
	const struct vm_row *r;

	(void)state;
	for (int i = 0; (r = vm_row_at(i)); i++) {
		assert_non_null(vm_state_name(r->to));
		assert_non_null(vm_lcm_name(r->to_lcm));
		assert_int_equal(r->from != VM_ACTIVE, r->from_lcm == LCM_LCM_INIT);
		assert_int_equal(r->to != VM_ACTIVE, r->to_lcm == LCM_LCM_INIT);
	}
}

/* Every LCM state that some row leads to. */
static bool reached(enum vm_lcm lcm)
{
	const struct vm_row *r;

	for (int i = 0; (r = vm_row_at(i)); i++)
		if (r->to == VM_ACTIVE && r->to_lcm == lcm)
			return true;
	return false;
}

static void a_step_under_way_ends_well_badly_and_after_a_restart(void **state)
{
	(void)state;
	for (int lcm = 0; lcm < LCM_STATE_COUNT; lcm++) {
		struct vm_waiting w = vm_waits_for(VM_ACTIVE, (enum vm_lcm)lcm, VM_ACTION_NONE);

		if (w.send == VM_SEND_NOTHING)
			continue;
		if (!vm_row_find(VM_ACTIVE, (enum vm_lcm)lcm, w.ok) || !vm_row_find(VM_ACTIVE, (enum vm_lcm)lcm, w.fail))
			fail_msg("%s has no exit", vm_lcm_name((enum vm_lcm)lcm));
	}
}

static void what_is_sent_is_waited_for(void **state)
{
	const struct vm_row *r;

	(void)state;
	for (int i = 0; (r = vm_row_at(i)); i++) {
		struct vm_waiting w = vm_waits_for(r->to, r->to_lcm, r->action);
		bool one_way = r->send == VM_SEND_REBOOT || r->send == VM_SEND_RESET;

		if (r->send != VM_SEND_NOTHING && !one_way && w.send == VM_SEND_NOTHING)
			fail_msg("%s -> %s sends something nobody waits for", vm_lcm_name(r->from_lcm), vm_lcm_name(r->to_lcm));
	}
}

static void every_reached_state_can_be_deleted_or_ends_by_itself(void **state)
{
	(void)state;
	for (int lcm = 1; lcm < LCM_STATE_COUNT; lcm++) {
		bool cleaning = lcm == LCM_CLEANUP_DELETE;

		if (!vm_lcm_name((enum vm_lcm)lcm) || !reached((enum vm_lcm)lcm) || cleaning)
			continue;
		if (!vm_row_find(VM_ACTIVE, (enum vm_lcm)lcm, VM_EV_DELETE))
			fail_msg("a VM in %s cannot be deleted", vm_lcm_name((enum vm_lcm)lcm));
	}
}

static void a_failed_step_can_be_tried_again(void **state)
{
	static const enum vm_lcm failed[] = { LCM_PROLOG_FAILURE, LCM_BOOT_FAILURE, LCM_EPILOG_FAILURE, LCM_EPILOG_STOP_FAILURE,
					      LCM_EPILOG_UNDEPLOY_FAILURE, LCM_PROLOG_RESUME_FAILURE, LCM_PROLOG_UNDEPLOY_FAILURE,
					      LCM_BOOT_STOPPED_FAILURE, LCM_BOOT_UNDEPLOY_FAILURE };

	(void)state;
	for (size_t i = 0; i < sizeof(failed) / sizeof(*failed); i++) {
		const struct vm_row *r = vm_row_find(VM_ACTIVE, failed[i], VM_EV_RETRY);

		assert_non_null(r);
		assert_int_equal(vm_waits_for(r->to, r->to_lcm, VM_ACTION_NONE).send, r->send);
	}
}

static void an_end_gives_everything_back(void **state)
{
	const struct vm_row *r;

	(void)state;
	for (int i = 0; (r = vm_row_at(i)); i++)
		if (r->to == VM_DONE && r->from != VM_DONE)
			assert_true(r->steps & VM_STEP_FREE);
}

static void a_hard_shutdown_is_repeated_hard(void **state)
{
	(void)state;
	assert_int_equal(vm_waits_for(VM_ACTIVE, LCM_SHUTDOWN, VM_ACTION_TERMINATE).send, VM_SEND_SHUTDOWN);
	assert_int_equal(vm_waits_for(VM_ACTIVE, LCM_SHUTDOWN, VM_ACTION_TERMINATE_HARD).send, VM_SEND_CANCEL);
	assert_int_equal(vm_waits_for(VM_POWEROFF, LCM_LCM_INIT, VM_ACTION_POWEROFF_HARD).send, VM_SEND_NOTHING);
}

/* One state for all that is done to NICs: what is under way tells which command is sent again, and what ends it. */
static void work_on_a_nic_ends_as_it_began(void **state)
{
	static const struct { enum vm_action action; enum vm_event asked; enum vm_send send; unsigned ok, fail; } works[] = {
		{ VM_ACTION_NIC_ATTACH, VM_EV_NIC_ATTACH, VM_SEND_ATTACH_NIC, VM_STEP_NIC_STAYS, VM_STEP_NIC_LEAVES },
		{ VM_ACTION_NIC_DETACH, VM_EV_NIC_DETACH, VM_SEND_DETACH_NIC, VM_STEP_NIC_LEAVES, VM_STEP_NIC_STAYS },
		{ VM_ACTION_NIC_UPDATE, VM_EV_NIC_UPDATE, VM_SEND_UPDATE_NIC, VM_STEP_NIC_CHANGED, VM_STEP_NIC_STAYS },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(works) / sizeof(*works); i++) {
		const bool runs = i % 2 == 0;
		const enum vm_state from = runs ? VM_ACTIVE : VM_POWEROFF;
		const enum vm_lcm lcm = runs ? LCM_RUNNING : LCM_LCM_INIT;
		const struct vm_row *begin = vm_row_find(from, lcm, works[i / 2].asked), *ok, *fail;
		struct vm_waiting w;

		if (!runs && works[i / 2].asked == VM_EV_NIC_UPDATE) {
			assert_null(begin); /* changes the record alone */
			continue;
		}
		assert_int_equal(begin->send, works[i / 2].send);
		w = vm_waits_for(begin->to, begin->to_lcm, works[i / 2].action);
		assert_int_equal(w.send, begin->send);
		ok = vm_row_find(begin->to, begin->to_lcm, w.ok);
		fail = vm_row_find(begin->to, begin->to_lcm, w.fail);
		assert_true(ok->steps & works[i / 2].ok);
		assert_true(fail->steps & works[i / 2].fail);
		assert_true(ok->to == from && fail->to == from && ok->to_lcm == lcm && fail->to_lcm == lcm);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_stands_once_in_a_state),
		cmocka_unit_test(states_outside_active_have_no_lcm_state),
		cmocka_unit_test(a_step_under_way_ends_well_badly_and_after_a_restart),
		cmocka_unit_test(what_is_sent_is_waited_for),
		cmocka_unit_test(every_reached_state_can_be_deleted_or_ends_by_itself),
		cmocka_unit_test(a_failed_step_can_be_tried_again),
		cmocka_unit_test(an_end_gives_everything_back),
		cmocka_unit_test(a_hard_shutdown_is_repeated_hard),
		cmocka_unit_test(work_on_a_nic_ends_as_it_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
