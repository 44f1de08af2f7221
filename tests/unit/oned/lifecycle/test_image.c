/* What becomes of images by the answers of the datastore driver, after failures and after a restart. */
#include "tests/unit/oned/lifecycle/sent.h"

#include "oned/auth/quota_count.h"
#include "oned/lifecycle/image.h"
#include "oned/objects/marketapp.h"

struct making_image { const char *text; int id; };

static void make(struct txn *t, void *arg)
{
	struct making_image *m = arg;
	struct object owner = owned_by(&alice);
	struct image *img = image_create(t, &owner, parsed(t->arena, m->text), txn_read(t, OBJ_DATASTORE, 100), -1);

	if (!img)
		return;
	m->id = img->o.id;
	image_register(t, img);
}

static int made(const char *text)
{
	struct making_image m = { .text = text, .id = -1 };

	if (run(make, &m))
		fail_msg("%s", err.text);
	return m.id;
}

struct reply { const char *action; bool ok; int id; const char *info; };

static void answer(struct txn *t, void *arg)
{
	const struct reply *r = arg;

	image_message(t, &(struct driver_msg){ .action = r->action, .status = r->ok ? "SUCCESS" : "FAILURE", .id = r->id, .payload = r->info });
}

#define ANSWER(...) run(answer, &(struct reply){ __VA_ARGS__ })

static struct image *image(int id)
{
	return (struct image *)reread(OBJ_IMAGE, id);
}

static enum image_state state_of(int id)
{
	struct version *v = pool_get(core, OBJ_IMAGE, id);
	enum image_state s = v ? ((const struct image *)v->obj)->state : IMAGE_STATES;

	version_unref(v);
	return s;
}

static bool has_error(int id, const char *text)
{
	const char *has = tmpl_get_or(image(id)->o.tmpl, "ERROR", "");

	if (!strstr(has, text))
		print_message("ERROR is: %s\n", has);
	return strstr(has, text) != NULL;
}

/* ---- making ---- */

static void a_file_is_copied(void **state)
{
	int id = made("NAME=new\nTYPE=OS\nPATH=/srv/os.img\nSIZE=10");

	(void)state;
	assert_string_equal(sent, "CP 6;");
	assert_non_null(strstr(payload.buf, "<PATH>/srv/os.img</PATH>"));
	assert_non_null(strstr(payload.buf, "<DATASTORE>"));
	assert_int_equal(state_of(id), IMAGE_LOCKED);
	ANSWER("CP", true, id, "/ds/100/abc qcow2");
	assert_int_equal(state_of(id), IMAGE_READY);
	assert_string_equal(image(id)->source, "/ds/100/abc");
	assert_string_equal(image(id)->format, "qcow2");
}

static void recover(struct txn *t, void *arg)
{
	(void)arg;
	image_recover_all(t);
}

static void make_app(struct txn *t, void *arg)
{
	struct object owner = owned_by(&oneadmin);
	struct market *m = market_create(t, &owner, parsed(t->arena, "NAME=shop\nMARKET_MAD=http"));

	(void)arg;
	assert_non_null(marketapp_create(t, &owner, parsed(t->arena, "NAME=a\nORIGIN_ID=0"), m));
}

static void of_an_image_made_of_an_app_the_driver_is_told_the_marketplace_after_a_restart_too(void **state)
{
	(void)state;
	assert_int_equal(tmpl_parse(conf.values, "MARKET_MAD_CONF=[NAME=http]", &err), ONE_OK);
	assert_int_equal(run(make_app, NULL), ONE_OK);
	for (int i = 0; i < 2; i++) {
		if (i)
			run(recover, NULL);
		else
			made("NAME=new\nTYPE=OS\nPATH=http://x/a\nFROM_APP=0\nSIZE=10");
		assert_string_equal(sent, "CP 6;");
		assert_non_null(strstr(payload.buf, "</DATASTORE><MARKETPLACE><ID>0</ID>"));
		assert_non_null(strstr(payload.buf, "</MARKETPLACE></DS_DRIVER_ACTION_DATA>"));
	}
	made("NAME=other\nTYPE=OS\nPATH=http://x/a\nFROM_APP=77\nSIZE=10");
	assert_non_null(strstr(payload.buf, "</DATASTORE></DS_DRIVER_ACTION_DATA>"));
}

