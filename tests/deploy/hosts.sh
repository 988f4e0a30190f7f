# Booted systemd hosts on one machine: systemd-nspawn, each in a network namespace of its own behind a bridge in
# the namespace $HOSTS_LAB, where ansible and the load run too. No packet leaves these namespaces. Sourced by run.
#
# Each host has a cgroup of its own, so that it can be ended as a whole: nspawn killed alone would leave its host
# behind. Everything here is ended by what it is (cgroup, namespace name), never by a remembered process number.

HOSTS_LAB=sldep-lab
HOSTS_NETWORK=10.77.0
declare -A host_number=([edge1]=11 [broker1]=12 [worker1]=13 [worker2]=14 [db1]=15)
HOSTS=(edge1 broker1 worker1 worker2 db1)

host_address() { printf '%s.%s' "$HOSTS_NETWORK" "${host_number[$1]}"; }
host_folder() { printf '%s/hosts/%s' "$LAB" "$1"; }

# The cgroup trees in which a host gets a folder: one on a machine with cgroup v2 only, two on a mixed one.
host_cgroups() {
    local tree
    for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
        [ ! -f "$tree/cgroup.procs" ] || printf '%s/sldep-%s\n' "$tree" "$1"
    done
}

in_lab() { ip netns exec "$HOSTS_LAB" "$@"; }

host_make() {
    local name=$1 folder root
    folder=$(host_folder "$name") root=$folder/root
    mkdir -p "$folder"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=$LAB/base,upperdir=$folder/upper,workdir=$folder/work" "$root" || return 1
    echo "$name" >"$root/etc/hostname"
    : >"$root/etc/machine-id"
    install -d -m 700 "$root/root/.ssh"
    install -m 600 "$LAB/id.pub" "$root/root/.ssh/authorized_keys"
    rm -f "$root"/etc/apt/sources.list.d/*
    echo 'deb [trusted=yes] file:/srv/debs ./' >"$root/etc/apt/sources.list"
    mkdir -p "$root/srv/debs"
    ip netns add "sldep-$name"
    ip -n "$HOSTS_LAB" link add "v-$name" type veth peer name host0 netns "sldep-$name" || return 1
    ip -n "$HOSTS_LAB" link set "v-$name" master br0 up
    ip -n "sldep-$name" link set lo up
    ip -n "sldep-$name" addr add "$(host_address "$name")/24" dev host0
    ip -n "sldep-$name" link set host0 up
}

# Boots a host that host_make made; again after a reboot from inside (nspawn then ends with 133).
host_boot() {
    local name=$1 folder
    folder=$(host_folder "$name")
    (
        trap - EXIT INT TERM
        for group in $(host_cgroups "$name"); do
            mkdir -p "$group" && echo "$BASHPID" >"$group/cgroup.procs"
        done
        code=133
        while [ "$code" = 133 ]; do
            code=0
            SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --register=no --keep-unit -q -M "$name" -D "$folder/root" \
                --network-namespace-path="/run/netns/sldep-$name" --resolv-conf=off --timezone=off --link-journal=no \
                --bind-ro="$LAB/debs:/srv/debs" --boot &
            echo $! >"$folder/nspawn"
            wait $! || code=$?
        done
    ) </dev/null >>"$folder/console.log" 2>&1 &
}

# The host's pid 1 as seen from outside.
host_leader() {
    local nspawn
    nspawn=$(cat "$(host_folder "$1")/nspawn" 2>/dev/null) || return 1
    cat "/proc/$nspawn"/task/*/children 2>/dev/null | awk '{ print $1; exit }'
}

# host_inside NAME COMMAND…: runs it in a booted host (there is no machined here for machinectl shell).
host_inside() {
    local leader
    leader=$(host_leader "$1")
    [ -n "$leader" ] || return 1
    shift
    nsenter -t "$leader" -m -u -i -n -p -C -r -w -- "$@"
}

# await SECONDS COMMAND…: until it succeeds. Booting hosts send no event that reaches us, so this one asks again.
await() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        timeout 0.2 tail -f /dev/null || true
    done
}

host_is_up() { [[ $(host_inside "$1" systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]; }

# hosts_await SECONDS NAME…
hosts_await() {
    local seconds=$1 name
    shift
    for name; do await "$seconds" host_is_up "$name" || { echo "host $name did not boot in $seconds s" >&2; return 1; }; done
}

host_kill() {
    local group
    for group in $(host_cgroups "$1"); do
        find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null
    done | sort -un | xargs -r kill -9 2>/dev/null || true
}

host_is_dead() {
    host_kill "$1"
    [ -z "$(for group in $(host_cgroups "$1"); do find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null; done)" ]
}

# The plug is pulled: the cable is out and every process of the host is gone at once. (What it wrote without
# syncing survives in this machine's page cache; tests/faults cuts the power of the disk.)
host_crash() {
    ip -n "$HOSTS_LAB" link set "v-$1" down
    await 10 host_is_dead "$1"
}

host_revive() {
    ip -n "$HOSTS_LAB" link set "v-$1" up
    host_boot "$1"
}

hosts_up() {
    local name
    ip netns add "$HOSTS_LAB" || return 1
    ip -n "$HOSTS_LAB" link set lo up
    ip -n "$HOSTS_LAB" link add br0 type bridge
    ip -n "$HOSTS_LAB" addr add "$HOSTS_NETWORK.1/24" dev br0
    ip -n "$HOSTS_LAB" link set br0 up
    for name; do
        host_make "$name" || return 1
        host_boot "$name"
    done
}

# Ends and removes every host, also one that was only half made, also those of a run that was killed.
hosts_down() {
    local name group
    for name in "${HOSTS[@]}"; do
        await 10 host_is_dead "$name" || echo "host $name does not end" >&2
        ! mountpoint -q "$(host_folder "$name")/root" || umount -l "$(host_folder "$name")/root"
        ip netns del "sldep-$name" 2>/dev/null || true
        for group in $(host_cgroups "$name"); do
            find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        done
        rm -rf --one-file-system "$(host_folder "$name")"
    done
    ip netns del "$HOSTS_LAB" 2>/dev/null || true
}
