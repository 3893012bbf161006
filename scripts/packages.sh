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

missing=
for item in "$@"; do
  case $item in
    # shellcheck disable=SC2086 # a pattern, to be expanded
    *:/*) ls ${item#*:} >/dev/null 2>&1 ;;
    *) command -v "${item#*:}" >/dev/null 2>&1 ;;
  esac || missing="$missing ${item%%:*}"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "ERROR: missing on this machine:$missing. Install with: sudo apt-get install$missing" >&2
  exit 1
fi
echo "Installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
install() { apt-get install --yes --quiet=2 --no-install-recommends $missing >"$log" 2>&1 </dev/null; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The package lists of a fresh machine are empty or old: try with what is there, then with new ones.
install || { apt-get update --quiet=2 >/dev/null && install; } || { cat "$log" >&2; exit 1; }