static void a_copy_without_a_format_fails(void **state)
{
	int id = made("NAME=new\nTYPE=OS\nPATH=/srv/os.img\nSIZE=10");

	(void)state;
	ANSWER("CP", true, id, "/ds/100/abc");
	assert_int_equal(state_of(id), IMAGE_ERROR);
	assert_true(has_error(id, "FORMAT was not returned"));
}

static void a_failed_copy_tells_why(void **state)
{
	int id = made("NAME=new\nTYPE=OS\nPATH=/srv/os.img\nSIZE=10");

	(void)state;
	ANSWER("CP", false, id, "disk full");
	assert_int_equal(state_of(id), IMAGE_ERROR);
	assert_true(has_error(id, "Error copying image in the datastore: disk full"));
}

static void an_empty_disk_is_made(void **state)
{
	int id = made("NAME=new\nTYPE=DATABLOCK\nSIZE=10");

	(void)state;
	assert_string_equal(sent, "MKFS 6;");
	ANSWER("MKFS", true, id, "/ds/100/new");
	assert_int_equal(state_of(id), IMAGE_READY);
	assert_string_equal(image(id)->format, "raw");
}

static void an_image_with_a_source_is_ready_at_once(void **state)
{
	int id = made("NAME=new\nTYPE=OS\nSOURCE=/ds/x\nFORMAT=raw\nSIZE=3");

	(void)state;
	assert_string_equal(sent, "");
	assert_int_equal(state_of(id), IMAGE_READY);
}

static void an_answer_that_comes_too_late_changes_nothing(void **state)
{
	int id = made("NAME=new\nTYPE=OS\nSOURCE=/ds/x\nFORMAT=raw\nSIZE=3");

	(void)state;
	ANSWER("CP", false, id, "late");
	assert_int_equal(state_of(id), IMAGE_READY);
	ANSWER("RM", true, id, "");
	assert_int_equal(state_of(id), IMAGE_READY);
	assert_int_equal(ANSWER("CP", true, 999, "x"), ONE_OK);
}

/* ---- deleting ---- */

struct removal { int id; bool force; };

static void delete(struct txn *t, void *arg)
{
	const struct removal *r = arg;

	image_delete(t, txn_edit(t, OBJ_IMAGE, r->id), r->force);
}

static bool ds_has(int image_id)
{
	struct version *v = pool_get(core, OBJ_DATASTORE, 100);
	bool has = idset_has(&((const struct datastore *)v->obj)->images, image_id);

	version_unref(v);
	return has;
}

static void an_image_goes_when_its_contents_are_gone(void **state)
{
	(void)state;
	assert_int_equal(run(delete, &(struct removal){ 0, false }), ONE_OK);
	assert_string_equal(sent, "RM 0;");
	assert_int_equal(state_of(0), IMAGE_DELETE);
	ANSWER("RM", true, 0, "");
	assert_int_equal(state_of(0), IMAGE_STATES);
	assert_false(ds_has(0));
}

static void a_failed_removal_keeps_the_image(void **state)
{
	(void)state;
	run(delete, &(struct removal){ 0, false });
	ANSWER("RM", false, 0, "busy");
	assert_int_equal(state_of(0), IMAGE_ERROR);
	assert_true(has_error(0, "manually remove image source /x/os"));
	run(delete, &(struct removal){ 0, true });
	ANSWER("RM", false, 0, "busy");
	assert_int_equal(state_of(0), IMAGE_STATES);
}

static void an_image_without_contents_goes_at_once(void **state)
{
	int id = made("NAME=new\nTYPE=DATABLOCK\nSIZE=10");

	(void)state;
	ANSWER("MKFS", false, id, "no space");
	run(delete, &(struct removal){ id, false });
	assert_string_equal(sent, "");
	assert_int_equal(state_of(id), IMAGE_STATES);
}

/* ---- VMs with it ---- */

