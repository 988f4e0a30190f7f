# Installs what is missing, and says what. Sourced by quickstart, check and the bench.

# packages_wanted FILE…: the names in the lists, without comments.
packages_wanted() {
    cat "$@" | sed 's/#.*//' | tr -s ' \n' '\n' | sed '/^$/d' | sort -u
}

# packages_missing NAME…: those not installed.
packages_missing() {
    local have
    have=$(dpkg-query -W -f '${binary:Package} ${db:Status-Abbrev}\n' 2>/dev/null | awk '$2=="ii"{sub(/:.*/,"",$1); print $1}')
    printf '%s\n' "$@" | grep -vxF -f <(printf '%s\n' "$have") || true
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        echo "this needs root to install packages, and there is no sudo here; install them yourself:" >&2
        echo "  apt-get install ${*: -1}" >&2
        return 1
    fi
}

# packages_install LOG FILE…: needs with_progress (progress.sh).
packages_install() {
    local log=$1 missing
    shift
    mapfile -t wanted < <(packages_wanted "$@")
    mapfile -t missing < <(packages_missing "${wanted[@]}")
    if [ ${#missing[@]} = 0 ] || [ -z "${missing[0]}" ]; then return 0; fi
    echo "    installing ${#missing[@]} packages: ${missing[*]}"
    local env=(env DEBIAN_FRONTEND=noninteractive)
    with_progress "$log" "package lists" as_root "${env[@]}" apt-get update -q || return 1
    with_progress "$log" "apt-get install" as_root "${env[@]}" apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "${missing[@]}"
}
