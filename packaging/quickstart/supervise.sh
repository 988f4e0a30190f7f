# One loop that keeps the fleet alive, stores included. Sourced after place.sh; runs in a process of its own.
#
# A child that dies is started again at once; if it dies again within ten seconds of its start, it waits
# 1, 2, 4, 8, 10 s. Exit codes 74 (disk) and 78 (configuration) are never restarted: a human must look.
# The loop only waits for children (a back-off is a child too, a timer); it never polls.

declare -A name_of pid_of began_of backoff_of

fleet_command() { # name → argv in COMMAND
    case $1 in
    postgres) COMMAND=("$PG_BIN/postgres" -D "$PGDATA_DIR" -k "$RUN" -c listen_addresses= -c port=5432) ;;
    redis) COMMAND=(redis-server --port 0 --unixsocket "$RUN/redis.sock" --unixsocketperm 770 --dir "$DATA/redis"
        --appendonly yes --appendfsync everysec --save "" --daemonize no) ;;
    broker) COMMAND=("$BIN/sluice-broker" --config "$DATA/sluice.conf") ;;
    edge) COMMAND=("$BIN/sluice-edge" --config "$DATA/sluice.conf") ;;
    worker-*) COMMAND=("$BIN/sluice-worker" --config "$DATA/sluice.conf" --service submissions --name "$1") ;;
    queries-*) COMMAND=("$BIN/sluice-worker" --config "$DATA/sluice.conf" --service queries --name "$1"
        --set "worker/postgres=host=$RUN port=5432 dbname=sluice user=sluice_query") ;;
    notifications-*) COMMAND=("$BIN/sluice-worker" --config "$DATA/sluice.conf" --service notifications --name "$1"
        --set "worker/postgres=host=$RUN port=5432 dbname=sluice user=sluice_notify") ;;
    esac
}

child_start() {
    local name=$1 log=$LOGS/$1.log
    fleet_command "$name"
    [ ! -f "$log" ] || [ "$(stat -c %s "$log")" -lt 10485760 ] || mv "$log" "$log.1"
    (cd "$DATA" && exec env HOME="$DATA" "${AS[@]}" "${COMMAND[@]}" >>"$log" 2>&1 </dev/null) &
    pid_of[$name]=$!
    name_of[$!]=$name
    began_of[$name]=$SECONDS
    echo "$(date -Is) started $name pid $!"
}

child_ended() {
    local name=$1 code=$2 wait_s
    unset "pid_of[$name]"
    if [ "$code" = 74 ] || [ "$code" = 78 ]; then
        echo "$(date -Is) $name ended with $code: not started again, see $LOGS/$name.log"
        return
    fi
    if [ $((SECONDS - began_of[$name])) -ge 10 ]; then backoff_of[$name]=0; fi
    wait_s=${backoff_of[$name]:-0}
    backoff_of[$name]=$((wait_s == 0 ? 1 : wait_s >= 5 ? 10 : wait_s * 2))
    echo "$(date -Is) $name ended with $code: again in $wait_s s"
    if [ "$wait_s" = 0 ]; then
        child_start "$name"
    else
        sleep "$wait_s" &
        name_of[$!]=timer:$name
    fi
}

# Ends children in the order that loses nobody time: intake first, stores last.
supervise_stop() {
    local name n pid
    trap '' TERM INT
    kill "$anchor" 2>/dev/null || true
    for name in edge 'worker-1 worker-2 queries-1 notifications-1' broker redis postgres; do
        for n in $name; do
            pid=${pid_of[$n]:-}
            [ -z "$pid" ] || kill -s "$([ "$n" = postgres ] && echo INT || echo TERM)" "$pid" 2>/dev/null || true
        done
        for n in $name; do
            pid=${pid_of[$n]:-}
            [ -z "$pid" ] || timeout 20 tail --pid="$pid" -f /dev/null || kill -9 "$pid" 2>/dev/null || true
        done
    done
    rm -f "$PID_FILE"
    echo "$(date -Is) stopped"
    exit 0
}

supervise_stores() {
    child_start postgres
    child_start redis
}

supervise_fleet() {
    local name
    for name in broker worker-1 worker-2 queries-1 notifications-1 edge; do child_start "$name"; done
}

supervise() {
    local pid code
    trap supervise_stop TERM INT
    trap supervise_fleet USR1 # the quickstart says that the database is ready
    echo $$ >"$PID_FILE"
    sleep infinity & # so that there is always a child to wait for
    anchor=$!
    supervise_stores
    while :; do
        code=0
        wait -n -p pid || code=$?
        [ -n "${pid:-}" ] || continue # a signal
        local name=${name_of[$pid]:-}
        unset "name_of[$pid]"
        case $name in
        '') ;;
        timer:*) child_start "${name#timer:}" ;;
        *) child_ended "$name" "$code" ;;
        esac
        pid=
    done
}
