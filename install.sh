#!/bin/bash
# Installs Perigee: system-wide in OpenNebula's places, or everything below one folder. See usage() below.
set -eu -o pipefail

usage() {
	cat <<'END'
Usage: install.sh [-d ONE_LOCATION] [-u USER] [-g GROUP] [-k] [-l] [-c] [-r]
       install.sh --deps | --check
       install.sh --quickstart [--stop] [--dir FOLDER]

  -d FOLDER     install below this folder (bin, etc, lib, share, var) instead of system-wide; an absolute path
  -u USER       whom the cloud belongs to; default: who runs this, and oneadmin system-wide (made when it is missing)
  -g GROUP      default: the user's group
  -k            keep configuration files that are there
  -l            link to this source tree instead of copying, for development
  -c            client programs only
  -r            remove what was installed; configuration, data and logs stay
  -h            this help

  --deps        install the Debian packages that building and running need
  --check       install what the tests need, build, and run the whole suite; BUILD=asan (or tsan): under that sanitizer
  --quickstart  a private cloud with one running VM, in a folder of its own; --stop removes all of it again
  --dir FOLDER  that folder; default /var/tmp/perigee-quickstart

DESTDIR is put before all system-wide paths, for packages.
END
}

die() {
	echo "install.sh: $*" >&2
	exit 1
}

source_dir=$(cd "$(dirname "$0")" && pwd)
root='' user='' group='' keep=no link=no client=no action=install quick_dir=/var/tmp/perigee-quickstart stop=no

