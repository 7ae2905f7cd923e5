# shellcheck shell=bash disable=SC2034,SC2154 # scripts/servers and its parts share their variables.
# One server of $engine, in the foreground. Sourced by scripts/servers.

# Sets `as_owner`, which runs a program as the user of the engine's server: as root neither runs, or should. What it runs is killed
# when whoever started it is, so that a server does not outlive its `run`.
owner() {
  local name="${engine}_owner"
  as_owner=()
  if setpriv --pdeathsig KILL true 2>/dev/null; then
    as_owner=(setpriv --pdeathsig KILL)
  fi
  if [ "$(id -u)" = 0 ]; then
    id "${!name}" >/dev/null 2>&1 || fail "there is no user ${!name}, as whom the server would run"
    as_owner+=(--reuid "${!name}" --regid "${!name}" --init-groups)
    chown_to=${!name}
  else
    chown_to=$(id -un)
  fi
}

# Sets up a server in a new folder.
prepare() {
  local new=$1 certificates=${TEST_SERVER_TEMPLATES:-/dev/null}/tls
  mkdir -p "$new/data"
  if [ -d "$certificates" ]; then cp -r "$certificates" "$new/tls"; else make_certificates "$new/tls"; fi
  chown -R "$chown_to" "$new"
  chmod 700 "$new/data"
  (cd "$new" && "${engine}_prepare" "$new") >"$new/prepare.log" 2>&1 </dev/null || { cat "$new/prepare.log" >&2; return 1; }
}

# Gives the folder its data: of the template where there are templates, which is made by whoever is first.
fill() {
  local folder=$1 template=${TEST_SERVER_TEMPLATES:-}/$engine
  rm -rf "$folder/new"
  if [ -z "${TEST_SERVER_TEMPLATES:-}" ]; then
    prepare "$folder/new"
  else
    if [ ! -d "$template" ]; then
      prepare "$template.$$"
      # Another one may have been faster.
      mv -T "$template.$$" "$template" 2>/dev/null || rm -rf "$template.$$"
    fi
    cp -a "$template" "$folder/new"
  fi
  # The data comes last: where it is, all is.
  mv "$folder"/new/[!d]* "$folder"
  mv "$folder/new/data" "$folder"
  rmdir "$folder/new"
}

# Waits for what a server that was killed left running: PostgreSQL's processes end a moment after their parent, and until then
# no other starts on their data. They all work in the data folder.
await_gone() {
  local deadline=$((SECONDS + 30))
  while readlink /proc/[0-9]*/cwd 2>/dev/null | grep -qxF "$1"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "another server is running on $1"
    sleep 0.02
  done
  # Whoever is to bury the dead may be slow, and PostgreSQL takes them for living. Of those alive none is there.
  if [ -e /proc/self/cwd ]; then rm -f "$1/postmaster.pid"; fi
}

run_server() {
  local folder port=$2 stop="${engine}_stop" deadline status=0
  "${engine}_installed" || fail "$engine is not installed here"
  owner
  mkdir -p "$1"
  folder=$(cd "$1" && pwd -P)
  chown "$chown_to" "$folder"
  "${as_owner[@]}" test -w "$folder" || fail "the user $chown_to cannot get to $folder: a folder above it is closed"
  # A program that sets up data ends before this does: nobody is to write where others remove.
  trap 'exit 143' TERM INT HUP
  # The end of `with` looks there for those that tests left.
  if [ -n "${TEST_SERVER_TEMPLATES:-}" ]; then
    mkdir -p "$TEST_SERVER_TEMPLATES/running"
    touch "$TEST_SERVER_TEMPLATES/running/$$"
    trap 'rm -f "$TEST_SERVER_TEMPLATES/running/$$"' EXIT
  fi
  await_gone "$folder/data"
  [ -d "$folder/data" ] || fill "$folder"
  cd "$folder" || exit
  "${engine}_command" "$folder" "$port"
  "${as_owner[@]}" "${command[@]}" >>server.log 2>&1 </dev/null &
  local server=$!
  # shellcheck disable=SC2064 # as they are now.
  trap "kill -${!stop} $server 2>/dev/null || true" TERM INT HUP
  deadline=$((SECONDS + 60))
  until "${engine}_answers" "$port" >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || { tail -20 server.log >&2; fail "$engine does not start"; }
    [ "$SECONDS" -lt "$deadline" ] || { kill -KILL "$server"; fail "$engine does not answer"; }
    sleep 0.05
  done
  "${engine}_url" "$port"
  # A signal ends the waiting, not the server: it is waited for again.
  while kill -0 "$server" 2>/dev/null; do wait "$server" || true; done
  wait "$server" || status=$?
  exit "$status"
}
