#include "train/evaluation/reading.h"

#include <algorithm>
#include <cmath>

namespace starling::train::evaluation {

namespace {

base::Status check(const ClipView& clip) {
  const auto fits = [](int side) { return side >= 32 && side <= 1024; };
  if (!fits(clip.width) || !fits(clip.height) || clip.frames < 1 || clip.frames > 4096 ||
      !(clip.fps > 0 && clip.fps <= 240)) {
    return base::invalid(
        "a video to be measured has 1 to 4096 frames of 32 to 1024 pixels a side, at most 240 a second");
  }
  const std::size_t bytes = static_cast<std::size_t>(clip.frames) * static_cast<std::size_t>(clip.width) *
                            static_cast<std::size_t>(clip.height) * 3;
  if (clip.rgb.size() != bytes)
    return base::invalid("a video to be measured has more or fewer bytes than its size says");
  return {};
}

// Whether a thing stays in the middle of the picture while it and the camera move.
bool followed(const Track& track, const Surroundings& surroundings) {
  double left = 1;
  double right = 0;
  double mean = 0;
  for (const Sighting& s : track.sightings) {
    left = std::min(left, s.picture_x);
    right = std::max(right, s.picture_x);
    mean += s.picture_x / static_cast<double>(track.sightings.size());
  }
  const double metre = surroundings.projection(0).scale() / surroundings.shape.width;
  const double camera = std::fabs(surroundings.cameras.back().x) * metre;
  return 2 * track.sightings.size() > surroundings.cameras.size() && right - left < 0.2 * camera &&
         std::fabs(mean - 0.5) < 0.1;
}

// The camera follows what travels; what merely moves as fast as a pan is not followed.
world::Camera read_camera(const Surroundings& surroundings, const Tracks& tracks, const std::vector<Deed>& deeds) {
  using world::Camera;
  const double zoom = surroundings.cameras.back().zoom / surroundings.cameras.front().zoom;
  constexpr double kZoomed = 1.13;
  if (zoom > kZoomed) return Camera::kZoomIn;
  if (zoom < 1 / kZoomed) return Camera::kZoomOut;
  const double way = surroundings.cameras.back().x;
  constexpr double kPanned = 1.0;  // metres
  if (std::fabs(way) < kPanned) return Camera::kStill;
  for (const Deed& deed : deeds) {
    if (deed.act == Act::kTravel && followed(tracks.things[deed.subject], surroundings)) return Camera::kFollow;
  }
  return way < 0 ? Camera::kPanLeft : Camera::kPanRight;
}

// Of the upper rows, where the sky does not move: the mean of |2 b − a − c| / 2 over pixels of three frames in which
// there is nothing but sky.
std::optional<double> read_flicker(const ClipView& clip, const Surroundings& surroundings) {
  if (clip.frames < 3) return std::nullopt;
  const std::size_t row = static_cast<std::size_t>(clip.width) * 3;
  const std::size_t frame = row * static_cast<std::size_t>(clip.height);
  constexpr double kSky = 30.0;
  constexpr double kLargest = 40.0;
  double sum = 0;
  double count = 0;
  const int rows = static_cast<int>(world::Projection(surroundings.shape, {}).horizon() * 0.8);
  for (int f = 1; f + 1 < clip.frames; ++f) {
    for (int y = 0; y < rows; ++y) {
      const std::uint8_t* before =
          clip.rgb.data() + static_cast<std::size_t>(f - 1) * frame + static_cast<std::size_t>(y) * row;
      for (std::size_t at = 0; at < row; at += 3) {
        const std::uint8_t* a = before + at;
        const std::uint8_t* b = a + frame;
        const std::uint8_t* c = b + frame;
        if (surroundings.strangeness(a, y) > kSky || surroundings.strangeness(b, y) > kSky ||
            surroundings.strangeness(c, y) > kSky) {
          continue;
        }
        for (std::size_t i = 0; i < 3; ++i) sum += std::min(kLargest, std::fabs(b[i] - 0.5 * (a[i] + c[i])));
        count += 3;
      }
    }
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace

base::Result<Reading> read_clip(const ClipView& clip) {
  STARLING_TRY(check(clip));
  Reading reading;
  reading.surroundings = read_surroundings(clip);
  reading.tracks = find_tracks(clip, reading.surroundings);
  reading.seconds = (clip.frames - 1) / clip.fps;
  reading.flicker = read_flicker(clip, reading.surroundings);
  reading.deeds = read_deeds(reading.tracks, reading.seconds);
  reading.camera = read_camera(reading.surroundings, reading.tracks, reading.deeds);
  return reading;
}

}  // namespace starling::train::evaluation
