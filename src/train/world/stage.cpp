#include "train/world/stage.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "train/world/acting.h"

namespace starling::train::world {

namespace {

struct PlotRow {
  std::string_view name;
  bool (*stage)(const Stage&, Casting&, Random&, Scenario&);
};

constexpr std::array<PlotRow, kPlots> kPlotTable = {{
    {"single", stage_single},
    {"together", stage_together},
    {"sequence", stage_sequence},
    {"collision", stage_collision},
    {"ramp", stage_ramp},
    {"ledge", stage_ledge},
    {"hiding", stage_hiding},
    {"seesaw", stage_seesaw},
    {"dominoes", stage_dominoes},
    {"tower", stage_tower},
}};

}  // namespace

std::string_view name(Plot plot) { return kPlotTable[static_cast<std::size_t>(plot) % kPlots].name; }

bool stage(Plot plot, const Stage& stage, Random& random, Scenario& scenario) {
  Casting casting(random, stage.split);
  return kPlotTable[static_cast<std::size_t>(plot) % kPlots].stage(stage, casting, random, scenario) &&
         !casting.failed();
}

}  // namespace starling::train::world
