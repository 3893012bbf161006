#!/bin/sh
# Two tags, each for one platform, become one image for both: FROM picks the stage that is named like the architecture.
set -eu

image=$REGISTRY/combined
mkdir one
cat > one/Dockerfile <<END
FROM $BASE
RUN echo "made for \$(uname -m)" > /made
CMD ["cat", "/made"]
END
$BUILDX build --platform linux/amd64 --tag "$image:amd64" --push one
$BUILDX build --platform linux/arm64 --tag "$image:arm64" --push one

cat > Dockerfile <<END
FROM $image:arm64 AS arm64
FROM $image:amd64 AS amd64
FROM \${TARGETARCH}
END
$BUILDX build --platform linux/amd64,linux/arm64 --tag "$image:both" --push .

test "$(polyarch run --platform linux/amd64 "$image:both")" = "made for x86_64"
test "$(polyarch run --platform linux/arm64 "$image:both")" = "made for aarch64"
