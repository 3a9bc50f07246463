#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "train/clip_shape.h"

namespace starling::train {

// What a model is trained on: frames × height × width × 3 bytes of RGB, and what they show.
struct Clip {
  ClipShape shape;
  std::vector<std::uint8_t> rgb;
  std::string caption;  // UTF-8
};

// Clips by number, without end: item i is a pure function of the data set and i, so that training can be stopped,
// resumed and repeated. Safe to use from several threads at once.
class Dataset {
 public:
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  virtual base::Result<Clip> clip(std::uint64_t index) const = 0;
  // A caption of the same item; another wording for another epoch where there is one. Epoch 0's is clip()'s. Much
  // cheaper than clip().
  virtual std::string caption(std::uint64_t index, std::uint64_t epoch) const = 0;
  // After so many items come others of the same; nothing: never.
  virtual std::optional<std::uint64_t> items() const { return std::nullopt; }
  // Changes when any item does; names caches made from the data set.
  virtual base::Hash identity() const = 0;

 protected:
  Dataset() = default;
};

}  // namespace starling::train
