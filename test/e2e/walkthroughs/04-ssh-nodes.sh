#!/bin/sh
# Two engines behind ssh, each for its own platform. Over there, `buildctl dial-stdio` leads to the engine; the nodes need no logins.
set -eu

$BUILDX create --name ssh-farm --driver remote --platform linux/amd64 "$NODE_AMD64"
$BUILDX create --name ssh-farm --append --node far --driver remote --platform linux/arm64 "$NODE_ARM64"
$BUILDX inspect --bootstrap ssh-farm

printf 'FROM %s\nRUN uname -m > /machine\nCMD ["cat", "/machine"]\n' "$BASE" > Dockerfile
image=$REGISTRY/ssh-farm:1
$BUILDX build --builder ssh-farm --platform linux/amd64,linux/arm64 --tag "$image" --push .

test "$(polyarch run --platform linux/amd64 "$image")" = x86_64
test "$(polyarch run --platform linux/arm64 "$image")" = aarch64
$BUILDX rm ssh-farm
