#include "api/videos/turns.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace starling::api::videos {
namespace {

using std::chrono::milliseconds;

TEST(TurnsOfOwners, NobodyHoldsAllOfThem) {
  Turns turns(3, 2);
  std::optional<Turns::Turn> first(turns.take("a"));
  const Turns::Turn second = turns.take("a");
  EXPECT_TRUE(first->taken() && second.taken());
  EXPECT_FALSE(turns.take("a").taken());
  EXPECT_FALSE(turns.take("a", milliseconds(5)).taken());
  const Turns::Turn others = turns.take("b");
  EXPECT_TRUE(others.taken());
  EXPECT_FALSE(turns.take("c").taken()) << "there are three";
  // Whoever waits gets what comes free.
  std::thread waits([&] { EXPECT_TRUE(turns.take("c", std::chrono::seconds(20)).taken()); });
  std::this_thread::sleep_for(milliseconds(20));
  first.reset();
  waits.join();
  EXPECT_TRUE(turns.take("a").taken());
}

}  // namespace
}  // namespace starling::api::videos
