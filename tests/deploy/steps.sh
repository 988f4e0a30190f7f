# The steps of the deployment test and their tally, and how a playbook is run and judged. Sourced by run.

steps_passed=0 steps_failed=0 steps_over=

# step_run NAME COMMAND…: output goes to a log of its own; the end of it is shown when the step fails.
step_run() {
    local name=$1 began=$SECONDS number=$((steps_passed + steps_failed + 1)) log
    shift
    log=$LOGS/$(printf '%02d' "$number").log
    if "$@" >"$log" 2>&1; then
        steps_passed=$((steps_passed + 1))
        printf 'ok %d - %s (%d s)\n' "$number" "$name" $((SECONDS - began))
        printf 'passed deploy: %s\n' "$name" >>"$RESULTS/tally"
        grep -hE '^[0-9]+ requests' "$log" | sed 's/^/    /' || true
        return 0
    fi
    steps_failed=$((steps_failed + 1))
    printf 'not ok %d - %s (%d s); the end of %s:\n' "$number" "$name" $((SECONDS - began)) "$log"
    tail -n 25 "$log" | sed 's/^/    /'
    printf 'failed deploy: %s\n' "$name" >>"$RESULTS/tally"
    return 1
}

# A step without which the rest can't be judged ends the test; any other is counted.
must() { step_run "$@" || { steps_over="stopped there: the rest needs it"; exit 1; }; }
proves() { step_run "$@" || true; }

# steps_end CODE: the last line and the exit code.
steps_end() {
    [ -z "$steps_over" ] || echo "$steps_over"
    if [ "$1" != 0 ] && [ "$steps_failed" = 0 ]; then
        steps_failed=1
        echo "the test itself ended with $1"
    fi
    printf '%d passed, %d failed\n' "$steps_passed" "$steps_failed"
    [ "$steps_failed" = 0 ] && [ "$steps_passed" -gt 0 ] || exit 1
    exit 0
}

lint() { (cd "$ROOT/ansible" && ansible-lint --offline --nocolor --profile production); }

# play LOG PLAYBOOK OPTIONS…: as an operator would call it, from inside the lab's network.
play() {
    local log=$LOGS/$1.log
    shift
    (cd "$ROOT/ansible" && in_lab ansible-playbook -e "@$LAB/vars.yml" "$@") >"$log" 2>&1 || { tail -n 40 "$log"; return 1; }
}

# Every host in the recap: nothing changed, nothing failed, all reached.
play_changes_nothing() {
    local log=$LOGS/$1.log recap
    play "$@" || return 1
    recap=$(sed -n '/^PLAY RECAP/,$p' "$log" | grep 'ok=')
    [ -n "$recap" ] || { echo "no recap in $log"; return 1; }
    if grep -vE 'changed=0 +unreachable=0 +failed=0 ' <<<"$recap"; then
        grep -B3 '^changed:' "$log" || true
        return 1
    fi
}
