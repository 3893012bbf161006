#!/bin/sh
# Runs a command in a fresh clone on a bare Debian: nothing is there but what the command itself installs.
#
#   scripts/bare-debian.sh [COMMAND …]        without a command: scripts/test.sh
#
# For checking that scripts/demo.sh and scripts/test.sh forget nothing. The clone is of the last commit. Needs root and
# debootstrap. The bare system is kept in ~/.cache/polyarch/bare-debian.tar for the next time; what the command did is not.
set -eu
case ${1-} in
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
cd "$(dirname "$0")/.."
scripts/packages.sh debootstrap

cache=${XDG_CACHE_HOME:-$HOME/.cache}/polyarch
bare=$cache/bare-debian.tar
root=$(mktemp -d "${TMPDIR:-/var/tmp}/polyarch-bare.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
mkdir -p "$cache"
if [ ! -f "$bare" ]; then
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Component: main' | head -n 1)
  debootstrap --variant=minbase bookworm "$root" "$mirror"
  tar -C "$root" -cf "$bare.$$" . && mv "$bare.$$" "$bare"
else
  tar -C "$root" -xf "$bare"
fi
git clone --quiet . "$root/clone"
# How this machine reaches the network, apt and npm.
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp -r /etc/ssl "$root/etc/"
if [ -d /usr/local/share/ca-certificates ]; then cp -r /usr/local/share/ca-certificates "$root/usr/local/share/"; fi
for file in "$HOME/.npmrc" /etc/npmrc /usr/etc/npmrc; do
  if [ -f "$file" ]; then mkdir -p "$root${file%/*}" && cp "$file" "$root$file"; fi
done
[ $# -gt 0 ] || set -- scripts/test.sh
unshare --mount --propagation private --pid --fork --kill-child sh -eu -c '
  root=$1
  shift
  mount --bind "$root" "$root"
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
  # Not chroot alone: in a changed root the kernel allows no user namespaces.
  mkdir "$root/.old"
  cd "$root"
  pivot_root . .old
  umount --lazy .old
  exec chroot . env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    ${NODE_EXTRA_CA_CERTS:+NODE_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"} \
    sh -c "cd /clone && exec \"\$@\"" sh "$@" </dev/null
' sh "$root" "$@"