struct taking { int image, vm; };

static void take(struct txn *t, void *arg)
{
	const struct taking *k = arg;
	struct attr *disk = tmpl_find(parsed(t->arena, arena_printf(t->arena, "DISK=[IMAGE_ID=%d]", k->image)), "DISK");

	image_disk_acquire(t, &oneadmin, disk, t->arena, k->vm, NULL, false, NULL);
}

static void give_back(struct txn *t, void *arg)
{
	const struct taking *k = arg;

	image_disk_release(t, k->image, k->vm, false);
}

static void give_back_broken(struct txn *t, void *arg)
{
	const struct taking *k = arg;

	image_disk_release(t, k->image, k->vm, true);
}

static void an_image_is_used_until_its_last_vm_gives_it_back(void **state)
{
	(void)state;
	assert_int_equal(run(take, &(struct taking){ 0, 1 }), ONE_OK);
	assert_int_equal(run(take, &(struct taking){ 0, 2 }), ONE_OK);
	assert_int_equal(state_of(0), IMAGE_USED);
	assert_int_equal(run(delete, &(struct removal){ 0, false }), ONE_ACTION);
	assert_string_equal(err.text, "There are 2 VMs using it.");
	run(give_back, &(struct taking){ 0, 1 });
	run(give_back, &(struct taking){ 0, 1 }); /* twice is once */
	assert_int_equal(state_of(0), IMAGE_USED);
	run(give_back_broken, &(struct taking){ 0, 2 });
	assert_int_equal(state_of(0), IMAGE_READY);
	assert_int_equal(image(0)->running_vms, 0);
	run(give_back, &(struct taking){ 99, 2 });
}

static void a_persistent_image_has_one_vm(void **state)
{
	(void)state;
	assert_int_equal(run(take, &(struct taking){ 1, 1 }), ONE_OK);
	assert_int_equal(state_of(1), IMAGE_USED_PERS);
	assert_int_equal(run(take, &(struct taking){ 1, 2 }), ONE_ACTION);
	run(give_back_broken, &(struct taking){ 1, 1 });
	assert_int_equal(state_of(1), IMAGE_ERROR);
}

static void vms_may_wait_for_an_image(void **state)
{
	int id = made("NAME=new\nTYPE=OS\nPATH=/srv/os.img\nSIZE=10");

	(void)state;
	assert_int_equal(run(take, &(struct taking){ id, 1 }), ONE_OK);
	assert_int_equal(state_of(id), IMAGE_LOCKED_USED);
	ANSWER("CP", true, id, "/ds/100/abc raw");
	assert_int_equal(state_of(id), IMAGE_USED);
}

/* ---- copies ---- */

static void copy(struct txn *t, void *arg)
{
	int *id = arg;
	const struct image *source = txn_read(t, OBJ_IMAGE, *id);
	struct object owner = owned_by(&alice);
	struct tmpl *tmpl = image_clone_template(t, source, "copy");
	struct image *img = image_create(t, &owner, tmpl, txn_read(t, OBJ_DATASTORE, 100), source->o.id);

	if (img && !image_clone(t, img, source->o.id))
		*id = img->o.id;
}

static void a_persistent_image_is_closed_while_it_is_copied(void **state)
{
	int id = 1;

	(void)state;
	assert_int_equal(run(copy, &id), ONE_OK);
	assert_string_equal(sent, "CLONE 6;");
	assert_int_equal(state_of(1), IMAGE_CLONE);
	assert_int_equal(image(1)->cloning_ops, 1);
	ANSWER("CLONE", true, id, "/ds/100/copy");
	assert_int_equal(state_of(1), IMAGE_READY);
	assert_int_equal(state_of(id), IMAGE_READY);
	assert_int_equal(image(id)->cloning_id, -1);
	assert_int_equal(image(1)->clones.n, 0);
}

static void a_failed_copy_opens_its_source_again(void **state)
{
	int id = 1;

	(void)state;
	run(copy, &id);
	ANSWER("CLONE", false, id, "no space");
	assert_int_equal(state_of(1), IMAGE_READY);
	assert_int_equal(state_of(id), IMAGE_ERROR);
	assert_true(has_error(id, "Error cloning from Image 1: no space"));
}

