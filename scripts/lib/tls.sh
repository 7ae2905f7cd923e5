# shellcheck shell=bash
# Certificates of private servers, made for each run: an authority (ca.pem), and a certificate of it for localhost. Sourced.

make_certificates() {
  local folder=$1 key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  mkdir -p "$folder"
  # A configuration of our own: what the machine's adds to certificates differs.
  cat >"$folder/openssl.cnf" <<'CONFIGURATION'
[req]
distinguished_name = name
prompt = no
[name]
CN = ServerTree tests
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
CONFIGURATION
  {
    openssl req -x509 -config "$folder/openssl.cnf" -extensions authority "${key[@]}" -days 30 \
      -keyout "$folder/ca.key" -out "$folder/ca.pem"
    openssl req -config "$folder/openssl.cnf" -subj /CN=localhost "${key[@]}" \
      -keyout "$folder/server.key" -out "$folder/server.csr"
    openssl x509 -req -in "$folder/server.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial -days 30 \
      -extfile "$folder/openssl.cnf" -extensions server -out "$folder/server.pem"
  } 2>"$folder/openssl.log" || { cat "$folder/openssl.log" >&2; return 1; }
  # PostgreSQL refuses a key that others may read.
  chmod 600 "$folder/ca.key" "$folder/server.key"
}
