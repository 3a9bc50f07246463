#include "train/evaluation/tracks.h"

#include <algorithm>
#include <cmath>

namespace starling::train::evaluation {

namespace {

// Of all that is tracked: what is seen in fewer frames, or in a smaller share of them, is a speck.
constexpr std::size_t kFewestFrames = 2;
constexpr double kSmallestShare = 0.1;
// What is smaller than this share of the smallest ball is no thing, if it is wholly seen.
constexpr double kSmallestArea = 0.3;
// A thing that changes its colour is looked for only so near, in metres; one that keeps it further away.
constexpr double kOtherColourReach = 1.3;
constexpr double kFastest = 12.0;    // metres a second
constexpr double kSlack = 0.7;       // metres
constexpr double kWallMetres = 1.8;  // what is smaller to a side hides nothing
constexpr std::size_t kFits = 9;     // frames in which outlines are fitted

struct Seen {
  Sighting sighting;
  Blob blob;
};

bool beside(const Blob& thing, const Blob& wall) {
  return thing.left < wall.left + wall.width + 1 && wall.left < thing.left + thing.width + 1 &&
         thing.top < wall.top + wall.height + 1 && wall.top < thing.top + thing.height + 1;
}

Sighting sighting_of(const Blob& blob, int frame, const Surroundings& surroundings) {
  const world::Projection projection = surroundings.projection(frame);
  Sighting s;
  s.frame = frame;
  s.time = frame / surroundings.shape.fps;
  s.x = projection.world_x(blob.x);
  s.y = projection.world_y(blob.y);
  s.area = blob.area / (projection.scale() * projection.scale());
  s.picture_x = blob.x / surroundings.shape.width;
  s.picture_y = blob.y / surroundings.shape.height;
  s.colour = static_cast<world::Colour>(blob.label);
  s.accent = blob.accent;
  s.paint = blob.paint;
  s.whole = !blob.cut;
  // The cover of the outermost rows and columns tells where between pixels it ends.
  std::vector<double> rows(static_cast<std::size_t>(blob.height), 0.0);
  std::vector<double> columns(static_cast<std::size_t>(blob.width), 0.0);
  std::size_t at = 0;
  for (std::size_t y = 0; y < rows.size(); ++y) {
    for (double& column : columns) {
      const auto cover = static_cast<double>(blob.cover[at++]);
      rows[y] = std::max(rows[y], cover);
      column = std::max(column, cover);
    }
  }
  const auto begins = [](const std::vector<double>& cover) {
    std::size_t i = 0;
    while (i + 1 < cover.size() && cover[i] < 0.5) ++i;
    return static_cast<double>(i) - (i > 0 ? cover[i - 1] : 0.0);
  };
  const auto ends = [](const std::vector<double>& cover) {
    std::size_t i = cover.size();
    while (i > 1 && cover[i - 1] < 0.5) --i;
    return static_cast<double>(i) + (i < cover.size() ? cover[i] : 0.0);
  };
  s.top = projection.world_y(blob.top + begins(rows));
  s.bottom = projection.world_y(blob.top + ends(rows));
  s.left = projection.world_x(blob.left + begins(columns));
  s.right = projection.world_x(blob.left + ends(columns));
  return s;
}

// A track as it is made.
struct Thread {
  std::vector<Seen> seen;
  world::Colour colour() const {
    std::array<double, generate::kColours> areas{};
    for (const Seen& one : seen) areas[static_cast<std::size_t>(one.sighting.colour)] += one.sighting.area;
    return static_cast<world::Colour>(std::max_element(areas.begin(), areas.end()) - areas.begin());
  }
  // How far it is from there to where the thing may be at a time: it may go on as it did, or have turned round.
  double away(const Sighting& next, double fps) const {
    const Sighting& last = seen.back().sighting;
    const double gap = next.time - last.time;
    const auto distance = [&](double x, double y) {
      return std::sqrt((next.x - x) * (next.x - x) + (next.y - y) * (next.y - y));
    };
    const double stayed = distance(last.x, last.y);
    if (seen.size() < 2) return stayed;
    const Sighting& before = seen[seen.size() - 2].sighting;
    const double dt = last.time - before.time;
    if (dt > 2.5 / fps) return stayed;
    return std::min(distance(last.x + (last.x - before.x) / dt * gap, last.y + (last.y - before.y) / dt * gap),
                    stayed + 0.3);
  }
};

struct Pairing {
  double cost;
  std::size_t thread, seen;
};

class Tracker {
 public:
  Tracker(const ClipView& clip, const Surroundings& surroundings) : clip_(clip), surroundings_(surroundings) {}

