#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace starling::api::videos {

// Places for what takes much of the server: so many in all, and so many for each owner, so that one holds not all of
// them. Whoever asks without a key may have all, since then nobody is told from another. Thread safe.
class Turns {
 public:
  Turns(std::size_t most, std::size_t most_of_one) : most_(most), most_of_one_(most_of_one) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // A place until it is destroyed.
  class Turn {
   public:
    Turn() = default;
    Turn(Turns* turns, std::string owner) : turns_(turns), owner_(std::move(owner)) {}
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)), owner_(std::move(other.owner_)) {}
    Turn& operator=(Turn&&) = delete;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (turns_ != nullptr) turns_->give_back(owner_);
    }
    bool taken() const { return turns_ != nullptr; }

   private:
    Turns* turns_ = nullptr;
    std::string owner_;
  };

  // Waits for a place at most so long; an owner has as many that wait as it has places. These outlive the turn.
  Turn take(const std::string& owner, std::chrono::milliseconds patience = {});

 private:
  struct Share {
    std::size_t taken = 0;
    std::size_t waiting = 0;
  };
  void give_back(const std::string& owner);
  // Precondition: mutex_ is held.
  bool has_room(const Share& share, const std::string& owner) const;
  void leave(const std::string& owner);

  const std::size_t most_;
  const std::size_t most_of_one_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t taken_ = 0;
  std::map<std::string, Share> shares_;  // of those who have a place or wait for one
};

}  // namespace starling::api::videos
