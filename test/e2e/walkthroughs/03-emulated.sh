#!/bin/sh
# One Dockerfile for several platforms, whose steps run emulated; pushed as one image, then loaded into Docker one by one.
set -eu

polyarch binfmt # what this machine runs
$BUILDX create --use --name multi-builder --driver remote "unix://$ENGINE"
$BUILDX inspect --bootstrap

cat > Dockerfile <<END
FROM --platform=\$TARGETPLATFORM $BASE
RUN echo "Hello from \$(uname -m)" > /hello
CMD ["cat", "/hello"]
END
image=$REGISTRY/emulated:1
$BUILDX build --platform linux/arm,linux/arm64,linux/amd64 --tag "$image" --push .
test "$(polyarch run --platform linux/arm "$image")" = "Hello from armv7l"
test "$(polyarch run --platform linux/arm64 "$image")" = "Hello from aarch64"
test "$(polyarch run --platform linux/amd64 "$image")" = "Hello from x86_64"

for arch in arm arm64 amd64; do
  $BUILDX build --tag "hello:$arch" --platform "linux/$arch" --output type=docker .
done
docker image ls hello
test "$(docker run --rm --network none --platform linux/arm hello:arm)" = "Hello from armv7l"
test "$(docker run --rm --network none --platform linux/arm64 hello:arm64)" = "Hello from aarch64"
test "$(docker run --rm --network none --platform linux/amd64 hello:amd64)" = "Hello from x86_64"

$BUILDX rm multi-builder
