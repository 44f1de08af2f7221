# The quickstart: a private cloud on this machine in one folder, with one running VM. Sourced by install.sh.
# shellcheck shell=bash
#
#   FOLDER/one       the installation ($ONE_LOCATION)     FOLDER/guest      kernel and initramfs of the VM
#   FOLDER/*.pid     what was started                     FOLDER/console.log  what the VM says
#
# Each step looks first at what is there, so it can be run again, also after a step that failed.

QUICK_MARK=.perigee-quickstart
QUICK_BRIDGE=perigee0
QUICK_NAME=quickstart
QUICK_STEPS=9
quick_step_number=0

quick_say() {
	printf '        %s\n' "$*"
}

quick_step() {
	quick_step_number=$((quick_step_number + 1))
	printf '\n[%d/%d] %s\n' "$quick_step_number" "$QUICK_STEPS" "$*"
}

quick_die() {
	printf '\nThe quickstart stopped: %s\n' "$*" >&2
	[ ! -d "$quick" ] || printf 'Logs: %s  -  run it again to go on, or with --stop to remove everything.\n' \
		"$quick/one/var/oned.log" >&2
	exit 1
}

# Waits up to so many seconds until a command succeeds.
quick_wait() { # seconds command...
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$until" ] || return 1
		sleep 0.3
	done
}

quick_paths() { # folder
	quick=$(readlink -m -- "$1")
	case $quick in
	/ | /home | /root | /var | /var/tmp | /tmp | /usr | /etc | /opt | /srv) die "not in $quick itself" ;;
	*[!A-Za-z0-9/._-]*) die "the folder's name may have letters, digits, '.', '_' and '-' only: $quick" ;;
	esac
	export ONE_LOCATION=$quick/one ONE_AUTH=$quick/one_auth HOME=$quick
	[ ! -r "$quick/endpoint" ] || ONE_XMLRPC=$(cat "$quick/endpoint")
	export ONE_XMLRPC=${ONE_XMLRPC:-}
}

# ---- processes ----

# A process of ours that still runs: the number in the file, and the program it was started from.
quick_running() { # name
	local pid exe
	[ -r "$quick/$1.pid" ] || return 1
	pid=$(cat "$quick/$1.pid")
	[[ $pid =~ ^[0-9]+$ ]] || return 1
	exe=$(readlink "/proc/$pid/exe" 2>/dev/null) || return 1
	[ "$(basename -- "${exe% (deleted)}")" = "$1" ]
}

quick_end() { # name: orderly, then not
	local pid
	quick_running "$1" || { rm -f -- "$quick/$1.pid" && return 0; }
	pid=$(cat "$quick/$1.pid")
	kill "$pid" 2>/dev/null || true
	quick_wait 20 test ! -d "/proc/$pid" || kill -9 "$pid" 2>/dev/null || true
	rm -f -- "$quick/$1.pid"
	quick_say "ended $1 ($pid)"
}

quick_start() { # name log command...: in the background, in a session of its own
	local name=$1 log=$2
	shift 2
	setsid "$@" </dev/null >>"$log" 2>&1 &
	echo $! >"$quick/$name.pid"
}

# ---- the hypervisor ----

quick_libvirt_answers() {
	virsh -q -r -c qemu:///system list
}

# Hardware virtualisation is believed when this very guest has booted with it: a device that opens proves nothing.
quick_kvm_works() {
	local pid console=$quick/kvm-trial.log result=1
	[ -c /dev/kvm ] && [ -w /dev/kvm ] || return 1
	rm -f -- "$console"
	timeout -k 2 40 qemu-system-x86_64 -accel kvm -m 128 -nodefaults -no-user-config -display none -no-reboot \
		-serial "file:$console" -kernel "$quick/guest/vmlinuz" -initrd "$quick/guest/initrd.gz" \
		-append 'console=ttyS0 quiet panic=-1' </dev/null >/dev/null 2>&1 &
	pid=$!
	if quick_wait 38 sh -c "grep -q 'Perigee quickstart guest' '$console' || ! kill -0 $pid" && grep -q 'Perigee quickstart guest' "$console"; then
		result=0
	fi
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	return "$result"
}

