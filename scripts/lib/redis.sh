# shellcheck shell=bash disable=SC2034,SC2154 # scripts/servers and its parts share their variables.
# A private Redis. Sourced by scripts/servers, which says what each function is for. The port after its own is for TLS.

redis_owner=redis
redis_packages=(redis-server) redis_stop=TERM

redis_installed() {
  command -v redis-server >/dev/null && command -v redis-cli >/dev/null
}

redis_prepare() {
  chown -R "$chown_to" "$1/data"
}

redis_command() {
  local folder=$1 port=$2
  command=(
    redis-server --bind 127.0.0.1 --port "$port" --dir "$folder/data" --requirepass "$password" --save '' --appendonly no
    --tls-port "$((port + 1))" --tls-auth-clients no --tls-ca-cert-file "$folder/tls/ca.pem"
    --tls-cert-file "$folder/tls/server.pem" --tls-key-file "$folder/tls/server.key"
  )
}

redis_url() {
  echo "redis://:$password@127.0.0.1:$1/"
}

redis_answers() {
  [ "$(REDISCLI_AUTH=$password redis-cli -h 127.0.0.1 -p "$1" PING)" = PONG ]
}
