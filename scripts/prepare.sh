#!/bin/sh
# Brings a clone to where `bin/node scripts/…` works: the packages of package-lock.json, the pinned Node among them.
# Needs any Node with npm. Does nothing when node_modules is already what package-lock.json says.
set -eu
cd "$(dirname "$0")/.."

case $(uname -m) in aarch64) cpu=arm64 ;; *) cpu=x64 ;; esac
fresh= # an npm cache that nobody has used

npm_online() {
  npm "$@" ${fresh:+"--cache=$fresh"} --fetch-retries=5 --fetch-timeout=120000 --loglevel=error </dev/null
}

install_packages() {
  npm_online ci --ignore-scripts --no-audit --no-fund >&2 || return 1
  # Older npms do not link it, and then the tools of `npm run` would run on the machine's Node.
  for node in node_modules/node-linux-*/bin/node; do
    if [ -x "$node" ]; then ln -sf "../../$node" node_modules/.bin/node; fi
  done
  works
}

# Whether what is installed runs. Programs are packages of their own for each kind of machine, and npm says nothing when it cannot fetch those.
works() {
  wanted=$(sed -n "s/.*\"node-linux-$cpu\": \"\(.*\)\".*/v\1/p" package.json)
  if [ "$(bin/node --version)" != "$wanted" ]; then
    echo "Node.js $wanted, the package node-linux-$cpu, is not there after npm ci" >&2
    return 1
  fi
  # npm leaves the linter's binding out where the machine's Node is too old for it. The pinned one, which runs the linter, is not.
  binding=@oxlint/binding-linux-$cpu-gnu
  if [ ! -d "node_modules/$binding" ]; then
    version=$(bin/node -p 'require("./node_modules/oxlint/package.json").version') || return 1
    packed=$(npm_online pack --silent --pack-destination node_modules "$binding@$version") || return 1
    mkdir -p "node_modules/$binding"
    tar -xzf "node_modules/$packed" -C "node_modules/$binding" --strip-components=1 || return 1
    rm "node_modules/$packed"
  fi
  for tool in tsc oxlint tsgolint biome esbuild; do
    case $tool in tsgolint) flag=-help ;; *) flag=--version ;; esac
    if ! said=$(PATH="$PWD/node_modules/.bin:$PATH" "$tool" "$flag" 2>&1 </dev/null); then
      printf '%s does not run after npm ci: %s\n' "$tool" "$(printf '%s\n' "$said" | tail -n 3)" >&2
      return 1
    fi
  done
}

stamp=node_modules/.installed-lock
if [ ! -f "$stamp" ] || ! cmp -s package-lock.json "$stamp"; then
  # The pinned Node needs one library that a bare Debian lacks.
  scripts/packages.sh nodejs:node npm 'libatomic1:/usr/lib/*-linux-gnu*/libatomic.so.1'
  echo "Installing the packages of package-lock.json" >&2
  for seconds in 5 15 45 -; do
    install_packages && break
    if [ "$seconds" = - ]; then
      echo "ERROR: cannot install the packages of package-lock.json: what npm said of that is above" >&2
      exit 1
    fi
    echo "Cannot install the packages yet, trying again in $seconds s" >&2
    sleep "$seconds"
    fresh=${fresh:-$(mktemp -d)} # what was fetched so far may be the fault
    trap 'rm -rf "$fresh"' EXIT
  done
  cp package-lock.json "$stamp"
fi