quick_choose_hypervisor() {
	if [ -r "$quick/hypervisor" ]; then
		hypervisor=$(cat "$quick/hypervisor")
		return
	fi
	quick_say "trying hardware virtualisation with the guest itself (at most 40 s)"
	hypervisor=qemu
	if quick_kvm_works; then
		hypervisor=kvm
	fi
	echo "$hypervisor" >"$quick/hypervisor"
}

# By hand where no service manager runs. A /dev/kvm that doesn't work is hidden: libvirt would probe it again and again.
quick_start_libvirt() {
	local hide=''
	mkdir -p /run/libvirt
	if [ "$hypervisor" = qemu ] && [ -e /dev/kvm ]; then
		hide='mount --bind /dev/null /dev/kvm;'
	fi
	# Only on a machine whose /dev/pts is mounted twice: libvirt moves one of them, and then finds the other.
	if [ "$(grep -c ' /dev/pts devpts ' /proc/self/mounts)" -gt 1 ]; then
		hide="$hide umount /dev/pts;"
	fi
	quick_running virtlogd || quick_start virtlogd "$quick/virtlogd.log" virtlogd
	quick_running libvirtd || quick_start libvirtd "$quick/libvirtd.log" \
		unshare --mount sh -c "$hide exec libvirtd"
	quick_wait 30 quick_libvirt_answers || quick_die "libvirtd does not answer; see $quick/libvirtd.log"
	quick_say "started libvirtd and virtlogd by hand (no service manager runs here)"
}

quick_hypervisor() {
	quick_choose_hypervisor
	if [ "$hypervisor" = kvm ]; then
		quick_say "hardware virtualisation works (KVM)"
	else
		quick_say "no usable KVM here: the VM is emulated (QEMU), slower but the same"
	fi
	if quick_libvirt_answers >/dev/null 2>&1; then
		quick_say "libvirt answers"
	elif [ -d /run/systemd/system ]; then
		systemctl start libvirtd || quick_die "systemctl start libvirtd failed"
		quick_wait 30 quick_libvirt_answers || quick_die "libvirtd does not answer"
		quick_say "started libvirtd.service"
	else
		quick_start_libvirt
	fi
}

# ---- the front-end ----

