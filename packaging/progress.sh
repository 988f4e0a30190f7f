# Says what is happening while something long runs. Sourced.

step_no=0
step() {
    step_no=$((step_no + 1))
    printf '\n[%s] %s. %s\n' "$(date +%H:%M:%S)" "$step_no" "$*"
}

say() { printf '    %s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit "${2:-69}"
}

# with_progress LOG WHAT COMMAND…: runs it with its output in LOG; every five seconds one line says how
# far it is (the log's last line). On failure the log's end is shown and its exit code returned.
with_progress() {
    local log=$1 what=$2 began=$SECONDS pid rc=0
    shift 2
    "$@" >>"$log" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        timeout 5 tail --pid="$pid" -f /dev/null || true
        kill -0 "$pid" 2>/dev/null &&
            printf '    … %s, %d s: %s\n' "$what" $((SECONDS - began)) "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-90)"
    done
    wait "$pid" || rc=$?
    if [ "$rc" != 0 ]; then
        printf '%s failed (exit %d). The end of %s:\n' "$what" "$rc" "$log" >&2
        tail -n 20 "$log" >&2
        return "$rc"
    fi
    say "$what: done in $((SECONDS - began)) s"
}
