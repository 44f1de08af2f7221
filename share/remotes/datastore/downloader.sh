#!/bin/bash
# Copies an image from a file or URL to a file or standard output, unpacking it when it is compressed.
#
#   downloader.sh [--md5 SUM] [--sha1 SUM] [--nodecomp] [--limit RATE] [-c BYTES] FROM [TO]
#
# TO "-" or missing: standard output. The checksums are of what comes in, before it is unpacked. -c: only so much of it.
set -eu -o pipefail

die() {
	echo "$1" >&2
	exit 1
}

md5='' sha1='' unpack=yes limit='' max=''
while [ $# -gt 0 ]; do
	case $1 in
	--md5) md5=$2 && shift 2 ;;
	--sha1) sha1=$2 && shift 2 ;;
	--limit) limit=$2 && shift 2 ;;
	-c | --max-size) max=$2 && shift 2 ;;
	--nodecomp) unpack=no && shift ;;
	-n | --notdecomp) unpack=no && shift ;;
	-?*) die "downloader.sh: unknown option $1" ;;
	*) break ;;
	esac
done
from=${1:?usage: downloader.sh [OPTION...] FROM [TO]}
to=${2:--}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

read_source() {
	case $from in
	http://* | https://*)
		curl --silent --show-error --fail --location --max-redirs 5 --proto =http,https --connect-timeout 30 \
			--speed-limit 1024 --speed-time 60 ${limit:+--limit-rate "$limit"} -- "$from" ;;
	file://*) cat -- "${from#file://}" ;;
	*) cat -- "$from" ;;
	esac
}

# Two readers of one stream: the sums and what goes on. Named pipes, so that the sums are known when the stream ends.
sums() {
	mkfifo "$work/md5" "$work/sha1"
	md5sum <"$work/md5" >"$work/md5.sum" &
	sha1sum <"$work/sha1" >"$work/sha1.sum" &
	tee "$work/md5" "$work/sha1"
	wait
}

check_sum() { # name wanted
	local got
	[ -n "$2" ] || return 0
	got=$(cut -d ' ' -f 1 "$work/$1.sum")
	[ "$got" = "$(printf '%s' "$2" | tr '[:upper:]' '[:lower:]')" ] || die "$1 checksum of $from does not match: $got"
}

# Looks at the first bytes and unpacks what it knows.
unpack_stream() {
	local magic
	[ "$unpack" = yes ] || exec cat
	head -c 6 >"$work/head"
	magic=$(od -A n -t x1 "$work/head" | tr -d ' \n')
	case $magic in
	1f8b*) cat "$work/head" - | gzip -d -c ;;
	425a68*) cat "$work/head" - | bzip2 -d -c ;;
	fd377a585a00) cat "$work/head" - | xz -d -c ;;
	28b52ffd*) cat "$work/head" - | zstd -q -d -c ;;
	*) cat "$work/head" - ;;
	esac
}

copy() {
	if [ -n "$max" ]; then
		# Whoever reads only the beginning breaks the pipe behind it; that is no failure.
		(read_source || true) 2>/dev/null | (unpack_stream 2>/dev/null || true) | head -c "$max"
	elif [ -n "$md5$sha1" ]; then
		read_source | sums | unpack_stream
	else
		read_source | unpack_stream
	fi
}

if [ "$to" = - ]; then
	copy
else
	copy | dd of="$to" bs=1M conv=sparse status=none
	[ -s "$to" ] || die "Nothing could be read from $from"
fi
check_sum md5 "$md5"
check_sum sha1 "$sha1"
