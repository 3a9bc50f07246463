#!/usr/bin/env bash
# sysroot.sh FOLDER: what arm64 programs are linked with and run on, from Debian's arm64 packages, without touching the
# system. Does nothing when the folder has them already.
set -euo pipefail
packages=(libc6-dev libstdc++-12-dev libssl-dev libsecp256k1-dev librocksdb-dev nlohmann-json3-dev libgtest-dev libprotobuf-dev
  libsentencepiece-dev libavformat-dev libswscale-dev libpng-dev)

folder=$(realpath -m "$1")
stamp=$folder/packages
[[ -e $stamp && $(<"$stamp") == "${packages[*]}" ]] && exit 0
rm -rf "$folder"
mkdir -p "$folder"/{root,apt/lists/partial,apt/cache/archives/partial,apt/sources}
trap 'rm -rf "$folder/apt"' EXIT

# A private apt: another architecture, nothing installed, and the system's Debian sources alone.
for list in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
  [[ -s $list ]] && cp "$list" "$folder/apt/sources/debian.${list##*.}"
done
: >"$folder/apt/status"
apt() {
  apt-get -q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State::Lists="$folder/apt/lists" \
    -o Dir::State::status="$folder/apt/status" -o Dir::Cache="$folder/apt/cache" -o Dir::Etc::sourcelist=/dev/null \
    -o Dir::Etc::sourceparts="$folder/apt/sources" -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" "$@" >&2
}
apt update
apt install -y --download-only --no-install-recommends "${packages[@]}"
for package in "$folder"/apt/cache/archives/*.deb; do dpkg-deb -x "$package" "$folder/root"; done
echo "${packages[*]}" >"$stamp"
