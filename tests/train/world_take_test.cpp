#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>

#include "base/encoding.h"
#include "base/hash.h"
#include "train/world/random.h"
#include "train/world/take.h"

namespace starling::train::world {
namespace {

constexpr ClipShape kSizes[] = {{64, 64, 17, 8}, {128, 64, 9, 8}, {64, 128, 33, 8}, {32, 32, 49, 8}, {40, 32, 1, 8}};

TakeOptions of(const ClipShape& shape, Split split = Split::kTrain) {
  TakeOptions options;
  options.shape = shape;
  options.split = split;
  return options;
}

TEST(WorldTake, SameSeedSamePixels) {
  std::set<std::string> hashes;
  for (std::uint64_t i = 0; i < 12; ++i) {
    const auto one = pixels(take(derive(1, i)));
    EXPECT_EQ(one, pixels(take(derive(1, i))));
    EXPECT_EQ(one.size(), 17U * 64 * 64 * 3);
    hashes.insert(base::sha256(one).hex());
  }
  EXPECT_EQ(hashes.size(), 12U);
}

// What is to happen does not depend on the machine or the compiler; what then does is Box2D's.
TEST(WorldTake, ScenariosAreTheSameOnEveryMachine) {
  base::Encoder encoder;
  for (std::size_t p = 0; p < kPlots; ++p) {
    for (std::uint64_t i = 0; i < 40; ++i) {
      Random random(derive(11, i));
      Stage room;
      room.seconds = i % 2 == 0 ? 2.0 : 6.0;
      Scenario scenario;
      scenario.setting.gravity = static_cast<Gravity>(i / 2 % kGravities);
      encoder.u8(stage(static_cast<Plot>(p), room, random, scenario) ? 1 : 0);
      for (const Actor& actor : scenario.actors) {
        encoder.u8(static_cast<std::uint8_t>(actor.thing.colour));
        for (const double value : {actor.thing.diameter, actor.x, actor.y, actor.angle, actor.velocity_x,
                                   actor.velocity_y, actor.spin, actor.friction, actor.restitution}) {
          encoder.u64(std::bit_cast<std::uint64_t>(value));
        }
      }
      for (const Prop& prop : scenario.props) encoder.u64(std::bit_cast<std::uint64_t>(prop.x));
    }
  }
  EXPECT_EQ(base::sha256(encoder.data()).hex(), "1d0571e03b272b86ebc37795b09e9b01df4470dcdf4afeac6225df0f12450cb8");
}

TEST(WorldTake, FrameRateDoesNotChangeWhatHappens) {
  TakeOptions slow = of({64, 64, 17, 8});
  slow.plot = Plot::kCollision;
  slow.camera = Camera::kStill;
  TakeOptions fast = slow;
  fast.shape = {64, 64, 49, 24};
  for (std::uint64_t i = 0; i < 4; ++i) {
    const Take a = take(derive(2, i), slow);
    const Take b = take(derive(2, i), fast);
    ASSERT_EQ(a.scenario.actors.size(), b.scenario.actors.size());
    EXPECT_EQ(a.truth.frames[16].things[0].centre_x, b.truth.frames[48].things[0].centre_x);
  }
}

TEST(WorldTake, HoldsOutOneCompositionInNine) {
  std::size_t held = 0;
  std::set<std::pair<Colour, Shape>> colour_shape;
  std::set<std::pair<Colour, Motion>> colour_motion;
  std::set<std::pair<Shape, Motion>> shape_motion;
  for (std::size_t c = 0; c < generate::kColours; ++c) {
    for (std::size_t s = 0; s < kShapes; ++s) {
      for (std::size_t m = 0; m < kMotions; ++m) {
        const auto colour = static_cast<Colour>(c);
        const auto shape = static_cast<Shape>(s);
        const auto motion = static_cast<Motion>(m);
        if (held_out(colour, shape, motion)) {
          ++held;
          continue;
        }
        colour_shape.emplace(colour, shape);
        colour_motion.emplace(colour, motion);
        shape_motion.emplace(shape, motion);
      }
    }
  }
  EXPECT_EQ(held, 22U);
  EXPECT_EQ(colour_shape.size(), generate::kColours * kShapes);
  EXPECT_EQ(colour_motion.size(), generate::kColours * kMotions);
  EXPECT_EQ(shape_motion.size(), kShapes * kMotions);
  EXPECT_FALSE(held_out(Colour::kRed, Shape::kBall, Motion::kBounce));
}

TEST(WorldTake, SplitsAreKept) {
  for (const ClipShape& shape : kSizes) {
    for (std::uint64_t i = 0; i < 60; ++i) {
      const Take training = take(derive(3, i), of(shape, Split::kTrain));
      for (const Actor& actor : training.scenario.actors) EXPECT_FALSE(held_out(actor.thing)) << i;
      const Take evaluation = take(derive(3, i), of(shape, Split::kHeldOut));
      EXPECT_TRUE(held_out(evaluation.scenario.actors[0].thing)) << i;
    }
  }
}

TEST(WorldTake, ShowsEveryPlotMotionCameraAndCount) {
  std::map<Plot, int> plots;
  std::set<std::size_t> counts;
  std::set<Motion> motions;
  std::set<Camera> cameras;
  std::set<Act> acts;
  std::size_t silent = 0;
  constexpr int kTakes = 600;
  for (std::uint64_t i = 0; i < kTakes; ++i) {
    const Take taken = take(derive(4, i));
    ++plots[taken.plot];
    counts.insert(taken.scenario.actors.size());
    cameras.insert(taken.scenario.camera.kind);
    for (const Actor& actor : taken.scenario.actors) motions.insert(actor.thing.motion);
    for (const Clause& clause : taken.scenario.story.clauses) acts.insert(clause.act);
    if (taken.scenario.story.clauses.empty() && taken.scenario.story.relations.empty()) ++silent;
  }
  for (std::size_t p = 0; p < kPlots; ++p) {
    EXPECT_GT(plots[static_cast<Plot>(p)], kTakes / 100) << name(static_cast<Plot>(p));
  }
  EXPECT_EQ(counts, (std::set<std::size_t>{1, 2, 3, 4}));
  EXPECT_EQ(motions.size(), kMotions);
  EXPECT_EQ(cameras.size(), kCameras);
  EXPECT_GE(acts.size(), kActs - 1);  // to stop takes longer than two seconds
  EXPECT_EQ(silent, 0U);
}

TEST(WorldTake, EveryPlotCanBeAskedFor) {
  for (std::size_t p = 0; p < kPlots; ++p) {
    TakeOptions options = of({64, 64, 17, 8}, Split::kAny);
    options.plot = static_cast<Plot>(p);
    int kept = 0;
    for (std::uint64_t i = 0; i < 20; ++i) kept += take(derive(5, i), options).plot == options.plot ? 1 : 0;
    EXPECT_GE(kept, 18) << name(*options.plot);
  }
}

TEST(WorldTake, TheCameraDoesWhatItIsAskedFor) {
  for (std::size_t c = 0; c < kCameras; ++c) {
    TakeOptions options = of({64, 64, 17, 8});
    options.camera = static_cast<Camera>(c);
    options.plot = Plot::kSingle;
    for (std::uint64_t i = 0; i < 10; ++i) {
      const Take taken = take(derive(6, i), options);
      EXPECT_EQ(taken.scenario.camera.kind, *options.camera);
      const CameraPose first = taken.truth.frames.front().camera;
      const CameraPose last = taken.truth.frames.back().camera;
      const auto sign = [](double value) { return value > 0.1 ? 1 : value < -0.1 ? -1 : 0; };
      if (options.camera != Camera::kFollow) {
        EXPECT_EQ(sign(last.x - first.x), *options.camera == Camera::kPanRight  ? 1
                                          : *options.camera == Camera::kPanLeft ? -1
                                                                                : 0);
      } else {
        EXPECT_NEAR(taken.truth.frames[8].things[0].centre_x, 32, 1e-9);
      }
      EXPECT_EQ(sign(last.zoom - first.zoom), *options.camera == Camera::kZoomIn    ? 1
                                              : *options.camera == Camera::kZoomOut ? -1
                                                                                    : 0);
    }
  }
}

TEST(WorldTake, ThingsStayInViewOnceTheyAreThere) {
  for (const ClipShape& shape : kSizes) {
    for (std::uint64_t i = 0; i < 40; ++i) {
      const Take taken = take(derive(7, i), of(shape));
      for (std::size_t a = 0; a < taken.scenario.actors.size(); ++a) {
        bool seen = false;
        for (const FrameTruth& frame : taken.truth.frames) {
          const double inside = frame.things[a].inside;
          seen = seen || inside > 0.98;
          if (seen) {
            EXPECT_GT(inside, 0.98) << i << " at " << frame.time;
          }
        }
        EXPECT_TRUE(seen);
      }
    }
  }
}

// The truth is held to the pixels: a thing's paint is where the truth says it is.
TEST(WorldTake, ThePixelsShowTheTruth) {
  TakeOptions options = of({96, 64, 17, 8});
  options.plot = Plot::kSingle;
  int compared = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const Take taken = take(derive(8, i), options);
    const Thing& thing = taken.scenario.actors[0].thing;
    if (thing.colour != Colour::kRed || thing.pattern != Pattern::kPlain || taken.scenario.actors[0].hangs) continue;
    const auto bytes = pixels(taken);
    for (std::size_t f = 0; f < taken.truth.frames.size(); ++f) {
      double sum = 0;
      double x = 0;
      double y = 0;
      for (int row = 0; row < 64; ++row) {
        for (int column = 0; column < 96; ++column) {
          const std::uint8_t* p =
              &bytes[((f * 64 + static_cast<std::size_t>(row)) * 96 + static_cast<std::size_t>(column)) * 3];
          if (p[0] < p[1] + 60 || p[0] < p[2] + 60) continue;
          sum += 1;
          x += column + 0.5;
          y += row + 0.5;
        }
      }
      const ThingTruth& truth = taken.truth.frames[f].things[0];
      ASSERT_GT(sum, 10);
      EXPECT_NEAR(x / sum, truth.centre_x, 0.9);
      EXPECT_NEAR(y / sum, truth.centre_y, 0.9);
      ++compared;
    }
  }
  EXPECT_GT(compared, 17);
}

TEST(WorldTake, WhatIsHiddenComesBackTheSame) {
  TakeOptions options;
  options.plot = Plot::kHiding;
  int hidden = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Take taken = take(derive(9, i), options);
    if (taken.plot != Plot::kHiding) continue;
    const auto is = [](EventKind kind) { return [kind](const Event& e) { return e.kind == kind; }; };
    const auto& events = taken.truth.events;
    const auto gone = std::find_if(events.begin(), events.end(), is(EventKind::kHidden));
    const auto back = std::find_if(events.begin(), events.end(), is(EventKind::kRevealed));
    ASSERT_NE(gone, events.end());
    ++hidden;
    if (back != events.end()) {
      EXPECT_LT(gone->time, back->time);
    }
    const auto frame = static_cast<std::size_t>(gone->time * 8 + 0.5);
    EXPECT_LT(taken.truth.frames[frame].things[0].visible(), 0.05);
  }
  EXPECT_GT(hidden, 15);
}

TEST(WorldTake, AMinuteCanBeDrawn) {
  const Take taken = take(10, of({32, 32, 481, 8}));
  EXPECT_EQ(taken.truth.frames.size(), 481U);
  EXPECT_EQ(pixels(taken).size(), 481U * 32 * 32 * 3);
}

TEST(WorldTake, RefusesWhatItCannotDraw) {
  EXPECT_TRUE(check({64, 64, 17, 8}).ok());
  for (const ClipShape& bad : {ClipShape{60, 64, 17, 8}, ClipShape{64, 24, 17, 8}, ClipShape{64, 64, 0, 8},
                               ClipShape{64, 64, 5000, 240}, ClipShape{64, 64, 17, 0}, ClipShape{64, 64, 4000, 8}}) {
    EXPECT_FALSE(check(bad).ok()) << bad.width << " " << bad.frames;
  }
}

}  // namespace
}  // namespace starling::train::world
