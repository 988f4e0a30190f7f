# The first submission, shown on its whole way. Sourced after configure.sh.

show_first_submission() {
    local key answer status body
    key=$(cat /proc/sys/kernel/random/uuid)
    body='{"subjectId":"SUB123","questionnaire":"daily-diary","version":"1.0","submitAt":"'$(date +%Y-%m-%dT%H:%M:%S%:z)'","answers":'$(tr -s ' \n' ' ' <"$ROOT/schemas/examples/answers-daily-diary.json")'}'
    step "A first submission"
    cat <<TEXT
    curl -X POST http://127.0.0.1:$PORT/api/v1/subjects/SUB123/questionnaires \\
         -H "Authorization: Bearer \$SLUICE_TOKEN" -H 'Content-Type: application/json' \\
         -H 'Idempotency-Key: $key' \\
         -d '$body'
TEXT
    answer=$(curl -sS --max-time 20 -w '\n%{http_code}' -X POST "http://127.0.0.1:$PORT/api/v1/subjects/SUB123/questionnaires" \
        -H @<(printf 'Authorization: Bearer %s\n' "$TOKEN") -H 'Content-Type: application/json' \
        -H "Idempotency-Key: $key" -d "$body") || die "the edge did not answer; see $LOGS/edge.log"
    status=${answer##*$'\n'}
    printf '\n    answer: %s %s\n' "$status" "${answer%$'\n'*}"
    [ "$status" = 201 ] || die "the first submission was not stored (status $status); see $LOGS"
    printf '\n    its row in PostgreSQL:\n'
    psql_local -x -c "select study, submission_id, subject_id, questionnaire, version, answers, stored_at from sluice.submissions where submission_id = '$key'" | sed 's/^/      /'
    printf '    its subject in Redis (HGETALL sluice:subject:NCT007:SUB123):\n'
    redis-cli -s "$RUN/redis.sock" hgetall sluice:subject:NCT007:SUB123 | paste - - | awk -F'\t' '{printf "      %-20s %s\n", $1, $2}'
    printf '\n    sluicectl queues:\n'
    "$BIN/sluicectl" --config "$DATA/sluice.conf" queues | sed 's/^/      /'
}

show_next() {
    cat <<TEXT

  Sluice runs at http://127.0.0.1:$PORT (metrics at http://127.0.0.1:$METRICS_PORT/metrics).
    . $ENV_FILE          # SLUICE_URL, SLUICE_TOKEN, PGHOST … for your shell
    \$SLUICE_BIN/sluicectl status        what the broker does
    \$SLUICE_BIN/sluicectl reconcile     proves that nothing acknowledged is missing
    ./quickstart --stop                 ends it; the data stays in var/
TEXT
}
