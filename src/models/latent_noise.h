#pragma once

#include <cstdint>

#include "exact/graph.h"

namespace starling::models {

// What denoising begins with: f32[clips, frames, rows, columns, channels] of N(m, 1), where
//   m = amplitude · cos(π · k · (i + ½) / n),  k = 1 + channel / 3 for the first twelve channels, m = 0 for the others;
// i is the place and n the size along the rows, the columns or the frames as channel mod 3 is 0, 1 or 2.
//
// The family's transformer knows how far tokens are from each other (rotary positions) but not where they are, and in
// pure noise nothing tells. A small model spends most of its training on finding out; a mean that differs from place to
// place says it from the first step. Models of others have amplitude 0: standard normal noise.
exact::Builder::Value latent_noise(exact::Builder& b, exact::Builder::Value seed, std::uint32_t stream,
                                   const exact::Shape& shape, float amplitude);

}  // namespace starling::models
