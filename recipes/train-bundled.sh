#!/bin/sh
# Trains the bundled model from nothing into FOLDER (default: build/bundled); can be stopped and started again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=${STARLING:-$here/../build/release/starling}
out=${1:-$here/../build/bundled}
"$program" train vae --resume --recipe "$here/bundled-vae.json" --out "$out/vae"
from=
for stage in 1 2 3; do
  "$program" train transformer --resume --recipe "$here/bundled-transformer-$stage.json" --vae "$out/vae/vae" \
    --out "$out/transformer-$stage" $from
  from="--from $out/transformer-$stage/model"
done
echo "The model is in $out/transformer-3/model."
