#!/bin/sh
# Brings a clone to where `bin/node scripts/…` works: the packages of package-lock.json, the pinned Node among them.
# Needs any Node with npm. Does nothing when node_modules is already what package-lock.json says.
set -eu
cd "$(dirname "$0")/.."

stamp=node_modules/.installed-lock
if [ ! -f "$stamp" ] || ! cmp -s package-lock.json "$stamp"; then
  # The pinned Node needs one library that a bare Debian lacks.
  scripts/packages.sh nodejs:node npm 'libatomic1:/usr/lib/*-linux-gnu*/libatomic.so.1'
  echo "Installing the packages of package-lock.json" >&2
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 </dev/null
  # Older npms do not link it, and then the tools of `npm run` would run on the machine's Node.
  for node in node_modules/node-linux-*/bin/node; do
    if [ -x "$node" ]; then ln -sf "../../$node" node_modules/.bin/node; fi
  done
  # npm leaves the linter's binding out where the machine's Node is too old for it. The pinned one, which runs the linter, is not.
  case $(uname -m) in aarch64) cpu=arm64 ;; *) cpu=x64 ;; esac
  binding=@oxlint/binding-linux-$cpu-gnu
  if [ ! -d "node_modules/$binding" ]; then
    version=$(bin/node -p 'require("./node_modules/oxlint/package.json").version')
    mkdir -p "node_modules/$binding"
    packed=$(npm pack --silent --pack-destination node_modules "$binding@$version" </dev/null)
    tar -xzf "node_modules/$packed" -C "node_modules/$binding" --strip-components=1
    rm "node_modules/$packed"
  fi
  cp package-lock.json "$stamp"
fi
