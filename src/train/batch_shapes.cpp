#include "train/batch_shapes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "train/dataset_choice.h"

namespace starling::train {
namespace {

constexpr std::size_t kMostShapes = 64;
constexpr int kSideMultiple = 16;  // of the autoencoder's stride and the transformer's patches
constexpr int kMostSide = 1024;
constexpr int kMostFrames = 1024;
constexpr int kFramesOfLatent = 4;  // that a latent frame stands for, but the first

base::Error wrong(std::string_view shape) {
  return base::invalid(
      "'" + std::string(shape) +
      "' among the recipe's shapes is not WIDTHxHEIGHTxFRAMES with sides of multiples of 16 up to 1024 "
      "and frames of 1 + 4k up to 1021: write for example \"96x64x17, 64x64x33\"");
}

base::Result<ClipShape> parse(std::string_view text, double fps) {
  std::array<int, 3> numbers{};
  std::string_view rest = text;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const char* const end = rest.data() + rest.size();
    const auto [after, error] = std::from_chars(rest.data(), end, numbers.at(i));
    if (error != std::errc()) return wrong(text);
    rest.remove_prefix(static_cast<std::size_t>(after - rest.data()));
    const bool last = i + 1 == numbers.size();
    if (last ? !rest.empty() : !rest.starts_with('x')) return wrong(text);
    if (!last) rest.remove_prefix(1);
  }
  const auto [width, height, frames] = numbers;
  for (const int side : {width, height}) {
    if (side < kSideMultiple || side > kMostSide || side % kSideMultiple != 0) return wrong(text);
  }
  if (frames < 1 || frames > kMostFrames || (frames - 1) % kFramesOfLatent != 0) return wrong(text);
  return ClipShape{width, height, frames, fps};
}

std::int64_t tokens(const ClipShape& shape) {
  return static_cast<std::int64_t>(shape.width) * shape.height * (1 + (shape.frames - 1) / kFramesOfLatent);
}

}  // namespace

base::Result<std::vector<BatchShape>> batch_shapes(const Recipe& recipe) {
  std::vector<BatchShape> shapes{{clip_shape(recipe), recipe.batch}};
  const std::int64_t all = tokens(shapes.front().clip) * recipe.batch;
  for (std::string_view rest = recipe.shapes; !rest.empty();) {
    const std::size_t comma = rest.find(',');
    std::string_view text = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    text = text.substr(0, text.find_last_not_of(' ') + 1);
    if (shapes.size() == kMostShapes) return base::invalid("the recipe has more than 63 shapes; leave some out");
    STARLING_ASSIGN(const ClipShape clip, parse(text, shapes.front().clip.fps));
    const std::int64_t least = tokens(clip) * recipe.draws_per_clip;
    shapes.push_back({clip, recipe.draws_per_clip * std::max<std::int64_t>(1, (all + least / 2) / least)});
  }
  return shapes;
}

}  // namespace starling::train
