# What the scripts of the storage (TM) drivers share (bash). Sourced, never run.
# shellcheck shell=bash disable=SC2016
#
# Their words: places are HOST:PATH, a VM's disk lies at <system datastore>/<vm>/disk.<n>; the last two words are the VM's id
# and the datastore's. They run on the front-end and do their work on the host.

if [ -z "${ONE_LOCATION:-}" ]; then
	ONE_LOCAL_VAR=/var/lib/one ONE_LIB=/usr/lib/one ONE_BIN=/usr/bin
else
	ONE_LOCAL_VAR=$ONE_LOCATION/var ONE_LIB=$ONE_LOCATION/lib ONE_BIN=$ONE_LOCATION/bin
fi
DS_DIR=$ONE_LOCAL_VAR/datastores
REMOTES=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ONE_LOCAL_VAR ONE_LIB DS_DIR

. "$REMOTES/scripts_common.sh"

arg_host() {
	case $1 in
	*:*) printf '%s\n' "${1%%:*}" ;;
	*) printf '%s\n' "$1" ;;
	esac
}

arg_path() { # place [NOFIX]
	local path=$1
	case $path in
	/*) ;;
	*:*) path=${path#*:} ;;
	esac
	if [ "${2:-}" = NOFIX ]; then
		printf '%s\n' "$path"
	else
		fix_dir_slashes "$path"
	fi
}

# Sets HOST and FILE, checked, from a place: split_place NAME place sets NAME_HOST and NAME_PATH.
split_place() {
	local host='' path
	case $2 in
	/*) ;;
	*:*) host=$(arg_host "$2") ;;
	esac
	path=$(arg_path "$2")
	need_safe_path "$path"
	printf -v "${1}_HOST" '%s' "$host"
	printf -v "${1}_PATH" '%s' "$path"
}

# Prints 1 when the path is that of a disk, not of a VM's folder.
is_disk() {
	if [[ $1 =~ /disk\.[0-9]+ ]]; then
		echo 1
	else
		echo 0
	fi
}

make_relative() { # path folder: the path as seen from the folder
	realpath -m -s --relative-to="$2" -- "$1"
}

# The VM as XML. What the front-end's program says about it; ONE_VM_INFO (a file) instead in tests.
vm_xml() {
	if [ -n "${ONE_VM_INFO:-}" ]; then
		cat -- "$ONE_VM_INFO"
	else
		"$ONE_BIN/onecall" one.vm.info "i:$1" b:false
	fi
}

# vm_values VMID NAME=XPATH...: sets each variable from the VM (paths relative to /VM).
vm_values() {
	local id=$1 xml pair value names=() paths=() values=() i
	shift
	[[ $id =~ ^[0-9]+$ ]] || die "Not a VM: '$id'"
	for pair in "$@"; do
		names+=("${pair%%=*}")
		paths+=("/VM/${pair#*=}")
	done
	xml=$(vm_xml "$id") || die "Cannot ask the front-end about VM $id"
	while IFS= read -r -d '' value; do
		values+=("$value")
	done < <(printf '%s' "$xml" | "$REMOTES/datastore/xpath.rb" --stdin "${paths[@]}")
	[ "${#values[@]}" -eq "${#names[@]}" ] || die "Cannot read what the front-end says about VM $id"
	for i in "${!names[@]}"; do
		printf -v "${names[i]}" '%s' "${values[i]}"
	done
}

lcm_state() { # [vmid]
	local LCM=''
	vm_values "${1:-$VMID}" LCM=LCM_STATE
	printf '%s\n' "$LCM"
}

# The number of the disk in a path .../disk.N, as an XPath of the VM's disk.
disk_xpath() {
	local id=${1##*/disk.}
	[[ $id =~ ^[0-9]+$ ]] || die "Not the path of a disk: $1"
	printf 'TEMPLATE/DISK[DISK_ID=%s]' "$id"
}

disk_type() {
	local TYPE=''
	vm_values "$VMID" "TYPE=$(disk_xpath "$DST_PATH")/TYPE"
	printf '%s\n' "$TYPE"
}

# Grows a disk that is to be larger than its image.
grow_disk() { # host path size_mb original_size_mb sparse
	local option=off
	[[ $3 =~ ^[0-9]+$ && $4 =~ ^[0-9]+$ ]] || return 0
	[ "$3" -gt "$4" ] || return 0
	case $5 in no | NO) option=falloc ;; esac
	do_on_host "Error resizing image $2" "$1" 'format=$(qemu-img info -- "$1" | sed -n "s/^file format: //p")
		qemu-img resize -q -f "$format" --preallocation="$3" -- "$1" "$2M"' "$2" "$3" "$option"
}

# A file (and FILE.snap, when it is there) from one host to another, holes kept. TO appears when it is whole.
copy_file() { # from_host from to_host to
	local from_host=$1 from=$2 to_host=$3 to=$4
	local pack='cd -- "${1%/*}"; name=${1##*/}; snap=; [ ! -d "$name.snap" ] || snap=$name.snap
		tar -cSf - -- "$name" $snap'
	local unpack='work=$(mktemp -d -- "${2%/*}/.copy.XXXXXX"); trap "rm -rf -- \"$work\"" EXIT
		tar -xSf - -C "$work"; name=${1##*/}; chmod --reference="${2%/*}" -- "$work" 2>/dev/null || true
		rm -rf -- "$2" "$2.snap"
		[ ! -d "$work/$name.snap" ] || mv -- "$work/$name.snap" "$2.snap"
		mv -- "$work/$name" "$2"'
	if is_local_host "$from_host" && is_local_host "$to_host" && [ ! -d "$from.snap" ]; then
		do_on_host "Error copying $from to $to" "" 'cp -L --sparse=auto --reflink=auto -- "$1" "$2.tmp"
			rm -rf -- "$2" "$2.snap"; mv -- "$2.tmp" "$2"' "$from" "$to"
		return
	fi
	on_host "$from_host" "$pack" "$from" </dev/null | on_host "$to_host" "$unpack" "$from" "$to" ||
		die "Error copying $from_host:$from to $to_host:$to"
}

# An image as seen from the system datastore it is used in: shared storage may be mounted elsewhere on the hosts.
image_on_host() { # image path, disk path
	local datastores image
	datastores=$(dirname -- "$(dirname -- "$(dirname -- "$2")")")
	image=$(dirname -- "$(dirname -- "$1")")
	printf '%s\n' "$datastores${1##"$image"}"
}
