#pragma once

#include "models/checkpoint.h"

namespace starling::models {

// The configuration of Wan 2.1 T2V 1.3B as diffusers publishes it (Wan-AI/Wan2.1-T2V-1.3B-Diffusers): UMT5-XXL, 30
// blocks of width 1536, the autoencoder of Wan 2.1.
ModelConfig wan_2_1_t2v_1_3b_config();

}  // namespace starling::models