parse_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		-d) root=${2:?-d needs a folder} && shift ;;
		-u) user=${2:?-u needs a name} && shift ;;
		-g) group=${2:?-g needs a name} && shift ;;
		-k) keep=yes ;;
		-l) link=yes ;;
		-c) client=yes ;;
		-r) action=remove ;;
		-h | --help) usage && exit 0 ;;
		--deps) action=deps ;;
		--check) action=check ;;
		--quickstart) action=quickstart ;;
		--stop) stop=yes ;;
		--dir) quick_dir=${2:?--dir needs a folder} && shift ;;
		*) usage >&2 && die "unknown option $1" ;;
		esac
		shift
	done
	case $root in
	'' | /*) root=${root%/} ;;
	*) die "-d needs an absolute path" ;;
	esac
}

# ---- where things go ----

set_places() {
	local destdir=${DESTDIR:-}
	if [ -n "$root" ]; then
		bin=$root/bin lib=$root/lib etc=$root/etc share=$root/share var=$root/var log=$root/var run=$root/var lock=$root/var
		man=$root/share/man units=''
	else
		bin=$destdir/usr/bin lib=$destdir/usr/lib/one etc=$destdir/etc/one share=$destdir/usr/share/one
		var=$destdir/var/lib/one log=$destdir/var/log/one run=$destdir/var/run/one lock=$destdir/var/lock/one
		man=$destdir/usr/share/man units=$destdir/lib/systemd/system
	fi
}

# Programs by kind: clients, daemons, and the drivers that oned starts.
client_programs() {
	find "$source_dir/share/cli" -name '*.c' -exec basename {} .c \;
}

driver_programs() {
	local name
	for name in "$build"/bin/one_* "$build"/bin/onemonitord; do
		[ ! -x "$name" ] || basename "$name"
	done
}

# The programs that one_auth_mad asks, by the names of their drivers.
authn_drivers() {
	find "$source_dir/drivers/authn/programs" -name '*.c' -exec basename {} .c \;
}

# ---- packages ----

BUILD_PACKAGES="scons gcc libc6-dev libxml2-dev libssl-dev zlib1g-dev libsqlite3-dev libmariadb-dev libcurl4-openssl-dev
	libxmlrpc-core-c3-dev libvirt-dev libzmq3-dev libcmocka-dev libldap-dev libyaml-dev libpcre2-dev"
RUN_PACKAGES="openssh-client curl qemu-utils genisoimage e2fsprogs bzip2 xz-utils"
HOST_PACKAGES="libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 iproute2"
TEST_PACKAGES="python3 mariadb-server libxml2-utils procps openssl slapd ldap-utils"
# shellcheck disable=SC2034 # for the quickstart
GUEST_PACKAGES="busybox-static cpio"

install_packages() { # package...
	local missing=() package
	for package in "$@"; do
		dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -q -x installed || missing+=("$package")
	done
	[ "${#missing[@]}" -gt 0 ] || return 0
	[ "$(id -u)" -eq 0 ] || die "root must install these packages: ${missing[*]}"
	command -v apt-get >/dev/null || die "this system has no apt-get; it needs what Debian calls: ${missing[*]}"
	echo "installing ${missing[*]}"
	DEBIAN_FRONTEND=noninteractive apt-get -q -q -o Dpkg::Use-Pty=0 install -y --no-install-recommends "${missing[@]}" >/dev/null ||
		{ apt-get -q -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -q -o Dpkg::Use-Pty=0 install -y \
			--no-install-recommends "${missing[@]}" >/dev/null; }
}

# The tests start servers of their own: none of these packages' services is to run here.
install_test_packages() (
	policy=/usr/sbin/policy-rc.d
	if [ "$(id -u)" -eq 0 ] && [ ! -e "$policy" ]; then
		trap 'rm -f -- "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	if [ "$(id -u)" -eq 0 ] && [ ! -x /usr/sbin/slapd ]; then
		echo 'slapd slapd/no_configuration boolean true' | debconf-set-selections # without one it doesn't start at a boot either
	fi
	# shellcheck disable=SC2086
	install_packages $TEST_PACKAGES
)

deps() {
	# shellcheck disable=SC2086
	install_packages $BUILD_PACKAGES $RUN_PACKAGES $HOST_PACKAGES
	echo "all packages are installed"
}

# ---- building ----

build_programs() {
	build=$source_dir/build/release
	command -v scons >/dev/null || die "scons is missing; install.sh --deps installs what building needs"
	(cd "$source_dir" && scons -s -Q -j "$(nproc)" build=release programs) || die "building failed"
	[ -x "$build/bin/oned" ] || die "building made no oned"
}

# ---- installing ----

set_owner() {
	if [ -z "$user" ]; then
		user=$(id -u -n)
		[ -n "$root" ] || [ "$(id -u)" -ne 0 ] || user=oneadmin
	fi
	if ! id "$user" >/dev/null 2>&1; then
		if [ "$user" != oneadmin ] || [ -n "${DESTDIR:-}" ] || [ "$(id -u)" -ne 0 ]; then
			die "there is no user $user"
		fi
		useradd --system --user-group --home-dir /var/lib/one --shell /bin/bash oneadmin
		echo "made the user oneadmin"
	fi
	[ -n "$group" ] || group=$(id -g -n "$user")
}

# To whom a path belongs: only root can give things away.
own() { # path...
	[ "$(id -u)" -ne 0 ] || chown -h "$user:$group" -- "$@"
}

put() { # mode source destination
	local mode=$1 from=$2 to=$3
	mkdir -p -- "$(dirname -- "$to")"
	rm -f -- "$to"
	if [ "$link" = yes ]; then
		ln -s -- "$from" "$to"
	else
		install -m "$mode" -- "$from" "$to"
	fi
	[ -z "$root" ] || own "$to"
}

# A configuration file: kept with -k, else the old one is put aside.
put_config() { # source destination
	local from=$1 to=$2
	if [ -e "$to" ] && [ "$keep" = yes ]; then
		return
	fi
	if [ -e "$to" ] && ! cmp -s -- "$from" "$to"; then
		mv -- "$to" "$to.$(date +%Y%m%d%H%M%S)"
		echo "kept your $to aside"
	fi
	put 640 "$from" "$to"
	own "$to"
}

install_programs() {
	local name
	for name in $(client_programs); do
		put 755 "$build/bin/$name" "$bin/$name"
	done
	[ "$client" = no ] || return 0
	put 755 "$build/bin/oned" "$bin/oned"
	put 755 "$build/bin/mm_sched" "$bin/mm_sched"
	for name in $(driver_programs); do
		put 755 "$build/bin/$name" "$lib/mads/$name"
	done
	put 644 "$source_dir/share/remotes/scripts_common.sh" "$lib/sh/scripts_common.sh"
}

install_configuration() {
	local file name
	while IFS= read -r -d '' file; do
		name=${file#"$source_dir/share/etc/"}
		put_config "$file" "$etc/$name"
	done < <(find "$source_dir/share/etc" -type f -print0)
	own "$etc"
}

# The scripts for hosts and datastores. They are the site's to change, so with -k changed ones stay.
install_remotes() {
	local file name
	while IFS= read -r -d '' file; do
		name=${file#"$source_dir/share/remotes/"}
		mkdir -p -- "$var/remotes/$(dirname -- "$name")"
		if [ -L "$file" ]; then
			ln -sfn -- "$(readlink -- "$file")" "$var/remotes/$name"
		elif [[ $name == etc/* ]]; then
			put_config "$file" "$var/remotes/$name"
		else
			put "$([ -x "$file" ] && echo 755 || echo 644)" "$file" "$var/remotes/$name"
		fi
	done < <(find "$source_dir/share/remotes" \( -type f -o -type l \) -print0)
	put 755 "$build/bin/onexpath" "$var/remotes/datastore/xpath.rb"
	for name in $(authn_drivers); do
		put 755 "$build/bin/authn_$name" "$var/remotes/auth/$name/authenticate"
	done
	[ "$(id -u)" -ne 0 ] || chown -R -h "$user:$group" -- "$var/remotes"
}

install_share() {
	local file
	for file in "$source_dir"/share/quickstart/*; do
		put 755 "$file" "$share/quickstart/$(basename -- "$file")"
	done
	for file in "$source_dir"/share/man/*; do
		[ ! -f "$file" ] || put 644 "$file" "$man/man${file##*.}/$(basename -- "$file")"
	done
	if [ -n "$units" ]; then
		for file in "$source_dir"/share/systemd/*.service; do
			put 644 "$file" "$units/$(basename -- "$file")"
		done
	fi
}

make_folders() {
	local folder
	for folder in "$etc" "$etc/auth" "$etc/auth/certificates" "$var" "$var/datastores" "$var/datastores/0" "$var/datastores/1" \
		"$var/datastores/2" "$var/vms" "$log" "$run" "$lock"; do
		mkdir -p -- "$folder"
		own "$folder"
	done
	# The hypervisor's user passes through to the disks; what is secret is a file of its own there.
	chmod 755 -- "$var" "$var/datastores" "$var/datastores/0"
	chmod 750 -- "$etc" "$etc/auth" "$var/vms"
}

install_all() {
	build_programs
	set_owner
	if [ "$client" = no ]; then
		make_folders
	fi
	install_programs
	if [ "$client" = no ]; then
		install_configuration
		install_remotes
		install_share
	fi
	echo "Perigee is installed${root:+ in $root} (user $user)"
	if [ "$client" = no ] && [ -z "$root" ] && [ -z "${DESTDIR:-}" ]; then
		echo "Next: put \"oneadmin:PASSWORD\" into ~$user/.one/one_auth (mode 600), then systemctl enable --now opennebula"
	fi
}

# ---- removing ----

# A file that was put there from this source tree: by its name, whatever its content is now.
remove_all() {
	local file name
	build=$source_dir/build/release
	for name in $(client_programs) oned mm_sched; do
		rm -f -- "$bin/$name"
	done
	rm -rf -- "${lib:?}/mads" "${lib:?}/sh" "${share:?}/quickstart"
	while IFS= read -r -d '' file; do
		name=${file#"$source_dir/share/remotes/"}
		[[ $name == etc/* ]] || rm -f -- "$var/remotes/$name"
	done < <(find "$source_dir/share/remotes" \( -type f -o -type l \) -print0)
	rm -f -- "$var/remotes/datastore/xpath.rb"
	for name in $(authn_drivers); do
		rm -f -- "$var/remotes/auth/$name/authenticate"
	done
	[ ! -d "$var/remotes" ] || find "$var/remotes" -depth -type d -empty -delete
	for file in "$source_dir"/share/man/*; do
		rm -f -- "$man/man${file##*.}/$(basename -- "$file")"
	done
	if [ -n "$units" ]; then
		rm -f -- "$units/opennebula.service" "$units/opennebula-scheduler.service"
	fi
	rmdir -- "$lib" "$share" "$bin" 2>/dev/null || true
	echo "Perigee is removed; $etc, $var and $log are still there"
}

# ---- the test suite ----

# Which build is tested: BUILD=asan or tsan for the sanitizers.
check_all() {
	local kind=${BUILD:-debug}
	# shellcheck disable=SC2086
	install_packages $BUILD_PACKAGES $RUN_PACKAGES $HOST_PACKAGES
	install_test_packages
	cd "$source_dir"
	echo "building ($kind)"
	scons -s -Q -j "$(nproc)" "build=$kind" programs || die "building failed"
	echo "unit tests"
	scons -s -Q -j "$(nproc)" "build=$kind" check || die "unit tests failed"
	echo "functional tests"
	tests/func/run "build/$kind" || die "functional tests failed"
}

quickstart() {
	export PERIGEE_SOURCE=$source_dir
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || die "the quickstart needs root: it starts a hypervisor and makes a bridge"
		exec sudo -E "$source_dir/install.sh" --quickstart ${stop:+$([ "$stop" = no ] || echo --stop)} --dir "$quick_dir"
	fi
	# shellcheck source=share/quickstart/quickstart.sh
	. "$source_dir/share/quickstart/quickstart.sh"
	if [ "$stop" = yes ]; then
		quickstart_stop "$quick_dir"
	else
		quickstart_run "$quick_dir"
	fi
}

parse_options "$@"
set_places
case $action in
install) install_all ;;
remove) remove_all ;;
deps) deps ;;
check) check_all ;;
quickstart) quickstart ;;
esac
