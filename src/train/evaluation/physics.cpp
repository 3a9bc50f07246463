#include "train/evaluation/physics.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace starling::train::evaluation {

namespace {

constexpr double kOffGround = 0.3;     // metres
constexpr double kPlaceError = 0.028;  // standard deviation of a sighting's place, metres
constexpr std::size_t kFewest = 4;

// Radii of the circles inside the shapes, in diameters, by Shape.
constexpr std::array<double, world::kShapes> kInner = {0.5, 0.443, 0.375, 0.33};
// Areas in squares of the diameter, by Shape.
constexpr std::array<double, world::kShapes> kUnitAreas = {0.785, 0.785, 0.732, 0.698};

double at(const std::array<double, world::kShapes>& table, world::Shape shape) {
  return table[static_cast<std::size_t>(shape) % world::kShapes];
}

// y = a + b t + c t² by least squares around the mean of t.
struct Parabola {
  double c = 0, residual = 0, spread = 0;  // spread: what the variance of c is divided by
};
Parabola fit(const std::vector<Sighting>& seen, std::size_t first, std::size_t last) {
  const auto n = static_cast<double>(last - first + 1);
  double mean_t = 0;
  double mean_y = 0;
  for (std::size_t i = first; i <= last; ++i) {
    mean_t += seen[i].time / n;
    mean_y += seen[i].y / n;
  }
  double s2 = 0;
  double s3 = 0;
  double s4 = 0;
  double sy1 = 0;
  double sy2 = 0;
  for (std::size_t i = first; i <= last; ++i) {
    const double t = seen[i].time - mean_t;
    const double y = seen[i].y - mean_y;
    s2 += t * t;
    s3 += t * t * t;
    s4 += t * t * t * t;
    sy1 += t * y;
    sy2 += t * t * y;
  }
  Parabola p;
  p.spread = s4 - s2 * s2 / n - (s2 > 0 ? s3 * s3 / s2 : 0.0);
  if (p.spread <= 0 || s2 <= 0) return p;
  p.c = (sy2 - s3 * sy1 / s2) / p.spread;
  const double b = (sy1 - p.c * s3) / s2;
  const double a = -p.c * s2 / n;
  double sum = 0;
  for (std::size_t i = first; i <= last; ++i) {
    const double t = seen[i].time - mean_t;
    const double e = seen[i].y - mean_y - (a + b * t + p.c * t * t);
    sum += e * e;
  }
  p.residual = std::sqrt(sum / n);
  return p;
}

double speed_up(const std::vector<Sighting>& seen, std::size_t i) {
  return (seen[i + 1].y - seen[i].y) / (seen[i + 1].time - seen[i].time);
}
double speed_across(const std::vector<Sighting>& seen, std::size_t i) {
  return (seen[i + 1].x - seen[i].x) / (seen[i + 1].time - seen[i].time);
}

bool in_flight(const Sighting& s) { return s.whole && s.bottom > kOffGround && s.overlap > 0.7; }

// The slope of x over at most four sightings from `from` on, in steps of `step`.
std::optional<double> velocity(const std::vector<Sighting>& seen, std::size_t from, int step) {
  std::vector<const Sighting*> used;
  for (auto i = static_cast<std::ptrdiff_t>(from);
       i >= 0 && i < static_cast<std::ptrdiff_t>(seen.size()) && used.size() < 4; i += step) {
    if (seen[static_cast<std::size_t>(i)].whole) used.push_back(&seen[static_cast<std::size_t>(i)]);
  }
  if (used.size() < 3) return std::nullopt;
  double t = 0;
  double x = 0;
  for (const Sighting* s : used) {
    t += s->time / static_cast<double>(used.size());
    x += s->x / static_cast<double>(used.size());
  }
  double up = 0;
  double down = 0;
  for (const Sighting* s : used) {
    up += (s->time - t) * (s->x - x);
    down += (s->time - t) * (s->time - t);
  }
  return up / down;
}

}  // namespace

