# shellcheck shell=bash disable=SC2034,SC2154 # scripts/servers and its parts share their variables.
# A private RabbitMQ. Sourced by scripts/servers, which says what each function is for.
#
# Beside its port, and as far from it as is usual: the one before is for amqps, the one 10,000 above for its HTTP API. The two after it
# are for Erlang. In its folder is a `rabbitmqctl` of its own. All of them have the same name: each has a name server (epmd) to itself.

rabbitmq_owner=rabbitmq
rabbitmq_packages=(rabbitmq-server) rabbitmq_stop=TERM

rabbitmq_installed() {
  rabbitmq_programs >/dev/null && command -v epmd >/dev/null && command -v curl >/dev/null
}

# The folder with the programs themselves: those on the PATH of Debian ask for root, or switch to another user.
rabbitmq_programs() {
  local folder
  folder=$(printf '%s\n' /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin | sort -V | tail -1)
  [ -x "$folder/rabbitmq-server" ] && echo "$folder"
}

rabbitmq_prepare() {
  mkdir -p "$1/data/home" "$1/data/log"
  echo '[rabbitmq_management].' >"$1/data/enabled_plugins"
  chown -R "$chown_to" "$1/data"
}

rabbitmq_command() {
  local folder=$1 port=$2 setting
  local environment=(
    HOME="$folder/data/home" ERL_EPMD_PORT="$((port + 1))" ERL_EPMD_ADDRESS=127.0.0.1
    RABBITMQ_NODENAME=servertree@localhost RABBITMQ_DIST_PORT="$((port + 2))"
    RABBITMQ_MNESIA_BASE="$folder/data/mnesia" RABBITMQ_LOG_BASE="$folder/data/log" RABBITMQ_LOGS=-
    RABBITMQ_PID_FILE="$folder/data/pid" RABBITMQ_ENABLED_PLUGINS_FILE="$folder/data/enabled_plugins"
    RABBITMQ_CONFIG_FILE="$folder/data/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE=/dev/null
    # So that what is started becomes the server, and does not only watch over it.
    RABBITMQ_ALLOW_INPUT=1 RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-noinput -kernel inet_dist_use_interface {127,0,0,1}'
  )
  cat >"$folder/data/rabbitmq.conf" <<CONFIGURATION
listeners.tcp.1 = 127.0.0.1:$port
listeners.ssl.1 = 127.0.0.1:$((port - 1))
ssl_options.cacertfile = $folder/tls/ca.pem
ssl_options.certfile = $folder/tls/server.pem
ssl_options.keyfile = $folder/tls/server.key
ssl_options.verify = verify_none
management.tcp.ip = 127.0.0.1
management.tcp.port = $((port + 10000))
default_user = $user
default_pass = $password
default_user_tags.administrator = true
loopback_users = none
log.console.level = warning
CONFIGURATION
  {
    echo '#!/usr/bin/env bash'
    for setting in "${environment[@]}"; do printf 'export %q\n' "$setting"; done
    printf 'exec %q "$@"\n' "$(rabbitmq_programs)/rabbitmqctl"
  } >"$folder/rabbitmqctl"
  chmod 755 "$folder/rabbitmqctl"
  # In the foreground, to end with this script: the server would start one that does not.
  "${as_owner[@]}" epmd -port "$((port + 1))" -address 127.0.0.1 >/dev/null 2>&1 </dev/null &
  command=(env "${environment[@]}" "$(rabbitmq_programs)/rabbitmq-server")
}

rabbitmq_url() {
  echo "amqp://$user:$password@127.0.0.1:$1/%2F"
}

# Its HTTP API comes last.
rabbitmq_answers() {
  curl --silent --fail --max-time 2 --user "$user:$password" "http://127.0.0.1:$(($1 + 10000))/api/vhosts" &&
    (exec 3<>"/dev/tcp/127.0.0.1/$1")
}
