# Functions of the storage and network scripts (bash). Sourced, never run.
# shellcheck shell=bash disable=SC2086,SC2016
#
# The names that OpenNebula's scripts have stand for the same here, so that drivers written for it work: log*, error_message,
# exec_and_log, multiline_exec_and_log, ssh_exec_and_log, ssh_monitor_and_log, monitor_and_log, ssh_make_path, retry, retry_if,
# exclusive, mkfs_command, xml_esc... Perigee's own scripts use on_host instead: words stay words there, however they look.
#
# What a script says: standard output is its answer, standard error goes to the log ("ERROR: text" gives the severity), and the
# last line of standard error is what the user sees when the exit code isn't 0.

export LANG=C LC_ALL=C
# Images and the folders they lie in are read by the hypervisor's user too.
umask 022
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

AWK=${AWK:-awk} BASH=${BASH:-bash} CUT=${CUT:-cut} DATE=${DATE:-date} DD=${DD:-dd} DF=${DF:-df} DU=${DU:-du}
GREP=${GREP:-grep} LN=${LN:-ln} MD5SUM=${MD5SUM:-md5sum} MKFS=${MKFS:-mkfs} MKISOFS=${MKISOFS:-genisoimage}
MKSWAP=${MKSWAP:-mkswap} QEMU_IMG=${QEMU_IMG:-qemu-img} READLINK=${READLINK:-readlink} RM=${RM:-rm} CP=${CP:-cp}
SED=${SED:-sed -r} SSH=${SSH:-ssh} SUDO=${SUDO:-sudo -n} SYNC=${SYNC:-sync} TAR=${TAR:-tar} TR=${TR:-tr} WGET=${WGET:-wget}
CEPH=${CEPH:-ceph} RADOS=${RADOS:-rados} RBD=${RBD:-rbd}
LVCREATE=${LVCREATE:-lvcreate} LVREMOVE=${LVREMOVE:-lvremove} LVCHANGE=${LVCHANGE:-lvchange} LVSCAN=${LVSCAN:-lvscan}
LVEXTEND=${LVEXTEND:-lvextend} LVS=${LVS:-lvs} VGDISPLAY=${VGDISPLAY:-vgdisplay}
SSH_FWD=${SSH_FWD:-ssh -o ForwardAgent=yes -o ControlMaster=no -o ControlPath=none}
SCRIPT_NAME=$(basename -- "$0")

# ---- messages ----

log_function() { # severity text
	printf '%s: %s: %s\n' "$1" "$SCRIPT_NAME" "$2" >&2
}

log_info() {
	log_function INFO "$1"
}

log() {
	log_info "$1"
}

log_error() {
	log_function ERROR "$1"
}

log_debug() {
	log_function DEBUG "$1"
}

log_date() {
	$DATE +'%a %b %d %T %Y'
}

error_message() {
	printf '%s\n' "$1" >&2
}

die() {
	error_message "$1"
	exit 1
}

# ---- words and paths ----

# One slash where there are several, none at the end.
fix_dir_slashes() {
	local path
	path=$(printf '%s' "$1" | tr -s /)
	[ "$path" = / ] || path=${path%/}
	printf '%s\n' "$path"
}

contains() { # list word separator: is the word in the list?
	local list=$3$1$3
	[ "${list#*"$3$2$3"}" != "$list" ]
}

is_yes() {
	case $1 in
	yes | YES | Yes | true | TRUE | True) return 0 ;;
	*) return 1 ;;
	esac
}

