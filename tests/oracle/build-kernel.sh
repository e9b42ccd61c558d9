#!/usr/bin/env bash
# build-kernel.sh HOME VERSION: a Linux kernel of VERSION (7.2, 7.3 ...) as a program, HOME/linux, for scripts/kernel-virtual: Debian's linux-source-VERSION,
# for ARCH=um, with time travel (the clock goes on only when all processes sleep) and a tick of a millisecond. Some ten minutes on two cores.
# Only what the kernel is built of is unpacked: its self-tests stay unread, as the project's rules want it.
set -eu
home=$1 version=$2 mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
here=$(cd "$(dirname "$0")" && pwd)
for tool in gcc make flex bison bc xz dpkg-deb curl; do
  command -v $tool >/dev/null || { echo "build-kernel: $tool is missing: apt-get install build-essential flex bison bc xz-utils dpkg curl libelf-dev" >&2; exit 2; }
done
mkdir -p "$home"
cd "$home"
for suite in sid trixie-backports experimental; do
  found=$(curl -sf "$mirror/dists/$suite/main/binary-amd64/Packages.xz" | xz -d | awk -v RS= -v name="linux-source-$version" '$2 == name' |
    awk '/^Package/ { file = sum = "" } /^Filename:/ { file = $2 } /^SHA256:/ { sum = $2 } file && sum { print file, sum; file = sum = "" }' | tail -1)
  [ -z "$found" ] || break
done
[ -n "$found" ] || { echo "build-kernel: no linux-source-$version in Debian's sid, trixie-backports or experimental" >&2; exit 2; }
read -r file sum <<<"$found"
echo "build-kernel: ${file##*/}"
curl -sf -o source.deb "$mirror/$file"
echo "$sum  source.deb" | sha256sum -c --quiet
rm -rf package source build
dpkg-deb -x source.deb package
mkdir source
tar -C source --strip-components 1 --exclude='*/tools/testing/*' -xf package/usr/src/linux-source-"$version".tar.xz
rm -rf package source.deb
sed -i '/^config HZ$/,/default/s/default 100$/default 1000/' source/arch/um/Kconfig
make -s -C source ARCH=um O="$home/build" x86_64_defconfig
cat "$here/kernel.config" >> build/.config
sed -i '/^CONFIG_HZ=/d' build/.config
make -s -C source ARCH=um O="$home/build" olddefconfig
make -s -C source ARCH=um O="$home/build" -j"${JOBS:-2}"
cp build/linux "$home/linux.new"
mv "$home/linux.new" "$home/linux"
echo "build-kernel: $home/linux"
