#!/bin/sh
# Brings a clone to where `bin/node scripts/…` works: the packages of package-lock.json, the pinned Node among them.
# Needs any Node with npm. Does nothing when node_modules is already what package-lock.json says.
set -eu
cd "$(dirname "$0")/.."

stamp=node_modules/.installed-lock
if [ ! -f "$stamp" ] || ! cmp -s package-lock.json "$stamp"; then
  command -v npm >/dev/null || scripts/packages.sh nodejs:node npm
  echo "Installing the packages of package-lock.json" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2 </dev/null
  cp package-lock.json "$stamp"
fi
