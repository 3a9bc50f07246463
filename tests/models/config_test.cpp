#include "models/config.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "models/bundled.h"

namespace starling::models {
namespace {

TEST(Config, WhatIsWrittenReadsBackTheSame) {
  VaeConfig vae = bundled_vae_config();
  vae.latents_mean[3] = -0.1F;
  vae.latents_std[15] = 2.8184F;
  EXPECT_EQ(write_vae_config(*parse_vae_config(write_vae_config(vae))), write_vae_config(vae));
  EXPECT_EQ(parse_vae_config(write_vae_config(vae))->latents_std, vae.latents_std);
  const std::string umt5 = write_umt5_config(bundled_umt5_config(500));
  EXPECT_EQ(write_umt5_config(*parse_umt5_config(umt5)), umt5);
  const std::string transformer = write_transformer_config(bundled_transformer_config());
  EXPECT_EQ(write_transformer_config(*parse_transformer_config(transformer)), transformer);
  const std::string scheduler = write_scheduler_config({1000, 3.3F, 0.5F});
  EXPECT_EQ(parse_scheduler_config(scheduler)->shift, 3.3F);
  EXPECT_EQ(parse_scheduler_config(scheduler)->noise_mean_amplitude, 0.5F);
  EXPECT_EQ(write_scheduler_config({1000, 3.3F}).find("noise_mean"), std::string::npos);
  EXPECT_EQ(parse_scheduler_config(write_scheduler_config({1000, 3.3F, 0.0F, 4}))->student_steps, 4);
  EXPECT_EQ(write_scheduler_config({1000, 3.3F}).find("student_steps"), std::string::npos);
  EXPECT_TRUE(parse_pipeline_config(write_pipeline_config({true}))->expand_timesteps);
  EXPECT_FALSE(parse_pipeline_config(write_pipeline_config({false}))->expand_timesteps);
}

TEST(Config, ReadsPublishedOnes) {
  const auto vae = parse_vae_config(R"({"_class_name": "AutoencoderKLWan", "_diffusers_version": "0.33.0.dev0",
    "attn_scales": [], "base_dim": 96, "dim_mult": [1, 2, 4, 4], "dropout": 0.0, "num_res_blocks": 2,
    "temperal_downsample": [false, true, true], "z_dim": 16, "patch_size": null})");
  ASSERT_TRUE(vae.ok()) << vae.error().message;
  EXPECT_EQ(vae->decoder_base_dim, 96);
  EXPECT_EQ(vae->spatial_stride(), 8);
  EXPECT_EQ(vae->temporal_stride(), 4);
  EXPECT_EQ(vae->latent_frames(81), 21);
  EXPECT_EQ(vae->frames(21), 81);
  const auto scheduler = parse_scheduler_config(R"({"_class_name": "UniPCMultistepScheduler", "flow_shift": 5.0,
    "num_train_timesteps": 1000, "prediction_type": "flow_prediction", "use_flow_sigmas": true,
    "use_karras_sigmas": false, "use_beta_sigmas": false, "solver_order": 2})");
  ASSERT_TRUE(scheduler.ok()) << scheduler.error().message;
  EXPECT_EQ(scheduler->shift, 5.0F);
  const auto index = parse_pipeline_config(R"({"_class_name": "WanPipeline", "boundary_ratio": null,
    "expand_timesteps": true, "scheduler": ["diffusers", "UniPCMultistepScheduler"],
    "text_encoder": ["transformers", "UMT5EncoderModel"], "tokenizer": ["transformers", "T5TokenizerFast"],
    "transformer": ["diffusers", "WanTransformer3DModel"], "transformer_2": [null, null],
    "vae": ["diffusers", "AutoencoderKLWan"]})");
  ASSERT_TRUE(index.ok()) << index.error().message;
  EXPECT_TRUE(index->expand_timesteps);
}

TEST(Config, AQuantisedTransformerSaysOfWhat) {
  TransformerConfig config;
  config.quantisation = Quantisation{base::sha256(base::as_bytes("a")), base::sha256(base::as_bytes("b"))};
  const std::string text = write_transformer_config(config);
  EXPECT_EQ(parse_transformer_config(text)->quantisation, config.quantisation);
  std::string other = text;
  other.replace(other.find("starling_w8a8"), 13, "bitsandbytes!");
  EXPECT_EQ(parse_transformer_config(other).error().code, base::ErrorCode::kUnsupported);
  other = text;
  other.replace(other.find("\"source\""), 8, "\"sauce\"");
  EXPECT_EQ(parse_transformer_config(other).error().code, base::ErrorCode::kCorrupt);
  for (const char* wrong : {"7", "[]", "{}", "\"starling_w8a8\""}) {
    const std::string json = std::string(R"({"quantization_config": )") + wrong + "}";
    EXPECT_EQ(parse_transformer_config(json).error().code, base::ErrorCode::kUnsupported) << wrong;
  }
}

