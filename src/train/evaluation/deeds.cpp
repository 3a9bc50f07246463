#include "train/evaluation/deeds.h"

#include <algorithm>
#include <cmath>

namespace starling::train::evaluation {

namespace {

// What is further from where it began than this, in metres, has moved.
constexpr double kMoved = 0.3;
constexpr double kInTheAir = 0.15;  // metres over the ground
constexpr double kNear = 0.4;       // metres between the edges of what touches

Direction direction_of(double way, double least) {
  if (std::fabs(way) < least) return Direction::kNone;
  return way < 0 ? Direction::kLeft : Direction::kRight;
}

// What one thing does of its own accord.
class Course {
 public:
  Course(const Track& track, double seconds) {
    enough_ = std::clamp(0.8 * seconds - 0.2, 0.3, 1.0);
    // Where it is wholly seen is known best.
    for (const Sighting& s : track.sightings) {
      if (s.whole) seen_.push_back(s);
    }
    if (seen_.size() < 3) seen_ = track.sightings;
    began_ = track.first().time;
    from_start_ = track.first().frame == 0;
  }

  std::vector<Deed> deeds() const {
    if (seen_.size() < 2) return {};
    std::vector<Deed> deeds;
    add_own(deeds);
    add_stop(deeds);
    return deeds;
  }

 private:
  std::size_t last() const { return seen_.size() - 1; }
  double x(std::size_t i) const { return seen_[i].x; }
  double y(std::size_t i) const { return seen_[i].y; }
  double way() const { return x(last()) - x(0); }

  void add_own(std::vector<Deed>& deeds) const {
    const double began = began_;
    if (range() < kMoved) {
      if (from_start_) deeds.push_back({Act::kStay, 0, world::kNobody, Direction::kNone, 0.0});
      return;
    }
    if (swings()) {
      deeds.push_back({Act::kSwing, 0, world::kNobody, Direction::kNone, began});
    } else if (rests_then_rises()) {
      deeds.push_back({Act::kLaunch, 0, world::kNobody, Direction::kNone, moves_from()});
    } else if (seen_[0].bottom > kInTheAir && first_rise() >= 0.28 * enough_ && std::fabs(way()) >= 0.8 * enough_) {
      deeds.push_back({Act::kFly, 0, world::kNobody, direction_of(way(), kMoved), began});
    } else if (rebound() >= 0.5 * enough_) {
      deeds.push_back({Act::kBounce, 0, world::kNobody, direction_of(way(), 0.6), began});
    } else if (sinks() >= 0.8 * enough_) {
      add_way_down(deeds);
    } else if (std::fabs(way()) >= 0.7 * enough_) {
      deeds.push_back({Act::kTravel, 0, world::kNobody, direction_of(way(), 0), moves_from()});
    }
  }

  // Falls, drops off a ledge, or descends a ramp.
  void add_way_down(std::vector<Deed>& deeds) const {
    constexpr double kSunk = 0.25;
    const std::size_t from = highest();
    std::size_t sinking = from;
    while (sinking < last() && y(from) - y(sinking) < kSunk) ++sinking;
    std::size_t landed = sinking;
    while (landed < last() && y(landed + 1) < y(landed) - 0.08) ++landed;
    const double before = x(sinking > 0 ? sinking - 1 : 0) - x(0);
    const double meanwhile = x(landed) - x(sinking > 0 ? sinking - 1 : 0);
    if (std::fabs(before) >= 0.6) {
      const double edge = seen_[sinking > 0 ? sinking - 1 : 0].time;
      deeds.push_back({Act::kTravel, 0, world::kNobody, direction_of(before, 0), moves_from()});
      deeds.push_back({Act::kDrop, 0, world::kNobody, Direction::kNone, edge});
    } else if (std::fabs(meanwhile) < 0.5 * (y(from) - y(landed))) {
      deeds.push_back({Act::kFall, 0, world::kNobody, Direction::kNone, moves_from()});
    } else {
      deeds.push_back({Act::kDescend, 0, world::kNobody, direction_of(way(), kMoved), began_});
    }
  }

