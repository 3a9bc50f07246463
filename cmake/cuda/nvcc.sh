#!/usr/bin/env bash
# nvcc.sh FOLDER: prints the path of an nvcc: the system's, or else NVIDIA's packages from PyPI, installed into FOLDER.
# Prints nothing, and on stderr why, where neither can be had.
set -euo pipefail

folder=$(realpath -m "$1")
release=13.5
for nvcc in "$(command -v nvcc || true)" "${CUDA_PATH:-/usr/local/cuda}/bin/nvcc"; do
  if [[ -x $nvcc ]] && version=$("$nvcc" --version | grep -oE 'release [0-9]+') && [[ ${version#release } -ge 12 ]]; then
    echo "$nvcc"
    exit 0
  fi
done

find_nvcc() { find "$folder" -path '*/bin/nvcc' -print -quit 2>/dev/null; }
if [[ -z $(find_nvcc) ]]; then
  rm -rf "$folder"
  if ! log=$(python3 -m venv "$folder" 2>&1 && "$folder/bin/pip" install --quiet --disable-pip-version-check --timeout 20 \
    "nvidia-cuda-nvcc==$release.*" "nvidia-cuda-runtime==$release.*" "nvidia-cuda-crt==$release.*" "nvidia-nvvm==$release.*" 2>&1); then
    rm -rf "$folder"
    echo "There is no nvcc here, and none could be installed from PyPI: ${log##*$'\n'}" >&2
    exit 0
  fi
fi
find_nvcc
