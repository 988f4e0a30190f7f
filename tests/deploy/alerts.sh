# The clinical way over booted hosts: a form that alerts, its webhook at a receiver on worker2, the nurse's answer,
# the audit trail, and who can read which key. Sourced by run.

RECEIVER_PORT=9000
ALERT_STUDY=NCT007

# The study with a recipient, and the form that alerts: files in the lab.
alert_files() {
    /usr/bin/python3 - "$ROOT/schemas/examples/study-$ALERT_STUDY.json" "http://$(host_address worker2):$RECEIVER_PORT/ward" \
        "$LAB/study.json" "$LAB/form.json" <<'PY'
import datetime, json, sys
study_file, url, study_out, form_out = sys.argv[1:]
with open(study_file) as f:
    study = json.load(f)
study["recipients"] = {"ward": {"webhook": {"url": url, "secretFile": "ward"}, "roles": ["site"]}}
study["alerts"] = {"phq9-item-9": {"recipients": ["ward"]}}
with open(study_out, "w") as f:
    json.dump(study, f)
now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
with open(form_out, "w") as f:
    json.dump({"subjectId": "SUB123", "questionnaire": "phq-9", "version": "1.0", "submitAt": now,
               "answers": {**{f"PHQ010{n}": 1 for n in range(1, 9)}, "PHQ0109": 2}}, f)
PY
}

# to_host HOST FILE PATH: a file into a booted host, readable by its root only.
to_host() { install -m 600 "$2" "$(host_folder "$1")/root$3"; }

receiver_listens() { host_inside worker2 ss -Htln | grep -qF "$(host_address worker2):$RECEIVER_PORT "; }
receiver_start() {
    to_host worker2 tests/deploy/receiver.py /root/receiver.py && to_host worker2 "$LAB/secrets/webhook_ward" /root/receiver.secret &&
        host_inside worker2 systemd-run -q --unit=receiver /usr/bin/python3 /root/receiver.py \
            "$(host_address worker2):$RECEIVER_PORT" /root/receiver.secret /root/received && await 20 receiver_listens
}

alerting_study_load() {
    alert_files && to_host broker1 "$LAB/study.json" /root/study.json &&
        ctl questionnaire load /usr/share/sluice/questionnaires/phq-9.json --study "$ALERT_STUDY" --yes &&
        ctl study load /root/study.json --yes
}

alert_row() { sql "select alert_id from sluice.alerts where rule_id = 'phq9-item-9' and severity = 'urgent' and study = '$ALERT_STUDY'"; }
# One alert, and the receiver had it: signed, with the id that the database has.
alert_received() {
    local id
    id=$(alert_row) && [ -n "$id" ] &&
        grep '"good": true' "$(host_folder worker2)/root/root/received" 2>/dev/null | grep -q "\"alertId\": \"$id\""
}

# From the edge's host, as whoever runs it would; the receiver may get it twice, but never as another alert.
alert_reaches_the_ward() {
    to_host edge1 "$LAB/form.json" /root/form.json || return 1
    host_inside edge1 sluicectl submit /root/form.json || return 1
    await 20 alert_received || { cat "$(host_folder worker2)/root/root/received"; return 1; }
    ! grep -F '"good": false' "$(host_folder worker2)/root/root/received"
}

# alert_act VERB ID: with the nurse's token, which stays on the host.
alert_act() {
    # shellcheck disable=SC2016 # for the host's shell
    host_inside edge1 sh -c 'SLUICE_TOKEN=$(sed -n "s/ .*user=nurse.*//p" /etc/sluice/tokens) && export SLUICE_TOKEN && exec sluicectl alerts "$1" --study "$2" --yes "$3"' \
        sh "$1" "$ALERT_STUDY" "$2"
}
alert_is() { [ "$(sql "select state from sluice.alerts where alert_id = '$1'")" = "$2" ]; }
nurse_acknowledges() {
    local id
    id=$(alert_row)
    alert_act ack "$id" && await 20 alert_is "$id" acknowledged &&
        [ "$(sql "select actor from sluice.alert_events where alert_id = '$id' and event = 'acknowledged'")" = nurse ]
}

