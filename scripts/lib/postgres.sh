# shellcheck shell=bash disable=SC2034,SC2154 # scripts/servers and its parts share their variables.
# A private PostgreSQL. Sourced by scripts/servers, which says what each function is for.
#
# Durable against a kill of the server, not against a power cut: fsync is off, but a commit has reached the system's cache before
# it is answered (synchronous_commit is on), and whole pages are logged, since a killed process may leave half a page.

postgres_owner=postgres
# It ends at once, and well: at a TERM it would wait for its clients to go.
postgres_packages=(postgresql) postgres_stop=INT

postgres_installed() {
  postgres_programs >/dev/null
}

# The folder with the programs: of the newest version that Debian has installed, or the one on the PATH.
postgres_programs() {
  local folder
  folder=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -1)
  if [ ! -x "$folder/initdb" ]; then
    folder=$(dirname "$(command -v postgres)") || return
  fi
  [ -x "$folder/initdb" ] && [ -x "$folder/psql" ] && echo "$folder"
}

# The role may do what an administrator of a database may, but is no superuser: to such a one nothing is ever forbidden.
# The collation is one for people, as operators have it: not the order of bytes that ServerTree asks for.
postgres_prepare() {
  local data=$1/data programs options=(--username=postgres --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8)
  programs=$(postgres_programs)
  options+=(--no-sync --no-instructions --locale=C.UTF-8)
  if "$programs/initdb" --help | grep -q -- --icu-locale; then
    options+=(--locale-provider=icu --icu-locale=en-US)
  fi
  "${as_owner[@]}" "$programs/initdb" --pgdata="$data" "${options[@]}"
  "${as_owner[@]}" "$programs/postgres" --single -D "$data" postgres <<SQL
CREATE ROLE $user LOGIN CREATEDB CREATEROLE PASSWORD '$password'
CREATE DATABASE $user OWNER $user
SQL
}

postgres_command() {
  local folder=$1 port=$2
  command=("$(postgres_programs)/postgres" -D "$folder/data" -p "$port")
  local settings=(
    listen_addresses=127.0.0.1 unix_socket_directories= max_connections=300 shared_buffers=64MB
    fsync=off synchronous_commit=on
    ssl=on ssl_cert_file="$folder/tls/server.pem" ssl_key_file="$folder/tls/server.key"
  )
  local setting
  for setting in "${settings[@]}"; do command+=(-c "$setting"); done
}

# Without TLS where it is not asked for: the log-in of each connection would take longer than a test.
postgres_url() {
  echo "postgres://$user:$password@127.0.0.1:$1/$user?sslmode=disable"
}

postgres_answers() {
  PGCONNECT_TIMEOUT=2 "$(postgres_programs)/psql" --no-psqlrc --command='SELECT 1' "$(postgres_url "$1")"
}
