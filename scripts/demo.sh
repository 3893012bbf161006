#!/bin/sh
# Sets up everything on a Debian machine and shows the main job: one image, built for seven platforms, pushed, inspected, run.
# Installs only what is missing. Options are those of scripts/demo.ts.
set -eu
cd "$(dirname "$0")/.."
scripts/prepare.sh
scripts/packages.sh crun qemu-user-static:qemu-s390x-static docker-registry skopeo umoci
bin/node scripts/build.ts
exec bin/node --disable-warning=ExperimentalWarning scripts/demo.ts "$@"
