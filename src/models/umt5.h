#pragma once

#include <cstdint>
#include <vector>

#include "models/config.h"
#include "models/parameters.h"

namespace starling::models {

// UMT5's encoder, with the tensor names of transformers' UMT5EncoderModel.
//   ids    i32[B, L], the tokens; mask f32[B, L], 1 for a token and 0 for padding.
// Gives f32[B, L, d_model]; at padding it gives zeros, which is what Wan's pipelines hand to the transformer.
exact::Builder::Value umt5_encode(Parameters& parameters, const Umt5Config& config, exact::Builder::Value ids,
                                  exact::Builder::Value mask);

// The distances (in tokens, ascending) at which the bucket of a relative position goes up by one: the bucket of
// distance n is the number of thresholds ≤ n. Half the buckets are for each direction; of those, half are for exact
// distances and half grow geometrically up to max_distance.
std::vector<std::int64_t> relative_bucket_thresholds(std::int64_t num_buckets, std::int64_t max_distance);

}  // namespace starling::models
