#pragma once

#include "cli/command.h"

// One function a command, each in the file of that name; the table is in commands.cpp.
namespace starling::cli {

Action declare_train_transformer(Options& options);
Action declare_train_vae(Options& options);
Action declare_version(Options& options);

}  // namespace starling::cli
