#!/bin/sh
# An image gets another name, for all its platforms, by a Dockerfile of two lines.
set -eu

cat > Dockerfile <<'END'
ARG IMAGE
FROM ${IMAGE}
END
image=$REGISTRY/renamed:1
$BUILDX build --build-arg "IMAGE=$BASE" --platform "$PLATFORMS" --tag "$image" --push .

for platform in $(echo "$PLATFORMS" | tr , ' '); do
  got=$(polyarch run --platform "$platform" "$image" uname -m)
  want=$(polyarch run --platform "$platform" "$BASE" uname -m)
  test "$got" = "$want"
  echo "$platform: $got"
done