std::vector<Flight> find_flights(const Track& track) {
  const std::vector<Sighting>& seen = track.sightings;
  std::vector<Flight> flights;
  for (std::size_t first = 0; first < seen.size();) {
    std::size_t last = first;
    // Whatever is touched pushes up, and gravity never does.
    constexpr double kPushed = 0.55;  // metres a second
    while (last + 1 < seen.size() && in_flight(seen[last + 1]) && seen[last + 1].frame == seen[last].frame + 1 &&
           (last == first || speed_up(seen, last) < speed_up(seen, last - 1) + kPushed)) {
      ++last;
    }
    if (in_flight(seen[first]) && last - first + 1 >= kFewest) {
      const Parabola p = fit(seen, first, last);
      double low = seen[first].y;
      double high = low;
      for (std::size_t i = first; i <= last; ++i) {
        low = std::min(low, seen[i].y);
        high = std::max(high, seen[i].y);
      }
      constexpr double kFell = 0.4;  // metres; what moves less rests on something
      if (p.spread > 0 && high - low > kFell)
        flights.push_back({first, last, -2 * p.c, p.residual, 2 * kPlaceError / std::sqrt(p.spread)});
    }
    first = std::max(last, first + 1);
    if (last > first && !in_flight(seen[first])) ++first;
  }
  return flights;
}

std::optional<Fall> fitted_fall(const Track& track, double expected, double precision) {
  double weights = 0;
  Fall fall;
  for (const Flight& flight : find_flights(track)) {
    const double weight = 1 / (flight.uncertainty * flight.uncertainty);
    weights += weight;
    fall.gravity += weight * flight.gravity;
    fall.residual += weight * flight.residual;
  }
  if (weights <= 0 || std::sqrt(1 / weights) > precision * expected) return std::nullopt;
  fall.gravity /= weights;
  fall.residual /= weights;
  return fall;
}

std::optional<bool> loses_energy(const Track& track, double gravity) {
  const std::vector<Sighting>& seen = track.sightings;
  double least = 1e18;
  double most = 0;
  std::size_t judged = 0;
  bool gained = false;
  for (std::size_t i = 1; i + 1 < seen.size(); ++i) {
    if (!seen[i - 1].whole || !seen[i].whole || !seen[i + 1].whole) continue;
    if (seen[i + 1].frame != seen[i - 1].frame + 2) continue;
    // What is pushed between two frames has no one speed at the middle one.
    const double pushed = std::fabs(speed_up(seen, i) - speed_up(seen, i - 1));
    const double dt = seen[i].time - seen[i - 1].time;
    if (pushed > gravity * dt + 0.8) continue;
    const double vx = 0.5 * (speed_across(seen, i) + speed_across(seen, i - 1));
    const double vy = 0.5 * (speed_up(seen, i) + speed_up(seen, i - 1));
    const double energy = gravity * std::max(0.0, seen[i].bottom) + 0.5 * (vx * vx + vy * vy);
    ++judged;
    most = std::max(most, energy);
    // Speeds err by a quarter of a metre a second.
    const double error = 0.9 + 0.5 * std::sqrt(2 * energy) + 0.06 * most;
    if (energy > least + error) gained = true;
    least = std::min(least, energy);
  }
  if (judged < 4) return std::nullopt;
  return !gained;
}

double deepest_overlap(const Tracks& tracks) {
  double deepest = 0;
  for (std::size_t a = 0; a < tracks.things.size(); ++a) {
    const Track& one = tracks.things[a];
    for (const Sighting& s : one.sightings) {
      if (!s.whole) continue;
      const double inner = at(kInner, one.shape) * one.diameter;
      deepest = std::max(deepest, inner - s.y);
      for (std::size_t b = 0; b < a; ++b) {
        const Track& other = tracks.things[b];
        const Sighting* t = other.at(s.frame);
        if (t == nullptr || !t->whole) continue;
        const double away = std::sqrt((s.x - t->x) * (s.x - t->x) + (s.y - t->y) * (s.y - t->y));
        deepest = std::max(deepest, inner + at(kInner, other.shape) * other.diameter - away);
      }
    }
  }
  return deepest;
}

std::optional<double> momentum_kept(const Track& first, const Track& second, double time) {
  std::array<const Track*, 2> tracks = {&first, &second};
  double before = 0;
  double after = 0;
  for (const Track* track : tracks) {
    const std::vector<Sighting>& seen = track->sightings;
    std::size_t next = 0;
    while (next < seen.size() && seen[next].time <= time) ++next;
    if (next == 0 || next >= seen.size()) return std::nullopt;
    const auto v0 = velocity(seen, next - 1, -1);
    const auto v1 = velocity(seen, next, 1);
    if (!v0 || !v1) return std::nullopt;
    const double mass = at(kUnitAreas, track->shape) * track->diameter * track->diameter;
    before += mass * *v0;
    after += mass * *v1;
  }
  const double mass = at(kUnitAreas, first.shape) * first.diameter * first.diameter;
  constexpr double kSlow = 1.0;  // metres a second
  if (std::fabs(before) < kSlow * mass) return std::nullopt;
  return after / before;
}

}  // namespace starling::train::evaluation