  Tracks find() {
    Tracks tracks;
    std::size_t walls = 0;
    for (int frame = 0; frame < clip_.frames; ++frame) {
      std::vector<Seen> seen = look(frame, walls);
      follow(frame, seen);
    }
    tracks.wall = 3 * walls > static_cast<std::size_t>(clip_.frames);
    const double fewest =
        std::max(static_cast<double>(kFewestFrames), kSmallestShare * static_cast<double>(clip_.frames));
    for (Thread& thread : threads_) {
      if (clip_.frames > 2 && static_cast<double>(thread.seen.size()) < fewest) continue;
      tracks.things.push_back(track_of(thread));
    }
    std::stable_sort(tracks.things.begin(), tracks.things.end(),
                     [](const Track& a, const Track& b) { return a.first().x < b.first().x; });
    return tracks;
  }

 private:
  std::vector<Seen> look(int frame, std::size_t& walls) const {
    std::vector<Blob> blobs = find_blobs(clip_, frame, surroundings_);
    std::vector<Blob> hiding;
    const double metre = surroundings_.projection(frame).scale();
    for (const Blob& blob : blobs) {
      if (blob.prop() && blob.width > kWallMetres * metre && blob.height > kWallMetres * metre) hiding.push_back(blob);
    }
    if (!hiding.empty()) ++walls;
    std::vector<Seen> seen;
    for (Blob& blob : blobs) {
      if (blob.prop()) continue;
      Seen one{sighting_of(blob, frame, surroundings_), std::move(blob)};
      const double smallest = kSmallestArea * 0.785 * world::kDiameterLow[0] * world::kDiameterLow[0];
      const bool hides = std::any_of(hiding.begin(), hiding.end(), [&](const Blob& w) { return beside(one.blob, w); });
      if (one.sighting.area < smallest && one.sighting.whole && !hides) continue;
      seen.push_back(std::move(one));
    }
    return seen;
  }

  void follow(int frame, std::vector<Seen>& seen) {
    const double time = frame / clip_.fps;
    std::vector<Pairing> pairings;
    for (std::size_t t = 0; t < threads_.size(); ++t) {
      const Sighting& last = threads_[t].seen.back().sighting;
      const world::Colour colour = threads_[t].colour();
      const double reach = kSlack + kFastest * (time - last.time);
      for (std::size_t s = 0; s < seen.size(); ++s) {
        const Sighting& next = seen[s].sighting;
        const double away = threads_[t].away(next, clip_.fps);
        const bool same = next.colour == colour;
        // What was out of sight for a while may come back anywhere.
        const bool lost = last.frame + 1 < frame;
        if (same ? away > reach && !lost : away > kOtherColourReach) continue;
        pairings.push_back({away + (same ? 0.0 : 20.0) + (lost ? 10.0 : 0.0), t, s});
      }
    }
    std::stable_sort(pairings.begin(), pairings.end(),
                     [](const Pairing& a, const Pairing& b) { return a.cost < b.cost; });
    std::vector<bool> thread_taken(threads_.size(), false);
    std::vector<bool> seen_taken(seen.size(), false);
    for (const Pairing& pairing : pairings) {
      if (thread_taken[pairing.thread] || seen_taken[pairing.seen]) continue;
      thread_taken[pairing.thread] = seen_taken[pairing.seen] = true;
      threads_[pairing.thread].seen.push_back(std::move(seen[pairing.seen]));
    }
    for (std::size_t s = 0; s < seen.size(); ++s) {
      if (!seen_taken[s]) threads_.push_back({{std::move(seen[s])}});
    }
  }