# The edge watches Redis as a user that may read hints and nothing else.
edge_reads_hints() {
    # shellcheck disable=SC2016 # for the host's shell
    host_inside db1 sh -c 'REDISCLI_AUTH=$(sed -n "s/^requirepass //p" /etc/redis/redis.conf) redis-cli client list' |
        grep -E 'user=edge( .*)?' | grep -q 'cmd=xread'
}
edge_follows_alerts() {
    local reader code=0
    # shellcheck disable=SC2016 # for the host's shell
    host_inside edge1 sh -c 'SLUICE_TOKEN=$(sed -n "s/ .*user=nurse.*//p" /etc/sluice/tokens) && export SLUICE_TOKEN && exec timeout 60 sluicectl alerts follow --study "$1" --after 0' \
        sh "$ALERT_STUDY" >"$LOGS/follow" 2>&1 &
    reader=$!
    { await 20 grep -q phq9-item-9 "$LOGS/follow" && await 20 edge_reads_hints; } || code=1
    kill "$reader" 2>/dev/null || true
    wait "$reader" 2>/dev/null || true
    [ "$code" = 0 ] || cat "$LOGS/follow"
    ! host_inside edge1 journalctl --no-pager -q -u sluice-edge | grep hints-lost && return "$code"
}

canary_came() { host_inside worker1 journalctl --no-pager -q -u 'sluice-notifications@*' | grep -q canary-delivered; }

audit_is_clean() {
    local said
    said=$(ctl audit verify) || { echo "$said"; return 1; }
    echo "$said"
    grep -qE ' [1-9][0-9,]* rows, [1-9][0-9,]* anchors; [1-9][0-9,]* revisions, [0-9][0-9,]* acts on alerts: 0 faults$' <<<"$said"
}

# Erasing opens dead letters; the broker's host has no seal key, so whoever erases brings it for the time.
subject_is_erased() {
    local code=0 verb=(--set ctl/seal_key_file=/run/seal.keys subject erase SUB123 --study "$ALERT_STUDY" --reason withdrawn --yes)
    ! ctl "${verb[@]}" || { echo "erased without a key"; return 1; }
    host_inside worker1 cat /etc/sluice/seal.keys | host_inside broker1 sh -c 'umask 077 && cat >/run/seal.keys' || return 1
    ctl "${verb[@]}" || code=1
    host_inside broker1 rm /run/seal.keys
    [ "$code" = 0 ] && [ "$(sql 'select count(*) from identity.erasures')" = 1 ]
}

# unit_sees HOST UNIT PATH: can the unit's own process, in its own view of the files, read PATH?
unit_sees() {
    local pid
    pid=$(host_inside "$1" systemctl show -p MainPID --value "$2") && [ "${pid:-0}" != 0 ] || return 2
    host_inside "$1" nsenter -t "$pid" -m setpriv --reuid=sluice --regid=sluice --clear-groups head -c 1 "$3" >/dev/null 2>&1
}

# Each service reads its own keys and passwords and not its neighbours', though all run as one user.
keys_are_apart() {
    local host unit yes no file
    while read -r host unit yes no; do
        for file in ${yes//,/ }; do
            unit_sees "$host" "$unit" "/etc/sluice/$file" || { echo "$unit on $host can't read $file"; return 1; }
        done
        for file in ${no//,/ }; do
            host_inside "$host" test -e "/etc/sluice/$file" || { echo "no $file on $host"; return 1; }
            ! unit_sees "$host" "$unit" "/etc/sluice/$file" || { echo "$unit on $host reads $file"; return 1; }
        done
    done <<'TABLE'
edge1 sluice-edge seal.keys,identity.key,tokens,edge.redis.password ctl.tokens
worker1 sluice-worker@1 seal.keys,identity.key,audit.keys,wrap.keys,worker.pgpass,redis.password queries.pgpass,notify.pgpass,notify/ward
worker1 sluice-queries@1 seal.keys,wrap.keys,queries.pgpass audit.keys,identity.key,worker.pgpass,notify.pgpass,redis.password,notify/ward
worker1 sluice-notifications@1 seal.keys,audit.keys,notify.pgpass,notify/ward wrap.keys,identity.key,worker.pgpass,queries.pgpass,redis.password
broker1 sluice-broker sluice.conf ctl.audit.keys,ctl.wrap.keys,ctl.pgpass,ctl.redis.password
TABLE
    for file in seal.keys identity.key audit.keys wrap.keys; do
        ! host_inside broker1 test -e "/etc/sluice/$file" || { echo "the broker's host has $file"; return 1; }
    done
    ! host_inside db1 sh -c 'ls /etc/sluice/*.key* 2>/dev/null'
}
