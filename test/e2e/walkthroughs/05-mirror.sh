#!/bin/sh
# A builder in a container of Docker's, whose registry cannot be reached: it pulls from the mirror that its configuration names.
set -eu

cat > buildkitd.toml <<END
[registry."registry.invalid:5000"]
  mirrors = ["$MIRROR"]
[registry."$MIRROR"]
  http = true
END
$BUILDX create --name mirrored --driver docker-container --driver-opt "network=host,image=$ENGINE_IMAGE" \
  --config buildkitd.toml --bootstrap

printf 'FROM registry.invalid:5000/busybox\nRUN uname -m > /machine\nCMD ["cat", "/machine"]\n' > Dockerfile
image=$REGISTRY/mirrored:1
$BUILDX build --builder mirrored --platform linux/amd64,linux/arm64 --tag "$image" --push .

test "$(polyarch run --builder embedded --platform linux/amd64 "$image")" = x86_64
test "$(polyarch run --builder embedded --platform linux/arm64 "$image")" = aarch64
$BUILDX stop mirrored
$BUILDX rm mirrored
