/* Rows of methods that are the same for most kinds of objects. kind: "document"; a method is then "one.document.rename". */
#ifndef ONED_API_USUAL_H
#define ONED_API_USUAL_H

#include "oned/api/call.h"

/* clang-format off */
#define USUAL_INFO(kind, type, text) \
	{ .name = "one." kind ".info", .params = "id:i decrypt:b=false", .object = type, .right = AUTH_USE, \
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_info, .doc = text }
#define USUAL_POOL(kind, type, text) \
	{ .name = "one." kind "pool.info", .params = "filter:i start:i end:i", .object = type, .right = AUTH_USE, \
	  .flags = M_ZONE_DISABLED, .read = api_pool_info, .doc = text }
#define USUAL_UPDATE(kind, type) \
	{ .name = "one." kind ".update", .params = "id:i template:s append:i=0", .object = type, .right = AUTH_MANAGE, \
	  .prepare = api_prepare_update, .write = api_update, .doc = "Replaces the template, or merges into it." }
#define USUAL_DELETE(kind, type, text) \
	{ .name = "one." kind ".delete", .params = "id:i unused:b=false", .object = type, .right = AUTH_MANAGE, \
	  .flags = M_ID_FIRST, .write = api_delete, .doc = text }
#define USUAL_RENAME(kind, type) \
	{ .name = "one." kind ".rename", .params = "id:i name:s", .object = type, .right = AUTH_MANAGE, .flags = M_NO_RIGHT, \
	  .write = api_rename, .doc = "Gives another name." }
#define USUAL_CHMOD(kind, type) \
	{ .name = "one." kind ".chmod", .params = "id:i uu:i um:i ua:i gu:i gm:i ga:i ou:i om:i oa:i unused:b=false", .object = type, \
	  .right = AUTH_MANAGE, .flags = M_NO_RIGHT, .write = api_chmod, .doc = "Changes permission bits; -1 keeps one." }
#define USUAL_CHOWN(kind, type) \
	{ .name = "one." kind ".chown", .params = "id:i uid:i gid:i", .object = type, .right = AUTH_MANAGE, .flags = M_NO_RIGHT, \
	  .write = api_chown, .doc = "Changes owner and group; -1 keeps one." }
#define USUAL_LOCKS(kind, type) \
	{ .name = "one." kind ".lock", .params = "id:i level:i test:b=false", .object = type, .right = AUTH_MANAGE, \
	  .flags = M_LOCK_EXEMPT, .write = api_lock, .doc = "Locks: 1 USE, 2 MANAGE, 3 ADMIN, 4 ALL." }, \
	{ .name = "one." kind ".unlock", .params = "id:i", .object = type, .right = AUTH_MANAGE, .flags = M_LOCK_EXEMPT, \
	  .write = api_unlock, .doc = "Unlocks." }
/* clang-format on */

#endif
