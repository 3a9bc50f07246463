#!/usr/bin/env bash
# install_packages.sh GROUP...: installs the Debian packages of packages.txt that these groups need and that are missing,
# after saying which and why. Says nothing and takes no time when all are there.
set -euo pipefail

list=$(dirname "$0")/packages.txt
if ! command -v dpkg-query >/dev/null; then
  echo "This is not a Debian system: the libraries named in $list must be there already." >&2
  exit 0
fi

groups=" $* "
wanted=()
declare -A purpose=()
while read -r group package what; do
  [[ $group == \#* || $groups != *" $group "* ]] && continue
  wanted+=("$package")
  purpose[$package]=$what
done <"$list"

installed=$(dpkg-query -W -f='${Package} ${Status}\n' "${wanted[@]}" 2>/dev/null || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qxF "$package install ok installed" <<<"$installed" || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

echo "Starling needs these Debian packages, which are not installed yet:" >&2
for package in "${missing[@]}"; do printf '  %-22s %s\n' "$package" "${purpose[$package]}" >&2; done

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "Installing them takes root, and there is no sudo. As root, run:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing them with apt-get${as_root[0]:+ through sudo}." >&2
"${as_root[@]}" apt-get update -q >&2 || echo "apt-get update failed; trying with the package lists at hand." >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
