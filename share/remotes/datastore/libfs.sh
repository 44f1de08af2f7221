# What the scripts of the file-based image datastores share (bash, after scripts_common.sh). Sourced, never run.
# shellcheck shell=bash disable=SC2016
#
# A datastore script gets the action's id as its first word and base64 of <DS_DRIVER_ACTION_DATA> on standard input.

DRIVER_PATH=${DRIVER_PATH:-$(cd "$(dirname "$0")" && pwd)}

# Reads the action and sets a variable from an XPath for each NAME=PATH (relative to DS_DRIVER_ACTION_DATA).
read_action() {
	local paths=() values=() names=() pair value i
	DRV_ACTION=$(cat)
	export DRV_ACTION
	for pair in "$@"; do
		names+=("${pair%%=*}")
		paths+=("/DS_DRIVER_ACTION_DATA/${pair#*=}")
	done
	while IFS= read -r -d '' value; do
		values+=("$value")
	done < <(printf '%s' "$DRV_ACTION" | base64 -d | "$DRIVER_PATH/../xpath.rb" --stdin "${paths[@]}")
	[ "${#values[@]}" -eq "${#names[@]}" ] || die "Cannot read the driver action"
	for i in "${!names[@]}"; do
		printf -v "${names[i]}" '%s' "${values[i]}"
	done
}

# The host the datastore is reached through: one of BRIDGE_LIST, chosen by the action's id so that they share the work.
# Nothing: the datastore is here.
get_destination_host() { # [id]
	local hosts
	read -r -a hosts <<<"${BRIDGE_LIST:-}"
	[ "${#hosts[@]}" -eq 0 ] || printf '%s\n' "${hosts[$((${1:-0} % ${#hosts[@]}))]}"
}

set_up_datastore() { # base_path restricted_dirs safe_dirs
	local var=/var/lib/one etc=/etc/one
	[ -z "${ONE_LOCATION:-}" ] || var=$ONE_LOCATION/var etc=$ONE_LOCATION/etc
	BASE_PATH=$1
	RESTRICTED_DIRS="$var $etc ${HOME:-} $2"
	SAFE_DIRS=$3
	export BASE_PATH RESTRICTED_DIRS SAFE_DIRS
	need_safe_path "$BASE_PATH"
}

generate_image_hash() {
	od -A n -t x1 -N 16 /dev/urandom | tr -d ' \n'
}

generate_image_path() {
	printf '%s/%s\n' "$BASE_PATH" "$(generate_image_hash)"
}

# Does the path lie in one of the folders, or is it one of them?
_in_folders() { # path folder...
	local path=$1 folder
	shift
	for folder in "$@"; do
		folder=$(readlink -m -- "$folder")
		folder=${folder%/}
		[[ $path/ != "$folder"/* ]] || return 0
	done
	return 1
}

# Prints 1 when images must not be taken from there. Links are followed first.
check_restricted() { # path
	local path safe restricted
	path=$(readlink -m -- "$1")
	read -r -a safe <<<"$SAFE_DIRS"
	read -r -a restricted <<<"$RESTRICTED_DIRS"
	if ! _in_folders "$path" "${safe[@]}" && _in_folders "$path" "${restricted[@]}"; then
		echo 1
	else
		echo 0
	fi
}

is_url() {
	case $1 in
	http://* | https://*) return 0 ;;
	*) return 1 ;;
	esac
}

# A value of `qemu-img info` of a file: format or virtual-size.
image_info() { # key file
	$QEMU_IMG info --force-share --output=json -- "$2" 2>/dev/null |
		sed -n "s/^ \{0,4\}\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" | tail -n 1
}

image_format() {
	image_info format "$1"
}

image_vsize() {
	image_info virtual-size "$1"
}
