#!/bin/sh
# A Docker Engine on another machine, which DOCKER_HOST=ssh://… leads to: it builds, and pushes with the login of this machine.
set -eu

$BUILDX ls --builder default
$BUILDX ls | grep -q '^default\*'

printf 'FROM %s\nRUN uname -m > /machine\nCMD ["cat", "/machine"]\n' "$BASE" > Dockerfile
$BUILDX build --network host --platform=arm64 . # no tag: the image is there by its ID only
echo "$PASSWORD" | $DOCKER login --username "$USERNAME" --password-stdin "$REGISTRY"
for arch in amd64 arm64; do
  $BUILDX build --network host --platform=$arch --tag "$REGISTRY/over-ssh:$arch" --push .
done

test "$(env -u DOCKER_HOST polyarch run --platform linux/amd64 "$REGISTRY/over-ssh:amd64")" = x86_64
test "$(env -u DOCKER_HOST polyarch run --platform linux/arm64 "$REGISTRY/over-ssh:arm64")" = aarch64
