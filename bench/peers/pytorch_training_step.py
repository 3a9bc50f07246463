#!/usr/bin/env python3
"""One training step of the bundled model: Starling beside PyTorch, in turns.

Needs Python 3.10, torch 2.15, diffusers 0.42 and transformers 5 (CPU builds will do). Nothing in the build needs this file.

    bench/peers/pytorch_training_step.py --starling build/release/starling [--part transformer] [--threads 1 2] [--json]

Both do the same: forward, backward, clipping of the gradient's norm, AdamW and the running average, in f32, on the batch of the recipe;
the models are built from the configurations under models/bundled, with weights as they are initialised. The transformer trains together
with its text encoder, by rectified flow with a time for each latent frame, which diffusers takes as one for each token. Of the peer's variants
(eager, channels last, compiled with --compile) and its optimizers (foreach, fused) the fastest counts. Each round runs
`starling bench training` (a median of several steps) and then some steps of the peer; medians over the rounds are printed.
"""

import argparse
import json
import pathlib
import platform
import statistics
import subprocess
import time

import diffusers
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parents[2]
FRAMES, SIDE, CROP, TOKENS = 17, 64, 32, 48
BATCH = {"transformer": 16, "autoencoder": 4}


def config(component):
    return json.loads((ROOT / "models" / "bundled" / component / "config.json").read_text())


def in_channels_last(tensor):
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.contiguous(memory_format=formats.get(tensor.ndim, torch.contiguous_format))


