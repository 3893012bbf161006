#!/bin/sh
# One image for two platforms, the old way: a tag for each architecture, then a manifest list over them.
set -eu

cat > Dockerfile <<END
FROM $BASE
RUN uname -m > /machine
CMD ["cat", "/machine"]
END
image=$REGISTRY/manifest
$BUILDX build --platform linux/amd64 --tag "$image:1-amd64" --push .
$BUILDX build --platform linux/arm64 --tag "$image:1-arm64" --push .

$DOCKER manifest create --insecure "$image:1" "$image:1-amd64"
$DOCKER manifest create --insecure --amend "$image:1" "$image:1-arm64"
$DOCKER manifest annotate --os linux --arch arm64 --variant v8 "$image:1" "$image:1-arm64"
$DOCKER manifest inspect "$image:1" # as it is kept here until it is pushed
$DOCKER manifest push --insecure --purge "$image:1"

$DOCKER manifest inspect --insecure "$image:1" > pushed.json
grep -c '"architecture"' pushed.json | grep -qx 2
grep -q '"variant": "v8"' pushed.json
$BUILDX imagetools inspect "$image:1"

test "$(polyarch run --platform linux/amd64 "$image:1")" = x86_64
test "$(polyarch run --platform linux/arm64 "$image:1")" = aarch64
