#include "cli/commands.h"

#include <array>

namespace starling::cli {
namespace {

constexpr std::array kCommands{
    Command{"train transformer", "Train a video transformer with its text encoder",
            "starling train transformer --out runs/transformer --vae runs/vae/vae --steps 30000",
            declare_train_transformer},
    Command{"train vae", "Train a video autoencoder", "starling train vae --out runs/vae --steps 12000",
            declare_train_vae},
    Command{"version", "Print the version and what this machine offers", "starling version --json", declare_version},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace starling::cli
