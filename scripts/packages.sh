#!/bin/sh
# Installs Debian packages, and only those whose program is missing.
#
#   scripts/packages.sh crun skopeo qemu-user-static:qemu-aarch64-static …
#
# An argument is a package, or PACKAGE:PROGRAM where the two have different names, or PACKAGE:/PATTERN of a file where there is
# no program. What is there already, from wherever, is left alone. Without root it says which packages are missing and exits 1.
set -eu

case ${1-} in
  -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac

# Where users have no /usr/sbin, as after `su`, that is where some of the programs are.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# What of the arguments is not there: packages.
missing() {
  for item in "$@"; do
    case $item in
      # shellcheck disable=SC2086 # a pattern, to be expanded
      *:/*) ls ${item#*:} >/dev/null 2>&1 ;;
      *) command -v "${item#*:}" >/dev/null 2>&1 ;;
    esac || printf ' %s' "${item%%:*}"
  done
}

packages=$(missing "$@")
[ -n "$packages" ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "ERROR: missing on this machine:$packages. Install with: sudo apt-get install$packages" >&2
  exit 1
fi
echo "Installing$packages" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Whoever else installs something is waited for; where a mirror stalls or breaks off, it is asked again.
apt() { apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -o Acquire::http::Timeout=60 --quiet=2 "$@" >>"$log" 2>&1 </dev/null; }
# shellcheck disable=SC2086 # a list of words
install() { apt install --yes --no-install-recommends $packages; }

# The package lists of a fresh machine are empty or old: try with what is there, then with new ones. A mirror that fails, or is in the
# middle of an update, and somebody else who updates the lists, go by.
if ! install; then
  for seconds in 5 15 45 -; do
    : >"$log"
    apt update || true # of several sources one may be missing: what counts is what can be installed
    install && break
    if [ "$seconds" = - ]; then
      cat "$log" >&2
      echo "ERROR: cannot install$packages: what apt-get said of that is above" >&2
      exit 1
    fi
    echo "Cannot install$packages yet, trying again in $seconds s: $(grep -m 1 '^E: ' "$log" || tail -n 1 "$log")" >&2
    sleep "$seconds"
    dpkg --configure -a >>"$log" 2>&1 </dev/null || true # somebody may have been interrupted
  done
fi
left=$(missing "$@")
if [ -n "$left" ]; then
  echo "ERROR: still missing on this machine, though apt-get has installed it:$left" >&2
  exit 1
fi
