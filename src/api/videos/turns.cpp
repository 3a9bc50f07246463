#include "api/videos/turns.h"

namespace starling::api::videos {

bool Turns::has_room(const Share& share, const std::string& owner) const {
  return taken_ < most_ && (owner.empty() || share.taken < most_of_one_);
}

void Turns::leave(const std::string& owner) {
  const auto found = shares_.find(owner);
  if (found->second.taken == 0 && found->second.waiting == 0) shares_.erase(found);
}

Turns::Turn Turns::take(const std::string& owner, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  Share& share = shares_[owner];  // stays as long as one waits
  const std::size_t most_waiting = owner.empty() ? most_ : most_of_one_;
  if (!has_room(share, owner) && patience.count() > 0 && share.waiting < most_waiting) {
    ++share.waiting;
    changed_.wait_for(lock, patience, [&] { return has_room(share, owner); });
    --share.waiting;
  }
  if (!has_room(share, owner)) {
    leave(owner);
    return {};
  }
  ++share.taken;
  ++taken_;
  return {this, owner};
}

void Turns::give_back(const std::string& owner) {
  {
    const std::lock_guard lock(mutex_);
    --shares_.at(owner).taken;
    --taken_;
    leave(owner);
  }
  changed_.notify_all();
}

}  // namespace starling::api::videos
