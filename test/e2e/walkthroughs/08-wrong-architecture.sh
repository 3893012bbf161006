#!/bin/sh
# On a machine without emulators, an image of the wrong architecture is named for what it is, with the remedy.
set -eu

image=$REGISTRY/wrong
refused() { # COMMAND…: it fails, and says so in words with both architectures in them, and with what to do
  if "$@" > said 2>&1; then
    echo "this was not refused: $*" >&2
    exit 1
  fi
  cat said
  grep -q linux/amd64 said
  grep -q linux/arm64 said
  grep -q -e qemu-user-static -e "ask for linux/arm64" -e "--platform linux/arm64" said
}

# Nothing runs in this build, so it needs no emulator.
printf 'FROM %s\nCMD ["uname", "-m"]\n' "$BASE" > Dockerfile
$BUILDX build --platform linux/arm64 --tag "$image:arm64" --push .

refused polyarch run "$image:arm64"
refused polyarch run --platform linux/amd64 "$image:arm64"

mkdir next
printf 'FROM %s\nRUN uname -m\n' "$image:arm64" > next/Dockerfile
refused $BUILDX build --platform linux/arm64 next

# An image that says it is for this machine, and holds programs of the other one.
mkdir lying
cat > lying/Dockerfile <<END
FROM --platform=linux/arm64 $BASE AS other
FROM scratch
COPY --from=other /bin/busybox /bin/busybox
CMD ["/bin/busybox", "uname", "-m"]
END
$BUILDX build --platform linux/amd64 --tag "$image:lying" --push lying
refused polyarch run "$image:lying"
printf 'FROM %s\nRUN ["/bin/busybox", "uname", "-m"]\n' "$image:lying" > lying/Dockerfile
refused $BUILDX build --platform linux/amd64 lying
refused polyarch image inspect --verify "$image:lying"

# The same when a shell starts it, in the middle of a script.
mkdir shell
cat > shell/Dockerfile <<END
FROM $BASE
COPY --from=$image:lying /bin/busybox /opt/tool
RUN echo begun && cd /opt && ./tool uname -m
END
refused $BUILDX build --platform linux/amd64 shell
grep -q "hint: /opt/tool is a program for linux/arm64" said

# The remedy: an image for both, and a builder that can run the other one.
$BUILDX build --platform linux/amd64,linux/arm64 --tag "$image:both" --push .
$BUILDX create --name emulating --driver remote "unix://$EMULATING"
test "$(polyarch run "$image:both")" = x86_64
test "$(polyarch run --builder emulating --platform linux/arm64 "$image:both")" = aarch64
$BUILDX build --builder emulating --platform linux/arm64 --tag "$image:next" --push next
polyarch image inspect --verify "$image:both" > verified
grep -q "started: .* (linux/arm64)" verified
$BUILDX imagetools inspect "$image:both" | grep -q "Platform: *linux/arm64"
