#pragma once

#include <cstdint>
#include <vector>

namespace starling::generate {

// How the latent frames of a video come about: some are given, the others are made in windows, one after another. A
// window is denoised as a whole; what is known of it when it begins, because it was given or because an earlier window
// made it, stays as it is (its timestep is 0) and is what the window goes on from. All counts are of latent frames.
struct Timeline {
  std::int64_t frames = 0;   // of the video
  std::int64_t start = 0;    // given, at the beginning
  std::int64_t end = 0;      // given, at the end
  bool anew = false;         // the given ones are not known, but what noise is laid over
  bool loop = false;         // after the last frame comes the second: the first is the last picture of the last frame
  std::int64_t window = 0;   // of a window at most; 0: no bound
  std::int64_t context = 1;  // known ones that a window takes from its neighbours, if they have as many
};

struct Window {
  std::int64_t first = 0;   // its first frame in the video; of a loop, frame `frames + i` is frame 1 + i
  std::int64_t frames = 0;  // at least one is not known
  std::vector<bool> known;  // by frame
  std::int64_t taken = 0;   // the frames up to this one of the video are known when it is done

  bool has_known() const;
};

// In the order in which they run; none if everything is given. All windows are of one size but for a loop's first, of
// which only the beginning is taken. Preconditions: check_request() found nothing.
std::vector<Window> plan_windows(const Timeline& timeline);

// Where the latent frames of the finished video lie, in order.
struct Piece {
  enum class Source : std::uint8_t { kStart, kWindow, kEnd };
  Source source = Source::kWindow;
  std::size_t window = 0;   // if it is one
  std::int64_t offset = 0;  // in the source
  std::int64_t frames = 0;
};
std::vector<Piece> plan_pieces(const Timeline& timeline, const std::vector<Window>& windows);

}  // namespace starling::generate
