#pragma once

#include <optional>
#include <vector>

#include "train/evaluation/tracks.h"

namespace starling::train::evaluation {

// A stretch of a track in free flight and the parabola through it.
struct Flight {
  std::size_t first = 0, last = 0;  // of the track's sightings
  double gravity = 0;               // metres per second squared, downwards
  double residual = 0;              // root mean square, metres
  double uncertainty = 0;           // standard deviation of the gravity, from the spread of the frames
};
// Of at least four frames, between touches of the ground or anything else.
std::vector<Flight> find_flights(const Track& track);

// The gravity of all of a track's flights, each by its weight; nothing if it cannot be told within `precision` of
// `expected`.
struct Fall {
  double gravity = 0;
  double residual = 0;
};
std::optional<Fall> fitted_fall(const Track& track, double expected, double precision);

// Whether a thing left to itself never gains energy in a gravity, kinetic and potential together, beyond what the
// measurement may err by. Nothing if it is seen too short.
std::optional<bool> loses_energy(const Track& track, double gravity);

// The deepest that anything is in anything else or in the ground, metres.
double deepest_overlap(const Tracks& tracks);

// How much of the momentum along x is left when one thing has hit another at a time: 1 if all is. Masses are as the
// areas. Nothing if one of them is not seen for long enough before and after, or hardly moved.
std::optional<double> momentum_kept(const Track& first, const Track& second, double time);

}  // namespace starling::train::evaluation
