#pragma once

#include "train/world/stage.h"

namespace starling::train::world {

// What plots are made of.

// +1 to the right, −1 to the left.
double sign_of(Direction direction);
Direction draw_direction(Random& random);

// Standing upright on the ground, at rest.
Actor standing(const Thing& thing, double x);
// On its way over the ground: balls roll without slipping, others slide and slow down by `friction`.
void set_off(Actor& actor, double velocity, double friction = 0.02);
// Lets it come to rest after about so many metres.
void stop_after(Actor& actor, double metres, const Setting& setting);
// Falls from rest so that it lands after about `seconds`, from at most `height` metres.
void drop(Actor& actor, double seconds, double height, const Setting& setting);
// Comes down at `seconds` and rebounds.
void bounce(Actor& actor, double seconds, const Stage& stage, Random& random, const Setting& setting);

// Adds an actor and what is said of it; gives its number.
std::size_t enter(Scenario& scenario, const Actor& actor);
void tell(Scenario& scenario, Act act, std::size_t subject, Direction direction = Direction::kNone,
          std::size_t object = kNobody, bool needed = true);

// The plots of stage.h.
bool stage_single(const Stage& stage, Casting& casting, Random& random, Scenario& scenario);
bool stage_together(const Stage& stage, Casting& casting, Random& random, Scenario& scenario);
bool stage_sequence(const Stage& stage, Casting& casting, Random& random, Scenario& scenario);
bool stage_collision(const Stage& stage, Casting& casting, Random& random, Scenario& scenario);
bool stage_ramp(const Stage& stage, Casting& casting, Random& random, Scenario& scenario);
bool stage_ledge(const Stage& stage, Casting& casting, Random& random, Scenario& scenario);
bool stage_hiding(const Stage& stage, Casting& casting, Random& random, Scenario& scenario);
bool stage_seesaw(const Stage& stage, Casting& casting, Random& random, Scenario& scenario);
bool stage_dominoes(const Stage& stage, Casting& casting, Random& random, Scenario& scenario);
bool stage_tower(const Stage& stage, Casting& casting, Random& random, Scenario& scenario);

}  // namespace starling::train::world
