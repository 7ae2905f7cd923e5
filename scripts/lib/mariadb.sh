# shellcheck shell=bash disable=SC2034,SC2154 # scripts/servers and its parts share their variables.
# A private MariaDB, or MySQL where that is what is installed. Sourced by scripts/servers, which says what each function is for.
#
# Durable against a kill of the server, not against a power cut: each commit reaches the system's cache. The doublewrite buffer
# stays on: a killed process may leave half a page.

mariadb_owner=mysql
mariadb_packages=(mariadb-server) mariadb_stop=TERM

mariadb_installed() {
  mariadb_server >/dev/null && mariadb_client >/dev/null
}

mariadb_server() {
  command -v mariadbd || command -v mysqld
}

mariadb_client() {
  command -v mariadb || command -v mysql
}

mariadb_prepare() {
  local data=$1/data
  if command -v mariadb-install-db >/dev/null; then
    "${as_owner[@]}" mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal \
      --skip-test-db --innodb-log-file-size=16M
  else
    "${as_owner[@]}" "$(mariadb_server)" --no-defaults --initialize-insecure --datadir="$data"
  fi
  # Carried out at each start, before anybody is let in.
  cat >"$1/init.sql" <<SQL
CREATE USER IF NOT EXISTS '$user'@'%' IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON *.* TO '$user'@'%' WITH GRANT OPTION;
SQL
}

# The socket is named from the data folder: a long path would not fit into its address. `loose`: not every version has it. A folder
# of its own for temporary files: a server that starts removes those that it finds, also of another one.
mariadb_command() {
  local folder=$1 port=$2
  mkdir -p "$folder/tmp"
  chown "$chown_to" "$folder/tmp"
  command=(
    "$(mariadb_server)" --no-defaults --datadir="$folder/data" --tmpdir="$folder/tmp" --init-file="$folder/init.sql"
    --socket=server.sock --pid-file=server.pid --bind-address=127.0.0.1 --port="$port"
    --ssl-ca="$folder/tls/ca.pem" --ssl-cert="$folder/tls/server.pem" --ssl-key="$folder/tls/server.key"
    --skip-name-resolve --max-connections=500 --character-set-server=utf8mb4
    --skip-log-bin --sync-binlog=0 --innodb-flush-log-at-trx-commit=2 --loose-sync-frm=0
    --innodb-buffer-pool-size=128M --loose-innodb-log-file-size=16M
  )
}

# Without TLS where it is not asked for: the log-in of each connection would take longer than a test.
mariadb_url() {
  echo "mysql://$user:$password@127.0.0.1:$1/?ssl-mode=DISABLED"
}

mariadb_answers() {
  "$(mariadb_client)" --no-defaults --connect-timeout=2 --host=127.0.0.1 --port="$1" --user="$user" --password="$password" \
    --execute='SELECT 1'
}
