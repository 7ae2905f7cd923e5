# shellcheck shell=bash disable=SC2034,SC2154 # scripts/servers and its parts share their variables.
# Servers for as long as a command runs. Sourced by scripts/servers.

# The ports, processes and output of the private servers, by engine.
declare -A ports=() processes=()
compose=(docker compose --file "$scripts/lib/compose.yaml" --project-name "servertree-test-$$")

# A port of loopback that nobody listens at. It and another one 10,000 above are below the range from which the system gives ports to
# clients.
free_port() {
  local port
  while port=$((10000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

url_variable() {
  case "$1" in
    mariadb) echo TEST_MYSQL_URL ;;
    postgres) echo TEST_POSTGRES_URL ;;
    rabbitmq) echo TEST_AMQP_URL ;;
    redis) echo TEST_REDIS_URL ;;
  esac
}

# Starts it; `await` waits until it answers. So they start side by side.
start_private() {
  local engine=$1 guard=()
  ports[$engine]=$(free_port)
  if setpriv --pdeathsig TERM true 2>/dev/null; then guard=(setpriv --pdeathsig TERM); fi
  "${guard[@]}" "$scripts/servers" run "$engine" --folder "$run/$engine" --port "${ports[$engine]}" \
    >"$run/$engine.url" 2>"$run/$engine.error" </dev/null &
  processes[$engine]=$!
}

await_private() {
  local engine=$1 attempt
  for attempt in 1 2 3; do
    # It prints its URL when it answers, or ends.
    while [ ! -s "$run/$engine.url" ] && kill -0 "${processes[$engine]}" 2>/dev/null; do sleep 0.05; done
    if [ -s "$run/$engine.url" ]; then
      export "$(url_variable "$engine")=$(cat "$run/$engine.url")"
      return
    fi
    # Somebody may have taken the port since.
    [ "$attempt" = 3 ] || start_private "$engine"
  done
  cat "$run/$engine.error" >&2
  fail "$engine does not start"
}

# Not tried where these lines were written, for want of Docker. These servers have no TLS: TEST_TLS_CA is not set for them.
start_composed() {
  local engine=$1
  composed=yes
  "${compose[@]}" up --detach --wait "$engine" >&2
  case "$engine" in mariadb) port=3306 ;; postgres) port=5432 ;; redis) port=6379 ;; esac
  port=$("${compose[@]}" port "$engine" "$port")
  export "$(url_variable "$engine")=$("${engine}_url" "${port##*:}")"
}

# Ends all of it, however the command ended: an interrupt here would leave servers behind.
stop_servers() {
  trap '' INT TERM HUP
  local process deadline=$((SECONDS + 15))
  for process in "$run"/templates/running/*; do
    [ -e "$process" ] && processes[$process]=$(basename "$process")
  done
  for process in "${processes[@]}"; do kill -TERM "$process" 2>/dev/null || true; done
  for process in "${processes[@]}"; do
    while kill -0 "$process" 2>/dev/null; do
      [ "$SECONDS" -lt "$deadline" ] || kill -KILL "$process" 2>/dev/null || true
      sleep 0.05
    done
  done
  [ -z "${composed:-}" ] || "${compose[@]}" down --volumes >&2 || true
  # A moment more for whatever still writes there.
  until rm -rf "$run" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; do sleep 0.1; done
}

with_servers() {
  local engine name packages own=()
  run=$(mktemp -d "${TMPDIR:-/tmp}/servertree-servers.XXXXXX")
  trap stop_servers EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  # The servers' users pass through.
  chmod 711 "$run"
  mkdir -m 711 "$run/templates"
  export TEST_SERVER_TEMPLATES="$run/templates"
  for engine in "${engines[@]}"; do
    name=$(url_variable "$engine") packages="${engine}_packages[@]"
    if [ -n "${!name:-}" ]; then continue; fi
    if "${engine}_installed"; then own+=("$engine")
    elif [ "$engine" != rabbitmq ] && docker compose version >/dev/null 2>&1; then start_composed "$engine"
    elif can_install; then install_packages "${!packages}"; own+=("$engine")
    else
      fail "there is no $engine to test with. Set $name to the URL of a server that databases may be created on, or install" \
        "the Debian packages ${!packages}, or Docker Compose; or do without: scripts/test --embedded."
    fi
  done
  if [ ${#own[@]} -gt 0 ]; then
    make_certificates "$run/templates/tls"
    export TEST_TLS_CA="$run/templates/tls/ca.pem"
  fi
  for engine in "${own[@]}"; do start_private "$engine"; done
  for engine in "${own[@]}"; do await_private "$engine"; done
  "$@"
}
