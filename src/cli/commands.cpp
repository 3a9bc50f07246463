#include "cli/commands.h"

#include <array>

namespace starling::cli {
namespace {

constexpr std::array kCommands{
    Command{"version", "Print the version and what this machine offers", "starling version --json", declare_version},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace starling::cli
