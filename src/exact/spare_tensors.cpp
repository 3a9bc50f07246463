#include "exact/spare_tensors.h"

#include <algorithm>
#include <utility>

namespace starling::exact {

namespace {

// Smaller ones lie in a heap, which uses its memory again by itself.
constexpr std::size_t kLeastBytes = std::size_t{1} << 20U;

}  // namespace

void SpareTensors::keep(Tensor dead) {
  if (dead.empty() || dead.byte_size() < kLeastBytes || !dead.writable_as(dead.type(), dead.shape())) return;
  bytes_ += dead.byte_size();
  tensors_.push_back(std::move(dead));
}

std::vector<Tensor> SpareTensors::take(const Graph& graph) {
  std::vector<Tensor> taken(graph.outputs().size());
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const ValueId value = graph.outputs()[i].value;
    const auto found = std::ranges::find_if(
        tensors_, [&](const Tensor& tensor) { return tensor.writable_as(graph.type(value), graph.shape(value)); });
    if (found == tensors_.end()) continue;
    bytes_ -= found->byte_size();
    taken[i] = std::move(*found);
    tensors_.erase(found);
  }
  return taken;
}

void SpareTensors::shrink(std::size_t bytes) {
  while (bytes_ > bytes) {
    bytes_ -= tensors_.front().byte_size();
    tensors_.pop_front();
  }
}

}  // namespace starling::exact
