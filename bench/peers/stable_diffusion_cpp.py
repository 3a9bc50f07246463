#!/usr/bin/env python3
"""The peer's side of `starling bench peers`: a denoising step of Wan 2.1 1.3B in q8_0 through stable-diffusion.cpp.

    STARLING_PEERS_SD=~/stable-diffusion.cpp/build/bin/sd STARLING_PEERS_SD_ARGUMENTS='--diffusion-model wan2.1-1.3b-q8_0.gguf --vae … --t5xxl …' \\
        bench/peers/stable_diffusion_cpp.py --threads 1

Prints one JSON object a line, as the others do. The program and the models in its own formats are the user's to get
(https://github.com/leejet/stable-diffusion.cpp, docs/wan.md); it makes 17 frames of 256 x 256 in one step without guidance, and the time
is the one that it logs for sampling.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import tempfile


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--blocks", type=int, default=30)
    arguments.add_argument("--only", default="")
    given = arguments.parse_args()
    row = {"peer": "stable-diffusion.cpp q8_0", "name": "denoising step", "shape": "1280 tokens", "threads": given.threads}
    if given.only not in "denoising step 1280 tokens":
        return
    program = os.environ.get("STARLING_PEERS_SD") or shutil.which("sd-cli") or shutil.which("sd")
    models = os.environ.get("STARLING_PEERS_SD_ARGUMENTS")
    if program is None or models is None:
        row["error"] = ("not measured: build https://github.com/leejet/stable-diffusion.cpp, name its program in STARLING_PEERS_SD "
                        "and its options for the models in STARLING_PEERS_SD_ARGUMENTS")
    elif given.blocks != 30:
        row["error"] = "not measured: it runs whole models; leave out --blocks"
    else:
        seconds = []
        with tempfile.TemporaryDirectory() as folder:
            command = [program, "-M", "vid_gen", *shlex.split(models), "-p", "a red ball", "-W", "256", "-H", "256",
                       "--video-frames", "17", "--steps", "1", "--cfg-scale", "1", "-t", str(given.threads),
                       "-o", os.path.join(folder, "clip"), "-v"]
            for _ in range(given.rounds):
                ran = subprocess.run(command, capture_output=True, text=True)
                found = re.search(r"sampling completed, taking ([0-9.]+)s", ran.stdout + ran.stderr)
                if found is None:
                    break
                seconds.append(float(found.group(1)))
        if seconds:
            row["seconds"] = statistics.median(seconds)
        else:
            row["error"] = f"not measured: {program} ended with {ran.returncode} and logged no time for sampling"
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