TEST(Config, RefusesWhatItCannotRun) {
  using base::ErrorCode;
  EXPECT_EQ(parse_vae_config(R"({"_class_name": "AutoencoderKL"})").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(parse_vae_config(R"({"attn_scales": [0.5]})").error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(parse_vae_config(R"({"z_dim": 0})").ok());
  EXPECT_FALSE(parse_vae_config(R"({"z_dim": 8})").ok()) << "16 means for 8 channels";
  EXPECT_FALSE(parse_vae_config(R"({"dim_mult": [1, 2]})").ok()) << "three halvings for two levels";
  EXPECT_FALSE(parse_vae_config(R"({"dim_mult": []})").ok());
  EXPECT_FALSE(parse_vae_config(R"({"is_residual": true, "dim_mult": [1, 2, 4, 8]})").ok()) << "4 into 8 groups";
  EXPECT_FALSE(parse_vae_config(R"({"patch_size": 2})").ok()) << "3 channels are not whole 2x2 patches";
  EXPECT_FALSE(parse_vae_config(R"({"base_dim": 1e99})").ok());
  EXPECT_EQ(parse_transformer_config(R"({"image_dim": 1280})").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(parse_transformer_config(R"({"added_kv_proj_dim": 5120})").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(parse_transformer_config(R"({"qk_norm": "layer_norm"})").error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(parse_transformer_config(R"({"num_layers": -1})").ok());
  EXPECT_FALSE(parse_transformer_config(R"({"num_layers": "two"})").ok());
  EXPECT_FALSE(parse_transformer_config(R"({"patch_size": [1, 2]})").ok());
  EXPECT_FALSE(parse_transformer_config(R"({"attention_head_dim": 7})").ok());
  EXPECT_FALSE(parse_transformer_config(R"({"num_attention_heads": 512, "attention_head_dim": 1024})").ok());
  EXPECT_EQ(parse_umt5_config(R"({"model_type": "t5"})").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(parse_umt5_config(R"({"feed_forward_proj": "relu"})").error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(parse_umt5_config(R"({"relative_attention_num_buckets": 30})").ok());
  EXPECT_EQ(parse_scheduler_config(R"({"_class_name": "DDIMScheduler"})").error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(parse_scheduler_config(R"({"_class_name": "UniPCMultistepScheduler"})").ok());
  EXPECT_EQ(parse_scheduler_config("{}").error().code, ErrorCode::kCorrupt);
  const auto scheduler_with = [](const std::string& field) {
    return parse_scheduler_config(R"({"_class_name": "FlowMatchEulerDiscreteScheduler", )" + field + "}");
  };
  EXPECT_TRUE(scheduler_with(R"("shift": 3)").ok());
  EXPECT_EQ(scheduler_with(R"("use_dynamic_shifting": true)").error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(scheduler_with(R"("shift": 0)").ok());
  EXPECT_FALSE(scheduler_with(R"("noise_mean_amplitude": -1)").ok());
  for (const char* steps : {"-1", "65", "2.5", "\"4\""}) {
    EXPECT_FALSE(scheduler_with(std::string("\"student_steps\": ") + steps).ok()) << steps;
  }
  const auto index_with = [](const char* key, const char* value) {
    base::Json index = *base::Json::parse(write_pipeline_config({}), "index");
    return index.set(key, *base::Json::parse(value, "value")).to_text();
  };
  ASSERT_TRUE(parse_pipeline_config(index_with("boundary_ratio", "null")).ok());
  EXPECT_EQ(parse_pipeline_config(index_with("boundary_ratio", "0.875")).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(
      parse_pipeline_config(index_with("transformer_2", R"(["diffusers", "WanTransformer3DModel"])")).error().code,
      ErrorCode::kUnsupported);
  EXPECT_EQ(parse_pipeline_config("{}").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(parse_pipeline_config(index_with("_class_name", "null")).error().code, ErrorCode::kCorrupt);
  for (const char* name : {"\"FluxPipeline\"", "5"}) {
    const auto other = parse_pipeline_config(index_with("_class_name", name));
    ASSERT_EQ(other.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(other.error().message.find("WanPipeline"), std::string::npos);
  }
  for (const char* part : {"scheduler", "text_encoder", "tokenizer", "transformer", "vae"}) {
    for (const char* value : {"null", "[]", "[null, null]", R"(["diffusers"])", R"({"diffusers": 1})", "\"x\""}) {
      const auto lacking = parse_pipeline_config(index_with(part, value));
      ASSERT_EQ(lacking.error().code, ErrorCode::kCorrupt) << part << value;
      EXPECT_NE(lacking.error().message.find(part), std::string::npos) << lacking.error().message;
    }
  }
  EXPECT_EQ(parse_pipeline_config(index_with("vae", R"(["diffusers", "AutoencoderKL"])")).error().code,
            ErrorCode::kUnsupported);
  EXPECT_FALSE(parse_pipeline_config("[]").ok());
  EXPECT_FALSE(parse_pipeline_config("").ok());
}

}  // namespace
}  // namespace starling::models
