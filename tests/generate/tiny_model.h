#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "exact/engine.h"
#include "generate/random_model.h"
#include "models/checkpoint.h"

namespace starling::generate {

// A tiny untrained model on disk, written once for a test program.
class TinyModel : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder() = std::filesystem::temp_directory_path() / ("starling-generate-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder());
    const std::vector<std::string> sentences{"a red ball bounces on green ground", "a blue box slides to the left",
                                             "红色的球弹跳", "the ball rolls"};
    auto engine = exact::Engine::create({});
    ASSERT_TRUE(engine.ok()) << engine.error().message;
    const auto model = random_model(RandomModelSize::kTiny, sentences, 3, *engine);
    ASSERT_TRUE(model.ok()) << model.error().message;
    const auto status = models::write_checkpoint(path(), *model);
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder()); }

  static std::filesystem::path& folder() {
    static std::filesystem::path path;
    return path;
  }
  static std::filesystem::path path() { return folder() / "model"; }

  static models::Checkpoint open() {
    auto model = models::Checkpoint::open(path());
    EXPECT_TRUE(model.ok()) << model.error().message;
    return *std::move(model);
  }

  // The smallest video with every kind of call.
  static TextToVideo small_request() {
    TextToVideo request;
    request.prompt = "a red ball bounces";
    request.width = 32;
    request.height = 16;
    request.frames = 9;
    request.steps = 2;
    request.shift = 2.0F;
    request.seed = 18446744073709551557U;
    return request;
  }
};

}  // namespace starling::generate
