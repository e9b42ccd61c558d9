#!/usr/bin/env bash
# test_plugin_scripts.sh: the scripts of this folder through liblilliput-packetdrill.so as the stock packetdrill would use it (tests/oracle/plugin_host.c): what
# passes in `lilliput script` passes there, over IPv4 and IPv6. Parameters that commands set at the beginning are flags; what later ones write in a network namespace
# the plug-in follows (where there may be one); scripts with other commands are skipped.
set -u
cd "$SOURCE_DIR"
[ -x "$BUILD_DIR/tests/plugin_host" ] || exit 77
export PLUGIN=$BUILD_DIR/liblilliput-packetdrill.so
mapfile -t scripts < <(find tests/script -name '*.pkt' | LC_ALL=C sort)
for version in "" --ipv6; do
  out=$("$BUILD_DIR/tests/plugin_host" $version "${scripts[@]}") || { echo "$out" | grep -A3 '^FAIL' | head -40; echo "$out" | tail -1; exit 1; }
  passed=$(echo "$out" | tail -1 | cut -d' ' -f1)
  [ "$passed" -gt 1300 ] || { echo "only $(echo "$out" | tail -1)"; exit 1; }
done
echo "all as expected"