xml_esc() {
	local text=$1
	text=${text//&/&amp;}
	text=${text//</&lt;}
	text=${text//>/&gt;}
	text=${text//\"/&quot;}
	printf '%s\n' "${text//\'/&apos;}"
}

# Absolute, without a step back, on one line.
path_is_safe() {
	case $1 in
	*$'\n'* | */../* | */.. | ../*) return 1 ;;
	/?*) return 0 ;;
	*) return 1 ;;
	esac
}

need_safe_path() { # path...
	local path
	for path in "$@"; do
		path_is_safe "$path" || die "Not a path that may be worked on: '$path'"
	done
}

# ---- running ----

# Is this host the machine we run on?
is_local_host() {
	case $1 in
	'' | localhost | 127.0.0.1 | ::1) return 0 ;;
	*) [ "$1" = "$(hostname)" ] || [ "$1" = "${ONE_LOCAL_HOST:-}" ] ;;
	esac
}

# The words as any shell reads them back.
quote_words() {
	local word
	for word in "$@"; do
		printf "'%s' " "${word//\'/\'\\\'\'}"
	done
}

# on_host HOST SCRIPT [WORD...]: runs a bash script on a host with the words as $1, $2...; standard input is the script's.
on_host() {
	local host=$1 script="set -eu -o pipefail; umask 022; $2"
	shift 2
	if is_local_host "$host"; then
		bash -c "$script" script "$@"
		return
	fi
	case $host in
	-* | *[!A-Za-z0-9._:-]*) die "'$host' is not the name of a host" ;;
	esac
	$SSH -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=10 -o ServerAliveCountMax=6 "$host" \
		"$(quote_words env LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			bash -c "$script" script "$@")"
}

# The same with nothing on standard input; a failure ends the script with the message.
do_on_host() { # message HOST SCRIPT [WORD...]
	local message=$1 output
	shift
	if ! output=$(on_host "$@" 2>&1 >/dev/null </dev/null); then
		[ -z "$output" ] || log_error "$(printf '%s' "$output" | tail -n 20 | tr '\n' ' ')"
		die "$message${output:+: $(printf '%s' "$output" | tail -n 1)}"
	fi
}

# ---- the same under OpenNebula's names: whole commands as text ----

_run_and_log() { # exit? message text command...
	local leave=$1 message=$2 text=$3 output status=0
	shift 3
	output=$("$@" 2>&1 >/dev/null) || status=$?
	[ "$status" -eq 0 ] && return 0
	log_error "Command \"$text\" failed: $output"
	error_message "${message:-Error executing \"$text\": $output}"
	[ "$leave" = no ] || exit "$status"
	return "$status"
}

exec_and_log() { # command [message]
	local words
	read -r -a words <<<"$1"
	_run_and_log yes "${2:-}" "$1" "${words[@]}"
}

multiline_exec_and_log() {
	_run_and_log yes "${2:-}" "$1" bash -c "$1"
}

exec_and_set_error() { # sets ERROR instead of leaving
	local output
	ERROR=
	if ! output=$(bash -c "$1" 2>&1 >/dev/null); then
		log_error "Command \"$1\" failed: $output"
		ERROR=${2:-Error executing $1: $output}
	fi
	export ERROR
}

multiline_exec_and_set_error() {
	exec_and_set_error "$@"
}

monitor_and_log() { # command [name]: its output
	local output status=0
	output=$(bash -c "$1" 2>/dev/null) || status=$?
	if [ "$status" -ne 0 ]; then
		log_error "Command \"${2:-$1}\" failed: $output"
		exit "$status"
	fi
	printf '%s\n' "$output"
}

timeout_exec_and_log() { # seconds command
	_run_and_log yes "" "$2" timeout "$1" bash -c "$2"
}

ssh_exec_and_log() { # host command [message]
	_run_and_log yes "${3:-}" "$2" $SSH "$1" bash -s <<<"$2"
}

ssh_exec_and_log_no_error() { # host command [message [exit code that is right too]]
	local status=0
	_run_and_log no "${3:-}" "$2" $SSH "$1" bash -s <<<"$2" || status=$?
	[ "$status" = "${4:-0}" ] || return "$status"
}

ssh_exec_and_log_stdin() { # host command [message]: the command reads our standard input
	_run_and_log yes "${3:-}" "$2" $SSH "$1" "$2"
}

ssh_monitor_and_log() { # host command [name]
	local output status=0
	output=$($SSH "$1" bash -s 2>/dev/null <<<"$2") || status=$?
	if [ "$status" -ne 0 ]; then
		log_error "Command \"${3:-$2}\" failed on $1: $output"
		exit "$status"
	fi
	printf '%s\n' "$output"
}

ssh_forward() { # command...: with the ssh agent forwarded
	SSH=$SSH_FWD "$@"
}

ssh_make_path() { # host folder
	do_on_host "Error creating directory $2 at $1" "$1" 'mkdir -p -- "$1"' "$2"
}

retry() { # times command: each second until it succeeds
	local left=$1
	while ! $2 >/dev/null; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 1
	done
}

# Runs a command again, up to `tries` times, while its error output matches.
retry_if_no_error() { # pattern tries pause command...
	local pattern=$1 tries=$2 pause=$3 errors status=0
	shift 3
	errors=$(mktemp)
	while true; do
		status=0
		("$@") 2>"$errors" || status=$?
		tries=$((tries - 1))
		if [ "$status" -eq 0 ] || [ "$tries" -le 0 ] || ! grep -q -- "$pattern" "$errors"; then
			break
		fi
		sleep "$pause"
	done
	cat "$errors" >&2
	rm -f -- "$errors"
	return "$status"
}

retry_if() {
	retry_if_no_error "$@"
	exit $?
}

exclusive() { # name seconds command...: holds a lock of this machine meanwhile
	local seconds=$2 file=/var/lock/one/$1
	[ -z "${ONE_LOCATION:-}" ] || file=$ONE_LOCATION/var/lock-$1
	shift 2
	(
		flock -w "$seconds" 9 || die "Could not acquire exclusive lock on $file"
		"$@"
	) 9>"$file"
}

# ---- images ----

# Prints the commands that make an image: path format size_mb supported_fs [fs [options]].
mkfs_command() {
	local path=$1 format=$2 size=${3:-0} fs=${5:-} options=${6:-} image=raw
	[ "$format" = qcow2 ] && image=qcow2
	if [ -z "$fs" ]; then
		printf '%s create -f %s %q %qM\n' "$QEMU_IMG" "$image" "$path" "$size"
	else
		contains "$4" "$fs" , || die "Unsupported file system type: $fs. Supported types are: $4"
		printf '%s create -f raw %q %qM\n' "$QEMU_IMG" "$path" "$size"
		case $fs in
		xfs) printf '%s.xfs -q -f %s %q\n' "$MKFS" "$options" "$path" ;;
		*) printf '%s -t %s -q -F %s %q\n' "$MKFS" "$fs" "$options" "$path" ;;
		esac
		[ "$image" = raw ] || printf '%s convert -f raw -O %s %q %q && mv -- %q %q\n' "$QEMU_IMG" "$image" \
			"$path" "$path.tmp" "$path.tmp" "$path"
	fi
	[ "$format" != swap ] || printf '%s -L swap %q\n' "$MKSWAP" "$path"
}

# ---- monitoring of system datastores that lie on the hosts ----

enable_local_monitoring() { # host VM's folder, driver
	do_on_host "Error creating .monitor at $1" "$1" 'f=$(dirname -- "$1")/.monitor
		[ -f "$f" ] && [ "$(cat "$f")" = "$2" ] || printf "%s\n" "$2" >"$f"' "$2" "$3"
}

disable_local_monitoring() { # host VM's folder
	do_on_host "Error removing .monitor at $1" "$1" 'rm -f -- "$(dirname -- "$1")/.monitor"' "$2"
}
