#include "exact/waiting_values.h"

namespace starling::exact {

base::Status WaitingValues::put(CallOutput value, const Tensor& tensor) {
  if (has(value)) return {};
  if (!file_) {
    STARLING_ASSIGN(file_, base::ScratchFile::create(most_));
  }
  STARLING_ASSIGN(const std::uint64_t at, file_->put(tensor.bytes()));
  places_.emplace(key(value), Place{at, tensor.type(), tensor.shape(), tensor.byte_size()});
  return {};
}

base::Result<Tensor> WaitingValues::get(CallOutput value) const {
  const Place& place = places_.at(key(value));
  STARLING_ASSIGN(Tensor tensor, Tensor::uninitialized(place.type, place.shape));
  STARLING_TRY(file_->get(place.at, tensor.mutable_bytes()));
  return tensor;
}

void WaitingValues::drop(CallOutput value) {
  const auto found = places_.find(key(value));
  if (found == places_.end()) return;
  file_->drop(found->second.at, found->second.bytes);
  places_.erase(found);
}

}  // namespace starling::exact