  // Moved, and then no longer.
  void add_stop(std::vector<Deed>& deeds) const {
    const auto away = [&](std::size_t i) { return std::fabs(x(i) - x(last())) + std::fabs(y(i) - y(last())); };
    constexpr double kStill = 0.12;
    std::size_t stop = last();
    while (stop > 0 && away(stop - 1) < kStill) --stop;
    if (stop == 0 || seen_[stop].time > seen_[last()].time - 0.3 || range() < kMoved) return;
    deeds.push_back({Act::kStop, 0, world::kNobody, Direction::kNone, seen_[stop].time});
  }

  double range() const {
    double most = 0;
    for (const Sighting& s : seen_) {
      most = std::max(most, std::sqrt((s.x - x(0)) * (s.x - x(0)) + (s.y - y(0)) * (s.y - y(0))));
    }
    return most;
  }

  // The frame before the first in which it is elsewhere.
  double moves_from() const {
    if (!from_start_) return began_;
    std::size_t i = 1;
    while (i < last() && std::fabs(x(i) - x(0)) + std::fabs(y(i) - y(0)) < 0.12) ++i;
    return seen_[i - 1].time;
  }

  std::size_t highest() const {
    std::size_t best = 0;
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      if (y(i) > y(best)) best = i;
    }
    return best;
  }

  // By how much it sinks from its highest to a later point.
  double sinks() const {
    double most = 0;
    for (std::size_t i = highest(); i < seen_.size(); ++i) most = std::max(most, y(highest()) - y(i));
    return most;
  }

  // How far it rises before it ever sinks.
  double first_rise() const {
    double most = y(0);
    for (std::size_t i = 0; i < seen_.size() && y(i) > std::min(y(0), most) - 0.15; ++i) most = std::max(most, y(i));
    return most - y(0);
  }

  // How far it rises again after it sank.
  double rebound() const {
    const double sunk_enough = 0.25 * enough_;
    double high = y(0);
    double low = y(0);
    bool sank = false;
    double most = 0;
    for (std::size_t i = 1; i < seen_.size(); ++i) {
      if (high - y(i) > sunk_enough && (!sank || y(i) < low)) {
        sank = true;
        low = y(i);
      }
      if (sank) most = std::max(most, y(i) - low);
      if (!sank) high = std::max(high, y(i));
    }
    return most;
  }

  bool rests_then_rises() const {
    if (seen_.size() < 4 || !from_start_) return false;
    std::size_t i = 1;
    while (i < last() && std::fabs(y(i) - y(0)) + std::fabs(x(i) - x(0)) < 0.15) ++i;
    if (i < 2) return false;
    double most = y(i);
    for (; i <= last(); ++i) most = std::max(most, y(i));
    // A plank goes down a little under what falls on it before the other end goes up.
    return most - y(0) >= 0.7;
  }

  // Always in the air, on an arc that bends upwards.
  bool swings() const {
    if (seen_.size() < 4) return false;
    double low = 1e9;
    double left = x(0);
    double right = x(0);
    double mean = 0;
    for (const Sighting& s : seen_) {
      low = std::min(low, s.bottom);
      left = std::min(left, s.x);
      right = std::max(right, s.x);
      mean += s.x / static_cast<double>(seen_.size());
    }
    if (low < 0.7 || right - left < 0.7 * enough_) return false;
    // y = a + b u + c u² by least squares, u = x − mean.
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double sy = 0;
    double sy1 = 0;
    double sy2 = 0;
    const auto n = static_cast<double>(seen_.size());
    for (const Sighting& s : seen_) {
      const double u = s.x - mean;
      s2 += u * u;
      s3 += u * u * u;
      s4 += u * u * u * u;
      sy += s.y;
      sy1 += u * s.y;
      sy2 += u * u * s.y;
    }
    const double determinant = n * (s2 * s4 - s3 * s3) - s2 * s2 * s2;
    if (std::fabs(determinant) < 1e-9) return false;
    const double c = (n * (s2 * sy2 - s3 * sy1) - s2 * s2 * sy) / determinant;
    return c > 0.03;
  }

