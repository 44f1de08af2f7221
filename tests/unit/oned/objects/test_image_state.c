/* The table of image states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "oned/objects/image_state.h"

static enum image_state next(enum image_state state, enum image_event event)
{
	return image_next_state(state, event, false);
}

static void a_transient_state_is_left_by_success_and_by_failure(void **state)
{
	(void)state;
	for (enum image_state s = 0; s < IMAGE_STATES; s++)
		for (int persistent = 0; persistent < 2; persistent++) {
			enum image_state done = image_next_state(s, IMAGE_EV_DONE, persistent);
			enum image_state failed = image_next_state(s, IMAGE_EV_FAILED, persistent);

			if (!image_state_transient(s))
				continue;
			assert_int_equal(failed, IMAGE_ERROR);
			/* A removal that is done takes the object away: there is no state after it. */
			if (s != IMAGE_DELETE)
				assert_false(done == IMAGE_STATES || image_state_transient(done));
		}
}

static void no_state_is_a_dead_end(void **state)
{
	(void)state;
	for (enum image_state s = 0; s < IMAGE_STATES; s++) {
		bool left = false;

		for (enum image_event e = 0; e < IMAGE_EVENTS; e++) {
			enum image_state to = next(s, e);

			assert_in_range(to, 0, IMAGE_STATES);
			left = left || (to != IMAGE_STATES && to != s);
		}
		assert_true(left);
	}
}

static void an_image_in_use_is_not_deleted(void **state)
{
	static const enum image_state busy[] = { IMAGE_USED, IMAGE_USED_PERS, IMAGE_CLONE, IMAGE_LOCKED_USED, IMAGE_LOCKED_USED_PERS };

	(void)state;
	for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++) {
		assert_int_equal(next(busy[i], IMAGE_EV_DELETE), IMAGE_STATES);
		assert_int_equal(next(busy[i], IMAGE_EV_DISABLE), IMAGE_STATES);
	}
}

static void only_a_usable_image_is_taken(void **state)
{
	static const enum image_state closed[] = { IMAGE_INIT, IMAGE_DISABLED, IMAGE_ERROR, IMAGE_CLONE, IMAGE_DELETE };

	(void)state;
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		assert_int_equal(next(closed[i], IMAGE_EV_ACQUIRE), IMAGE_STATES);
	assert_int_equal(image_next_state(IMAGE_READY, IMAGE_EV_ACQUIRE, false), IMAGE_USED);
	assert_int_equal(image_next_state(IMAGE_READY, IMAGE_EV_ACQUIRE, true), IMAGE_USED_PERS);
	assert_int_equal(image_next_state(IMAGE_LOCKED, IMAGE_EV_ACQUIRE, true), IMAGE_LOCKED_USED_PERS);
}

static void a_vm_waits_with_an_image_and_both_go_on(void **state)
{
	(void)state;
	assert_int_equal(next(IMAGE_LOCKED_USED, IMAGE_EV_DONE), IMAGE_USED);
	assert_int_equal(next(IMAGE_LOCKED_USED, IMAGE_EV_RELEASE), IMAGE_LOCKED);
	assert_int_equal(next(IMAGE_ERROR, IMAGE_EV_ENABLE_USED), IMAGE_USED);
}

static void a_broken_persistent_image_is_not_offered_again(void **state)
{
	(void)state;
	assert_int_equal(image_next_state(IMAGE_USED_PERS, IMAGE_EV_RELEASE_BAD, true), IMAGE_ERROR);
	assert_int_equal(image_next_state(IMAGE_USED, IMAGE_EV_RELEASE_BAD, false), IMAGE_STATES); /* the copy is bad, not the image */
}

static void copies_are_made_while_others_use_it(void **state)
{
	(void)state;
	assert_int_equal(image_next_state(IMAGE_READY, IMAGE_EV_COPY_BEGIN, false), IMAGE_USED);
	assert_int_equal(image_next_state(IMAGE_READY, IMAGE_EV_COPY_BEGIN, true), IMAGE_CLONE);
	assert_int_equal(image_next_state(IMAGE_CLONE, IMAGE_EV_COPY_END, true), IMAGE_READY);
	assert_int_equal(image_next_state(IMAGE_USED_PERS, IMAGE_EV_COPY_BEGIN, true), IMAGE_STATES);
}

static void every_state_has_a_name(void **state)
{
	(void)state;
	for (enum image_state s = 0; s < IMAGE_STATES; s++)
		assert_true(strlen(image_state_name(s)) > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transient_state_is_left_by_success_and_by_failure),
		cmocka_unit_test(no_state_is_a_dead_end),
		cmocka_unit_test(an_image_in_use_is_not_deleted),
		cmocka_unit_test(only_a_usable_image_is_taken),
		cmocka_unit_test(a_vm_waits_with_an_image_and_both_go_on),
		cmocka_unit_test(a_broken_persistent_image_is_not_offered_again),
		cmocka_unit_test(copies_are_made_while_others_use_it),
		cmocka_unit_test(every_state_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
