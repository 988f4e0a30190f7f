# What booted hosts need before they boot: a bare Debian 12 tree, a package repository in a folder (so that the
# playbook's real apt tasks run without any network), an ssh key, an inventory. Sourced by run after hosts.sh.
#
# Tree and repository are kept in $LAB between runs and made again when what they should hold has changed. The
# mirror and apt's settings are this machine's own.

# On a bare host: systemd, sshd and python3 (what ansible asks for), and tools to look around.
LAB_TREE_PACKAGES=systemd,systemd-sysv,dbus,libpam-systemd,python3,python3-apt,sudo,iproute2,openssh-server,ca-certificates,procps
# What the playbook installs; the Sluice package's own dependencies are added.
LAB_REPOSITORY_PACKAGES=(postgresql redis-server python3-psycopg2 acl)

# The first Debian archive this machine's apt uses (deb822 or one-line format).
lab_mirror() {
    {
        sed -n 's/^URIs:[[:space:]]*//p' /etc/apt/sources.list.d/*.sources 2>/dev/null
        awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; break } }' \
            /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null
    } | grep -E '/debian/?$' | head -n 1
}

# lab_is_current FILE TEXT: was FILE's neighbour made from the same TEXT?
lab_is_current() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

lab_tree() {
    local tree=$LAB/base mirror
    ! lab_is_current "$LAB/base.made" "$LAB_TREE_PACKAGES" || return 0
    mirror=$(lab_mirror)
    [ -n "$mirror" ] || die "no Debian archive in this machine's apt sources"
    rm -rf --one-file-system "$tree" "$LAB/base.made"
    with_progress "$LAB/debootstrap.log" "bare Debian 12 tree" \
        debootstrap --variant=minbase --include="$LAB_TREE_PACKAGES" bookworm "$tree" "$mirror" || return 1
    rm -f "$tree/etc/apt/sources.list"
    cp -L /etc/resolv.conf /etc/hosts "$tree/etc/" && cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$tree/etc/apt/" || return 1
    [ ! -f /etc/apt/sources.list ] || cp /etc/apt/sources.list "$tree/etc/apt/" || return 1
    printf '%s' "$LAB_TREE_PACKAGES" >"$LAB/base.made"
}

# lab_repository DEB: every package that the playbook may install and that the bare tree lacks.
lab_repository() {
    local work=$LAB/download wanted
    wanted="${LAB_REPOSITORY_PACKAGES[*]} $(dpkg-deb -f "$1" Depends | tr ',' '\n' |
        sed 's/|.*//; s/(.*//; s/[[:space:]]//g' | tr '\n' ' ')"
    ! lab_is_current "$LAB/debs.made" "$wanted" || return 0
    ! mountpoint -q "$work/root" || umount -l "$work/root" # of a run that was killed
    rm -rf --one-file-system "$LAB/debs" "$LAB/debs.made" "$work"
    mkdir -p "$LAB/debs" "$work"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=$LAB/base,upperdir=$work/upper,workdir=$work/work" "$work/root" || return 1
    # shellcheck disable=SC2086 # a list of words
    with_progress "$LAB/download.log" "package repository" chroot "$work/root" sh -ec '
        apt-get update -q
        rm -f /var/cache/apt/archives/*.deb
        apt-get install -y -q --no-install-recommends --download-only "$@"' sh $wanted || { umount "$work/root"; return 1; }
    cp "$work/root"/var/cache/apt/archives/*.deb "$LAB/debs/" || return 1
    umount "$work/root"
    rm -rf --one-file-system "$work"
    (cd "$LAB/debs" && dpkg-scanpackages -m . /dev/null >Packages 2>"$LAB/scan.log") || return 1
    printf '%s' "$wanted" >"$LAB/debs.made"
}

lab_key() {
    [ -f "$LAB/id" ] || ssh-keygen -q -t ed25519 -N '' -C deploy-test -f "$LAB/id"
}

# lab_inventory DEB: writes the inventory, the test's own variables and what ansible needs to reach the hosts.
lab_inventory() {
    {
        printf '[edge]\nedge1 ansible_host=%s\n' "$(host_address edge1)"
        printf '[broker]\nbroker1 ansible_host=%s\n' "$(host_address broker1)"
        printf '[worker]\nworker1 ansible_host=%s\nworker2 ansible_host=%s\n' "$(host_address worker1)" "$(host_address worker2)"
        printf '[postgres]\ndb1 ansible_host=%s\n[redis]\ndb1\n' "$(host_address db1)"
        printf '[all:vars]\nansible_user=root\n'
    } >"$LAB/inventory.ini"
    rm -rf "$LAB/secrets" # every run deploys with fresh ones
    mkdir -m 700 "$LAB/secrets"
    (umask 077 && printf 'whsec_%s\n' "$(head -c 32 /dev/urandom | base64 -w 0)" >"$LAB/secrets/webhook_ward")
    {
        printf 'sluice_network: %s.0/24\nsluice_secrets: %s\nsluice_deb: %s\n' "$HOSTS_NETWORK" "$LAB/secrets" "$1"
        printf 'sluice_webhook_secrets: {ward: "{{ lookup(%s, sluice_secrets ~ %s) }}"}\n' "'ansible.builtin.file'" "'/webhook_ward'"
        printf 'sluice_tokens:\n  - {name: first, studies: NCT007}\n'
        printf '  - {name: nurse, studies: NCT007, role: site, user: nurse, organisation: ward}\n'
    } >"$LAB/vars.yml"
    export ANSIBLE_CONFIG=$ROOT/ansible/ansible.cfg ANSIBLE_INVENTORY=$LAB/inventory.ini ANSIBLE_PRIVATE_KEY_FILE=$LAB/id
    export ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_NOCOLOR=1 ANSIBLE_LOCAL_TEMP=$LAB/ansible
    export ANSIBLE_SSH_CONTROL_PATH_DIR=$LAB/cp
    export ANSIBLE_SSH_ARGS="-o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"
}

# lab_prepare DEB
lab_prepare() { lab_tree && lab_key && lab_repository "$1" && lab_inventory "$1"; }