  std::vector<Sighting> seen_;
  double enough_ = 1.0;
  double began_ = 0.0;
  bool from_start_ = true;
};

// Between the edges of two things, along x and along y; negative where they overlap.
struct Gap {
  double across, up;
};
Gap gap_between(const Sighting& a, const Sighting& b) {
  return {std::max(b.left - a.right, a.left - b.right), std::max(b.bottom - a.top, a.bottom - b.top)};
}

// The first of the frames in which one thing, having come nearer, touches another.
void add_meetings(const Tracks& tracks, std::size_t subject, std::size_t object, std::vector<Deed>& deeds) {
  const Track& a = tracks.things[subject];
  const Track& b = tracks.things[object];
  std::optional<Gap> before;
  double before_time = 0;
  for (const Sighting& s : a.sightings) {
    const Sighting* other = b.at(s.frame);
    if (other == nullptr) continue;
    const Gap gap = gap_between(s, *other);
    const bool touches = gap.across < kNear && gap.up < kNear;
    if (touches && before) {
      const double from_side = before->across - gap.across;
      const double from_above = before->up - gap.up;
      const bool lands = s.y > other->y && gap.up > gap.across - 0.3 && from_above > 0.1;
      if (lands) deeds.push_back({Act::kLandOn, subject, object, Direction::kNone, s.time});
      if (!lands && from_side > 0.05) {
        deeds.push_back({Act::kHit, subject, object, Direction::kNone, 0.5 * (s.time + before_time)});
      }
      return;
    }
    if (touches) return;  // from the beginning
    before = gap;
    before_time = s.time;
  }
}

// Of two that meet, the one that came on is who hits.
bool comes_on(const Track& a, const Track& b, double time) {
  const auto way = [&](const Track& track) {
    const Sighting* last = &track.first();
    const Sighting* before = last;
    for (const Sighting& s : track.sightings) {
      if (s.time > time) break;
      before = last;
      last = &s;
    }
    const double dt = std::max(last->time - before->time, 1e-3);
    return std::fabs(last->x - before->x) / dt;
  };
  return way(a) > way(b);
}

// It is gone for a while; and a wall is there, or the thing was partly hidden before or after, as what merely vanishes
// is not: a wall may be hard to tell from the ground behind it.
void add_hiding(const Track& track, bool wall, std::size_t subject, std::vector<Deed>& deeds) {
  for (std::size_t i = 1; i < track.sightings.size(); ++i) {
    const Sighting& before = track.sightings[i - 1];
    const Sighting& after = track.sightings[i];
    if (after.frame - before.frame < 2 || (!wall && before.whole && after.whole)) continue;
    deeds.push_back({Act::kHide, subject, world::kNobody, Direction::kNone, before.time});
    deeds.push_back({Act::kEmerge, subject, world::kNobody, Direction::kNone, after.time});
    return;
  }
}

}  // namespace

std::vector<Deed> read_deeds(const Tracks& tracks, double seconds) {
  std::vector<Deed> all;
  for (std::size_t i = 0; i < tracks.things.size(); ++i) {
    std::vector<Deed> deeds = Course(tracks.things[i], seconds).deeds();
    add_hiding(tracks.things[i], tracks.wall, i, deeds);
    for (std::size_t j = 0; j < tracks.things.size(); ++j) {
      if (j == i) continue;
      std::vector<Deed> meetings;
      add_meetings(tracks, i, j, meetings);
      for (const Deed& deed : meetings) {
        if (deed.act == Act::kLandOn || comes_on(tracks.things[i], tracks.things[j], deed.time)) deeds.push_back(deed);
      }
    }
    for (Deed& deed : deeds) {
      deed.subject = i;
      all.push_back(deed);
    }
  }
  return all;
}

}  // namespace starling::train::evaluation
