#!/bin/sh
# A registry that refuses OCI's indexes and what comes with them: the image arrives there in a form that it takes, with one clear warning.
set -eu

printf 'FROM %s\nRUN uname -m > /machine\nCMD ["cat", "/machine"]\n' "$BASE" > Dockerfile

push() { # TAG FLAG…: builds and pushes, and keeps what was said in said-TAG
  tag=$1
  shift
  $BUILDX build --progress plain --platform linux/amd64,linux/arm64 --tag "$OLD_REGISTRY/old:$tag" "$@" . 2> "said-$tag" || {
    cat "said-$tag" >&2
    exit 1
  }
  cat "said-$tag" >&2
}
runs() { # TAG: on every platform that it names
  test "$(polyarch run --platform linux/amd64 "$OLD_REGISTRY/old:$1")" = x86_64
  test "$(polyarch run --platform linux/arm64 "$OLD_REGISTRY/old:$1")" = aarch64
}

push warned --push
runs warned
test "$(grep -c " - registry .* does not take application/vnd.oci" said-warned)" = 1

# Who asks for it from the start is not warned.
push asked --output type=image,push=true,oci-mediatypes=false --provenance=false --sbom=false
runs asked
! grep -qi warning said-asked

push without --push --provenance=false --sbom=false
runs without
if test "$BUILDX" = polyarch; then ! grep -qi "does not take" said-without; fi

# One platform, which is no index.
$BUILDX build --platform linux/arm64 --tag "$OLD_REGISTRY/old:single" --push .
test "$(polyarch run --platform linux/arm64 "$OLD_REGISTRY/old:single")" = aarch64
