/* Where the driver finds its settings: OpenNebula's own files, so that a site's tuning goes on working. */
#include "drivers/vmm_libvirt/vmm.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include "common/paths.h"
#include "common/tmpl.h"

#define LOCAL_URI "qemu:///system"
#define REMOTE_URI "qemu+ssh://%h/system?no_tty=1"
#define SCRIPTS_DIR "/var/tmp/one"
#define SHUTDOWN_TIMEOUT_S 180
#define SHUTDOWN_TIMEOUT_MAX_S 86400

static bool is_yes(const char *value)
{
	return strcasecmp(value, "yes") == 0;
}

static void take_setting(struct vmm *v, const char *name, const char *value)
{
	long long n;

	if (strcmp(name, "LIBVIRT_URI") == 0 && v->local_uri == NULL)
		v->local_uri = arena_strdup(&v->arena, value);
	else if (strcmp(name, "SHUTDOWN_TIMEOUT") == 0 && value_int(value, &n) && n > 0 && n <= SHUTDOWN_TIMEOUT_MAX_S)
		v->shutdown_timeout_s = (int)n;
	else if (strcmp(name, "FORCE_DESTROY") == 0)
		v->force_destroy = is_yes(value);
	else if (strcmp(name, "CANCEL_NO_ACPI") == 0)
		v->cancel_no_acpi = is_yes(value);
}

/* "export NAME=value" or "NAME=value", the value perhaps in quotes; other lines of the shell script say nothing to us. */
static void take_line(struct vmm *v, char *line)
{
	if (strncmp(line, "export ", 7) == 0)
		line += 7;
	char *equals = strchr(line, '=');
	if (equals == NULL || line == equals || line[0] == '#')
		return;
	*equals = '\0';
	char *value = equals + 1;
	size_t len = strlen(value);
	while (len > 0 && isspace((unsigned char)value[len - 1]))
		value[--len] = '\0';
	if (len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0]) {
		value[len - 1] = '\0';
		value++;
	}
	take_setting(v, line, value);
}

static void read_kvmrc(struct vmm *v)
{
	FILE *f = fopen(arena_printf(&v->arena, "%s/etc/vmm/kvm/kvmrc", v->remotes), "re");
	char line[1024];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		take_line(v, line);
	if (f != NULL)
		fclose(f);
}

/* oned leaves its effective configuration there at its start. */
static void read_config(struct vmm *v)
{
	FILE *f = fopen(arena_printf(&v->arena, "%s/config", v->var), "re");
	char *text = arena_alloc_raw(&v->arena, TMPL_MAX_BYTES);
	size_t len = f != NULL ? fread(text, 1, TMPL_MAX_BYTES - 1, f) : 0;
	struct tmpl *t = tmpl_new(&v->arena);

	if (f != NULL)
		fclose(f);
	text[len] = '\0';
	if (tmpl_parse(t, text, NULL) == ONE_OK)
		v->scripts_dir = tmpl_get_or(t, "SCRIPTS_REMOTE_DIR", v->scripts_dir);
}

void vmm_settings(struct vmm *v)
{
	v->var = paths_join(&v->arena, PATHS_VAR, NULL);
	v->remotes = paths_join(&v->arena, PATHS_REMOTES, NULL);
	v->scripts_dir = SCRIPTS_DIR;
	v->shutdown_timeout_s = SHUTDOWN_TIMEOUT_S;
	v->force_destroy = true;
	if (v->local_uri == NULL && getenv("LIBVIRT_URI") != NULL)
		v->local_uri = getenv("LIBVIRT_URI");
	read_kvmrc(v);
	read_config(v);
	if (v->local_uri == NULL)
		v->local_uri = LOCAL_URI;
	if (v->remote_uri == NULL)
		v->remote_uri = REMOTE_URI;
}