  Track track_of(Thread& thread) const {
    Track track;
    std::vector<std::size_t> whole;
    // What hides a part of a thing makes it smaller.
    constexpr double kMostOfIt = 0.85;
    std::vector<double> areas;
    for (const Seen& one : thread.seen) areas.push_back(one.sighting.area);
    std::sort(areas.begin(), areas.end());
    for (std::size_t i = 0; i < thread.seen.size(); ++i) {
      Sighting& s = thread.seen[i].sighting;
      s.whole = s.whole && s.area > kMostOfIt * areas[areas.size() * 7 / 10];
      if (s.whole) whole.push_back(i);
    }
    if (whole.empty()) {
      for (std::size_t i = 0; i < thread.seen.size(); ++i) whole.push_back(i);
    }
    track.colour = thread.colour();
    const std::size_t fits = std::min(kFits, whole.size());
    std::array<double, world::kShapes> overlaps{};
    std::array<std::vector<double>, world::kShapes> diameters;
    double turns = 0;
    for (std::size_t i = 0; i < fits; ++i) {
      Seen& one = thread.seen[whole[i * whole.size() / fits]];
      const auto fitted = fit_outlines(one.blob);
      one.sighting.fitted = true;
      for (std::size_t s = 0; s < world::kShapes; ++s) {
        one.sighting.overlaps[s] = fitted[s].overlap;
        one.sighting.diameters[s] = fitted[s].diameter / surroundings_.projection(one.sighting.frame).scale();
        overlaps[s] += fitted[s].overlap;
        diameters[s].push_back(one.sighting.diameters[s]);
      }
    }
    const auto best = static_cast<std::size_t>(std::max_element(overlaps.begin(), overlaps.end()) - overlaps.begin());
    track.shape = static_cast<world::Shape>(best);
    track.overlap = overlaps[best] / static_cast<double>(fits);
    std::sort(diameters[best].begin(), diameters[best].end());
    track.diameter = diameters[best][fits / 2];
    track.size = size_of(track.diameter);
    turns = fit_outlines(thread.seen[whole[0]].blob)[best].turns;
    for (Seen& one : thread.seen) {
      place(track, one, turns);
      track.sightings.push_back(one.sighting);
    }
    return track;
  }

  // Where the track's shape lies, which tells more than the middle of the pixels that were seen of it.
  void place(const Track& track, Seen& one, double& turns) const {
    constexpr double kFits = 0.8;
    const world::Projection projection = surroundings_.projection(one.sighting.frame);
    const OutlineFit fit = place_outline(one.blob, track.shape, track.diameter * projection.scale(), turns);
    one.sighting.overlap = fit.overlap;
    one.sighting.turns = fit.turns;
    if (fit.overlap < kFits) return;
    turns = fit.turns;
    one.sighting.x = projection.world_x(fit.x);
    one.sighting.y = projection.world_y(fit.y);
  }

  const ClipView& clip_;
  const Surroundings& surroundings_;
  std::vector<Thread> threads_;
};

}  // namespace

const Sighting* Track::at(int frame) const {
  const auto found =
      std::lower_bound(sightings.begin(), sightings.end(), frame, [](const Sighting& s, int f) { return s.frame < f; });
  return found != sightings.end() && found->frame == frame ? &*found : nullptr;
}

world::Size size_of(double diameter) {
  std::size_t size = 0;
  while (size + 1 < generate::kSizes && diameter > 0.5 * (world::kDiameterHigh[size] + world::kDiameterLow[size + 1])) {
    ++size;
  }
  return static_cast<world::Size>(size);
}

Tracks find_tracks(const ClipView& clip, const Surroundings& surroundings) {
  return Tracker(clip, surroundings).find();
}

}  // namespace starling::train::evaluation