quick_port_is_free() {
	! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

quick_free_port() { # first
	local port
	for ((port = $1; port < $1 + 200; port++)); do
		if quick_port_is_free "$port"; then
			echo "$port"
			return
		fi
	done
	quick_die "no free TCP port from $1 on"
}

# The installed configuration with what a private instance has to itself: ports, the loopback, its own emulator.
quick_configure() {
	local api events monitor etc=$ONE_LOCATION/etc
	[ ! -r "$quick/endpoint" ] || return 0
	api=$(quick_free_port 2633)
	events=$(quick_free_port 2101)
	monitor=$(quick_free_port 4124)
	sed -i -e "s/^PORT *=.*/PORT = $api/" -e 's/^LISTEN_ADDRESS *=.*/LISTEN_ADDRESS = "127.0.0.1"/' \
		-e "s/-p 2101 -l 2102/-p $events -l $(quick_free_port $((events + 1)))/" "$etc/oned.conf"
	sed -i -e "s/\(  *PORT  *= \)4124/\1$monitor/" -e 's/\(ADDRESS  *= \)"0.0.0.0"/\1"127.0.0.1"/' \
		-e 's/\(MONITOR_HOST  *= \)120/\120/' -e 's/\(MONITOR_VM  *= \)30/\110/' "$etc/monitord.conf"
	sed -i -e "s|^#*ONE_XMLRPC *=.*|ONE_XMLRPC = \"http://127.0.0.1:$api/RPC2\"|" "$etc/sched.conf"
	sed -i -e "s|tcp://127.0.0.1:2101|tcp://127.0.0.1:$events|" "$etc/sched.conf"
	echo 'EMULATOR = "/usr/bin/qemu-system-x86_64"' >>"$etc/vmm_exec/vmm_exec_kvm.conf"
	# The folder may lie where direct I/O doesn't work (tmpfs).
	sed -i 's/CACHE  *= "none"/CACHE = "writeback"/' "$etc/vmm_exec/vmm_exec_kvm.conf"
	echo "http://127.0.0.1:$api/RPC2" >"$quick/endpoint"
	ONE_XMLRPC=$(cat "$quick/endpoint")
	export ONE_XMLRPC
}

quick_password() {
	[ ! -s "$ONE_AUTH" ] || return 0
	(umask 077 && printf 'oneadmin:%s\n' "$(od -A n -t x1 -N 16 /dev/urandom | tr -d ' \n')" >"$ONE_AUTH")
}

quick_call() {
	"$ONE_LOCATION/bin/onecall" -t 30 "$@"
}

quick_front_end() {
	quick_password
	quick_configure
	if [ ! -e "$ONE_LOCATION/var/one.db" ]; then
		"$ONE_LOCATION/bin/oned" -i >>"$quick/oned.out" 2>&1 ||
			quick_die "oned cannot make its database: $(tail -n 1 "$quick/oned.out")"
		quick_say "made the database (SQLite) and its first objects"
	fi
	if ! quick_running oned; then
		quick_start oned "$quick/oned.out" "$ONE_LOCATION/bin/oned" -f
	fi
	quick_wait 30 quick_call one.system.version || quick_die "oned does not answer: $(tail -n 1 "$quick/oned.out")"
	quick_say "oned $(quick_call one.system.version) answers at $ONE_XMLRPC"
	if ! quick_running mm_sched; then
		quick_start mm_sched "$quick/mm_sched.out" "$ONE_LOCATION/bin/mm_sched"
		sleep 0.5
		quick_running mm_sched || quick_die "the scheduler ended: $(tail -n 1 "$quick/mm_sched.out")"
	fi
	quick_say "the scheduler runs"
}

# ---- objects ----

quick_xpath() { # XPath: of the XML on standard input
	"$ONE_LOCATION/bin/onexpath" --stdin "$1" | tr -d '\0'
}

# The id of an object by its name in a pool; nothing when there is none.
quick_find() { # pool method, element, words of the call...
	local method=$1 element=$2
	shift 2
	quick_call "$method" "$@" | quick_xpath "//${element}[NAME='$QUICK_NAME']/ID"
}

# Finds or makes an object; sets found to its id.
quick_ensure() { # what, pool method, element, pool words -- allocate method and words
	local what=$1 pool=$2 element=$3 words=()
	shift 3
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	found=$(quick_find "$pool" "$element" ${words[@]+"${words[@]}"})
	if [ -n "$found" ]; then
		quick_say "$what $found is there"
		return
	fi
	found=$(quick_call "$@") || quick_die "$what: $found"
	quick_say "made $what $found"
}

quick_state() { # method id element: its STATE
	quick_call "$1" "i:$2" ${4:+"$4"} | quick_xpath "/$3/STATE"
}

quick_state_is() { # wanted method id element [word]
	[ "$(quick_state "${@:2}")" = "$1" ]
}

quick_host() {
	local hid
	# The host has this machine's name, which is not the name of other objects.
	hid=$(quick_call one.hostpool.info | quick_xpath "//HOST[NAME='$(hostname)']/ID")
	if [ -z "$hid" ]; then
		hid=$(quick_call one.host.allocate "s:$(hostname)" "s:$hypervisor" "s:$hypervisor" i:0) || quick_die "host: $hid"
		quick_say "registered this machine as host $hid ($(hostname))"
	fi
	quick_wait 60 quick_state_is 2 one.host.info "$hid" HOST b:false ||
		quick_die "host $hid is not monitored: $(quick_call one.host.info "i:$hid" b:false | quick_xpath /HOST/TEMPLATE/ERROR)"
	quick_say "host $hid is monitored: $(quick_host_capacity "$hid")"
}

quick_host_capacity() {
	local xml
	xml=$(quick_call one.host.info "i:$1" b:false)
	printf 'CPU %s %%, memory %s MB' "$(printf '%s' "$xml" | quick_xpath '//HOST_SHARE/TOTAL_CPU')" \
		"$(($(printf '%s' "$xml" | quick_xpath '//HOST_SHARE/TOTAL_MEM') / 1024))"
}

quick_image_state() {
	quick_call one.image.info "i:$1" b:false | quick_xpath /IMAGE/STATE
}

quick_image_is_ready() {
	case $(quick_image_state "$1") in
	1 | 2) return 0 ;;
	*) return 1 ;;
	esac
}

