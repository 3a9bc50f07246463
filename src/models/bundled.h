#pragma once

#include "models/config.h"

namespace starling::models {

// The model that comes with Starling: a small member of the Wan 2.2 TI2V family (docs/models.md has its table).
// Latents are 4 × 8 × 8 (frames, rows, columns) smaller than the video and have 16 channels.

VaeConfig bundled_vae_config();  // latents_mean and latents_std are measured after training
// `vocab_size` is the tokenizer's.
Umt5Config bundled_umt5_config(std::int64_t vocab_size);
TransformerConfig bundled_transformer_config();
SchedulerConfig bundled_scheduler_config();
PipelineConfig bundled_pipeline_config();

// Tokens that a prompt is cut or padded to, and pieces that its tokenizer is trained to.
inline constexpr std::int64_t kBundledTextLength = 48;
inline constexpr std::int64_t kBundledVocabulary = 512;

}  // namespace starling::models