static void a_copy_that_is_deleted_opens_its_source_too(void **state)
{
	int id = 1;

	(void)state;
	run(copy, &id);
	run(delete, &(struct removal){ id, true });
	assert_int_equal(state_of(1), IMAGE_READY);
	assert_int_equal(image(1)->cloning_ops, 0);
}

static void an_image_in_use_is_not_copied_when_it_is_persistent(void **state)
{
	int id = 1;

	(void)state;
	run(take, &(struct taking){ 1, 1 });
	assert_int_equal(run(copy, &id), ONE_INTERNAL);
	assert_string_equal(err.text, "Cannot clone image in state: USED");
	assert_int_equal(state_of(6), IMAGE_STATES);
}

/* ---- snapshots ---- */

static void add_snapshots(struct txn *t, void *arg)
{
	struct image *img = txn_edit(t, OBJ_IMAGE, 1);

	(void)arg;
	img->snapshots = parsed(&img->o.arena, "ALLOW_ORPHANS=NO\nCURRENT_BASE=\"-1\"\nNEXT_SNAPSHOT=2\n"
					       "SNAPSHOT=[ID=0,PARENT=\"-1\",SIZE=100,CHILDREN=1]\nSNAPSHOT=[ID=1,PARENT=0,SIZE=512,ACTIVE=YES]");
}

struct snapshot { int id; enum image_snapshot_job job; };

static void work_on_snapshot(struct txn *t, void *arg)
{
	const struct snapshot *s = arg;

	image_snapshot_start(t, txn_edit(t, OBJ_IMAGE, 1), s->id, s->job);
}

static void an_image_goes_back_to_a_snapshot(void **state)
{
	(void)state;
	run(add_snapshots, NULL);
	assert_int_equal(run(work_on_snapshot, &(struct snapshot){ 0, IMAGE_SNAPSHOT_REVERT }), ONE_OK);
	assert_string_equal(sent, "SNAP_REVERT 1;");
	assert_non_null(strstr(payload.buf, "<TARGET_SNAPSHOT>0</TARGET_SNAPSHOT>"));
	assert_int_equal(state_of(1), IMAGE_LOCKED);
	assert_int_equal(run(work_on_snapshot, &(struct snapshot){ 0, IMAGE_SNAPSHOT_REVERT }), ONE_ACTION);
	ANSWER("SNAP_REVERT", true, 1, "");
	assert_int_equal(state_of(1), IMAGE_READY);
	assert_int_equal(image(1)->size_mb, 100);
	assert_int_equal(image(1)->target_snapshot, -1);
}

static void a_snapshot_that_cannot_be_deleted_stays(void **state)
{
	(void)state;
	run(add_snapshots, NULL);
	assert_int_equal(run(work_on_snapshot, &(struct snapshot){ 1, IMAGE_SNAPSHOT_DELETE }), ONE_ACTION);
	run(work_on_snapshot, &(struct snapshot){ 0, IMAGE_SNAPSHOT_REVERT });
	ANSWER("SNAP_REVERT", true, 1, "");
	assert_int_equal(run(work_on_snapshot, &(struct snapshot){ 1, IMAGE_SNAPSHOT_DELETE }), ONE_OK);
	ANSWER("SNAP_DELETE", false, 1, "in use");
	assert_int_equal(state_of(1), IMAGE_READY);
	assert_true(has_error(1, "Error removing snapshot 1 from image 1: in use"));
	run(work_on_snapshot, &(struct snapshot){ 1, IMAGE_SNAPSHOT_DELETE });
	ANSWER("SNAP_DELETE", true, 1, "");
	run(work_on_snapshot, &(struct snapshot){ 0, IMAGE_SNAPSHOT_FLATTEN });
	ANSWER("SNAP_FLATTEN", true, 1, "");
	assert_false(image_has_snapshots(image(1)));
}

/* ---- restart ---- */

