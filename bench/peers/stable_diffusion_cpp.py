#!/usr/bin/env python3
"""The peer's side of `starling bench peers`: a denoising step of Wan 2.1 1.3B in q8_0 through stable-diffusion.cpp.

    STARLING_PEERS_SD=~/stable-diffusion.cpp/build/bin/sd-cli bench/peers/stable_diffusion_cpp.py --threads 1

Prints one JSON object a line, as the others do. The program is the user's to build: https://github.com/leejet/stable-diffusion.cpp, or
the source of the Python package stable-diffusion-cpp-python, which carries it (cmake -DSD_WEBP=OFF -DSD_WEBM=OFF; target sd-cli). It makes
17 frames of 256 x 256 (1,280 tokens) and 9 of 832 x 480 (4,680) in one step without guidance; the time is the one that it logs for
sampling, after which it is stopped.

Its models are random numbers in Wan's own names and shapes, written to a temporary folder (2.9 GB of f16, which it makes q8_0 of as it
loads them) without a text encoder, which is no part of a step: it then takes 256 tokens of text, all zeros. STARLING_PEERS_SD_ARGUMENTS names
models of the user's instead, as in '--diffusion-model wan2.1-1.3b-q8_0.gguf --vae ... --t5xxl ...'.
"""

import argparse
import json
import os
import random
import re
import shlex
import shutil
import statistics
import struct
import subprocess
import tempfile

WIDTH, FEED_FORWARD, TEXT, LATENT = 1536, 8960, 4096, 16
SIZES = ((1280, 256, 256, 17), (4680, 832, 480, 9))  # tokens of a step, and the width, height and frames that have them


def halves(count):
    """Numbers of f16 between 2^-6 and 2^-5, of either sign."""
    kept = int.from_bytes(b"\xff\x83" * count, "little")
    added = int.from_bytes(b"\x00\x24" * count, "little")
    return (int.from_bytes(random.randbytes(2 * count), "little") & kept | added).to_bytes(2 * count, "little")


def write_safetensors(path, shapes):
    header, end = {}, 0
    counts = []
    for name, shape in shapes.items():
        count = 1
        for size in shape:
            count *= size
        counts.append(count)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [end, end + 2 * count]}
        end += 2 * count
    text = json.dumps(header).encode()
    block = halves(1 << 20)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for count in counts:
            for begin in range(0, count, 1 << 20):
                file.write(block[: 2 * min(1 << 20, count - begin)])


def transformer_shapes():
    shapes = {}

    def linear(name, outputs, inputs):
        shapes[name + ".weight"], shapes[name + ".bias"] = [outputs, inputs], [outputs]

    shapes["patch_embedding.weight"], shapes["patch_embedding.bias"] = [WIDTH, LATENT, 1, 2, 2], [WIDTH]
    linear("text_embedding.0", WIDTH, TEXT)
    linear("text_embedding.2", WIDTH, WIDTH)
    linear("time_embedding.0", WIDTH, 256)
    linear("time_embedding.2", WIDTH, WIDTH)
    linear("time_projection.1", 6 * WIDTH, WIDTH)
    for block in (f"blocks.{i}." for i in range(30)):
        shapes[block + "modulation"] = [1, 6, WIDTH]
        for attention in ("self_attn.", "cross_attn."):
            for name in "qkvo":
                linear(block + attention + name, WIDTH, WIDTH)
            for name in "qk":
                shapes[f"{block}{attention}norm_{name}.weight"] = [WIDTH]
        shapes[block + "norm3.weight"], shapes[block + "norm3.bias"] = [WIDTH], [WIDTH]
        linear(block + "ffn.0", FEED_FORWARD, WIDTH)
        linear(block + "ffn.2", WIDTH, FEED_FORWARD)
    shapes["head.modulation"] = [1, 2, WIDTH]
    linear("head.head", 4 * LATENT, WIDTH)
    return shapes


