#include "generate/windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

namespace starling::generate {
namespace {

std::string text_of(const Timeline& t) {
  return std::to_string(t.frames) + " frames, " + std::to_string(t.start) + " and " + std::to_string(t.end) + " given" +
         (t.anew ? ", anew" : "") + (t.loop ? ", loop" : "") + ", windows of " + std::to_string(t.window) + " from " +
         std::to_string(t.context);
}

// Lays windows over a timeline and holds them to what the header says.
void check(const Timeline& t) {
  SCOPED_TRACE(text_of(t));
  const std::vector<Window> windows = plan_windows(t);
  const auto size = static_cast<std::size_t>(t.frames);
  std::vector<bool> known(size, false);
  const auto place = [&](std::int64_t frame) {
    return static_cast<std::size_t>(frame < t.frames ? frame : frame - t.frames + 1);
  };
  for (std::int64_t i = 0; i < t.frames && !t.anew; ++i) {
    known[place(i)] = i < t.start || i >= t.frames - t.end;
  }
  std::int64_t seen = 0;
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const Window& window = windows[w];
    ASSERT_EQ(static_cast<std::int64_t>(window.known.size()), window.frames);
    ASSERT_GE(window.first, 0);
    ASSERT_LE(window.first + window.frames, t.frames + (t.loop ? 1 : 0));
    if (t.window > 0) {
      ASSERT_LE(window.frames, t.window);
    }
    ASSERT_NE(std::ranges::find(window.known, false), window.known.end()) << "nothing to make";
    for (std::int64_t i = 0; i < window.frames; ++i) {
      ASSERT_EQ(window.known[static_cast<std::size_t>(i)], known[place(window.first + i)])
          << "window " << w << ", " << i;
    }
    if (seen > 0) {
      ASSERT_TRUE(window.known[0]) << "window " << w << " goes on from nothing";
    }
    ASSERT_GT(window.taken, seen);
    ASSERT_LE(window.taken, window.first + window.frames);
    // What is known behind what is left is seen by whoever makes that.
    for (std::int64_t i = window.first; i < window.taken; ++i) {
      const bool ends = i + 1 == t.frames - t.end && (t.end > 0 || t.loop) && !known[place(i)] && !t.anew;
      if (ends) {
        ASSERT_TRUE(window.first + window.frames > i + 1 || (t.loop && w == 0 && windows.size() > 1));
      }
    }
    for (std::int64_t i = window.first; i < window.taken && i < t.frames; ++i) known[place(i)] = true;
    seen = window.taken;
  }
  EXPECT_EQ(std::ranges::count(known, true), t.frames) << "some are never made";

  std::int64_t frame = 0;
  for (const Piece& piece : plan_pieces(t, windows)) {
    ASSERT_GT(piece.frames, 0);
    for (std::int64_t i = 0; i < piece.frames; ++i, ++frame) {
      switch (piece.source) {
        case Piece::Source::kStart:
          ASSERT_EQ(piece.offset + i, frame);
          ASSERT_LT(frame, t.start);
          break;
        case Piece::Source::kWindow:
          ASSERT_EQ(windows[piece.window].first + piece.offset + i, frame);
          ASSERT_LT(frame, windows[piece.window].first + windows[piece.window].frames);
          break;
        case Piece::Source::kEnd:
          ASSERT_EQ(t.frames - t.end + piece.offset + i, frame);
          break;
      }
    }
  }
  EXPECT_EQ(frame, t.frames);
}

TEST(Windows, EveryFrameIsMadeOnceFromWhatIsKnown) {
  for (std::int64_t frames = 1; frames <= 13; ++frames) {
    for (std::int64_t context = 1; context <= 3; ++context) {
      for (std::int64_t window : {0, 1, 2, 3, 4, 5, 6, 7, 9}) {
        for (std::int64_t start = 0; start <= frames; ++start) {
          for (std::int64_t end = 0; end <= frames - start; ++end) {
            for (const bool loop : {false, true}) {
              if (start + end == frames || (loop && (end > 0 || frames < 3))) continue;
              const std::int64_t least = (end > 0 || loop ? 2 : 1) * context + 1;
              if (window > 0 && window < least) continue;
              check({frames, start, end, false, loop, window, context});
              if (HasFatalFailure()) return;
            }
          }
        }
        if (window == 0 || window > context) check({frames, frames, 0, true, false, window, context});
      }
    }
  }
}

TEST(Windows, TextAloneIsOneWindow) {
  const auto windows = plan_windows({5, 0, 0, false, false, 0, 2});
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_FALSE(windows[0].has_known());
  const auto pieces = plan_pieces({5, 0, 0, false, false, 0, 2}, windows);
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].frames, 5);
}

TEST(Windows, LongVideosGoOnFromTheirOwnLastFrames) {
  const auto windows = plan_windows({121, 0, 0, false, false, 5, 2});
  ASSERT_EQ(windows.size(), 40U);
  for (std::size_t i = 1; i < windows.size(); ++i) {
    EXPECT_EQ(windows[i].frames, 5);
    EXPECT_GE(std::ranges::count(windows[i].known, true), 2);
  }
}

TEST(Windows, ClipsThatAreJoinedAreSeenFromBothSides) {
  const auto windows = plan_windows({20, 5, 5, false, false, 5, 1});
  ASSERT_EQ(windows.size(), 3U);
  EXPECT_EQ(windows[0].first, 4);
  EXPECT_EQ(windows[2].first + windows[2].frames, 16);
  EXPECT_TRUE(windows[2].known.front() && windows[2].known.back());
}

TEST(Windows, ALoopLeadsBackToItsSecondFrame) {
  const auto windows = plan_windows({5, 0, 0, false, true, 5, 1});
  ASSERT_EQ(windows.size(), 2U);
  EXPECT_EQ(windows[0].taken, 2);
  EXPECT_EQ(windows[1].first, 1);
  EXPECT_EQ(windows[1].known, (std::vector<bool>{true, false, false, false, true}));
}

}  // namespace
}  // namespace starling::generate