quick_objects() {
	local images system
	quick_ensure "image datastore" one.datastorepool.info DATASTORE -- one.datastore.allocate \
		"s:NAME = $QUICK_NAME
		TYPE = IMAGE_DS
		DS_MAD = fs
		TM_MAD = shared" i:0
	images=$found
	system=$(quick_call one.datastorepool.info | quick_xpath "//DATASTORE[NAME='$QUICK_NAME-system']/ID")
	if [ -z "$system" ]; then
		system=$(quick_call one.datastore.allocate "s:NAME = $QUICK_NAME-system
			TYPE = SYSTEM_DS
			TM_MAD = shared" i:0) || quick_die "system datastore: $system"
		quick_say "made system datastore $system"
	fi
	quick_system=$system
	quick_wait 60 quick_datastore_measured "$images" || quick_die "datastore $images is not measured"
	quick_ensure image one.imagepool.info IMAGE i:-2 i:-1 i:-1 -- one.image.allocate \
		"s:NAME = $QUICK_NAME
		TYPE = DATABLOCK
		DEV_PREFIX = vd
		FORMAT = raw
		FS = ext4
		SIZE = 16" "i:$images"
	quick_image=$found
	quick_wait 60 quick_image_is_ready "$quick_image" || quick_die "image $quick_image is not ready"
	quick_ensure network one.vnpool.info VNET i:-2 i:-1 i:-1 -- one.vn.allocate \
		"s:NAME = $QUICK_NAME
		VN_MAD = bridge
		BRIDGE = $QUICK_BRIDGE
		NETWORK_MASK = 255.255.255.0
		AR = [ TYPE = IP4, IP = 10.177.0.10, SIZE = 50 ]" i:0
	quick_network=$found
	quick_ensure template one.templatepool.info VMTEMPLATE i:-2 i:-1 i:-1 -- one.template.allocate "s:$(quick_template)"
	quick_template_id=$found
}

quick_datastore_measured() {
	local total
	total=$(quick_call one.datastore.info "i:$1" b:false | quick_xpath /DATASTORE/TOTAL_MB)
	[ "${total:-0}" -gt 0 ]
}

quick_template() {
	cat <<END
NAME = $QUICK_NAME
CPU = 0.5
VCPU = 1
MEMORY = 128
OS = [ KERNEL = "$quick/guest/vmlinuz", INITRD = "$quick/guest/initrd.gz", KERNEL_CMD = "console=ttyS0 quiet" ]
FEATURES = [ ACPI = "yes", GUEST_AGENT = "no" ]
DISK = [ IMAGE_ID = $quick_image ]
NIC = [ NETWORK_ID = $quick_network ]
CONTEXT = [ NETWORK = "YES", SET_HOSTNAME = "\$NAME", GREETING = "Hello from Perigee, VM \$VMID" ]
SCHED_DS_REQUIREMENTS = "ID = $quick_system"
RAW = [ TYPE = "kvm", DATA = "<devices><serial type='pty'><log file='$quick/console.log' append='off'/><target port='0'/></serial></devices>" ]
END
}

# ---- the VM ----

# STATE/LCM_STATE in words, for those a VM passes on its way.
quick_vm_words() {
	case $1 in
	1/*) echo PENDING ;;
	2/*) echo HOLD ;;
	3/1) echo PROLOG ;;
	3/2) echo BOOT ;;
	3/3) echo RUNNING ;;
	3/*) echo "ACTIVE ($1)" ;;
	6/*) echo DONE ;;
	8/*) echo POWEROFF ;;
	*) echo "state $1" ;;
	esac
}

quick_vm_state() {
	local xml
	xml=$(quick_call one.vm.info "i:$1" b:false) || return 1
	printf '%s/%s\n' "$(printf '%s' "$xml" | quick_xpath /VM/STATE)" "$(printf '%s' "$xml" | quick_xpath /VM/LCM_STATE)"
}

quick_vm_reason() {
	quick_call one.vm.info "i:$1" b:false | quick_xpath '//USER_TEMPLATE/*[self::ERROR or self::SCHED_MESSAGE]'
}

# Follows the VM to RUNNING and shows each state it passes.
quick_follow_vm() { # id
	local state last='' until=$((SECONDS + 180))
	while [ "$SECONDS" -lt "$until" ]; do
		state=$(quick_vm_state "$1") || quick_die "VM $1 cannot be read"
		if [ "$state" != "$last" ]; then
			quick_say "VM $1: $(quick_vm_words "$state")"
			last=$state
		fi
		case $state in
		3/3) return 0 ;;
		3/36 | 3/37 | 11/* | 6/*) quick_die "VM $1 did not start: $(quick_vm_reason "$1") $(quick_vm_log "$1")" ;;
		esac
		sleep 0.3
	done
	quick_die "VM $1 is still $(quick_vm_words "$last") after 3 minutes. $(quick_vm_reason "$1")"
}

quick_vm_log() {
	tail -n 3 "$ONE_LOCATION/var/$1.log" 2>/dev/null || tail -n 3 "$ONE_LOCATION/var/vms/$1/vm.log" 2>/dev/null || true
}

quick_vm_is_done() {
	[ "$(quick_vm_state "$1")" = 6/0 ]
}

quick_vm() {
	local state=''
	quick_vm_id=$(quick_call one.vmpool.info i:-2 i:-1 i:-1 i:-1 | quick_xpath "//VM[NAME='$QUICK_NAME']/ID")
	[ -z "$quick_vm_id" ] || state=$(quick_vm_state "$quick_vm_id")
	case $state in
	3/36 | 3/37 | 3/4[0-9] | 11/*)
		quick_say "VM $quick_vm_id failed before: it is removed"
		quick_call one.vm.recover "i:$quick_vm_id" i:3 >/dev/null || quick_die "VM $quick_vm_id cannot be removed"
		quick_wait 60 quick_vm_is_done "$quick_vm_id" || quick_die "VM $quick_vm_id does not go away"
		quick_vm_id=''
		;;
	esac
	if [ "$state" = 8/0 ]; then
		quick_say "VM $quick_vm_id is there, powered off: it is resumed"
		quick_call one.vm.action s:resume "i:$quick_vm_id" >/dev/null || quick_die "VM $quick_vm_id cannot be resumed"
	elif [ -n "$quick_vm_id" ]; then
		quick_say "VM $quick_vm_id is there"
	else
		rm -f -- "$quick/console.log"
		quick_vm_id=$(quick_call one.template.instantiate "i:$quick_template_id" "s:$QUICK_NAME" b:false s: b:false) ||
			quick_die "the template cannot be instantiated"
		quick_say "instantiated the template: VM $quick_vm_id"
	fi
	quick_follow_vm "$quick_vm_id"
}

quick_console() {
	quick_say "waiting for the guest to say what its context is (at most 2 minutes)"
	quick_wait 120 grep -q -e '--- context end ---' "$quick/console.log" ||
		quick_die "the guest said nothing of its context on its console, $quick/console.log"
	echo
	tr -d '\r' <"$quick/console.log" | sed -n '/Perigee quickstart guest/,/guest is ready/p' | sed 's/^/        | /'
}

quick_farewell() {
	local ip
	ip=$(quick_call one.vm.info "i:$quick_vm_id" b:false | quick_xpath '/VM/TEMPLATE/NIC/IP')
	cat <<END

The cloud runs, and in it VM $quick_vm_id. To look further (in this shell first: the three exports):

  export ONE_LOCATION=$ONE_LOCATION ONE_AUTH=$ONE_AUTH ONE_XMLRPC=$ONE_XMLRPC
  export PATH=\$ONE_LOCATION/bin:\$PATH

  onecall one.vm.info i:$quick_vm_id b:false                what the cloud knows of the VM, as XML
  onecall one.vm.action s:poweroff i:$quick_vm_id           press its power button (resume: start it again)
  virsh -c qemu:///system console one-$quick_vm_id          its console: a shell after Enter, leave with Ctrl-]
  ip address add 10.177.0.1/24 dev $QUICK_BRIDGE; ping -c 3 ${ip:-10.177.0.10}
  tail -f $ONE_LOCATION/var/oned.log            what the front-end does

Any OpenNebula client works with it: API $ONE_XMLRPC, user and password in $ONE_AUTH.
To stop it and remove everything:  ${PERIGEE_SOURCE:-.}/install.sh --quickstart --stop${1:+ --dir $1}
END
}

# ---- the whole ----

quickstart_run() { # folder
	quick_paths "$1"
	if [ -e "$quick" ] && [ ! -e "$quick/$QUICK_MARK" ] && [ -n "$(ls -A "$quick")" ]; then
		die "$quick is there and not a quickstart's"
	fi
	mkdir -p -- "$quick"
	chmod 755 -- "$quick"
	: >"$quick/$QUICK_MARK"
	quick_step "Packages"
	# shellcheck disable=SC2086,SC2154
	install_packages $BUILD_PACKAGES $RUN_PACKAGES $HOST_PACKAGES $GUEST_PACKAGES
	quick_say "everything that is needed is installed"
	quick_step "Building"
	build_programs
	quick_say "built in ${build:-}"
	quick_step "Installing into $quick/one"
	# shellcheck disable=SC2034 # for install_all; a configuration that was made before stays
	root=$quick/one keep=yes
	set_places
	install_all >/dev/null
	quick_say "programs, drivers, scripts and configuration are there"
	quick_step "The guest: Debian's kernel and a small initramfs"
	"$ONE_LOCATION/share/quickstart/mkguest" "$quick/guest" || quick_die "the guest cannot be built"
	quick_say "$(du -h "$quick/guest/vmlinuz" | cut -f 1) kernel, $(du -h "$quick/guest/initrd.gz" | cut -f 1) initramfs"
	quick_step "The hypervisor"
	quick_hypervisor
	quick_step "The front-end"
	quick_front_end
	quick_step "Host, datastores, image, network, template"
	quick_host
	quick_objects
	quick_step "The virtual machine"
	quick_vm
	quick_step "Its console"
	quick_console
	quick_farewell "$1"
}

# Domains of this quickstart: those whose disks lie in its folder.
quick_end_domains() {
	local uuid
	for uuid in $(virsh -q -c qemu:///system list --all --uuid 2>/dev/null); do
		# Not grep -q: it would leave before virsh has said everything, and that fails the pipe.
		if virsh -c qemu:///system dumpxml "$uuid" 2>/dev/null | grep -F "$quick/one/var/datastores/" >/dev/null; then
			virsh -q -c qemu:///system destroy "$uuid" >/dev/null 2>&1 || true
			quick_say "ended the domain $uuid"
		fi
	done
}

quickstart_stop() { # folder
	quick_paths "$1"
	if [ ! -e "$quick/$QUICK_MARK" ]; then
		echo "there is no quickstart in $quick"
		return
	fi
	echo "Removing the quickstart in $quick"
	quick_end mm_sched
	quick_end oned
	if quick_libvirt_answers >/dev/null 2>&1; then
		quick_end_domains
	elif [ -n "$(ls "/sys/class/net/$QUICK_BRIDGE/brif" 2>/dev/null)" ]; then
		quick_say "libvirt does not answer: its domains are left to you"
	fi
	quick_end libvirtd
	quick_end virtlogd
	if [ -d "/sys/class/net/$QUICK_BRIDGE" ] &&
		quick_wait 5 sh -c "[ -z \"\$(ls /sys/class/net/$QUICK_BRIDGE/brif)\" ]"; then
		ip link delete "$QUICK_BRIDGE"
		quick_say "removed the bridge $QUICK_BRIDGE"
	fi
	rm -rf -- "$quick"
	quick_say "removed $quick; the Debian packages stay"
}
