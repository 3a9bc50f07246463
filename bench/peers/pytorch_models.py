#!/usr/bin/env python3
"""The peer's side of `starling bench peers`: parts of Wan 2.1 1.3B, random weights, through PyTorch and diffusers.

    bench/peers/pytorch_models.py --threads 1 --rounds 3 [--blocks 30] [--cases "VAE decode 17 x 256 x 256;..."]

Prints one JSON object a line: {"peer", "name", "shape", "threads", "seconds"}, or {"error"} for what it could not do. Nothing in the
build needs this file. Needs Python 3.10, torch 2 and diffusers 0.35 or later (CPU builds will do):

    python3 -m venv peers && peers/bin/pip install torch diffusers --extra-index-url https://download.pytorch.org/whl/cpu
"""

import argparse
import importlib.metadata
import json
import statistics
import time

try:
    import torch
except ImportError:
    torch = None


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(not there: pip install it)"


def median_time(run, rounds, threads):
    """Of so many runs; of more where they are quick. The first one is not counted, unless it takes minutes."""
    clock = time.process_time if threads == 1 else time.perf_counter
    seconds = []
    while len(seconds) < rounds + 1 or (sum(seconds) < 1.0 and len(seconds) < 5 * rounds):
        start = clock()
        run()
        seconds.append(clock() - start)
        if seconds[0] > 60.0 and len(seconds) == rounds:
            return statistics.median(seconds)
    return statistics.median(seconds[1:])


def attention(tokens, kind):
    q, k, v = (torch.randn(1, 12, tokens, 128, dtype=kind) for _ in range(3))
    return lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v)


def product(m, n, k, kind):
    if kind == torch.int8:
        a, b = (torch.randint(-127, 128, size, dtype=torch.int8) for size in ((m, k), (n, k)))
        weight = b.t()
        return lambda: torch._int_mm(a, weight)
    layer = torch.nn.Linear(k, n, dtype=kind)
    x = torch.randn(m, k, dtype=kind)
    return lambda: layer(x)


def step(frames, rows, columns, blocks, kind):
    import diffusers

    model = diffusers.WanTransformer3DModel(
        num_attention_heads=12, attention_head_dim=128, ffn_dim=8960, num_layers=blocks, cross_attn_norm=True,
        qk_norm="rms_norm_across_heads").eval().to(torch.float32 if kind == torch.int8 else kind)
    if kind == torch.int8:  # the blocks, as of our quantised models
        model.blocks = torch.ao.quantization.quantize_dynamic(model.blocks, {torch.nn.Linear}, dtype=torch.qint8)
    kind = torch.float32 if kind == torch.int8 else kind
    latents = torch.randn(1, 16, frames, 2 * rows, 2 * columns, dtype=kind)
    text = torch.randn(1, 512, 4096, dtype=kind)
    return lambda: model(latents, torch.tensor([500.0]), text, return_dict=False)


def decode(frames, height, width):
    import diffusers

    vae = diffusers.AutoencoderKLWan().eval()
    latents = torch.randn(1, 16, 1 + (frames - 1) // 4, height // 8, width // 8)
    return lambda: vae.decode(latents, return_dict=False)


KINDS = ("f32", "bf16", "int8")


def cases(blocks):
    of = "" if blocks == 30 else f", {blocks} of 30 blocks"
    for m in (1024, 4096):
        for n, k in ((1536, 1536), (8960, 1536), (1536, 8960)):
            for name in KINDS:
                yield "product", f"{m} x {n} x {k}", name, lambda kind, size=(m, n, k): product(*size, kind)
    for tokens in (4096, 16384):
        yield "attention", f"{tokens} tokens, 12 x 128", "bf16", lambda kind, n=tokens: attention(n, kind)
    for tokens, size in ((1280, (5, 16, 16)), (4680, (3, 30, 52))):
        for name in KINDS:
            yield "denoising step", f"{tokens} tokens{of}", name, lambda kind, s=size: step(*s, blocks, kind)
    yield "VAE decode", "17 x 256 x 256", "f32", lambda _: decode(17, 256, 256)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--blocks", type=int, default=30)
    arguments.add_argument("--cases", default="", help="NAME SHAPE;NAME SHAPE;... instead of all")
    given = arguments.parse_args()
    if torch is None:
        print(json.dumps({"peer": "PyTorch", "name": "all", "shape": "", "threads": given.threads, "error":
                          "not measured: pip install torch diffusers, and name that python in STARLING_PEERS_PYTHON"}))
        return
    kinds = {"f32": torch.float32, "bf16": torch.bfloat16, "int8": torch.int8}
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    for name, shape, kind, make in cases(given.blocks):
        if given.cases and f"{name} {shape}" not in given.cases.split(";"):
            continue
        by = f"PyTorch {torch.__version__}"
        if name in ("denoising step", "VAE decode"):
            by += f", diffusers {version('diffusers')},"
        row = {"peer": f"{by} {kind}", "name": name, "shape": shape, "threads": given.threads}
        try:
            with torch.inference_mode():
                row["seconds"] = median_time(make(kinds[kind]), given.rounds, given.threads)
        except Exception as error:  # a case that this version of the peer cannot do is a row that says so
            row["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
