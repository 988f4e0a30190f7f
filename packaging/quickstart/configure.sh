# Keys, configuration and environment of the quickstart's fleet. Sourced after place.sh.

random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# secret_make FILE TEXT: written once, readable by the fleet's user only.
secret_make() {
    [ -s "$1" ] && return 0
    (umask 077 && printf '%s\n' "$2" >"$1")
    [ "$(id -u)" != 0 ] || chown "$RUNAS" "$1"
}

configure() {
    secret_make "$DATA/keys/seal.keys" "1 $(random_hex 32)"
    secret_make "$DATA/keys/identity.key" "1 $(random_hex 32)"
    secret_make "$DATA/keys/audit.keys" "1 $(random_hex 32)"
    secret_make "$DATA/keys/wrap.keys" "1 $(random_hex 32)"
    secret_make "$DATA/keys/tokens" "$(random_hex 24) NCT007"
    # A nurse's beside the participants': alerts are for the site, and so are corrections from a source.
    grep -q 'role=site' "$DATA/keys/tokens" ||
        printf '%s NCT007 role=site user=nurse organisation=example-site\n' "$(random_hex 24)" >>"$DATA/keys/tokens"
    mkdir -p "$DATA/keys/notify" # secrets of webhooks, by the names that study files give them
    [ "$(id -u)" != 0 ] || chown "$RUNAS" "$DATA/keys/notify"
    # sluicectl takes secrets only from root or from whoever calls it: copies of its own.
    (umask 077 && mkdir -p "$DATA/keys/ctl" && cp -f "$DATA"/keys/{tokens,seal.keys,audit.keys,wrap.keys} "$DATA/keys/ctl/")
    TOKEN=$(sed -n '1s/ .*//p' "$DATA/keys/tokens")
    SITE_TOKEN=$(sed -n 's/^\([^ ]*\) .*role=site.*/\1/p' "$DATA/keys/tokens" | head -n 1)
    cat >"$DATA/sluice.conf" <<CONF
#   Written by ./quickstart at each start; doc/reference.md explains every key.
broker
    client_endpoint = "ipc://$RUN/client.sock"
    worker_endpoint = "ipc://$RUN/worker.sock"
    admin_endpoint = "ipc://$RUN/admin.sock"
    journal_dir = "$DATA/journal"
    segment_bytes = "16MiB"
    journal_max_bytes = "4GiB"
    journal_keep_bytes = "128MiB"
edge
    listen = "127.0.0.1:$PORT"
    metrics_listen = "127.0.0.1:$METRICS_PORT"
    broker_endpoints = "ipc://$RUN/client.sock"
    token_file = "$DATA/keys/tokens"
    seal_key_file = "$DATA/keys/seal.keys"
    identity_key_file = "$DATA/keys/identity.key"
    redis = "unix:$RUN/redis.sock"
worker
    broker_endpoints = "ipc://$RUN/worker.sock"
    postgres = "host=$RUN port=5432 dbname=sluice user=sluice_worker"
    redis = "unix:$RUN/redis.sock"
    seal_key_file = "$DATA/keys/seal.keys"
    identity_key_file = "$DATA/keys/identity.key"
    audit_key_file = "$DATA/keys/audit.keys"
    wrap_key_file = "$DATA/keys/wrap.keys"
    notify_secrets = "$DATA/keys/notify"
    client_endpoints = "ipc://$RUN/client.sock"
ctl
    admin_endpoints = "ipc://$RUN/admin.sock"
    client_endpoints = "ipc://$RUN/client.sock"
    edge_url = "http://127.0.0.1:$PORT"
    token_file = "$DATA/keys/ctl/tokens"
    postgres = "host=$RUN port=5432 dbname=sluice user=sluice"
    redis = "unix:$RUN/redis.sock"
    journal_dir = "$DATA/journal"
    seal_key_file = "$DATA/keys/ctl/seal.keys"
    audit_key_file = "$DATA/keys/ctl/audit.keys"
    wrap_key_file = "$DATA/keys/ctl/wrap.keys"
CONF
    (umask 077 && cat >"$ENV_FILE" <<ENV
# Written by ./quickstart; source it. It holds tokens: keep them to yourself.
export SLUICE_URL=http://127.0.0.1:$PORT
export SLUICE_TOKEN=$TOKEN
export SLUICE_SITE_TOKEN=$SITE_TOKEN
export SLUICE_CONFIG=$DATA/sluice.conf
export SLUICE_BIN=$BIN
export SLUICE_BROKER=ipc://$RUN/client.sock
export PGHOST=$RUN
export PGPORT=5432
export PGDATABASE=sluice
export PGUSER=sluice
export REDIS_SOCKET=$RUN/redis.sock
ENV
    )
}
