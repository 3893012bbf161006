#!/bin/sh
# One builder over two Docker hosts, for programs that are cross-compiled: with Go alone, then with C in them.
set -eu

$BUILDX create --driver docker-container --platform linux/amd64 --name multi-builder \
  --driver-opt "network=host,image=$ENGINE_IMAGE"
DOCKER_HOST=$REMOTE_DOCKER_HOST $BUILDX create --append --name multi-builder --node remote-builder \
  --platform linux/arm64,linux/arm --driver-opt "network=host,image=$ENGINE_IMAGE"
$BUILDX inspect --bootstrap multi-builder
$BUILDX ls > listed
cat listed
grep -q 'remote-builder .*running' listed
$BUILDX use multi-builder

cat > main.go <<'END'
package main

import "runtime"

func main() { println("Hello from", runtime.GOOS, runtime.GOARCH) }
END
cat > Dockerfile <<END
FROM --platform=\$BUILDPLATFORM $GO AS build
ENV GO111MODULE=off GOCACHE=/tmp/go CGO_ENABLED=0
WORKDIR /src
COPY main.go .
ARG TARGETOS TARGETARCH
RUN GOOS=\$TARGETOS GOARCH=\$TARGETARCH go build -o /hello main.go
FROM scratch
COPY --from=build /hello /hello
ENTRYPOINT ["/hello"]
END
image=$REGISTRY/go:1
$BUILDX build --platform linux/amd64,linux/arm64,linux/arm --tag "$image" --output type=registry .
$BUILDX imagetools inspect "$image"
$BUILDX imagetools inspect "$image" --format '{{range .Manifest.Manifests}}{{.Platform.Architecture}} {{.Digest}}{{"\n"}}{{end}}' > digests
for arch in amd64 arm64 arm; do
  digest=$(sed -n "s/^$arch //p" digests)
  test "$(polyarch run --builder embedded --platform "linux/$arch" "$REGISTRY/go@$digest" 2>&1)" = "Hello from linux $arch"
done

# The same with C: for arm64 by Debian's cross compiler.
cat > main.go <<'END'
package main

// static int answer(void) { return 42; }
import "C"
import "runtime"

func main() { println("C says", int(C.answer()), "on", runtime.GOARCH) }
END
cat > Dockerfile <<END
FROM --platform=\$BUILDPLATFORM $GO AS build
ENV GO111MODULE=off GOCACHE=/tmp/go CGO_ENABLED=1
WORKDIR /src
COPY main.go .
ARG TARGETARCH
RUN if [ \$TARGETARCH = arm64 ]; then export CC=aarch64-linux-gnu-gcc; else export CC=gcc; fi; \
  GOARCH=\$TARGETARCH go build -ldflags '-linkmode external -extldflags -static' -o /hello main.go
FROM scratch
COPY --from=build /hello /hello
ENTRYPOINT ["/hello"]
END
$BUILDX build --platform linux/amd64,linux/arm64 --tag "$REGISTRY/cgo:1" --output type=registry .
for arch in amd64 arm64; do
  test "$(polyarch run --builder embedded --platform "linux/$arch" "$REGISTRY/cgo:1" 2>&1)" = "C says 42 on $arch"
done

$BUILDX stop multi-builder
$BUILDX rm multi-builder
if $BUILDX inspect multi-builder; then exit 1; fi