static void everything_that_waits_is_asked_again(void **state)
{
	int copied = made("NAME=a\nTYPE=OS\nPATH=/srv/os.img\nSIZE=10"), made_new = made("NAME=b\nTYPE=DATABLOCK\nSIZE=10"), clone = 1;

	(void)state;
	run(copy, &clone);
	run(delete, &(struct removal){ 2, false });
	run(take, &(struct taking){ made_new, 1 });
	run(recover, NULL);
	assert_string_equal(sent, "RM 2;CP 6;MKFS 7;CLONE 8;");
	ANSWER("CP", true, copied, "/a raw");
	ANSWER("MKFS", true, made_new, "/b");
	ANSWER("CLONE", true, clone, "/c");
	ANSWER("RM", true, 2, "");
	run(recover, NULL);
	assert_string_equal(sent, "");
	assert_int_equal(state_of(made_new), IMAGE_USED);
}

static void an_interrupted_snapshot_needs_a_person(void **state)
{
	(void)state;
	run(add_snapshots, NULL);
	run(work_on_snapshot, &(struct snapshot){ 0, IMAGE_SNAPSHOT_REVERT });
	run(recover, NULL);
	assert_string_equal(sent, "");
	assert_int_equal(state_of(1), IMAGE_ERROR);
	assert_int_equal(image(1)->target_snapshot, -1);
}

/* ---- quotas ---- */

struct counted { const char *size, *images; };

static void count_for_alice(struct txn *t, void *arg)
{
	struct image *img = txn_edit(t, OBJ_IMAGE, *(int *)arg);

	image_quota_add(t, 2, 1, 100, img->size_mb, 1);
}

static void check_quota(struct txn *t, void *arg)
{
	const struct counted *c = arg;
	const struct quota *q = txn_read(t, OBJ_USER_QUOTA, 2);
	const struct attr *ds = tmpl_find(q->datastore, "DATASTORE");

	if (!c->size) {
		assert_null(ds);
		return;
	}
	assert_string_equal(attr_get(ds, "SIZE_USED"), c->size);
	assert_string_equal(attr_get(ds, "IMAGES_USED"), c->images);
}

static void a_deleted_image_counts_no_longer(void **state)
{
	int id = made("NAME=new\nTYPE=DATABLOCK\nSIZE=10");

	(void)state;
	assert_int_equal(run(count_for_alice, &id), ONE_OK);
	run(check_quota, &(struct counted){ "10", "1" });
	ANSWER("MKFS", true, id, "/b");
	run(delete, &(struct removal){ id, false });
	run(check_quota, &(struct counted){ "10", "1" });
	ANSWER("RM", true, id, "");
	run(check_quota, &(struct counted){ NULL, NULL });
}

static int end(void **state)
{
	strbuf_done(&payload);
	return world_end(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_copied), TEST(of_an_image_made_of_an_app_the_driver_is_told_the_marketplace_after_a_restart_too),
		TEST(a_copy_without_a_format_fails),
		TEST(a_failed_copy_tells_why),
		TEST(an_empty_disk_is_made),
		TEST(an_image_with_a_source_is_ready_at_once),
		TEST(an_answer_that_comes_too_late_changes_nothing),
		TEST(an_image_goes_when_its_contents_are_gone),
		TEST(a_failed_removal_keeps_the_image),
		TEST(an_image_without_contents_goes_at_once),
		TEST(an_image_is_used_until_its_last_vm_gives_it_back),
		TEST(a_persistent_image_has_one_vm),
		TEST(vms_may_wait_for_an_image),
		TEST(a_persistent_image_is_closed_while_it_is_copied),
		TEST(a_failed_copy_opens_its_source_again),
		TEST(a_copy_that_is_deleted_opens_its_source_too),
		TEST(an_image_in_use_is_not_copied_when_it_is_persistent),
		TEST(an_image_goes_back_to_a_snapshot),
		TEST(a_snapshot_that_cannot_be_deleted_stays),
		TEST(everything_that_waits_is_asked_again),
		TEST(an_interrupted_snapshot_needs_a_person),
		TEST(a_deleted_image_counts_no_longer),
	};

	not_sent = "MONITOR";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
