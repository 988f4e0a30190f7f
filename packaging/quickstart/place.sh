# Where the quickstart's fleet lives. Sourced; needs ROOT (the checkout).
#
# Data: var/ in the checkout. When started as root, everything runs as the unprivileged user postgres
# (PostgreSQL refuses root); if that user can't reach the checkout (say it lies in /root), var becomes a
# link to a folder under /var/lib. Sockets: a short folder under /run or /tmp (a path has 107 bytes).

place_find() {
    local mark
    mark=$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)
    RUNAS=$(id -un)
    AS=()
    if [ "$(id -u)" = 0 ]; then
        RUNAS=postgres
        id "$RUNAS" >/dev/null 2>&1 || RUNAS=nobody
        AS=(setpriv "--reuid=$RUNAS" "--regid=$(id -g "$RUNAS")" --clear-groups --)
    fi
    VAR=$ROOT/var
    if [ ! -e "$VAR" ]; then
        if [ ${#AS[@]} -gt 0 ] && ! "${AS[@]}" test -x "$ROOT" 2>/dev/null; then
            mkdir -p "/var/lib/sluice-quickstart/$mark"
            ln -s "/var/lib/sluice-quickstart/$mark" "$VAR"
        else
            mkdir -p "$VAR"
        fi
    fi
    DATA=$(cd "$VAR" && pwd -P)
    if [ -w /run ]; then RUN=/run/sluice-$mark; else RUN=/tmp/sluice-$(id -u)-$mark; fi
    LOGS=$DATA/log
    BIN=$DATA/bin
    PGDATA_DIR=$DATA/postgres
    ENV_FILE=$DATA/quickstart.env
    PID_FILE=$RUN/supervisor.pid
    LOCK_FILE=$DATA/.lock
    PG_BIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1 || true)
}

place_make() {
    mkdir -p "$LOGS" "$BIN" "$DATA/keys" "$DATA/redis" "$RUN"
    [ "$(id -u)" != 0 ] || chown "$RUNAS" "$DATA" "$LOGS" "$DATA/keys" "$DATA/redis" "$RUN"
    chmod 755 "$DATA"
    chmod 700 "$DATA/keys" "$RUN"
    PG_BIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
}

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# port_choose: SLUICE_PORT, else the one of last time if it is free, else the first free from 18080.
port_choose() {
    local last=
    [ ! -r "$ENV_FILE" ] || last=$(sed -n 's/^export SLUICE_URL=http:\/\/127.0.0.1:\([0-9]*\)$/\1/p' "$ENV_FILE")
    if [ -n "${SLUICE_PORT:-}" ]; then
        PORT=$SLUICE_PORT
        [[ $PORT =~ ^[0-9]+$ ]] && [ "$PORT" -ge 1 ] && [ "$PORT" -le 65534 ] || die "SLUICE_PORT=$PORT is no port" 64
        ! port_taken "$PORT" || die "port $PORT is taken; choose another with SLUICE_PORT=…"
    elif [ -n "$last" ] && ! port_taken "$last"; then
        PORT=$last
    else
        PORT=18080
        while port_taken "$PORT"; do PORT=$((PORT + 1)); done
    fi
    METRICS_PORT=$((PORT + 1))
    while port_taken "$METRICS_PORT"; do METRICS_PORT=$((METRICS_PORT + 1)); done
}