def small_autoencoder_shapes():
    """The small autoencoder that it takes in the real one's place: it wants one, and never comes to use it."""
    shapes = {}

    def convolution(name, outputs, inputs, size=3, bias=True):
        shapes[name + ".weight"] = [outputs, inputs, size, size]
        if bias:
            shapes[name + ".bias"] = [outputs]

    def residual(name, width):
        for layer, inputs in ((0, 2 * width), (2, width), (4, width)):
            convolution(f"{name}.conv.{layer}", width, inputs)

    convolution("encoder.0", 64, 3)
    for stage, frames in enumerate((2, 2, 1)):
        first = 2 + 5 * stage
        convolution(f"encoder.{first}.conv", 64, 64 * frames, 1, False)
        convolution(f"encoder.{first + 1}", 64, 64, 3, False)
        for i in range(3):
            residual(f"encoder.{first + 2 + i}", 64)
    convolution("encoder.17", LATENT, 64)
    convolution("decoder.1", 256, LATENT)
    for stage, (width, narrower, frames) in enumerate(((256, 128, 1), (128, 64, 2), (64, 64, 2))):
        first = 3 + 6 * stage
        for i in range(3):
            residual(f"decoder.{first + i}", width)
        convolution(f"decoder.{first + 4}.conv", width * frames, width, 1, False)
        convolution(f"decoder.{first + 5}", narrower, width, 3, False)
    convolution("decoder.22", 3, 64)
    return shapes


def random_models(folder):
    transformer = os.path.join(folder, "transformer.safetensors")
    autoencoder = os.path.join(folder, "autoencoder.safetensors")
    write_safetensors(transformer, transformer_shapes())
    write_safetensors(autoencoder, small_autoencoder_shapes())
    return ["--diffusion-model", transformer, "--tae", autoencoder, "--type", "q8_0"]


def seconds_of_step(command):
    """What it logs for sampling, or None and its last line."""
    last = "nothing"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as child:
        for line in child.stdout:
            found = re.search(r"sampling completed, taking ([0-9.]+)s", line)
            if found is not None:
                child.kill()
                return float(found.group(1)), last
            last = line.strip() or last
    return None, last


def version_of(program):
    """As it says itself: "stable-diffusion.cpp version master-123-abcdef0, commit ..."."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, errors="replace", check=False).stdout
    except OSError:
        return ""
    found = re.search(r"version (\S+?),? commit (\w+)", said)
    return "" if found is None else f" {found.group(2) if found.group(1) == 'unknown' else found.group(1)}"


def measure(program, command, rounds):
    """The median of its steps, or why there is none."""
    seconds = []
    for _ in range(rounds):
        try:
            taken, last = seconds_of_step(command)
        except OSError as error:
            taken, last = None, str(error)
        if taken is None:
            break
        seconds.append(taken)
    if seconds:
        return {"seconds": statistics.median(seconds)}
    return {"error": f"not measured: {program} logged no time for sampling, and last: {last}"}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--blocks", type=int, default=30)
    arguments.add_argument("--cases", default="", help="NAME SHAPE;NAME SHAPE;... instead of all")
    given = arguments.parse_args()
    cases = given.cases.split(";")
    wanted = [size for size in SIZES if not given.cases or any(f"denoising step {size[0]} tokens" in one for one in cases)]
    if not wanted:
        return
    program = os.environ.get("STARLING_PEERS_SD") or shutil.which("sd-cli") or shutil.which("sd")
    with tempfile.TemporaryDirectory() as folder:
        models = None
        for tokens, width, height, frames in wanted:
            row = {"peer": "stable-diffusion.cpp q8_0", "name": "denoising step", "shape": f"{tokens} tokens",
                   "threads": given.threads}
            if program is None:
                row["error"] = ("not measured: build https://github.com/leejet/stable-diffusion.cpp and name its program sd-cli in "
                                "STARLING_PEERS_SD")
            elif given.blocks != 30:
                row["error"] = "not measured: it runs whole models; leave out --blocks"
            else:
                if models is None:
                    named = os.environ.get("STARLING_PEERS_SD_ARGUMENTS")
                    models = random_models(folder) if named is None else shlex.split(named)
                command = [program, "-M", "vid_gen", *models, "-p", "a red ball", "-W", str(width), "-H", str(height),
                           "--video-frames", str(frames), "--steps", "1", "--cfg-scale", "1", "--diffusion-fa",
                           "-t", str(given.threads), "-o", os.path.join(folder, "clip.avi"), "-v"]
                row["peer"] = f"stable-diffusion.cpp{version_of(program)} q8_0"
                row |= measure(program, command, given.rounds)
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