class Flow(torch.nn.Module):
    """The transformer and its text encoder; the loss is the mean square over noisy latents."""

    def __init__(self, _):
        super().__init__()
        self.text = transformers.UMT5EncoderModel(transformers.UMT5Config(**config("text_encoder")))
        self.transformer = diffusers.WanTransformer3DModel.from_config(config("transformer"))
        batch, frames, side = BATCH["transformer"], 1 + (FRAMES - 1) // 4, SIDE // 8
        self.latents = torch.randn(batch, 16, frames, side, side)
        self.tokens = torch.randint(3, self.text.config.vocab_size, (batch, TOKENS))
        lengths = torch.randint(8, TOKENS, (batch, 1))
        self.mask = (torch.arange(TOKENS) < lengths).long()
        self.noisy = torch.ones(batch, frames)
        self.noisy[::3, 0] = 0.0

    def forward(self):
        x = self.latents
        uniform = torch.rand(x.shape[0], 1)
        sigma = 4.0 * uniform / (1.0 + 3.0 * uniform) * self.noisy
        flow = torch.randn_like(x) - x
        mixed = x + sigma[:, None, :, None, None] * flow
        text = self.text(input_ids=self.tokens, attention_mask=self.mask).last_hidden_state * self.mask[..., None]
        times = (1000.0 * sigma).repeat_interleave((SIDE // 16) ** 2, dim=1)
        predicted = self.transformer(mixed, times, text, return_dict=False)[0]
        weight = self.noisy[:, None, :, None, None]
        count = self.noisy.sum() * (x.numel() / self.noisy.numel())
        return ((predicted - flow).square() * weight).sum() / count


class Autoencoder(torch.nn.Module):
    """The autoencoder; the loss is of absolute and square errors and the posterior's divergence."""

    def __init__(self, channels_last):
        super().__init__()
        self.vae = diffusers.AutoencoderKLWan.from_config(config("vae"))
        self.video = torch.rand(BATCH["autoencoder"], 3, FRAMES, CROP, CROP) * 2.0 - 1.0
        if channels_last:
            self.video = in_channels_last(self.video)

    def forward(self):
        posterior = self.vae.encode(self.video, return_dict=False)[0]
        decoded = self.vae.decode(posterior.sample(), return_dict=False)[0]
        error = decoded - self.video
        divergence = 0.5 * (posterior.mean.square() + posterior.var - 1.0 - posterior.logvar).mean()
        return error.abs().mean() + 2.0 * error.square().mean() + 3e-4 * divergence


class Peer:
    def __init__(self, part, variant):
        torch.manual_seed(0)
        channels_last = variant == "channels last"
        self.model = (Flow if part == "transformer" else Autoencoder)(channels_last).eval()  # eval: no dropout
        if channels_last:
            for parameter in self.model.parameters():
                parameter.data = in_channels_last(parameter.data)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.averages = [p.detach().clone() for p in self.parameters]
        groups = [
            {"params": [p for p in self.parameters if p.ndim >= 2], "weight_decay": 0.01},
            {"params": [p for p in self.parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizers = {
            "foreach": torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.99), foreach=True),
            "fused": torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.99), fused=True),
        }
        self.loss = torch.compile(self.model) if variant == "compiled" else self.model
        self.optimizer = "fused"

    def choose_optimizer(self):
        self.gradient()
        times = {}
        for _ in range(3):
            for name, optimizer in self.optimizers.items():
                start = time.perf_counter()
                optimizer.step()
                times[name] = min(times.get(name, 1e9), time.perf_counter() - start)
        self.optimizer = min(times, key=times.get)

    def gradient(self):
        for parameter in self.parameters:
            parameter.grad = None
        loss = self.loss()
        loss.backward()
        return loss

    def step(self):
        start = time.perf_counter()
        loss = self.gradient()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
        self.optimizers[self.optimizer].step()
        torch._foreach_lerp_(self.averages, self.parameters, 0.002)
        loss.item()
        return time.perf_counter() - start


def ours(program, part, threads):
    """Samples a second by count of threads."""
    command = [program, "bench", "training", "--json", "--threads", str(max(threads))]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = json.loads(out.splitlines()[-1])
    rates = {
        row["threads"]: row["ours"]
        for row in result["results"]
        if row["unit"] == "samples/s" and row["name"].endswith(part)
    }
    return result["machine"]["cpu"], rates


def measure(arguments, part):
    variants = ["eager"]
    if part == "autoencoder":
        variants.append("channels last")
    if arguments.compile:
        variants.append("compiled")
    peers = {variant: Peer(part, variant) for variant in variants}
    rates = {threads: [] for threads in arguments.threads}
    seconds = {(threads, variant): [] for threads in arguments.threads for variant in variants}
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        for peer in peers.values():
            peer.choose_optimizer()
            peer.step()
    cpu = ""
    for _ in range(arguments.rounds):
        cpu, measured = ours(arguments.starling, part, arguments.threads)
        for threads in arguments.threads:
            rates[threads].append(measured[threads])
            torch.set_num_threads(threads)
            for variant, peer in peers.items():
                for _ in range(arguments.steps):
                    seconds[threads, variant].append(peer.step())
    rows = []
    for threads in arguments.threads:
        times = {variant: statistics.median(seconds[threads, variant]) for variant in variants}
        best = min(times, key=times.get)
        mine = statistics.median(rates[threads])
        theirs = BATCH[part] / times[best]
        rows.append(
            {
                "part": part,
                "threads": threads,
                "ours": mine,
                "peer": theirs,
                "ratio": mine / theirs,
                "peer_name": f"PyTorch {torch.__version__} {best}, AdamW {peers[best].optimizer}",
                "variants": {variant: BATCH[part] / times[variant] for variant in variants},
            }
        )
    return cpu, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starling", default=str(ROOT / "build" / "release" / "starling"))
    parser.add_argument("--part", choices=["all", *BATCH], default="all")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5, help="of the peer in each round, for each count of threads")
    parser.add_argument("--compile", action="store_true", help="try torch.compile, too (minutes to compile)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    cpu = ""
    for part in BATCH if arguments.part == "all" else [arguments.part]:
        cpu, more = measure(arguments, part)
        rows += more
    if arguments.json:
        print(json.dumps({"cpu": cpu, "results": rows}))
        return
    print(f"{cpu} ({platform.machine()}), samples/s; diffusers {diffusers.__version__}, transformers {transformers.__version__}\n")
    print("| training step | threads | Starling | PyTorch | ratio | peer |\n|---|---|---|---|---|---|")
    for row in rows:
        numbers = f"{row['ours']:.2f} | {row['peer']:.2f} | {row['ratio']:.2f}"
        print(f"| {row['part']} | {row['threads']} | {numbers} | {row['peer_name']} |")


if __name__ == "__main__":
    main()
