#!/usr/bin/env python3
"""Makes tests/models/data/*.safetensors: tiny random Wan models, inputs, and what diffusers and transformers answer.

Run by hand, outside of the build, with torch, diffusers, transformers and safetensors installed:
    python3 tests/models/make_fixture.py tests/models/data
Each file holds the weights as "COMPONENT/NAME", tensors "in.*" and "out.*" with channels last, and in its metadata the
component's config.json. Written from diffusers 0.42.1, transformers 5.23.0 and torch 2.15.0.
"""
import json
import sys

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from safetensors.torch import save_file
from transformers import UMT5Config, UMT5EncoderModel


def randomise(model):
    """Every parameter away from its special starting value, at a scale that keeps activations near one."""
    generator = torch.Generator().manual_seed(7)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("gamma") or "norm" in name and name.endswith("weight"):
            parameter.data = 1 + 0.2 * noise
        elif parameter.dim() < 2:
            parameter.data = 0.2 * noise
        elif name == "shared.weight":
            parameter.data = noise
        else:
            parameter.data = noise / parameter[0].numel() ** 0.5
    return model.eval()


def channels_last(x):
    return x.permute(0, 2, 3, 4, 1).contiguous()


def save(folder, file, component, model, config, tensors):
    weights = {f"{component}/{k}": v.contiguous() for k, v in model.state_dict().items() if "embed_tokens" not in k}
    save_file({**weights, **tensors}, f"{folder}/{file}.safetensors", {"config": json.dumps(config)})


def umt5(folder):
    settings = dict(vocab_size=40, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2)
    model = randomise(UMT5EncoderModel(UMT5Config(**settings)))
    length = 140  # past the last threshold of the relative buckets
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, 40, (2, length), generator=generator)
    mask = torch.ones(2, length)
    mask[1, 5:] = 0
    out = model(ids, mask).last_hidden_state * mask[:, :, None]
    save(folder, "umt5", "text_encoder", model, json.loads(model.config.to_json_string()),
         {"in.ids": ids.int(), "in.mask": mask, "out.states": out})


def transformer(folder):
    settings = dict(num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, text_dim=12,
                    freq_dim=32, ffn_dim=40, num_layers=2)
    model = randomise(WanTransformer3DModel(**settings))
    generator = torch.Generator().manual_seed(2)
    latents = torch.randn(2, 4, 3, 4, 6, generator=generator)
    text = torch.randn(2, 5, 12, generator=generator)
    frames = torch.tensor([[0.0, 500.0, 999.0], [31.25, 31.25, 812.5]])
    tokens = frames[:, :, None].expand(2, 3, 6).reshape(2, 18)
    by_frame = model(latents, tokens, text).sample
    by_clip = model(latents, frames[:, 2], text).sample
    save(folder, "transformer", "transformer", model, dict(model.config),
         {"in.latents": channels_last(latents), "in.text": text, "in.timesteps": frames,
          "out.by_frame": channels_last(by_frame), "out.by_clip": channels_last(by_clip)})


def vae(folder, file, settings, video_shape, latent_shape):
    model = randomise(AutoencoderKLWan(**settings))
    generator = torch.Generator().manual_seed(3)
    video = torch.rand(video_shape, generator=generator) * 2 - 1
    latents = torch.randn(latent_shape, generator=generator)
    posterior = model.encode(video).latent_dist
    decoded = model.decode(latents).sample  # clamped to [-1, 1]
    save(folder, file, "vae", model, dict(model.config),
         {"in.video": channels_last(video), "out.moments": channels_last(posterior.parameters),
          "in.latents": channels_last(latents), "out.video": channels_last(decoded)})


def main():
    folder = sys.argv[1]
    with torch.no_grad():
        umt5(folder)
        transformer(folder)
        # Wan 2.1's form, uneven in time: the first halving is of space alone.
        vae(folder, "vae_2_1",
            dict(base_dim=4, z_dim=4, dim_mult=[1, 2, 2], num_res_blocks=2, temperal_downsample=[False, True],
                 latents_mean=[0.0] * 4, latents_std=[1.0] * 4, scale_factor_temporal=2, scale_factor_spatial=4),
            (1, 3, 9, 8, 12), (1, 4, 3, 2, 3))
        # Wan 2.2's residual form with pixel patches.
        vae(folder, "vae_2_2",
            dict(base_dim=4, decoder_base_dim=6, z_dim=4, dim_mult=[1, 2, 2], num_res_blocks=1,
                 temperal_downsample=[True, True], latents_mean=[0.1, -0.2, 0.3, 0.0], latents_std=[1.0, 2.0, 0.5, 1.5],
                 is_residual=True, in_channels=12, out_channels=12, patch_size=2),
            (1, 3, 9, 16, 24), (1, 4, 3, 2, 3))


main()
