#!/usr/bin/env bash
# build.sh [TARGET...]: configures build/release when needed and builds the targets (all without any). CMAKE_OPTIONS holds
# options for a new configuration. If they do not say otherwise it compiles files of a folder together, so that who builds
# once waits half the time, and a warning of a compiler that we have not met is no error. Prints to stderr.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=build/release
configured() { grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$folder/CMakeCache.txt" 2>/dev/null; }
# A cache that another copy of the tree left behind is of no use here.
if ! configured || [[ ! -e $folder/build.ninja ]]; then
  rm -rf "$folder/CMakeCache.txt" "$folder/CMakeFiles"
  cmake --preset release -DCMAKE_UNITY_BUILD=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=OFF ${CMAKE_OPTIONS:-} >&2
elif [[ -n ${CMAKE_OPTIONS:-} ]]; then
  for option in $CMAKE_OPTIONS; do
    name=${option#-D} && name=${name%%=*}
    if ! grep -q "^$name:[A-Z]*=${option#*=}$" "$folder/CMakeCache.txt"; then
      cmake --preset release "$option" >&2
    fi
  done
fi
cd "$folder"
# Says nothing when there is nothing to do. In a terminal the steps share a line.
begin= end=$'\n'
[[ -t 2 ]] && begin=$'\r\e[2K' end=
ninja "$@" 2>&1 | while IFS= read -r line; do
  case $line in
    *"Re-checking globbed directories..." | "ninja: no work to do.") ;;
    \[*) printf '%s%s%s' "$begin" "${line:0:79}" "$end" ;;
    *) printf '%s%s\n' "$begin" "$line" ;;
  esac
done >&2
[[ ! -t 2 ]] || printf '%s' "$begin" >&2
