/* What a permission check costs with many ACL rules:
 *
 *   bench_acl [GROUPS [CHECKS]]
 *
 * GROUPS (2000) groups with the five rules each that a group has in practice, 10,000 in all: what its members may make, and hosts, networks,
 * datastores and clusters. A line a kind of check: by a user of two groups, of all groups, of as many others. The last line is the dearest. */
#include <stdio.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/timeutil.h"
#include "oned/auth/acl.h"
#include "oned/auth/acl_rule.h"

enum { CLUSTERS = 20 };

static struct acl_index *acl;
static int n_groups = 2000, n_checks = 200000, next_rule;

static void rule(uint64_t user, uint64_t resource, unsigned rights)
{
	struct acl_rule r = { .o = { .id = next_rule++ }, .user = user, .resource = resource, .rights = rights, .zone = ACL_ALL };
	struct version v = { .ops = &acl_rule_ops, .id = r.o.id, .obj = &r.o };

	acl_index_publish(acl, OBJ_ACL, r.o.id, &v);
}

static void rules_of_group(int gid)
{
	const uint64_t who = ACL_GROUP | (uint64_t)gid;
	const uint64_t make = ACL_TYPE(OBJ_VM) | ACL_TYPE(OBJ_IMAGE) | ACL_TYPE(OBJ_TEMPLATE) | ACL_TYPE(OBJ_DOCUMENT) |
			      ACL_TYPE(OBJ_SECGROUP) | ACL_TYPE(OBJ_VROUTER) | ACL_TYPE(OBJ_VMGROUP);
	const uint64_t cluster = ACL_CLUSTER | (uint64_t)(100 + gid / 2 % CLUSTERS);

	rule(who, make | ACL_ALL, AUTH_CREATE);
	rule(who, ACL_TYPE(OBJ_HOST) | cluster, AUTH_MANAGE);
	rule(who, ACL_TYPE(OBJ_NET) | cluster, AUTH_USE);
	rule(who, ACL_TYPE(OBJ_DATASTORE) | cluster, AUTH_USE);
	rule(who, ACL_TYPE(OBJ_CLUSTER) | ACL_INDIVIDUAL | (cluster & 0xFFF), AUTH_USE);
}

static double measure(const char *name, const struct identity *who, unsigned rights, const struct auth_target *target)
{
	int64_t begin = time_mono_us();
	int granted = 0;
	double us;

	for (int i = 0; i < n_checks; i++)
		granted += acl_allows(acl, who, rights, target, 0);
	us = (double)(time_mono_us() - begin) / n_checks;
	printf("%-64s %8.3f us  %s\n", name, us, granted ? "granted" : "refused");
	return us;
}

int main(int argc, char **argv)
{
	static const int few_gids[] = { 102, 1500 }, clusters[] = { 100, 105, 119 };
	struct auth_target vm = { .type = OBJ_VM, .oid = 7, .uid = 9, .gid = 102 }, make = { .type = OBJ_VM, .oid = -1, .gid = 102 };
	struct auth_target net = { .type = OBJ_NET, .oid = 7, .uid = 0, .gid = 0, .clusters = clusters, .n_clusters = 3 };
	struct identity few = { .uid = 5, .gid = 102, .gids = few_gids, .n_gids = 2 }, many = { .uid = 6, .gid = 100 }, others = { .uid = 8, .gid = 101 };
	double most = 0, us;
	int *gids, *other_gids;

	n_groups = argc > 1 ? atoi(argv[1]) : n_groups;
	n_checks = argc > 2 ? atoi(argv[2]) : n_checks;
	if (n_groups < 1 || n_checks < 1) {
		fprintf(stderr, "usage: bench_acl [GROUPS [CHECKS]]\n");
		return 2;
	}
	acl = acl_index_new();
	gids = xcalloc((size_t)n_groups, sizeof(*gids));
	other_gids = xcalloc((size_t)n_groups, sizeof(*gids));
	for (int i = 0; i < n_groups; i++) {
		rules_of_group(gids[i] = 100 + 2 * i);
		other_gids[i] = 101 + 2 * i;
	}
	many.gids = gids;
	others.gids = other_gids;
	many.n_gids = others.n_gids = n_groups;
	printf("%d rules, %d groups\n", next_rule, n_groups);
	const struct { const char *name; const struct identity *who; unsigned rights; const struct auth_target *target; } checks[] = {
		{ "USE of a machine of somebody else, 2 groups", &few, AUTH_USE, &vm },
		{ "CREATE of a machine, 2 groups", &few, AUTH_CREATE, &make },
		{ "ADMIN of a network in 3 clusters, 2 groups", &few, AUTH_ADMIN, &net },
		{ "USE of a machine of somebody else, all groups", &many, AUTH_USE, &vm },
		{ "USE of a network in 3 clusters, all groups", &many, AUTH_USE, &net },
		{ "ADMIN of a network in 3 clusters, all groups", &many, AUTH_ADMIN, &net },
		{ "CREATE of a machine, as many groups without a rule", &others, AUTH_CREATE, &make },
	};
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		us = measure(checks[i].name, checks[i].who, checks[i].rights, checks[i].target);
		most = us > most ? us : most;
	}
	printf("dearest %.3f us\n", most);
	acl_index_free(acl);
	free(gids);
	free(other_gids);
	return 0;
}
