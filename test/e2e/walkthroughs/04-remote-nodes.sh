#!/bin/sh
# Two engines on the network, each for its own platform, that talk only to clients with a certificate.
#
# The certificates were made with `polyarch daemon certs $CERTS`, and each engine was started with
#   polyarchd --addr tcp://… --tlscacert $CERTS/daemon/ca.pem --tlscert $CERTS/daemon/cert.pem --tlskey $CERTS/daemon/key.pem
set -eu

keys=cacert=$CERTS/client/ca.pem,cert=$CERTS/client/cert.pem,key=$CERTS/client/key.pem
$BUILDX create --name farm --driver remote --driver-opt "$keys" --platform linux/amd64 "$NODE_AMD64"
$BUILDX create --name farm --append --node far --driver remote --driver-opt "$keys" --platform linux/arm64 "$NODE_ARM64"
$BUILDX inspect --bootstrap farm
$BUILDX ls

printf 'FROM %s\nRUN uname -m > /machine\nCMD ["cat", "/machine"]\n' "$BASE" > Dockerfile
image=$REGISTRY/farm:1
$BUILDX build --builder farm --platform linux/amd64,linux/arm64 --tag "$image" --push .

test "$(polyarch run --platform linux/amd64 "$image")" = x86_64
test "$(polyarch run --platform linux/arm64 "$image")" = aarch64
$BUILDX rm farm
