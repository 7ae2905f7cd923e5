# shellcheck shell=bash
# Debian packages for what a script needs and does not find. Sourced.

can_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

# A subshell: what is undone at its end is undone however it ends.
install_packages() (
  local policy=/usr/sbin/policy-rc.d
  echo "Installing $* …" >&2
  # Debian starts what it installs; tests start servers of their own. Where there is a policy already it is not ours.
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; } >/dev/null
)
