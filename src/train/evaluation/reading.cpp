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
  return 2 * track.sightings.size() > surroundings.cameras.size() && right - left < 0.3 * camera &&
         std::fabs(mean - 0.5) < 0.1;
}

world::Camera read_camera(const Surroundings& surroundings, const Tracks& tracks) {
  using world::Camera;
  const double zoom = surroundings.cameras.back().zoom / surroundings.cameras.front().zoom;
  constexpr double kZoomed = 1.13;
  if (zoom > kZoomed) return Camera::kZoomIn;
  if (zoom < 1 / kZoomed) return Camera::kZoomOut;
  const double way = surroundings.cameras.back().x;
  constexpr double kPanned = 1.0;  // metres
  if (std::fabs(way) < kPanned) return Camera::kStill;
  if (std::any_of(tracks.things.begin(), tracks.things.end(),
                  [&](const Track& track) { return followed(track, surroundings); })) {
    return Camera::kFollow;
  }
  return way < 0 ? Camera::kPanLeft : Camera::kPanRight;
}

}  // namespace

base::Result<Reading> read_clip(const ClipView& clip) {
  STARLING_TRY(check(clip));
  Reading reading;
  reading.surroundings = read_surroundings(clip);
  reading.tracks = find_tracks(clip, reading.surroundings);
  reading.seconds = (clip.frames - 1) / clip.fps;
  reading.camera = read_camera(reading.surroundings, reading.tracks);
  reading.deeds = read_deeds(reading.tracks, reading.seconds);
  return reading;
}

}  // namespace starling::train::evaluation
