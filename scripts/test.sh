#!/bin/sh
# Everything that must pass, on a Debian machine: sets up what is missing, then types, lint, format, import directions,
# unit tests, and end-to-end tests against a real registry and a real Docker Engine.
#
#   scripts/test.sh [a test file of test/e2e …]
set -eu
case ${1-} in
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
cd "$(dirname "$0")/.."
scripts/prepare.sh
scripts/packages.sh crun qemu-user-static:qemu-s390x-static docker-registry skopeo umoci bzip2 xz-utils:xz git openssh-client:ssh-keygen openssl iptables python3 bsdutils:script debian-archive-keyring:/usr/share/keyrings/debian-archive-keyring.gpg
npm run -s ok
exec bin/node --disable-warning=ExperimentalWarning scripts/e2e.ts "$@"
