#!/usr/bin/env python3
"""Loads a model that Starling wrote with diffusers and transformers, part by part and as a pipeline, and makes a clip.

    STARLING_KEEP_MODEL=/tmp/model build/release/tests/models/models_test --gtest_filter='*ReadsBack*'
    python3 tests/models/check_with_diffusers.py /tmp/model
"""
import sys

import sentencepiece
import torch
from diffusers import AutoencoderKLWan, WanPipeline, WanTransformer3DModel
from transformers import AutoTokenizer, UMT5EncoderModel

folder = sys.argv[1]
for load, part in ((WanTransformer3DModel, "transformer"), (AutoencoderKLWan, "vae"), (UMT5EncoderModel, "text_encoder")):
    model, info = load.from_pretrained(folder, subfolder=part, output_loading_info=True)
    wrong = {key: names for key, names in info.items() if names}
    print(part, sum(p.numel() for p in model.parameters()), "parameters", wrong or "all keys match")
    assert not wrong, wrong
tokenizer = AutoTokenizer.from_pretrained(folder, subfolder="tokenizer")
pieces = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/tokenizer/spiece.model")
for text in ("A red ball", "a blue box slides, and rolls", "红色的球弹跳", "an unknown дракон"):
    ours, theirs = pieces.encode(text) + [1], tokenizer(text).input_ids
    print(text, theirs)
    assert ours == theirs, ours
pipeline = WanPipeline.from_pretrained(folder, torch_dtype=torch.float32)
frames = pipeline("a red ball", height=64, width=64, num_frames=17, num_inference_steps=2, max_sequence_length=24,
                  generator=torch.Generator().manual_seed(0), output_type="np").frames
print("clip", frames.shape)
