#!/bin/sh
# Trains the bundled model from nothing into FOLDER (default: build/bundled); can be stopped and started again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=${STARLING:-$here/../build/release/starling}
out=${1:-$here/../build/bundled}
"$program" train vae --resume --recipe "$here/bundled-vae.json" --out "$out/vae"
"$program" train transformer --resume --recipe "$here/bundled-transformer.json" --vae "$out/vae/vae" --out "$out/transformer"
echo "The model is in $out/transformer/model."
