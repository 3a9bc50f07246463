// As the program: commands that these tests run in their own process read pictures and clips in one of their own.
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "generate/clip_process.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (arguments.size() > 1 && arguments[1] == starling::generate::kClipCommand) {
    return starling::generate::run_clip_process(std::span(arguments).subspan(2));
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
