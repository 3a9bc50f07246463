#pragma once

#include <cstddef>
#include <vector>

#include "train/world/scenario.h"

namespace starling::train::world {

// Steps a second. Fixed, so that what happens does not depend on the frame rate.
inline constexpr int kStepsPerSecond = 120;

struct Pose {
  double x = 0.0, y = 0.0, angle = 0.0;  // of the centroid
  double velocity_x = 0.0, velocity_y = 0.0, spin = 0.0;
};

inline constexpr std::size_t kGroundBody = 254;

// Two bodies begin to touch. A body is an actor, a prop (numbered after the actors) or kGroundBody.
struct Touch {
  double time = 0.0;
  std::size_t first = 0, second = 0;  // first < second
  double speed = 0.0;                 // at which they approached, metres a second
};

// What happened, step by step.
class Course {
 public:
  Course(std::size_t bodies, std::size_t actors) : bodies_(bodies), actors_(actors) {}

  std::size_t bodies() const { return bodies_; }  // actors, then props
  std::size_t actors() const { return actors_; }
  std::size_t steps() const { return track_.size() / bodies_; }
  double seconds() const { return static_cast<double>(steps() - 1) / kStepsPerSecond; }
  const Pose& at(std::size_t step, std::size_t body) const { return track_[step * bodies_ + body]; }
  Pose& at(std::size_t step, std::size_t body) { return track_[step * bodies_ + body]; }
  // Between two steps on the line that joins them. Precondition: 0 ≤ t ≤ seconds().
  Pose at_time(double t, std::size_t body) const;
  void add_step() { track_.resize(track_.size() + bodies_); }

  std::vector<Touch> touches;  // in the order of time
  // Kinetic and potential energy of all that moves, joules, by step; things that have yet to enter count as they will.
  std::vector<double> energy;
  // The deepest that two bodies were inside each other, metres.
  double deepest = 0.0;

 private:
  std::size_t bodies_;
  std::size_t actors_;
  std::vector<Pose> track_;
};

// Lets a scenario happen for a while (Box2D). A pure function: the same numbers on machines with the same Box2D and
// mathematics library. Safe on several threads at once.
Course simulate(const Scenario& scenario, double seconds);

}  // namespace starling::train::world
