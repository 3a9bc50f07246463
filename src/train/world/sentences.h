#pragma once

#include <string>

#include "train/world/caption.h"
#include "train/world/telling.h"

namespace starling::train::world {

// A telling put into words. `tersely` leaves out more; `said` is overwritten with what is said.
std::string english_sentences(const Scenario& scenario, const Telling& telling, bool tersely, Random& random,
                              Said& said);
// In simplified characters.
std::string chinese_sentences(const Scenario& scenario, const Telling& telling, bool tersely, Random& random,
                              Said& said);

}  // namespace starling::train::world
