#!/usr/bin/env bash
# setup.sh: installs what the build and the tests need, from Debian's packages, and says why.
# As root it installs; otherwise it prints the one command. Nothing is done when all is there.
set -eu
packages=(
  "gcc the compiler"
  "cmake the build" "ninja-build the build's runner" "pkg-config finds the libraries"
  "libfyaml-dev reads lab files (YAML)" "libjansson-dev writes JSON" "libcmocka-dev unit tests"
  "tshark checks the captures that the tests write"
)
missing=() reasons=()
for entry in "${packages[@]}"; do
  name=${entry%% *}
  if ! dpkg -s "$name" >/dev/null 2>&1; then missing+=("$name"); reasons+=("  $name: ${entry#* }"); fi
done
[ ${#missing[@]} -eq 0 ] && exit 0
printf 'Lilliput needs these Debian packages:\n'; printf '%s\n' "${reasons[@]}"
command="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
  printf 'Not root, so please run:\n  sudo %s\n' "$command" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
$command >/dev/null
